//! The icons of the window, drawn with lines on a 24 x 24 grid, so that they have one weight, any size and any colour, and
//! cost no font and no image. Drawing only; the accessible name belongs to the control around an icon.

use egui::{Color32, CornerRadius, Painter, Pos2, Rect, Shape, Stroke, StrokeKind, pos2, vec2};

/// What to draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Icon {
    Microphone,
    MicrophoneOff,
    Camera,
    CameraOff,
    Speaker,
    Leave,
    Copy,
    People,
    Shield,
    Link,
    Cross,
    Back,
    Check,
    Warning,
    Network,
    Door,
    Plus,
}

/// Draws an icon into a square; `ground` is what lies behind it (the gap beside a stroke through it shows it).
pub(crate) fn paint(painter: &Painter, rect: Rect, icon: Icon, colour: Color32, ground: Color32) {
    let pen = Pen { painter, origin: rect.min, scale: rect.width() / 24.0, colour, ground };
    match icon {
        Icon::Microphone => microphone(&pen),
        Icon::MicrophoneOff => {
            microphone(&pen);
            pen.strike();
        }
        Icon::Camera => camera(&pen),
        Icon::CameraOff => {
            camera(&pen);
            pen.strike();
        }
        Icon::Speaker => {
            pen.closed(&[(11.0, 5.0), (6.5, 9.0), (3.0, 9.0), (3.0, 15.0), (6.5, 15.0), (11.0, 19.0)]);
            pen.arc((12.0, 12.0), 4.0, -45.0, 45.0);
            pen.arc((12.0, 12.0), 9.0, -45.0, 45.0);
        }
        Icon::Leave => {
            pen.line(&[(9.0, 21.0), (4.0, 21.0), (4.0, 3.0), (9.0, 3.0)]);
            pen.line(&[(16.0, 17.0), (21.0, 12.0), (16.0, 7.0)]);
            pen.line(&[(21.0, 12.0), (9.5, 12.0)]);
        }
        Icon::Copy => {
            pen.rounded((9.0, 9.0), (21.0, 21.0), 2.5);
            pen.line(&[(5.5, 15.0), (3.0, 15.0), (3.0, 3.0), (15.0, 3.0), (15.0, 5.5)]);
        }
        Icon::People => {
            pen.circle((9.0, 8.0), 4.0);
            pen.arc((9.0, 21.5), 7.0, 185.0, 355.0);
            pen.arc((15.5, 8.0), 4.0, -75.0, 75.0);
            pen.arc((15.0, 21.5), 7.0, -60.0, -5.0);
        }
        Icon::Shield => {
            let mut outline = vec![(12.0, 2.5), (20.0, 5.5), (20.0, 12.0)];
            outline.extend(cubic((20.0, 12.0), (20.0, 17.5), (15.0, 20.5), (12.0, 21.5)));
            outline.extend(cubic((12.0, 21.5), (9.0, 20.5), (4.0, 17.5), (4.0, 12.0)));
            outline.push((4.0, 5.5));
            pen.closed(&outline);
            pen.line(&[(8.5, 12.0), (11.0, 14.5), (15.5, 9.5)]);
        }
        Icon::Link => {
            pen.line(&[(2.0, 12.0), (6.5, 12.0), (9.5, 4.5), (14.5, 19.5), (17.5, 12.0), (22.0, 12.0)]);
        }
        Icon::Cross => {
            pen.line(&[(6.0, 6.0), (18.0, 18.0)]);
            pen.line(&[(18.0, 6.0), (6.0, 18.0)]);
        }
        Icon::Back => pen.line(&[(14.5, 5.5), (8.0, 12.0), (14.5, 18.5)]),
        Icon::Check => pen.line(&[(4.5, 12.5), (9.5, 17.5), (19.5, 6.5)]),
        Icon::Warning => {
            pen.closed(&[(12.0, 3.5), (21.5, 20.0), (2.5, 20.0)]);
            pen.line(&[(12.0, 9.5), (12.0, 14.0)]);
            pen.dot((12.0, 17.0));
        }
        Icon::Network => {
            for reach in [5.0, 10.0, 15.0] {
                pen.arc((12.0, 19.5), reach, 225.0, 315.0);
            }
            pen.dot((12.0, 19.0));
        }
        Icon::Door => {
            pen.line(&[(3.0, 21.5), (21.0, 21.5)]);
            pen.line(&[(6.0, 21.5), (6.0, 2.5), (18.0, 2.5), (18.0, 21.5)]);
            pen.dot((14.5, 12.5));
        }
        Icon::Plus => {
            pen.line(&[(12.0, 5.0), (12.0, 19.0)]);
            pen.line(&[(5.0, 12.0), (19.0, 12.0)]);
        }
    }
}

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

