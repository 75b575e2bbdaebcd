//! What the core keeps of one peer: the signalling stream, a handshake under way, the session, its place in the room. Owns no
//! decisions; `signalling`, `control` and `room` make them.

use std::net::SocketAddr;
use std::time::Duration;

use crate::frames::Wish;
use crate::limits::{CANDIDATES, HANDSHAKE_DEADLINE, HANDSHAKES_PER_PEER, RECONNECT_FIRST, RECONNECT_MAX};
use crate::noise::{Initiator, Responder};
use crate::session::Session;
use crate::time::Instant;

use super::WakeReason;
use super::video::VideoShare;

/// One peer: a member, a knocker, or the door that we knock at.
pub(super) struct Peer {
    pub(super) signal: Signal,
    pub(super) handshake: Handshake,
    pub(super) session: Option<Session>,
    /// Where it says, or others say, that it can be found.
    pub(super) addresses: Vec<SocketAddr>,
    /// `Joined` was told and not taken back.
    pub(super) announced: bool,
    pub(super) knock: Option<Knock>,
    pub(super) video: VideoShare,
    /// What we want to see of it.
    pub(super) our_wish: Option<Wish>,
    /// When to compare the sets of operations, because the heads differ.
    pub(super) sync_at: Option<Instant>,
    pub(super) their_head: [u8; 8],
    /// Has output or events to be fetched. Whoever changes the session sets it.
    pub(super) dirty: bool,
    /// When the session wants to be woken, as of when it was last fetched from: asking sixteen of them at every datagram
    /// would cost more than the datagram.
    pub(super) session_wake: Option<(Instant, WakeReason)>,
    reconnect_at: Option<Instant>,
    reconnect_pause: Duration,
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
            handshake: Handshake::Idle,
            session: None,
            addresses: Vec::new(),
            announced: false,
            knock: None,
            video: VideoShare::default(),
            our_wish: None,
            sync_at: None,
            their_head: [0; 8],
            dirty: false,
            session_wake: None,
            reconnect_at: None,
            reconnect_pause: RECONNECT_FIRST,
            handshakes: (Instant::ZERO, 0),
        }
    }

    /// The session, if a path of it carries.
    pub(super) fn open_session(&mut self) -> Option<&mut Session> {
        self.session.as_mut().filter(|session| session.is_open())
    }

    pub(super) fn learn_addresses(&mut self, addresses: &[SocketAddr]) {
        for address in addresses {
            if self.addresses.len() < CANDIDATES && !self.addresses.contains(address) {
                self.addresses.push(*address);
            }
        }
    }

    /// Where it can be found, the address in use first.
    pub(super) fn known_addresses(&self) -> Vec<SocketAddr> {
        let in_use = self.session.as_ref().and_then(Session::last_address);
        let others = self.addresses.iter().copied().filter(|address| Some(*address) != in_use);
        let mut all: Vec<SocketAddr> = in_use.into_iter().chain(others).collect();
        all.truncate(CANDIDATES);
        all
    }

    /// Counts a handshake; `false`: too many in a short time.
    pub(super) fn may_shake_hands(&mut self, now: Instant) -> bool {
        if now.since(self.handshakes.0) >= HANDSHAKE_DEADLINE {
            self.handshakes = (now, 0);
        }
        self.handshakes.1 += 1;
        self.handshakes.1 <= HANDSHAKES_PER_PEER
    }

    pub(super) fn schedule_reconnect(&mut self, now: Instant) {
        if self.reconnect_at.is_none() {
            self.reconnect_at = Some(now + self.reconnect_pause);
            self.reconnect_pause = (self.reconnect_pause * 2).min(RECONNECT_MAX);
        }
    }

    pub(super) const fn connected(&mut self) {
        self.reconnect_at = None;
        self.reconnect_pause = RECONNECT_FIRST;
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
        ]
        .into_iter()
        .flatten()
        .min_by_key(|(at, _)| *at)
    }
}
