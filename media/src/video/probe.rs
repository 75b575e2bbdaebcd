//! What this machine has and can do, for `conclave doctor`: the cameras with their formats, and the speed of the codecs.

use super::Codec;

/// A camera that can capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CameraInfo {
    /// As the system calls it; what `device:NAME` looks for.
    pub name: String,
    /// Its formats in short words, such as "YUYV 1280x720 30 f/s, ...".
    pub formats: String,
}

/// How fast this machine is with a codec at 1280x720.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CodecSpeed {
    /// Which.
    pub codec: Codec,
    /// Mean time to encode a picture, in milliseconds.
    pub encode_ms: f64,
    /// 95th percentile of it.
    pub encode_p95_ms: f64,
    /// Mean time to decode a picture, in milliseconds.
    pub decode_ms: f64,
}

/// The cameras of this machine, or none. May take a second; call it off the window's thread.
#[must_use]
pub fn cameras() -> Vec<CameraInfo> {
    Vec::new()
}

/// Measures every codec of this build for about a second each.
#[must_use]
pub fn codec_speed() -> Vec<CodecSpeed> {
    Vec::new()
}
