//! Paths that congest together share a bottleneck, most often our own uplink: each of them gets the same part of what they
//! carry together. By its own estimate alone, whoever was there first would keep most of it, since all yield alike.
//!
//! Only pictures are evened out. Who is held back sends less, the others find what that leaves free, and the parts meet.

use std::time::Duration;

use crate::time::{Bitrate, Instant};
use crate::transport::PictureBudget;

use super::VideoShare;

/// Queues seen within this time of each other are one: reports come every 50 ms and paths differ in length.
const TOGETHER: Duration = Duration::from_millis(300);
/// So much does one more event say.
const NEWS: f64 = 0.25;
/// From which share of its events on a path counts as one of those with a common bottleneck, and down to which it stays.
const JOINS: f64 = 0.6;
const LEAVES: f64 = 0.25;

/// When a path congested, and whether others did so at the same time.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::core) struct Congestion {
    /// The last two events; the first of them is judged once another can no longer come close to it.
    last: [Option<Instant>; 2],
    judged: bool,
    /// The share of events that others had, too, smoothed.
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

    fn judge(&mut self, others_too: bool) {
        self.judged = true;
        self.together += (f64::from(u8::from(others_too)) - self.together) * NEWS;
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
        let mut others = shares.iter().enumerate().filter(|(other, _)| *other != place);
        let too = others.any(|(_, share)| share.congestion.has_near(at));
        shares[place].congestion.judge(too);
    }
    let group: Vec<PictureBudget> =
        shares.iter().filter(|share| share.congestion.is_shared).filter_map(|share| share.budget).collect();
    let count = u64::try_from(group.len()).unwrap_or(1);
    let mean = |of: fn(&PictureBudget) -> Bitrate| {
        Bitrate::from_bps(group.iter().map(|budget| of(budget).as_bps()).sum::<u64>() / count.max(1))
    };
    let even = PictureBudget { now: mean(|budget| budget.now), settled: mean(|budget| budget.settled) };
    for share in shares {
        share.even = (share.congestion.is_shared && count > 1).then_some(even);
    }
}
