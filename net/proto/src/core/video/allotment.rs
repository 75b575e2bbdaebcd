//! Shares out an uplink with a bound (`--max-bitrate`) among the peers: sound for all first, then base pictures for whoever
//! has a tile of ours, then upgrades, the larger tile first. Looks at wishes only, never at what paths carry: so it does not
//! follow what it causes.

use std::cmp::Reverse;

use crate::frames::{SpatialLayer, Wish};
use crate::limits::{LADDER_KBPS, LAYER_MAX_KBPS, LEAST_PICTURES_KBPS, SOUND_KBPS};
use crate::time::Bitrate;

use super::index;

/// Of what a picture's datagrams cost on the wire, what the picture itself may have.
const PAYLOAD: f64 = 0.9;

/// One peer's part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::core) struct Allotment {
    /// All that goes to it, headers included.
    pub(in crate::core) wire: Bitrate,
    /// What its pictures may have.
    pub(in crate::core) pictures: Bitrate,
}

/// Parts for these wishes, in their order.
pub(in crate::core) fn allot(uplink: Bitrate, wishes: &[Wish]) -> Vec<Allotment> {
    let peers = u64::try_from(wishes.len().max(1)).unwrap_or(u64::MAX);
    let sound = SOUND_KBPS.min(uplink.as_kbps() / peers);
    let mut rest = uplink.as_kbps() - sound * peers;
    let mut given = vec![0; wishes.len()];
    let mut order: Vec<usize> = (0..wishes.len()).filter(|place| wishes[*place].layer.is_some()).collect();
    order.sort_by_key(|place| Reverse(wishes[*place].layer));
    order.truncate(usize::try_from(rest / LEAST_PICTURES_KBPS).unwrap_or(usize::MAX));
    for place in &order {
        given[*place] = LEAST_PICTURES_KBPS;
        rest -= LEAST_PICTURES_KBPS;
    }
    // Within a layer all get the same: who got less would get none of it.
    spread(&mut rest, &mut given, &order, |_| LADDER_KBPS[0].1);
    // Whoever did not get one step gets no further one, and the order is the same at each: so the first who goes short ends it.
    let mut before = LADDER_KBPS[0].1;
    'steps: for (layer, cost) in LADDER_KBPS.into_iter().skip(1) {
        for place in order.iter().copied().filter(|place| wishes[*place].layer >= Some(layer)) {
            if rest < cost - before || given[place] < before {
                break 'steps;
            }
            rest -= cost - before;
            given[place] = cost;
        }
        before = cost;
    }
    spread(&mut rest, &mut given, &order, |place| wishes[place].layer.map_or(0, most_on_the_wire));
    let part = |kbps: u64| Allotment {
        wire: Bitrate::from_kbps(sound + kbps),
        pictures: Bitrate::from_kbps(kbps).scaled(PAYLOAD),
    };
    given.into_iter().map(part).collect()
}

/// Gives what is left to these in equal parts, to each no more than up to its most.
fn spread(rest: &mut u64, given: &mut [u64], order: &[usize], most: impl Fn(usize) -> u64) {
    for (waiting, place) in (1..=order.len()).rev().zip(order.iter().copied()) {
        let part = *rest / u64::try_from(waiting).unwrap_or(1);
        let more = part.min(most(place).saturating_sub(given[place]));
        given[place] += more;
        *rest -= more;
    }
}

const fn most_on_the_wire(layer: SpatialLayer) -> u64 {
    LAYER_MAX_KBPS[index(layer)] * 10 / 9
}
