//! Encoded audio and video as the core carries them, and what goes with them: reports and wishes. It never looks inside a
//! payload. The engine makes and takes these; `wire` gives them their form in a datagram.

use bytes::Bytes;

/// How a video payload is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VideoCodec {
    /// AV1, one temporal unit per frame (low-overhead OBU stream).
    Av1,
    /// H.264, Annex B.
    H264,
}

/// A spatial layer of the one ladder that serves everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SpatialLayer {
    /// 180 lines.
    Small,
    /// 360 lines.
    Medium,
    /// 720 lines, or whatever the camera's full size is.
    Full,
}

/// One encoded piece of sound: 20 ms or less of Opus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudioFrame {
    /// Counts frames by one from a sender's start. Gaps are losses or silence (DTX); `position` tells which.
    pub sequence: u32,
    /// Of the first sample, in 48 kHz samples since the sender's microphone started.
    pub position: u64,
    /// Loudness for "who speaks": 0 silent .. 127 full scale, as -dBov inverted (127 + dBov).
    pub level: u8,
    /// Received only: its own datagram has not come, this is a copy that came with a later one, or a
    /// parity gave it. It tells nothing of how long
    /// the path takes. Senders leave it false.
    pub is_copy: bool,
    /// The Opus packet.
    pub payload: Bytes,
}

/// One encoded picture of one layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VideoFrame {
    /// Which rung of the ladder.
    pub layer: SpatialLayer,
    /// 0 is the base; frames of 1 are referred to by nobody and may be lost freely.
    pub temporal: u8,
    /// Counts frames by one within a layer.
    pub number: u32,
    /// How many numbers back the newest frame that this one needs lies; 0 for a key frame.
    pub needs_back: u8,
    /// How the payload is coded; changes only at a key frame.
    pub codec: VideoCodec,
    /// When the picture was captured, in microseconds on the sender's media clock (see `SenderReport`).
    pub captured_us: u64,
    /// Decoded size in pixels.
    pub width: u16,
    /// Decoded size in pixels.
    pub height: u16,
    /// The coded picture.
    pub payload: Bytes,
}

impl VideoFrame {
    /// Needs no other frame.
    #[must_use]
    pub const fn is_key(&self) -> bool {
        self.needs_back == 0
    }
}

/// Ties the sound clock to the media clock, so that lips and voice meet again at the receiver (as RTCP SR does).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SenderReport {
    /// The 48 kHz sample position ...
    pub audio_position: u64,
    /// ... that was captured at this moment of the sender's media clock, in microseconds.
    pub captured_us: u64,
    /// The sender's microphone is muted.
    pub muted: bool,
    /// The sender's camera is on.
    pub camera_on: bool,
    /// What this receiver goes short of. The core fills it in for each; what the app says here goes nowhere.
    pub shortfall: Shortfall,
}

/// How much less than it wants a receiver gets of a sender's pictures, because the path between the two carries no more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shortfall {
    /// It gets what it wants.
    #[default]
    Nothing,
    /// Smaller pictures.
    Smaller,
    /// Every other picture, of a small size at that.
    Fewer,
    /// Sound alone.
    NoPictures,
}

/// What a receiver wants of a sender's video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The largest layer that its tile can show; `None`: no video at all (hidden tile).
    pub layer: Option<SpatialLayer>,
    /// Both temporal layers, or the base only.
    pub full_frame_rate: bool,
}
