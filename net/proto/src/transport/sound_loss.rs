//! What becomes of the datagrams that carry our sound, from the peer's reports: the share that is lost, and how many in a
//! row. Reports tell of losses later than of the arrivals around them, so fates are kept in the order of sending. Used by
//! the sending half of sound alone, which decides by it what is sent twice.

use std::collections::VecDeque;

use crate::core::SoundLoss;
use crate::limits;
use crate::time::Instant;

/// Fewer fates say nothing: a second of sound.
const FEWEST: usize = 50;
/// The share is that of the last two seconds or, where it is more even, six: a path that turns bad is answered soon.
const SHORT: usize = 100;
const LONG: usize = 300;
/// Two seconds alone exaggerate, at the two sigma of a path that loses a tenth.
const TRUST_SHORT: f64 = 0.6;
/// Runs of losses that a mean length is told from; before that losses count as single.
const RUNS: u32 = 6;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Unknown,
    Arrived,
    Lost,
}

/// The fates of the last datagrams with sound.
#[derive(Debug, Default)]
pub(super) struct SoundFates {
    sent: VecDeque<(Instant, Fate)>,
}

impl SoundFates {
    pub(super) fn sent(&mut self, now: Instant) {
        if self.sent.len() == limits::AUDIO_FATES {
            self.sent.pop_front();
        }
        self.sent.push_back((now, Fate::Unknown));
    }

    /// What was sent at `sent_at` arrived or was lost.
    pub(super) fn told(&mut self, sent_at: Instant, arrived: bool) {
        let fate = if arrived { Fate::Arrived } else { Fate::Lost };
        let from = self.sent.partition_point(|(at, _)| *at < sent_at);
        let same = self.sent.range_mut(from..).take_while(|(at, _)| *at == sent_at);
        // Two at one moment are told apart by which is still open; a second thought goes to the last.
        let mut last = None;
        for (_, known) in same {
            let open = *known == Fate::Unknown;
            last = Some(known);
            if open {
                break;
            }
        }
        if let Some(known) = last {
            *known = fate;
        }
    }

    /// What is under way belongs to a path that is no more, and what is known, too.
    pub(super) fn clear(&mut self) {
        self.sent.clear();
    }

    /// `None`: not enough is known.
    pub(super) fn measured(&self) -> Option<SoundLoss> {
        let known = || self.sent.iter().rev().map(|(_, fate)| *fate).filter(|fate| *fate != Fate::Unknown);
        let share = |count: usize| {
            let (mut lost, mut all) = (0_u32, 0_u32);
            for fate in known().take(count) {
                all += 1;
                lost += u32::from(fate == Fate::Lost);
            }
            f64::from(lost) / f64::from(all.max(1))
        };
        if known().take(FEWEST).count() < FEWEST {
            return None;
        }
        let (mut runs, mut lost, mut before) = (0_u32, 0_u32, Fate::Arrived);
        for fate in known() {
            if fate == Fate::Lost {
                lost += 1;
                runs += u32::from(before != Fate::Lost);
            }
            before = fate;
        }
        let burst = if runs >= RUNS { f64::from(lost) / f64::from(runs) } else { 1.0 };
        Some(SoundLoss { share: share(LONG).max(share(SHORT) * TRUST_SHORT), burst })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fates(pattern: impl Iterator<Item = bool>) -> SoundFates {
        let mut fates = SoundFates::default();
        let arrived: Vec<(Instant, bool)> =
            pattern.enumerate().map(|(at, arrived)| (Instant::from_micros(at as u64 * 20_000), arrived)).collect();
        for (at, _) in &arrived {
            fates.sent(*at);
        }
        // Arrivals are told before the losses among them.
        for told in [true, false] {
            for (at, arrived) in arrived.iter().filter(|(_, arrived)| *arrived == told) {
                fates.told(*at, *arrived);
            }
        }
        fates
    }

    #[test]
    fn single_losses_and_bursts_are_told_apart() {
        let single = fates((0..500).map(|n| n % 5 != 0)).measured().expect("known");
        assert!((single.share - 0.2).abs() < 0.01 && (single.burst - 1.0).abs() < 0.01, "{single:?}");
        let bursts = fates((0..500).map(|n| n % 20 >= 4)).measured().expect("known");
        assert!((bursts.share - 0.2).abs() < 0.01 && (bursts.burst - 4.0).abs() < 0.01, "{bursts:?}");
    }

    #[test]
    fn little_knowledge_is_none_and_a_second_thought_counts() {
        assert_eq!(fates((0..40).map(|_| false)).measured(), None);
        let mut late = fates((0..100).map(|n| n != 50));
        assert!(late.measured().is_some_and(|loss| loss.share > 0.0));
        late.told(Instant::from_micros(50 * 20_000), true);
        assert_eq!(late.measured(), Some(SoundLoss::NONE));
    }

    #[test]
    fn what_was_never_sent_changes_nothing_and_memory_is_bounded() {
        let mut fates = fates((0..100_000).map(|_| true));
        fates.told(Instant::from_micros(7), false);
        fates.told(Instant::from_micros(1 << 50), false);
        assert_eq!(fates.measured(), Some(SoundLoss::NONE));
        assert_eq!(fates.sent.len(), limits::AUDIO_FATES);
    }
}
