//! What a link counts: packets and bytes by fate, and how long they waited in the queue.

use std::time::Duration;

/// Waits are counted in steps of a millisecond up to this; longer ones count as this.
const LONGEST_MS: usize = 10_000;

/// Since the start, or since they were taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Handed in.
    pub sent: u64,
    /// Their bytes.
    pub sent_bytes: u64,
    /// Vanished at random, by a cut or by size.
    pub lost: u64,
    /// The queue was full.
    pub dropped_by_queue: u64,
    /// Came out, copies included.
    pub delivered: u64,
    /// Their bytes.
    pub delivered_bytes: u64,
    /// Copies made.
    pub duplicated: u64,
    /// Waited longer than the link's threshold.
    pub marked: u64,
    /// How long packets waited, their own time in the bottleneck included.
    pub queue_delay: DelayCounts,
}

/// A histogram of delays in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DelayCounts {
    by_ms: Vec<u64>,
    count: u64,
    longest: Duration,
}

impl DelayCounts {
    /// One more.
    pub fn count(&mut self, delay: Duration) {
        let ms = usize::try_from(delay.as_millis()).unwrap_or(LONGEST_MS).min(LONGEST_MS);
        if self.by_ms.len() <= ms {
            self.by_ms.resize(ms + 1, 0);
        }
        if let Some(slot) = self.by_ms.get_mut(ms) {
            *slot += 1;
        }
        self.count += 1;
        self.longest = self.longest.max(delay);
    }

    /// The least delay, in whole milliseconds, that `percent` of all do not exceed; zero if nothing was counted.
    #[must_use]
    pub fn percentile(&self, percent: u64) -> Duration {
        let rank = (self.count * percent.min(100)).div_ceil(100);
        let mut seen = 0;
        for (ms, count) in (0_u64..).zip(&self.by_ms) {
            seen += count;
            if *count > 0 && seen >= rank {
                return Duration::from_millis(ms);
            }
        }
        Duration::ZERO
    }

    /// The longest of all.
    #[must_use]
    pub const fn longest(&self) -> Duration {
        self.longest
    }

    /// How many were counted.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.count
    }

    /// None was counted.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }
}
