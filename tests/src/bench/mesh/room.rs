//! The rooms: a full peer among light ones, and newcomers one after the other. From events and counters to figures.

use crate::bench::figures::{Figures, percentile};
use crate::bench::material::Material;
use crate::bench::measure::unix_us;
use crate::bench::party::{Party, resident_peak_bytes};
use anyhow::{Context, Result};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

/// A room comes up and settles; judged is what follows.
pub(super) const SETTLING: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(60);
/// How many of a large room are seen.
const SEEN: usize = 8;
/// IPv4 and UDP.
const HEADERS: f64 = 28.0;
/// A newcomer meets a room that has come to rest.
const REST: Duration = Duration::from_secs(3);
const NEWCOMERS_ROOM: usize = 8;

/// One room: everybody is in, then it settles, then it is judged.
pub(super) fn figures(
    program: &Path,
    folder: &Path,
    material: &Material,
    people: usize,
    seconds: u64,
) -> Result<Figures> {
    let seen = (people - 1).min(SEEN);
    let tiles = ["--tile-height", "360", "--tiles", &seen.to_string(), "--lan-only"].map(str::to_owned);
    let data = |who: &str| ["--data-dir".to_owned(), folder.join(who).display().to_string()];
    let arguments = |who: &str| [sent(material, material.microphone()), tiles.to_vec(), data(who).to_vec()].concat();
    let mut full = {
        let mut arguments = arguments("full");
        arguments.extend(["--new", "--admit-all"].map(str::to_owned));
        Party::start(program, "full", folder, &arguments)?
    };
    let invite = full.invite(PATIENCE)?;
    let mut light = {
        let mut arguments = arguments("light");
        arguments.extend(["--light".to_owned(), (people - 1).to_string(), "--join".into(), invite]);
        Party::start(program, "Light", folder, &arguments)?
    };
    let all = |event: &str, count: usize| {
        let event = event.to_owned();
        move |events: &[Value]| names(events, &event).len() >= count
    };
    full.wait_until("everybody in the room", PATIENCE, all("joined", people - 1))?;
    full.wait_until("everybody heard", PATIENCE, all("first_sound", people - 1))?;
    full.wait_until("everybody seen", PATIENCE, all("first_picture", seen))?;
    let began = Instant::now();
    listen(&mut full, &mut light, began + SETTLING)?;
    let (steady, before, from) = (Instant::now(), full.cpu_seconds()?, full.events.len());
    let light_before = light.cpu_seconds()?;
    listen(&mut full, &mut light, began + Duration::from_secs(seconds))?;
    let elapsed = steady.elapsed().as_secs_f64();
    let cores = (full.cpu_seconds()? - before) / elapsed;
    let light_cores = (light.cpu_seconds()? - light_before) / elapsed;
    let resident = resident_peak_bytes(full.id())?;
    let mut figures = Figures::default();
    let names = Names::of(people);
    figures.set(names.cores, Some(cores));
    figures.set(names.light_cores, Some(light_cores));
    figures.set(names.rss, Some(resident / 1e6));
    judge(&full.events[from..], people, seen, &mut figures);
    light.leave_aloud(PATIENCE)?;
    full.leave_aloud(PATIENCE)?;
    Ok(figures)
}

/// Figures have fixed names.
struct Names {
    cores: &'static str,
    light_cores: &'static str,
    rss: &'static str,
    uplink: &'static str,
    uplink_with_headers: &'static str,
    lost: &'static str,
    encoders: &'static str,
    pictures: &'static str,
    concealed: &'static str,
    freezes: &'static str,
}

macro_rules! names {
    ($people:literal) => {
        Names {
            cores: concat!("cpu_cores_", $people),
            light_cores: concat!("light_cpu_cores_", $people),
            rss: concat!("rss_", $people, "_mb"),
            uplink: concat!("uplink_", $people, "_mbit_s"),
            uplink_with_headers: concat!("uplink_", $people, "_with_headers_mbit_s"),
            lost: concat!("lost_", $people, "_packets"),
            encoders: concat!("encoded_per_picture_", $people),
            pictures: concat!("pictures_per_second_each_", $people),
            concealed: concat!("concealed_each_", $people, "_ms"),
            freezes: concat!("freezes_", $people),
        }
    };
}

impl Names {
    const fn of(people: usize) -> Names {
        match people {
            4 => names!("4"),
            8 => names!("8"),
            16 => names!("16"),
            _ => names!("other"),
        }
    }
}

/// What the full peer's own counters say about the steady part.
fn judge(events: &[Value], people: usize, seen: usize, figures: &mut Figures) {
    let stats: Vec<&Value> = events.iter().filter(|event| event["event"] == "stats").collect();
    let (Some(first), Some(last)) = (stats.first(), stats.last()) else { return };
    let seconds = (unix_us(last) - unix_us(first)) as f64 / 1e6;
    if seconds <= 0.0 {
        return;
    }
    let names = Names::of(people);
    let sum = |path: &[&str]| grown(first, last, path);
    let bits = |bytes: f64| bytes * 8.0 / 1e6 / seconds;
    let (bytes, packets) = (sum(&["bytesSent"]), sum(&["packetsSent"]));
    figures.set(names.uplink, Some(bits(bytes)));
    figures.set(names.uplink_with_headers, Some(bits(bytes + HEADERS * packets)));
    figures.set(names.lost, Some(sum(&["sent", "audio", "packetsLost"]) + sum(&["sent", "video", "packetsLost"])));
    // Counted once for everybody, and told with each.
    let of_one = |path: &[&str]| grown_of(first, last, 0, path).unwrap_or(0.0);
    let (encoded, captured) =
        (of_one(&["sent", "video", "framesEncoded"]), of_one(&["sent", "video", "framesCaptured"]));
    figures.set(names.encoders, Some(encoded / captured.max(1.0)));
    figures.set(names.pictures, Some(sum(&["received", "video", "framesDecoded"]) / seconds / seen.max(1) as f64));
    let concealed = sum(&["received", "audio", "concealedSamples"]) / 48.0;
    figures.set(names.concealed, Some(concealed / (people - 1) as f64));
    figures.set(names.freezes, Some(sum(&["received", "video", "freezeCount"])));
}

