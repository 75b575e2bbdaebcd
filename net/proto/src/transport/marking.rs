//! Whether our datagrams may be marked (ECN): tried on a few, and given up where the path erases the codepoint or swallows what
//! has it (as RFC 9000, section 13.4.2). Pure bookkeeping; the root asks it for each datagram and tells it each fate.

use std::time::Duration;

use crate::ecn::Ecn;
use crate::time::Instant;

/// So many are tried, ...
const TRIALS: u8 = 10;
/// ... each so many datagrams after the one before: a path that swallows them takes single ones, which are repaired.
const APART: u8 = 4;
/// A path that failed is tried again after so long; at once if it changes.
const REST: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug)]
enum State {
    Trying { sent: u8, lost: u8, until_next: u8 },
    Passes,
    Fails { until: Instant },
}

const BEGINNING: State = State::Trying { sent: 0, lost: 0, until_next: 0 };

/// See the module.
#[derive(Debug)]
pub(super) struct Marking {
    state: State,
}

impl Default for Marking {
    fn default() -> Self {
        Self { state: BEGINNING }
    }
}

impl Marking {
    /// What the next datagram leaves as.
    pub(super) fn next(&mut self, now: Instant) -> Ecn {
        if matches!(self.state, State::Fails { until } if until <= now) {
            self.state = BEGINNING;
        }
        match &mut self.state {
            State::Passes => Ecn::Capable,
            State::Trying { sent, until_next, .. } if *sent < TRIALS => {
                if *until_next > 0 {
                    *until_next -= 1;
                    return Ecn::NotCapable;
                }
                (*sent, *until_next) = (*sent + 1, APART - 1);
                Ecn::Capable
            }
            State::Trying { .. } | State::Fails { .. } => Ecn::NotCapable,
        }
    }

    /// What became of one that left marked as capable; `None`: lost.
    pub(super) fn told(&mut self, now: Instant, arrived: Option<Ecn>) {
        let fails = State::Fails { until: now + REST };
        match (&mut self.state, arrived) {
            (State::Fails { .. }, _) | (State::Passes, None | Some(Ecn::Capable | Ecn::Congested)) => {}
            (State::Trying { .. }, Some(Ecn::Capable | Ecn::Congested)) => self.state = State::Passes,
            (State::Trying { .. } | State::Passes, Some(Ecn::NotCapable)) => self.state = fails,
            (State::Trying { lost, .. }, None) => {
                *lost += 1;
                if *lost >= TRIALS {
                    self.state = fails;
                }
            }
        }
    }

    /// Nothing gets through for a while. It may be the marks that the path takes offence at now.
    pub(super) fn silence(&mut self, now: Instant) {
        if matches!(self.state, State::Passes) {
            self.state = State::Fails { until: now + REST };
        }
    }

    pub(super) const fn passes(&self) -> bool {
        matches!(self.state, State::Passes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant::from_micros(5_000_000);

    fn marked(marking: &mut Marking, now: Instant, count: usize) -> usize {
        (0..count).filter(|_| marking.next(now) == Ecn::Capable).count()
    }

    #[test]
    fn a_path_that_passes_marks_gets_them_on_everything() {
        let mut marking = Marking::default();
        assert_eq!(marked(&mut marking, NOW, 4), 1, "one at a time until it is known");
        marking.told(NOW, Some(Ecn::Congested));
        assert!(marking.passes());
        assert_eq!(marked(&mut marking, NOW, 50), 50);
        marking.told(NOW, None);
        assert_eq!(marked(&mut marking, NOW, 50), 50, "a loss says nothing about marks");
    }

    #[test]
    fn a_path_that_swallows_or_erases_them_gets_none_for_a_while() {
        let mut swallows = Marking::default();
        assert_eq!(marked(&mut swallows, NOW, 500), usize::from(TRIALS), "no more until something is known");
        (0..TRIALS).for_each(|_| swallows.told(NOW, None));
        let mut erases = Marking::default();
        erases.next(NOW);
        erases.told(NOW, Some(Ecn::NotCapable));
        for marking in [&mut swallows, &mut erases] {
            assert!(!marking.passes());
            assert_eq!(marked(marking, NOW, 500), 0);
            assert!(marked(marking, NOW + REST, 500) > 0, "tried again");
        }
    }

    #[test]
    fn a_silence_ends_the_marks() {
        let mut marking = Marking::default();
        marking.next(NOW);
        marking.told(NOW, Some(Ecn::Capable));
        marking.silence(NOW);
        assert_eq!(marked(&mut marking, NOW, 500), 0);
    }
}
