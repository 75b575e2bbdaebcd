//! A few cores in virtual time over seeded links: takes the smallest wake-up of all cores and parcels, sets the clock to it, lets
//! it happen, drains, checks what must never break. Signalling streams are reliable, ordered, slow, and may close.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use conclave_proto::core::{Command, Core, CoreConfig, Event, LeaveReason, Output, Refusal, SignalInput, WakeReason};
use conclave_proto::ecn::Ecn;
use conclave_proto::ids::PeerId;
use conclave_proto::keys::{DeviceKey, MeetingKey};
use conclave_proto::limits;
use conclave_proto::room::InviteOptions;
use conclave_proto::talk::{TalkCommand, TalkEvent};
use conclave_proto::testing::SeededEntropy;
use conclave_proto::time::Instant;

use crate::chat::Texts;
use crate::link::{Link, Profile};
use crate::media::{Studio, Witness};
use crate::random::Random;

const SIGNAL_DELAY: Duration = Duration::from_millis(20);
pub(crate) const SOUND_EVERY: Duration = Duration::from_millis(20);
pub(crate) const FPS: u64 = 15;
const TEXT_EVERY: Duration = Duration::from_millis(1700);
const PICTURE_EVERY: Duration = Duration::from_micros(1_000_000 / FPS);
/// More in one virtual second is a busy loop.
const STEPS_PER_SECOND: u32 = 60_000;

#[derive(Debug)]
enum Parcel {
    Datagram { to: SocketAddr, from: SocketAddr, bytes: Vec<u8> },
    Signal { to: usize, from: PeerId, stream: u64, input: SignalInput },
    Sound(usize),
    Picture(usize),
    Text(usize),
}

/// Where somebody stands, by the events told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    AtTheDoor,
    Inside,
    Out(Refusal),
    Left,
}

pub(crate) struct Node {
    pub(crate) core: Core,
    pub(crate) address: SocketAddr,
    pub(crate) alive: bool,
    /// The lid is closed: nothing comes in, nothing goes out.
    pub(crate) asleep: bool,
    /// How far its clock is behind, because it stood still.
    pub(crate) lag: Duration,
    pub(crate) standing: Standing,
    /// Who is in the room, by `Joined` and `Left`.
    pub(crate) roster: BTreeSet<PeerId>,
    pub(crate) left: Vec<(PeerId, LeaveReason)>,
    pub(crate) paths: Vec<(PeerId, SocketAddr)>,
    pub(crate) lost_paths: u32,
    pub(crate) incompatible: u32,
    pub(crate) knocks: BTreeSet<PeerId>,
    pub(crate) witness: BTreeMap<PeerId, Witness>,
    pub(crate) texts: Texts,
    pub(crate) keys_wanted: u32,
    pub(crate) studio: Studio,
    pub(crate) sends_media: bool,
    /// Recent datagrams that it sent, for replays.
    pub(crate) sent: Vec<(SocketAddr, Vec<u8>)>,
    pub(crate) wake: Option<(Instant, WakeReason)>,
    /// The last reasons to wake, for the message of a failure.
    woken: VecDeque<WakeReason>,
}

pub(crate) struct World {
    pub(crate) now: Instant,
    pub(crate) nodes: Vec<Node>,
    /// Admitted by the founder without being asked.
    pub(crate) doors_open: bool,
    pub(crate) signalling_down: bool,
    links: BTreeMap<(usize, usize), Link>,
    /// What all that somebody sends passes first, if there is such a thing.
    pub(crate) uplinks: BTreeMap<usize, Link>,
    profile: Profile,
    random: Random,
    parcels: BTreeMap<(Instant, u64), Parcel>,
    pub(crate) streams: BTreeMap<(usize, usize), u64>,
    /// Closed by one end: what was said before still arrives.
    closing: BTreeSet<u64>,
    /// Put out by the founder.
    removed: BTreeSet<PeerId>,
    sequence: u64,
    counters: BTreeSet<(usize, [u8; 12])>,
    steps: u32,
    pub(crate) moves: u16,
    trace: u64,
    /// `WORLD_LOG` is set: tells on stderr what happens.
    pub(crate) log: bool,
}

