//! Who is in the room: a small hash-linked set of signed operations and its fold (DESIGN "Identity and membership"). Same set,
//! same result, whatever the order of arrival. Knows no sessions and no network; the core feeds and asks it.

mod fold;
mod op;

use std::collections::BTreeMap;

use crate::crypto::hash;
use crate::ids::{DevicePublicKey, MeetingId, PeerId};
use crate::keys::MeetingKey;
use crate::limits::{OPERATIONS, OPERATIONS_PENDING, PARENTS};
use crate::words::MemberKeys;

pub(crate) use fold::{Departure, Roster};
use fold::{Entry, Set, fold};
pub(crate) use op::{Action, Op, OpId};

/// The operations of one meeting as far as known, and what they fold to.
#[derive(Debug)]
pub(crate) struct Membership {
    meeting: MeetingId,
    /// Every parent stands before its children.
    entries: Vec<Entry>,
    places: BTreeMap<OpId, usize>,
    /// Still without a parent. Not counted, not passed on.
    pending: BTreeMap<OpId, Op>,
    roster: Roster,
}

impl Membership {
    /// Of a meeting that we make.
    pub(crate) fn create(key: &MeetingKey, nonce: [u8; 16], device: DevicePublicKey, noise_static: [u8; 32]) -> Self {
        let op = Op::create(key, nonce, device, noise_static);
        let mut membership = Self::unknown(op.meeting());
        membership.insert(op);
        membership
    }

    /// Of a meeting of which we know the name only.
    pub(crate) fn unknown(meeting: MeetingId) -> Self {
        Self {
            meeting,
            entries: Vec::new(),
            places: BTreeMap::new(),
            pending: BTreeMap::new(),
            roster: Roster::default(),
        }
    }

    pub(crate) const fn meeting(&self) -> MeetingId {
        self.meeting
    }

    pub(crate) const fn roster(&self) -> &Roster {
        &self.roster
    }

    /// Eight bytes that differ whenever two sets do. Order-free: a sum of ids' hashes would do, a sorted hash is simpler.
    pub(crate) fn head(&self) -> [u8; 8] {
        let ids: Vec<&[u8]> = self.places.keys().map(|id| id.as_slice()).collect();
        let digest = hash("conclave membership head", &ids);
        std::array::from_fn(|at| digest[at])
    }

    /// Signs an operation on top of all that is known, and takes it in.
    /// `None`: the history of the meeting is full.
    pub(crate) fn act(&mut self, key: &MeetingKey, action: Action) -> Option<Op> {
        let op = Op::sign(key, Some(self.meeting), self.heads(), action);
        self.insert(op.clone()).then_some(op)
    }

    /// Takes in an operation from anywhere. `true`: the set grew, `roster` may have changed.
    pub(crate) fn add(&mut self, op: Op) -> Result<bool, BadOp> {
        let id = op.id();
        if self.places.contains_key(&id) || self.pending.contains_key(&id) {
            return Ok(false);
        }
        let names_another_meeting = matches!(op.action, Action::Create { .. }) && op.meeting() != self.meeting;
        if names_another_meeting || !op.is_signed(self.meeting) {
            return Err(BadOp);
        }
        if op.parents.iter().any(|parent| !self.places.contains_key(parent)) {
            if self.pending.len() < OPERATIONS_PENDING {
                self.pending.insert(id, op);
            }
            return Ok(false);
        }
        if !self.insert(op) {
            return Ok(false);
        }
        self.insert_ready();
        Ok(true)
    }

    /// Eight bytes of every operation's id, for comparing sets.
    pub(crate) fn short_ids(&self) -> Vec<[u8; 8]> {
        self.places.keys().map(short).collect()
    }

    /// Operations that the holder of `known` lacks, parents first.
    pub(crate) fn missing_from(&self, known: &[[u8; 8]]) -> Vec<&Op> {
        self.entries.iter().filter(|entry| !known.contains(&short(&entry.id))).map(|entry| &entry.op).collect()
    }

    /// Whether somebody who holds `known` has something that we lack.
    pub(crate) fn lacks_any(&self, known: &[[u8; 8]]) -> bool {
        let ours: std::collections::BTreeSet<_> = self.places.keys().map(short).collect();
        known.iter().any(|id| !ours.contains(id))
    }

    /// Every operation, parents first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Op> {
        self.entries.iter().map(|entry| &entry.op)
    }

    fn heads(&self) -> Vec<OpId> {
        let mut is_head = vec![true; self.entries.len()];
        for parent in self.entries.iter().flat_map(|entry| &entry.op.parents) {
            if let Some(place) = self.places.get(parent) {
                is_head[*place] = false;
            }
        }
        self.entries.iter().zip(is_head).filter(|(_, is_head)| *is_head).map(|(e, _)| e.id).take(PARENTS).collect()
    }

    fn insert_ready(&mut self) {
        // Each round takes one out of a bounded map.
        while let Some(id) = self
            .pending
            .iter()
            .find_map(|(id, op)| op.parents.iter().all(|parent| self.places.contains_key(parent)).then_some(*id))
        {
            if let Some(op) = self.pending.remove(&id) {
                self.insert(op);
            }
        }
    }

    /// Parents must be known.
    fn insert(&mut self, op: Op) -> bool {
        if self.entries.len() >= OPERATIONS {
            return false;
        }
        let mut ancestors = Set::default();
        let mut depth = 0;
        for place in op.parents.iter().filter_map(|parent| self.places.get(parent)) {
            let parent = &self.entries[*place];
            ancestors.add(*place);
            ancestors.add_all(&parent.ancestors);
            depth = depth.max(parent.depth + 1);
        }
        // Judged by what its author could know: the operations that it builds on.
        let authorised = match &op.action {
            Action::Create { .. } => true,
            Action::Admit(_) | Action::Remove(_) => fold(&self.entries, &ancestors).admins.contains(&op.author),
            Action::Leave => fold(&self.entries, &ancestors).members.contains_key(&op.author),
        };
        let id = op.id();
        self.places.insert(id, self.entries.len());
        self.entries.push(Entry { id, op, ancestors, depth, authorised });
        self.roster = fold(&self.entries, &Set::first(self.entries.len()));
        true
    }

    /// The fold of all there is, from the beginning.
    #[cfg(feature = "testing")]
    pub(crate) fn folded_anew(&self) -> Roster {
        fold(&self.entries, &Set::first(self.entries.len()))
    }

    /// The keys that a member was let in with.
    pub(crate) fn keys_of(&self, peer: &PeerId) -> Option<&MemberKeys> {
        self.roster.members.get(peer)
    }
}

fn short(id: &OpId) -> [u8; 8] {
    std::array::from_fn(|at| id[at])
}

/// Not signed by its author, or of another meeting: whoever passed it on did not check it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a membership operation with a bad signature or of another meeting")]
pub(crate) struct BadOp;

#[cfg(test)]
mod tests;
