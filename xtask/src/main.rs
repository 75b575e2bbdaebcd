//! `cargo xtask run | test | bench call | bench mesh | bench network`: installs what the system lacks, then builds and runs.
//!
//! Uses nothing but the standard library and `anyhow`, so that a newcomer's first command compiles it in seconds.
//! It decides what to run and in which order; the measuring of `bench` is a program of its own in the crate `tests`.

mod needs;
mod report;
mod system;
mod tasks;

use anyhow::{Result, bail};
use std::process::ExitCode;

const USAGE: &str = "\
Conclave's helper.

  cargo xtask run [--yes] [-- ARGS]      install what is missing, build in release, open the app with ARGS
  cargo xtask test [--yes]               install what is missing, run everything that CI runs
  cargo xtask bench call [--yes] [-- ARGS]    measure a call between two headless programs (-- --help: its options)
  cargo xtask bench mesh [--yes] [-- ARGS]    measure rooms of 4, 8 and 16 people
  cargo xtask bench network [--yes] [OPTIONS]  measure calls on links that lose, delay and shrink (--help: its options)

  --yes    install missing system packages without asking (also when nobody is at the terminal)";

fn main() -> ExitCode {
    match Request::parse(std::env::args().skip(1)).and_then(Request::carry_out) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::from(2)
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Task {
    Run,
    Test,
    BenchCall,
    BenchMesh,
    BenchNetwork,
    Help,
}

/// What was typed, checked.
#[derive(Debug, PartialEq, Eq)]
struct Request {
    task: Task,
    yes: bool,
    passed_on: Vec<String>,
}

impl Request {
    fn parse(arguments: impl Iterator<Item = String>) -> Result<Request> {
        let mut words = Vec::new();
        let (mut yes, mut help) = (false, false);
        let mut passed_on = Vec::new();
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            // Its options are many and none of them is ours.
            let of_network = words == ["bench", "network"] && !matches!(argument.as_str(), "--" | "--yes" | "-y");
            match argument.as_str() {
                _ if of_network => passed_on.push(argument),
                "--" => passed_on.extend(arguments.by_ref()),
                "--yes" | "-y" => yes = true,
                "--help" | "-h" | "help" => help = true,
                option if option.starts_with('-') => {
                    bail!("{option} is not known. Words for the program itself go after `--`.\n\n{USAGE}")
                }
                _ => words.push(argument),
            }
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let task = match (help, words.as_slice()) {
            (true, _) | (_, []) => Task::Help,
            (_, ["run"]) => Task::Run,
            (_, ["test"]) => Task::Test,
            (_, ["bench", "call"]) => Task::BenchCall,
            (_, ["bench", "mesh"]) => Task::BenchMesh,
            (_, ["bench", "network"]) => Task::BenchNetwork,
            (_, other) => bail!("`{}` is not known.\n\n{USAGE}", other.join(" ")),
        };
        if task == Task::Test && !passed_on.is_empty() {
            bail!("`test` takes nothing after `--`; for a single test use `cargo test -p CRATE NAME`.");
        }
        Ok(Request { task, yes, passed_on })
    }

    fn carry_out(self) -> Result<ExitCode> {
        match self.task {
            Task::Help => {
                println!("{USAGE}");
                Ok(ExitCode::SUCCESS)
            }
            Task::Run => tasks::run(self.yes, &self.passed_on),
            Task::Test => tasks::test(self.yes),
            Task::BenchCall => tasks::bench_call(self.yes, &self.passed_on),
            Task::BenchMesh => tasks::bench_mesh(self.yes, &self.passed_on),
            Task::BenchNetwork => tasks::bench_network(self.yes, &self.passed_on),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Request> {
        Request::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn words_after_the_dashes_belong_to_the_program() {
        let request = parse("run --yes -- join conclave:x --yes").expect("a good line");
        assert_eq!(request.task, Task::Run);
        assert!(request.yes);
        assert_eq!(request.passed_on, ["join", "conclave:x", "--yes"]);
        assert!(!parse("run -- --yes").expect("a good line").yes);
    }

    #[test]
    fn options_of_the_network_bench_need_no_dashes_before_them() {
        for line in ["bench network --yes --only dip --runs 1", "bench network --only dip -- --runs 1"] {
            let request = parse(line).expect("a good line");
            assert_eq!(request.task, Task::BenchNetwork);
            assert_eq!(request.passed_on, ["--only", "dip", "--runs", "1"]);
        }
    }

    #[test]
    fn an_unknown_word_is_told_and_nothing_is_run() {
        for line in ["fly", "bench", "bench home", "run --fast", "test -- one"] {
            assert!(parse(line).is_err(), "{line}");
        }
        assert_eq!(parse("").expect("help").task, Task::Help);
        assert_eq!(parse("run --help").expect("help").task, Task::Help);
    }
}
