//! What one peer gets of our video: which layer, with all pictures or every other one. How it stands among the others is
//! `division`, how an uplink with a bound is shared out is `allotment`, and one without `bottleneck`.

mod allotment;
mod bottleneck;
mod division;

use std::time::Duration;

use crate::frames::{Shortfall, SpatialLayer, VideoFrame, Wish};
use crate::limits::{LAYER_FIRST_KBPS, LAYER_KEEP_KBPS, LAYER_UP_KBPS};
use crate::time::{Bitrate, Instant};
use crate::transport::PictureBudget;

pub(super) use allotment::{Allotment, allot};
pub(super) use bottleneck::{Congestion, even_out, even_part};
pub(super) use division::{Division, differs, divide};

/// After a step down nothing is tried for this long: what was too much a moment ago still is.
const UPGRADE_AFTER_DOWNGRADE: Duration = Duration::from_secs(2);
const LAYERS: [SpatialLayer; 3] = [SpatialLayer::Small, SpatialLayer::Medium, SpatialLayer::Full];

/// A step of the ladder. Every other picture of a layer is the base, which can be had alone for less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rung {
    pub(super) layer: SpatialLayer,
    /// Both temporal layers, not the base alone.
    pub(super) whole: bool,
}

/// One peer's part of our video.
#[derive(Debug)]
pub(super) struct VideoShare {
    pub(super) wish: Wish,
    /// What the path to the peer carries besides sound.
    pub(super) budget: Option<PictureBudget>,
    /// The peer's part of our own upper bound, if we have one.
    pub(super) allotted: Option<Bitrate>,
    /// Whether its path shares a bottleneck with others, and then its even part of that.
    congestion: Congestion,
    even: Option<PictureBudget>,
    /// What the peer is to get.
    target: Option<Rung>,
    /// What it gets until a key frame of the target comes.
    current: Option<SpatialLayer>,
    stepped_down_at: Option<Instant>,
}

impl Default for VideoShare {
    fn default() -> Self {
        // Until the peer says otherwise: what comes quickest and serves most tiles. A full layer for nothing costs more.
        let wish = Wish { layer: Some(SpatialLayer::Medium), full_frame_rate: true };
        Self {
            wish,
            budget: None,
            allotted: None,
            congestion: Congestion::default(),
            even: None,
            target: None,
            current: None,
            stepped_down_at: None,
        }
    }
}

impl VideoShare {
    /// The largest layer that the peer wants and that its own path carries.
    fn affordable(&self, now: Instant) -> Option<SpatialLayer> {
        let (most, budget) = (self.wish.layer?, self.affords_settled().as_kbps());
        let held = self.is_held(now) && self.target.is_some();
        let layers = LAYERS.iter().zip(LAYER_UP_KBPS).zip(LAYER_KEEP_KBPS).filter(|((layer, up), keep)| {
            let kept = self.target.is_some_and(|target| target.layer >= **layer);
            let threshold = if kept { *keep } else { *up };
            **layer <= most && budget >= threshold && (kept || !held)
        });
        layers.map(|((layer, _), _)| *layer).next_back()
    }

    /// Its path has a bottleneck in common with others.
    pub(super) const fn is_shared(&self) -> bool {
        self.congestion.is_shared()
    }

    /// `true`: of another layer than before.
    fn aim(&mut self, now: Instant, chosen: Option<Rung>) -> bool {
        let (before, after) = (self.target.map(|rung| rung.layer), chosen.map(|rung| rung.layer));
        if chosen < self.target && self.wish.layer >= before {
            self.stepped_down_at = Some(now);
        }
        self.target = chosen;
        before != after
    }

    fn is_held(&self, now: Instant) -> bool {
        self.stepped_down_at.is_some_and(|at| now.since(at) < UPGRADE_AFTER_DOWNGRADE)
    }

    /// When a step up may be tried again.
    fn held_until(&self, now: Instant) -> Option<Instant> {
        let until = self.stepped_down_at.map(|at| at + UPGRADE_AFTER_DOWNGRADE)?;
        (until > now && self.wish.layer.is_some()).then_some(until)
    }

    /// What the peer goes short of.
    pub(super) fn shortfall(&self) -> Shortfall {
        let Some(wanted) = self.wish.layer else { return Shortfall::Nothing };
        match self.target {
            None => Shortfall::NoPictures,
            Some(Rung { whole: false, .. }) if self.wish.full_frame_rate => Shortfall::Fewer,
            Some(Rung { layer, .. }) if layer < wanted => Shortfall::Smaller,
            Some(_) => Shortfall::Nothing,
        }
    }

    /// The layer that the peer is to get.
    pub(super) fn target_layer(&self) -> Option<SpatialLayer> {
        self.target.map(|rung| rung.layer)
    }

    /// The room was left, or the path is gone.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    /// Whether this frame is for the peer. A new layer begins with a key frame; until then the old one goes on.
    pub(super) fn wants(&mut self, frame: &VideoFrame) -> bool {
        let Some(target) = self.target else {
            self.current = None;
            return false;
        };
        if target.layer == frame.layer && frame.is_key() {
            self.current = Some(frame.layer);
        }
        self.current == Some(frame.layer) && (frame.temporal == 0 || (self.wish.full_frame_rate && target.whole))
    }

    /// Whether a request for a key frame of this layer is still of use.
    pub(super) fn uses(&self, layer: SpatialLayer) -> bool {
        self.target_layer() == Some(layer)
    }

    /// What may be spent on its pictures.
    fn affords(&self) -> Bitrate {
        self.at_most(|budget| budget.now)
    }

    /// The same, but for a moment: its layer follows this.
    fn affords_settled(&self) -> Bitrate {
        self.at_most(|budget| budget.settled)
    }

    fn at_most(&self, of: fn(PictureBudget) -> Bitrate) -> Bitrate {
        let part = self.even.or(self.budget).map_or(Bitrate::from_kbps(LAYER_FIRST_KBPS), of);
        self.allotted.map_or(part, |allotted| part.min(allotted))
    }
}

const fn index(layer: SpatialLayer) -> usize {
    match layer {
        SpatialLayer::Small => 0,
        SpatialLayer::Medium => 1,
        SpatialLayer::Full => 2,
    }
}

#[cfg(test)]
mod tests;
