//! The rules of the fold, one by one, each where two parts of the room did not know of each other.

use super::*;
use crate::room::Rule;

/// Five people; 1 and 2 are admins beside the founder, 3 is a member, 4 is none.
fn staffed(people: &[Person]) -> Membership {
    let mut room = founded(people);
    for person in &people[1..4] {
        room.act(&people[0].key, Action::Admit(person.keys));
    }
    for person in &people[1..3] {
        room.act(&people[0].key, Action::SetRole(person.keys.peer, MemberRole::Admin));
    }
    room
}

fn admins(membership: &Membership, people: &[Person]) -> Vec<usize> {
    (0..people.len()).filter(|n| membership.roster().admins.contains(&people[*n].keys.peer)).collect()
}

#[test]
fn an_admin_makes_and_unmakes_admins_and_all_of_them_may_act() {
    let people = people();
    let mut room = staffed(&people);
    assert_eq!(admins(&room, &people), [0, 1, 2]);
    assert!(room.act(&people[2].key, Action::Admit(people[4].keys)).is_some());
    assert!(room.act(&people[3].key, Action::RotateInvite).is_none(), "a plain member may not");
    assert!(room.act(&people[1].key, Action::SetRole(people[2].keys.peer, MemberRole::Member)).is_some());
    assert!(room.act(&people[2].key, Action::Remove(people[4].keys.peer)).is_none(), "not any more");
    assert_eq!((members(&room, &people), admins(&room, &people)), (vec![0, 1, 2, 3, 4], vec![0, 1]));
    assert_eq!(room.roster().role_givers.get(&people[2].keys.peer), Some(&people[1].keys.peer));
}

#[test]
fn of_two_admins_who_remove_or_demote_each_other_the_more_senior_stays() {
    let people = people();
    let against = |who: usize, removes: bool| {
        let who = people[who].keys.peer;
        if removes { Action::Remove(who) } else { Action::SetRole(who, MemberRole::Member) }
    };
    for (one, other) in [(true, true), (false, false), (true, false), (false, true)] {
        let (mut here, mut there) = (staffed(&people), staffed(&people));
        here.act(&people[1].key, against(2, one));
        there.act(&people[2].key, against(1, other));
        let both = union(&here, &there);
        assert_eq!(admins(&both, &people), [0, 1], "{one} {other}");
        assert_eq!(members(&both, &people).contains(&2), !one);
    }
}

#[test]
fn a_demotion_beats_a_promotion_that_does_not_know_of_it_and_yields_to_one_that_does() {
    let people = people();
    let (mut here, mut there) = (staffed(&people), staffed(&people));
    let two = people[2].keys.peer;
    here.act(&people[0].key, Action::SetRole(two, MemberRole::Member));
    there.act(&people[1].key, Action::SetRole(two, MemberRole::Admin));
    let mut both = union(&here, &there);
    assert_eq!(admins(&both, &people), [0, 1]);
    both.act(&people[1].key, Action::SetRole(two, MemberRole::Admin));
    assert_eq!(admins(&both, &people), [0, 1, 2]);
}

#[test]
fn who_was_demoted_elsewhere_is_not_an_admin_again_by_a_removal_that_holds() {
    let people = people();
    let (mut here, mut there) = (staffed(&people), staffed(&people));
    here.act(&people[1].key, Action::SetRole(people[0].keys.peer, MemberRole::Member));
    there.act(&people[0].key, Action::Rule(Rule::MuteOnEntry, true));
    there.act(&people[0].key, Action::Remove(people[3].keys.peer));
    let both = union(&here, &there);
    assert_eq!((members(&both, &people), admins(&both, &people)), (vec![0, 1, 2], vec![1, 2]));
    assert!(!both.roster().rules.mute_on_entry, "what takes an admin is undone by the demotion, removals are not");
}

#[test]
fn a_removal_beats_everything_done_for_the_removed_elsewhere() {
    let people = people();
    let (mut here, mut there) = (staffed(&people), staffed(&people));
    let three = people[3].keys.peer;
    here.act(&people[2].key, Action::Remove(three));
    there.act(&people[0].key, Action::SetRole(three, MemberRole::Admin));
    there.act(&people[3].key, Action::Admit(people[4].keys));
    let mut both = union(&here, &there);
    assert_eq!(members(&both, &people), [0, 1, 2], "and whom they let in meanwhile");
    assert_eq!(admins(&both, &people), [0, 1, 2]);
    both.act(&people[1].key, Action::Admit(people[3].keys));
    assert_eq!(members(&both, &people), [0, 1, 2, 3], "until they are let in anew");
}

