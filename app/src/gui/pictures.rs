//! Pictures on the graphics card: takes the newest one out of each `PictureSlot`, converts it to RGBA (BT.709, limited
//! range) at no more than the size that is drawn, and uploads it into a texture that is used again. Works only when a new
//! picture came or the tile grew. Called by whatever draws a tile.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use conclave_media::{Picture, PictureSlot};
use egui::{ColorImage, Context, ImageData, TextureHandle, TextureId, TextureOptions, Vec2, vec2};
use yuv::{YuvPlanarImage, YuvRange, YuvStandardMatrix, yuv420_to_rgba};

/// A number that no slot ever counts to: "give me whatever lies there".
const UNSEEN: u64 = u64::MAX;
/// A picture is halved at most this often: 1/8 of 1080p is as small as any tile gets.
const MAX_HALVINGS: u32 = 3;
/// The largest tile paces the window; pictures for the others wait this long for it to be drawn anyway. Somewhat longer
/// than a picture lasts at 30 a second: without it two cameras cost sixty paintings a second, and eight cost 240.
const PATIENCE: Duration = Duration::from_millis(40);

/// egui paints twice for each repaint that is asked for without a delay. Pictures need no second look.
const SOON: Duration = Duration::from_millis(1);

/// The textures of all slots that are drawn, by the address of the slot (held alive here, so it cannot be used again).
#[derive(Default)]
pub(crate) struct Pictures {
    textures: HashMap<usize, SlotTexture>,
    pace: Pace,
}

/// How soon the window is painted for news that are no picture: while pictures move, with the next one.
#[derive(Clone, Default)]
pub(crate) struct Pace {
    moving: Arc<AtomicBool>,
}

impl Pace {
    /// There is something new to show.
    pub(crate) fn wake(&self, ctx: &Context) {
        if self.moving.load(Ordering::Relaxed) {
            ctx.request_repaint_after(PATIENCE);
        } else {
            ctx.request_repaint();
        }
    }
}

struct SlotTexture {
    slot: Arc<PictureSlot>,
    seen: u64,
    halvings: u32,
    texture: Option<TextureHandle>,
    /// The pixels last uploaded; written again once the upload is over.
    pixels: Arc<ColorImage>,
    drawn: bool,
    /// How high it was drawn last, in physical pixels.
    height_px: f32,
    /// Does not pace the window.
    patient: Arc<AtomicBool>,
}

impl Pictures {
    /// The newest picture of `slot` as a texture and its size in pixels; `None` while there is none. `height_px` is how high
    /// it will be drawn, in physical pixels.
    pub(crate) fn newest(
        &mut self,
        ctx: &Context,
        slot: &Arc<PictureSlot>,
        height_px: f32,
    ) -> Option<(TextureId, Vec2)> {
        let entry = self.textures.entry(Arc::as_ptr(slot).addr()).or_insert_with(|| {
            let entry = SlotTexture::new(Arc::clone(slot));
            let (waker, patient) = (ctx.clone(), Arc::clone(&entry.patient));
            slot.on_new(move || {
                if patient.load(Ordering::Relaxed) {
                    waker.request_repaint_after(PATIENCE);
                } else {
                    waker.request_repaint_after(SOON);
                }
            });
            entry
        });
        entry.drawn = true;
        entry.height_px = height_px;
        if entry.update(ctx, height_px) {
            self.pace.moving.store(true, Ordering::Relaxed);
        }
        entry.texture.as_ref().map(|texture| (texture.id(), texture.size_vec2()))
    }

    /// For whoever has other news to show.
    pub(crate) fn pace(&self) -> Pace {
        self.pace.clone()
    }

    /// Lets go of the textures that were not drawn since the last call, and finds the one that paces the window; once a
    /// frame.
    pub(crate) fn sweep(&mut self) {
        self.textures.retain(|_, entry| std::mem::take(&mut entry.drawn));
        let largest = self.textures.iter().max_by(|(a, one), (b, other)| {
            // Of tiles that are equally large always the same one.
            one.height_px.total_cmp(&other.height_px).then(a.cmp(b))
        });
        let pacing = largest.map(|(&address, _)| address);
        if pacing.is_none() {
            self.pace.moving.store(false, Ordering::Relaxed);
        }
        for (&address, entry) in &self.textures {
            entry.patient.store(Some(address) != pacing, Ordering::Relaxed);
        }
    }
}

impl SlotTexture {
    fn new(slot: Arc<PictureSlot>) -> Self {
        Self {
            slot,
            seen: UNSEEN,
            halvings: 0,
            texture: None,
            pixels: Arc::default(),
            drawn: true,
            height_px: 0.0,
            patient: Arc::default(),
        }
    }

