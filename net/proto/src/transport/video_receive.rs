//! Pictures on their way in, one [`LayerReceive`] per rung: puts them together, hands out what can be decoded in order,
//! asks for what is missing, gives up by age, then freezes and asks for a key frame. A lost picture of the top temporal layer
//! costs only itself; a newer key frame overtakes everything.

use std::collections::BTreeMap;
use std::time::Duration;

use super::PeerMisbehaved;
use super::assembly::Assembly;
use super::recent::RecentNumbers;
use crate::core::{FlowStats, WakeReason};
use crate::frames::{SpatialLayer, VideoFrame};
use crate::limits;
use crate::time::Instant;
use crate::wire::{Chunk, Nack, VideoFragment};

/// A datagram may be overtaken by this much before its content counts as missing.
const REORDERING: Duration = Duration::from_millis(4);
/// A picture's last pieces are asked for after this silence, if nothing later shows that they are missing.
const TAIL: Duration = Duration::from_millis(25);
/// Pieces that come slower than this are late on any path.
const PACE_MOST: Duration = Duration::from_millis(100);
/// A layer of which nothing came for so long is not being sent, so no key frame of it is asked for again.
const INACTIVE: Duration = Duration::from_secs(2);

#[derive(Debug)]
enum Pending {
    Assembly(Box<Assembly>),
    /// A later picture needs it and nothing of it came.
    Unseen {
        since: Instant,
    },
}

#[derive(Debug)]
struct Waiting {
    pending: Pending,
    nack_at: Option<Instant>,
    tries: u8,
}

#[derive(Clone, Copy, Debug)]
struct KeyRequest {
    from_number: u32,
    asked_at: Option<Instant>,
    arrived: bool,
}

/// One rung of the ladder.
#[derive(Debug)]
pub(super) struct LayerReceive {
    layer: SpatialLayer,
    delivered: RecentNumbers,
    /// Given up, or dependent on something given up.
    dead: RecentNumbers,
    waiting: BTreeMap<u32, Waiting>,
    bytes: usize,
    highest: Option<u32>,
    active_at: Instant,
    /// The longest that one piece came after another of its picture, lately: on a slow path it is no sign of a loss.
    pace: Duration,
    key_request: Option<KeyRequest>,
    last_key_request: Option<Instant>,
}

/// Timing that depends on the path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    pub(super) round_trip: Duration,
    /// Round trip with its variation.
    pub(super) answer: Duration,
}

impl Patience {
    fn give_up(self) -> Duration {
        (self.round_trip * 4 + Duration::from_millis(60)).clamp(limits::GIVE_UP_MIN, limits::GIVE_UP_MAX)
    }
}

impl LayerReceive {
    pub(super) fn new(now: Instant, layer: SpatialLayer) -> Self {
        Self {
            layer,
            delivered: RecentNumbers::default(),
            dead: RecentNumbers::default(),
            waiting: BTreeMap::new(),
            bytes: 0,
            highest: None,
            active_at: now,
            pace: Duration::ZERO,
            key_request: None,
            last_key_request: None,
        }
    }

