//! One session with one peer, from the moment it has keys: `Checking` (addresses are tried), `Open` (a path carries), `Closing`
//! (goodbyes go out). Before it the handshake stands in `core::peer`. Seals and opens datagrams, keeps the path alive, and owns
//! the [`Transport`] that makes and takes their contents. Called by the core alone (DESIGN "Handshake", last paragraph).

mod control;
mod keyring;
mod path;
mod replay;
mod seal;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use crate::core::{DatagramStats, PathKind, PeerStats, WakeReason};
use crate::ecn::Ecn;
use crate::entropy::Entropy;
use crate::limits::{
    DATAGRAM_BYTES, GOODBYE_EVERY, GOODBYES, KEEP_ALIVE, LEADER_STAYS, LINGER, MEMBER_TIMEOUT, PATH_LOST_AFTER,
    PING_AFTER, PING_EVERY, REMOVED_GOODBYE_EVERY, SEALED_OVERHEAD, WAKES_LISTED,
};
use crate::noise::PeerIdentity;
use crate::time::Instant;
use crate::transport::{Transport, TransportConfig, TransportEvent};
use crate::wire::{ByeReason, Chunk, chunks};

pub(crate) use control::{Control, RekeyStep};
pub(crate) use keyring::{Attempt, KeyRing};
use path::Candidates;
pub(crate) use path::path_kind;
use replay::ReplayWindow;
pub(crate) use seal::{Header, Keys};

/// A sealed datagram with one eight-byte chunk: a challenge, an answer, a keep-alive.
const SMALL_DATAGRAM: usize = SEALED_OVERHEAD + Chunk::HEADER_LEN + 8;

/// A keyed session.
pub(crate) struct Session {
    pub(crate) peer: PeerIdentity,
    pub(crate) keys: KeyRing,
    pub(crate) transport: Transport,
    state: State,
    candidates: Candidates,
    /// The last address that answered a challenge; it may come back without another.
    proven: Option<SocketAddr>,
    /// Of two who send by different paths one decides, else both would follow each other round and round. It stays where it
    /// is while it hears the other there.
    pub(crate) leads: bool,
    heard_on_path: Instant,
    counter: u64,
    replay: ReplayWindow,
    last_heard: Instant,
    last_source: Option<SocketAddr>,
    next_keep_alive: Instant,
    timed_out: bool,
    /// Eight bytes of our membership head; zeros towards a stranger.
    head: [u8; 8],
    /// Whether pictures and sound of this peer are taken in at all: not from the lobby.
    pub(crate) media_allowed: bool,
    outgoing: VecDeque<Outgoing>,
    events: VecDeque<SessionEvent>,
    plaintext: Vec<u8>,
    dropped: u64,
    sent: DatagramStats,
    received: DatagramStats,
    wakes: VecDeque<WakeReason>,
}

/// A sealed datagram on its way.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) to: SocketAddr,
    pub(crate) ecn: Ecn,
    pub(crate) datagram: Vec<u8>,
}

enum State {
    Checking,
    Open(OpenPath),
    Closing(Closing),
}

struct OpenPath {
    address: SocketAddr,
    next_ping: Option<Instant>,
}

struct Closing {
    address: Option<SocketAddr>,
    /// What we say, how often still, and when next. `None`: the peer said goodbye, we only listen.
    bye: Option<(ByeReason, u32, Instant)>,
    until: Instant,
}

/// News of a session.
#[derive(Debug)]
pub(crate) enum SessionEvent {
    /// A path carries, or another one does.
    Path(SocketAddr, PathKind),
    /// It stopped; media are paused.
    PathLost,
    /// Nothing was heard for so long that a member has left the room.
    TimedOut,
    /// The peer's membership head.
    Head([u8; 8]),
    /// The peer says goodbye.
    Bye(ByeReason),
    /// The peer holds the keys and breaks the protocol.
    Misbehaved,
}

/// Between two goodbyes.
const fn pause_between(reason: ByeReason) -> Duration {
    match reason {
        ByeReason::Removed => REMOVED_GOODBYE_EVERY,
        ByeReason::Leaving | ByeReason::Denied | ByeReason::Misbehaved => GOODBYE_EVERY,
    }
}

impl Session {
    pub(crate) fn new(now: Instant, peer: PeerIdentity, keys: Keys, config: TransportConfig) -> Self {
        let mut transport = Transport::new(now, config);
        transport.paused(now, true);
        Self {
            peer,
            keys: KeyRing::new(keys),
            transport,
            state: State::Checking,
            candidates: Candidates::default(),
            proven: None,
            leads: false,
            heard_on_path: now,
            counter: 0,
            replay: ReplayWindow::default(),
            last_heard: now,
            last_source: None,
            next_keep_alive: now + KEEP_ALIVE,
            timed_out: false,
            head: [0; 8],
            media_allowed: false,
            outgoing: VecDeque::new(),
            events: VecDeque::new(),
            plaintext: Vec::with_capacity(DATAGRAM_BYTES),
            dropped: 0,
            sent: DatagramStats::default(),
            received: DatagramStats::default(),
            wakes: VecDeque::new(),
        }
    }

