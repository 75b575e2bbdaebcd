//! Sound: `microphone -> clean up -> Opus` and `jitter buffer -> decode -> mix -> speaker`, on one thread of its own.
//!
//! Specified in ARCHITECTURE.md, "Sound". The app's engine starts one [`AudioEngine`] per meeting and talks to it
//! through its methods and [`AudioEvent`]s; nothing here knows the network.

pub(crate) mod ahead;
mod clean;
mod codec;
mod device;
mod engine;
mod feeder;
mod jitter;
mod microphone;
mod mixer;
pub mod offline;
mod recorder;
mod resample;
mod sender;
mod speaker;
mod voice;
mod voice_mode;
mod watch;
mod worker;

use bytes::Bytes;

pub use engine::{AudioEngine, microphones, speakers};
pub use voice_mode::PathNeeds;

use crate::source::{DeviceStatus, Sink, Source};

/// Samples per second everywhere inside.
pub(crate) const RATE: u32 = 48_000;
/// Samples in the 10 ms in which everything is done.
pub(crate) const BLOCK: usize = 480;

/// What to start with. Build it with `..AudioConfig::default()`: it may grow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AudioConfig {
    /// Where our voice comes from.
    pub microphone: Source,
    /// Where the others are heard.
    pub speaker: Sink,
    /// What is done to the microphone's sound.
    pub processing: Processing,
}

/// What is done to the microphone's sound before it is encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Processing {
    /// Echo cancellation, noise suppression, gain control, high pass.
    #[default]
    Full,
    /// Without echo cancellation: with a headset nothing can echo, and two may speak at once undulled.
    Headset,
    /// Nothing: sent as it was recorded.
    Off,
}

/// Sound could not be started at all. (A missing or broken device is no such error: the engine runs without.)
#[derive(Debug, thiserror::Error)]
pub enum AudioError {
    /// The system gave no thread.
    #[error("Sound could not be started: the system gives this program no more threads ({0}). Close other programs.")]
    Thread(#[source] std::io::Error),
    /// The codec refused to start.
    #[error("Sound could not be started: the Opus codec failed with code {0}. This is a fault of this program.")]
    Codec(i32),
}

/// One microphone or speaker of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// What people call it; a part of it chooses it: `device:NAME`.
    pub name: String,
    /// Whether it is the system's default.
    pub is_default: bool,
    /// In words, such as "2 channels, 44100 to 48000 Hz, f32".
    pub formats: String,
}

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
    /// Received only: a copy that came with a later packet, because its own has not come.
    pub is_copy: bool,
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
    /// Whether sound comes.
    pub flow: Flow,
}

/// Whether a remote's sound comes as it should.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flow {
    /// Nothing was ever heard.
    #[default]
    Fresh,
    /// The remote said that nothing follows for now: a pause, or muted.
    Pause,
    /// It should come and does not, for longer than concealment can cover.
    Outage,
    /// It is played.
    Playing,
}
