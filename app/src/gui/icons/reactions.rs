//! The icons of the reactions: two thumbs, clapping hands, a laughing face, a heart, a surprised face. Drawn, because no font that
//! comes with the window has all of them.

use egui::{Shape, Stroke};

use super::{Pen, Point, arc_points, cubic};

/// Up (1) or down (-1).
pub(super) fn thumb(pen: &Pen<'_>, way: f32) {
    let at = |x: f32, y: f32| (x, 12.0 + (y - 12.0) * way);
    let mut fist = vec![at(7.0, 10.5), at(11.5, 2.2)];
    fist.extend(cubic(at(11.5, 2.2), at(13.6, 1.8), at(15.6, 3.6), at(14.9, 6.0)));
    fist.push(at(13.9, 9.8));
    fist.push(at(19.6, 9.8));
    fist.extend(cubic(at(19.6, 9.8), at(21.2, 9.8), at(22.2, 11.2), at(21.7, 12.7)));
    fist.push(at(19.6, 19.8));
    fist.extend(cubic(at(19.6, 19.8), at(19.2, 21.0), at(18.4, 21.6), at(17.2, 21.6)));
    fist.push(at(7.0, 21.6));
    pen.closed(&fist);
    pen.closed(&[at(2.3, 10.5), at(7.0, 10.5), at(7.0, 21.6), at(2.3, 21.6)]);
}

/// Two hands that meet, and the sound of it.
pub(super) fn applause(pen: &Pen<'_>) {
    for side in [-1.0, 1.0] {
        let at = |x: f32, y: f32| (12.0 + x * side, y);
        let mut hand = vec![at(0.6, 9.4)];
        hand.extend(cubic(at(0.6, 9.4), at(1.2, 7.4), at(3.6, 7.2), at(4.4, 9.2)));
        hand.push(at(6.6, 14.4));
        hand.extend(cubic(at(6.6, 14.4), at(6.4, 12.6), at(8.8, 12.2), at(9.4, 14.0)));
        hand.extend(cubic(at(9.4, 14.0), at(10.4, 17.4), at(9.6, 20.4), at(7.2, 22.0)));
        pen.line(&hand);
        pen.line(&[at(0.6, 9.4), at(0.6, 16.5), at(3.6, 22.0)]);
        pen.line(&[at(4.2, 4.8), at(5.6, 2.6)]);
    }
    pen.line(&[(12.0, 4.6), (12.0, 1.8)]);
}

pub(super) fn laugh(pen: &Pen<'_>) {
    pen.circle((12.0, 12.0), 9.8);
    for x in [8.0, 16.0] {
        pen.arc((x, 10.4), 1.9, 190.0, 350.0);
    }
    fill(pen, &arc_points((12.0, 13.4), 5.4, 0.0, 180.0));
}

pub(super) fn heart(pen: &Pen<'_>) {
    pen.spot((7.3, 8.4), 5.3);
    pen.spot((16.7, 8.4), 5.3);
    fill(pen, &[(2.6, 10.9), (12.0, 7.0), (21.4, 10.9), (12.0, 21.6)]);
}

pub(super) fn surprise(pen: &Pen<'_>) {
    pen.circle((12.0, 12.0), 9.8);
    pen.spot((8.4, 9.6), 1.5);
    pen.spot((15.6, 9.6), 1.5);
    pen.circle((12.0, 16.0), 2.3);
}

/// A convex shape.
fn fill(pen: &Pen<'_>, outline: &[Point]) {
    let points = outline.iter().map(|&point| pen.at(point)).collect();
    pen.painter.add(Shape::convex_polygon(points, pen.colour, Stroke::NONE));
}
