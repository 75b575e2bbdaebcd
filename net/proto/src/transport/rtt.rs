//! Round trip time from feedback, smoothed as RFC 6298 does.

use std::time::Duration;

use crate::time::Instant;

/// Before the first sample: a little more than most paths of a continent.
const INITIAL: Duration = Duration::from_millis(100);
/// Samples beyond this are a sleeping machine, not a path.
const LONGEST: Duration = Duration::from_secs(5);
/// The least is that of the last one to two of these.
const LEAST_WINDOW: Duration = Duration::from_secs(10);

/// Smoothed round trip and its variation.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RoundTrip {
    smoothed: Option<Duration>,
    variation: Duration,
    least: Option<Duration>,
    least_before: Option<Duration>,
    window_began: Instant,
}

impl RoundTrip {
    pub(super) fn sample(&mut self, now: Instant, sample: Duration) {
        if sample > LONGEST {
            return;
        }
        if now.since(self.window_began) > LEAST_WINDOW {
            (self.least_before, self.least, self.window_began) = (self.least, None, now);
        }
        self.least = Some(self.least.map_or(sample, |least| least.min(sample)));
        match self.smoothed {
            None => (self.smoothed, self.variation) = (Some(sample), sample / 2),
            Some(smoothed) => {
                self.variation = (self.variation * 3 + smoothed.abs_diff(sample)) / 4;
                self.smoothed = Some((smoothed * 7 + sample) / 8);
            }
        }
    }

    pub(super) const fn smoothed(&self) -> Option<Duration> {
        self.smoothed
    }

    /// Without queues, as far as seen lately.
    pub(super) fn least(&self) -> Option<Duration> {
        self.least.into_iter().chain(self.least_before).min()
    }

    /// For deadlines, which need a number in any case.
    pub(super) fn or_initial(&self) -> Duration {
        self.smoothed.unwrap_or(INITIAL)
    }

    /// After this an answer is overdue. `held_back` is what the answerer may wait on purpose.
    pub(super) fn timeout(&self, held_back: Duration) -> Duration {
        self.or_initial() + (self.variation * 4).max(Duration::from_millis(5)) + held_back
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_path_and_ignores_sleep() {
        let mut rtt = RoundTrip::default();
        assert_eq!(rtt.smoothed(), None);
        rtt.sample(Instant::ZERO, Duration::from_millis(40));
        assert_eq!(rtt.smoothed(), Some(Duration::from_millis(40)));
        rtt.sample(Instant::ZERO, Duration::from_secs(3600));
        for _ in 0..50 {
            rtt.sample(Instant::ZERO, Duration::from_millis(80));
        }
        assert_eq!(rtt.least(), Some(Duration::from_millis(40)));
        assert!(rtt.or_initial() > Duration::from_millis(79));
        assert!(rtt.timeout(Duration::ZERO) < Duration::from_millis(90));
    }
}
