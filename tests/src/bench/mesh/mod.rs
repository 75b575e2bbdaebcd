//! `cargo xtask bench mesh`: one full headless peer among light ones, all on this machine, all sending 360 lines at 30 f/s and
//! a voice. What a room of 4, 8 and 16 costs, how fast a newcomer is in it, and what the core needs for many (`figures` of
//! the example `mesh_core`, in virtual time). Prints the table, writes JSON; fails only if it cannot measure.

mod room;

use super::figures::Figures;
use super::material::Material;
use super::table;
use super::workplace::{self, Workplace, print};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

pub const USAGE: &str = "\
bench mesh [--runs N] [--seconds N] [--people 4,8,16] [--joins N] [--keep]

  --runs N        rooms of each size of which the medians are printed (3)
  --seconds N     how long each room lasts once everybody is in it (30)
  --people LIST   sizes of the room (4,8,16); in 16 everybody sees 8
  --joins N       times that a newcomer is let into a room of 8 (20; 0: none)
  --keep          keep the logs";

struct Options {
    runs: usize,
    seconds: u64,
    people: Vec<usize>,
    joins: usize,
    keep: bool,
}

impl Options {
    fn parse(words: &[&str]) -> Result<Options> {
        let mut options = Options { runs: 3, seconds: 30, people: vec![4, 8, 16], joins: 20, keep: false };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("{word} wants a value\n{USAGE}"));
            match *word {
                "--runs" => options.runs = value()?.parse()?,
                "--seconds" => options.seconds = value()?.parse()?,
                "--people" => options.people = value()?.split(',').map(str::parse).collect::<Result<_, _>>()?,
                "--joins" => options.joins = value()?.parse()?,
                "--keep" => options.keep = true,
                other => bail!("{other} is not known\n{USAGE}"),
            }
        }
        if options.runs == 0 || options.seconds < room::SETTLING.as_secs() + 5 {
            bail!("at least one run, of at least {} seconds", room::SETTLING.as_secs() + 5);
        }
        if options.people.iter().any(|people| !(2..=16).contains(people)) {
            bail!("a room has 2 to 16 people");
        }
        Ok(options)
    }
}

/// Measures with the `conclave` and the example that lie beside this program.
pub fn run(words: &[&str]) -> Result<()> {
    if words == ["--help"] {
        println!("{USAGE}");
        return Ok(());
    }
    let options = Options::parse(words)?;
    let work = Workplace::open("bench mesh", "")?;
    println!("making the scene and the voice");
    let material = Material::halved(work.scratch())?;
    let mut runs = Vec::new();
    for number in 1..=options.runs {
        let mut figures = Figures::default();
        for people in &options.people {
            println!("room of {people}, {number} of {}", options.runs);
            let folder = work.folder(&format!("room{people}-{number}"))?;
            let found = room::figures(&work.program, &folder, &material, *people, options.seconds)?;
            print(&found);
            figures.0.extend(found.0);
        }
        runs.push(figures);
    }
    let mut medians = Figures::medians(&runs);
    if options.joins > 0 {
        println!("{} newcomers", options.joins);
        let found = room::newcomers(&work.program, &work.folder("joins")?, &material, options.joins)?;
        print(&found);
        medians.0.extend(found.0);
    }
    println!("the core, in virtual time");
    match core(&work.beside.join("examples").join("mesh_core")) {
        Ok(found) => {
            print(&found);
            medians.0.extend(found.0);
        }
        Err(error) => println!("    not measured: {error:#}"),
    }
    let out = work.write("mesh", &workplace::report(&medians, &runs))?;
    println!("\n{}\n\nmedians of {}; all figures: {}", table::mesh(&medians), options.runs, out.display());
    println!("uplink: all that is sealed, without UDP and IP headers; with them: uplink_8_with_headers_mbit_s.");
    work.close(options.keep)
}

/// What the example prints: one JSON object of figures.
fn core(example: &Path) -> Result<Figures> {
    let output = Command::new(example).output().with_context(|| format!("could not start {}", example.display()))?;
    if !output.status.success() {
        bail!("{} ended with {}: {}", example.display(), output.status, String::from_utf8_lossy(&output.stderr));
    }
    let told: Value = serde_json::from_slice(&output.stdout)?;
    let mut figures = Figures::default();
    for name in CORE_FIGURES {
        figures.set(name, told[name].as_f64());
    }
    Ok(figures)
}

const CORE_FIGURES: [&str; 5] = [
    "fold_16_people_300_operations_ms",
    "removed_last_datagram_ms",
    "rekey_frame_late_ms",
    "rekey_busy_ms",
    "rekeyed_sessions",
];
