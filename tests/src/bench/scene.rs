//! What the bench's camera sees: somebody who talks in front of a shelf, 1280x720, ten seconds that loop seamlessly.
//!
//! A textured background, a moving head and mouth, a waving arm, slowly changing light and a sensor's noise, all from
//! formulas: the same bytes every time. Neither a cartoon that any codec gets for nothing nor a worst case. Each picture
//! carries its number (`barcode`). Written to a file by `material`.

use super::voice::Chance;
use super::{barcode, y4m};
use anyhow::Result;
use std::f32::consts::TAU;
use std::io::Write;

pub const WIDTH: usize = 1280;
pub const HEIGHT: usize = 720;
/// Pictures until it starts again.
pub const PICTURES: usize = 300;

/// Standard deviation of the sensor's noise in luma.
const NOISE: f32 = 1.3;

/// Luma, blue and red difference of one spot.
type Colour = [f32; 3];

/// Everything that does not move.
pub struct Scene {
    background: Vec<Colour>,
    /// Fine structure that is laid over skin, hair and cloth and moves with them.
    grain: Vec<f32>,
}

impl Default for Scene {
    fn default() -> Scene {
        Scene::new()
    }
}

impl Scene {
    pub fn new() -> Scene {
        let rough = noise_field(1, 96);
        let middle = noise_field(2, 24);
        let fine = noise_field(3, 6);
        let background = (0..WIDTH * HEIGHT)
            .map(|at| {
                let (x, y) = (at % WIDTH, at / WIDTH);
                shelf(x, y, rough[at] * 18.0 + middle[at] * 10.0 + fine[at] * 7.0)
            })
            .collect();
        Scene { background, grain: noise_field(4, 4) }
    }

    /// One picture as planar 4:2:0.
    pub fn picture(&self, number: usize) -> Vec<u8> {
        let moment = Moment::at(number);
        let light = 1.0 + 0.03 * moment.wave(1, 0.3);
        let mut chance = Chance((number % PICTURES) as u64 + 1);
        let mut luma = Vec::with_capacity(WIDTH * HEIGHT);
        let mut sums = vec![[0.0_f32; 2]; WIDTH / 2 * HEIGHT / 2];
        for y in 0..HEIGHT {
            for x in 0..WIDTH {
                let [light_here, blue, red] = self.spot(&moment, x, y);
                luma.push((light_here * light + NOISE * gauss(chance.next())).round().clamp(16.0, 235.0) as u8);
                let sum = &mut sums[y / 2 * (WIDTH / 2) + x / 2];
                sum[0] += blue / 4.0;
                sum[1] += red / 4.0;
            }
        }
        barcode::write(&mut luma, WIDTH, number % PICTURES);
        let mut picture = luma;
        for plane in 0..2 {
            let noisy =
                sums.iter().map(|sum| (sum[plane] + 0.6 * gauss(chance.next())).round().clamp(16.0, 240.0) as u8);
            picture.extend(noisy);
        }
        picture
    }

    fn spot(&self, moment: &Moment, x: usize, y: usize) -> Colour {
        let mut colour = self.background[y * WIDTH + x];
        let (px, py) = (x as f32, y as f32);
        for part in &moment.parts {
            let cover = part.cover(px, py);
            if cover > 0.0 {
                let (dx, dy) = ((px - part.centre.0) as isize, (py - part.centre.1) as isize);
                let at = (dy + HEIGHT as isize) as usize % HEIGHT * WIDTH + (dx + WIDTH as isize) as usize % WIDTH;
                let shade = part.grain * self.grain[at] - 0.06 * (px - part.centre.0) * part.roundness;
                let own = [part.colour[0] + shade, part.colour[1], part.colour[2]];
                for (below, above) in colour.iter_mut().zip(own) {
                    *below += (above - *below) * cover;
                }
            }
        }
        colour
    }
}

/// Writes the whole loop as a Y4M file.
pub fn write(out: &mut impl Write) -> Result<()> {
    let scene = Scene::new();
    y4m::write_header(out, WIDTH, HEIGHT)?;
    for number in 0..PICTURES {
        y4m::write_picture(out, &scene.picture(number))?;
    }
    Ok(())
}

/// Where everything that moves is in one picture.
struct Moment {
    /// From 0 to 1 through the loop.
    time: f32,
    parts: Vec<Part>,
}

