//! Paths that congest together share a bottleneck, most often our own uplink: each of them gets the same part of what they
//! carry together, estimates and pictures (as RFC 8699 couples the controllers of several flows). By its own estimate alone,
//! whoever was there first would keep most of it, since all yield alike; and the one encoder would follow the least.
//!
//! Wrongly taken to share one, the slower path congests alone from then on, and is let go.

use std::time::Duration;

use crate::time::{Bitrate, Instant};
use crate::transport::PictureBudget;

use super::VideoShare;

/// Queues seen within this time of each other are one: reports come every 50 ms and paths differ in length.
const TOGETHER: Duration = Duration::from_millis(300);
/// So much does one more event say.
const NEWS: f64 = 0.25;
/// With how many of the others a path must congest to count as one of those with a common bottleneck, and with how many to
/// stay: behind one uplink it is nine of ten, by chance a third.
const JOINS: f64 = 0.65;
const LEAVES: f64 = 0.45;
/// Parts that differ by less are even.
const EVEN: f64 = 0.03;

/// When a path congested, and whether others did so at the same time.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::core) struct Congestion {
    /// The last two events; the first of them is judged once another can no longer come close to it.
    last: [Option<Instant>; 2],
    judged: bool,
    /// Which part of the others had its events, too, smoothed.
    together: f64,
    is_shared: bool,
}

impl Congestion {
    fn note(&mut self, at: Option<Instant>) {
        if at.is_some() && at != self.last[0] {
            (self.last, self.judged) = ([at, self.last[0]], false);
        }
    }

    /// An event that nobody has looked at and that others had time to have, too.
    fn due(&self, now: Instant) -> Option<Instant> {
        self.last[0].filter(|at| !self.judged && now.since(*at) > TOGETHER)
    }

    fn has_near(&self, at: Instant) -> bool {
        self.last.iter().flatten().any(|own| own.since(at).max(at.since(*own)) <= TOGETHER)
    }

    pub(in crate::core) const fn is_shared(&self) -> bool {
        self.is_shared
    }

    fn judge(&mut self, others_too: f64) {
        self.judged = true;
        self.together += (others_too - self.together) * NEWS;
        self.is_shared = self.together >= if self.is_shared { LEAVES } else { JOINS };
    }
}

/// Evens out the parts of those who share a bottleneck. `congested_at`: when each path was last seen to congest.
pub(in crate::core) fn even_out(now: Instant, shares: &mut [&mut VideoShare], congested_at: &[Option<Instant>]) {
    for (share, at) in shares.iter_mut().zip(congested_at) {
        share.congestion.note(*at);
    }
    for place in 0..shares.len() {
        let Some(at) = shares[place].congestion.due(now) else { continue };
        let others = shares.iter().enumerate().filter(|(other, _)| *other != place);
        let too = others.filter(|(_, share)| share.congestion.has_near(at)).count();
        let part = too as f64 / (shares.len() - 1).max(1) as f64;
        shares[place].congestion.judge(part);
    }
    let group: Vec<PictureBudget> =
        shares.iter().filter(|share| share.congestion.is_shared).filter_map(|share| share.budget).collect();
    let even = mean(group.iter().map(|budget| budget.now))
        .zip(mean(group.iter().map(|budget| budget.settled)))
        .map(|(now, settled)| PictureBudget { now, settled });
    for share in shares {
        share.even = even.filter(|_| share.congestion.is_shared);
    }
}

/// What each of the paths with one bottleneck is to believe in, if they believe in different things. `estimates`: of those that use
/// what they believe in; the others' say nothing.
pub(in crate::core) fn even_part(estimates: &[Bitrate]) -> Option<Bitrate> {
    let mean = mean(estimates.iter().copied())?;
    let differs = |estimate: &Bitrate| *estimate < mean.scaled(1.0 - EVEN) || *estimate > mean.scaled(1.0 + EVEN);
    estimates.iter().any(differs).then_some(mean)
}

/// `None`: fewer than two have nothing in common.
fn mean(rates: impl ExactSizeIterator<Item = Bitrate>) -> Option<Bitrate> {
    let count = u64::try_from(rates.len()).ok().filter(|count| *count > 1)?;
    Some(Bitrate::from_bps(rates.map(Bitrate::as_bps).sum::<u64>() / count))
}
