//! The number of a picture, written into its top rows so that it survives scaling and compression.
//!
//! Fixed marks at both ends, between them nine blocks in Gray code: from one picture to the next a single block
//! changes, so that the strip costs few bits. Written by `scene`, read by `measure` from what was shown.

/// Rows of a 720-line picture that the strip covers; the picture's quality is judged below them.
pub const STRIP_ROWS: usize = 32;
const BITS: usize = 9;
/// Two marks at each end: dark bright ... bright dark.
const BLOCKS: usize = BITS + 4;
const DARK: u8 = 48;
const BRIGHT: u8 = 208;
/// A block nearer to the middle than this is not trusted.
const MARGIN: f32 = 24.0;

/// Numbers that fit.
pub const NUMBERS: usize = 1 << BITS;

/// Writes the strip over the top rows of a luma plane.
pub fn write(luma: &mut [u8], width: usize, number: usize) {
    let gray = (number ^ (number >> 1)) % NUMBERS;
    for row in luma.chunks_exact_mut(width).take(STRIP_ROWS) {
        for (x, sample) in row.iter_mut().enumerate() {
            let block = x * BLOCKS / width;
            let bright = match block {
                0 => false,
                1 => true,
                _ if block == BLOCKS - 2 => true,
                _ if block == BLOCKS - 1 => false,
                _ => gray >> (block - 2) & 1 == 1,
            };
            *sample = if bright { BRIGHT } else { DARK };
        }
    }
}

/// Reads the number from a luma plane of any size. None: no strip there, or spoilt beyond trust.
pub fn read(luma: &[u8], width: usize, height: usize) -> Option<usize> {
    let rows = STRIP_ROWS * height / 720;
    let mut bits = [false; BLOCKS];
    for (block, bit) in bits.iter_mut().enumerate() {
        let (left, right) = (block * width / BLOCKS, (block + 1) * width / BLOCKS);
        let inset = (right - left) / 4;
        let mut sum = 0_u64;
        let mut count = 0_u64;
        for y in rows / 4..(rows * 3 / 4).max(rows / 4 + 1) {
            let row = luma.get(y * width + left + inset..y * width + right - inset)?;
            sum += row.iter().map(|&sample| u64::from(sample)).sum::<u64>();
            count += row.len() as u64;
        }
        let mean = sum as f32 / count.max(1) as f32;
        let middle = f32::from(DARK / 2 + BRIGHT / 2);
        if (mean - middle).abs() < MARGIN {
            return None;
        }
        *bit = mean > middle;
    }
    let marks = [bits[0], bits[1], bits[BLOCKS - 2], bits[BLOCKS - 1]];
    if marks != [false, true, true, false] {
        return None;
    }
    let gray = (0..BITS).fold(0, |sum, index| sum | usize::from(bits[index + 2]) << index);
    let mut number = gray;
    let mut shift = 1;
    while shift < BITS {
        number ^= number >> shift;
        shift *= 2;
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture that is smaller, blurred, noisy and dimmed still tells its number.
    fn spoilt(luma: &[u8], width: usize, factor: usize) -> Vec<u8> {
        let height = luma.len() / width;
        let mut noise = 12345_u32;
        let mut out = Vec::new();
        for y in 0..height / factor {
            for x in 0..width / factor {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let sample = f32::from(luma[y * factor * width + x * factor]) * 0.9 + (noise >> 24) as f32 / 8.0;
                out.push(sample as u8);
            }
        }
        out
    }

    #[test]
    fn every_number_comes_back_at_every_size() {
        for number in 0..NUMBERS {
            let mut luma = vec![90; 1280 * 720];
            write(&mut luma[..1280 * STRIP_ROWS], 1280, number);
            assert_eq!(read(&luma, 1280, 720), Some(number));
            if number % 37 == 0 {
                for factor in [2, 4] {
                    let small = spoilt(&luma, 1280, factor);
                    assert_eq!(read(&small, 1280 / factor, 720 / factor), Some(number), "at 1/{factor}");
                }
            }
        }
    }

    #[test]
    fn a_picture_without_a_strip_has_no_number() {
        assert_eq!(read(&vec![128; 1280 * 720], 1280, 720), None);
        assert_eq!(read(&vec![200; 1280 * 720], 1280, 720), None);
        assert_eq!(read(&[], 1280, 720), None);
    }
}
