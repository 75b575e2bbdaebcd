//! Sound passes straight through: a short queue to the next datagram, and a filter for duplicates at the other end.
//! Order and gaps are the jitter buffer's job.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;

use super::recent::RecentNumbers;
use crate::core::FlowStats;
use crate::frames::AudioFrame;
use crate::limits;
use crate::time::{Bitrate, Instant};
use crate::wire::{self, Chunk};

/// The rate is measured over this time.
const RATE_WINDOW: Duration = Duration::from_secs(1);

/// Sound on its way out.
#[derive(Debug)]
pub(super) struct AudioSend {
    queue: VecDeque<AudioFrame>,
    window_began: Instant,
    window_bytes: usize,
    rate: Bitrate,
    pub(super) stats: FlowStats,
}

impl AudioSend {
    pub(super) fn new(now: Instant) -> Self {
        // Until measured, the budget for pictures counts on speech at 50 packets a second.
        let rate = Bitrate::from_kbps(60);
        Self { queue: VecDeque::new(), window_began: now, window_bytes: 0, rate, stats: FlowStats::default() }
    }

    pub(super) fn push(&mut self, frame: &AudioFrame) {
        if frame.payload.len() > limits::AUDIO_PAYLOAD_BYTES {
            self.stats.frames_dropped += 1;
            return;
        }
        if self.queue.len() == limits::AUDIO_QUEUE {
            self.queue.pop_front();
            self.stats.frames_dropped += 1;
        }
        self.queue.push_back(frame.clone());
    }

    pub(super) fn clear(&mut self) {
        self.stats.frames_dropped += self.queue.len() as u64;
        self.queue.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Appends as many frames as fit below `max_len`; how many.
    pub(super) fn write(&mut self, max_len: usize, out: &mut Vec<u8>) -> u8 {
        let mut written = 0;
        while let Some(frame) = self.queue.front() {
            let audio = wire::Audio {
                sequence: frame.sequence,
                position: frame.position,
                level: frame.level,
                payload: &frame.payload,
            };
            let len = Chunk::HEADER_LEN + audio.encoded_len();
            if out.len() + len > max_len {
                break;
            }
            Chunk::Audio(audio).encode(out);
            self.queue.pop_front();
            self.stats.packets += 1;
            self.stats.frames += 1;
            self.stats.bytes += len as u64;
            self.window_bytes += len + limits::SEALED_OVERHEAD + limits::PACKET_HEADERS;
            written += 1;
        }
        written
    }

    /// What sound costs on the wire, for the budget of pictures.
    pub(super) fn rate(&mut self, now: Instant) -> Bitrate {
        let age = now.since(self.window_began);
        if age >= RATE_WINDOW {
            let micros = u64::try_from(age.as_micros()).unwrap_or(u64::MAX).max(1);
            let measured = Bitrate::from_bps(self.window_bytes as u64 * 8_000_000 / micros);
            // Falls slowly: silence (DTX) ends at any moment.
            self.rate = measured.max(self.rate.scaled(0.9)).max(Bitrate::from_kbps(20));
            (self.window_began, self.window_bytes) = (now, 0);
        }
        self.rate
    }
}

/// Sound on its way in.
#[derive(Debug, Default)]
pub(super) struct AudioReceive {
    seen: RecentNumbers,
    first: Option<u32>,
    pub(super) stats: FlowStats,
}

impl AudioReceive {
    /// `None` for a duplicate.
    pub(super) fn handle(&mut self, audio: &wire::Audio<'_>) -> Option<AudioFrame> {
        if !self.seen.insert(audio.sequence) {
            return None;
        }
        let first = *self.first.get_or_insert(audio.sequence);
        self.first = Some(first.min(audio.sequence));
        self.stats.packets += 1;
        self.stats.frames += 1;
        self.stats.bytes += (Chunk::HEADER_LEN + audio.encoded_len()) as u64;
        Some(AudioFrame {
            sequence: audio.sequence,
            position: audio.position,
            level: audio.level,
            payload: Bytes::copy_from_slice(audio.payload),
        })
    }

    /// With what the sequence says about losses, as RTCP counts them.
    pub(super) fn flow(&self) -> FlowStats {
        let expected = match (self.first, self.seen.newest()) {
            (Some(first), Some(newest)) => u64::from(newest - first) + 1,
            _ => 0,
        };
        FlowStats { packets_lost: expected.saturating_sub(self.stats.packets), ..self.stats }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(sequence: u32, len: usize) -> AudioFrame {
        AudioFrame { sequence, position: u64::from(sequence) * 960, level: 90, payload: vec![1; len].into() }
    }

    #[test]
    fn a_duplicate_is_dropped_and_a_gap_counted() {
        let mut receive = AudioReceive::default();
        let audio = |sequence| wire::Audio { sequence, position: 0, level: 0, payload: b"x" };
        assert!(receive.handle(&audio(4)).is_some());
        assert!(receive.handle(&audio(4)).is_none());
        assert!(receive.handle(&audio(7)).is_some());
        assert!(receive.handle(&audio(5)).is_some(), "late is not lost: the jitter buffer decides");
        assert_eq!(receive.flow().packets_lost, 1);
    }

    #[test]
    fn a_stalled_caller_loses_the_oldest_sound() {
        let mut send = AudioSend::new(Instant::ZERO);
        for sequence in 0..20 {
            send.push(&frame(sequence, 80));
        }
        let mut out = Vec::new();
        while send.write(1168, &mut out) > 0 {}
        let first = wire::chunks(&out).next();
        assert!(matches!(first, Some(Ok(Chunk::Audio(audio))) if audio.sequence == 4));
        assert_eq!(send.stats.frames_dropped, 4);
    }

    #[test]
    fn oversized_sound_is_dropped_here_and_not_on_the_wire() {
        let mut send = AudioSend::new(Instant::ZERO);
        send.push(&frame(0, limits::AUDIO_PAYLOAD_BYTES + 1));
        assert!(send.is_empty());
    }
}
