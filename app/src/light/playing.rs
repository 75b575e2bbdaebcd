//! When a light peer sends what: its place in the loops of sound and pictures. Told the time, sends nothing itself.

use std::sync::Arc;

use bytes::Bytes;
use conclave_proto::core::LayerTarget;
use conclave_proto::frames::{AudioFrame, SenderReport, SpatialLayer, VideoCodec, VideoFrame};

use super::material::Material;

const LAYERS: [SpatialLayer; 3] = [SpatialLayer::Small, SpatialLayer::Medium, SpatialLayer::Full];
/// A packet of sound.
const SOUND_US: u64 = 20_000;
const SOUND_SAMPLES: u64 = 960;
/// A layer is made once it was wanted so long: wishes change while people come.
const WANTED_US: u64 = 500_000;
/// After a standstill so long the past is left out.
const BEHIND_US: u64 = 200_000;

/// One peer's place in everything.
pub(super) struct Playing {
    material: Arc<Material>,
    /// Where in the voice it begins: not all shall speak at once.
    voice_from: usize,
    started_us: u64,
    next_sound: u64,
    sequence: u32,
    next_picture: u64,
    layers: [LayerPlaying; 3],
}

#[derive(Clone, Copy, Default)]
struct LayerPlaying {
    wanted_since_us: Option<u64>,
    place: usize,
    number: u32,
}

impl Playing {
    /// `number` sets the peers of one process apart from each other.
    pub(super) fn new(material: Arc<Material>, number: u32, now_us: u64) -> Self {
        let voice_from = (number as usize * 137) % material.voice.len().max(1);
        let started_us = now_us + u64::from(number) * 7_919 % SOUND_US;
        Self {
            material,
            voice_from,
            started_us,
            next_sound: 0,
            sequence: 0,
            next_picture: 0,
            layers: [LayerPlaying::default(); 3],
        }
    }

    /// Layers that somebody wants from now on. One that comes anew begins with its key frame.
    pub(super) fn set_targets(&mut self, now_us: u64, targets: &[LayerTarget]) {
        for layer in LAYERS {
            let playing = &mut self.layers[layer as usize];
            let wanted = targets.iter().any(|target| target.layer == layer);
            if wanted && playing.wanted_since_us.is_none() {
                playing.place = 0;
            }
            playing.wanted_since_us = wanted.then(|| playing.wanted_since_us.unwrap_or(now_us));
        }
    }

    /// Somebody needs a key frame: back to the beginning of the loop.
    pub(super) fn jump_to_key(&mut self, layer: SpatialLayer) {
        self.layers[layer as usize].place = 0;
    }

    /// Where the sound clock stands.
    pub(super) fn report(&self) -> SenderReport {
        SenderReport {
            audio_position: self.next_sound * SOUND_SAMPLES,
            captured_us: self.started_us + self.next_sound * SOUND_US,
            muted: self.material.voice.is_empty(),
            camera_on: true,
            ..SenderReport::default()
        }
    }

    /// Sound that is due.
    pub(super) fn sounds(&mut self, now_us: u64, mut send: impl FnMut(AudioFrame)) {
        let due = now_us.saturating_sub(self.started_us) / SOUND_US;
        self.next_sound = self.next_sound.max(due.saturating_sub(BEHIND_US / SOUND_US));
        while self.next_sound <= due && now_us >= self.started_us {
            let slot = self.next_sound;
            self.next_sound += 1;
            let length = self.material.voice.len() as u64;
            let place = if length == 0 { 0 } else { (slot + self.voice_from as u64) % length };
            let packet = usize::try_from(place).ok().and_then(|place| self.material.voice.get(place)?.as_ref());
            if let Some(packet) = packet {
                let (level, payload) = (packet.level, packet.payload.clone());
                send(AudioFrame {
                    sequence: self.sequence,
                    position: slot * SOUND_SAMPLES,
                    level,
                    is_copy: false,
                    payload,
                });
                self.sequence = self.sequence.wrapping_add(1);
            }
        }
    }

    /// Pictures that are due, of each layer that is wanted.
    pub(super) fn pictures(&mut self, now_us: u64, mut send: impl FnMut(VideoFrame)) {
        let due = now_us.saturating_sub(self.started_us) / self.material.picture_us;
        if due < self.next_picture {
            return;
        }
        self.next_picture = due + 1;
        let material = Arc::clone(&self.material);
        for layer in LAYERS {
            let playing = &mut self.layers[layer as usize];
            let Some(since_us) = playing.wanted_since_us else { continue };
            let Some(pictures) = material.pictures(layer) else {
                if now_us.saturating_sub(since_us) > WANTED_US {
                    material.want(layer);
                }
                continue;
            };
            let Some(picture) = pictures.get(playing.place) else { continue };
            send(VideoFrame {
                layer,
                temporal: picture.temporal,
                number: playing.number,
                needs_back: picture.needs_back,
                codec: VideoCodec::Av1,
                captured_us: now_us,
                width: picture.width,
                height: picture.height,
                payload: Bytes::clone(&picture.payload),
            });
            playing.number = playing.number.wrapping_add(1);
            playing.place = (playing.place + 1) % pictures.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use conclave_media::Source;
    use conclave_proto::time::Bitrate;

    use super::*;

    #[test]
    fn a_layer_begins_with_a_key_frame_and_jumps_back_to_it_when_asked() {
        let material = Material::new(Source::Test, &Source::Test, (320, 180), 30).expect("material");
        let mut playing = Playing::new(material, 1, 1_000_000);
        let mut frames = Vec::new();
        let mut run = |playing: &mut Playing, from: u64, to: u64| {
            (from..to).step_by(5).for_each(|ms| playing.pictures(1_000_000 + ms * 1000, |frame| frames.push(frame)));
            std::mem::take(&mut frames)
        };
        assert!(run(&mut playing, 0, 500).is_empty(), "nobody wants anything");
        let target = LayerTarget { layer: SpatialLayer::Medium, bitrate: Bitrate::from_kbps(300) };
        playing.set_targets(1_500_000, &[target]);
        let first = run(&mut playing, 500, 1500);
        assert!((28..=31).contains(&first.len()), "{}", first.len());
        playing.jump_to_key(SpatialLayer::Medium);
        let second = run(&mut playing, 1500, 2000);
        let keys: Vec<u32> = first.iter().chain(&second).filter(|f| f.is_key()).map(|f| f.number).collect();
        assert_eq!(keys, [0, second[0].number]);
        assert!(first.iter().chain(&second).enumerate().all(|(at, frame)| frame.number as usize == at));
    }

    #[test]
    fn sound_is_numbered_without_gaps_and_a_standstill_is_left_out() {
        let material = Material::new(Source::None, &Source::Test, (320, 180), 30).expect("material");
        let mut playing = Playing::new(material, 0, 0);
        let mut frames = Vec::new();
        (0..1000).step_by(5).for_each(|ms| playing.sounds(ms * 1000, |frame| frames.push(frame)));
        playing.sounds(9_000_000, |frame| frames.push(frame));
        assert!(frames.iter().enumerate().all(|(at, frame)| frame.sequence as usize == at));
        assert!(frames.len() > 20 && frames.len() < 70, "{}", frames.len());
        assert!(frames.windows(2).all(|pair| pair[0].position < pair[1].position));
    }
}
