//! Ed25519 keys: the device's long-lived one and the meeting's fresh one. Made from a seed that is handed in; the library
//! wipes its copy when the key is dropped, and nothing here ever prints one.

use std::fmt;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};

use crate::ids::{DevicePublicKey, PeerId};

/// Bytes of an Ed25519 signature.
pub(crate) const SIGNATURE_BYTES: usize = 64;
/// An Ed25519 signature.
pub(crate) type Signature = [u8; SIGNATURE_BYTES];

/// Who this device is to its owner's contacts. Long-lived; never on the wire in the clear.
pub struct DeviceKey(SigningKey);

/// Who we are in one meeting: its public half is our [`PeerId`] and the libp2p identity.
pub struct MeetingKey(SigningKey);

impl DeviceKey {
    /// From its 32-byte seed (wiping that is the caller's part).
    ///
    /// # Errors
    /// The library refused to make a key of it.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, KeyRejected> {
        SigningKey::from_seed(seed).map(Self)
    }

    /// The public half.
    #[must_use]
    pub const fn public(&self) -> DevicePublicKey {
        DevicePublicKey(self.0.public)
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Signature {
        self.0.sign(message)
    }
}

impl MeetingKey {
    /// From its 32-byte seed (wiping that is the caller's part).
    ///
    /// # Errors
    /// The library refused to make a key of it.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, KeyRejected> {
        SigningKey::from_seed(seed).map(Self)
    }

    /// The public half.
    #[must_use]
    pub const fn peer_id(&self) -> PeerId {
        PeerId(self.0.public)
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Signature {
        self.0.sign(message)
    }
}

/// Whether `signature` over `message` was made by the holder of `public`.
pub(crate) fn verify(public: &[u8; 32], message: &[u8], signature: &Signature) -> bool {
    UnparsedPublicKey::new(&ED25519, public).verify(message, signature).is_ok()
}

struct SigningKey {
    pair: Ed25519KeyPair,
    public: [u8; 32],
}

impl SigningKey {
    fn from_seed(seed: &[u8; 32]) -> Result<Self, KeyRejected> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| KeyRejected)?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| KeyRejected)?;
        Ok(Self { pair, public })
    }

    fn sign(&self, message: &[u8]) -> Signature {
        let mut signature = [0; SIGNATURE_BYTES];
        signature.copy_from_slice(self.pair.sign(message).as_ref());
        signature
    }
}

/// The library would not make a key of the seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the cryptographic library refused the key")]
pub struct KeyRejected;

impl fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceKey(..)")
    }
}

impl fmt::Debug for MeetingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MeetingKey({})", self.peer_id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_holds_for_its_key_and_message_only() -> Result<(), KeyRejected> {
        let key = MeetingKey::from_seed(&[7; 32])?;
        let other = MeetingKey::from_seed(&[8; 32])?;
        let signature = key.sign(b"hello");
        assert!(verify(&key.peer_id().0, b"hello", &signature));
        assert!(!verify(&key.peer_id().0, b"hallo", &signature));
        assert!(!verify(&other.peer_id().0, b"hello", &signature));
        Ok(())
    }

    #[test]
    fn printing_a_device_key_shows_nothing_of_it() -> Result<(), KeyRejected> {
        assert_eq!(format!("{:?}", DeviceKey::from_seed(&[7; 32])?), "DeviceKey(..)");
        Ok(())
    }
}
