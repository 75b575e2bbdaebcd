//! Short bursts at a chosen rate, padded if need be, whose arrival shows whether the path carries that rate. In the first second
//! they climb a ladder; later one goes out when little is sent and the estimate is below what a call can use, and each success is
//! followed at once by one of twice the rate.

use std::time::Duration;

use super::Probe;
use crate::limits;
use crate::time::{Bitrate, Instant};

/// Rates of the first second, in kbit/s. Each step waits for the success of the one before.
const LADDER: [u64; 4] = [1800, 3000, 6000, 10_000];
/// Nothing in a call needs more: no reason to probe above.
const CEILING: Bitrate = Bitrate::from_kbps(10_000);
/// How long a burst lasts: long against a timer's granularity.
const LENGTH: Duration = Duration::from_millis(25);
const FEWEST: usize = 5;
/// Padding of less measures headers.
const PADDING_LEAST: usize = 60;
/// No word about a burst for so long: it failed.
const DEADLINE: Duration = Duration::from_secs(1);
/// So much of a burst must arrive, but for what the path loses by itself.
const ARRIVED: f64 = 0.7;
/// Came slower than it was sent: the path was full.
const SATURATED: f64 = 0.9;
/// ... unless it is no more than radio links do, which grant in lumps.
const JITTER: Duration = Duration::from_millis(10);
/// Between later bursts; doubles with each failure ...
const INTERVAL: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(32));
/// ... up to this, if the path carried more not long ago.
const INTERVAL_HOPEFUL: Duration = Duration::from_secs(3);

#[derive(Debug, Default)]
struct Burst {
    sent_packets: usize,
    sent_bytes: usize,
    finished: bool,
    first_sent: Option<Instant>,
    arrived: usize,
    lost: usize,
    arrived_bytes: usize,
    first_us: u64,
    first_bytes: usize,
    last_us: u64,
    first_of_arrived: Option<Instant>,
    last_of_arrived: Instant,
    last_bytes: usize,
}

/// What a burst showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) carried: Bitrate,
    /// The path was full: it carries no more than that.
    pub(super) saturated: bool,
    /// Of the first second's ladder.
    pub(super) starting: bool,
}

/// Plans bursts and judges them.
#[derive(Debug)]
pub(super) struct Prober {
    id: u32,
    active: Option<(Bitrate, Burst)>,
    /// Next step of the ladder; beyond its end: done.
    rung: usize,
    next_at: Instant,
    interval: Duration,
    /// Our own upper bound, and what the peer could use at most: a burst above either is for nothing.
    max: Bitrate,
    useful: Bitrate,
}

impl Prober {
    pub(super) fn new(now: Instant) -> Self {
        let mut prober =
            Self { id: 0, active: None, rung: 0, next_at: now, interval: INTERVAL.0, max: CEILING, useful: CEILING };
        prober.restart(now);
        prober
    }

    /// The ladder from its foot: a new path.
    pub(super) fn restart(&mut self, now: Instant) {
        (self.rung, self.interval, self.active) = (0, INTERVAL.0, None);
        self.start(now, Bitrate::from_kbps(LADDER[0]));
    }

    pub(super) fn set_max(&mut self, max: Option<Bitrate>) {
        self.max = max.map_or(CEILING, |max| max.min(CEILING));
    }

    /// What can be used at most; `None`: as much as any call.
    pub(super) fn set_useful(&mut self, now: Instant, useful: Option<Bitrate>) {
        let before = std::mem::replace(&mut self.useful, useful.map_or(CEILING, |useful| useful.min(CEILING)));
        if self.useful > before {
            self.hurry(now);
        }
    }

    pub(super) fn useful(&self) -> Bitrate {
        self.useful
    }

    fn ceiling(&self) -> Bitrate {
        self.max.min(self.useful)
    }

    fn start(&mut self, now: Instant, rate: Bitrate) {
        self.id += 1;
        self.active = Some((rate.min(self.ceiling()), Burst::default()));
        self.next_at = now + DEADLINE;
    }

    /// The burst that wants to be sent.
    pub(super) fn current(&self) -> Option<Probe> {
        let (rate, burst) = self.active.as_ref()?;
        (!burst.finished).then_some(Probe { id: self.id, rate: *rate })
    }

