//! How much the path carries, from what feedback tells. The trait is what the transport knows; [`DelayAndLoss`] is the one
//! that ships: delay trend (libwebrtc's shape, draft-ietf-rmcat-gcc-02), losses that rate reduction does not cure are
//! not congestion, probes instead of guesses while little is sent.

mod acked;
mod busy;
mod delay_loss;
mod loss;
mod probe;
mod rival;
mod trend;

pub(super) use delay_loss::DelayAndLoss;
pub(super) use probe::padding;

use std::fmt::Debug;
use std::time::Duration;

use super::sent_log::PacketReport;
use crate::time::{Bitrate, Instant};

/// A burst of datagrams at a rate of its own, padded if there is too little to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Probe {
    pub(super) id: u32,
    pub(super) rate: Bitrate,
}

/// Watches one direction of one path.
pub(super) trait BandwidthEstimator: Debug + Send {
    /// What the path is believed to carry, packet headers included.
    fn estimate(&self) -> Bitrate;
    /// The same once a queue that is being emptied is empty; no less than now.
    fn settled(&self) -> Bitrate;
    /// Share of datagrams that get lost lately, 0 to 1.
    fn loss(&self) -> f64;
    /// What the path was seen to carry when it was full, if the estimate is near that and not only what was needed so far.
    fn limit(&self) -> Option<Bitrate>;
    /// When the path's queue last made the estimate smaller.
    fn congested_at(&self) -> Option<Instant>;
    /// Somebody else keeps the path's queue filled.
    fn has_rival(&self) -> bool;
    /// Less is sent than it would allow.
    fn is_limited_by_application(&self) -> bool;
    /// Its part of what paths with one bottleneck carry together.
    fn share(&mut self, part: Bitrate);
    fn sent(&mut self, now: Instant, bytes: usize, probe: Option<u32>);
    /// `packets` ascending by number.
    fn feedback(&mut self, now: Instant, packets: &[PacketReport], round_trip: Duration);
    /// The burst that should be going out now.
    fn probe(&self) -> Option<Probe>;
    /// Nothing was reported for too long although something was sent.
    fn silence(&mut self, now: Instant);
    fn handle_timeout(&mut self, now: Instant);
    fn next_wake(&self) -> Option<Instant>;
    fn path_changed(&mut self, now: Instant);
    fn set_max(&mut self, max: Option<Bitrate>);
    /// What could be used at most; `None`: as much as any call. More need not be known.
    fn set_useful(&mut self, now: Instant, useful: Option<Bitrate>);
}
