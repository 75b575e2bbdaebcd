//! One ladder of layers for all peers: which layer each one gets, and what each layer may cost. A layer is encoded while
//! somebody wants it and can afford it; its rate is the smallest budget among those who get it.

use std::time::Duration;

use crate::frames::{SpatialLayer, VideoFrame, Wish};
use crate::limits::{LAYER_KEEP_KBPS, LAYER_MAX_KBPS, LAYER_UP_KBPS};
use crate::time::{Bitrate, Instant};

use super::LayerTarget;

/// After a step down nothing is tried for this long: what was too much a moment ago still is.
const UPGRADE_AFTER_DOWNGRADE: Duration = Duration::from_secs(2);
const LAYERS: [SpatialLayer; 3] = [SpatialLayer::Small, SpatialLayer::Medium, SpatialLayer::Full];

/// One peer's part of our video.
#[derive(Debug)]
pub(super) struct VideoShare {
    pub(super) wish: Wish,
    pub(super) budget: Option<Bitrate>,
    /// What the peer is to get.
    target: Option<SpatialLayer>,
    /// What it gets until a key frame of the target comes.
    current: Option<SpatialLayer>,
    stepped_down_at: Option<Instant>,
}

impl Default for VideoShare {
    fn default() -> Self {
        // Until the peer says otherwise it has one large tile.
        let wish = Wish { layer: Some(SpatialLayer::Full), full_frame_rate: true };
        Self { wish, budget: None, target: None, current: None, stepped_down_at: None }
    }
}

impl VideoShare {
    /// Chooses the layer anew. `true`: another one than before.
    pub(super) fn choose(&mut self, now: Instant, cap: Option<Bitrate>) -> bool {
        let budget = self.effective_budget(cap);
        let held = self.stepped_down_at.is_some_and(|at| now.since(at) < UPGRADE_AFTER_DOWNGRADE);
        let chosen = self.wish.layer.and_then(|most| {
            let affordable = LAYERS.iter().zip(LAYER_UP_KBPS).zip(LAYER_KEEP_KBPS).filter(|((layer, up), keep)| {
                let kept = self.target.is_some_and(|target| target >= **layer);
                let threshold = if kept { *keep } else { *up };
                **layer <= most && budget.as_kbps() >= threshold && (kept || !held || self.target.is_none())
            });
            affordable.map(|((layer, _), _)| *layer).next_back()
        });
        if chosen == self.target {
            return false;
        }
        if chosen < self.target && self.wish.layer >= self.target {
            self.stepped_down_at = Some(now);
        }
        self.target = chosen;
        true
    }

    pub(super) const fn target(&self) -> Option<SpatialLayer> {
        self.target
    }

    /// The room was left, or the path is gone.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    /// Whether this frame is for the peer. A new layer begins with a key frame; until then the old one goes on.
    pub(super) fn wants(&mut self, frame: &VideoFrame) -> bool {
        if self.target == Some(frame.layer) && frame.is_key() {
            self.current = self.target;
        }
        if self.target.is_none() {
            self.current = None;
        }
        if self.current != Some(frame.layer) {
            return false;
        }
        frame.temporal == 0 || self.wish.full_frame_rate
    }

    /// Whether a request for a key frame of this layer is still of use.
    pub(super) fn uses(&self, layer: SpatialLayer) -> bool {
        self.target == Some(layer)
    }

    fn effective_budget(&self, cap: Option<Bitrate>) -> Bitrate {
        // Before the first estimate: enough for the middle of the ladder.
        let budget = self.budget.unwrap_or(Bitrate::from_kbps(LAYER_UP_KBPS[1]));
        cap.map_or(budget, |cap| budget.min(cap))
    }
}

/// The targets for the encoder. `cap` is each peer's part of our own upper bound.
pub(super) fn targets<'a>(shares: impl Iterator<Item = &'a VideoShare>, cap: Option<Bitrate>) -> Vec<LayerTarget> {
    let mut lowest: [Option<Bitrate>; 3] = [None; 3];
    for share in shares {
        if let Some(layer) = share.target {
            let slot = &mut lowest[index(layer)];
            let budget = share.effective_budget(cap);
            *slot = Some(slot.map_or(budget, |known| known.min(budget)));
        }
    }
    LAYERS
        .iter()
        .filter_map(|layer| {
            let most = Bitrate::from_kbps(LAYER_MAX_KBPS[index(*layer)]);
            lowest[index(*layer)].map(|budget| LayerTarget { layer: *layer, bitrate: budget.min(most) })
        })
        .collect()
}

