//! The fold: from a set of operations to who is in, who may act and what holds. Depends on the set and its links alone, never
//! on the order in which it became known.
//!
//! * Every operation here was allowed to its author, judged by what it builds on (`membership` lets no other in).
//! * Removals and demotions are judged first, those of the most senior authors before others. One is void if its author was
//!   put out or demoted by an earlier one without knowing of it, or owes the office to something that this undid. So of two who
//!   remove or demote each other the more senior stays.
//! * What holds undoes whatever its victim did without knowing of it: a removal all of it, a demotion what takes an admin.
//!   An admission outlasts only removals and departures that it builds on, a promotion only demotions that it builds on.
//! * The rest is replayed in order, and each act counts if its author is an admin at that point. So what rests on something
//!   undone is undone as well.
//! * When no admin is left the most senior member becomes one, and who acted as one stays one.
//! * Settings that know nothing of each other merge to the careful side ([`Rule::careful`]).

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::PeerId;
use crate::limits::ROSTER;
use crate::room::{MemberRole, Rule, Rules};
use crate::words::MemberKeys;

use super::history::{Entry, Person, Place, Set, concurrent, in_order};
use super::op::Action;

/// Why somebody who was a member is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Departure {
    Left,
    /// By whom; `None`: whoever let them in could not.
    Removed(Option<PeerId>),
}

/// Who is in and what holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Roster {
    pub(crate) members: BTreeMap<PeerId, MemberKeys>,
    pub(crate) admins: BTreeSet<PeerId>,
    pub(crate) departed: BTreeMap<PeerId, Departure>,
    pub(crate) rules: Rules,
    /// Who set the rule last, where anybody did.
    pub(crate) rule_setters: BTreeMap<Rule, PeerId>,
    /// Who made somebody what they are, where anybody did.
    pub(crate) role_givers: BTreeMap<PeerId, PeerId>,
    /// How often invites were made void: by removals, and by asking for it.
    pub(crate) epoch: u32,
    /// Differs whenever one more thing made invites void, or a former one turned out not to count.
    pub(crate) epoch_mark: u64,
}

/// What a history has come to at one point of its replay.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    people: Vec<Standing>,
    admins: usize,
    seated: usize,
    arrivals: u32,
    /// By rule: the settings on which no other builds.
    settings: [Vec<Place>; Rule::ALL.len()],
    epoch: u32,
    epoch_mark: u64,
    /// What came to nothing.
    pub(super) skipped: Set,
}

#[derive(Clone, Copy, Debug, Default)]
struct Standing {
    seat: Option<Seat>,
    is_admin: bool,
    role_giver: Option<Person>,
    departure: Option<Gone>,
}

#[derive(Clone, Copy, Debug)]
struct Seat {
    admission: Place,
    /// Lower: longer in the room.
    rank: u32,
}

#[derive(Clone, Copy, Debug)]
enum Gone {
    Left,
    Removed(Option<Person>),
}

impl State {
    fn standing(&self, person: Person) -> Standing {
        self.people.get(person).copied().unwrap_or_default()
    }

    fn standing_mut(&mut self, person: Person) -> &mut Standing {
        if self.people.len() <= person {
            self.people.resize(person + 1, Standing::default());
        }
        &mut self.people[person]
    }

    pub(super) fn is_member(&self, person: Person) -> bool {
        self.standing(person).seat.is_some()
    }

    pub(super) fn is_admin(&self, person: Person) -> bool {
        let standing = self.standing(person);
        standing.is_admin
            || (self.admins == 0 && standing.seat.is_some_and(|seat| Some(seat.rank) == self.first_rank()))
    }

    fn first_rank(&self) -> Option<u32> {
        self.people.iter().filter_map(|standing| standing.seat).map(|seat| seat.rank).min()
    }

    /// Lets the operation take effect. `beaten`: somebody who counts more takes back what it gives.
    pub(super) fn apply(&mut self, entries: &[Entry], place: Place, beaten: bool) {
        let entry = &entries[place];
        let target = entry.target.unwrap_or(entry.author);
        match &entry.op.action {
            Action::Create { .. } => {
                self.seat(entry.author, place);
                self.set_admin(entry.author, true);
            }
            Action::Leave => self.unseat(entry.author, Gone::Left),
            acts => {
                if self.is_member(entry.author) {
                    self.set_admin(entry.author, true);
                }
                match acts {
                    Action::Admit(_) if beaten => self.void_invites(entry),
                    Action::Admit(_) => self.seat(target, place),
                    Action::Remove(_) => {
                        self.unseat(target, Gone::Removed(Some(entry.author)));
                        self.void_invites(entry);
                    }
                    Action::SetRole(_, role) => {
                        if !beaten && self.is_member(target) {
                            self.set_admin(target, *role == MemberRole::Admin);
                            self.standing_mut(target).role_giver = Some(entry.author);
                        }
                    }
                    Action::RotateInvite => self.void_invites(entry),
                    Action::Rule(rule, _) => {
                        let settings = &mut self.settings[usize::from(rule.code() - 1)];
                        settings.retain(|earlier| !entry.builds_on(*earlier));
                        settings.push(place);
                    }
                    Action::Create { .. } | Action::Leave => {}
                }
            }
        }
    }

