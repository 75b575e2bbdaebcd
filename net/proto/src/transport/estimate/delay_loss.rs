//! The estimator that ships: additive-increase, multiplicative-decrease on the delay, the loss experiment beside it, probes, and a
//! window of CUBIC while somebody else holds the queue. Feels its way up only as far as what is sent proves; what is not used is
//! found by probes. A decrease goes below what the path carries until the queue is empty, then back to just below it.

use std::time::Duration;

use super::acked::RateWindow;
use super::busy::BusyRate;
use super::loss::LossModel;
use super::probe::Prober;
use super::rival::Rival;
use super::trend::{DelayTrend, Usage};
use super::{BandwidthEstimator, Probe};
use crate::ecn::Ecn;
use crate::limits;
use crate::time::{Bitrate, Instant};
use crate::transport::sent_log::PacketReport;

/// Before anything is known.
const START: Bitrate = Bitrate::from_kbps(1200);
const FLOOR: Bitrate = Bitrate::from_kbps(limits::ESTIMATE_LEAST_KBPS);
/// Above this nothing in a call gets better.
const MOST: Bitrate = Bitrate::from_kbps(limits::ESTIMATE_MOST_KBPS);
/// What came through is that of this time ...
const CARRIED_US: u64 = 500_000;
/// ... or of this one while the path is full.
const LATELY_US: u64 = 150_000;
/// On overuse, of what came through ...
const DECREASE: f64 = 0.85;
/// ... and down to this, the more of a queue there is to empty: this one of half a second.
const DRAIN: f64 = 0.5;
const DRAIN_US: f64 = 500_000.0;
/// No further down than this while that does come through: the queue needs time, and there will be something to carry.
const DRAIN_MOST: f64 = 0.4;
/// Once the queue is empty, of what came through.
const RESUME: f64 = 0.92;
/// Of what came through without a queue: so much was no chance.
const PROVEN: f64 = 0.8;
/// Per second, while the limit is unknown.
const INCREASE: f64 = 1.08;
/// Per second, near what was the limit last time.
const INCREASE_NEAR: Bitrate = Bitrate::from_kbps(60);
/// A trend counts only once there is a queue: jitter of a busy machine is none ...
const QUEUE_US: i64 = 10_000;
/// ... and a queue that stands this long is too much without any trend ...
const STANDING_US: i64 = 25_000;
/// ... and one like this shows what the path carries within a few pictures' time.
const FULL_US: i64 = 40_000;
/// A queue that grew like this needs no second look: the path has become much slower.
const SUDDEN_US: i64 = 60_000;
/// No queue.
const EMPTY_US: i64 = 8_000;
/// A small datagram, which a slow path holds up for a while without any queue ...
const SMALL_BYTES: usize = 300;
/// ... beyond what counts for nothing; and so much of it is believed.
const SLACK_US: (u64, u64) = (5_000, 50_000);
/// Less than this share of the estimate is sent: it says nothing about the rest.
const LIMITED: f64 = 0.7;
/// Between decreases, so that the effect of one is seen before the next.
const REACTION: Duration = Duration::from_millis(150);
/// The same while the queue has doubled since.
const SUDDEN: Duration = Duration::from_millis(50);
/// After a decrease nothing is tried for so long.
const CALM: Duration = Duration::from_secs(1);
/// Each time that reports are overdue.
const SILENCE_CUT: f64 = 0.5;
/// So many of them are a cut of the path, after which nothing is as it was.
const CUT: u32 = 4;
/// A queue that did not halve for so long although we yielded is not ours ...
const RIVAL_AFTER: Duration = Duration::from_millis(1500);
/// ... which is to send no more than this part of what came through before.
const YIELDED: f64 = 0.9;
/// What the path carried this lately it may carry again.
const BEST_KEPT: Duration = Duration::from_secs(60);
/// From this share of losses on.
const LOSSY: f64 = 0.04;
/// Below this part of that it is worth asking often.
const HOPEFUL: f64 = 0.7;

/// A queue that stands.
#[derive(Clone, Copy, Debug)]
struct Episode {
    since: Instant,
    peak_us: i64,
    /// What we carried when it began.
    carried: Bitrate,
}

/// A decrease, until the queue is empty.
#[derive(Clone, Copy, Debug)]
struct Fall {
    /// The estimate before it.
    from: Bitrate,
    /// Where to go back to.
    resume: Bitrate,
}

