//! Plays sound a little faster or slower without changing its pitch: cuts out or repeats one period, cross-faded where
//! the wave best fits itself (waveform-similarity overlap-add).
//!
//! Pure. When to stretch is the jitter buffer's decision; whether this place allows it is decided here. Used by the
//! jitter buffer alone.

use std::collections::VecDeque;

/// Shortest and longest piece, 2.5 to 12.5 ms: one period of voices from 400 down to 80 Hz.
const LAG_MIN: usize = 120;
const LAG_MAX: usize = 600;
/// Cross-fade, 5 ms.
const OVERLAP: usize = 240;

/// How much of what was played must be remembered.
pub(super) const HISTORY: usize = LAG_MAX;
/// How much must lie ready for a cut in any place.
pub(super) const CUT_NEEDS: usize = LAG_MAX + OVERLAP;

/// How well the wave must fit itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Only where nobody can hear it.
    Some,
    /// Better a small blemish than this delay.
    Urgent,
}

impl Need {
    fn similarity(self) -> f32 {
        match self {
            Self::Some => 0.85,
            Self::Urgent => 0.4,
        }
    }
}

/// Below this power (-50 dBFS) nothing can be heard amiss.
const QUIET_POWER: f32 = 1e-5;

/// Cuts a piece of at most `longest` samples out of the start of `ready`. Returns how many samples went.
pub(super) fn cut(ready: &mut VecDeque<f32>, longest: usize, need: Need) -> Option<usize> {
    let longest = longest.min(LAG_MAX).min(ready.len().checked_sub(OVERLAP)?);
    let pcm = ready.make_contiguous();
    let (head, _) = pcm.split_at(OVERLAP);
    let lag = best_lag(head, longest, need, |lag| &pcm[lag..lag + OVERLAP])?;
    for i in 0..OVERLAP {
        let weight = (i as f32 + 0.5) / OVERLAP as f32;
        pcm[i + lag] = pcm[i] * (1.0 - weight) + pcm[i + lag] * weight;
    }
    ready.drain(..lag);
    Some(lag)
}

/// Repeats the last piece of `played`, at most `longest` samples, before `ready`. Returns how many samples came.
pub(super) fn repeat(played: &VecDeque<f32>, ready: &mut VecDeque<f32>, longest: usize, need: Need) -> Option<usize> {
    if ready.len() < LAG_MIN {
        return None;
    }
    let overlap = OVERLAP.min(ready.len());
    let past: Vec<f32> = played.iter().copied().collect();
    let head: Vec<f32> = ready.iter().take(overlap).copied().collect();
    // A piece shorter than the cross-fade would have to fade into itself.
    let lag = best_lag(&head, past.len().min(longest), need, |lag| {
        let start = past.len() - lag;
        &past[start..(start + overlap).min(past.len())]
    })?;
    let overlap = overlap.min(lag);
    let piece = &past[past.len() - lag..];
    for (i, &sample) in piece.iter().enumerate().rev() {
        let weight = if i < overlap { (i as f32 + 0.5) / overlap as f32 } else { 1.0 };
        let natural = head.get(i).copied().unwrap_or(0.0);
        ready.push_front(natural * (1.0 - weight) + sample * weight);
    }
    Some(lag)
}

/// The lag whose piece is most like `head`, if it is like enough.
fn best_lag<'a>(head: &[f32], longest: usize, need: Need, piece: impl Fn(usize) -> &'a [f32]) -> Option<usize> {
    if longest < LAG_MIN {
        return None;
    }
    let power = head.iter().map(|s| s * s).sum::<f32>() / head.len() as f32;
    let rate = |lag: usize, step: usize| similarity(head, piece(lag), step);
    let coarse = (LAG_MIN..=longest).step_by(4).map(|lag| (lag, rate(lag, 4))).max_by(|a, b| a.1.total_cmp(&b.1))?;
    let near = coarse.0.saturating_sub(3).max(LAG_MIN)..=(coarse.0 + 3).min(longest);
    let (lag, like) = near.map(|lag| (lag, rate(lag, 1))).max_by(|a, b| a.1.total_cmp(&b.1))?;
    (power < QUIET_POWER || like >= need.similarity()).then_some(lag)
}

/// Normalized correlation, -1.0 .. 1.0, over every `step`th sample.
fn similarity(a: &[f32], b: &[f32], step: usize) -> f32 {
    let (mut ab, mut aa, mut bb) = (0.0_f32, 1e-9_f32, 1e-9_f32);
    for (x, y) in a.iter().zip(b).step_by(step) {
        ab += x * y;
        aa += x * x;
        bb += y * y;
    }
    ab / (aa * bb).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(from: usize, to: usize) -> VecDeque<f32> {
        (from..to).map(|i| (i as f32 * std::f32::consts::TAU * 150.0 / 48_000.0).sin() * 0.5).collect()
    }

    /// The largest step of the sine itself is 0.0098; a click would be many times that.
    fn assert_smooth(samples: impl Iterator<Item = f32>) {
        let samples: Vec<f32> = samples.collect();
        for pair in samples.windows(2) {
            assert!((pair[0] - pair[1]).abs() < 0.015, "{} then {}", pair[0], pair[1]);
        }
    }

    #[test]
    fn one_period_of_a_tone_goes_without_a_click() {
        let played = sine(0, HISTORY);
        let mut ready = sine(HISTORY, HISTORY + 2000);
        let gone = cut(&mut ready, LAG_MAX, Need::Some).expect("a tone fits itself");
        assert!((317..=323).contains(&gone), "the period is 320, not {gone}");
        assert_smooth(played.into_iter().chain(ready));
    }

    #[test]
    fn one_period_of_a_tone_comes_without_a_click() {
        let played = sine(0, HISTORY);
        let mut ready = sine(HISTORY, HISTORY + 500);
        let come = repeat(&played, &mut ready, LAG_MAX, Need::Some).expect("a tone fits itself");
        assert_eq!(ready.len(), 500 + come);
        assert_smooth(played.into_iter().chain(ready));
    }

    #[test]
    fn loud_noise_is_left_alone_unless_it_must_be() {
        let mut seed = 7_u32;
        let mut noise = || {
            seed ^= seed << 13;
            seed ^= seed >> 17;
            seed ^= seed << 5;
            (seed as f32 / u32::MAX as f32) - 0.5
        };
        let mut ready: VecDeque<f32> = (0..2000).map(|_| noise()).collect();
        assert_eq!(cut(&mut ready, LAG_MAX, Need::Some), None);
        assert_eq!(ready.len(), 2000);
        let mut few: VecDeque<f32> = (0..100).map(|_| 0.0).collect();
        assert_eq!(cut(&mut few, LAG_MAX, Need::Urgent), None);
    }
}
