//! All layers of one sender: scales the newest picture to each wanted layer, encodes it, and decides on codec and steps
//! under overload and on a low battery. Owned by the sender's encoding thread; knows no threads itself.

use super::codec::{ENCODERS, EncoderConfig};
use super::layer_encoder::LayerEncoder;
use super::overload::{CodecChooser, Overload, Power};
use super::scale::{Scaler, layer_size, scaled};
use super::sender::{CodecChoice, LayerTarget};
use super::{Codec, EncodedVideo, Layer};
use crate::limits;
use crate::picture::Picture;

/// What encoding one picture came to.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) encoded: u64,
    pub(crate) keys: u64,
    pub(crate) dropped: u64,
    pub(crate) bytes: u64,
    pub(crate) took_us: u64,
    pub(crate) largest: Option<Largest>,
}

/// The largest layer as it was encoded.
#[derive(Clone, Copy)]
pub(crate) struct Largest {
    pub(crate) codec: Codec,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) p95_encode_ms: Option<f64>,
}

pub(crate) struct Encoding {
    wanted: (u32, u32),
    codec: Codec,
    /// Nobody asked for a codec, and there are two.
    chooser: Option<CodecChooser>,
    layers: Vec<LayerEncoder>,
    /// The next frame's number of each layer, also while nobody wants the layer.
    numbers: [u32; limits::MAX_LAYERS],
    scaler: Scaler,
    overload: Overload,
    index: u64,
    /// Smoothed time between pictures.
    interval_us: u64,
    last_captured_us: Option<u64>,
}

impl Encoding {
    pub(crate) fn new(wanted: (u32, u32), choice: CodecChoice) -> Self {
        let codec = match choice {
            CodecChoice::H264 if ENCODERS.contains(&Codec::H264) => Codec::H264,
            CodecChoice::H264 | CodecChoice::Av1 | CodecChoice::Auto => Codec::Av1,
        };
        Self {
            wanted,
            codec,
            chooser: (choice == CodecChoice::Auto && ENCODERS.contains(&Codec::H264)).then(CodecChooser::default),
            layers: Vec::new(),
            numbers: [0; limits::MAX_LAYERS],
            scaler: Scaler::default(),
            overload: Overload::default(),
            index: 0,
            interval_us: 33_333,
            last_captured_us: None,
        }
    }

    /// Nobody wants anything any more.
    pub(crate) fn forget(&mut self) {
        self.layers.clear();
    }

    /// How much power there is for the pictures from here on.
    pub(crate) fn set_power(&mut self, now_us: u64, power: Power) {
        if self.overload.set_power(now_us, power) {
            tracing::info!(?power, step = ?self.overload.step(), "the pictures are fitted to what the battery has left");
        }
    }

    /// Encodes a picture for every target, the largest first: it takes longest and is looked at most.
    pub(crate) fn encode(
        &mut self,
        picture: &Picture,
        targets: &[LayerTarget],
        keys: &[Layer],
        mut out: impl FnMut(EncodedVideo),
    ) -> Report {
        self.note_interval(picture.captured_us);
        self.layers.retain(|layer| targets.iter().any(|target| target.layer == layer.layer()));
        for layer in &mut self.layers {
            if keys.contains(&layer.layer()) {
                layer.request_key();
            }
        }
        let mut report = Report::default();
        let step = self.overload.step();
        self.index += 1;
        if !self.index.is_multiple_of(step.every) {
            report.dropped = 1;
            return report;
        }
        let mut targets = targets.to_vec();
        targets.sort_by_key(|target| std::cmp::Reverse(target.layer));
        let full_bps = targets.iter().find(|target| target.layer == Layer::Full).map(|target| target.bitrate_bps);
        for target in targets {
            self.encode_layer(picture, target, &mut out, &mut report);
        }
        self.choose(picture.captured_us, report.took_us, full_bps);
        report
    }

    fn note_interval(&mut self, captured_us: u64) {
        if let Some(last) = self.last_captured_us.replace(captured_us) {
            // While nobody wants pictures none come here: such a pause is no slower camera.
            let interval = captured_us.saturating_sub(last).clamp(4_000, self.interval_us * 2);
            self.interval_us = (self.interval_us * 15 + interval) / 16;
        }
    }

