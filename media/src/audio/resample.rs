//! One mono stream from one sample rate to another, exactly aligned: what comes out first is what went in first.
//!
//! A fixed ratio is enough: the speaker's own clock decides when the next block is pulled, the microphone's own clock
//! counts the positions that are sent, and the listener's jitter buffer stretches the difference away.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Async, FixedAsync, SincInterpolationParameters, WindowFunction};

/// Input samples per step: 5 ms at 48 kHz.
const STEP: usize = 240;

/// Converts a mono stream piece by piece.
pub(crate) struct Resampler {
    /// None: the rates are equal.
    inner: Option<Async<f32>>,
    waiting: Vec<f32>,
    out: Vec<f32>,
    /// The filter's own delay, cut off at the start.
    skip: usize,
}

impl Resampler {
    /// # Errors
    /// Rates that cannot be converted, in words.
    pub(crate) fn new(from: u32, to: u32) -> Result<Self, String> {
        if from == to {
            return Ok(Self { inner: None, waiting: Vec::new(), out: Vec::new(), skip: 0 });
        }
        let parameters = SincInterpolationParameters::new(64, WindowFunction::BlackmanHarris2);
        let ratio = f64::from(to) / f64::from(from);
        let inner = Async::new_sinc(ratio, 1.01, &parameters, STEP, 1, FixedAsync::Input)
            .map_err(|e| format!("{from} Hz cannot be converted: {e}"))?;
        use rubato::Resampler as _;
        let (skip, room) = (inner.output_delay(), inner.output_frames_max());
        Ok(Self { inner: Some(inner), waiting: Vec::with_capacity(2 * STEP), out: vec![0.0; room], skip })
    }

    /// Takes samples in, hands what is converted to `sink` (which says whether to go on).
    pub(crate) fn push(&mut self, samples: &[f32], mut sink: impl FnMut(&[f32]) -> bool) -> bool {
        use rubato::Resampler as _;
        let Some(inner) = &mut self.inner else { return sink(samples) };
        self.waiting.extend_from_slice(samples);
        let mut used = 0;
        while self.waiting.len() - used >= STEP {
            let input = InterleavedSlice::new(&self.waiting[used..used + STEP], 1, STEP);
            let room = self.out.len();
            let output = InterleavedSlice::new_mut(&mut self.out, 1, room);
            let (Ok(input), Ok(mut output)) = (input, output) else { return false };
            used += STEP;
            let Ok((_, written)) = inner.process_into_buffer(&input, &mut output, None) else { return false };
            let skipped = self.skip.min(written);
            self.skip -= skipped;
            if !sink(&self.out[skipped..written]) {
                return false;
            }
        }
        self.waiting.drain(..used);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(from: u32, to: u32, samples: usize) -> Vec<f32> {
        let input: Vec<f32> =
            (0..samples).map(|i| (i as f32 / from as f32 * 440.0 * std::f32::consts::TAU).sin()).collect();
        let mut resampler = Resampler::new(from, to).expect("rates");
        let mut out = Vec::new();
        for piece in input.chunks(97) {
            assert!(resampler.push(piece, |s| {
                out.extend_from_slice(s);
                true
            }));
        }
        out
    }

    #[test]
    fn a_tone_stays_the_tone_and_in_its_place() {
        for (from, to) in [(44_100, 48_000), (48_000, 44_100), (8_000, 48_000), (96_000, 48_000), (48_000, 48_000)] {
            let out = converted(from, to, from as usize);
            let expected = to as usize;
            assert!(out.len() <= expected && out.len() + to as usize / 50 > expected, "{from}: {} samples", out.len());
            for (i, sample) in out.iter().enumerate().skip(1000).take(expected / 2) {
                let wanted = (i as f32 / to as f32 * 440.0 * std::f32::consts::TAU).sin();
                // The filter's delay is cut off in whole samples: up to one off.
                assert!((sample - wanted).abs() < 0.07, "{from} to {to}, sample {i}: {sample}, not {wanted}");
            }
        }
    }
}
