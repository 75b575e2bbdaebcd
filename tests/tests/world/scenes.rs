//! Scenes that a person would name. Each says what they would notice.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use conclave_proto::core::{Command, LeaveReason, SignalInput};
use conclave_proto::frames::{SpatialLayer, Wish};
use conclave_proto::ids::PeerId;
use conclave_proto::limits;
use conclave_proto::time::Bitrate;

use crate::link::{Link, Loss, Profile};
use crate::random::Random;
use crate::world::World;

fn couple(profile: Profile) -> World {
    let mut world = World::new(1, profile);
    world.enter();
    world
}

/// Sounds and pictures that 1 gets of 0 within this time.
fn watch(world: &mut World, time: Duration) -> (u64, u64) {
    let before = world.witnessed(1, 0);
    world.run(time);
    let after = world.witnessed(1, 0);
    (after.0 - before.0, after.1 - before.1)
}

#[test]
fn peer_moves_to_another_network() {
    let mut world = couple(Profile::default());
    world.run(Duration::from_secs(2));
    world.move_away(1);
    let (sounds, pictures) = watch(&mut world, Duration::from_secs(2));
    assert!(sounds >= 90, "{sounds} of 100 sounds");
    assert!(pictures >= 24, "{pictures} of 30 pictures");
    assert!(world.nodes[0].left.is_empty(), "nobody was gone");
    let moved = world.nodes[1].address;
    assert_eq!(world.nodes[0].paths.last().map(|(_, address)| *address), Some(moved));
}

#[test]
fn thirty_percent_loss_in_bursts() {
    let mut world = couple(Profile::default());
    world.run(Duration::from_secs(2));
    let loss = Loss::Bursts { begin: 14.0, end: 33.0, within: 100.0 };
    world.set_profile(Profile { loss, delay: Duration::from_millis(25), ..Profile::default() });
    let (sounds, pictures) = watch(&mut world, Duration::from_secs(20));
    assert!(sounds > 600, "{sounds} of 1000 sounds");
    assert!(pictures > 150, "{pictures} of 300 pictures");
    assert!(world.nodes.iter().all(|node| node.left.is_empty()), "nobody was gone");
    world.set_profile(Profile::default());
    world.demand_media(5);
}

#[test]
fn five_seconds_without_network() {
    let mut world = couple(Profile::default());
    world.run(Duration::from_secs(2));
    world.every_link(|link| link.cut = true);
    let (sounds, _) = watch(&mut world, Duration::from_secs(5));
    assert!(sounds <= 2);
    world.every_link(|link| link.cut = false);
    let (sounds, pictures) = watch(&mut world, Duration::from_secs(3));
    assert!(sounds > 100, "{sounds} of 150 sounds");
    assert!(pictures > 22, "{pictures} of 45 pictures");
    assert!(world.nodes.iter().all(|node| node.left.is_empty()), "nobody was gone");
}

#[test]
fn rekey_without_a_lost_frame() {
    let mut world = couple(Profile::default());
    world.nodes[0].sends_media = false;
    world.nodes[1].sends_media = false;
    world.run(limits::REKEY_AFTER - Duration::from_secs(6));
    world.nodes[0].sends_media = true;
    world.nodes[1].sends_media = true;
    world.run(Duration::from_millis(500));
    let before = rekeys(&world);
    let (sounds, pictures) = watch(&mut world, Duration::from_secs(20));
    assert!(rekeys(&world) > before, "the key was renewed");
    assert!((999..=1001).contains(&sounds), "{sounds} of 1000 sounds");
    assert!((299..=301).contains(&pictures), "{pictures} of 300 pictures");
}

fn rekeys(world: &World) -> u32 {
    world.nodes[0].core.stats(world.now).iter().map(|(_, stats)| stats.rekeys).sum()
}

#[test]
fn a_peer_that_dies_without_a_word() {
    let mut world = couple(Profile::default());
    let third = world.enter();
    world.demand_media(5);
    world.kill(1);
    let dead = world.id(1);
    world.until(40, "the dead one is gone everywhere", World::is_whole);
    for n in [0, third] {
        assert_eq!(world.nodes[n].left, [(dead, LeaveReason::TimedOut)]);
    }
    world.demand_media(3);
}

#[test]
fn peer_of_another_version() {
    let mut world = couple(Profile::default());
    let stranger = PeerId([9; 32]);
    let remote = SocketAddr::from(([192, 168, 7, 99], 4000));
    world.signal(0, stranger, SignalInput::Opened { remote });
    world.signal(0, stranger, SignalInput::Message(Bytes::from_static(&[0, 9, 1, 2, 3])));
    assert_eq!(world.nodes[0].incompatible, 1, "it is told");
    assert!(world.nodes[0].knocks.len() == 1, "and does not knock");
    world.demand_media(3);
}

#[test]
fn replayed_and_forged_datagrams() {
    let mut world = couple(Profile::default());
    world.run(Duration::from_secs(1));
    let dropped = |world: &World| {
        let core = &world.nodes[1].core;
        let sessions: u64 = core.stats(world.now).iter().map(|(_, stats)| stats.dropped_datagrams).sum();
        core.dropped_datagrams() + sessions
    };
    let (before, real) = (dropped(&world), world.nodes[0].sent.clone());
    let mut injected = 0;
    let elsewhere = SocketAddr::from(([198, 51, 100, 1], 5));
    for (_, bytes) in &real {
        for from in [world.nodes[0].address, elsewhere] {
            let mut altered = bytes.clone();
            let last = altered.len() - 1;
            altered[last] ^= 1;
            let long = [bytes.as_slice(), &[0; 1500]].concat();
            for forged in [bytes.clone(), altered, bytes[..bytes.len() - 1].to_vec(), long, vec![0x20; 16]] {
                injected += 1;
                world.inject(1, from, forged);
            }
        }
    }
    // The last few are still under way, so theirs may have been the first to arrive.
    assert!(dropped(&world) - before >= injected - 20, "{} of {injected}", dropped(&world) - before);
    let (sounds, pictures) = watch(&mut world, Duration::from_secs(2));
    assert!(sounds >= 95 && pictures >= 28, "the call goes on: {sounds} {pictures}");
}

