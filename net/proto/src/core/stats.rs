//! Counters of sessions, for statistics panels and benches. Filled by `session` and `transport`.

use std::net::SocketAddr;
use std::time::Duration;

use crate::frames::Shortfall;
use crate::time::Bitrate;

use super::WakeReason;

/// Counters of one peer's session; names follow WebRTC's where one exists.
#[derive(Clone, Debug, Default)]
pub struct PeerStats {
    /// Smoothed round trip on the path in use.
    pub round_trip_time: Option<Duration>,
    /// Current estimate of what the path carries.
    pub available_outgoing_bitrate: Bitrate,
    /// Address in use.
    pub address: Option<SocketAddr>,
    /// How long the current key has been in use.
    pub key_age: Duration,
    /// How many times the session was rekeyed.
    pub rekeys: u32,
    /// Whole datagrams to the peer, without UDP and IP headers: all that is sealed, sound, pictures, reports and control.
    pub sent: DatagramStats,
    /// The same from the peer.
    pub received: DatagramStats,
    /// Audio as sent.
    pub sent_audio: FlowStats,
    /// How the path loses our sound, as the peer reports.
    pub sound_loss: SoundLoss,
    /// What our sound may count on there: the estimate, unless only losses brought that down.
    pub sound_bitrate: Bitrate,
    /// How many of our datagrams met a queue that marked them (ECN); `None`: the path does not pass marks, or is not known to.
    pub congestion_marks: Option<u64>,
    /// Video as sent.
    pub sent_video: FlowStats,
    /// Audio as received.
    pub received_audio: FlowStats,
    /// Video as received.
    pub received_video: FlowStats,
    /// Datagrams dropped: replayed, forged, malformed, stale.
    pub dropped_datagrams: u64,
    /// What the peer goes short of, of our pictures.
    pub shortfall: Shortfall,
    /// The last reasons to wake, newest last, at most 16.
    pub last_wakes: Vec<WakeReason>,
}

/// How a path loses sound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SoundLoss {
    /// Share of datagrams, 0 to 1.
    pub share: f64,
    /// Losses in a row, on average: 1 / (1 - share) if they fall at random.
    pub burst: f64,
}

impl SoundLoss {
    /// Nothing is lost, or nothing is known.
    pub const NONE: Self = Self { share: 0.0, burst: 1.0 };
}

impl Default for SoundLoss {
    fn default() -> Self {
        Self::NONE
    }
}

/// Counters of one direction of a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DatagramStats {
    /// Bytes of UDP payload.
    pub bytes: u64,
    /// How many.
    pub packets: u64,
}

impl DatagramStats {
    pub(crate) fn count(&mut self, bytes: usize) {
        self.bytes += u64::try_from(bytes).unwrap_or(u64::MAX);
        self.packets += 1;
    }
}

/// Counters of one direction of one medium.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlowStats {
    /// Payload and framing, without UDP and IP headers.
    pub bytes: u64,
    /// Datagrams (or chunks, where several share one) of this medium.
    pub packets: u64,
    /// Never arrived, as far as known.
    pub packets_lost: u64,
    /// Fragments sent again, or received after a request.
    pub packets_retransmitted: u64,
    /// Requests for fragments: sent (received flow) or received (sent flow).
    pub nack_count: u64,
    /// Key frame requests: sent (received flow) or received (sent flow).
    pub pli_count: u64,
    /// Whole frames.
    pub frames: u64,
    /// Frames dropped: by the pacer (sent) or given up (received).
    pub frames_dropped: u64,
}
