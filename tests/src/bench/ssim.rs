//! Structural similarity of luma, as published by Wang and others in 2004, over blocks of 8x8 that overlap by half.
//!
//! A picture shown smaller was scaled up before. The strip with the number is left out. Called by `measure`.

use super::barcode::STRIP_ROWS;

const BLOCK: usize = 8;
const STEP: usize = 4;
/// (0.01 · 255)² and (0.03 · 255)²: keep the quotient calm where a block is flat.
const C1: f64 = 6.5025;
const C2: f64 = 58.5225;

/// The mean over all blocks below the strip: 1 for equal pictures. None: too small, or of two sizes.
pub fn likeness(shown: &[u8], original: &[u8], width: usize) -> Option<f64> {
    if shown.len() != original.len() || width < BLOCK {
        return None;
    }
    let rows = shown.len() / width;
    let (mut sum, mut blocks) = (0.0, 0_usize);
    for y in (STRIP_ROWS..(rows + 1).saturating_sub(BLOCK)).step_by(STEP) {
        for x in (0..=width - BLOCK).step_by(STEP) {
            sum += of_block(shown, original, width, y * width + x);
            blocks += 1;
        }
    }
    if blocks == 0 { None } else { Some(sum / blocks as f64) }
}

fn of_block(shown: &[u8], original: &[u8], width: usize, corner: usize) -> f64 {
    let [mut a, mut b, mut aa, mut bb, mut ab] = [0_u32; 5];
    for row in 0..BLOCK {
        let from = corner + row * width;
        for (&x, &y) in shown[from..from + BLOCK].iter().zip(&original[from..from + BLOCK]) {
            let (x, y) = (u32::from(x), u32::from(y));
            a += x;
            b += y;
            aa += x * x;
            bb += y * y;
            ab += x * y;
        }
    }
    let count = (BLOCK * BLOCK) as f64;
    let mean = [a, b].map(|sum| f64::from(sum) / count);
    let variance = [(aa, mean[0]), (bb, mean[1])].map(|(sum, mean)| f64::from(sum) / count - mean * mean);
    let covariance = f64::from(ab) / count - mean[0] * mean[1];
    (2.0 * mean[0] * mean[1] + C1) * (2.0 * covariance + C2)
        / ((mean[0] * mean[0] + mean[1] * mean[1] + C1) * (variance[0] + variance[1] + C2))
}

/// Decibels of a likeness, as the literature on video over mobile networks gives it. Equal pictures count as 100.
pub fn decibels(likeness: f64) -> f64 {
    (-10.0 * (1.0 - likeness).log10()).min(100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{quality, scene};

    #[test]
    fn a_picture_is_like_itself_less_like_its_blur_and_unlike_another() {
        let picture = scene::Scene::new().picture(3);
        let luma = &picture[..scene::WIDTH * scene::HEIGHT];
        let same = likeness(luma, luma, scene::WIDTH).expect("whole");
        assert!((same - 1.0).abs() < 1e-9);
        assert_eq!(decibels(same), 100.0);
        let whole = (scene::WIDTH, scene::HEIGHT);
        let blurred = |factor: usize| {
            let small = (scene::WIDTH / factor, scene::HEIGHT / factor);
            let luma = quality::scaled(&quality::scaled(luma, whole, small), small, whole);
            decibels(likeness(&luma, &picture[..scene::WIDTH * scene::HEIGHT], scene::WIDTH).expect("whole"))
        };
        let (half, quarter) = (blurred(2), blurred(4));
        assert!(half > quarter + 1.0 && quarter > 1.0, "{half} {quarter}");
        let flat = vec![128; luma.len()];
        assert!(likeness(&flat, luma, scene::WIDTH).expect("whole") < 0.9);
        assert_eq!(likeness(&flat[1..], luma, scene::WIDTH), None);
    }
}
