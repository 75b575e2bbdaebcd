//! The narrow place: a first-in first-out queue that drops at its tail, served at a constant rate or by a recorded trace. A change
//! of the rate holds for what waits already, and for the rest of the packet that is being served. The link drives it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use conclave_proto::time::{Bitrate, Instant};

use super::trace::{Cursor, Trace};

/// How fast packets leave.
#[derive(Clone, Debug)]
pub enum Capacity {
    /// At once.
    Unbounded,
    /// Bit by bit at this rate; at zero the link stands still.
    Rate(Bitrate),
    /// When a recorded link had room; begins with the link's time zero and repeats.
    Trace(Arc<Trace>),
}

/// What may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueBound {
    /// As long as what waits takes no longer than this at the present rate (of a trace: its mean rate).
    Time(Duration),
    /// So many bytes.
    Bytes(usize),
}

#[derive(Debug)]
pub(super) struct Departed<T> {
    pub(super) entered: Instant,
    pub(super) at: Instant,
    pub(super) bytes: usize,
    pub(super) item: T,
}

#[derive(Debug)]
struct Waiting<T> {
    entered: Instant,
    bytes: usize,
    item: T,
}

#[derive(Debug)]
pub(super) struct Bottleneck<T> {
    capacity: Capacity,
    queue: VecDeque<Waiting<T>>,
    bytes: usize,
    /// When the first of the queue has left; `None`: never, or there is none.
    departs: Option<Instant>,
    cursor: Cursor,
}

impl<T> Bottleneck<T> {
    pub(super) fn new(capacity: Capacity) -> Self {
        Self { capacity, queue: VecDeque::new(), bytes: 0, departs: None, cursor: Cursor::default() }
    }

    /// False: the queue is full.
    pub(super) fn push(&mut self, now: Instant, bytes: usize, item: T, bound: QueueBound) -> bool {
        if self.is_full(now, bytes, bound) {
            return false;
        }
        self.queue.push_back(Waiting { entered: now, bytes, item });
        self.bytes += bytes;
        if self.queue.len() == 1 {
            self.serve(now);
        }
        true
    }

    /// An empty queue takes anything.
    fn is_full(&self, now: Instant, bytes: usize, bound: QueueBound) -> bool {
        match bound {
            QueueBound::Bytes(most) => !self.queue.is_empty() && self.bytes + bytes > most,
            QueueBound::Time(longest) => self.backlog(now) > longest,
        }
    }

    /// What has left until now, in order.
    pub(super) fn pop(&mut self, now: Instant) -> Option<Departed<T>> {
        let at = self.departs.filter(|at| *at <= now)?;
        let Waiting { entered, bytes, item } = self.queue.pop_front()?;
        self.bytes -= bytes;
        self.serve(at);
        Some(Departed { entered, at, bytes, item })
    }

    pub(super) const fn next_departure(&self) -> Option<Instant> {
        self.departs
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn backlog(&self, now: Instant) -> Duration {
        match &self.capacity {
            Capacity::Unbounded => Duration::ZERO,
            Capacity::Rate(rate) => {
                let first = self.queue.front().map_or(0, |first| first.bytes);
                let rest = if self.departs.is_some() { self.bytes - first } else { self.bytes };
                let serving = self.departs.map_or(Duration::ZERO, |departs| departs.since(now));
                if rest == 0 { serving } else { serving.saturating_add(rate.time_for(rest)) }
            }
            Capacity::Trace(trace) => trace.mean_rate().time_for(self.bytes),
        }
    }

    /// The packet that is being served keeps the part that was done.
    pub(super) fn set_capacity(&mut self, now: Instant, capacity: Capacity) {
        let left = self.left_of_first(now);
        self.capacity = capacity;
        self.cursor = Cursor::default();
        self.departs = left.and_then(|bytes| self.departure(now, bytes));
    }

    fn left_of_first(&self, now: Instant) -> Option<usize> {
        let first = self.queue.front()?;
        Some(match (&self.capacity, self.departs) {
            (Capacity::Rate(rate), Some(departs)) => rate.bytes_in(departs.since(now)).min(first.bytes),
            _ => first.bytes,
        })
    }

    fn serve(&mut self, now: Instant) {
        let bytes = self.queue.front().map(|first| first.bytes);
        self.departs = bytes.and_then(|bytes| self.departure(now, bytes));
    }

    fn departure(&mut self, now: Instant, bytes: usize) -> Option<Instant> {
        match &self.capacity {
            Capacity::Unbounded => Some(now),
            Capacity::Rate(rate) if *rate == Bitrate::ZERO => None,
            Capacity::Rate(rate) => Some(now + rate.time_for(bytes)),
            Capacity::Trace(trace) => Some(self.cursor.take(trace, now, bytes)),
        }
    }
}
