//! A scenario on the real programs: parties in the namespaces of a lab, joined by the scenario's link.
//!
//! Gives figures and, of two parties, what changes over time for plots; speech has a call of its own. Called by `mod.rs`.

use super::download::Download;
use super::links::Traces;
use super::recovery::{self, Dip};
use super::scenarios::{DIP, Kind, Scenario};
use super::series::Story;
use super::speech::Speech;
use crate::bench::call::{self, Plan, Usage, Zero, unix_us_of};
use crate::bench::figures::Figures;
use crate::bench::material::Material;
use crate::bench::measure::{self, Judgement, Recording};
use crate::bench::party::Party;
use crate::bench::scene;
use crate::lab::{Books, Lab, STEP};
use anyhow::Result;
use std::path::Path;
use std::time::Duration;

/// How far a sound's delay is looked for; what is later is not found.
const DELAY_MAX: Duration = Duration::from_millis(1500);

/// How long a call lasts and from when on it is judged, since the link began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) settling: Duration,
    pub(super) length: Duration,
}

/// Two parties.
pub(super) fn call(
    scenario: &Scenario,
    traces: &Traces,
    span: Span,
    seed: u64,
    with: (&Path, &Path, &Material),
) -> Result<(Figures, Story)> {
    let Made { recording, usage, books, began_us } = made(scenario, traces, span, seed, with)?;
    let Judgement { mut figures, pictures, .. } = measure::judge(&recording)?;
    usage.tell(&mut figures);
    passed(scenario, &books, span, &mut figures);
    if scenario.kind == Kind::Steps {
        let at = |time: Duration| began_us + time.as_micros() as i64;
        let dip = Dip { from_us: at(DIP.0), to_us: at(DIP.1), end_us: at(span.length) };
        let rate: Vec<(i64, u64)> = books.steps[0]
            .iter()
            .enumerate()
            .map(|(place, step)| (at(STEP * place as u32), step.udp_arrived_bytes))
            .collect();
        recovery::tell(&dip, &pictures, &rate, scene::HEIGHT, &mut figures);
    }
    let story = Story::of(scenario, traces, &pictures, &books, &recording, (began_us, span.length));
    Ok((figures, story))
}

/// Two parties, of whom one says what PESQ can judge and the other listens: a call of its own, so that the figures of the
/// bench's own voice stay what they are.
pub(super) fn speech(
    scenario: &Scenario,
    traces: &Traces,
    span: Span,
    seed: u64,
    (program, folder, speech): (&Path, &Path, &Speech),
) -> Result<Figures> {
    let made = made(scenario, traces, span, seed, (program, folder, &speech.material))?;
    let mut figures = speech.judge(&made.recording, folder)?;
    figures.set("speech_lab_late_percent", Some(late_percent(&made.books)));
    Ok(figures)
}

/// A call that was made.
struct Made {
    recording: Recording,
    usage: Usage,
    books: Books,
    /// When the link began.
    began_us: i64,
}

fn made(
    scenario: &Scenario,
    traces: &Traces,
    span: Span,
    seed: u64,
    (program, folder, material): (&Path, &Path, &Material),
) -> Result<Made> {
    let links = [0, 1].map(|way| traces.link(&scenario.shape, way, seed));
    let lab = Lab::start(links.into_iter().collect::<Result<_>>()?)?;
    let began_us = unix_us_of(lab.began)?;
    let plan = Plan {
        folder,
        material,
        codec: "auto",
        settling: span.settling,
        length: span.length,
        zero: Zero::At(lab.began),
        delay_max: DELAY_MAX,
    };
    let start = |who: usize, name: &str, arguments: &[String]| {
        lab.hosts[who].within(|| Party::start(program, name, folder, arguments))
    };
    let download =
        if scenario.kind == Kind::Download { Some(Download::start(&lab.hosts[0], &lab.hosts[1])?) } else { None };
    let made = call::make(&plan, &start);
    drop(download);
    let books = lab.end()?;
    let (recording, usage) = made?;
    Ok(Made { recording, usage, books, began_us })
}

/// What the link itself saw in the judged part, the way from the first to the second.
fn passed(scenario: &Scenario, books: &Books, span: Span, figures: &mut Figures) {
    let place = |time: Duration| (time.as_millis() / STEP.as_millis()) as usize;
    let steps = &books.steps[0];
    let judged = &steps[place(span.settling).min(steps.len())..place(span.length).min(steps.len())];
    let seconds = (span.length - span.settling).as_secs_f64();
    let kbit_s = |bytes: u64| bytes as f64 * 8.0 / 1000.0 / seconds;
    let udp: u64 = judged.iter().map(|step| step.udp_arrived_bytes).sum();
    let tcp: u64 = judged.iter().map(|step| step.tcp_arrived_bytes).sum();
    figures.set("link_kbit_s", Some(kbit_s(udp)));
    let packets: u64 = judged.iter().map(|step| step.packets).sum();
    let gone: u64 = judged.iter().map(|step| step.gone_packets).sum();
    figures.set("link_gone_percent", Some(100.0 * gone as f64 / packets.max(1) as f64));
    let marked: u64 = judged.iter().map(|step| step.marked_packets).sum();
    figures.set("link_marked_percent", Some(100.0 * marked as f64 / packets.max(1) as f64));
    let longest = judged.iter().map(|step| step.longest).max().unwrap_or_default();
    figures.set("link_longest_ms", Some(longest.as_secs_f64() * 1000.0));
    if scenario.kind == Kind::Download {
        figures.set("share_percent", Some(100.0 * udp as f64 / (udp + tcp).max(1) as f64));
        figures.set("download_kbit_s", Some(kbit_s(tcp)));
    }
    lateness(books, figures);
}

/// How late this computer was at being a link: above one per cent the run says little.
pub(super) fn lateness(books: &Books, figures: &mut Figures) {
    figures.set("lab_late_percent", Some(late_percent(books)));
    figures.set("lab_latest_ms", Some(books.latest.as_secs_f64() * 1000.0));
}

fn late_percent(books: &Books) -> f64 {
    100.0 * books.late as f64 / books.delivered.max(1) as f64
}