impl World {
    pub(crate) fn new(seed: u64, profile: Profile) -> Self {
        let mut world = Self {
            now: Instant::from_micros(1_000_000),
            nodes: Vec::new(),
            doors_open: true,
            signalling_down: false,
            links: BTreeMap::new(),
            uplinks: BTreeMap::new(),
            profile,
            random: Random::new(seed),
            parcels: BTreeMap::new(),
            streams: BTreeMap::new(),
            closing: BTreeSet::new(),
            removed: BTreeSet::new(),
            sequence: 0,
            counters: BTreeSet::new(),
            steps: 0,
            moves: 0,
            trace: 0xcbf2_9ce4_8422_2325,
            log: std::env::var_os("WORLD_LOG").is_some(),
        };
        let core = Core::create(world.config(), world.now);
        world.add(core, Standing::Inside);
        world
    }

    fn config(&mut self) -> CoreConfig {
        let mut entropy = SeededEntropy::new(self.random.next());
        CoreConfig {
            device: DeviceKey::from_seed(&entropy.seed32()).expect("any seed is a key"),
            meeting_key: MeetingKey::from_seed(&entropy.seed32()).expect("any seed is a key"),
            name: format!("Person {}", self.nodes.len()),
            entropy: Box::new(entropy),
        }
    }

    fn add(&mut self, core: Core, standing: Standing) -> usize {
        let n = self.nodes.len();
        let address = SocketAddr::from(([192, 168, 7, u8::try_from(n + 1).expect("few people")], 4000));
        self.nodes.push(Node {
            core,
            address,
            alive: true,
            asleep: false,
            lag: Duration::ZERO,
            standing,
            roster: BTreeSet::new(),
            left: Vec::new(),
            paths: Vec::new(),
            lost_paths: 0,
            incompatible: 0,
            knocks: BTreeSet::new(),
            witness: BTreeMap::new(),
            texts: Texts::default(),
            keys_wanted: 0,
            studio: Studio::new(u8::try_from(n).expect("few people")),
            sends_media: true,
            sent: Vec::new(),
            wake: None,
            woken: VecDeque::new(),
        });
        self.command(n, Command::SetLocalAddresses(vec![address]));
        let (sound, picture) = (self.random.time(0..20), self.random.time(0..60));
        self.post(self.now + sound, Parcel::Sound(n));
        self.post(self.now + picture, Parcel::Picture(n));
        self.post(self.now + picture, Parcel::Text(n));
        n
    }

    /// Somebody with a fresh invite knocks.
    pub(crate) fn join(&mut self) -> usize {
        let (now, founder) = (self.now, &mut self.nodes[0]);
        let addresses = vec![founder.address];
        let invite = founder.core.invite(now, InviteOptions::default(), addresses).expect("the founder is an admin");
        let core = Core::join(self.config(), invite, self.now);
        self.add(core, Standing::AtTheDoor)
    }

    /// Knocks and is let in; everybody inside sees it.
    pub(crate) fn enter(&mut self) -> usize {
        let n = self.join();
        self.until(20, "everybody meets", World::is_whole);
        n
    }

    pub(crate) fn id(&self, n: usize) -> PeerId {
        self.nodes[n].core.peer_id()
    }

    pub(crate) fn link(&mut self, from: usize, to: usize) -> &mut Link {
        let Self { links, profile, random, .. } = self;
        links.entry((from, to)).or_insert_with(|| Link::new(*profile, random.fork()))
    }

    pub(crate) fn every_link(&mut self, mut change: impl FnMut(&mut Link)) {
        for from in 0..self.nodes.len() {
            for to in (0..self.nodes.len()).filter(|to| *to != from) {
                change(self.link(from, to));
            }
        }
    }

    /// Every link, also those to come, is like this from now on.
    pub(crate) fn set_profile(&mut self, profile: Profile) {
        self.profile = profile;
        self.every_link(|link| (link.profile, link.cut) = (profile, false));
    }

    /// Who was put out may not know it while nobody else can be reached: alone in a room, or among others who were, is outside.
    pub(crate) fn is_inside(&self, n: usize) -> bool {
        let node = &self.nodes[n];
        let forsaken = self.removed.contains(&self.id(n)) && node.roster.iter().all(|who| self.removed.contains(who));
        node.alive && node.standing == Standing::Inside && !forsaken
    }

