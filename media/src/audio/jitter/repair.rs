//! How long sound must wait so that what was lost can still be made good: by a copy, by what the next packet remembers (LBRR),
//! or by deep redundancy (DRED). What repairs need is seen from when they come, so the sender need not say what it sends.
//!
//! Waiting is weighed against what it saves: a frame that is concealed in the window is worth [`WORTH_US`] of delay. By the
//! E-model (ITU-T G.107, G.113) a hundredth of speech lost costs at least as much as 100 ms more, as long as all delay is
//! below 180 ms.
//!
//! Pure. Used by the jitter buffer alone.

use std::collections::VecDeque;

use crate::limits;

/// What a frame in ten seconds is worth, a five-hundredth of them: 100 ms for a hundredth.
const WORTH_US: i64 = 20_000;
/// What another wait must be better by, or delays would change with every loss.
const BETTER_US: i64 = 10_000;

/// When repairs of the last seconds came, each as the wait that the lost frame would have needed.
#[derive(Default)]
pub(super) struct RepairWaits {
    /// Oldest first.
    window: VecDeque<Repair>,
    hold_us: i64,
}

#[derive(Clone, Copy)]
struct Repair {
    at_us: u64,
    position: u64,
    wait_us: i64,
}

impl RepairWaits {
    /// The lost frame at `position` could be played if it waited so long. Of several repairs the first counts.
    pub(super) fn note(&mut self, now_us: u64, position: u64, wait_us: i64) {
        if wait_us > limits::REPAIR_HOLD_MAX_US || self.window.iter().rev().any(|repair| repair.position == position) {
            return;
        }
        if self.window.len() >= limits::DELAY_WINDOW_PACKETS {
            self.window.pop_front();
        }
        self.window.push_back(Repair { at_us: now_us, position, wait_us });
        self.update();
    }

    /// Forgets what is long ago.
    pub(super) fn pass_time(&mut self, now_us: u64) {
        let before = self.window.len();
        while self.window.front().is_some_and(|repair| repair.at_us + limits::REPAIR_WINDOW_US < now_us) {
            self.window.pop_front();
        }
        if self.window.len() != before {
            self.update();
        }
    }

    fn update(&mut self) {
        let cost = |hold_us: i64| {
            let too_late = self.window.iter().filter(|repair| repair.wait_us > hold_us).count();
            hold_us + WORTH_US * i64::try_from(too_late).unwrap_or(i64::MAX / WORTH_US)
        };
        let holds = self.window.iter().map(|repair| repair.wait_us.max(0) + limits::TARGET_MARGIN_US);
        // Many repairs come equally late: each wait is tried once.
        let mut holds: Vec<i64> = holds.chain([0]).collect();
        holds.sort_unstable();
        holds.dedup_by(|later, kept| *later - *kept < limits::TARGET_MARGIN_US);
        let best = holds.into_iter().min_by_key(|hold| cost(*hold)).unwrap_or(0);
        if cost(best) + BETTER_US < cost(self.hold_us) {
            self.hold_us = best;
        }
    }

    /// The wait that repairs need.
    pub(super) fn hold_us(&self) -> i64 {
        self.hold_us
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten seconds in which of 500 frames so many come back after one frame, and so many after three.
    fn hold_of(after_one: u64, after_three: u64) -> i64 {
        let mut waits = RepairWaits::default();
        for n in 0..after_one + after_three {
            let frames = if n < after_three { 3 } else { 1 };
            waits.note(n * 9_000_000 / (after_one + after_three), n * 960, frames * 20_000);
        }
        waits.hold_us()
    }

    #[test]
    fn what_comes_a_frame_later_is_waited_for_and_forgotten_when_losses_end() {
        let mut waits = RepairWaits::default();
        waits.note(2_000_000, 0, 20_000);
        assert_eq!(waits.hold_us(), 0, "too rare");
        waits.note(2_100_000, 0, 22_000);
        assert_eq!(waits.hold_us(), 0, "the same frame again");
        waits.note(3_000_000, 960, 21_000);
        assert!((21_000..25_000).contains(&waits.hold_us()));
        waits.note(3_100_000, 1920, limits::REPAIR_HOLD_MAX_US + 1);
        assert!(waits.hold_us() < 25_000, "too late for any conversation");
        waits.pass_time(14_000_000);
        assert_eq!(waits.hold_us(), 0);
    }

    #[test]
    fn a_few_late_repairs_are_not_waited_for_and_a_hundredth_is() {
        assert!((20_000..25_000).contains(&hold_of(25, 1)), "5 % lost at random, parities of two");
        assert!((60_000..65_000).contains(&hold_of(45, 5)), "10 %");
        assert_eq!(hold_of(0, 3), 0, "60 ms for 0.6 %");
    }
}
