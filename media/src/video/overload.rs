//! When the machine cannot keep up or its battery must last: which codec, and how far to step down. Pure: told each picture's
//! encoding time, and how much power there is.
//!
//! AV1 gives way to H.264 once its upper quartile is above the limit (not a higher percentile: single pictures that other
//! programs hold up would cost the better picture for the rest of the call); while bits are plenty it must be cheap, too,
//! since both codecs look alike then and one of them costs twice the power. Then, or when one codec was asked for, size and
//! then rate step down, and up again after a quiet while. A low battery takes the same steps, with any codec; the deeper of
//! the two counts. Owned by the sender's encoding thread.

use std::collections::VecDeque;

use super::Codec;

/// Upper quartile above which AV1 is too slow for this machine.
const AV1_LIMIT_US: u64 = 14_000;
/// The same while bits are plenty: a fifth of a core.
const AV1_CHEAP_US: u64 = 7_000;
/// From this rate on the largest layer has plenty: measured at 720 lines, H.264 is within 2 dB of AV1, both above 41 ...
const PLENTY_BPS: u64 = 1_100_000;
/// ... and below this one bits are scarce again.
const SCARCE_BPS: u64 = 900_000;
/// A change costs a key frame, so the next one waits.
const CODEC_STAYS_US: u64 = 5_000_000;
/// Pictures that are looked back on: four seconds at 30 f/s.
const WINDOW: usize = 120;
/// Fewer tell nothing: the first pictures of an encoder are slow.
const ENOUGH: usize = 60;
/// Share of the time between pictures that may be spent encoding.
const TOO_BUSY: f64 = 0.75;
/// Below it, the next step up is tried.
const IDLE: f64 = 0.30;
/// Quiet time before a step up.
const QUIET_US: u64 = 10_000_000;

/// Encoding times of the last pictures.
#[derive(Default)]
pub(crate) struct EncodeTimes {
    times_us: VecDeque<u64>,
}

impl EncodeTimes {
    pub(crate) fn note(&mut self, time_us: u64) {
        if self.times_us.len() == WINDOW {
            self.times_us.pop_front();
        }
        self.times_us.push_back(time_us);
    }

    pub(crate) fn clear(&mut self) {
        self.times_us.clear();
    }

    /// `None` until enough is known.
    pub(crate) fn p95_us(&self) -> Option<u64> {
        self.percentile_us(95)
    }

    /// See [`Self::p95_us`].
    pub(crate) fn upper_quartile_us(&self) -> Option<u64> {
        self.percentile_us(75)
    }

    fn percentile_us(&self, percent: usize) -> Option<u64> {
        if self.times_us.len() < ENOUGH {
            return None;
        }
        let mut sorted: Vec<u64> = self.times_us.iter().copied().collect();
        sorted.sort_unstable();
        sorted.get(sorted.len() * percent / 100).copied()
    }

    fn mean_us(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "microseconds of a few seconds")]
        let mean = self.times_us.iter().sum::<u64>() as f64 / self.times_us.len().max(1) as f64;
        (self.times_us.len() >= ENOUGH).then_some(mean)
    }
}

/// Chooses the codec where nobody asked for one.
#[derive(Default)]
pub(crate) struct CodecChooser {
    too_slow: bool,
    changed_us: u64,
}

impl CodecChooser {
    /// What to encode with from the next picture on. `quartile_us`: of the slowest layer; `full_bps`: what the largest layer
    /// may cost, if it is wanted.
    pub(crate) fn choose(
        &mut self,
        now_us: u64,
        codec: Codec,
        quartile_us: Option<u64>,
        full_bps: Option<u64>,
    ) -> Codec {
        let stays = now_us.saturating_sub(self.changed_us) < CODEC_STAYS_US && self.changed_us > 0;
        let above = |limit| quartile_us.is_some_and(|quartile| quartile > limit);
        let chosen = match codec {
            Codec::Av1 if above(AV1_LIMIT_US) => {
                self.too_slow = true;
                Codec::H264
            }
            Codec::Av1 if !stays && above(AV1_CHEAP_US) && full_bps.is_some_and(|bps| bps >= PLENTY_BPS) => Codec::H264,
            Codec::H264 if !stays && !self.too_slow && full_bps.is_none_or(|bps| bps < SCARCE_BPS) => Codec::Av1,
            Codec::Av1 | Codec::H264 => return codec,
        };
        self.changed_us = now_us;
        chosen
    }
}

