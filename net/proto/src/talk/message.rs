//! What members say to each other about talk: `kind u8 | body`, inside a control message. Parsing checks form and size alone;
//! whether it may be said by whom is judged by the modules that take it. Called by `session::control`.

use bytes::Bytes;

use crate::ids::PeerId;
use crate::limits::{
    CHAT_BATCH_BYTES, CHAT_MESSAGES, FILE_BYTES, FILE_NAME_BYTES, FILE_PIECE_MAX, FILES_PER_PEER, MEMBERS,
};
use crate::wire::{Malformed, Reader, put_varint};

use super::chat::Signed;
use super::hands::Hand;
use super::hearing::Row;
use super::{FileId, Reaction};

/// Eight bytes of a message's digest, for comparing lists.
pub(super) type ShortDigest = [u8; 8];

/// One message of talk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TalkMessage {
    /// Text of the sender's own, as it is written.
    Say(Signed),
    /// What the sender's list of text and its hands hash to, as far as they concern us both.
    Heads { chat: [u8; 8], hands: [u8; 8] },
    /// Every message that the sender holds and we may have, and whether it already answers ours.
    Have { is_answer: bool, ids: Vec<ShortDigest> },
    /// Text that we lack, whoever wrote it. Only after a `Have` of ours.
    Give(Vec<Signed>),
    /// Hands, raised or lowered, whoever they belong to.
    Hands(Vec<Hand>),
    /// Shown once.
    React(Reaction),
    /// Whom the row's author hears. Passed on to those who are not heard.
    Hearing(Row),
    /// Please mute.
    AskMute { everyone: bool },
    /// Every file of the sender's that is still offered or under way to us.
    FilesOpen(Vec<FileId>),
    /// A file for us; told again when a path comes back.
    Offer { id: FileId, size: u64, sha256: [u8; 32], name: String },
    /// Send from `offset` on, at most up to `until`. Each attempt has a number, so that pieces of an earlier one are known.
    Accept { id: FileId, attempt: u32, offset: u64, until: u64 },
    /// So much is written; send at most up to `until`.
    Window { id: FileId, attempt: u32, written: u64, until: u64 },
    /// A piece of a file.
    Piece { id: FileId, attempt: u32, offset: u64, data: Bytes },
    /// We do not want it (any more).
    Decline(FileId),
    /// It is no longer to be had.
    Cancel(FileId),
    /// All is written, and it is, or is not, what was announced.
    Result { id: FileId, intact: bool },
}

const SAY: u8 = 1;
const HEADS: u8 = 2;
const HAVE: u8 = 3;
const GIVE: u8 = 4;
const HANDS: u8 = 5;
const REACT: u8 = 6;
const HEARING: u8 = 7;
const ASK_MUTE: u8 = 8;
const FILES_OPEN: u8 = 9;
const OFFER: u8 = 10;
const ACCEPT: u8 = 11;
const WINDOW: u8 = 12;
const PIECE: u8 = 13;
const DECLINE: u8 = 14;
const CANCEL: u8 = 15;
const RESULT: u8 = 16;

/// The smallest signed message: what its fixed parts take. Bounds how many a batch can hold.
const SIGNED_LEAST: usize = 100;

