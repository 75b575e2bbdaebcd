//! A call in virtual time, for where there can be no real link: two of the product's transports on the scenario's link, fed by
//! a camera and a microphone that only count bytes.
//!
//! Nothing is encoded, drawn or played, so its delays are those from encoder to decoder, and pictures have no decibels. What
//! it cannot know stays unmeasured. Called by `mod.rs`.

use super::links::Traces;
use super::recovery::{self, Dip};
use super::scenarios::{DIP, Kind, Scenario};
use super::series::Story;
use crate::bench::figures::{Figures, mean, percentile};
use crate::bench::measure::{Judged, freezes};
use crate::bench::network::SETTLING;
use crate::link::Link;
use anyhow::{Result, bail};
use bytes::Bytes;
use conclave_proto::frames::{AudioFrame, SpatialLayer, VideoCodec, VideoFrame};
use conclave_proto::limits;
use conclave_proto::time::{Bitrate, Instant};
use conclave_proto::transport::{Transport, TransportConfig, TransportEvent};
use conclave_proto::wire::chunks;
use std::collections::BTreeMap;
use std::time::Duration;

const FRAME: Duration = Duration::from_micros(33_333);
const SOUND: Duration = Duration::from_millis(20);
/// 32 kbit/s.
const SOUND_BYTES: usize = 80;
const KEY_FRAME_TIMES: usize = 4;
/// From which budget on a layer is begun, to which it is kept, and what it takes at most, in kbit/s.
const LADDER: [(SpatialLayer, usize, [u64; 3]); 3] =
    [rung(SpatialLayer::Full, 720), rung(SpatialLayer::Medium, 360), rung(SpatialLayer::Small, 180)];

const fn rung(layer: SpatialLayer, lines: usize) -> (SpatialLayer, usize, [u64; 3]) {
    let place = layer as usize;
    let rates = [limits::LAYER_UP_KBPS[place], limits::LAYER_KEEP_KBPS[place], limits::LAYER_MAX_KBPS[place]];
    (layer, lines, rates)
}

/// A point of a rate, and how often the estimate is looked at.
const POINT: Duration = Duration::from_millis(500);
/// IPv4 and UDP.
const HEADERS: usize = crate::link::UDP_IPV4_HEADERS;

/// One end, and its way to the other.
struct End {
    transport: Transport,
    link: Link<(u64, Vec<u8>)>,
    counter: u64,
}

/// The encoder's state.
struct Camera {
    layer: usize,
    /// By layer: what the next picture is called.
    numbers: [u32; LADDER.len()],
    base: Option<u32>,
    key_wanted: bool,
}

struct Call {
    now: Instant,
    ends: [End; 2],
    budget: Bitrate,
    camera: Camera,
    sequence: u32,
    captured: BTreeMap<(usize, u32), Instant>,
    shown: Vec<Judged>,
    heard: u64,
    /// What arrived of pictures and of sound once it has settled.
    media_bytes: [u64; 2],
    sent_bytes: Vec<u64>,
    arrived_bytes: Vec<u64>,
}

/// The figures of a call of this length, and its story.
pub(super) fn call(scenario: &Scenario, traces: &Traces, length: Duration, seed: u64) -> Result<(Figures, Story)> {
    if matches!(scenario.kind, Kind::Download | Kind::Mesh) {
        bail!("a call in virtual time has two parties and the link to itself");
    }
    let end = |way| -> Result<End> {
        let transport = Transport::new(Instant::ZERO, TransportConfig::default());
        Ok(End { transport, link: traces.link(&scenario.shape, way, seed)?, counter: 0 })
    };
    let mut call = Call {
        now: Instant::ZERO,
        ends: [end(0)?, end(1)?],
        budget: Bitrate::from_kbps(300),
        camera: Camera { layer: 1, numbers: [0; LADDER.len()], base: None, key_wanted: true },
        sequence: 0,
        captured: BTreeMap::new(),
        shown: Vec::new(),
        heard: 0,
        media_bytes: [0, 0],
        sent_bytes: Vec::new(),
        arrived_bytes: Vec::new(),
    };
    let mut story = Story { seconds: length.as_secs_f64(), ..Story::default() };
    while call.now < Instant::ZERO + length {
        let at = call.now.as_micros() as f64 / 1e6;
        call.run(POINT);
        story.estimate_kbit_s.push((at, call.ends[0].transport.estimate().as_bps() as f64 / 1000.0));
    }
    let rate = |bytes: &[u64]| {
        let span = POINT.as_secs_f64();
        let points = bytes.iter().enumerate();
        points.map(|(place, bytes)| (place as f64 * span, *bytes as f64 * 8.0 / 1000.0 / span)).collect()
    };
    story.capacity_kbit_s = traces.capacity_kbit_s(&scenario.shape, length, POINT.as_secs_f64());
    (story.sent_kbit_s, story.arrived_kbit_s) = (rate(&call.sent_bytes), rate(&call.arrived_bytes));
    let second = |shown: &Judged| shown.shown_us as f64 / 1e6;
    story.glass_ms = call.shown.iter().filter_map(|shown| Some((second(shown), shown.delay_ms?))).collect();
    story.lines = call.shown.iter().map(|shown| (second(shown), shown.lines as f64)).collect();
    Ok((call.figures(scenario, length), story))
}

