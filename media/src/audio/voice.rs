//! A synthetic voice that counts from zero to nine, so that a call can be tried without a microphone.
//!
//! A small formant synthesizer: a buzzing or hissing source through three resonators, moved from sound to sound. It
//! need not be beautiful, but it must be understood and behave like speech to codecs and voice detectors. Pure.

use super::RATE;

/// A speech sound: the resonances, how much it buzzes and hisses, and for how long.
#[derive(Clone, Copy)]
struct Sound {
    formants: [f32; 3],
    buzz: f32,
    hiss: f32,
    ms: u32,
}

const fn vowel(f1: f32, f2: f32, f3: f32, ms: u32) -> Sound {
    Sound { formants: [f1, f2, f3], buzz: 1.0, hiss: 0.0, ms }
}
const fn nasal(f2: f32, ms: u32) -> Sound {
    Sound { formants: [280.0, f2, 2400.0], buzz: 0.45, hiss: 0.0, ms }
}
const fn hiss(f2: f32, f3: f32, loud: f32, ms: u32) -> Sound {
    Sound { formants: [1800.0, f2, f3], buzz: 0.0, hiss: loud, ms }
}
const fn stop(ms: u32) -> Sound {
    Sound { formants: [500.0, 1500.0, 2500.0], buzz: 0.0, hiss: 0.0, ms }
}

const EE: Sound = vowel(290.0, 2250.0, 3000.0, 130);
const I: Sound = vowel(400.0, 1950.0, 2550.0, 110);
const E: Sound = vowel(540.0, 1800.0, 2500.0, 120);
const AH: Sound = vowel(730.0, 1100.0, 2450.0, 130);
const UH: Sound = vowel(640.0, 1200.0, 2400.0, 110);
const OH: Sound = vowel(460.0, 850.0, 2400.0, 150);
const OO: Sound = vowel(310.0, 870.0, 2250.0, 150);
const R: Sound = vowel(420.0, 1200.0, 1600.0, 80);
const W: Sound = vowel(300.0, 650.0, 2200.0, 70);
const S: Sound = hiss(5500.0, 7500.0, 0.5, 110);
const F: Sound = hiss(3500.0, 7000.0, 0.18, 90);
const T: Sound = hiss(4000.0, 6000.0, 0.35, 30);
const K: Sound = hiss(1800.0, 2600.0, 0.35, 35);
const V: Sound = Sound { formants: [300.0, 1200.0, 2400.0], buzz: 0.35, hiss: 0.05, ms: 70 };
const Z: Sound = Sound { formants: [300.0, 5200.0, 7000.0], buzz: 0.3, hiss: 0.25, ms: 90 };
const N: Sound = nasal(1700.0, 110);

const NUMBERS: [&[Sound]; 10] = [
    &[Z, I, R, OH, OO],
    &[W, UH, N],
    &[T, OO, OO],
    &[F, R, EE, EE],
    &[F, OH, OH, R],
    &[F, AH, I, V],
    &[S, I, stop(40), K, S],
    &[S, E, V, UH, N],
    &[E, I, stop(50), T],
    &[N, AH, I, N],
];

/// Ten numbers, one each second, at 48 kHz.
pub(crate) fn zero_to_nine() -> Vec<f32> {
    let mut speech = Vec::with_capacity(10 * RATE as usize);
    for sounds in NUMBERS {
        let mut word = say(sounds);
        word.resize(RATE as usize, 0.0);
        speech.extend(word);
    }
    speech
}

fn say(sounds: &[Sound]) -> Vec<f32> {
    let total: u32 = sounds.iter().map(|s| s.ms * RATE / 1000).sum();
    let mut out = Vec::with_capacity(total as usize);
    let mut resonators = [Resonator::default(); 3];
    let mut now = Sound { buzz: 0.0, hiss: 0.0, ..sounds.first().copied().unwrap_or(UH) };
    let (mut phase, mut tilt, mut noise) = (0.0_f32, 0.0_f32, 0x2545_f491_u32);
    for sound in sounds.iter().copied().chain([stop(80)]) {
        for _ in 0..sound.ms * RATE / 1000 {
            // The mouth takes some 15 ms from one place to the next.
            let glide = 0.0014;
            for (f, target) in now.formants.iter_mut().zip(sound.formants) {
                *f += (target - *f) * glide;
            }
            now.buzz += (sound.buzz - now.buzz) * 0.003;
            now.hiss += (sound.hiss - now.hiss) * 0.004;
            let progress = out.len() as f32 / total as f32;
            let pitch = 135.0 - 35.0 * progress + 2.0 * (progress * 40.0).sin();
            phase = (phase + pitch / RATE as f32).fract();
            // An opening and a closing of the vocal folds, then rest.
            let pulse = if phase < 0.4 { (phase / 0.4 * std::f32::consts::PI).sin() } else { 0.0 };
            tilt = tilt * 0.9 + (pulse - 0.25) * 0.1;
            noise ^= noise << 13;
            noise ^= noise >> 17;
            noise ^= noise << 5;
            let white = noise as f32 / u32::MAX as f32 * 2.0 - 1.0;
            let source = tilt * now.buzz + white * now.hiss * 0.3;
            let weights = [1.0, 0.6, 0.35];
            let mut sample = 0.0;
            for ((resonator, f), weight) in resonators.iter_mut().zip(now.formants).zip(weights) {
                sample += resonator.pass(source, f) * weight;
            }
            out.push((sample * 0.7).tanh() * 0.5);
        }
    }
    out
}

/// Two poles at a frequency, 90 Hz wide or a twelfth of the frequency.
#[derive(Clone, Copy, Default)]
struct Resonator {
    last: f32,
    before: f32,
}

impl Resonator {
    fn pass(&mut self, input: f32, frequency: f32) -> f32 {
        let radius = (-std::f32::consts::PI * 90.0_f32.max(frequency / 12.0) / RATE as f32).exp();
        let turn = 2.0 * radius * (std::f32::consts::TAU * frequency / RATE as f32).cos();
        let out = input * (1.0 - radius) * 4.0 + turn * self.last - radius * radius * self.before;
        self.before = self.last;
        self.last = out;
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_words_with_pauses_between() {
        let speech = zero_to_nine();
        assert_eq!(speech.len(), 480_000);
        assert!(speech.iter().all(|s| s.is_finite() && s.abs() <= 0.5));
        for second in speech.chunks_exact(RATE as usize) {
            let peak = |part: &[f32]| part.iter().fold(0.0_f32, |m, s| m.max(s.abs()));
            assert!(peak(&second[..24_000]) > 0.05, "a word is too faint: {}", peak(&second[..24_000]));
            assert!(peak(&second[40_000..]) < 0.01);
        }
    }
}
