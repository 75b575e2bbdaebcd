//! A seeded [`Entropy`] for simulated worlds and tests: the same seed gives the same bytes, keys and ciphertexts; and a long
//! [`History`] to measure. Only behind the feature `testing`; never linked into the program.

use std::collections::VecDeque;

use aws_lc_rs::digest;
use ml_kem::ml_kem_768::{DecapsulationKey, EncapsulationKey};
use ml_kem::{B32, Decapsulate as _, KeyExport as _, Seed};
use zeroize::Zeroizing;

use crate::entropy::{Encapsulated, Entropy, KemError, KemKeyPair, KemSecret, SharedSecret};
use crate::keys::{DeviceKey, MeetingKey};
use crate::membership::{Action, Membership};
use crate::words::MemberKeys;

pub use crate::membership::FoldBench;

/// SHA-256 in counter mode over a seed.
#[derive(Clone, Debug)]
pub struct SeededEntropy {
    seed: u64,
    counter: u64,
}

impl SeededEntropy {
    /// The same seed, the same stream.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { seed, counter: 0 }
    }

    /// Thirty-two bytes of the stream, for keys.
    pub fn seed32(&mut self) -> [u8; 32] {
        let mut seed = [0; 32];
        self.fill(&mut seed);
        seed
    }
}

impl Entropy for SeededEntropy {
    fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let mut context = digest::Context::new(&digest::SHA256);
            context.update(&self.seed.to_be_bytes());
            context.update(&self.counter.to_be_bytes());
            self.counter += 1;
            chunk.copy_from_slice(&context.finish().as_ref()[..chunk.len()]);
        }
    }

    fn kem_generate(&mut self) -> Result<KemKeyPair, KemError> {
        let mut seed = Seed::default();
        self.fill(&mut seed);
        let secret = DecapsulationKey::from_seed(seed);
        let encapsulation_key = secret.encapsulation_key().to_bytes().to_vec();
        Ok(KemKeyPair { secret: Box::new(Secret(secret)), encapsulation_key })
    }

    fn kem_encapsulate(&mut self, encapsulation_key: &[u8]) -> Result<Encapsulated, KemError> {
        let bytes = encapsulation_key.try_into().map_err(|_| KemError)?;
        let key = EncapsulationKey::new(&bytes).map_err(|_| KemError)?;
        let mut message = B32::default();
        self.fill(&mut message);
        let (ciphertext, secret) = key.encapsulate_deterministic(&message);
        Ok(Encapsulated { ciphertext: ciphertext.to_vec(), secret: Zeroizing::new(secret.into()) })
    }
}

struct Secret(DecapsulationKey);

impl KemSecret for Secret {
    fn decapsulate(&self, ciphertext: &[u8]) -> Result<SharedSecret, KemError> {
        let ciphertext = ciphertext.try_into().map_err(|_| KemError)?;
        Ok(Zeroizing::new(self.0.decapsulate(&ciphertext).into()))
    }
}

/// The signed operations of a meeting in which people come and go, for measuring the fold.
#[derive(Debug)]
pub struct History(Membership);

impl History {
    /// A room that fills to so many people, then loses and takes in one after the other, so many operations in all.
    #[must_use]
    pub fn new(people: usize, operations: usize) -> Option<Self> {
        let mut entropy = SeededEntropy::new(16);
        let key = MeetingKey::from_seed(&entropy.seed32()).ok()?;
        let device = DeviceKey::from_seed(&entropy.seed32()).ok()?.public();
        let mut membership = Membership::create(&key, [1; 16], device, entropy.seed32());
        let mut inside = VecDeque::new();
        for _ in 1..operations {
            let action = if inside.len() + 1 < people {
                let peer = MeetingKey::from_seed(&entropy.seed32()).ok()?.peer_id();
                inside.push_back(peer);
                Action::Admit(MemberKeys { peer, device, noise_static: entropy.seed32() })
            } else {
                Action::Remove(inside.pop_front()?)
            };
            membership.act(&key, action)?;
        }
        Some(Self(membership))
    }

    /// Folds all of it from the beginning; the number of people that are in.
    #[must_use]
    pub fn fold(&self) -> usize {
        self.0.folded_anew().members.len()
    }
}
