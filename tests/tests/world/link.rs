//! One direction of one path: delay, jitter, duplication, loss, a bottleneck with a drop-tail queue, a cut. Pure and seeded: it
//! is told when a datagram is sent and says when it arrives, if at all. Used by worlds of cores and by pairs of transports.

use std::time::Duration;

use conclave_proto::time::{Bitrate, Instant};
use conclave_tests::link::{LossState, UDP_IPV4_HEADERS};

pub(crate) use conclave_tests::link::Loss;

use crate::random::Random;

/// A link's nature. `Profile::default()` is a cable of 10 ms without a fault.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Profile {
    pub(crate) delay: Duration,
    /// Up to this much is added to each datagram.
    pub(crate) jitter: Duration,
    /// Jitter may let datagrams overtake each other.
    pub(crate) reorders: bool,
    /// Percent that come twice.
    pub(crate) duplicates: f64,
    pub(crate) loss: Loss,
    /// The bottleneck; `None`: as fast as one likes.
    pub(crate) rate: Option<Bitrate>,
    /// What may wait in front of the bottleneck, as time at its rate.
    pub(crate) queue: Duration,
    /// Larger UDP payloads vanish.
    pub(crate) largest: usize,
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            delay: Duration::from_millis(10),
            jitter: Duration::ZERO,
            reorders: false,
            duplicates: 0.0,
            loss: Loss::None,
            rate: None,
            queue: Duration::from_millis(300),
            largest: 1472,
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LinkStats {
    pub(crate) carried: u64,
    pub(crate) lost: u64,
    pub(crate) overflowed: u64,
    pub(crate) bytes: u64,
    /// Longest wait in the queue since the last `take_longest_queue`.
    pub(crate) longest_queue: Duration,
}

/// One direction.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) profile: Profile,
    /// Nothing gets through.
    pub(crate) cut: bool,
    pub(crate) stats: LinkStats,
    random: Random,
    losses: LossState,
    free_at: Instant,
    last_arrival: Instant,
}

impl Link {
    pub(crate) fn new(profile: Profile, random: Random) -> Self {
        Self {
            profile,
            cut: false,
            stats: LinkStats::default(),
            random,
            losses: LossState::default(),
            free_at: Instant::ZERO,
            last_arrival: Instant::ZERO,
        }
    }

    /// When a datagram of `len` bytes sent now arrives: never, once or twice.
    pub(crate) fn send(&mut self, now: Instant, len: usize) -> impl Iterator<Item = Instant> + use<> {
        let mut arrivals = [None, None];
        if let Some(out_of_queue) = self.pass(now, len) {
            arrivals[0] = Some(self.arrival(out_of_queue));
            if self.random.chance(self.profile.duplicates) {
                arrivals[1] = Some(self.arrival(out_of_queue + Duration::from_micros(300)));
            }
            self.stats.carried += 1;
            self.stats.bytes += len as u64;
        }
        arrivals.into_iter().flatten()
    }

    /// How long a datagram would wait now.
    pub(crate) fn queued(&self, now: Instant) -> Duration {
        self.free_at.since(now)
    }

    pub(crate) fn take_longest_queue(&mut self) -> Duration {
        std::mem::take(&mut self.stats.longest_queue)
    }

    fn pass(&mut self, now: Instant, len: usize) -> Option<Instant> {
        if self.cut || len > self.profile.largest || self.losses.takes(self.profile.loss, &mut self.random) {
            self.stats.lost += 1;
            return None;
        }
        let Some(rate) = self.profile.rate else { return Some(now) };
        let waits = self.queued(now);
        if waits > self.profile.queue {
            self.stats.overflowed += 1;
            return None;
        }
        self.stats.longest_queue = self.stats.longest_queue.max(waits);
        self.free_at = self.free_at.max(now) + rate.time_for(len + UDP_IPV4_HEADERS);
        Some(self.free_at)
    }

    fn arrival(&mut self, from: Instant) -> Instant {
        let jitter = u64::try_from(self.profile.jitter.as_micros()).unwrap_or(0);
        let mut at = from + self.profile.delay + Duration::from_micros(self.random.below(0..jitter + 1));
        if !self.profile.reorders {
            at = at.max(self.last_arrival);
        }
        self.last_arrival = self.last_arrival.max(at);
        at
    }
}

#[test]
fn a_bottleneck_delays_and_then_drops() {
    let rate = Some(Bitrate::from_kbps(1000));
    let profile = Profile { rate, queue: Duration::from_millis(100), ..Profile::default() };
    let mut link = Link::new(profile, Random::new(1));
    let arrivals: Vec<Instant> = (0..50).flat_map(|_| link.send(Instant::ZERO, 972)).collect();
    // 1000 bytes with headers: 8 ms each, 13 fit the wait of 100 ms.
    assert_eq!(arrivals.len(), 13);
    assert_eq!(arrivals.last().copied(), Some(Instant::ZERO + Duration::from_millis(13 * 8 + 10)));
    assert_eq!(link.stats.overflowed, 37);
}

#[test]
fn losses_are_as_often_as_told_and_bursts_are_bursts() {
    let run = |loss| {
        let mut link = Link::new(Profile { loss, ..Profile::default() }, Random::new(7));
        let lost: Vec<bool> = (0..20_000).map(|_| link.send(Instant::ZERO, 100).count() == 0).collect();
        let share = lost.iter().filter(|lost| **lost).count() as f64 / 200.0;
        let runs = lost.chunk_by(|a, b| a == b).filter(|run| run[0]).count();
        (share, 20_000.0 * share / 100.0 / runs as f64)
    };
    let (share, run_length) = run(Loss::Uniform(10.0));
    assert!((9.0..11.0).contains(&share) && run_length < 1.3, "{share} {run_length}");
    let (share, run_length) = run(Loss::Bursts { begin: 8.6, end: 20.0, within: 100.0 });
    assert!((27.0..33.0).contains(&share) && run_length > 4.0, "{share} {run_length}");
}

#[test]
fn jitter_reorders_only_where_told() {
    let run = |reorders| {
        let profile = Profile { jitter: Duration::from_millis(20), reorders, ..Profile::default() };
        let mut link = Link::new(profile, Random::new(3));
        let arrivals: Vec<Instant> =
            (0..500_u64).flat_map(|ms| link.send(Instant::from_micros(ms * 1000), 100)).collect();
        arrivals.is_sorted()
    };
    assert!(run(false));
    assert!(!run(true));
}
