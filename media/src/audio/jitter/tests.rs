//! The jitter buffer in virtual time: an encoder, a network drawn from a seed, and a speaker that pulls every 10 ms.

use super::*;
use proptest::prelude::*;

/// 200 Hz: four whole periods in a frame, so that a packet may follow any other.
fn tone_packets(count: usize) -> Vec<Bytes> {
    // Without DTX, which takes a steady tone for noise and leaves it out.
    let mut encoder = codec::Encoder::new().expect("encoder").without_dtx();
    let frame: Vec<f32> =
        (0..codec::FRAME).map(|i| (i as f32 * std::f32::consts::TAU * 200.0 / RATE as f32).sin() * 0.3).collect();
    let packets: Vec<Bytes> = (0..count + 50).map(|_| encoder.encode(&frame).expect("encoded").into()).collect();
    packets[50..].to_vec()
}

/// Ten seconds of a voice that counts, as it is really sent.
fn voice_packets() -> Vec<Bytes> {
    let mut encoder = codec::Encoder::new().expect("encoder");
    encoder.set_mode(crate::audio::voice_mode::VoiceMode::Bursts);
    let voice = crate::audio::voice::zero_to_nine();
    // Without the pauses between the words, which DTX would leave out.
    let words = voice.chunks_exact(RATE as usize).flat_map(|second| second[..16 * codec::FRAME].to_vec());
    let words: Vec<f32> = words.collect();
    words.chunks_exact(codec::FRAME).map(|frame| encoder.encode(frame).expect("encoded").into()).collect()
}

/// The steepest step of the tone itself is 0.008.
const CLICK: f32 = 0.03;

struct Listener {
    buffer: JitterBuffer,
    now_us: u64,
    last: f32,
    steepest: f32,
    positions: Vec<u64>,
    silent_blocks_in_a_row: u32,
    longest_silence_blocks: u32,
}

impl Listener {
    fn new() -> Self {
        Self {
            buffer: JitterBuffer::new().expect("buffer"),
            now_us: 0,
            last: 0.0,
            steepest: 0.0,
            positions: Vec::new(),
            silent_blocks_in_a_row: 0,
            longest_silence_blocks: 0,
        }
    }

    fn pull(&mut self) {
        let mut block = [0.0; BLOCK];
        let pulled = self.buffer.pull(self.now_us, &mut block);
        self.now_us += 10_000;
        for sample in block {
            assert!(sample.is_finite() && sample.abs() <= 2.0);
            self.steepest = self.steepest.max((sample - self.last).abs());
            self.last = sample;
        }
        if let Some(position) = pulled.position {
            self.positions.push(position);
        }
        let loud = block.iter().any(|s| s.abs() > 0.05);
        self.silent_blocks_in_a_row = if loud { 0 } else { self.silent_blocks_in_a_row + 1 };
        if !self.positions.is_empty() {
            self.longest_silence_blocks = self.longest_silence_blocks.max(self.silent_blocks_in_a_row);
        }
    }

    /// Packets as (arrival, sequence); everything is delivered and played until `end_us`.
    fn run(&mut self, packets: &[Bytes], mut arrivals: Vec<(u64, u32)>, end_us: u64) {
        arrivals.sort_unstable();
        let mut next = 0;
        while self.now_us < end_us {
            while arrivals.get(next).is_some_and(|a| a.0 <= self.now_us) {
                let (at, sequence) = arrivals[next];
                self.buffer.insert(at, packet(packets, sequence));
                next += 1;
            }
            self.pull();
        }
        for &(at, sequence) in &arrivals[next..] {
            self.buffer.insert(at, packet(packets, sequence));
        }
    }

    fn mean_delay_ms(&self) -> f64 {
        let stats = self.buffer.stats();
        stats.jitter_buffer_delay_s / stats.jitter_buffer_emitted.max(1) as f64 * 1000.0
    }

    fn assert_never_back(&self) {
        for pair in self.positions.windows(2) {
            assert!(pair[0] <= pair[1], "from {} back to {}", pair[0], pair[1]);
        }
    }
}

fn packet(packets: &[Bytes], sequence: u32) -> EncodedAudio {
    EncodedAudio {
        sequence,
        position: u64::from(sequence) * codec::FRAME as u64,
        level: 100,
        is_copy: false,
        payload: packets[sequence as usize % packets.len()].clone(),
    }
}

