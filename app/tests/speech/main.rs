//! Speech on bad networks, through everything but devices and seals: what is concealed and how late it is, with several seeds.
//! The example `speech_on_bad_networks` prints the same figures, and writes what is heard for a listener or PESQ.

mod call;

use call::{Fault, Path, call};

const SEEDS: [u64; 3] = [11, 12, 13];

/// A minute that is nearly all voice: a hum that glides and swells, with consonants of noise. No pauses, for in a pause
/// nothing can be concealed.
fn voice() -> Vec<f32> {
    let (mut phase, mut noise, mut dull) = (0.0_f32, 1_u32, 0.0_f32);
    (0..60 * 48_000)
        .map(|n| {
            let time = n as f32 / 48_000.0;
            let pitch = 130.0 + 30.0 * (time * 1.7).sin() + 10.0 * (time * 5.3).sin();
            phase = (phase + pitch / 48_000.0).fract();
            let hum: f32 = (1..12).map(|k| (phase * k as f32 * std::f32::consts::TAU).sin() / k as f32).sum();
            noise ^= noise << 13;
            noise ^= noise >> 17;
            noise ^= noise << 5;
            dull += (noise as f32 / u32::MAX as f32 - 0.5 - dull) * 0.4;
            let syllable = 0.55 + 0.45 * (time * 4.0 * std::f32::consts::TAU).sin();
            let hiss = if (time * 4.0).fract() > 0.8 { 0.3 } else { 0.01 };
            hum * syllable * 0.12 + dull * hiss
        })
        .collect()
}

/// Asserts for every seed, and prints what was measured.
fn check(path: Path, concealed: f64, p50_ms: u64, p95_ms: u64) -> Result<(), Fault> {
    let voice = voice();
    for seed in SEEDS {
        let outcome = call(&voice, path, seed)?;
        let power = outcome.heard.iter().map(|sample| sample * sample).sum::<f32>() / outcome.heard.len() as f32;
        assert!((0.001..0.1).contains(&power), "a voice is heard, not silence or noise: {power}");
        let (share, median, late) = (outcome.concealed(), outcome.delay_ms(0.5), outcome.delay_ms(0.95));
        let told = format!(
            "{path:?} seed {seed}: {:.2} % concealed, {median} / {late} ms, {:.0} kbit/s of voice, {:.0} on the wire",
            share * 100.0,
            outcome.voice_bps / 1000.0,
            outcome.wire_bps / 1000.0
        );
        println!("{told}");
        assert!(share <= concealed && median <= p50_ms && late <= p95_ms, "{told}");
    }
    Ok(())
}

#[test]
fn a_clean_path_conceals_nothing_and_waits_little() -> Result<(), Fault> {
    check(Path::CLEAN, 0.0001, 55, 60)
}

#[test]
fn two_percent_lost_are_not_heard_and_not_waited_for_long() -> Result<(), Fault> {
    check(Path::losing(0.02), 0.003, 75, 80)
}

#[test]
fn a_tenth_lost_is_hardly_heard() -> Result<(), Fault> {
    check(Path::losing(0.10), 0.01, 110, 115)
}

#[test]
fn three_tenths_lost_are_understood_and_in_time() -> Result<(), Fault> {
    check(Path::losing(0.30), 0.08, 120, 250)
}

#[test]
fn bursts_of_three_are_bridged() -> Result<(), Fault> {
    check(Path { burst: 3.0, ..Path::losing(0.20) }, 0.06, 180, 250)
}

#[test]
fn forty_kilobits_in_all_carry_a_voice() -> Result<(), Fault> {
    check(Path { rate_bps: Some(40_000), ..Path::CLEAN }, 0.02, 200, 400)
}
