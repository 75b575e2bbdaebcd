//! Two transports over a link, without keys and membership: how the estimate behaves. A camera that follows the budget sends.

use std::collections::BTreeMap;
use std::time::Duration;

use conclave_proto::core::LayerTarget;
use conclave_proto::ecn::Ecn;
use conclave_proto::frames::SpatialLayer;
use conclave_proto::limits;
use conclave_proto::time::{Bitrate, Instant};
use conclave_proto::transport::{Transport, TransportConfig, TransportEvent};
use conclave_proto::wire::chunks;

use crate::link::{Link, Loss, Profile};
use crate::media::{Studio, Witness};
use crate::random::Random;

const FPS: u64 = 30;
const FRAME: Duration = Duration::from_micros(1_000_000 / FPS);

struct End {
    transport: Transport,
    link: Link,
    counter: u64,
}

/// One sends, the other reports.
struct Path {
    now: Instant,
    ends: [End; 2],
    under_way: BTreeMap<(Instant, u64), (usize, u64, Vec<u8>)>,
    sequence: u64,
    studio: Studio,
    /// The most that the camera's encoder makes.
    appetite: Bitrate,
    budget: Bitrate,
    next_frame: Instant,
    next_sound: Instant,
    witness: Witness,
    captured: BTreeMap<u32, Instant>,
    /// From the encoder to the decoder.
    latencies: Vec<Duration>,
}

impl Path {
    fn new(profile: Profile) -> Self {
        let now = Instant::from_micros(5_000_000);
        let mut random = Random::new(77);
        let mut end = |profile| End {
            transport: Transport::new(now, TransportConfig::default()),
            link: Link::new(profile, random.fork()),
            counter: 0,
        };
        let back = Profile { rate: None, loss: Loss::None, ..profile };
        Self {
            now,
            ends: [end(profile), end(back)],
            under_way: BTreeMap::new(),
            sequence: 0,
            studio: Studio::new(1),
            appetite: Bitrate::from_kbps(10_000),
            budget: Bitrate::from_kbps(500),
            next_frame: now,
            next_sound: now,
            witness: Witness::default(),
            captured: BTreeMap::new(),
            latencies: Vec::new(),
        }
    }

