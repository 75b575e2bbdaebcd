//! The chunk: what one sealed datagram carries several of. Encoding appends, parsing borrows; neither allocates. A kind
//! that this version does not know is skipped, which is why every chunk says its length.

use crate::frames::{SenderReport, Shortfall, SpatialLayer, Wish};

use super::media::{layer_code, parse_layer};
use super::{Audio, Feedback, Malformed, Nack, Reader, ReliableAck, VideoFragment, put_varint};

/// One chunk of a datagram. `Transport` takes all but `PathChallenge`, `PathResponse`, `KeepAlive` and `Bye`, which are the
/// session's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunk<'a> {
    /// Sound.
    Audio(Audio<'a>),
    /// A piece of a picture.
    VideoFragment(VideoFragment<'a>),
    /// A parity piece of a picture: `index` is its row, the payload `unit` bytes long.
    VideoFec(VideoFragment<'a>),
    /// What arrived, and when.
    Feedback(Feedback<'a>),
    /// Missing pieces of pictures.
    Nack(Nack<'a>),
    /// A decoder cannot go on.
    KeyRequest {
        /// Of which layer.
        layer: SpatialLayer,
        /// A key frame from this number on helps; older ones are there already.
        from_number: u32,
    },
    /// What the sender of this chunk wants to see.
    Wish {
        /// Grows with every change, so that an overtaken one is told apart.
        version: u32,
        /// The wish.
        wish: Wish,
    },
    /// Clock mapping, mute and camera state.
    SenderReport {
        /// Grows with every report, so that an overtaken one is told apart.
        version: u32,
        /// The report.
        report: SenderReport,
    },
    /// Bytes of the reliable stream.
    Reliable {
        /// Where in the stream they begin.
        offset: u64,
        /// The bytes.
        data: &'a [u8],
    },
    /// What of the reliable stream is there.
    ReliableAck(ReliableAck<'a>),
    /// Is the peer at this address? Answered by `PathResponse` with the same bytes.
    PathChallenge([u8; 8]),
    /// The answer.
    PathResponse([u8; 8]),
    /// Still here, and this is the head of our membership set.
    KeepAlive {
        /// First bytes of its hash.
        head: [u8; 8],
    },
    /// Padding of this many bytes of body, for probes.
    Pad(usize),
    /// The sender is going.
    Bye {
        /// Why.
        reason: ByeReason,
    },
}

/// Why a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByeReason {
    /// Of the sender's own will.
    Leaving,
    /// The receiver was denied entry.
    Denied,
    /// The receiver was removed from the meeting.
    Removed,
    /// The receiver broke the protocol.
    Misbehaved,
}

const AUDIO: u64 = 1;
const VIDEO_FRAGMENT: u64 = 2;
const VIDEO_FEC: u64 = 3;
const FEEDBACK: u64 = 4;
const NACK: u64 = 5;
const KEY_REQUEST: u64 = 6;
const WISH: u64 = 7;
const SENDER_REPORT: u64 = 8;
const RELIABLE: u64 = 9;
const RELIABLE_ACK: u64 = 10;
const PATH_CHALLENGE: u64 = 11;
const PATH_RESPONSE: u64 = 12;
const KEEP_ALIVE: u64 = 13;
const PAD: u64 = 14;
const BYE: u64 = 15;

/// A body's length is written in two bytes, so that it can be filled in afterwards: 0x40 marks a varint of that size.
const LENGTH_BYTES: usize = 2;

impl Chunk<'_> {
    /// Bytes before the body.
    pub const HEADER_LEN: usize = 1 + LENGTH_BYTES;

    /// Sound and pictures, whatever repairs them included: for members of a room only.
    pub(crate) const fn is_media(&self) -> bool {
        matches!(self, Self::Audio(_) | Self::VideoFragment(_) | Self::VideoFec(_))
    }

    /// Appends the chunk. Bodies of 16,384 bytes or more do not exist: a datagram is smaller.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.kind());
        let length_at = out.len();
        out.extend_from_slice(&[0; LENGTH_BYTES]);
        self.encode_body(out);
        let length = out.len() - length_at - LENGTH_BYTES;
        debug_assert!(length < 0x4000, "a chunk fits a datagram");
        let length = u16::try_from(length).unwrap_or(u16::MAX) & 0x3fff | 0x4000;
        if let Some(slot) = out.get_mut(length_at..length_at + LENGTH_BYTES) {
            slot.copy_from_slice(&length.to_be_bytes());
        }
    }

    const fn kind(&self) -> u64 {
        match self {
            Chunk::Audio(_) => AUDIO,
            Chunk::VideoFragment(_) => VIDEO_FRAGMENT,
            Chunk::VideoFec(_) => VIDEO_FEC,
            Chunk::Feedback(_) => FEEDBACK,
            Chunk::Nack(_) => NACK,
            Chunk::KeyRequest { .. } => KEY_REQUEST,
            Chunk::Wish { .. } => WISH,
            Chunk::SenderReport { .. } => SENDER_REPORT,
            Chunk::Reliable { .. } => RELIABLE,
            Chunk::ReliableAck(_) => RELIABLE_ACK,
            Chunk::PathChallenge(_) => PATH_CHALLENGE,
            Chunk::PathResponse(_) => PATH_RESPONSE,
            Chunk::KeepAlive { .. } => KEEP_ALIVE,
            Chunk::Pad(_) => PAD,
            Chunk::Bye { .. } => BYE,
        }
    }

    fn encode_body(&self, out: &mut Vec<u8>) {
        match self {
            Chunk::Audio(audio) => audio.encode(out),
            Chunk::VideoFragment(fragment) => fragment.encode(out),
            Chunk::VideoFec(parity) => parity.encode(out),
            Chunk::Feedback(feedback) => feedback.encode(out),
            Chunk::Nack(nack) => nack.encode(out),
            Chunk::KeyRequest { layer, from_number } => {
                out.push(layer_code(*layer));
                put_varint(out, u64::from(*from_number));
            }
            Chunk::Wish { version, wish } => {
                put_varint(out, u64::from(*version));
                out.push(wish.layer.map_or(0, |layer| layer_code(layer) + 1));
                out.push(u8::from(wish.full_frame_rate));
            }
            Chunk::SenderReport { version, report } => {
                put_varint(out, u64::from(*version));
                put_varint(out, report.audio_position);
                put_varint(out, report.captured_us);
                let shortfall = (report.shortfall as u8) << 2;
                out.push(u8::from(report.muted) | u8::from(report.camera_on) << 1 | shortfall);
            }
            Chunk::Reliable { offset, data } => {
                put_varint(out, *offset);
                out.extend_from_slice(data);
            }
            Chunk::ReliableAck(ack) => ack.encode(out),
            Chunk::PathChallenge(token) | Chunk::PathResponse(token) => out.extend_from_slice(token),
            Chunk::KeepAlive { head } => out.extend_from_slice(head),
            Chunk::Pad(len) => out.resize(out.len() + len, 0),
            Chunk::Bye { reason } => out.push(match reason {
                ByeReason::Leaving => 0,
                ByeReason::Denied => 1,
                ByeReason::Removed => 2,
                ByeReason::Misbehaved => 3,
            }),
        }
    }
}

/// The chunks of an opened datagram. Ends after the first error.
pub fn chunks(plaintext: &[u8]) -> impl Iterator<Item = Result<Chunk<'_>, Malformed>> {
    let mut reader = Reader::new(plaintext);
    std::iter::from_fn(move || {
        while !reader.is_empty() {
            match next_chunk(&mut reader) {
                Ok(Some(chunk)) => return Some(Ok(chunk)),
                Ok(None) => {}
                Err(malformed) => {
                    reader.take_rest();
                    return Some(Err(malformed));
                }
            }
        }
        None
    })
}

fn next_chunk<'a>(reader: &mut Reader<'a>) -> Result<Option<Chunk<'a>>, Malformed> {
    let kind = reader.varint()?;
    let body = reader.prefixed()?;
    parse_body(kind, body)
}

