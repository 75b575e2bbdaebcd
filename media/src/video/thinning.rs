//! Fewer pictures where few bits are left for each: 30, 15 or 7.5 a second. Pure; kept by the encoder of each layer.
//!
//! Only the smallest layer gets so little that it matters: the larger ones make way for it before. Fewer pictures at once,
//! more only after a while at clearly more than they need.

use super::Layer;

/// Below this a picture at 30 f/s has less than 290 bytes, and moving things turn into blocks.
const FULL_BPS: u64 = 70_000;
/// Below this the same holds for 15 f/s.
const HALF_BPS: u64 = 35_000;
/// More pictures again from so much more than what they need ...
const UP: (u64, u64) = (140, 100);
/// ... once it has lasted.
const UP_AFTER_US: u64 = 2_000_000;

/// How many pictures are encoded.
#[derive(Debug)]
pub(crate) struct Thinning {
    every: u64,
    place: u64,
    /// Since when more pictures could be afforded.
    plenty_since_us: Option<u64>,
}

impl Default for Thinning {
    fn default() -> Self {
        Self { every: 1, place: 0, plenty_since_us: None }
    }
}

impl Thinning {
    /// Every how many pictures one is encoded: 1, 2 or 4.
    pub(crate) fn every(&self) -> u64 {
        self.every
    }

    /// Called once for each picture: whether it is left out.
    pub(crate) fn leaves_out(&mut self, layer: Layer, now_us: u64, bitrate_bps: u64) -> bool {
        self.adapt(layer, now_us, bitrate_bps);
        let left_out = !self.place.is_multiple_of(self.every);
        self.place = self.place.wrapping_add(1);
        left_out
    }

    fn adapt(&mut self, layer: Layer, now_us: u64, bitrate_bps: u64) {
        let affordable = |bps| if layer == Layer::Small { every_for(bps) } else { 1 };
        // Never more pictures here: those wait until clearly more can be spent.
        self.every = self.every.max(affordable(bitrate_bps));
        if affordable(bitrate_bps * UP.1 / UP.0) >= self.every {
            self.plenty_since_us = None;
            return;
        }
        let since = *self.plenty_since_us.get_or_insert(now_us);
        if now_us.saturating_sub(since) >= UP_AFTER_US {
            self.every /= 2;
            self.plenty_since_us = None;
        }
    }
}

fn every_for(bitrate_bps: u64) -> u64 {
    match bitrate_bps {
        FULL_BPS.. => 1,
        HALF_BPS..FULL_BPS => 2,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pictures encoded out of two seconds' sixty, the first from this picture on.
    fn encoded(thinning: &mut Thinning, layer: Layer, from: u64, bps: u64) -> usize {
        (from..from + 60).filter(|index| !thinning.leaves_out(layer, index * 33_333, bps)).count()
    }

    #[test]
    fn fewer_pictures_at_once_and_more_after_a_while() {
        let mut thinning = Thinning::default();
        assert_eq!(encoded(&mut thinning, Layer::Small, 0, 100_000), 60);
        assert_eq!(encoded(&mut thinning, Layer::Small, 60, 60_000), 30);
        assert_eq!(encoded(&mut thinning, Layer::Small, 120, 30_000), 15);
        assert_eq!(encoded(&mut thinning, Layer::Small, 180, 45_000), 15, "enough, but not clearly");
        assert_eq!(encoded(&mut thinning, Layer::Small, 240, 52_000), 15, "not before it has lasted");
        assert_eq!(encoded(&mut thinning, Layer::Small, 300, 52_000), 30);
        encoded(&mut thinning, Layer::Small, 360, 200_000);
        assert_eq!(encoded(&mut thinning, Layer::Small, 420, 200_000), 60);
    }

    #[test]
    fn larger_layers_make_way_instead() {
        let mut thinning = Thinning::default();
        assert_eq!(encoded(&mut thinning, Layer::Medium, 0, 30_000), 60);
    }
}