    /// Whether there is another picture than before.
    fn update(&mut self, ctx: &Context, height_px: f32) -> bool {
        let shown_height = self.texture.as_ref().map_or(0.0, |texture| texture.size_vec2().y);
        // A tile that grew wants the picture that is already shown once more, with more detail.
        let grew = self.halvings > 0 && height_px > shown_height;
        let Some((number, picture)) = self.slot.newer_than(if grew { UNSEEN } else { self.seen }) else {
            return false;
        };
        self.seen = number;
        let Some(picture) = picture else {
            self.texture = None;
            return false;
        };
        let max_side = ctx.input(|input| input.max_texture_side);
        self.halvings = halvings(&picture, height_px, max_side);
        let image = Arc::make_mut(&mut self.pixels);
        if !convert(&picture, self.halvings, image) {
            return false;
        }
        let image = ImageData::Color(Arc::clone(&self.pixels));
        match &mut self.texture {
            Some(texture) => texture.set(image, TextureOptions::LINEAR),
            None => self.texture = Some(ctx.load_texture("picture", image, TextureOptions::LINEAR)),
        }
        true
    }
}

/// How often the picture can be halved without being drawn with fewer pixels than the tile has.
fn halvings(picture: &Picture, height_px: f32, max_side: usize) -> u32 {
    let enough = (0..MAX_HALVINGS).take_while(|n| (picture.height >> (n + 1)) as f32 >= height_px.max(1.0)).count();
    let too_large = (0..16_u32).take_while(|n| (picture.width.max(picture.height) >> n) as usize > max_side).count();
    u32::try_from(enough.max(too_large)).unwrap_or(0)
}

/// Writes the picture, halved `halvings` times, as RGBA; false if its planes do not fit its size.
fn convert(picture: &Picture, halvings: u32, image: &mut ColorImage) -> bool {
    let (width, height) = (picture.width as usize, picture.height as usize);
    let whole = width >= 2 && height >= 2 && width.is_multiple_of(2) && height.is_multiple_of(2);
    if !whole || picture.data.len() != width * height * 3 / 2 {
        return false;
    }
    let (y, u, v) = picture.planes();
    if halvings == 0 {
        return to_rgba(y, u, v, (width, height), image);
    }
    let (y, luma) = shrink(y, width, height, halvings);
    let (u, _) = shrink(u, width / 2, height / 2, halvings);
    let (v, _) = shrink(v, width / 2, height / 2, halvings);
    to_rgba(&y, &u, &v, luma, image)
}

fn to_rgba(y: &[u8], u: &[u8], v: &[u8], (width, height): (usize, usize), image: &mut ColorImage) -> bool {
    if image.size != [width, height] {
        *image = ColorImage::filled([width, height], egui::Color32::BLACK);
    }
    let (Ok(columns), Ok(rows)) = (u32::try_from(width), u32::try_from(height)) else { return false };
    let chroma = columns.div_ceil(2);
    let planes = YuvPlanarImage {
        y_plane: y,
        y_stride: columns,
        u_plane: u,
        u_stride: chroma,
        v_plane: v,
        v_stride: chroma,
        width: columns,
        height: rows,
    };
    let rgba = image.as_raw_mut();
    yuv420_to_rgba(&planes, rgba, columns * 4, YuvRange::Limited, YuvStandardMatrix::Bt709).is_ok()
}

/// Halves a plane by averaging squares of four, again and again; odd last rows and columns are averaged with themselves.
fn shrink(plane: &[u8], width: usize, height: usize, halvings: u32) -> (Vec<u8>, (usize, usize)) {
    let (mut plane, mut size) = (std::borrow::Cow::Borrowed(plane), (width, height));
    for _ in 0..halvings {
        let (half, half_size) = halve(&plane, size);
        (plane, size) = (half.into(), half_size);
    }
    (plane.into_owned(), size)
}

fn halve(plane: &[u8], (width, height): (usize, usize)) -> (Vec<u8>, (usize, usize)) {
    let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
    let mut half = Vec::with_capacity(half_width * half_height);
    let mut rows = plane.chunks_exact(width);
    while let Some(upper) = rows.next() {
        let lower = rows.next().unwrap_or(upper);
        // Whole pairs apart from an odd last column, so that this becomes vector instructions.
        let (above, odd_above) = upper.as_chunks::<2>();
        let (below, odd_below) = lower.as_chunks::<2>();
        half.extend(above.iter().zip(below).map(|(a, b)| mean([a[0], a[1], b[0], b[1]])));
        half.extend(odd_above.iter().zip(odd_below).map(|(a, b)| mean([*a, *a, *b, *b])));
    }
    (half, (half_width, half_height))
}

fn mean(four: [u8; 4]) -> u8 {
    let sum: u16 = four.iter().map(|&pixel| u16::from(pixel)).sum();
    // Four bytes' mean is a byte.
    ((sum + 2) >> 2) as u8
}

