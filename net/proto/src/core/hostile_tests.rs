//! Members and strangers whose program is not ours, with all keys at hand: they say what they like inside a sealed session. The
//! offender is cut off with a reason, and nobody else notices.

use std::net::SocketAddr;
use std::time::Duration;

use crate::ids::DevicePublicKey;
use crate::limits::{OPERATIONS_OF_ONE, OPERATIONS_PER_MESSAGE};
use crate::membership::{Action, Op};
use crate::room::{MemberRole, Offence, Rule};
use crate::session::Control;
use crate::testing::SeededEntropy;
use crate::words::MemberKeys;

use super::*;

type TestResult = Result<(), Box<dyn std::error::Error>>;

/// Anna's room with Ben and Eve; everything arrives at once.
struct Room {
    cores: Vec<Core>,
    events: Vec<Vec<Event>>,
    wakes: Vec<Option<Instant>>,
    now: Instant,
}

const ANNA: usize = 0;
const BEN: usize = 1;
const EVE: usize = 2;

fn address(n: usize) -> SocketAddr {
    SocketAddr::from(([192, 168, 1, 1 + u8::try_from(n).unwrap_or(0)], 4000))
}

fn config(seed: u64) -> Result<CoreConfig, Box<dyn std::error::Error>> {
    let mut entropy = SeededEntropy::new(seed);
    Ok(CoreConfig {
        device: DeviceKey::from_seed(&entropy.seed32())?,
        meeting_key: MeetingKey::from_seed(&entropy.seed32())?,
        name: format!("Person {seed}"),
        entropy: Box::new(entropy),
    })
}

impl Room {
    fn new() -> Result<Self, Box<dyn std::error::Error>> {
        let now = Instant::from_micros(1_000_000);
        let mut room = Self { cores: Vec::new(), events: Vec::new(), wakes: Vec::new(), now };
        room.add(Core::create(config(1)?, now));
        for seed in [2, 3] {
            let n = room.knock(seed)?;
            let who = room.cores[n].peer_id();
            room.command(ANNA, Command::Admit(who))?;
            assert!(room.until(|room| matches!(room.cores[n].role, Role::Member)));
        }
        let all = |room: &Self| (0..3).all(|n| room.joined(n) == 2);
        assert!(room.until(all), "everybody met");
        room.events.iter_mut().for_each(Vec::clear);
        Ok(room)
    }

    fn add(&mut self, core: Core) {
        self.cores.push(core);
        self.events.push(Vec::new());
        self.wakes.push(None);
    }

    fn knock(&mut self, seed: u64) -> Result<usize, Box<dyn std::error::Error>> {
        let invite = self.cores[ANNA].invite(self.now, InviteOptions::default(), vec![address(ANNA)])?;
        let n = self.cores.len();
        self.add(Core::join(config(seed)?, invite, self.now));
        let who = self.cores[n].peer_id();
        let told = |event: &Event| matches!(event, Event::Knock { who: knocker, .. } if *knocker == who);
        assert!(self.until(|room| room.events[ANNA].iter().any(told)));
        Ok(n)
    }

    fn joined(&self, n: usize) -> usize {
        self.cores[n].peers.values().filter(|peer| peer.announced).count()
    }

    fn command(&mut self, n: usize, command: Command) -> Result<(), CommandError> {
        self.cores[n].handle_command(self.now, command)?;
        self.settle();
        Ok(())
    }

    /// A hostile program says something to everybody.
    fn say(&mut self, n: usize, control: &Control) {
        for to in [ANNA, BEN] {
            let id = self.cores[to].peer_id();
            self.cores[n].say(id, control);
        }
        self.pass(Duration::from_millis(50));
    }

