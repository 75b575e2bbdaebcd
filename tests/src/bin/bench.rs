//! The program behind `cargo xtask bench call`, `bench mesh` and `bench network`: reads what was typed, and makes the calls
//! of the first.
//!
//! Measures the `conclave` that lies beside it in the target directory, or the one that `CONCLAVE_PROGRAM` names. Ends with
//! success when it could measure, reached or not: a slow machine is no failure. CONTRIBUTING.md says how to read it.

use anyhow::{Context, Result, bail};
use conclave_tests::bench::call::{self, Plan, Zero};
use conclave_tests::bench::figures::Figures;
use conclave_tests::bench::material::Material;
use conclave_tests::bench::party::Party;
use conclave_tests::bench::workplace::{self, Workplace, print};
use conclave_tests::bench::{measure, mesh, network, table, window};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

const USAGE: &str = "\
bench call [--runs N] [--seconds N] [--no-window] [--keep] [--codec auto|av1|h264]

  --runs N       calls of which the medians are printed (3)
  --seconds N    how long each call lasts after the second party was let in (30)
  --no-window    leave out the home screen and the meeting window
  --keep         keep what the calls left behind (a gigabyte each)
  --codec C      passed on to both parties
bench mesh ...        a room of many; bench mesh --help
bench network ...     calls on links that lose, delay and shrink; bench network --help
bench material DIR    write the scene and the voice there and end";

/// The call comes up and settles; judged is what follows.
const SETTLING: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(20);
/// How far a sound's delay is looked for.
const DELAY_MAX: Duration = Duration::from_millis(600);

struct Options {
    runs: usize,
    seconds: u64,
    window: bool,
    keep: bool,
    codec: String,
}

fn main() -> ExitCode {
    match carry_out(std::env::args().skip(1).collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn carry_out(arguments: Vec<String>) -> Result<()> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["material", folder] => {
            std::fs::create_dir_all(folder)?;
            Material::whole(Path::new(folder)).map(drop)
        }
        ["call", "--help"] => {
            println!("{USAGE}");
            Ok(())
        }
        ["mesh", options @ ..] => mesh::run(options),
        ["network", options @ ..] => network::run(options),
        ["call", options @ ..] => call(&Options::parse(options)?),
        _ => bail!("{USAGE}"),
    }
}

impl Options {
    fn parse(words: &[&str]) -> Result<Options> {
        let mut options = Options { runs: 3, seconds: 30, window: true, keep: false, codec: "auto".into() };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("{word} wants a value\n{USAGE}"));
            match *word {
                "--runs" => options.runs = value()?.parse()?,
                "--seconds" => options.seconds = value()?.parse()?,
                "--codec" => options.codec = (*value()?).to_owned(),
                "--no-window" => options.window = false,
                "--keep" => options.keep = true,
                other => bail!("{other} is not known\n{USAGE}"),
            }
        }
        if options.runs == 0 || options.seconds < SETTLING.as_secs() + 5 {
            bail!("at least one run, of at least {} seconds", SETTLING.as_secs() + 5);
        }
        Ok(options)
    }
}

fn call(options: &Options) -> Result<()> {
    let work = Workplace::open("bench call", "")?;
    println!("making the scene and the voice");
    let material = Material::whole(work.scratch())?;
    let mut runs = Vec::new();
    let mut codecs = Vec::new();
    for number in 1..=options.runs {
        println!("call {number} of {}", options.runs);
        let folder = work.folder(&format!("run{number}"))?;
        let plan = Plan {
            folder: &folder,
            material: &material,
            codec: &options.codec,
            settling: SETTLING,
            length: Duration::from_secs(options.seconds),
            zero: Zero::Admitted,
            delay_max: DELAY_MAX,
        };
        let start = |_, name: &str, arguments: &[String]| Party::start(&work.program, name, &folder, arguments);
        let (recording, usage) = call::make(&plan, &start)?;
        let mut figures = measure::figures(&recording)?;
        usage.tell(&mut figures);
        codecs.extend(measure::codecs(&recording));
        print(&figures);
        runs.push(figures);
        if !options.keep {
            std::fs::remove_dir_all(&folder)?;
        }
    }
    let mut medians = Figures::medians(&runs);
    if options.window {
        add_window(&mut medians, &work.program, work.scratch(), &material);
    }
    let out = work.write("call", &workplace::report(&medians, &runs))?;
    println!("\n{}\n\nmedians of {}; all figures: {}", table::text(&medians), options.runs, out.display());
    codecs.sort();
    codecs.dedup();
    let of = |name| medians.of(name).unwrap_or(f64::NAN);
    let (encode, decode, recording) = (of("encode_ms"), of("decode_ms"), of("cpu_cores_recording"));
    println!("codec: {}, {encode:.1} ms to encode a picture, {decode:.1} to decode one.", codecs.join(" and "));
    println!("CPU: without {recording:.2} cores that the second party spent on recording its screen for this table.");
    println!(
        "yardstick: a fixed piece of work took {:.2} ms. CPU figures with another one do not compare.",
        of("yardstick_ms")
    );
    println!("dB: mean of the pictures' PSNR-Y, against what the camera took, number strip left out.");
    work.close(options.keep)
}

/// The window's figures, as far as this machine lets them be measured.
fn add_window(figures: &mut Figures, program: &Path, scratch: &Path, material: &Material) {
    println!("home screen");
    match window::home(program, scratch) {
        Ok(found) => figures.0.extend(found.0),
        Err(error) => println!("    not measured: {error:#}"),
    }
    println!("meeting window");
    match meeting_window(program, scratch, material) {
        Ok(found) => figures.0.extend(found.0),
        Err(error) => println!("    not measured: {error:#}"),
    }
}

fn meeting_window(program: &Path, scratch: &Path, material: &Material) -> Result<Figures> {
    let data = scratch.join("other-data").display().to_string();
    let camera = material.camera();
    let arguments = [
        "--new",
        "--admit-all",
        "--lan-only",
        "--data-dir",
        &data,
        "--camera",
        &camera,
        "--microphone",
        "none",
        "--speaker",
        "none",
    ];
    let mut other = Party::start(program, "other", scratch, &arguments)?;
    let figures = window::meeting(program, scratch, &mut other, &camera)?;
    other.leave(PATIENCE)?;
    Ok(figures)
}
