//! A room of talks without cores: messages are delivered at once over links that can be cut, time is moved by the test.

mod chat;
mod files;
mod hostile;
mod small;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::*;
use crate::wire::Reader;

pub(super) const MEETING: MeetingId = MeetingId([9; 16]);
/// Turns of one moment before it counts as a busy loop.
const TURNS: usize = 100_000;

pub(super) struct Party {
    pub(super) key: MeetingKey,
    pub(super) talk: Talk,
    pub(super) events: Vec<(Instant, TalkEvent)>,
    pub(super) is_in: bool,
}

pub(super) struct World {
    pub(super) now: Instant,
    pub(super) parties: Vec<Party>,
    pub(super) admins: BTreeSet<usize>,
    pub(super) history: bool,
    cut: BTreeSet<(usize, usize)>,
    parcels: VecDeque<(usize, usize, TalkMessage)>,
    pub(super) estimate: Bitrate,
    /// All that was sent: from, to, bytes.
    pub(super) sent: Vec<(usize, usize, TalkMessage)>,
    pub(super) offences: Vec<(usize, usize, Offence)>,
}

impl World {
    /// So many people, all in the room, the first an admin.
    pub(super) fn of(count: u8) -> Self {
        let mut world = Self {
            now: Instant::from_micros(1_000_000),
            parties: Vec::new(),
            admins: BTreeSet::from([0]),
            history: false,
            cut: BTreeSet::new(),
            parcels: VecDeque::new(),
            estimate: Bitrate::from_kbps(8000),
            sent: Vec::new(),
            offences: Vec::new(),
        };
        (0..count).for_each(|n| world.add(n));
        (0..usize::from(count)).for_each(|n| world.enter(n));
        world
    }

    pub(super) fn add(&mut self, seed: u8) {
        let key = MeetingKey::from_seed(&[seed + 1; 32]).expect("a key");
        self.parties.push(Party { key, talk: Talk::new(), events: Vec::new(), is_in: false });
    }

    pub(super) fn enter(&mut self, n: usize) {
        self.parties[n].is_in = true;
        self.attendance_changed();
        for other in (0..self.parties.len()).filter(|other| *other != n) {
            if self.parties[other].is_in {
                self.connect(n, other);
            }
        }
        self.settle();
    }

    pub(super) fn leave(&mut self, n: usize) {
        self.parties[n].is_in = false;
        self.attendance_changed();
        self.settle();
    }

    pub(super) fn attendance_changed(&mut self) {
        let members = self.parties.iter().enumerate().filter(|(_, party)| party.is_in);
        let members = members.map(|(n, party)| (party.key.peer_id(), self.admins.contains(&n))).collect();
        let departed = self.parties.iter().filter(|party| !party.is_in).map(|party| party.key.peer_id()).collect();
        let attendance = Attendance { members, departed, history_for_newcomers: self.history };
        for party in self.parties.iter_mut().filter(|party| party.is_in) {
            let us = Us { key: &party.key, meeting: MEETING };
            party.talk.set_attendance(self.now, us, attendance.clone());
        }
    }

    pub(super) fn id(&self, n: usize) -> PeerId {
        self.parties[n].key.peer_id()
    }

    fn connect(&mut self, a: usize, b: usize) {
        for (here, there) in [(a, b), (b, a)] {
            let peer = self.id(there);
            let party = &mut self.parties[here];
            party.talk.connected(self.now, Us { key: &party.key, meeting: MEETING }, peer);
        }
    }

    /// The pair loses its path, and what was under way with it.
    pub(super) fn cut(&mut self, a: usize, b: usize) {
        self.break_silently(a, b);
        for (here, there) in [(a, b), (b, a)] {
            let peer = self.id(there);
            self.parties[here].talk.disconnected(peer);
        }
    }

    /// Nothing gets through, and nobody has noticed yet.
    pub(super) fn break_silently(&mut self, a: usize, b: usize) {
        self.cut.insert((a.min(b), a.max(b)));
    }

    pub(super) fn heal(&mut self, a: usize, b: usize) {
        if self.cut.remove(&(a.min(b), a.max(b))) {
            self.connect(a, b);
            self.settle();
        }
    }

    pub(super) fn heal_all(&mut self) {
        for (a, b) in self.cut.clone() {
            self.heal(a, b);
        }
    }

