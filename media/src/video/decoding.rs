//! Which frames may be decoded, and by which decoder: follows layers, codecs and sizes at key frames, never shows a picture
//! whose references are missing, and says when only a key frame helps. No threads, no clock. Used by the receiver.

use std::time::{Duration, Instant};

use super::codec::{self, DecodeError, Decoder};
use super::{Codec, EncodedVideo, Layer};
use crate::picture::Picture;

/// A key frame is asked for again when none came within this time.
const ASK_AGAIN_US: u64 = 500_000;
/// While the shown layer was heard of within this time, frames of another one are only on their way in.
const LAYER_ALIVE_US: u64 = 500_000;

/// A key frame this many numbers back at most is a late one; further back, the sender began anew.
const LATE_KEY: u32 = 300;

/// What became of a frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Decoded {
    Picture(Picture),
    /// Not needed, or not usable; nothing is to be done.
    Nothing,
    /// Not usable before a key frame of this layer.
    NeedKey(Layer),
}

/// The stream that is being decoded.
struct Stream {
    layer: Layer,
    codec: Codec,
    decoder: Box<dyn Decoder>,
    /// Number of the newest base frame that was decoded; `None`: broken until the next key.
    base: Option<u32>,
    newest: u32,
    heard_us: u64,
}

#[derive(Default)]
pub(crate) struct Decoding {
    stream: Option<Stream>,
    asked_us: Option<u64>,
    newest_captured_us: u64,
    pub(crate) decoded: u64,
    pub(crate) keys: u64,
    pub(crate) time: Duration,
}

impl Decoding {
    pub(crate) fn codec(&self) -> Option<Codec> {
        self.stream.as_ref().map(|stream| stream.codec)
    }

    pub(crate) fn decode(&mut self, frame: &EncodedVideo, now_us: u64) -> Decoded {
        if frame.is_key() {
            return self.decode_key(frame, now_us);
        }
        let Some(stream) = &mut self.stream else { return self.need_key(frame.layer, now_us) };
        if frame.layer != stream.layer {
            let alive = stream.base.is_some() && now_us.saturating_sub(stream.heard_us) < LAYER_ALIVE_US;
            return if alive { Decoded::Nothing } else { self.need_key(frame.layer, now_us) };
        }
        stream.heard_us = now_us;
        let ahead = frame.number.wrapping_sub(stream.newest);
        if ahead == 0 || ahead > u32::MAX / 2 {
            return Decoded::Nothing;
        }
        let needed = frame.number.wrapping_sub(u32::from(frame.needs_back));
        if frame.codec != stream.codec || stream.base != Some(needed) {
            // A top frame without its base is no loss by itself; the next base frame tells.
            return if frame.temporal > 0 && stream.base.is_some() {
                Decoded::Nothing
            } else {
                self.need_key(frame.layer, now_us)
            };
        }
        self.run(frame, now_us)
    }

    /// A key frame of any layer takes over, with a fresh decoder where the codec or layer is another.
    fn decode_key(&mut self, frame: &EncodedVideo, now_us: u64) -> Decoded {
        let keeps =
            self.stream.as_ref().is_some_and(|stream| stream.codec == frame.codec && stream.layer == frame.layer);
        // A key frame that comes late or twice would turn the picture back.
        let behind = |stream: &Stream| stream.newest.wrapping_sub(frame.number) < LATE_KEY && stream.base.is_some();
        if keeps && self.stream.as_ref().is_some_and(behind) {
            return Decoded::Nothing;
        }
        if !keeps {
            match codec::decoder(frame.codec) {
                Ok(decoder) => {
                    self.stream = Some(Stream {
                        layer: frame.layer,
                        codec: frame.codec,
                        decoder,
                        base: None,
                        newest: frame.number,
                        heard_us: now_us,
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, codec = ?frame.codec, "no decoder");
                    return Decoded::Nothing;
                }
            }
        }
        self.asked_us = None;
        self.run(frame, now_us)
    }

    fn run(&mut self, frame: &EncodedVideo, now_us: u64) -> Decoded {
        let Some(stream) = &mut self.stream else { return Decoded::Nothing };
        stream.heard_us = now_us;
        stream.newest = frame.number;
        let start = Instant::now();
        let result = stream.decoder.decode(&frame.payload, frame.captured_us);
        self.time += start.elapsed();
        match result {
            Ok(picture) => {
                if frame.temporal == 0 {
                    stream.base = Some(frame.number);
                }
                self.decoded += 1;
                self.keys += u64::from(frame.is_key());
                match picture {
                    // A layer that comes in while another one goes on may lag behind it.
                    Some(picture) if picture.captured_us > self.newest_captured_us || self.decoded == 1 => {
                        self.newest_captured_us = picture.captured_us;
                        Decoded::Picture(picture)
                    }
                    Some(_) | None => Decoded::Nothing,
                }
            }
            Err(error) => {
                tracing::debug!(%error, number = frame.number, layer = ?frame.layer, "a frame is lost");
                if error == DecodeError::Start || frame.temporal == 0 {
                    stream.base = None;
                }
                if frame.temporal == 0 { self.need_key(frame.layer, now_us) } else { Decoded::Nothing }
            }
        }
    }

    fn need_key(&mut self, layer: Layer, now_us: u64) -> Decoded {
        if let Some(stream) = &mut self.stream
            && stream.layer == layer
        {
            stream.base = None;
        }
        if self.asked_us.is_some_and(|asked| now_us.saturating_sub(asked) < ASK_AGAIN_US) {
            return Decoded::Nothing;
        }
        self.asked_us = Some(now_us);
        Decoded::NeedKey(layer)
    }
}
