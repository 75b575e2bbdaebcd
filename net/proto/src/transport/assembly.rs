//! One picture that is being put together from its fragments. Fragments may come in any order, twice, or never.

use bytes::Bytes;

use super::PeerMisbehaved;
use crate::frames::VideoFrame;
use crate::limits;
use crate::time::Instant;
use crate::wire::VideoFragment;

const WORDS: usize = limits::VIDEO_FRAGMENTS / 64;

/// A picture in pieces.
#[derive(Debug)]
pub(super) struct Assembly {
    /// Everything but the payload.
    head: VideoFrame,
    unit: u16,
    count: usize,
    bytes: Vec<u8>,
    have: [u64; WORDS],
    arrived: usize,
    /// One beyond the last piece that came.
    pub(super) reached: usize,
    pub(super) began: Instant,
    pub(super) last_arrival: Instant,
}

impl Assembly {
    pub(super) fn new(now: Instant, first: &VideoFragment<'_>) -> Self {
        let head = VideoFrame {
            layer: first.layer,
            temporal: first.temporal,
            number: first.number,
            needs_back: first.needs_back,
            codec: first.codec,
            captured_us: first.captured_us,
            width: first.width,
            height: first.height,
            payload: Bytes::new(),
        };
        Self {
            head,
            unit: first.unit,
            count: first.count(),
            // The reader has checked that this is within bounds.
            bytes: vec![0; first.total as usize],
            have: [0; WORDS],
            arrived: 0,
            reached: 0,
            began: now,
            last_arrival: now,
        }
    }

    /// True if the piece is new.
    pub(super) fn add(&mut self, now: Instant, piece: &VideoFragment<'_>) -> Result<bool, PeerMisbehaved> {
        let same = piece.unit == self.unit
            && piece.total as usize == self.bytes.len()
            && piece.needs_back == self.head.needs_back
            && piece.temporal == self.head.temporal
            && piece.codec == self.head.codec;
        if !same {
            return Err(PeerMisbehaved::FragmentMismatch);
        }
        let index = usize::from(piece.index);
        let begin = piece.offset();
        let (Some(word), Some(slot)) =
            (self.have.get_mut(index / 64), self.bytes.get_mut(begin..begin + piece.payload.len()))
        else {
            return Err(PeerMisbehaved::FragmentMismatch);
        };
        if *word >> (index % 64) & 1 != 0 {
            return Ok(false);
        }
        *word |= 1 << (index % 64);
        slot.copy_from_slice(piece.payload);
        self.arrived += 1;
        self.reached = self.reached.max(index + 1);
        self.last_arrival = now;
        Ok(true)
    }

    pub(super) const fn is_complete(&self) -> bool {
        self.arrived == self.count
    }

    /// A piece is missing in front of one that came.
    pub(super) const fn has_gap(&self) -> bool {
        self.arrived < self.reached
    }

    /// Missing pieces: those in front of one that came, or all.
    pub(super) fn missing(&self, all: bool) -> impl Iterator<Item = u16> {
        let end = if all { self.count } else { self.reached };
        (0..end)
            .filter(|index| self.have[index / 64] >> (index % 64) & 1 == 0)
            .filter_map(|index| index.try_into().ok())
    }

    pub(super) const fn size(&self) -> usize {
        self.bytes.len()
    }

    pub(super) const fn head(&self) -> &VideoFrame {
        &self.head
    }

    pub(super) fn into_frame(self) -> VideoFrame {
        VideoFrame { payload: Bytes::from(self.bytes), ..self.head }
    }
}
