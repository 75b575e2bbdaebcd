//! The whole engine against itself: what one encodes the other hears, by file and clock, without any device.

use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::*;
use crate::audio::Processing;
use crate::source::{DeviceFault, DeviceStatus};

fn engine(config: AudioConfig) -> (AudioEngine, mpsc::Receiver<AudioEvent>) {
    let (tell, events) = mpsc::sync_channel(10_000);
    let engine = AudioEngine::start(config, Box::new(move |event| drop(tell.try_send(event)))).expect("engine");
    (engine, events)
}

fn wait_for<T>(events: &mpsc::Receiver<AudioEvent>, mut wanted: impl FnMut(AudioEvent) -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let event = events.recv_timeout(left).expect("the event came in time");
        if let Some(found) = wanted(event) {
            return found;
        }
    }
}

fn write_wav(path: &Path, spec: hound::WavSpec, frames: usize, sample: impl Fn(usize) -> i32) {
    let mut writer = hound::WavWriter::create(path, spec).expect("created");
    for i in 0..frames {
        for _ in 0..spec.channels {
            match spec.sample_format {
                hound::SampleFormat::Int => writer.write_sample(sample(i)).expect("written"),
                hound::SampleFormat::Float => writer.write_sample(sample(i) as f32 / 32_768.0).expect("written"),
            }
        }
    }
    writer.finalize().expect("finished");
}

fn spec(channels: u16, sample_rate: u32, bits_per_sample: u16, float: bool) -> hound::WavSpec {
    let sample_format = if float { hound::SampleFormat::Float } else { hound::SampleFormat::Int };
    hound::WavSpec { channels, sample_rate, bits_per_sample, sample_format }
}

#[test]
fn odd_wav_files_are_heard_and_broken_ones_named() {
    let dir = tempfile::tempdir().expect("dir");
    let tone = |rate: u32, scale: f64| {
        move |i: usize| ((i as f64 * std::f64::consts::TAU * 440.0 / f64::from(rate)).sin() * scale) as i32
    };
    let odd = [
        ("a.wav", spec(2, 44_100, 16, false), 9_000.0),
        ("b.wav", spec(1, 8_000, 8, false), 35.0),
        ("c.wav", spec(6, 96_000, 24, false), 2_300_000.0),
        ("d.wav", spec(1, 48_000, 32, true), 9_000.0),
        ("e.wav", spec(1, 22_050, 32, false), 590_000_000.0),
    ];
    for (name, spec, scale) in odd {
        let path = dir.path().join(name);
        write_wav(&path, spec, spec.sample_rate as usize / 2, tone(spec.sample_rate, scale));
        let (engine, events) =
            engine(AudioConfig { microphone: Source::File(path), speaker: Sink::None, processing: Processing::Off });
        let mut loud = 0;
        wait_for(&events, |event| {
            assert!(!matches!(event, AudioEvent::Microphone(DeviceStatus::Failed(_))), "{name}: {event:?}");
            let AudioEvent::Encoded(packet) = event else { return None };
            // -14 dBFS is 113.
            loud += usize::from((108..118).contains(&packet.level));
            (loud > 10).then_some(())
        });
        drop(engine);
    }
    let cut = dir.path().join("cut.wav");
    write_wav(&cut, spec(1, 48_000, 16, false), 48_000, tone(48_000, 9_000.0));
    let bytes = std::fs::read(&cut).expect("read");
    std::fs::write(&cut, &bytes[..30]).expect("written");
    let text = dir.path().join("text.wav");
    std::fs::write(&text, "this is no sound").expect("written");
    let empty = dir.path().join("empty.wav");
    write_wav(&empty, spec(1, 48_000, 16, false), 0, |_| 0);
    for path in [cut, text, empty, dir.path().join("missing.wav")] {
        let (_engine, events) = engine(AudioConfig {
            microphone: Source::File(path.clone()),
            speaker: Sink::None,
            ..AudioConfig::default()
        });
        let fault = wait_for(&events, |event| match event {
            AudioEvent::Microphone(DeviceStatus::Failed(fault)) => Some(fault),
            AudioEvent::Microphone(DeviceStatus::Running(_)) => panic!("{} runs", path.display()),
            _ => None,
        });
        assert!(matches!(fault, DeviceFault::File { .. }), "{fault}");
    }
}

