//! Measures speech on bad networks: `cargo run --release -p conclave --example speech_on_bad_networks -- VOICE.wav [OUT]`.
//!
//! Sends a recorded voice (48 kHz, 16 bit, mono) through sender, transport, a simulated path and jitter buffer, and prints what
//! is concealed, the delay from mouth to ear and the rates; with a folder as `OUT` it writes what is heard, for PESQ.

#[path = "../tests/speech/call.rs"]
mod call;

use call::{Fault, Path, call};

fn main() -> Result<(), Fault> {
    let mut arguments = std::env::args().skip(1);
    let voice = arguments.next().ok_or("name a WAV file: 48 kHz, 16 bit, mono")?;
    let out = arguments.next();
    let mut reader = hound::WavReader::open(&voice)?;
    let samples: Result<Vec<i16>, _> = reader.samples::<i16>().collect();
    let speech: Vec<f32> = samples?.into_iter().map(|sample| f32::from(sample) / 32_768.0).collect();
    let bursts = |loss| Path { burst: 3.0, ..Path::losing(loss) };
    println!("path         seed  concealed %  p50 ms  p95 ms  voice kbit/s  wire kbit/s");
    for (name, path) in [
        ("clean", Path::CLEAN),
        ("2 %", Path::losing(0.02)),
        ("10 %", Path::losing(0.10)),
        ("30 %", Path::losing(0.30)),
        ("bursts 10 %", bursts(0.10)),
        ("bursts 20 %", bursts(0.20)),
        ("1 s cut", Path { cut_us: Some((10_000_000, 11_000_000)), ..bursts(0.02) }),
        ("40 kbit/s", Path { rate_bps: Some(40_000), ..Path::CLEAN }),
    ] {
        for seed in 1..=3 {
            let outcome = call(&speech, path, seed)?;
            println!(
                "{name:<12} {seed:>4}  {:>11.2}  {:>6}  {:>6}  {:>12.1}  {:>11.1}",
                outcome.concealed() * 100.0,
                outcome.delay_ms(0.5),
                outcome.delay_ms(0.95),
                outcome.voice_bps / 1000.0,
                outcome.wire_bps / 1000.0
            );
            if let Some(folder) = &out {
                let file = format!("{folder}/{}_{seed}.wav", name.replace([' ', '%', '/'], ""));
                let format = hound::WavSpec {
                    channels: 1,
                    sample_rate: 48_000,
                    bits_per_sample: 16,
                    sample_format: hound::SampleFormat::Int,
                };
                let mut writer = hound::WavWriter::create(file, format)?;
                for sample in &outcome.heard {
                    writer.write_sample((sample.clamp(-1.0, 1.0) * 32_767.0) as i16)?;
                }
                writer.finalize()?;
            }
        }
    }
    Ok(())
}