    /// Time goes by until it holds, ten seconds at most.
    fn until(&mut self, holds: impl Fn(&Self) -> bool) -> bool {
        for _ in 0..200 {
            if holds(self) {
                return true;
            }
            self.pass(Duration::from_millis(50));
        }
        holds(self)
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        self.settle();
        while let Some(next) = self.wakes.iter().flatten().min().copied().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            for n in 0..self.cores.len() {
                if self.wakes[n].take_if(|at| *at <= self.now).is_some() {
                    self.cores[n].handle_timeout(self.now);
                }
            }
            self.settle();
        }
        self.now = end;
    }

    fn settle(&mut self) {
        let now = self.now;
        loop {
            let mut moved = false;
            for n in 0..self.cores.len() {
                while let Some(output) = self.cores[n].poll_output() {
                    moved = true;
                    self.take(n, output, now);
                }
            }
            if !moved {
                return;
            }
        }
    }

    fn take(&mut self, n: usize, output: Output, now: Instant) {
        let us = self.cores[n].peer_id();
        let find = |cores: &[Core], id: PeerId| cores.iter().position(|core| core.peer_id() == id);
        match output {
            Output::Transmit { to, ecn, mut datagram } => {
                if let Some(to) = (0..self.cores.len()).find(|m| address(*m) == to) {
                    self.cores[to].handle_datagram(now, address(n), ecn, &mut datagram);
                }
            }
            Output::Signal(to, message) => {
                if let Some(to) = find(&self.cores, to) {
                    self.cores[to].handle_signal(now, us, SignalInput::Message(message.into()));
                }
            }
            Output::OpenSignal(to, _) => {
                if let Some(m) = find(&self.cores, to) {
                    self.cores[m].handle_signal(now, us, SignalInput::Opened { remote: address(n) });
                    self.cores[n].handle_signal(now, to, SignalInput::Opened { remote: address(m) });
                }
            }
            Output::CloseSignal(to) => {
                if let Some(to) = find(&self.cores, to) {
                    self.cores[to].handle_signal(now, us, SignalInput::Closed);
                }
            }
            Output::Event(event) => self.events[n].push(event),
            Output::WakeAt(at, _) => self.wakes[n] = Some(at),
        }
    }

    fn offence(&self, n: usize) -> Option<Offence> {
        let eve = self.cores[EVE].peer_id();
        self.events[n].iter().find_map(|event| match event {
            Event::CutOff { who, offence } if *who == eve => Some(*offence),
            _ => None,
        })
    }

    /// Signs whatever on top of all that the hostile one knows.
    fn signed(&self, n: usize, action: Action) -> Op {
        let core = &self.cores[n];
        let parents = core.membership.all().next_back().map(Op::id).into_iter().collect();
        Op::sign(&core.meeting_key, Some(core.membership.meeting()), parents, action)
    }

    /// Eve is cut off by both, and the two of them are as they were.
    fn assert_cut_off(&mut self, offence: Offence) {
        assert_eq!((self.offence(ANNA), self.offence(BEN)), (Some(offence), Some(offence)));
        let eve = self.cores[EVE].peer_id();
        for n in [ANNA, BEN] {
            let left =
                |event: &Event| matches!(event, Event::Left { who, reason: LeaveReason::Misbehaved } if *who == eve);
            assert!(self.events[n].iter().any(left));
            assert!(!self.events[n].iter().any(|event| matches!(event, Event::Left { who, .. } if *who != eve)));
            assert_eq!(self.joined(n), 1);
        }
        self.pass(Duration::from_secs(5));
        assert_eq!(self.joined(ANNA), 1, "nor does it come back at once");
    }
}

#[test]
fn who_passes_on_what_nobody_signed_is_cut_off() -> TestResult {
    let mut room = Room::new()?;
    let mut bytes = Vec::new();
    room.signed(EVE, Action::Leave).encode(&mut bytes);
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let forged = Op::parse(&mut crate::wire::Reader::new(&bytes))?;
    room.say(EVE, &Control::Ops(vec![forged]));
    room.assert_cut_off(Offence::Forged);
    Ok(())
}

#[test]
fn who_acts_as_an_admin_without_being_one_is_cut_off() -> TestResult {
    let mut room = Room::new()?;
    let anna = room.cores[ANNA].peer_id();
    let op = room.signed(EVE, Action::Remove(anna));
    room.say(EVE, &Control::Ops(vec![op]));
    room.assert_cut_off(Offence::NotAllowed);
    assert_eq!(room.cores[BEN].membership.roster().members.len(), 3);
    Ok(())
}

