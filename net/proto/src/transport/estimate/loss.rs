//! Are losses congestion? Delay tells of most queues; a short queue or a policer drops without delay. So heavy loss is
//! answered by an experiment: send less, and see whether the share of losses falls. If it does not, the path loses by
//! itself (radio), and sending less would only make the picture worse.

use std::time::Duration;

use crate::time::{Bitrate, Instant};

const WINDOW: Duration = Duration::from_millis(500);
/// Fewer packets say nothing.
const FEWEST: u32 = 20;
/// Below this nothing needs to be done.
const HEAVY: f64 = 0.10;
/// The experiment's reduction.
const STEP: f64 = 0.85;
/// Losses that stay above this share of what they were are not ours.
const CURED: f64 = 0.7;
/// For so long after a failed experiment losses are taken as the path's own ...
const BELIEF: Duration = Duration::from_secs(10);
/// ... unless they grow by this.
const WORSE: f64 = 0.15;

#[derive(Clone, Copy, Debug)]
enum State {
    Watching,
    /// Reduced because of this share; the next windows tell.
    Trying {
        before: f64,
        windows: u32,
    },
    /// The path loses this much by itself.
    Random {
        share: f64,
        until: Instant,
    },
}

/// The experimenter.
#[derive(Debug)]
pub(super) struct LossModel {
    state: State,
    began: Option<Instant>,
    arrived: u32,
    lost: u32,
    smoothed: f64,
}

impl LossModel {
    pub(super) const fn new() -> Self {
        Self { state: State::Watching, began: None, arrived: 0, lost: 0, smoothed: 0.0 }
    }

    pub(super) const fn smoothed(&self) -> f64 {
        self.smoothed
    }

    /// Growing makes no sense while an experiment runs.
    pub(super) const fn is_trying(&self) -> bool {
        matches!(self.state, State::Trying { .. })
    }

    /// A smaller estimate if losses call for one.
    pub(super) fn count(&mut self, now: Instant, arrived: u32, lost: u32, estimate: Bitrate) -> Option<Bitrate> {
        let began = *self.began.get_or_insert(now);
        (self.arrived, self.lost) = (self.arrived + arrived, self.lost + lost);
        let packets = self.arrived + self.lost;
        if now.since(began) < WINDOW || packets < FEWEST {
            return None;
        }
        let share = f64::from(self.lost) / f64::from(packets);
        (self.began, self.arrived, self.lost) = (Some(now), 0, 0);
        self.smoothed = self.smoothed * 0.6 + share * 0.4;
        self.judge(now, share, estimate)
    }

    fn judge(&mut self, now: Instant, share: f64, estimate: Bitrate) -> Option<Bitrate> {
        match self.state {
            State::Watching if share > HEAVY => {
                self.state = State::Trying { before: share, windows: 0 };
                Some(estimate.scaled(STEP))
            }
            State::Watching => None,
            // The first window still holds what was sent before.
            State::Trying { before, windows: 0 } => {
                self.state = State::Trying { before, windows: 1 };
                None
            }
            State::Trying { .. } if share <= HEAVY / 2.0 => {
                self.state = State::Watching;
                None
            }
            State::Trying { before, .. } if share < before * CURED => {
                self.state = State::Trying { before: share, windows: 0 };
                Some(estimate.scaled(STEP))
            }
            State::Trying { before, windows } if windows < 3 => {
                // Bursts make single windows lie: a second step before judging.
                self.state = State::Trying { before: before.max(share), windows: windows + 1 };
                (windows == 1).then(|| estimate.scaled(STEP))
            }
            State::Trying { before, .. } => {
                self.state = State::Random { share: before, until: now + BELIEF };
                None
            }
            State::Random { until, .. } if now >= until => {
                self.state = State::Watching;
                None
            }
            State::Random { share: known, .. } if share > known + WORSE => {
                self.state = State::Trying { before: share, windows: 0 };
                Some(estimate.scaled(STEP))
            }
            State::Random { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The estimate after `seconds` on a path whose loss is a function of the rate.
    fn run(seconds: u64, loss: impl Fn(Bitrate) -> f64) -> Bitrate {
        let (mut model, mut estimate) = (LossModel::new(), Bitrate::from_kbps(2000));
        for step in 0..seconds * 10 {
            let lost = loss(estimate) * 40.0;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 40")]
            let lost = lost.round() as u32;
            if let Some(lower) = model.count(Instant::from_micros(step * 100_000), 40 - lost, lost, estimate) {
                estimate = lower;
            }
        }
        estimate
    }

    #[test]
    fn random_loss_leaves_the_rate_alone() {
        let estimate = run(9, |_| 0.3);
        assert!(estimate > Bitrate::from_kbps(1300), "{estimate}");
    }

    #[test]
    fn a_policer_is_obeyed() {
        let estimate = run(20, |rate| (1.0 - 1000.0 / rate.as_kbps() as f64).max(0.0));
        assert!(estimate < Bitrate::from_kbps(1150), "{estimate}");
    }
}
