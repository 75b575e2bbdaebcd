//! Finds how late a sound is heard: where in the recording of the speaker a stretch of the voice comes back.
//!
//! Normalised cross-correlation at 8 kHz, so that gain and noise suppression on the way do not matter. A stretch in which
//! nobody speaks, or that does not come back clearly, gives no delay instead of a wrong one. Called by `measure`.

/// Samples per second at which delays are searched: an eighth of a millisecond is fine enough.
pub const RATE: usize = 8_000;

/// 48 kHz to 8 kHz: a mean of six samples, and the difference from the last one's neighbour to take away hum.
pub fn thinned(samples: &[i16]) -> Vec<f32> {
    let means: Vec<f32> =
        samples.chunks_exact(6).map(|six| six.iter().map(|&s| f32::from(s)).sum::<f32>() / 6.0).collect();
    let mut before = 0.0;
    means.iter().map(|&mean| mean - 0.8 * std::mem::replace(&mut before, mean)).collect()
}

/// The offset in `0..=offset_max` at which `wanted` is most like `within[offset..]`, and how like it is there (0 to 1).
/// None: silence on either side, or too short.
pub fn best_offset(wanted: &[f32], within: &[f32], offset_max: usize) -> Option<(usize, f32)> {
    let length = wanted.len();
    if length == 0 || within.len() < length + offset_max {
        return None;
    }
    let energy = |part: &[f32]| part.iter().map(|s| s * s).sum::<f32>();
    let own = energy(wanted);
    let mut around = energy(&within[..length]);
    let mut best: Option<(usize, f32)> = None;
    for offset in 0..=offset_max {
        let part = &within[offset..offset + length];
        if own > 0.0 && around > 0.0 {
            let likeness = dot(wanted, part) / (own * around).sqrt();
            if best.is_none_or(|(_, before)| likeness > before) {
                best = Some((offset, likeness));
            }
        }
        if let (Some(first), Some(next)) = (part.first(), within.get(offset + length)) {
            around = (around - first * first + next * next).max(0.0);
        }
    }
    best
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 8];
    for (a, b) in a.chunks_exact(8).zip(b.chunks_exact(8)) {
        for lane in 0..8 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest = a.len() / 8 * 8;
    sums.iter().sum::<f32>() + a[rest..].iter().zip(&b[rest..]).map(|(a, b)| a * b).sum::<f32>()
}

/// How loud a stretch is, as root mean square of the thinned samples.
pub fn loudness(samples: &[f32]) -> f32 {
    (samples.iter().map(|s| s * s).sum::<f32>() / samples.len().max(1) as f32).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::voice;

    #[test]
    fn a_known_delay_is_found_through_gain_and_noise() {
        let voice = voice::samples(4);
        for delay_ms in [0, 7, 43, 180] {
            let mut noise = 99_u32;
            let mut heard = vec![0_i16; delay_ms * 48];
            heard.extend(voice.iter().map(|&sample| {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (f32::from(sample) * 0.4 + (noise >> 23) as f32 - 256.0) as i16
            }));
            let (voice, heard) = (thinned(&voice), thinned(&heard));
            let from = RATE;
            let stretch = &voice[from..from + RATE];
            let (offset, likeness) = best_offset(stretch, &heard[from..], RATE / 2).expect("speech is found");
            let found_ms = offset as f32 * 1000.0 / RATE as f32;
            assert!((found_ms - delay_ms as f32).abs() < 0.5, "{found_ms} for {delay_ms}");
            assert!(likeness > 0.8, "{likeness}");
        }
    }

    #[test]
    fn silence_and_foreign_sound_are_no_answer() {
        let voice = thinned(&voice::samples(4));
        assert_eq!(best_offset(&voice[..RATE], &vec![0.0; 3 * RATE], RATE), None);
        assert_eq!(best_offset(&vec![0.0; RATE], &voice, RATE), None);
        let mut state = 7_u32;
        let foreign: Vec<f32> = (0..3 * RATE)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 16) as f32 - 32_768.0
            })
            .collect();
        let (_, likeness) = best_offset(&voice[RATE..2 * RATE], &foreign, RATE).expect("something is nearest");
        assert!(likeness < 0.3, "{likeness}");
    }
}
