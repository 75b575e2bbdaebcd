//! How long sound must wait so that what was lost can still be made good: by a copy, by what the next packet remembers (LBRR),
//! or by deep redundancy (DRED). What repairs need is seen from when they come, so the sender need not say what it sends.
//!
//! Pure. Used by the jitter buffer alone.

use std::collections::VecDeque;

use crate::limits;

/// Of the repairs in the window, this share is waited for: at 30 % lost the rest is 1 % of what is heard.
const PERCENTILE: f64 = 0.97;
/// Repairs in ten seconds that are worth any delay: fewer than one in five seconds are hardly heard.
const FEWEST: usize = 2;

/// When repairs of the last seconds came, each as the wait that the lost frame would have needed.
#[derive(Default)]
pub(super) struct RepairWaits {
    /// Arrival and wait, oldest first.
    window: VecDeque<(u64, i64)>,
    hold_us: i64,
}

impl RepairWaits {
    /// A lost frame could be played if it waited so long.
    pub(super) fn note(&mut self, now_us: u64, wait_us: i64) {
        if wait_us > limits::REPAIR_HOLD_MAX_US {
            return;
        }
        if self.window.len() >= limits::DELAY_WINDOW_PACKETS {
            self.window.pop_front();
        }
        self.window.push_back((now_us, wait_us));
        self.update();
    }

    /// Forgets what is long ago.
    pub(super) fn pass_time(&mut self, now_us: u64) {
        let before = self.window.len();
        while self.window.front().is_some_and(|(at, _)| at + limits::REPAIR_WINDOW_US < now_us) {
            self.window.pop_front();
        }
        if self.window.len() != before {
            self.update();
        }
    }

    fn update(&mut self) {
        self.hold_us = 0;
        if self.window.len() < FEWEST {
            return;
        }
        let mut waits: Vec<i64> = self.window.iter().map(|(_, wait)| *wait).collect();
        let rank = ((waits.len() - 1) as f64 * PERCENTILE).ceil() as usize;
        let (_, &mut wait, _) = waits.select_nth_unstable(rank);
        self.hold_us = wait + limits::TARGET_MARGIN_US;
    }

    /// The wait that repairs need.
    pub(super) fn hold_us(&self) -> i64 {
        self.hold_us
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_a_frame_later_is_waited_for_and_forgotten_when_losses_end() {
        let mut waits = RepairWaits::default();
        waits.note(2_000_000, 20_000);
        assert_eq!(waits.hold_us(), 0, "too rare");
        waits.note(3_000_000, 21_000);
        assert!((21_000..25_000).contains(&waits.hold_us()));
        waits.note(3_100_000, limits::REPAIR_HOLD_MAX_US + 1);
        assert!(waits.hold_us() < 25_000, "too late for any conversation");
        waits.pass_time(14_000_000);
        assert_eq!(waits.hold_us(), 0);
    }
}