    /// The address in use.
    pub(crate) const fn address(&self) -> Option<SocketAddr> {
        match &self.state {
            State::Open(path) => Some(path.address),
            State::Checking | State::Closing(_) => None,
        }
    }

    /// The address in use, or the last that was.
    pub(crate) const fn last_address(&self) -> Option<SocketAddr> {
        self.proven
    }

    /// A path carries.
    pub(crate) const fn is_open(&self) -> bool {
        matches!(self.state, State::Open(_))
    }

    /// Goodbyes are going out, or were heard.
    pub(crate) const fn is_closing(&self) -> bool {
        matches!(self.state, State::Closing(_))
    }

    /// Nothing more will come of it.
    pub(crate) fn is_over(&self, now: Instant) -> bool {
        matches!(&self.state, State::Closing(closing) if closing.until <= now)
    }

    pub(crate) const fn last_heard(&self) -> Instant {
        self.last_heard
    }

    /// An address that the peer or signalling named.
    pub(crate) fn add_candidate(&mut self, now: Instant, address: SocketAddr, entropy: &mut dyn Entropy) {
        self.candidates.add(now, address, entropy);
        if self.is_open() {
            self.candidates.rest();
        }
    }

    /// Ours changed: the peer hears it with the next datagram, so that nobody is behind for long.
    pub(crate) fn set_head(&mut self, now: Instant, head: [u8; 8]) {
        if self.head != head {
            self.head = head;
            self.next_keep_alive = now;
        }
    }

    /// Checks every path again at once: the network under us changed.
    pub(crate) fn recheck(&mut self, now: Instant) {
        match &mut self.state {
            State::Checking => self.candidates.restart(now),
            State::Open(path) => {
                path.next_ping = Some(now);
                self.candidates.restart(now);
            }
            State::Closing(_) => {}
        }
    }

    /// Control for the peer; a full channel means that it stopped taking any, which the silence timers judge.
    pub(crate) fn say(&mut self, now: Instant, control: &Control) {
        if self.transport.send_reliable(now, Bytes::from(control.encode())).is_err() {
            self.events.push_back(SessionEvent::Misbehaved);
        }
    }

    /// Says goodbye a few times. Media stop at once, what waits in the pacer included; control still goes out.
    pub(crate) fn close(&mut self, now: Instant, reason: ByeReason) {
        let address = self.address().or(self.proven);
        let pause = pause_between(reason);
        let until = now + pause * (GOODBYES + 1);
        self.transport.paused(now, true);
        self.transport.paused(now, false);
        self.media_allowed = false;
        self.state = State::Closing(Closing { address, bye: Some((reason, GOODBYES, now + pause)), until });
    }

    /// A datagram that names one of our indices. Opened into `buffer`.
    pub(crate) fn handle_datagram(
        &mut self,
        now: Instant,
        (from, ecn): (SocketAddr, Ecn),
        header: Header,
        datagram: &[u8],
        buffer: &mut [u8],
        entropy: &mut dyn Entropy,
    ) {
        if !self.replay.accepts(header.counter) {
            self.dropped += 1;
            return;
        }
        let Some(plaintext) = self.keys.open(now, header.receiver_index, header.counter, datagram, buffer) else {
            self.dropped += 1;
            return;
        };
        let newest = self.replay.mark(header.counter);
        self.received.count(datagram.len());
        // Who only asks whether a path carries does not speak from there (as in QUIC, RFC 9000 section 9.1).
        let probes =
            chunks(plaintext).all(|chunk| matches!(chunk, Ok(Chunk::PathChallenge(_) | Chunk::PathResponse(_))));
        self.heard(now, from, newest && !probes, datagram.len(), entropy);
        self.transport.datagram_received(now, header.counter, ecn, datagram.len());
        let mut answered = false;
        for chunk in chunks(plaintext) {
            let taken = match chunk {
                Ok(Chunk::PathChallenge(token)) => {
                    if !std::mem::replace(&mut answered, true) {
                        self.answer(from, token);
                    }
                    true
                }
                Ok(Chunk::PathResponse(token)) => {
                    self.path_answered(now, token, entropy);
                    true
                }
                Ok(Chunk::KeepAlive { head }) => {
                    self.events.push_back(SessionEvent::Head(head));
                    true
                }
                Ok(Chunk::Bye { reason }) => {
                    self.bye_heard(now, reason);
                    true
                }
                Ok(chunk) if chunk.is_media() && !self.media_allowed => true,
                Ok(chunk) => self.transport.handle_chunk(now, header.counter, chunk).is_ok(),
                Err(_) => false,
            };
            if !taken {
                self.events.push_back(SessionEvent::Misbehaved);
                return;
            }
        }
    }