    /// Bytes held in unfinished or waiting pictures.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// A piece of a picture, or with `is_parity` one that replaces any.
    pub(super) fn handle(
        &mut self,
        now: Instant,
        piece: &VideoFragment<'_>,
        is_parity: bool,
        stats: &mut FlowStats,
        deliver: &mut impl FnMut(VideoFrame),
    ) -> Result<(), PeerMisbehaved> {
        self.active_at = now;
        stats.packets += 1;
        stats.packets_retransmitted += u64::from(piece.retransmitted);
        stats.bytes += (Chunk::HEADER_LEN + piece.encoded_len()) as u64;
        if self.is_past(piece) {
            return Ok(());
        }
        self.make_room(piece.total as usize, stats);
        let waiting = self.waiting.entry(piece.number).or_insert_with(|| Waiting {
            pending: Pending::Unseen { since: now },
            nack_at: None,
            tries: 0,
        });
        if let Pending::Unseen { since } = waiting.pending {
            let mut assembly = Assembly::new(now, piece, self.pace);
            assembly.began = since;
            self.bytes += assembly.size();
            *waiting = Waiting { pending: Pending::Assembly(Box::new(assembly)), nack_at: None, tries: 0 };
        }
        let Pending::Assembly(assembly) = &mut waiting.pending else { return Ok(()) };
        // Also when it was asked for meanwhile: that was too early then.
        if !piece.retransmitted && !is_parity {
            self.pace = (self.pace * 15 / 16).max(now.since(assembly.last_arrival)).min(PACE_MOST);
        }
        let is_new = if is_parity { assembly.add_parity(now, piece)? } else { assembly.add(now, piece)? };
        if !is_new {
            return Ok(());
        }
        // Parities follow at the picture's end and may fill the gap.
        let overtaken = if assembly.repaired { TAIL } else { REORDERING };
        waiting.nack_at = match waiting.nack_at {
            _ if assembly.is_complete() => None,
            // Asked for already: wait for the answer.
            Some(at) if waiting.tries > 0 => Some(at),
            Some(at) if assembly.has_gap() => Some(at.min(now + overtaken)),
            _ if assembly.has_gap() => Some(now + overtaken),
            _ => Some(now + assembly.tail(TAIL)),
        };
        let complete = assembly.is_complete();
        self.suspect_earlier(now, piece.number);
        self.want_what_it_needs(now, piece);
        if complete {
            self.deliver_ready(stats, deliver);
        }
        Ok(())
    }

    /// Overtaken, given up, or in need of something given up.
    fn is_past(&mut self, piece: &VideoFragment<'_>) -> bool {
        if self.delivered.newest().is_some_and(|newest| piece.number <= newest) || self.dead.contains(piece.number) {
            return true;
        }
        let orphan = piece.needs_back > 0
            && piece.number.checked_sub(u32::from(piece.needs_back)).is_none_or(|need| self.is_dead(need));
        if orphan {
            self.bury(piece.number);
        }
        orphan
    }

    /// Given up, or so far back that it can never come.
    fn is_dead(&self, number: u32) -> bool {
        let overtaken =
            self.delivered.newest().is_some_and(|newest| number < newest) && !self.delivered.contains(number);
        overtaken || self.dead.contains(number)
    }

    fn bury(&mut self, number: u32) {
        self.dead.insert(number);
        if let Some(Waiting { pending: Pending::Assembly(assembly), .. }) = self.waiting.remove(&number) {
            self.bytes -= assembly.size();
        }
    }

    fn make_room(&mut self, size: usize, stats: &mut FlowStats) {
        while self.waiting.len() >= limits::VIDEO_FRAMES_IN_FLIGHT
            || (self.bytes > 0 && self.bytes + size > limits::VIDEO_REASSEMBLY_BYTES / 3)
        {
            let Some((&oldest, _)) = self.waiting.first_key_value() else { return };
            self.give_up(oldest, stats);
        }
    }

    /// Whatever is incomplete in front of `number` is late by now.
    fn suspect_earlier(&mut self, now: Instant, number: u32) {
        if self.highest.is_some_and(|highest| highest >= number) {
            return;
        }
        self.highest = Some(number);
        for (_, waiting) in self.waiting.range_mut(..number) {
            let complete = matches!(&waiting.pending, Pending::Assembly(assembly) if assembly.is_complete());
            if !complete && waiting.tries == 0 {
                waiting.nack_at = Some(waiting.nack_at.unwrap_or(now + REORDERING).min(now + REORDERING));
            }
        }
    }

    /// If nothing came of the picture that this one needs, it is to be asked for.
    fn want_what_it_needs(&mut self, now: Instant, piece: &VideoFragment<'_>) {
        let Some(need) = piece.number.checked_sub(u32::from(piece.needs_back)) else { return };
        let known = piece.needs_back == 0 || self.delivered.contains(need) || self.waiting.contains_key(&need);
        if !known && self.waiting.len() < limits::VIDEO_FRAMES_IN_FLIGHT {
            let pending = Pending::Unseen { since: now };
            self.waiting.insert(need, Waiting { pending, nack_at: Some(now + REORDERING), tries: 0 });
        }
    }

