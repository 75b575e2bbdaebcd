//! The door: which tickets open it, and how often it may be knocked at. Knows no sessions; `lobby` and `signalling` ask it.
//!
//! **Who is served in a crowd.** An invite that was photographed can be knocked with ten thousand times a minute, from many
//! addresses and under any number of fresh keys, so a count per key stops nobody. What a stranger cannot make is a
//! ticket: its secret proves it in the first message of the handshake, before we spend anything. So each ticket has its own
//! measure, and whoever holds another invite than the abused one is served as if nothing happened. Whoever shares the abused one is
//! served while its own address is quiet, from a measure for the whole crowd. Only those who share both the ticket and the
//! address with the flood share its fate; for them there is a fresh invite. Places in the lobby are divided in the same
//! way: the ticket, then the address that takes most of them gives one up.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};

use zeroize::Zeroizing;

use crate::crypto::derive;
use crate::entropy::Entropy;
use crate::ids::{DevicePublicKey, MeetingId, PeerId};
use crate::invite::{InviteSecret, Ticket};
use crate::limits::{
    BLOCKED, DENIED_FOR, INVITE_LIFETIME_MAX, KNOCK_BURST, KNOCK_COUNTS, KNOCK_CROWD_EVERY, KNOCK_EVERY, TURNED_AWAY,
};
use crate::room::InviteOptions;
use crate::time::{Instant, Measure};

use super::Refusal;

/// What an admin's door knows.
pub(super) struct Door {
    /// Drawn here, never sent: every invite's secret is derived from it.
    secret: Zeroizing<[u8; 32]>,
    epoch: u32,
    /// Tickets for one person, and whom they let in.
    used: BTreeMap<u64, PeerId>,
    /// The calendar: Unix seconds at a moment of our clock.
    calendar: (Instant, u64),
    by_ticket: Measures<u64>,
    by_address: Measures<AddressGroup>,
    crowd: Measure,
    turned_away: VecDeque<(PeerId, Instant)>,
    blocked: VecDeque<DevicePublicKey>,
}

/// What one household or one server can have many of at no cost counts as one: an IPv4 address, an IPv6 network of 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct AddressGroup(u8, u64);

impl AddressGroup {
    pub(super) fn of(address: SocketAddr) -> Self {
        match address.ip().to_canonical() {
            IpAddr::V4(ip) => Self(4, u64::from(ip.to_bits())),
            IpAddr::V6(ip) => {
                let [a, b, c, d, ..] = ip.segments();
                Self(6, [a, b, c, d].iter().fold(0, |sum, part| sum << 16 | u64::from(*part)))
            }
        }
    }
}

/// The ticket that somebody showed, and where they stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown {
    pub(super) ticket: Ticket,
    pub(super) from: AddressGroup,
    /// Proven and served.
    pub(super) served_at: Option<Instant>,
}

/// Why somebody may not even knock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoEntry {
    WrongInvite,
    Incompatible,
    Removed,
    Expired,
    /// Withdrawn, or used by somebody else.
    Revoked,
    Locked,
    /// Too many knock. Come again.
    Busy,
    /// An admin said no.
    Denied,
}

impl NoEntry {
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::WrongInvite => 1,
            Self::Incompatible => 2,
            Self::Removed => 3,
            Self::Expired => 4,
            Self::Revoked => 5,
            Self::Locked => 6,
            Self::Busy => 7,
            Self::Denied => 8,
        }
    }

    pub(crate) const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::WrongInvite,
            2 => Self::Incompatible,
            3 => Self::Removed,
            4 => Self::Expired,
            5 => Self::Revoked,
            6 => Self::Locked,
            7 => Self::Busy,
            8 => Self::Denied,
            _ => return None,
        })
    }

    /// `None`: one tries again.
    pub(crate) const fn refusal(self) -> Option<Refusal> {
        Some(match self {
            Self::WrongInvite => Refusal::InviteRejected,
            Self::Incompatible => Refusal::Incompatible,
            Self::Removed => Refusal::Removed,
            Self::Expired => Refusal::InviteExpired,
            Self::Revoked => Refusal::InviteRevoked,
            Self::Locked => Refusal::Locked,
            Self::Denied => Refusal::Denied,
            Self::Busy => return None,
        })
    }
}

impl Door {
    pub(super) fn new(now: Instant, entropy: &mut dyn Entropy) -> Self {
        let mut door = Self {
            secret: Zeroizing::new([0; 32]),
            epoch: 0,
            used: BTreeMap::new(),
            calendar: (now, 0),
            by_ticket: Measures::default(),
            by_address: Measures::default(),
            crowd: Measure::default(),
            turned_away: VecDeque::new(),
            blocked: VecDeque::new(),
        };
        door.change_lock(entropy);
        door
    }

    /// No invite of before opens anything any more.
    pub(super) fn change_lock(&mut self, entropy: &mut dyn Entropy) {
        entropy.fill(self.secret.as_mut_slice());
        let mut epoch = [0; 4];
        entropy.fill(&mut epoch);
        self.epoch = u32::from_be_bytes(epoch);
    }

    pub(super) const fn set_calendar(&mut self, now: Instant, unix_s: u64) {
        self.calendar = (now, unix_s);
    }

    fn unix_s(&self, now: Instant) -> u64 {
        self.calendar.1.saturating_add(now.since(self.calendar.0).as_secs())
    }