/// An ellipse, turned and softly edged.
struct Part {
    centre: (f32, f32),
    radii: (f32, f32),
    turn: (f32, f32),
    colour: Colour,
    grain: f32,
    roundness: f32,
}

impl Part {
    fn new(centre: (f32, f32), radii: (f32, f32), angle: f32, colour: Colour, grain: f32) -> Part {
        Part { centre, radii, turn: (angle.cos(), angle.sin()), colour, grain, roundness: 1.0 }
    }

    fn cover(&self, x: f32, y: f32) -> f32 {
        let (dx, dy) = (x - self.centre.0, y - self.centre.1);
        let reach = self.radii.0.max(self.radii.1) + 2.0;
        if dx.abs() > reach || dy.abs() > reach {
            return 0.0;
        }
        let (along, across) = (dx * self.turn.0 + dy * self.turn.1, dy * self.turn.0 - dx * self.turn.1);
        let distance = ((along / self.radii.0).powi(2) + (across / self.radii.1).powi(2)).sqrt();
        ((1.0 - distance) * self.radii.0.min(self.radii.1) * 0.7 + 0.5).clamp(0.0, 1.0)
    }
}

const SKIN: Colour = [158.0, 112.0, 150.0];
const HAIR: Colour = [52.0, 122.0, 134.0];
const CLOTH: Colour = [86.0, 148.0, 118.0];
const DARK: Colour = [34.0, 126.0, 132.0];

impl Moment {
    fn at(number: usize) -> Moment {
        let time = (number % PICTURES) as f32 / PICTURES as f32;
        let mut moment = Moment { time, parts: Vec::new() };
        let sway = 14.0 * moment.wave(2, 0.1);
        let head = (
            640.0 + sway + 25.0 * moment.wave(3, 0.0) + 4.0 * moment.wave(11, 0.4),
            300.0 + 9.0 * moment.wave(5, 0.2) + 3.0 * moment.wave(17, 0.0),
        );
        let tilt = 0.07 * moment.wave(3, 0.25);
        moment.parts.push(Part::new((640.0 + sway, 700.0), (330.0, 220.0), 0.0, CLOTH, 6.5));
        moment.parts.push(Part::new((640.0 + sway, 470.0), (62.0, 110.0), 0.0, SKIN, 3.0));
        moment.head(head, tilt);
        moment.arm(sway);
        moment
    }

    /// A sine that fits a whole number of times into the loop.
    fn wave(&self, times: usize, shift: f32) -> f32 {
        (TAU * (self.time * times as f32 + shift)).sin()
    }

    fn head(&mut self, (x, y): (f32, f32), tilt: f32) {
        let place = |right: f32, down: f32| {
            (x + right * tilt.cos() - down * tilt.sin(), y + down * tilt.cos() + right * tilt.sin())
        };
        self.parts.push(Part::new(place(0.0, -48.0), (124.0, 140.0), tilt, HAIR, 11.0));
        self.parts.push(Part::new((x, y), (104.0, 142.0), tilt, SKIN, 3.0));
        self.parts.push(Part::new(place(0.0, -112.0), (96.0, 48.0), tilt, HAIR, 11.0));
        let open = if (self.time * 23.0).fract() < 0.12 { 2.0 } else { 8.0 };
        for side in [-1.0, 1.0] {
            self.parts.push(Part::new(place(side * 40.0, -22.0), (19.0, open + 2.0), tilt, [205.0, 126.0, 130.0], 0.0));
            let gaze = 5.0 * self.wave(4, 0.3);
            self.parts.push(Part::new(place(side * 40.0 + gaze, -22.0), (8.0, open), tilt, DARK, 0.0));
            self.parts.push(Part::new(place(side * 40.0, -48.0 - open * 0.3), (26.0, 5.0), tilt, HAIR, 6.0));
        }
        self.parts.push(Part::new(place(0.0, 20.0), (13.0, 30.0), tilt, [146.0, 112.0, 152.0], 2.0));
        // Syllables: about four a second, in phrases.
        let speaking = (0.3 + 0.9 * self.wave(3, 0.05)).clamp(0.0, 1.0);
        let mouth = 5.0 + 17.0 * speaking * (0.5 + 0.5 * self.wave(43, 0.0));
        self.parts.push(Part::new(place(0.0, 78.0), (42.0, mouth + 6.0), tilt, [118.0, 116.0, 166.0], 2.0));
        self.parts.push(Part::new(place(0.0, 78.0), (34.0, mouth), tilt, DARK, 0.0));
    }

