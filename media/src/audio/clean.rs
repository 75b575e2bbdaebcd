//! Cleans the microphone's sound: echo by `sonora`, then noise by `nnnoiseless`, then loudness by `sonora` again.
//!
//! Noise is not `sonora`'s business although it could: its suppressor insists on a high-pass whose resonance at 89 Hz rings in
//! the voices of men, and takes a clean voice from PESQ 4.6 to 3.7, where the network behind `nnnoiseless` leaves it at 4.3 and
//! is no worse with noise (ARCHITECTURE.md, "Sound"). Rumble is taken out by its own gentle high-pass.
//!
//! Fed with exactly what the speaker plays and what the microphone heard, in blocks of 10 ms. Called by the audio
//! thread; which parts run is [`Processing`].

use nnnoiseless::DenoiseState;
use sonora::config::{AdaptiveDigital, EchoCanceller, GainController2, MaxProcessingRate, Pipeline};
use sonora::{AudioProcessing, Config, StreamConfig};

use super::{BLOCK, Processing, RATE};

const _: () = assert!(BLOCK == DenoiseState::FRAME_SIZE, "the suppressor takes blocks as they are");

/// Cleans one microphone.
pub(crate) struct Cleaner {
    echo: Option<AudioProcessing>,
    noise: Option<Noise>,
    delay_samples: u64,
    spare: [f32; BLOCK],
}

struct Noise {
    suppressor: Box<DenoiseState<'static>>,
    gain: AudioProcessing,
}

impl Cleaner {
    pub(crate) fn new(processing: Processing) -> Self {
        let (has_echo, has_noise, delay_samples) = match processing {
            Processing::Full => (true, true, ECHO_SAMPLES + BLOCK as u64),
            Processing::Headset => (false, true, BLOCK as u64),
            Processing::Off => (false, false, 0),
        };
        let echo = Config {
            // The high-pass that it may ask for is the one that rings.
            echo_canceller: Some(EchoCanceller { enforce_high_pass_filtering: false, ..EchoCanceller::default() }),
            ..Config::default()
        };
        let gain = Config {
            gain_controller2: Some(GainController2 {
                // A voice at a usual distance needs little; more only lifts the room.
                adaptive_digital: Some(AdaptiveDigital {
                    initial_gain_db: 6.0,
                    max_gain_db: 30.0,
                    ..AdaptiveDigital::default()
                }),
                ..GainController2::default()
            }),
            ..Config::default()
        };
        Self {
            echo: has_echo.then(|| part(echo)),
            noise: has_noise.then(|| Noise { suppressor: DenoiseState::new(), gain: part(gain) }),
            delay_samples,
            spare: [0.0; BLOCK],
        }
    }

    /// Samples by which cleaned sound lags behind what came in: band splitting and framing, confirmed by a test.
    pub(crate) fn delay_samples(&self) -> u64 {
        self.delay_samples
    }

    /// This block was handed to the speaker.
    pub(crate) fn render(&mut self, block: &[f32; BLOCK]) {
        if let Some(echo) = &mut self.echo {
            // Only a wrong length is an error, and the type rules it out.
            echo.process_render_f32(&[block], &mut [&mut self.spare]).ok();
        }
    }

    /// The microphone heard this; `delay_ms` is from handing a block to the speaker until it is heard, and from the
    /// microphone until here.
    pub(crate) fn capture(&mut self, block: &mut [f32; BLOCK], delay_ms: u32) {
        if let Some(echo) = &mut self.echo {
            // Beyond half a second it is clamped, which is all that can be done.
            echo.set_stream_delay_ms(i32::try_from(delay_ms).unwrap_or(500)).ok();
            if echo.process_capture_f32(&[&*block], &mut [&mut self.spare]).is_ok() {
                *block = self.spare;
            }
        }
        if let Some(Noise { suppressor, gain }) = &mut self.noise {
            for sample in block.iter_mut() {
                *sample *= FULL_SCALE;
            }
            suppressor.process_frame(&mut self.spare, block);
            for sample in &mut self.spare {
                *sample /= FULL_SCALE;
            }
            if gain.process_capture_f32(&[&self.spare], &mut [block]).is_err() {
                *block = self.spare;
            }
        }
    }
}

/// `sonora` with one task.
fn part(config: Config) -> AudioProcessing {
    let rate = MaxProcessingRate::Rate48kHz;
    let config =
        Config { pipeline: Pipeline { maximum_internal_processing_rate: rate, ..Pipeline::default() }, ..config };
    let stream = StreamConfig::new(RATE, 1);
    AudioProcessing::builder().config(config).capture_config(stream).render_config(stream).build()
}