    fn deliver_ready(&mut self, stats: &mut FlowStats, deliver: &mut impl FnMut(VideoFrame)) {
        let ready = |delivered: &RecentNumbers, waiting: &Waiting| match &waiting.pending {
            Pending::Assembly(assembly) if assembly.is_complete() => {
                let head = assembly.head();
                head.is_key() || delivered.contains(head.number - u32::from(head.needs_back))
            }
            Pending::Assembly(_) | Pending::Unseen { .. } => false,
        };
        while let Some(number) =
            self.waiting.iter().find(|(_, waiting)| ready(&self.delivered, waiting)).map(|(number, _)| *number)
        {
            // What lies in front could only go back in time.
            while let Some(entry) = self.waiting.first_entry().filter(|entry| *entry.key() < number) {
                if let Pending::Assembly(late) = entry.remove().pending {
                    self.bytes -= late.size();
                    stats.frames_dropped += 1;
                }
            }
            let Some(Waiting { pending: Pending::Assembly(assembly), .. }) = self.waiting.remove(&number) else {
                return;
            };
            self.bytes -= assembly.size();
            let frame = assembly.into_frame();
            if frame.is_key() {
                self.delivered = RecentNumbers::default();
                if self.key_request.is_some_and(|request| frame.number >= request.from_number) {
                    self.key_request = None;
                }
            }
            self.delivered.insert(number);
            stats.frames += 1;
            deliver(frame);
        }
    }

    /// Gives up on a picture and on all that need it. Freezes if somebody needed it.
    fn give_up(&mut self, number: u32, stats: &mut FlowStats) {
        let reference = self.waiting.get(&number).is_some_and(Waiting::is_reference);
        self.bury(number);
        stats.frames_dropped += 1;
        let orphans: Vec<u32> = self.waiting.range(number..).map(|(number, _)| *number).collect();
        for orphan in orphans {
            let Some(Waiting { pending: Pending::Assembly(assembly), .. }) = self.waiting.get(&orphan) else {
                continue;
            };
            let head = assembly.head();
            if !head.is_key() && self.is_dead(orphan - u32::from(head.needs_back)) {
                self.bury(orphan);
                stats.frames_dropped += 1;
            }
        }
        let key_behind = self
            .waiting
            .range(number..)
            .any(|(_, waiting)| matches!(&waiting.pending, Pending::Assembly(assembly) if assembly.head().is_key()));
        if reference && !key_behind {
            self.need_key(number + 1);
        }
    }

    fn need_key(&mut self, from_number: u32) {
        match &mut self.key_request {
            Some(request) if request.from_number >= from_number => {}
            request => *request = Some(KeyRequest { from_number, asked_at: None, arrived: false }),
        }
    }

    /// The decoder cannot go on.
    pub(super) fn request_key(&mut self) {
        let from = self.delivered.newest().max(self.dead.newest()).map_or(0, |newest| newest.saturating_add(1));
        self.need_key(from);
    }

    /// A datagram with our request arrived.
    pub(super) fn key_request_arrived(&mut self) {
        if let Some(request) = &mut self.key_request {
            request.arrived = true;
        }
    }

    /// Everything unfinished was under way on a path that is gone.
    pub(super) fn path_lost(&mut self) {
        for waiting in self.waiting.values_mut() {
            waiting.tries = 0;
        }
    }

    fn key_request_due(&self, patience: Patience) -> Option<Instant> {
        let request = self.key_request?;
        let first = self.last_key_request.map_or(Instant::ZERO, |last| last + limits::KEY_REQUEST_INTERVAL);
        Some(match request.asked_at {
            None => first,
            // Lost on its way, as far as feedback tells: the same request once more.
            Some(asked) if !request.arrived => asked + patience.answer.max(Duration::from_millis(100)),
            Some(asked) => asked + limits::KEY_REQUEST_INTERVAL,
        })
    }

    /// Appends a key frame request if one is due and allowed.
    pub(super) fn write_key_request(&mut self, now: Instant, patience: Patience, out: &mut Vec<u8>) -> bool {
        if self.key_request_due(patience).is_none_or(|due| due > now) {
            return false;
        }
        let Some(request) = &mut self.key_request else { return false };
        if request.asked_at.is_some() && now.since(self.active_at) > INACTIVE {
            self.key_request = None;
            return false;
        }
        if request.asked_at.is_none() || request.arrived {
            self.last_key_request = Some(now);
        }
        (request.asked_at, request.arrived) = (Some(now), false);
        Chunk::KeyRequest { layer: self.layer, from_number: request.from_number }.encode(out);
        true
    }

