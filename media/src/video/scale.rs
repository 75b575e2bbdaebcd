//! Sizes of the layers, and scaling pictures to them. Pure. A 2x2 box for halves (what 720 -> 360 -> 180 lines needs), else
//! boxes until less than a half remains, then bilinear. Called by the sender's encoding thread.

use super::Layer;
use crate::limits;
use crate::picture::{Picture, PicturePool};

/// The size of a layer for a source of this size: never scaled up, aspect kept, sides even.
pub(crate) fn layer_size(source: (u32, u32), wanted: (u32, u32), layer: Layer) -> (u32, u32) {
    let full = fit(source, wanted);
    let lines = match layer {
        Layer::Full => return full,
        Layer::Medium => 360,
        Layer::Small => 180,
    };
    let short = full.0.min(full.1);
    if short <= lines { full } else { scaled(full, lines, short) }
}

/// The largest size with this aspect inside `wanted` (turned for portrait sources) and the codecs' limits.
fn fit(source: (u32, u32), wanted: (u32, u32)) -> (u32, u32) {
    let wanted = if source.1 > source.0 { (wanted.1, wanted.0) } else { wanted };
    let bound_width = wanted.0.clamp(limits::MIN_PICTURE_SIDE, limits::MAX_PICTURE_WIDTH);
    let bound_height = wanted.1.clamp(limits::MIN_PICTURE_SIDE, limits::MAX_PICTURE_HEIGHT);
    let (width, height) = source;
    if width <= bound_width && height <= bound_height {
        return even(width, height);
    }
    // Which side binds: compare width / bound_width with height / bound_height without division.
    if u64::from(width) * u64::from(bound_height) >= u64::from(height) * u64::from(bound_width) {
        scaled(source, bound_width, width)
    } else {
        scaled(source, bound_height, height)
    }
}

/// The size times `numerator / denominator`.
pub(crate) fn scaled(size: (u32, u32), numerator: u32, denominator: u32) -> (u32, u32) {
    let side = |side: u32| {
        let exact = u64::from(side) * u64::from(numerator) / u64::from(denominator.max(1));
        u32::try_from(exact).unwrap_or(u32::MAX)
    };
    even(side(size.0), side(size.1))
}

fn even(width: u32, height: u32) -> (u32, u32) {
    ((width & !1).max(limits::MIN_PICTURE_SIDE), (height & !1).max(limits::MIN_PICTURE_SIDE))
}

/// Buffers for scaled pictures.
#[derive(Default)]
pub(crate) struct Scaler {
    pool: PicturePool,
}

impl Scaler {
    /// The picture in another size; the same picture if it has it already.
    pub(crate) fn scale(&mut self, picture: &Picture, width: u32, height: u32) -> Picture {
        let mut picture = picture.clone();
        while picture.width >= 2 * width && picture.height >= 2 * height && even_halves(&picture) {
            picture = self.resample(&picture, picture.width / 2, picture.height / 2, halve_plane);
        }
        if (picture.width, picture.height) == (width, height) {
            return picture;
        }
        self.resample(&picture, width, height, bilinear_plane)
    }

    fn resample(&mut self, from: &Picture, width: u32, height: u32, plane: PlaneScaler) -> Picture {
        let (w, h) = (width as usize, height as usize);
        let (from_w, from_h) = (from.width as usize, from.height as usize);
        let (y, u, v) = from.planes();
        let data = self.pool.fill(width, height, |out| {
            let (y_out, chroma) = out.split_at_mut(w * h);
            let (u_out, v_out) = chroma.split_at_mut(w * h / 4);
            plane(y, (from_w, from_h), y_out, (w, h));
            plane(u, (from_w / 2, from_h / 2), u_out, (w / 2, h / 2));
            plane(v, (from_w / 2, from_h / 2), v_out, (w / 2, h / 2));
        });
        Picture { width, height, data, captured_us: from.captured_us }
    }
}

fn even_halves(picture: &Picture) -> bool {
    picture.width.is_multiple_of(4) && picture.height.is_multiple_of(4)
}

type PlaneScaler = fn(&[u8], (usize, usize), &mut [u8], (usize, usize));