fn parse_body(kind: u64, body: &[u8]) -> Result<Option<Chunk<'_>>, Malformed> {
    let mut reader = Reader::new(body);
    let chunk = match kind {
        AUDIO => return Audio::parse(body).map(|audio| Some(Chunk::Audio(audio))),
        VIDEO_FRAGMENT => {
            return VideoFragment::parse(body).map(|fragment| Some(Chunk::VideoFragment(fragment)));
        }
        VIDEO_FEC => return VideoFragment::parse_parity(body).map(|parity| Some(Chunk::VideoFec(parity))),
        FEEDBACK => return Feedback::parse(body).map(|feedback| Some(Chunk::Feedback(feedback))),
        NACK => return Nack::parse(body).map(|nack| Some(Chunk::Nack(nack))),
        KEY_REQUEST => Chunk::KeyRequest { layer: parse_layer(reader.u8()?)?, from_number: reader.varint_u32()? },
        WISH => {
            let version = reader.varint_u32()?;
            let layer = match reader.u8()? {
                0 => None,
                code => Some(parse_layer(code - 1)?),
            };
            Chunk::Wish { version, wish: Wish { layer, full_frame_rate: flags(reader.u8()?, 1)? & 1 != 0 } }
        }
        SENDER_REPORT => {
            let (version, audio_position, captured_us) = (reader.varint_u32()?, reader.varint()?, reader.varint()?);
            let flags = flags(reader.u8()?, 15)?;
            let shortfall = match flags >> 2 {
                0 => Shortfall::Nothing,
                1 => Shortfall::Smaller,
                2 => Shortfall::Fewer,
                _ => Shortfall::NoPictures,
            };
            let (muted, camera_on) = (flags & 1 != 0, flags & 2 != 0);
            let report = SenderReport { audio_position, captured_us, muted, camera_on, shortfall };
            Chunk::SenderReport { version, report }
        }
        RELIABLE => Chunk::Reliable { offset: reader.varint()?, data: reader.take_rest() },
        RELIABLE_ACK => return ReliableAck::parse(body).map(|ack| Some(Chunk::ReliableAck(ack))),
        PATH_CHALLENGE => Chunk::PathChallenge(reader.array()?),
        PATH_RESPONSE => Chunk::PathResponse(reader.array()?),
        KEEP_ALIVE => Chunk::KeepAlive { head: reader.array()? },
        PAD => Chunk::Pad(reader.take_rest().len()),
        BYE => Chunk::Bye {
            reason: match reader.u8()? {
                0 => ByeReason::Leaving,
                1 => ByeReason::Denied,
                2 => ByeReason::Removed,
                3 => ByeReason::Misbehaved,
                _ => return Err(Malformed::UnknownCode),
            },
        },
        _ => return Ok(None),
    };
    reader.finish()?;
    Ok(Some(chunk))
}

const fn flags(byte: u8, known: u8) -> Result<u8, Malformed> {
    if byte & !known == 0 { Ok(byte) } else { Err(Malformed::UnknownCode) }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