/// Whether the encoder should be told: other layers, or a rate that moved by more than three percent.
pub(super) fn differs(old: &[LayerTarget], new: &[LayerTarget]) -> bool {
    old.len() != new.len()
        || old.iter().zip(new).any(|(old, new)| {
            let (a, b) = (old.bitrate.as_bps(), new.bitrate.as_bps());
            old.layer != new.layer || a.abs_diff(b) * 100 > a.max(b) * 3
        })
}

const fn index(layer: SpatialLayer) -> usize {
    match layer {
        SpatialLayer::Small => 0,
        SpatialLayer::Medium => 1,
        SpatialLayer::Full => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(kbps: u64, most: SpatialLayer) -> VideoShare {
        let wish = Wish { layer: Some(most), full_frame_rate: true };
        let mut share = VideoShare { wish, budget: Some(Bitrate::from_kbps(kbps)), ..VideoShare::default() };
        share.choose(Instant::ZERO, None);
        share
    }

    #[test]
    fn two_people_cost_one_layer_and_the_slower_of_a_layer_sets_its_rate() {
        let (fast, slow, small) =
            (share(5000, SpatialLayer::Full), share(1100, SpatialLayer::Full), share(5000, SpatialLayer::Small));
        let one = targets([&fast].into_iter(), None);
        assert_eq!(one, [LayerTarget { layer: SpatialLayer::Full, bitrate: Bitrate::from_kbps(1800) }]);
        let three = targets([&fast, &slow, &small].into_iter(), None);
        assert_eq!(three.len(), 2);
        assert_eq!(three[1].bitrate, Bitrate::from_kbps(1100));
        assert_eq!(three[0].layer, SpatialLayer::Small);
    }

    #[test]
    fn down_at_once_up_after_a_while_and_no_flapping_around_a_threshold() {
        let mut share = share(1200, SpatialLayer::Full);
        assert_eq!(share.target(), Some(SpatialLayer::Full));
        let at = |share: &mut VideoShare, ms: u64, kbps: u64| {
            share.budget = Some(Bitrate::from_kbps(kbps));
            share.choose(Instant::from_micros(ms * 1000), None);
            share.target()
        };
        assert_eq!(at(&mut share, 100, 900), Some(SpatialLayer::Full));
        assert_eq!(at(&mut share, 200, 700), Some(SpatialLayer::Medium));
        assert_eq!(at(&mut share, 300, 1500), Some(SpatialLayer::Medium));
        assert_eq!(at(&mut share, 2300, 1500), Some(SpatialLayer::Full));
        assert_eq!(at(&mut share, 2400, 20), Some(SpatialLayer::Small));
        share.wish.layer = None;
        assert_eq!(at(&mut share, 2500, 2000), None);
    }

    #[test]
    fn a_new_layer_begins_with_its_key_frame() {
        let mut share = share(400, SpatialLayer::Full);
        let frame = |layer, needs_back| VideoFrame {
            layer,
            temporal: 0,
            number: 1,
            needs_back,
            codec: crate::frames::VideoCodec::Av1,
            captured_us: 0,
            width: 640,
            height: 360,
            payload: bytes::Bytes::new(),
        };
        assert!(!share.wants(&frame(SpatialLayer::Medium, 1)));
        assert!(share.wants(&frame(SpatialLayer::Medium, 0)));
        share.budget = Some(Bitrate::from_kbps(2000));
        assert!(share.choose(Instant::ZERO, None));
        assert!(share.wants(&frame(SpatialLayer::Medium, 1)), "the old layer goes on");
        assert!(!share.wants(&frame(SpatialLayer::Full, 1)));
        assert!(share.wants(&frame(SpatialLayer::Full, 0)));
        assert!(!share.wants(&frame(SpatialLayer::Medium, 1)));
    }
}
