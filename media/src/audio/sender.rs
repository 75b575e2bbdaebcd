//! From the microphone's blocks to packets: cleaned, gathered into frames, encoded, counted.
//!
//! While the person is muted or nobody listens, nothing is cleaned or encoded. No device and no clock here; called by
//! the audio thread.

use bytes::Bytes;

use super::clean::Cleaner;
use super::codec::{Encoder, FRAME};
use super::microphone::Captured;
use super::voice_mode::VoiceMode;
use super::{AudioError, AudioEvent, BLOCK, EncodedAudio, PathNeeds, Processing};
use crate::limits;

/// An empty Opus packet of 20 ms: "nothing follows for now". Opus itself ends a talk spurt with one.
const PAUSE_MARK: [u8; 1] = [0x48];

/// Makes packets of one voice.
pub(crate) struct Sender {
    cleaner: Cleaner,
    encoder: Encoder,
    mode: VoiceMode,
    frame: Vec<f32>,
    frame_position: u64,
    sequence: u32,
    /// Samples from the microphone to what a decoder gives for the same position.
    delay: u64,
    talking: bool,
    marked_pause: bool,
    map: Option<(u64, u64)>,
    level: f32,
}

impl Sender {
    pub(crate) fn new(processing: Processing) -> Result<Self, AudioError> {
        let cleaner = Cleaner::new(processing);
        let mut encoder = Encoder::new()?;
        let delay = cleaner.delay_samples() + encoder.lookahead();
        Ok(Self {
            cleaner,
            encoder,
            mode: VoiceMode::Calm,
            frame: Vec::with_capacity(FRAME),
            frame_position: 0,
            sequence: 0,
            delay,
            talking: false,
            marked_pause: true,
            map: None,
            level: 0.0,
        })
    }

    /// The speaker plays this.
    pub(crate) fn heard_by_the_room(&mut self, block: &[f32; BLOCK]) {
        if self.talking {
            self.cleaner.render(block);
        }
    }

    pub(crate) fn set_paths(&mut self, paths: PathNeeds) {
        self.mode = self.mode.next(paths);
        self.encoder.set_mode(self.mode);
    }

    /// Loudness of the microphone, 0.0 .. 1.0, muted or not.
    pub(crate) fn level(&self) -> f32 {
        self.level
    }

    /// A block from the microphone; `on_air`: it may be sent.
    pub(crate) fn take(
        &mut self,
        mut captured: Captured,
        on_air: bool,
        echo_delay_ms: u32,
        on_event: &mut dyn FnMut(AudioEvent),
    ) {
        let loudness = root_mean_square(&captured.samples);
        self.level = loudness.max(self.level * 0.9).min(1.0);
        self.map_clock(&captured, on_event);
        if !on_air {
            self.pause(captured.position, on_event);
            return;
        }
        if !self.talking {
            self.talking = true;
            self.encoder.reset();
            for (i, sample) in captured.samples.iter_mut().enumerate() {
                *sample *= i as f32 / BLOCK as f32;
            }
        }
        self.cleaner.capture(&mut captured.samples, echo_delay_ms);
        if self.frame_position + self.frame.len() as u64 != captured.position {
            self.frame.clear();
        }
        if self.frame.is_empty() {
            self.frame_position = captured.position;
        }
        self.frame.extend_from_slice(&captured.samples);
        if self.frame.len() >= FRAME {
            self.encode(on_event);
        }
    }

    fn encode(&mut self, on_event: &mut dyn FnMut(AudioEvent)) {
        let level = loudness_code(root_mean_square(&self.frame));
        let packet = self.encoder.encode(&self.frame);
        self.frame.clear();
        let Some(packet) = packet else {
            tracing::warn!("libopus refused a frame");
            return;
        };
        // Pauses are sent frame by frame, too, or the moments of datagrams would tell when somebody speaks.
        self.marked_pause = packet.len() <= 2;
        self.send(self.frame_position, level, packet.into(), on_event);
    }

    fn pause(&mut self, position: u64, on_event: &mut dyn FnMut(AudioEvent)) {
        if !self.talking {
            return;
        }
        self.talking = false;
        let position = if self.frame.is_empty() { position } else { self.frame_position };
        self.frame.clear();
        if !self.marked_pause {
            self.marked_pause = true;
            self.send(position, 0, Bytes::from_static(&PAUSE_MARK), on_event);
        }
    }

    fn send(&mut self, position: u64, level: u8, payload: Bytes, on_event: &mut dyn FnMut(AudioEvent)) {
        on_event(AudioEvent::Encoded(EncodedAudio {
            sequence: self.sequence,
            position,
            level,
            is_copy: false,
            payload,
        }));
        self.sequence = self.sequence.wrapping_add(1);
    }

    /// Tells when positions were captured, once a second and when that jumps.
    fn map_clock(&mut self, captured: &Captured, on_event: &mut dyn FnMut(AudioEvent)) {
        let Captured { position, captured_us, .. } = *captured;
        if let Some((last_position, last_us)) = self.map {
            let passed = position.saturating_sub(last_position);
            let expected_us = last_us + passed * 125 / 6;
            if passed < limits::CLOCK_MAP_SAMPLES && expected_us.abs_diff(captured_us) < limits::CLOCK_MAP_JUMP_US {
                return;
            }
        }
        self.map = Some((position, captured_us));
        // A decoder gives for this position what was captured a little earlier.
        let captured_us = captured_us.saturating_sub(self.delay * 125 / 6);
        on_event(AudioEvent::ClockMap { position, captured_us });
    }
}

fn root_mean_square(samples: &[f32]) -> f32 {
    (samples.iter().map(|s| s * s).sum::<f32>() / samples.len().max(1) as f32).sqrt()
}

/// 127 at full scale, one less per decibel.
fn loudness_code(loudness: f32) -> u8 {
    (127.0 + 20.0 * loudness.max(1e-9).log10()).round().clamp(0.0, 127.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::voice;

    fn packets(sender: &mut Sender, from_block: usize, on_air: impl Fn(usize) -> bool) -> Vec<EncodedAudio> {
        let voice = voice::zero_to_nine();
        let mut packets = Vec::new();
        for n in from_block..from_block + 200 {
            let samples = voice[n * BLOCK..(n + 1) * BLOCK].try_into().expect("a block");
            let captured =
                Captured { samples, position: (n * BLOCK) as u64, captured_us: 5_000_000 + n as u64 * 10_000 };
            sender.take(captured, on_air(n), 0, &mut |event| {
                if let AudioEvent::Encoded(packet) = event {
                    packets.push(packet);
                }
            });
        }
        packets
    }

    #[test]
    fn packets_are_counted_by_one_and_stand_where_they_were_spoken() {
        let mut sender = Sender::new(Processing::Full).expect("sender");
        let packets = packets(&mut sender, 0, |_| true);
        assert_eq!(packets.len(), 100, "one each 20 ms, whether somebody speaks or not");
        for (n, packet) in packets.iter().enumerate() {
            assert_eq!(packet.sequence as usize, n);
            assert_eq!(packet.position % 480, 0);
        }
    }

    #[test]
    fn muted_nothing_is_sent_but_one_mark() {
        let mut sender = Sender::new(Processing::Off).expect("sender");
        let packets = packets(&mut sender, 0, |n| n < 30);
        let last = packets.last().expect("a packet");
        assert_eq!(&last.payload[..], PAUSE_MARK);
        assert_eq!(last.position, 30 * 480);
        assert_eq!(packets.len(), 16);
        assert!(sender.level() >= 0.0);
    }
}
