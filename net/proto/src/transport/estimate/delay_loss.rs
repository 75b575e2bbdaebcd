//! The estimator that ships: additive-increase, multiplicative-decrease on the delay trend, the loss experiment beside it, and
//! probes. Feels its way up only as far as what is sent proves; what is not used is found by probes.

use std::time::Duration;

use super::acked::RateWindow;
use super::loss::LossModel;
use super::probe::Prober;
use super::trend::{DelayTrend, Usage};
use super::{BandwidthEstimator, Probe};
use crate::time::{Bitrate, Instant};
use crate::transport::sent_log::PacketReport;

/// Before anything is known.
const START: Bitrate = Bitrate::from_kbps(1200);
const FLOOR: Bitrate = Bitrate::from_kbps(100);
/// Above this nothing in a call gets better.
const MOST: Bitrate = Bitrate::from_kbps(20_000);
/// On overuse, of what came through.
const DECREASE: f64 = 0.85;
/// Per second, while the limit is unknown.
const INCREASE: f64 = 1.08;
/// Per second, near what was the limit last time.
const INCREASE_NEAR: Bitrate = Bitrate::from_kbps(60);
/// A trend counts only once there is a queue: jitter of a busy machine is none ...
const QUEUE_US: i64 = 15_000;
/// ... and a queue that stands this long is too much without any trend.
const STANDING_US: i64 = 70_000;
/// Less than this share of the estimate is sent: it says nothing about the rest.
const LIMITED: f64 = 0.7;
/// Between decreases, so that the effect of one is seen before the next.
const REACTION: Duration = Duration::from_millis(150);
/// After a decrease nothing is tried for so long.
const CALM: Duration = Duration::from_secs(2);
/// Without a report although something was sent: each time the rate is cut.
const SILENCE_CUT: f64 = 0.7;

/// See the module.
#[derive(Debug)]
pub(in crate::transport) struct DelayAndLoss {
    estimate: Bitrate,
    max: Bitrate,
    trend: DelayTrend,
    loss: LossModel,
    prober: Prober,
    acked: RateWindow,
    sent: RateWindow,
    /// What the path carried when it was last full.
    limit: Option<Bitrate>,
    decreased_at: Option<Instant>,
    updated_at: Instant,
    /// The path is silent, and this was the estimate before.
    before_silence: Option<Bitrate>,
}

impl DelayAndLoss {
    pub(in crate::transport) fn new(now: Instant) -> Self {
        Self {
            estimate: START,
            max: MOST,
            trend: DelayTrend::new(),
            loss: LossModel::new(),
            prober: Prober::new(now),
            acked: RateWindow::new(Duration::from_millis(500)),
            sent: RateWindow::new(Duration::from_millis(500)),
            limit: None,
            decreased_at: None,
            updated_at: now,
            before_silence: None,
        }
    }

    fn set(&mut self, estimate: Bitrate) {
        self.estimate = estimate.max(FLOOR).min(self.max);
    }

    fn decrease(&mut self, now: Instant, round_trip: Duration) {
        if self.decreased_at.is_some_and(|at| now.since(at) < round_trip + REACTION) {
            return;
        }
        let carried = self.acked.rate().unwrap_or(self.estimate);
        let target = carried.scaled(DECREASE);
        if target < self.estimate {
            self.limit = Some(carried);
            self.set(target);
        } else if self.trend.queue_us() > STANDING_US {
            self.set(self.estimate.scaled(DECREASE));
        }
        self.decreased_at = Some(now);
        self.prober.hold_off(now + CALM);
    }

    fn increase(&mut self, now: Instant) {
        let elapsed = now.since(self.updated_at).min(Duration::from_millis(200)).as_secs_f64();
        if self.is_limited_by_application() || self.loss.is_trying() {
            return;
        }
        let near =
            self.limit.is_some_and(|limit| self.estimate > limit.scaled(0.8) && self.estimate < limit.scaled(1.15));
        let grown = if near {
            Bitrate::from_bps(self.estimate.as_bps() + INCREASE_NEAR.scaled(elapsed).as_bps())
        } else {
            self.estimate.scaled(INCREASE.powf(elapsed))
        };
        if self.limit.is_some_and(|limit| grown > limit.scaled(1.15)) {
            self.limit = None;
        }
        // What came through is the proof; half as much again is the hope.
        let proven = self.acked.rate().map_or(self.estimate, |acked| acked.scaled(1.5));
        self.set(grown.min(proven.max(self.estimate)));
    }

    fn is_limited_by_application(&self) -> bool {
        self.sent.rate().is_none_or(|sent| sent < self.estimate.scaled(LIMITED))
    }

    fn judge_probe(&mut self, now: Instant) {
        let Some(outcome) = self.prober.outcome(now) else { return };
        if outcome.saturated {
            self.limit = Some(outcome.carried);
        }
        if outcome.carried > self.estimate || (outcome.saturated && outcome.starting) {
            self.set(outcome.carried);
        }
    }
}

impl BandwidthEstimator for DelayAndLoss {
    fn estimate(&self) -> Bitrate {
        self.estimate
    }

    fn loss(&self) -> f64 {
        self.loss.smoothed()
    }

    fn sent(&mut self, now: Instant, bytes: usize, probe: Option<u32>) {
        self.sent.add(now.as_micros(), bytes);
        if let Some(id) = probe {
            self.prober.sent(now, bytes, id);
        }
    }

    fn feedback(&mut self, now: Instant, packets: &[PacketReport], round_trip: Duration) {
        let (mut arrived, mut lost) = (0, 0);
        for packet in packets {
            if let Some(id) = packet.contents.probe {
                self.prober.reported(id, packet.sent_at, packet.bytes, packet.arrived_us);
            }
            match packet.arrived_us {
                Some(arrived_us) => {
                    arrived += 1;
                    self.acked.add(arrived_us, packet.bytes);
                    self.trend.arrived(packet.sent_at, arrived_us);
                }
                None => lost += 1,
            }
        }
        if arrived > 0
            && let Some(before) = self.before_silence.take()
        {
            // The losses of a cut say nothing about the path after it.
            self.loss = LossModel::new();
            self.trend = DelayTrend::new();
            self.acked.clear();
            self.limit = None;
            self.prober.hurry(now + Duration::from_millis(200));
            self.set(self.estimate.max(before.scaled(0.5)));
            self.updated_at = now;
            return;
        }
        self.judge_probe(now);
        let queue = self.trend.queue_us();
        let limited_slack = if self.is_limited_by_application() { 3 } else { 1 };
        let over = self.trend.usage() == Usage::Over && queue > QUEUE_US * limited_slack;
        if over || queue > STANDING_US {
            self.decrease(now, round_trip);
        } else if self.trend.usage() != Usage::Under && queue < QUEUE_US * 2 {
            self.increase(now);
        }
        if let Some(lower) = self.loss.count(now, arrived, lost, self.estimate) {
            self.set(lower);
            self.prober.hold_off(now + CALM);
        }
        self.updated_at = now;
    }

    fn probe(&self) -> Option<Probe> {
        self.prober.current()
    }

    fn silence(&mut self, _now: Instant) {
        self.before_silence.get_or_insert(self.estimate);
        self.set(self.estimate.scaled(SILENCE_CUT));
    }

    fn handle_timeout(&mut self, now: Instant) {
        let calm = self.trend.usage() == Usage::Normal && self.trend.queue_us() < QUEUE_US;
        let useful = calm && self.before_silence.is_none() && !self.loss.is_trying();
        self.prober.handle_timeout(now, self.estimate, useful);
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
