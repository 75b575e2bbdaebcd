//! What may be typed, and the checked configuration that comes of it. Flags win over the settings file. `conclave headless`
//! reads no settings: what it does stands in its command line alone.

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};
use conclave_media::video::CodecChoice;
use conclave_media::{Sink, Source};
use directories::{ProjectDirs, UserDirs};

use crate::contacts;
use crate::engine::{EngineConfig, Fault, PowerMeter, Trouble};
use crate::settings::{self, CodecName, Settings, Size};

/// Private video meetings between desktops, without servers.
#[derive(Debug, Parser)]
#[command(name = "conclave", version, about, after_help = EXIT_CODES)]
pub struct Cli {
    /// What to do; without a command the window opens at home.
    #[command(subcommand)]
    pub action: Option<Action>,
    /// Flags of the window.
    #[command(flatten)]
    pub options: Options,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Open the window and prepare a new meeting
    New(Options),
    /// Open the window and prepare to knock at a meeting
    Join {
        /// The text that you were sent; starts with "conclave:"
        invite: String,
        /// Flags of the window.
        #[command(flatten)]
        options: Options,
    },
    /// Take part without a window: events and commands are lines of JSON
    Headless(Headless),
    /// The people whom you verified or noted: list, forget, take elsewhere
    Contacts(ContactsArguments),
    /// Look at cameras, sound, network and codecs of this computer, and say what to do about each
    Doctor {
        /// Print one JSON object instead of text
        #[arg(long)]
        json: bool,
    },
}

/// The flags of `conclave contacts`.
#[derive(Clone, Debug, Args)]
pub struct ContactsArguments {
    /// Folder of the device key
    #[arg(long, value_name = "DIR", global = true)]
    pub data_dir: Option<PathBuf>,
    /// Do not ask the system's keyring; the key to contacts lies in a file
    #[arg(long, global = true)]
    pub no_keyring: bool,
    /// What to do.
    #[command(subcommand)]
    pub action: ContactsAction,
}

/// What to do with contacts.
#[derive(Clone, Debug, Subcommand)]
pub enum ContactsAction {
    /// Print everybody
    List {
        /// Print JSON, one object per person and line
        #[arg(long)]
        json: bool,
    },
    /// Forget somebody for good, history and all
    Forget {
        /// Their key as in the list; the first eight digits will do where they are enough
        key: String,
    },
    /// Write everybody into a new file, sealed with a passphrase that is asked for (or is a line on standard input)
    Export {
        /// The new file
        file: PathBuf,
    },
    /// Take in an exported file; asks for its passphrase (or reads a line of standard input)
    Import {
        /// The file
        file: PathBuf,
    },
}

/// Each overrides what the settings file says.
#[derive(Clone, Debug, Default, Args)]
pub struct Options {
    /// Own name
    #[arg(long)]
    pub name: Option<String>,
    /// Folder of the device key
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Another settings file
    #[arg(long, value_name = "FILE")]
    pub settings: Option<PathBuf>,
    /// Camera: device, device:NAME, test, file:PATH.y4m or none
    #[arg(long, value_name = "SRC")]
    pub camera: Option<Source>,
    /// Microphone: device, device:NAME, test, file:PATH.wav or none
    #[arg(long, value_name = "SRC")]
    pub microphone: Option<Source>,
    /// Speaker: device, device:NAME, file:PATH.wav or none
    #[arg(long, value_name = "SINK")]
    pub speaker: Option<Sink>,
    /// With `new` or `join`: enter at once, without a look at camera and microphone first
    #[arg(long)]
    pub enter: bool,
    /// Media and network.
    #[command(flatten)]
    pub call: CallOptions,
}

/// What the window and `headless` have in common.
#[derive(Clone, Debug, Default, Args)]
pub struct CallOptions {
    /// Send nothing beyond the local network
    #[arg(long)]
    pub lan_only: bool,
    /// UDP port; 0 lets the system choose
    #[arg(long, value_name = "N")]
    pub port: Option<u16>,
    /// Picture size
    #[arg(long, value_name = "1280x720")]
    pub size: Option<Size>,
    /// Pictures per second
    #[arg(long, value_name = "30", value_parser = clap::value_parser!(u32).range(1..=60))]
    pub fps: Option<u32>,
    /// Video codec: auto, av1 or h264
    #[arg(long, value_name = "auto|av1|h264")]
    pub codec: Option<CodecName>,
    /// Upper bound for all that is sent, in kbit/s
    #[arg(long, value_name = "KBIT", value_parser = clap::value_parser!(u64).range(32..=1_000_000))]
    pub max_bitrate: Option<u64>,
}

