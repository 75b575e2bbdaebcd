//! Sound: `microphone -> clean up -> Opus` and `jitter buffer -> decode -> mix -> speaker`, on one thread of its own.

use bytes::Bytes;

use crate::source::DeviceStatus;

/// Names one remote sender within this process.
pub type RemoteId = u64;

/// One Opus packet with what the receiver must know of it. The network's twin is `conclave_proto::frames::AudioFrame`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedAudio {
    /// Counts packets by one.
    pub sequence: u32,
    /// Of the first sample, in 48 kHz samples since the microphone started.
    pub position: u64,
    /// 0 silent .. 127 full scale.
    pub level: u8,
    /// The Opus packet.
    pub payload: Bytes,
}

/// News from the audio thread.
#[derive(Clone, Debug)]
pub enum AudioEvent {
    /// To be sent to everybody.
    Encoded(EncodedAudio),
    /// The sample at `position` was captured at `captured_us` of the media clock. Once a second, and when it jumps.
    ClockMap {
        /// In 48 kHz samples.
        position: u64,
        /// Media clock, microseconds.
        captured_us: u64,
    },
    /// How the microphone is doing.
    Microphone(DeviceStatus),
    /// How the speaker is doing.
    Speaker(DeviceStatus),
    /// Sample 0 of the microphone was captured at this moment.
    MicrophoneStarted {
        /// Microseconds since the Unix epoch.
        unix_us: u64,
    },
    /// Sample 0 of the speaker was (for a file: counts as) heard at this moment.
    SpeakerStarted {
        /// Microseconds since the Unix epoch.
        unix_us: u64,
    },
    /// The first sound of a remote was handed to the speaker.
    FirstSound {
        /// Whose.
        remote: RemoteId,
        /// When it is heard, microseconds since the Unix epoch.
        unix_us: u64,
    },
}

/// What of a remote's sound is being heard: lip sync's anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlayoutPoint {
    /// On the remote's media clock: when the sound was captured ...
    pub captured_us: u64,
    /// ... that is heard at this moment of our media clock.
    pub heard_us: u64,
}

/// Counters of one remote's sound. Names as in WebRTC's statistics.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AudioStats {
    /// Samples per channel played for this remote, concealed ones included.
    pub total_samples: u64,
    /// Of these, made up because nothing had arrived (comfort noise in DTX pauses does not count).
    pub concealed_samples: u64,
    /// Of these, recovered by LBRR or DRED (not counted as concealed).
    pub recovered_samples: u64,
    /// Samples cut out or put in by time stretching.
    pub stretched_samples: u64,
    /// Sum over emitted samples of the seconds each waited in the jitter buffer, as WebRTC's jitterBufferDelay.
    pub jitter_buffer_delay_s: f64,
    /// Emitted samples for that sum.
    pub jitter_buffer_emitted: u64,
    /// Current target delay in milliseconds.
    pub target_delay_ms: u32,
    /// Loudness now, 0.0 .. 1.0, for "who speaks".
    pub level: f32,
}
