//! Cleans the microphone's sound: echo, noise, loudness, rumble, by `sonora`.
//!
//! Fed with exactly what the speaker plays and what the microphone heard, in blocks of 10 ms. Called by the audio
//! thread; which parts run is [`Processing`].

use sonora::config::{
    AdaptiveDigital, EchoCanceller, GainController2, HighPassFilter, MaxProcessingRate, NoiseSuppression, Pipeline,
};
use sonora::{AudioProcessing, Config, StreamConfig};

use super::{BLOCK, Processing, RATE};

/// Cleans one microphone.
pub(crate) struct Cleaner {
    inner: Option<AudioProcessing>,
    delay_samples: u64,
    spare: [f32; BLOCK],
}

impl Cleaner {
    pub(crate) fn new(processing: Processing) -> Self {
        let config = Config {
            pipeline: Pipeline {
                maximum_internal_processing_rate: MaxProcessingRate::Rate48kHz,
                ..Pipeline::default()
            },
            high_pass_filter: Some(HighPassFilter::default()),
            echo_canceller: match processing {
                Processing::Full => Some(EchoCanceller::default()),
                Processing::Headset | Processing::Off => None,
            },
            noise_suppression: Some(NoiseSuppression::default()),
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
        let stream = StreamConfig::new(RATE, 1);
        let inner = match processing {
            Processing::Full | Processing::Headset => {
                Some(AudioProcessing::builder().config(config).capture_config(stream).render_config(stream).build())
            }
            Processing::Off => None,
        };
        let delay_samples = match processing {
            Processing::Full => 718,
            Processing::Headset => 334,
            Processing::Off => 0,
        };
        Self { inner, delay_samples, spare: [0.0; BLOCK] }
    }

    /// Samples by which cleaned sound lags behind what came in: band splitting and framing, confirmed by a test.
    pub(crate) fn delay_samples(&self) -> u64 {
        self.delay_samples
    }

    /// This block was handed to the speaker.
    pub(crate) fn render(&mut self, block: &[f32; BLOCK]) {
        if let Some(inner) = &mut self.inner {
            // Only a wrong length is an error, and the type rules it out.
            inner.process_render_f32(&[block], &mut [&mut self.spare]).ok();
        }
    }

    /// The microphone heard this; `delay_ms` is from handing a block to the speaker until it is heard, and from the
    /// microphone until here.
    pub(crate) fn capture(&mut self, block: &mut [f32; BLOCK], delay_ms: u32) {
        if let Some(inner) = &mut self.inner {
            // Beyond half a second it is clamped, which is all that can be done.
            inner.set_stream_delay_ms(i32::try_from(delay_ms).unwrap_or(500)).ok();
            if inner.process_capture_f32(&[&*block], &mut [&mut self.spare]).is_ok() {
                *block = self.spare;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bursts like syllables over a broad band.
    fn voice_like(seconds: usize, mut seed: u32) -> Vec<f32> {
        let mut low = 0.0_f32;
        (0..seconds * RATE as usize)
            .map(|i| {
                seed ^= seed << 13;
                seed ^= seed >> 17;
                seed ^= seed << 5;
                low = low * 0.8 + (seed as f32 / u32::MAX as f32 - 0.5) * 0.2;
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
