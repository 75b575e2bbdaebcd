//! How far a shown picture is from the one that the camera took: mean squared error and PSNR of luma.
//!
//! A picture shown smaller than it was taken is scaled up first, as a window would, and judged like any other.
//! The strip with the number is left out. Called by `measure`.

use super::barcode::STRIP_ROWS;

/// Mean squared error of luma below the strip; both planes of 1280x720 or any equal size.
pub fn mean_squared_error(shown: &[u8], original: &[u8], width: usize) -> f64 {
    let from = STRIP_ROWS * width;
    let (shown, original) = (&shown[from.min(shown.len())..], &original[from.min(original.len())..]);
    let sum: u64 = shown.iter().zip(original).map(|(&a, &b)| u64::from(a.abs_diff(b)).pow(2)).sum();
    sum as f64 / shown.len().min(original.len()).max(1) as f64
}

/// Decibels. Equal pictures would be infinite; they count as 100.
pub fn psnr_db(mean_squared_error: f64) -> f64 {
    (10.0 * (255.0 * 255.0 / mean_squared_error).log10()).min(100.0)
}

/// Bilinear scaling of one plane.
pub fn scaled(plane: &[u8], from: (usize, usize), to: (usize, usize)) -> Vec<u8> {
    let mut out = Vec::with_capacity(to.0 * to.1);
    for y in 0..to.1 {
        let (top, bottom, down) = position(y, from.1, to.1);
        for x in 0..to.0 {
            let (left, right, along) = position(x, from.0, to.0);
            let at = |x: usize, y: usize| f32::from(plane[y * from.0 + x]);
            let upper = at(left, top) * (1.0 - along) + at(right, top) * along;
            let lower = at(left, bottom) * (1.0 - along) + at(right, bottom) * along;
            out.push((upper * (1.0 - down) + lower * down).round() as u8);
        }
    }
    out
}

/// The two samples around a place and how far it lies between them; sample centres aligned.
fn position(at: usize, from: usize, to: usize) -> (usize, usize, f32) {
    let place = ((at as f32 + 0.5) * from as f32 / to as f32 - 0.5).clamp(0.0, (from - 1) as f32);
    let first = place as usize;
    (first, (first + 1).min(from - 1), place - first as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_error_gives_its_known_decibels() {
        let original: Vec<u8> = (0..1280 * 720).map(|i| 60 + (i % 100) as u8).collect();
        let shown: Vec<u8> =
            original.iter().enumerate().map(|(i, &s)| if i % 2 == 0 { s + 2 } else { s - 2 }).collect();
        let error = mean_squared_error(&shown, &original, 1280);
        assert!((error - 4.0).abs() < 1e-9);
        assert!((psnr_db(error) - 42.11).abs() < 0.01);
        assert_eq!(psnr_db(0.0), 100.0);
    }

    #[test]
    fn the_strip_does_not_count() {
        let original = vec![100; 1280 * 720];
        let mut shown = original.clone();
        shown[..1280 * STRIP_ROWS].fill(0);
        assert_eq!(mean_squared_error(&shown, &original, 1280), 0.0);
    }

    #[test]
    fn scaling_keeps_a_slope() {
        let small: Vec<u8> = (0..90).flat_map(|_| (0..160).map(|x| x as u8)).collect();
        let large = scaled(&small, (160, 90), (320, 180));
        assert_eq!(large.len(), 320 * 180);
        assert!(large[320 * 90 + 160].abs_diff(80) <= 1);
    }
}
