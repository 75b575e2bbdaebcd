//! The two ends of a voice without devices, threads or clock: what the audio thread does with one microphone and one remote,
//! for simulated networks and measurements. The caller says what time it is.

use super::jitter::JitterBuffer;
use super::microphone::Captured;
use super::sender::Sender;
use super::{AudioError, AudioEvent, AudioStats, BLOCK, EncodedAudio, PathNeeds, Processing};

/// Makes packets of a voice.
pub struct VoiceSender {
    sender: Sender,
    position: u64,
}

impl VoiceSender {
    /// Sends what it is given as it is.
    ///
    /// # Errors
    /// The codec failed.
    pub fn new() -> Result<Self, AudioError> {
        Ok(Self { sender: Sender::new(Processing::Off)?, position: 0 })
    }

    /// The worst of the paths to all who hear.
    pub fn set_paths(&mut self, paths: PathNeeds) {
        self.sender.set_paths(paths);
    }

    /// The next 10 ms at 48 kHz.
    pub fn take(&mut self, samples: [f32; BLOCK]) -> Option<EncodedAudio> {
        let captured = Captured { samples, position: self.position, captured_us: self.position * 125 / 6 };
        self.position += BLOCK as u64;
        let mut packet = None;
        self.sender.take(captured, true, 0, &mut |event| {
            if let AudioEvent::Encoded(encoded) = event {
                packet = Some(encoded);
            }
        });
        packet
    }
}

/// Plays the packets of a voice.
pub struct VoiceReceiver(JitterBuffer);

impl VoiceReceiver {
    /// Has heard nothing yet.
    ///
    /// # Errors
    /// The codec failed.
    pub fn new() -> Result<Self, AudioError> {
        JitterBuffer::new().map(Self)
    }

    /// A packet has arrived.
    pub fn push(&mut self, now_us: u64, packet: EncodedAudio) {
        self.0.insert(now_us, packet);
    }

    /// Fills the 10 ms that are played next. Says which position of the sender is heard, if any.
    pub fn pull(&mut self, now_us: u64, block: &mut [f32; BLOCK]) -> Option<u64> {
        self.0.pull(now_us, block).position
    }

    /// The counters so far.
    #[must_use]
    pub fn stats(&self) -> AudioStats {
        self.0.stats()
    }
}
