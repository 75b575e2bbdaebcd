//! The bodies by which a receiver tells a sender what arrived: congestion feedback with RFC 8888's meaning, requests
//! for lost pieces, acknowledgements of the reliable channel. Lists stay as bytes and are walked by iterators, so a
//! parse costs no memory; they are checked whole once, in `parse`.

use crate::ecn::Ecn;
use crate::frames::SpatialLayer;

use super::media::{layer_code, parse_layer};
use super::{Malformed, Reader, put_varint};

/// A record is the gap to the number before it with the mark in these low bits, then the time since the one before it.
const ECN_BITS: u32 = 2;
/// What is left of a varint. No session counts so far.
const GAP_MOST: u64 = (1 << 60) - 1;

/// One datagram that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Its counter.
    pub number: u64,
    /// When, in microseconds on the receiver's clock.
    pub at_us: u64,
    /// How the network handed it over.
    pub ecn: Ecn,
}

/// What arrived of the datagrams from `begin` to the last one listed. A number in that range that is not listed had not
/// arrived yet. Reports overlap, so that one lost report hides nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feedback<'a> {
    /// First number reported about.
    pub begin: u64,
    /// From the arrival of the last one listed to the sending of this report, in microseconds.
    pub delay_us: u64,
    /// Arrival of the first one listed, on the receiver's clock.
    pub first_at_us: u64,
    records: &'a [u8],
}

impl<'a> Feedback<'a> {
    /// Writes the records of `arrivals`, ascending by number, all at or above `begin`, into `records` (cleared first)
    /// and borrows them.
    pub fn build(begin: u64, now_us: u64, arrivals: &[Arrival], records: &'a mut Vec<u8>) -> Self {
        records.clear();
        let mut expected = begin;
        let first_at_us = arrivals.first().map_or(now_us, |first| first.at_us);
        let mut at_us = first_at_us;
        for arrival in arrivals {
            let gap = arrival.number.saturating_sub(expected).min(GAP_MOST);
            put_varint(records, gap << ECN_BITS | arrival.ecn.code());
            put_varint(records, zigzag(arrival.at_us.wrapping_sub(at_us).cast_signed()));
            (expected, at_us) = (arrival.number + 1, arrival.at_us);
        }
        Self { begin, delay_us: now_us.saturating_sub(at_us), first_at_us, records }
    }

    /// Ascending by number.
    pub fn arrivals(&self) -> impl Iterator<Item = Arrival> + use<'a> {
        let mut reader = Reader::new(self.records);
        let (mut expected, mut at_us) = (self.begin, self.first_at_us);
        std::iter::from_fn(move || {
            let (gap, step) = (reader.varint().ok()?, reader.varint_signed().ok()?);
            let number = expected.checked_add(gap >> ECN_BITS)?;
            expected = number.checked_add(1)?;
            at_us = at_us.wrapping_add_signed(step);
            Some(Arrival { number, at_us, ecn: Ecn::from_code(gap) })
        })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.begin);
        put_varint(out, self.delay_us);
        put_varint(out, self.first_at_us);
        out.extend_from_slice(self.records);
    }

    pub(super) fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let (begin, delay_us, first_at_us) = (reader.varint()?, reader.varint()?, reader.varint()?);
        let records = reader.take_rest();
        let mut reader = Reader::new(records);
        while !reader.is_empty() {
            reader.varint()?;
            reader.varint_signed()?;
        }
        Ok(Self { begin, delay_us, first_at_us, records })
    }
}

/// Pieces of one frame that are missing: ranges of fragment indexes. No ranges at all: the whole frame is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nack<'a> {
    /// Rung of the ladder.
    pub layer: SpatialLayer,
    /// Frame number.
    pub number: u32,
    ranges: &'a [u8],
}

impl<'a> Nack<'a> {
    /// Writes the ascending `missing` indexes into `ranges` (cleared first) and borrows them.
    pub fn build(
        layer: SpatialLayer,
        number: u32,
        missing: impl Iterator<Item = u16>,
        ranges: &'a mut Vec<u8>,
    ) -> Self {
        ranges.clear();
        let (mut end, mut run) = (0_u64, 0_u64);
        for index in missing.map(u64::from) {
            if run > 0 && index == end {
                run += 1;
            } else {
                if run > 0 {
                    put_varint(ranges, run);
                }
                put_varint(ranges, index - end);
                run = 1;
            }
            end = index + 1;
        }
        if run > 0 {
            put_varint(ranges, run);
        }
        Self { layer, number, ranges }
    }

    /// The whole frame is missing.
    #[must_use]
    pub const fn whole_frame(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The missing pieces, ascending. Ends by itself at index 65535, whatever the peer wrote.
    pub fn missing(&self) -> impl Iterator<Item = u16> + use<'a> {
        let mut reader = Reader::new(self.ranges);
        let (mut next, mut left) = (0_u64, 0_u64);
        std::iter::from_fn(move || {
            if left == 0 {
                next = next.checked_add(reader.varint().ok()?)?;
                left = reader.varint().ok()?;
            }
            left = left.checked_sub(1)?;
            let index = u16::try_from(next).ok()?;
            next += 1;
            Some(index)
        })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.push(layer_code(self.layer));
        put_varint(out, u64::from(self.number));
        out.extend_from_slice(self.ranges);
    }

    pub(super) fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let (layer, number) = (parse_layer(reader.u8()?)?, reader.varint_u32()?);
        let ranges = reader.take_rest();
        check_pairs(ranges)?;
        Ok(Self { layer, number, ranges })
    }
}

/// What of the reliable stream is there: everything below `received`, and these ranges above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReliableAck<'a> {
    /// First byte that is missing.
    pub received: u64,
    ranges: &'a [u8],
}

impl<'a> ReliableAck<'a> {
    /// Writes ascending, disjoint `(begin, end)` ranges above `received` into `ranges` (cleared first) and borrows them.
    pub fn build(received: u64, islands: impl Iterator<Item = (u64, u64)>, ranges: &'a mut Vec<u8>) -> Self {
        ranges.clear();
        let mut at = received;
        for (begin, end) in islands {
            put_varint(ranges, begin.saturating_sub(at));
            put_varint(ranges, end.saturating_sub(begin));
            at = end;
        }
        Self { received, ranges }
    }

    /// The ranges above the first gap, ascending.
    pub fn islands(&self) -> impl Iterator<Item = (u64, u64)> + use<'a> {
        let mut reader = Reader::new(self.ranges);
        let mut at = self.received;
        std::iter::from_fn(move || {
            let begin = at.checked_add(reader.varint().ok()?)?;
            at = begin.checked_add(reader.varint().ok()?)?;
            Some((begin, at))
        })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.received);
        out.extend_from_slice(self.ranges);
    }

    pub(super) fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let received = reader.varint()?;
        let ranges = reader.take_rest();
        check_pairs(ranges)?;
        Ok(Self { received, ranges })
    }
}

fn check_pairs(bytes: &[u8]) -> Result<(), Malformed> {
    let mut reader = Reader::new(bytes);
    while !reader.is_empty() {
        reader.varint()?;
        reader.varint()?;
    }
    Ok(())
}

const fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63).cast_unsigned()
}