    /// A fresh ticket and what proves it.
    pub(super) fn issue(
        &self,
        now: Instant,
        meeting: MeetingId,
        options: InviteOptions,
        entropy: &mut dyn Entropy,
    ) -> (Ticket, InviteSecret) {
        let mut serial = [0; 8];
        entropy.fill(&mut serial);
        let lifetime = options.lifetime.min(INVITE_LIFETIME_MAX).as_secs();
        let ticket = Ticket {
            epoch: self.epoch,
            serial: u64::from_be_bytes(serial),
            expires_unix_s: self.unix_s(now).saturating_add(lifetime),
            single_use: options.single_use,
        };
        (ticket, self.secret_of(meeting, &ticket))
    }

    pub(super) fn secret_of(&self, meeting: MeetingId, ticket: &Ticket) -> InviteSecret {
        let whole = derive("conclave ticket", self.secret.as_slice(), &[&meeting.0, &ticket.encode()]);
        InviteSecret(Zeroizing::new(std::array::from_fn(|at| whole[at])))
    }

    /// Whether the ticket is good for `who`. What it says is not proven yet; without the right epoch nothing is told but that.
    pub(super) fn judge(&self, now: Instant, ticket: &Ticket, who: PeerId, is_locked: bool) -> Result<(), NoEntry> {
        if ticket.is_expired(self.unix_s(now)) {
            return Err(NoEntry::Expired);
        }
        if ticket.epoch != self.epoch || self.is_used_up(ticket, who) {
            return Err(NoEntry::Revoked);
        }
        if is_locked { Err(NoEntry::Locked) } else { Ok(()) }
    }

    /// Whether it let somebody else in.
    pub(super) fn is_used_up(&self, ticket: &Ticket, who: PeerId) -> bool {
        ticket.single_use && self.used.get(&ticket.serial).is_some_and(|used_by| *used_by != who)
    }

    /// One that this door made since the lock was changed.
    pub(super) const fn is_current(&self, ticket: &Ticket) -> bool {
        ticket.epoch == self.epoch
    }

    /// The ticket let this person in. Bounded by the admissions that a meeting may have.
    pub(super) fn note_use(&mut self, ticket: &Ticket, who: PeerId) {
        if ticket.single_use {
            self.used.insert(ticket.serial, who);
        }
    }

    /// Whether one more proven knock is served now.
    pub(super) fn serves(&mut self, now: Instant, ticket: &Ticket, from: AddressGroup) -> bool {
        self.by_ticket.take(now, ticket.serial) || self.serves_crowd(now, from)
    }

    /// The same for somebody without a ticket.
    pub(super) fn serves_crowd(&mut self, now: Instant, from: AddressGroup) -> bool {
        // In this order: an address that is over its measure takes nothing from the crowd's.
        self.by_address.take(now, from) && self.crowd.take(now, KNOCK_BURST, KNOCK_CROWD_EVERY)
    }

    pub(super) fn turn_away(&mut self, now: Instant, who: PeerId) {
        if self.turned_away.len() == TURNED_AWAY {
            self.turned_away.pop_front();
        }
        self.turned_away.push_back((who, now + DENIED_FOR));
    }

    pub(super) fn is_turned_away(&self, now: Instant, who: PeerId) -> bool {
        self.turned_away.iter().any(|(away, until)| *away == who && *until > now)
    }

    /// For the rest of the meeting.
    pub(super) fn block(&mut self, device: DevicePublicKey) {
        if self.blocked.len() == BLOCKED {
            self.blocked.pop_front();
        }
        self.blocked.push_back(device);
    }

    pub(super) fn is_blocked(&self, device: DevicePublicKey) -> bool {
        self.blocked.contains(&device)
    }
}

/// Who of a full lobby gives up a place; `None`: the newcomer. See the head of this file.
pub(super) fn gives_way(now: Instant, lobby: &[(PeerId, Shown)], newcomer: &Shown) -> Option<PeerId> {
    let weight = |of: &Shown| {
        let all = || lobby.iter().map(|(_, shown)| shown).chain([newcomer]);
        let same_ticket = all().filter(|other| other.ticket.serial == of.ticket.serial).count();
        let same_address = all().filter(|other| other.from == of.from).count();
        (same_ticket, same_address)
    };
    let heaviest = lobby.iter().max_by_key(|(_, shown)| (weight(shown), std::cmp::Reverse(shown.served_at)))?;
    let is_read = heaviest.1.served_at.is_none_or(|at| now.since(at) >= crate::limits::KNOCK_HELD);
    let (theirs, ours) = (weight(&heaviest.1), weight(newcomer));
    (theirs > ours || (theirs == ours && is_read)).then_some(heaviest.0)
}

/// One measure for each of many. Bounded: the one used longest ago makes room, and is full again anyway by then.
#[derive(Debug)]
struct Measures<K> {
    each: BTreeMap<K, Measure>,
}

impl<K> Default for Measures<K> {
    fn default() -> Self {
        Self { each: BTreeMap::new() }
    }
}

impl<K: Ord + Copy> Measures<K> {
    fn take(&mut self, now: Instant, key: K) -> bool {
        if self.each.len() >= KNOCK_COUNTS && !self.each.contains_key(&key) {
            let oldest = self.each.iter().min_by_key(|(_, measure)| measure.full_at()).map(|(key, _)| *key);
            oldest.and_then(|oldest| self.each.remove(&oldest));
        }
        self.each.entry(key).or_default().take(now, KNOCK_BURST, KNOCK_EVERY)
    }
}
