//! Who is in the room: a small hash-linked set of signed operations and its fold (DESIGN "Identity and membership"). Same set,
//! same result, whatever the order of arrival. Knows no sessions and no network; the core feeds and asks it.

#[cfg(feature = "testing")]
mod bench;
mod fold;
mod history;
mod op;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::crypto::hash;
use crate::ids::{DevicePublicKey, MeetingId, PeerId};
use crate::keys::MeetingKey;
use crate::limits::{
    OPERATIONS, OPERATIONS_OF_ONE, OPERATIONS_PENDING, OPERATIONS_PENDING_OF_ONE, OPERATIONS_RESERVE, PARENTS, VIEWS,
};
use crate::room::MemberRole;
use crate::words::MemberKeys;

#[cfg(feature = "testing")]
pub use bench::FoldBench;
pub(crate) use fold::{Departure, Roster};
use fold::{State, fold};
use history::{Entry, Person, Place, Set};
pub(crate) use op::{Action, Op, OpId};

/// The operations of one meeting as far as known, and what they fold to.
#[derive(Debug)]
pub(crate) struct Membership {
    meeting: MeetingId,
    /// Every parent stands before its children. All were allowed to their authors.
    entries: Vec<Entry>,
    places: BTreeMap<OpId, Place>,
    people: Vec<PeerId>,
    numbers: BTreeMap<PeerId, Person>,
    /// How many operations somebody made.
    made: BTreeMap<Person, usize>,
    equivocators: BTreeSet<PeerId>,
    /// Still without a parent. Not counted, not passed on.
    pending: BTreeMap<OpId, Op>,
    state: State,
    /// The state lacks operations that others were made beside.
    is_stale: bool,
    roster: Roster,
    head: [u8; 8],
    /// The states just behind some operations, newest first: what builds on one of them alone is judged by it.
    views: VecDeque<(Place, State)>,
}

impl Membership {
    /// Of a meeting that we make.
    pub(crate) fn create(key: &MeetingKey, nonce: [u8; 16], device: DevicePublicKey, noise_static: [u8; 32]) -> Self {
        let op = Op::create(key, nonce, device, noise_static);
        let mut membership = Self::unknown(op.meeting());
        if membership.insert(op).is_ok() {
            membership.settle();
        }
        membership
    }

    /// Of a meeting of which we know the name only.
    pub(crate) fn unknown(meeting: MeetingId) -> Self {
        Self {
            meeting,
            entries: Vec::new(),
            places: BTreeMap::new(),
            people: Vec::new(),
            numbers: BTreeMap::new(),
            made: BTreeMap::new(),
            equivocators: BTreeSet::new(),
            pending: BTreeMap::new(),
            state: State::default(),
            is_stale: false,
            roster: Roster::default(),
            head: [0; 8],
            views: VecDeque::new(),
        }
    }

    pub(crate) const fn meeting(&self) -> MeetingId {
        self.meeting
    }

    pub(crate) const fn roster(&self) -> &Roster {
        &self.roster
    }

    /// Who said one thing here and another there: two operations of theirs, neither of which builds on the other.
    pub(crate) const fn equivocators(&self) -> &BTreeSet<PeerId> {
        &self.equivocators
    }

    /// Eight bytes that differ whenever two sets do.
    pub(crate) const fn head(&self) -> [u8; 8] {
        self.head
    }

    /// Signs an operation on top of all that is known, and takes it in.
    /// `None`: we may not, or the history of the meeting is full.
    pub(crate) fn act(&mut self, key: &MeetingKey, action: Action) -> Option<Op> {
        // The last places are for those who go and those who are put out.
        let is_parting = matches!(action, Action::Leave | Action::Remove(_));
        if !is_parting && self.entries.len() + OPERATIONS_RESERVE >= OPERATIONS {
            return None;
        }
        let op = Op::sign(key, Some(self.meeting), self.heads(&key.peer_id()), action);
        self.insert(op.clone()).ok()?;
        self.settle();
        Some(op)
    }

    /// Takes in operations from anywhere, parents first; gives those that were new. `roster` is up to date afterwards.
    pub(crate) fn add_all(&mut self, ops: Vec<Op>) -> Vec<(Op, Result<bool, BadOp>)> {
        let outcomes = ops.into_iter().map(|op| (op.clone(), self.add_unsettled(op))).collect();
        self.settle();
        outcomes
    }

