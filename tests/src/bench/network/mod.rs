//! `cargo xtask bench network`: calls of the real programs on links that lose, delay and shrink (`scenarios`), in network
//! namespaces of their own (`crate::lab`). Prints the table, writes JSON and plots; fails only if it cannot measure.
//!
//! Where there can be no namespaces, a call in virtual time (`standin`) stands in and is marked as such: it runs the product's
//! transport on the same links, but no camera, codec, device or computer.

mod links;
mod plot;
mod recovery;
mod scenarios;
mod series;
mod standin;

#[cfg(target_os = "linux")]
mod download;
#[cfg(target_os = "linux")]
mod mesh;
#[cfg(target_os = "linux")]
mod pesq;
#[cfg(target_os = "linux")]
mod real;
#[cfg(target_os = "linux")]
mod speech;

use super::figures::Figures;
use super::material::Material;
use super::table;
use super::workplace::{self, Workplace, print};
use anyhow::{Context, Result, bail};
use links::Traces;
use scenarios::{DIP, Kind, SCENARIOS, Scenario};
use serde_json::{Value, json};
use series::Story;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[cfg(target_os = "linux")]
use speech::Speech;
/// Only real programs speak.
#[cfg(not(target_os = "linux"))]
enum Speech {}

pub const USAGE: &str = "\
bench network [--only NAME,..] [--runs N] [--seed S] [--seconds N] [--traces DIR] [--speech FILE --pesq PROGRAM]
              [--virtual] [--keep]

  --only LIST    these scenarios alone; `--only list` names them all
  --runs N       calls of which the medians are printed (3); run N has seed S + N - 1
  --seed S       what draws the losses (the time of day; it is printed)
  --seconds N    how long each call lasts on its link (75; the dip takes no less than 65)
  --traces DIR   a folder with recorded links in mahimahi's form (traces)
  --speech FILE  speech (WAV, 48 kHz, 16 bits, mono, 20 s or longer) for one call more where PESQ is judged
  --pesq PROGRAM judges it: run as `PROGRAM REFERENCE.wav HEARD.wav`, both mono at 16 kHz, it prints PESQ (wideband,
                 ITU-T P.862.2) as its last number; PESQ is under licence, so the bench has none of its own
  --virtual      in virtual time, without programs
  --keep         keep what the calls left behind (three gigabytes each)";

/// A call comes up and settles; judged is what follows.
const SETTLING: Duration = Duration::from_secs(15);
/// Speech is judged in pieces of this length, and PESQ wants 8 to 20 s.
const PIECE: Duration = Duration::from_secs(8);
/// After its end a dip is watched for so long.
const AFTER_DIP: Duration = Duration::from_secs(15);

struct Options {
    only: Vec<String>,
    runs: usize,
    seed: u64,
    length: Duration,
    traces: PathBuf,
    /// The file, and the program that judges how it was heard.
    speech: Option<(PathBuf, PathBuf)>,
    virtual_time: bool,
    keep: bool,
}

