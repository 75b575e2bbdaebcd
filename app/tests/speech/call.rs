//! One voice from a microphone to an ear in virtual time: the real sender, two real transports with their reports, a path that
//! loses by a seed, the real jitter buffer. Used by the test beside it and by the example `speech_on_bad_networks`.

use std::collections::VecDeque;

use conclave_media::audio::offline::{VoiceReceiver, VoiceSender};
use conclave_media::audio::{AudioStats, EncodedAudio, PathNeeds};
use conclave_proto::core::PeerStats;
use conclave_proto::ecn::Ecn;
use conclave_proto::frames::AudioFrame;
use conclave_proto::time::{Bitrate, Instant};
use conclave_proto::transport::{Transport, TransportConfig, TransportEvent};
use conclave_proto::wire::chunks;

pub(crate) type Fault = Box<dyn std::error::Error>;

/// Samples in 10 ms.
const BLOCK: usize = 480;
/// UDP payload of a datagram less its seal.
const PLAINTEXT: usize = 1168;
/// What a datagram costs besides.
const OVERHEAD: usize = 32 + 48;

/// A path, the same in both directions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Path {
    /// Share of datagrams that get lost.
    pub(crate) loss: f64,
    /// Losses in a row, on average (Gilbert); 1: each for itself.
    pub(crate) burst: f64,
    /// One way.
    pub(crate) delay_us: u64,
    /// On top, drawn evenly; does not reorder.
    pub(crate) jitter_us: u64,
    /// What the way of the voice carries, with a queue of 0.3 s.
    pub(crate) rate_bps: Option<u64>,
    /// Nothing passes between these moments.
    pub(crate) cut_us: Option<(u64, u64)>,
}

impl Path {
    /// 10 ms, 3 ms of jitter, no losses.
    pub(crate) const CLEAN: Self =
        Self { loss: 0.0, burst: 1.0, delay_us: 10_000, jitter_us: 3_000, rate_bps: None, cut_us: None };

    /// Single losses.
    pub(crate) const fn losing(loss: f64) -> Self {
        Self { loss, ..Self::CLEAN }
    }
}

/// What came of it.
pub(crate) struct Outcome {
    /// What was heard, 48 kHz, from the first moment on.
    pub(crate) heard: Vec<f32>,
    /// The jitter buffer's counters.
    pub(crate) stats: AudioStats,
    /// From the microphone to the ear without devices, per 10 ms heard, ascending.
    pub(crate) delays_us: Vec<u64>,
    /// Bits per second in Opus packets, copies included.
    pub(crate) voice_bps: f64,
    /// Bits per second of whole datagrams with sound, IPv6 headers included.
    pub(crate) wire_bps: f64,
}

impl Outcome {
    /// Part of what was played that was made up.
    pub(crate) fn concealed(&self) -> f64 {
        self.stats.concealed_samples as f64 / self.stats.total_samples.max(1) as f64
    }

    /// The share of delays below which `share` of them lie, in milliseconds.
    pub(crate) fn delay_ms(&self, share: f64) -> u64 {
        let at = (self.delays_us.len().saturating_sub(1) as f64 * share) as usize;
        self.delays_us.get(at).copied().unwrap_or(0) / 1000
    }
}

