//! The program without a window: each event one line of JSON on stdout, each command one line of JSON on stdin. It is the
//! test bench, the kiosk in the meeting room, and the bot. Nothing that comes in on stdin can end it but `leave`.
//!
//! Words of the events: `engine/report.rs`. Words of the commands: `Line`.

use std::io::{self, BufRead, Read as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::cli::Headless;
use crate::engine::{
    self, Command, EndReason, Engine, EngineHandle, Fault, Reaction, Report, ReportEvent, Rule, Trouble,
};
use crate::light;

/// Reports waiting to be printed. A reader that stops reading for a minute loses some; the meeting goes on.
const REPORTS: usize = 4096;
/// Commands waiting. They are executed in microseconds.
const LINES: usize = 64;
/// No command is longer.
const LINE_BYTES_MAX: u64 = 64 * 1024;

/// One command.
#[derive(Debug, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Line {
    Admit { who: String },
    Deny { who: String },
    Mute { on: bool },
    Camera { on: bool },
    Block { who: String },
    Remove { who: String },
    Role { who: String, admin: bool },
    Rule { rule: Rule, on: bool },
    Revoke {},
    Verify { who: String },
    Chat { text: String },
    Hand { up: bool },
    React { reaction: Reaction },
    AskMute { who: Option<String> },
    Offer { who: Option<String>, path: PathBuf },
    Accept { id: u64 },
    Cancel { id: u64 },
    Tile { who: String, height: u32 },
    Pin { who: Option<String> },
    Leave {},
}

impl From<Line> for Command {
    fn from(line: Line) -> Self {
        match line {
            Line::Admit { who } => Self::Admit(who),
            Line::Deny { who } => Self::Deny(who),
            Line::Mute { on } => Self::SetMuted(on),
            Line::Camera { on } => Self::SetCamera(on),
            Line::Block { who } => Self::Block(who),
            Line::Remove { who } => Self::Remove(who),
            Line::Role { who, admin } => Self::SetAdmin { who, admin },
            Line::Rule { rule, on } => Self::SetRule(rule, on),
            Line::Revoke {} => Self::RevokeInvites,
            Line::Verify { who } => Self::Verify(who),
            Line::Chat { text } => Self::Chat(text),
            Line::Hand { up } => Self::RaiseHand(up),
            Line::React { reaction } => Self::React(reaction),
            Line::AskMute { who } => Self::AskToMute(who),
            Line::Offer { who, path } => Self::OfferFile { who, path },
            Line::Accept { id } => Self::AcceptFile(id),
            Line::Cancel { id } => Self::CancelFile(id),
            Line::Tile { who, height } => Self::SetTileHeight { who, height },
            Line::Pin { who } => Self::Pin(who),
            Line::Leave {} => Self::Leave,
        }
    }
}

