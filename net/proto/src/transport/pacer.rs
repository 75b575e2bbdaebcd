//! Spreads pictures over time, so that a large one does not fill the path's queue. Sound and control are charged but
//! never held. The rate is well above the estimate (as libwebrtc does): the estimate says what the path carries on
//! average, and a picture that waits costs delay. Where it is known what the path carries it is that: faster, the picture
//! would only wait in the path's queue, with the sound behind it.

use std::time::Duration;

use crate::limits;
use crate::time::{Bitrate, Instant};

/// Pictures leave at this many times the estimate.
const FACTOR: f64 = 2.5;
/// ... and at this many at least where the path's limit is known.
const FACTOR_AT_LIMIT: f64 = 1.1;
/// ... beside somebody who fills the queue, where it decides nothing.
const FACTOR_BESIDE_RIVAL: f64 = 1.4;
/// What may leave at once after a pause, in time at the pacing rate.
const BURST: Duration = Duration::from_millis(5);
/// The same within a probe, whose spacing is the measurement; a timer's granularity must fit.
const PROBE_BURST: Duration = Duration::from_micros(1500);
/// Sound and control may push the next picture back this far and no further ...
const MOST_DEBT: Duration = Duration::from_millis(40);
/// ... or, on a slow path, by what these take: what is forgiven would end up in the path's queue.
const MOST_DEBT_BYTES: usize = 2 * limits::DATAGRAM_BYTES;

/// A leaky bucket in units of time.
#[derive(Debug)]
pub(super) struct Pacer {
    rate: Bitrate,
    probe: Option<Bitrate>,
    /// When the bytes sent so far will have left at the pacing rate.
    free_at: Instant,
}

impl Pacer {
    pub(super) fn new(now: Instant, estimate: Bitrate) -> Self {
        Self { rate: estimate.scaled(FACTOR), probe: None, free_at: now }
    }

    /// `limit`: what the path carries, if known. `drains`: its queue is to be emptied.
    pub(super) fn set_estimate(&mut self, estimate: Bitrate, limit: Option<Bitrate>, drains: bool, has_rival: bool) {
        self.rate = match limit {
            _ if has_rival => estimate.scaled(FACTOR_BESIDE_RIVAL),
            Some(_) if drains => estimate,
            Some(limit) => limit.max(estimate.scaled(FACTOR_AT_LIMIT)),
            None => estimate.scaled(FACTOR),
        };
    }

    /// While a probe runs, its rate rules.
    pub(super) fn set_probe(&mut self, now: Instant, probe: Option<Bitrate>) {
        if self.probe.is_none() && probe.is_some() {
            self.free_at = self.free_at.max(now - PROBE_BURST).min(now);
        }
        self.probe = probe;
    }

    pub(super) fn rate(&self) -> Bitrate {
        self.probe.unwrap_or(self.rate)
    }

    pub(super) fn may_send(&self, now: Instant) -> bool {
        self.free_at <= now
    }

    /// When `may_send` turns true.
    pub(super) const fn free_at(&self) -> Instant {
        self.free_at
    }

    pub(super) fn sent(&mut self, now: Instant, bytes: usize) {
        let burst = if self.probe.is_some() { PROBE_BURST } else { BURST };
        let most = MOST_DEBT.max(self.rate().time_for(MOST_DEBT_BYTES).min(MOST_DEBT * 5));
        self.free_at = self.free_at.max(now - burst) + self.rate().time_for(bytes).min(most);
        self.free_at = self.free_at.min(now + most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sends_at_most_the_rate_and_one_burst() {
        let mut pacer = Pacer::new(Instant::ZERO, Bitrate::from_kbps(1200));
        let start = Instant::ZERO + Duration::from_secs(1);
        let (mut now, mut bytes) = (start, 0_usize);
        while now < start + Duration::from_millis(200) {
            while pacer.may_send(now) {
                pacer.sent(now, 1200);
                bytes += 1200;
                let allowed = pacer.rate().bytes_in(now.since(start) + BURST) + 1200;
                assert!(bytes <= allowed, "{bytes} bytes after {:?}", now.since(start));
            }
            now += Duration::from_micros(250);
        }
        let rate = Bitrate::from_bps(bytes as u64 * 8 * 5);
        assert!(rate > Bitrate::from_kbps(2900), "the rate is used: {rate}");
    }

    #[test]
    fn on_a_slow_path_large_datagrams_are_paid_for_in_full() {
        let mut pacer = Pacer::new(Instant::ZERO, Bitrate::from_kbps(60));
        let start = Instant::ZERO + Duration::from_secs(1);
        let mut now = start;
        for _ in 0..20 {
            now = now.max(pacer.free_at());
            pacer.sent(now, 1200);
        }
        assert!(now.since(start) >= pacer.rate().time_for(18 * 1200), "{:?}", now.since(start));
    }

    #[test]
    fn a_picture_leaves_at_once_on_a_fast_path() {
        let mut pacer = Pacer::new(Instant::ZERO, Bitrate::from_kbps(10_000));
        let start = Instant::ZERO + Duration::from_secs(1);
        let mut now = start;
        for _ in 0..8 {
            now = now.max(pacer.free_at());
            pacer.sent(now, 1200);
        }
        assert!(now.since(start) <= Duration::from_millis(1), "{:?}", now.since(start));
    }
}
