//! What the engine shows: one immutable value that the window draws and `headless` reports from. Plain data; the window
//! depends on this file and on `command.rs`, never on net or codecs. Pictures travel beside it, in `media::PictureSlot`s.

use std::sync::Arc;
use std::time::Duration;

use conclave_media::PictureSlot;

use super::Shortfall;
use super::room::{ContactLine, Room, Standing};

/// A peer as the window and the JSON lines name it: sixteen hexadecimal digits, stable for the meeting.
pub type Who = String;

/// Everything there is to show at one moment.
#[derive(Clone, Default)]
pub struct Snapshot {
    /// Where we are.
    pub stage: Stage,
    /// Our own name.
    pub name: String,
    /// Own camera.
    pub camera: DeviceState,
    /// Own microphone.
    pub microphone: DeviceState,
    /// Own speaker.
    pub speaker: DeviceState,
    /// Devices to choose from.
    pub devices: DeviceLists,
    /// Microphone is muted by us.
    pub muted: bool,
    /// Camera is switched off by us.
    pub camera_off: bool,
    /// Microphone level, 0.0 silent .. 1.0 full scale.
    pub microphone_level: f32,
    /// Our own picture, as captured.
    pub own_picture: Option<Arc<PictureSlot>>,
    /// People in the room, without us, in the order they came.
    pub people: Vec<Person>,
    /// Who of them is shown large (`Command::Pin`).
    pub pinned: Option<Who>,
    /// Our own connection is short: of those who neither speak nor are pinned less is asked for.
    pub gives_way: bool,
    /// Who stands at the door, oldest first.
    pub knocks: Vec<Knock>,
    /// What the meeting shows beside its tiles.
    pub room: Room,
    /// People we verified, by name.
    pub contacts: Arc<[ContactLine]>,
    /// The six meeting words, while somebody is in the room with us.
    pub words: Option<[String; 6]>,
    /// People and meetings that made themselves visible on this network.
    pub visible: Vec<VisiblePeer>,
    /// We are visible ourselves.
    pub visible_self: bool,
    /// Things to tell, oldest first; they stay until dismissed or mended.
    pub notices: Vec<Notice>,
    /// An invite exists and can be copied (`Command::CopyInvite`). It is never part of a snapshot.
    pub invite_ready: bool,
    /// Anything above changed since the last meeting started; grows by one with each snapshot.
    pub generation: u64,
}

/// Where we are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// No meeting; devices closed.
    #[default]
    Home,
    /// Devices open for a look before entering.
    Preview {
        /// What entering will do.
        purpose: Purpose,
    },
    /// On the way in.
    Entering {
        /// What is being waited for, as a sentence: "Looking for the meeting", "Knocking", "Waiting to be let in".
        step: String,
        /// How long this step has taken.
        since: Duration,
        /// When it will be given up.
        gives_up_after: Duration,
    },
    /// In the room (alone or not).
    Meeting,
    /// It is over; why, as a sentence and what can be done.
    Ended(Notice),
}

/// What the preview leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Make a meeting.
    New,
    /// Knock at one.
    Join,
}

/// One person in the room.
#[derive(Clone)]
pub struct Person {
    /// Which.
    pub who: Who,
    /// Cleaned name.
    pub name: String,
    /// Speaks now.
    pub speaking: bool,
    /// Their microphone is muted by them.
    pub muted: bool,
    /// Their camera is on.
    pub camera_on: bool,
    /// Newest picture; `None` until the first.
    pub picture: Option<Arc<PictureSlot>>,
    /// What of their pictures does not reach us because a connection is slow, once it has lasted.
    pub shortfall: Shortfall,
    /// Nothing arrives from them right now; for how long.
    pub silent_for: Option<Duration>,
    /// What the panel shows.
    pub link: Link,
}

/// The truth about one link.
#[derive(Clone, Debug, Default)]
pub struct Link {
    /// "same machine", "local network", "internet".
    pub path: String,
    /// The peer's address on it.
    pub address: String,
    /// "ChaCha20-Poly1305, keys by X25519 and ML-KEM-768 (Noise XXpsk0+psk3)".
    pub cipher: String,
    /// First eight bytes of their device key's fingerprint, grouped.
    pub device_key: String,
    /// How old the session key is.
    pub key_age: Duration,
    /// Times the session was rekeyed.
    pub rekeys: u32,
    /// Smoothed round trip.
    pub round_trip: Option<Duration>,
    /// Fraction of their audio that had to be concealed in the last seconds, 0.0 .. 1.0.
    pub concealed: f32,
    /// Fraction of packets lost in the last seconds, 0.0 .. 1.0.
    pub loss: f32,
    /// Received now.
    pub received_kbps: u32,
    /// Sent now.
    pub sent_kbps: u32,
    /// What the path is thought to carry.
    pub available_kbps: u32,
    /// What of our pictures does not reach them for that.
    pub shortfall: Shortfall,
    /// Picture as received: width, height, frames per second, codec.
    pub picture: Option<(u32, u32, f32, String)>,
    /// How long sound waits in the jitter buffer.
    pub jitter_buffer: Duration,
}

/// Somebody at the door.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Knock {
    /// Which.
    pub who: Who,
    /// What they call themselves.
    pub name: String,
    /// What our contacts say about their device.
    pub standing: Standing,
}

/// Somebody visible on this network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VisiblePeer {
    /// Key to knock by.
    pub id: String,
    /// What they call themselves.
    pub name: String,
}

/// A sentence for a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notice {
    /// To dismiss it by.
    pub id: u64,
    /// What happened.
    pub what: String,
    /// Whose fault: "yours", "theirs", "the network's", "a device's", "ours".
    pub whose_fault: String,
    /// What to do now.
    pub remedy: String,
}

/// How a device is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DeviceState {
    /// Not open.
    #[default]
    Off,
    /// Being opened.
    Opening,
    /// Works; its name.
    On(String),
    /// Missing, busy, hanging or unplugged: a sentence. It is tried again by itself.
    Failed(String),
}

/// What there is to choose from. The first is the default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceLists {
    /// Camera names.
    pub cameras: Vec<String>,
    /// Microphone names.
    pub microphones: Vec<String>,
    /// Speaker names.
    pub speakers: Vec<String>,
}
