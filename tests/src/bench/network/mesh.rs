//! Four full parties, each in a namespace behind a link of its own: what every pair gets.
//!
//! They send what a call sends, and draw nothing to files, so that four of them fit two cores; how much of these they took is
//! told. Figures come from the parties' own counters. Called by `mod.rs`.

use super::links::Traces;
use super::real::{Span, lateness};
use super::scenarios::Scenario;
use crate::bench::figures::Figures;
use crate::bench::material::Material;
use crate::bench::measure::unix_us;
use crate::bench::party::Party;
use crate::lab::Lab;
use anyhow::{Result, bail};
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

const PEOPLE: usize = 4;
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) fn room(
    scenario: &Scenario,
    traces: &Traces,
    span: Span,
    seed: u64,
    (program, folder, material): (&Path, &Path, &Material),
) -> Result<Figures> {
    let links = (0..PEOPLE).map(|way| traces.link(&scenario.shape, way, seed)).collect::<Result<_>>()?;
    let lab = Lab::start(links)?;
    let start = |who: usize, more: &[String]| {
        let name = format!("party{who}");
        let data = folder.join(format!("{name}-data")).display().to_string();
        let (camera, microphone) = (material.camera(), material.microphone());
        let mut arguments: Vec<String> = ["--data-dir", &data, "--camera", &camera, "--microphone", &microphone]
            .into_iter()
            .chain(["--speaker", "none", "--lan-only"])
            .map(str::to_owned)
            .collect();
        arguments.extend_from_slice(more);
        lab.hosts[who].within(|| Party::start(program, &name, folder, &arguments))
    };
    let mut parties = vec![start(0, &["--new".to_owned(), "--admit-all".to_owned()])?];
    let invite = parties[0].invite(PATIENCE)?;
    for who in 1..PEOPLE {
        parties.push(start(who, &["--join".to_owned(), invite.clone()])?);
    }
    for party in &mut parties {
        let seen = |events: &[Value]| events.iter().filter(|event| event["event"] == "first_picture").count();
        party.wait_until("everybody seen", PATIENCE, |events| seen(events) >= PEOPLE - 1)?;
    }
    let began = std::time::Instant::now();
    let listen = |parties: &mut [Party], until: Duration| {
        parties.iter_mut().try_for_each(|party| party.listen_until(began + until))
    };
    listen(&mut parties, span.settling)?;
    let from: Vec<usize> = parties.iter().map(|party| party.events.len()).collect();
    let cpu = |parties: &[Party]| parties.iter().map(Party::cpu_seconds).sum::<Result<f64>>();
    let before = cpu(&parties)?;
    listen(&mut parties, span.length)?;
    let seconds = (span.length - span.settling).as_secs_f64();
    let mut figures = Figures::default();
    figures.set("cpu_cores_all", Some((cpu(&parties)? - before) / seconds));
    let told: Vec<Vec<Value>> = parties.iter().zip(from).map(|(party, from)| party.events[from..].to_vec()).collect();
    for party in parties {
        party.leave_aloud(PATIENCE)?;
    }
    lateness(&lab.end()?, &mut figures);
    let pairs: Vec<Pair> = told.iter().flat_map(|events| pairs(events)).collect();
    if pairs.len() != PEOPLE * (PEOPLE - 1) {
        bail!("{} of {} pairs were counted", pairs.len(), PEOPLE * (PEOPLE - 1));
    }
    let least = |of: fn(&Pair) -> f64| pairs.iter().map(of).min_by(f64::total_cmp);
    let most = |of: fn(&Pair) -> f64| pairs.iter().map(of).max_by(f64::total_cmp);
    figures.set("pair_video_least_kbit_s", least(|pair| pair.video_kbit_s));
    figures.set("pair_video_most_kbit_s", most(|pair| pair.video_kbit_s));
    figures.set("pair_pictures_least_per_second", least(|pair| pair.pictures_per_second));
    figures.set("pair_concealed_most_percent", most(|pair| pair.concealed_percent));
    Ok(figures)
}

/// What one party got from another.
#[derive(Debug, PartialEq)]
struct Pair {
    video_kbit_s: f64,
    pictures_per_second: f64,
    concealed_percent: f64,
}

/// Of everybody whom a party's first and last counters name.
fn pairs(events: &[Value]) -> Vec<Pair> {
    let mut stats = events.iter().filter(|event| event["event"] == "stats");
    let (Some(first), Some(last)) = (stats.next(), stats.next_back()) else { return Vec::new() };
    let seconds = (unix_us(last) - unix_us(first)) as f64 / 1e6;
    let people = |event: &Value| event["people"].as_array().cloned().unwrap_or_default();
    let before = people(first);
    let pairs = people(last).into_iter().filter_map(|person| {
        let earlier = before.iter().find(|earlier| earlier["who"] == person["who"])?;
        let grown = |kind: &str, counter: &str| {
            let of = |person: &Value| person["received"][kind][counter].as_f64();
            Some(of(&person)? - of(earlier)?)
        };
        let samples = grown("audio", "totalSamplesReceived")?;
        Some(Pair {
            video_kbit_s: grown("video", "bytesReceived")? * 8.0 / 1000.0 / seconds,
            pictures_per_second: grown("video", "framesDecoded")? / seconds,
            concealed_percent: 100.0 * grown("audio", "concealedSamples")? / samples.max(1.0),
        })
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_pair_is_told_by_what_grew_between_the_first_and_the_last_counters() {
        let person = |who: &str, bytes: u64, frames: u64, samples: u64, concealed: u64| {
            json!({ "who": who, "received": {
                "video": { "bytesReceived": bytes, "framesDecoded": frames },
                "audio": { "totalSamplesReceived": samples, "concealedSamples": concealed } } })
        };
        let stats = |second: i64, people: Vec<Value>| json!({ "event": "stats", "unix_us": second * 1_000_000, "people": people });
        let events = [
            stats(10, vec![person("a", 1000, 10, 0, 0)]),
            json!({ "event": "other" }),
            stats(20, vec![person("b", 1, 1, 1, 1), person("a", 1_001_000, 310, 480_000, 4_800)]),
        ];
        let expected = Pair { video_kbit_s: 800.0, pictures_per_second: 30.0, concealed_percent: 1.0 };
        assert_eq!(pairs(&events), [expected]);
        assert!(pairs(&events[..1]).is_empty());
    }
}
