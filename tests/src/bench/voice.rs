//! A voice made of formulas: pulses of a changing pitch through moving formants, hiss, and pauses between phrases.
//!
//! The same samples every time; no two stretches are alike, so that a delay is found without doubt. It is like speech
//! for a codec and for noise suppression, and says nothing. Called by `material` and tests.

use std::f32::consts::TAU;

pub const RATE: usize = 48_000;

/// Vowels as their first three formants in hertz.
const VOWELS: [[f32; 3]; 6] = [
    [730.0, 1090.0, 2440.0],
    [270.0, 2290.0, 3010.0],
    [300.0, 870.0, 2240.0],
    [530.0, 1840.0, 2480.0],
    [570.0, 840.0, 2410.0],
    [490.0, 1350.0, 1690.0],
];
const BANDWIDTHS: [f32; 3] = [80.0, 110.0, 160.0];

/// So many seconds of it.
pub fn samples(seconds: usize) -> Vec<i16> {
    let mut chance = Chance(2026);
    let mut filters = [Resonator::default(); 3];
    let mut out = Vec::with_capacity(seconds * RATE);
    let mut phase = 0.0_f32;
    let mut formants = VOWELS[0];
    while out.len() < seconds * RATE {
        let phrase = 5 + chance.below(5);
        for _ in 0..phrase {
            let target = VOWELS[chance.below(VOWELS.len())];
            let (from_pitch, to_pitch) = (95.0 + chance.unit() * 60.0, 95.0 + chance.unit() * 60.0);
            let hiss_share = if chance.below(3) == 0 { 0.6 } else { 0.04 };
            let length = RATE * (120 + chance.below(130)) / 1000;
            for at in 0..length {
                let progress = at as f32 / length as f32;
                for (formant, target) in formants.iter_mut().zip(target) {
                    *formant += (target - *formant) * 0.0006;
                }
                phase += (from_pitch + (to_pitch - from_pitch) * progress) / RATE as f32;
                let pulse = if phase >= 1.0 { 1.0 } else { 0.0 };
                phase -= phase.floor();
                // Consonants hiss at the start of a syllable, then the voice takes over.
                let hiss = (chance.unit() - 0.5) * if progress < 0.2 { hiss_share } else { 0.02 };
                let excitation = pulse * 6.0 + hiss;
                let mut sum = 0.0;
                for (index, filter) in filters.iter_mut().enumerate() {
                    sum += filter.pass(excitation, formants[index], BANDWIDTHS[index]) * [1.0, 0.6, 0.35][index];
                }
                let swell = (progress * std::f32::consts::PI).sin().powf(0.6);
                out.push((sum * swell * 90_000.0).clamp(-26_000.0, 26_000.0) as i16);
            }
        }
        let pause = RATE * (180 + chance.below(350)) / 1000;
        out.extend((0..pause).map(|_| ((chance.unit() - 0.5) * 12.0) as i16));
    }
    out.truncate(seconds * RATE);
    out
}

/// A two-pole resonance with unity gain at its peak.
#[derive(Clone, Copy, Default)]
struct Resonator {
    last: [f32; 2],
}

impl Resonator {
    fn pass(&mut self, input: f32, frequency: f32, bandwidth: f32) -> f32 {
        let radius = (-std::f32::consts::PI * bandwidth / RATE as f32).exp();
        let turn = (TAU * frequency / RATE as f32).cos();
        let gain = (1.0 - radius) * (1.0 - 2.0 * radius * (2.0 * turn * turn - 1.0) + radius * radius).sqrt();
        let out = gain * input + 2.0 * radius * turn * self.last[0] - radius * radius * self.last[1];
        self.last = [out, self.last[0]];
        out
    }
}

/// A small linear congruential generator: the same voice everywhere.
pub(super) struct Chance(pub(super) u64);

impl Chance {
    pub(super) fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as u32
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.next() as usize % bound
    }

    /// From 0 to 1.
    pub(super) fn unit(&mut self) -> f32 {
        self.next() as f32 / (1_u32 << 31) as f32
    }
}

/// A mono WAV file of 16 bits at 48 kHz.
pub fn wav(samples: &[i16]) -> Vec<u8> {
    wav_at(RATE, samples)
}

/// The same at another rate.
pub fn wav_at(rate: usize, samples: &[i16]) -> Vec<u8> {
    let data_bytes = samples.len() as u32 * 2;
    let mut file = Vec::with_capacity(44 + data_bytes as usize);
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(36 + data_bytes).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt ");
    file.extend_from_slice(&16_u32.to_le_bytes());
    for half in [1_u16, 1] {
        file.extend_from_slice(&half.to_le_bytes());
    }
    file.extend_from_slice(&(rate as u32).to_le_bytes());
    file.extend_from_slice(&(rate as u32 * 2).to_le_bytes());
    for half in [2_u16, 16] {
        file.extend_from_slice(&half.to_le_bytes());
    }
    file.extend_from_slice(b"data");
    file.extend_from_slice(&data_bytes.to_le_bytes());
    file.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    file
}

/// The samples of a 48 kHz WAV file of 16 bits, the first channel. A file that was cut off while it was written gives
/// what there is: its header may say zero.
pub fn from_wav(file: &[u8]) -> Option<Vec<i16>> {
    let mut at = 12;
    let mut channels = 0;
    while let Some(head) = file.get(at..at + 8) {
        let length = u32::from_le_bytes(head[4..8].try_into().ok()?) as usize;
        let body = &file[at + 8..];
        match &head[..4] {
            b"fmt " => {
                let format = body.get(..16)?;
                channels = usize::from(u16::from_le_bytes([format[2], format[3]]));
                let rate = u32::from_le_bytes(format[4..8].try_into().ok()?);
                let bits = u16::from_le_bytes([format[14], format[15]]);
                if rate as usize != RATE || bits != 16 {
                    return None;
                }
            }
            b"data" => {
                let length = if length == 0 { body.len() } else { length.min(body.len()) };
                let frames = body[..length].chunks_exact(2 * channels.max(1));
                return Some(frames.map(|frame| i16::from_le_bytes([frame[0], frame[1]])).collect());
            }
            _ => {}
        }
        at += 8 + length + length % 2;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_same_every_time_loud_and_with_pauses() {
        let voice = samples(5);
        assert_eq!(voice, samples(5));
        let peak = voice.iter().map(|s| s.unsigned_abs()).max().expect("samples");
        assert!((3_000..=26_000).contains(&peak), "{peak}");
        let quiet = voice.chunks(480).filter(|ten_ms| ten_ms.iter().all(|s| s.unsigned_abs() < 30)).count();
        assert!((30..300).contains(&quiet), "{quiet} of 500 stretches of 10 ms are pauses");
    }

    #[test]
    fn a_wav_file_comes_back_also_when_its_header_was_never_finished() {
        let voice = samples(1);
        let mut file = wav(&voice);
        assert_eq!(from_wav(&file), Some(voice.clone()));
        file[40..44].fill(0);
        assert_eq!(from_wav(&file), Some(voice));
        assert_eq!(from_wav(b"RIFF"), None);
    }
}
