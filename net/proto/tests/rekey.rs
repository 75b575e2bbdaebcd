//! Fifteen sessions of one age get new keys while everybody speaks: not a frame is lost, and none comes late.

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use common::{DELAY, TestResult, World};
use conclave_proto::core::{Command, Event};
use conclave_proto::frames::AudioFrame;
use conclave_proto::ids::PeerId;
use conclave_proto::limits;
use conclave_proto::time::Instant;

const PEOPLE: usize = 16;
const SPOKEN: u32 = 300;

fn sound(sequence: u32) -> AudioFrame {
    let payload = Bytes::from_static(&[7; 80]);
    AudioFrame { sequence, position: u64::from(sequence) * 960, level: 90, is_copy: false, payload }
}

fn rekeys(world: &World, n: usize) -> BTreeMap<PeerId, u32> {
    world.nodes[n].core.stats(world.now).into_iter().map(|(who, stats)| (who, stats.rekeys)).collect()
}

#[test]
fn all_sessions_of_a_full_room_are_rekeyed_without_a_lost_or_late_frame() -> TestResult {
    let mut world = World::founded(1)?;
    for n in 1..PEOPLE {
        world.enter(1 + n as u64, "Ben")?;
    }
    let oldest = world.now;
    world.run(limits::REKEY_AFTER - Duration::from_secs(2));
    world.forget_events();
    let before: Vec<_> = (0..PEOPLE).map(|n| rekeys(&world, n)).collect();
    let mut said: Vec<Instant> = Vec::new();
    for sequence in 0..SPOKEN {
        said.push(world.now);
        for n in 0..PEOPLE {
            world.command(n, Command::SendAudio(sound(sequence)));
        }
        world.run(Duration::from_millis(20));
    }
    assert!(world.now.since(oldest) > limits::REKEY_AFTER);
    world.run(Duration::from_millis(100));
    for (n, before) in before.iter().enumerate() {
        let renewed = rekeys(&world, n);
        assert_eq!(renewed.len(), PEOPLE - 1);
        assert!(renewed.iter().all(|(who, rekeys)| *rekeys > before.get(who).copied().unwrap_or(0)), "node {n}");
        let mut heard: BTreeMap<PeerId, u32> = BTreeMap::new();
        for (at, event) in &world.nodes[n].events {
            if let Event::Audio(who, frame) = event {
                let late = at.since(said[frame.sequence as usize] + DELAY);
                assert!(late <= Duration::from_millis(10), "node {n}: {late:?}");
                *heard.entry(*who).or_default() += 1;
            }
        }
        assert!(heard.len() == PEOPLE - 1 && heard.values().all(|count| *count == SPOKEN), "node {n}: {heard:?}");
        assert_eq!(world.count(n, |e| matches!(e, Event::PathLost(_) | Event::Left { .. })), 0);
    }
    Ok(())
}
