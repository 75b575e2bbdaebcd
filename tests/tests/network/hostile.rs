//! Peers whose feedback lies: what they can make the sender do. The sender's transport is driven by hand, and a liar writes the reports.

use std::time::Duration;

use conclave_proto::core::PeerStats;
use conclave_proto::ecn::Ecn;
use conclave_proto::frames::{SpatialLayer, Wish};
use conclave_proto::limits;
use conclave_proto::time::{Bitrate, Instant};
use conclave_proto::transport::{Transport, TransportConfig, TransportEvent};
use conclave_proto::wire::{Arrival, Chunk, Feedback, Nack};
use conclave_tests::random::Random;

use crate::encoder::{Encoder, FPS};

const ROOM: usize = limits::DATAGRAM_BYTES - limits::SEALED_OVERHEAD;
const STEP: Duration = Duration::from_millis(5);

/// A sender towards a liar, who has every datagram and may say what it likes.
struct Sender {
    now: Instant,
    transport: Transport,
    encoder: Encoder,
    counter: u64,
    budget: Bitrate,
    keys_wanted: u64,
    sent_bytes: usize,
    datagrams: u64,
    /// Numbers and times of what no report has told of.
    fresh: Vec<(u64, Instant)>,
}

impl Sender {
    fn new() -> Self {
        let now = Instant::from_micros(7_000_000);
        let mut transport = Transport::new(now, TransportConfig::default());
        let wish = Wish { layer: Some(SpatialLayer::Full), full_frame_rate: true };
        transport.handle_chunk(now, 0, Chunk::Wish { version: 1, wish }).expect("an honest wish");
        Self {
            now,
            transport,
            encoder: Encoder::new(Random::new(3)),
            counter: 0,
            budget: Bitrate::from_kbps(500),
            keys_wanted: 0,
            sent_bytes: 0,
            datagrams: 0,
            fresh: Vec::new(),
        }
    }

    fn estimate(&self) -> Bitrate {
        let mut stats = PeerStats::default();
        self.transport.stats(self.now, &mut stats);
        stats.available_outgoing_bitrate
    }

    /// A call of so long with at most so much of pictures; every 50 ms the liar has its say.
    fn run(&mut self, time: Duration, appetite: Bitrate, mut lie: impl FnMut(&mut Self)) {
        let steps = time.as_micros() / STEP.as_micros();
        for step in 0..u64::try_from(steps).expect("short") {
            self.now += STEP;
            let now = self.now;
            self.transport.handle_timeout(now);
            if step % 4 == 0 {
                let sound = self.encoder.sound(80);
                self.transport.send_audio(now, &sound);
            }
            if step % (200 / FPS) == 0 && self.budget >= Bitrate::from_kbps(30) {
                let frame = self.encoder.picture(SpatialLayer::Full, self.budget.min(appetite), now.as_micros());
                self.transport.send_video(now, &frame);
            }
            if step % 10 == 0 {
                lie(self);
                self.fresh.clear();
            }
            self.drain();
        }
    }

    fn drain(&mut self) {
        let mut out = Vec::new();
        let mut at_once = 0;
        while self.transport.poll_chunks(self.now, self.counter, ROOM, &mut out).is_some() {
            self.fresh.push((self.counter, self.now));
            self.counter += 1;
            self.datagrams += 1;
            self.sent_bytes += out.len() + limits::SEALED_OVERHEAD;
            out.clear();
            at_once += 1;
            assert!(at_once < 500, "an endless burst");
        }
        while let Some(event) = self.transport.poll_event() {
            match event {
                TransportEvent::EncoderBudget(budget) => self.budget = budget.now,
                TransportEvent::KeyFrameWanted(_) => {
                    self.keys_wanted += 1;
                    self.encoder.want_key();
                }
                _ => {}
            }
        }
    }