    /// `true`: the set grew.
    #[cfg(test)]
    pub(crate) fn add(&mut self, op: Op) -> Result<bool, BadOp> {
        let outcome = self.add_unsettled(op);
        self.settle();
        outcome
    }

    /// What costs much is looked at last: an author who overdoes it is not even verified.
    fn add_unsettled(&mut self, op: Op) -> Result<bool, BadOp> {
        let id = op.id();
        if self.places.contains_key(&id) || self.pending.contains_key(&id) {
            return Ok(false);
        }
        if matches!(op.action, Action::Create { .. }) && op.meeting() != self.meeting {
            return Err(BadOp::Forged);
        }
        if self.entries.len() >= OPERATIONS {
            return Ok(false);
        }
        if self.numbers.get(&op.author).is_some_and(|author| self.has_made_enough(*author)) {
            return Err(BadOp::TooMany);
        }
        let is_pending = op.parents.iter().any(|parent| !self.places.contains_key(parent));
        if is_pending
            && self.pending.values().filter(|other| other.author == op.author).count() >= OPERATIONS_PENDING_OF_ONE
        {
            return Err(BadOp::TooMany);
        }
        if is_pending && self.pending.len() >= OPERATIONS_PENDING {
            return Ok(false);
        }
        if !op.is_signed(self.meeting) {
            return Err(BadOp::Forged);
        }
        if is_pending {
            self.pending.insert(id, op);
            return Ok(false);
        }
        self.insert(op)?;
        self.insert_ready();
        Ok(true)
    }

    /// Eight bytes of every operation's id, for comparing sets.
    pub(crate) fn short_ids(&self) -> Vec<[u8; 8]> {
        self.places.keys().map(short).collect()
    }

    /// Operations that the holder of `known` lacks, parents first.
    pub(crate) fn missing_from(&self, known: &[[u8; 8]]) -> Vec<&Op> {
        let known: BTreeSet<[u8; 8]> = known.iter().copied().collect();
        self.entries.iter().filter(|entry| !known.contains(&short(&entry.id))).map(|entry| &entry.op).collect()
    }

    /// Whether somebody who holds `known` has something that we lack.
    pub(crate) fn lacks_any(&self, known: &[[u8; 8]]) -> bool {
        let ours: BTreeSet<_> = self.places.keys().map(short).collect();
        known.iter().any(|id| !ours.contains(id))
    }

    /// Every operation, parents first.
    pub(crate) fn all(&self) -> impl DoubleEndedIterator<Item = &Op> {
        self.entries.iter().map(|entry| &entry.op)
    }

    /// What an operation of `author` builds on: all that is known, the author's own last one before anything else, so that
    /// nobody who means well ever seems to say two things.
    fn heads(&self, author: &PeerId) -> Vec<OpId> {
        let mut is_head = vec![true; self.entries.len()];
        for parent in self.entries.iter().flat_map(|entry| &entry.op.parents) {
            if let Some(place) = self.places.get(parent) {
                is_head[*place] = false;
            }
        }
        let own = self.entries.iter().rposition(|entry| entry.op.author == *author);
        let mut heads: Vec<Place> = (0..self.entries.len()).filter(|place| is_head[*place]).collect();
        heads.sort_by_key(|head| own.is_none_or(|own| own != *head && !self.entries[*head].builds_on(own)));
        heads.into_iter().take(PARENTS).map(|place| self.entries[place].id).collect()
    }

    fn insert_ready(&mut self) {
        // Each round takes one out of a bounded map.
        while let Some(id) = self
            .pending
            .iter()
            .find_map(|(id, op)| op.parents.iter().all(|parent| self.places.contains_key(parent)).then_some(*id))
        {
            // One that is not allowed is dropped without blame: nobody knows any more who passed it on.
            let _taken = self.pending.remove(&id).is_some_and(|op| self.insert(op).is_ok());
        }
    }