    pub(super) fn sent(&mut self, now: Instant, bytes: usize, id: u32) {
        let Some((rate, burst)) = self.active.as_mut().filter(|_| id == self.id) else { return };
        burst.first_sent.get_or_insert(now);
        burst.sent_packets += 1;
        burst.sent_bytes += bytes;
        if burst.sent_bytes >= rate.bytes_in(LENGTH) && burst.sent_packets >= FEWEST {
            burst.finished = true;
            self.next_at = now + DEADLINE;
        }
    }

    /// One datagram of a burst was reported on.
    pub(super) fn reported(&mut self, id: u32, sent_at: Instant, bytes: usize, arrived_us: Option<u64>) {
        let Some((_, burst)) = self.active.as_mut().filter(|_| id == self.id) else { return };
        let Some(arrived_us) = arrived_us else {
            burst.lost += 1;
            return;
        };
        if burst.first_of_arrived.is_none() {
            (burst.first_of_arrived, burst.first_us, burst.first_bytes) = (Some(sent_at), arrived_us, bytes);
        }
        (burst.last_of_arrived, burst.last_bytes) = (sent_at, bytes);
        burst.last_us = burst.last_us.max(arrived_us);
        burst.arrived += 1;
        burst.arrived_bytes += bytes;
    }

    /// Once all of the burst was reported on. `own_loss`: the share that the path loses at any rate.
    pub(super) fn outcome(&mut self, now: Instant, own_loss: f64) -> Option<Outcome> {
        let (rate, burst) = self.active.as_ref()?;
        if !burst.finished || burst.arrived + burst.lost < burst.sent_packets {
            return None;
        }
        let (rate, starting) = (*rate, self.rung < LADDER.len());
        let outcome = burst.measure(own_loss);
        self.active = None;
        let good = outcome.is_some_and(|(carried, saturated)| !saturated && carried >= rate.scaled(0.7));
        self.after(now, good, rate);
        outcome.map(|(carried, saturated)| Outcome { carried, saturated, starting })
    }

    fn after(&mut self, now: Instant, good: bool, rate: Bitrate) {
        self.interval = if good { INTERVAL.0 } else { (self.interval * 2).min(INTERVAL.1) };
        self.next_at = now + self.interval;
        self.rung = if good { self.rung + 1 } else { LADDER.len() };
        if good && rate < self.ceiling() {
            let next = LADDER.get(self.rung).map_or(rate.scaled(2.0), |next| Bitrate::from_kbps(*next));
            self.start(now, next);
        } else {
            self.rung = LADDER.len();
        }
    }

    /// A burst of which nothing more will be heard; and whether a new one is due. `useful`: the estimate limits the call or
    /// could, and the path is calm.
    /// `hopeful`: it carried more not long ago.
    pub(super) fn handle_timeout(&mut self, now: Instant, estimate: Bitrate, useful: bool, hopeful: bool) {
        if hopeful && self.active.is_none() {
            self.interval = self.interval.min(INTERVAL_HOPEFUL);
            self.next_at = self.next_at.min(now + INTERVAL_HOPEFUL);
        }
        if now < self.next_at {
            return;
        }
        if let Some((rate, _)) = self.active.take() {
            self.after(now, false, rate);
        } else if useful && estimate < self.ceiling() {
            self.start(now, estimate.scaled(2.0));
        } else {
            self.next_at = now + INTERVAL.0;
        }
    }

    /// What the path carried before it broke is worth asking for again soon.
    pub(super) fn hurry(&mut self, at: Instant) {
        if self.active.is_none() {
            self.next_at = self.next_at.min(at);
        }
    }

    /// Not now: the queue is full.
    pub(super) fn hold_off(&mut self, until: Instant) {
        if self.active.is_none() {
            self.next_at = self.next_at.max(until);
        }
    }

    pub(super) const fn next_wake(&self) -> Instant {
        self.next_at
    }
}

impl Burst {
    /// Rate carried, lost by the path itself or not, and whether it came slower than it was sent.
    fn measure(&self, own_loss: f64) -> Option<(Bitrate, bool)> {
        let share = self.arrived as f64 / self.sent_packets.max(1) as f64;
        if self.arrived < FEWEST - 1 || share < ARRIVED * (1.0 - own_loss) {
            return None;
        }
        let whole = 1.0 / share.max(1.0 - own_loss);
        let sent_us = self.last_of_arrived.since(self.first_of_arrived?).as_micros();
        let arrived_us = u128::from(self.last_us.saturating_sub(self.first_us));
        let rate = |bytes: usize, us: u128| {
            let bits = bytes as u128 * 8_000_000;
            Bitrate::from_bps(u64::try_from(bits / us.max(1)).unwrap_or(u64::MAX))
        };
        let sent = rate(self.arrived_bytes - self.last_bytes, sent_us);
        let arrived = rate(self.arrived_bytes - self.first_bytes, arrived_us);
        let saturated = arrived < sent.scaled(SATURATED) && arrived_us > sent_us + JITTER.as_micros();
        let carried = if saturated { arrived.scaled(0.95) } else { sent.min(arrived) };
        Some((carried.scaled(whole), saturated))
    }
}