    pub(super) fn command(&mut self, n: usize, command: TalkCommand) {
        let party = &mut self.parties[n];
        party.talk.command(self.now, Us { key: &party.key, meeting: MEETING }, command);
        self.settle();
    }

    pub(super) fn write(&mut self, n: usize, text: &str) {
        self.command(n, TalkCommand::Chat { text: text.to_owned(), sent_unix_s: 0 });
    }

    /// Hands over a message as if `from` had sent it.
    pub(super) fn inject(&mut self, from: usize, to: usize, message: TalkMessage) -> Result<(), Offence> {
        let outcome = self.deliver(from, to, message);
        self.settle();
        outcome
    }

    fn deliver(&mut self, from: usize, to: usize, message: TalkMessage) -> Result<(), Offence> {
        let peer = self.id(from);
        let party = &mut self.parties[to];
        let us = Us { key: &party.key, meeting: MEETING };
        let outcome = party.talk.handle_message(self.now, us, peer, message);
        if let Err(offence) = outcome {
            self.offences.push((from, to, offence));
            party.talk.expelled(self.now, Us { key: &party.key, meeting: MEETING }, peer);
        }
        outcome
    }

    /// Until nothing is left for this moment.
    pub(super) fn settle(&mut self) {
        for _ in 0..TURNS {
            for n in 0..self.parties.len() {
                self.tick(n);
            }
            let Some((from, to, message)) = self.parcels.pop_front() else { return };
            if !self.cut.contains(&(from.min(to), from.max(to))) && self.parties[to].is_in {
                let mut bytes = Vec::new();
                message.encode(&mut bytes);
                let parsed = TalkMessage::parse(&mut Reader::new(&bytes));
                assert_eq!(parsed.as_ref(), Ok(&message), "what is sent can be read");
                self.deliver(from, to, message).ok();
            }
        }
        panic!("they never fall silent");
    }

    fn tick(&mut self, n: usize) {
        let estimate = self.estimate;
        let party = &mut self.parties[n];
        if party.is_in && party.talk.wake().is_some_and(|at| at <= self.now) {
            let us = Us { key: &party.key, meeting: MEETING };
            party.talk.tick(self.now, us, &mut |_| Some(Link { estimate, waiting: 0 }));
        }
        while let Some(output) = self.parties[n].talk.poll() {
            match output {
                TalkOutput::Event(event) => self.parties[n].events.push((self.now, event)),
                TalkOutput::Reserve(..) => {}
                TalkOutput::Send(to, message) => {
                    let to = (0..self.parties.len()).find(|other| self.id(*other) == to).expect("somebody");
                    self.sent.push((n, to, message.clone()));
                    self.parcels.push_back((n, to, message));
                }
            }
        }
    }

    pub(super) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        for _ in 0..TURNS {
            self.settle();
            let wakes = self.parties.iter().filter(|party| party.is_in).filter_map(|party| party.talk.wake());
            let Some(next) = wakes.min().filter(|at| *at <= end) else {
                self.now = end;
                return self.settle();
            };
            assert!(next > self.now, "a wake-up that is never used");
            self.now = next;
        }
        panic!("too busy");
    }

    // ---- What came ----

    pub(super) fn events(&self, n: usize) -> impl DoubleEndedIterator<Item = &TalkEvent> {
        self.parties[n].events.iter().map(|(_, event)| event)
    }

    /// All the text, in its order.
    pub(super) fn chat(&self, n: usize) -> Vec<ChatMessage> {
        let mut all: BTreeMap<ChatKey, ChatMessage> = BTreeMap::new();
        for event in self.events(n) {
            if let TalkEvent::Chat(messages) = event {
                for message in messages {
                    assert!(all.insert(message.key, message.clone()).is_none(), "each is told once");
                }
            }
        }
        all.into_values().collect()
    }

    pub(super) fn texts(&self, n: usize) -> Vec<String> {
        self.chat(n).into_iter().map(|message| message.text).collect()
    }

    pub(super) fn hands(&self, n: usize) -> Vec<PeerId> {
        let last = self.events(n).rev().find_map(|event| match event {
            TalkEvent::Hands(hands) => Some(hands.clone()),
            _ => None,
        });
        last.unwrap_or_default()
    }

    pub(super) fn refusals(&self, n: usize) -> Vec<TalkRefusal> {
        self.events(n).filter_map(|event| if let TalkEvent::Refused(why) = event { Some(*why) } else { None }).collect()
    }
}