#[test]
fn a_hundred_thousand_operations_of_an_admin_are_too_many() -> TestResult {
    let mut room = Room::new()?;
    let eve = room.cores[EVE].peer_id();
    room.command(ANNA, Command::SetRole(eve, MemberRole::Admin))?;
    room.pass(Duration::from_millis(200));
    let mut said = 0;
    while said < 100_000 && room.offence(ANNA).is_none() {
        let ops = (0..OPERATIONS_PER_MESSAGE).map(|n| {
            let device =
                DevicePublicKey(std::array::from_fn(|at| if at < 8 { (said + n).to_be_bytes()[at] } else { 7 }));
            room.signed(EVE, Action::Admit(MemberKeys { peer: PeerId(device.0), device, noise_static: [3; 32] }))
        });
        let ops: Vec<Op> = ops.collect();
        said += ops.len();
        room.say(EVE, &Control::Ops(ops));
    }
    assert!(said <= OPERATIONS_OF_ONE + 2 * OPERATIONS_PER_MESSAGE, "{said}");
    room.assert_cut_off(Offence::Flood);
    assert!(room.cores[ANNA].membership.all().count() <= OPERATIONS_OF_ONE + 8);
    // The others go on, and put her out; whom she let in goes with her only if the two did not know of it.
    room.command(ANNA, Command::Remove(eve))?;
    room.command(ANNA, Command::SetRule(Rule::Locked, true))?;
    room.pass(Duration::from_secs(2));
    assert!(room.cores[BEN].membership.roster().rules.locked);
    Ok(())
}

#[test]
fn who_repeats_what_all_know_without_end_is_cut_off() -> TestResult {
    let mut room = Room::new()?;
    let known: Vec<Op> = room.cores[EVE].membership.all().cloned().collect();
    let many: Vec<Op> = known.iter().cycle().take(OPERATIONS_PER_MESSAGE).cloned().collect();
    let mut said = 0;
    while said < 100_000 && room.offence(ANNA).is_none() {
        said += many.len();
        room.say(EVE, &Control::Ops(many.clone()));
    }
    room.assert_cut_off(Offence::Flood);
    Ok(())
}

#[test]
fn a_list_asked_for_without_end_is_not_sent_without_end() -> TestResult {
    let mut room = Room::new()?;
    let anna = room.cores[ANNA].peer_id();
    let received = |room: &Room| {
        let stats = room.cores[EVE].stats(room.now);
        stats.iter().filter(|(who, _)| *who == anna).map(|(_, stats)| stats.dropped_datagrams).sum::<u64>()
    };
    assert_eq!(received(&room), 0);
    for _ in 0..200 {
        room.say(EVE, &Control::Have { is_answer: false, ids: Vec::new() });
    }
    assert_eq!(room.offence(ANNA), None, "it is not answered, and costs nothing");
    assert_eq!(room.joined(ANNA), 2);
    Ok(())
}

#[test]
fn a_stranger_in_the_lobby_can_say_nothing_that_counts() -> TestResult {
    let mut room = Room::new()?;
    let stranger = room.knock(9)?;
    let (anna, ben, who) = (room.cores[ANNA].peer_id(), room.cores[BEN].peer_id(), room.cores[stranger].peer_id());
    let ops: Vec<Op> = room.cores[EVE].membership.all().cloned().collect();
    let before = (room.cores[ANNA].membership.head(), room.cores[ANNA].peers[&ben].known_addresses());
    for control in [
        Control::Have { is_answer: false, ids: Vec::new() },
        Control::Introduce(vec![(ben, vec![SocketAddr::from(([203, 0, 113, 9], 9))])]),
        Control::Ops(ops),
        Control::Welcome(RoomSecret::new(zeroize::Zeroizing::new([1; 32]))),
        Control::Wait,
        Control::Denied(NoEntry::Removed),
    ] {
        room.cores[stranger].say(anna, &control);
        room.pass(Duration::from_millis(50));
    }
    assert_eq!(before, (room.cores[ANNA].membership.head(), room.cores[ANNA].peers[&ben].known_addresses()));
    assert!(room.cores[stranger].room_secret.is_none() && room.cores[stranger].membership.all().count() == 0);
    room.command(ANNA, Command::Admit(who))?;
    assert!(room.until(|room| matches!(room.cores[stranger].role, Role::Member)), "it may still be let in");
    Ok(())
}
