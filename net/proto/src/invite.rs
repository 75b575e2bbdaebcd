//! The invite: a text that lets its holder find the meeting and knock. It opens nothing by itself. A checksum tells a cut or
//! altered text from a foreign one before anything is tried.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use bytes::BufMut;
use data_encoding::BASE64URL_NOPAD;
use zeroize::Zeroizing;

use crate::crypto::hash;
use crate::ids::{MeetingId, PeerId};
use crate::limits::{INVITE_ADDRESSES, INVITE_TEXT};
use crate::wire::{Malformed, Reader};

/// How every invite begins.
pub const PREFIX: &str = "conclave:";
const FORMAT: u8 = 2;
const CHECKSUM_BYTES: usize = 4;
const SINGLE_USE: u8 = 1;

/// What an invite says. `Display` gives the text for the clipboard; `Debug` does not show the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Invite {
    /// Which meeting.
    pub meeting: MeetingId,
    /// What the door is shown.
    pub ticket: Ticket,
    /// Proves that the ticket is the inviter's. Without it nobody even gets to knock.
    pub secret: InviteSecret,
    /// Who made the invite, and will answer the door.
    pub inviter: PeerId,
    /// Where the inviter may be found, at most [`INVITE_ADDRESSES`].
    pub addresses: Vec<SocketAddr>,
}

/// The part of an invite that is shown to the door. The door derives the secret from it, so it need not remember its invites.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket {
    /// Names one secret of the inviter's door, by a random number: it tells nothing of how many there were.
    pub epoch: u32,
    /// Names this invite, by a random number.
    pub serial: u64,
    /// After this moment (Unix seconds, by the inviter's clock) it opens nothing.
    pub expires_unix_s: u64,
    /// It lets one person in, and nobody after.
    pub single_use: bool,
}

/// Bytes of a ticket.
pub(crate) const TICKET_BYTES: usize = 21;

/// Sixteen bytes that prove that one holds an invite. Wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct InviteSecret(pub Zeroizing<[u8; 16]>);

impl Invite {
    /// Whether it was too old at the given moment.
    #[must_use]
    pub const fn is_expired(&self, now_unix_s: u64) -> bool {
        self.ticket.is_expired(now_unix_s)
    }
}

impl Ticket {
    /// Whether it was too old at the given moment.
    #[must_use]
    pub const fn is_expired(&self, now_unix_s: u64) -> bool {
        now_unix_s > self.expires_unix_s
    }

    /// `epoch u32 | serial u64 | expires u64 | flags u8`
    pub(crate) fn encode(&self) -> [u8; TICKET_BYTES] {
        let mut out = [0; TICKET_BYTES];
        let mut place = out.as_mut_slice();
        place.put_u32(self.epoch);
        place.put_u64(self.serial);
        place.put_u64(self.expires_unix_s);
        place.put_u8(if self.single_use { SINGLE_USE } else { 0 });
        out
    }

    pub(crate) fn parse(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            epoch: reader.u32()?,
            serial: reader.u64()?,
            expires_unix_s: reader.u64()?,
            single_use: match reader.u8()? {
                0 => false,
                SINGLE_USE => true,
                _ => return Err(Malformed::UnknownCode),
            },
        })
    }
}

impl fmt::Display for Invite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut body = Zeroizing::new(Vec::with_capacity(96 + 19 * self.addresses.len()));
        body.put_u8(FORMAT);
        body.put_slice(&self.meeting.0);
        body.put_slice(&self.ticket.encode());
        body.put_slice(self.secret.0.as_slice());
        body.put_slice(&self.inviter.0);
        for address in self.addresses.iter().take(INVITE_ADDRESSES) {
            put_address(&mut body, *address);
        }
        let checksum = checksum(&body);
        body.put_slice(&checksum);
        write!(f, "{PREFIX}{}", BASE64URL_NOPAD.encode(&body))
    }
}

impl FromStr for Invite {
    type Err = InviteError;

    /// White space anywhere is ignored: mail programs and chats break long lines.
    fn from_str(text: &str) -> Result<Self, InviteError> {
        if text.len() > INVITE_TEXT {
            return Err(InviteError::NotAnInvite);
        }
        let compact: Zeroizing<String> = Zeroizing::new(text.chars().filter(|c| !c.is_whitespace()).collect());
        let encoded = compact.strip_prefix(PREFIX).ok_or(InviteError::NotAnInvite)?;
        let bytes = Zeroizing::new(BASE64URL_NOPAD.decode(encoded.as_bytes()).map_err(|_| InviteError::Damaged)?);
        let (body, sum) = bytes.split_last_chunk::<CHECKSUM_BYTES>().ok_or(InviteError::Damaged)?;
        if checksum(body) != *sum {
            return Err(InviteError::Damaged);
        }
        match body.first() {
            Some(&FORMAT) => parse_body(&body[1..]).map_err(|_| InviteError::Damaged),
            Some(_) => Err(InviteError::OtherVersion),
            None => Err(InviteError::Damaged),
        }
    }
}

