//! Runs the steps of a task one after the other: a heading, the step's own output as it comes, its time; at the end
//! one line per step, and last of all what failed with the end of its output, so that nobody has to scroll.
//!
//! A failed step does not stop the next ones. Called by `tasks`.

use anyhow::{Context, Result, bail};
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, IsTerminal, Read, Write};
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Lines of a failed step's output that are shown again at the end.
const LAST_LINES: usize = 60;

pub(crate) struct Steps {
    started: Instant,
    done: Vec<Done>,
}

struct Done {
    name: &'static str,
    outcome: Outcome,
    took: Duration,
}

enum Outcome {
    Passed,
    /// Why it was not done; never counts as passed.
    Skipped(String),
    Failed {
        command: String,
        last_lines: VecDeque<String>,
    },
}

impl Steps {
    pub(crate) fn new() -> Steps {
        Steps { started: Instant::now(), done: Vec::new() }
    }

    /// Runs one step. Its output is passed on line by line and its end kept.
    pub(crate) fn run(&mut self, name: &'static str, command: &mut Command) -> Result<()> {
        let words: Vec<String> = std::iter::once(command.get_program())
            .chain(command.get_args())
            .map(|word| word.to_string_lossy().into_owned())
            .collect();
        heading(name, &words.join(" "));
        let started = Instant::now();
        let (status, last_lines) = run_and_keep_end(command).with_context(|| format!("could not run {}", words[0]))?;
        let passed = status.success();
        // Whoever ended this step wants an end of it all. A test that died of a signal ends cargo with a plain code.
        if status.code().is_none() {
            bail!("{name} was ended from outside ({status})");
        }
        let outcome = if passed { Outcome::Passed } else { Outcome::Failed { command: words.join(" "), last_lines } };
        let took = started.elapsed();
        println!("{} {name} in {}", mark(&outcome), duration(took));
        self.done.push(Done { name, outcome, took });
        Ok(())
    }

    pub(crate) fn skip(&mut self, name: &'static str, why: impl Into<String>) {
        self.done.push(Done { name, outcome: Outcome::Skipped(why.into()), took: Duration::ZERO });
    }

    /// The table, then the failures.
    pub(crate) fn finish(self) -> ExitCode {
        println!();
        for done in &self.done {
            let note = match &done.outcome {
                Outcome::Skipped(why) => format!("  {why}"),
                Outcome::Passed | Outcome::Failed { .. } => String::new(),
            };
            println!("{} {:<28}{:>8}{note}", mark(&done.outcome), done.name, duration(done.took));
        }
        let total = duration(self.started.elapsed());
        let mut failures = 0;
        for done in &self.done {
            if let Outcome::Failed { command, last_lines } = &done.outcome {
                failures += 1;
                println!("\n{} {}: {command}", mark(&done.outcome), bold(done.name));
                for line in last_lines {
                    println!("    {line}");
                }
            }
        }
        if failures == 0 {
            println!("\n{} in {total}", bold("All passed"));
            ExitCode::SUCCESS
        } else {
            println!("\n{} in {total}: {failures} of {} steps", bold("FAILED"), self.done.len());
            ExitCode::FAILURE
        }
    }
}

fn run_and_keep_end(command: &mut Command) -> Result<(ExitStatus, VecDeque<String>)> {
    if std::io::stdout().is_terminal() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let (lines_in, lines_out) = std::sync::mpsc::sync_channel::<String>(256);
    let readers: Vec<_> = [out.map(boxed), err.map(boxed)]
        .into_iter()
        .flatten()
        .map(|stream| {
            let lines_in = lines_in.clone();
            std::thread::spawn(move || pass_on(stream, &lines_in))
        })
        .collect();
    drop(lines_in);
    let mut last_lines = VecDeque::with_capacity(LAST_LINES);
    let mut screen = std::io::stdout().lock();
    for line in lines_out {
        writeln!(screen, "{line}")?;
        if last_lines.len() == LAST_LINES {
            last_lines.pop_front();
        }
        last_lines.push_back(line);
    }
    for reader in readers {
        reader.join().ok();
    }
    Ok((child.wait()?, last_lines))
}

fn boxed(stream: impl Read + Send + 'static) -> Box<dyn Read + Send> {
    Box::new(stream)
}

fn pass_on(stream: Box<dyn Read + Send>, lines: &std::sync::mpsc::SyncSender<String>) {
    for line in BufReader::new(stream).split(b'\n') {
        let Ok(line) = line else { return };
        if lines.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
            return;
        }
    }
}

/// Says what is about to be run.
pub(crate) fn command(words: &[&str]) {
    println!("$ {}", words.join(" "));
}

pub(crate) fn note(sentence: &str) {
    println!("{} {sentence}", coloured("32", "✓"));
}

fn heading(name: &str, command: &str) {
    println!("\n{} {}", bold(name), coloured("2", &format!("$ {command}")));
}

fn mark(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Passed => coloured("32", "✓"),
        Outcome::Skipped(_) => coloured("33", "-"),
        Outcome::Failed { .. } => coloured("31", "✗"),
    }
}

fn bold(text: &str) -> String {
    coloured("1", text)
}

fn coloured(code: &str, text: &str) -> String {
    if std::io::stdout().is_terminal() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}

fn duration(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds >= 60.0 {
        format!("{}m{:02}s", time.as_secs() / 60, time.as_secs() % 60)
    } else {
        format!("{seconds:.1}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_step_fails_the_whole_and_keeps_what_it_said_last() {
        let mut steps = Steps::new();
        let script = "for i in 1 2 3; do echo line $i; done; seq 1 100 >&2; exit 3";
        steps.run("fails", Command::new("sh").args(["-c", script])).expect("sh runs");
        steps.run("passes", Command::new("sh").args(["-c", "echo fine"])).expect("sh runs");
        let Outcome::Failed { last_lines, .. } = &steps.done[0].outcome else { panic!("exit 3 is a failure") };
        assert_eq!(last_lines.len(), LAST_LINES);
        assert!(matches!(steps.done[1].outcome, Outcome::Passed));
        assert_eq!(steps.finish(), ExitCode::FAILURE);
    }

    #[cfg(unix)]
    #[test]
    fn a_step_that_was_ended_from_outside_ends_everything() {
        assert!(Steps::new().run("ended", Command::new("sh").args(["-c", "kill -TERM $$"])).is_err());
    }

    #[test]
    fn a_skipped_step_does_not_fail_the_whole() {
        let mut steps = Steps::new();
        steps.skip("licences", "cargo-deny is not installed");
        assert_eq!(steps.finish(), ExitCode::SUCCESS);
    }
}
