//! Sound on its way to one peer and from it: a short queue to the next datagram with copies of what was sent before, and a
//! filter for what comes twice at the other end. Order and gaps are the jitter buffer's job, what is sent again is
//! `sound_repair`'s. Called by the root.
//!
//! **Sizes.** All frames are given the room of the largest of the last seconds, in steps, and what repairs others its own even where
//! there is none yet. The encoder runs at a constant rate, so this room is full while somebody speaks; in pauses its frames of
//! a byte or two are padded and go on coming every 20 ms. So neither sizes nor moments tell when somebody speaks, let alone
//! what (variable rates do: phrases have been told from them). What does show is that somebody mutes, and how a path loses.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;

use super::recent::RecentNumbers;
use super::sound_loss::SoundFates;
use super::sound_parity::{self, ParityReceive};
use super::sound_repair::{Repair, RepairPolicy, SoundPath};
use crate::core::{FlowStats, SoundLoss};
use crate::frames::AudioFrame;
use crate::limits;
use crate::time::{Bitrate, Instant};
use crate::wire::{self, AudioBlock, AudioParity, Chunk, varint_len};

/// The rate is measured over this time.
const RATE_WINDOW: Duration = Duration::from_secs(1);
/// Frames that share a datagram come this far apart, at most.
const FRAME_GAP: Duration = Duration::from_millis(25);
/// Bytes of a datagram with sound besides its frames: seal, packet headers, chunk header, number and position.
const DATAGRAM_LEN: usize = limits::SEALED_OVERHEAD + limits::PACKET_HEADERS + Chunk::HEADER_LEN + 10;

/// Sound on its way out.
#[derive(Debug)]
pub(super) struct AudioSend {
    queue: VecDeque<(Instant, AudioFrame)>,
    /// Sent, oldest first, for copies.
    kept: VecDeque<AudioFrame>,
    room: FrameRoom,
    fates: SoundFates,
    policy: RepairPolicy,
    repair: Repair,
    records: Vec<u8>,
    parity: Vec<u8>,
    window_began: Instant,
    window_bytes: usize,
    rate: Bitrate,
    pub(super) stats: FlowStats,
}

