//! Light peers (`conclave headless --light N`): many people in one process, with real sockets, sessions and cores, but
//! without devices, encoders and decoders. For measuring a full room on one machine, and for tests of it.
//!
//! One thread serves them all, in turns of five milliseconds; only the network's threads are each peer's own. Events are the
//! lines of `headless`, each with the number of its `peer`, from 1. The only command is `leave`.

mod material;
mod peer;
mod playing;

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use conclave_media::ahead::AheadError;
use conclave_media::clock;
use conclave_net::{Node, NodeConfig, Role, device_key};
use conclave_proto::time::Bitrate;
use serde::Serialize;
use tokio::time::MissedTickBehavior;

use crate::cli::Headless;
use crate::engine::{EndReason, Fault, ReportEvent, Tiles, Trouble, check_invite};
use crate::headless::{self, Line};
use material::Material;
use peer::{LightPeer, Manners, Standing, Told};
use playing::Playing;

/// How often everybody is looked at: sound is due every 20 ms, and a first picture is timed so exactly.
const TURN: Duration = Duration::from_millis(5);
/// How long goodbyes may take.
const GOODBYES: Duration = Duration::from_secs(2);

/// Takes part as `count` people until it is over. Exit codes: see `cli.rs`.
#[must_use]
pub fn run(arguments: &Headless, count: u32) -> ExitCode {
    let config = arguments.config();
    let size = (config.width, config.height);
    let material = Material::new(config.camera.clone(), &config.microphone, size, config.fps);
    let material = match material {
        Ok(material) => material,
        Err(error) => {
            let fault = if matches!(error, AheadError::Codec(_)) { Fault::Ours } else { Fault::Yours };
            return fail(&Trouble::sentences(&error, fault), ExitCode::from(2));
        }
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&Trouble::no_thread(&error), ExitCode::FAILURE),
    };
    let crowd = Crowd { arguments: arguments.clone(), count, material, peers: Vec::new(), failed: None };
    let code = runtime.block_on(crowd.take_part());
    runtime.shutdown_background();
    code
}

/// All light peers of this process.
struct Crowd {
    arguments: Headless,
    count: u32,
    material: std::sync::Arc<Material>,
    peers: Vec<LightPeer>,
    /// Why no further one could be started.
    failed: Option<ExitCode>,
}

