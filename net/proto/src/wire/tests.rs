//! What is written is read back the same, and no bytes whatever make the parser panic or hand out more than was sent.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::super::{Arrival, AudioBlock, AudioParity, Reader, varint_len};
use super::*;
use crate::ecn::Ecn;
use crate::frames::{Shortfall, VideoCodec};

fn layer() -> impl Strategy<Value = SpatialLayer> {
    prop_oneof![Just(SpatialLayer::Small), Just(SpatialLayer::Medium), Just(SpatialLayer::Full)]
}

fn shortfall() -> impl Strategy<Value = Shortfall> {
    let all = [Shortfall::Nothing, Shortfall::Smaller, Shortfall::Fewer, Shortfall::NoPictures];
    proptest::sample::select(all.to_vec())
}

fn round_trip(chunk: Chunk<'_>) {
    let mut bytes = Vec::new();
    chunk.encode(&mut bytes);
    let mut parsed = chunks(&bytes);
    assert_eq!(parsed.next(), Some(Ok(chunk)));
    assert_eq!(parsed.next(), None);
    for cut in 1..bytes.len() {
        let parsed: Vec<_> = chunks(&bytes[..cut]).collect();
        assert!(parsed.last().is_some_and(Result::is_err), "a chunk cut at {cut} of {} is refused", bytes.len());
    }
}

