//! Sender and receiver of one layer against each other without a network: what arrives decodes, whatever was lost.

use proptest::prelude::*;

use super::super::video_send::VideoSend;
use super::*;
use crate::frames::VideoCodec;
use crate::time::Bitrate;
use crate::wire::{Nack, chunks};

const PATIENCE: Patience = Patience { round_trip: Duration::from_millis(30), answer: Duration::from_millis(40) };
const FAST: Bitrate = Bitrate::from_kbps(20_000);

fn at(ms: u64) -> Instant {
    Instant::from_micros(ms * 1000)
}

/// L1T2: even numbers are the base, odd ones the top layer; key frames where told.
fn frame(number: u32, key: bool, size: usize) -> VideoFrame {
    let temporal = u8::from(!key && number % 2 == 1);
    let needs_back = if key { 0 } else { 2 - temporal };
    let payload = (0..size).map(|at| (at as u32 ^ number).to_le_bytes()[0]).collect::<Vec<_>>().into();
    let captured_us = u64::from(number) * 33_333;
    VideoFrame {
        layer: SpatialLayer::Full,
        temporal,
        number,
        needs_back,
        codec: VideoCodec::Av1,
        captured_us,
        width: 1280,
        height: 720,
        payload,
    }
}

struct Pair {
    send: VideoSend,
    receive: LayerReceive,
    stats: FlowStats,
    got: Vec<VideoFrame>,
}

impl Pair {
    fn new() -> Self {
        Self {
            send: VideoSend::new(at(0)),
            receive: LayerReceive::new(at(0), SpatialLayer::Full),
            stats: FlowStats::default(),
            got: Vec::new(),
        }
    }

    /// Everything that waits, as datagrams.
    fn datagrams(&mut self, now: Instant) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| {
            let mut out = Vec::new();
            self.send.write(now, FAST, 1168, true, &mut out).map(|_| out)
        })
        .collect()
    }

    fn arrive(&mut self, now: Instant, datagram: &[u8]) {
        for chunk in chunks(datagram) {
            let (piece, is_parity) = match chunk {
                Ok(Chunk::VideoFragment(piece)) => (piece, false),
                Ok(Chunk::VideoFec(piece)) => (piece, true),
                other => panic!("{other:?}"),
            };
            let got = &mut self.got;
            let mut deliver = |frame| got.push(frame);
            self.receive.handle(now, &piece, is_parity, &mut self.stats, &mut deliver).expect("honest");
        }
    }

    /// The receiver's requests go straight to the sender; true if it wants a key frame.
    fn requests(&mut self, now: Instant) -> bool {
        self.receive.handle_timeout(now, PATIENCE, &mut self.stats);
        let (mut out, mut ranges, mut key) = (Vec::new(), Vec::new(), false);
        while self.receive.write_nack(now, PATIENCE, &mut ranges, &mut out) {}
        self.receive.write_key_request(now, PATIENCE, &mut out);
        for chunk in chunks(&out) {
            match chunk {
                Ok(Chunk::Nack(nack)) => key |= self.send.handle_nack(now, &nack, PATIENCE.round_trip, None),
                Ok(Chunk::KeyRequest { layer, from_number }) => {
                    self.receive.key_request_arrived();
                    key |= self.send.handle_key_request(now, layer, from_number);
                }
                other => panic!("{other:?}"),
            }
        }
        key
    }

    fn numbers(&self) -> Vec<u32> {
        self.got.iter().map(|frame| frame.number).collect()
    }
}

#[test]
fn pieces_in_any_order_make_the_frame() {
    let mut pair = Pair::new();
    let sent = frame(0, true, 30_000);
    assert!(!pair.send.push(at(0), &sent, FAST));
    let mut datagrams = pair.datagrams(at(0));
    assert!(datagrams.iter().all(|datagram| datagram.len() <= 1168));
    datagrams.reverse();
    let doubled = datagrams.iter().chain(&datagrams);
    for datagram in doubled {
        pair.arrive(at(1), datagram);
    }
    assert_eq!(pair.got, [sent]);
    assert_eq!(pair.receive.bytes(), 0);
}

