//! When a decoded picture is to be shown: now, at a moment, or not at all. Pure: told the time, waits for nothing itself.
//!
//! Lip sync: a picture may be shown up to 100 ms before and 45 ms after its sound is heard, and no delay is added inside
//! that window. Without sound, or inside the window, only jitter that the eye would see is smoothed. The receiver's thread
//! calls it.

use std::collections::VecDeque;

use crate::audio::PlayoutPoint;

/// What to do with a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// Show it.
    Now,
    /// Show it at this moment of our media clock.
    At(u64),
    /// Its sound was heard long ago: show it only if no newer picture is at hand.
    TooLate,
}

/// Sound this much before its picture is not noticed (ITU-R BT.1359).
const SOUND_EARLY_US: i64 = 45_000;
/// Sound this much after its picture is accepted, less a margin for the wait's own error.
const SOUND_LATE_US: i64 = 95_000;
/// When a picture must wait for its sound, aim inside the window.
const AIM_US: i64 = 85_000;
/// Jitter below this is not smoothed: a third of a frame at 30 f/s.
const UNSEEN_JITTER_US: i64 = 12_000;
/// No more delay than this for smoothness.
const MAX_SMOOTHING_US: i64 = 60_000;
/// A picture never waits longer; a clock that says so is wrong.
const MAX_WAIT_US: i64 = 500_000;
/// Pictures that the jitter estimate looks back on: three seconds.
const WINDOW: usize = 90;

/// The state of one remote's playout.
#[derive(Default)]
pub(crate) struct Playout {
    /// Transit times (decoded here minus captured there, clocks apart) of the last pictures.
    transits: VecDeque<i64>,
    base_us: i64,
    smoothing_us: i64,
}

impl Playout {
    /// A picture captured at `captured_us` of the remote's clock was decoded at `now_us` of ours. Once per picture.
    pub(crate) fn arrived(&mut self, now_us: u64, captured_us: u64) {
        let transit = now_us.cast_signed().wrapping_sub(captured_us.cast_signed());
        if self.transits.len() == WINDOW {
            self.transits.pop_front();
        }
        self.transits.push_back(transit);
        let mut sorted: Vec<i64> = self.transits.iter().copied().collect();
        sorted.sort_unstable();
        self.base_us = sorted[0];
        let usual = sorted[(sorted.len() - 1) * 9 / 10].saturating_sub(self.base_us);
        self.smoothing_us = if usual <= UNSEEN_JITTER_US { 0 } else { usual.min(MAX_SMOOTHING_US) };
    }

    /// When to show the picture that was captured at `captured_us`.
    pub(crate) fn due(&self, now_us: u64, captured_us: u64, sound: Option<PlayoutPoint>) -> Due {
        let now = now_us.cast_signed();
        let captured = captured_us.cast_signed();
        let smooth_at = if self.smoothing_us == 0 {
            now
        } else {
            captured.wrapping_add(self.base_us).wrapping_add(self.smoothing_us)
        };
        let mut show_at = smooth_at;
        if let Some(sound) = sound {
            let since_sound = captured.wrapping_sub(sound.captured_us.cast_signed());
            let heard_at = sound.heard_us.cast_signed().wrapping_add(since_sound);
            let late = now.wrapping_sub(heard_at);
            if late > SOUND_EARLY_US {
                return Due::TooLate;
            }
            if late < -SOUND_LATE_US {
                show_at = show_at.max(heard_at.wrapping_sub(AIM_US));
            }
            // Smoothing must not push the picture out of the window either.
            show_at = show_at.min(heard_at.wrapping_add(SOUND_EARLY_US)).max(now.min(show_at));
        }
        let wait = show_at.wrapping_sub(now);
        if wait <= 0 || wait > MAX_WAIT_US { Due::Now } else { Due::At(show_at.cast_unsigned()) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: u64 = 1_000_000;

    fn steady(transit_us: u64) -> Playout {
        let mut playout = Playout::default();
        for index in 0..WINDOW as u64 {
            let captured = SECOND + index * 33_333;
            playout.arrived(captured + transit_us, captured);
        }
        playout
    }

    #[test]
    fn a_clean_link_adds_no_delay() {
        let playout = steady(20_000);
        let captured = 5 * SECOND;
        let now = captured + 20_000;
        assert_eq!(playout.due(now, captured, None), Due::Now);
        // The sound of the same moment is heard 50 ms later: inside the window.
        let sound = PlayoutPoint { captured_us: captured, heard_us: now + 50_000 };
        assert_eq!(playout.due(now, captured, Some(sound)), Due::Now);
    }

    #[test]
    fn a_picture_waits_for_sound_that_is_far_behind() {
        let playout = steady(20_000);
        let (captured, now) = (5 * SECOND, 5 * SECOND + 20_000);
        let sound = PlayoutPoint { captured_us: captured, heard_us: now + 200_000 };
        assert_eq!(playout.due(now, captured, Some(sound)), Due::At(now + 115_000));
    }

    #[test]
    fn a_picture_whose_sound_is_long_over_is_too_late() {
        let playout = steady(20_000);
        let (captured, now) = (5 * SECOND, 5 * SECOND + 20_000);
        let sound = PlayoutPoint { captured_us: captured, heard_us: now - 60_000 };
        assert_eq!(playout.due(now, captured, Some(sound)), Due::TooLate);
    }

    #[test]
    fn visible_jitter_is_smoothed_to_an_even_pace() {
        let mut playout = Playout::default();
        for index in 0..WINDOW as u64 {
            let captured = SECOND + index * 33_333;
            playout.arrived(captured + 20_000 + (index % 4) * 10_000, captured);
        }
        let captured = 9 * SECOND;
        assert_eq!(playout.due(captured + 20_000, captured, None), Due::At(captured + 50_000));
        assert_eq!(playout.due(captured + 50_000, captured, None), Due::Now);
    }

    proptest! {
        #[test]
        fn no_clock_makes_it_panic_or_wait_long(
            history in proptest::collection::vec(any::<(u64, u64)>(), 0..100),
            now: u64, captured: u64, sound in proptest::option::of(any::<(u64, u64)>()),
        ) {
            let mut playout = Playout::default();
            for (at, captured) in history {
                playout.arrived(at, captured);
            }
            let sound = sound.map(|(captured_us, heard_us)| PlayoutPoint { captured_us, heard_us });
            if let Due::At(moment) = playout.due(now, captured, sound) {
                prop_assert!(moment.wrapping_sub(now) <= MAX_WAIT_US.cast_unsigned());
            }
        }
    }
}
