//! One direction of an emulated path: loss, a bottleneck with a drop-tail queue, delay, jitter, duplicates, cuts; changed live or
//! by a schedule. Pure and seeded: it is told the time and handed packets, and gives back which arrive when. It reads no clock and
//! knows no sockets; whoever runs it in real time (a TUN device, a namespace) maps its clock to `Instant`.
//!
//! A packet passes: cut and size, random loss, queue, bottleneck, delay with jitter. `bytes` are those on the link, headers included
//! (`UDP_IPV4_HEADERS` for a UDP payload). The tests of the network and the bench's lab use it.

mod bottleneck;
mod counters;
mod loss;
mod trace;

pub use bottleneck::{Capacity, QueueBound};
pub use counters::{Counters, DelayCounts};
pub use loss::{Loss, LossState};
pub use trace::{OPPORTUNITY_BYTES, Trace, TraceError};

use std::collections::BTreeMap;
use std::time::Duration;

use conclave_proto::ecn::Ecn;
use conclave_proto::time::{Bitrate, Instant};

use crate::random::Random;
use bottleneck::Bottleneck;

/// What a link carries besides a UDP payload.
pub const UDP_IPV4_HEADERS: usize = 28;
/// A second copy follows its first by this.
const DUPLICATE_LAG: Duration = Duration::from_micros(300);

/// What networks do with packets whose header says that they may be marked (ECN).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Markable {
    /// As they should.
    Passes,
    /// They come out as if they could not be marked.
    Erased,
    /// They vanish.
    Swallowed,
}

/// A link's nature. The default is a cable of 10 ms without a fault and without a bottleneck.
#[derive(Clone, Debug)]
pub struct Profile {
    /// One way, behind the queue.
    pub delay: Duration,
    /// Up to this much is added to each packet.
    pub jitter: Duration,
    /// Jitter may let packets overtake each other; otherwise those behind wait.
    pub reorders: bool,
    /// Percent that come twice.
    pub duplicates: f64,
    /// What vanishes in front of the queue, whatever its fill.
    pub loss: Loss,
    /// The bottleneck.
    pub capacity: Capacity,
    /// What may wait in front of it.
    pub queue: QueueBound,
    /// Larger packets vanish.
    pub largest: usize,
    /// An active queue: packets that waited longer than this come out marked, or not at all if they cannot be marked (RFC 3168).
    pub marks_from: Option<Duration>,
    /// What it does with packets that may be marked.
    pub markable: Markable,
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            delay: Duration::from_millis(10),
            jitter: Duration::ZERO,
            reorders: false,
            duplicates: 0.0,
            loss: Loss::None,
            capacity: Capacity::Unbounded,
            queue: QueueBound::Time(Duration::from_millis(300)),
            largest: 1500,
            marks_from: None,
            markable: Markable::Passes,
        }
    }
}

impl Profile {
    /// A cable of `delay` behind a bottleneck with a queue of 300 ms.
    #[must_use]
    pub fn bottleneck(delay: Duration, rate: Bitrate) -> Self {
        Self { delay, capacity: Capacity::Rate(rate), ..Self::default() }
    }
}

/// What may change while packets are under way. What waits in the queue goes on at the new rate.
#[derive(Clone, Debug)]
pub enum Change {
    /// See [`Profile::capacity`].
    Capacity(Capacity),
    /// See [`Profile::queue`]. What waits already stays.
    Queue(QueueBound),
    /// See [`Profile::delay`].
    Delay(Duration),
    /// See [`Profile::jitter`].
    Jitter(Duration),
    /// See [`Profile::reorders`].
    Reorders(bool),
    /// See [`Profile::duplicates`].
    Duplicates(f64),
    /// See [`Profile::loss`].
    Loss(Loss),
    /// See [`Profile::marks_from`].
    MarksFrom(Option<Duration>),
    /// See [`Profile::markable`].
    Markable(Markable),
    /// While it is cut, nothing enters. What is under way still arrives.
    Cut(bool),
}

/// A packet at the far end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery<T> {
    /// When.
    pub at: Instant,
    /// Its size on the link.
    pub bytes: usize,
    /// How it comes out.
    pub ecn: Ecn,
    /// What was sent.
    pub item: T,
}

/// One direction.
#[derive(Debug)]
pub struct Link<T> {
    profile: Profile,
    cut: bool,
    random: Random,
    loss: LossState,
    bottleneck: Bottleneck<(Ecn, T)>,
    flying: BTreeMap<(Instant, u64), Delivery<T>>,
    flown: u64,
    last_arrival: Instant,
    schedule: BTreeMap<(Instant, u64), Change>,
    scheduled: u64,
    counters: Counters,
}

impl<T: Clone> Link<T> {
    /// Two links with one seed do the same to the same packets.
    #[must_use]
    pub fn new(profile: Profile, random: Random) -> Self {
        Self {
            bottleneck: Bottleneck::new(profile.capacity.clone()),
            profile,
            cut: false,
            random,
            loss: LossState::default(),
            flying: BTreeMap::new(),
            flown: 0,
            last_arrival: Instant::ZERO,
            schedule: BTreeMap::new(),
            scheduled: 0,
            counters: Counters::default(),
        }
    }

    /// A packet that cannot be marked enters. False: it is gone already (which a sender does not learn).
    pub fn send(&mut self, now: Instant, bytes: usize, item: T) -> bool {
        self.send_as(now, bytes, Ecn::NotCapable, item)
    }