    fn tell(&mut self, begin: u64, delay_us: u64, arrivals: &[Arrival]) {
        let mut records = Vec::new();
        let now_us = arrivals.last().map_or(0, |last| last.at_us).wrapping_add(delay_us);
        let feedback = Feedback::build(begin, now_us, arrivals, &mut records);
        let mut bytes = Vec::new();
        Chunk::Feedback(feedback).encode(&mut bytes);
        for chunk in conclave_proto::wire::chunks(&bytes) {
            let Ok(chunk) = chunk else { return };
            self.transport.handle_chunk(self.now, 0, chunk).expect("a lie is no offence");
        }
    }

    /// Everything came, 20 ms after it was sent.
    fn tell_the_truth(&mut self) {
        self.tell_all(|at| at.as_micros() + 20_000);
    }

    fn tell_all(&mut self, arrived: impl Fn(Instant) -> u64) {
        self.tell_all_as(Ecn::NotCapable, arrived);
    }

    fn tell_all_as(&mut self, ecn: Ecn, arrived: impl Fn(Instant) -> u64) {
        let arrivals: Vec<Arrival> =
            self.fresh.iter().map(|(number, at)| Arrival { number: *number, at_us: arrived(*at), ecn }).collect();
        if let Some(first) = arrivals.first() {
            self.tell(first.number, 0, &arrivals);
        }
    }

    /// What was sent per second.
    fn rate(&self, time: Duration) -> Bitrate {
        Bitrate::from_bps(self.sent_bytes as u64 * 8_000_000 / u64::try_from(time.as_micros()).expect("short"))
    }
}

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn what_was_never_sent_cannot_be_acknowledged() {
    let mut sender = Sender::new();
    sender.run(MINUTE, Bitrate::from_kbps(1000), |sender| {
        let (ahead, at_us) = (sender.counter + 1_000_000, sender.now.as_micros());
        let arrivals: Vec<Arrival> =
            (0..200).map(|step| Arrival { number: ahead + step, at_us: at_us + step, ecn: Ecn::NotCapable }).collect();
        sender.tell(ahead, 0, &arrivals);
        sender.tell(0, 0, &[Arrival { number: u64::MAX >> 5, at_us, ecn: Ecn::Congested }]);
    });
    // Nothing was told of what was sent: it counts as silence.
    assert!(sender.estimate() <= Bitrate::from_kbps(100), "{}", sender.estimate());
}

#[test]
fn endless_capacity_is_not_believed() {
    let mut sender = Sender::new();
    // Everything arrived at one moment, at once, at an endless rate.
    sender.run(MINUTE, Bitrate::from_kbps(1000), |sender| sender.tell_all(|_| 1_000_000));
    let most = Bitrate::from_kbps(limits::ESTIMATE_MOST_KBPS);
    assert!(sender.estimate() <= most, "{}", sender.estimate());
    // Who needs a megabit sends a megabit, and probes.
    assert!(sender.rate(MINUTE) < Bitrate::from_kbps(1600), "{}", sender.rate(MINUTE));
}

#[test]
fn total_loss_leaves_sound_and_nothing_else() {
    let mut sender = Sender::new();
    sender.run(MINUTE, Bitrate::from_kbps(10_000), |sender| {
        let last = sender.fresh.last().map(|(number, at)| Arrival {
            number: *number,
            at_us: at.as_micros(),
            ecn: Ecn::NotCapable,
        });
        if let (Some(last), Some((first, _))) = (last, sender.fresh.first().copied()) {
            sender.tell(first, 0, &[last]);
        }
    });
    assert!(sender.rate(MINUTE) < Bitrate::from_kbps(400), "{}", sender.rate(MINUTE));
    let before = sender.datagrams;
    sender.run(Duration::from_secs(1), Bitrate::ZERO, Sender::tell_the_truth);
    assert!(sender.datagrams - before >= 50, "sound goes on");
    sender.run(MINUTE, Bitrate::from_kbps(1000), Sender::tell_the_truth);
    assert!(sender.estimate() > Bitrate::from_kbps(1000), "the truth helps: {}", sender.estimate());
}

