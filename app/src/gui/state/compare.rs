//! Where somebody is in comparing the words. Words that change meanwhile begin it anew.

use std::collections::HashSet;

use crate::engine::Who;

/// See the module's head.
#[derive(Default)]
pub(crate) struct Compare {
    pub(crate) step: Step,
    /// The words changed and were begun anew.
    pub(crate) began_anew: bool,
    /// Said to be the same, and not yet verified in a snapshot.
    pub(crate) same: HashSet<Who>,
    words: Option<[String; 6]>,
}

/// The steps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Step {
    /// One reads aloud, the others listen.
    #[default]
    Read,
    /// Person by person: the same or not.
    People,
    /// Not the same as this person.
    Differ(Who),
}

impl Compare {
    /// Takes over the words of now.
    pub(crate) fn follow(&mut self, words: Option<&[String; 6]>) {
        if self.words.as_ref() == words {
            return;
        }
        let begun = self.words.is_some() && self.step != Step::Read;
        *self = Self { words: words.cloned(), began_anew: begun, ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_words_begin_the_comparison_anew() {
        let words = |last: &str| ["a", "b", "c", "d", "e", last].map(str::to_owned);
        let mut compare = Compare::default();
        compare.follow(Some(&words("f")));
        compare.step = Step::People;
        compare.same.insert("bo".to_owned());
        compare.follow(Some(&words("f")));
        assert_eq!(compare.step, Step::People);
        compare.follow(Some(&words("g")));
        assert_eq!(compare.step, Step::Read);
        assert!(compare.began_anew && compare.same.is_empty());
    }
}
