//! Histories with removals, partitions and forgeries; and a property: whatever the history, every order of arrival folds to
//! the same room.

use proptest::prelude::*;

use super::*;
use crate::wire::Reader;

struct Person {
    key: MeetingKey,
    keys: MemberKeys,
}

fn person(n: u8) -> Person {
    let Ok(key) = MeetingKey::from_seed(&[n + 1; 32]) else { unreachable!("any seed makes an Ed25519 key") };
    let keys = MemberKeys { peer: key.peer_id(), device: DevicePublicKey([n; 32]), noise_static: [n + 50; 32] };
    Person { key, keys }
}

fn people() -> Vec<Person> {
    (0..5).map(person).collect()
}

fn founded(people: &[Person]) -> Membership {
    let founder = &people[0];
    Membership::create(&founder.key, [1; 16], founder.keys.device, founder.keys.noise_static)
}

fn copy(of: &Membership) -> Membership {
    merged(of.meeting(), of.all().cloned().collect())
}

fn merged(meeting: MeetingId, ops: Vec<Op>) -> Membership {
    let mut membership = Membership::unknown(meeting);
    for op in ops {
        assert!(membership.add(op).is_ok());
    }
    membership
}

fn union(a: &Membership, b: &Membership) -> Membership {
    merged(a.meeting(), a.all().chain(b.all()).cloned().collect())
}

fn members(membership: &Membership, people: &[Person]) -> Vec<usize> {
    (0..people.len()).filter(|n| membership.roster().members.contains_key(&people[*n].keys.peer)).collect()
}

#[test]
fn admit_leave_remove_and_admit_again() {
    let people = people();
    let mut room = founded(&people);
    for person in &people[1..4] {
        room.act(&people[0].key, Action::Admit(person.keys));
    }
    assert_eq!(members(&room, &people), [0, 1, 2, 3]);
    room.act(&people[3].key, Action::Leave);
    room.act(&people[0].key, Action::Remove(people[1].keys.peer));
    assert_eq!(members(&room, &people), [0, 2]);
    assert_eq!(room.roster().departed.get(&people[1].keys.peer), Some(&Departure::Removed));
    assert_eq!(room.roster().departed.get(&people[3].keys.peer), Some(&Departure::Left));
    room.act(&people[0].key, Action::Admit(people[1].keys));
    assert_eq!(members(&room, &people), [0, 1, 2]);
}

#[test]
fn only_admins_act_and_the_most_senior_follows_the_last() {
    let people = people();
    let mut room = founded(&people);
    room.act(&people[0].key, Action::Admit(people[1].keys));
    room.act(&people[0].key, Action::Admit(people[2].keys));
    room.act(&people[2].key, Action::Admit(people[3].keys));
    room.act(&people[2].key, Action::Remove(people[1].keys.peer));
    room.act(&people[4].key, Action::Leave);
    assert_eq!(members(&room, &people), [0, 1, 2], "who is no admin changes nothing");
    room.act(&people[0].key, Action::Leave);
    assert!(room.roster().admins.contains(&people[1].keys.peer));
    room.act(&people[1].key, Action::Admit(people[3].keys));
    assert_eq!(members(&room, &people), [1, 2, 3]);
}

#[test]
fn a_removal_wins_over_what_the_removed_did_meanwhile() {
    let people = people();
    let mut here = founded(&people);
    here.act(&people[0].key, Action::Admit(people[1].keys));
    here.act(&people[0].key, Action::Admit(people[2].keys));
    here.act(&people[0].key, Action::Leave);
    // Now 1 is admin. A partition: 2 sees 1 leave and takes over, 1 admits 3 elsewhere.
    let mut there = copy(&here);
    here.act(&people[1].key, Action::Admit(people[3].keys));
    here.act(&people[1].key, Action::Remove(people[2].keys.peer));
    there.act(&people[1].key, Action::Leave);
    there.act(&people[2].key, Action::Admit(people[4].keys));
    let both = union(&here, &there);
    assert_eq!(members(&both, &people), [3], "2 was put out, and with it whom it let in without knowing");
}