    fn estimate(&self) -> Bitrate {
        let mut stats = conclave_proto::core::PeerStats::default();
        self.ends[0].transport.stats(self.now, &mut stats);
        stats.available_outgoing_bitrate
    }

    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            (0..2).for_each(|side| self.drain(side));
            let wakes = self.ends.iter().filter_map(|side| side.transport.next_wake(self.now)).map(|(at, _)| at);
            let arrival = self.under_way.first_key_value().map(|((at, _), _)| *at);
            let next = wakes.chain(arrival).chain([self.next_frame, self.next_sound]).min().expect("a camera");
            if next > end {
                self.now = end;
                return;
            }
            self.now = self.now.max(next);
            self.happen();
        }
    }

    fn happen(&mut self) {
        let now = self.now;
        for side in &mut self.ends {
            if side.transport.next_wake(now).is_some_and(|(at, _)| at <= now) {
                side.transport.handle_timeout(now);
            }
        }
        if self.next_sound <= now {
            self.next_sound = now + Duration::from_millis(20);
            let frame = self.studio.sound();
            self.ends[0].transport.send_audio(now, &frame);
        }
        if self.next_frame <= now {
            self.next_frame = now + FRAME;
            let bitrate = self.budget.min(self.appetite);
            self.studio.set_targets(&[LayerTarget { layer: SpatialLayer::Full, bitrate }]);
            for frame in self.studio.pictures(FPS) {
                self.captured.insert(frame.number, now);
                self.ends[0].transport.send_video(now, &frame);
            }
        }
        while let Some(first) = self.under_way.first_entry().filter(|first| first.key().0 <= now) {
            let (to, counter, plaintext) = first.remove();
            let transport = &mut self.ends[to].transport;
            transport.datagram_received(now, counter, Ecn::NotCapable, plaintext.len() + limits::SEALED_OVERHEAD);
            for chunk in chunks(&plaintext) {
                transport.handle_chunk(now, counter, chunk.expect("well formed")).expect("honest");
            }
        }
    }

    fn drain(&mut self, side: usize) {
        let mut out = Vec::new();
        let room = limits::DATAGRAM_BYTES - limits::SEALED_OVERHEAD;
        while self.ends[side].transport.poll_chunks(self.now, self.ends[side].counter, room, &mut out).is_some() {
            assert!(out.len() <= room);
            let end = &mut self.ends[side];
            for at in end.link.send(self.now, out.len() + limits::SEALED_OVERHEAD) {
                self.sequence += 1;
                self.under_way.insert((at, self.sequence), (1 - side, end.counter, out.clone()));
            }
            end.counter += 1;
            out.clear();
        }
        while let Some(event) = self.ends[side].transport.poll_event() {
            match event {
                TransportEvent::EncoderBudget(budget) if side == 0 => self.budget = budget.now,
                TransportEvent::KeyFrameWanted(layer) => self.studio.want_key(layer),
                TransportEvent::Video(frame) => {
                    self.witness.see(1, &frame);
                    self.latencies.extend(self.captured.get(&frame.number).map(|at| self.now.since(*at)));
                }
                TransportEvent::Audio(frame) => self.witness.hear(1, &frame),
                _ => {}
            }
        }
    }

    /// The `percent` slowest picture is at least this fast.
    fn latency(&mut self, percent: usize) -> Duration {
        self.latencies.sort();
        self.latencies.get(self.latencies.len() * percent / 100).copied().unwrap_or(Duration::MAX)
    }
}

fn kbps(kbps: u64) -> Bitrate {
    Bitrate::from_kbps(kbps)
}

#[test]
fn a_clean_path_serves_the_large_picture_within_a_second() {
    let mut path = Path::new(Profile::default());
    path.appetite = kbps(1800);
    path.run(Duration::from_secs(1));
    assert!(path.budget > kbps(1800), "{}", path.budget);
    path.run(Duration::from_secs(4));
    path.latencies.clear();
    path.run(Duration::from_secs(10));
    let (typical, slow) = (path.latency(50), path.latency(99));
    assert!(typical <= Duration::from_millis(12), "10 ms of it are the cable: {typical:?}");
    assert!(slow <= Duration::from_millis(20), "{slow:?}");
    assert!(path.latencies.len() >= 299, "{} of 300 pictures", path.latencies.len());
}

#[test]
fn two_megabit_are_found_within_three_seconds_and_the_queue_is_not_held() {
    let mut path =
        Path::new(Profile { rate: Some(kbps(2000)), delay: Duration::from_millis(25), ..Profile::default() });
    path.run(Duration::from_secs(3));
    let found = path.estimate();
    assert!(found > kbps(1500) && found < kbps(2200), "{found}");
    path.latencies.clear();
    let (mut least, mut most) = (found, found);
    for _ in 0..300 {
        path.run(Duration::from_millis(100));
        (least, most) = (least.min(path.estimate()), most.max(path.estimate()));
    }
    assert!(least > kbps(1200) && most < kbps(2500), "between {least} and {most}");
    let (typical, slow) = (path.latency(50), path.latency(95));
    assert!(typical < Duration::from_millis(70), "{typical:?}");
    assert!(slow < Duration::from_millis(150), "{slow:?}");
}

