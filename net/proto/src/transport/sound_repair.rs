//! What is sent twice so that lost sound is heard all the same, and how many frames share a datagram: decided from the losses
//! that the peer reports and from what the path carries. Sound of its own goes to each peer, so each path gets what it needs.
//!
//! A few losses are answered by a parity of two frames (`sound_parity`), which costs what a copy does and gets through more;
//! many by whole copies behind newer frames (RFC 2198's idea), which need nothing else to have come; losses in a row need a copy
//! that comes after the burst.

use crate::core::SoundLoss;
use crate::time::Bitrate;

/// What sound may count on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SoundPath {
    pub(super) rate: Bitrate,
    /// It was lately seen to queue.
    pub(super) crowded: bool,
}

/// What goes into the next datagrams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Repair {
    /// How many frames behind the newest the copies lie, nearest first.
    pub(super) copies: &'static [u32],
    /// How many frames behind it those of a parity lie.
    pub(super) parity: Option<[u8; 2]>,
    /// New frames per datagram.
    pub(super) bundle: usize,
}

impl Repair {
    /// Each frame once and at once.
    pub(super) const NONE: Self = Self { copies: &[], parity: None, bundle: 1 };
    const NEAR: Self = Self { parity: Some([1, 3]), ..Self::NONE };
    const NEAR_TWICE: Self = Self { copies: &[1, 2], ..Self::NONE };
    /// Behind a burst of four. One is enough: the encoder's deep redundancy fills what both miss.
    const FAR: Self = Self { copies: &[4], ..Self::NONE };

    fn frames(self) -> usize {
        1 + self.copies.len() + usize::from(self.parity.is_some())
    }
}

/// How bad losses are, each with its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Clean,
    Some,
    Heavy,
}

/// The share of losses from which each level is entered. In-band FEC alone leaves three of four single losses to be concealed
/// at our rate, so the first copy comes early: 2 % lost should not be heard at all.
const ENTER_SOME: f64 = 0.01;
const ENTER_HEAVY: f64 = 0.15;
/// A level is left at this part of what it was entered at.
const LEAVE: f64 = 0.5;
const LEAVE_HEAVY: f64 = 0.7;
/// Losses in a row from which copies keep a distance, and at which they come near again. At random a third lost makes 1.5.
const ENTER_BURSTS: f64 = 2.2;
const LEAVE_BURSTS: f64 = 1.7;
/// Copies may take sound up to this part of what the path carries ...
const SHARE: f64 = 0.6;
/// ... or this one where it queues: there what is sent twice drives out as much as it makes good, unless it is little.
const SHARE_CROWDED: f64 = 0.1;

/// Paths on which frames share datagrams: the headers of 50 datagrams a second are 35 kbit/s. Two frames below the first
/// (20 ms more delay, 17 kbit/s less), three below the second (23 kbit/s less). Left at a fifth more.
const THIN: Bitrate = Bitrate::from_kbps(140);
const THINNEST: Bitrate = Bitrate::from_kbps(110);
const WIDER: f64 = 1.2;

/// Remembers what was decided, so that decisions do not flap.
#[derive(Debug)]
pub(super) struct RepairPolicy {
    level: Level,
    bursts: bool,
    bundle: usize,
}

impl Default for RepairPolicy {
    fn default() -> Self {
        Self { level: Level::Clean, bursts: false, bundle: 1 }
    }
}

impl RepairPolicy {
    /// Without knowledge what was decided stays. `frame_len`: bytes that one frame takes in a datagram; `header_len`: bytes of
    /// a datagram with sound besides its frames.
    pub(super) fn decide(
        &mut self,
        loss: Option<SoundLoss>,
        path: SoundPath,
        frame_len: usize,
        header_len: usize,
    ) -> Repair {
        let SoundPath { rate: path, crowded } = path;
        if let Some(loss) = loss {
            self.judge(loss);
        }
        self.bundle = bundle(self.bundle, path);
        let wanted = match (self.level, self.bursts) {
            (Level::Clean, _) => Repair::NONE,
            (Level::Some, false) => Repair::NEAR,
            (Level::Some | Level::Heavy, true) => Repair::FAR,
            (Level::Heavy, false) => Repair::NEAR_TWICE,
        };
        let room = path.scaled(if crowded { SHARE_CROWDED } else { SHARE });
        let fits = |repair: Repair| sound_rate(frame_len, header_len, repair.frames()) <= room;
        let repair =
            [wanted, Repair::NEAR].into_iter().find(|repair| repair.frames() <= wanted.frames() && fits(*repair));
        match repair {
            Some(repair) if self.bundle == 1 => repair,
            _ => Repair { bundle: self.bundle, ..Repair::NONE },
        }
    }

