//! What an engine is started with: plain values, already checked by whoever typed or stored them.

use std::path::PathBuf;

use conclave_media::video::CodecChoice;
use conclave_media::{Sink, Source};

use super::notices::Trouble;
use super::power::PowerMeter;
use super::report::Reporter;

/// Everything an engine needs to know before it starts. Devices and the name change later by commands.
#[derive(Clone, Debug, Default)]
pub struct EngineConfig {
    /// Own name; empty: the window asks for one.
    pub name: String,
    /// Where the device key lies.
    pub data_dir: PathBuf,
    /// Where changes of name and devices are kept; `None`: nowhere (headless).
    pub settings_file: Option<PathBuf>,
    /// Own camera.
    pub camera: Source,
    /// Own microphone.
    pub microphone: Source,
    /// Own speaker.
    pub speaker: Sink,
    /// UDP port; 0: any.
    pub port: u16,
    /// Never send beyond the local network.
    pub lan_only: bool,
    /// Upper bound for everything that is sent, kbit/s.
    pub max_bitrate_kbps: Option<u64>,
    /// Wanted picture width.
    pub width: u32,
    /// Wanted picture height.
    pub height: u32,
    /// Wanted pictures per second.
    pub fps: u32,
    /// AV1, H.264, or whichever this machine is fast enough for.
    pub codec: CodecChoice,
    /// Who tells how the battery is; `None`: nobody, so pictures are what they would be on mains.
    pub power: Option<PowerMeter>,
    /// Go on from the first preview at once; for `conclave new --enter`.
    pub enter_at_once: bool,
    /// Contacts are read and kept.
    pub contacts: bool,
    /// Where files from others go.
    pub downloads: PathBuf,
    /// Let in everybody who knocks.
    pub admit_all: bool,
    /// Per camera picture: index and the moment it was handed over.
    pub captured_out: Option<PathBuf>,
    /// Where everybody's pictures are written.
    pub pictures_out: Option<PathBuf>,
    /// How high people are drawn whose tile nobody told of (headless); `None`: as large as they send.
    pub tile_height: Option<u32>,
    /// How many people are drawn at most whose tile nobody told of; `None`: all.
    pub tiles: Option<usize>,
    /// Who wants each event as it happens (headless); the window reads snapshots.
    pub reporter: Option<Reporter>,
    /// Something to tell at once: settings that could not be read.
    pub startup_trouble: Option<Trouble>,
}
