//! Sound between two ends without a session: what is written is what arrives, or is lost.

use super::*;
use crate::wire::chunks;

const WIDE: Bitrate = Bitrate::from_kbps(2000);

fn frame(sequence: u32, len: usize) -> AudioFrame {
    let payload = vec![1; len].into();
    AudioFrame { sequence, position: u64::from(sequence) * 960, level: 90, is_copy: false, payload }
}

fn at(sequence: u32) -> Instant {
    Instant::from_micros(u64::from(sequence) * 20_000)
}

/// Sends `count` frames, of which the datagrams that `lost` names get lost and are reported so. Returns the frames as they
/// arrive, and the sizes of the datagrams.
fn run(
    path: Bitrate,
    count: u32,
    len: impl Fn(u32) -> usize,
    lost: impl Fn(u32) -> bool,
) -> (Vec<AudioFrame>, Vec<usize>) {
    let (mut send, mut receive) = (AudioSend::new(Instant::ZERO), AudioReceive::default());
    let (mut heard, mut sizes, mut out) = (Vec::new(), Vec::new(), Vec::new());
    for sequence in 0..count {
        let now = at(sequence);
        send.push(now, &frame(sequence, len(sequence)));
        out.clear();
        if send.write(now, 1168, &mut out) > 0 {
            let datagram = u32::try_from(sizes.len()).expect("few");
            sizes.push(out.len());
            if !lost(datagram) {
                for chunk in chunks(&out) {
                    let Ok(Chunk::Audio(audio)) = chunk else { panic!("{chunk:?}") };
                    receive.handle(&audio, &mut |frame| heard.push(frame));
                }
            }
            send.told(now, !lost(datagram));
            send.decide(SoundPath { rate: path, crowded: false });
        }
    }
    (heard, sizes)
}

fn missing(heard: &[AudioFrame], from: u32, to: u32) -> usize {
    (from..to).filter(|sequence| !heard.iter().any(|frame| frame.sequence == *sequence)).count()
}

#[test]
fn a_clean_path_gets_each_frame_once_and_at_once() {
    let (heard, sizes) = run(WIDE, 500, |_| 80, |_| false);
    assert!(heard.iter().zip(0..).all(|(heard, sequence)| *heard == frame(sequence, 80)));
    assert_eq!((heard.len(), sizes.len()), (500, 500));
}

#[test]
fn single_losses_are_made_good_by_the_next_datagram_and_bursts_by_a_later_one() {
    let (heard, _) = run(WIDE, 1000, |_| 60, |n| n % 30 == 0);
    assert_eq!(missing(&heard, 300, 990), 0);
    assert!(heard.iter().any(|frame| frame.is_copy));
    let (heard, _) = run(WIDE, 1000, |_| 60, |n| n % 30 < 2);
    assert_eq!(missing(&heard, 300, 990), 0, "two in a row");
    let (heard, _) = run(WIDE, 2000, |_| 60, |n| n % 40 < 4);
    assert_eq!(missing(&heard, 1000, 1990), 0, "bursts of four");
}

#[test]
fn nobody_can_tell_a_pause_from_speech() {
    // A spurt of speech, then a pause as Opus has it: a byte each, and a full frame now and then.
    let speaks = |n: u32| (200..600).contains(&n) || n.is_multiple_of(20);
    for path in [WIDE, Bitrate::from_kbps(100)] {
        let (_, sizes) = run(path, 1000, |n| if speaks(n) { 60 } else { 1 }, |_| false);
        // After the first second's copies, and without the growth of the numbers themselves.
        let settled = &sizes[sizes.len() / 4..];
        let (least, most) = (settled.iter().min().expect("sizes"), settled.iter().max().expect("sizes"));
        assert!(most - least <= 2, "{path}: {least} to {most}");
    }
}

#[test]
fn a_thin_path_carries_three_frames_in_one_datagram_and_nothing_stays_behind() {
    let (heard, sizes) = run(Bitrate::from_kbps(40), 600, |_| 50, |_| false);
    assert!((200..230).contains(&sizes.len()), "{}", sizes.len());
    assert_eq!(missing(&heard, 0, 597), 0);
    let whole: usize = sizes[100..150].iter().map(|len| len + limits::SEALED_OVERHEAD + limits::PACKET_HEADERS).sum();
    let rate = whole * 8 / 3;
    assert!(rate < 36_000, "{rate} bit/s");
    let mut send = AudioSend::new(Instant::ZERO);
    send.decide(SoundPath { rate: Bitrate::from_kbps(40), crowded: false });
    send.push(at(0), &frame(0, 50));
    let due = send.due().expect("something waits");
    let mut out = Vec::new();
    assert_eq!(send.write(at(1), 1168, &mut out), 0);
    assert!(due <= at(3));
    assert_eq!(send.write(due, 1168, &mut out), 1, "who mutes is heard to the end");
    assert_eq!(send.due(), None);
}

#[test]
fn a_duplicate_is_dropped_and_a_gap_counted() {
    let mut receive = AudioReceive::default();
    let mut handle = |sequence, is_copy| {
        let mut records = Vec::new();
        let block = AudioBlock { sequence, position: 0, level: 0, is_copy, payload: b"x" };
        let audio = wire::Audio::build([block].into_iter(), None, 0, &mut records);
        let mut count = 0;
        receive.handle(&audio, &mut |_| count += 1);
        (count, receive.flow().packets_lost)
    };
    assert_eq!(handle(4, false), (1, 0));
    assert_eq!(handle(4, false), (0, 0));
    assert_eq!(handle(7, false), (1, 2));
    assert_eq!(handle(5, false), (1, 1), "late is not lost: the jitter buffer decides");
    assert_eq!(handle(6, true), (1, 1), "made good, and lost all the same");
    assert_eq!(handle(6, true), (0, 1));
}

#[test]
fn a_stalled_caller_loses_the_oldest_sound() {
    let mut send = AudioSend::new(Instant::ZERO);
    for sequence in 0..20 {
        send.push(at(sequence), &frame(sequence, 80));
    }
    let mut out = Vec::new();
    while send.write(at(20), 1168, &mut out) > 0 {}
    let first = chunks(&out).next();
    assert!(matches!(first, Some(Ok(Chunk::Audio(audio))) if audio.blocks().next().is_some_and(|b| b.sequence == 4)));
    assert_eq!(send.stats.frames_dropped, 4);
}

#[test]
fn large_frames_do_without_copies_and_oversized_ones_are_dropped_here() {
    let (heard, sizes) = run(WIDE, 1000, |_| 700, |n| n % 30 == 0);
    assert!(sizes.iter().all(|len| *len < 1168));
    assert!(missing(&heard, 300, 990) > 10);
    let mut send = AudioSend::new(Instant::ZERO);
    send.push(at(0), &frame(0, limits::AUDIO_PAYLOAD_BYTES + 1));
    assert!(send.is_empty());
}
