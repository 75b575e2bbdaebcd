//! What goes into and comes out of a [`Transport`](super::Transport). Plain data.

use bytes::Bytes;
use thiserror::Error;

use crate::ecn::Ecn;
use crate::frames::{AudioFrame, SenderReport, SpatialLayer, VideoFrame, Wish};
use crate::time::Bitrate;

/// What a transport needs to know at its start.
#[derive(Clone, Copy, Debug, Default)]
pub struct TransportConfig {
    /// Upper bound of what is sent to this peer.
    pub max_bitrate: Option<Bitrate>,
}

/// News for the session.
#[derive(Clone, Debug)]
pub enum TransportEvent {
    /// Sound, in order of arrival, never twice.
    Audio(AudioFrame),
    /// A picture, in an order that can be decoded.
    Video(VideoFrame),
    /// One whole message, in order, exactly once.
    Reliable(Bytes),
    /// The peer's clock mapping, mute and camera state.
    SenderReport(SenderReport),
    /// What the peer wants to see.
    Wish(Wish),
    /// The peer, or the pacer after it had to drop, cannot go on without a key frame of this layer.
    KeyFrameWanted(SpatialLayer),
    /// What video may cost towards this peer from now on.
    EncoderBudget(PictureBudget),
}

/// What pictures may cost towards a peer: sound, framing and repair are taken off already. Zero: none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PictureBudget {
    /// Until there is other news: the encoder's rate.
    pub now: Bitrate,
    /// The same once the path's queue, if there is one, has emptied; no less than now. Which layer to make: going down one
    /// for half a second would cost two key frames.
    pub settled: Bitrate,
}

/// What a datagram carries, for the one who seals it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DatagramInfo {
    /// Sound is inside: send it before anything else that waits.
    pub has_audio: bool,
    /// A piece of a picture is inside.
    pub has_video: bool,
    /// Nothing but padding.
    pub only_padding: bool,
    /// How it is to leave.
    pub ecn: Ecn,
}

/// The message does not fit: too long, or too much waits to be acknowledged.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the reliable channel is full")]
pub struct ReliableFull;

/// The peer holds the keys and still breaks the protocol: the session ends.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum PeerMisbehaved {
    /// Two pieces of one picture contradict each other.
    #[error("two pieces of one picture contradict each other")]
    FragmentMismatch,
    /// Bytes beyond the window of the reliable channel.
    #[error("bytes beyond the window of the reliable channel")]
    ReliableWindow,
    /// A message longer than allowed.
    #[error("a reliable message longer than allowed")]
    MessageTooLong,
    /// Acknowledges bytes that were never sent.
    #[error("acknowledges what was never sent")]
    AckOfUnsent,
}
