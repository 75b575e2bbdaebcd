//! Stand-ins for microphone, camera, codecs and eyes: makes frames whose every byte is known, and checks those that come out at
//! the other end. A frame that was altered, came twice, came from nobody or could not be decoded fails the world.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use conclave_proto::core::LayerTarget;
use conclave_proto::frames::{AudioFrame, SpatialLayer, VideoCodec, VideoFrame};

/// One person's encoders.
#[derive(Debug)]
pub(crate) struct Studio {
    /// Goes into every payload: who made it.
    mark: u8,
    sequence: u32,
    layers: BTreeMap<SpatialLayer, Encoder>,
}

#[derive(Debug, Default)]
struct Encoder {
    next: u32,
    base: Option<u32>,
    key_wanted: bool,
    bitrate_bps: u64,
}

impl Studio {
    pub(crate) const fn new(mark: u8) -> Self {
        Self { mark, sequence: 0, layers: BTreeMap::new() }
    }

    pub(crate) fn sound(&mut self) -> AudioFrame {
        self.sequence += 1;
        sound(self.mark, self.sequence)
    }

    pub(crate) fn set_targets(&mut self, targets: &[LayerTarget]) {
        let running: Vec<SpatialLayer> =
            self.layers.iter().filter(|(_, encoder)| encoder.bitrate_bps > 0).map(|(layer, _)| *layer).collect();
        for encoder in self.layers.values_mut() {
            encoder.bitrate_bps = 0;
        }
        for target in targets {
            let encoder = self.layers.entry(target.layer).or_default();
            // A layer that was switched off begins with a key frame, as any encoder does.
            encoder.key_wanted |= !running.contains(&target.layer);
            encoder.bitrate_bps = target.bitrate.as_bps();
        }
    }

    /// What a layer is encoded at now; 0: it is not.
    pub(crate) fn bitrate_bps(&self, layer: SpatialLayer) -> u64 {
        self.layers.get(&layer).map_or(0, |encoder| encoder.bitrate_bps)
    }

    pub(crate) fn want_key(&mut self, layer: SpatialLayer) {
        self.layers.entry(layer).or_default().key_wanted = true;
    }

    /// One picture of each layer that is wanted, at `fps`; key frames cost four times as much.
    pub(crate) fn pictures(&mut self, fps: u64) -> Vec<VideoFrame> {
        let mark = self.mark;
        let wanted = self.layers.iter_mut().filter(|(_, encoder)| encoder.bitrate_bps > 0);
        wanted.map(|(layer, encoder)| encoder.encode(mark, *layer, fps)).collect()
    }
}

impl Encoder {
    fn encode(&mut self, mark: u8, layer: SpatialLayer, fps: u64) -> VideoFrame {
        let number = self.next;
        self.next += 1;
        let key = std::mem::take(&mut self.key_wanted) || self.base.is_none();
        let base = self.base.unwrap_or(number);
        let temporal = u8::from(!key && number - base == 1);
        let needs_back = if key { 0 } else { u8::try_from(number - base).unwrap_or(u8::MAX) };
        if temporal == 0 {
            self.base = Some(number);
        }
        let size = usize::try_from(self.bitrate_bps / 8 / fps).unwrap_or(0).max(40) * if key { 4 } else { 1 };
        picture(mark, layer, number, temporal, needs_back, size)
    }
}

fn sound(mark: u8, sequence: u32) -> AudioFrame {
    let payload = fill(u64::from(mark) << 32 | u64::from(sequence), 80);
    AudioFrame { sequence, position: u64::from(sequence) * 960, level: 90, is_copy: false, payload }
}

fn picture(mark: u8, layer: SpatialLayer, number: u32, temporal: u8, needs_back: u8, size: usize) -> VideoFrame {
    let payload = fill(u64::from(mark) << 40 | (layer as u64) << 32 | u64::from(number), size);
    let captured_us = u64::from(number) * 33_333;
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

fn fill(seed: u64, size: usize) -> Bytes {
    let pattern = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
    pattern.iter().copied().cycle().take(size).collect::<Vec<u8>>().into()
}

/// What one person saw and heard of another.
#[derive(Debug, Default)]
pub(crate) struct Witness {
    heard: BTreeSet<u32>,
    decoded: BTreeMap<SpatialLayer, BTreeSet<u32>>,
    pub(crate) sounds: u64,
    pub(crate) pictures: u64,
    pub(crate) picture_bytes: u64,
}

impl Witness {
    pub(crate) fn hear(&mut self, mark: u8, frame: &AudioFrame) {
        // By itself or as a copy.
        let said = AudioFrame { is_copy: frame.is_copy, ..sound(mark, frame.sequence) };
        assert_eq!(frame, &said, "sound is what was said");
        assert!(self.heard.insert(frame.sequence), "sound {} came twice", frame.sequence);
        self.sounds += 1;
    }

    pub(crate) fn see(&mut self, mark: u8, frame: &VideoFrame) {
        let (number, size) = (frame.number, frame.payload.len());
        let expected = picture(mark, frame.layer, number, frame.temporal, frame.needs_back, size);
        assert_eq!(frame, &expected, "a picture is what was sent");
        let decoded = self.decoded.entry(frame.layer).or_default();
        assert!(decoded.last().is_none_or(|last| number > *last), "picture {number} goes back in time");
        let needed = number - u32::from(frame.needs_back);
        assert!(frame.is_key() || decoded.contains(&needed), "picture {number} needs {needed}");
        decoded.insert(number);
        self.pictures += 1;
        self.picture_bytes += size as u64;
    }
}
