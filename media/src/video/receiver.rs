//! `decode -> playout -> slot`: one remote's pictures on a thread of their own.
//!
//! Decodes at once, shows each picture when its sound is heard, newest wins. Never asks the network for anything itself:
//! it says when it needs a key frame.

use std::path::PathBuf;
use std::sync::Arc;

use super::{EncodedVideo, Layer, VideoError, VideoReceiveStats};
use crate::audio::PlayoutPoint;
use crate::picture::PictureSlot;

/// How to receive one remote's pictures.
#[derive(Clone, Debug, Default)]
pub struct VideoReceiveConfig {
    /// Folder and name: every shown picture goes to `NAME.y4m` and a line about it to `NAME.csv`.
    pub pictures_out: Option<(PathBuf, String)>,
}

/// News from a receiver's thread. The closure must not block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VideoReceiveEvent {
    /// The first picture was shown.
    FirstPicture {
        /// When, microseconds since the Unix epoch.
        unix_us: u64,
    },
    /// Nothing can be decoded before a key frame of this layer.
    NeedKey(Layer),
    /// Pictures have another size from now on.
    SizeChanged {
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// `pictures_out` cannot be written: why, as a sentence. The call goes on without it.
    PicturesOutFailed(String),
}

/// Decodes and shows one remote's pictures until dropped.
pub struct VideoReceiver {}

impl VideoReceiver {
    /// Starts the thread. `playout` tells what of the remote's sound is being heard.
    ///
    /// # Errors
    /// The system gives no thread, or `pictures_out` cannot be written.
    pub fn start(
        config: VideoReceiveConfig,
        slot: Arc<PictureSlot>,
        playout: Box<dyn Fn() -> Option<PlayoutPoint> + Send>,
        on_event: Box<dyn FnMut(VideoReceiveEvent) + Send>,
    ) -> Result<Self, VideoError> {
        drop((config, slot, playout, on_event));
        Ok(Self {})
    }

    /// A frame arrived. Never blocks; when the decoder lags far behind, the oldest are dropped.
    pub fn push(&self, _frame: EncodedVideo) {}

    /// Counters since the start.
    #[must_use]
    pub fn stats(&self) -> VideoReceiveStats {
        VideoReceiveStats::default()
    }
}
