//! Counters of sent and received pictures, named as in WebRTC's statistics (snake case). Filled by the sender's and the
//! receiver's threads, read once a second by the app.

use super::Codec;

/// What was captured and encoded since the start. Times and counts are sums over all layers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct VideoSendStats {
    /// Pictures that the source handed over.
    pub frames_captured: u64,
    /// Pictures encoded.
    pub frames_encoded: u64,
    /// Of these, key frames.
    pub key_frames: u64,
    /// Captured pictures that were never encoded, because a newer one came first or the encoder let them go.
    pub frames_dropped: u64,
    /// Bytes of all encoded pictures.
    pub bytes_encoded: u64,
    /// Wall time spent encoding.
    pub total_encode_time_s: f64,
    /// 95th percentile of the last encodes of the largest layer, in milliseconds.
    pub p95_encode_ms: f64,
    /// Codec of the largest layer; `None`: nothing is encoded.
    pub codec: Option<Codec>,
    /// Size of the largest layer.
    pub width: u32,
    /// Size of the largest layer.
    pub height: u32,
    /// Pictures per second encoded over the last second.
    pub fps: f64,
    /// Sum of the layers' wanted rates.
    pub target_bps: u64,
}

/// What was received, decoded and shown since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct VideoReceiveStats {
    /// Pictures decoded.
    pub frames_decoded: u64,
    /// Of these, key frames.
    pub key_frames: u64,
    /// Received but not shown: undecodable, overtaken by a newer one, or too late.
    pub frames_dropped: u64,
    /// Wall time spent decoding.
    pub total_decode_time_s: f64,
    /// WebRTC's `freezeCount`: gaps between shown pictures longer than max(3 x mean gap, mean gap + 150 ms).
    pub freeze_count: u64,
    /// WebRTC's `totalFreezesDuration`.
    pub total_freezes_duration_s: f64,
    /// Size of the last picture.
    pub width: u32,
    /// Size of the last picture.
    pub height: u32,
    /// Pictures shown over the last second.
    pub fps: f64,
    /// Codec of the last picture; `None` before the first.
    pub codec: Option<Codec>,
}