impl Options {
    fn parse(words: &[&str]) -> Result<Options> {
        let seed = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |now| now.as_secs() % 100_000);
        let mut options = Options {
            only: Vec::new(),
            runs: 3,
            seed,
            length: Duration::from_secs(75),
            traces: PathBuf::from("traces"),
            speech: None,
            virtual_time: false,
            keep: false,
        };
        let (mut speech, mut pesq) = (None, None);
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("{word} wants a value\n{USAGE}"));
            match *word {
                "--only" => options.only = value()?.split(',').map(str::to_owned).collect(),
                "--runs" => options.runs = value()?.parse()?,
                "--seed" => options.seed = value()?.parse()?,
                "--seconds" => options.length = Duration::from_secs(value()?.parse()?),
                "--traces" => options.traces = PathBuf::from(value()?),
                "--speech" => speech = Some(PathBuf::from(value()?)),
                "--pesq" => pesq = Some(PathBuf::from(value()?)),
                "--virtual" => options.virtual_time = true,
                "--keep" => options.keep = true,
                other => bail!("{other} is not known\n{USAGE}"),
            }
        }
        if options.runs == 0 || options.length < SETTLING + Duration::from_secs(5) {
            bail!("at least one run, of at least {} seconds", SETTLING.as_secs() + 5);
        }
        options.speech = match (speech, pesq) {
            (Some(file), Some(program)) => Some((file, program)),
            (None, None) => None,
            _ => bail!("--speech FILE is what --pesq PROGRAM judges: one is of no use without the other"),
        };
        if options.speech.is_some() && options.length < SETTLING + PIECE {
            bail!("speech is judged in calls of at least {} seconds", (SETTLING + PIECE).as_secs());
        }
        if let Some(unknown) = options.only.iter().find(|name| SCENARIOS.iter().all(|known| known.name != **name)) {
            bail!("there is no scenario `{unknown}`; there are {}", names());
        }
        Ok(options)
    }

    fn wanted(&self) -> impl Iterator<Item = &'static Scenario> {
        SCENARIOS.iter().filter(|scenario| self.only.is_empty() || self.only.iter().any(|name| name == scenario.name))
    }

    fn length(&self, scenario: &Scenario) -> Duration {
        if scenario.kind == Kind::Steps { self.length.max(DIP.1 + AFTER_DIP) } else { self.length }
    }
}

fn names() -> String {
    SCENARIOS.iter().map(|scenario| scenario.name).collect::<Vec<_>>().join(", ")
}

/// What a scenario came to.
struct Outcome {
    scenario: &'static Scenario,
    runs: Vec<Figures>,
    medians: Figures,
    virtual_time: bool,
    /// Why there is nothing.
    failure: Option<String>,
}

pub fn run(words: &[&str]) -> Result<()> {
    match words {
        ["--help"] => {
            println!("{USAGE}");
            return Ok(());
        }
        ["--only", "list"] => {
            println!("{}", names());
            return Ok(());
        }
        _ => {}
    }
    let options = Options::parse(words)?;
    let work = Workplace::open("bench network", "network")?;
    let traces = Traces(options.traces.clone());
    let virtual_time = options.virtual_time || no_namespaces();
    println!("seed {}", options.seed);
    let material = if virtual_time { None } else { Some(made_material(&work)?) };
    let speech = material.as_ref().map(|material| speech(&options, material, &work)).transpose()?.flatten();
    let mut outcomes = Vec::new();
    for scenario in options.wanted() {
        let mut outcome =
            Outcome { scenario, runs: Vec::new(), medians: Figures::default(), virtual_time, failure: None };
        for number in 0..options.runs {
            println!("{}: {}, {} of {}", scenario.name, scenario.what, number + 1, options.runs);
            let seed = options.seed + number as u64;
            let made = match &material {
                Some(material) => {
                    let speech = speech.as_ref().filter(|_| scenario.tells("pesq"));
                    real_call(scenario, (material, speech), &traces, &options, &work, seed)
                }
                None => standin::call(scenario, &traces, options.length(scenario), seed),
            };
            match made {
                Ok((figures, story)) => {
                    print(&figures);
                    save(&work, scenario, &story, number, seed, virtual_time)?;
                    outcome.runs.push(figures);
                }
                Err(error) => {
                    // One link on which no call comes about must not cost the others their figures.
                    println!("    not measured: {error:#}");
                    outcome.failure = Some(format!("{error:#}"));
                }
            }
        }
        outcome.medians = Figures::medians(&outcome.runs);
        outcomes.push(outcome);
    }
    let out = work.write("network", &report(&options, &outcomes))?;
    println!("\n{}", text(&outcomes));
    println!("\nseed {}, medians of {}; figures: {}, plots beside it", options.seed, options.runs, out.display());
    println!(
        "lines: nine of ten pictures have at least so many. PSNR-Y and SSIM: against what the camera took at 720 lines,"
    );
    println!(
        "smaller pictures scaled up to it, number strip left out. Sound, kbit/s: all that came in for it, which is"
    );
    println!("Opus frames, their copies and the framing of both. {}", about_pesq(speech.is_some()));
    work.close(options.keep)
}

