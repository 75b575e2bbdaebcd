//! Pictures: `camera -> scale -> encode` and `decode -> playout -> slot`.

use bytes::Bytes;

pub(crate) mod ahead;
mod capture;
mod codec;
mod decoding;
mod encoding;
mod freezes;
mod layer_encoder;
mod overload;
mod playout;
mod probe;
mod receiver;
mod record;
mod scale;
mod sender;
mod stats;
mod thinning;

pub use overload::Power;
pub use probe::{CameraInfo, CodecSpeed, cameras, codec_speed};
pub use receiver::{VideoReceiveConfig, VideoReceiveEvent, VideoReceiver};
pub use sender::{CodecChoice, LayerTarget, VideoSendConfig, VideoSendEvent, VideoSender};
pub use stats::{VideoReceiveStats, VideoSendStats};

/// Why pictures cannot be sent or received at all. Devices and files fail by events instead.
#[derive(Debug, thiserror::Error)]
pub enum VideoError {
    /// No thread.
    #[error("The system gave no thread for video: {0}. Close other programs and try again.")]
    Thread(std::io::Error),
    /// A file that was to be written.
    #[error("{path} cannot be written: {source}. Choose another place.")]
    Write {
        /// Which.
        path: String,
        /// The system's words.
        source: std::io::Error,
    },
}

/// How a payload is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// AV1 temporal units.
    Av1,
    /// H.264 Annex B.
    H264,
}

/// A rung of the ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// 180 lines.
    Small,
    /// 360 lines.
    Medium,
    /// The camera's size, 720 lines as a rule.
    Full,
}

/// One encoded picture. The network's twin is `conclave_proto::frames::VideoFrame`; see there for the fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedVideo {
    /// Which rung.
    pub layer: Layer,
    /// 0: base; 1: needed by nobody.
    pub temporal: u8,
    /// Counts by one within a layer.
    pub number: u32,
    /// Distance to the newest frame that this one needs; 0: key frame.
    pub needs_back: u8,
    /// How it is coded.
    pub codec: Codec,
    /// When the picture was captured, sender's media clock.
    pub captured_us: u64,
    /// Decoded size.
    pub width: u16,
    /// Decoded size.
    pub height: u16,
    /// The coded picture.
    pub payload: Bytes,
}

impl EncodedVideo {
    /// Needs no other frame.
    #[must_use]
    pub const fn is_key(&self) -> bool {
        self.needs_back == 0
    }
}

#[cfg(test)]
mod tests;
