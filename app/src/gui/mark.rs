//! The mark of the program, a keyhole for a room with a key: drawn for the start screen, as pixels for the task bar.

use egui::{Color32, Painter, Rect, Shape, Stroke, vec2};

/// The mark of the program: a keyhole, for a room with a key.
pub(crate) fn logo(painter: &Painter, rect: Rect, ground: Color32, mark: Color32) {
    let unit = rect.width() / 24.0;
    painter.rect_filled(rect, rect.width() * 0.29, ground);
    let at = |x: f32, y: f32| rect.min + vec2(x, y) * unit;
    painter.circle_filled(at(12.0, 9.6), 3.9 * unit, mark);
    painter.add(Shape::convex_polygon(
        vec![at(10.6, 11.0), at(13.4, 11.0), at(15.0, 18.6), at(9.0, 18.6)],
        mark,
        Stroke::new(0.8 * unit, mark),
    ));
}

/// The mark as pixels, for the task bar.
pub(crate) fn window_icon() -> egui::IconData {
    const SIDE: u8 = 64;
    let (ground, mark) = ([0x0b, 0x7a, 0x65], [0xff, 0xff, 0xff]);
    let mut rgba = Vec::with_capacity(usize::from(SIDE) * usize::from(SIDE) * 4);
    for row in 0..SIDE {
        for column in 0..SIDE {
            let at = |offset: u8| f32::from(offset) + 0.5;
            let (x, y) = (at(column) / f32::from(SIDE) * 24.0, at(row) / f32::from(SIDE) * 24.0);
            // Distance into the rounded square and into the keyhole, in pixels, gives soft edges.
            let corner = |c: f32| ((c - 12.0).abs() - 5.0).max(0.0);
            let square = 7.0 - corner(x).hypot(corner(y));
            let bow = 3.9 - (x - 12.0).hypot(y - 9.6);
            let stem = (1.4 + (y - 11.0) * 0.21 - (x - 12.0).abs()).min(y - 10.5).min(19.0 - y);
            let cover = |distance: f32| (distance * f32::from(SIDE) / 24.0 + 0.5).clamp(0.0, 1.0);
            let keyhole = cover(bow.max(stem));
            for (g, m) in ground.into_iter().zip(mark) {
                rgba.push(blend(g, m, keyhole));
            }
            rgba.push(blend(0, 255, cover(square)));
        }
    }
    egui::IconData { rgba, width: u32::from(SIDE), height: u32::from(SIDE) }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between two values of a byte")]
fn blend(from: u8, to: u8, part: f32) -> u8 {
    (f32::from(from) + (f32::from(to) - f32::from(from)) * part).round() as u8
}