/// Samples by which cancelling an echo delays: 9 ms.
const ECHO_SAMPLES: u64 = 431;
/// `nnnoiseless` learned with sound of 16 bits.
const FULL_SCALE: f32 = 32_768.0;

#[cfg(test)]
mod tests {
    use super::*;

    /// White, from -0.5 to 0.5.
    fn noise(mut seed: u32) -> impl FnMut() -> f32 {
        move || {
            seed ^= seed << 13;
            seed ^= seed >> 17;
            seed ^= seed << 5;
            seed as f32 / u32::MAX as f32 - 0.5
        }
    }

    /// Bursts like syllables over a broad band.
    fn voice_like(seconds: usize, seed: u32) -> Vec<f32> {
        let (mut noise, mut low) = (noise(seed), 0.0_f32);
        (0..seconds * RATE as usize)
            .map(|i| {
                low = low * 0.8 + noise() * 0.2;
                let syllable = (i as f32 / RATE as f32 * std::f32::consts::TAU * 3.0).sin().max(0.0);
                low * syllable * 2.0
            })
            .collect()
    }

    fn power(samples: &[f32]) -> f32 {
        samples.iter().map(|s| s * s).sum::<f32>() / samples.len() as f32
    }

    #[test]
    fn the_speakers_echo_is_taken_out_by_20_db() {
        let far = voice_like(10, 9);
        let delay = 1_700;
        let mut cleaner = Cleaner::new(Processing::Full);
        let (mut echo_power, mut left_power) = (0.0, 0.0);
        for n in 0..far.len() / BLOCK {
            let played: [f32; BLOCK] = far[n * BLOCK..(n + 1) * BLOCK].try_into().expect("a block");
            cleaner.render(&played);
            let mut heard = [0.0; BLOCK];
            for (i, sample) in heard.iter_mut().enumerate() {
                let at = (n * BLOCK + i).checked_sub(delay);
                *sample = at.map_or(0.0, |at| far[at] * 0.4);
            }
            let before = power(&heard);
            cleaner.capture(&mut heard, 35);
            if n > 400 {
                echo_power += before;
                left_power += power(&heard);
            }
        }
        let reduced_db = 10.0 * (echo_power / left_power.max(1e-12)).log10();
        assert!(reduced_db >= 20.0, "only {reduced_db:.1} dB");
    }

    /// What is left of a second of `sound`, in decibels, once the cleaner has heard it for some time.
    fn left_db(sound: impl Fn(usize) -> f32) -> f32 {
        let mut cleaner = Cleaner::new(Processing::Full);
        let (mut before, mut left) = (0.0, 0.0);
        for n in 0..500 {
            let mut block: [f32; BLOCK] = std::array::from_fn(|i| sound(n * BLOCK + i));
            cleaner.render(&[0.0; BLOCK]);
            before += if n >= 400 { power(&block) } else { 0.0 };
            cleaner.capture(&mut block, 35);
            left += if n >= 400 { power(&block) } else { 0.0 };
        }
        10.0 * f32::log10(left / before)
    }

    #[test]
    fn a_fan_and_mains_hum_are_taken_out_and_a_voice_is_not() {
        let (mut noise, mut low) = (noise(1), 0.0_f32);
        let fan: Vec<f32> = std::iter::repeat_with(|| {
            low = low * 0.9 + noise() * 0.02;
            low
        })
        .take(500 * BLOCK)
        .collect();
        let hum = |n: usize| (n as f32 / RATE as f32 * std::f32::consts::TAU * 50.0).sin() * 0.01;
        let voice = crate::audio::voice::zero_to_nine();
        let (fan, hum, voice) = (left_db(|n| fan[n]), left_db(hum), left_db(|n| voice[n]));
        assert!(fan < -15.0, "a fan: {fan:.1} dB");
        assert!(hum < -15.0, "hum: {hum:.1} dB");
        assert!((-1.0..10.0).contains(&voice), "a voice: {voice:.1} dB");
    }

    #[test]
    fn the_delay_is_as_stated() {
        for processing in [Processing::Headset, Processing::Full] {
            let voice = voice_like(4, 5);
            let mut cleaner = Cleaner::new(processing);
            let mut out = Vec::new();
            for block in voice.chunks_exact(BLOCK) {
                let mut block: [f32; BLOCK] = block.try_into().expect("a block");
                cleaner.render(&[0.0; BLOCK]);
                cleaner.capture(&mut block, 0);
                out.extend(block);
            }
            let fit = |lag: usize| -> f32 { (96_000..144_000).map(|i| voice[i - lag] * out[i]).sum() };
            let best = (0..960).max_by(|&a, &b| fit(a).total_cmp(&fit(b))).expect("a lag");
            assert!(best.abs_diff(cleaner.delay_samples() as usize) <= 48, "{processing:?}: {best} samples");
        }
    }
}