/// Xorshift: small, seeded, good enough for a network.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        let mut dice = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        for _ in 0..8 {
            dice.roll();
        }
        dice
    }

    fn roll(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// One direction.
struct Link {
    path: Path,
    dice: Dice,
    is_bad: bool,
    free_at_us: u64,
    last_us: u64,
    under_way: VecDeque<(u64, u64, Vec<u8>)>,
}

impl Link {
    fn new(path: Path, seed: u64) -> Self {
        let under_way = VecDeque::new();
        Self { path, dice: Dice::new(seed), is_bad: false, free_at_us: 0, last_us: 0, under_way }
    }

    fn loses(&mut self, now_us: u64) -> bool {
        let Path { loss, burst, cut_us, .. } = self.path;
        let stays = 1.0 - 1.0 / burst;
        let begins = if burst > 1.0 { loss / (1.0 - loss) / burst } else { loss };
        self.is_bad = self.dice.roll() < if self.is_bad && burst > 1.0 { stays } else { begins };
        self.is_bad || cut_us.is_some_and(|(from, to)| (from..to).contains(&now_us))
    }

    fn send(&mut self, now_us: u64, counter: u64, datagram: Vec<u8>) {
        let jitter_us = (self.dice.roll() * self.path.jitter_us as f64) as u64;
        let mut leaves_us = now_us;
        if let Some(rate) = self.path.rate_bps {
            leaves_us = self.free_at_us.max(now_us) + (datagram.len() + OVERHEAD) as u64 * 8_000_000 / rate;
            if leaves_us > now_us + 300_000 {
                return;
            }
            self.free_at_us = leaves_us;
        }
        if self.loses(now_us) {
            return;
        }
        self.last_us = self.last_us.max(leaves_us + self.path.delay_us + jitter_us);
        self.under_way.push_back((self.last_us, counter, datagram));
    }

    fn deliver(&mut self, now_us: u64) -> Option<(u64, Vec<u8>)> {
        let (_, counter, datagram) = self.under_way.pop_front_if(|(at, ..)| *at <= now_us)?;
        Some((counter, datagram))
    }
}

/// A call of as many seconds as `speech` (48 kHz) has.
pub(crate) fn call(speech: &[f32], path: Path, seed: u64) -> Result<Outcome, Fault> {
    let (mut sender, mut receiver) = (VoiceSender::new()?, VoiceReceiver::new()?);
    let max_bitrate = path.rate_bps.map(Bitrate::from_bps);
    let mut ends = [0, 1].map(|_| (Transport::new(Instant::ZERO, TransportConfig { max_bitrate }), 0_u64));
    let mut links = [Link::new(path, seed), Link::new(Path { rate_bps: None, ..path }, seed ^ 0x5555)];
    let (mut heard, mut delays_us) = (Vec::with_capacity(speech.len()), Vec::new());
    let (mut voice_bytes, mut wire_bytes) = (0, 0);
    for (ms, at) in (0..speech.len() as u64 / 48).map(|ms| (ms, Instant::from_micros(ms * 1000))) {
        let now_us = ms * 1000;
        if ms % 10 == 9 {
            let block = speech.get(heard.len()..heard.len() + BLOCK).and_then(|pcm| pcm.try_into().ok());
            if let Some(EncodedAudio { sequence, position, level, is_copy, payload }) =
                block.and_then(|block| sender.take(block))
            {
                ends[0].0.send_audio(at, &AudioFrame { sequence, position, level, is_copy, payload });
            }
        }
        if ms % 1000 == 999 {
            let mut stats = PeerStats::default();
            ends[0].0.stats(at, &mut stats);
            sender.set_paths(PathNeeds {
                loss: stats.sound_loss.share,
                burst: stats.sound_loss.burst,
                thinnest_bps: stats.sound_bitrate.as_bps(),
            });
        }
        for (end, (transport, counter)) in ends.iter_mut().enumerate() {
            while let Some((number, datagram)) = links[1 - end].deliver(now_us) {
                transport.datagram_received(at, number, Ecn::NotCapable, datagram.len());
                for chunk in chunks(&datagram) {
                    transport.handle_chunk(at, number, chunk?)?;
                }
            }
            if transport.next_wake(at).is_some_and(|(wake, _)| wake <= at) {
                transport.handle_timeout(at);
            }
            let mut out = Vec::new();
            while let Some(info) = transport.poll_chunks(at, *counter, PLAINTEXT, &mut out) {
                let datagram = std::mem::take(&mut out);
                if info.has_audio {
                    wire_bytes += datagram.len() + OVERHEAD;
                    voice_bytes += voice_len(&datagram);
                }
                links[end].send(now_us, *counter, datagram);
                *counter += 1;
            }
            while let Some(event) = transport.poll_event() {
                if let TransportEvent::Audio(AudioFrame { sequence, position, level, is_copy, payload }) = event {
                    receiver.push(now_us, EncodedAudio { sequence, position, level, is_copy, payload });
                }
            }
        }
        if ms % 10 == 9 {
            let mut block = [0.0; BLOCK];
            if let Some(position) = receiver.pull(now_us, &mut block) {
                delays_us.push(now_us.saturating_sub(position * 125 / 6));
            }
            heard.extend_from_slice(&block);
        }
    }
    delays_us.sort_unstable();
    let seconds = speech.len() as f64 / 48_000.0;
    let stats = receiver.stats();
    let (voice_bps, wire_bps) = (f64::from(voice_bytes) * 8.0 / seconds, wire_bytes as f64 * 8.0 / seconds);
    Ok(Outcome { heard, stats, delays_us, voice_bps, wire_bps })
}

/// Bytes of Opus in a datagram.
fn voice_len(datagram: &[u8]) -> u32 {
    let blocks = chunks(datagram).flatten().filter_map(|chunk| match chunk {
        conclave_proto::wire::Chunk::Audio(audio) => Some(audio),
        _ => None,
    });
    blocks.flat_map(|audio| audio.blocks()).map(|block| u32::try_from(block.payload.len()).unwrap_or(0)).sum()
}
