//! A small world in virtual time: a few cores, a link with a delay between them, a signalling stream per pair. Every test here
//! draws from fixed seeds, so a failure repeats.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use conclave_proto::core::{Command, Core, CoreConfig, Event, Output, SignalInput, WakeReason};
use conclave_proto::ecn::Ecn;
use conclave_proto::entropy::Entropy as _;
use conclave_proto::ids::PeerId;
use conclave_proto::invite::Invite;
use conclave_proto::keys::{DeviceKey, MeetingKey};
use conclave_proto::room::InviteOptions;
use conclave_proto::testing::SeededEntropy;
use conclave_proto::time::{Bitrate, Instant};

pub(crate) type TestResult = Result<(), Box<dyn std::error::Error>>;

/// One way, for datagrams and signalling alike.
pub(crate) const DELAY: Duration = Duration::from_millis(1);
/// A bottleneck drops what would wait longer.
const QUEUE: Duration = Duration::from_millis(300);
/// Steps of a world of four within one virtual second before it counts as a busy loop; sessions grow with the square of people.
const STEPS_PER_SECOND: u64 = 40_000;

enum Parcel {
    Datagram { to: SocketAddr, from: SocketAddr, bytes: Vec<u8> },
    Signal { to: usize, from: PeerId, input: SignalInput },
}

pub(crate) struct Node {
    pub(crate) core: Core,
    pub(crate) address: SocketAddr,
    pub(crate) events: Vec<(Instant, Event)>,
    pub(crate) wakes: BTreeMap<&'static str, u64>,
    wake: Option<(Instant, WakeReason)>,
    pub(crate) datagrams_sent: u64,
    pub(crate) last_datagram: Vec<u8>,
    /// Everything that came: when, how long, as a datagram or by signalling.
    pub(crate) received: Vec<(Instant, usize, &'static str)>,
    /// When it last sent to an address.
    pub(crate) last_sent: BTreeMap<SocketAddr, Instant>,
}

/// What one seed draws for every datagram.
pub(crate) struct Weather {
    pub(crate) dice: SeededEntropy,
    pub(crate) loss_percent: u64,
}

impl Weather {
    pub(crate) fn draw(&mut self, below: u64) -> u64 {
        let mut bytes = [0; 8];
        self.dice.fill(&mut bytes);
        u64::from_be_bytes(bytes) % below
    }