/// Takes part until it is over. Exit codes: see `cli.rs`.
#[must_use]
pub fn run(arguments: &Headless) -> ExitCode {
    if let Some(count) = arguments.light {
        return light::run(arguments, count);
    }
    let first = match &arguments.join {
        None => Command::PrepareNew,
        Some(text) => match engine::check_invite(text) {
            Ok(_) => Command::PrepareJoin { invite: text.clone() },
            Err(trouble) => {
                let printed = print(&now(error(&trouble)));
                return if printed.is_ok() { ExitCode::from(2) } else { ExitCode::FAILURE };
            }
        },
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(why) => {
            eprintln!("Conclave cannot start: {why}. Close other programs.");
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(take_part(arguments, first));
    runtime.shutdown_background();
    code
}

async fn take_part(arguments: &Headless, first: Command) -> ExitCode {
    let (reporter, mut reports) = mpsc::channel(REPORTS);
    let mut config = arguments.config();
    config.reporter = Some(reporter);
    let mut engine = Some(Engine::start(config, || {}));
    for command in [first, Command::Enter] {
        send(engine.as_ref(), command);
    }
    let mut lines = read_lines();
    let mut stop = std::pin::pin!(told_to_stop(arguments.seconds));
    let (mut stopping, mut reading, mut code) = (false, true, ExitCode::FAILURE);
    loop {
        tokio::select! {
            report = reports.recv() => {
                // The engine's thread has ended and everything was printed.
                let Some(report) = report else { return code };
                if let ReportEvent::Ended { reason } = report.event {
                    code = exit_code(reason);
                    // Dropping waits for goodbyes and files, which must not keep the last events from being printed.
                    if let Some(engine) = engine.take() {
                        tokio::task::spawn_blocking(move || drop(engine));
                    }
                }
                if print(&report).is_err() && !stopping {
                    // Nobody reads any more, so nobody could stop us either.
                    stopping = true;
                    leave(engine.as_ref());
                }
            }
            line = lines.recv(), if reading => match line {
                Some(Ok(Line::Leave {})) => leave(engine.as_ref()),
                Some(Ok(line)) => send(engine.as_ref(), line.into()),
                Some(Err(trouble)) => {
                    if print(&now(error(&trouble))).is_err() {
                        tracing::debug!("nobody reads the events");
                    }
                }
                // Closing stdin does not end the meeting.
                None => reading = false,
            },
            () = &mut stop, if !stopping => {
                stopping = true;
                leave(engine.as_ref());
            }
        }
    }
}

pub(crate) fn exit_code(reason: EndReason) -> ExitCode {
    match reason {
        EndReason::Left => ExitCode::SUCCESS,
        EndReason::Refused => ExitCode::from(3),
        EndReason::NotStarted => ExitCode::from(4),
        EndReason::Failed => ExitCode::FAILURE,
    }
}

/// The engine ends whatever state it is in; if that is a meeting, it is left first.
fn leave(engine: Option<&EngineHandle>) {
    send(engine, Command::Leave);
    send(engine, Command::Quit);
}

fn send(engine: Option<&EngineHandle>, command: Command) {
    if let Some(engine) = engine
        && engine.send(command).is_err()
    {
        let trouble = Trouble::new("A command came too fast and was not taken.", Fault::Yours, "Send it again.");
        if print(&now(error(&trouble))).is_err() {
            tracing::debug!("nobody reads the events");
        }
    }
}

/// Ends at SIGINT or SIGTERM, or when the time is over.
pub(crate) async fn told_to_stop(seconds: Option<u64>) {
    let time = async {
        match seconds {
            Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = time => {}
        () = signal() => {}
    }
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(not(unix))]
async fn signal() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Reads stdin on a thread of its own, which is left behind at the end: a read cannot be called back.
pub(crate) fn read_lines() -> mpsc::Receiver<Result<Line, Trouble>> {
    let (sender, receiver) = mpsc::channel(LINES);
    let thread = std::thread::Builder::new().name("stdin".into()).spawn(move || {
        let mut input = io::stdin().lock();
        while let Some(line) = next_line(&mut input) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    if let Err(why) = thread {
        tracing::error!(%why, "commands cannot be read");
    }
    receiver
}

/// The next command, or what is wrong with its line; `None` at the end. Empty lines are skipped.
fn next_line(input: &mut impl BufRead) -> Option<Result<Line, Trouble>> {
    loop {
        let mut bytes = Vec::new();
        if input.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut bytes).ok()? == 0 {
            return None;
        }
        if !bytes.ends_with(b"\n") && bytes.len() as u64 == LINE_BYTES_MAX {
            skip_line(input)?;
            return Some(Err(unknown("it is too long")));
        }
        let text = String::from_utf8_lossy(&bytes);
        if !text.trim().is_empty() {
            return Some(serde_json::from_str(&text).map_err(|why| unknown(&why.to_string())));
        }
    }
}

fn skip_line(input: &mut impl BufRead) -> Option<()> {
    loop {
        let bytes = input.fill_buf().ok()?;
        if bytes.is_empty() {
            return Some(());
        }
        let (skip, done) = match bytes.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (bytes.len(), false),
        };
        input.consume(skip);
        if done {
            return Some(());
        }
    }
}

fn unknown(why: &str) -> Trouble {
    Trouble::new(
        format!("A line is no command: {why}."),
        Fault::Yours,
        "Send one JSON object per line, such as {\"command\":\"mute\",\"on\":true}; commands are admit, deny, block, \
         remove, role, rule, revoke, verify, mute, camera, tile, pin, chat, hand, react, ask_mute, offer, accept, cancel \
         and leave.",
    )
}

fn error(trouble: &Trouble) -> ReportEvent {
    ReportEvent::Error {
        what: trouble.what.clone(),
        whose_fault: trouble.fault.words().to_owned(),
        remedy: trouble.remedy.clone(),
    }
}

fn now(event: ReportEvent) -> Report {
    let unix_us = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
    Report { unix_us: u64::try_from(unix_us).unwrap_or(u64::MAX), event }
}

/// One line, flushed: whoever reads acts on it at once.
fn print(report: &Report) -> io::Result<()> {
    #[derive(Serialize)]
    struct Out<'a> {
        #[serde(flatten)]
        event: &'a ReportEvent,
        unix_us: u64,
    }
    let mut line = serde_json::to_vec(&Out { event: &report.event, unix_us: report.unix_us })?;
    line.push(b'\n');
    let mut out = io::stdout().lock();
    out.write_all(&line)?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_is_pinned_and_nobody() {
        let command = |line: &str| serde_json::from_str::<Line>(line).map(Command::from).ok();
        assert_eq!(command(r#"{"command":"pin","who":"ab"}"#), Some(Command::Pin(Some("ab".to_owned()))));
        assert_eq!(command(r#"{"command":"pin","who":null}"#), Some(Command::Pin(None)));
        assert_eq!(command(r#"{"command":"pin"}"#), Some(Command::Pin(None)));
        assert_eq!(command(r#"{"command":"pin","who":7}"#), None);
    }

    #[test]
    fn a_bad_line_is_told_and_the_next_one_still_counts() {
        let long = format!("{{\"command\":\"{}\"}}\n", "x".repeat(100_000));
        let text = format!(
            "\n{{\n{{\"command\":\"dance\"}}\n{long}{{\"command\":\"mute\"}}\n{{\"command\":\"mute\",\"on\":true}}\n\u{0}\n{{\"command\":\"leave\"}}"
        );
        let mut input = text.as_bytes();
        let mut good = Vec::new();
        let mut bad = 0;
        while let Some(line) = next_line(&mut input) {
            match line {
                Ok(line) => good.push(Command::from(line)),
                Err(trouble) => {
                    bad += 1;
                    assert!(trouble.remedy.contains("mute"), "{trouble:?}");
                }
            }
        }
        assert_eq!(good, [Command::SetMuted(true), Command::Leave]);
        assert_eq!(bad, 5);
    }
}
