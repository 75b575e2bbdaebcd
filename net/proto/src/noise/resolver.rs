//! Snow's primitives on aws-lc-rs: four times as fast as snow's own, and libp2p's QUIC links the library anyway. BLAKE2s is
//! RustCrypto's. Private keys held here are wiped when dropped. Snow's own buffers are not (0.10): see `handshake`.

use std::fmt;

use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{PrivateKey, UnparsedPublicKey, X25519, agree};
use blake2::{Blake2s256, Digest as _};
use snow::Error;
use snow::params::{CipherChoice, DHChoice, HashChoice};
use snow::resolvers::CryptoResolver;
use snow::types::{Cipher, Dh, Hash, Random};
use zeroize::Zeroizing;

use crate::entropy::Entropy;

const KEY_BYTES: usize = 32;
const TAG_BYTES: usize = 16;

/// Our X25519 key for one meeting. A rekey keeps it, so that the meeting words stay.
pub(crate) struct NoiseStatic {
    private: Zeroizing<[u8; KEY_BYTES]>,
    public: [u8; KEY_BYTES],
}

impl NoiseStatic {
    pub(crate) fn generate(entropy: &mut dyn Entropy) -> Self {
        let mut private = Zeroizing::new([0; KEY_BYTES]);
        entropy.fill(private.as_mut_slice());
        let mut dh = X25519Dh::default();
        dh.set(private.as_slice());
        Self { private, public: dh.public }
    }

    pub(crate) const fn public(&self) -> [u8; KEY_BYTES] {
        self.public
    }

    pub(super) fn private(&self) -> &[u8] {
        self.private.as_slice()
    }
}

impl fmt::Debug for NoiseStatic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NoiseStatic(..)")
    }
}

/// Gives snow its primitives for one handshake.
pub(super) struct Resolver {
    ephemeral: Zeroizing<[u8; KEY_BYTES]>,
}

impl Resolver {
    pub(super) fn new(entropy: &mut dyn Entropy) -> Self {
        let mut ephemeral = Zeroizing::new([0; KEY_BYTES]);
        entropy.fill(ephemeral.as_mut_slice());
        Self { ephemeral }
    }
}

impl CryptoResolver for Resolver {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        Some(Box::new(OneDraw(Some(self.ephemeral.clone()))))
    }

    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        matches!(choice, DHChoice::Curve25519).then(|| Box::<X25519Dh>::default() as Box<dyn Dh>)
    }

    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        matches!(choice, HashChoice::Blake2s).then(|| Box::<Blake2s>::default() as Box<dyn Hash>)
    }

    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn Cipher>> {
        matches!(choice, CipherChoice::ChaChaPoly).then(|| Box::<ChaChaPoly>::default() as Box<dyn Cipher>)
    }
}

/// A handshake side draws randomness exactly once, for its ephemeral key. A second draw would repeat it, so it fails.
struct OneDraw(Option<Zeroizing<[u8; KEY_BYTES]>>);

impl Random for OneDraw {
    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), Error> {
        let bytes = self.0.take().ok_or(Error::Rng)?;
        if dest.len() != bytes.len() {
            return Err(Error::Rng);
        }
        dest.copy_from_slice(bytes.as_slice());
        Ok(())
    }
}

#[derive(Default)]
struct X25519Dh {
    private: Zeroizing<[u8; KEY_BYTES]>,
    public: [u8; KEY_BYTES],
    key: Option<PrivateKey>,
}

impl Dh for X25519Dh {
    fn name(&self) -> &'static str {
        "25519"
    }

    fn pub_len(&self) -> usize {
        KEY_BYTES
    }

    fn priv_len(&self) -> usize {
        KEY_BYTES
    }

    fn set(&mut self, privkey: &[u8]) {
        // Snow gives no way to report an error here; without a key every `dh` fails, and so does the handshake.
        self.key = PrivateKey::from_private_key(&X25519, privkey).ok();
        if let Some(public) = self.key.as_ref().and_then(|key| key.compute_public_key().ok())
            && public.as_ref().len() == KEY_BYTES
            && privkey.len() == KEY_BYTES
        {
            self.public.copy_from_slice(public.as_ref());
            self.private.copy_from_slice(privkey);
        }
    }

    fn generate(&mut self, rng: &mut dyn Random) -> Result<(), Error> {
        let mut private = Zeroizing::new([0; KEY_BYTES]);
        rng.try_fill_bytes(private.as_mut_slice())?;
        self.set(private.as_slice());
        Ok(())
    }

    fn pubkey(&self) -> &[u8] {
        &self.public
    }

    fn privkey(&self) -> &[u8] {
        self.private.as_slice()
    }

    fn dh(&self, pubkey: &[u8], out: &mut [u8]) -> Result<(), Error> {
        let key = self.key.as_ref().ok_or(Error::Dh)?;
        let theirs = pubkey.get(..KEY_BYTES).ok_or(Error::Dh)?;
        let out = out.get_mut(..KEY_BYTES).ok_or(Error::Dh)?;
        agree(key, UnparsedPublicKey::new(&X25519, theirs), Error::Dh, |shared| {
            out.copy_from_slice(shared);
            Ok(())
        })
    }
}

