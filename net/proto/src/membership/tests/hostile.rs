//! What one author can do to the others: nothing that it may not, and only so much of what it may.

use super::*;
use crate::room::Rule;

/// Signs on top of the given operations, without asking whether it may.
fn signed(person: &Person, room: &Membership, parents: Vec<OpId>, action: Action) -> Op {
    Op::sign(&person.key, Some(room.meeting()), parents, action)
}

#[test]
fn what_its_author_was_not_allowed_is_not_taken_in() {
    let people = people();
    let mut room = founded(&people);
    room.act(&people[0].key, Action::Admit(people[1].keys));
    let heads = room.heads(&people[1].keys.peer);
    let (founder, one) = (people[0].keys.peer, people[1].keys.peer);
    for action in [
        Action::Remove(founder),
        Action::SetRole(one, MemberRole::Admin),
        Action::Admit(people[2].keys),
        Action::RotateInvite,
        Action::Rule(Rule::Locked, true),
    ] {
        let op = signed(&people[1], &room, heads.clone(), action);
        assert_eq!(room.add(op), Err(BadOp::NotAllowed));
    }
    assert_eq!(room.add(signed(&people[3], &room, heads, Action::Leave)), Err(BadOp::NotAllowed), "nor a stranger");
    assert_eq!(room.all().count(), 2);
}

#[test]
fn who_was_removed_brings_nothing_back_by_repeating_or_backdating() {
    let people = people();
    let mut room = founded(&people);
    for person in &people[1..3] {
        room.act(&people[0].key, Action::Admit(person.keys));
    }
    room.act(&people[0].key, Action::SetRole(people[1].keys.peer, MemberRole::Admin));
    let before = room.heads(&people[1].keys.peer);
    let old: Vec<Op> = room.all().cloned().collect();
    room.act(&people[0].key, Action::Remove(people[1].keys.peer));
    let now = room.roster().clone();
    for op in old {
        assert_eq!(room.add(op), Ok(false));
    }
    for action in [Action::Admit(people[4].keys), Action::Remove(people[0].keys.peer), Action::RotateInvite] {
        let op = signed(&people[1], &room, before.clone(), action);
        assert_eq!(room.add(op), Ok(true), "it was allowed once");
    }
    assert_eq!(members(&room, &people), [0, 2]);
    assert_eq!((room.roster().epoch, &room.roster().admins), (now.epoch, &now.admins));
    assert!(room.equivocators().contains(&people[1].keys.peer));
}

#[test]
fn nobody_can_fill_the_history_for_all() {
    let people = people();
    let mut room = founded(&people);
    room.act(&people[0].key, Action::Admit(people[1].keys));
    room.act(&people[0].key, Action::SetRole(people[1].keys.peer, MemberRole::Admin));
    let mut refused = 0;
    for n in 0..2 * OPERATIONS {
        // Half of them as a chain, half of them side by side.
        let parents = if n % 2 == 0 { room.heads(&people[1].keys.peer) } else { vec![room.entries[2].id] };
        let op = signed(&people[1], &room, parents, Action::Rule(Rule::ALL[n % 4], n % 3 == 0));
        refused += usize::from(room.add_all(vec![op])[0].1 == Err(BadOp::TooMany));
        if room.made.values().sum::<usize>() >= OPERATIONS_OF_ONE && refused > 20 {
            break;
        }
    }
    assert!(refused > 20);
    assert!(room.all().count() <= OPERATIONS_OF_ONE + 3);
    assert!(room.act(&people[0].key, Action::Remove(people[1].keys.peer)).is_some(), "the others go on");
    assert_eq!(members(&room, &people), [0]);
}

#[test]
fn a_full_history_still_lets_people_go_and_puts_them_out() {
    let people = people();
    let mut room = founded(&people);
    for person in &people[1..4] {
        room.act(&people[0].key, Action::Admit(person.keys));
        room.act(&people[0].key, Action::SetRole(person.keys.peer, MemberRole::Admin));
    }
    let mut on = false;
    for person in people[..4].iter().cycle().take(OPERATIONS) {
        on = !on;
        room.act(&person.key, Action::Rule(Rule::Locked, on));
    }
    assert_eq!(room.all().count(), OPERATIONS - OPERATIONS_RESERVE);
    assert!(room.act(&people[0].key, Action::RotateInvite).is_none());
    assert!(room.act(&people[3].key, Action::Leave).is_some());
    assert!(room.act(&people[0].key, Action::Remove(people[2].keys.peer)).is_some());
    assert_eq!(members(&room, &people), [0, 1]);
}

#[test]
fn operations_without_parents_are_kept_in_small_numbers_and_found_again() {
    let people = people();
    let mut room = founded(&people);
    let mut behind = copy(&room);
    for on in [true, false, true, false] {
        room.act(&people[0].key, Action::Rule(Rule::Locked, on));
    }
    let orphans: Vec<Op> = (0..100).map(|n: u8| signed(&people[1], &room, vec![[n; 32]], Action::Leave)).collect();
    let outcomes = behind.add_all(orphans);
    assert!(outcomes.iter().filter(|(_, outcome)| *outcome == Err(BadOp::TooMany)).count() >= 90);
    let mut ops: Vec<Op> = room.all().skip(1).cloned().collect();
    ops.reverse();
    behind.add_all(ops);
    assert_eq!(behind.head(), room.head());
}
