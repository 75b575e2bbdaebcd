//! What holds whatever happens: histories are drawn, with people who act in one part of the room only or, being hostile, in several.

use proptest::prelude::*;

use super::super::fold::fold;
use super::*;
use crate::room::Rule;
use crate::wire::Reader;

const REPLICAS: usize = 3;

/// One step: somebody acts in one part of the room, or two parts meet.
#[derive(Clone, Copy, Debug)]
struct Step {
    replica: usize,
    author: usize,
    target: usize,
    what: u8,
    on: bool,
}

fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    let step = (0..REPLICAS, 0..5_usize, 0..5_usize, 0..16_u8, any::<bool>());
    let step = step.prop_map(|(replica, author, target, what, on)| Step { replica, author, target, what, on });
    prop::collection::vec(step, 1..most)
}

/// `honest`: everybody is in one part of the room at a time.
fn play(people: &[Person], steps: &[Step], honest: bool) -> Membership {
    let mut first = founded(people);
    for person in &people[1..4] {
        first.act(&people[0].key, Action::Admit(person.keys));
    }
    first.act(&people[0].key, Action::SetRole(people[1].keys.peer, MemberRole::Admin));
    let mut replicas: Vec<Membership> = (0..REPLICAS).map(|_| copy(&first)).collect();
    for step in steps {
        let replica = if honest { step.author % REPLICAS } else { step.replica };
        let (key, target) = (&people[step.author].key, &people[step.target].keys);
        let action = match step.what {
            0..=3 => Action::Admit(*target),
            4 | 5 => Action::Remove(target.peer),
            6 => Action::Leave,
            7 | 8 => Action::SetRole(target.peer, MemberRole::Admin),
            9 => Action::SetRole(target.peer, MemberRole::Member),
            10 => Action::RotateInvite,
            11 | 12 => Action::Rule(Rule::ALL[step.target % 4], step.on),
            _ => {
                replicas[step.replica] = union(&replicas[step.replica], &replicas[step.target % REPLICAS]);
                continue;
            }
        };
        replicas[replica].act(key, action);
    }
    replicas.iter().skip(1).fold(copy(&replicas[0]), |all, replica| union(&all, replica))
}

fn shuffled(of: &Membership, order: u64) -> Membership {
    let mut ops: Vec<Op> = of.all().cloned().collect();
    let mut state = order;
    for at in (1..ops.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        ops.swap(at, usize::try_from(state >> 33).unwrap_or(0) % (at + 1));
    }
    let mut membership = Membership::unknown(of.meeting());
    // More may wait for their parents than a room keeps, as they would be sent again.
    while membership.all().count() < ops.len() {
        membership.add_all(ops.clone());
    }
    membership
}