fn grown(first: &Value, last: &Value, path: &[&str]) -> f64 {
    let people = last["people"].as_array().map_or(0, Vec::len);
    (0..people).filter_map(|place| grown_of(first, last, place, path)).sum()
}

fn grown_of(first: &Value, last: &Value, place: usize, path: &[&str]) -> Option<f64> {
    let person = &last["people"][place];
    let before = first["people"].as_array()?.iter().find(|other| other["who"] == person["who"])?;
    let of = |person: &Value| path.iter().fold(person, |value, field| &value[*field]).as_f64();
    Some(of(person)? - of(before)?)
}

/// A room of light peers that a full one enters again and again: from being let in to hearing and seeing everybody.
pub(super) fn newcomers(program: &Path, folder: &Path, material: &Material, times: usize) -> Result<Figures> {
    let others = NEWCOMERS_ROOM - 1;
    let tiles = ["--tile-height", "360", "--lan-only"].map(str::to_owned);
    let data = |who: &str| ["--data-dir".to_owned(), folder.join(who).display().to_string()];
    let microphone = material.unbroken_microphone();
    let arguments = |who: &str| [sent(material, microphone.clone()), tiles.to_vec(), data(who).to_vec()].concat();
    let mut light = {
        let mut arguments = arguments("light");
        arguments.extend(["--light".to_owned(), others.to_string(), "--new".into(), "--admit-all".into()]);
        Party::start(program, "Light", folder, &arguments)?
    };
    let invite = light.invite(PATIENCE)?;
    let pairs = others * (others - 1);
    light.wait_until("a whole room", PATIENCE, move |events| {
        events.iter().filter(|event| event["event"] == "first_picture").count() >= pairs
    })?;
    let mut spans = Vec::new();
    let (mut heard_after, mut seen_after) = (Vec::new(), Vec::new());
    for number in 0..times {
        light.listen_until(Instant::now() + REST)?;
        let name = format!("newcomer{number}");
        let mut arguments = arguments(&name);
        arguments.extend(["--join".to_owned(), invite.clone()]);
        let mut newcomer = Party::start(program, &name, folder, &arguments)?;
        let everybody = |event: &'static str| move |events: &[Value]| names(events, event).len() >= others;
        newcomer.wait_until("everybody heard", PATIENCE, everybody("first_sound"))?;
        newcomer.wait_until("everybody seen", PATIENCE, everybody("first_picture"))?;
        // The door opens at the knock.
        let knock = light.wait_until("the knock", PATIENCE, |events| events.iter().any(|event| knock_of(event, &name)));
        knock?;
        let let_in = light.events.iter().find(|event| knock_of(event, &name)).map(unix_us).context("no knock")?;
        let last = |event: &str| newcomer.events.iter().filter(|told| told["event"] == event).map(unix_us).max();
        let since = |moment: i64| (moment - let_in) as f64 / 1000.0;
        let (heard, seen) = (last("first_sound").context("silent")?, last("first_picture").context("dark")?);
        spans.push(since(heard.max(seen)));
        heard_after.push(since(heard));
        seen_after.push(since(seen));
        newcomer.leave(PATIENCE)?;
    }
    light.leave(PATIENCE)?;
    let mut figures = Figures::default();
    figures.set("newcomer_hears_and_sees_all_p50_ms", percentile(&spans, 50.0));
    figures.set("newcomer_hears_and_sees_all_p95_ms", percentile(&spans, 95.0));
    figures.set("newcomer_hears_all_p95_ms", percentile(&heard_after, 95.0));
    figures.set("newcomer_sees_all_p95_ms", percentile(&seen_after, 95.0));
    Ok(figures)
}

fn knock_of(event: &Value, name: &str) -> bool {
    event["event"] == "knock" && event["name"] == name
}

/// The arguments of whoever sends 360 lines and this voice.
fn sent(material: &Material, microphone: String) -> Vec<String> {
    let flags = ["--speaker", "none", "--size", "640x360", "--camera"].map(str::to_owned);
    [flags.to_vec(), vec![material.camera(), "--microphone".to_owned(), microphone]].concat()
}

/// Who is named by events of this kind.
fn names(events: &[Value], event: &str) -> BTreeSet<String> {
    let of_kind = events.iter().filter(|told| told["event"] == event);
    of_kind.filter_map(|told| told["who"].as_str().map(str::to_owned)).collect()
}

fn listen(first: &mut Party, second: &mut Party, until: Instant) -> Result<()> {
    first.listen_until(until)?;
    second.listen_until(until)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn sums_are_over_those_who_were_there_at_both_ends() {
        let person = |who: &str, bytes: u64| json!({ "who": who, "bytesSent": bytes });
        let first = json!({ "people": [person("a", 10), person("b", 100), person("gone", 5)] });
        let last = json!({ "people": [person("b", 150), person("a", 30), person("new", 1000)] });
        assert_eq!(grown(&first, &last, &["bytesSent"]), 70.0);
        assert_eq!(grown(&first, &last, &["sent", "audio"]), 0.0);
    }
}
