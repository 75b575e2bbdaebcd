//! Ten thousand knocks a minute, all with one photographed invite and each under a fresh key: nobody inside misses a frame of
//! sound, and whoever knocks for real is told, whether they share the invite or the address with the flood.

mod common;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use common::{DELAY, TestResult, World, config};
use conclave_proto::core::{Command, Core, Event};
use conclave_proto::frames::AudioFrame;
use conclave_proto::ids::PeerId;
use conclave_proto::limits;
use conclave_proto::room::InviteOptions;
use conclave_proto::time::Instant;

/// Every 20 ms, in which sound is spoken, 10/3 knocks come: 10,000 a minute.
const TICKS: u32 = 400;

fn sound(sequence: u32) -> AudioFrame {
    let payload = Bytes::from_static(&[7; 80]);
    AudioFrame { sequence, position: u64::from(sequence) * 960, level: 90, is_copy: false, payload }
}

/// The flood: where its knocks come from.
#[derive(Clone, Copy, PartialEq)]
enum From {
    OneAddress,
    ManyAddresses,
}

const FLOODER: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 66);

fn address_of(from: From, n: u32) -> SocketAddr {
    let port = 1024 + u16::try_from(n % 60_000).unwrap_or(0);
    match from {
        From::OneAddress => SocketAddr::from((FLOODER, port)),
        From::ManyAddresses => SocketAddr::from((Ipv4Addr::from_bits(0x0a00_0000 + n), port)),
    }
}

struct Outcome {
    /// When each person of ours knocked and was told of.
    told: BTreeMap<&'static str, Option<Duration>>,
    knocks: usize,
}

/// Eight seconds of it. `people`: who knocks for real in between, with which invite and from where.
fn flood(from: From, people: &[(&'static str, bool, SocketAddr)]) -> Result<Outcome, Box<dyn std::error::Error>> {
    let mut world = World::founded(1)?;
    let ben = world.enter(2, "Ben")?;
    let cleo = world.enter(3, "Cleo")?;
    let members = [0, ben, cleo];
    let photographed = world.invite_to(0, InviteOptions::default())?;
    world.run(Duration::from_secs(1));
    world.forget_events();
    let (mut knocked, mut said): (u32, Vec<Instant>) = (0, Vec::new());
    let mut real: Vec<(&'static str, PeerId, Instant)> = Vec::new();
    for tick in 0..TICKS {
        while knocked * 3 < tick * 10 {
            let core = Core::join(config(10_000 + u64::from(knocked), "Flood")?, photographed.clone(), world.now);
            world.add_at(core, address_of(from, knocked));
            knocked += 1;
        }
        if let Some((name, shares, address)) = people.get(tick as usize / 100).filter(|_| tick % 100 == 50) {
            let invite = if *shares { photographed.clone() } else { world.invite()? };
            let core = Core::join(config(5_000 + u64::from(tick), name)?, invite, world.now);
            let n = world.add_at(core, *address);
            real.push((name, world.id(n), world.now));
        }
        said.push(world.now);
        for n in members {
            world.command(n, Command::SendAudio(sound(tick)));
        }
        world.run(Duration::from_millis(20));
    }
    world.run(Duration::from_millis(100));
    for n in members {
        let mut heard: BTreeMap<PeerId, u32> = BTreeMap::new();
        for (at, event) in &world.nodes[n].events {
            if let Event::Audio(who, frame) = event {
                assert!(at.since(said[frame.sequence as usize]) <= DELAY * 2, "node {n}");
                *heard.entry(*who).or_default() += 1;
            }
        }
        assert!(heard.len() == 2 && heard.values().all(|count| *count == TICKS), "node {n}: {heard:?}");
    }
    let told = real.iter().map(|(name, who, since)| {
        let knock = |event: &Event| matches!(event, Event::Knock { who: knocker, .. } if knocker == who);
        let at = world.nodes[0].events.iter().find(|(_, event)| knock(event)).map(|(at, _)| at.since(*since));
        (*name, at)
    });
    let told = told.collect();
    let knocks = world.count(0, |e| matches!(e, Event::Knock { .. }));
    let gone = world.count(0, |e| matches!(e, Event::KnockGone(_)));
    assert!(knocks - gone <= limits::KNOCKERS, "the screen is not flooded: {knocks} came, {gone} went");
    Ok(Outcome { told, knocks })
}

fn quick(outcome: &Outcome, name: &str) -> bool {
    outcome.told.get(name).copied().flatten().is_some_and(|delay| delay < Duration::from_millis(500))
}

#[test]
fn a_flood_from_one_address_buries_nobody() -> TestResult {
    let elsewhere = SocketAddr::from(([192, 0, 2, 7], 4000));
    let same = SocketAddr::from((FLOODER, 999));
    let third = SocketAddr::from(([192, 0, 2, 8], 4000));
    let people = [("own invite", false, elsewhere), ("same address", false, same), ("same invite", true, third)];
    let outcome = flood(From::OneAddress, &people)?;
    assert!(people.iter().all(|(name, ..)| quick(&outcome, name)), "{:?}", outcome.told);
    assert!(outcome.knocks < 60, "{} knocks were told", outcome.knocks);
    Ok(())
}

#[test]
fn a_flood_from_thousands_of_addresses_does_not_bury_other_invites() -> TestResult {
    let elsewhere = SocketAddr::from(([192, 0, 2, 7], 4000));
    let among = SocketAddr::new(address_of(From::ManyAddresses, 5).ip(), 999);
    let people = [("own invite", false, elsewhere), ("same address", false, among)];
    let outcome = flood(From::ManyAddresses, &people)?;
    assert!(people.iter().all(|(name, ..)| quick(&outcome, name)), "{:?}", outcome.told);
    Ok(())
}