/// The flags of `conclave headless`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub struct Headless {
    /// Make a meeting; its invite is the first event
    #[arg(long, conflicts_with = "join", required_unless_present = "join")]
    pub new: bool,
    /// Knock at the meeting of this invite
    #[arg(long, value_name = "INVITE")]
    pub join: Option<String>,
    /// Own name
    #[arg(long)]
    pub name: String,
    /// Folder of the device key
    #[arg(long, value_name = "DIR")]
    pub data_dir: PathBuf,
    /// Camera: device, device:NAME, test, file:PATH.y4m or none
    #[arg(long, value_name = "SRC")]
    pub camera: Source,
    /// Microphone: device, device:NAME, test, file:PATH.wav or none
    #[arg(long, value_name = "SRC")]
    pub microphone: Source,
    /// Speaker: device, device:NAME, file:PATH.wav or none
    #[arg(long, value_name = "SINK")]
    pub speaker: Sink,
    /// Let in everybody who knocks
    #[arg(long)]
    pub admit_all: bool,
    /// Media and network.
    #[command(flatten)]
    pub call: CallOptions,
    /// Write index,unix_us of each camera picture here
    #[arg(long, value_name = "FILE.csv")]
    pub captured_out: Option<PathBuf>,
    /// Write everybody's pictures into this folder
    #[arg(long, value_name = "DIR")]
    pub pictures_out: Option<PathBuf>,
    /// How high everybody's picture is drawn, in pixels; decides what is asked of them (as large as they send)
    #[arg(long, value_name = "PIXELS", value_parser = clap::value_parser!(u32).range(0..=8192))]
    pub tile_height: Option<u32>,
    /// Show at most so many people; the others are heard only
    #[arg(long, value_name = "N")]
    pub tiles: Option<usize>,
    /// Be so many people at once, who send the same few seconds encoded beforehand and only count what arrives: a room to
    /// measure in. Camera and microphone: test, file:PATH or none; no speaker is used
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=16),
          conflicts_with_all = ["captured_out", "pictures_out"])]
    pub light: Option<u32>,
    /// Leave after so many seconds
    #[arg(long = "for", value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400 * 30))]
    pub seconds: Option<u64>,
}

/// Under every help text, and what `main` returns.
const EXIT_CODES: &str = "Exit codes:
  0  done; the meeting was left by command, signal or time
  1  something in Conclave or this computer broke
  2  the command line, the invite or the file cannot be used
  3  not let in: turned away, put out, nobody there, or another version
  4  could not start: port in use, no network, device key or contacts damaged or unreadable";

/// Where files from others go when there is no folder for downloads.
const RECEIVED: &str = "received";

impl CallOptions {
    fn apply(&self, settings: &Settings, config: &mut EngineConfig) {
        let size = self.size.or(settings.size).unwrap_or(Size { width: 1280, height: 720 });
        (config.width, config.height) = (size.width, size.height);
        config.fps = self.fps.or(settings.fps).unwrap_or(30).clamp(1, 60);
        config.codec = self.codec.or(settings.codec).map_or(CodecChoice::Auto, |name| name.0);
        config.port = self.port.or(settings.port).unwrap_or(0);
        config.lan_only = self.lan_only || settings.lan_only.unwrap_or(false);
        config.max_bitrate_kbps = self.max_bitrate.or(settings.max_bitrate);
    }
}

/// The folder of the device key: what was typed, or the platform's.
///
/// # Errors
/// This user has no home folder.
pub fn data_dir(typed: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    let platform = || ProjectDirs::from("", "", "conclave").map(|folders| folders.data_dir().to_owned());
    typed.or_else(platform).ok_or_else(|| anyhow::anyhow!("This user has no home folder. Give --data-dir."))
}