#[test]
fn a_path_that_narrows_is_obeyed_at_once_and_used_again_when_it_widens() {
    let mut path = Path::new(Profile { rate: Some(kbps(4000)), ..Profile::default() });
    path.appetite = kbps(1800);
    path.run(Duration::from_secs(8));
    assert!(path.estimate() > kbps(1800), "{}", path.estimate());
    path.ends[0].link.profile.rate = Some(kbps(600));
    path.run(Duration::from_secs(2));
    assert!(path.estimate() < kbps(700), "{}", path.estimate());
    path.run(Duration::from_secs(2));
    path.ends[0].link.take_longest_queue();
    path.run(Duration::from_secs(4));
    let queue = path.ends[0].link.take_longest_queue();
    assert!(queue < Duration::from_millis(200), "{queue:?}");
    path.ends[0].link.profile.rate = Some(kbps(4000));
    path.run(Duration::from_secs(15));
    assert!(path.estimate() > kbps(1500), "{}", path.estimate());
}

#[test]
fn random_loss_is_no_congestion() {
    let mut path =
        Path::new(Profile { loss: Loss::Uniform(10.0), delay: Duration::from_millis(20), ..Profile::default() });
    path.appetite = kbps(1800);
    path.run(Duration::from_secs(20));
    assert!(path.estimate() > kbps(1500), "{}", path.estimate());
    path.latencies.clear();
    path.run(Duration::from_secs(10));
    assert!(path.latencies.len() > 240, "{} of 300 pictures", path.latencies.len());
}

#[test]
fn two_minutes_of_bursts_do_not_starve_the_picture() {
    let loss = Loss::Bursts { begin: 14.0, end: 33.0, within: 100.0 };
    let mut path = Path::new(Profile { loss, delay: Duration::from_millis(20), ..Profile::default() });
    path.appetite = kbps(1000);
    path.run(Duration::from_secs(120));
    assert!(path.estimate() > kbps(600), "{}", path.estimate());
    assert!(path.latencies.len() > 2700, "{} of 3600 pictures", path.latencies.len());
}

#[test]
fn a_policer_without_a_queue_is_obeyed() {
    let queue = Duration::from_millis(12);
    let mut path = Path::new(Profile { rate: Some(kbps(1000)), queue, ..Profile::default() });
    path.run(Duration::from_secs(10));
    path.ends[0].link.stats = crate::link::LinkStats::default();
    let mut least = path.estimate();
    for _ in 0..100 {
        path.run(Duration::from_millis(200));
        least = least.min(path.estimate());
    }
    let stats = path.ends[0].link.stats;
    assert!(stats.overflowed * 8 < stats.carried, "{stats:?}");
    assert!(path.latencies.len() > 780, "{} of 900 pictures", path.latencies.len());
    assert!(least > kbps(350) && path.estimate() < kbps(1400), "{least} {}", path.estimate());
}

#[test]
fn jitter_is_no_congestion() {
    let jitter = Duration::from_millis(15);
    for reorders in [false, true] {
        let mut path = Path::new(Profile { jitter, reorders, ..Profile::default() });
        path.appetite = kbps(1800);
        path.run(Duration::from_secs(20));
        assert!(path.estimate() > kbps(1500), "reordering {reorders}: {}", path.estimate());
    }
}

#[test]
fn sound_never_waits_for_pictures() {
    let mut path = Path::new(Profile { rate: Some(kbps(300)), queue: Duration::from_secs(2), ..Profile::default() });
    path.run(Duration::from_secs(20));
    let heard = path.witness.sounds;
    assert!(heard > 980, "{heard} of 1000 sounds");
}

#[test]
fn an_idle_path_costs_nearly_nothing() {
    let mut path = Path::new(Profile::default());
    path.run(Duration::from_secs(10));
    (path.next_frame, path.next_sound) = (Instant::from_micros(u64::MAX), Instant::from_micros(u64::MAX));
    path.run(Duration::from_secs(2));
    let before = path.ends[0].link.stats.carried + path.ends[1].link.stats.carried;
    path.run(Duration::from_secs(60));
    let sent = path.ends[0].link.stats.carried + path.ends[1].link.stats.carried - before;
    assert!(sent < 60, "{sent} datagrams in a minute of silence");
}
