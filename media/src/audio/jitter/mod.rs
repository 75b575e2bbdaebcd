//! The jitter buffer: packets in, in whatever order and time the network brings them; an even stream of sound out.
//!
//! Pure: told the time, reads no clock, owns no thread, so an hour of a bad network is a test of a second. It decides
//! when to decode, wait, conceal, stretch; ARCHITECTURE.md, "Sound", tells how. The audio thread owns one per remote,
//! inserts what arrives and pulls 10 ms whenever the speaker wants them.

mod comfort;
mod delay;
mod repair;
mod stretch;

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use self::comfort::ComfortNoise;
use self::delay::DelayEstimator;
use self::repair::RepairWaits;
use self::stretch::Need;
use super::codec::{self, Decoder};
use super::{AudioError, AudioStats, BLOCK, EncodedAudio, Flow, RATE};
use crate::limits;

/// What a pull gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pulled {
    /// Of the block's first sample, on the sender's scale; `None` while nothing of the remote is played.
    pub(crate) position: Option<u64>,
}

/// One remote's sound, from packets to samples.
pub(crate) struct JitterBuffer {
    decoder: Decoder,
    packets: BTreeMap<u32, Waiting>,
    delay: DelayEstimator,
    comfort: ComfortNoise,
    state: State,
    /// Decoded, not yet played.
    ready: VecDeque<f32>,
    /// When what is in `ready` had arrived, in order: samples and microseconds, or nothing if they are made up.
    arrivals: VecDeque<(usize, Option<u64>)>,
    /// What still fades away at the beginning of a pause.
    tail: VecDeque<f32>,
    /// The last that was played: [`stretch::HISTORY`] samples.
    played: VecDeque<f32>,
    /// Of the sample after the last in `ready`.
    head: u64,
    next_sequence: u32,
    /// Samples made up since `head`, because nothing was there.
    made_up: usize,
    /// The remote said that nothing follows for now.
    pausing: bool,
    since_stretch: usize,
    repair: RepairWaits,
    /// The highest number that has come by itself.
    newest_sequence: Option<u32>,
    stale_in_a_row: u32,
    last_position: u64,
    stats: AudioStats,
    scratch: Vec<f32>,
}

struct Waiting {
    position: u64,
    arrived_us: u64,
    payload: Bytes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing was ever heard of the remote.
    Fresh,
    /// The remote pauses: comfort noise until what comes next is due.
    Pause,
    /// Nothing came for too long: as a pause, but counted as concealed.
    Outage,
    Playing,
}

/// Packets of DTX: they say that nothing follows for now.
fn is_pause_mark(payload: &[u8]) -> bool {
    payload.len() <= 2
}

/// What a hostile packet decodes to may be anything.
fn sane(sample: f32) -> f32 {
    if sample.is_finite() { sample.clamp(-1.5, 1.5) } else { 0.0 }
}

/// A block must be full when it is pulled, so its last sample must be there up to a block early.
const BLOCK_US: i64 = 10_000;
/// Cross-fade between noise and voice, 2.5 ms.
const FADE: usize = 120;
/// Concealment is whole for so long, then fades to comfort noise.
const CONCEAL_WHOLE: usize = 2_880;
const CONCEAL_END: usize = 9_600;

impl JitterBuffer {
    pub(crate) fn new() -> Result<Self, AudioError> {
        Ok(Self {
            decoder: Decoder::new()?,
            packets: BTreeMap::new(),
            delay: DelayEstimator::new(),
            comfort: ComfortNoise::new(),
            state: State::Fresh,
            ready: VecDeque::with_capacity(4 * codec::FRAME),
            arrivals: VecDeque::new(),
            tail: VecDeque::new(),
            played: std::iter::repeat_n(0.0, stretch::HISTORY).collect(),
            head: 0,
            next_sequence: 0,
            made_up: 0,
            pausing: false,
            since_stretch: 0,
            repair: RepairWaits::default(),
            newest_sequence: None,
            stale_in_a_row: 0,
            last_position: 0,
            stats: AudioStats::default(),
            scratch: vec![0.0; 5760],
        })
    }

