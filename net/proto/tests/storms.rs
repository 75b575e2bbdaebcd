//! Storms: one seed draws how many people there are and what befalls them (cuts, moves, long absences, heavy loss, key
//! renewals, all with loss, duplicates and reordering). Then the weather clears, and everybody must hear everybody.

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use common::{TestResult, Weather, World};
use conclave_proto::core::{Command, Event};
use conclave_proto::frames::AudioFrame;
use conclave_proto::testing::SeededEntropy;

const SEEDS: u64 = 40;

fn sound(sequence: u32) -> AudioFrame {
    let payload = Bytes::from_static(&[7; 100]);
    AudioFrame { sequence, position: u64::from(sequence) * 960, level: 90, is_copy: false, payload }
}

fn talk(world: &mut World, from: u32, count: u32) {
    for sequence in from..from + count {
        for n in 0..world.nodes.len() {
            world.command(n, Command::SendAudio(sound(sequence)));
        }
        world.run(Duration::from_millis(20));
    }
}

fn befall(world: &mut World, weather: &mut Weather, round: u32) {
    match weather.draw(6) {
        0 => {
            world.cut = true;
            world.run(Duration::from_millis(weather.draw(12_000)));
            world.cut = false;
        }
        1 => {
            let count = world.nodes.len() as u64;
            let n = usize::try_from(weather.draw(count)).unwrap_or(0);
            let host = u8::try_from(round).unwrap_or(0);
            world.nodes[n].address = SocketAddr::from(([198, 51, 100, host], 1000 + u16::try_from(n).unwrap_or(0)));
            world.command(n, Command::NetworkChanged);
        }
        2 => {
            (world.cut, world.signalling_down) = (true, true);
            world.run(Duration::from_secs(33));
            (world.cut, world.signalling_down) = (false, false);
        }
        3 => {
            if let Some(weather) = &mut world.weather {
                weather.loss_percent = 25;
            }
            world.run(Duration::from_secs(5));
        }
        4 => world.run(Duration::from_secs(100)),
        _ => {}
    }
}

#[test]
fn after_any_storm_everybody_hears_everybody() -> TestResult {
    for seed in 0..SEEDS {
        let people = 2 + usize::try_from(seed % 3)?;
        let mut world = World::founded(seed * 10 + 1)?;
        let mut drawn = Weather { dice: SeededEntropy::new(seed + 1_000), loss_percent: 0 };
        world.weather = Some(Weather { dice: SeededEntropy::new(seed + 2_000), loss_percent: 10 });
        for n in 1..people {
            world.enter(seed * 10 + 1 + n as u64, "Ben")?;
        }
        for round in 0..8 {
            befall(&mut world, &mut drawn, round);
            talk(&mut world, round * 1_000, 40);
        }
        world.weather = None;
        world.run(Duration::from_secs(30));
        world.forget_events();
        talk(&mut world, 100_000, 20);
        for n in 0..people {
            for other in (0..people).filter(|other| *other != n) {
                let id = world.id(other);
                let heard = world.count(n, |e| matches!(e, Event::Audio(who, _) if *who == id));
                assert_eq!(heard, 20, "seed {seed}: {n} hears {other} of {people}");
            }
        }
    }
    Ok(())
}
