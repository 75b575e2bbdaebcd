//! The core's own notion of time and rate, so that nothing in this crate can read a clock.
//!
//! An [`Instant`] is microseconds since a moment that the caller chose once (the start of its process, or zero in a
//! simulated world). The caller maps its clock to it; the core only compares and adds.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};
use std::time::Duration;

/// A point in time in microseconds since an arbitrary start. Never goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The caller's chosen start.
    pub const ZERO: Self = Self(0);

    /// From microseconds since the start.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since the start.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// How long ago `earlier` was; zero if it lies ahead.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;
    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(rhs.as_micros()).unwrap_or(u64::MAX)))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, rhs: Duration) {
        *self = *self + rhs;
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;
    fn sub(self, rhs: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(rhs.as_micros()).unwrap_or(u64::MAX)))
    }
}

/// A rate in bits per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bitrate(u64);

impl Bitrate {
    /// Nothing at all.
    pub const ZERO: Self = Self(0);

    /// From bits per second.
    #[must_use]
    pub const fn from_bps(bps: u64) -> Self {
        Self(bps)
    }

    /// From kilobits (1000 bits) per second.
    #[must_use]
    pub const fn from_kbps(kbps: u64) -> Self {
        Self(kbps.saturating_mul(1000))
    }

    /// Bits per second.
    #[must_use]
    pub const fn as_bps(self) -> u64 {
        self.0
    }

    /// Kilobits per second, rounded down.
    #[must_use]
    pub const fn as_kbps(self) -> u64 {
        self.0 / 1000
    }

    /// Bytes that this rate carries in `time`.
    #[must_use]
    pub fn bytes_in(self, time: Duration) -> usize {
        usize::try_from(u128::from(self.0) * time.as_micros() / 8_000_000).unwrap_or(usize::MAX)
    }

    /// How long `bytes` take at this rate; `Duration::MAX` at rate zero.
    #[must_use]
    pub fn time_for(self, bytes: usize) -> Duration {
        if self.0 == 0 {
            return Duration::MAX;
        }
        Duration::from_micros(u64::try_from(bytes as u128 * 8_000_000 / u128::from(self.0)).unwrap_or(u64::MAX))
    }

    /// This rate times `factor`; negative or not-a-number factors give zero.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "float to int casts saturate, and rates stay far below 2^52"
        )]
        Self((self.0 as f64 * factor).max(0.0) as u64)
    }
}

impl fmt::Display for Bitrate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} kbit/s", self.as_kbps())
    }
}

/// How much somebody may do: so many at once, and one more each time. Full at the start.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Measure {
    full_at: Instant,
}

impl Measure {
    /// Takes one, if one is left.
    pub(crate) fn take(&mut self, now: Instant, burst: u32, every: Duration) -> bool {
        let then = self.full_at.max(now) + every;
        let is_left = then.since(now) <= every * burst;
        if is_left {
            self.full_at = then;
        }
        is_left
    }

    /// When it is full again, if nothing more is taken.
    pub(crate) const fn full_at(&self) -> Instant {
        self.full_at
    }
}
