//! Where sound and pictures come from and go to. The stand-ins are part of the product: `test` for a call without
//! devices, `file:` for kiosks, bots and measurements, `none` for people who only listen.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// A camera or microphone: `device[:NAME] | test | file:PATH | none`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// A real device by name; `None`: the system's default.
    #[default]
    DefaultDevice,
    /// A real device whose name contains this.
    Device(String),
    /// A moving test picture, or spoken numbers.
    Test,
    /// A Y4M or WAV file in real time, in a loop.
    File(PathBuf),
    /// Nothing.
    None,
}

impl Source {
    /// A real one, no stand-in.
    #[must_use]
    pub const fn is_device(&self) -> bool {
        match self {
            Self::DefaultDevice | Self::Device(_) => true,
            Self::Test | Self::File(_) | Self::None => false,
        }
    }
}

/// A speaker: `device[:NAME] | file:PATH.wav | none`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Sink {
    /// The system's default.
    #[default]
    DefaultDevice,
    /// A real device whose name contains this.
    Device(String),
    /// A WAV file, written in real time, silence included.
    File(PathBuf),
    /// Nothing is heard; everything else works as if it were.
    None,
}

/// A source or sink that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{given}\" is not one of {expected}")]
pub struct ParseSourceError {
    given: String,
    expected: &'static str,
}

impl FromStr for Source {
    type Err = ParseSourceError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        match s.split_once(':') {
            None if s == "device" => Ok(Self::DefaultDevice),
            None if s == "test" => Ok(Self::Test),
            None if s == "none" => Ok(Self::None),
            Some(("device", name)) if !name.is_empty() => Ok(Self::Device(name.to_owned())),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(PathBuf::from(path))),
            _ => Err(ParseSourceError { given: s.to_owned(), expected: "device, device:NAME, test, file:PATH, none" }),
        }
    }
}

impl FromStr for Sink {
    type Err = ParseSourceError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        match s.split_once(':') {
            None if s == "device" => Ok(Self::DefaultDevice),
            None if s == "none" => Ok(Self::None),
            Some(("device", name)) if !name.is_empty() => Ok(Self::Device(name.to_owned())),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(PathBuf::from(path))),
            _ => Err(ParseSourceError { given: s.to_owned(), expected: "device, device:NAME, file:PATH.wav, none" }),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DefaultDevice => f.write_str("device"),
            Self::Device(name) => write!(f, "device:{name}"),
            Self::Test => f.write_str("test"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::None => f.write_str("none"),
        }
    }
}

impl fmt::Display for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DefaultDevice => f.write_str("device"),
            Self::Device(name) => write!(f, "device:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::None => f.write_str("none"),
        }
    }
}

/// How a device or file is doing, as the owner is told. Every failure is tried again by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceStatus {
    /// Not wanted.
    Off,
    /// Being opened; has a deadline.
    Opening,
    /// Delivers; the device's or file's name.
    Running(String),
    /// Does not: what happened and what to do, as sentences.
    Failed(DeviceFault),
}

/// What is wrong with a device or file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceFault {
    /// There is none.
    #[error("No {kind} was found. Plug one in, or go on without; it is used as soon as it appears.")]
    Missing {
        /// "camera", "microphone", "speaker".
        kind: &'static str,
    },
    /// Named one is not there.
    #[error("The {kind} \"{name}\" was not found. Plug it in or choose another.")]
    NotFound {
        /// "camera", "microphone", "speaker".
        kind: &'static str,
        /// As asked for.
        name: String,
    },
    /// In use by another program.
    #[error("The {kind} \"{name}\" is used by another program. Close that program; it is tried again by itself.")]
    Busy {
        /// "camera", "microphone", "speaker".
        kind: &'static str,
        /// The device.
        name: String,
    },
    /// Gave nothing within the deadline.
    #[error("The {kind} \"{name}\" does not answer. Unplug it and plug it in again, or choose another.")]
    Hangs {
        /// "camera", "microphone", "speaker".
        kind: &'static str,
        /// The device.
        name: String,
    },
    /// Was there and is gone.
    #[error("The {kind} \"{name}\" is gone. Plug it in again; it comes back by itself.")]
    Unplugged {
        /// "camera", "microphone", "speaker".
        kind: &'static str,
        /// The device.
        name: String,
    },
    /// A file cannot be used.
    #[error("The file {path} cannot be used: {why}. Choose another file.")]
    File {
        /// As given.
        path: String,
        /// In words.
        why: String,
    },
    /// Anything else the system said.
    #[error("The {kind} \"{name}\" failed: {why}. Choose another, or unplug it and plug it in again.")]
    Other {
        /// "camera", "microphone", "speaker".
        kind: &'static str,
        /// The device.
        name: String,
        /// The system's words.
        why: String,
    },
}
