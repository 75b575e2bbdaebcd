//! The settings file: one TOML table under the platform's config folder. Every setting has a flag, which wins. A damaged
//! file is told and left alone: defaults count, and nothing is written over it.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use conclave_media::video::CodecChoice;
use conclave_media::{Sink, Source};
use serde::Deserialize;

/// The file's name in the config folder.
pub const FILE_NAME: &str = "settings.toml";
/// Nobody's settings are longer; what is longer is something else.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// What the file may say; anything left out has its default. Unknown keys are kept for newer versions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Own name.
    pub name: Option<String>,
    /// Camera, as `--camera`.
    #[serde(deserialize_with = "parsed")]
    pub camera: Option<Source>,
    /// Microphone, as `--microphone`.
    #[serde(deserialize_with = "parsed")]
    pub microphone: Option<Source>,
    /// Speaker, as `--speaker`.
    #[serde(deserialize_with = "parsed")]
    pub speaker: Option<Sink>,
    /// UDP port, as `--port`.
    pub port: Option<u16>,
    /// As `--lan-only`.
    pub lan_only: Option<bool>,
    /// As `--size`.
    #[serde(deserialize_with = "parsed")]
    pub size: Option<Size>,
    /// As `--fps`.
    pub fps: Option<u32>,
    /// As `--codec`.
    #[serde(deserialize_with = "parsed")]
    pub codec: Option<CodecName>,
    /// As `--max-bitrate`, kbit/s.
    pub max_bitrate: Option<u64>,
}

/// Why settings could not be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("The settings in {} cannot be read ({source}). Make the file readable; until then defaults count and nothing is kept.", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// The file is not what it should be.
    #[error("The settings in {} are damaged ({why}). Mend or delete the file; until then defaults count and nothing is kept.", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit, in one line.
        why: String,
    },
    /// The file cannot be written.
    #[error("The settings in {} cannot be kept ({source}). Make its folder writable.", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
}

/// Reads the file; no file means defaults.
///
/// # Errors
/// The file is there but cannot be used.
pub fn load(path: &Path) -> Result<Settings, SettingsError> {
    toml::from_str(&read(path)?).map_err(|error| damaged(path, &error))
}

/// Keeps one setting, leaving all others as they are. The file is replaced as a whole or not at all.
///
/// # Errors
/// The file cannot be used or written; it is as it was.
pub fn remember(path: &Path, key: &str, value: String) -> Result<(), SettingsError> {
    let mut table: toml::Table = toml::from_str(&read(path)?).map_err(|error| damaged(path, &error))?;
    table.insert(key.to_owned(), toml::Value::String(value));
    replace(path, &table.to_string()).map_err(|source| SettingsError::Unwritable { path: path.to_owned(), source })
}

fn read(path: &Path) -> Result<String, SettingsError> {
    let unreadable = |source| SettingsError::Unreadable { path: path.to_owned(), source };
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
        Err(error) => return Err(unreadable(error)),
        Ok(metadata) if metadata.len() > FILE_BYTES_MAX => {
            return Err(SettingsError::Damaged { path: path.to_owned(), why: "it is far too long".into() });
        }
        Ok(_) => {}
    }
    match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Err(SettingsError::Damaged { path: path.to_owned(), why: "it is not text".into() })
        }
        other => other.map_err(unreadable),
    }
}

fn damaged(path: &Path, error: &toml::de::Error) -> SettingsError {
    SettingsError::Damaged { path: path.to_owned(), why: error.message().replace('\n', " ") }
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let fresh = path.with_extension(format!("toml.{}.new", std::process::id()));
    let written = fs::File::create(&fresh).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    let replaced = written.and_then(|()| fs::rename(&fresh, path));
    if replaced.is_err() && fs::remove_file(&fresh).is_err() {
        tracing::debug!("no half-written settings were left behind");
    }
    replaced
}

fn parsed<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(serde::de::Error::custom)
}

/// A picture size such as `1280x720`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

/// A text that is no picture size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no picture size; write it as 1280x720, even numbers from 64x36 to 1920x1080")]
pub struct ParseSizeError(String);

impl std::str::FromStr for Size {
    type Err = ParseSizeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseSizeError(text.to_owned());
        let (width, height) = text.split_once('x').ok_or_else(error)?;
        let (width, height) = (width.parse().map_err(|_| error())?, height.parse().map_err(|_| error())?);
        let fits = (64..=1920).contains(&width) && (36..=1080).contains(&height) && (width | height) % 2 == 0;
        if fits { Ok(Self { width, height }) } else { Err(error()) }
    }
}

/// `auto`, `av1` or `h264`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodecName(pub CodecChoice);

/// A text that is no codec.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no codec; choose auto, av1 or h264")]
pub struct ParseCodecError(String);

impl std::str::FromStr for CodecName {
    type Err = ParseCodecError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self(CodecChoice::Auto)),
            "av1" => Ok(Self(CodecChoice::Av1)),
            "h264" => Ok(Self(CodecChoice::H264)),
            other => Err(ParseCodecError(other.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_again_and_nothing_else_is_lost() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("deeper").join(FILE_NAME);
        assert_eq!(load(&path)?, Settings::default());
        remember(&path, "name", "Ann".into())?;
        fs::write(&path, fs::read_to_string(&path)? + "from_the_future = 3\nfps = 15\n")?;
        remember(&path, "camera", "device:USB".into())?;
        let settings = load(&path)?;
        assert_eq!(settings.name.as_deref(), Some("Ann"));
        assert_eq!(settings.camera, Some(Source::Device("USB".into())));
        assert_eq!(settings.fps, Some(15));
        assert!(fs::read_to_string(&path)?.contains("from_the_future = 3"));
        Ok(())
    }

    #[test]
    fn a_damaged_file_is_told_and_never_written_over() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join(FILE_NAME);
        for text in ["name = \"An", "camera = \"telescope\"", "port = 70000", "\u{0}\u{1}"] {
            fs::write(&path, text)?;
            assert!(matches!(load(&path), Err(SettingsError::Damaged { .. })), "{text}");
        }
        fs::write(&path, [0xff, 0xfe, b'x'])?;
        assert!(matches!(remember(&path, "name", "Ann".into()), Err(SettingsError::Damaged { .. })));
        assert_eq!(fs::read(&path)?, [0xff, 0xfe, b'x']);
        Ok(())
    }

    #[test]
    fn sizes_that_no_camera_has_are_refused() {
        assert_eq!("1280x720".parse(), Ok(Size { width: 1280, height: 720 }));
        for text in ["", "1280", "1280x", "x720", "1281x720", "0x0", "99999x99999", "-2x-2"] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
    }
}
