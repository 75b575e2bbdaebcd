//! The device key file, a [`SecretFile`]. One that cannot be read or is damaged is an error with a remedy and is never
//! overwritten, because contacts know this device by that key. Called by the application at its start.

use std::io;
use std::path::{Path, PathBuf};

use conclave_proto::keys::DeviceKey;

use crate::secret_file::{SecretFile, SecretFileError};

/// The file's name in the data directory.
pub const FILE_NAME: &str = "device.key";

const FILE: SecretFile = SecretFile { name: FILE_NAME, magic: b"conclave-device1" };

/// Why there is no device key.
#[derive(Debug, thiserror::Error)]
pub enum DeviceKeyError {
    /// The file is there but is not what was written.
    #[error(
        "The device key in {} is damaged. Your contacts know this device by that key. Restore the file from a backup; or, if \
         there is none, move it away: Conclave then makes a new key and you are a new person to your contacts.", path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// The file is there but cannot be read.
    #[error(
        "The device key in {} cannot be read ({source}). Make the file readable for your own user: chmod 600, chown.",
        path.display()
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Other people on this computer could read or change it.
    #[error(
        "Other users of this computer can read the device key in {}. If that was not meant, run: chmod 600 {}", path.display(),
        path.display()
    )]
    TooOpen {
        /// The file.
        path: PathBuf,
    },
    /// There was none, and a new one could not be written.
    #[error("A device key cannot be kept in {} ({source}). Choose a directory you may write to.", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The cryptographic library refuses; nothing that a person did.
    #[error("The cryptographic library does not work on this computer. Please report this.")]
    Library,
}

/// Reads the key of this device from `directory`, or makes one if there is none yet.
///
/// # Errors
/// See [`DeviceKeyError`]; an existing file is never changed.
pub fn load_or_create(directory: &Path) -> Result<DeviceKey, DeviceKeyError> {
    let seed = FILE.load_or_create(directory).map_err(|error| in_sentences(error, FILE.path(directory)))?;
    DeviceKey::from_seed(&seed).map_err(|_| DeviceKeyError::Library)
}

fn in_sentences(error: SecretFileError, path: PathBuf) -> DeviceKeyError {
    match error {
        SecretFileError::Damaged => DeviceKeyError::Damaged { path },
        SecretFileError::Unreadable(source) => DeviceKeyError::Unreadable { path, source },
        SecretFileError::TooOpen => DeviceKeyError::TooOpen { path },
        SecretFileError::Unwritable(source) => DeviceKeyError::Unwritable { path, source },
        SecretFileError::Library => DeviceKeyError::Library,
    }
}
