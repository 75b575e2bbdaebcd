//! A room of cores in virtual time on a clean network of one millisecond, all of whom may talk and show pictures. The work of
//! one can be measured by the clock: what comes while it works waits.

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use conclave_proto::core::{Command, Core, CoreConfig, Event, Output, SignalInput};
use conclave_proto::ecn::Ecn;
use conclave_proto::frames::{AudioFrame, SpatialLayer, VideoCodec, VideoFrame};
use conclave_proto::ids::PeerId;
use conclave_proto::keys::{DeviceKey, MeetingKey};
use conclave_proto::room::InviteOptions;
use conclave_proto::testing::SeededEntropy;
use conclave_proto::time::Instant;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

const DELAY: Duration = Duration::from_millis(1);
const SOUND_EVERY: Duration = Duration::from_millis(20);
const PICTURE_EVERY: Duration = Duration::from_micros(33_333);
/// A picture of 315 kbit/s.
const PICTURE_BYTES: usize = 1300;
const SOUND_BYTES: usize = 80;

enum Parcel {
    Datagram { to: usize, from: SocketAddr, bytes: Vec<u8> },
    Signal { to: usize, from: PeerId, input: SignalInput },
    Sound(usize),
    Picture(usize),
}

pub(crate) struct Node {
    pub(crate) core: Core,
    pub(crate) events: Vec<(Instant, Event)>,
    /// When it last sent anything to the deaf one.
    pub(crate) sent_to_deaf: Option<Instant>,
    wake: Option<Instant>,
    number: u32,
}

pub(crate) struct Room {
    pub(crate) now: Instant,
    pub(crate) nodes: Vec<Node>,
    pub(crate) talk: bool,
    /// Gets nothing any more.
    pub(crate) deaf: Option<usize>,
    /// Whose work is measured by the clock.
    pub(crate) measured: Option<usize>,
    parcels: BTreeMap<(Instant, u64), Parcel>,
    sequence: u64,
    /// When the measured one will have done what it was given, by the clock.
    free_at: Instant,
    latest: Duration,
    busiest: Duration,
}

fn address(n: usize) -> SocketAddr {
    SocketAddr::from(([192, 168, 7, n as u8 + 1], 4000))
}

fn config(seed: u64, n: usize) -> Result<CoreConfig> {
    let mut entropy = SeededEntropy::new(seed * 100 + n as u64 + 1);
    let key = |entropy: &mut SeededEntropy| entropy.seed32();
    let device = DeviceKey::from_seed(&key(&mut entropy)).ok().context("a key")?;
    let meeting_key = MeetingKey::from_seed(&key(&mut entropy)).ok().context("a key")?;
    Ok(CoreConfig { device, meeting_key, name: format!("Person {n}"), entropy: Box::new(entropy) })
}

impl Room {
    /// So many people who all know each other.
    pub(crate) fn of(people: usize, seed: u64) -> Result<Room> {
        let mut room = Room {
            now: Instant::from_micros(1_000_000),
            nodes: Vec::new(),
            talk: false,
            deaf: None,
            measured: None,
            parcels: BTreeMap::new(),
            sequence: 0,
            free_at: Instant::ZERO,
            latest: Duration::ZERO,
            busiest: Duration::ZERO,
        };
        room.add(Core::create(config(seed, 0)?, room.now));
        for n in 1..people {
            let invite = room.nodes[0]
                .core
                .invite(room.now, InviteOptions::default(), vec![address(0)])
                .ok()
                .context("an invite")?;
            room.add(Core::join(config(seed, n)?, invite, room.now));
            let end = room.now + Duration::from_secs(10);
            while !(0..=n).all(|other| room.joined(other) == n) {
                if !room.step(end) {
                    bail!("person {n} did not come in");
                }
            }
        }
        Ok(room)
    }

    fn joined(&self, n: usize) -> usize {
        self.nodes[n].events.iter().filter(|(_, event)| matches!(event, Event::Joined { .. })).count()
    }

    fn add(&mut self, core: Core) {
        let n = self.nodes.len();
        let node = Node { core, events: Vec::new(), sent_to_deaf: None, wake: None, number: 0 };
        self.nodes.push(node);
        self.command(n, Command::SetLocalAddresses(vec![address(n)]));
        self.post(Duration::from_micros(n as u64 * 1237), Parcel::Sound(n));
        self.post(Duration::from_micros(n as u64 * 2081), Parcel::Picture(n));
    }

    pub(crate) fn id(&self, n: usize) -> PeerId {
        self.nodes[n].core.peer_id()
    }

    /// What makes no sense now is refused, and that is no matter here.
    pub(crate) fn command(&mut self, n: usize, command: Command) {
        self.work(n, |core, now| {
            core.handle_command(now, command).ok();
        });
    }

