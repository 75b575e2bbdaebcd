//! What the core keeps of one peer: the signalling stream, a handshake under way, the session, its place in the room. Owns no
//! decisions; `signalling`, `control` and `room` make them.

use std::net::SocketAddr;
use std::time::Duration;

use crate::frames::Wish;
use crate::limits::{
    AWAY_RECONNECT, CANDIDATES, HANDSHAKE_DEADLINE, HANDSHAKES_PER_MEMBER, HANDSHAKES_PER_PEER, HEARSAY_ADDRESSES,
    INTRODUCE_EVERY, RECONNECT_FIRST, RECONNECT_MAX,
};
use crate::noise::{Initiator, Responder};
use crate::session::Session;
use crate::time::{Instant, Measure};

use super::WakeReason;
use super::door::Shown;
use super::video::VideoShare;

/// One peer: a member, a knocker, or the door that we knock at.
pub(super) struct Peer {
    pub(super) signal: Signal,
    /// When its last stream opened.
    pub(super) opened_at: Instant,
    /// There was a session once: it knows us.
    pub(super) met: bool,
    pub(super) handshake: Handshake,
    pub(super) session: Option<Session>,
    /// Where it says that it can be found.
    addresses: Vec<SocketAddr>,
    /// Where others say so, newest first.
    hearsay: Vec<SocketAddr>,
    /// What the others were told of that, when, and when to tell them of a change.
    told_addresses: Vec<SocketAddr>,
    told_at: Option<Instant>,
    introduce_at: Option<Instant>,
    /// What it called itself when we last met.
    pub(super) name: Option<String>,
    /// `Joined` was told and not taken back.
    pub(super) announced: bool,
    /// The ticket of a knocker, on this stream.
    pub(super) shown: Option<Shown>,
    pub(super) knock: Option<Knock>,
    pub(super) video: VideoShare,
    /// What we want to see of it.
    pub(super) our_wish: Option<Wish>,
    /// When to compare the sets of operations, because the heads differ.
    pub(super) sync_at: Option<Instant>,
    pub(super) their_head: [u8; 8],
    /// How often lists of operations are compared for it, and what it sends that is of no use.
    pub(super) syncs: Measure,
    pub(super) useless: Measure,
    /// Has output or events to be fetched. Whoever changes the session sets it.
    pub(super) dirty: bool,
    /// When the session wants to be woken, as of when it was last fetched from: asking sixteen of them at every datagram
    /// would cost more than the datagram.
    pub(super) session_wake: Option<(Instant, WakeReason)>,
    reconnect_at: Option<Instant>,
    reconnect_pause: Duration,
    reconnect_max: Duration,
    handshakes: (Instant, u32),
}

/// The signalling stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    Closed,
    Opening,
    Open(SocketAddr),
}

/// A handshake over signalling.
pub(super) enum Handshake {
    Idle,
    /// The other end has the smaller id and begins.
    Awaited(Instant),
    Began(Box<Initiator>, Instant),
    Answered(Box<Responder>, Instant),
}

/// Somebody at the door.
#[derive(Clone, Copy, Debug)]
pub(super) struct Knock {
    pub(super) until: Instant,
    /// Our owner was told.
    pub(super) told: bool,
}

impl Handshake {
    const fn until(&self) -> Option<Instant> {
        match self {
            Self::Idle => None,
            Self::Awaited(until) | Self::Began(_, until) | Self::Answered(_, until) => Some(*until),
        }
    }
}

impl Peer {
    pub(super) fn new() -> Self {
        Self {
            signal: Signal::Closed,
            opened_at: Instant::ZERO,
            met: false,
            handshake: Handshake::Idle,
            session: None,
            addresses: Vec::new(),
            hearsay: Vec::new(),
            told_addresses: Vec::new(),
            told_at: None,
            introduce_at: None,
            name: None,
            announced: false,
            shown: None,
            knock: None,
            video: VideoShare::default(),
            our_wish: None,
            sync_at: None,
            their_head: [0; 8],
            syncs: Measure::default(),
            useless: Measure::default(),
            dirty: false,
            session_wake: None,
            reconnect_at: None,
            reconnect_pause: RECONNECT_FIRST,
            reconnect_max: RECONNECT_MAX,
            handshakes: (Instant::ZERO, 0),
        }
    }

    /// The session, if a path of it carries.
    pub(super) fn open_session(&mut self) -> Option<&mut Session> {
        self.session.as_mut().filter(|session| session.is_open())
    }

    /// It says itself where it is: what it said before is void.
    pub(super) fn set_addresses(&mut self, addresses: &[SocketAddr]) {
        self.addresses = addresses.iter().copied().take(CANDIDATES).collect();
    }