    /// Anything authentic. `speaks`: the newest so far, and more than a question or an answer about paths.
    fn heard(&mut self, now: Instant, from: SocketAddr, speaks: bool, bytes: usize, entropy: &mut dyn Entropy) {
        self.last_heard = now;
        self.timed_out = false;
        if speaks {
            self.last_source = Some(from);
        }
        match &mut self.state {
            State::Open(path) if path.address == from => {
                path.next_ping = Some(now + PING_AFTER);
                self.heard_on_path = now;
            }
            State::Open(path) => {
                path.next_ping = Some(now + PING_AFTER);
                if speaks {
                    self.candidates.seen(now, from, bytes, entropy);
                } else {
                    self.candidates.probed(now, from, bytes, entropy);
                }
            }
            State::Checking if self.proven == Some(from) => self.open_path(now, from),
            State::Checking => self.candidates.seen(now, from, bytes, entropy),
            State::Closing(_) => {}
        }
    }

    fn answer(&mut self, from: SocketAddr, token: [u8; 8]) {
        let trusted = self.proven == Some(from);
        if trusted || self.candidates.may_answer(from, SMALL_DATAGRAM) {
            self.send_own(from, Chunk::PathResponse(token));
        }
    }

    fn path_answered(&mut self, now: Instant, token: [u8; 8], entropy: &mut dyn Entropy) {
        let Some(address) = self.candidates.proven(token, entropy) else { return };
        match &self.state {
            State::Checking => self.open_path(now, address),
            // Only where the peer now speaks from: an answer that comes late from another candidate moves nothing. But if both
            // have moved, both speak to where nobody is, and only questions and answers get through.
            State::Open(path)
                if path.address != address
                    && (self.last_source == Some(address) || now.since(self.heard_on_path) >= PING_AFTER) =>
            {
                if self.may_follow(now) {
                    self.open_path(now, address);
                } else {
                    // If the peer goes on speaking from there, that begins anew.
                    self.candidates.rest();
                }
            }
            State::Open(_) | State::Closing(_) => {}
        }
    }

    /// Who leads follows only once the other is not heard on the path any more.
    fn may_follow(&self, now: Instant) -> bool {
        // The other comes back a round trip and a frame of sound after it heard us.
        let usual = self.transport.round_trip_time().map_or(LEADER_STAYS, |time| LEADER_STAYS / 5 + time * 2);
        !self.leads || now.since(self.heard_on_path) >= usual
    }

    fn open_path(&mut self, now: Instant, address: SocketAddr) {
        self.heard_on_path = now;
        if self.proven != Some(address) {
            self.transport.path_changed(now);
        }
        self.proven = Some(address);
        self.candidates.rest();
        self.transport.paused(now, false);
        self.state = State::Open(OpenPath { address, next_ping: Some(now + PING_AFTER) });
        self.events.push_back(SessionEvent::Path(address, path_kind(address)));
    }

    fn bye_heard(&mut self, now: Instant, reason: ByeReason) {
        if !self.is_closing() {
            let address = self.address().or(self.proven);
            self.media_allowed = false;
            self.state = State::Closing(Closing { address, bye: None, until: now + LINGER });
            self.events.push_back(SessionEvent::Bye(reason));
        }
    }

    /// Seals one chunk of our own for `to`.
    fn send_own(&mut self, to: SocketAddr, chunk: Chunk<'_>) {
        self.plaintext.clear();
        chunk.encode(&mut self.plaintext);
        if let Some(datagram) = self.keys.current().seal(self.counter, &self.plaintext) {
            self.counter += 1;
            self.outgoing.push_back(Outgoing { to, ecn: Ecn::NotCapable, datagram });
        }
    }

    /// The next datagram that may go now.
    pub(crate) fn poll_transmit(&mut self, now: Instant) -> Option<Outgoing> {
        let transmit = self.next_transmit(now);
        if let Some(outgoing) = &transmit {
            self.sent.count(outgoing.datagram.len());
        }
        transmit
    }

    fn next_transmit(&mut self, now: Instant) -> Option<Outgoing> {
        if let Some(ready) = self.outgoing.pop_front() {
            return Some(ready);
        }
        if !self.is_closing()
            && let Some((to, token)) = self.candidates.poll_challenge(now, SMALL_DATAGRAM)
        {
            self.send_own(to, Chunk::PathChallenge(token));
            return self.outgoing.pop_front();
        }
        let to = match &self.state {
            State::Open(path) => path.address,
            State::Closing(closing) => closing.address?,
            State::Checking => return None,
        };
        self.plaintext.clear();
        let room = DATAGRAM_BYTES - SEALED_OVERHEAD;
        let ecn = self.transport.poll_chunks(now, self.counter, room, &mut self.plaintext)?.ecn;
        let datagram = self.keys.current().seal(self.counter, &self.plaintext)?;
        self.counter += 1;
        Some(Outgoing { to, ecn, datagram })
    }

