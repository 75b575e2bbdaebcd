//! Drawn heads and shoulders, as a camera would deliver them, for the scenes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use conclave_media::{Picture, PictureSlot};

/// A slot with somebody's picture in it.
pub(super) fn portrait(number: u8) -> Arc<PictureSlot> {
    /// So many look different; further people look like one of them.
    const FACES: u8 = 9;
    /// Drawn once: the tests show dozens of scenes.
    static DRAWN: Mutex<BTreeMap<u8, Picture>> = Mutex::new(BTreeMap::new());
    let number = number % FACES;
    let mut drawn = DRAWN.lock().unwrap_or_else(PoisonError::into_inner);
    let picture = drawn.entry(number).or_insert_with(|| draw(number)).clone();
    let slot = PictureSlot::default();
    slot.put(Some(picture));
    Arc::new(slot)
}

/// A drawn head and shoulders, as a camera would deliver it (720p I420), in colours of its own.
fn draw(number: u8) -> Picture {
    const WIDTH: usize = 1280;
    const HEIGHT: usize = 720;
    // Wall, hair and clothes as (Y, U, V), by number.
    let walls = [(150, 138, 118), (168, 118, 132), (120, 140, 120), (182, 122, 138), (96, 134, 128), (140, 120, 124)];
    let clothes = [(70, 150, 118), (90, 110, 160), (60, 128, 128), (110, 118, 108), (150, 110, 140), (48, 140, 130)];
    let hairs = [(45, 122, 134), (30, 128, 130), (78, 112, 142), (62, 118, 138), (160, 124, 130)];
    let skins = [(168, 112, 150), (118, 112, 148), (90, 116, 146), (146, 110, 152), (182, 116, 146)];
    let at = |list: &[(u8, u8, u8)], step: u8| list[usize::from(number.wrapping_mul(step)) % list.len()];
    let (wall, cloth, hair, skin) = (at(&walls, 1), at(&clothes, 5), at(&hairs, 3), at(&skins, 2));
    let inside =
        |x: f32, y: f32, cx: f32, cy: f32, rx: f32, ry: f32| ((x - cx) / rx).powi(2) + ((y - cy) / ry).powi(2) <= 1.0;
    let lean = f32::from(number % 3) * 40.0 - 40.0;
    let colour = |x: usize, y: usize| {
        let (fx, fy) = (x as f32, y as f32);
        let centre = 640.0 + lean;
        if inside(fx, fy, centre, 330.0, 112.0, 146.0) && fy > 262.0 - (fx - centre).abs() * 0.35 {
            skin
        } else if inside(fx, fy, centre, 292.0, 146.0, 168.0) && fy < 420.0 {
            hair
        } else if inside(fx, fy, centre, 470.0, 62.0, 90.0) {
            (skin.0.saturating_sub(18), skin.1, skin.2)
        } else if inside(fx, fy, centre, 790.0, 330.0, 270.0) {
            cloth
        } else {
            // Light falls from the upper left; a window frame stands in some rooms.
            let shade = (fx * 0.02 + fy * 0.045) as u8;
            let frame = number % 2 == 1 && (140..=420).contains(&x) && y < 360 && (x % 140 > 8) && (y % 180 > 8);
            if frame { (215, 132, 124) } else { (wall.0.saturating_sub(shade), wall.1, wall.2) }
        }
    };
    let mut data = Vec::with_capacity(WIDTH * HEIGHT * 3 / 2);
    for y in 0..HEIGHT {
        data.extend((0..WIDTH).map(|x| colour(x, y).0));
    }
    for plane in [1, 2] {
        for y in (0..HEIGHT).step_by(2) {
            data.extend((0..WIDTH).step_by(2).map(|x| if plane == 1 { colour(x, y).1 } else { colour(x, y).2 }));
        }
    }
    Picture { width: 1280, height: 720, data: data.into(), captured_us: 0 }
}
