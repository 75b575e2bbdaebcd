//! Between network and media: the same frames in the words of either side, and the two short ways that every frame
//! takes. Outwards [`Outlet`]: an encoder's thread hands its frame straight to the network. Inwards [`forward`]: one thread
//! that hands each arriving frame straight to its decoder. Neither passes through the engine's loop.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, PoisonError, RwLock, Weak};

use conclave_media::audio::{AudioEngine, EncodedAudio, RemoteId};
use conclave_media::video::{Codec, EncodedVideo, Layer, VideoReceiver};
use conclave_net::{MediaEvent, MediaEvents, Node};
use conclave_proto::core::Command;
use conclave_proto::frames::{AudioFrame, SpatialLayer, VideoCodec, VideoFrame};
use conclave_proto::ids::PeerId;

use super::limits;

/// The way from encoders and decoders to the network, which may not be there yet: devices open before the meeting does.
/// Locked for reading a pointer at each frame, for writing once a meeting.
#[derive(Default)]
pub(super) struct Outlet {
    node: RwLock<Option<Arc<Node>>>,
}

impl Outlet {
    /// From now on commands go here; `None`: nowhere.
    pub(super) fn connect(&self, node: Option<Arc<Node>>) {
        *self.node.write().unwrap_or_else(PoisonError::into_inner) = node;
    }

    /// Hands a command to the network if there is one. An overloaded network loses the frame and counts it itself.
    pub(super) fn command(&self, command: Command) {
        if let Some(node) = &*self.node.read().unwrap_or_else(PoisonError::into_inner)
            && node.command(command).is_err()
        {
            tracing::debug!("the network is overloaded; a frame was dropped");
        }
    }
}

/// Decoders by sender. Written when somebody comes or goes, read by [`forward`] for each picture.
pub(super) type Receivers = Arc<RwLock<HashMap<PeerId, Arc<VideoReceiver>>>>;

/// Hands arriving frames to the audio engine and the decoders until the network closes its end. Blocks: has a thread of
/// its own. Holds the audio engine weakly, so that the devices close when the engine says so.
pub(super) fn forward(mut media: MediaEvents, audio: &Weak<AudioEngine>, receivers: &Receivers) {
    let mut early = VecDeque::new();
    while let Some(event) = media.blocking_recv() {
        match event {
            MediaEvent::Audio(peer, frame) => {
                let Some(audio) = audio.upgrade() else { return };
                audio.push(remote_id(peer), audio_to_media(frame));
            }
            MediaEvent::Video(peer, frame) => {
                if early.len() == limits::EARLY_PICTURES {
                    early.pop_front();
                }
                early.push_back((peer, video_to_media(frame)));
            }
        }
        deliver(&mut early, receivers);
    }
}

/// Hands over what has a decoder. Somebody's first picture may overtake the news that they are in the room; it is a key
/// frame, and without it the next one would be a second away.
fn deliver(early: &mut VecDeque<(PeerId, EncodedVideo)>, receivers: &Receivers) {
    if early.is_empty() {
        return;
    }
    let receivers = receivers.read().unwrap_or_else(PoisonError::into_inner);
    early.retain(|(peer, frame)| match receivers.get(peer) {
        Some(receiver) => {
            receiver.push(frame.clone());
            false
        }
        None => true,
    });
}

/// The media side's name of a peer: the digits of [`PeerId::short`].
pub(super) fn remote_id(peer: PeerId) -> RemoteId {
    let mut first = [0; 8];
    first.copy_from_slice(&peer.0[..8]);
    u64::from_be_bytes(first)
}

pub(super) fn audio_to_net(audio: EncodedAudio) -> AudioFrame {
    let EncodedAudio { sequence, position, level, is_copy, payload } = audio;
    AudioFrame { sequence, position, level, is_copy, payload }
}

fn audio_to_media(frame: AudioFrame) -> EncodedAudio {
    let AudioFrame { sequence, position, level, is_copy, payload } = frame;
    EncodedAudio { sequence, position, level, is_copy, payload }
}

pub(super) fn video_to_net(video: EncodedVideo) -> VideoFrame {
    let EncodedVideo { layer, temporal, number, needs_back, codec, captured_us, width, height, payload } = video;
    let codec = match codec {
        Codec::Av1 => VideoCodec::Av1,
        Codec::H264 => VideoCodec::H264,
    };
    VideoFrame { layer: layer_to_net(layer), temporal, number, needs_back, codec, captured_us, width, height, payload }
}

fn video_to_media(frame: VideoFrame) -> EncodedVideo {
    let VideoFrame { layer, temporal, number, needs_back, codec, captured_us, width, height, payload } = frame;
    let codec = match codec {
        VideoCodec::Av1 => Codec::Av1,
        VideoCodec::H264 => Codec::H264,
    };
    EncodedVideo {
        layer: layer_to_media(layer),
        temporal,
        number,
        needs_back,
        codec,
        captured_us,
        width,
        height,
        payload,
    }
}

pub(super) const fn layer_to_net(layer: Layer) -> SpatialLayer {
    match layer {
        Layer::Small => SpatialLayer::Small,
        Layer::Medium => SpatialLayer::Medium,
        Layer::Full => SpatialLayer::Full,
    }
}

pub(super) const fn layer_to_media(layer: SpatialLayer) -> Layer {
    match layer {
        SpatialLayer::Small => Layer::Small,
        SpatialLayer::Medium => Layer::Medium,
        SpatialLayer::Full => Layer::Full,
    }
}
