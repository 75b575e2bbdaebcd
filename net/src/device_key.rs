//! The device key file: 32 secret bytes and a checksum, readable by its owner only. Made once, atomically; a file that
//! cannot be read or is damaged is an error with a remedy and is never overwritten, because contacts know this device by
//! that key. Called by the application at its start.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use conclave_proto::keys::DeviceKey;
use zeroize::Zeroizing;

/// The file's name in the data directory.
pub const FILE_NAME: &str = "device.key";

const MAGIC: &[u8; 16] = b"conclave-device1";
const SEED: usize = 32;
const CHECKSUM: usize = 8;
const FILE_BYTES: usize = MAGIC.len() + SEED + CHECKSUM;

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
    let path = directory.join(FILE_NAME);
    match File::open(&path) {
        Ok(file) => load(file, path),
        Err(error) if error.kind() == io::ErrorKind::NotFound && fs::symlink_metadata(&path).is_err() => {
            create(directory, path)
        }
        Err(source) => Err(DeviceKeyError::Unreadable { path, source }),
    }
}

fn load(file: File, path: PathBuf) -> Result<DeviceKey, DeviceKeyError> {
    let metadata = match file.metadata() {
        Ok(metadata) => metadata,
        Err(source) => return Err(DeviceKeyError::Unreadable { path, source }),
    };
    if readable_by_others(&metadata) {
        return Err(DeviceKeyError::TooOpen { path });
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(FILE_BYTES + 1));
    if let Err(source) = file.take(FILE_BYTES as u64 + 1).read_to_end(&mut bytes) {
        return Err(DeviceKeyError::Unreadable { path, source });
    }
    let Some(seed) = seed_of(&bytes) else { return Err(DeviceKeyError::Damaged { path }) };
    DeviceKey::from_seed(&seed).map_err(|_| DeviceKeyError::Library)
}

fn create(directory: &Path, path: PathBuf) -> Result<DeviceKey, DeviceKeyError> {
    let mut seed = Zeroizing::new([0; SEED]);
    aws_lc_rs::rand::fill(seed.as_mut_slice()).map_err(|_| DeviceKeyError::Library)?;
    let mut suffix = [0; 8];
    aws_lc_rs::rand::fill(&mut suffix).map_err(|_| DeviceKeyError::Library)?;
    let temporary = directory.join(format!("{FILE_NAME}.{:016x}.new", u64::from_be_bytes(suffix)));
    match write_then_link(directory, &temporary, &path, &seed) {
        Ok(()) => DeviceKey::from_seed(&seed).map_err(|_| DeviceKeyError::Library),
        // Another Conclave made one in the same moment: that one counts.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match File::open(&path) {
            Ok(file) => load(file, path),
            Err(source) => Err(DeviceKeyError::Unreadable { path, source }),
        },
        Err(source) => Err(DeviceKeyError::Unwritable { path, source }),
    }
}

/// A hard link fails if the name exists, a rename would replace it: so nothing is ever overwritten, and the file has all of
/// its bytes from the first moment it can be seen.
fn write_then_link(directory: &Path, temporary: &Path, path: &Path, seed: &[u8; SEED]) -> io::Result<()> {
    make_private_directory(directory)?;
    let written = write_private(temporary, seed).and_then(|()| fs::hard_link(temporary, path));
    let removed = fs::remove_file(temporary);
    written?;
    removed?;
    File::open(directory)?.sync_all()
}

fn write_private(path: &Path, seed: &[u8; SEED]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(FILE_BYTES));
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(seed);
    bytes.extend_from_slice(&checksum(seed));
    file.write_all(&bytes)?;
    file.sync_all()
}

fn make_private_directory(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

fn seed_of(bytes: &[u8]) -> Option<Zeroizing<[u8; SEED]>> {
    let (seed, sum) = bytes.strip_prefix(MAGIC)?.split_first_chunk::<SEED>()?;
    (sum == checksum(seed)).then(|| Zeroizing::new(*seed))
}

fn checksum(seed: &[u8; SEED]) -> [u8; CHECKSUM] {
    let whole = digest(&SHA256, &[MAGIC.as_slice(), seed].concat());
    std::array::from_fn(|at| whole.as_ref()[at])
}

#[cfg(unix)]
fn readable_by_others(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn readable_by_others(_: &fs::Metadata) -> bool {
    false
}
