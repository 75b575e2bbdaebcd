//! The lobby tells nothing: whoever waits there gets the same messages, of the same length, at the same moments, whether
//! the room is empty or full, silent or loud, and whoever comes and goes in it.

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use common::{TestResult, World, config};
use conclave_proto::core::{Command, Core, Event};
use conclave_proto::frames::{AudioFrame, SpatialLayer, VideoCodec, VideoFrame};
use conclave_proto::room::{MemberRole, Rule};
use conclave_proto::time::Instant;

const KNOCKER: u64 = 900;
const WAITS: Duration = Duration::from_secs(40);

fn sound(sequence: u32) -> AudioFrame {
    let payload = Bytes::from_static(&[7; 100]);
    AudioFrame { sequence, position: u64::from(sequence) * 960, level: 90, is_copy: false, payload }
}

fn picture(number: u32) -> VideoFrame {
    VideoFrame {
        layer: SpatialLayer::Small,
        temporal: 0,
        number,
        needs_back: u8::from(number > 0),
        codec: VideoCodec::Av1,
        captured_us: u64::from(number) * 40_000,
        width: 320,
        height: 180,
        payload: Bytes::from_static(&[9; 1500]),
    }
}

/// All that a knocker gets in forty seconds, and what its program makes of it.
type Seen = (Vec<(Duration, usize, &'static str)>, Vec<String>);

/// A room of `people`, who talk and change things while somebody waits.
fn seen_from_the_lobby(seed: u64, people: usize) -> Result<Seen, Box<dyn std::error::Error>> {
    let mut world = World::founded(seed)?;
    for n in 1..people {
        world.enter(seed + 100 + n as u64, &format!("A person with the long name {n}"))?;
    }
    let start = Instant::from_micros(60_000_000);
    let until_then = start.since(world.now);
    world.run(until_then);
    world.forget_events();
    let core = Core::join(config(seed + KNOCKER, "Eve")?, world.invite()?, world.now);
    let knocker = world.add_at(core, SocketAddr::from(([198, 51, 100, 7], 7000)));
    for tick in 0..u32::try_from(WAITS.as_millis() / 20)? {
        for n in (0..world.nodes.len()).filter(|n| *n != knocker && people > 1) {
            world.command(n, Command::SendAudio(sound(tick)));
            if tick % 2 == 0 {
                world.command(n, Command::SendVideo(picture(tick / 2)));
            }
        }
        let (second, last) = (world.id(1), world.id(people - 1));
        match tick {
            100 if people > 1 => world.command(0, Command::SetRole(second, MemberRole::Admin)),
            200 if people > 1 => world.command(0, Command::SetRule(Rule::MuteOnEntry, true)),
            300 if people > 2 => world.command(0, Command::Remove(last)),
            400 if people > 3 => world.command(2, Command::Leave),
            500 if people > 1 => world.nodes[1].address = common::address(60),
            _ => {}
        }
        world.run(Duration::from_millis(20));
    }
    let told = world.count(0, |e| matches!(e, Event::Knock { .. }));
    assert_eq!(told, 1, "the door's owner was asked");
    let node = &world.nodes[knocker];
    let events = node.events.iter().map(|(_, event)| format!("{event:?}")).collect();
    assert_eq!(node.core.stats(world.now).len(), 1, "it knows the inviter and nobody else");
    assert_eq!(world.count(knocker, |e| matches!(e, Event::Roster(_) | Event::Words { .. })), 0);
    Ok((node.received.iter().map(|(at, len, what)| (at.since(start), *len, *what)).collect(), events))
}

#[test]
fn who_waits_cannot_tell_an_empty_room_from_a_full_one() -> TestResult {
    for seed in [1, 20, 300] {
        let (alone, events) = seen_from_the_lobby(seed, 1)?;
        assert_eq!(events, ["Waiting"], "seed {seed}");
        assert!(alone.len() > 10, "it is told to wait, and hears signs of life: {alone:?}");
        for people in 2..6 {
            let (full, events) = seen_from_the_lobby(seed, people)?;
            assert_eq!(events, ["Waiting"], "seed {seed}, {people} people");
            let differs = alone.iter().zip(&full).position(|(alone, full)| alone != full);
            let differs = differs.map(|at| (at, alone[at], full[at]));
            assert_eq!(differs, None, "seed {seed}, {people} people");
            assert_eq!(alone.len(), full.len(), "seed {seed}, {people} people");
        }
    }
    Ok(())
}
