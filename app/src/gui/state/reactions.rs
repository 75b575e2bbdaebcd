//! Reactions that are on the screen now. Each is shown for some seconds from the moment the window first saw it, however
//! long the engine tells of it.

use std::collections::HashMap;

use crate::engine::{Reaction, ShownReaction, Who};

/// How long a reaction is shown, in seconds.
const SHOWN_S: f64 = 5.0;

/// See the module's head.
#[derive(Default)]
pub(crate) struct Reactions {
    /// When each ends, in the window's time.
    until: HashMap<(Who, u64), f64>,
    /// The newest of each person.
    shown: HashMap<Who, Reaction>,
}

impl Reactions {
    /// Takes over the reactions of a snapshot; returns after how many seconds the next one ends.
    pub(crate) fn follow(&mut self, told: &[ShownReaction], now_s: f64) -> Option<f64> {
        self.until.retain(|(who, number), _| told.iter().any(|one| one.number == *number && one.who == *who));
        self.shown.clear();
        let mut newest: HashMap<&Who, u64> = HashMap::new();
        let mut next = None;
        for one in told {
            let until = *self.until.entry((one.who.clone(), one.number)).or_insert(now_s + SHOWN_S);
            if until <= now_s {
                continue;
            }
            next = Some(next.unwrap_or(until).min(until));
            if newest.get(&one.who).is_none_or(|number| *number <= one.number) {
                newest.insert(&one.who, one.number);
                self.shown.insert(one.who.clone(), one.reaction);
            }
        }
        next.map(|until: f64| until - now_s)
    }

    /// What this person shows now.
    pub(crate) fn of(&self, who: &str) -> Option<Reaction> {
        self.shown.get(who).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reaction_is_shown_for_seconds_and_the_newest_wins() {
        let one = |number, reaction| ShownReaction { who: "bo".to_owned(), reaction, number };
        let mut reactions = Reactions::default();
        let mut told = vec![one(1, Reaction::Yes)];
        assert_eq!(reactions.follow(&told, 10.0), Some(SHOWN_S));
        assert_eq!(reactions.of("bo"), Some(Reaction::Yes));
        told.push(one(2, Reaction::Heart));
        assert_eq!(reactions.follow(&told, 12.0), Some(SHOWN_S - 2.0));
        assert_eq!(reactions.of("bo"), Some(Reaction::Heart));
        // The engine still tells of them; they are over all the same.
        assert_eq!(reactions.follow(&told, 18.0), None);
        assert_eq!(reactions.of("bo"), None);
        assert_eq!(reactions.follow(&[], 18.0), None);
        assert!(reactions.until.is_empty());
    }
}