/// Small, seeded, good enough for a network.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[test]
fn a_clean_link_waits_little_and_loses_nothing() {
    let packets = tone_packets(50);
    let mut listener = Listener::new();
    let mut dice = Dice(1);
    let arrivals = (0..1500).map(|n| (50_000 + u64::from(n) * 20_000 + (dice.roll() * 600.0) as u64, n)).collect();
    listener.run(&packets, arrivals, 30_000_000);
    let stats = listener.buffer.stats();
    assert_eq!(stats.concealed_samples, 0);
    assert_eq!(listener.longest_silence_blocks, 0);
    assert!(listener.steepest < CLICK, "steepest step {}", listener.steepest);
    assert!(stats.target_delay_ms <= 8, "{}", stats.target_delay_ms);
    // A packet's samples wait 10 ms more on average than its first one does.
    assert!(listener.mean_delay_ms() < 36.0, "{}", listener.mean_delay_ms());
    listener.assert_never_back();
}

#[test]
fn an_hour_with_a_clock_300_ppm_off_neither_clicks_nor_grows() {
    let packets = tone_packets(50);
    for ppm in [300_i64, -300] {
        let mut listener = Listener::new();
        let interval_ns = 20_000_000 - 20 * ppm;
        let mut delays = Vec::new();
        for minute in 0..60_u64 {
            let before = listener.buffer.stats();
            let end_us = (minute + 1) * 60_000_000;
            let first = (minute * 60_000_000_000).div_ceil(interval_ns as u64);
            let last = ((minute + 1) * 60_000_000_000).div_ceil(interval_ns as u64);
            let arrivals = (first..last).map(|n| (n * interval_ns as u64 / 1000, n as u32)).collect();
            listener.run(&packets, arrivals, end_us);
            let after = listener.buffer.stats();
            delays.push(
                (after.jitter_buffer_delay_s - before.jitter_buffer_delay_s)
                    / (after.jitter_buffer_emitted - before.jitter_buffer_emitted) as f64
                    * 1000.0,
            );
        }
        let stats = listener.buffer.stats();
        assert_eq!(stats.concealed_samples, 0, "{ppm} ppm");
        assert_eq!(listener.longest_silence_blocks, 0, "{ppm} ppm");
        assert!(listener.steepest < CLICK, "{ppm} ppm: steepest step {}", listener.steepest);
        assert!(delays.iter().all(|&d| d < 40.0), "{ppm} ppm: {delays:?}");
        // 300 ppm of an hour are 1080 ms: they must have been stretched away, and not much more.
        let stretched_ms = stats.stretched_samples / 48;
        assert!((980..1300).contains(&stretched_ms), "{ppm} ppm: {stretched_ms} ms stretched");
        listener.assert_never_back();
    }
}

#[test]
fn a_tenth_lost_is_remembered_by_what_follows() {
    let packets = voice_packets();
    let mut listener = Listener::new();
    let mut dice = Dice(7);
    let arrivals: Vec<_> =
        (0..3000).filter(|_| dice.roll() >= 0.1).map(|n| (50_000 + u64::from(n) * 20_000, n)).collect();
    listener.run(&packets, arrivals, 60_000_000);
    let stats = listener.buffer.stats();
    let share = |samples: u64| samples as f64 / stats.total_samples as f64;
    assert!(share(stats.recovered_samples) > 0.06, "recovered {}", share(stats.recovered_samples));
    assert!(share(stats.concealed_samples) < 0.035, "concealed {}", share(stats.concealed_samples));
    assert!(listener.mean_delay_ms() < 60.0, "{}", listener.mean_delay_ms());
}

#[test]
fn bursts_of_four_are_bridged() {
    let packets = tone_packets(50);
    let mut listener = Listener::new();
    let arrivals: Vec<_> =
        (0..3000_u32).filter(|n| n % 100 >= 4 || *n < 100).map(|n| (50_000 + u64::from(n) * 20_000, n)).collect();
    listener.run(&packets, arrivals, 60_000_000);
    let stats = listener.buffer.stats();
    let concealed = stats.concealed_samples as f64 / stats.total_samples as f64;
    assert!((0.02..0.05).contains(&concealed), "{concealed}");
    assert!(listener.longest_silence_blocks <= 4, "{} blocks", listener.longest_silence_blocks);
}

#[test]
fn jitter_of_60_ms_that_reorders_is_waited_for() {
    let packets = tone_packets(50);
    let mut listener = Listener::new();
    let mut dice = Dice(3);
    let arrivals: Vec<_> =
        (0..3000).map(|n| (50_000 + u64::from(n) * 20_000 + (dice.roll() * 60_000.0) as u64, n)).collect();
    listener.run(&packets, arrivals, 60_000_000);
    let stats = listener.buffer.stats();
    let concealed = stats.concealed_samples as f64 / stats.total_samples as f64;
    assert!(concealed < 0.03, "{concealed}");
    assert!((50..80).contains(&stats.target_delay_ms), "{}", stats.target_delay_ms);
    listener.assert_never_back();
}

