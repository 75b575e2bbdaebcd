//! One ladder of layers for all peers. A layer is encoded while somebody wants it and can afford it, once for all of them.
//!
//! **One slow peer costs nobody else anything.** A layer's rate is what those of its peers carry who carry about as much as
//! the best; who carries less gets the next lower layer, at the bottom the base pictures alone, at last none. Many copies of
//! a layer cost their number, so the more peers get it, the nearer its rate is to the ladder's.

use crate::frames::SpatialLayer;
use crate::limits::{LAYER_COPIES_KBPS, LAYER_KEEP_KBPS, LAYER_LADDER_KBPS, LAYER_MAX_KBPS};
use crate::time::{Bitrate, Instant};

use super::super::LayerTarget;
use super::{LAYERS, Rung, VideoShare, index};

/// Who joins a layer carries at least this part of what the best carries: what its presence may cost the others ...
const JOINS: f64 = 0.9;
/// ... and who has it already, this much: an estimate wanders.
const STAYS: f64 = 0.8;
/// What the base pictures cost of their layer's rate ...
const BASE_JOINS: f64 = 0.6;
/// ... and for who has them already.
const BASE_STAYS: f64 = 0.5;

/// What came of dividing.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::core) struct Division {
    /// For the encoder, smallest layer first.
    pub(in crate::core) targets: Vec<LayerTarget>,
    /// Layers that somebody begins to get.
    pub(in crate::core) begun: Vec<SpatialLayer>,
    /// When to look again without any news.
    pub(in crate::core) again_at: Option<Instant>,
}

/// Chooses what each peer gets, and the rates of what is encoded.
pub(in crate::core) fn divide(now: Instant, shares: &mut [&mut VideoShare]) -> Division {
    let mut chosen: Vec<Option<Rung>> =
        shares.iter().map(|share| share.affordable(now).map(|layer| Rung { layer, whole: true })).collect();
    let mut targets = Vec::new();
    for layer in LAYERS.into_iter().rev() {
        targets.extend(divide_layer(layer, shares, &mut chosen));
    }
    targets.reverse();
    let mut division = Division { targets, ..Division::default() };
    for (share, chosen) in shares.iter_mut().zip(chosen) {
        if share.aim(now, chosen) {
            division.begun.extend(share.target_layer());
        }
    }
    division.begun.sort_unstable();
    division.begun.dedup();
    division.again_at = shares.iter().filter_map(|share| share.held_until(now)).min();
    division
}

/// Sends those down who would hold the others back, and gives the rate for the rest.
fn divide_layer(layer: SpatialLayer, shares: &[&mut VideoShare], chosen: &mut [Option<Rung>]) -> Option<LayerTarget> {
    let whole = Rung { layer, whole: true };
    let members = |chosen: &[Option<Rung>]| {
        let places = chosen.iter().enumerate().filter(|(_, rung)| **rung == Some(whole));
        places.map(|(place, _)| place).collect::<Vec<usize>>()
    };
    let wanting = members(chosen);
    let most = most_for(layer, wanting.len());
    let best = wanting.iter().map(|place| shares[*place].affords()).max()?.min(most);
    for place in wanting {
        let share = &shares[place];
        let before = share.target.filter(|rung| rung.layer == layer);
        let part = if before.is_some_and(|rung| rung.whole) { STAYS } else { JOINS };
        if share.affords().min(most) < best.scaled(part) {
            chosen[place] = lower(layer, share, before, best);
        }
    }
    let least = members(chosen).iter().map(|place| shares[*place].affords()).min()?;
    // Base pictures are copies, too.
    let copies = chosen.iter().flatten().filter(|rung| rung.layer == layer).count();
    Some(LayerTarget { layer, bitrate: least.min(most_for(layer, copies)) })
}

/// What one who cannot keep up with a layer gets instead.
fn lower(layer: SpatialLayer, share: &VideoShare, before: Option<Rung>, rate: Bitrate) -> Option<Rung> {
    match layer {
        SpatialLayer::Full => Some(Rung { layer: SpatialLayer::Medium, whole: true }),
        SpatialLayer::Medium => Some(Rung { layer: SpatialLayer::Small, whole: true }),
        SpatialLayer::Small => {
            let part = if before.is_some() { BASE_STAYS } else { BASE_JOINS };
            // An estimate grows only where something is sent: a path at its floor with no pictures at all would stay there.
            let tries = share.affords() >= Bitrate::from_kbps(LAYER_KEEP_KBPS[index(layer)]);
            (tries || share.affords() >= rate.scaled(part)).then_some(Rung { layer, whole: false })
        }
    }
}

/// What a layer may cost when so many get it.
fn most_for(layer: SpatialLayer, peers: usize) -> Bitrate {
    let layer = index(layer);
    let each = LAYER_COPIES_KBPS[layer] / u64::try_from(peers.max(1)).unwrap_or(u64::MAX);
    Bitrate::from_kbps(each.clamp(LAYER_LADDER_KBPS[layer], LAYER_MAX_KBPS[layer]))
}

/// Whether the encoder should be told: other layers, or a rate that moved by more than three percent.
pub(in crate::core) fn differs(old: &[LayerTarget], new: &[LayerTarget]) -> bool {
    old.len() != new.len()
        || old.iter().zip(new).any(|(old, new)| {
            let (a, b) = (old.bitrate.as_bps(), new.bitrate.as_bps());
            old.layer != new.layer || a.abs_diff(b) * 100 > a.max(b) * 3
        })
}