/// How much power this computer has for pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Power {
    /// It is plugged in, or its battery will last.
    #[default]
    Plenty,
    /// Half the size: a quarter of the work.
    Low,
    /// Half the pictures of that.
    VeryLow,
}

impl Power {
    /// The first of [`STEPS`] that may be taken.
    const fn first_step(self) -> usize {
        match self {
            Self::Plenty => 0,
            Self::Low => 2,
            Self::VeryLow => 3,
        }
    }
}

/// How far the sender has stepped down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// The full layer's size, as a fraction.
    pub(crate) size: (u32, u32),
    /// Every how many pictures one is encoded.
    pub(crate) every: u64,
}

const STEPS: [Step; 5] = [
    Step { size: (1, 1), every: 1 },
    Step { size: (3, 4), every: 1 },
    Step { size: (1, 2), every: 1 },
    Step { size: (1, 2), every: 2 },
    Step { size: (1, 4), every: 2 },
];

/// Steps down and up with the load of all layers together, and no further up than the power allows.
#[derive(Default)]
pub(crate) struct Overload {
    times: EncodeTimes,
    /// What the load asks for. Below the power's first step nothing is learnt about it, so it stays as it was.
    level: usize,
    power: Power,
    quiet_since_us: u64,
}

impl Overload {
    pub(crate) fn step(&self) -> Step {
        STEPS[self.depth().min(STEPS.len() - 1)]
    }

    fn depth(&self) -> usize {
        self.level.max(self.power.first_step())
    }

    /// How much power there is from now on. True: the step changed.
    pub(crate) fn set_power(&mut self, now_us: u64, power: Power) -> bool {
        let before = self.depth();
        self.power = power;
        self.stepped(now_us, before)
    }

    /// All layers of a picture took `busy_us`; pictures come every `interval_us`. True: the step changed.
    pub(crate) fn note(&mut self, now_us: u64, busy_us: u64, interval_us: u64) -> bool {
        self.times.note(busy_us);
        let Some(mean) = self.times.mean_us() else { return false };
        #[expect(clippy::cast_precision_loss, reason = "microseconds of one frame")]
        let load = mean / (interval_us.max(1) * self.step().every) as f64;
        let before = self.depth();
        if load > IDLE {
            self.quiet_since_us = now_us;
        }
        if load > TOO_BUSY && before + 1 < STEPS.len() {
            self.level = before + 1;
        } else if self.level > self.power.first_step() && now_us.saturating_sub(self.quiet_since_us) > QUIET_US {
            self.level -= 1;
        }
        self.stepped(now_us, before)
    }