    fn seat(&mut self, person: Person, place: Place) {
        if self.seated >= ROSTER || self.is_member(person) {
            return;
        }
        let rank = self.arrivals;
        self.arrivals += 1;
        self.seated += 1;
        *self.standing_mut(person) = Standing { seat: Some(Seat { admission: place, rank }), ..Standing::default() };
    }

    fn unseat(&mut self, person: Person, gone: Gone) {
        self.set_admin(person, false);
        let standing = self.standing_mut(person);
        let was_in = standing.seat.take().is_some();
        standing.role_giver = None;
        // Put out weighs more than gone: a removal must not look like a choice.
        if was_in || standing.departure.is_none() || matches!(gone, Gone::Removed(_)) {
            standing.departure = Some(gone);
        }
        self.seated -= usize::from(was_in);
    }

    fn set_admin(&mut self, person: Person, is_admin: bool) {
        let standing = self.standing_mut(person);
        let was = std::mem::replace(&mut standing.is_admin, is_admin);
        self.admins = self.admins + usize::from(is_admin) - usize::from(was);
    }

    fn void_invites(&mut self, entry: &Entry) {
        self.epoch += 1;
        self.epoch_mark ^= u64::from_be_bytes(std::array::from_fn(|at| entry.id[at]));
    }

    pub(super) fn roster(&self, entries: &[Entry], people: &[PeerId]) -> Roster {
        let mut roster = Roster { epoch: self.epoch, epoch_mark: self.epoch_mark, ..Roster::default() };
        for (person, standing) in self.people.iter().enumerate() {
            let who = people[person];
            if let Some(seat) = standing.seat {
                roster.members.extend(admitted(&entries[seat.admission]).map(|keys| (who, keys)));
                if self.is_admin(person) {
                    roster.admins.insert(who);
                }
                roster.role_givers.extend(standing.role_giver.map(|by| (who, people[by])));
            } else if let Some(gone) = standing.departure {
                let departure = match gone {
                    Gone::Left => Departure::Left,
                    Gone::Removed(by) => Departure::Removed(by.map(|by| people[by])),
                };
                roster.departed.insert(who, departure);
            }
        }
        // Whose admission came to nothing is out like who was put out.
        let undone = entries.iter().filter_map(|entry| match &entry.op.action {
            Action::Admit(keys) => Some(keys.peer),
            _ => None,
        });
        for who in undone {
            if !roster.members.contains_key(&who) {
                roster.departed.entry(who).or_insert(Departure::Removed(None));
            }
        }
        for rule in Rule::ALL {
            let settings = &self.settings[usize::from(rule.code() - 1)];
            let set_to =
                |place: &Place| matches!(entries[*place].op.action, Action::Rule(_, on) if on == rule.careful());
            if let Some(last) = settings.iter().rfind(|place| set_to(place)).or(settings.last()) {
                roster.rules.set(rule, set_to(last) == rule.careful());
                roster.rule_setters.insert(rule, entries[*last].op.author);
            }
        }
        roster
    }
}

fn admitted(entry: &Entry) -> Option<MemberKeys> {
    match &entry.op.action {
        Action::Create { device, noise_static, .. } => {
            Some(MemberKeys { peer: entry.op.author, device: *device, noise_static: *noise_static })
        }
        Action::Admit(keys) => Some(*keys),
        _ => None,
    }
}

/// What `only` (or all) of the entries come to.
pub(super) fn fold(entries: &[Entry], only: Option<&Set>) -> State {
    Fold::new(entries, only).run()
}

/// What is thought of a removal or demotion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Open,
    Holds,
    Void,
}

struct Fold<'a> {
    entries: &'a [Entry],
    order: Vec<Place>,
    /// By person: who let them in, when they left.
    admissions: BTreeMap<Person, Vec<Place>>,
    leaves: BTreeMap<Person, Vec<Place>>,
    /// By place, for removals and demotions.
    verdicts: Vec<Verdict>,
    /// Those that hold, by victim.
    against: BTreeMap<Person, Vec<Place>>,
}