/// See the module.
#[derive(Debug)]
pub(in crate::transport) struct DelayAndLoss {
    estimate: Bitrate,
    max: Bitrate,
    trend: DelayTrend,
    loss: LossModel,
    prober: Prober,
    acked: RateWindow,
    acked_lately: RateWindow,
    busy: BusyRate,
    sent: RateWindow,
    /// What the path carried when it was last full.
    limit: Option<Bitrate>,
    fall: Option<Fall>,
    decreased_at: Option<Instant>,
    decreased_queue_us: i64,
    updated_at: Instant,
    /// Reports are overdue, so many times, and this was the estimate before.
    before_silence: Option<Bitrate>,
    silences: u32,
    /// The largest estimate of the last minute.
    best: (Bitrate, Instant),
    episode: Option<Episode>,
    rival: Option<Rival>,
}

impl DelayAndLoss {
    pub(in crate::transport) fn new(now: Instant) -> Self {
        Self {
            estimate: START,
            max: MOST,
            trend: DelayTrend::new(),
            loss: LossModel::new(),
            prober: Prober::new(now),
            acked: RateWindow::new(Duration::from_micros(CARRIED_US)),
            acked_lately: RateWindow::new(Duration::from_micros(LATELY_US)),
            busy: BusyRate::default(),
            sent: RateWindow::new(Duration::from_millis(500)),
            limit: None,
            fall: None,
            decreased_at: None,
            decreased_queue_us: 0,
            updated_at: now,
            before_silence: None,
            silences: 0,
            best: (START, now),
            episode: None,
            rival: None,
        }
    }

    fn set(&mut self, estimate: Bitrate) {
        self.estimate = estimate.max(FLOOR).min(self.max);
    }

    /// Rates that came through while the path had a queue, or in the mean; of the last moments if it was full all the time.
    fn carried(&self) -> Option<Bitrate> {
        let carried = self.busy.rate().or(self.acked.rate())?;
        let lately = self.busy.latest().or(self.acked_lately.rate()).filter(|_| self.is_full());
        Some(lately.map_or(carried, |lately| lately.min(carried)))
    }

    /// The queue that stands, less what is no queue on a path as slow as this.
    fn standing_us(&self) -> i64 {
        let small = u64::try_from(self.estimate.time_for(SMALL_BYTES).as_micros()).unwrap_or(u64::MAX);
        let slack = small.saturating_sub(SLACK_US.0).min(SLACK_US.1);
        (self.trend.standing_us() - slack.cast_signed()).max(0)
    }

    fn is_full(&self) -> bool {
        self.standing_us() > FULL_US || self.trend.queue_us() > SUDDEN_US
    }

    fn is_over(&self) -> bool {
        let slack = if self.is_limited_by_application() { 2 } else { 1 };
        let standing = self.standing_us();
        standing > STANDING_US * slack
            || self.trend.queue_us() > SUDDEN_US
            || (self.trend.usage() == Usage::Over && standing > QUEUE_US * slack)
    }

    /// No queue, or hardly one that neither grows nor shrinks. The trend goes on telling of a queue for a while after it is gone.
    fn is_calm(&self) -> bool {
        let standing = self.standing_us();
        standing < EMPTY_US || (standing < QUEUE_US && self.trend.usage() == Usage::Normal)
    }

    fn decrease(&mut self, now: Instant, round_trip: Duration) {
        let queue = self.trend.queue_us();
        let pause =
            if queue > self.decreased_queue_us * 2 && queue > SUDDEN_US { SUDDEN } else { round_trip + REACTION };
        if self.decreased_at.is_some_and(|at| now.since(at) < pause) {
            return;
        }
        self.decreased_queue_us = queue;
        let standing = self.standing_us().max(queue - SUDDEN_US);
        #[expect(clippy::cast_precision_loss, reason = "microseconds of a queue")]
        let factor = (1.0 - standing as f64 / DRAIN_US).clamp(DRAIN, DECREASE);
        let carried = self.carried().unwrap_or(self.estimate);
        let target = carried.scaled(factor);
        let from = self.fall.map_or(self.estimate, |fall| fall.from);
        self.fall = Some(Fall { from, resume: carried.scaled(RESUME).min(from) });
        self.limit = Some(carried);
        if target < self.estimate {
            self.set(target);
        } else if standing > STANDING_US * 2 || queue > SUDDEN_US {
            self.set(self.estimate.scaled(DECREASE).max(carried.scaled(DRAIN_MOST)).min(self.estimate));
        }
        self.decreased_at = Some(now);
        self.prober.hold_off(now + CALM);
    }