#[test]
fn one_speaks_and_the_other_hears_it_soon_after() {
    let dir = tempfile::tempdir().expect("dir");
    let (spoken, heard) = (dir.path().join("spoken.wav"), dir.path().join("heard.wav"));
    let voice = crate::audio::voice::zero_to_nine();
    write_wav(&spoken, spec(1, 48_000, 16, false), voice.len(), |i| (voice[i] * 30_000.0) as i32);

    let (ear, ear_events) =
        engine(AudioConfig { microphone: Source::None, speaker: Sink::File(heard.clone()), ..AudioConfig::default() });
    let ear = Arc::new(ear);
    ear.add_remote(7);
    let (tell, told) = mpsc::sync_channel(100);
    let listener = Arc::clone(&ear);
    let mouth = AudioEngine::start(
        AudioConfig { microphone: Source::File(spoken), speaker: Sink::None, processing: Processing::Full },
        Box::new(move |event| match event {
            AudioEvent::Encoded(packet) => listener.push(7, packet),
            AudioEvent::ClockMap { position, captured_us } => listener.set_sender_report(7, position, captured_us),
            AudioEvent::MicrophoneStarted { unix_us } => drop(tell.try_send(unix_us)),
            _ => {}
        }),
    )
    .expect("engine");
    let spoken_at = told.recv_timeout(Duration::from_secs(10)).expect("the microphone starts");
    let heard_at = wait_for(&ear_events, |event| match event {
        AudioEvent::SpeakerStarted { unix_us } => Some(unix_us),
        _ => None,
    });
    wait_for(&ear_events, |event| matches!(event, AudioEvent::FirstSound { remote: 7, .. }).then_some(()));
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut lags_ms = Vec::new();
    while ear.stats(7).total_samples < 6 * 48_000 {
        assert!(Instant::now() < deadline, "{:?}", ear.stats(7));
        if let (Some(point), 48_000..) = (ear.playout(7), ear.stats(7).total_samples) {
            lags_ms.push(point.heard_us.saturating_sub(point.captured_us) / 1000);
        }
        thread::park_timeout(Duration::from_millis(50));
    }
    lags_ms.sort_unstable();
    let lag_ms = lags_ms[lags_ms.len() / 2];
    let stats = ear.stats(7);
    drop(mouth);
    drop(ear);

    let recorded: Vec<f32> = hound::WavReader::open(&heard)
        .expect("the recording is whole")
        .samples::<i16>()
        .map(|s| f32::from(s.expect("a sample")) / 32_768.0)
        .collect();
    // Where the recording fits the speech best, to the sample; first by every twelfth.
    let heard_after = (heard_at as i64 - spoken_at as i64) * 6 / 125;
    let fit = |lag: i64, step: usize| -> f32 {
        // Not the first second, in which the wait is still being found.
        (48_000..5 * 48_000)
            .step_by(step)
            .map(|i| {
                // Sample i of the speech is heard `lag` samples after it was spoken.
                let at = usize::try_from(i as i64 + lag - heard_after).ok();
                at.and_then(|at| recorded.get(at)).map_or(0.0, |heard| heard * voice[i])
            })
            .sum()
    };
    let rough = (0..9_600).step_by(6).max_by(|&a, &b| fit(a, 11).total_cmp(&fit(b, 11))).expect("a lag");
    let best = (rough - 12..rough + 12).max_by(|&a, &b| fit(a, 3).total_cmp(&fit(b, 3))).expect("a lag");
    let mouth_to_ear_ms = best / 48;
    println!("mouth to ear {mouth_to_ear_ms} ms, playout point says {lag_ms} ms, {stats:?}");
    assert!((20..=150).contains(&mouth_to_ear_ms), "{mouth_to_ear_ms} ms");
    // On a busy machine the wait changes while this is measured.
    assert!(lag_ms.abs_diff(mouth_to_ear_ms as u64) <= 15, "measured {mouth_to_ear_ms}, told {lag_ms}");
}

#[test]
fn a_machine_without_devices_still_meets() {
    let config = AudioConfig {
        microphone: Source::Device("no such microphone".into()),
        speaker: Sink::Device("no such speaker".into()),
        ..AudioConfig::default()
    };
    let (engine, events) = engine(config);
    engine.add_remote(1);
    let (mut microphone, mut speaker) = (false, false);
    wait_for(&events, |event| {
        microphone |= matches!(event, AudioEvent::Microphone(DeviceStatus::Failed(_)));
        speaker |= matches!(event, AudioEvent::Speaker(DeviceStatus::Failed(_)));
        (microphone && speaker).then_some(())
    });
    // What others say is still taken in and played to nobody.
    let mut encoder = crate::audio::codec::Encoder::new().expect("encoder");
    let tone: Vec<f32> = (0..960).map(|i| (i as f32 * 0.05).sin() * 0.3).collect();
    let deadline = Instant::now() + Duration::from_secs(10);
    let mut sequence = 0;
    while engine.stats(1).total_samples < 4_800 {
        assert!(Instant::now() < deadline);
        let payload = encoder.encode(&tone).expect("packet").into();
        let position = u64::from(sequence) * 960;
        engine.push(1, EncodedAudio { sequence, position, level: 100, is_copy: false, payload });
        sequence += 1;
        thread::park_timeout(Duration::from_millis(20));
    }
    engine.set_microphone(Source::Test);
    wait_for(&events, |event| matches!(event, AudioEvent::Encoded(_)).then_some(()));
    let begun = Instant::now();
    drop(engine);
    assert!(begun.elapsed() < Duration::from_secs(3));
}

#[test]
fn muting_stops_the_packets() {
    let (engine, events) =
        engine(AudioConfig { microphone: Source::Test, speaker: Sink::None, ..AudioConfig::default() });
    wait_for(&events, |event| matches!(event, AudioEvent::Encoded(_)).then_some(()));
    engine.set_muted(true);
    wait_for(&events, |event| matches!(event, AudioEvent::Encoded(p) if p.payload.len() == 1).then_some(()));
    // Clock maps go on once a second; between two of them nothing is sent.
    wait_for(&events, |event| matches!(event, AudioEvent::ClockMap { .. }).then_some(()));
    let mut sent = 0;
    wait_for(&events, |event| {
        sent += usize::from(matches!(event, AudioEvent::Encoded(_)));
        matches!(event, AudioEvent::ClockMap { .. }).then_some(())
    });
    assert_eq!(sent, 0);
}