impl Crowd {
    async fn take_part(mut self) -> ExitCode {
        let mut lines = headless::read_lines();
        let mut reading = true;
        let mut stop = std::pin::pin!(headless::told_to_stop(self.arguments.seconds));
        let mut turns = tokio::time::interval(TURN);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = turns.tick() => {
                    self.start_next().await;
                    if self.turn().is_err() || self.is_over() {
                        break;
                    }
                }
                line = lines.recv(), if reading => match line {
                    Some(Ok(Line::Leave {})) => break,
                    Some(Ok(_)) => tell_or_log(0, &peer::error(&only_leave())),
                    Some(Err(trouble)) => tell_or_log(0, &peer::error(&trouble)),
                    None => reading = false,
                },
                () = &mut stop => break,
            }
        }
        self.leave(&mut turns).await
    }

    /// One after the other: only so many may stand at a door at once.
    async fn start_next(&mut self) {
        let waits = self.peers.last().is_some_and(|last| last.standing == Standing::Entering);
        if waits || self.failed.is_some() || self.peers.len() >= self.count as usize {
            return;
        }
        let number = u32::try_from(self.peers.len()).unwrap_or(u32::MAX) + 1;
        match self.start(number).await {
            Ok(peer) => self.peers.push(peer),
            Err((trouble, code)) => {
                tell_or_log(number, &peer::error(&trouble));
                tell_or_log(number, &ReportEvent::Ended { reason: EndReason::NotStarted });
                self.failed = Some(ExitCode::from(code));
            }
        }
    }

    async fn start(&self, number: u32) -> Result<LightPeer, (Trouble, u8)> {
        let invite = self.arguments.join.clone().or_else(|| self.peers.first()?.invite.clone());
        let role = match &invite {
            Some(text) => Role::Join(check_invite(text).map_err(|trouble| (trouble, 2))?),
            None => Role::New,
        };
        let makes_meeting = matches!(role, Role::New);
        let folder = self.arguments.data_dir.join(number.to_string());
        let device = device_key::load_or_create(&folder).map_err(|error| (Trouble::from(&error), 4))?;
        let call = &self.arguments.call;
        let (node, events) = Node::start(NodeConfig {
            device,
            name: format!("{} {number}", self.arguments.name),
            port: if number == 1 { call.port.unwrap_or(0) } else { 0 },
            lan_only: call.lan_only,
            visible: false,
            role,
            max_bitrate: call.max_bitrate.map(Bitrate::from_kbps),
        })
        .await
        .map_err(|error| (Trouble::from(&error), 4))?;
        let tiles = Tiles { height: self.arguments.tile_height, most: self.arguments.tiles };
        let manners = Manners { tiles, admits_all: self.arguments.admit_all || makes_meeting, makes_meeting };
        let playing = Playing::new(self.material.clone(), number, clock::now_us());
        Ok(LightPeer::new(node, events, playing, manners))
    }

    /// `Err`: nobody reads any more.
    fn turn(&mut self) -> io::Result<()> {
        let now_us = clock::now_us();
        let mut lines = Vec::new();
        let mut told = Told::new();
        for (number, peer) in (1..).zip(&mut self.peers) {
            peer.turn(now_us, &mut told);
            for (at_us, event) in told.drain(..) {
                line(number, &event, clock::to_unix_us(at_us), &mut lines)?;
            }
        }
        if lines.is_empty() { Ok(()) } else { print(&lines) }
    }

    /// Nobody is in the meeting any more, and nobody will be.
    fn is_over(&self) -> bool {
        let none_to_come = self.failed.is_some() || self.peers.len() == self.count as usize;
        let over = self.peers.iter().all(|peer| matches!(peer.standing, Standing::Over(_)));
        over && (none_to_come || !self.peers.is_empty())
    }

    /// Says goodbye for all and waits until it is out.
    async fn leave(mut self, turns: &mut tokio::time::Interval) -> ExitCode {
        self.peers.iter_mut().for_each(LightPeer::leave);
        let deadline = Instant::now() + GOODBYES;
        while Instant::now() < deadline && !self.peers.iter().all(LightPeer::has_ended) {
            turns.tick().await;
            if self.turn().is_err() {
                break;
            }
        }
        let mut code = self.failed.unwrap_or(ExitCode::SUCCESS);
        for (number, peer) in (1..).zip(&self.peers) {
            let Standing::Over(reason) = peer.standing else { continue };
            if reason != EndReason::Left && self.failed.is_none() {
                code = headless::exit_code(reason);
            }
            tell_or_log(number, &ReportEvent::Ended { reason });
        }
        code
    }
}

fn only_leave() -> Trouble {
    Trouble::new("Light peers know no such command.", Fault::Yours, "They take {\"command\":\"leave\"} only.")
}

fn fail(trouble: &Trouble, code: ExitCode) -> ExitCode {
    tell_or_log(0, &peer::error(trouble));
    code
}

/// Something that happened now. `peer` 0: to all of them.
fn tell_or_log(peer: u32, event: &ReportEvent) {
    let mut lines = Vec::new();
    let told = line(peer, event, clock::to_unix_us(clock::now_us()), &mut lines).and_then(|()| print(&lines));
    if told.is_err() {
        tracing::debug!("nobody reads the events");
    }
}

fn line(peer: u32, event: &ReportEvent, unix_us: u64, out: &mut Vec<u8>) -> io::Result<()> {
    #[derive(Serialize)]
    struct Out<'a> {
        #[serde(flatten)]
        event: &'a ReportEvent,
        unix_us: u64,
        peer: u32,
    }
    serde_json::to_writer(&mut *out, &Out { event, unix_us, peer })?;
    out.push(b'\n');
    Ok(())
}

fn print(lines: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(lines)?;
    out.flush()
}