    /// How late anything was done at most since it was last asked, and the longest piece of work.
    pub(crate) fn take_measured(&mut self) -> (Duration, Duration) {
        (std::mem::take(&mut self.latest), std::mem::take(&mut self.busiest))
    }

    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.step(end) {}
        self.now = end;
    }

    fn step(&mut self, end: Instant) -> bool {
        let parcel = self.parcels.first_key_value().map(|((at, _), _)| *at);
        let wake = self.nodes.iter().filter_map(|node| node.wake).min();
        let Some(next) = parcel.into_iter().chain(wake).min().filter(|next| *next <= end) else { return false };
        self.now = self.now.max(next);
        if parcel.is_some_and(|at| at <= self.now) {
            if let Some((_, parcel)) = self.parcels.pop_first() {
                self.deliver(parcel);
            }
        } else {
            for n in 0..self.nodes.len() {
                if self.nodes[n].wake.take_if(|at| *at <= self.now).is_some() {
                    self.work(n, |core, now| core.handle_timeout(now));
                }
            }
        }
        true
    }

    fn deliver(&mut self, parcel: Parcel) {
        match parcel {
            Parcel::Datagram { to, .. } if self.deaf == Some(to) => {}
            Parcel::Datagram { to, from, mut bytes } => {
                self.work(to, |core, now| core.handle_datagram(now, from, Ecn::NotCapable, &mut bytes));
            }
            Parcel::Signal { to, from, input } => self.work(to, |core, now| core.handle_signal(now, from, input)),
            Parcel::Sound(n) => {
                self.post(SOUND_EVERY, Parcel::Sound(n));
                if self.talk {
                    let frame = self.sound(n);
                    self.command(n, Command::SendAudio(frame));
                }
            }
            Parcel::Picture(n) => {
                self.post(PICTURE_EVERY, Parcel::Picture(n));
                if self.talk {
                    let frame = self.picture(n);
                    self.command(n, Command::SendVideo(frame));
                }
            }
        }
    }

    fn sound(&mut self, n: usize) -> AudioFrame {
        let sequence = (self.now.as_micros() / 20_000) as u32;
        let payload = Bytes::from(vec![n as u8; SOUND_BYTES]);
        AudioFrame { sequence, position: u64::from(sequence) * 960, level: 90, is_copy: false, payload }
    }

    fn picture(&mut self, n: usize) -> VideoFrame {
        let number = self.nodes[n].number;
        self.nodes[n].number += 1;
        VideoFrame {
            layer: SpatialLayer::Medium,
            temporal: 0,
            number,
            // Often a key frame, so that nobody has to ask.
            needs_back: u8::from(!number.is_multiple_of(30)),
            codec: VideoCodec::Av1,
            captured_us: self.now.as_micros(),
            width: 640,
            height: 360,
            payload: Bytes::from(vec![n as u8; PICTURE_BYTES]),
        }
    }

    /// Lets one core do something and takes out all that comes of it.
    fn work(&mut self, n: usize, input: impl FnOnce(&mut Core, Instant)) {
        let now = self.now;
        let start = std::time::Instant::now();
        input(&mut self.nodes[n].core, now);
        let mut outputs = Vec::new();
        while let Some(output) = self.nodes[n].core.poll_output() {
            outputs.push(output);
        }
        if self.measured == Some(n) {
            let began = self.free_at.max(now);
            self.free_at = began + start.elapsed();
            self.latest = self.latest.max(self.free_at.since(now));
            self.busiest = self.busiest.max(start.elapsed());
        }
        outputs.into_iter().for_each(|output| self.take(n, output));
    }

    fn take(&mut self, n: usize, output: Output) {
        match output {
            Output::Transmit { to, datagram, .. } => {
                let Some(to) = (0..self.nodes.len()).find(|other| address(*other) == to) else { return };
                if self.deaf == Some(to) {
                    self.nodes[n].sent_to_deaf = Some(self.now);
                }
                self.post(DELAY, Parcel::Datagram { to, from: address(n), bytes: datagram });
            }
            Output::Signal(to, message) => self.signal(n, to, SignalInput::Message(message.into())),
            Output::OpenSignal(to, _) => {
                self.signal(n, to, SignalInput::Opened { remote: address(n) });
                if let Some(other) = self.position(to) {
                    let input = SignalInput::Opened { remote: address(other) };
                    self.post(DELAY, Parcel::Signal { to: n, from: to, input });
                }
            }
            Output::CloseSignal(to) => self.signal(n, to, SignalInput::Closed),
            Output::Event(Event::Audio(..) | Event::Video(..)) => {}
            Output::Event(event) => {
                if let Event::Knock { who, .. } = &event {
                    let admit = Command::Admit(*who);
                    self.nodes[n].events.push((self.now, event));
                    return self.command(n, admit);
                }
                self.nodes[n].events.push((self.now, event));
            }
            Output::WakeAt(at, _) => self.nodes[n].wake = Some(at),
        }
    }

    fn signal(&mut self, n: usize, to: PeerId, input: SignalInput) {
        let from = self.id(n);
        if let Some(to) = self.position(to) {
            self.post(DELAY, Parcel::Signal { to, from, input });
        }
    }

    fn position(&self, id: PeerId) -> Option<usize> {
        self.nodes.iter().position(|node| node.core.peer_id() == id)
    }

    fn post(&mut self, delay: Duration, parcel: Parcel) {
        self.sequence += 1;
        self.parcels.insert((self.now + delay, self.sequence), parcel);
    }
}
