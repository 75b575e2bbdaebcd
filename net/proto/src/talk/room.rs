//! What every part of talk knows of the room: who is in it, who may command, to whom a path leads, and the count that orders
//! what is said. `Turn` bundles it with the time and our key for the length of one input.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::ids::{MeetingId, PeerId};
use crate::keys::MeetingKey;
use crate::limits::LAMPORT_LEAP;
use crate::time::Instant;

use super::message::ShortId;
use super::{Attendance, TalkEvent, TalkMessage, TalkOutput};

/// Who is in, as the membership has it, and who is reachable, as the sessions have it.
#[derive(Debug)]
pub(super) struct Room {
    /// All members but us; the value tells admins.
    pub(super) others: BTreeMap<PeerId, bool>,
    /// Members of the past: what they wrote stays.
    pub(super) departed: BTreeSet<PeerId>,
    pub(super) we_are_admin: bool,
    pub(super) history_for_newcomers: bool,
    connected: BTreeSet<PeerId>,
}

impl Room {
    pub(super) const NEW: Self = Self {
        others: BTreeMap::new(),
        departed: BTreeSet::new(),
        we_are_admin: false,
        history_for_newcomers: false,
        connected: BTreeSet::new(),
    };

    pub(super) fn update(&mut self, us: PeerId, attendance: Attendance) {
        let Attendance { mut members, departed, history_for_newcomers } = attendance;
        self.we_are_admin = members.remove(&us).unwrap_or(false);
        self.connected.retain(|peer| members.contains_key(peer));
        (self.others, self.departed, self.history_for_newcomers) = (members, departed, history_for_newcomers);
    }

    pub(super) fn connect(&mut self, peer: PeerId) {
        if self.others.contains_key(&peer) {
            self.connected.insert(peer);
        }
    }

    pub(super) fn disconnect(&mut self, peer: PeerId) {
        self.connected.remove(&peer);
    }

    pub(super) fn has(&self, peer: PeerId) -> bool {
        self.others.contains_key(&peer)
    }

    pub(super) fn is_admin(&self, peer: PeerId) -> bool {
        self.others.get(&peer).is_some_and(|admin| *admin)
    }

    pub(super) fn is_connected(&self, peer: PeerId) -> bool {
        self.connected.contains(&peer)
    }

    pub(super) fn connected(&self) -> Vec<PeerId> {
        self.connected.iter().copied().collect()
    }

    pub(super) fn by_short(&self, us: PeerId, id: ShortId) -> Option<PeerId> {
        self.others.keys().copied().chain([us]).find(|peer| ShortId::from(*peer) == id)
    }
}

/// Lamport's clock: whatever is said is numbered higher than all that its author had seen.
#[derive(Debug)]
pub(super) struct Clock(u64);

impl Clock {
    pub(super) const NEW: Self = Self(0);

    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.saturating_add(1);
        self.0
    }

    /// `false`: so far ahead that no honest program can have come to it.
    pub(super) const fn is_plausible(&self, seen: u64) -> bool {
        seen <= self.0.saturating_add(LAMPORT_LEAP)
    }

    pub(super) fn saw(&mut self, seen: u64) {
        self.0 = self.0.max(seen);
    }
}

/// One input: when, who we are, what is known, where answers go.
pub(super) struct Turn<'a> {
    pub(super) now: Instant,
    pub(super) us: PeerId,
    pub(super) key: &'a MeetingKey,
    pub(super) meeting: MeetingId,
    pub(super) room: &'a Room,
    pub(super) clock: &'a mut Clock,
    pub(super) out: &'a mut VecDeque<TalkOutput>,
    /// Our list of text or our hands changed, so others are told.
    pub(super) changed: bool,
}

impl Turn<'_> {
    pub(super) fn event(&mut self, event: TalkEvent) {
        self.out.push_back(TalkOutput::Event(event));
    }

    /// Lost if there is no path; whatever must not be lost is told again when there is one.
    pub(super) fn send(&mut self, to: PeerId, message: TalkMessage) {
        if self.room.is_connected(to) {
            self.out.push_back(TalkOutput::Send(to, message));
        }
    }

    pub(super) fn send_all(&mut self, message: &TalkMessage) {
        for to in self.room.connected() {
            self.send(to, message.clone());
        }
    }
}