    fn encode_layer(
        &mut self,
        picture: &Picture,
        target: LayerTarget,
        out: &mut impl FnMut(EncodedVideo),
        report: &mut Report,
    ) {
        let step = self.overload.step();
        let size = |layer| layer_size((picture.width, picture.height), self.wanted, layer);
        let stepped = scaled(size(Layer::Full), step.size.0, step.size.1);
        // The layer that costs most steps down, and none is larger than it.
        let (width, height) = size(target.layer);
        let (width, height) = if height > stepped.1 { stepped } else { (width, height) };
        let known = self.layers.iter_mut().find(|layer| layer.layer() == target.layer);
        let thinned = known
            .map_or((false, 1), |layer| (layer.leaves_out(picture.captured_us, target.bitrate_bps), layer.every()));
        let (false, every) = thinned else { return };
        #[expect(clippy::cast_precision_loss, reason = "a frame's microseconds")]
        let fps = (1e6 / (self.interval_us * step.every * every) as f32).round().clamp(1.0, 240.0);
        let config = EncoderConfig { width, height, fps, bitrate_bps: target.bitrate_bps };
        let outcome = match self.layers.iter_mut().position(|layer| layer.layer() == target.layer) {
            Some(at) => {
                let layer = &mut self.layers[at];
                layer.reconfigure(self.codec, config).map(|()| at)
            }
            None => {
                LayerEncoder::new(target.layer, self.codec, config, self.numbers[target.layer as usize]).map(|layer| {
                    self.layers.push(layer);
                    self.layers.len() - 1
                })
            }
        };
        let at = match outcome {
            Ok(at) => at,
            Err(error) => {
                tracing::error!(%error, layer = ?target.layer, "no encoder");
                report.dropped += 1;
                return;
            }
        };
        let sized = self.scaler.scale(picture, width, height);
        let layer = &mut self.layers[at];
        match layer.encode(&sized) {
            Ok((frame, took_us)) => {
                report.took_us += took_us;
                if report.largest.is_none() {
                    #[expect(clippy::cast_precision_loss, reason = "microseconds of one picture")]
                    let p95_encode_ms = layer.times.p95_us().map(|us| us as f64 / 1000.0);
                    let (width, height) = layer.size();
                    report.largest = Some(Largest { codec: layer.codec(), width, height, p95_encode_ms });
                }
                let Some(frame) = frame else {
                    report.dropped += 1;
                    return;
                };
                self.numbers[target.layer as usize] = layer.number;
                report.encoded += 1;
                report.keys += u64::from(frame.is_key());
                report.bytes += frame.payload.len() as u64;
                out(frame);
            }
            Err(error) => {
                tracing::warn!(%error, layer = ?target.layer, "the encoder is started anew");
                report.dropped += 1;
                if layer.restart().is_err() {
                    self.layers.remove(at);
                }
            }
        }
    }

    /// Before anything steps down, AV1 makes way for H.264 where the choice is ours.
    fn choose(&mut self, now_us: u64, took_us: u64, full_bps: Option<u64>) {
        if let Some(chooser) = &mut self.chooser {
            let slowest = self.layers.iter().filter_map(|layer| layer.times.upper_quartile_us()).max();
            let chosen = chooser.choose(now_us, self.codec, slowest, full_bps);
            if chosen != self.codec {
                tracing::info!(upper_quartile_us = slowest, full_bps, codec = ?chosen, "another codec from here on");
                self.codec = chosen;
                return;
            }
        }
        let may_step = self.chooser.is_none() || self.codec == Codec::H264;
        if may_step && self.overload.note(now_us, took_us, self.interval_us) {
            tracing::info!(step = ?self.overload.step(), "the pictures are fitted to what this machine can encode");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_no_slower_camera_and_a_slower_camera_is_followed() {
        let mut encoding = Encoding::new((1280, 720), CodecChoice::Auto);
        let mut now_us = 0;
        let mut pictures = |count: u64, every_us: u64| {
            for _ in 0..count {
                now_us += every_us;
                encoding.note_interval(now_us);
            }
            encoding.interval_us
        };
        pictures(30, 33_333);
        assert!(pictures(1, 10_000_000) < 40_000, "one gap of ten seconds");
        assert!(pictures(150, 133_333) > 120_000, "a camera of 7.5 pictures a second, in the dark");
    }
}
