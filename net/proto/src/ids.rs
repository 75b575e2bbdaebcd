//! Names of peers, meetings and devices. Plain bytes: how a key is made stands in `keys`, how a meeting gets its id in
//! `membership`.

use std::fmt;

/// A peer in one meeting: its Ed25519 meeting public key. The network shell derives the libp2p peer id from it, one to one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub [u8; 32]);

impl PeerId {
    /// Sixteen hexadecimal digits: enough to tell peers apart in events and commands.
    #[must_use]
    pub fn short(&self) -> String {
        self.0[..8].iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.short())
    }
}

impl fmt::Debug for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PeerId({})", self.short())
    }
}

/// A meeting, by sixteen random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MeetingId(pub [u8; 16]);

/// The Ed25519 public key of a device: who somebody is to their contacts. Only ever inside a handshake.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DevicePublicKey(pub [u8; 32]);

impl fmt::Debug for DevicePublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DevicePublicKey(..)")
    }
}
