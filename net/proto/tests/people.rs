//! What everybody is told of people: roles, rules, who came and went and by whom, who is away; and that two parts of a room
//! which did not hear of each other become one.

mod common;

use std::time::Duration;

use common::{TestResult, World};
use conclave_proto::core::{Command, Event};
use conclave_proto::room::{MemberChange, MemberRole, RosterEntry, Rule};

fn roster(world: &World, n: usize) -> Vec<RosterEntry> {
    let lists = world.nodes[n].events.iter().rev().find_map(|(_, event)| match event {
        Event::Roster(list) => Some(list.clone()),
        _ => None,
    });
    lists.unwrap_or_default()
}

fn why(world: &World, n: usize) -> Vec<MemberChange> {
    let words = world.nodes[n].events.iter().rev().find_map(|(_, event)| match event {
        Event::Words { why, .. } => Some(why.clone()),
        _ => None,
    });
    words.unwrap_or_default()
}

fn three() -> Result<World, Box<dyn std::error::Error>> {
    let mut world = World::founded(1)?;
    world.enter(2, "Ben")?;
    world.enter(3, "Cleo")?;
    world.run(Duration::from_secs(1));
    Ok(world)
}

#[test]
fn everybody_has_the_same_list_of_people_and_knows_who_is_away() -> TestResult {
    let mut world = three()?;
    let ids = [world.id(0), world.id(1), world.id(2)];
    for n in 0..3 {
        let list = roster(&world, n);
        assert_eq!(list.len(), 3, "node {n}");
        for (who, name) in ids.iter().zip(["Anna", "Ben", "Cleo"]) {
            let entry = list.iter().find(|entry| entry.who == *who).ok_or("a member is missing")?;
            assert_eq!((entry.name.as_deref(), entry.present), (Some(name), true), "node {n}");
            assert_eq!(entry.role == MemberRole::Admin, *who == ids[0]);
            assert_eq!(entry.is_us, *who == ids[n]);
        }
    }
    // Ben's computer dies: he is away, and still one of them.
    world.nodes[1].address = common::address(77);
    world.signalling_down = true;
    world.run(Duration::from_secs(1));
    world.cut = true;
    world.run(Duration::from_secs(40));
    let list = roster(&world, 0);
    assert!(list.iter().any(|entry| entry.who == ids[1] && !entry.present && entry.name.as_deref() == Some("Ben")));
    Ok(())
}

#[test]
fn the_words_change_with_the_membership_and_say_why() -> TestResult {
    let mut world = three()?;
    let (anna, ben, cleo) = (world.id(0), world.id(1), world.id(2));
    assert_eq!(why(&world, 2), [], "one's own coming in is no news");
    assert_eq!(why(&world, 1), [MemberChange::Joined(cleo)]);
    world.command(0, Command::Remove(cleo));
    world.run(Duration::from_secs(1));
    assert_eq!(why(&world, 1), [MemberChange::Removed { who: cleo, by: Some(anna) }]);
    world.command(1, Command::Leave);
    world.run(Duration::from_secs(1));
    assert_eq!(why(&world, 0), [MemberChange::Left(ben)]);
    Ok(())
}

#[test]
fn the_creator_leaves_and_the_next_opens_the_door() -> TestResult {
    let mut world = three()?;
    let (ben, cleo) = (world.id(1), world.id(2));
    world.command(0, Command::Leave);
    let follows = |e: &Event| matches!(e, Event::RoleChanged { who, role: MemberRole::Admin, by: None } if *who == ben);
    assert!(world.until(2, |w| w.saw(1, follows) && w.saw(2, follows)));
    world.command(1, Command::SetRole(cleo, MemberRole::Admin));
    let made = |e: &Event| matches!(e, Event::RoleChanged { who, role: MemberRole::Admin, by: Some(by) } if *who == cleo && *by == ben);
    assert!(world.until(2, |w| w.saw(1, made) && w.saw(2, made)));
    Ok(())
}

#[test]
fn differences_are_settled_within_two_seconds() -> TestResult {
    let mut world = three()?;
    let ben = world.id(1);
    world.command(0, Command::SetRole(ben, MemberRole::Admin));
    world.run(Duration::from_secs(1));
    world.forget_events();
    // For three seconds nothing gets through; meanwhile both parts decide something.
    world.cut = true;
    world.command(0, Command::SetRule(Rule::MuteOnEntry, true));
    world.command(1, Command::SetRule(Rule::MuteOnEntry, true));
    world.command(1, Command::SetRule(Rule::MuteOnEntry, false));
    world.run(Duration::from_secs(3));
    world.cut = false;
    let healed = world.now;
    let rules = |world: &World, n: usize| {
        world.nodes[n].events.iter().rev().find_map(|(_, event)| match event {
            Event::Rules { rules, .. } => Some(*rules),
            _ => None,
        })
    };
    assert!(world.until(2, |w| (0..3).all(|n| rules(w, n).is_some_and(|rules| rules.mute_on_entry))));
    assert!(world.now.since(healed) <= Duration::from_secs(2));
    world.run(Duration::from_secs(2));
    assert!((0..3).all(|n| rules(&world, n) == rules(&world, 0)));
    Ok(())
}

#[test]
fn two_admins_who_remove_each_other_leave_the_more_senior_one() -> TestResult {
    let mut world = three()?;
    let (ben, cleo) = (world.id(1), world.id(2));
    for who in [ben, cleo] {
        world.command(0, Command::SetRole(who, MemberRole::Admin));
    }
    world.run(Duration::from_secs(1));
    world.command(1, Command::Remove(cleo));
    world.command(2, Command::Remove(ben));
    world.run(Duration::from_secs(5));
    assert_eq!(world.count(0, |e| matches!(e, Event::Equivocation { .. })), 0);
    assert!(roster(&world, 0).iter().all(|entry| entry.who != cleo));
    assert!(roster(&world, 0).iter().any(|entry| entry.who == ben && entry.present));
    assert!(world.saw(2, |e| matches!(e, Event::Closed)), "Cleo is out");
    Ok(())
}
