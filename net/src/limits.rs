//! Every bound of this crate in one place, each with its reason. Sections: towards the application, socket, QUIC,
//! signalling, discovery.

use std::time::Duration;

// ---- Towards the application ----

/// Commands waiting for the driver. It takes them within a millisecond; 256 are two seconds of sound and pictures of one
/// sender, so a full channel means that the driver hangs.
pub(crate) const COMMANDS: usize = 256;
/// Control events waiting for the application: a whole meeting joining at once, many times over.
pub(crate) const CONTROL_EVENTS: usize = 1024;
/// Sound frames waiting for the application, from all peers: 16 peers for 320 ms. Older sound is of no use.
pub(crate) const AUDIO_EVENTS: usize = 256;
/// Pictures waiting for the application, from all peers: 16 peers for 250 ms. Older pictures are of no use.
pub(crate) const VIDEO_EVENTS: usize = 128;
/// How long a caller waits for an invite from the driver before it is told that there is none.
pub(crate) const INVITE_WAIT: Duration = Duration::from_millis(500);