impl Call {
    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        let due = |now: Instant, every: Duration| {
            let micros = every.as_micros() as u64;
            Instant::from_micros((now.as_micros() / micros + 1) * micros)
        };
        loop {
            (0..2).for_each(|side| self.drain(side));
            let wakes = self.ends.iter().flat_map(|end| {
                let own = end.transport.next_wake(self.now).map(|(at, _)| at);
                own.into_iter().chain(end.link.next_wake())
            });
            let (frame, sound) = (due(self.now, FRAME), due(self.now, SOUND));
            let next = wakes.chain([frame, sound, end]).min().unwrap_or(end).max(self.now);
            self.now = next;
            if next >= end {
                return;
            }
            self.happen(next == frame, next == sound);
        }
    }

    fn happen(&mut self, frame: bool, sound: bool) {
        let now = self.now;
        for end in &mut self.ends {
            if end.transport.next_wake(now).is_some_and(|(at, _)| at <= now) {
                end.transport.handle_timeout(now);
            }
        }
        if sound {
            self.sequence += 1;
            let payload = Bytes::from_static(&[0x5a; SOUND_BYTES]);
            let position = u64::from(self.sequence) * 960;
            let frame = AudioFrame { sequence: self.sequence, position, level: 90, is_copy: false, payload };
            self.ends.iter_mut().for_each(|end| end.transport.send_audio(now, &frame));
        }
        if frame && let Some(picture) = self.camera.picture(now, self.budget) {
            self.captured.insert((picture.layer as usize, picture.number), now);
            self.ends[0].transport.send_video(now, &picture);
        }
        for side in 0..2 {
            while let Some(arrived) = self.ends[side].link.receive(now) {
                if side == 0 {
                    add(&mut self.arrived_bytes, now, arrived.bytes);
                }
                let (counter, plaintext) = arrived.item;
                let ecn = arrived.ecn;
                let transport = &mut self.ends[1 - side].transport;
                transport.datagram_received(now, counter, ecn, plaintext.len() + limits::SEALED_OVERHEAD);
                for chunk in chunks(&plaintext).flatten() {
                    // Both ends are ours and honest: there is nothing to refuse.
                    transport.handle_chunk(now, counter, chunk).ok();
                }
            }
        }
    }

    fn drain(&mut self, side: usize) {
        let room = limits::DATAGRAM_BYTES - limits::SEALED_OVERHEAD;
        let mut out = Vec::new();
        loop {
            let End { transport, link, counter } = &mut self.ends[side];
            let Some(info) = transport.poll_chunks(self.now, *counter, room, &mut out) else { break };
            let bytes = out.len() + limits::SEALED_OVERHEAD + HEADERS;
            link.send_as(self.now, bytes, info.ecn, (*counter, std::mem::take(&mut out)));
            *counter += 1;
            if side == 0 {
                add(&mut self.sent_bytes, self.now, bytes);
            }
        }
        while let Some(event) = self.ends[side].transport.poll_event() {
            match event {
                TransportEvent::EncoderBudget(budget) if side == 0 => self.budget = budget.now,
                TransportEvent::KeyFrameWanted(_) if side == 0 => self.camera.key_wanted = true,
                TransportEvent::Audio(frame) if side == 1 => {
                    self.heard += 1;
                    self.count(1, frame.payload.len());
                }
                TransportEvent::Video(frame) if side == 1 => self.show(&frame),
                _ => {}
            }
        }
    }

    fn count(&mut self, kind: usize, bytes: usize) {
        if self.now >= Instant::ZERO + SETTLING {
            self.media_bytes[kind] += bytes as u64;
        }
    }

    fn show(&mut self, frame: &VideoFrame) {
        self.count(0, frame.payload.len());
        let captured = self.captured.get(&(frame.layer as usize, frame.number));
        let delay_ms = captured.map(|at| self.now.since(*at).as_secs_f64() * 1000.0);
        let shown_us = self.now.as_micros() as i64;
        self.shown.push(Judged { shown_us, lines: frame.height.into(), delay_ms, error: None, likeness: None });
    }

    fn figures(&self, scenario: &Scenario, length: Duration) -> Figures {
        let mut figures = Figures::default();
        let from = SETTLING.as_micros() as i64;
        let steady: Vec<&Judged> = self.shown.iter().filter(|shown| shown.shown_us >= from).collect();
        let seconds = (length - SETTLING).as_secs_f64();
        let delays: Vec<f64> = steady.iter().filter_map(|shown| shown.delay_ms).collect();
        figures.set("glass_p50_ms", percentile(&delays, 50.0));
        figures.set("glass_p95_ms", percentile(&delays, 95.0));
        figures.set("glass_worst_ms", percentile(&delays, 100.0));
        figures.set("pictures_per_second", Some(steady.len() as f64 / seconds));
        let lines: Vec<f64> = steady.iter().map(|shown| shown.lines as f64).collect();
        figures.set("lines_mean", mean(&lines));
        figures.set("lines_p10", percentile(&lines, 10.0).map(f64::floor));
        let gaps = freezes(&steady.iter().map(|shown| shown.shown_us).collect::<Vec<_>>());
        figures.set("freezes", Some(gaps.len() as f64));
        figures.set("frozen_ms", Some(gaps.iter().fold(0.0, |sum, gap| sum + gap)));
        let place = (SETTLING.as_millis() / POINT.as_millis()) as usize;
        let arrived: u64 = self.arrived_bytes.iter().skip(place).sum();
        figures.set("link_kbit_s", Some(arrived as f64 * 8.0 / 1000.0 / seconds));
        let kbit_s = |bytes: u64| Some(bytes as f64 * 8.0 / 1000.0 / seconds);
        figures.set("video_kbit_s", kbit_s(self.media_bytes[0]));
        figures.set("audio_kbit_s", kbit_s(self.media_bytes[1]));
        let spoken = f64::from(self.sequence).max(1.0);
        figures.set("sound_lost_percent", Some(100.0 * (1.0 - self.heard as f64 / spoken).max(0.0)));
        if scenario.kind == Kind::Steps {
            let at = |time: Duration| time.as_micros() as i64;
            let dip = Dip { from_us: at(DIP.0), to_us: at(DIP.1), end_us: at(length) };
            let rates = self.arrived_bytes.iter().enumerate();
            let rate: Vec<(i64, u64)> = rates.map(|(place, bytes)| (at(POINT) * place as i64, *bytes)).collect();
            let pictures: Vec<Judged> = steady.into_iter().cloned().collect();
            recovery::tell(&dip, &pictures, &rate, LADDER[0].1, &mut figures);
        }
        figures
    }
}

