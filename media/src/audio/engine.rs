//! The handle to the audio thread.

use super::{AudioConfig, AudioError, AudioEvent, AudioStats, DeviceInfo, EncodedAudio, PlayoutPoint, RemoteId};
use crate::source::{Sink, Source};

/// Runs the sound of one meeting.
pub struct AudioEngine {}

impl AudioEngine {
    /// Starts the audio thread. `on_event` is called on it and must not block.
    ///
    /// # Errors
    /// Only if no thread or codec can be had; devices that fail are reported as events.
    pub fn start(_config: AudioConfig, _on_event: Box<dyn FnMut(AudioEvent) + Send>) -> Result<Self, AudioError> {
        Ok(Self {})
    }

    /// A packet has arrived just now.
    pub fn push(&self, _remote: RemoteId, _packet: EncodedAudio) {}

    /// From now on this remote's packets are played.
    pub fn add_remote(&self, _remote: RemoteId) {}

    /// Forgets a remote.
    pub fn remove_remote(&self, _remote: RemoteId) {}

    /// The remote says when the sample at `position` was captured, on its own media clock.
    pub fn set_sender_report(&self, _remote: RemoteId, _position: u64, _captured_us: u64) {}

    /// Muted: the microphone stays open, nothing is encoded.
    pub fn set_muted(&self, _muted: bool) {}

    /// Another microphone.
    pub fn set_microphone(&self, _microphone: Source) {}

    /// Another speaker.
    pub fn set_speaker(&self, _speaker: Sink) {}

    /// The share of our packets that gets lost, 0.0 .. 1.0.
    pub fn set_expected_loss(&self, _fraction: f32) {}

    /// Whether anybody is there to hear us. While not, nothing is encoded. On at the start.
    pub fn set_sending(&self, _sending: bool) {}

    /// What of this remote is being heard; `None` before its first sound and sender report.
    #[must_use]
    pub fn playout(&self, _remote: RemoteId) -> Option<PlayoutPoint> {
        None
    }

    /// Loudness of the microphone now, 0.0 .. 1.0; also while muted.
    #[must_use]
    pub fn microphone_level(&self) -> f32 {
        0.0
    }

    /// Counters of a remote; all zero for an unknown one.
    #[must_use]
    pub fn stats(&self, _remote: RemoteId) -> AudioStats {
        AudioStats::default()
    }
}

/// The microphones of this machine. Asks on a helper thread, returns within three seconds whatever the sound system does.
#[must_use]
pub fn microphones() -> Vec<DeviceInfo> {
    Vec::new()
}

/// The speakers of this machine. Asks on a helper thread, returns within three seconds whatever the sound system does.
#[must_use]
pub fn speakers() -> Vec<DeviceInfo> {
    Vec::new()
}