    /// A packet arrived at `now_us`. Whatever it is, memory stays bounded.
    pub(crate) fn insert(&mut self, now_us: u64, packet: EncodedAudio) {
        let EncodedAudio { sequence, position, is_copy, payload, .. } = packet;
        if payload.len() > limits::PACKET_BYTES
            || position > limits::POSITION_MAX
            || codec::duration(&payload).is_none()
        {
            return;
        }
        if !self.delay.fits(now_us, position) {
            tracing::debug!(sequence, position, "the remote's sound does not fit to its clock: starting anew");
            self.start_anew();
        } else if is_copy && self.state != State::Fresh && sequence < self.next_sequence {
            // Too late, and now it is known how long one must wait.
            self.note_repairs(now_us, sequence, position, true, &payload);
            return;
        } else if self.state != State::Fresh && sequence < self.next_sequence {
            // Late or repeated, and its place is over. Many in a row: the sender counts from the start again.
            self.stale_in_a_row += 1;
            if self.stale_in_a_row < limits::STALE_IN_A_ROW {
                self.delay.observe(now_us, position);
                return;
            }
            tracing::debug!(sequence, "the remote counts its packets anew");
            self.start_anew();
        }
        self.stale_in_a_row = 0;
        if self.packets.contains_key(&sequence) {
            return;
        }
        if self.packets.len() >= limits::JITTER_PACKETS {
            self.packets.pop_first();
        }
        if !is_copy {
            self.delay.observe(now_us, position);
        }
        self.note_repairs(now_us, sequence, position, is_copy, &payload);
        self.packets.insert(sequence, Waiting { position, arrived_us: now_us, payload });
    }

    /// What lost frames must wait for: a copy, and what a packet or a copy remembers of those before it.
    fn note_repairs(&mut self, now_us: u64, sequence: u32, position: u64, is_copy: bool, payload: &[u8]) {
        self.repair.pass_time(now_us);
        let missing = self.newest_sequence.map_or(0, |newest| sequence.saturating_sub(newest.saturating_add(1)));
        if is_copy {
            self.repair.note(now_us, position, self.delay.waited_us(now_us, position));
        } else {
            self.newest_sequence = self.newest_sequence.max(Some(sequence));
        }
        if missing == 0 || missing > limits::REPAIRED_IN_A_ROW {
            return;
        }
        let frame = u64::from(codec::duration(payload).unwrap_or(0)).max(1);
        let remembered = if codec::has_lbrr(payload) { frame } else { self.decoder.read_past(payload) as u64 };
        for back in (1..=u64::from(missing)).map(|n| n * frame).take_while(|back| *back <= remembered) {
            let position = position.saturating_sub(back);
            self.repair.note(now_us, position, self.delay.waited_us(now_us, position));
        }
    }

    /// The counters so far.
    pub(crate) fn stats(&self) -> AudioStats {
        let flow = match self.state {
            State::Fresh => Flow::Fresh,
            State::Pause => Flow::Pause,
            State::Outage => Flow::Outage,
            State::Playing => Flow::Playing,
        };
        AudioStats { target_delay_ms: u32::try_from(self.target_us() / 1000).unwrap_or(0), flow, ..self.stats }
    }

    /// Fills a block that is to be played next.
    pub(crate) fn pull(&mut self, now_us: u64, out: &mut [f32; BLOCK]) -> Pulled {
        let mut filled = 0;
        let mut position = None;
        if self.state == State::Playing {
            self.drop_what_is_far_too_late(now_us);
            self.stretch(now_us);
        }
        // Each turn fills some of the block or changes the state; the bound is for a mistake in that reasoning.
        for _ in 0..64 {
            if filled == BLOCK {
                break;
            }
            let rest = &mut out[filled..];
            filled += match self.state {
                State::Fresh | State::Pause | State::Outage => self.wait(now_us, filled, rest),
                State::Playing => {
                    position = position.or_else(|| Some(self.played_position(filled)));
                    self.play(now_us, rest)
                }
            };
        }
        out[filled..].fill(0.0);
        if let Some(position) = position {
            self.last_position = position;
        }
        self.remember(out);
        Pulled { position }
    }

    /// Where the block's first sample stands, if `filled` samples lie before what is next in `ready`.
    fn played_position(&self, filled: usize) -> u64 {
        let next = self.head.saturating_sub((self.ready.len() + filled) as u64);
        next.max(self.last_position)
    }

    fn target_us(&self) -> i64 {
        self.delay.target_us().max(self.repair.hold_us())
    }

    /// By how much what is played next has waited too long (negative: too short).
    fn excess_us(&self, now_us: u64) -> i64 {
        let next = self.head.saturating_sub(self.ready.len() as u64);
        self.delay.waited_us(now_us, next) - self.target_us() - BLOCK_US
    }

