//! One layer of a source's first pictures, encoded without waiting for their moments. Behind `crate::ahead`.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use super::capture::{TestPicture, Y4mError, Y4mReader};
use super::codec::{EncodeError, EncoderConfig};
use super::layer_encoder::LayerEncoder;
use super::scale::{Scaler, layer_size};
use super::{Codec, LayerTarget};
use crate::ahead::{AheadError, PictureLoop};
use crate::picture::{Picture, PicturePool};
use crate::source::{DeviceFault, Source};

/// Gives one picture after another.
enum Pictures {
    Test(TestPicture, u64),
    File(Y4mReader<BufReader<File>>),
}

impl Pictures {
    fn open(source: &Source, size: (u32, u32), fps: u32) -> Result<Option<(Self, f64)>, AheadError> {
        match source {
            Source::None => Ok(None),
            Source::Test => Ok(Some((Self::Test(TestPicture::new(size.0, size.1), 0), f64::from(fps.clamp(1, 240))))),
            Source::File(path) => {
                let reader = File::open(path)
                    .map_err(Y4mError::from)
                    .and_then(|file| Y4mReader::new(BufReader::with_capacity(1 << 16, file)));
                let reader = reader.map_err(|error| broken(path, &error))?;
                let (numerator, denominator) = reader.header.rate;
                Ok(Some((Self::File(reader), f64::from(numerator) / f64::from(denominator))))
            }
            Source::DefaultDevice | Source::Device(_) => Err(AheadError::Live(source.to_string())),
        }
    }

    fn size(&self) -> (u32, u32) {
        match self {
            Self::Test(test, _) => test.size(),
            Self::File(reader) => reader.header.picture_size(),
        }
    }

    fn read(&mut self, out: &mut [u8]) -> Result<(), Y4mError> {
        match self {
            Self::Test(test, index) => {
                test.draw(*index, out);
                *index += 1;
                Ok(())
            }
            Self::File(reader) => reader.read(out),
        }
    }
}

/// Encodes the first `count` pictures of a source, AV1 at two temporal layers, fitted into `size`. `fps` is for the test
/// picture; a file has its own. No pictures for [`Source::None`].
///
/// # Errors
/// See [`AheadError`].
pub fn encode_ahead(
    source: &Source,
    size: (u32, u32),
    fps: u32,
    target: LayerTarget,
    count: usize,
) -> Result<PictureLoop, AheadError> {
    let Some((mut source_pictures, per_second)) = Pictures::open(source, size, fps)? else {
        return Ok(PictureLoop { pictures: Vec::new(), per_second: f64::from(fps.max(1)) });
    };
    let failed = |error: EncodeError| {
        tracing::error!(%error, "pictures cannot be encoded ahead");
        AheadError::Codec("AV1")
    };
    let (whole_width, whole_height) = source_pictures.size();
    let (width, height) = layer_size((whole_width, whole_height), size, target.layer);
    #[expect(clippy::cast_possible_truncation, reason = "1 to 240")]
    let config = EncoderConfig { width, height, fps: per_second as f32, bitrate_bps: target.bitrate_bps };
    let mut encoder = LayerEncoder::new(target.layer, Codec::Av1, config, 0).map_err(failed)?;
    let (mut pool, mut scaler) = (PicturePool::default(), Scaler::default());
    let mut pictures = Vec::with_capacity(count);
    for index in 0..count {
        let mut outcome = Ok(());
        let data = pool.fill(whole_width, whole_height, |out| outcome = source_pictures.read(out));
        if let (Err(error), Source::File(path)) = (outcome, source) {
            return Err(broken(path, &error).into());
        }
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "seconds"
        )]
        let captured_us = (index as f64 * 1e6 / per_second) as u64;
        let picture = Picture { width: whole_width, height: whole_height, data, captured_us };
        let (frame, _) = encoder.encode(&scaler.scale(&picture, width, height)).map_err(failed)?;
        pictures.extend(frame);
    }
    Ok(PictureLoop { pictures, per_second })
}

fn broken(path: &Path, error: &Y4mError) -> DeviceFault {
    DeviceFault::File { path: path.display().to_string(), why: error.to_string() }
}
