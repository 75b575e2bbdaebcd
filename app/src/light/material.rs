//! What light peers send: a few seconds of pictures of each layer and of a voice, encoded once for all of them by the
//! program's own encoders. A layer is encoded when somebody first wants it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use conclave_media::Source;
use conclave_media::ahead::{self, AheadError, PictureLoop};
use conclave_media::audio::EncodedAudio;
use conclave_media::video::{EncodedVideo, Layer, LayerTarget};
use conclave_proto::frames::SpatialLayer;
use conclave_proto::limits::LAYER_LADDER_KBPS;

/// Of five seconds at 30 a second.
const PICTURES: usize = 150;

/// Shared by all light peers of a process.
pub(super) struct Material {
    camera: Source,
    size: (u32, u32),
    fps: u32,
    loops: [OnceLock<Vec<EncodedVideo>>; 3],
    making: [AtomicBool; 3],
    /// From one picture to the next.
    pub(super) picture_us: u64,
    /// One place for each 20 ms.
    pub(super) voice: Vec<Option<EncodedAudio>>,
}

impl Material {
    /// Encodes the voice, and the middle layer, which everybody asks for first.
    pub(super) fn new(
        camera: Source,
        microphone: &Source,
        size: (u32, u32),
        fps: u32,
    ) -> Result<Arc<Self>, AheadError> {
        let voice = ahead::voice(microphone)?;
        let made = encode(&camera, size, fps, SpatialLayer::Medium)?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "4 ms to a second")]
        let picture_us = (1e6 / made.per_second.clamp(1.0, 240.0)) as u64;
        let loops = [OnceLock::new(), OnceLock::from(made.pictures), OnceLock::new()];
        Ok(Arc::new(Self { camera, size, fps, loops, making: Default::default(), picture_us, voice }))
    }

    /// The pictures of a layer, if they are ready.
    pub(super) fn pictures(&self, layer: SpatialLayer) -> Option<&[EncodedVideo]> {
        self.loops[layer as usize].get().map(Vec::as_slice)
    }

    /// Has a layer made beside, which takes a second or two, unless it is there or being made.
    pub(super) fn want(self: &Arc<Self>, layer: SpatialLayer) {
        if self.pictures(layer).is_some() || self.making[layer as usize].swap(true, Ordering::Relaxed) {
            return;
        }
        let this = Arc::clone(self);
        let thread = std::thread::Builder::new().name("encode-ahead".into()).spawn(move || {
            match encode(&this.camera, this.size, this.fps, layer) {
                Ok(made) => drop(this.loops[layer as usize].set(made.pictures)),
                Err(error) => tracing::error!(%error, ?layer, "a layer cannot be encoded"),
            }
        });
        if let Err(error) = thread {
            tracing::error!(%error, "no thread to encode a layer");
        }
    }
}

fn encode(camera: &Source, size: (u32, u32), fps: u32, layer: SpatialLayer) -> Result<PictureLoop, AheadError> {
    let target = LayerTarget { layer: media_layer(layer), bitrate_bps: LAYER_LADDER_KBPS[layer as usize] * 1000 };
    ahead::pictures(camera, size, fps, target, PICTURES)
}

const fn media_layer(layer: SpatialLayer) -> Layer {
    match layer {
        SpatialLayer::Small => Layer::Small,
        SpatialLayer::Medium => Layer::Medium,
        SpatialLayer::Full => Layer::Full,
    }
}