/// Bytes of a datagram of padding in a burst of this rate: a slow path's burst is no longer than a fast one's.
pub(in crate::transport) fn padding(rate: Bitrate) -> usize {
    let most = limits::DATAGRAM_BYTES - limits::SEALED_OVERHEAD;
    let headers = limits::SEALED_OVERHEAD + limits::PACKET_HEADERS;
    rate.bytes_in(LENGTH).div_ceil(FEWEST).saturating_sub(headers).clamp(PADDING_LEAST, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends the prober's bursts over a path of `capacity` without loss; outcomes of the first second.
    fn climb(capacity: Bitrate) -> Vec<Outcome> {
        let mut prober = Prober::new(Instant::ZERO);
        let (mut now, mut outcomes) = (Instant::ZERO, Vec::new());
        while now < Instant::from_micros(1_000_000) {
            let (mut queue_free, mut sent) = (now, Vec::new());
            while let Some(probe) = prober.current() {
                prober.sent(now, 1200, probe.id);
                queue_free = queue_free.max(now) + capacity.time_for(1200);
                sent.push((probe.id, now, queue_free));
                now += probe.rate.time_for(1200);
            }
            now += Duration::from_millis(100);
            for (id, at, arrived) in sent {
                prober.reported(id, at, 1200, Some(arrived.as_micros() + 7_000_000));
            }
            outcomes.extend(prober.outcome(now, 0.0));
        }
        outcomes
    }

    #[test]
    fn climbs_as_far_as_the_path_goes() {
        let wide = climb(Bitrate::from_kbps(100_000));
        assert_eq!(wide.len(), 4);
        assert!(wide.iter().all(|outcome| !outcome.saturated));
        assert!(wide.last().is_some_and(|outcome| outcome.carried > Bitrate::from_kbps(9000)));
        let narrow = climb(Bitrate::from_kbps(2000));
        let last = narrow.last().expect("two bursts");
        assert!(last.saturated && narrow.len() == 2, "{narrow:?}");
        assert!(last.carried > Bitrate::from_kbps(1800) && last.carried < Bitrate::from_kbps(2000), "{}", last.carried);
    }

    #[test]
    fn what_a_radio_link_grants_in_lumps_is_no_full_path() {
        let (mut prober, mut now) = (Prober::new(Instant::ZERO), Instant::ZERO);
        let rate = Bitrate::from_kbps(700);
        prober.rung = LADDER.len();
        prober.start(now, rate);
        while let Some(probe) = prober.current() {
            prober.sent(now, 440, probe.id);
            now += rate.time_for(440);
        }
        for n in 0..5 {
            let sent_at = Instant::ZERO + rate.time_for(440) * n;
            // The first happens to meet a grant, the last waits for one.
            let waits = if n == 0 { 0 } else { 8_000 };
            prober.reported(prober.id, sent_at, 440, Some(sent_at.as_micros() + waits));
        }
        let outcome = prober.outcome(now, 0.0).expect("all are reported on");
        assert!(!outcome.saturated && outcome.carried > Bitrate::from_kbps(490), "{outcome:?}");
        assert!(prober.current().is_some(), "twice the rate is tried at once");
    }

    #[test]
    fn silence_ends_a_burst() {
        let mut prober = Prober::new(Instant::ZERO);
        while let Some(probe) = prober.current() {
            prober.sent(Instant::ZERO, 1200, probe.id);
        }
        prober.handle_timeout(Instant::from_micros(1_100_000), Bitrate::from_kbps(1200), true, false);
        assert_eq!(prober.current(), None);
        let again = prober.next_wake();
        assert!(again > Instant::from_micros(3_000_000));
        prober.handle_timeout(again, Bitrate::from_kbps(1200), true, false);
        assert_eq!(prober.current().map(|probe| probe.rate), Some(Bitrate::from_kbps(2400)));
    }
}