fn made_material(work: &Workplace) -> Result<Material> {
    println!("making the scene and the voice");
    Material::whole(work.scratch())
}

fn about_pesq(measured: bool) -> &'static str {
    if measured {
        "PESQ: the mean of pieces of 8 s\nof a call of its own, in which one speaks and one listens; the microphone is cleaned as in every call."
    } else {
        "PESQ is not measured: it\nneeds real links, --speech, and a program for --pesq that works."
    }
}

/// Says why, if so.
#[cfg(target_os = "linux")]
fn no_namespaces() -> bool {
    let Err(error) = crate::lab::possible() else { return false };
    println!("no real link here ({error:#}): calls in virtual time stand in");
    true
}

#[cfg(not(target_os = "linux"))]
fn no_namespaces() -> bool {
    println!("no real link here (network namespaces are Linux's): calls in virtual time stand in");
    true
}

/// A scenario on the real programs; with speech, one call more on the same link with the same losses.
#[cfg(target_os = "linux")]
fn real_call(
    scenario: &Scenario,
    (material, speech): (&Material, Option<&Speech>),
    traces: &Traces,
    options: &Options,
    work: &Workplace,
    seed: u64,
) -> Result<(Figures, Story)> {
    let span = real::Span { settling: SETTLING, length: options.length(scenario) };
    let folder = work.folder(&format!("{}-{seed}", scenario.name))?;
    let with = (work.program.as_path(), folder.as_path(), material);
    let made = match scenario.kind {
        Kind::Mesh => mesh::room(scenario, traces, span, seed, with).map(|figures| (figures, Story::default())),
        Kind::Call | Kind::Steps | Kind::Download => real::call(scenario, traces, span, seed, with),
    };
    tidy(&folder, options)?;
    let (mut figures, story) = made?;
    if let Some(speech) = speech {
        let folder = work.folder(&format!("{}-{seed}-speech", scenario.name))?;
        let with = (work.program.as_path(), folder.as_path(), speech);
        match real::speech(scenario, traces, span, seed, with) {
            Ok(more) => figures.0.extend(more.0),
            // The other call's figures are as good without it.
            Err(error) => println!("    PESQ is not measured: {error:#}"),
        }
        tidy(&folder, options)?;
    }
    Ok((figures, story))
}

#[cfg(target_os = "linux")]
fn tidy(folder: &std::path::Path, options: &Options) -> Result<()> {
    if !options.keep {
        std::fs::remove_dir_all(folder)?;
    }
    Ok(())
}

/// What is said in the calls that PESQ judges. None: not asked for, not needed, or the program does not work, which is told.
#[cfg(target_os = "linux")]
fn speech(options: &Options, material: &Material, work: &Workplace) -> Result<Option<Speech>> {
    let Some((file, program)) = &options.speech else { return Ok(None) };
    if !options.wanted().any(|scenario| scenario.tells("pesq")) {
        return Ok(None);
    }
    let speech = Speech::read(file, program, material, work.scratch())?;
    match speech.of_itself(work.scratch()) {
        Ok(number) => println!("PESQ of the speech itself: {number:.2}"),
        Err(error) => {
            println!("PESQ is not measured: {error:#}");
            return Ok(None);
        }
    }
    Ok(Some(speech))
}

#[cfg(not(target_os = "linux"))]
fn speech(_: &Options, _: &Material, _: &Workplace) -> Result<Option<Speech>> {
    Ok(None)
}

#[cfg(not(target_os = "linux"))]
fn real_call(
    _: &Scenario,
    _: (&Material, Option<&Speech>),
    _: &Traces,
    _: &Options,
    _: &Workplace,
    _: u64,
) -> Result<(Figures, Story)> {
    bail!("real links are Linux's")
}