#[test]
fn sound_in_the_same_datagram_makes_a_picture_wait_and_does_not_drop_it() {
    let mut pair = Pair::new();
    let sent = frame(0, true, 30_000);
    pair.send.push(at(0), &sent, FAST);
    let mut first = Vec::new();
    assert!(pair.send.write(at(0), FAST, 1168, true, &mut first).is_some());
    let mut beside_sound = Vec::new();
    assert_eq!(pair.send.write(at(0), FAST, 1168 - 80, false, &mut beside_sound), None);
    pair.arrive(at(1), &first);
    for datagram in pair.datagrams(at(1)) {
        pair.arrive(at(1), &datagram);
    }
    assert_eq!(pair.got, [sent]);
}

#[test]
fn a_lost_top_frame_costs_only_itself() {
    let mut pair = Pair::new();
    for number in 0..8 {
        let now = at(u64::from(number) * 33);
        pair.send.push(now, &frame(number, number == 0, 900), FAST);
        for datagram in pair.datagrams(now) {
            if number != 3 {
                pair.arrive(now, &datagram);
            }
        }
        assert!(!pair.requests(now));
    }
    assert_eq!(pair.numbers(), [0, 1, 2, 4, 5, 6, 7]);
}

#[test]
fn a_lost_base_frame_is_sent_again() {
    let mut pair = Pair::new();
    for number in 0..6 {
        let now = at(u64::from(number) * 33);
        pair.send.push(now, &frame(number, number == 0, 5000), FAST);
        for datagram in pair.datagrams(now) {
            if number != 2 {
                pair.arrive(now, &datagram);
            }
        }
        let later = now + Duration::from_millis(10);
        assert!(!pair.requests(later), "no key frame is needed");
        for datagram in pair.datagrams(later) {
            pair.arrive(later, &datagram);
        }
    }
    assert_eq!(pair.numbers(), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn after_giving_up_it_freezes_and_asks_for_one_key_a_second() {
    let mut pair = Pair::new();
    let (mut keys, mut key_asked) = (0, Vec::new());
    for number in 0..150_u32 {
        let now = at(u64::from(number) * 33);
        // On even numbers only, so that the pattern of layers goes on.
        let key = number == 0 || (number % 2 == 0 && std::mem::take(&mut keys) > 0);
        let stuck = pair.send.push(now, &frame(number, key, 3000), FAST);
        assert!(!stuck, "{number}");
        for datagram in pair.datagrams(now) {
            // Piece 0 of frames 10 to 100 never makes it, however often it is sent.
            let Some(Ok(Chunk::VideoFragment(piece))) = chunks(&datagram).next() else { panic!("a piece") };
            if piece.index != 0 || !(10..100).contains(&piece.number) {
                pair.arrive(now, &datagram);
            }
        }
        if pair.requests(now) {
            key_asked.push(now);
            keys += 1;
        }
    }
    assert!(key_asked.len() >= 2, "{key_asked:?}");
    assert!(key_asked.windows(2).all(|pair| pair[1].since(pair[0]) >= limits::KEY_REQUEST_INTERVAL), "{key_asked:?}");
    assert_eq!(pair.got.last().map(|frame| frame.number), Some(149), "it recovers: {:?}", pair.numbers());
    assert!(pair.got[10..].iter().find(|frame| frame.number > 10).is_some_and(VideoFrame::is_key));
}

#[test]
fn a_newer_key_overtakes_what_waits() {
    let mut pair = Pair::new();
    for (number, key) in [(0, true), (2, false), (4, false), (5, true)] {
        pair.send.push(at(0), &frame(number, key, 900), FAST);
        for datagram in pair.datagrams(at(0)) {
            if number != 2 {
                pair.arrive(at(1), &datagram);
            }
        }
    }
    assert_eq!(pair.numbers(), [0, 5]);
    assert_eq!(pair.receive.bytes(), 0);
}

#[test]
fn pieces_that_a_slow_path_delivers_one_by_one_are_not_asked_for() {
    let mut pair = Pair::new();
    let mut asked = 0;
    for number in 0..40 {
        let now = u64::from(number) * 133;
        pair.send.push(at(now), &frame(number, number == 0, 1500), FAST);
        let datagrams = pair.datagrams(at(now));
        assert_eq!(datagrams.len(), 2);
        pair.arrive(at(now + 60), &datagrams[0]);
        for wait in 60..120 {
            pair.requests(at(now + wait));
        }
        pair.datagrams(at(now + 120));
        asked = pair.send.stats.nack_count;
        pair.arrive(at(now + 120), &datagrams[1]);
        assert!(asked <= 1, "nothing is known of the first, and {asked} by picture {number}");
    }
    assert_eq!((pair.numbers().len(), asked), (40, 1));
}

#[test]
fn older_pictures_are_not_sent_again_once_there_is_a_key_frame() {
    let mut pair = Pair::new();
    for number in 0..3 {
        pair.send.push(at(33), &frame(number, number == 0, 5000), FAST);
    }
    let lost = pair.datagrams(at(33));
    pair.arrive(at(60), &lost[0]);
    pair.send.push(at(100), &frame(3, true, 3000), FAST);
    pair.requests(at(200));
    assert!(pair.send.stats.nack_count > 0);
    let fresh = pair.datagrams(at(200));
    assert_eq!(fresh.len(), 3, "the key frame alone");
    fresh.iter().for_each(|datagram| pair.arrive(at(210), datagram));
    assert_eq!(pair.numbers(), [3]);
}

#[test]
fn the_sender_begins_with_a_key_and_drops_what_nobody_can_decode() {
    let mut pair = Pair::new();
    assert!(pair.send.push(at(0), &frame(7, false, 500), FAST), "a key is asked for");
    assert!(!pair.send.push(at(33), &frame(8, false, 500), FAST), "once");
    assert!(pair.datagrams(at(33)).is_empty());
    assert!(!pair.send.push(at(66), &frame(9, true, 500), FAST));
    assert_eq!(pair.datagrams(at(66)).len(), 1);
}

#[test]
fn a_full_pacer_drops_pictures_and_asks_for_a_fresh_start() {
    let mut pair = Pair::new();
    let slow = Bitrate::from_kbps(300);
    pair.send.push(at(0), &frame(0, true, 5000), slow);
    assert_eq!(pair.datagrams(at(0)).len(), 5);
    let mut asked = false;
    for number in 1..60 {
        asked |= pair.send.push(at(u64::from(number) * 33), &frame(number, false, 2500), slow);
    }
    assert!(asked);
    let waiting: usize = pair.datagrams(at(60 * 33)).iter().map(Vec::len).sum();
    assert!(slow.time_for(waiting) < limits::VIDEO_QUEUE_DELAY * 2, "{waiting} bytes still wait");
}

#[test]
fn on_a_long_lossy_path_lost_pieces_are_repaired_without_a_request() {
    let mut pair = Pair::new();
    pair.send.set_path(0.1, Duration::from_millis(200));
    for number in 0..40 {
        pair.send.push(at(u64::from(number) * 33), &frame(number, number == 0, 6000), FAST);
        let datagrams = pair.datagrams(at(u64::from(number) * 33));
        assert!(datagrams.len() > 6, "six pieces and some more");
        for (index, datagram) in datagrams.iter().enumerate() {
            // Any two.
            if index != number as usize % 6 && index != (number as usize + 2) % 6 {
                pair.arrive(at(u64::from(number) * 33), datagram);
            }
        }
    }
    assert_eq!(pair.numbers(), (0..40).collect::<Vec<u32>>());
    assert!(pair.got.iter().all(|got| *got == frame(got.number, got.number == 0, 6000)), "bit by bit");
}

#[test]
fn a_path_without_losses_gets_no_parities() {
    let mut pair = Pair::new();
    pair.send.set_path(0.0, Duration::from_millis(200));
    pair.send.push(at(0), &frame(0, true, 6000), FAST);
    assert_eq!(pair.datagrams(at(0)).len(), 6);
}

#[test]
fn requests_that_would_take_too_long_are_answered_by_a_key_frame() {
    let mut pair = Pair::new();
    let slow = Bitrate::from_kbps(200);
    pair.send.push(at(0), &frame(0, true, 40_000), FAST);
    pair.datagrams(at(0));
    let mut ranges = Vec::new();
    let nack = Nack::build(SpatialLayer::Full, 0, 0..35, &mut ranges);
    assert!(pair.send.handle_nack(at(50), &nack, PATIENCE.round_trip, Some(slow)));
    assert!(pair.send.push(at(66), &frame(1, false, 900), FAST) || pair.datagrams(at(66)).is_empty(), "it begins anew");
    assert!(!pair.send.handle_nack(at(90), &nack, PATIENCE.round_trip, Some(slow)), "once");
    assert!(!pair.send.push(at(99), &frame(2, true, 4000), slow));
}

#[test]
fn contradicting_pieces_are_misbehaviour() {
    let mut pair = Pair::new();
    let piece = |total: u32, index: u16, payload| VideoFragment {
        layer: SpatialLayer::Full,
        temporal: 0,
        codec: VideoCodec::Av1,
        retransmitted: false,
        repaired: false,
        number: 0,
        needs_back: 0,
        captured_us: 0,
        width: 1,
        height: 1,
        index,
        unit: 4,
        total,
        payload,
    };
    let mut none = |_: VideoFrame| panic!("nothing is whole");
    let mut stats = FlowStats::default();
    pair.receive.handle(at(0), &piece(8, 0, b"abcd"), false, &mut stats, &mut none).expect("fine so far");
    let result = pair.receive.handle(at(0), &piece(7, 1, b"efg"), false, &mut stats, &mut none);
    assert_eq!(result, Err(PeerMisbehaved::FragmentMismatch));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    /// Whatever is lost, delayed or doubled: only decodable frames come out, in order, unaltered, within the memory bound.
    #[test]
    fn what_comes_out_decodes(fates in proptest::collection::vec(0..12_u8, 30..120), keys in proptest::collection::vec(5..60_u32, 0..3)) {
        let mut pair = Pair::new();
        let (mut late, mut count, mut want_key) = (Vec::<Vec<u8>>::new(), 0, false);
        for number in 0..90_u32 {
            let now = at(u64::from(number) * 33);
            let key = number == 0 || keys.contains(&number) || std::mem::take(&mut want_key);
            want_key |= pair.send.push(now, &frame(number, key, 800 + number as usize % 7 * 900), FAST);
            for datagram in std::mem::take(&mut late) {
                pair.arrive(now, &datagram);
            }
            for datagram in pair.datagrams(now) {
                count += 1;
                match fates[count % fates.len()] {
                    0 | 1 => {}
                    2 => late.push(datagram),
                    3 => {
                        pair.arrive(now, &datagram);
                        pair.arrive(now, &datagram);
                    }
                    _ => pair.arrive(now, &datagram),
                }
            }
            want_key |= pair.requests(now + Duration::from_millis(5));
            prop_assert!(pair.receive.bytes() <= limits::VIDEO_REASSEMBLY_BYTES);
        }
        let mut delivered = std::collections::BTreeSet::new();
        for got in &pair.got {
            prop_assert!(delivered.last().is_none_or(|last| got.number > *last), "never back in time");
            prop_assert!(got.is_key() || delivered.contains(&(got.number - u32::from(got.needs_back))));
            prop_assert_eq!(&got.payload, &frame(got.number, got.is_key(), got.payload.len()).payload);
            delivered.insert(got.number);
        }
        prop_assert!(!pair.got.is_empty());
    }

    #[test]
    fn hostile_pieces_stay_within_bounds(pieces in proptest::collection::vec((any::<u32>(), any::<u8>(), 1..500_000_u32, 1..1100_u16, any::<u16>(), 0..4_u8), 0..300)) {
        let mut receive = LayerReceive::new(at(0), SpatialLayer::Full);
        let mut stats = FlowStats::default();
        let payload = [0_u8; 1100];
        for (number, needs_back, total, unit, pick, temporal) in pieces {
            let count = total.div_ceil(u32::from(unit));
            let index = u32::from(pick) % count;
            let len = (total - index * u32::from(unit)).min(u32::from(unit)) as usize;
            if count as usize > limits::VIDEO_FRAGMENTS { continue; }
            let piece = VideoFragment {
                layer: SpatialLayer::Full, temporal, codec: VideoCodec::Av1, retransmitted: false, repaired: false, number: number % 200,
                needs_back, captured_us: 0, width: 1, height: 1, index: u16::try_from(index).expect("few"), unit, total,
                payload: &payload[..len],
            };
            // An error ends the session; here the next piece comes all the same.
            let honest = receive.handle(at(0), &piece, false, &mut stats, &mut |_| {}).is_ok();
            prop_assert!(honest || !receive.waiting.is_empty());
            prop_assert!(receive.bytes() <= limits::VIDEO_REASSEMBLY_BYTES / 2);
            prop_assert!(receive.waiting.len() <= limits::VIDEO_FRAMES_IN_FLIGHT + 1);
            let held: usize = receive.waiting.values().map(|waiting| match &waiting.pending {
                Pending::Assembly(assembly) => assembly.size(),
                Pending::Unseen { .. } => 0,
            }).sum();
            prop_assert_eq!(held, receive.bytes());
        }
    }
}
