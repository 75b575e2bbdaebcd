//! The tasks: what `run`, `test` and the benches do, in order.
//!
//! All cargo calls of `test` share one profile and the whole workspace's features, so that each dependency is built
//! once for running and once for checking, and never again. Called by `main`.

use crate::needs::{When, program};
use crate::report::{self, Steps};
use crate::system;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Builds in release and opens the app. Its exit code is ours.
pub(crate) fn run(yes: bool, arguments: &[String]) -> Result<ExitCode> {
    system::ensure(&[When::Building, When::Window], yes)?;
    let line = ["run", "--release", "--locked", "--package", "conclave", "--"];
    report::command(&["cargo run --release"]);
    hand_over(cargo(&line).args(arguments))
}

/// Everything that CI runs.
pub(crate) fn test(yes: bool) -> Result<ExitCode> {
    system::ensure(&[When::Building], yes)?;
    let mut steps = Steps::new();
    steps.run("format", &mut cargo(&["fmt", "--all", "--check"]))?;
    // By `test --no-run`, programs included: a plain build takes other features of some crates and would build them twice.
    steps.run("build", &mut cargo(&["test", "--workspace", "--locked", "--no-run"]))?;
    steps.run("tests", &mut cargo(&["test", "--workspace", "--locked", "--no-fail-fast"]))?;
    let clippy = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    steps.run("clippy", &mut cargo(&clippy))?;
    let mut doc = cargo(&["doc", "--workspace", "--no-deps", "--locked"]);
    steps.run("documentation", doc.env("RUSTDOCFLAGS", "-D warnings"))?;
    if program("cargo-deny").is_some() {
        steps.run("licences", &mut cargo(&["deny", "--offline", "check", "bans", "licenses", "sources"]))?;
    } else {
        steps.skip("licences", "cargo-deny is not installed");
    }
    Ok(steps.finish())
}

/// Lets the bench measure a call.
pub(crate) fn bench_call(yes: bool, arguments: &[String]) -> Result<ExitCode> {
    system::ensure(&[When::Building, When::Window], yes)?;
    bench("call", &[], arguments)
}

/// Lets the bench measure rooms of many. What the core does by itself is measured by an example, because it
/// needs features that only tests have.
pub(crate) fn bench_mesh(yes: bool, arguments: &[String]) -> Result<ExitCode> {
    system::ensure(&[When::Building], yes)?;
    bench("mesh", &["--example", "mesh_core", "--package", "conclave-tests"], arguments)
}

/// Lets the bench measure calls on bad links.
pub(crate) fn bench_network(yes: bool, arguments: &[String]) -> Result<ExitCode> {
    system::ensure(&[When::Building], yes)?;
    bench("network", &[], arguments)
}

/// Builds the app and the bench in release and starts the bench.
fn bench(what: &str, more: &[&str], arguments: &[String]) -> Result<ExitCode> {
    // Apart, so that the measured program has no feature that only tests use.
    let builds: [&[&str]; 3] = [&["--bins", "--package", "conclave"], &["--bins", "--package", "conclave-tests"], more];
    for selected in builds.into_iter().filter(|selected| !selected.is_empty()) {
        let build = cargo(&["build", "--release", "--locked"]).args(selected).status();
        if !build.context("could not start cargo")?.success() {
            return Ok(ExitCode::FAILURE);
        }
    }
    let bench = target_directory().join("release").join("bench");
    hand_over(Command::new(bench).current_dir(root()).arg(what).args(arguments))
}

fn hand_over(command: &mut Command) -> Result<ExitCode> {
    let status = command.status().with_context(|| format!("could not start {}", command.get_program().display()))?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Cargo in the root of the workspace, wherever it was called from.
fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root()).args(arguments);
    // A machine that throws its target directory away gains nothing from incremental compilation's bookkeeping.
    if std::env::var_os("CI").is_some() {
        command.env("CARGO_INCREMENTAL", "0");
    }
    command
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

fn target_directory() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |target| root().join(target))
}