#[test]
fn clocks_that_jump_change_nothing() {
    let mut sender = Sender::new();
    let mut random = Random::new(9);
    sender.run(MINUTE, Bitrate::from_kbps(1000), |sender| {
        let jump = if random.chance(20.0) { random.next() >> 2 } else { 0 };
        sender.tell_all(|at| (at.as_micros() + 20_000).wrapping_add(jump) & (u64::MAX >> 2));
    });
    assert!(sender.rate(MINUTE) < Bitrate::from_kbps(2000), "{}", sender.rate(MINUTE));
    assert!(sender.estimate() >= Bitrate::from_kbps(300), "{}", sender.estimate());
    // Delays that contradict the time that passed.
    sender.run(MINUTE, Bitrate::from_kbps(1000), |sender| {
        let arrivals: Vec<Arrival> = sender
            .fresh
            .iter()
            .map(|(number, _)| Arrival { number: *number, at_us: 5, ecn: Ecn::NotCapable })
            .collect();
        sender.tell(arrivals.first().map_or(0, |first| first.number), u64::MAX >> 3, &arrivals);
    });
    assert!(sender.rate(MINUTE * 2) < Bitrate::from_kbps(2500), "{}", sender.rate(MINUTE * 2));
}

#[test]
fn a_storm_of_requests_is_answered_within_the_estimate() {
    let mut sender = Sender::new();
    sender.run(MINUTE, Bitrate::from_kbps(1000), |sender| {
        sender.tell_the_truth();
        for number in 0..200 {
            let mut ranges = Vec::new();
            let nack = Nack::build(SpatialLayer::Full, number * 9, 0..400, &mut ranges);
            sender.transport.handle_chunk(sender.now, 0, Chunk::Nack(nack)).expect("no offence");
            let newest = u32::try_from(sender.counter / 5).expect("short");
            let nack =
                Nack::build(SpatialLayer::Full, newest.saturating_sub(number % 40), std::iter::empty(), &mut ranges);
            sender.transport.handle_chunk(sender.now, 0, Chunk::Nack(nack)).expect("no offence");
        }
    });
    let (rate, estimate) = (sender.rate(MINUTE), sender.estimate());
    assert!(rate < estimate.scaled(1.05).max(Bitrate::from_kbps(2500)), "{rate} of {estimate}");
    let mut stats = PeerStats::default();
    sender.transport.stats(sender.now, &mut stats);
    assert!(stats.sent_video.frames > 1600, "pictures go on: {}", stats.sent_video.frames);
}

#[test]
fn a_storm_of_key_frame_requests_makes_one_a_second() {
    let mut sender = Sender::new();
    sender.run(MINUTE, Bitrate::from_kbps(1000), |sender| {
        sender.tell_the_truth();
        for step in 0..100 {
            let from_number = if step % 2 == 0 { u32::MAX } else { step };
            let request = Chunk::KeyRequest { layer: SpatialLayer::Full, from_number };
            sender.transport.handle_chunk(sender.now, 0, request).expect("no offence");
        }
    });
    assert!(sender.keys_wanted <= 61, "{}", sender.keys_wanted);
}

#[test]
fn who_claims_marks_gets_less_and_still_a_voice() {
    let mut sender = Sender::new();
    sender.run(Duration::from_secs(10), Bitrate::from_kbps(2000), |sender| {
        sender.tell_all_as(Ecn::Capable, |at| at.as_micros() + 20_000);
    });
    let before = sender.rate(Duration::from_secs(10));
    sender.sent_bytes = 0;
    sender.run(Duration::from_secs(20), Bitrate::from_kbps(2000), |sender| {
        sender.tell_all_as(Ecn::Congested, |at| at.as_micros() + 20_000);
    });
    let after = sender.rate(Duration::from_secs(20));
    assert!(after < before.scaled(0.5), "{before} {after}");
    assert!(after >= Bitrate::from_kbps(30), "sound goes on: {after}");
}