    /// Comfort noise until the first packet is due, and then its decoding. Returns the samples filled.
    fn wait(&mut self, now_us: u64, filled: usize, out: &mut [f32]) -> usize {
        while let Some(entry) = self.packets.first_entry() {
            if !is_pause_mark(&entry.get().payload) {
                break;
            }
            self.next_sequence = entry.key() + 1;
            entry.remove();
            if self.state == State::Outage {
                self.state = State::Pause;
            }
        }
        let late_us = |delay: &DelayEstimator, position| delay.waited_us(now_us, position);
        let due_us = self.target_us() + BLOCK_US - (filled as i64 * 125) / 6;
        // After a standstill much may lie here: begin with the newest that has waited long enough.
        while self.packets.len() > 1 {
            let second = self.packets.values().nth(1).map(|p| p.position);
            match second {
                Some(position) if late_us(&self.delay, position) >= due_us + 20_000 => self.packets.pop_first(),
                _ => break,
            };
        }
        let Some((&sequence, first)) = self.packets.first_key_value() else { return self.idle(out) };
        let missing_us = due_us - late_us(&self.delay, first.position);
        if missing_us > 0 {
            let samples = usize::try_from(missing_us * 6 / 125).unwrap_or(usize::MAX).saturating_add(1);
            if self.state == State::Outage && self.begin_with_memory(missing_us) {
                return 0;
            }
            let samples = samples.min(out.len());
            return self.idle(&mut out[..samples]);
        }
        self.head = first.position;
        self.next_sequence = sequence;
        self.made_up = 0;
        self.pausing = false;
        self.ready.clear();
        self.arrivals.clear();
        self.state = State::Playing;
        self.decode_next();
        for i in 0..FADE.min(self.ready.len()) {
            let weight = i as f32 / FADE as f32;
            self.ready[i] = self.ready[i] * weight + self.comfort.next() * (1.0 - weight);
        }
        0
    }

    /// The network is back after an outage, and the first packet remembers what was said before it: that much is heard while
    /// it waits. False: it does not.
    fn begin_with_memory(&mut self, missing_us: i64) -> bool {
        let Some((&sequence, first)) = self.packets.first_key_value() else { return false };
        let back = usize::try_from(missing_us * 6 / 125).unwrap_or(0) / FADE * FADE;
        let back = back.min(limits::CONCEALED_GAP_SAMPLES as usize);
        if back == 0 || sequence == 0 || self.decoder.read_past(&first.payload) < back {
            return false;
        }
        self.head = first.position.saturating_sub(back as u64);
        self.next_sequence = sequence - 1;
        self.made_up = 0;
        self.pausing = false;
        self.ready.clear();
        self.arrivals.clear();
        self.state = State::Playing;
        true
    }

    fn idle(&mut self, out: &mut [f32]) -> usize {
        if self.state == State::Fresh {
            out.fill(0.0);
            return out.len();
        }
        out.fill_with(|| self.comfort.next() + self.tail.pop_front().unwrap_or(0.0));
        self.stats.total_samples += out.len() as u64;
        if self.state == State::Outage {
            self.stats.concealed_samples += out.len() as u64;
        }
        out.len()
    }

    /// Plays what is ready, decoding or making up what is not. Returns the samples filled.
    fn play(&mut self, now_us: u64, out: &mut [f32]) -> usize {
        self.make_ready(out.len(), true);
        if self.ready.is_empty() {
            if self.pausing || self.made_up >= CONCEAL_END {
                self.fall_silent();
            } else {
                self.conceal(out.len());
            }
        }
        let count = self.ready.len().min(out.len());
        for (to, from) in out.iter_mut().zip(self.ready.drain(..count)) {
            *to = from;
        }
        self.stats.total_samples += count as u64;
        self.since_stretch += count;
        self.count_delay(now_us, count);
        count
    }

    /// Decodes until `wanted` samples are ready, as far as packets go. `now`: they are played now, so what is missing
    /// before a packet that has come is lost.
    fn make_ready(&mut self, wanted: usize, now: bool) {
        while self.ready.len() < wanted && !self.pausing {
            let Some((&sequence, first)) = self.packets.first_key_value() else { return };
            let gap = first.position.saturating_sub(self.head);
            if sequence == self.next_sequence && (gap > 0 || is_pause_mark(&first.payload)) {
                // DTX: the mark, or the first packet after one that was lost.
                self.pausing = true;
                if is_pause_mark(&first.payload) {
                    self.packets.pop_first();
                    self.next_sequence += 1;
                }
            } else if sequence == self.next_sequence {
                self.decode_next();
            } else if !now {
                return;
            } else {
                if gap > limits::CONCEALED_GAP_SAMPLES + self.made_up as u64 {
                    self.pausing = true;
                } else {
                    self.bridge(gap as usize, sequence);
                }
            }
        }
    }