#[test]
fn of_two_who_remove_each_other_the_more_senior_stays() {
    let people = people();
    // Two see themselves as admins only if the fold made both so; build it by a founder who left in one half only.
    let mut here = founded(&people);
    here.act(&people[0].key, Action::Admit(people[1].keys));
    let mut there = copy(&here);
    here.act(&people[0].key, Action::Remove(people[1].keys.peer));
    there.act(&people[0].key, Action::Leave);
    there.act(&people[1].key, Action::Remove(people[0].keys.peer));
    let both = union(&here, &there);
    assert_eq!(members(&both, &people), Vec::<usize>::new());
    assert_eq!(
        both.roster().departed.get(&people[0].keys.peer),
        Some(&Departure::Left),
        "the junior's removal is void"
    );
}

#[test]
fn forged_and_foreign_operations_are_refused() {
    let people = people();
    let room = founded(&people);
    let other = Membership::create(&people[1].key, [2; 16], people[1].keys.device, people[1].keys.noise_static);
    let mut fresh = Membership::unknown(room.meeting());
    assert_eq!(fresh.add(other.all().next().cloned().unwrap_or_else(|| unreachable!())), Err(BadOp));
    let mut admit = Vec::new();
    let mut signer = copy(&room);
    if let Some(op) = signer.act(&people[0].key, Action::Admit(people[1].keys)) {
        op.encode(&mut admit);
    }
    assert!(!admit.is_empty());
    for at in 0..admit.len() {
        let mut altered = admit.clone();
        altered[at] ^= 1;
        let mut room = copy(&room);
        if let Ok(op) = Op::parse(&mut Reader::new(&altered)) {
            assert_eq!(room.add(op), Err(BadOp), "altered at {at}");
        }
        assert_eq!(members(&room, &people), [0]);
    }
}

#[test]
fn a_set_is_brought_up_to_date_by_what_it_lacks() {
    let people = people();
    let mut room = founded(&people);
    let mut behind = copy(&room);
    room.act(&people[0].key, Action::Admit(people[1].keys));
    room.act(&people[1].key, Action::Leave);
    assert_ne!(room.head(), behind.head());
    assert!(behind.lacks_any(&room.short_ids()) && !room.lacks_any(&behind.short_ids()));
    let missing: Vec<Op> = room.missing_from(&behind.short_ids()).into_iter().cloned().collect();
    assert_eq!(missing.len(), 2);
    for op in missing {
        assert_eq!(behind.add(op), Ok(true));
    }
    assert_eq!(room.head(), behind.head());
}

/// Draws a history: each step one of three replicas acts or two replicas merge.
fn history() -> impl Strategy<Value = Vec<(usize, usize, usize, u8)>> {
    prop::collection::vec((0..3_usize, 0..5_usize, 0..5_usize, 0..6_u8), 1..24)
}

proptest! {
    #[test]
    fn the_fold_does_not_depend_on_the_order(steps in history(), orders in prop::collection::vec(any::<u64>(), 4)) {
        let people = people();
        let mut replicas = vec![founded(&people)];
        replicas.push(copy(&replicas[0]));
        replicas.push(copy(&replicas[0]));
        for (replica, author, target, what) in steps {
            match what {
                0 | 1 => { replicas[replica].act(&people[author].key, Action::Admit(people[target].keys)); }
                2 => { replicas[replica].act(&people[author].key, Action::Remove(people[target].keys.peer)); }
                3 => { replicas[replica].act(&people[author].key, Action::Leave); }
                _ => replicas[replica] = union(&replicas[replica], &replicas[target % 3]),
            }
        }
        let all = union(&union(&replicas[0], &replicas[1]), &replicas[2]);
        for order in orders {
            let mut ops: Vec<Op> = all.all().cloned().collect();
            let mut state = order;
            for at in (1..ops.len()).rev() {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                ops.swap(at, usize::try_from(state >> 33).unwrap_or(0) % (at + 1));
            }
            let shuffled = merged(all.meeting(), ops);
            prop_assert_eq!(shuffled.roster(), all.roster());
            prop_assert_eq!(shuffled.head(), all.head());
        }
        let bytes: Vec<u8> = all.all().fold(Vec::new(), |mut out, op| { op.encode(&mut out); out });
        let mut reader = Reader::new(&bytes);
        for op in all.all() {
            prop_assert_eq!(&Op::parse(&mut reader), &Ok(op.clone()));
        }
        prop_assert!(reader.is_empty());
    }
}