impl AudioSend {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            queue: VecDeque::new(),
            kept: VecDeque::new(),
            room: FrameRoom::default(),
            fates: SoundFates::default(),
            policy: RepairPolicy::default(),
            repair: Repair::NONE,
            records: Vec::new(),
            parity: Vec::new(),
            window_began: now,
            window_bytes: 0,
            // Until measured, the budget for pictures counts on speech at 50 packets a second.
            rate: Bitrate::from_kbps(limits::SOUND_KBPS),
            stats: FlowStats::default(),
        }
    }

    pub(super) fn push(&mut self, now: Instant, frame: &AudioFrame) {
        if frame.payload.len() > limits::AUDIO_PAYLOAD_BYTES {
            self.stats.frames_dropped += 1;
            return;
        }
        if self.queue.len() == limits::AUDIO_QUEUE {
            self.queue.pop_front();
            self.stats.frames_dropped += 1;
        }
        self.room.count(frame.payload.len());
        self.queue.push_back((now, frame.clone()));
    }

    pub(super) fn clear(&mut self) {
        self.stats.frames_dropped += self.queue.len() as u64;
        self.queue.clear();
    }

    /// Another path: what was learned about the old one is forgotten.
    pub(super) fn path_lost(&mut self) {
        self.fates.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// When something is to be written.
    pub(super) fn due(&self) -> Option<Instant> {
        let (since, _) = self.queue.front()?;
        // A sender that falls silent must not leave its last frame waiting for company.
        let others = if self.queue.len() >= self.repair.bundle { 0 } else { self.repair.bundle - 1 };
        Some(*since + FRAME_GAP * u32::try_from(others).unwrap_or(0))
    }

    /// What became of the sound that was sent at a moment.
    pub(super) fn told(&mut self, sent_at: Instant, arrived: bool) {
        self.fates.told(sent_at, arrived);
    }

    /// How the path loses our sound.
    pub(super) fn loss(&self) -> SoundLoss {
        self.fates.measured().unwrap_or_default()
    }

    /// Fits what is sent to the losses and to what the path carries.
    pub(super) fn decide(&mut self, path: SoundPath) {
        self.repair = self.policy.decide(self.fates.measured(), path, self.room.frame_len(), DATAGRAM_LEN);
    }

    /// Appends as many datagrams' worth as are due and fit below `max_len`; how many.
    pub(super) fn write(&mut self, now: Instant, max_len: usize, out: &mut Vec<u8>) -> u8 {
        let mut written = 0;
        while self.due().is_some_and(|due| due <= now) {
            let room = max_len.saturating_sub(out.len());
            // On a small datagram repairs go first, then company.
            let tries = [self.repair, Repair { bundle: self.repair.bundle, ..Repair::NONE }, Repair::NONE];
            let Some(frames) = tries.into_iter().find_map(|repair| self.compose(repair, room)) else {
                break;
            };
            let before = out.len();
            Chunk::Audio(wire::Audio::borrow(&self.records)).encode(out);
            let len = out.len() - before;
            for (_, frame) in self.queue.drain(..frames) {
                if self.kept.len() == limits::AUDIO_KEPT {
                    self.kept.pop_front();
                }
                self.kept.push_back(frame);
                self.stats.frames += 1;
            }
            self.fates.sent(now);
            self.stats.packets += 1;
            self.stats.bytes += len as u64;
            self.window_bytes += len + limits::SEALED_OVERHEAD + limits::PACKET_HEADERS;
            written += 1;
        }
        written
    }

    /// Writes the first of the queue (or what there is) and what repairs older ones into `records`, if they fit into `room`.
    /// Returns how many of the queue were taken.
    fn compose(&mut self, Repair { copies, parity, bundle }: Repair, room: usize) -> Option<usize> {
        let taken = bundle.min(self.queue.len());
        let (_, newest) = self.queue.get(taken.checked_sub(1)?)?;
        let (sequence, position) = (newest.sequence, newest.position);
        let new = self.queue.range(..taken).rev().map(|(_, frame)| block(frame, false));
        let old = copies.iter().filter_map(|back| {
            let sequence = sequence.checked_sub(*back)?;
            self.kept.iter().find(|frame| frame.sequence == sequence).map(|frame| block(frame, true))
        });
        let head = 1 + varint_len(u64::from(sequence)) + varint_len(position);
        let len = head + self.room.all(bundle + copies.len(), parity.is_some());
        let parity =
            parity.filter(|back| sound_parity::build(&self.kept, (sequence, position), *back, &mut self.parity));
        let parity = parity.map(|back| AudioParity { back, bytes: &self.parity });
        let audio = wire::Audio::build(new.chain(old), parity, len, &mut self.records);
        // One that a jump of positions ends is sent by itself next time.
        let whole = audio.blocks().filter(|block| !block.is_copy).count();
        (whole > 0 && Chunk::HEADER_LEN + audio.encoded_len() <= room).then_some(whole)
    }

    /// What sound costs on the wire, for the budget of pictures.
    pub(super) fn rate(&mut self, now: Instant) -> Bitrate {
        let age = now.since(self.window_began);
        if age >= RATE_WINDOW {
            let micros = u64::try_from(age.as_micros()).unwrap_or(u64::MAX).max(1);
            let measured = Bitrate::from_bps(self.window_bytes as u64 * 8_000_000 / micros);
            // Falls slowly: who is muted may speak at any moment.
            self.rate = measured.max(self.rate.scaled(0.9)).max(Bitrate::from_kbps(20));
            (self.window_began, self.window_bytes) = (now, 0);
        }
        self.rate
    }
}

