//! One rung of the ladder: its encoder, its frame numbers, and when it makes key frames. Used by the sender's encoding
//! thread.

use bytes::Bytes;

use super::codec::{self, EncodeError, Encoder, EncoderConfig};
use super::overload::EncodeTimes;
use super::thinning::Thinning;
use super::{Codec, EncodedVideo, Layer};
use crate::clock;
use crate::picture::Picture;

/// Key frames asked for within this time of the last are answered when it is over ...
const KEY_INTERVAL_US: u64 = 1_000_000;
/// ... but a first repeat comes sooner, so that a lost first picture does not cost a second.
const FIRST_REPEAT_US: u64 = 200_000;

/// One layer while somebody wants it.
pub(crate) struct LayerEncoder {
    layer: Layer,
    codec: Codec,
    config: EncoderConfig,
    encoder: Box<dyn Encoder>,
    /// Of the next frame; goes on when the encoder is replaced.
    pub(crate) number: u32,
    last_base: u32,
    key_wanted: bool,
    last_key_us: Option<u64>,
    keys: u32,
    pub(crate) times: EncodeTimes,
    /// Every how many pictures one is encoded.
    thinning: Thinning,
}

impl LayerEncoder {
    pub(crate) fn new(layer: Layer, codec: Codec, config: EncoderConfig, number: u32) -> Result<Self, EncodeError> {
        let encoder = codec::encoder(codec, config)?;
        Ok(Self {
            layer,
            codec,
            config,
            encoder,
            number,
            last_base: number,
            key_wanted: true,
            last_key_us: None,
            keys: 0,
            times: EncodeTimes::default(),
            thinning: Thinning::default(),
        })
    }

    pub(crate) fn layer(&self) -> Layer {
        self.layer
    }

    pub(crate) fn codec(&self) -> Codec {
        self.codec
    }

    pub(crate) fn size(&self) -> (u32, u32) {
        (self.config.width, self.config.height)
    }

    /// Whether this picture is left out because so little may be spent that fewer, better ones are worth more. A key frame
    /// that somebody waits for is not left out.
    pub(crate) fn leaves_out(&mut self, captured_us: u64, bitrate_bps: u64) -> bool {
        self.thinning.leaves_out(self.layer, captured_us, bitrate_bps) && !self.key_wanted
    }

    /// Every how many pictures one is encoded.
    pub(crate) fn every(&self) -> u64 {
        self.thinning.every()
    }

    pub(crate) fn request_key(&mut self) {
        self.key_wanted = true;
    }

    /// Another codec, size or rate from the next picture on. The first two begin with a key frame.
    pub(crate) fn reconfigure(&mut self, codec: Codec, config: EncoderConfig) -> Result<(), EncodeError> {
        if codec != self.codec || (config.width, config.height) != self.size() {
            self.encoder = codec::encoder(codec, config)?;
            self.codec = codec;
            self.key_wanted = true;
            self.last_key_us = None;
            self.times.clear();
        } else if config != self.config {
            self.encoder.set_rate(config.bitrate_bps, config.fps)?;
        }
        self.config = config;
        Ok(())
    }

    /// After an error: a fresh encoder of the same kind.
    pub(crate) fn restart(&mut self) -> Result<(), EncodeError> {
        self.encoder = codec::encoder(self.codec, self.config)?;
        self.key_wanted = true;
        self.last_key_us = None;
        Ok(())
    }

    /// Codes a picture of this layer's size; also says how long it took. `None`: left out to keep the rate.
    pub(crate) fn encode(&mut self, picture: &Picture) -> Result<(Option<EncodedVideo>, u64), EncodeError> {
        let captured = picture.captured_us;
        let pause = if self.keys <= 1 { FIRST_REPEAT_US } else { KEY_INTERVAL_US };
        let force_key = self.key_wanted && self.last_key_us.is_none_or(|last| captured.saturating_sub(last) >= pause);
        let start = clock::now_us();
        let coded = self.encoder.encode(picture, force_key)?;
        let now = clock::now_us();
        let took = now.saturating_sub(start);
        self.times.note(took);
        let Some(coded) = coded else { return Ok((None, took)) };
        if coded.key {
            self.key_wanted = false;
            self.last_key_us = Some(captured);
            self.keys = self.keys.saturating_add(1);
        }
        let number = self.number;
        self.number = self.number.wrapping_add(1);
        let needs_back =
            if coded.key { 0 } else { u8::try_from(number.wrapping_sub(self.last_base)).unwrap_or(u8::MAX) };
        if coded.temporal == 0 {
            self.last_base = number;
        }
        let side = |side: u32| u16::try_from(side).unwrap_or(u16::MAX);
        let frame = EncodedVideo {
            layer: self.layer,
            temporal: coded.temporal,
            number,
            needs_back,
            codec: self.codec,
            captured_us: picture.captured_us,
            width: side(picture.width),
            height: side(picture.height),
            payload: Bytes::from(coded.payload),
        };
        Ok((Some(frame), took))
    }
}
