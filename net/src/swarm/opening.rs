//! Signalling streams that the core has asked for and that are not open yet: first a connection, then the stream, all of it
//! under one deadline.

use std::collections::HashMap;
use std::net::SocketAddr;

use conclave_proto::ids::PeerId;
use tokio::time::Instant;

use crate::limits::{OPENINGS, SIGNAL_OPEN};

/// See the module. At most one per peer.
#[derive(Debug, Default)]
pub(super) struct Openings(HashMap<PeerId, Opening>);

#[derive(Debug)]
struct Opening {
    addresses: Vec<SocketAddr>,
    deadline: Instant,
    step: Step,
    streams_tried: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Connecting,
    OpeningStream,
}

impl Openings {
    pub(super) fn insert(&mut self, peer: PeerId, addresses: Vec<SocketAddr>, now: Instant) {
        let opening = Opening { addresses, deadline: now + SIGNAL_OPEN, step: Step::Connecting, streams_tried: 0 };
        self.0.insert(peer, opening);
    }

    pub(super) fn has_room(&self) -> bool {
        self.0.len() < OPENINGS
    }

    pub(super) fn contains(&self, peer: PeerId) -> bool {
        self.0.contains_key(&peer)
    }

    /// True: it was there.
    pub(super) fn remove(&mut self, peer: PeerId) -> bool {
        self.0.remove(&peer).is_some()
    }

    pub(super) fn addresses(&self, peer: PeerId) -> &[SocketAddr] {
        self.0.get(&peer).map_or(&[], |opening| &opening.addresses)
    }

    pub(super) fn awaits_connection(&self, peer: PeerId) -> bool {
        self.0.get(&peer).is_some_and(|opening| opening.step == Step::Connecting)
    }

    /// True: nobody is opening a stream to that peer yet; now the caller is.
    pub(super) fn begin_stream(&mut self, peer: PeerId) -> bool {
        let Some(opening) = self.0.get_mut(&peer) else { return false };
        let first = opening.step == Step::Connecting;
        opening.step = Step::OpeningStream;
        opening.streams_tried += u32::from(first);
        first
    }

    /// After a stream could not be opened: whether to try once more, on a new connection.
    pub(super) fn may_redial(&mut self, peer: PeerId) -> bool {
        let Some(opening) = self.0.get_mut(&peer) else { return false };
        opening.step = Step::Connecting;
        opening.streams_tried < 2
    }

    /// The peer opened a stream itself. One of ours that is on its way already goes on: both sides must see the same two.
    pub(super) fn peer_was_first(&mut self, peer: PeerId) {
        if self.awaits_connection(peer) {
            self.0.remove(&peer);
        }
    }

    /// The next moment to ask [`expired`](Self::expired).
    pub(super) fn next_deadline(&self) -> Instant {
        let idle = || Instant::now() + SIGNAL_OPEN * 100;
        self.0.values().map(|opening| opening.deadline).min().unwrap_or_else(idle)
    }

    /// Removes and names those whose time is over.
    pub(super) fn expired(&mut self, now: Instant) -> Vec<PeerId> {
        let late: Vec<PeerId> =
            self.0.iter().filter(|(_, opening)| opening.deadline <= now).map(|(peer, _)| *peer).collect();
        for peer in &late {
            self.0.remove(peer);
        }
        late
    }
}
