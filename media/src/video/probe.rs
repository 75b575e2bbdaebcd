//! What this machine has and can do, for `conclave doctor`: the cameras with their formats, and the speed of the codecs.

use super::Codec;
use super::capture::camera_formats::{self, Mode};
use super::capture::{TestPicture, Wanted};
use super::codec::{self, ENCODERS, EncoderConfig};
use crate::clock;
use crate::picture::{Picture, PicturePool};

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
    let nodes = camera_formats::cameras().into_iter();
    nodes.map(|node| CameraInfo { name: node.name, formats: in_words(&node.modes) }).collect()
}

/// Of each pixel format the mode nearest to what a call wants.
fn in_words(modes: &[Mode]) -> String {
    let wanted = Wanted { width: 1280, height: 720, fps: 30 };
    let mut formats = Vec::new();
    for mode in modes {
        if !formats.contains(&mode.format) {
            formats.push(mode.format);
        }
    }
    let words = formats.iter().filter_map(|format| {
        let of_format: Vec<Mode> = modes.iter().filter(|mode| mode.format == *format).copied().collect();
        let mode = camera_formats::best(&of_format, wanted)?;
        let name = format!("{format:?}").to_uppercase();
        Some(format!("{name} {}x{} {} f/s", mode.width, mode.height, mode.fps))
    });
    words.collect::<Vec<_>>().join(", ")
}

/// Pictures per codec.
const PICTURES: u64 = 60;

/// Measures every codec of this build on a moving picture for about a second each.
#[must_use]
pub fn codec_speed() -> Vec<CodecSpeed> {
    ENCODERS.iter().filter_map(|codec| speed(*codec)).collect()
}

fn speed(codec: Codec) -> Option<CodecSpeed> {
    let config = EncoderConfig { width: 1280, height: 720, fps: 30.0, bitrate_bps: 1_500_000 };
    let mut encoder = codec::encoder(codec, config).ok()?;
    let mut decoder = codec::decoder(codec).ok()?;
    let mut scene = TestPicture::new(config.width, config.height);
    let mut pool = PicturePool::default();
    let (mut encode_us, mut decode_us) = (Vec::new(), 0);
    for index in 0..PICTURES {
        let data = pool.fill(config.width, config.height, |out| scene.draw(index * 2, out));
        let picture = Picture { width: config.width, height: config.height, data, captured_us: index };
        let start = clock::now_us();
        let coded = encoder.encode(&picture, index == 0).ok()??;
        let between = clock::now_us();
        decoder.decode(&coded.payload, index).ok()?;
        encode_us.push(between - start);
        decode_us += clock::now_us() - between;
    }
    encode_us.sort_unstable();
    #[expect(clippy::cast_precision_loss, reason = "microseconds of a second")]
    let ms = |us: u64| us as f64 / 1000.0;
    Some(CodecSpeed {
        codec,
        encode_ms: ms(encode_us.iter().sum::<u64>() / PICTURES),
        encode_p95_ms: ms(encode_us[encode_us.len() * 95 / 100]),
        decode_ms: ms(decode_us / PICTURES),
    })
}
