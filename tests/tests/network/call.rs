//! One call in virtual time: two transports, one of which sends pictures; both send sound. What the other end saw and heard, and
//! when, is noted for the figures. The scene moves its datagrams.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use conclave_proto::core::PeerStats;
use conclave_proto::ecn::Ecn;
use conclave_proto::frames::{SpatialLayer, Wish};
use conclave_proto::limits;
use conclave_proto::time::{Bitrate, Instant};
use conclave_proto::transport::{Transport, TransportConfig, TransportEvent};
use conclave_proto::wire::chunks;
use conclave_tests::random::Random;

use crate::encoder::{Encoder, FPS};

const FRAME: Duration = Duration::from_micros(1_000_000 / FPS);
const ROOM: usize = limits::DATAGRAM_BYTES - limits::SEALED_OVERHEAD;
/// Rates are noted in steps of this.
pub(crate) const STEP: Duration = Duration::from_millis(100);
/// The least that a codec can be asked for: below, the camera rests.
const LEAST_TARGET: Bitrate = Bitrate::from_kbps(30);

/// A picture at the far end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown {
    pub(crate) captured: Instant,
    pub(crate) at: Instant,
}

impl Shown {
    pub(crate) fn delay(&self) -> Duration {
        self.at.since(self.captured)
    }
}

/// Which end: 0 sends pictures, 1 sees them.
pub(crate) type Side = usize;

#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) starts_at: Instant,
    pub(crate) transports: [Transport; 2],
    counters: [u64; 2],
    pub(crate) encoder: Encoder,
    /// The most that its encoder makes.
    pub(crate) appetite: Bitrate,
    pub(crate) budget: Bitrate,
    pub(crate) sound_bytes: usize,
    pub(crate) sound_every: Duration,
    next_frame: Instant,
    next_sound: Instant,
    captured: BTreeMap<u32, Instant>,
    spoken: BTreeMap<u32, Instant>,
    pub(crate) shown: Vec<Shown>,
    pub(crate) heard: Vec<Shown>,
    pub(crate) frames_made: u64,
    /// Bytes on the link that arrived, per step.
    pub(crate) carried: Vec<u64>,
    /// The estimate at each step.
    pub(crate) estimates: Vec<Bitrate>,
}

impl Call {
    pub(crate) fn new(starts_at: Instant, mut random: Random) -> Self {
        let transport = || Transport::new(starts_at, TransportConfig::default());
        let mut transports = [transport(), transport()];
        transports[1].set_wish(starts_at, Wish { layer: Some(SpatialLayer::Full), full_frame_rate: true });
        // Cameras and microphones do not tick together.
        let phase = random.time(0..33);
        Self {
            starts_at,
            transports,
            counters: [0; 2],
            encoder: Encoder::new(random.fork()),
            appetite: Bitrate::from_kbps(10_000),
            budget: Bitrate::from_kbps(500),
            sound_bytes: 80,
            sound_every: Duration::from_millis(20),
            next_frame: starts_at + phase,
            next_sound: starts_at + phase / 2,
            captured: BTreeMap::new(),
            spoken: BTreeMap::new(),
            shown: Vec::new(),
            heard: Vec::new(),
            frames_made: 0,
            carried: Vec::new(),
            estimates: Vec::new(),
        }
    }

    pub(crate) fn estimate(&self, now: Instant) -> Bitrate {
        let mut stats = PeerStats::default();
        self.transports[0].stats(now, &mut stats);
        stats.available_outgoing_bitrate
    }

    pub(crate) fn next_wake(&self, now: Instant) -> Instant {
        let wakes = self.transports.iter().filter_map(|transport| transport.next_wake(now)).map(|(at, _)| at);
        let soonest = wakes.chain([self.next_frame, self.next_sound]).min().unwrap_or(self.next_frame);
        soonest.max(self.starts_at)
    }

    pub(crate) fn tick(&mut self, now: Instant) {
        if now < self.starts_at {
            return;
        }
        for transport in &mut self.transports {
            if transport.next_wake(now).is_some_and(|(at, _)| at <= now) {
                transport.handle_timeout(now);
            }
        }
        if self.next_sound <= now {
            self.next_sound += self.sound_every;
            let sound = self.encoder.sound(self.sound_bytes);
            self.spoken.insert(sound.sequence, now);
            self.transports.iter_mut().for_each(|transport| transport.send_audio(now, &sound));
        }
        if self.next_frame <= now {
            self.next_frame += FRAME;
            self.note_step(now);
            let target = self.budget.min(self.appetite);
            if target >= LEAST_TARGET {
                let frame = self.encoder.picture(SpatialLayer::Full, target, now.as_micros());
                self.frames_made += 1;
                self.captured.insert(frame.number, now);
                self.transports[0].send_video(now, &frame);
            }
        }
    }

    /// The next datagram of one end: its counter, how it leaves, its plaintext.
    pub(crate) fn poll(&mut self, now: Instant, side: Side) -> Option<(u64, Ecn, Bytes)> {
        if now < self.starts_at {
            return None;
        }
        let mut out = Vec::new();
        let info = self.transports[side].poll_chunks(now, self.counters[side], ROOM, &mut out)?;
        assert!(out.len() <= ROOM, "a datagram fits the path");
        self.counters[side] += 1;
        Some((self.counters[side] - 1, info.ecn, out.into()))
    }

    pub(crate) fn receive(
        &mut self,
        now: Instant,
        side: Side,
        (counter, ecn): (u64, Ecn),
        plaintext: &[u8],
        bytes_on_link: usize,
    ) {
        let transport = &mut self.transports[side];
        transport.datagram_received(now, counter, ecn, plaintext.len() + limits::SEALED_OVERHEAD);
        for chunk in chunks(plaintext) {
            transport.handle_chunk(now, counter, chunk.expect("well formed")).expect("honest");
        }
        if side == 1 {
            self.note_step(now);
            if let Some(last) = self.carried.last_mut() {
                *last += bytes_on_link as u64;
            }
        }
    }

    pub(crate) fn handle_events(&mut self, now: Instant) {
        for side in 0..2 {
            while let Some(event) = self.transports[side].poll_event() {
                match event {
                    TransportEvent::EncoderBudget(budget) if side == 0 => self.budget = budget.now,
                    TransportEvent::KeyFrameWanted(_) => self.encoder.want_key(),
                    TransportEvent::Video(frame) => {
                        let captured = self.captured.get(&frame.number).copied();
                        self.shown.extend(captured.map(|captured| Shown { captured, at: now }));
                    }
                    TransportEvent::Audio(frame) if side == 1 => {
                        let captured = self.spoken.get(&frame.sequence).copied();
                        self.heard.extend(captured.map(|captured| Shown { captured, at: now }));
                    }
                    _ => {}
                }
            }
        }
    }

    fn note_step(&mut self, now: Instant) {
        let step = usize::try_from(now.since(self.starts_at).as_micros() / STEP.as_micros()).unwrap_or(0);
        while self.carried.len() <= step {
            self.carried.push(0);
            self.estimates.push(self.estimate(now));
        }
    }
}
