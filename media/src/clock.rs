//! The one media clock of this process: microseconds since its first use, from the system's monotonic clock. Captured
//! pictures and sound positions are stamped with it, so that they can be compared, here and at the receiver.

use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

fn origin() -> &'static (Instant, u64) {
    static ORIGIN: OnceLock<(Instant, u64)> = OnceLock::new();
    ORIGIN.get_or_init(|| {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        (Instant::now(), u64::try_from(unix.as_micros()).unwrap_or(u64::MAX))
    })
}

/// Now, in microseconds on the media clock.
#[must_use]
pub fn now_us() -> u64 {
    u64::try_from(origin().0.elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// A moment of the media clock in microseconds since the Unix epoch, immune to steps of the wall clock.
#[must_use]
pub fn to_unix_us(media_us: u64) -> u64 {
    origin().1.saturating_add(media_us)
}