impl TalkMessage {
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Say(signed) => {
                out.push(SAY);
                signed.encode(out);
            }
            Self::Heads { chat, hands } => {
                out.push(HEADS);
                out.extend_from_slice(chat);
                out.extend_from_slice(hands);
            }
            Self::Have { is_answer, ids } => {
                out.extend_from_slice(&[HAVE, u8::from(*is_answer)]);
                out.extend(ids.iter().flatten());
            }
            Self::Give(all) => {
                out.push(GIVE);
                all.iter().for_each(|signed| signed.encode(out));
            }
            Self::Hands(all) => {
                out.push(HANDS);
                all.iter().for_each(|hand| hand.encode(out));
            }
            Self::React(reaction) => out.extend_from_slice(&[REACT, *reaction as u8]),
            Self::Hearing(row) => {
                out.push(HEARING);
                row.encode(out);
            }
            Self::AskMute { everyone } => out.extend_from_slice(&[ASK_MUTE, u8::from(*everyone)]),
            Self::FilesOpen(ids) => {
                out.push(FILES_OPEN);
                ids.iter().for_each(|id| out.extend_from_slice(&id.0.to_be_bytes()));
            }
            Self::Offer { id, size, sha256, name } => {
                put_file(out, OFFER, *id, &[*size]);
                out.extend_from_slice(sha256);
                out.extend_from_slice(name.as_bytes());
            }
            Self::Accept { id, attempt, offset, until } => {
                put_file(out, ACCEPT, *id, &[u64::from(*attempt), *offset, *until]);
            }
            Self::Window { id, attempt, written, until } => {
                put_file(out, WINDOW, *id, &[u64::from(*attempt), *written, *until]);
            }
            Self::Piece { id, attempt, offset, data } => {
                put_file(out, PIECE, *id, &[u64::from(*attempt), *offset]);
                out.extend_from_slice(data);
            }
            Self::Decline(id) => put_file(out, DECLINE, *id, &[]),
            Self::Cancel(id) => put_file(out, CANCEL, *id, &[]),
            Self::Result { id, intact } => put_file(out, RESULT, *id, &[u64::from(*intact)]),
        }
    }

    /// Takes all that is left in the reader.
    pub(crate) fn parse(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let message = match reader.u8()? {
            SAY => Self::Say(Signed::parse(reader)?),
            HEADS => Self::Heads { chat: reader.array()?, hands: reader.array()? },
            HAVE => Self::Have {
                is_answer: flag(reader.u8()?)?,
                ids: reader.until_end(CHAT_MESSAGES, |reader| reader.array())?,
            },
            GIVE => {
                let all = reader.until_end(CHAT_BATCH_BYTES / SIGNED_LEAST, Signed::parse)?;
                if all.is_empty() {
                    return Err(Malformed::Truncated);
                }
                Self::Give(all)
            }
            HANDS => Self::Hands(reader.until_end(MEMBERS, Hand::parse)?),
            REACT => {
                let code = reader.u8()?;
                let known = Reaction::ALL.into_iter().find(|reaction| *reaction as u8 == code);
                Self::React(known.ok_or(Malformed::UnknownCode)?)
            }
            HEARING => Self::Hearing(Row::parse(reader)?),
            ASK_MUTE => Self::AskMute { everyone: flag(reader.u8()?)? },
            FILES_OPEN => Self::FilesOpen(reader.until_end(FILES_PER_PEER, |reader| reader.u64().map(FileId))?),
            OFFER => {
                let (id, size, sha256) = (FileId(reader.u64()?), size(reader)?, reader.array()?);
                let name = std::str::from_utf8(reader.take_rest()).map_err(|_| Malformed::UnknownCode)?;
                if name.len() > FILE_NAME_BYTES {
                    return Err(Malformed::OutOfRange);
                }
                Self::Offer { id, size, sha256, name: name.to_owned() }
            }
            ACCEPT => {
                let (id, attempt) = (FileId(reader.u64()?), reader.varint_u32()?);
                let (offset, until) = ordered(reader)?;
                Self::Accept { id, attempt, offset, until }
            }
            WINDOW => {
                let (id, attempt) = (FileId(reader.u64()?), reader.varint_u32()?);
                let (written, until) = ordered(reader)?;
                Self::Window { id, attempt, written, until }
            }
            PIECE => {
                let (id, attempt, offset) = (FileId(reader.u64()?), reader.varint_u32()?, size(reader)?);
                let data = reader.take_rest();
                if data.is_empty() || data.len() > FILE_PIECE_MAX {
                    return Err(Malformed::OutOfRange);
                }
                Self::Piece { id, attempt, offset, data: Bytes::copy_from_slice(data) }
            }
            DECLINE => Self::Decline(FileId(reader.u64()?)),
            CANCEL => Self::Cancel(FileId(reader.u64()?)),
            RESULT => Self::Result { id: FileId(reader.u64()?), intact: flag(reader.u8()?)? },
            _ => return Err(Malformed::UnknownCode),
        };
        reader.finish()?;
        Ok(message)
    }
}

#[cfg(feature = "testing")]
impl TalkMessage {
    /// For members of simulated worlds whose program keeps no rules.
    pub(crate) fn signed_text(
        key: &crate::keys::MeetingKey,
        meeting: crate::ids::MeetingId,
        lamport: u64,
        text: &str,
    ) -> Self {
        let text = text.to_owned();
        let draft = super::chat::Draft { lamport, sequence: 0, sent_unix_s: 0, audience: Vec::new(), text };
        Self::Say(Signed::sign(key, meeting, draft))
    }
}

fn put_file(out: &mut Vec<u8>, kind: u8, id: FileId, numbers: &[u64]) {
    out.push(kind);
    out.extend_from_slice(&id.0.to_be_bytes());
    numbers.iter().for_each(|number| put_varint(out, *number));
}

pub(super) fn flag(byte: u8) -> Result<bool, Malformed> {
    match byte {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Malformed::UnknownCode),
    }
}

/// A size or a place within a file.
fn size(reader: &mut Reader<'_>) -> Result<u64, Malformed> {
    let size = reader.varint()?;
    if size > FILE_BYTES { Err(Malformed::OutOfRange) } else { Ok(size) }
}

fn ordered(reader: &mut Reader<'_>) -> Result<(u64, u64), Malformed> {
    let (from, until) = (size(reader)?, size(reader)?);
    if from > until { Err(Malformed::OutOfRange) } else { Ok((from, until)) }
}

/// A peer named in eight bytes: nobody can make a key that shares them with another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ShortId(pub(super) [u8; 8]);

impl From<PeerId> for ShortId {
    fn from(peer: PeerId) -> Self {
        Self(std::array::from_fn(|at| peer.0[at]))
    }
}
