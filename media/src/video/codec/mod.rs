//! One trait for encoders and one for decoders, and who makes them. Everything behind them is synchronous and owns its
//! memory; the sender's and the receiver's threads call it.

use crate::picture::Picture;
use crate::video::Codec;

mod aom;
mod av1_decoder;
#[cfg(feature = "h264")]
mod h264_decoder;
mod headers;
#[cfg(feature = "h264")]
mod openh264;

/// What an encoder is made for. A new size means a new encoder.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct EncoderConfig {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) fps: f32,
    pub(crate) bitrate_bps: u64,
}

/// One coded picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Coded {
    pub(crate) payload: Vec<u8>,
    pub(crate) key: bool,
    /// 0: base; 1: needed by nobody.
    pub(crate) temporal: u8,
}

/// An encoder refused; it is thrown away and made anew.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EncodeError {
    /// It could not be made.
    #[error("the {0:?} encoder could not be started (code {1})")]
    Start(Codec, i64),
    /// It failed on a picture.
    #[error("the {0:?} encoder failed (code {1})")]
    Encode(Codec, i64),
    /// This build has no such encoder.
    #[cfg_attr(feature = "h264", expect(dead_code, reason = "only builds without H.264 lack a codec"))]
    #[error("this build has no {0:?} encoder")]
    Absent(Codec),
}

/// A decoder could not use a frame. The remote's fault or the network's; a key frame mends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DecodeError {
    /// The decoder itself could not be made.
    #[error("the decoder could not be started")]
    Start,
    /// Damaged, or refers to pictures that are not there.
    #[error("the frame cannot be decoded")]
    Damaged,
    /// Larger than any picture of ours, or of another kind (10 bits, 4:4:4).
    #[error("the frame is of a size or kind that is not taken")]
    Unwanted,
    /// This build lacks the codec.
    #[cfg_attr(feature = "h264", expect(dead_code, reason = "only builds without H.264 lack a codec"))]
    #[error("this build cannot decode that")]
    Absent,
}

/// Makes coded pictures of one layer.
pub(crate) trait Encoder: Send {
    /// Codes one picture, which has the configured size; `None`: left out to keep the rate.
    fn encode(&mut self, picture: &Picture, force_key: bool) -> Result<Option<Coded>, EncodeError>;

    /// New rate from the next picture on.
    fn set_rate(&mut self, bitrate_bps: u64, fps: f32) -> Result<(), EncodeError>;
}

/// Makes pictures of coded ones.
pub(crate) trait Decoder: Send {
    /// Decodes one frame; `None`: it holds no picture to show. `captured_us` goes into the picture.
    fn decode(&mut self, payload: &[u8], captured_us: u64) -> Result<Option<Picture>, DecodeError>;
}

/// A fresh encoder; its first picture is a key frame.
pub(crate) fn encoder(codec: Codec, config: EncoderConfig) -> Result<Box<dyn Encoder>, EncodeError> {
    match codec {
        Codec::Av1 => {
            Ok(Box::new(aom::AomEncoder::new(config, aom::AomSettings::for_size(config.width, config.height))?))
        }
        #[cfg(feature = "h264")]
        Codec::H264 => Ok(Box::new(openh264::OpenH264Encoder::new(config)?)),
        #[cfg(not(feature = "h264"))]
        Codec::H264 => Err(EncodeError::Absent(codec)),
    }
}

/// A fresh decoder, which waits for a key frame.
pub(crate) fn decoder(codec: Codec) -> Result<Box<dyn Decoder>, DecodeError> {
    match codec {
        Codec::Av1 => Ok(Box::new(av1_decoder::Av1Decoder::new()?)),
        #[cfg(feature = "h264")]
        Codec::H264 => Ok(Box::new(h264_decoder::H264Decoder::new()?)),
        #[cfg(not(feature = "h264"))]
        Codec::H264 => Err(DecodeError::Absent),
    }
}

/// The codecs that this build encodes, best compression first.
pub(crate) const ENCODERS: &[Codec] = if cfg!(feature = "h264") { &[Codec::Av1, Codec::H264] } else { &[Codec::Av1] };

#[cfg(test)]
mod tests;
