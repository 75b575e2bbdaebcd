//! Operations with what follows from their links: who builds on whom, and in which order they are looked at. Knows nothing
//! of what they mean.

use crate::room::MemberRole;

use super::op::{Action, Op, OpId};

/// Where an operation stands in the list of entries.
pub(super) type Place = usize;
/// A peer's number in this list. Depends on the order of arrival, so nothing is ever decided by it.
pub(super) type Person = usize;

/// A set of places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Set {
    words: Vec<u64>,
    len: usize,
}

impl Set {
    pub(super) fn add(&mut self, place: Place) {
        if self.words.len() <= place / 64 {
            self.words.resize(place / 64 + 1, 0);
        }
        let word = &mut self.words[place / 64];
        self.len += usize::from(*word >> (place % 64) & 1 == 0);
        *word |= 1 << (place % 64);
    }

    pub(super) fn add_all(&mut self, other: &Self) {
        if self.words.len() < other.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        self.words.iter_mut().zip(&other.words).for_each(|(ours, theirs)| *ours |= theirs);
        self.len = self.words.iter().map(|word| word.count_ones() as usize).sum();
    }

    pub(super) fn contains(&self, place: Place) -> bool {
        self.words.get(place / 64).is_some_and(|word| word >> (place % 64) & 1 == 1)
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Whether it shares any with `other` that are not in `but`.
    pub(super) fn has_any_of(&self, other: &Self, but: &Self) -> bool {
        let but = but.words.iter().copied().chain(std::iter::repeat(0));
        self.words.iter().zip(&other.words).zip(but).any(|((ours, theirs), but)| ours & theirs & !but != 0)
    }

    /// Whether any is in all three.
    pub(super) fn shares_any(&self, one: &Self, other: &Self) -> bool {
        self.words.iter().zip(&one.words).zip(&other.words).any(|((ours, one), other)| ours & one & other != 0)
    }
}

/// An operation that its author was allowed, and its links.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) id: OpId,
    pub(super) op: Op,
    pub(super) author: Person,
    /// Whom it concerns, if it is not the author.
    pub(super) target: Option<Person>,
    /// All that it builds on, however indirectly.
    pub(super) ancestors: Set,
    /// The longest way down to the `Create`.
    pub(super) depth: u32,
    /// What of that came to nothing, as its author could know.
    pub(super) skipped: Set,
}

impl Entry {
    pub(super) fn builds_on(&self, place: Place) -> bool {
        self.ancestors.contains(place)
    }

    /// Whose place or office it is about.
    pub(super) fn concerns(&self) -> Person {
        self.target.unwrap_or(self.author)
    }

    pub(super) fn lets_in(&self) -> Option<Person> {
        matches!(self.op.action, Action::Create { .. } | Action::Admit(_)).then(|| self.concerns())
    }

    /// Takes somebody's place or office away.
    pub(super) const fn is_revocation(&self) -> bool {
        matches!(self.op.action, Action::Remove(_) | Action::SetRole(_, MemberRole::Member))
    }

    pub(super) const fn is_removal(&self) -> bool {
        matches!(self.op.action, Action::Remove(_))
    }
}

/// Neither builds on the other: their authors did not know.
pub(super) fn concurrent(entries: &[Entry], a: Place, b: Place) -> bool {
    a != b && !entries[a].builds_on(b) && !entries[b].builds_on(a)
}

/// The places of `entries` (those in `only`), whatever an operation builds on before it; the same for every order of arrival.
pub(super) fn in_order(entries: &[Entry], only: Option<&Set>) -> Vec<Place> {
    let mut order: Vec<Place> =
        (0..entries.len()).filter(|place| only.is_none_or(|only| only.contains(*place))).collect();
    order.sort_unstable_by_key(|place| (entries[*place].depth, entries[*place].id));
    order
}
