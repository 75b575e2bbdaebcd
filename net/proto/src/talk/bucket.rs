//! A token bucket in virtual time: so many at once, one more per period. Used for everything that a peer may send and nobody
//! asked for, and with smaller numbers for what we send, so that an honest program never meets the limits of others.

use std::time::Duration;

use crate::time::Instant;

/// How much at once, and how often again.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// Tokens of a full bucket.
    pub burst: u32,
    /// Time that brings one more.
    pub every: Duration,
}

/// Full at first. Keeps only the moment at which it will be full again.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bucket {
    full_at: Instant,
}

impl Bucket {
    pub(super) const NEW: Self = Self { full_at: Instant::ZERO };

    /// One that holds fewer tokens than it could.
    pub(super) fn holding(now: Instant, rate: Rate, tokens: u32) -> Self {
        Self { full_at: now + rate.every * rate.burst.saturating_sub(tokens) }
    }

    /// Takes `count` tokens, or none if there are fewer.
    pub(super) fn take(&mut self, now: Instant, rate: Rate, count: u32) -> bool {
        let full_at = self.full_at.max(now) + rate.every * count;
        let enough = full_at.since(now) <= rate.every * rate.burst;
        if enough {
            self.full_at = full_at;
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_one_per_period() {
        let rate = Rate { burst: 3, every: Duration::from_secs(1) };
        let at = |ms: u64| Instant::from_micros(ms * 1000);
        let mut bucket = Bucket::default();
        assert!((0..3).all(|_| bucket.take(at(0), rate, 1)));
        assert!(!bucket.take(at(0), rate, 1));
        assert!(!bucket.take(at(999), rate, 1));
        assert!(bucket.take(at(1000), rate, 1));
        assert!(!bucket.take(at(2500), rate, 2));
        assert!(bucket.take(at(3000), rate, 2));
        assert!(bucket.take(at(60_000), rate, 3));
        assert!(!bucket.take(at(60_000), rate, 1));
        let mut scant = Bucket::holding(at(0), rate, 1);
        assert!(scant.take(at(0), rate, 1) && !scant.take(at(0), rate, 1));
    }
}
