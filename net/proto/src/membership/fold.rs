//! The fold: from a set of operations to who is in and who may act. Depends on the set and its links alone, never on the order
//! in which it became known.
//!
//! * An operation counts if its author was allowed to, judged by what it builds on.
//! * Removal wins: it also undoes what the removed did without knowing of it, and an admission only outlasts a removal that
//!   it builds on.
//! * Of two who remove each other the more senior stays: removals are looked at in the order of their authors' seniority.
//! * When no admin is left the most senior member becomes one.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::PeerId;
use crate::words::MemberKeys;

use super::op::{Action, Op, OpId};

/// A set of places in the list of entries.
#[derive(Clone, Debug, Default)]
pub(super) struct Set(Vec<u64>);

impl Set {
    pub(super) fn first(count: usize) -> Self {
        let mut set = Self::default();
        (0..count).for_each(|place| set.add(place));
        set
    }

    pub(super) fn add(&mut self, place: usize) {
        if self.0.len() <= place / 64 {
            self.0.resize(place / 64 + 1, 0);
        }
        self.0[place / 64] |= 1 << (place % 64);
    }

    pub(super) fn add_all(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        self.0.iter_mut().zip(&other.0).for_each(|(ours, theirs)| *ours |= theirs);
    }

    fn contains(&self, place: usize) -> bool {
        self.0.get(place / 64).is_some_and(|word| word >> (place % 64) & 1 == 1)
    }
}

/// An operation with what follows from its links.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) id: OpId,
    pub(super) op: Op,
    pub(super) ancestors: Set,
    pub(super) depth: u32,
    pub(super) authorised: bool,
}

/// Why somebody who was a member is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Departure {
    Left,
    Removed,
}

/// Who is in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Roster {
    pub(crate) members: BTreeMap<PeerId, MemberKeys>,
    pub(crate) admins: BTreeSet<PeerId>,
    pub(crate) departed: BTreeMap<PeerId, Departure>,
}

/// An authorised operation and where it stands.
#[derive(Clone, Copy)]
struct Placed<'a> {
    place: usize,
    entry: &'a Entry,
}

impl Placed<'_> {
    fn builds_on(&self, other: &Self) -> bool {
        self.entry.ancestors.contains(other.place)
    }
}

/// The roster that the authorised operations among `include` make.
pub(super) fn fold(entries: &[Entry], include: &Set) -> Roster {
    let mut ops: Vec<Placed<'_>> = entries
        .iter()
        .enumerate()
        .filter(|(place, entry)| entry.authorised && include.contains(*place))
        .map(|(place, entry)| Placed { place, entry })
        .collect();
    ops.sort_unstable_by_key(|op| (op.entry.depth, op.entry.id));

    let admissions: Vec<(Placed<'_>, MemberKeys)> =
        ops.iter().filter_map(|op| admitted(op.entry).map(|keys| (*op, keys))).collect();
    let mut seniority: BTreeMap<PeerId, usize> = BTreeMap::new();
    for (rank, (_, keys)) in admissions.iter().enumerate() {
        seniority.entry(keys.peer).or_insert(rank);
    }

    let mut leavings: Vec<(Placed<'_>, PeerId, Departure)> =
        ops.iter().filter_map(|op| left(op.entry).map(|(who, why)| (*op, who, why))).collect();
    leavings.sort_by_key(|(op, ..)| {
        let rank = seniority.get(&op.entry.op.author).copied().unwrap_or(usize::MAX);
        (rank, op.entry.depth, op.entry.id)
    });
    let mut effective: Vec<(Placed<'_>, PeerId, Departure)> = Vec::with_capacity(leavings.len());
    for leaving in leavings {
        if leaving.2 == Departure::Left || !is_void(&leaving.0, &effective, &admissions) {
            effective.push(leaving);
        }
    }

    let mut roster = Roster::default();
    let mut first_in: Vec<PeerId> = Vec::new();
    for (admission, keys) in &admissions {
        let outlasts =
            |(leaving, who, _): &(Placed<'_>, PeerId, Departure)| *who != keys.peer || admission.builds_on(leaving);
        if !is_void(admission, &effective, &admissions) && effective.iter().all(outlasts) {
            if roster.members.insert(keys.peer, *keys).is_none() {
                first_in.push(keys.peer);
            }
            if matches!(admission.entry.op.action, Action::Create { .. }) {
                roster.admins.insert(keys.peer);
            }
        }
    }
    if roster.admins.is_empty() {
        roster.admins.extend(first_in.first());
    }
    for (_, who, why) in &effective {
        if !roster.members.contains_key(who) {
            // Put out weighs more than gone: a removal must not look like a choice.
            let known = roster.departed.entry(*who).or_insert(*why);
            if *why == Departure::Removed {
                *known = Departure::Removed;
            }
        }
    }
    roster
}

/// Whether the author of `op` was put out without `op` building on that, and not let in again before it.
fn is_void(
    op: &Placed<'_>,
    effective: &[(Placed<'_>, PeerId, Departure)],
    admissions: &[(Placed<'_>, MemberKeys)],
) -> bool {
    let author = op.entry.op.author;
    effective.iter().any(|(removal, who, why)| {
        *why == Departure::Removed
            && *who == author
            && !removal.builds_on(op)
            && removal.place != op.place
            && !admissions
                .iter()
                .any(|(admission, keys)| keys.peer == author && admission.builds_on(removal) && op.builds_on(admission))
    })
}

fn admitted(entry: &Entry) -> Option<MemberKeys> {
    match &entry.op.action {
        Action::Create { device, noise_static, .. } => {
            Some(MemberKeys { peer: entry.op.author, device: *device, noise_static: *noise_static })
        }
        Action::Admit(keys) => Some(*keys),
        Action::Remove(_) | Action::Leave => None,
    }
}

fn left(entry: &Entry) -> Option<(PeerId, Departure)> {
    match &entry.op.action {
        Action::Remove(target) => Some((*target, Departure::Removed)),
        Action::Leave => Some((entry.op.author, Departure::Left)),
        Action::Create { .. } | Action::Admit(_) => None,
    }
}
