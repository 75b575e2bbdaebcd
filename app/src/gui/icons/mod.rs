//! The icons of the window, drawn with lines on a 24 x 24 grid, so that they have one weight, any size and any colour, and
//! cost no font and no image. Drawing only; the accessible name belongs to the control around an icon.

mod reactions;

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
    Cross,
    Back,
    Check,
    Warning,
    Network,
    Door,
    Plus,
    Hand,
    Smile,
    Chat,
    File,
    More,
    Exchange,
    Send,
    Lock,
    Star,
    Block,
    Pin,
    Down,
    Up,
    ThumbUp,
    ThumbDown,
    Applause,
    Laugh,
    Heart,
    Surprise,
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
        Icon::Hand => hand(&pen),
        Icon::Smile => {
            pen.circle((12.0, 12.0), 9.5);
            pen.dot((8.8, 9.5));
            pen.dot((15.2, 9.5));
            pen.arc((12.0, 12.0), 5.2, 25.0, 155.0);
        }
        Icon::Chat => {
            pen.rounded((2.5, 4.0), (21.5, 17.0), 3.5);
            pen.line(&[(7.0, 17.0), (7.0, 21.5), (12.0, 17.0)]);
        }
        Icon::File => {
            pen.closed(&[(5.0, 2.5), (13.5, 2.5), (19.0, 8.0), (19.0, 21.5), (5.0, 21.5)]);
            pen.line(&[(13.5, 2.5), (13.5, 8.0), (19.0, 8.0)]);
        }
        Icon::More => {
            for x in [5.0, 12.0, 19.0] {
                pen.spot((x, 12.0), 1.9);
            }
        }
        Icon::Exchange => {
            pen.line(&[(3.5, 8.0), (20.5, 8.0)]);
            pen.line(&[(16.0, 3.5), (20.5, 8.0), (16.0, 12.5)]);
            pen.line(&[(20.5, 16.0), (3.5, 16.0)]);
            pen.line(&[(8.0, 11.5), (3.5, 16.0), (8.0, 20.5)]);
        }
        Icon::Send => {
            pen.closed(&[(2.5, 10.5), (21.5, 2.5), (13.5, 21.5), (10.5, 13.5)]);
            pen.line(&[(21.5, 2.5), (10.5, 13.5)]);
        }
        Icon::Lock => {
            pen.rounded((4.5, 11.0), (19.5, 21.5), 2.5);
            let mut shackle = vec![(8.0, 11.0), (8.0, 7.0)];
            shackle.extend(arc_points((12.0, 7.0), 4.0, 180.0, 360.0));
            shackle.push((16.0, 11.0));
            pen.line(&shackle);
        }
        Icon::Star => {
            let points: Vec<Point> = (0_u8..10)
                .map(|corner| {
                    let radius = if corner % 2 == 0 { 10.0 } else { 4.4 };
                    let angle = (f32::from(corner) * 36.0 - 90.0).to_radians();
                    (12.0 + radius * angle.cos(), 12.8 + radius * angle.sin())
                })
                .collect();
            pen.closed(&points);
        }
        Icon::Block => {
            pen.circle((12.0, 12.0), 9.5);
            pen.line(&[(5.3, 5.3), (18.7, 18.7)]);
        }
        Icon::Pin => {
            pen.closed(&[
                (7.5, 2.5),
                (16.5, 2.5),
                (15.0, 6.0),
                (15.0, 10.5),
                (19.0, 16.0),
                (5.0, 16.0),
                (9.0, 10.5),
                (9.0, 6.0),
            ]);
            pen.line(&[(12.0, 16.0), (12.0, 22.0)]);
        }
        Icon::Down => arrow(&pen, 1.0),
        Icon::Up => arrow(&pen, -1.0),
        Icon::ThumbUp => reactions::thumb(&pen, 1.0),
        Icon::ThumbDown => reactions::thumb(&pen, -1.0),
        Icon::Applause => reactions::applause(&pen),
        Icon::Laugh => reactions::laugh(&pen),
        Icon::Heart => reactions::heart(&pen),
        Icon::Surprise => reactions::surprise(&pen),
    }
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

/// Four fingers, thumb and palm in one stroke each.
fn hand(pen: &Pen<'_>) {
    let finger = |outer: Point, centre: Point, inner: Point| {
        let mut points = vec![outer];
        points.extend(arc_points(centre, 2.0, 0.0, -180.0));
        points.push(inner);
        points
    };
    pen.line(&finger((18.0, 11.0), (16.0, 6.0), (14.0, 10.5)));
    pen.line(&finger((14.0, 10.5), (12.0, 4.0), (10.0, 10.5)));
    pen.line(&finger((10.0, 10.5), (8.0, 6.0), (6.0, 14.5)));
    let mut palm = vec![(18.0, 11.0), (18.0, 9.0)];
    palm.extend(arc_points((20.0, 9.0), 2.0, 180.0, 360.0));
    palm.extend(arc_points((14.0, 14.0), 8.0, 0.0, 90.0));
    palm.push((12.0, 22.0));
    palm.extend(cubic((12.0, 22.0), (9.0, 22.0), (7.4, 21.0), (6.0, 19.6)));
    palm.push((2.6, 16.1));
    palm.extend(cubic((2.6, 16.1), (1.0, 14.2), (3.4, 11.9), (5.2, 13.5)));
    palm.push((6.5, 14.8));
    pen.line(&palm);
}

/// Down (1) or up (-1), from or to a line below.
fn arrow(pen: &Pen<'_>, way: f32) {
    let (tip, tail) = (9.5 + 6.0 * way, 9.5 - 6.0 * way);
    pen.line(&[(12.0, tail), (12.0, tip)]);
    pen.line(&[(7.0, tip - 5.0 * way), (12.0, tip), (17.0, tip - 5.0 * way)]);
    pen.line(&[(4.0, 20.5), (20.0, 20.5)]);
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
        self.spot(centre, 1.3);
    }

    fn spot(&self, centre: Point, radius: f32) {
        self.painter.circle_filled(self.at(centre), radius * self.scale, self.colour);
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