    fn judge(&mut self, loss: SoundLoss) {
        self.level = match self.level {
            _ if loss.share >= ENTER_HEAVY => Level::Heavy,
            Level::Heavy if loss.share >= ENTER_HEAVY * LEAVE_HEAVY => Level::Heavy,
            _ if loss.share >= ENTER_SOME => Level::Some,
            Level::Heavy | Level::Some if loss.share >= ENTER_SOME * LEAVE => Level::Some,
            Level::Clean | Level::Some | Level::Heavy => Level::Clean,
        };
        self.bursts = loss.burst >= if self.bursts { LEAVE_BURSTS } else { ENTER_BURSTS };
    }
}

fn bundle(now: usize, path: Bitrate) -> usize {
    let wider = |bound: Bitrate, holds: bool| if holds { bound.scaled(WIDER) } else { bound };
    if path < wider(THINNEST, now == 3) {
        3
    } else if path < wider(THIN, now >= 2) {
        2
    } else {
        1
    }
}

/// Of 50 datagrams a second.
fn sound_rate(frame_len: usize, header_len: usize, frames: usize) -> Bitrate {
    Bitrate::from_bps((header_len + frame_len * frames) as u64 * 8 * 50)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDE: Bitrate = Bitrate::from_kbps(2000);

    fn decide(policy: &mut RepairPolicy, share: f64, burst: f64, path: Bitrate) -> Repair {
        policy.decide(Some(SoundLoss { share, burst }), SoundPath { rate: path, crowded: false }, 68, 95)
    }

    #[test]
    fn where_it_queues_copies_go_out_only_if_they_are_little_of_it() {
        let mut policy = RepairPolicy::default();
        let mut at = |kbps| {
            let path = SoundPath { rate: Bitrate::from_kbps(kbps), crowded: true };
            policy.decide(Some(SoundLoss { share: 0.05, burst: 1.0 }), path, 68, 95)
        };
        assert_eq!(at(500), Repair::NONE);
        assert_eq!(at(2000), Repair::NEAR);
    }

    #[test]
    fn losses_get_repairs_and_bursts_get_distance() {
        let mut policy = RepairPolicy::default();
        let mut answer = |share, burst| decide(&mut policy, share, burst, WIDE);
        assert_eq!(answer(0.0, 1.0), Repair::NONE);
        assert_eq!(answer(0.02, 1.0), Repair::NEAR);
        assert_eq!(answer(0.007, 1.0), Repair::NEAR, "no flapping around the threshold");
        assert_eq!(answer(0.004, 1.0), Repair::NONE);
        assert_eq!(answer(0.3, 1.4), Repair::NEAR_TWICE);
        assert_eq!(answer(0.12, 1.1), Repair::NEAR_TWICE);
        assert_eq!(answer(0.05, 3.0), Repair::FAR);
        assert_eq!(answer(0.2, 2.0), Repair::FAR);
        assert_eq!(answer(0.2, 1.2), Repair::NEAR_TWICE);
    }

    #[test]
    fn a_thin_path_gets_no_copies_and_fewer_datagrams() {
        let mut policy = RepairPolicy::default();
        let mut at = |kbps| decide(&mut policy, 0.2, 1.2, Bitrate::from_kbps(kbps));
        assert_eq!(at(300), Repair::NEAR_TWICE);
        assert_eq!(at(170), Repair::NEAR, "two copies would leave nothing for anything else");
        assert_eq!(at(120), Repair { bundle: 2, ..Repair::NONE });
        assert_eq!(at(60), Repair { bundle: 3, ..Repair::NONE });
        assert_eq!(at(120), Repair { bundle: 3, ..Repair::NONE });
        assert_eq!(at(150), Repair { bundle: 2, ..Repair::NONE });
        assert_eq!(at(180).bundle, 1);
    }
}