    fn increase(&mut self, now: Instant) {
        if self.standing_us() < EMPTY_US
            && let Some(fall) = self.fall.take()
        {
            let carried = self.busy.rate().map_or(fall.resume, |carried| carried.scaled(RESUME).max(fall.resume));
            self.set(self.estimate.max(carried.min(fall.from)));
        }
        if self.standing_us() < EMPTY_US
            && let Some(proven) =
                self.acked.rate().map(|acked| acked.scaled(PROVEN)).filter(|proven| *proven > self.estimate)
        {
            self.set(proven);
        }
        let elapsed = now.since(self.updated_at).min(Duration::from_millis(200)).as_secs_f64();
        if self.is_limited_by_application() || self.loss.is_trying() {
            return;
        }
        let near =
            self.limit.is_some_and(|limit| self.estimate > limit.scaled(0.8) && self.estimate < limit.scaled(1.15));
        let grown = if near {
            let steady = Bitrate::from_bps(self.estimate.as_bps() + INCREASE_NEAR.scaled(elapsed).as_bps());
            steady.min(self.estimate.scaled(INCREASE.powf(elapsed)))
        } else {
            self.estimate.scaled(INCREASE.powf(elapsed))
        };
        if self.limit.is_some_and(|limit| grown > limit.scaled(1.15)) {
            self.limit = None;
        }
        // What came through is the proof, or was lost by the path itself; half as much again is the hope.
        let hope = 1.5 / (1.0 - self.loss.own());
        let proven = self.acked.rate().map_or(self.estimate, |acked| acked.scaled(hope));
        self.set(grown.min(proven.max(self.estimate)));
    }

    fn judge_probe(&mut self, now: Instant) {
        let Some(outcome) = self.prober.outcome(now, self.loss.own()) else { return };
        if outcome.saturated {
            self.limit = Some(outcome.carried);
        }
        if outcome.carried > self.estimate || (outcome.saturated && outcome.starting) {
            self.fall = None;
            self.set(outcome.carried);
        }
    }

    /// The first reports after they were overdue.
    fn silence_ends(&mut self, now: Instant, before: Bitrate) {
        let silences = std::mem::take(&mut self.silences);
        if silences >= CUT {
            // The losses of a cut say nothing about the path after it.
            self.loss = LossModel::new();
            self.trend = DelayTrend::new();
            self.acked.clear();
            self.acked_lately.clear();
            self.busy.clear();
            (self.limit, self.fall, self.episode, self.rival) = (None, None, None, None);
            self.prober.hurry(now + Duration::from_millis(200));
            self.set(self.estimate.max(before.scaled(0.5)));
        } else if self.trend.queue_us().max(self.trend.last_us()) < STANDING_US {
            // Only reports were lost, or something stood still for a moment: the path is as it was.
            self.set(self.estimate.max(before));
        } else {
            self.fall.get_or_insert(Fall { from: before, resume: self.estimate });
        }
    }

    /// Whether the queue stands although we yield: then somebody else fills it.
    fn watch_queue(&mut self, now: Instant, round_trip: Duration) {
        let standing_us = self.standing_us();
        if standing_us < STANDING_US {
            self.episode = None;
            return;
        }
        let carried = self.acked.rate().unwrap_or(self.estimate);
        let fresh = Episode { since: now, peak_us: standing_us, carried };
        let episode = self.episode.get_or_insert(fresh);
        episode.peak_us = episode.peak_us.max(standing_us);
        let yields = self.sent.rate().is_none_or(|sent| sent <= episode.carried.scaled(YIELDED));
        if standing_us < episode.peak_us / 2 {
            *episode = fresh;
        } else if !yields {
            episode.since = now;
        }
        if now.since(episode.since) > RIVAL_AFTER + round_trip {
            let rate = episode.carried.max(self.estimate);
            self.rival = Some(Rival::new(now, rate, round_trip));
            self.fall = None;
        }
    }

    /// True: the other is still there, and the estimate is set.
    fn beside_rival(&mut self, now: Instant, round_trip: Duration, lost: bool) -> bool {
        let standing_us = self.standing_us();
        let Some(rival) = &mut self.rival else { return false };
        if standing_us < EMPTY_US {
            (self.rival, self.episode) = (None, None);
            self.limit = self.acked.rate();
            self.prober.hurry(now);
            return false;
        }
        let rate = rival.report(now, round_trip, standing_us, lost);
        // A window that is not used proves nothing.
        let proven = self.acked.rate().map_or(rate, |acked| acked.scaled(1.5).max(START));
        self.set(rate.min(proven));
        true
    }

    fn remember_best(&mut self, now: Instant) {
        if self.estimate >= self.best.0 || now.since(self.best.1) > BEST_KEPT {
            self.best = (self.estimate, now);
        }
    }

    fn is_hopeful(&self) -> bool {
        self.estimate < self.best.0.scaled(HOPEFUL)
    }
}

