//! One `conclave headless` process, its events and commands. Ends with the test, whatever happens.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Lines that a test has not looked at yet: minutes of a call. A fuller one makes the program wait, which a test notices.
const WAITING_EVENTS: usize = 4096;

/// Longer than the thirty seconds after which a silent member counts as gone; nobody waits that long when all is well.
const DEADLINE: Duration = Duration::from_secs(60);

/// A running process.
pub(crate) struct Party {
    child: Child,
    stdin: Option<ChildStdin>,
    events: Receiver<Value>,
    /// Everything that was read so far, for messages and for looking back.
    pub(crate) seen: Vec<Value>,
    pub(crate) folder: PathBuf,
    name: String,
}

impl Party {
    /// Makes a meeting, without devices unless `more` says otherwise.
    pub(crate) fn new_meeting(root: &Path, name: &str, more: &[&str]) -> Self {
        Self::start(root, name, &[&["--new"], more].concat())
    }

    /// Knocks.
    pub(crate) fn join(root: &Path, name: &str, invite: &str, more: &[&str]) -> Self {
        Self::start(root, name, &[&["--join", invite], more].concat())
    }

    fn start(root: &Path, name: &str, more: &[&str]) -> Self {
        let folder = root.join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        let mut command = Command::new(env!("CARGO_BIN_EXE_conclave"));
        command.args(["headless", "--name", name, "--data-dir"]).arg(folder.join("data")).args(more);
        for device in ["--camera", "--microphone", "--speaker"] {
            if !more.contains(&device) {
                command.args([device, "none"]);
            }
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).current_dir(&folder);
        let mut child = command.spawn().expect("the program starts");
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().expect("a pipe");
        let (sender, events) = sync_channel(WAITING_EVENTS);
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let value = serde_json::from_str(&line).unwrap_or_else(|why| panic!("{why}: {line}"));
                if sender.send(value).is_err() {
                    return;
                }
            }
        });
        Self { child, stdin, events, seen: Vec::new(), folder, name: name.to_owned() }
    }

    /// The next event of this name.
    pub(crate) fn wait(&mut self, event: &str) -> Value {
        self.wait_until(event, |value| value["event"] == event)
    }

    /// The next event that `is_it`.
    pub(crate) fn wait_until(&mut self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + DEADLINE;
        loop {
            match self.events.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(value) => {
                    assert!(value["unix_us"].is_u64(), "every event has its moment: {value}");
                    self.seen.push(value.clone());
                    if is_it(&value) {
                        return value;
                    }
                }
                Err(RecvTimeoutError::Timeout) => panic!("{}: no {what} in time; {}", self.name, self.story()),
                Err(RecvTimeoutError::Disconnected) => panic!("{}: ended before {what}; {}", self.name, self.story()),
            }
        }
    }

    /// The next statistics in which `is_it` holds for the only other person.
    pub(crate) fn wait_for_figures(&mut self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let stats = self.wait_until(what, |value| {
            value["event"] == "stats" && value["people"].as_array().is_some_and(|people| people.iter().any(&is_it))
        });
        stats["people"][0].clone()
    }

    /// Waits for the end. Gives the exit code.
    pub(crate) fn wait_for_end(&mut self) -> i32 {
        let end = Instant::now() + DEADLINE;
        loop {
            match self.events.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(value) => self.seen.push(value),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("{}: does not end; {}", self.name, self.story()),
            }
        }
        // Its stdout is closed, so it is at its very end.
        let status: ExitStatus = self.child.wait().expect("a child");
        status.code().unwrap_or(-1)
    }

    /// The first event of this name so far.
    pub(crate) fn earlier(&self, event: &str) -> &Value {
        self.seen
            .iter()
            .find(|value| value["event"] == event)
            .unwrap_or_else(|| panic!("{}: no {event} so far; {}", self.name, self.story()))
    }

    /// Sends one line.
    pub(crate) fn say(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("stdin is open");
        writeln!(stdin, "{line}").expect("it reads");
        stdin.flush().expect("it reads");
    }

    pub(crate) fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// As `kill -9`: no goodbye.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("a child");
        self.child.wait().expect("a child");
    }

    /// As `kill`: asks it to end.
    pub(crate) fn terminate(&self) {
        let status = Command::new("kill").arg(self.child.id().to_string()).status().expect("kill is there");
        assert!(status.success());
    }

    fn story(&self) -> String {
        let lines: Vec<String> = self.seen.iter().rev().take(12).rev().map(Value::to_string).collect();
        format!("its last events:\n{}", lines.join("\n"))
    }
}

impl Drop for Party {
    fn drop(&mut self) {
        if self.child.kill().is_ok() && self.child.wait().is_err() {
            eprintln!("{} is left behind", self.name);
        }
    }
}

/// A text field.
pub(crate) fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_else(|| panic!("no {field} in {value}")).to_owned()
}

/// Two who are in one room.
pub(crate) fn call(root: &Path, first: &[&str], second: &[&str]) -> (Party, Party) {
    let mut ann = Party::new_meeting(root, "Ann", first);
    let invite = text(&ann.wait("invite"), "invite");
    let mut ben = Party::join(root, "Ben", &invite, second);
    let knock = ann.wait("knock");
    assert_eq!(text(&knock, "name"), "Ben");
    ann.say(&format!("{{\"command\":\"admit\",\"who\":\"{}\"}}", text(&knock, "who")));
    ben.wait("admitted");
    assert_eq!(text(&ben.wait("joined"), "name"), "Ann");
    assert_eq!(text(&ann.wait("joined"), "name"), "Ben");
    (ann, ben)
}