    /// The same of any packet.
    pub fn send_as(&mut self, now: Instant, bytes: usize, ecn: Ecn, item: T) -> bool {
        self.advance(now);
        self.counters.sent += 1;
        self.counters.sent_bytes += bytes as u64;
        let swallowed = ecn != Ecn::NotCapable && self.profile.markable == Markable::Swallowed;
        if self.cut || swallowed || bytes > self.profile.largest || self.loss.takes(self.profile.loss, &mut self.random)
        {
            self.counters.lost += 1;
            return false;
        }
        let accepted = self.bottleneck.push(now, bytes, (ecn, item), self.profile.queue);
        self.counters.dropped_by_queue += u64::from(!accepted);
        self.depart(now);
        accepted
    }

    /// What has arrived until now, in order of arrival.
    pub fn receive(&mut self, now: Instant) -> Option<Delivery<T>> {
        self.advance(now);
        let first = self.flying.first_entry().filter(|first| first.key().0 <= now)?;
        let delivery = first.remove();
        self.counters.delivered += 1;
        self.counters.delivered_bytes += delivery.bytes as u64;
        Some(delivery)
    }

    /// When to call `receive` again at the latest. A moment without an arrival is possible: a packet left the queue then.
    #[must_use]
    pub fn next_wake(&self) -> Option<Instant> {
        let change = self.schedule.first_key_value().map(|((at, _), _)| *at);
        let arrival = self.flying.first_key_value().map(|((at, _), _)| *at);
        [self.bottleneck.next_departure(), arrival, change].into_iter().flatten().min()
    }

    /// At once.
    pub fn change(&mut self, now: Instant, change: Change) {
        self.advance(now);
        self.apply(now, change);
    }

    /// At a later moment; changes of one moment in the order of these calls.
    pub fn schedule(&mut self, at: Instant, change: Change) {
        self.scheduled += 1;
        self.schedule.insert((at, self.scheduled), change);
    }

    /// How it is now.
    #[must_use]
    pub const fn profile(&self) -> &Profile {
        &self.profile
    }

    /// How long the packets wait that stand in the queue now, as far as its rate is known.
    #[must_use]
    pub fn backlog(&self, now: Instant) -> Duration {
        self.bottleneck.backlog(now)
    }

    /// Bytes in the queue, the one under way included.
    #[must_use]
    pub const fn backlog_bytes(&self) -> usize {
        self.bottleneck.bytes()
    }

    /// Since the start or the last `take_counters`.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Counts anew from here.
    pub fn take_counters(&mut self) -> Counters {
        std::mem::take(&mut self.counters)
    }

    /// Everything that happens by itself until `now`, in its order.
    fn advance(&mut self, now: Instant) {
        while let Some(entry) = self.schedule.first_entry().filter(|entry| entry.key().0 <= now) {
            let at = entry.key().0;
            let change = entry.remove();
            self.depart(at);
            self.apply(at, change);
        }
        self.depart(now);
    }

    fn apply(&mut self, now: Instant, change: Change) {
        match change {
            Change::Capacity(capacity) => {
                self.bottleneck.set_capacity(now, capacity.clone());
                self.profile.capacity = capacity;
            }
            Change::Queue(queue) => self.profile.queue = queue,
            Change::Delay(delay) => self.profile.delay = delay,
            Change::Jitter(jitter) => self.profile.jitter = jitter,
            Change::Reorders(reorders) => self.profile.reorders = reorders,
            Change::Duplicates(percent) => self.profile.duplicates = percent,
            Change::Loss(loss) => self.profile.loss = loss,
            Change::MarksFrom(from) => self.profile.marks_from = from,
            Change::Markable(markable) => self.profile.markable = markable,
            Change::Cut(cut) => self.cut = cut,
        }
        self.depart(now);
    }

    fn depart(&mut self, now: Instant) {
        while let Some(left) = self.bottleneck.pop(now) {
            let waited = left.at.since(left.entered);
            self.counters.queue_delay.count(waited);
            let (ecn, item) = left.item;
            let crowded = self.profile.marks_from.is_some_and(|from| waited > from);
            let ecn = match ecn {
                Ecn::NotCapable if crowded => {
                    self.counters.dropped_by_queue += 1;
                    continue;
                }
                _ if self.profile.markable == Markable::Erased => Ecn::NotCapable,
                Ecn::Capable if crowded => Ecn::Congested,
                ecn => ecn,
            };
            self.counters.marked += u64::from(ecn == Ecn::Congested);
            let twice = self.random.chance(self.profile.duplicates);
            if twice {
                self.counters.duplicated += 1;
                self.fly(left.at + DUPLICATE_LAG, left.bytes, ecn, item.clone());
            }
            self.fly(left.at, left.bytes, ecn, item);
        }
    }

    fn fly(&mut self, from: Instant, bytes: usize, ecn: Ecn, item: T) {
        let jitter = u64::try_from(self.profile.jitter.as_micros()).unwrap_or(0);
        let mut at = from + self.profile.delay + Duration::from_micros(self.random.below(0..jitter.saturating_add(1)));
        if !self.profile.reorders {
            at = at.max(self.last_arrival);
        }
        self.last_arrival = self.last_arrival.max(at);
        self.flown += 1;
        self.flying.insert((at, self.flown), Delivery { at, bytes, ecn, item });
    }
}

/// Both directions of a path.
#[derive(Debug)]
pub struct Path<T> {
    /// There.
    pub forward: Link<T>,
    /// And back.
    pub back: Link<T>,
}

impl<T: Clone> Path<T> {
    /// One seed for both, with a stream of draws each.
    #[must_use]
    pub fn new(forward: Profile, back: Profile, seed: u64) -> Self {
        let mut random = Random::new(seed);
        Self { forward: Link::new(forward, random.fork()), back: Link::new(back, random.fork()) }
    }

    /// The sooner of both.
    #[must_use]
    pub fn next_wake(&self) -> Option<Instant> {
        self.forward.next_wake().into_iter().chain(self.back.next_wake()).min()
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