/// The plot and the numbers behind it; the first run's are without a number.
fn save(
    work: &Workplace,
    scenario: &Scenario,
    story: &Story,
    number: usize,
    seed: u64,
    virtual_time: bool,
) -> Result<()> {
    if story.is_empty() {
        return Ok(());
    }
    let name = if number == 0 { scenario.name.to_owned() } else { format!("{}.{}", scenario.name, number + 1) };
    let kind = if virtual_time { ", in virtual time" } else { "" };
    let title = format!("{} (seed {seed}{kind})", scenario.what);
    std::fs::write(work.results.join(format!("{name}.svg")), story.svg(&title))?;
    std::fs::write(work.results.join(format!("{name}.json")), story.json().to_string())?;
    Ok(())
}

fn report(options: &Options, outcomes: &[Outcome]) -> Value {
    let scenarios = outcomes.iter().map(|outcome| {
        let mut report = workplace::report(&outcome.medians, &outcome.runs);
        report["what"] = json!(outcome.scenario.what);
        report["virtual_time"] = json!(outcome.virtual_time);
        report["failure"] = json!(outcome.failure);
        (outcome.scenario.name.to_owned(), report)
    });
    json!({ "seed": options.seed, "scenarios": scenarios.collect::<serde_json::Map<String, Value>>() })
}

fn text(outcomes: &[Outcome]) -> String {
    let mut lines = vec![table::heading("a browser")];
    for outcome in outcomes {
        let mark = if outcome.virtual_time { " (in virtual time)" } else { "" };
        lines.push(format!("{}: {}{mark}", outcome.scenario.name, outcome.scenario.what));
        if let (Some(failure), true) = (&outcome.failure, outcome.runs.is_empty()) {
            lines.push(format!("  not measured: {failure}"));
        }
        lines.extend(outcome.scenario.rows.iter().map(|row| table::measured(row, &outcome.medians)));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_checked_before_anything_is_run() {
        let options = Options::parse(&["--only", "loss2,dip", "--runs", "1", "--seconds", "30"]).expect("good");
        let wanted: Vec<&str> = options.wanted().map(|scenario| scenario.name).collect();
        assert_eq!(wanted, ["loss2", "dip"]);
        let lengths: Vec<u64> = options.wanted().map(|scenario| options.length(scenario).as_secs()).collect();
        assert_eq!(lengths, [30, 65]);
        for words in [["--only", "loss3"], ["--runs", "0"], ["--seconds", "10"], ["--fast", "1"]] {
            assert!(Options::parse(&words).is_err(), "{words:?}");
        }
    }

    #[test]
    fn speech_and_who_judges_it_are_named_together_and_leave_room_for_a_piece() {
        let both = ["--speech", "speech.wav", "--pesq", "./judge"];
        let options = Options::parse(&both).expect("good");
        assert_eq!(options.speech, Some(("speech.wav".into(), "./judge".into())));
        assert_eq!(Options::parse(&[]).expect("good").speech, None);
        for alone in [&both[..2], &both[2..]] {
            let error = Options::parse(alone).map(drop).expect_err("half of it").to_string();
            assert!(error.contains("no use without the other"), "{error}");
        }
        let error = Options::parse(&[&both[..], &["--seconds", "22"]].concat()).map(drop).expect_err("too short");
        assert!(error.to_string().contains("at least 23 seconds"), "{error}");
        assert!(Options::parse(&[&both[..], &["--seconds", "23"]].concat()).is_ok());
    }

    #[test]
    fn a_scenario_that_could_not_be_measured_says_why_and_is_not_reached() {
        let scenario = &SCENARIOS[0];
        let failure = Some("no call came about".to_owned());
        let outcome = Outcome { scenario, runs: Vec::new(), medians: Figures::default(), virtual_time: false, failure };
        let text = text(&[outcome]);
        assert!(text.contains("loss2: 2 % loss") && text.contains("no call came about"));
        assert!(text.contains("not measured") && !text.contains(" yes "));
    }
}