    /// The delays of the copies that arrive.
    fn copies(&mut self) -> Vec<Duration> {
        let copies = if self.draw(100) < self.loss_percent { 0 } else { 1 + usize::from(self.draw(50) == 0) };
        (0..copies).map(|_| DELAY + Duration::from_millis(self.draw(30))).collect()
    }
}

pub(crate) struct World {
    pub(crate) now: Instant,
    pub(crate) nodes: Vec<Node>,
    parcels: BTreeMap<(Instant, u64), Parcel>,
    streams: BTreeSet<(usize, usize)>,
    sequence: u64,
    /// No datagram gets through.
    pub(crate) cut: bool,
    /// Pairs, smaller first, between which nothing gets through, signalling neither.
    pub(crate) cut_pairs: BTreeSet<(usize, usize)>,
    /// What each direction of each pair carries; without one the path is as fast as need be.
    pub(crate) bottleneck: Option<Bitrate>,
    busy_until: BTreeMap<(usize, usize), Instant>,
    /// No signalling stream opens.
    pub(crate) signalling_down: bool,
    /// Drops every nth datagram.
    pub(crate) drop_every: Option<u64>,
    /// Datagrams are lost at random, some come twice, all come up to 30 ms late and out of order.
    pub(crate) weather: Option<Weather>,
    steps: u64,
}

pub(crate) fn config(seed: u64, name: &str) -> Result<CoreConfig, Box<dyn std::error::Error>> {
    let mut entropy = SeededEntropy::new(seed);
    Ok(CoreConfig {
        device: DeviceKey::from_seed(&entropy.seed32())?,
        meeting_key: MeetingKey::from_seed(&entropy.seed32())?,
        name: name.to_owned(),
        entropy: Box::new(entropy),
    })
}

pub(crate) fn address(n: usize) -> SocketAddr {
    let byte = |n: usize| u8::try_from(n % 200).unwrap_or(0) + 1;
    SocketAddr::from(([192, 168, byte(n / 200 + 6), byte(n)], 4000))
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            now: Instant::from_micros(1_000_000),
            nodes: Vec::new(),
            parcels: BTreeMap::new(),
            streams: BTreeSet::new(),
            sequence: 0,
            cut: false,
            cut_pairs: BTreeSet::new(),
            bottleneck: None,
            busy_until: BTreeMap::new(),
            signalling_down: false,
            drop_every: None,
            weather: None,
            steps: 0,
        }
    }

    /// A founder and its room.
    pub(crate) fn founded(seed: u64) -> Result<Self, Box<dyn std::error::Error>> {
        let mut world = Self::new();
        let core = Core::create(config(seed, "Anna")?, world.now);
        world.add(core);
        Ok(world)
    }

    pub(crate) fn add(&mut self, core: Core) -> usize {
        self.add_at(core, address(self.nodes.len()))
    }

    pub(crate) fn add_at(&mut self, core: Core, address: SocketAddr) -> usize {
        let n = self.nodes.len();
        let node = Node {
            core,
            address,
            events: Vec::new(),
            wakes: BTreeMap::new(),
            wake: None,
            datagrams_sent: 0,
            last_datagram: Vec::new(),
            received: Vec::new(),
            last_sent: BTreeMap::new(),
        };
        self.nodes.push(node);
        self.command(n, Command::SetLocalAddresses(vec![address]));
        n
    }

    pub(crate) fn invite(&mut self) -> Result<Invite, Box<dyn std::error::Error>> {
        self.invite_to(0, InviteOptions::default())
    }

    /// From anybody's door.
    pub(crate) fn invite_to(&mut self, n: usize, options: InviteOptions) -> Result<Invite, Box<dyn std::error::Error>> {
        let (now, addresses) = (self.now, vec![self.nodes[n].address]);
        Ok(self.nodes[n].core.invite(now, options, addresses)?)
    }

    /// Knocks at the founder's door.
    pub(crate) fn join(&mut self, seed: u64, name: &str) -> Result<usize, Box<dyn std::error::Error>> {
        let invite = self.invite()?;
        self.join_with(seed, name, invite)
    }

    pub(crate) fn join_with(
        &mut self,
        seed: u64,
        name: &str,
        invite: Invite,
    ) -> Result<usize, Box<dyn std::error::Error>> {
        let core = Core::join(config(seed, name)?, invite, self.now);
        Ok(self.add(core))
    }

    /// Knocks and is let in.
    pub(crate) fn enter(&mut self, seed: u64, name: &str) -> Result<usize, Box<dyn std::error::Error>> {
        let n = self.join(seed, name)?;
        let who = self.id(n);
        assert!(
            self.until(5, |world| world.saw(0, |e| matches!(e, Event::Knock { who: w, .. } if *w == who))),
            "no knock"
        );
        self.command(0, Command::Admit(who));
        let all_see = |world: &Self| {
            (0..n).all(|other| world.saw(other, |e| matches!(e, Event::Joined { who: w, .. } if *w == who)))
                && (0..n).all(|other| {
                    let id = world.id(other);
                    world.saw(n, |e| matches!(e, Event::Joined { who: w, .. } if *w == id))
                })
        };
        assert!(self.until(5, all_see), "not everybody met");
        Ok(n)
    }

    pub(crate) fn id(&self, n: usize) -> PeerId {
        self.nodes[n].core.peer_id()
    }

    pub(crate) fn command(&mut self, n: usize, command: Command) {
        let now = self.now;
        assert!(self.nodes[n].core.handle_command(now, command).is_ok());
        self.drain(n);
    }

    pub(crate) fn saw(&self, n: usize, matches: impl Fn(&Event) -> bool) -> bool {
        self.nodes[n].events.iter().any(|(_, event)| matches(event))
    }

    pub(crate) fn count(&self, n: usize, matches: impl Fn(&Event) -> bool) -> usize {
        self.nodes[n].events.iter().filter(|(_, event)| matches(event)).count()
    }

    pub(crate) fn forget_events(&mut self) {
        self.nodes.iter_mut().for_each(|node| node.events.clear());
    }

    /// Hands a datagram to a core, as the network would.
    pub(crate) fn inject(&mut self, n: usize, from: SocketAddr, mut bytes: Vec<u8>) {
        let now = self.now;
        self.nodes[n].received.push((now, bytes.len(), "datagram"));
        self.nodes[n].core.handle_datagram(now, from, Ecn::NotCapable, &mut bytes);
        self.drain(n);
    }

    pub(crate) fn signal(&mut self, n: usize, from: PeerId, input: SignalInput) {
        let now = self.now;
        let (len, what) = match &input {
            SignalInput::Opened { .. } => (0, "opened"),
            SignalInput::Message(message) => (message.len(), "message"),
            SignalInput::Closed => (0, "closed"),
            SignalInput::Failed => (0, "failed"),
        };
        self.nodes[n].received.push((now, len, what));
        self.nodes[n].core.handle_signal(now, from, input);
        self.drain(n);
    }

    /// Runs for a while.
    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.step(end) {}
        self.now = end;
    }

    /// Runs until something holds, at most so many seconds.
    pub(crate) fn until(&mut self, seconds: u64, holds: impl Fn(&Self) -> bool) -> bool {
        let end = self.now + Duration::from_secs(seconds);
        loop {
            if holds(self) {
                return true;
            }
            if !self.step(end) {
                self.now = end;
                return holds(self);
            }
        }
    }

    /// Moves the clock to the soonest thing before `end` and lets it happen.
    fn step(&mut self, end: Instant) -> bool {
        let parcel = self.parcels.first_key_value().map(|((at, _), _)| *at);
        let wake = self.nodes.iter().filter_map(|node| node.wake.map(|(at, _)| at)).min();
        let Some(next) = parcel.into_iter().chain(wake).min().filter(|next| *next <= end) else { return false };
        let last_second = self.now.as_micros() / 1_000_000;
        self.now = self.now.max(next);
        self.steps = if self.now.as_micros() / 1_000_000 == last_second { self.steps + 1 } else { 0 };
        let people = self.nodes.len().max(4) as u64;
        assert!(
            self.steps < STEPS_PER_SECOND * people * people / 16,
            "the cores run in circles: {:?}",
            self.nodes.iter().map(|n| &n.wakes).collect::<Vec<_>>()
        );
        if parcel.is_some_and(|at| at <= self.now) {
            if let Some((_, parcel)) = self.parcels.pop_first() {
                self.deliver(parcel);
            }
        } else {
            for n in 0..self.nodes.len() {
                if let Some((_, reason)) = self.nodes[n].wake.take_if(|(at, _)| *at <= self.now) {
                    *self.nodes[n].wakes.entry(name(reason)).or_default() += 1;
                    let now = self.now;
                    self.nodes[n].core.handle_timeout(now);
                    self.drain(n);
                }
            }
        }
        true
    }

    fn deliver(&mut self, parcel: Parcel) {
        match parcel {
            Parcel::Datagram { to, from, bytes } => {
                if let Some(n) = self.nodes.iter().position(|node| node.address == to) {
                    self.inject(n, from, bytes);
                }
            }
            Parcel::Signal { to, from, input } => self.signal(to, from, input),
        }
    }

    fn post(&mut self, delay: Duration, parcel: Parcel) {
        self.sequence += 1;
        self.parcels.insert((self.now + delay, self.sequence), parcel);
    }

    fn position(&self, id: PeerId) -> Option<usize> {
        self.nodes.iter().position(|node| node.core.peer_id() == id)
    }

    fn drain(&mut self, n: usize) {
        let mut outputs = VecDeque::new();
        while let Some(output) = self.nodes[n].core.poll_output() {
            assert!(outputs.len() < 10_000, "one input, endless output");
            outputs.push_back(output);
        }
        let (us, from) = (self.id(n), self.nodes[n].address);
        for output in outputs {
            match output {
                Output::Transmit { to, datagram, .. } => {
                    assert!(datagram.len() <= 1200);
                    let node = &mut self.nodes[n];
                    node.datagrams_sent += 1;
                    node.last_datagram.clone_from(&datagram);
                    node.last_sent.insert(to, self.now);
                    let dropped =
                        self.drop_every.is_some_and(|every| self.nodes[n].datagrams_sent.is_multiple_of(every));
                    let copies = self.weather.as_mut().map_or_else(|| vec![DELAY], Weather::copies);
                    let queue = self.queue(n, to, datagram.len());
                    let gets_through = !self.cut && !dropped && queue.is_some();
                    for delay in copies.into_iter().filter(|_| gets_through) {
                        let delay = delay + queue.unwrap_or_default();
                        self.post(delay, Parcel::Datagram { to, from, bytes: datagram.clone() });
                    }
                }
                Output::Signal(to, message) => {
                    if let Some(to) = self.position(to).filter(|to| {
                        let pair = (n.min(*to), n.max(*to));
                        self.streams.contains(&pair) && !self.cut_pairs.contains(&pair)
                    }) {
                        self.post(DELAY, Parcel::Signal { to, from: us, input: SignalInput::Message(message.into()) });
                    }
                }
                Output::OpenSignal(to, addresses) => self.open(n, to, &addresses),
                Output::CloseSignal(to) => {
                    if let Some(to) = self.position(to)
                        && self.streams.remove(&(n.min(to), n.max(to)))
                    {
                        self.post(DELAY, Parcel::Signal { to, from: us, input: SignalInput::Closed });
                    }
                }
                Output::Event(event) => {
                    let now = self.now;
                    self.nodes[n].events.push((now, event));
                }
                Output::WakeAt(at, reason) => self.nodes[n].wake = Some((at, reason)),
            }
        }
    }

    /// What a datagram waits behind others at the bottleneck and takes to pass it; `None`: it does not get through.
    fn queue(&mut self, from: usize, to: SocketAddr, bytes: usize) -> Option<Duration> {
        let to = self.nodes.iter().position(|node| node.address == to)?;
        if self.cut_pairs.contains(&(from.min(to), from.max(to))) {
            return None;
        }
        let Some(rate) = self.bottleneck else { return Some(Duration::ZERO) };
        let now = self.now;
        let busy_until = self.busy_until.entry((from, to)).or_insert(now);
        let free_at = now.max(*busy_until);
        if free_at.since(now) > QUEUE {
            return None;
        }
        // IPv4 and UDP headers travel, too.
        *busy_until = free_at + rate.time_for(bytes + 28);
        Some(busy_until.since(now))
    }

    fn open(&mut self, n: usize, to: PeerId, addresses: &[SocketAddr]) {
        let us = self.id(n);
        let found = self.position(to).filter(|to| addresses.contains(&self.nodes[*to].address));
        let is_cut = found.is_some_and(|other| self.cut_pairs.contains(&(n.min(other), n.max(other))));
        match found.filter(|_| !self.signalling_down && !is_cut) {
            Some(other) => {
                self.streams.insert((n.min(other), n.max(other)));
                let (here, there) = (self.nodes[n].address, self.nodes[other].address);
                self.post(DELAY, Parcel::Signal { to: other, from: us, input: SignalInput::Opened { remote: here } });
                self.post(DELAY, Parcel::Signal { to: n, from: to, input: SignalInput::Opened { remote: there } });
            }
            None => self.post(DELAY, Parcel::Signal { to: n, from: to, input: SignalInput::Failed }),
        }
    }
}

fn name(reason: WakeReason) -> &'static str {
    match reason {
        WakeReason::HandshakeDeadline => "handshake",
        WakeReason::PathCheck => "path check",
        WakeReason::KeepAlive => "keep-alive",
        WakeReason::Silence => "silence",
        WakeReason::Pace => "pace",
        WakeReason::Nack => "nack",
        WakeReason::GiveUpOnFrame => "give up",
        WakeReason::Feedback => "feedback",
        WakeReason::Retransmit => "retransmit",
        WakeReason::Estimate => "estimate",
        WakeReason::Rekey => "rekey",
        WakeReason::DropOldKey => "drop old key",
        WakeReason::Sync => "sync",
        WakeReason::Introduce => "introduce",
        WakeReason::Talk => "talk",
        WakeReason::Close => "close",
    }
}