    /// What was measured at another step tells nothing about this one.
    fn stepped(&mut self, now_us: u64, before: usize) -> bool {
        let stepped = self.depth() != before;
        if stepped {
            self.times.clear();
            self.quiet_since_us = now_us;
        }
        stepped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(overload: &mut Overload, from_us: u64, pictures: u64, busy_us: u64) -> u64 {
        for index in 0..pictures {
            overload.note(from_us + index * 33_333, busy_us, 33_333);
        }
        from_us + pictures * 33_333
    }

    #[test]
    fn av1_has_to_be_fast_enough_and_cheap_while_bits_are_plenty() {
        let s = |seconds: u64| seconds * 1_000_000;
        let mut chooser = CodecChooser::default();
        assert_eq!(chooser.choose(s(2), Codec::Av1, Some(6_000), Some(1_800_000)), Codec::Av1);
        assert_eq!(chooser.choose(s(3), Codec::Av1, None, Some(1_800_000)), Codec::Av1, "not known yet");
        assert_eq!(chooser.choose(s(4), Codec::Av1, Some(9_000), Some(1_000_000)), Codec::Av1, "worth its bits");
        assert_eq!(chooser.choose(s(5), Codec::Av1, Some(9_000), Some(1_800_000)), Codec::H264);
        assert_eq!(chooser.choose(s(7), Codec::H264, Some(4_000), Some(500_000)), Codec::H264, "not at once");
        assert_eq!(chooser.choose(s(11), Codec::H264, Some(4_000), Some(1_000_000)), Codec::H264);
        assert_eq!(chooser.choose(s(12), Codec::H264, Some(4_000), None), Codec::Av1, "only small layers are wanted");
        assert_eq!(chooser.choose(s(13), Codec::Av1, Some(15_000), None), Codec::H264);
        assert_eq!(chooser.choose(s(99), Codec::H264, Some(4_000), None), Codec::H264, "too slow stays too slow");
    }

    #[test]
    fn a_fast_machine_keeps_full_size() {
        let mut overload = Overload::default();
        run(&mut overload, 0, 1000, 8_000);
        assert_eq!(overload.step(), STEPS[0]);
    }

    #[test]
    fn a_slow_machine_steps_down_and_recovers() {
        let mut overload = Overload::default();
        let now = run(&mut overload, 0, 60, 30_000);
        assert_eq!(overload.step(), STEPS[1]);
        let now = run(&mut overload, now, 300, 29_000);
        assert!(overload.step().every > 1);
        run(&mut overload, now, 3000, 5_000);
        assert_eq!(overload.step(), STEPS[0]);
    }

    #[test]
    fn a_low_battery_takes_the_same_steps_at_once_and_gives_them_back() {
        let mut overload = Overload::default();
        let now = run(&mut overload, 0, 300, 8_000);
        assert!(overload.set_power(now, Power::Low));
        assert_eq!(overload.step(), STEPS[2]);
        assert!(!overload.set_power(now, Power::Low), "said again");
        let now = run(&mut overload, now, 3000, 2_000);
        assert_eq!(overload.step(), STEPS[2], "however little it costs");
        assert!(overload.set_power(now, Power::VeryLow));
        assert_eq!(overload.step(), STEPS[3]);
        assert!(overload.set_power(now, Power::Plenty));
        assert_eq!(overload.step(), STEPS[0]);
    }

    #[test]
    fn of_load_and_battery_the_deeper_counts() {
        let mut overload = Overload::default();
        let now = run(&mut overload, 0, 60, 30_000);
        assert_eq!(overload.step(), STEPS[1]);
        overload.set_power(now, Power::Low);
        let now = run(&mut overload, now, 3000, 5_000);
        overload.set_power(now, Power::Plenty);
        assert_eq!(overload.step(), STEPS[1], "half the size says nothing about what three quarters cost");
        overload.set_power(now, Power::Low);
        let now = run(&mut overload, now, 60, 30_000);
        assert_eq!(overload.step(), STEPS[3], "too slow even so");
        assert!(!overload.set_power(now, Power::VeryLow), "that far down already");
        assert!(!overload.set_power(now, Power::Plenty), "the load is still there");
        run(&mut overload, now, 3000, 5_000);
        assert_eq!(overload.step(), STEPS[0]);
    }

    #[test]
    fn the_percentile_waits_for_enough_and_ignores_single_spikes() {
        let mut times = EncodeTimes::default();
        times.note(90_000);
        assert_eq!(times.p95_us(), None);
        for _ in 0..99 {
            times.note(8_000);
        }
        assert_eq!(times.p95_us(), Some(8_000));
    }
}