impl Options {
    /// What the window starts with: flags, then the settings file, then defaults. A settings file that cannot be used is
    /// told by the window and left alone.
    ///
    /// # Errors
    /// There is no home folder and no flag that stands in for it.
    pub fn into_config(self) -> anyhow::Result<EngineConfig> {
        let folders = ProjectDirs::from("", "", "conclave");
        let missing = || anyhow::anyhow!("This user has no home folder. Give --data-dir and --settings.");
        let data_dir = self
            .data_dir
            .clone()
            .or_else(|| folders.as_ref().map(|folders| folders.data_dir().to_owned()))
            .ok_or_else(missing)?;
        let file = self
            .settings
            .clone()
            .or_else(|| folders.as_ref().map(|folders| folders.config_dir().join(settings::FILE_NAME)))
            .ok_or_else(missing)?;
        let (settings, settings_file, startup_trouble) = match settings::load(&file) {
            Ok(settings) => (settings, Some(file), None),
            Err(error) => (Settings::default(), None, Some(Trouble::sentences(&error, Fault::Yours))),
        };
        let own_folder = data_dir.join(RECEIVED);
        let downloads = UserDirs::new().and_then(|user| user.download_dir().map(Path::to_owned)).unwrap_or(own_folder);
        let mut config = EngineConfig {
            name: self.name.or(settings.name.clone()).unwrap_or_default(),
            data_dir,
            settings_file,
            camera: self.camera.or(settings.camera.clone()).unwrap_or_default(),
            microphone: self.microphone.or(settings.microphone.clone()).unwrap_or_default(),
            speaker: self.speaker.or(settings.speaker.clone()).unwrap_or_default(),
            contacts: true,
            downloads,
            power: Some(PowerMeter::system()),
            enter_at_once: self.enter,
            startup_trouble,
            ..EngineConfig::default()
        };
        self.call.apply(&settings, &mut config);
        Ok(config)
    }

    /// Flags after the command win over those before it.
    #[must_use]
    pub fn over(self, before: Self) -> Self {
        Self {
            name: self.name.or(before.name),
            data_dir: self.data_dir.or(before.data_dir),
            settings: self.settings.or(before.settings),
            camera: self.camera.or(before.camera),
            microphone: self.microphone.or(before.microphone),
            speaker: self.speaker.or(before.speaker),
            enter: self.enter || before.enter,
            call: CallOptions {
                lan_only: self.call.lan_only || before.call.lan_only,
                port: self.call.port.or(before.call.port),
                size: self.call.size.or(before.call.size),
                fps: self.call.fps.or(before.call.fps),
                codec: self.call.codec.or(before.call.codec),
                max_bitrate: self.call.max_bitrate.or(before.call.max_bitrate),
            },
        }
    }
}

impl Headless {
    /// What the engine starts with.
    #[must_use]
    pub fn config(&self) -> EngineConfig {
        let mut config = EngineConfig {
            name: self.name.clone(),
            data_dir: self.data_dir.clone(),
            camera: self.camera.clone(),
            microphone: self.microphone.clone(),
            speaker: self.speaker.clone(),
            // Who sends stand-ins measures, and gets what was asked for on any computer.
            power: self.camera.is_device().then(PowerMeter::system),
            // A kiosk without contacts asks no keyring.
            contacts: self.data_dir.join(contacts::FILE_NAME).exists(),
            downloads: self.data_dir.join(RECEIVED),
            admit_all: self.admit_all,
            captured_out: self.captured_out.clone(),
            pictures_out: self.pictures_out.clone(),
            tile_height: self.tile_height,
            tiles: self.tiles,
            ..EngineConfig::default()
        };
        self.call.apply(&Settings::default(), &mut config);
        config
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_flag_wins_over_the_settings_file() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("settings.toml");
        std::fs::write(&file, "name = \"Ann\"\nfps = 15\nsize = \"640x360\"\n")?;
        let path = file.to_string_lossy().into_owned();
        let cli = Cli::try_parse_from(["conclave", "--settings", &path, "new", "--fps", "10"])?;
        let Some(Action::New(options)) = cli.action else { return Err("no command".into()) };
        let config = options.over(cli.options).into_config()?;
        assert_eq!((config.name.as_str(), config.fps, config.width, config.height), ("Ann", 10, 640, 360));
        Ok(())
    }
}
