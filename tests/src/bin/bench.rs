//! The program behind `cargo xtask bench call` and `bench mesh`: makes the material, runs the calls, prints the table, writes JSON.
//!
//! Measures the `conclave` that lies beside it in the target directory. Ends with success when it could measure, reached
//! or not: a slow machine is no failure. `ARCHITECTURE.md` says nothing about it; CONTRIBUTING.md says how to read it.

use anyhow::{Context, Result, bail};
use conclave_tests::bench::figures::Figures;
use conclave_tests::bench::measure::{self, Recording};
use conclave_tests::bench::mesh;
use conclave_tests::bench::party::{Party, resident_peak_bytes};
use conclave_tests::bench::{scene, table, voice, window};
use serde_json::json;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

const USAGE: &str = "\
bench call [--runs N] [--seconds N] [--no-window] [--keep] [--codec auto|av1|h264]

  --runs N       calls of which the medians are printed (3)
  --seconds N    how long each call lasts after the second party was let in (30)
  --no-window    leave out the home screen and the meeting window
  --keep         keep what the calls left behind (a gigabyte each)
  --codec C      passed on to both parties
bench mesh ...        a room of many; bench mesh --help
bench material DIR    write the scene and the voice there and end";

/// The call comes up and settles; judged is what follows.
const SETTLING: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(20);
const VOICE_SECONDS: usize = 10;

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
            Material::make(Path::new(folder)).map(drop)
        }
        ["call", "--help"] => {
            println!("{USAGE}");
            Ok(())
        }
        ["mesh", options @ ..] => mesh::run(options),
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

/// What cameras and microphones play.
struct Material {
    scene: PathBuf,
    voice_file: PathBuf,
    voice: Vec<i16>,
}

impl Material {
    fn make(folder: &Path) -> Result<Material> {
        let scene = folder.join("scene.y4m");
        scene::write(&mut BufWriter::new(std::fs::File::create(&scene)?))?;
        let voice = voice::samples(VOICE_SECONDS);
        let voice_file = folder.join("voice.wav");
        std::fs::write(&voice_file, voice::wav(&voice))?;
        Ok(Material { scene, voice_file, voice })
    }

    fn camera(&self) -> String {
        format!("file:{}", self.scene.display())
    }
}

fn call(options: &Options) -> Result<()> {
    let beside = std::env::current_exe()?.parent().context("a program lies in a folder")?.to_owned();
    let program = beside.join("conclave");
    if !program.exists() {
        bail!("{} is not built; `cargo xtask bench call` builds it", program.display());
    }
    let results = beside.parent().unwrap_or(&beside).join("bench");
    std::fs::create_dir_all(&results)?;
    // Shown pictures come at 40 MB a second; memory takes them without disturbing the call.
    let roomy = Path::new("/dev/shm");
    let scratch = if roomy.is_dir() { tempfile::tempdir_in(roomy)? } else { tempfile::tempdir_in(&results)? };
    println!("making the scene and the voice");
    let material = Material::make(scratch.path())?;
    let mut runs = Vec::new();
    for number in 1..=options.runs {
        let folder = scratch.path().join(format!("run{number}"));
        std::fs::create_dir(&folder)?;
        println!("call {number} of {}", options.runs);
        let figures = one_call(&program, &folder, &material, options)?;
        for (name, value) in &figures.0 {
            println!("    {name:<34}{value:>10.2}");
        }
        runs.push(figures);
        if !options.keep {
            std::fs::remove_dir_all(&folder)?;
        }
    }
    let mut medians = Figures::medians(&runs);
    if options.window {
        add_window(&mut medians, &program, scratch.path(), &material);
    }
    let out = results.join("call.json");
    let report = json!({ "medians": medians.0, "runs": runs.iter().map(|run| &run.0).collect::<Vec<_>>() });
    std::fs::write(&out, serde_json::to_string_pretty(&report)?)?;
    println!("\n{}\n\nmedians of {}; all figures: {}", table::text(&medians), options.runs, out.display());
    println!("dB: mean of the pictures' PSNR-Y, against what the camera took, number strip left out.");
    if options.keep {
        println!("kept: {}", scratch.keep().display());
    }
    Ok(())
}

fn one_call(program: &Path, folder: &Path, material: &Material, options: &Options) -> Result<Figures> {
    let path = |name: &str| folder.join(name).display().to_string();
    let pictures = folder.join("pictures");
    std::fs::create_dir(&pictures)?;
    let common = |who: &str| {
        vec![
            "--data-dir".to_owned(),
            path(&format!("{who}-data")),
            "--camera".into(),
            material.camera(),
            "--microphone".into(),
            format!("file:{}", material.voice_file.display()),
            "--speaker".into(),
            format!("file:{}", path(&format!("{who}.wav"))),
            "--lan-only".into(),
            "--codec".into(),
            options.codec.clone(),
        ]
    };
    let mut arguments = common("first");
    arguments.extend(["--new", "--admit-all", "--captured-out"].map(str::to_owned));
    arguments.push(path("captured.csv"));
    let mut first = Party::start(program, "first", folder, &arguments)?;
    let invite = first.wait_for("invite", PATIENCE)?;
    let invite = invite["invite"].as_str().context("an invite without text")?.to_owned();

    let mut arguments = common("second");
    arguments.extend(["--join".to_owned(), invite, "--pictures-out".into(), path("pictures")]);
    let mut second = Party::start(program, "second", folder, &arguments)?;
    let admitted = measure::unix_us(&first.wait_for("joined", PATIENCE)?);
    let began = Instant::now();

    listen(&mut first, &mut second, began + SETTLING)?;
    let steady = Instant::now();
    let before = (first.cpu_seconds()?, second.cpu_seconds()?);
    listen(&mut first, &mut second, began + Duration::from_secs(options.seconds))?;
    let seconds = steady.elapsed().as_secs_f64();
    let after = (first.cpu_seconds()?, second.cpu_seconds()?);
    let resident = (resident_peak_bytes(first.id())?, resident_peak_bytes(second.id())?);

    let recording = Recording {
        captured_csv: folder.join("captured.csv"),
        pictures_folder: pictures,
        speaker_wav: folder.join("second.wav"),
        scene_file: material.scene.clone(),
        voice: material.voice.clone(),
        first_events: first.events.clone(),
        second_events: second.events.clone(),
        steady_us: (admitted + SETTLING.as_micros() as i64, admitted + options.seconds as i64 * 1_000_000),
    };
    // The files are whole once the programs have ended.
    for (name, party) in [("first", first), ("second", second)] {
        if !party.leave(PATIENCE)? {
            println!("    {name} did not leave in order");
        }
    }
    let mut figures = measure::figures(&recording)?;
    figures.set("cpu_cores_first", Some((after.0 - before.0) / seconds));
    figures.set("cpu_cores_second", Some((after.1 - before.1) / seconds));
    figures.set("rss_first_mb", Some(resident.0 / 1e6));
    figures.set("rss_second_mb", Some(resident.1 / 1e6));
    Ok(figures)
}

fn listen(first: &mut Party, second: &mut Party, until: Instant) -> Result<()> {
    first.listen_until(until)?;
    second.listen_until(until)
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
