//! A TCP download beside a call: a window of CUBIC (RFC 9438) with selective acknowledgements, enough of it to take its part of a
//! queue as a real one does. The scene moves its packets.

use std::collections::BTreeMap;
use std::time::Duration;

use conclave_proto::time::Instant;

pub(crate) const SEGMENT_BYTES: usize = 1500;
pub(crate) const ACK_BYTES: usize = 52;
const REORDERING: u64 = 3;
const BETA: f64 = 0.7;
const C: f64 = 0.4;
const TIMEOUT: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct Download {
    window: f64,
    threshold: f64,
    next: u64,
    outstanding: BTreeMap<u64, Instant>,
    acked: Option<u64>,
    /// Losses of numbers below this belong to a cut that was made.
    recovery_until: u64,
    before_cut: f64,
    cut_at: Option<Instant>,
    round_trip: Duration,
    progress_at: Instant,
    pub(crate) delivered_bytes: u64,
    pub(crate) starts_at: Instant,
}

impl Download {
    pub(crate) fn new(starts_at: Instant) -> Self {
        Self {
            window: 10.0,
            threshold: f64::MAX,
            next: 0,
            outstanding: BTreeMap::new(),
            acked: None,
            recovery_until: 0,
            before_cut: 0.0,
            cut_at: None,
            round_trip: Duration::from_millis(100),
            progress_at: starts_at,
            delivered_bytes: 0,
            starts_at,
        }
    }

    /// The number of a segment that may go now.
    pub(crate) fn poll(&mut self, now: Instant) -> Option<u64> {
        if now < self.starts_at || self.outstanding.len() as f64 >= self.window {
            return None;
        }
        let number = self.next;
        self.next += 1;
        self.outstanding.insert(number, now);
        Some(number)
    }

    pub(crate) fn next_wake(&self) -> Instant {
        if self.next == 0 { self.starts_at } else { self.progress_at + TIMEOUT }
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if self.next > 0 && now.since(self.progress_at) >= TIMEOUT {
            self.threshold = (self.window / 2.0).max(2.0);
            (self.window, self.recovery_until, self.progress_at) = (2.0, self.next, now);
            self.outstanding.clear();
        }
    }

    pub(crate) fn acknowledged(&mut self, now: Instant, number: u64) {
        let Some(sent_at) = self.outstanding.remove(&number) else { return };
        self.progress_at = now;
        self.delivered_bytes += SEGMENT_BYTES as u64;
        self.round_trip = (self.round_trip * 7 + now.since(sent_at)) / 8;
        let newest = self.acked.map_or(number, |acked| acked.max(number));
        self.acked = Some(newest);
        while let Some(first) = self.outstanding.first_entry().filter(|first| first.key() + REORDERING <= newest) {
            let (lost, _) = first.remove_entry();
            self.cut(now, lost);
        }
        self.grow(now);
    }

    fn cut(&mut self, now: Instant, lost: u64) {
        if lost < self.recovery_until {
            return;
        }
        self.recovery_until = self.next;
        // Fast convergence: who lost ground gives some more.
        self.before_cut = if self.window < self.before_cut { self.window * 0.85 } else { self.window };
        self.window = (self.window * BETA).max(2.0);
        (self.threshold, self.cut_at) = (self.window, Some(now));
    }

    fn grow(&mut self, now: Instant) {
        if self.window < self.threshold {
            self.window += 1.0;
            return;
        }
        let t = self.cut_at.map_or(0.0, |at| now.since(at).as_secs_f64());
        let k = (self.before_cut * (1.0 - BETA) / C).cbrt();
        let cubic = C * (t - k).powi(3) + self.before_cut;
        let reno = self.before_cut * BETA + 3.0 * (1.0 - BETA) / (1.0 + BETA) * t / self.round_trip.as_secs_f64();
        let target = cubic.max(reno).clamp(self.window, self.window * 1.5);
        self.window += (target - self.window) / self.window;
    }
}
