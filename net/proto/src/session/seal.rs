//! The SEALED datagram of DESIGN "One UDP socket":
//! `0x20 | zero u24 | receiver_index u32 | counter u64 | ciphertext | tag 16`, numbers most significant byte first, nonce = counter.
//! Sealing allocates the datagram and nothing else; opening writes into a buffer that the caller keeps.

use std::fmt;

use snow::StatelessTransportState;

use crate::limits::{DATAGRAM_BYTES_MAX, SEALED_OVERHEAD};
use crate::noise::Established;
use crate::time::Instant;
use crate::wire::Reader;

const TYPE_SEALED: u8 = 0x20;
const HEADER_BYTES: usize = 16;
const TAG_BYTES: usize = SEALED_OVERHEAD - HEADER_BYTES;

/// What stands in the clear before the ciphertext.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) receiver_index: u32,
    pub(crate) counter: u64,
}

impl Header {
    /// `None`: not a sealed datagram.
    pub(crate) fn parse(datagram: &[u8]) -> Option<Self> {
        if datagram.len() < SEALED_OVERHEAD || datagram.len() > DATAGRAM_BYTES_MAX {
            return None;
        }
        let mut reader = Reader::new(datagram);
        if reader.array().ok()? != [TYPE_SEALED, 0, 0, 0] {
            return None;
        }
        Some(Self { receiver_index: reader.u32().ok()?, counter: reader.u64().ok()? })
    }
}

/// The keys of one handshake.
pub(crate) struct Keys {
    transport: StatelessTransportState,
    pub(crate) handshake_hash: [u8; 32],
    pub(crate) our_index: u32,
    their_index: u32,
    pub(crate) since: Instant,
}

impl Keys {
    pub(crate) fn new(established: Established, now: Instant) -> Self {
        let Established { transport, handshake_hash, our_index, their_index, .. } = established;
        Self { transport, handshake_hash, our_index, their_index, since: now }
    }

    /// `None` only if the plaintext is larger than a datagram or the counter is used up.
    pub(crate) fn seal(&self, counter: u64, plaintext: &[u8]) -> Option<Vec<u8>> {
        let mut datagram = Vec::with_capacity(plaintext.len() + SEALED_OVERHEAD);
        datagram.extend_from_slice(&[TYPE_SEALED, 0, 0, 0]);
        datagram.extend_from_slice(&self.their_index.to_be_bytes());
        datagram.extend_from_slice(&counter.to_be_bytes());
        datagram.resize(plaintext.len() + SEALED_OVERHEAD, 0);
        let sealed = self.transport.write_message(counter, plaintext, datagram.get_mut(HEADER_BYTES..)?);
        (sealed == Ok(plaintext.len() + TAG_BYTES)).then_some(datagram)
    }

    /// Opens the body of a datagram whose header was parsed. `None`: forged.
    pub(crate) fn open<'a>(&self, counter: u64, datagram: &[u8], buffer: &'a mut [u8]) -> Option<&'a [u8]> {
        let len = self.transport.read_message(counter, datagram.get(HEADER_BYTES..)?, buffer).ok()?;
        buffer.get(..len)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("our_index", &self.our_index).finish_non_exhaustive()
    }
}
