//! Adds everybody's voices and keeps the sum below full scale. Pure; called by the audio thread for every block.

use super::BLOCK;

/// The peak that the limiter aims at.
const CEILING: f32 = 0.9;
/// From here on the last resort bends samples, so that full scale is never reached.
const KNEE: f32 = 0.92;

/// A limiter: down within the block, up again by 0.1 dB per block.
pub(crate) struct Mixer {
    gain: f32,
}

impl Mixer {
    pub(crate) fn new() -> Self {
        Self { gain: 1.0 }
    }

    /// Adds a voice to the sum.
    pub(crate) fn add(sum: &mut [f32; BLOCK], voice: &[f32; BLOCK]) {
        for (sum, voice) in sum.iter_mut().zip(voice) {
            *sum += voice;
        }
    }

    /// Makes the sum fit to play: every sample within -1.0 .. 1.0.
    pub(crate) fn limit(&mut self, sum: &mut [f32; BLOCK]) {
        let peak = sum.iter().fold(0.0_f32, |peak, s| peak.max(s.abs()));
        let wanted = if peak > CEILING { CEILING / peak } else { 1.0 };
        let next = if wanted < self.gain { wanted } else { (self.gain * 1.0116).min(wanted) };
        // Down within 2.5 ms, so that an attack is bent for so long at most; up over the whole block.
        let ramp = if next < self.gain { BLOCK / 4 } else { BLOCK };
        let from = self.gain;
        for (i, sample) in sum.iter_mut().enumerate() {
            let part = ((i + 1) as f32 / ramp as f32).min(1.0);
            *sample = bend(*sample * (from + (next - from) * part));
        }
        self.gain = next;
    }
}

fn bend(sample: f32) -> f32 {
    let size = sample.abs();
    if size <= KNEE {
        return sample;
    }
    let room = 1.0 - KNEE;
    (KNEE + room * ((size - KNEE) / room).tanh()).copysign(sample)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn never_clips(voices in prop::collection::vec(prop::collection::vec(-1.5_f32..1.5, BLOCK), 1..8)) {
            let mut mixer = Mixer::new();
            for _ in 0..3 {
                let mut sum = [0.0; BLOCK];
                for voice in &voices {
                    Mixer::add(&mut sum, voice.as_slice().try_into().expect("a block"));
                }
                mixer.limit(&mut sum);
                prop_assert!(sum.iter().all(|s| s.is_finite() && s.abs() <= 1.0));
            }
        }
    }

    #[test]
    fn one_voice_passes_unchanged() {
        let mut block = [0.0; BLOCK];
        for (i, sample) in block.iter_mut().enumerate() {
            *sample = (i as f32 * 0.1).sin() * 0.5;
        }
        let before = block;
        Mixer::new().limit(&mut block);
        assert_eq!(block, before);
    }

    #[test]
    fn two_loud_voices_are_turned_down_rather_than_bent() {
        let mut mixer = Mixer::new();
        let mut last = [0.0; BLOCK];
        for n in 0..10 {
            for (i, sample) in last.iter_mut().enumerate() {
                *sample = ((n * BLOCK + i) as f32 * 0.05).sin() * 1.6;
            }
            mixer.limit(&mut last);
        }
        let peak = last.iter().fold(0.0_f32, |m, s| m.max(s.abs()));
        assert!((0.85..=0.91).contains(&peak), "{peak}");
    }
}
