//! What the window costs: at the home screen, and in a meeting with one remote picture of 720 lines.
//!
//! Draws on a virtual display of its own (Xvfb), by software, so that every machine measures the same. Where there is no
//! Xvfb nothing is measured and the table says so. Called by the binary `bench`.

use super::figures::Figures;
use super::party::{Party, cpu_seconds, resident_peak_bytes};
use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

const SETTLE: Duration = Duration::from_secs(5);
const MEASURE: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(20);

/// A process that is ended when this goes.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Harmless when it has ended already.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A virtual screen with a number that it chose itself.
struct Screen {
    _server: Running,
    display: String,
}

impl Screen {
    fn start() -> Result<Screen> {
        let mut server = Running(
            Command::new("Xvfb")
                .args(["-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten", "tcp"])
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .context("Xvfb is not installed")?,
        );
        let out = server.0.stdout.take().context("no standard output")?;
        let (sender, number) = sync_channel(1);
        std::thread::Builder::new().name("display number".into()).spawn(move || {
            let mut line = String::new();
            if BufReader::new(out).read_line(&mut line).is_ok() {
                // Nobody waits any more: the display is given up.
                sender.send(line).ok();
            }
        })?;
        let number = number.recv_timeout(PATIENCE).context("Xvfb chose no display")?;
        Ok(Screen { _server: server, display: format!(":{}", number.trim()) })
    }

    fn open(&self, program: &Path, arguments: &[&str], folder: &Path, log: &str) -> Result<Running> {
        let log = std::fs::File::create(folder.join(log))?;
        let child = Command::new(program)
            .args(arguments)
            .env("DISPLAY", &self.display)
            .env("LIBGL_ALWAYS_SOFTWARE", "1")
            .env_remove("WAYLAND_DISPLAY")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        Ok(Running(child))
    }
}

/// The home screen, left alone.
pub fn home(program: &Path, folder: &Path) -> Result<Figures> {
    let screen = Screen::start()?;
    let data = folder.join("home-data");
    let mut window = screen.open(program, &["--data-dir", text(&data)?], folder, "home.log")?;
    let mut figures = Figures::default();
    let cores = cores(&mut window)?;
    figures.set("home_cpu_percent", Some(cores * 100.0));
    figures.set("home_rss_mb", Some(resident_peak_bytes(window.0.id())? / 1e6));
    Ok(figures)
}

/// A window in a meeting with `other`, which is a party that lets everybody in and whose camera gives 720 lines.
/// The window's own camera is the same scene.
pub fn meeting(program: &Path, folder: &Path, other: &mut Party, scene: &str) -> Result<Figures> {
    let invite = other.wait_for("invite", PATIENCE)?;
    let invite = invite["invite"].as_str().context("an invite without text")?;
    let screen = Screen::start()?;
    let data = folder.join("window-data");
    let arguments = [
        "join",
        invite,
        "--enter",
        "--name",
        "Window",
        "--data-dir",
        text(&data)?,
        "--camera",
        scene,
        "--microphone",
        "none",
        "--speaker",
        "none",
        "--lan-only",
    ];
    let mut window = screen.open(program, &arguments, folder, "window.log")?;
    other.wait_for("joined", PATIENCE)?;
    other.wait_for("first_picture", PATIENCE)?;
    let mut figures = Figures::default();
    figures.set("window_cores", Some(cores(&mut window)?));
    figures.set("window_rss_mb", Some(resident_peak_bytes(window.0.id())? / 1e6));
    Ok(figures)
}

/// Cores in use once it has settled.
fn cores(process: &mut Running) -> Result<f64> {
    std::thread::sleep(SETTLE);
    let before = cpu_seconds(process.0.id())?;
    std::thread::sleep(MEASURE);
    let used = cpu_seconds(process.0.id())? - before;
    if let Some(status) = process.0.try_wait()? {
        bail!("the window ended with {status}");
    }
    Ok(used / MEASURE.as_secs_f64())
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a path that is not UTF-8")
}