proptest! {
    #[test]
    fn the_fold_does_not_depend_on_the_order(
        steps in steps(40), honest in any::<bool>(), orders in prop::collection::vec(any::<u64>(), 4)
    ) {
        let people = people();
        let all = play(&people, &steps, honest);
        for order in orders {
            let shuffled = shuffled(&all, order);
            prop_assert_eq!(shuffled.roster(), all.roster());
            prop_assert_eq!(shuffled.head(), all.head());
            prop_assert_eq!(shuffled.equivocators(), all.equivocators());
            let from_scratch = fold(&shuffled.entries, None).roster(&shuffled.entries, &shuffled.people);
            prop_assert_eq!(&from_scratch, all.roster(), "what was kept from before is what a fold anew gives");
        }
        let bytes: Vec<u8> = all.all().fold(Vec::new(), |mut out, op| { op.encode(&mut out); out });
        let mut reader = Reader::new(&bytes);
        for op in all.all() {
            prop_assert_eq!(&Op::parse(&mut reader), &Ok(op.clone()));
        }
        prop_assert!(reader.is_empty());
    }

    #[test]
    fn a_room_always_has_an_admin_among_its_members(steps in steps(40), honest in any::<bool>()) {
        let all = play(&people(), &steps, honest);
        let roster = all.roster();
        prop_assert!(roster.admins.iter().all(|admin| roster.members.contains_key(admin)));
        prop_assert_eq!(roster.admins.is_empty(), roster.members.is_empty());
        prop_assert!(roster.departed.keys().all(|gone| !roster.members.contains_key(gone)));
        let known = all.people.iter().filter(|who| all.entries.iter().any(|entry| admits(entry, who)));
        prop_assert!(known.into_iter().all(|who| roster.members.contains_key(who) || roster.departed.contains_key(who)));
    }

    #[test]
    fn what_the_most_senior_took_away_only_comes_back_by_one_who_knows_of_it(steps in steps(40)) {
        let people = people();
        let all = play(&people, &steps, true);
        let founder = people[0].keys.peer;
        for (place, entry) in all.entries.iter().enumerate().filter(|(_, entry)| entry.op.author == founder) {
            let knows = |other: &&Entry| other.builds_on(place);
            match &entry.op.action {
                Action::Remove(target) => {
                    let again = all.entries.iter().filter(knows).any(|other| admits(other, target));
                    prop_assert!(again || !all.roster().members.contains_key(target));
                }
                Action::SetRole(target, MemberRole::Member) => {
                    let again = all.entries.iter().filter(knows).any(|other| {
                        matches!(&other.op.action, Action::SetRole(who, MemberRole::Admin) if who == target)
                            || other.op.author == *target
                    });
                    let is_successor = all.roster().admins.len() == 1;
                    prop_assert!(again || is_successor || !all.roster().admins.contains(target));
                }
                Action::Rule(rule, on) if *on == rule.careful() => {
                    let later = all.entries.iter().filter(knows);
                    let again = later.into_iter().any(|other| matches!(other.op.action, Action::Rule(r, _) if r == *rule));
                    let against = |e: &Entry| e.is_revocation() && all.people[e.concerns()] == founder;
                    let may_be_undone = all.entries.iter().any(against);
                    prop_assert!(again || may_be_undone || all.roster().rules.holds(*rule) == *on);
                }
                _ => {}
            }
        }
    }

    #[test]
    fn nobody_honest_seems_to_say_two_things_and_without_removals_everybody_stays(steps in steps(40)) {
        let people = people();
        let all = play(&people, &steps, true);
        prop_assert!(all.equivocators().is_empty());
        let peaceful = |step: &&Step| !matches!(step.what, 4..=6 | 9);
        let peaceful: Vec<Step> = steps.iter().filter(peaceful).copied().collect();
        let all = play(&people, &peaceful, true);
        let admitted = people.iter().filter(|person| all.entries.iter().any(|e| admits(e, &person.keys.peer)));
        prop_assert!(admitted.into_iter().all(|person| all.roster().members.contains_key(&person.keys.peer)));
        let promoted = all.entries.iter().filter_map(|entry| match &entry.op.action {
            Action::SetRole(who, MemberRole::Admin) => Some(*who),
            _ => None,
        });
        prop_assert!(promoted.into_iter().all(|who| all.roster().admins.contains(&who)));
    }

    #[test]
    fn of_two_admins_against_each_other_the_more_senior_stays_whatever_else_happens(
        before in steps(12), meanwhile in steps(8), removes in any::<bool>()
    ) {
        let people = people();
        let base = play(&people, &before, true);
        let roster = base.roster();
        let senior = |who: &usize| roster.admins.contains(&people[*who].keys.peer);
        let admins: Vec<usize> = (0..people.len()).filter(senior).collect();
        // The founder is the most senior wherever it still is an admin; 1 was let in before the others.
        if let [first, second, ..] = admins.as_slice() && *first < 2 {
            let was_in_all_along = |n: &usize| !base.all().any(|op| match &op.action {
                Action::Remove(who) => *who == people[*n].keys.peer,
                Action::Leave => op.author == people[*n].keys.peer,
                _ => false,
            });
            let (mut here, mut there) = (copy(&base), copy(&base));
            let against = |n: usize| match removes {
                true => Action::Remove(people[n].keys.peer),
                false => Action::SetRole(people[n].keys.peer, MemberRole::Member),
            };
            here.act(&people[*first].key, against(*second));
            there.act(&people[*second].key, against(*first));
            for step in &meanwhile {
                let other = Action::Rule(Rule::ALL[step.target % 4], step.on);
                if step.on { here.act(&people[*first].key, other) } else { there.act(&people[*second].key, other) };
            }
            let both = union(&here, &there);
            if was_in_all_along(first) && was_in_all_along(second) {
                prop_assert!(both.roster().admins.contains(&people[*first].keys.peer));
                prop_assert!(!both.roster().admins.contains(&people[*second].keys.peer));
            }
        }
    }
}

fn admits(entry: &Entry, who: &PeerId) -> bool {
    match &entry.op.action {
        Action::Admit(keys) => keys.peer == *who,
        Action::Create { .. } => entry.op.author == *who,
        _ => false,
    }
}
