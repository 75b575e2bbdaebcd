//! One call of two headless programs: started, listened to, ended, and handed to `measure`. Where the two run (this computer,
//! or namespaces with a link between them) and for how long is told by the caller.
//!
//! The first makes the meeting, its camera and voice are what is judged; the second's screen and speaker are recorded.
//! Called by the binary `bench` and by `network`.

use super::figures::Figures;
use super::material::Material;
use super::measure::{Recording, unix_us};
use super::party::{Party, resident_peak_bytes, thread_cpu_seconds};
use super::yardstick::Yardstick;
use anyhow::{Context, Result};
use std::path::Path;
use std::time::{Duration, Instant};

/// Also on a link that loses a third.
const PATIENCE: Duration = Duration::from_secs(30);
/// The thread that writes `--pictures-out`.
const RECORDER: &str = "video-record";

/// A call that is about to be made.
pub struct Plan<'a> {
    /// Empty; takes all that the call leaves behind.
    pub folder: &'a Path,
    pub material: &'a Material,
    pub codec: &'a str,
    /// From here on it is judged, counted from `Plan::zero`.
    pub settling: Duration,
    /// It ends here, counted from the same moment.
    pub length: Duration,
    pub zero: Zero,
    /// How a sound's delay is looked for.
    pub delay_max: Duration,
}

/// From when the parts of a call are counted.
#[derive(Clone, Copy)]
pub enum Zero {
    /// From letting the second party in.
    Admitted,
    /// From this moment, which lies before.
    At(Instant),
}

/// What the two programs used.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// Without what the second spent on recording its screen, which is the measuring's.
    pub cores: [f64; 2],
    pub recording_cores: f64,
    pub yardstick_ms: Option<f64>,
    pub resident_bytes: [f64; 2],
}

impl Usage {
    pub fn tell(&self, figures: &mut Figures) {
        figures.set("cpu_cores_first", Some(self.cores[0]));
        figures.set("cpu_cores_second", Some(self.cores[1]));
        figures.set("cpu_cores_recording", Some(self.recording_cores));
        figures.set("yardstick_ms", self.yardstick_ms);
        figures.set("rss_first_mb", Some(self.resident_bytes[0] / 1e6));
        figures.set("rss_second_mb", Some(self.resident_bytes[1] / 1e6));
    }
}

/// Starts a party; where is the caller's business. The first or the second: 0 or 1.
pub type Start<'a> = dyn Fn(usize, &str, &[String]) -> Result<Party> + 'a;

/// Makes the call and waits for its end.
pub fn make(plan: &Plan<'_>, start: &Start<'_>) -> Result<(Recording, Usage)> {
    let path = |name: &str| plan.folder.join(name).display().to_string();
    let pictures = plan.folder.join("pictures");
    std::fs::create_dir(&pictures)?;
    let common = |who: &str, microphone: String| {
        vec![
            "--data-dir".to_owned(),
            path(&format!("{who}-data")),
            "--camera".into(),
            plan.material.camera(),
            "--microphone".into(),
            microphone,
            "--speaker".into(),
            format!("file:{}", path(&format!("{who}.wav"))),
            "--lan-only".into(),
            "--codec".into(),
            plan.codec.to_owned(),
        ]
    };
    let mut arguments = common("first", plan.material.microphone());
    arguments.extend(["--new", "--admit-all", "--captured-out"].map(str::to_owned));
    arguments.push(path("captured.csv"));
    let mut first = start(0, "first", &arguments)?;
    let invite = first.invite(PATIENCE)?;

    let mut arguments = common("second", plan.material.answering_microphone());
    arguments.extend(["--join".to_owned(), invite, "--pictures-out".into(), path("pictures")]);
    let second = start(1, "second", &arguments)?;
    let admitted_us = unix_us(&first.wait_for("joined", PATIENCE)?);
    let (zero, zero_us) = match plan.zero {
        Zero::Admitted => (Instant::now(), admitted_us),
        Zero::At(moment) => (moment, unix_us_of(moment)?),
    };

    let mut parties = [first, second];
    listen(&mut parties, zero + plan.settling)?;
    let steady = Instant::now();
    let yardstick = Yardstick::start();
    let before = cpu_seconds(&parties)?;
    listen(&mut parties, zero + plan.length)?;
    let seconds = steady.elapsed().as_secs_f64();
    let after = cpu_seconds(&parties)?;
    let used = |at: usize| (after[at] - before[at]) / seconds;
    let usage = Usage {
        cores: [used(0), used(1) - used(2)],
        recording_cores: used(2),
        yardstick_ms: yardstick.end_ms(),
        resident_bytes: [resident_peak_bytes(parties[0].id())?, resident_peak_bytes(parties[1].id())?],
    };
    let recording = Recording {
        captured_csv: plan.folder.join("captured.csv"),
        pictures_folder: pictures,
        speaker_wav: plan.folder.join("second.wav"),
        scene_file: plan.material.scene.clone(),
        voice: plan.material.voice.clone(),
        first_events: parties[0].events.clone(),
        second_events: parties[1].events.clone(),
        steady_us: (zero_us + micros(plan.settling), zero_us + micros(plan.length)),
        delay_max: plan.delay_max,
    };
    // The files are whole once the programs have ended.
    for party in parties {
        party.leave_aloud(PATIENCE)?;
    }
    Ok((recording, usage))
}

fn listen(parties: &mut [Party; 2], until: Instant) -> Result<()> {
    parties.iter_mut().try_for_each(|party| party.listen_until(until))
}

/// Of the first party, of the second, and of the thread of the second that records what it shows.
fn cpu_seconds(parties: &[Party; 2]) -> Result<[f64; 3]> {
    let recording = thread_cpu_seconds(parties[1].id(), RECORDER)?;
    Ok([parties[0].cpu_seconds()?, parties[1].cpu_seconds()?, recording])
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

/// A moment of this process's clock, by the calendar.
pub fn unix_us_of(moment: Instant) -> Result<i64> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).context("a clock before 1970")?;
    Ok(micros(now) - micros(moment.elapsed()))
}
