//! Worlds drawn from a seed. First faults, with only safety asserted (the world does that at every step); then everything heals,
//! and progress is demanded: everybody who should be in the room is, media flow both ways, and nobody is there who left.

use std::time::Duration;

use conclave_proto::core::Command;
use conclave_proto::time::Bitrate;

use crate::link::{Loss, Profile};
use crate::random::Random;
use crate::world::{Standing, World};

const FAULTS: Duration = Duration::from_secs(5);

/// Runs the world of this seed; its trace.
pub(crate) fn run(seed: u64) -> u64 {
    let mut random = Random::new(seed);
    let first = profile(&mut random);
    let mut world = World::new(random.next(), first);
    let people = 1 + random.index(3);
    let end = world.now + FAULTS;
    // Small pictures: many worlds are worth more than sharp ones.
    world.command(0, Command::SetMaxBitrate(Some(Bitrate::from_kbps(400))));
    // One person travels, or several who are not the founder: two who move at once lose each other, and only a third who stays
    // can tell them where they are.
    let mut travellers = vec![random.index(people + 1)];
    if people >= 2 && travellers[0] > 0 && random.chance(50.0) {
        travellers = (1..=people).collect();
    }
    let mut joined = 0;
    while world.now < end {
        world.run(random.time(50..500));
        if joined < people && (joined == 0 || random.chance(40.0)) {
            joined += 1;
            let n = world.join();
            world.command(n, Command::SetMaxBitrate(Some(Bitrate::from_kbps(400))));
        } else {
            mischief(&mut world, &mut random, &travellers);
        }
    }
    heal(&mut world);
    world.trace()
}

fn profile(random: &mut Random) -> Profile {
    let loss = match random.index(4) {
        0 => Loss::None,
        1 => Loss::Uniform(random.below(1..30) as f64),
        2 => Loss::Bursts { begin: random.below(1..10) as f64, end: random.below(10..50) as f64, within: 100.0 },
        _ => Loss::Bursts { begin: 1.0, end: 30.0, within: random.below(30..100) as f64 },
    };
    let rate = (random.index(3) == 0).then(|| Bitrate::from_kbps(random.below(200..3000)));
    Profile {
        delay: random.time(0..120),
        jitter: random.time(0..30),
        reorders: random.chance(50.0),
        duplicates: if random.chance(30.0) { random.below(0..20) as f64 } else { 0.0 },
        loss,
        rate,
        queue: random.time(20..400),
        ..Profile::default()
    }
}

fn mischief(world: &mut World, random: &mut Random, travellers: &[usize]) {
    let n = random.index(world.nodes.len());
    let other = random.index(world.nodes.len());
    match random.index(12) {
        0 if n != other => world.link(n, other).profile = profile(random),
        1 => world.every_link(|link| link.cut = true),
        2 | 3 => world.every_link(|link| link.cut = false),
        4 => {
            let traveller = travellers[random.index(travellers.len())];
            if traveller < world.nodes.len() {
                world.move_away(traveller);
            }
        }
        5 => world.break_streams(n),
        6 => world.signalling_down = !world.signalling_down,
        7 if n > 0 && random.chance(25.0) => world.kill(n),
        8 if n > 0 && random.chance(25.0) => world.command(n, Command::Leave),
        9 if n > 0 && random.chance(25.0) => {
            let who = world.id(n);
            world.command(0, Command::Remove(who));
        }
        _ => forge(world, random, n, other),
    }
}

/// Replayed, altered, cut, lengthened and invented datagrams, from anywhere.
fn forge(world: &mut World, random: &mut Random, n: usize, other: usize) {
    if !world.nodes[n].alive {
        return;
    }
    for _ in 0..8 {
        let sent = &world.nodes[other].sent;
        if sent.is_empty() {
            return;
        }
        let mut bytes = sent[random.index(sent.len())].1.clone();
        let from = if random.chance(50.0) { world.nodes[other].address } else { ([198, 51, 100, 9], 9).into() };
        match random.index(5) {
            0 => {}
            1 => {
                let at = random.index(bytes.len());
                bytes[at] ^= 1 << random.index(8);
            }
            2 => bytes.truncate(random.index(bytes.len())),
            3 => bytes.resize(bytes.len() + 1 + random.index(3000), 0),
            _ => bytes.iter_mut().skip(16).for_each(|byte| *byte = random.next().to_be_bytes()[0]),
        }
        world.inject(n, from, bytes);
    }
}

fn heal(world: &mut World) {
    world.signalling_down = false;
    world.set_profile(Profile::default());
    // Whoever the faults kept out for good tries again, with a fresh invite, as a person would.
    let deadline = world.now + Duration::from_secs(60);
    loop {
        world.run(Duration::from_millis(500));
        let turned_away = (1..world.nodes.len()).find(|n| {
            let node = &world.nodes[*n];
            node.alive && matches!(node.standing, Standing::Out(why) if why != conclave_proto::core::Refusal::Removed)
        });
        if let Some(n) = turned_away {
            world.kill(n);
            world.join();
        } else if world.is_whole() {
            break;
        }
        if world.now >= deadline {
            world.until(0, "everybody who should be in the room is, and nobody else", World::is_whole);
        }
    }
    world.demand_media(15);
    // Whoever was away asks for what they missed now and then.
    world.demand_texts(40);
    // Then everybody falls silent, and so does the network: nothing waits, nothing is repeated.
    world.nodes.iter_mut().for_each(|node| node.sends_media = false);
    world.run(Duration::from_secs(3));
    let (before, inside) = (world.datagrams_sent(), world.inside().len());
    world.run(Duration::from_secs(2));
    let sent = world.datagrams_sent() - before;
    assert!(sent <= inside * inside * 12, "{sent} datagrams among {inside} in two seconds of silence");
}
