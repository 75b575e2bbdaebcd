//! Pictures and sound encoded before anybody wants them, as fast as the machine goes, for peers that play the same few
//! seconds in a loop without an encoder of their own (the app's light peers). From files and the stand-ins only.

use crate::source::DeviceFault;
use crate::video::{EncodedVideo, Layer};

/// Why nothing could be encoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AheadError {
    /// Cameras and microphones give nothing ahead of time.
    #[error("\"{0}\" cannot be encoded ahead. Use test, file:PATH or none.")]
    Live(String),
    /// The file cannot be used.
    #[error(transparent)]
    File(#[from] DeviceFault),
    /// The codec failed.
    #[error("The {0} encoder failed. This is a fault of this program.")]
    Codec(&'static str),
}

/// Pictures of one layer: the first is a key frame, no other is.
#[derive(Clone, Debug, PartialEq)]
pub struct PictureLoop {
    /// Numbered from 0.
    pub pictures: Vec<EncodedVideo>,
    /// How many belong into a second.
    pub per_second: f64,
}

pub use crate::audio::ahead::encode_ahead as voice;
pub use crate::video::ahead::encode_ahead as pictures;

/// All layers there are.
pub const LAYERS: [Layer; 3] = [Layer::Small, Layer::Medium, Layer::Full];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;
    use crate::video::LayerTarget;

    #[test]
    fn a_loop_begins_with_its_only_key_frame_and_everything_in_it_can_be_decoded() {
        let target = LayerTarget { layer: Layer::Small, bitrate_bps: 110_000 };
        let made = pictures(&Source::Test, (640, 360), 30, target, 24).expect("pictures");
        assert_eq!(made.pictures.len(), 24);
        let keys: Vec<u32> = made.pictures.iter().filter(|p| p.is_key()).map(|p| p.number).collect();
        assert_eq!(keys, [0]);
        assert!(made.pictures.iter().any(|p| p.temporal == 1), "two temporal layers");
        assert!(made.pictures.iter().enumerate().all(|(at, p)| p.number as usize == at && p.height == 180));
    }

    #[test]
    fn a_voice_speaks_and_rests() {
        let voice = voice(&Source::Test).expect("a voice");
        assert_eq!(voice.len(), 500);
        let spoken = voice.iter().flatten().filter(|packet| packet.payload.len() > 2).count();
        assert!((100..400).contains(&spoken), "{spoken} of 500");
        assert!(voice.iter().enumerate().all(|(at, p)| p.as_ref().is_none_or(|p| p.position == at as u64 * 960)));
    }

    #[test]
    fn a_camera_is_refused_and_nothing_gives_nothing() {
        assert!(matches!(voice(&Source::DefaultDevice), Err(AheadError::Live(_))));
        assert_eq!(voice(&Source::None), Ok(Vec::new()));
        let target = LayerTarget { layer: Layer::Full, bitrate_bps: 110_000 };
        assert!(pictures(&Source::None, (640, 360), 30, target, 9).is_ok_and(|made| made.pictures.is_empty()));
        assert!(pictures(&Source::File("/nowhere".into()), (640, 360), 30, target, 9).is_err());
    }
}
