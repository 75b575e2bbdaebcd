//! The core's only source of randomness, handed in from outside: aws-lc-rs in the network shell, a seeded one in simulated
//! worlds (`testing`). ML-KEM is here because its generation and encapsulation draw random bytes inside the library.

use std::fmt;

use zeroize::Zeroizing;

/// Bytes of an ML-KEM-768 encapsulation key (FIPS 203).
pub const ENCAPSULATION_KEY_BYTES: usize = 1184;
/// Bytes of an ML-KEM-768 ciphertext.
pub const CIPHERTEXT_BYTES: usize = 1088;

/// What ML-KEM agrees on. Wiped when dropped.
pub type SharedSecret = Zeroizing<[u8; 32]>;

/// Randomness and the ML-KEM operations that consume some.
pub trait Entropy {
    /// Fills `bytes` with unpredictable bytes. One that cannot must end the process: there is no safe way on.
    fn fill(&mut self, bytes: &mut [u8]);

    /// A fresh ML-KEM-768 key pair.
    ///
    /// # Errors
    /// The library refused; nothing that the peer did.
    fn kem_generate(&mut self) -> Result<KemKeyPair, KemError>;

    /// A fresh shared secret for the holder of `encapsulation_key`.
    ///
    /// # Errors
    /// The key is not a valid ML-KEM-768 encapsulation key: the peer's fault.
    fn kem_encapsulate(&mut self, encapsulation_key: &[u8]) -> Result<Encapsulated, KemError>;
}

/// The secret half of an ML-KEM-768 key pair. An implementation wipes it when dropped.
pub trait KemSecret: Send {
    /// The shared secret inside `ciphertext`. A forged ciphertext of the right length gives an unrelated secret.
    ///
    /// # Errors
    /// The ciphertext does not have the right length.
    fn decapsulate(&self, ciphertext: &[u8]) -> Result<SharedSecret, KemError>;
}

/// From [`Entropy::kem_generate`].
pub struct KemKeyPair {
    /// Stays here.
    pub secret: Box<dyn KemSecret>,
    /// Goes to the peer: [`ENCAPSULATION_KEY_BYTES`] bytes.
    pub encapsulation_key: Vec<u8>,
}

/// From [`Entropy::kem_encapsulate`].
pub struct Encapsulated {
    /// Goes back to the key's holder: [`CIPHERTEXT_BYTES`] bytes.
    pub ciphertext: Vec<u8>,
    /// Stays here.
    pub secret: SharedSecret,
}

impl fmt::Debug for KemKeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KemKeyPair(..)")
    }
}

impl fmt::Debug for Encapsulated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Encapsulated(..)")
    }
}

/// An ML-KEM operation was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid ML-KEM-768 key or ciphertext")]
pub struct KemError;