    pub(crate) fn inside(&self) -> Vec<usize> {
        (0..self.nodes.len()).filter(|n| self.is_inside(*n)).collect()
    }

    /// Everybody inside knows exactly everybody inside, and nobody stands at the door.
    pub(crate) fn is_whole(&self) -> bool {
        let inside = self.inside();
        self.nodes.iter().all(|node| !node.alive || node.standing != Standing::AtTheDoor)
            && inside.iter().all(|n| {
                let others: BTreeSet<PeerId> = inside.iter().filter(|m| *m != n).map(|m| self.id(*m)).collect();
                self.nodes[*n].roster == others
            })
    }

    /// How much `n` has heard and seen of `of`.
    pub(crate) fn witnessed(&self, n: usize, of: usize) -> (u64, u64) {
        self.nodes[n].witness.get(&self.id(of)).map_or((0, 0), |witness| (witness.sounds, witness.pictures))
    }

    /// Everybody inside hears and sees everybody else from now on.
    pub(crate) fn demand_media(&mut self, seconds: u64) {
        let pairs: Vec<(usize, usize)> = {
            let inside = self.inside();
            inside.iter().flat_map(|a| inside.iter().filter(move |b| *b != a).map(move |b| (*a, *b))).collect()
        };
        let before: Vec<_> = pairs.iter().map(|(a, b)| self.witnessed(*a, *b)).collect();
        self.until(seconds, "everybody hears and sees everybody", |world| {
            pairs.iter().zip(&before).all(|((a, b), before)| {
                let now = world.witnessed(*a, *b);
                now.0 >= before.0 + 20 && now.1 >= before.1 + 8
            })
        });
    }

    /// Everybody inside has read what was written while they were in the room.
    pub(crate) fn demand_texts(&mut self, seconds: u64) {
        self.until(seconds, "everybody has read everything", |world| {
            let inside = world.inside();
            inside.iter().all(|n| {
                let (who, texts) = (world.id(*n), &world.nodes[*n].texts);
                inside.iter().all(|author| texts.missing(who, &world.nodes[*author].texts) == 0)
            })
        });
    }

    /// What a user may ask at a moment when it makes no sense is refused; that is no matter here.
    pub(crate) fn command(&mut self, n: usize, command: Command) {
        let now = self.clock_of(n);
        if !self.nodes[n].alive || self.nodes[n].asleep {
            return;
        }
        let media = matches!(command, Command::SendAudio(_) | Command::SendVideo(_));
        if self.log && !media {
            eprintln!("{:>9} {n} <- {command:?}", now.as_micros());
        }
        if let Command::Remove(who) = command {
            self.removed.insert(who);
        }
        let accepted = self.nodes[n].core.handle_command(now, command).is_ok();
        self.note(&[n as u64, 1, u64::from(accepted)]);
        self.drain(n);
    }

    pub(crate) fn signal(&mut self, n: usize, from: PeerId, input: SignalInput) {
        let now = self.clock_of(n);
        if self.log {
            eprintln!("{:>9} {n} <- {from} {input:.40?}", now.as_micros());
        }
        self.nodes[n].core.handle_signal(now, from, input);
        self.drain(n);
    }

    pub(crate) fn inject(&mut self, n: usize, from: SocketAddr, mut bytes: Vec<u8>) {
        let now = self.clock_of(n);
        self.note(&[n as u64, 2, bytes.len() as u64]);
        self.nodes[n].core.handle_datagram(now, from, Ecn::NotCapable, &mut bytes);
        self.drain(n);
    }

