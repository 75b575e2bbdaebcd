//! One `conclave headless` as a process: started, listened to, spoken to, and ended for certain.
//!
//! Its events are read by a thread and kept in order; waiting is for an event, with a deadline. Used by `bench`.

use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

/// Events that may wait to be looked at; a call of half a minute has fewer.
const EVENTS_WAITING_MAX: usize = 4096;
/// Kernel ticks a second in `/proc/PID/stat`, the same on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;

pub struct Party {
    name: String,
    child: Child,
    commands: Option<ChildStdin>,
    news: Receiver<Value>,
    /// Every event so far.
    pub events: Vec<Value>,
}

impl Party {
    /// Starts `program headless --name NAME ...`; what it says on standard error goes to a file in `folder`.
    pub fn start(program: &Path, name: &str, folder: &Path, arguments: &[impl AsRef<OsStr>]) -> Result<Party> {
        let log = std::fs::File::create(folder.join(format!("{name}.log")))?;
        let mut child = Command::new(program)
            .arg("headless")
            .args(["--name", name])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .with_context(|| format!("could not start {}", program.display()))?;
        let (commands, out) = (child.stdin.take(), child.stdout.take().context("no standard output")?);
        let (sender, news) = sync_channel(EVENTS_WAITING_MAX);
        std::thread::Builder::new().name(format!("events of {name}")).spawn(move || {
            let lines = BufReader::new(out).lines().map_while(|line| line.ok());
            for event in lines.filter_map(|line| serde_json::from_str(&line).ok()) {
                if sender.send(event).is_err() {
                    return;
                }
            }
        })?;
        Ok(Party { name: name.to_owned(), child, commands, news, events: Vec::new() })
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The first event of this name, from now or before.
    pub fn wait_for(&mut self, event: &str, patience: Duration) -> Result<Value> {
        let deadline = Instant::now() + patience;
        if let Some(known) = self.events.iter().find(|value| is(value, event)) {
            return Ok(known.clone());
        }
        loop {
            match self.next(deadline)? {
                Some(value) if is(&value, event) => return Ok(value),
                Some(_) => {}
                None => bail!("{}: no `{event}` within {patience:?}; last: {:?}", self.name, self.events.last()),
            }
        }
    }

    /// The invite of the meeting that it makes.
    pub fn invite(&mut self, patience: Duration) -> Result<String> {
        let invite = self.wait_for("invite", patience)?;
        Ok(invite["invite"].as_str().context("an invite without text")?.to_owned())
    }

    /// Listens until this holds for all events so far.
    pub fn wait_until(&mut self, what: &str, patience: Duration, holds: impl Fn(&[Value]) -> bool) -> Result<()> {
        let deadline = Instant::now() + patience;
        while !holds(&self.events) {
            if self.next(deadline)?.is_none() {
                bail!("{}: not {what} within {patience:?}; last: {:?}", self.name, self.events.last());
            }
        }
        Ok(())
    }

    /// Listens until that moment.
    pub fn listen_until(&mut self, deadline: Instant) -> Result<()> {
        while self.next(deadline)?.is_some() {}
        Ok(())
    }

    fn next(&mut self, deadline: Instant) -> Result<Option<Value>> {
        match self.news.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(value) => {
                self.events.push(value.clone());
                Ok(Some(value))
            }
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => {
                bail!("{} ended before its time; last: {:?}", self.name, self.events.last())
            }
        }
    }

    /// Processor time used so far.
    pub fn cpu_seconds(&self) -> Result<f64> {
        cpu_seconds(self.id())
    }

    /// Lets it leave, and says so when that does not go in order.
    pub fn leave_aloud(self, patience: Duration) -> Result<()> {
        let name = self.name.clone();
        if !self.leave(patience)? {
            println!("    {name} did not leave in order");
        }
        Ok(())
    }

    /// Asks it to leave and waits until it has ended; true: by itself and without an error.
    pub fn leave(mut self, patience: Duration) -> Result<bool> {
        if let Some(mut commands) = self.commands.take() {
            // A program that has ended already cannot hear it; that is seen below.
            writeln!(commands, r#"{{"command":"leave"}}"#).ok();
        }
        let deadline = Instant::now() + patience;
        while let Ok(value) = self.news.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            self.events.push(value);
        }
        match self.child.try_wait()? {
            Some(status) => Ok(status.success()),
            None if Instant::now() < deadline => Ok(self.child.wait()?.success()),
            None => Ok(false),
        }
    }
}

impl Drop for Party {
    fn drop(&mut self) {
        // Harmless when it has ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn is(value: &Value, event: &str) -> bool {
    value["event"] == event
}

/// Processor time of a process with all its threads.
pub fn cpu_seconds(process: u32) -> Result<f64> {
    cpu_seconds_in(&format!("/proc/{process}/stat"))
}

/// Processor time of a process's threads of this name.
pub fn thread_cpu_seconds(process: u32, name: &str) -> Result<f64> {
    let mut sum = 0.0;
    for thread in std::fs::read_dir(format!("/proc/{process}/task"))?.flatten() {
        let folder = thread.path();
        // A thread may end while it is looked at.
        if std::fs::read_to_string(folder.join("comm")).is_ok_and(|comm| comm.trim_end() == name) {
            sum += cpu_seconds_in(&folder.join("stat").display().to_string()).unwrap_or(0.0);
        }
    }
    Ok(sum)
}

fn cpu_seconds_in(stat: &str) -> Result<f64> {
    let stat = std::fs::read_to_string(stat).context("no such process any more")?;
    // The name in brackets may hold spaces: count from the last bracket.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    Ok((ticks(11) + ticks(12)) / TICKS_PER_SECOND)
}

/// The most memory that a process has held so far, in bytes.
pub fn resident_peak_bytes(process: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes * 1024.0)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_process_tells_its_time_and_memory() {
        let own = std::process::id();
        let before = cpu_seconds(own).expect("own time");
        let peak = resident_peak_bytes(own).expect("own memory");
        assert!(peak > 500_000.0, "{peak}");
        let mut sum = 0_u64;
        while cpu_seconds(own).expect("own time") < before + 0.02 {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(thread_cpu_seconds(own, "no such thread").is_ok_and(|seconds| seconds == 0.0));
        let busy = std::thread::Builder::new()
            .name("busy".into())
            .spawn(move || while thread_cpu_seconds(own, "busy").expect("own time") < 0.02 {});
        busy.expect("a thread").join().expect("seen to work");
    }
}