#[test]
fn a_standstill_ends_without_lasting_delay() {
    let packets = tone_packets(50);
    let mut listener = Listener::new();
    let held = |n: u32| {
        let at = 50_000 + u64::from(n) * 20_000;
        if (10_000_000..12_000_000).contains(&at) { 12_000_000 + u64::from(n) } else { at }
    };
    listener.run(&packets, (0..1500).map(|n| (held(n), n)).collect(), 30_000_000);
    let before = listener.buffer.stats();
    listener.run(&packets, (1500..2000).map(|n| (held(n), n)).collect(), 40_000_000);
    let after = listener.buffer.stats();
    assert_eq!(before.concealed_samples, after.concealed_samples);
    let late_ms = (after.jitter_buffer_delay_s - before.jitter_buffer_delay_s)
        / (after.jitter_buffer_emitted - before.jitter_buffer_emitted) as f64
        * 1000.0;
    assert!(late_ms < 40.0, "{late_ms}");
}

#[test]
fn a_microphone_that_jumps_ahead_is_followed_at_once() {
    let packets = tone_packets(50);
    let mut listener = Listener::new();
    for n in 0..650_u32 {
        // Arrives evenly, but the sender's device took 350 ms more out of nowhere.
        let ahead = if n < 500 { 0 } else { 16_800 };
        let position = u64::from(n) * 960 + ahead;
        listener.buffer.insert(listener.now_us, EncodedAudio { position, ..packet(&packets, n) });
        listener.pull();
        listener.pull();
    }
    let stats = listener.buffer.stats();
    assert!(stats.target_delay_ms < 30, "{}", stats.target_delay_ms);
    assert!(listener.buffer.excess_us(listener.now_us) < 30_000);
    assert_eq!(listener.silent_blocks_in_a_row, 0);
    assert!(listener.longest_silence_blocks <= 5, "{}", listener.longest_silence_blocks);
}

#[test]
fn a_restarted_sender_is_heard_again() {
    let packets = tone_packets(50);
    let mut listener = Listener::new();
    let arrivals: Vec<_> = (0..100).map(|n| (50_000 + u64::from(n) * 20_000, n)).collect();
    listener.run(&packets, arrivals, 2_100_000);
    listener.positions.clear();
    let arrivals: Vec<_> = (0..100).map(|n| (3_000_000 + u64::from(n) * 20_000, n)).collect();
    listener.run(&packets, arrivals, 4_000_000);
    assert!(listener.silent_blocks_in_a_row == 0 && listener.positions.len() > 60, "{}", listener.positions.len());
}

#[test]
fn a_pause_is_not_counted_as_concealed() {
    let packets = tone_packets(50);
    let mut listener = Listener::new();
    let arrivals: Vec<_> = (0..100).map(|n| (50_000 + u64::from(n) * 20_000, n)).collect();
    listener.run(&packets, arrivals, 2_040_000);
    let mark =
        EncodedAudio { sequence: 100, position: 96_000, level: 0, is_copy: false, payload: packets[0].slice(0..1) };
    listener.buffer.insert(2_050_000, mark);
    listener.run(&packets, Vec::new(), 7_050_000);
    let later =
        |n: u32| EncodedAudio { sequence: 101 + n, position: 336_000 + u64::from(n) * 960, ..packet(&packets, n) };
    for n in 0..100 {
        listener.buffer.insert(7_050_000 + u64::from(n) * 20_000, later(n));
        listener.pull();
        listener.pull();
    }
    let stats = listener.buffer.stats();
    assert_eq!(stats.concealed_samples, 0);
    assert!(stats.total_samples > 400_000);
    assert_eq!(listener.silent_blocks_in_a_row, 0);
    assert!(listener.steepest < CLICK, "{}", listener.steepest);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn whatever_comes_the_output_goes_on_and_never_back(
        events in prop::collection::vec((0_u64..60_000, 0_u32..400, 0_u64..500_000, prop::collection::vec(any::<u8>(), 0..80)), 0..400)
    ) {
        let packets = tone_packets(3);
        let mut listener = Listener::new();
        let mut due_us = 0;
        for (wait_us, sequence, position, junk) in events {
            due_us += wait_us;
            while listener.now_us < due_us {
                listener.pull();
            }
            let honest = junk.len() % 3 > 0;
            let payload = if honest { packets[0].clone() } else { junk.into() };
            let position = if honest { u64::from(sequence) * 960 } else { position };
            listener.buffer.insert(due_us, EncodedAudio { sequence, position, level: 0, is_copy: sequence % 5 == 0, payload });
            prop_assert!(listener.buffer.packets.len() <= limits::JITTER_PACKETS);
            prop_assert!(listener.buffer.ready.len() < 48_000);
        }
    }
}