proptest! {
    #[test]
    fn varints_round_trip(value in prop_oneof![0..=crate::wire::MAX_VARINT, 0..70_u64, 16_380..16_390_u64]) {
        let mut bytes = Vec::new();
        put_varint(&mut bytes, value);
        prop_assert_eq!(bytes.len(), varint_len(value));
        let mut reader = Reader::new(&bytes);
        prop_assert_eq!(reader.varint(), Ok(value));
        prop_assert_eq!(reader.finish(), Ok(()));
    }

    #[test]
    fn audio_round_trips(
        sequence in 20_u32.., position in 20_000..1_u64 << 62, level in 0..128_u8, back in 1_u32..7, len in 0..500_usize,
        payloads in vec(vec(any::<u8>(), 0..150), 1..4), parity in option::of(vec(any::<u8>(), 0..150)), near in 1..15_u8,
    ) {
        let blocks = || payloads.iter().zip(0_u32..).map(|(payload, n)| AudioBlock {
            sequence: sequence - n * back,
            position: position - u64::from(n * back) * 960,
            level,
            is_copy: n > 0,
            payload,
        });
        let mut records = Vec::new();
        let parity = parity.as_deref().map(|bytes| AudioParity { back: [near, near + 1], bytes });
        let audio = Audio::build(blocks(), parity, len, &mut records);
        prop_assert!(audio.encoded_len() >= len);
        prop_assert!(audio.blocks().eq(blocks()));
        // Zeros that fill up stand behind a parity as behind a shorter frame of it.
        let come = audio.parity();
        prop_assert_eq!(come.map(|parity| parity.back), parity.map(|parity| parity.back));
        let begins = |come: AudioParity<'_>| {
            let rest = come.bytes.strip_prefix(parity.map_or(&[][..], |parity| parity.bytes));
            rest.is_some_and(|rest| rest.iter().all(|byte| *byte == 0))
        };
        prop_assert!(come.is_none_or(begins));
        round_trip(Chunk::Audio(audio));
    }

    #[test]
    fn any_bytes_as_audio_are_blocks_that_grow_older_or_refused(bytes in vec(any::<u8>(), 0..200)) {
        let datagram = [&[1, 0x40, u8::try_from(bytes.len()).unwrap_or(0)], &bytes[..]].concat();
        if let Some(Ok(Chunk::Audio(audio))) = chunks(&datagram).next() {
            let all: Vec<_> = audio.blocks().collect();
            prop_assert!(!all.is_empty() && all.len() <= crate::limits::AUDIO_BLOCKS);
            prop_assert!(all.is_sorted_by(|newer, older| newer.sequence > older.sequence && newer.position >= older.position));
            prop_assert!(audio.parity().is_none_or(|parity| 0 < parity.back[0] && parity.back[0] < parity.back[1]));
        }
    }

    #[test]
    fn fragments_round_trip(
        layer in layer(), temporal in 0..4_u8, retransmitted: bool, repaired: bool, number: u32, needs_back: u8,
        captured_us in 0..1_u64 << 62, width: u16, height: u16, unit in 64..1150_u16, total in 1..100_000_u32, pick: u16,
    ) {
        let count = total.div_ceil(u32::from(unit));
        let index = u32::from(pick) % count;
        let len = (total - index * u32::from(unit)).min(u32::from(unit));
        let payload = vec![7; len as usize];
        let fragment = VideoFragment {
            layer, temporal, codec: VideoCodec::H264, retransmitted, repaired, number, needs_back, captured_us, width, height,
            index: u16::try_from(index).expect("few"), unit, total, payload: &payload,
        };
        let mut bytes = Vec::new();
        Chunk::VideoFragment(fragment).encode(&mut bytes);
        prop_assume!(count as usize <= crate::limits::VIDEO_FRAGMENTS);
        prop_assert_eq!(bytes.len(), Chunk::HEADER_LEN + fragment.encoded_len());
        prop_assert_eq!(chunks(&bytes).next(), Some(Ok(Chunk::VideoFragment(fragment))));
        prop_assert!(fragment.offset() + payload.len() <= total as usize);
    }

    #[test]
    fn parities_round_trip(number: u32, unit in 64..1150_u16, total in 1..60_000_u32, row in 0..200_u16) {
        let payload = vec![9; usize::from(unit)];
        let parity = VideoFragment {
            layer: SpatialLayer::Medium, temporal: 0, codec: VideoCodec::Av1, retransmitted: false, repaired: true, number,
            needs_back: 1, captured_us: 5, width: 640, height: 360, index: row, unit, total, payload: &payload,
        };
        let mut bytes = Vec::new();
        Chunk::VideoFec(parity).encode(&mut bytes);
        let count = total.div_ceil(u32::from(unit)) as usize;
        let fits = count <= crate::limits::VIDEO_REPAIRED_FRAGMENTS && row < u16::from(crate::limits::VIDEO_PARITIES);
        let expected = if fits { Ok(Chunk::VideoFec(parity)) } else { Err(Malformed::OutOfRange) };
        prop_assert_eq!(chunks(&bytes).next(), Some(expected));
        let short = VideoFragment { payload: &payload[1..], ..parity };
        bytes.clear();
        Chunk::VideoFec(short).encode(&mut bytes);
        prop_assert!(chunks(&bytes).next().is_some_and(|chunk| chunk.is_err()));
    }

    #[test]
    fn feedback_round_trips(begin in 0..1_u64 << 40, delay in 0..100_000_u64, steps in vec((0..5_u64, -3000..20_000_i64, 0..3_u64), 0..60)) {
        let (mut number, mut at_us) = (begin, 5_000_000_u64);
        let arrivals: Vec<Arrival> = steps.iter().map(|(gap, step, ecn)| {
            at_us = at_us.saturating_add_signed(*step);
            let arrival = Arrival { number: number + gap, at_us, ecn: Ecn::from_code(*ecn) };
            number += gap + 1;
            arrival
        }).collect();
        let mut records = Vec::new();
        let feedback = Feedback::build(begin, at_us + delay, &arrivals, &mut records);
        prop_assert_eq!(feedback.delay_us, if arrivals.is_empty() { 0 } else { delay });
        prop_assert_eq!(feedback.arrivals().collect::<Vec<_>>(), arrivals);
        let mut bytes = Vec::new();
        Chunk::Feedback(feedback).encode(&mut bytes);
        prop_assert_eq!(chunks(&bytes).next(), Some(Ok(Chunk::Feedback(feedback))));
    }

    #[test]
    fn nacks_round_trip(layer in layer(), number: u32, missing in proptest::collection::btree_set(any::<u16>(), 0..50)) {
        let mut ranges = Vec::new();
        let nack = Nack::build(layer, number, missing.iter().copied(), &mut ranges);
        prop_assert_eq!(nack.missing().collect::<Vec<_>>(), missing.into_iter().collect::<Vec<_>>());
        let mut bytes = Vec::new();
        Chunk::Nack(nack).encode(&mut bytes);
        prop_assert_eq!(chunks(&bytes).next(), Some(Ok(Chunk::Nack(nack))));
    }

    #[test]
    fn small_chunks_round_trip(
        layer in option::of(layer()), version: u32, audio_position in 0..1_u64 << 62, captured_us in 0..1_u64 << 62,
        muted: bool, camera_on: bool, shortfall in shortfall(), token: [u8; 8], pad in 0..1200_usize, data in vec(any::<u8>(), 0..100),
    ) {
        round_trip(Chunk::Wish { version, wish: Wish { layer, full_frame_rate: muted } });
        round_trip(Chunk::SenderReport {
            version, report: SenderReport { audio_position, captured_us, muted, camera_on, shortfall },
        });
        round_trip(Chunk::PathChallenge(token));
        round_trip(Chunk::PathResponse(token));
        round_trip(Chunk::KeepAlive { head: token });
        round_trip(Chunk::Pad(pad));
        round_trip(Chunk::Reliable { offset: audio_position, data: &data });
        round_trip(Chunk::KeyRequest { layer: layer.unwrap_or(SpatialLayer::Full), from_number: version });
        round_trip(Chunk::Bye { reason: ByeReason::Removed });
    }

    #[test]
    fn no_bytes_make_the_parser_panic(bytes in vec(any::<u8>(), 0..1500)) {
        for chunk in chunks(&bytes).flatten() {
            walk(chunk);
        }
    }

    #[test]
    fn no_body_of_a_known_kind_makes_the_parser_panic(kind in 0..17_u8, body in vec(any::<u8>(), 0..100)) {
        let mut bytes = vec![kind, u8::try_from(body.len()).expect("short") | 0x40, 0];
        bytes[2] = bytes[1] & 0x7f;
        bytes[1] = 0x40;
        bytes.extend_from_slice(&body);
        for chunk in chunks(&bytes).flatten() {
            walk(chunk);
        }
    }
}