/// Each sample becomes the mean of a 2x2 box.
fn halve_plane(from: &[u8], (from_width, _): (usize, usize), to: &mut [u8], (width, _): (usize, usize)) {
    for (rows, out) in from.chunks_exact(from_width * 2).zip(to.chunks_exact_mut(width)) {
        let (top, bottom) = rows.split_at(from_width);
        for ((out, a), b) in out.iter_mut().zip(top.chunks_exact(2)).zip(bottom.chunks_exact(2)) {
            let sum = u16::from(a[0]) + u16::from(a[1]) + u16::from(b[0]) + u16::from(b[1]);
            *out = ((sum + 2) / 4) as u8;
        }
    }
}

/// Bilinear with 8-bit weights, sample centres aligned.
fn bilinear_plane(from: &[u8], (from_w, from_h): (usize, usize), to: &mut [u8], (w, h): (usize, usize)) {
    let columns: Vec<(usize, usize, u32)> = (0..w).map(|x| tap(x, w, from_w)).collect();
    for (y, out) in to.chunks_exact_mut(w).enumerate() {
        let (top, bottom, weight_y) = tap(y, h, from_h);
        let top = &from[top * from_w..][..from_w];
        let bottom = &from[bottom * from_w..][..from_w];
        for (out, &(left, right, weight_x)) in out.iter_mut().zip(&columns) {
            let mix = |row: &[u8]| u32::from(row[left]) * (256 - weight_x) + u32::from(row[right]) * weight_x;
            let value = mix(top) * (256 - weight_y) + mix(bottom) * weight_y;
            *out = ((value + (1 << 15)) >> 16) as u8;
        }
    }
}

/// The two neighbours of an output sample and the weight of the second in 1/256.
fn tap(at: usize, to: usize, from: usize) -> (usize, usize, u32) {
    // Position of the centre in 1/256 samples: ((at + 0.5) * from / to - 0.5) * 256.
    let centre = ((2 * at + 1) * from * 128 / to.max(1)).saturating_sub(128);
    let first = (centre / 256).min(from - 1);
    ((first), (first + 1).min(from - 1), (centre % 256) as u32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::picture::i420_len;

    fn flat(width: u32, height: u32, value: u8) -> Picture {
        Picture { width, height, data: vec![value; i420_len(width, height)].into(), captured_us: 7 }
    }

    #[test]
    fn the_ladder_of_a_720p_camera_has_the_usual_sizes() {
        let size = |layer| layer_size((1280, 720), (1280, 720), layer);
        assert_eq!(size(Layer::Full), (1280, 720));
        assert_eq!(size(Layer::Medium), (640, 360));
        assert_eq!(size(Layer::Small), (320, 180));
    }

    #[test]
    fn small_and_portrait_sources_keep_their_aspect() {
        assert_eq!(layer_size((320, 240), (1280, 720), Layer::Full), (320, 240));
        assert_eq!(layer_size((320, 240), (1280, 720), Layer::Medium), (320, 240));
        // 1088 lines are the limit of every decoder.
        assert_eq!(layer_size((1080, 1920), (1280, 720), Layer::Full), (612, 1088));
        assert_eq!(layer_size((4096, 2160), (1280, 720), Layer::Full), (1280, 674));
    }

    #[test]
    fn halving_a_checkerboard_gives_grey() {
        let mut picture = flat(64, 64, 0);
        let data: Vec<u8> = (0..picture.data.len()).map(|at| if (at + at / 64) % 2 == 0 { 255 } else { 1 }).collect();
        picture.data = data.into();
        let half = Scaler::default().scale(&picture, 32, 32);
        assert!(half.planes().0.iter().all(|sample| *sample == 128));
    }

    proptest! {
        #[test]
        fn a_flat_picture_stays_flat_in_any_size(
            w in 8_u32..200, h in 8_u32..200, to_w in 8_u32..200, to_h in 8_u32..200, value: u8,
        ) {
            let scaled = Scaler::default().scale(&flat(w * 2, h * 2, value), to_w * 2, to_h * 2);
            prop_assert_eq!((scaled.width, scaled.height, scaled.captured_us), (to_w * 2, to_h * 2, 7));
            prop_assert!(scaled.data.iter().all(|sample| *sample == value));
        }

        #[test]
        fn layers_are_even_and_never_larger_than_the_limit(w in 1_u32..5000, h in 1_u32..5000) {
            for layer in [Layer::Small, Layer::Medium, Layer::Full] {
                let (width, height) = layer_size((w, h), (1920, 1080), layer);
                prop_assert!(width % 2 == 0 && height % 2 == 0);
                prop_assert!(width >= 16 && height >= 16 && width <= 1920 && height <= 1920);
            }
        }
    }
}
