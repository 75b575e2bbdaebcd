//! Histories with removals, partitions and forgeries. `rules` has the rules of the fold one by one, `random` what holds whatever
//! happens, `hostile` what one author can do to the others.

mod hostile;
mod random;
mod rules;

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
    assert_eq!(room.roster().departed.get(&people[1].keys.peer), Some(&Departure::Removed(Some(people[0].keys.peer))));
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
fn forged_and_foreign_operations_are_refused() {
    let people = people();
    let room = founded(&people);
    let other = Membership::create(&people[1].key, [2; 16], people[1].keys.device, people[1].keys.noise_static);
    let mut fresh = Membership::unknown(room.meeting());
    assert_eq!(fresh.add(other.all().next().cloned().unwrap_or_else(|| unreachable!())), Err(BadOp::Forged));
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
            assert_eq!(room.add(op), Err(BadOp::Forged), "altered at {at}");
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
