//! Who is connected from where, and the one signalling stream that each peer has.

use std::collections::HashMap;
use std::net::SocketAddr;

use conclave_proto::ids::PeerId;
use libp2p::swarm::ConnectionId;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::stream::Outgoing;
use crate::limits::{SIMULTANEOUS_OPEN, STREAM_MESSAGES, STREAMS_PER_WINDOW, STREAMS_WINDOW};

/// See the module. Bounded by the connection limits.
pub(super) struct Peers {
    us: Option<PeerId>,
    peers: HashMap<PeerId, Peer>,
    next_stream: u64,
}

#[derive(Default)]
struct Peer {
    /// Newest last.
    connections: Vec<(ConnectionId, SocketAddr)>,
    stream: Option<OpenStream>,
    opened_in_window: u32,
    window_began: Option<Instant>,
}

struct OpenStream {
    id: u64,
    opened_by_us: bool,
    since: Instant,
    outgoing: mpsc::Sender<Outgoing>,
    over: Option<oneshot::Receiver<()>>,
}

/// What a new stream's task gets.
pub(super) struct Place {
    pub(super) id: u64,
    pub(super) outgoing: mpsc::Receiver<Outgoing>,
    pub(super) previous: Option<oneshot::Receiver<()>>,
    pub(super) done: oneshot::Sender<()>,
}

impl Peers {
    pub(super) fn new(us: Option<PeerId>) -> Self {
        Self { us, peers: HashMap::new(), next_stream: 0 }
    }

    pub(super) fn connected(&mut self, peer: PeerId, id: ConnectionId, address: SocketAddr) {
        self.peers.entry(peer).or_default().connections.push((id, address));
    }

    pub(super) fn disconnected(&mut self, peer: PeerId, id: ConnectionId) {
        if let Some(entry) = self.peers.get_mut(&peer) {
            entry.connections.retain(|(known, _)| *known != id);
            self.forget_if_idle(peer);
        }
    }

    /// Where the peer's newest connection leads.
    pub(super) fn address(&self, peer: PeerId) -> Option<SocketAddr> {
        self.peers.get(&peer)?.connections.last().map(|(_, address)| *address)
    }

    pub(super) fn has_stream(&self, peer: PeerId) -> bool {
        self.peers.get(&peer).is_some_and(|entry| entry.stream.is_some())
    }

    /// Counts a stream that the peer opened; false: it opens too many.
    pub(super) fn may_open(&mut self, peer: PeerId, now: Instant) -> bool {
        let entry = self.peers.entry(peer).or_default();
        let window_over = entry.window_began.is_none_or(|began| now.saturating_duration_since(began) > STREAMS_WINDOW);
        if window_over {
            entry.window_began = Some(now);
            entry.opened_in_window = 0;
        }
        entry.opened_in_window += 1;
        entry.opened_in_window <= STREAMS_PER_WINDOW
    }

    /// Makes room for a new stream; `None`: the one that is there stays.
    ///
    /// Newest wins, except when both sides opened one at the same moment: then both keep the one that the smaller id opened.
    pub(super) fn place(&mut self, peer: PeerId, opened_by_us: bool, now: Instant) -> Option<Place> {
        let we_are_smaller = self.us.is_some_and(|us| us < peer);
        let entry = self.peers.entry(peer).or_default();
        if let Some(there) = &entry.stream {
            let same_moment = now.saturating_duration_since(there.since) < SIMULTANEOUS_OPEN;
            if there.opened_by_us != opened_by_us && same_moment && there.opened_by_us == we_are_smaller {
                return None;
            }
        }
        let (outgoing, from_us) = mpsc::channel(STREAM_MESSAGES);
        let (done, over) = oneshot::channel();
        self.next_stream += 1;
        let id = self.next_stream;
        let stream = OpenStream { id, opened_by_us, since: now, outgoing, over: Some(over) };
        let previous = entry.stream.replace(stream).and_then(|mut old| old.over.take());
        Some(Place { id, outgoing: from_us, previous, done })
    }

    /// False: there is no stream, or it takes no more; such a one is given up.
    pub(super) fn send(&mut self, peer: PeerId, outgoing: Outgoing) -> bool {
        let Some(entry) = self.peers.get_mut(&peer) else { return false };
        let Some(stream) = &entry.stream else { return false };
        let sent = stream.outgoing.try_send(outgoing).is_ok();
        if !sent {
            entry.stream = None;
            self.forget_if_idle(peer);
        }
        sent
    }

    /// A stream's task is over; true if it was the peer's current stream.
    pub(super) fn ended(&mut self, peer: PeerId, id: u64) -> bool {
        let Some(entry) = self.peers.get_mut(&peer) else { return true };
        let current = entry.stream.as_ref().is_none_or(|stream| stream.id == id);
        if current {
            entry.stream = None;
            self.forget_if_idle(peer);
        }
        current
    }

    /// Everybody gets what was queued, then the end.
    pub(super) fn close_all(&mut self) {
        for entry in self.peers.values_mut() {
            if let Some(stream) = entry.stream.take()
                && stream.outgoing.try_send(Outgoing::Close).is_err()
            {
                tracing::debug!("a stream was full when it was to be closed");
            }
        }
    }

    fn forget_if_idle(&mut self, peer: PeerId) {
        if self.peers.get(&peer).is_some_and(|entry| entry.connections.is_empty() && entry.stream.is_none()) {
            self.peers.remove(&peer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: PeerId = PeerId([1; 32]);
    const LARGE: PeerId = PeerId([9; 32]);

    #[test]
    fn both_sides_keep_the_same_of_two_streams_opened_at_once() {
        let now = Instant::now();
        // The small one sees its own stream first; the large one too.
        let mut small = Peers::new(Some(SMALL));
        assert!(small.place(LARGE, true, now).is_some());
        assert!(small.place(LARGE, false, now).is_none(), "the small one keeps its own");
        let mut large = Peers::new(Some(LARGE));
        assert!(large.place(SMALL, true, now).is_some());
        assert!(large.place(SMALL, false, now).is_some(), "the large one takes the other's");
    }

    #[test]
    fn later_the_newest_stream_wins() {
        let now = Instant::now();
        let mut small = Peers::new(Some(SMALL));
        assert!(small.place(LARGE, true, now).is_some());
        let place = small.place(LARGE, false, now + SIMULTANEOUS_OPEN * 2).expect("newer");
        assert!(place.previous.is_some(), "it waits for the one that it replaces");
        assert!(!small.ended(LARGE, place.id - 1), "the old one's end changes nothing");
        assert!(small.has_stream(LARGE));
    }

    #[test]
    fn who_opens_stream_after_stream_is_noticed() {
        let now = Instant::now();
        let mut peers = Peers::new(Some(SMALL));
        assert!((0..STREAMS_PER_WINDOW).all(|_| peers.may_open(LARGE, now)));
        assert!(!peers.may_open(LARGE, now));
        assert!(peers.may_open(LARGE, now + STREAMS_WINDOW * 2));
    }

    #[test]
    fn a_stream_that_takes_no_more_is_given_up() {
        let mut peers = Peers::new(Some(SMALL));
        let place = peers.place(LARGE, true, Instant::now()).expect("the first");
        assert!((0..STREAM_MESSAGES).all(|_| peers.send(LARGE, Outgoing::Message(Vec::new()))));
        assert!(!peers.send(LARGE, Outgoing::Message(Vec::new())));
        assert!(!peers.has_stream(LARGE));
        drop(place);
    }
}
