//! The inside of a sealed datagram: `plaintext = chunk+`, `chunk = kind | length | body`, numbers as QUIC varints
//! (RFC 9000, section 16). Nothing here knows keys, peers or time. `transport` and the sessions write and read chunks;
//! only [`Reader`] indexes bytes that somebody else wrote.

mod chunk;
mod feedback;
mod media;
mod reader;
mod varint;

pub use chunk::{ByeReason, Chunk, chunks};
pub use feedback::{Arrival, Feedback, Nack, ReliableAck};
pub use media::{Audio, AudioBlock, AudioParity, VideoFragment};
pub use reader::Reader;
pub use varint::{MAX_VARINT, put_varint, varint_len};

use thiserror::Error;

/// Why bytes are not what they claim to be. Counted and dropped where nothing authenticates the bytes; inside a sealed
/// datagram it means that the peer's program is broken.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Malformed {
    /// Fewer bytes than announced.
    #[error("the bytes end too early")]
    Truncated,
    /// More bytes than the value has.
    #[error("bytes are left over behind the value")]
    Leftover,
    /// A number outside its range.
    #[error("a number is out of its range")]
    OutOfRange,
    /// A code that has no meaning.
    #[error("a code has no meaning")]
    UnknownCode,
}
