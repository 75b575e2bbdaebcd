//! The core's randomness for real: the operating system's generator and ML-KEM-768 by aws-lc-rs. Handed to the core by the
//! driver; simulated worlds use a seeded one instead.

use aws_lc_rs::kem::{Ciphertext, DecapsulationKey, EncapsulationKey, ML_KEM_768};
use conclave_proto::entropy::{Encapsulated, Entropy, KemError, KemKeyPair, KemSecret, SharedSecret};
use zeroize::Zeroizing;

/// Draws from the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&mut self, bytes: &mut [u8]) {
        if aws_lc_rs::rand::fill(bytes).is_err() {
            // Keys made from predictable bytes would be worse than no program.
            tracing::error!("the operating system gives no random bytes; stopping");
            std::process::abort();
        }
    }

    fn kem_generate(&mut self) -> Result<KemKeyPair, KemError> {
        let secret = DecapsulationKey::generate(&ML_KEM_768).map_err(|_| KemError)?;
        let public = secret.encapsulation_key().map_err(|_| KemError)?;
        let encapsulation_key = public.key_bytes().map_err(|_| KemError)?.as_ref().to_vec();
        Ok(KemKeyPair { secret: Box::new(Secret(secret)), encapsulation_key })
    }

    fn kem_encapsulate(&mut self, encapsulation_key: &[u8]) -> Result<Encapsulated, KemError> {
        let key = EncapsulationKey::new(&ML_KEM_768, encapsulation_key).map_err(|_| KemError)?;
        let (ciphertext, secret) = key.encapsulate().map_err(|_| KemError)?;
        Ok(Encapsulated { ciphertext: ciphertext.as_ref().to_vec(), secret: shared_secret(secret.as_ref())? })
    }
}

/// aws-lc-rs wipes the key when it is dropped.
struct Secret(DecapsulationKey);

impl KemSecret for Secret {
    fn decapsulate(&self, ciphertext: &[u8]) -> Result<SharedSecret, KemError> {
        let secret = self.0.decapsulate(Ciphertext::from(ciphertext)).map_err(|_| KemError)?;
        shared_secret(secret.as_ref())
    }
}

fn shared_secret(bytes: &[u8]) -> Result<SharedSecret, KemError> {
    let mut secret = Zeroizing::new([0; 32]);
    if bytes.len() != secret.len() {
        return Err(KemError);
    }
    secret.copy_from_slice(bytes);
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use conclave_proto::entropy::{CIPHERTEXT_BYTES, ENCAPSULATION_KEY_BYTES};

    use super::*;

    #[test]
    fn both_sides_agree_and_a_forged_ciphertext_does_not() -> Result<(), KemError> {
        let mut entropy = SystemEntropy;
        let pair = entropy.kem_generate()?;
        assert_eq!(pair.encapsulation_key.len(), ENCAPSULATION_KEY_BYTES);
        let sent = entropy.kem_encapsulate(&pair.encapsulation_key)?;
        assert_eq!(sent.ciphertext.len(), CIPHERTEXT_BYTES);
        assert_eq!(*pair.secret.decapsulate(&sent.ciphertext)?, *sent.secret);
        let mut forged = sent.ciphertext.clone();
        forged[7] ^= 1;
        assert_ne!(*pair.secret.decapsulate(&forged)?, *sent.secret);
        assert!(pair.secret.decapsulate(&forged[1..]).is_err());
        assert!(entropy.kem_encapsulate(&[0xff; ENCAPSULATION_KEY_BYTES]).is_err());
        Ok(())
    }

    #[test]
    fn random_bytes_differ() {
        let (mut one, mut two) = ([0; 32], [0; 32]);
        SystemEntropy.fill(&mut one);
        SystemEntropy.fill(&mut two);
        assert_ne!(one, two);
    }
}
