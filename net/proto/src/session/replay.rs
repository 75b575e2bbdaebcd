//! The replay window: each counter is taken once, and only while it is not too far behind the newest. Asked before a datagram
//! is opened, told after it authenticated, so that a forged datagram moves nothing.

use crate::limits::REPLAY_WINDOW;

const WORDS: usize = (REPLAY_WINDOW / 64) as usize;

/// A ring of bits over the last [`REPLAY_WINDOW`] counters.
#[derive(Debug)]
pub(crate) struct ReplayWindow {
    /// One beyond the newest counter seen.
    next: u64,
    seen: [u64; WORDS],
}

impl Default for ReplayWindow {
    fn default() -> Self {
        Self { next: 0, seen: [0; WORDS] }
    }
}

impl ReplayWindow {
    /// Whether `counter` is new and not too old.
    pub(crate) fn accepts(&self, counter: u64) -> bool {
        if counter >= self.next {
            return counter != u64::MAX;
        }
        self.next - counter <= REPLAY_WINDOW && self.seen[word(counter)] & bit(counter) == 0
    }

    /// An authentic datagram of this counter came. `true`: it is the newest so far.
    pub(crate) fn mark(&mut self, counter: u64) -> bool {
        let newest = counter >= self.next;
        if newest {
            if counter - self.next >= REPLAY_WINDOW {
                self.seen = [0; WORDS];
            } else {
                for skipped in self.next..counter {
                    self.seen[word(skipped)] &= !bit(skipped);
                }
            }
            self.next = counter + 1;
        }
        self.seen[word(counter)] |= bit(counter);
        newest
    }
}

const fn word(counter: u64) -> usize {
    (counter % REPLAY_WINDOW / 64) as usize
}

const fn bit(counter: u64) -> u64 {
    1 << (counter % 64)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn agrees_with_a_plain_set(
            start in 0..u64::MAX / 2,
            steps in prop::collection::vec(prop_oneof![0..40_u64, 0..5_000_u64], 1..600),
        ) {
            let mut window = ReplayWindow::default();
            let (mut seen, mut newest) = (BTreeSet::new(), None::<u64>);
            for step in steps {
                let around = newest.map_or(start, |newest| newest.saturating_sub(2_500));
                let counter = around + step;
                let too_old = newest.is_some_and(|newest| newest >= counter && newest - counter >= REPLAY_WINDOW);
                prop_assert_eq!(window.accepts(counter), !too_old && !seen.contains(&counter), "{}", counter);
                if window.accepts(counter) {
                    prop_assert_eq!(window.mark(counter), newest.is_none_or(|newest| counter > newest));
                    seen.insert(counter);
                    newest = newest.max(Some(counter));
                }
            }
        }
    }

    #[test]
    fn the_last_counter_is_never_taken() {
        assert!(!ReplayWindow::default().accepts(u64::MAX));
    }
}