    /// Waves for a part of the loop, then rests.
    fn arm(&mut self, sway: f32) {
        let lift = (self.wave(2, 0.6) * 1.6).clamp(-1.0, 1.0);
        let swing = 0.35 * self.wave(9, 0.0) * (lift + 1.0) / 2.0;
        let angle = -0.5 - 0.6 * lift + swing;
        let shoulder = (900.0 + sway, 640.0);
        let along = |length: f32| (shoulder.0 + length * angle.cos() * 0.9, shoulder.1 + length * angle.sin());
        self.parts.push(Part::new(along(90.0), (140.0, 48.0), angle, CLOTH, 6.5));
        self.parts.push(Part::new(along(240.0), (62.0, 40.0), angle + swing, SKIN, 3.0));
    }
}

/// A shelf of books on a wall: edges, stripes and a slope of light.
fn shelf(x: usize, y: usize, texture: f32) -> Colour {
    let wall = 120.0 + 26.0 * (x as f32 / WIDTH as f32) - 22.0 * (y as f32 / HEIGHT as f32);
    let board = y % 180 < 12;
    let shelved = !(470..=860).contains(&x);
    if !shelved {
        return [wall + 0.7 * texture, 124.0, 131.0];
    }
    if board {
        return [92.0 + 0.6 * texture, 118.0, 140.0];
    }
    let book = x / 34 * 7 + y / 180 * 13;
    let tone = 62.0 + (book * 37 % 96) as f32;
    let spine = if x % 34 < 3 { -26.0 } else { 0.0 };
    let label = if book.is_multiple_of(3) && (60..110).contains(&(y % 180)) && (8..27).contains(&(x % 34)) {
        46.0
    } else {
        0.0
    };
    [tone + spine + label + 0.8 * texture, 112.0 + (book * 11 % 32) as f32, 114.0 + (book * 17 % 34) as f32]
}

/// Smooth noise with features of this many pixels, from -1 to 1.
fn noise_field(seed: u64, feature: usize) -> Vec<f32> {
    let mut chance = Chance(seed);
    let (columns, rows) = (WIDTH / feature + 2, HEIGHT / feature + 2);
    let knots: Vec<f32> = (0..columns * rows).map(|_| chance.unit() * 2.0 - 1.0).collect();
    let mut field = Vec::with_capacity(WIDTH * HEIGHT);
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            let (column, row) = (x / feature, y / feature);
            let smooth = |part: f32| part * part * (3.0 - 2.0 * part);
            let (along, down) =
                (smooth((x % feature) as f32 / feature as f32), smooth((y % feature) as f32 / feature as f32));
            let knot = |right: usize, below: usize| knots[(row + below) * columns + column + right];
            let upper = knot(0, 0) * (1.0 - along) + knot(1, 0) * along;
            let lower = knot(0, 1) * (1.0 - along) + knot(1, 1) * along;
            field.push(upper * (1.0 - down) + lower * down);
        }
    }
    field
}

/// A nearly normal number from four bytes; standard deviation 1.
fn gauss(random: u32) -> f32 {
    let sum: u32 = random.to_le_bytes().iter().map(|&byte| u32::from(byte)).sum();
    // The generator's top bit is always 0, so one byte ends at 127.
    (sum as f32 - 446.0) / 133.2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::quality;

    #[test]
    fn a_picture_tells_its_number_and_looks_like_its_neighbour_but_not_the_same() {
        let scene = Scene::new();
        let (one, next) = (scene.picture(41), scene.picture(42));
        assert_eq!(one.len(), y4m::picture_bytes(WIDTH, HEIGHT));
        let luma = |picture: &[u8]| picture[..WIDTH * HEIGHT].to_vec();
        assert_eq!(barcode::read(&luma(&one), WIDTH, HEIGHT), Some(41));
        assert_eq!(barcode::read(&luma(&next), WIDTH, HEIGHT), Some(42));
        let likeness = quality::psnr_db(quality::mean_squared_error(&luma(&one), &luma(&next), WIDTH));
        assert!((25.0..41.0).contains(&likeness), "{likeness} dB from one picture to the next");
        assert!(one == Scene::new().picture(41), "the same bytes every time");
        assert!(one == scene.picture(41 + PICTURES), "it loops");
    }
}
