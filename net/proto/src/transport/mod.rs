//! What flows between two peers once a path is open: sound, pictures, feedback, the reliable channel. One [`Transport`]
//! per session; it knows no keys, no addresses and no membership. The session seals what `poll_chunks` writes and hands
//! in the chunks of what it opened.
//!
//! **Numbers.** The counter of a sealed datagram is the packet number of the feedback. A rekey must not restart it: the
//! sender goes on counting under the new key (a fresh key with a high nonce is as good as one with zero), and the
//! receiver's replay window under the new key begins wherever the first datagram is.

mod api;

pub use api::{DatagramInfo, PeerMisbehaved, ReliableFull, TransportConfig, TransportEvent};

use bytes::Bytes;
use std::time::Duration;

use crate::core::{PeerStats, WakeReason};
use crate::frames::{AudioFrame, SenderReport, SpatialLayer, VideoFrame, Wish};
use crate::time::{Bitrate, Instant};
use crate::wire::Chunk;

/// One peer's media and control, both directions.
#[derive(Debug)]
pub struct Transport {}

impl Transport {
    /// For a session whose path is open. Survives rekeys and changes of path.
    #[must_use]
    pub fn new(_now: Instant, _config: TransportConfig) -> Self {
        Self {}
    }

    /// Sound leaves with the next `poll_chunks`, ahead of everything.
    pub fn send_audio(&mut self, _now: Instant, _frame: &AudioFrame) {}

    /// A picture goes into the pacer, or is dropped if it cannot be decoded or would be stale.
    pub fn send_video(&mut self, _now: Instant, _frame: &VideoFrame) {}

    /// Sent at once on a change of its flags, and every second.
    pub fn set_sender_report(&mut self, _now: Instant, _report: SenderReport) {}

    /// Sent at once, repeated until it arrived.
    pub fn set_wish(&mut self, _now: Instant, _wish: Wish) {}

    /// Our decoder cannot go on. At most one request a second goes out.
    pub fn request_key_frame(&mut self, _now: Instant, _layer: SpatialLayer) {}

    /// Ordered, exactly once, in pieces as needed; up to `limits::RELIABLE_MESSAGE_BYTES` each.
    pub fn send_reliable(&mut self, _now: Instant, _message: Bytes) -> Result<(), ReliableFull> {
        Ok(())
    }

    /// Appends the plaintext of one datagram to `out`, at most `max_plaintext` bytes, if something may go now. The
    /// caller seals it with exactly `counter_next`. Call until `None`, then ask `next_wake`.
    pub fn poll_chunks(
        &mut self,
        _now: Instant,
        _counter_next: u64,
        _max_plaintext: usize,
        _out: &mut Vec<u8>,
    ) -> Option<DatagramInfo> {
        None
    }

    /// Once per opened datagram, before its chunks. `bytes_on_wire` is the UDP payload.
    pub fn datagram_received(&mut self, _now: Instant, _counter: u64, _bytes_on_wire: usize) {}

    /// Each chunk of an opened datagram that is not the session's own.
    pub fn handle_chunk(&mut self, _now: Instant, _counter: u64, _chunk: Chunk<'_>) -> Result<(), PeerMisbehaved> {
        Ok(())
    }

    /// News for the session. Call until `None` after each input.
    pub fn poll_event(&mut self) -> Option<TransportEvent> {
        None
    }

    /// The moment of `next_wake` has come.
    pub fn handle_timeout(&mut self, _now: Instant) {}

    /// When to call `handle_timeout` and `poll_chunks` again at the latest.
    #[must_use]
    pub fn next_wake(&self, _now: Instant) -> Option<(Instant, WakeReason)> {
        None
    }

    /// Another address, another network: what was learned about the old one is forgotten.
    pub fn path_changed(&mut self, _now: Instant) {}

    /// While there is no path media are dropped and nothing is sent; the reliable channel keeps what it has.
    pub fn paused(&mut self, _now: Instant, _paused: bool) {}

    /// Upper bound of what is sent to this peer.
    pub fn set_max_bitrate(&mut self, _now: Instant, _max: Option<Bitrate>) {}

    /// Fills in the transport's part.
    pub fn stats(&self, _now: Instant, _stats: &mut PeerStats) {}

    /// Smoothed, once known.
    #[must_use]
    pub fn round_trip_time(&self) -> Option<Duration> {
        None
    }
}
