//! Are losses congestion? Delay tells of most queues; a short queue or a policer drops without delay. So heavy loss is
//! answered by an experiment: send less, and see whether the share of losses falls. If it does not, the path loses by
//! itself (radio), and sending less would only make the picture worse.

use std::time::Duration;

use crate::time::{Bitrate, Instant};

const WINDOW: Duration = Duration::from_millis(500);
/// Fewer packets say nothing.
const FEWEST: u32 = 20;
/// A step is judged by so many: losses come in bursts, and a few packets say what one likes ...
const JUDGED: u32 = 120;
/// ... or after this many windows: nothing grows meanwhile, and a thin path sends little.
const PATIENCE: u32 = 6;
/// Below this nothing needs to be done.
const HEAVY: f64 = 0.10;
/// No path loses more than this by itself and is still one.
const HOPELESS: f64 = 0.65;
/// What is left of the rate then, each time.
const HOPELESS_STEP: f64 = 0.7;
/// The experiment's reduction.
const STEP: f64 = 0.85;
/// Losses that stay above this share of what they were are not ours.
const CURED: f64 = 0.7;
/// For so long after a failed experiment losses are taken as the path's own, twice as long after each further one up to the
/// second: an experiment costs a quarter of the rate ...
const BELIEF: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(60));
/// ... unless they grow by this.
const WORSE: f64 = 0.15;

/// One reduction and what came of it.
#[derive(Clone, Copy, Debug, Default)]
struct Trial {
    /// The usual share before it.
    before: f64,
    steps: u32,
    windows: u32,
    arrived: u32,
    lost: u32,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Watching,
    Trying(Trial),
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
    /// Smoothed for longer: one bad window is no reason for anything.
    usual: f64,
    belief: Duration,
}

impl LossModel {
    pub(super) const fn new() -> Self {
        Self { state: State::Watching, began: None, arrived: 0, lost: 0, smoothed: 0.0, usual: 0.0, belief: BELIEF.0 }
    }

    pub(super) const fn smoothed(&self) -> f64 {
        self.smoothed
    }

    /// The share that gets lost whatever we send: so much was found out, or is too little to be worth finding out.
    pub(super) fn own(&self) -> f64 {
        match self.state {
            State::Watching => self.smoothed.min(HEAVY / 2.0),
            State::Trying(_) => 0.0,
            State::Random { share, .. } => self.smoothed.min(share),
        }
    }

    /// Growing makes no sense while an experiment runs.
    pub(super) const fn is_trying(&self) -> bool {
        matches!(self.state, State::Trying(_))
    }

    /// Another estimate if losses call for one: a smaller one, or what an experiment for nothing took away.
    pub(super) fn count(&mut self, now: Instant, arrived: u32, lost: u32, estimate: Bitrate) -> Option<Bitrate> {
        let window = self.note(now, arrived, lost)?;
        self.judge(now, window, estimate)
    }

    /// The same while nothing is to be tried: they are the queue's that somebody else fills.
    pub(super) fn count_only(&mut self, now: Instant, arrived: u32, lost: u32) {
        self.note(now, arrived, lost);
        if self.is_trying() {
            self.state = State::Watching;
        }
    }

    /// A whole window: how many arrived in it, and how many did not.
    fn note(&mut self, now: Instant, arrived: u32, lost: u32) -> Option<(u32, u32)> {
        let began = *self.began.get_or_insert(now);
        (self.arrived, self.lost) = (self.arrived + arrived, self.lost + lost);
        let packets = self.arrived + self.lost;
        if now.since(began) < WINDOW || packets < FEWEST {
            return None;
        }
        let share = f64::from(self.lost) / f64::from(packets);
        let window = (self.arrived, self.lost);
        (self.began, self.arrived, self.lost) = (Some(now), 0, 0);
        self.smoothed = self.smoothed * 0.6 + share * 0.4;
        self.usual = self.usual * 0.75 + share * 0.25;
        Some(window)
    }

    fn judge(&mut self, now: Instant, (arrived, lost): (u32, u32), estimate: Bitrate) -> Option<Bitrate> {
        let share = f64::from(lost) / f64::from(arrived + lost);
        if share > HOPELESS {
            return Some(estimate.scaled(HOPELESS_STEP));
        }
        match &mut self.state {
            State::Watching if self.usual > HEAVY && share > HEAVY => {
                self.state = State::Trying(Trial { before: self.usual, steps: 1, ..Trial::default() });
                Some(estimate.scaled(STEP))
            }
            State::Watching => None,
            State::Trying(trial) => {
                // The first window still holds what was sent before.
                if trial.windows > 0 {
                    (trial.arrived, trial.lost) = (trial.arrived + arrived, trial.lost + lost);
                }
                trial.windows += 1;
                if trial.arrived + trial.lost < JUDGED && trial.windows <= PATIENCE {
                    return None;
                }
                let trial = *trial;
                self.conclude(now, trial, estimate)
            }
            State::Random { until, .. } if now >= *until => {
                self.state = State::Watching;
                None
            }
            State::Random { share: known, .. } if self.usual > *known + WORSE => {
                self.state = State::Trying(Trial { before: self.usual, steps: 1, ..Trial::default() });
                Some(estimate.scaled(STEP))
            }
            State::Random { .. } => None,
        }
    }

    fn conclude(&mut self, now: Instant, trial: Trial, estimate: Bitrate) -> Option<Bitrate> {
        let share = f64::from(trial.lost) / f64::from(trial.arrived + trial.lost);
        let next = |before, steps| State::Trying(Trial { before, steps, ..Trial::default() });
        if share <= HEAVY / 2.0 {
            (self.state, self.belief) = (State::Watching, BELIEF.0);
            return None;
        }
        self.state = match trial.steps {
            _ if share < trial.before * CURED => next(share, 1),
            // Bursts lie: a second step before judging.
            1 => next(trial.before.max(share), 2),
            _ => State::Random { share: trial.before, until: now + self.belief },
        };
        Some(match self.state {
            State::Random { .. } => {
                self.belief = (self.belief * 2).min(BELIEF.1);
                estimate.scaled(1.0 / (STEP * STEP))
            }
            State::Trying(Trial { steps: 1, .. }) => {
                self.belief = BELIEF.0;
                estimate.scaled(STEP)
            }
            State::Trying(_) | State::Watching => estimate.scaled(STEP),
        })
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