    /// Somebody else says where it is.
    pub(super) fn hear_of_addresses(&mut self, addresses: &[SocketAddr]) {
        for address in addresses.iter().rev() {
            self.hearsay.retain(|known| known != address);
            self.hearsay.insert(0, *address);
        }
        self.hearsay.truncate(HEARSAY_ADDRESSES);
    }

    /// Where it can be found, the address in use first.
    pub(super) fn known_addresses(&self) -> Vec<SocketAddr> {
        let in_use = self.session.as_ref().and_then(Session::last_address);
        let hearsay = &self.hearsay[..self.hearsay.len().min(HEARSAY_ADDRESSES)];
        let own = &self.addresses[..self.addresses.len().min(CANDIDATES - HEARSAY_ADDRESSES)];
        let mut all: Vec<SocketAddr> = Vec::new();
        for address in in_use.iter().chain(own).chain(hearsay).chain(&self.addresses) {
            if !all.contains(address) {
                all.push(*address);
            }
        }
        all.truncate(CANDIDATES);
        all
    }

    /// Its addresses may be others than the room knows.
    pub(super) fn addresses_changed(&mut self, now: Instant) {
        if self.introduce_at.is_none() && self.told_addresses != self.known_addresses() {
            let soonest = self.told_at.map_or(now, |at| at + INTRODUCE_EVERY);
            self.introduce_at = Some(soonest.max(now));
        }
    }

    /// What to tell the others now.
    pub(super) fn take_introduction(&mut self, now: Instant) -> Option<Vec<SocketAddr>> {
        self.introduce_at.take_if(|at| *at <= now)?;
        let addresses = self.known_addresses();
        let is_news = addresses != self.told_addresses && !addresses.is_empty();
        is_news.then(|| {
            self.told_at = Some(now);
            self.told_addresses.clone_from(&addresses);
            addresses
        })
    }

    /// Away for so long that its session is of no use; who it is and where it was stays known.
    pub(super) fn retire(&mut self, now: Instant) {
        self.session = None;
        self.reconnect_max = AWAY_RECONNECT;
        self.hurry(now);
    }

    /// Counts a handshake; `false`: too many in a short time.
    pub(super) fn may_shake_hands(&mut self, now: Instant, is_member: bool) -> bool {
        if now.since(self.handshakes.0) >= HANDSHAKE_DEADLINE {
            self.handshakes = (now, 0);
        }
        self.handshakes.1 += 1;
        self.handshakes.1 <= if is_member { HANDSHAKES_PER_MEMBER } else { HANDSHAKES_PER_PEER }
    }

    pub(super) fn schedule_reconnect(&mut self, now: Instant) {
        if self.reconnect_at.is_none() {
            self.reconnect_at = Some(now + self.reconnect_pause);
            self.reconnect_pause = (self.reconnect_pause * 2).min(self.reconnect_max);
        }
    }

    /// It may well be there again: tries as if it had just gone.
    pub(super) fn hurry(&mut self, now: Instant) {
        self.reconnect_pause = RECONNECT_FIRST;
        self.reconnect_at = Some(now);
    }

    pub(super) const fn connected(&mut self) {
        self.reconnect_at = None;
        self.reconnect_pause = RECONNECT_FIRST;
        self.reconnect_max = RECONNECT_MAX;
    }

    pub(super) fn close_signal(&mut self) {
        self.signal = Signal::Closed;
        self.handshake = Handshake::Idle;
    }

    pub(super) fn take_due_reconnect(&mut self, now: Instant) -> bool {
        self.reconnect_at.take_if(|at| *at <= now).is_some()
    }

    /// The handshake got no answer in time.
    pub(super) fn take_expired_handshake(&mut self, now: Instant) -> bool {
        let expired = self.handshake.until().is_some_and(|until| until <= now);
        if expired {
            self.handshake = Handshake::Idle;
        }
        expired
    }

    /// Whether a wake-up at this moment concerns it.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.dirty || self.next_wake().is_some_and(|(at, _)| at <= now)
    }

    pub(super) fn next_wake(&self) -> Option<(Instant, WakeReason)> {
        [
            self.handshake.until().map(|until| (until, WakeReason::HandshakeDeadline)),
            self.session_wake,
            self.reconnect_at.map(|at| (at, WakeReason::HandshakeDeadline)),
            self.knock.map(|knock| (knock.until, WakeReason::HandshakeDeadline)),
            self.sync_at.map(|at| (at, WakeReason::Sync)),
            self.introduce_at.map(|at| (at, WakeReason::Introduce)),
        ]
        .into_iter()
        .flatten()
        .min_by_key(|(at, _)| *at)
    }
}