    fn clock_of(&self, n: usize) -> Instant {
        self.now - self.nodes[n].lag
    }

    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.step(end) {}
        self.now = end;
    }

    /// Fails the world if it does not come true in time.
    pub(crate) fn until(&mut self, seconds: u64, what: &str, holds: impl Fn(&Self) -> bool) {
        let end = self.now + Duration::from_secs(seconds);
        while !holds(self) {
            assert!(self.step(end), "within {seconds} s: {what}\n{}", self.picture());
        }
    }

    pub(crate) fn datagrams_sent(&self) -> usize {
        self.counters.len()
    }

    pub(crate) const fn trace(&self) -> u64 {
        self.trace
    }

    /// For the message of a failure.
    fn picture(&self) -> String {
        let person = |(n, node): (usize, &Node)| {
            let roster: Vec<usize> = (0..self.nodes.len()).filter(|m| node.roster.contains(&self.id(*m))).collect();
            let seen: Vec<_> = (0..self.nodes.len()).map(|m| self.witnessed(n, m)).collect();
            let (alive, standing, woken) = (node.alive, node.standing, &node.woken);
            format!("{n}: alive {alive} {standing:?} roster {roster:?} witnessed {seen:?} woken {woken:?}\n")
        };
        self.nodes.iter().enumerate().map(person).collect()
    }

    fn step(&mut self, end: Instant) -> bool {
        let parcel = self.parcels.first_key_value().map(|((at, _), _)| *at);
        let wake = self.nodes.iter().filter(|node| !node.asleep).filter_map(|node| node.wake).map(|(at, _)| at).min();
        let Some(next) = parcel.into_iter().chain(wake).min().filter(|next| *next <= end) else { return false };
        let second = self.now.as_micros() / 1_000_000;
        self.now = self.now.max(next);
        self.steps = if self.now.as_micros() / 1_000_000 == second { self.steps + 1 } else { 0 };
        assert!(self.steps < STEPS_PER_SECOND, "the cores run in circles\n{}", self.picture());
        if parcel.is_some_and(|at| at <= self.now) {
            if let Some((_, parcel)) = self.parcels.pop_first() {
                self.deliver(parcel);
            }
            return true;
        }
        for n in 0..self.nodes.len() {
            if self.nodes[n].asleep {
                continue;
            }
            if let Some((_, reason)) = self.nodes[n].wake.take_if(|(at, _)| *at <= self.now) {
                self.nodes[n].woken.truncate(7);
                self.nodes[n].woken.push_front(reason);
                let now = self.clock_of(n);
                self.note(&[n as u64, 3]);
                self.nodes[n].core.handle_timeout(now);
                self.drain(n);
            }
        }
        true
    }

    fn deliver(&mut self, parcel: Parcel) {
        match parcel {
            Parcel::Datagram { to, from, bytes } => {
                if let Some(n) = self.nodes.iter().position(|node| node.address == to && node.alive && !node.asleep) {
                    self.inject(n, from, bytes);
                }
            }
            Parcel::Signal { to, from, stream, input } => {
                let other = self.position(from);
                let open = self.closing.contains(&stream)
                    || other.is_some_and(|from| self.streams.get(&pair(from, to)) == Some(&stream));
                let ends = matches!(input, SignalInput::Closed | SignalInput::Failed);
                if self.nodes[to].asleep && ends {
                    // It is noticed after waking.
                    self.post(self.now + Duration::from_secs(1), Parcel::Signal { to, from, stream, input });
                } else if self.nodes[to].alive && !self.nodes[to].asleep && (open || ends) {
                    self.signal(to, from, input);
                }
            }
            Parcel::Sound(n) if self.nodes[n].alive => {
                self.post(self.now + SOUND_EVERY, Parcel::Sound(n));
                if self.is_inside(n) && self.nodes[n].sends_media {
                    let frame = self.nodes[n].studio.sound();
                    self.command(n, Command::SendAudio(frame));
                }
            }
            Parcel::Picture(n) if self.nodes[n].alive => {
                self.post(self.now + PICTURE_EVERY, Parcel::Picture(n));
                if self.is_inside(n) && self.nodes[n].sends_media {
                    for frame in self.nodes[n].studio.pictures(FPS) {
                        self.command(n, Command::SendVideo(frame));
                    }
                }
            }
            Parcel::Text(n) if self.nodes[n].alive => {
                self.post(self.now + TEXT_EVERY, Parcel::Text(n));
                if self.is_inside(n) && self.nodes[n].sends_media {
                    let text = format!("{n} at {}", self.now.as_micros());
                    self.command(n, Command::Talk(TalkCommand::Chat { text, sent_unix_s: 0 }));
                }
            }
            Parcel::Sound(_) | Parcel::Picture(_) | Parcel::Text(_) => {}
        }
    }

    fn post(&mut self, at: Instant, parcel: Parcel) {
        self.sequence += 1;
        self.parcels.insert((at, self.sequence), parcel);
    }

    fn position(&self, id: PeerId) -> Option<usize> {
        self.nodes.iter().position(|node| node.core.peer_id() == id)
    }

    fn drain(&mut self, n: usize) {
        let mut outputs = Vec::new();
        while let Some(output) = self.nodes[n].core.poll_output() {
            assert!(outputs.len() < 10_000, "one input, endless output");
            outputs.push(output);
        }
        // What follows from an event waits until all of this is done, as in a program with a queue of events.
        let knocks: Vec<PeerId> = outputs.iter().filter_map(knock).filter(|_| self.doors_open && n == 0).collect();
        for output in outputs {
            match output {
                Output::Transmit { to, datagram, .. } => self.transmit(n, to, datagram),
                Output::Signal(to, message) => {
                    if let Some(to) = self.position(to)
                        && let Some(&stream) = self.streams.get(&pair(n, to))
                    {
                        let from = self.id(n);
                        let input = SignalInput::Message(message.into());
                        self.post(self.now + SIGNAL_DELAY, Parcel::Signal { to, from, stream, input });
                    }
                }
                Output::OpenSignal(to, addresses) => self.open(n, to, &addresses),
                Output::CloseSignal(to) => {
                    if let Some(to) = self.position(to) {
                        self.close(n, to, false);
                    }
                }
                Output::Event(event) => self.event(n, event),
                Output::WakeAt(at, reason) => {
                    self.note(&[n as u64, 4, at.as_micros(), reason as u64]);
                    self.nodes[n].wake = Some((at + self.nodes[n].lag, reason));
                }
            }
        }
        knocks.into_iter().for_each(|who| self.command(0, Command::Admit(who)));
    }

    fn transmit(&mut self, n: usize, to: SocketAddr, datagram: Vec<u8>) {
        assert!(datagram.len() <= limits::DATAGRAM_BYTES, "a datagram of {} bytes", datagram.len());
        self.note(&[n as u64, 5, datagram.len() as u64]);
        let header = datagram.get(4..16).and_then(|bytes| <[u8; 12]>::try_from(bytes).ok()).expect("a sealed header");
        assert!(self.counters.insert((n, header)), "{n} used a counter twice under one key");
        let from = self.nodes[n].address;
        let keep = &mut self.nodes[n].sent;
        if keep.len() < 64 {
            keep.push((to, datagram.clone()));
        } else {
            keep[usize::from(header[11]) % 64] = (to, datagram.clone());
        }
        let Some(target) = self.nodes.iter().position(|node| node.address == to).filter(|target| *target != n) else {
            return;
        };
        let now = self.now;
        let through: Vec<Instant> = match self.uplinks.get_mut(&n) {
            Some(uplink) => uplink.send(now, datagram.len()).collect(),
            None => vec![now],
        };
        for at in through {
            for at in self.link(n, target).send(at, datagram.len()) {
                self.post(at, Parcel::Datagram { to, from, bytes: datagram.clone() });
            }
        }
    }

    fn open(&mut self, n: usize, to: PeerId, addresses: &[SocketAddr]) {
        self.sequence += 1;
        let (stream, at, us) = (self.sequence, self.now + SIGNAL_DELAY, self.id(n));
        let reachable = |other: &usize| {
            let other = &self.nodes[*other];
            other.alive && !other.asleep && addresses.contains(&other.address) && !self.signalling_down
        };
        let Some(other) = self.position(to).filter(reachable) else {
            return self.post(at, Parcel::Signal { to: n, from: to, stream, input: SignalInput::Failed });
        };
        self.streams.insert(pair(n, other), stream);
        let (here, there) = (self.nodes[n].address, self.nodes[other].address);
        self.post(at, Parcel::Signal { to: other, from: us, stream, input: SignalInput::Opened { remote: here } });
        self.post(at, Parcel::Signal { to: n, from: to, stream, input: SignalInput::Opened { remote: there } });
    }

    /// `both`: it broke by itself, so what is under way is lost, and both ends notice.
    pub(crate) fn close(&mut self, n: usize, other: usize, both: bool) {
        let Some(stream) = self.streams.remove(&pair(n, other)) else { return };
        let (at, a, b) = (self.now + SIGNAL_DELAY, self.id(n), self.id(other));
        self.post(at, Parcel::Signal { to: other, from: a, stream, input: SignalInput::Closed });
        if !both {
            self.closing.insert(stream);
        } else {
            self.post(at, Parcel::Signal { to: n, from: b, stream, input: SignalInput::Closed });
        }
    }

    fn event(&mut self, n: usize, event: Event) {
        if self.log && !matches!(event, Event::Audio(..) | Event::Video(..)) {
            eprintln!("{:>9} {n} {event:?}", self.now.as_micros());
        }
        match event {
            Event::Knock { who, .. } => {
                self.note(&[n as u64, 6]);
                self.nodes[n].knocks.insert(who);
            }
            Event::KnockGone(who) => {
                self.nodes[n].knocks.remove(&who);
            }
            Event::Admitted => self.nodes[n].standing = Standing::Inside,
            Event::Refused(why) => self.nodes[n].standing = Standing::Out(why),
            Event::Joined { who, .. } => {
                let m = self.position(who).expect("only people of this world can join");
                self.note(&[n as u64, 7, m as u64]);
                assert!(self.nodes[n].roster.insert(who), "{m} joined {n}'s room twice");
            }
            Event::Left { who, reason } => {
                self.note(&[n as u64, 8, reason as u64]);
                assert!(self.nodes[n].roster.remove(&who), "who was never in cannot leave");
                assert_ne!(reason, LeaveReason::Misbehaved, "everybody here is honest");
                self.nodes[n].left.push((who, reason));
            }
            Event::Audio(who, frame) => {
                let mark = self.witness_mark(n, who);
                self.note(&[n as u64, 9, u64::from(frame.sequence)]);
                self.nodes[n].witness.entry(who).or_default().hear(mark, &frame);
            }
            Event::Video(who, frame) => {
                let mark = self.witness_mark(n, who);
                self.note(&[n as u64, 10, u64::from(frame.number)]);
                self.nodes[n].witness.entry(who).or_default().see(mark, &frame);
            }
            Event::KeyFrameWanted(layer) => {
                self.nodes[n].keys_wanted += 1;
                self.nodes[n].studio.want_key(layer);
            }
            Event::EncoderTargets(targets) => self.nodes[n].studio.set_targets(&targets),
            Event::Path { who, address, .. } => self.nodes[n].paths.push((who, address)),
            Event::PathLost(_) => self.nodes[n].lost_paths += 1,
            Event::IncompatiblePeer { .. } => self.nodes[n].incompatible += 1,
            Event::Closed if !matches!(self.nodes[n].standing, Standing::Out(_)) => {
                self.nodes[n].standing = Standing::Left
            }
            Event::Talk(TalkEvent::Chat(messages)) => {
                let us = self.id(n);
                let Node { texts, roster, .. } = &mut self.nodes[n];
                texts.take(us, roster, messages);
            }
            Event::Equivocation { who } => panic!("{n} takes {who} for somebody who says two things"),
            Event::CutOff { who, offence } => panic!("{n} cuts {who} off: {offence:?}"),
            Event::Waiting
            | Event::Words { .. }
            | Event::Roster(_)
            | Event::RoleChanged { .. }
            | Event::Rules { .. }
            | Event::InvitesRevoked
            | Event::SenderReport(..)
            | Event::Talk(_)
            | Event::Closed => {}
        }
    }

    /// Nobody is heard or seen who is not in the room.
    fn witness_mark(&self, n: usize, who: PeerId) -> u8 {
        assert!(self.nodes[n].roster.contains(&who), "{n} hears or sees a ghost");
        let m = self.position(who).expect("somebody of this world");
        u8::try_from(m).expect("few people")
    }

    /// FNV-1a over everything that happens.
    fn note(&mut self, words: &[u64]) {
        for word in [self.now.as_micros()].iter().chain(words) {
            self.trace = (self.trace ^ word).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

const fn knock(output: &Output) -> Option<PeerId> {
    match output {
        Output::Event(Event::Knock { who, .. }) => Some(*who),
        _ => None,
    }
}

const fn pair(a: usize, b: usize) -> (usize, usize) {
    if a < b { (a, b) } else { (b, a) }
}
