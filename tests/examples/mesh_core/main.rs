//! What the core needs for a room of many, for `cargo xtask bench mesh`: prints one JSON object. The fold of a long history by
//! the clock; a removal in virtual time; the renewal of fifteen keys in virtual time, but with the work of one core by the
//! clock, so that what waits behind it is late by as much as it would be.

mod room;

use anyhow::{Context, Result, bail};
use conclave_proto::core::{Command, Event};
use conclave_proto::limits::REKEY_AFTER;
use conclave_proto::testing::History;
use room::Room;
use std::time::{Duration, Instant};

/// Each figure is the median of so many tries.
const TRIES: u64 = 5;
const FOLDS: u32 = 100;

fn main() -> Result<()> {
    let mut removed = Vec::new();
    let (mut late, mut busy, mut rekeyed) = (Vec::new(), Vec::new(), Vec::new());
    for seed in 0..TRIES {
        removed.push(removal(seed)?);
        let found = rekey(seed)?;
        late.push(found.late_ms);
        busy.push(found.busy_ms);
        rekeyed.push(found.sessions);
    }
    let told = serde_json::json!({
        "fold_16_people_300_operations_ms": fold()?,
        "removed_last_datagram_ms": median(removed),
        "rekey_frame_late_ms": median(late),
        "rekey_busy_ms": median(busy),
        "rekeyed_sessions": median(rekeyed),
    });
    println!("{told}");
    Ok(())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn fold() -> Result<f64> {
    let history = History::new(16, 300).context("the history could not be made")?;
    let times = (0..TRIES).map(|_| {
        let start = Instant::now();
        let people: usize = (0..FOLDS).map(|_| std::hint::black_box(&history).fold()).sum();
        (people, start.elapsed().as_secs_f64() * 1000.0 / f64::from(FOLDS))
    });
    let times: Vec<(usize, f64)> = times.collect();
    if times.iter().any(|(people, _)| *people < 15 * FOLDS as usize) {
        bail!("the room was not full");
    }
    Ok(median(times.into_iter().map(|(_, ms)| ms).collect()))
}

/// One of eight is put out and pretends not to have heard: what still comes to it that it can open, after the operation has
/// reached whoever sends. Milliseconds to the last datagram.
fn removal(seed: u64) -> Result<f64> {
    let mut room = Room::of(8, seed)?;
    room.talk = true;
    room.run(Duration::from_secs(3));
    let victim = 5;
    let who = room.id(victim);
    room.deaf = Some(victim);
    room.command(0, Command::Remove(who));
    room.run(Duration::from_secs(2));
    let mut last = 0.0_f64;
    for member in (0..8).filter(|member| *member != victim) {
        let left = |event: &Event| matches!(event, Event::Left { who: gone, .. } if *gone == who);
        let heard = room.nodes[member].events.iter().find(|(_, event)| left(event)).context("nobody left")?.0;
        if let Some(at) = room.nodes[member].sent_to_deaf {
            last = last.max(at.since(heard).as_secs_f64() * 1000.0);
        }
    }
    Ok(last)
}

struct Renewal {
    late_ms: f64,
    busy_ms: f64,
    sessions: f64,
}

/// Sixteen who talk and show pictures while the keys of whoever came last are renewed: all fifteen at once, for it met
/// everybody at once.
fn rekey(seed: u64) -> Result<Renewal> {
    let mut room = Room::of(16, seed)?;
    room.run(REKEY_AFTER - Duration::from_secs(3));
    room.talk = true;
    room.run(Duration::from_secs(1));
    let last = 15;
    let rekeys = |room: &Room| {
        room.nodes[last].core.stats(room.now).iter().map(|(_, stats)| f64::from(stats.rekeys)).sum::<f64>()
    };
    if rekeys(&room) > 0.0 {
        bail!("the keys were renewed before their time");
    }
    room.measured = Some(last);
    room.run(Duration::from_millis(500));
    let (usual, _) = room.take_measured();
    room.run(Duration::from_secs(6));
    let (late, busy) = room.take_measured();
    let sessions = rekeys(&room);
    if sessions < 15.0 {
        bail!("only {sessions} keys were renewed");
    }
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    Ok(Renewal { late_ms: ms(late.saturating_sub(usual)), busy_ms: ms(busy), sessions })
}