#[test]
fn a_thin_path_carries_what_it_can_without_a_standing_queue() {
    let rate = Some(Bitrate::from_kbps(500));
    let mut world = couple(Profile { rate, ..Profile::default() });
    world.run(Duration::from_secs(10));
    let before = world.witnessed(1, 0);
    let mut queues = Vec::new();
    for _ in 0..200 {
        world.run(Duration::from_millis(50));
        let now = world.now;
        queues.push(world.link(0, 1).queued(now));
    }
    let after = world.witnessed(1, 0);
    assert!(after.0 - before.0 > 480, "{} of 500 sounds", after.0 - before.0);
    assert!(after.1 - before.1 > 120, "{} of 150 pictures", after.1 - before.1);
    queues.sort();
    assert!(queues[100] < Duration::from_millis(30), "typically {:?}", queues[100]);
    assert!(queues[190] < Duration::from_millis(200), "at times {:?}", queues[190]);
}

#[test]
fn one_on_a_thin_path_costs_the_others_nothing() {
    let mut world = World::new(5, Profile::default());
    let people = [world.enter(), world.enter(), world.enter()];
    world.demand_media(5);
    world.run(Duration::from_secs(5));
    let medium = |world: &World| world.nodes[0].studio.bitrate_bps(SpatialLayer::Medium);
    let before = medium(&world);
    let slow = people[2];
    world.link(0, slow).profile.rate = Some(Bitrate::from_kbps(150));
    world.run(Duration::from_secs(10));
    let counted = people.map(|person| world.witnessed(person, 0));
    let mut lowest = medium(&world);
    for _ in 0..100 {
        world.run(Duration::from_millis(100));
        lowest = lowest.min(medium(&world));
    }
    let got: Vec<(u64, u64)> = people
        .iter()
        .zip(counted)
        .map(|(person, before)| {
            let now = world.witnessed(*person, 0);
            (now.0 - before.0, now.1 - before.1)
        })
        .collect();
    assert!(lowest >= before, "their pictures are as good as before: {lowest} and {before} bit/s");
    for (sounds, pictures) in &got[..2] {
        assert!(*sounds >= 498 && *pictures >= 148, "{sounds} of 500 sounds, {pictures} of 150 pictures");
    }
    let (sounds, pictures) = got[2];
    assert!(sounds > 470, "{sounds} of 500 sounds over the thin path");
    assert!(pictures > 40, "{pictures} of 150 pictures over the thin path");
}

/// Four people who want full pictures of each other. What each of the twelve pairs gets of pictures once it has settled, in kbit/s,
/// viewer by viewer, and the share of sound that is lost at most.
fn four(seed: u64, seconds: u64, narrow: impl Fn(&mut World)) -> (Vec<u64>, f64) {
    let mut world = World::new(seed, Profile::default());
    (0..3).for_each(|_| {
        world.enter();
    });
    for n in 0..4 {
        for other in (0..4).filter(|other| *other != n) {
            let wish = Wish { layer: Some(SpatialLayer::Full), full_frame_rate: true };
            world.command(n, Command::SetWish(world.id(other), wish));
        }
    }
    narrow(&mut world);
    let seen = |world: &World| -> Vec<(u64, u64)> {
        let pairs = (0..4).flat_map(|n| (0..4).filter(move |of| *of != n).map(move |of| (n, of)));
        pairs
            .map(|(n, of)| &world.nodes[n].witness[&world.id(of)])
            .map(|seen| (seen.picture_bytes, seen.sounds))
            .collect()
    };
    world.run(Duration::from_secs(20));
    let before = seen(&world);
    world.run(Duration::from_secs(seconds));
    let after = seen(&world);
    let gained = || after.iter().zip(&before);
    let least = gained().map(|(after, before)| after.1 - before.1).min().unwrap_or(0);
    let rates = gained().map(|(after, before)| (after.0 - before.0) * 8 / 1000 / seconds).collect();
    (rates, 1.0 - least as f64 / (seconds * 50) as f64)
}

#[test]
fn four_behind_uplinks_of_three_megabit_see_each_other_well() {
    let (rates, lost) = four(1, 30, |world| {
        let profile = Profile { rate: Some(Bitrate::from_kbps(3000)), delay: Duration::ZERO, ..Profile::default() };
        world.uplinks = (0..4).map(|n| (n, Link::new(profile, Random::new(n as u64)))).collect();
    });
    assert!(rates.iter().all(|rate| *rate >= 700), "{rates:?}");
    assert!(lost < 0.005, "{lost}");
}

#[test]
fn paths_of_their_own_keep_what_they_carry() {
    let (rates, lost) = four(2, 30, |world| {
        for (to, kbps) in [(1, 700), (2, 1000), (3, 1400)] {
            world.link(0, to).profile.rate = Some(Bitrate::from_kbps(kbps));
        }
    });
    let of_first = [rates[3], rates[6], rates[9]];
    // Who cannot keep up with a layer gets the next lower one, of 250 kbit/s.
    let least = [230, 700, 1000];
    assert!(of_first.iter().zip(least).all(|(rate, least)| *rate >= least), "{of_first:?}");
    assert!(lost < 0.005, "{lost}");
}
