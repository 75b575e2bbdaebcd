//! One picture that is being put together from its fragments. Fragments may come in any order, twice, or never.

use std::time::Duration;

use bytes::Bytes;

use super::{PeerMisbehaved, repair};
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
    /// Parity pieces with their rows, no more than pieces are missing.
    parities: Vec<(u8, Vec<u8>)>,
    /// Its sender said that there are or will be some.
    pub(super) repaired: bool,
    /// One beyond the last piece that came.
    pub(super) reached: usize,
    pub(super) began: Instant,
    pub(super) last_arrival: Instant,
    /// The longest that one new piece came after another, in pictures before or in this one.
    pace: Duration,
}

impl Assembly {
    pub(super) fn new(now: Instant, first: &VideoFragment<'_>, pace: Duration) -> Self {
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
            parities: Vec::new(),
            repaired: false,
            reached: 0,
            began: now,
            last_arrival: now,
            pace,
        }
    }

    /// A parity piece. True if it is of use.
    pub(super) fn add_parity(&mut self, now: Instant, parity: &VideoFragment<'_>) -> Result<bool, PeerMisbehaved> {
        self.check(parity)?;
        self.repaired = true;
        let row = u8::try_from(parity.index).unwrap_or(u8::MAX);
        let known = self.parities.iter().any(|(known, _)| *known == row);
        if known || self.arrived + self.parities.len() >= self.count {
            return Ok(false);
        }
        self.parities.push((row, parity.payload.to_vec()));
        self.last_arrival = now;
        self.restore();
        Ok(true)
    }

    /// As soon as there are as many parities as pieces are missing.
    fn restore(&mut self) {
        if self.arrived == self.count || self.arrived + self.parities.len() < self.count {
            return;
        }
        let missing: Vec<usize> = self.missing(true).map(usize::from).collect();
        self.parities.truncate(missing.len());
        if repair::restore(&mut self.bytes, usize::from(self.unit), &missing, &self.parities) {
            missing.iter().for_each(|index| self.have[index / 64] |= 1 << (index % 64));
            (self.arrived, self.reached) = (self.count, self.count);
        }
    }

    fn check(&self, piece: &VideoFragment<'_>) -> Result<(), PeerMisbehaved> {
        let same = piece.unit == self.unit
            && piece.total as usize == self.bytes.len()
            && piece.needs_back == self.head.needs_back
            && piece.temporal == self.head.temporal
            && piece.codec == self.head.codec;
        if same { Ok(()) } else { Err(PeerMisbehaved::FragmentMismatch) }
    }

    /// True if the piece is new.
    pub(super) fn add(&mut self, now: Instant, piece: &VideoFragment<'_>) -> Result<bool, PeerMisbehaved> {
        self.check(piece)?;
        self.repaired |= piece.repaired;
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
        if self.arrived > 1 {
            self.pace = self.pace.max(now.since(self.last_arrival));
        }
        self.last_arrival = now;
        self.restore();
        Ok(true)
    }

    /// How long after the last piece the next one is late: on a slow path a large picture trickles in.
    pub(super) fn tail(&self, least: Duration) -> Duration {
        least.max(self.pace * 2)
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
