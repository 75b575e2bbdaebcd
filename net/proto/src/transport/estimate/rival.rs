//! Living beside somebody who fills the queue. A sender that yields to delay is left nothing by a TCP download, which yields to
//! loss only. While the queue stands although we yielded, our rate follows a window of CUBIC (RFC 9438), as the other's does; when
//! the queue is seen empty, the other is gone. Alone in the queue this ends by itself: the first loss takes 30 % away, and it empties.

use std::time::Duration;

use crate::limits;
use crate::time::{Bitrate, Instant};

const BETA: f64 = 0.7;
const C: f64 = 0.4;
/// Bytes of a segment, as the other's.
const SEGMENT: f64 = 1500.0;
/// A loss means a full queue only while it is at least this part of the longest seen; others are the path's own.
const FULL: f64 = 0.6;
/// Losses this close together are one event.
const EVENT: Duration = Duration::from_millis(100);
/// The window is told in at least this many segments.
const LEAST_WINDOW: f64 = 2.0;

/// A window as the other's.
#[derive(Debug)]
pub(super) struct Rival {
    window: f64,
    before_cut: f64,
    cut_at: Instant,
    longest_us: i64,
}

impl Rival {
    /// Begins with what we had before we yielded.
    pub(super) fn new(now: Instant, rate: Bitrate, round_trip: Duration) -> Self {
        let window = window_of(rate, round_trip).max(LEAST_WINDOW);
        // As after a cut: growing begins slowly.
        Self { window, before_cut: window / BETA, cut_at: now, longest_us: 0 }
    }

    /// The rate after one more report; `lost`: some of it is missing.
    pub(super) fn report(&mut self, now: Instant, round_trip: Duration, standing_us: i64, lost: bool) -> Bitrate {
        self.longest_us = self.longest_us.max(standing_us);
        #[expect(clippy::cast_precision_loss, reason = "microseconds of a queue")]
        let full = standing_us as f64 > self.longest_us as f64 * FULL;
        if lost && full && now.since(self.cut_at) > round_trip + EVENT {
            self.before_cut =
                if self.window < self.before_cut { self.window * (1.0 + BETA) / 2.0 } else { self.window };
            self.window = (self.window * BETA).max(LEAST_WINDOW);
            self.cut_at = now;
        } else {
            self.grow(now, round_trip);
        }
        rate_of(self.window, round_trip)
    }

    fn grow(&mut self, now: Instant, round_trip: Duration) {
        let t = now.since(self.cut_at).as_secs_f64();
        let k = (self.before_cut * (1.0 - BETA) / C).cbrt();
        let cubic = C * (t - k).powi(3) + self.before_cut;
        let reno = self.before_cut * BETA + 3.0 * (1.0 - BETA) / (1.0 + BETA) * t / round_trip.as_secs_f64().max(0.01);
        // No faster than half as much again in a round trip, as the standard has it.
        self.window = cubic.max(reno).clamp(self.window, self.window * 1.05).min(window_of(limit(), round_trip));
    }
}

fn limit() -> Bitrate {
    Bitrate::from_kbps(limits::ESTIMATE_MOST_KBPS)
}

#[expect(clippy::cast_precision_loss, reason = "rates stay far below 2^52")]
fn window_of(rate: Bitrate, round_trip: Duration) -> f64 {
    rate.as_bps() as f64 / 8.0 * round_trip.as_secs_f64().max(0.01) / SEGMENT
}

fn rate_of(window: f64, round_trip: Duration) -> Bitrate {
    Bitrate::from_bps(8).scaled(window * SEGMENT / round_trip.as_secs_f64().max(0.01))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yields_to_a_full_queue_and_not_to_the_paths_own_losses() {
        let round_trip = Duration::from_millis(300);
        let rate = Bitrate::from_kbps(2500);
        let mut rival = Rival::new(Instant::ZERO, rate, round_trip);
        let mut now = Instant::ZERO;
        for _ in 0..40 {
            now += Duration::from_millis(50);
            assert!(rival.report(now, round_trip, 250_000, false) >= rate.scaled(0.99));
        }
        let before = rival.report(now, round_trip, 250_000, false);
        assert!(rival.report(now, round_trip, 60_000, true) >= before, "the queue is not full");
        let after = rival.report(now, round_trip, 260_000, true);
        assert!(after < before.scaled(0.75) && after > before.scaled(0.65), "{before} {after}");
        assert!(rival.report(now, round_trip, 260_000, true) >= after, "one event, one cut");
    }
}
