//! Which of the last 128 numbers of a growing sequence are in a set. For duplicates and for "was it delivered?".

/// A set over a sliding window that ends at the largest number inserted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RecentNumbers {
    newest: Option<u32>,
    /// Bit k: `newest - k` is in.
    bits: u128,
}

impl RecentNumbers {
    /// False if it was in already, or is too old to tell.
    pub(super) fn insert(&mut self, number: u32) -> bool {
        let newest = *self.newest.get_or_insert(number);
        if number > newest {
            self.bits = self.bits.checked_shl(number - newest).unwrap_or(0);
            self.newest = Some(number);
        }
        match 1_u128.checked_shl(self.newest.unwrap_or(number) - number) {
            Some(bit) if self.bits & bit == 0 => {
                self.bits |= bit;
                true
            }
            _ => false,
        }
    }

    pub(super) fn contains(&self, number: u32) -> bool {
        let back = self.newest.and_then(|newest| newest.checked_sub(number));
        back.and_then(|back| 1_u128.checked_shl(back)).is_some_and(|bit| self.bits & bit != 0)
    }

    pub(super) const fn newest(&self) -> Option<u32> {
        self.newest
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn agrees_with_a_plain_set(steps in proptest::collection::vec(-20..30_i64, 1..200)) {
            let (mut recent, mut plain, mut at) = (RecentNumbers::default(), BTreeSet::new(), 1000_i64);
            for step in steps {
                at = (at + step).max(0);
                let number = u32::try_from(at).expect("small");
                let newest = plain.last().copied().unwrap_or(number).max(number);
                let expected = newest - number < 128 && plain.insert(number);
                prop_assert_eq!(recent.insert(number), expected);
                prop_assert_eq!(recent.contains(number), newest - number < 128);
            }
        }
    }

    #[test]
    fn a_far_jump_forgets_the_past() {
        let mut recent = RecentNumbers::default();
        assert!(recent.insert(5));
        assert!(recent.insert(u32::MAX));
        assert!(!recent.contains(5));
        assert!(!recent.insert(5), "too old to tell counts as seen");
        assert!(recent.contains(u32::MAX));
    }
}