    /// Appends one request for missing pieces, if one is due.
    pub(super) fn write_nack(
        &mut self,
        now: Instant,
        patience: Patience,
        ranges: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> bool {
        let highest = self.highest;
        for waiting in self.waiting.values_mut() {
            // Pieces that came since then: the rest is on its way, and a request without numbers would be for all of it.
            if waiting.nack_at.is_some_and(|at| at <= now)
                && let Pending::Assembly(assembly) = &waiting.pending
                && !assembly.has_gap()
                && now.since(assembly.last_arrival) < assembly.tail(TAIL)
            {
                waiting.nack_at = Some(assembly.last_arrival + assembly.tail(TAIL));
            }
        }
        let due = self.waiting.iter_mut().find(|(_, waiting)| waiting.nack_at.is_some_and(|at| at <= now));
        let Some((&number, waiting)) = due else { return false };
        waiting.tries += 1;
        let again = now + patience.answer + REORDERING;
        waiting.nack_at = (waiting.tries < limits::NACK_TRIES).then_some(again);
        let nack = match &waiting.pending {
            Pending::Assembly(assembly) => {
                let all = highest > Some(number) || now.since(assembly.last_arrival) >= assembly.tail(TAIL);
                Nack::build(self.layer, number, assembly.missing(all), ranges)
            }
            Pending::Unseen { .. } => Nack::build(self.layer, number, std::iter::empty(), ranges),
        };
        Chunk::Nack(nack).encode(out);
        true
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, patience: Patience, stats: &mut FlowStats) {
        while let Some((number, _)) = self.next_to_give_up(patience).filter(|(_, at)| *at <= now) {
            self.give_up(number, stats);
        }
    }

    /// The picture whose deadline is next. Nobody gives up on one while an older one that it builds on may still come.
    fn next_to_give_up(&self, patience: Patience) -> Option<(u32, Instant)> {
        let mut soonest: Option<(u32, Instant)> = None;
        for (number, waiting) in &self.waiting {
            let Some(at) = waiting.give_up_at(patience) else { continue };
            if soonest.is_none_or(|(_, best)| at < best) {
                soonest = Some((*number, at));
            }
            if waiting.is_reference() {
                break;
            }
        }
        soonest
    }

    pub(super) fn next_wake(&self, patience: Patience) -> impl Iterator<Item = (Instant, WakeReason)> {
        let nack = self.waiting.values().filter_map(|waiting| waiting.nack_at).min();
        let give_up = self.next_to_give_up(patience).map(|(_, at)| at);
        let key = self.key_request_due(patience);
        [
            nack.map(|at| (at, WakeReason::Nack)),
            give_up.map(|at| (at, WakeReason::GiveUpOnFrame)),
            key.map(|at| (at, WakeReason::Nack)),
        ]
        .into_iter()
        .flatten()
    }
}

impl Waiting {
    /// Others build on it.
    fn is_reference(&self) -> bool {
        match &self.pending {
            Pending::Assembly(assembly) => assembly.head().temporal == 0,
            Pending::Unseen { .. } => true,
        }
    }

    /// Complete pictures wait for what they need, which has a deadline of its own.
    fn give_up_at(&self, patience: Patience) -> Option<Instant> {
        match &self.pending {
            Pending::Assembly(assembly) if assembly.is_complete() => None,
            Pending::Assembly(assembly) => {
                // A large picture on a slow path trickles in; that is no reason to give up.
                // One piece must have time to be asked for and to come.
                let asked = assembly.tail(TAIL) * 2 + patience.answer;
                let trickle = assembly.last_arrival + patience.give_up().max(asked);
                Some(trickle.min(assembly.began + limits::GIVE_UP_MAX * 2))
            }
            Pending::Unseen { since } => Some(*since + patience.give_up()),
        }
    }
}

#[cfg(test)]
#[path = "video_tests.rs"]
mod tests;