impl<'a> Fold<'a> {
    fn new(entries: &'a [Entry], only: Option<&Set>) -> Self {
        let order = in_order(entries, only);
        let mut admissions: BTreeMap<Person, Vec<Place>> = BTreeMap::new();
        let mut leaves: BTreeMap<Person, Vec<Place>> = BTreeMap::new();
        for place in &order {
            let entry = &entries[*place];
            match entry.op.action {
                Action::Create { .. } => admissions.entry(entry.author).or_default().push(*place),
                Action::Admit(_) => admissions.entry(entry.target.unwrap_or(entry.author)).or_default().push(*place),
                Action::Leave => leaves.entry(entry.author).or_default().push(*place),
                _ => {}
            }
        }
        let verdicts = vec![Verdict::Open; entries.len()];
        Self { entries, order, admissions, leaves, verdicts, against: BTreeMap::new() }
    }

    fn run(mut self) -> State {
        // Seniority is the first admission, in the order that is the same for all.
        let position: BTreeMap<Place, usize> = self.order.iter().enumerate().map(|(at, place)| (*place, at)).collect();
        let rank = |author: Person| {
            self.admissions.get(&author).and_then(|all| position.get(all.first()?)).copied().unwrap_or(usize::MAX)
        };
        let mut revocations: Vec<Place> =
            self.order.iter().copied().filter(|place| self.entries[*place].is_revocation()).collect();
        revocations.sort_by_key(|place| rank(self.entries[*place].author));
        for place in revocations {
            let holds = self.holds(place);
            self.verdicts[place] = if holds { Verdict::Holds } else { Verdict::Void };
            if holds {
                let entry = &self.entries[place];
                self.against.entry(entry.target.unwrap_or(entry.author)).or_default().push(place);
            }
        }
        self.replay(None)
    }

    fn holds(&self, place: Place) -> bool {
        let entry = &self.entries[place];
        // While nothing is undone its author is what it was allowed as.
        self.against.is_empty() || (!self.is_undone(place) && self.replay(Some(entry)).is_admin(entry.author))
    }

    /// Whether one that holds took its author's place or office away without either knowing of the other.
    fn is_undone(&self, place: Place) -> bool {
        let entry = &self.entries[place];
        if matches!(entry.op.action, Action::Create { .. } | Action::Leave) {
            return false;
        }
        let Some(against) = self.against.get(&entry.author) else { return false };
        against.iter().any(|revocation| {
            let by = &self.entries[*revocation];
            if *revocation == place || by.builds_on(place) {
                return false;
            }
            !entry.builds_on(*revocation) || (by.is_removal() && !self.is_back(entry, *revocation))
        })
    }

    /// Whether the author was let in again between that removal and this.
    fn is_back(&self, entry: &Entry, removal: Place) -> bool {
        let mut admissions = self.admissions.get(&entry.author).into_iter().flatten();
        admissions.any(|admission| self.entries[*admission].builds_on(removal) && entry.builds_on(*admission))
    }

    /// Whether an admission or promotion meets a departure, removal or demotion that knows nothing of it.
    fn is_beaten(&self, place: Place) -> bool {
        let entry = &self.entries[place];
        let is_admission = matches!(entry.op.action, Action::Admit(_));
        if !is_admission && !matches!(entry.op.action, Action::SetRole(_, MemberRole::Admin)) {
            return false;
        }
        let target = entry.target.unwrap_or(entry.author);
        let leaves = self.leaves.get(&target).into_iter().flatten();
        let against = self.against.get(&target).into_iter().flatten();
        let against = against.filter(|revocation| !is_admission || self.entries[**revocation].is_removal());
        leaves.chain(against).any(|other| concurrent(self.entries, place, *other))
    }

    /// The state at the end, or what the author of an operation could know, less what is undone so far. A removal or demotion
    /// that is not judged yet counts as its author saw it.
    fn replay(&self, view: Option<&Entry>) -> State {
        let mut state = State::default();
        for place in self.order.iter().copied().filter(|place| view.is_none_or(|view| view.builds_on(*place))) {
            let entry = &self.entries[place];
            let counts = match (&entry.op.action, self.verdicts[place]) {
                (Action::Create { .. }, _) | (_, Verdict::Holds) => true,
                (_, Verdict::Void) => false,
                (Action::Leave, Verdict::Open) => state.is_member(entry.author),
                (_, Verdict::Open) => {
                    let was_skipped = view.is_some_and(|view| view.skipped.contains(place));
                    !was_skipped && state.is_admin(entry.author) && !self.is_undone(place)
                }
            };
            let beaten = counts && self.is_beaten(place);
            if counts {
                state.apply(self.entries, place, beaten);
            }
            if !counts || beaten {
                state.skipped.add(place);
            }
        }
        state
    }
}
