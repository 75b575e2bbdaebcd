//! What peers say to each other on the reliable channel: `kind u8 | body`. Read by the core; the bytes come out of a sealed
//! session, so anything malformed is the peer's own doing.

use std::net::SocketAddr;

use zeroize::Zeroizing;

use crate::core::NoEntry;
use crate::ids::PeerId;
use crate::invite::{put_address, take_address};
use crate::limits::{CANDIDATES, INTRODUCTIONS, OPERATIONS, OPERATIONS_PER_MESSAGE};
use crate::membership::Op;
use crate::secret::RoomSecret;
use crate::talk::TalkMessage;
use crate::wire::{Malformed, Reader};

/// One message on the reliable channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Control {
    /// "May I come in?"
    Knock,
    /// "I heard you; somebody inside decides."
    Wait,
    /// "No", and why.
    Denied(NoEntry),
    /// Membership operations, parents first.
    Ops(Vec<Op>),
    /// Short ids of every operation that the sender holds, and whether it already answers ours.
    Have { is_answer: bool, ids: Vec<[u8; 8]> },
    /// Where other members can be found.
    Introduce(Vec<(PeerId, Vec<SocketAddr>)>),
    /// Where the sender can be found.
    Addresses(Vec<SocketAddr>),
    /// A message of the handshake that renews the session's keys. The attempt is the index that its beginner chose: what a
    /// cut delayed must not be taken for part of a later one.
    Rekey(RekeyStep, u32, Vec<u8>),
    /// "You are in": what members share, and nobody at the door knows.
    Welcome(RoomSecret),
    /// All that is neither membership nor media.
    Talk(TalkMessage),
}

/// Which message of the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RekeyStep {
    First,
    Second,
    Third,
}

const KNOCK: u8 = 1;
const WAIT: u8 = 2;
const DENIED: u8 = 3;
const OPS: u8 = 4;
const HAVE: u8 = 5;
const INTRODUCE: u8 = 6;
const ADDRESSES: u8 = 7;
const REKEY: u8 = 8;
const WELCOME: u8 = 9;
const TALK: u8 = 16;

impl Control {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64);
        match self {
            Self::Knock => out.push(KNOCK),
            Self::Wait => out.push(WAIT),
            Self::Denied(why) => out.extend_from_slice(&[DENIED, why.code()]),
            Self::Ops(ops) => {
                out.push(OPS);
                ops.iter().for_each(|op| op.encode(&mut out));
            }
            Self::Have { is_answer, ids } => {
                out.extend_from_slice(&[HAVE, u8::from(*is_answer)]);
                out.extend(ids.iter().flatten());
            }
            Self::Introduce(peers) => {
                out.push(INTRODUCE);
                for (peer, addresses) in peers {
                    out.extend_from_slice(&peer.0);
                    put_addresses(&mut out, addresses);
                }
            }
            Self::Addresses(addresses) => {
                out.push(ADDRESSES);
                put_addresses(&mut out, addresses);
            }
            Self::Rekey(step, attempt, message) => {
                let step = match step {
                    RekeyStep::First => 1,
                    RekeyStep::Second => 2,
                    RekeyStep::Third => 3,
                };
                out.extend_from_slice(&[REKEY, step]);
                out.extend_from_slice(&attempt.to_be_bytes());
                out.extend_from_slice(message);
            }
            Self::Welcome(secret) => {
                out.push(WELCOME);
                out.extend_from_slice(secret.bytes());
            }
            Self::Talk(message) => {
                out.push(TALK);
                message.encode(&mut out);
            }
        }
        out
    }

    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let control = match reader.u8()? {
            KNOCK => Self::Knock,
            WAIT => Self::Wait,
            DENIED => Self::Denied(NoEntry::from_code(reader.u8()?).ok_or(Malformed::UnknownCode)?),
            OPS => Self::Ops(reader.until_end(OPERATIONS_PER_MESSAGE, Op::parse)?),
            HAVE => Self::Have {
                is_answer: match reader.u8()? {
                    0 => false,
                    1 => true,
                    _ => return Err(Malformed::UnknownCode),
                },
                ids: reader.until_end(OPERATIONS, Reader::array)?,
            },
            INTRODUCE => Self::Introduce(
                reader.until_end(INTRODUCTIONS, |reader| Ok((PeerId(reader.array()?), take_addresses(reader)?)))?,
            ),
            ADDRESSES => Self::Addresses(take_addresses(&mut reader)?),
            REKEY => {
                let step = match reader.u8()? {
                    1 => RekeyStep::First,
                    2 => RekeyStep::Second,
                    3 => RekeyStep::Third,
                    _ => return Err(Malformed::UnknownCode),
                };
                Self::Rekey(step, reader.u32()?, reader.take_rest().to_vec())
            }
            WELCOME => Self::Welcome(RoomSecret::new(Zeroizing::new(reader.array()?))),
            TALK => Self::Talk(TalkMessage::parse(&mut reader)?),
            _ => return Err(Malformed::UnknownCode),
        };
        reader.finish()?;
        Ok(control)
    }
}

fn put_addresses(out: &mut Vec<u8>, addresses: &[SocketAddr]) {
    let addresses = &addresses[..addresses.len().min(CANDIDATES)];
    // `CANDIDATES` fits a byte.
    out.push(u8::try_from(addresses.len()).unwrap_or(u8::MAX));
    addresses.iter().for_each(|address| put_address(out, *address));
}

fn take_addresses(reader: &mut Reader<'_>) -> Result<Vec<SocketAddr>, Malformed> {
    let count = usize::from(reader.u8()?);
    if count > CANDIDATES {
        return Err(Malformed::OutOfRange);
    }
    (0..count).map(|_| take_address(reader)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_message_survives_the_wire() {
        let addresses = vec![SocketAddr::from(([10, 0, 0, 1], 7)), SocketAddr::from(([9_u16; 8], 8))];
        for control in [
            Control::Knock,
            Control::Wait,
            Control::Denied(NoEntry::Locked),
            Control::Welcome(RoomSecret::new(Zeroizing::new([7; 32]))),
            Control::Ops(Vec::new()),
            Control::Have { is_answer: true, ids: vec![[1; 8], [2; 8]] },
            Control::Introduce(vec![(PeerId([3; 32]), addresses.clone()), (PeerId([4; 32]), Vec::new())]),
            Control::Addresses(addresses),
            Control::Rekey(RekeyStep::Third, 7, vec![1, 2, 3]),
        ] {
            let bytes = control.encode();
            assert_eq!(Control::parse(&bytes).as_ref(), Ok(&control));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_stumble(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            if let Ok(control) = Control::parse(&bytes) {
                prop_assert_eq!(Control::parse(&control.encode()), Ok(control));
            }
        }
    }
}