    /// Takes in one whose parents are known, if its author was allowed to: judged by what it builds on.
    fn insert(&mut self, op: Op) -> Result<(), BadOp> {
        if self.entries.len() >= OPERATIONS {
            return Err(BadOp::TooMany);
        }
        let mut ancestors = Set::default();
        let mut depth = 0;
        for place in op.parents.iter().filter_map(|parent| self.places.get(parent)) {
            let parent = &self.entries[*place];
            ancestors.add(*place);
            ancestors.add_all(&parent.ancestors);
            depth = depth.max(parent.depth + 1);
        }
        let builds_on_all = ancestors.len() == self.entries.len();
        if builds_on_all {
            self.refresh();
        }
        let view = self.view(&op, &ancestors, builds_on_all);
        if !self.allows(&view, &op) {
            return Err(BadOp::NotAllowed);
        }
        let author = self.number(op.author);
        if self.has_made_enough(author) {
            return Err(BadOp::TooMany);
        }
        if self.entries.iter().enumerate().any(|(place, other)| other.author == author && !ancestors.contains(place)) {
            self.equivocators.insert(op.author);
        }
        *self.made.entry(author).or_default() += 1;
        let target = match &op.action {
            Action::Admit(keys) => Some(self.number(keys.peer)),
            Action::Remove(target) | Action::SetRole(target, _) => Some(self.number(*target)),
            Action::Create { .. } | Action::Leave | Action::RotateInvite | Action::Rule(..) => None,
        };
        let (id, place) = (op.id(), self.entries.len());
        self.places.insert(id, place);
        self.entries.push(Entry { id, op, author, target, ancestors, depth, skipped: view.skipped.clone() });
        let mut after = view;
        after.apply(&self.entries, place, false, true);
        if builds_on_all {
            self.state = after.clone();
        } else {
            self.is_stale = true;
        }
        self.views.push_front((place, after));
        self.views.truncate(VIEWS);
        Ok(())
    }

    /// The state that the author of an operation could know.
    fn view(&self, op: &Op, ancestors: &Set, builds_on_all: bool) -> State {
        if builds_on_all {
            return self.state.clone();
        }
        if let [parent] = op.parents.as_slice()
            && let Some(place) = self.places.get(parent)
            && let Some((_, state)) = self.views.iter().find(|(known, _)| known == place)
        {
            return state.clone();
        }
        fold(&self.entries, Some(ancestors))
    }

    fn allows(&self, view: &State, op: &Op) -> bool {
        let is_member = |who: &PeerId| self.numbers.get(who).is_some_and(|person| view.is_member(*person));
        let is_admin = self.numbers.get(&op.author).is_some_and(|person| view.is_admin(*person));
        match &op.action {
            Action::Create { .. } => true,
            Action::Leave => is_member(&op.author),
            Action::Admit(_) | Action::RotateInvite | Action::Rule(..) => is_admin,
            Action::Remove(target) | Action::SetRole(target, MemberRole::Admin | MemberRole::Member) => {
                is_admin && is_member(target)
            }
        }
    }

    fn has_made_enough(&self, author: Person) -> bool {
        self.made.get(&author).is_some_and(|made| *made >= OPERATIONS_OF_ONE)
    }

    fn number(&mut self, who: PeerId) -> Person {
        let next = self.people.len();
        let number = *self.numbers.entry(who).or_insert(next);
        if number == next {
            self.people.push(who);
        }
        number
    }

    fn refresh(&mut self) {
        if std::mem::take(&mut self.is_stale) {
            self.state = fold(&self.entries, None);
        }
    }

    fn settle(&mut self) {
        self.refresh();
        self.roster = self.state.roster(&self.entries, &self.people);
        // Order-free: a sum of ids' hashes would do, a sorted hash is simpler.
        let ids: Vec<&[u8]> = self.places.keys().map(|id| id.as_slice()).collect();
        let digest = hash("conclave membership head", &ids);
        self.head = std::array::from_fn(|at| digest[at]);
    }

    /// The fold of all there is, from the beginning.
    #[cfg(feature = "testing")]
    pub(crate) fn folded_anew(&self) -> Roster {
        fold(&self.entries, None).roster(&self.entries, &self.people)
    }

    /// The keys that a member was let in with.
    pub(crate) fn keys_of(&self, peer: &PeerId) -> Option<&MemberKeys> {
        self.roster.members.get(peer)
    }
}

fn short(id: &OpId) -> [u8; 8] {
    std::array::from_fn(|at| id[at])
}

/// Why an operation is not taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadOp {
    /// Whoever passed it on did not check it.
    #[error("a membership operation with a bad signature or of another meeting")]
    Forged,
    /// Its author knew that it may not.
    #[error("a membership operation that its author was not allowed")]
    NotAllowed,
    /// Its author floods us.
    #[error("more membership operations than one author may make")]
    TooMany,
}

#[cfg(test)]
mod tests;