    /// The first packet continues what was played.
    fn decode_next(&mut self) {
        let Some((sequence, packet)) = self.packets.pop_first() else { return };
        let duration = codec::duration(&packet.payload).unwrap_or(0) as usize;
        let samples = match self.decoder.decode(&packet.payload, &mut self.scratch) {
            Ok(samples) => samples.min(self.scratch.len()),
            Err(error) => {
                tracing::debug!(%error, "a packet of sound could not be decoded");
                let samples = duration.min(self.scratch.len());
                self.scratch[..samples].fill(0.0);
                self.stats.concealed_samples += samples as u64;
                samples
            }
        };
        for sample in &mut self.scratch[..samples] {
            *sample = sane(*sample);
        }
        self.comfort.learn(&self.scratch[..samples]);
        if self.made_up > CONCEAL_WHOLE {
            // What was made up had already faded.
            for (i, sample) in self.scratch[..samples.min(2 * FADE)].iter_mut().enumerate() {
                *sample *= i as f32 / (2 * FADE) as f32;
            }
        }
        self.ready.extend(&self.scratch[..samples]);
        self.arrivals.push_back((samples, Some(packet.arrived_us)));
        self.head = packet.position.max(self.head) + samples as u64;
        self.next_sequence = sequence.saturating_add(1);
        self.made_up = 0;
    }

    /// Fills the `gap` samples before the first packet, whose sequence number is `sequence`: what was made up already
    /// counts, the last frames are recovered as far as the packet remembers them, the rest is concealed.
    fn bridge(&mut self, gap: usize, sequence: u32) {
        let open = gap.saturating_sub(self.made_up);
        let Some(first) = self.packets.first_entry() else { return };
        let (payload, arrived_us) = (first.get().payload.clone(), first.get().arrived_us);
        let frame = codec::duration(&payload).unwrap_or(0) as usize;
        let recoverable = if codec::has_lbrr(&payload) { frame.min(open) } else { 0 };
        let mut missing = open - recoverable;
        let past = if missing > 0 { self.decoder.read_past(&payload) } else { 0 };
        while missing > 0 {
            // Opus conceals in steps of 2.5 ms; a little too much only delays what follows by as little.
            let samples = missing.min(codec::FRAME).next_multiple_of(FADE);
            let back = recoverable + missing;
            if back <= past && self.decoder.recall(back, &mut self.scratch[..samples]) == Ok(samples) {
                self.ready.extend(self.scratch[..samples].iter().copied().map(sane));
                self.arrivals.push_back((samples, Some(arrived_us)));
                self.stats.recovered_samples += samples as u64;
            } else {
                self.extend_made_up(samples);
                self.stats.concealed_samples += samples as u64;
            }
            missing = missing.saturating_sub(samples);
        }
        if recoverable > 0 {
            let begin = frame - recoverable;
            // If a part was made up already, what is recovered must be faded into.
            let mut tail = [0.0; FADE];
            let fades = begin > 0 && self.decoder.conceal(&mut tail).is_ok();
            if self.decoder.recover(&payload, &mut self.scratch[..frame]) == Ok(frame) {
                let pcm = &mut self.scratch[begin..frame];
                if fades {
                    for (i, (sample, old)) in pcm.iter_mut().zip(tail).enumerate() {
                        let weight = i as f32 / FADE as f32;
                        *sample = *sample * weight + old * (1.0 - weight);
                    }
                }
                self.ready.extend(pcm.iter().copied().map(sane));
                self.arrivals.push_back((recoverable, Some(arrived_us)));
                self.stats.recovered_samples += recoverable as u64;
            } else {
                self.extend_made_up(recoverable.next_multiple_of(FADE));
                self.stats.concealed_samples += recoverable as u64;
            }
        }
        self.head += gap as u64;
        self.next_sequence = sequence;
        self.made_up = 0;
    }

    /// Nothing has come: makes up at least `wanted` samples (fewer than a block).
    fn conceal(&mut self, wanted: usize) {
        let samples = wanted.next_multiple_of(FADE);
        self.extend_made_up(samples);
        self.stats.concealed_samples += samples as u64;
    }

    fn extend_made_up(&mut self, samples: usize) {
        let samples = samples.min(self.scratch.len());
        if self.decoder.conceal(&mut self.scratch[..samples]).is_err() {
            self.scratch[..samples].fill(0.0);
        }
        for i in 0..samples {
            let age = self.made_up + i;
            let fading = age.saturating_sub(CONCEAL_WHOLE) as f32 / (CONCEAL_END - CONCEAL_WHOLE) as f32;
            let gain = (1.0 - fading).max(0.0);
            let sample = sane(self.scratch[i]);
            self.ready.push_back(sample * gain + self.comfort.next() * (1.0 - gain));
        }
        self.arrivals.push_back((samples, None));
        self.made_up += samples;
    }