fn add(points: &mut Vec<u64>, now: Instant, bytes: usize) {
    let place = (now.as_micros() / POINT.as_micros() as u64) as usize;
    if points.len() <= place {
        points.resize(place + 1, 0);
    }
    points[place] += bytes as u64;
}

impl Camera {
    /// The next picture; none if the budget is below the ladder.
    fn picture(&mut self, now: Instant, budget: Bitrate) -> Option<VideoFrame> {
        let kbps = budget.as_kbps();
        let kept = kbps >= LADDER[self.layer].2[1];
        let best = LADDER.iter().position(|(_, _, [begin, _, _])| kbps >= *begin);
        let layer = match best {
            Some(best) if best < self.layer || !kept => best,
            _ if kept => self.layer,
            _ => return None,
        };
        if layer != self.layer {
            (self.layer, self.key_wanted) = (layer, true);
        }
        let number = self.numbers[layer];
        self.numbers[layer] += 1;
        let (layer, lines, [_, _, most]) = LADDER[layer];
        let key = std::mem::take(&mut self.key_wanted) || self.base.is_none();
        let base = if key { number } else { self.base.unwrap_or(number) };
        let temporal = u8::from(!key && number - base == 1);
        let needs_back = u8::try_from(number - base).unwrap_or(u8::MAX);
        if temporal == 0 {
            self.base = Some(number);
        }
        let bytes = Bitrate::from_kbps(most).min(budget).bytes_in(FRAME) * if key { KEY_FRAME_TIMES } else { 1 };
        Some(VideoFrame {
            layer,
            temporal,
            number,
            needs_back,
            codec: VideoCodec::Av1,
            captured_us: now.as_micros(),
            width: (lines * 16 / 9) as u16,
            height: lines as u16,
            payload: vec![0x5a; bytes.max(40)].into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::network::scenarios::SCENARIOS;
    use std::path::PathBuf;

    fn scenario(name: &str) -> &'static Scenario {
        SCENARIOS.iter().find(|scenario| scenario.name == name).expect("a scenario")
    }

    #[test]
    fn a_lossy_call_moves_and_one_seed_is_one_call() {
        let length = SETTLING + Duration::from_secs(10);
        let run = |seed| call(scenario("loss2"), &Traces(PathBuf::new()), length, seed).expect("a call");
        let (figures, story) = run(3);
        let of = |name| figures.of(name).expect("measured");
        assert!(of("pictures_per_second") > 20.0 && of("lines_p10") >= 180.0, "{figures:?}");
        let lost = of("sound_lost_percent");
        assert!(lost > 0.0 && lost < 1.0, "copies make up for most of 2 %: {figures:?}");
        assert!(story.svg("a call").contains("<circle"));
        assert_eq!(run(3).0, figures);
    }

    #[test]
    fn what_needs_more_than_two_parties_is_refused() {
        for name in ["download", "mesh"] {
            assert!(call(scenario(name), &Traces(PathBuf::new()), Duration::from_secs(30), 1).is_err());
        }
    }
}