fn microphone(pen: &Pen<'_>) {
    pen.rounded((8.75, 2.5), (15.25, 15.0), 3.25);
    let mut cup = vec![(5.0, 10.5), (5.0, 12.0)];
    cup.extend(arc_points((12.0, 12.0), 7.0, 180.0, 0.0));
    cup.push((19.0, 10.5));
    pen.line(&cup);
    pen.line(&[(12.0, 19.0), (12.0, 22.0)]);
}

fn camera(pen: &Pen<'_>) {
    pen.rounded((2.0, 6.0), (15.5, 18.0), 3.0);
    pen.closed(&[(15.5, 10.75), (21.5, 7.5), (21.5, 16.5), (15.5, 13.25)]);
}

type Point = (f32, f32);

struct Pen<'a> {
    painter: &'a Painter,
    origin: Pos2,
    scale: f32,
    colour: Color32,
    ground: Color32,
}

impl Pen<'_> {
    fn at(&self, (x, y): Point) -> Pos2 {
        self.origin + vec2(x, y) * self.scale
    }

    fn stroke(&self) -> Stroke {
        Stroke::new((1.9 * self.scale).max(1.2), self.colour)
    }

    fn line(&self, points: &[Point]) {
        self.painter.add(Shape::line(points.iter().map(|&p| self.at(p)).collect(), self.stroke()));
        // Lines end square; a dot at each end and corner makes them round.
        for &point in points.iter().take(1).chain(points.last()) {
            self.painter.circle_filled(self.at(point), self.stroke().width / 2.0, self.colour);
        }
    }

    fn closed(&self, points: &[Point]) {
        self.painter.add(Shape::closed_line(points.iter().map(|&p| self.at(p)).collect(), self.stroke()));
    }

    fn arc(&self, centre: Point, radius: f32, from_degrees: f32, to_degrees: f32) {
        self.line(&arc_points(centre, radius, from_degrees, to_degrees));
    }

    fn circle(&self, centre: Point, radius: f32) {
        self.painter.circle_stroke(self.at(centre), radius * self.scale, self.stroke());
    }

    fn dot(&self, centre: Point) {
        self.painter.circle_filled(self.at(centre), 1.3 * self.scale, self.colour);
    }

    fn rounded(&self, min: Point, max: Point, radius: f32) {
        self.painter.rect_stroke(
            Rect::from_min_max(self.at(min), self.at(max)),
            CornerRadius::from(radius * self.scale),
            self.stroke(),
            StrokeKind::Middle,
        );
    }

    /// A line through the icon, with a gap beside it.
    fn strike(&self) {
        let (from, to) = ((3.5, 3.5), (20.5, 20.5));
        let gap = Stroke::new(5.6 * self.scale, self.ground);
        self.painter.line_segment([self.at(from), self.at(to)], gap);
        self.line(&[from, to]);
    }
}

/// Points of an arc, degrees clockwise from the right; goes counter-clockwise when `to` is below `from`.
fn arc_points((x, y): Point, radius: f32, from_degrees: f32, to_degrees: f32) -> Vec<Point> {
    const STEPS: u8 = 20;
    (0..=STEPS)
        .map(|step| {
            let part = f32::from(step) / f32::from(STEPS);
            let angle = (from_degrees + (to_degrees - from_degrees) * part).to_radians();
            (x + radius * angle.cos(), y + radius * angle.sin())
        })
        .collect()
}

fn cubic(a: Point, b: Point, c: Point, d: Point) -> Vec<Point> {
    const STEPS: u8 = 10;
    (1..=STEPS)
        .map(|step| {
            let t = f32::from(step) / f32::from(STEPS);
            let mix = |p: f32, q: f32, r: f32, s: f32| {
                let u = 1.0 - t;
                u * u * u * p + 3.0 * u * u * t * q + 3.0 * u * t * t * r + t * t * t * s
            };
            (mix(a.0, b.0, c.0, d.0), mix(a.1, b.1, c.1, d.1))
        })
        .collect()
}

/// A square for an icon, centred in `rect`.
pub(crate) fn centred(rect: Rect, side: f32) -> Rect {
    let centre = rect.center();
    Rect::from_min_max(pos2(centre.x - side / 2.0, centre.y - side / 2.0), centre + vec2(side, side) / 2.0)
}