    /// News, own ones first.
    pub(crate) fn poll_event(&mut self) -> Option<SessionEvent> {
        self.events.pop_front()
    }

    /// What the transport took out of datagrams.
    pub(crate) fn poll_transport(&mut self) -> Option<TransportEvent> {
        self.transport.poll_event()
    }

    /// A wake-up has come.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if let Some((_, reason)) = self.next_wake(now).filter(|(at, _)| *at <= now) {
            if self.wakes.len() == WAKES_LISTED {
                self.wakes.pop_front();
            }
            self.wakes.push_back(reason);
        }
        self.keys.handle_timeout(now);
        self.transport.handle_timeout(now);
        let silence = now.since(self.last_heard);
        match &mut self.state {
            State::Open(path) => {
                let address = path.address;
                if silence >= PATH_LOST_AFTER {
                    self.lose_path(now);
                } else if path.next_ping.is_some_and(|due| due <= now) {
                    path.next_ping = Some(now + PING_EVERY);
                    self.send_own(address, Chunk::PathChallenge(self.head_token()));
                }
            }
            State::Closing(closing) => {
                if let (Some(address), Some((reason, left, due))) = (closing.address, closing.bye)
                    && due <= now
                {
                    closing.bye = (left > 1).then(|| (reason, left - 1, now + pause_between(reason)));
                    self.send_own(address, Chunk::Bye { reason });
                }
            }
            State::Checking => {}
        }
        if silence >= MEMBER_TIMEOUT && !self.timed_out && !self.is_closing() {
            self.timed_out = true;
            self.events.push_back(SessionEvent::TimedOut);
        }
        if let Some(address) = self.address()
            && self.next_keep_alive <= now
        {
            self.next_keep_alive = now + KEEP_ALIVE;
            self.send_own(address, Chunk::KeepAlive { head: self.head });
        }
    }

    /// "Are you there?" on a proven path needs no secret token: any authentic datagram is the answer.
    const fn head_token(&self) -> [u8; 8] {
        self.counter.to_be_bytes()
    }

    fn lose_path(&mut self, now: Instant) {
        self.state = State::Checking;
        self.transport.paused(now, true);
        self.candidates.restart(now);
        self.events.push_back(SessionEvent::PathLost);
    }

    /// When to call `handle_timeout` and `poll_transmit` again, and why.
    pub(crate) fn next_wake(&self, now: Instant) -> Option<(Instant, WakeReason)> {
        let mut soonest = self.keys.drop_wake().map(|at| (at, WakeReason::DropOldKey));
        let mut offer = |at: Option<Instant>, reason| {
            if let Some(at) = at
                && soonest.is_none_or(|(best, _)| at < best)
            {
                soonest = Some((at, reason));
            }
        };
        match &self.state {
            State::Checking => {}
            State::Open(path) => {
                offer(path.next_ping, WakeReason::Silence);
                offer(Some(self.last_heard + PATH_LOST_AFTER), WakeReason::Silence);
                offer(Some(self.next_keep_alive), WakeReason::KeepAlive);
            }
            State::Closing(closing) => {
                // Without an address nothing can be said; it only waits to be forgotten.
                offer(closing.bye.filter(|_| closing.address.is_some()).map(|(_, _, due)| due), WakeReason::Close);
                offer(Some(closing.until), WakeReason::Close);
            }
        }
        if !self.is_closing() {
            offer(self.candidates.next_wake(), WakeReason::PathCheck);
            if !self.timed_out {
                offer(Some(self.last_heard + MEMBER_TIMEOUT), WakeReason::Silence);
            }
        }
        let sends = match &self.state {
            State::Checking => false,
            State::Open(_) => true,
            State::Closing(closing) => closing.address.is_some(),
        };
        if sends && let Some((at, reason)) = self.transport.next_wake(now) {
            offer(Some(at), reason);
        }
        soonest
    }

    /// The whole of the counters.
    pub(crate) fn stats(&self, now: Instant) -> PeerStats {
        let mut stats = PeerStats::default();
        self.transport.stats(now, &mut stats);
        stats.address = self.address();
        stats.key_age = now.since(self.keys.current().since);
        stats.rekeys = self.keys.rekeys;
        stats.dropped_datagrams += self.dropped;
        (stats.sent, stats.received) = (self.sent, self.received);
        stats.shortfall = self.transport.shortfall();
        stats.last_wakes = self.wakes.iter().copied().collect();
        stats
    }
}