/// The part of the texture that fills `tile`, as texture coordinates, and the part of the tile that it fills: a picture of
/// about the tile's shape fills it and loses its edges (at most a quarter); any other is shown whole between bars.
pub(crate) fn fit(picture: Vec2, tile: egui::Rect, mirrored: bool) -> (egui::Rect, egui::Rect) {
    const MOST_CUT: f32 = 0.26;
    let (wide, wanted) = (picture.x / picture.y.max(1.0), tile.width() / tile.height().max(1.0));
    let kept = vec2((wanted / wide).min(1.0), (wide / wanted).min(1.0));
    let fills = kept.x.min(kept.y) >= 1.0 - MOST_CUT;
    let (part, place) = if fills {
        (egui::Rect::from_center_size(egui::pos2(0.5, 0.5), kept), tile)
    } else {
        let shown = vec2(tile.width() * kept.y, tile.height() * kept.x);
        (egui::Rect::from_min_max(egui::Pos2::ZERO, egui::pos2(1.0, 1.0)), {
            egui::Rect::from_center_size(tile.center(), shown)
        })
    };
    let (left, right) = if mirrored { (part.right(), part.left()) } else { (part.left(), part.right()) };
    (egui::Rect { min: egui::pos2(left, part.top()), max: egui::pos2(right, part.bottom()) }, place)
}

#[cfg(test)]
mod tests {
    use egui::{Rect, pos2};

    use super::*;

    fn grey(width: u32, height: u32, luma: u8) -> Picture {
        let pixels = (width * height) as usize;
        let mut data = vec![luma; pixels];
        data.resize(pixels * 3 / 2, 128);
        Picture { width, height, data: data.into(), captured_us: 0 }
    }

    #[test]
    fn limited_range_black_and_white_become_full_range() {
        let mut image = ColorImage::default();
        for (luma, wanted) in [(16, 0_u8), (235, 255)] {
            assert!(convert(&grey(64, 32, luma), 0, &mut image));
            assert_eq!(image.size, [64, 32]);
            assert!(image.pixels.iter().all(|pixel| pixel.r().abs_diff(wanted) <= 1 && pixel.a() == 255));
        }
    }

    #[test]
    fn a_small_tile_gets_a_small_texture_of_the_same_colour() {
        let picture = grey(1280, 720, 126);
        assert_eq!(halvings(&picture, 100.0, 8192), 2);
        assert_eq!(halvings(&picture, 700.0, 8192), 0);
        let mut image = ColorImage::default();
        assert!(convert(&picture, 2, &mut image));
        assert_eq!(image.size, [320, 180]);
        assert!(image.pixels.iter().all(|pixel| pixel.g().abs_diff(128) <= 1));
    }

    #[test]
    fn odd_halves_and_broken_pictures_do_no_harm() {
        let mut image = ColorImage::default();
        assert!(convert(&grey(90, 50, 126), 3, &mut image));
        assert_eq!(image.size, [12, 7]);
        let mut broken = grey(64, 32, 0);
        broken.height = 34;
        assert!(!convert(&broken, 0, &mut image));
        assert!(!convert(&Picture { width: 0, height: 0, data: Arc::new([]), captured_us: 0 }, 0, &mut image));
    }

    #[test]
    fn a_picture_beyond_the_cards_limit_is_halved() {
        assert_eq!(halvings(&grey(4096, 16, 0), 4000.0, 2048), 1);
    }

    #[test]
    fn a_new_picture_is_uploaded_once_and_the_slot_is_let_go() {
        let ctx = Context::default();
        let slot = Arc::new(PictureSlot::default());
        let mut pictures = Pictures::default();
        assert!(pictures.newest(&ctx, &slot, 720.0).is_none());
        slot.put(Some(grey(64, 32, 126)));
        let (first, size) = pictures.newest(&ctx, &slot, 720.0).expect("a picture lies there");
        assert_eq!(size, vec2(64.0, 32.0));
        assert_eq!(pictures.newest(&ctx, &slot, 720.0).expect("still there").0, first);
        slot.put(None);
        assert!(pictures.newest(&ctx, &slot, 720.0).is_none(), "the camera went off");
        pictures.sweep();
        pictures.sweep();
        assert_eq!(Arc::strong_count(&slot), 1, "nothing drawn keeps no texture");
    }

    #[test]
    fn a_wide_picture_fills_and_a_tall_one_stands_between_bars() {
        let tile = Rect::from_min_size(pos2(10.0, 10.0), vec2(160.0, 90.0));
        let (part, place) = fit(vec2(640.0, 480.0), tile, false);
        assert_eq!(place, tile);
        assert!((part.height() - 0.75).abs() < 0.01);
        let (part, place) = fit(vec2(480.0, 640.0), tile, false);
        assert!((part.width() - 1.0).abs() < 0.01);
        assert!((place.width() - 67.5).abs() < 0.1 && (place.height() - 90.0).abs() < 0.1);
        let (mirrored, _) = fit(vec2(1280.0, 720.0), tile, true);
        assert!(mirrored.left() > mirrored.right());
    }
}