#[test]
fn removals_of_both_sides_of_a_partition_hold() {
    let people = people();
    let (mut here, mut there) = (staffed(&people), staffed(&people));
    here.act(&people[1].key, Action::Remove(people[3].keys.peer));
    there.act(&people[0].key, Action::Admit(people[4].keys));
    there.act(&people[0].key, Action::Remove(people[2].keys.peer));
    assert_eq!(members(&union(&here, &there), &people), [0, 1, 4]);
}

#[test]
fn what_a_removed_admin_built_in_secret_comes_to_nothing() {
    let people = people();
    let (mut here, mut there) = (staffed(&people), staffed(&people));
    here.act(&people[1].key, Action::Remove(people[2].keys.peer));
    // 2 makes an accomplice an admin, who puts everybody else out and leaves the room to a third.
    there.act(&people[2].key, Action::Admit(people[4].keys));
    there.act(&people[2].key, Action::SetRole(people[4].keys.peer, MemberRole::Admin));
    there.act(&people[4].key, Action::Remove(people[0].keys.peer));
    there.act(&people[4].key, Action::Remove(people[1].keys.peer));
    there.act(&people[2].key, Action::Leave);
    there.act(&people[4].key, Action::Leave);
    there.act(&people[3].key, Action::RotateInvite);
    assert_eq!(admins(&there, &people), [3]);
    let both = union(&here, &there);
    assert_eq!((members(&both, &people), admins(&both, &people)), (vec![0, 1, 3], vec![0, 1]));
    assert_eq!(both.roster().epoch, 1, "only the removal counts");
}

#[test]
fn the_creator_leaves_and_the_most_senior_follows_and_stays_what_they_became() {
    let people = people();
    let mut room = founded(&people);
    for person in &people[1..4] {
        room.act(&people[0].key, Action::Admit(person.keys));
    }
    room.act(&people[0].key, Action::Leave);
    assert_eq!(admins(&room, &people), [1]);
    room.act(&people[1].key, Action::SetRole(people[3].keys.peer, MemberRole::Admin));
    assert_eq!(admins(&room, &people), [1, 3], "making another admin costs nobody the office");
    room.act(&people[1].key, Action::Leave);
    room.act(&people[3].key, Action::Leave);
    assert_eq!(admins(&room, &people), [2]);
}

#[test]
fn settings_that_know_nothing_of_each_other_merge_to_the_careful_side() {
    let people = people();
    for rule in Rule::ALL {
        let mut base = staffed(&people);
        base.act(&people[0].key, Action::Rule(rule, true));
        let (mut here, mut there) = (copy(&base), copy(&base));
        here.act(&people[1].key, Action::Rule(rule, rule.careful()));
        there.act(&people[2].key, Action::Rule(rule, !rule.careful()));
        let mut both = union(&here, &there);
        assert_eq!(both.roster().rules.holds(rule), rule.careful(), "{rule:?}");
        both.act(&people[0].key, Action::Rule(rule, !rule.careful()));
        assert_eq!(both.roster().rules.holds(rule), !rule.careful(), "who knows both decides");
        assert_eq!(both.roster().rule_setters.get(&rule), Some(&people[0].keys.peer));
    }
}

#[test]
fn every_removal_and_every_rotation_makes_invites_void() {
    let people = people();
    let mut room = staffed(&people);
    let mut marks = vec![room.roster().epoch_mark];
    room.act(&people[1].key, Action::RotateInvite);
    marks.push(room.roster().epoch_mark);
    room.act(&people[0].key, Action::Remove(people[3].keys.peer));
    marks.push(room.roster().epoch_mark);
    room.act(&people[0].key, Action::Rule(Rule::Locked, true));
    assert_eq!(marks.last(), Some(&room.roster().epoch_mark), "a rule leaves them");
    assert_eq!(room.roster().epoch, 2);
    marks.sort_unstable();
    marks.dedup();
    assert_eq!(marks.len(), 3);
}

#[test]
fn two_operations_that_do_not_know_of_each_other_show_who_says_two_things() {
    let people = people();
    let (mut here, mut there) = (staffed(&people), staffed(&people));
    here.act(&people[1].key, Action::Rule(Rule::Locked, true));
    there.act(&people[2].key, Action::RotateInvite);
    assert!(union(&here, &there).equivocators().is_empty(), "two people may");
    there.act(&people[1].key, Action::Rule(Rule::Locked, false));
    let both = union(&here, &there);
    assert_eq!(both.equivocators().iter().collect::<Vec<_>>(), [&people[1].keys.peer]);
    assert!(both.roster().rules.locked, "and the careful side holds");
}