#[derive(Default)]
struct ChaChaPoly {
    key: Option<LessSafeKey>,
}

fn nonce(counter: u64) -> Nonce {
    let mut bytes = [0; 12];
    bytes[4..].copy_from_slice(&counter.to_le_bytes());
    Nonce::assume_unique_for_key(bytes)
}

impl Cipher for ChaChaPoly {
    fn name(&self) -> &'static str {
        "ChaChaPoly"
    }

    fn set(&mut self, key: &[u8; KEY_BYTES]) {
        self.key = UnboundKey::new(&CHACHA20_POLY1305, key).ok().map(LessSafeKey::new);
    }

    fn encrypt(&self, counter: u64, authtext: &[u8], plaintext: &[u8], out: &mut [u8]) -> usize {
        let sealed = self.key.as_ref().and_then(|key| {
            let (ciphertext, rest) = out.split_at_mut_checked(plaintext.len())?;
            let tag = rest.get_mut(..TAG_BYTES)?;
            key.seal_out_of_place_scatter(nonce(counter), Aad::from(authtext), plaintext, ciphertext, &[], tag).ok()
        });
        // Snow gives no way to report an error here. Zeros open nowhere, so a failure is a lost message, never a leak.
        if sealed.is_none() {
            out.fill(0);
        }
        plaintext.len() + TAG_BYTES
    }

    fn decrypt(&self, counter: u64, authtext: &[u8], ciphertext: &[u8], out: &mut [u8]) -> Result<usize, Error> {
        let key = self.key.as_ref().ok_or(Error::Decrypt)?;
        let (body, tag) = ciphertext.split_last_chunk::<TAG_BYTES>().ok_or(Error::Decrypt)?;
        let out = out.get_mut(..body.len()).ok_or(Error::Decrypt)?;
        key.open_separate_gather(nonce(counter), Aad::from(authtext), body, tag, out).map_err(|_| Error::Decrypt)?;
        Ok(body.len())
    }
}

#[derive(Default)]
struct Blake2s(Blake2s256);

impl Hash for Blake2s {
    fn name(&self) -> &'static str {
        "BLAKE2s"
    }

    fn block_len(&self) -> usize {
        64
    }

    fn hash_len(&self) -> usize {
        32
    }

    fn reset(&mut self) {
        self.0.reset();
    }

    fn input(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    fn result(&mut self, out: &mut [u8]) {
        let digest = self.0.finalize_reset();
        if let Some(out) = out.get_mut(..32) {
            out.copy_from_slice(&digest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bob's keys are those of RFC 7748, section 6.1.
    #[test]
    fn x25519_makes_the_public_key_of_the_rfc_and_agrees() -> Result<(), Error> {
        let hex = |text: &str| data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap_or_default();
        let mut bob = X25519Dh::default();
        bob.set(&hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"));
        assert_eq!(bob.pubkey(), hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"));
        let mut alice = X25519Dh::default();
        alice.set(&[7; 32]);
        let (mut one, mut other) = ([0; 32], [0; 32]);
        alice.dh(bob.pubkey(), &mut one)?;
        bob.dh(alice.pubkey(), &mut other)?;
        assert_eq!(one, other);
        assert!(alice.dh(&[0; 32], &mut one).is_err(), "a point of low order must be refused");
        Ok(())
    }

    #[test]
    fn blake2s_agrees_with_the_rfc() {
        let mut hash = Blake2s::default();
        hash.input(b"abc");
        let mut out = [0; 32];
        hash.result(&mut out);
        // RFC 7693, appendix B.
        assert_eq!(
            data_encoding::HEXLOWER.encode(&out),
            "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982"
        );
    }
}