fn block(frame: &AudioFrame, is_copy: bool) -> AudioBlock<'_> {
    let AudioFrame { sequence, position, level, .. } = *frame;
    AudioBlock { sequence, position, level, is_copy, payload: frame.payload.as_ref() }
}

/// The room that every frame is given: that of the largest of the last seconds, in steps of 4 kbit/s.
#[derive(Debug, Default)]
struct FrameRoom {
    len: usize,
    /// Frames since one that needed all of it, and the most that these needed.
    smaller: u32,
    smaller_len: usize,
}

impl FrameRoom {
    const STEP: usize = 10;
    /// Three seconds. In a pause Opus sends a full frame every 0.4 s.
    const MEMORY: u32 = 150;

    fn count(&mut self, payload_len: usize) {
        let len = payload_len.max(1).next_multiple_of(Self::STEP);
        if len >= self.len {
            *self = Self { len, ..Self::default() };
            return;
        }
        self.smaller += 1;
        self.smaller_len = self.smaller_len.max(len);
        if self.smaller >= Self::MEMORY {
            *self = Self { len: self.smaller_len, ..Self::default() };
        }
    }

    const fn frame_len(&self) -> usize {
        self.len + AudioBlock::PLACE_LEN + AudioBlock::HEAD_LEN
    }

    /// That of so many frames, of which the place of the first is counted apart, and of a parity.
    const fn all(&self, frames: usize, parity: bool) -> usize {
        let parity_len = if parity { self.len + AudioParity::HEAD_LEN } else { 0 };
        frames * self.frame_len() - AudioBlock::PLACE_LEN + parity_len
    }
}

/// Sound on its way in.
#[derive(Debug, Default)]
pub(super) struct AudioReceive {
    /// Handed on.
    seen: RecentNumbers,
    /// Those whose own datagram came.
    own: RecentNumbers,
    parities: ParityReceive,
    first: Option<u32>,
    pub(super) stats: FlowStats,
}

impl AudioReceive {
    /// Hands on what has not come before, oldest first, and then what parities give.
    pub(super) fn handle(&mut self, audio: &wire::Audio<'_>, deliver: &mut dyn FnMut(AudioFrame)) {
        self.stats.bytes += (Chunk::HEADER_LEN + audio.encoded_len()) as u64;
        for back in (0..limits::AUDIO_BLOCKS).rev() {
            let Some(block) = audio.blocks().nth(back) else { continue };
            if !block.is_copy && self.own.insert(block.sequence) {
                let first = *self.first.get_or_insert(block.sequence);
                self.first = Some(first.min(block.sequence));
                self.stats.packets += 1;
            }
            if !self.seen.insert(block.sequence) {
                continue;
            }
            self.stats.frames += 1;
            let AudioBlock { sequence, position, level, is_copy, payload } = block;
            let frame = AudioFrame { sequence, position, level, is_copy, payload: Bytes::copy_from_slice(payload) };
            self.parities.keep(frame.clone());
            deliver(frame);
        }
        if let (Some(newest), Some(parity)) = (audio.blocks().next(), audio.parity()) {
            self.parities.handle((newest.sequence, newest.position), parity);
        }
        while let Some(frame) = self.parities.solve() {
            self.parities.keep(frame.clone());
            if self.seen.insert(frame.sequence) {
                self.stats.frames += 1;
                deliver(frame);
            }
        }
    }

    /// With what the sequence says about losses, as RTCP counts them: what a copy made good was lost all the same.
    pub(super) fn flow(&self) -> FlowStats {
        let expected = match (self.first, self.own.newest()) {
            (Some(first), Some(newest)) => u64::from(newest - first) + 1,
            _ => 0,
        };
        FlowStats { packets_lost: expected.saturating_sub(self.stats.packets), ..self.stats }
    }
}

#[cfg(test)]
#[path = "audio_tests.rs"]
mod tests;
