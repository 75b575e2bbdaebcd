//! The test picture: a still background with texture, a box that moves, and a frame counter with a clock of seconds. Cheap:
//! the background is drawn once. Also the scene for measuring codecs.

const DIGITS: [[u8; 5]; 10] = [
    [0b111, 0b101, 0b101, 0b101, 0b111],
    [0b010, 0b110, 0b010, 0b010, 0b111],
    [0b111, 0b001, 0b111, 0b100, 0b111],
    [0b111, 0b001, 0b111, 0b001, 0b111],
    [0b101, 0b101, 0b111, 0b001, 0b001],
    [0b111, 0b100, 0b111, 0b001, 0b111],
    [0b111, 0b100, 0b111, 0b101, 0b111],
    [0b111, 0b001, 0b010, 0b010, 0b010],
    [0b111, 0b101, 0b111, 0b101, 0b111],
    [0b111, 0b101, 0b111, 0b001, 0b111],
];

/// Draws numbered pictures.
pub(crate) struct TestPicture {
    width: usize,
    height: usize,
    background: Vec<u8>,
}

impl TestPicture {
    pub(crate) fn new(width: u32, height: u32) -> Self {
        let (width, height) =
            crate::video::scale::layer_size((width, height), (width, height), crate::video::Layer::Full);
        let (w, h) = (width as usize, height as usize);
        let mut background = vec![128_u8; crate::picture::i420_len(width, height)];
        let (y, chroma) = background.split_at_mut(w * h);
        for (row, line) in y.chunks_exact_mut(w).enumerate() {
            for (column, sample) in line.iter_mut().enumerate() {
                let slope = 50 + column * 100 / w + row * 40 / h;
                let texture = (column * 7 + row * 13 + (column * row) / 97) % 12;
                *sample = u8::try_from(slope + texture).unwrap_or(u8::MAX);
            }
        }
        let (u, v) = chroma.split_at_mut(w * h / 4);
        for (plane, add) in [(u, 0), (v, 3)] {
            for (row, line) in plane.chunks_exact_mut(w / 2).enumerate() {
                for (column, sample) in line.iter_mut().enumerate() {
                    let bar = (column * 16 / w + add + row * 4 / h) % 8;
                    *sample = u8::try_from(96 + bar * 9).unwrap_or(128);
                }
            }
        }
        Self { width: w, height: h, background }
    }

    pub(crate) fn size(&self) -> (u32, u32) {
        (u32::try_from(self.width).unwrap_or(0), u32::try_from(self.height).unwrap_or(0))
    }

    /// Draws picture number `index` into a packed I420 buffer.
    pub(crate) fn draw(&mut self, index: u64, out: &mut [u8]) {
        out.copy_from_slice(&self.background);
        let (w, h) = (self.width, self.height);
        let step = usize::try_from(index % 1_000_000).unwrap_or(0);
        let side = h / 5;
        let (x, y) = (bounce(step * w / 160, w - side), bounce(step * h / 250, h - side));
        for (row, line) in out[..w * h].chunks_exact_mut(w).skip(y).take(side).enumerate() {
            for (column, sample) in line[x..x + side].iter_mut().enumerate() {
                *sample = 90 + u8::try_from((row * 5 + column * 3 + (row ^ column)) % 120).unwrap_or(0);
            }
        }
        let dot = (h / 60).max(1);
        self.number(out, dot * 2, dot * 2, dot, index % 1_000_000);
        self.number(out, dot * 2, h - dot * 8, dot, index / 30 % 1_000_000);
    }

    /// Six digits, each 3x5 dots.
    fn number(&self, out: &mut [u8], x: usize, y: usize, dot: usize, value: u64) {
        for (place, digit) in format!("{value:06}").bytes().enumerate() {
            let glyph = DIGITS[usize::from(digit.saturating_sub(b'0')) % 10];
            for (row, bits) in glyph.iter().enumerate() {
                for column in 0..3 {
                    let bright = if bits >> (2 - column) & 1 == 1 { 235 } else { 16 };
                    let left = x + (place * 4 + column) * dot;
                    for line in 0..dot {
                        let start = (y + row * dot + line) * self.width + left;
                        if left + dot <= self.width
                            && let Some(samples) = out.get_mut(start..start + dot)
                        {
                            samples.fill(bright);
                        }
                    }
                }
            }
        }
    }
}

fn bounce(at: usize, range: usize) -> usize {
    let range = range.max(1);
    let at = at % (2 * range);
    if at < range { at } else { 2 * range - 1 - at }
}