fn parse_body(body: &[u8]) -> Result<Invite, Malformed> {
    let mut reader = Reader::new(body);
    let mut invite = Invite {
        meeting: MeetingId(reader.array()?),
        ticket: Ticket::parse(&mut reader)?,
        secret: InviteSecret(Zeroizing::new(reader.array()?)),
        inviter: PeerId(reader.array()?),
        addresses: Vec::new(),
    };
    while !reader.is_empty() {
        if invite.addresses.len() == INVITE_ADDRESSES {
            return Err(Malformed::OutOfRange);
        }
        invite.addresses.push(take_address(&mut reader)?);
    }
    Ok(invite)
}

/// Family, address, port.
pub(crate) fn put_address(out: &mut Vec<u8>, address: SocketAddr) {
    match address.ip() {
        IpAddr::V4(ip) => {
            out.put_u8(4);
            out.put_slice(&ip.octets());
        }
        IpAddr::V6(ip) => {
            out.put_u8(6);
            out.put_slice(&ip.octets());
        }
    }
    out.put_u16(address.port());
}

/// The reverse of [`put_address`].
pub(crate) fn take_address(reader: &mut Reader<'_>) -> Result<SocketAddr, Malformed> {
    let ip = match reader.u8()? {
        4 => IpAddr::V4(Ipv4Addr::from_bits(reader.u32()?)),
        6 => IpAddr::V6(Ipv6Addr::from(reader.array::<16>()?)),
        _ => return Err(Malformed::UnknownCode),
    };
    Ok(SocketAddr::new(ip, reader.u16()?))
}

fn checksum(body: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let digest = hash("conclave invite", &[body]);
    std::array::from_fn(|at| digest[at])
}

impl fmt::Debug for InviteSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InviteSecret(..)")
    }
}

impl fmt::Debug for Invite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invite").field("meeting", &self.meeting).field("inviter", &self.inviter).finish_non_exhaustive()
    }
}

/// Why a text is no invite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InviteError {
    /// Something else altogether.
    #[error("this is not a Conclave invite; an invite starts with \"conclave:\"")]
    NotAnInvite,
    /// Cut, or altered on its way.
    #[error("this invite is damaged: a part is missing or changed; ask for it again and copy all of it")]
    Damaged,
    /// Made by a program that writes another format.
    #[error("this invite was made by another version of Conclave; update the older of the two programs")]
    OtherVersion,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invite() -> Invite {
        Invite {
            meeting: MeetingId([3; 16]),
            ticket: Ticket { epoch: 2, serial: 77, expires_unix_s: 1_800_000_000, single_use: true },
            secret: InviteSecret(Zeroizing::new([9; 16])),
            inviter: PeerId([7; 32]),
            addresses: vec![
                SocketAddr::from((Ipv4Addr::new(192, 168, 1, 20), 4040)),
                SocketAddr::from((Ipv6Addr::LOCALHOST, 4040)),
            ],
        }
    }

    #[test]
    fn text_and_back_even_with_broken_lines() {
        let text = invite().to_string();
        assert_eq!(text.parse(), Ok(invite()));
        let (head, tail) = text.split_at(40);
        assert_eq!(format!("  {head}\r\n {tail}\n").parse(), Ok(invite()));
    }

    #[test]
    fn every_cut_and_every_altered_character_is_noticed() {
        let text = invite().to_string();
        for end in PREFIX.len()..text.len() {
            assert_eq!(text[..end].parse::<Invite>(), Err(InviteError::Damaged), "cut at {end}");
        }
        for at in PREFIX.len()..text.len() {
            let mut altered = text.clone().into_bytes();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8_lossy(&altered).into_owned();
            assert_eq!(altered.parse::<Invite>(), Err(InviteError::Damaged), "altered at {at}");
        }
    }

    #[test]
    fn foreign_texts_are_told_apart() {
        for text in ["", "hello", "https://example.org/j/123", &"conclave:".repeat(200)] {
            assert_eq!(text.parse::<Invite>(), Err(InviteError::NotAnInvite));
        }
    }

    #[test]
    fn printing_does_not_show_the_secret() {
        assert!(!format!("{:?}", invite()).contains('9'));
    }
}
