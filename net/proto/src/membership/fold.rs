//! The fold: from a set of operations to who is in, who may act and what holds. Depends on the set and its links alone, never
//! on the order in which it became known.

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
    /// How often somebody asked for it.
    pub(crate) rotations: u32,
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
    rotations: u32,
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

    /// Lets the operation take effect. `beaten`: somebody who counts more takes back what it gives. `claims`: who acts as an admin
    /// is one from now on.
    pub(super) fn apply(&mut self, entries: &[Entry], place: Place, beaten: bool, claims: bool) {
        let entry = &entries[place];
        let target = entry.concerns();
        match &entry.op.action {
            Action::Create { .. } => {
                self.seat(entry.author, place);
                self.set_admin(entry.author, true);
            }
            Action::Leave => self.unseat(entry.author, Gone::Left),
            acts => {
                if claims && self.is_member(entry.author) {
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
                    Action::RotateInvite => {
                        self.rotations += 1;
                        self.void_invites(entry);
                    }
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
        let mut roster =
            Roster { epoch: self.epoch, rotations: self.rotations, epoch_mark: self.epoch_mark, ..Roster::default() };
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

/// What `only` (or all) of the entries come to:
///
/// * Every operation here was allowed to its author, judged by what it builds on (`membership` lets no other in).
/// * Removals and demotions are judged first, those of the most senior authors before others. One is void if its author was
///   put out or demoted by an earlier one without knowing of it, or owes the office to something that this undid. So of two who
///   remove or demote each other the more senior stays.
/// * What holds undoes whatever its victim did without knowing of it: a removal all of it, a demotion what takes an admin.
///   An admission outlasts only removals and departures that it builds on, a promotion only demotions that it builds on.
/// * The rest is replayed in order, and each act counts if its author is an admin at that point. So what rests on something
///   undone is undone as well.
/// * When no admin is left the most senior member becomes one, and who acted as one stays one.
/// * Settings that know nothing of each other merge to the careful side ([`Rule::careful`]).
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
    /// By person: who let them in.
    admissions: BTreeMap<Person, Vec<Place>>,
    /// By place, for removals and demotions; the same as sets.
    verdicts: Vec<Verdict>,
    holding: Set,
    void: Set,
    /// Whose author lost place or office to one that holds, without either knowing of the other.
    undone: Set,
    /// Admissions and promotions that meet a departure, removal or demotion that knows nothing of them.
    beaten: Set,
}

impl<'a> Fold<'a> {
    fn new(entries: &'a [Entry], only: Option<&Set>) -> Self {
        let order = in_order(entries, only);
        let mut admissions: BTreeMap<Person, Vec<Place>> = BTreeMap::new();
        for place in &order {
            if let Some(who) = entries[*place].lets_in() {
                admissions.entry(who).or_default().push(*place);
            }
        }
        let verdicts = vec![Verdict::Open; entries.len()];
        let (holding, void, undone, beaten) = Default::default();
        let mut fold = Self { entries, order, admissions, verdicts, holding, void, undone, beaten };
        for at in 0..fold.order.len() {
            let place = fold.order[at];
            if matches!(entries[place].op.action, Action::Leave) {
                fold.beat(entries[place].author, place);
            }
        }
        fold
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
            if self.holds(place) {
                self.verdicts[place] = Verdict::Holds;
                self.holding.add(place);
                let victim = self.entries[place].concerns();
                self.undo(victim, place);
                self.beat(victim, place);
            } else {
                self.verdicts[place] = Verdict::Void;
                self.void.add(place);
            }
        }
        self.replay(None)
    }

    /// Its author was allowed it by what it builds on. That is looked at again only if some of this is judged otherwise now.
    fn holds(&self, place: Place) -> bool {
        let entry = &self.entries[place];
        if self.undone.contains(place) {
            return false;
        }
        let known = &entry.ancestors;
        let as_it_was = !known.has_any_of(&self.undone, &entry.skipped)
            && !known.has_any_of(&self.beaten, &entry.skipped)
            && !known.has_any_of(&self.void, &entry.skipped)
            && !known.shares_any(&self.holding, &entry.skipped);
        as_it_was || self.replay(Some(entry)).is_admin(entry.author)
    }

    /// Marks what the victim did without knowing of it: of a removal all, of a demotion what takes an admin.
    fn undo(&mut self, victim: Person, by: Place) {
        let revocation = &self.entries[by];
        for place in self.order.iter().copied() {
            let entry = &self.entries[place];
            if entry.author != victim
                || place == by
                || matches!(entry.op.action, Action::Create { .. } | Action::Leave)
                || revocation.builds_on(place)
            {
                continue;
            }
            if !entry.builds_on(by) || (revocation.is_removal() && !self.is_back(entry, by)) {
                self.undone.add(place);
            }
        }
    }

    /// Whether the author was let in again between that removal and this.
    fn is_back(&self, entry: &Entry, removal: Place) -> bool {
        let mut admissions = self.admissions.get(&entry.author).into_iter().flatten();
        admissions.any(|admission| self.entries[*admission].builds_on(removal) && entry.builds_on(*admission))
    }

    /// Marks what was given to the victim elsewhere.
    fn beat(&mut self, victim: Person, by: Place) {
        let is_demotion = matches!(self.entries[by].op.action, Action::SetRole(..));
        for place in self.order.iter().copied() {
            let entry = &self.entries[place];
            let gives = match entry.op.action {
                Action::Admit(_) => !is_demotion,
                Action::SetRole(_, MemberRole::Admin) => true,
                _ => false,
            };
            if gives && entry.concerns() == victim && concurrent(self.entries, place, by) {
                self.beaten.add(place);
            }
        }
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
                    !was_skipped && state.is_admin(entry.author) && !self.undone.contains(place)
                }
            };
            let beaten = self.beaten.contains(place);
            if counts {
                // A removal holds even if its author was demoted elsewhere meanwhile, and does not bring the office back.
                state.apply(self.entries, place, beaten, !self.undone.contains(place));
            }
            if !counts || beaten {
                state.skipped.add(place);
            }
        }
        state
    }
}