impl BandwidthEstimator for DelayAndLoss {
    fn estimate(&self) -> Bitrate {
        self.estimate
    }

    fn settled(&self) -> Bitrate {
        let resume = self.fall.filter(|_| self.before_silence.is_none()).map_or(FLOOR, |fall| fall.resume);
        self.estimate.max(resume.min(self.max))
    }

    fn loss(&self) -> f64 {
        self.loss.smoothed()
    }

    fn limit(&self) -> Option<Bitrate> {
        self.limit.filter(|limit| self.estimate > limit.scaled(0.6))
    }

    fn congested_at(&self) -> Option<Instant> {
        self.decreased_at
    }

    fn has_rival(&self) -> bool {
        self.rival.is_some()
    }

    fn is_limited_by_application(&self) -> bool {
        self.sent.rate().is_none_or(|sent| sent < self.estimate.scaled(LIMITED))
    }

    fn share(&mut self, part: Bitrate) {
        self.set(part);
    }

    fn sent(&mut self, now: Instant, bytes: usize, probe: Option<u32>) {
        self.sent.add(now.as_micros(), bytes);
        if let Some(id) = probe {
            self.prober.sent(now, bytes, id);
        }
    }

    fn feedback(&mut self, now: Instant, packets: &[PacketReport], round_trip: Duration) {
        let (mut arrived, mut lost, mut marked) = (0, 0, false);
        for packet in packets {
            if let Some(id) = packet.contents.probe {
                self.prober.reported(id, packet.sent_at, packet.bytes, packet.arrived_us);
            }
            match packet.arrived_us {
                Some(arrived_us) => {
                    arrived += 1;
                    marked |= packet.ecn == Ecn::Congested;
                    self.acked.add(arrived_us, packet.bytes);
                    self.acked_lately.add(arrived_us, packet.bytes);
                    self.trend.arrived(packet.sent_at, arrived_us);
                    if let Some(least_us) = self.trend.least_us() {
                        self.busy.arrived(packet.sent_at.as_micros(), arrived_us, packet.bytes, least_us);
                    }
                }
                None => lost += 1,
            }
        }
        if arrived > 0
            && let Some(before) = self.before_silence.take()
        {
            self.silence_ends(now, before);
        }
        self.judge_probe(now);
        // A queue too short to stand loses what comes in lumps: what it carries must be kept to before losses say anything.
        if (self.limit.is_some() || self.loss.smoothed() > LOSSY) && self.busy.rate().is_some() {
            self.limit = self.carried();
        }
        if self.beside_rival(now, round_trip, lost > 0 || marked) {
            self.loss.count_only(now, arrived, lost);
        } else {
            // A mark says what a queue that stands says, before there is one.
            if self.is_over() || marked {
                self.decrease(now, round_trip);
            } else if self.is_calm() {
                self.increase(now);
            }
            self.watch_queue(now, round_trip);
            // What is lost while the queue is full is the queue's.
            if !self.is_full()
                && let Some(other) = self.loss.count(now, arrived, lost, self.estimate)
            {
                if other < self.estimate {
                    self.prober.hold_off(now + CALM);
                } else {
                    self.prober.hurry(now);
                }
                self.set(other);
            }
        }
        self.trend.held = self.rival.is_some();
        self.remember_best(now);
        self.updated_at = now;
    }

    fn probe(&self) -> Option<Probe> {
        self.prober.current()
    }

    fn silence(&mut self, _now: Instant) {
        self.before_silence.get_or_insert(self.estimate);
        self.silences += 1;
        self.set(self.estimate.scaled(SILENCE_CUT));
    }

    fn handle_timeout(&mut self, now: Instant) {
        let useful = self.is_calm() && self.before_silence.is_none() && self.rival.is_none() && !self.loss.is_trying();
        let hopeful = self.is_hopeful();
        self.prober.handle_timeout(now, self.estimate, useful, hopeful);
    }

    fn next_wake(&self) -> Option<Instant> {
        Some(self.prober.next_wake())
    }

    fn path_changed(&mut self, now: Instant) {
        let (max, useful) = (self.max, self.prober.useful());
        *self = Self::new(now);
        self.max = max;
        self.prober.set_useful(now, Some(useful));
        self.prober.set_max((max < MOST).then_some(max));
        self.set(START);
    }

    fn set_max(&mut self, max: Option<Bitrate>) {
        self.max = max.unwrap_or(MOST).min(MOST).max(FLOOR);
        self.prober.set_max(max);
        self.set(self.estimate);
    }

    fn set_useful(&mut self, now: Instant, useful: Option<Bitrate>) {
        self.prober.set_useful(now, useful);
    }
}