    /// From voice to comfort noise without a click.
    fn fall_silent(&mut self) {
        let lost = !self.pausing;
        self.state = if lost { State::Outage } else { State::Pause };
        self.pausing = false;
        if lost {
            return;
        }
        let mut tail = [0.0; 2 * FADE];
        if self.decoder.conceal(&mut tail).is_err() {
            return;
        }
        self.tail.clear();
        for (i, sample) in tail.into_iter().enumerate() {
            let weight = 1.0 - i as f32 / (2 * FADE) as f32;
            self.tail.push_back(sane(sample) * weight);
        }
    }

    /// Keeps the wait near the target by cutting or repeating pieces.
    fn stretch(&mut self, now_us: u64) {
        if self.made_up > 0 || self.pausing {
            return;
        }
        let excess_us = self.excess_us(now_us);
        let need = if excess_us.abs() > limits::STRETCH_URGENT_US { Need::Urgent } else { Need::Some };
        let rested = self.since_stretch >= if need == Need::Urgent { BLOCK } else { 10 * BLOCK };
        if !rested {
            return;
        }
        let changed = if excess_us > limits::STRETCH_ABOVE_US {
            self.make_ready(BLOCK + stretch::CUT_NEEDS, false);
            let longest = usize::try_from((excess_us + limits::STRETCH_BELOW_US) * 6 / 125).unwrap_or(usize::MAX);
            let cut = stretch::cut(&mut self.ready, longest, need);
            self.forget_arrivals(cut.unwrap_or(0));
            cut
        } else if excess_us < -limits::STRETCH_BELOW_US {
            self.make_ready(1, false);
            let longest = usize::try_from((limits::STRETCH_ABOVE_US - excess_us) * 6 / 125).unwrap_or(0);
            let come = stretch::repeat(&self.played, &mut self.ready, longest, need);
            self.arrivals.push_front((come.unwrap_or(0), None));
            come
        } else {
            None
        };
        if let Some(samples) = changed {
            self.since_stretch = 0;
            self.stats.stretched_samples += samples as u64;
        }
    }

    /// After a standstill of the network everything comes at once; stretching that away would take minutes.
    fn drop_what_is_far_too_late(&mut self, now_us: u64) {
        if self.excess_us(now_us) > limits::EXCESS_MAX_US && self.packets.len() > 1 {
            self.ready.clear();
            self.arrivals.clear();
            self.state = State::Pause;
            self.pausing = false;
            self.made_up = 0;
        }
    }

    fn start_anew(&mut self) {
        self.packets.clear();
        self.delay = DelayEstimator::new();
        self.repair = RepairWaits::default();
        self.newest_sequence = None;
        self.next_sequence = 0;
        self.last_position = 0;
        self.pausing = false;
        self.made_up = 0;
        self.ready.clear();
        self.arrivals.clear();
        if self.state != State::Fresh {
            self.state = State::Pause;
        }
    }

    fn count_delay(&mut self, now_us: u64, played: usize) {
        let mut left = played;
        while left > 0 {
            let Some((samples, arrived_us)) = self.arrivals.front_mut() else { return };
            let step = left.min(*samples);
            if let Some(arrived_us) = *arrived_us {
                let waited_s = now_us.saturating_sub(arrived_us) as f64 / 1e6;
                self.stats.jitter_buffer_delay_s += waited_s * step as f64;
                self.stats.jitter_buffer_emitted += step as u64;
            }
            *samples -= step;
            left -= step;
            if *samples == 0 {
                self.arrivals.pop_front();
            }
        }
    }

    /// What is cut out of `ready` is no longer waited for.
    fn forget_arrivals(&mut self, mut samples: usize) {
        while let Some((front, _)) = self.arrivals.front_mut() {
            let step = samples.min(*front);
            *front -= step;
            samples -= step;
            if *front > 0 {
                return;
            }
            self.arrivals.pop_front();
        }
    }

    fn remember(&mut self, out: &[f32; BLOCK]) {
        self.played.extend(out);
        let surplus = self.played.len() - stretch::HISTORY;
        self.played.drain(..surplus);
        let power = out.iter().map(|s| s * s).sum::<f32>() / BLOCK as f32;
        self.stats.level = power.sqrt().max(self.stats.level * 0.9).min(1.0);
    }
}

const _: () = assert!(RATE == 48_000, "the conversions between samples and microseconds here are for 48 kHz");

#[cfg(test)]
mod tests;
