//! Scenes of people who belong to a room: away for long, moving all at once, parted and together again, put out.

use std::time::Duration;

use conclave_proto::core::{Command, LeaveReason, Refusal, SignalInput};
use conclave_proto::room::Rule;

use crate::link::Profile;
use crate::world::{Standing, World};

const TEN_MINUTES: Duration = Duration::from_secs(610);

fn room(people: usize) -> World {
    let mut world = World::new(7, Profile::default());
    for _ in 1..people {
        world.enter();
    }
    world
}

/// Nobody speaks: hours pass quickly.
fn quietly(world: &mut World, time: Duration) {
    world.nodes.iter_mut().for_each(|node| node.sends_media = false);
    world.run(time);
    world.nodes.iter_mut().for_each(|node| node.sends_media = true);
}

#[test]
fn after_ten_minutes_with_a_closed_lid_one_is_back_without_a_knock() {
    for stood_still in [None, Some(TEN_MINUTES)] {
        let mut world = room(3);
        world.demand_media(5);
        let (sleeper, knocks) = (world.id(1), world.nodes[0].knocks.len());
        world.sleep(1);
        quietly(&mut world, TEN_MINUTES);
        assert_eq!(world.nodes[0].left, [(sleeper, LeaveReason::TimedOut)]);
        // Neither a fresh lock nor fresh invites keep out who is still a member.
        world.command(0, Command::SetRule(Rule::Locked, true));
        world.command(0, Command::RotateInvite);
        world.wake(1, stood_still);
        world.until(15, "the sleeper is back", World::is_whole);
        world.demand_media(5);
        assert_eq!(world.nodes[0].knocks.len(), knocks, "nobody had to open");
    }
}

#[test]
fn who_was_put_out_while_asleep_finds_the_door_shut() {
    let mut world = room(3);
    let sleeper = world.id(1);
    world.sleep(1);
    quietly(&mut world, Duration::from_secs(60));
    world.command(0, Command::Remove(sleeper));
    quietly(&mut world, TEN_MINUTES);
    world.wake(1, None);
    world.until(20, "the sleeper is told", |world| world.nodes[1].standing == Standing::Out(Refusal::Removed));
    assert!(world.nodes.iter().all(|node| !node.roster.contains(&sleeper)));
    world.demand_media(3);
}

#[test]
fn two_who_move_within_a_second_find_each_other_through_a_third() {
    let mut world = room(3);
    world.run(Duration::from_secs(2));
    world.move_away(1);
    world.run(Duration::from_millis(500));
    world.move_away(2);
    world.run(Duration::from_secs(6));
    let (one, two) = (world.nodes[1].address, world.nodes[2].address);
    assert!(world.nodes[1].paths.iter().any(|(_, address)| *address == two));
    assert!(world.nodes[2].paths.iter().any(|(_, address)| *address == one));
    assert!(world.nodes.iter().all(|node| node.left.is_empty()), "nobody was gone");
    world.demand_media(3);
}

#[test]
fn streams_that_break_again_and_again_keep_nobody_waiting() {
    let mut world = room(2);
    let newcomer = world.join();
    world.until(5, "a stream to the newcomer", |world| world.streams.contains_key(&(1, newcomer)));
    world.run(Duration::from_millis(25));
    for _ in 0..8 {
        for (n, other) in [(1, newcomer), (newcomer, 1)] {
            let (who, remote) = (world.id(other), world.nodes[other].address);
            world.signal(n, who, SignalInput::Closed);
            world.signal(n, who, SignalInput::Opened { remote });
        }
    }
    world.until(4, "everybody has met", World::is_whole);
}

#[test]
fn all_but_one_move_at_the_same_moment() {
    let mut world = room(4);
    world.run(Duration::from_secs(2));
    for n in 1..4 {
        world.move_away(n);
    }
    world.run(Duration::from_secs(8));
    assert!(world.nodes.iter().all(|node| node.left.is_empty()), "nobody was gone");
    world.demand_media(3);
}

#[test]
fn two_halves_of_a_room_part_and_meet_again() {
    let mut world = room(4);
    world.demand_media(5);
    let part = |world: &mut World, cut: bool| {
        for (a, b) in [(0, 2), (0, 3), (1, 2), (1, 3)] {
            world.link(a, b).cut = cut;
            world.link(b, a).cut = cut;
        }
    };
    part(&mut world, true);
    world.signalling_down = true;
    world.run(Duration::from_secs(40));
    assert!((0..4).all(|n| world.nodes[n].roster.len() == 1), "each half is by itself");
    part(&mut world, false);
    world.signalling_down = false;
    world.until(15, "the halves are one again", World::is_whole);
    world.demand_media(5);
}