/// Every iterator that a chunk hands out ends.
fn walk(chunk: Chunk<'_>) {
    match chunk {
        Chunk::Feedback(feedback) => assert!(feedback.arrivals().count() <= 1500),
        Chunk::Nack(nack) => assert!(nack.missing().count() <= 1 << 16),
        Chunk::ReliableAck(ack) => assert!(ack.islands().count() <= 1500),
        _ => {}
    }
}

#[test]
fn islands_round_trip() {
    let mut ranges = Vec::new();
    let ack = ReliableAck::build(100, [(150, 160), (170, 400)].into_iter(), &mut ranges);
    assert_eq!(ack.islands().collect::<Vec<_>>(), [(150, 160), (170, 400)]);
    round_trip(Chunk::Pad(0));
    let mut bytes = Vec::new();
    Chunk::ReliableAck(ack).encode(&mut bytes);
    assert_eq!(chunks(&bytes).next(), Some(Ok(Chunk::ReliableAck(ack))));
}

#[test]
fn a_kind_from_a_later_version_is_skipped() {
    let mut bytes = vec![0x2a, 3, 1, 2, 3];
    Chunk::Bye { reason: ByeReason::Leaving }.encode(&mut bytes);
    assert_eq!(chunks(&bytes).collect::<Vec<_>>(), [Ok(Chunk::Bye { reason: ByeReason::Leaving })]);
}

#[test]
fn leftovers_are_refused() {
    let bytes = [13, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(chunks(&bytes).next(), Some(Err(Malformed::Leftover)));
}
