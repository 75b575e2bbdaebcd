//! A stand-in for a camera with an encoder: follows its target, with sizes as uneven as real ones: L1T2, key frames of five times the
//! mean that are paid back over the next frames, and a spread of a quarter. The call drives it.

use bytes::Bytes;
use conclave_proto::frames::{AudioFrame, SpatialLayer, VideoCodec, VideoFrame};
use conclave_proto::limits;
use conclave_proto::time::Bitrate;
use conclave_tests::random::Random;

pub(crate) const FPS: u64 = 30;
/// A key frame in mean frames.
const KEY: f64 = 5.0;
/// Base and top pictures in mean frames.
const SHARES: [f64; 2] = [1.25, 0.75];
/// The least that an encoder makes of a picture.
const LEAST_BYTES: f64 = 180.0;
/// What a frame gives up at most for what earlier ones cost too much.
const PAYBACK: f64 = 0.25;

#[derive(Debug)]
pub(crate) struct Encoder {
    random: Random,
    canvas: Bytes,
    number: u32,
    base: Option<u32>,
    key_wanted: bool,
    debt: f64,
    sequence: u32,
    pub(crate) keys: u32,
}

impl Encoder {
    pub(crate) fn new(random: Random) -> Self {
        let canvas = Bytes::from(vec![0x5a; limits::VIDEO_FRAME_BYTES]);
        Self { random, canvas, number: 0, base: None, key_wanted: false, debt: 0.0, sequence: 0, keys: 0 }
    }

    pub(crate) fn want_key(&mut self) {
        self.key_wanted = true;
    }

    pub(crate) fn picture(&mut self, layer: SpatialLayer, target: Bitrate, captured_us: u64) -> VideoFrame {
        let number = self.number;
        self.number += 1;
        let is_key = std::mem::take(&mut self.key_wanted) || self.base.is_none();
        let base = self.base.unwrap_or(number);
        let temporal = u8::from(!is_key && number - base == 1);
        let needs_back = if is_key { 0 } else { u8::try_from(number - base).unwrap_or(u8::MAX) };
        if temporal == 0 {
            self.base = Some(number);
        }
        self.keys += u32::from(is_key);
        let size = self.size(target, is_key, temporal);
        let payload = self.canvas.slice(0..size);
        VideoFrame {
            layer,
            temporal,
            number,
            needs_back,
            codec: VideoCodec::Av1,
            captured_us,
            width: 1280,
            height: 720,
            payload,
        }
    }

    fn size(&mut self, target: Bitrate, is_key: bool, temporal: u8) -> usize {
        let mean = target.as_bps() as f64 / 8.0 / FPS as f64;
        let share = if is_key { KEY } else { SHARES[usize::from(temporal)] };
        // Twelve uniform draws make a normal one.
        let normal: f64 = (0..12).map(|_| self.random.unit()).sum::<f64>() - 6.0;
        let wanted = mean * share * (normal * 0.25).exp();
        let repaid = self.debt.clamp(-mean * PAYBACK, mean * PAYBACK);
        let size = (wanted - if is_key { 0.0 } else { repaid }).max(LEAST_BYTES);
        let fair = if is_key { mean } else { mean * share };
        self.debt = (self.debt + size - fair).clamp(-mean * 3.0, mean * KEY * 2.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded by the next line")]
        let size = size as usize;
        size.min(limits::VIDEO_FRAME_BYTES)
    }

    pub(crate) fn sound(&mut self, bytes: usize) -> AudioFrame {
        self.sequence += 1;
        let position = u64::from(self.sequence) * 960;
        let payload = self.canvas.slice(0..bytes);
        AudioFrame { sequence: self.sequence, position, level: 80, is_copy: false, payload }
    }
}
