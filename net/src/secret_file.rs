//! A file of 32 secret bytes and a checksum, readable by its owner only. Made once, atomically; one that cannot be read or is
//! damaged is an error and is never overwritten. What the secret is for, and the sentences for people, are the caller's:
//! `device_key` here, and the application's contacts.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use zeroize::Zeroizing;

/// Bytes of a secret.
pub const SECRET_BYTES: usize = 32;
/// A secret that is wiped when it is dropped.
pub type Secret = Zeroizing<[u8; SECRET_BYTES]>;

const MAGIC_BYTES: usize = 16;
const CHECKSUM_BYTES: usize = 8;
const FILE_BYTES: usize = MAGIC_BYTES + SECRET_BYTES + CHECKSUM_BYTES;

/// Why there is no secret. The caller knows which file it asked for and says it in its own sentences.
#[derive(Debug, thiserror::Error)]
pub enum SecretFileError {
    /// The file is there but is not what was written.
    #[error("the file is damaged")]
    Damaged,
    /// The file is there but cannot be read.
    #[error("the file cannot be read ({0})")]
    Unreadable(io::Error),
    /// Other people on this computer could read or change it.
    #[error("other users of this computer can read the file")]
    TooOpen,
    /// There was none, and a new one could not be written.
    #[error("the file cannot be written ({0})")]
    Unwritable(io::Error),
    /// The cryptographic library refuses; nothing that a person did.
    #[error("the cryptographic library does not work on this computer")]
    Library,
}

/// Which file it is: its name in the data directory, and the sixteen bytes it starts with, so that one kind of secret is
/// never taken for another.
#[derive(Clone, Copy, Debug)]
pub struct SecretFile {
    /// The file's name in the data directory.
    pub name: &'static str,
    /// Its first bytes.
    pub magic: &'static [u8; MAGIC_BYTES],
}

impl SecretFile {
    /// Where it lies.
    #[must_use]
    pub fn path(&self, directory: &Path) -> PathBuf {
        directory.join(self.name)
    }

    /// Reads the secret; `None` if there is no such file.
    ///
    /// # Errors
    /// See [`SecretFileError`].
    pub fn load(&self, directory: &Path) -> Result<Option<Secret>, SecretFileError> {
        let path = self.path(directory);
        match File::open(&path) {
            Ok(file) => self.read(file).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound && fs::symlink_metadata(&path).is_err() => Ok(None),
            Err(error) => Err(SecretFileError::Unreadable(error)),
        }
    }

    /// Reads the secret from `directory`, or draws one if there is none yet.
    ///
    /// # Errors
    /// See [`SecretFileError`]; an existing file is never changed.
    pub fn load_or_create(&self, directory: &Path) -> Result<Secret, SecretFileError> {
        if let Some(secret) = self.load(directory)? {
            return Ok(secret);
        }
        let mut secret = Secret::new([0; SECRET_BYTES]);
        aws_lc_rs::rand::fill(secret.as_mut_slice()).map_err(|_| SecretFileError::Library)?;
        let mut suffix = [0; 8];
        aws_lc_rs::rand::fill(&mut suffix).map_err(|_| SecretFileError::Library)?;
        let temporary = directory.join(format!("{}.{:016x}.new", self.name, u64::from_be_bytes(suffix)));
        match self.write_then_link(directory, &temporary, &secret) {
            Ok(()) => Ok(secret),
            // Another Conclave made one in the same moment: that one counts.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let file = File::open(self.path(directory)).map_err(SecretFileError::Unreadable)?;
                self.read(file)
            }
            Err(error) => Err(SecretFileError::Unwritable(error)),
        }
    }

    fn read(&self, file: File) -> Result<Secret, SecretFileError> {
        if readable_by_others(&file.metadata().map_err(SecretFileError::Unreadable)?) {
            return Err(SecretFileError::TooOpen);
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(FILE_BYTES + 1));
        file.take(FILE_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(SecretFileError::Unreadable)?;
        self.secret_of(&bytes).ok_or(SecretFileError::Damaged)
    }

    fn write_then_link(&self, directory: &Path, temporary: &Path, secret: &Secret) -> io::Result<()> {
        make_private_directory(directory)?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(FILE_BYTES));
        bytes.extend_from_slice(self.magic);
        bytes.extend_from_slice(secret.as_slice());
        bytes.extend_from_slice(&self.checksum(secret));
        let written = write_private(temporary, &bytes);
        appear(temporary, &self.path(directory), written)
    }

    fn secret_of(&self, bytes: &[u8]) -> Option<Secret> {
        let (secret, sum) = bytes.strip_prefix(self.magic)?.split_first_chunk::<SECRET_BYTES>()?;
        (sum == self.checksum(secret)).then(|| Secret::new(*secret))
    }

    fn checksum(&self, secret: &[u8; SECRET_BYTES]) -> [u8; CHECKSUM_BYTES] {
        let text = Zeroizing::new([self.magic.as_slice(), secret].concat());
        let whole = digest(&SHA256, &text);
        std::array::from_fn(|at| whole.as_ref()[at])
    }
}

/// Lets a finished file appear under its name, if it was `written`, and takes the temporary name away. A hard link fails
/// if the name exists, a rename would replace it: so nothing is ever overwritten, and the file has all of its bytes from
/// the first moment it can be seen.
///
/// # Errors
/// Those of the system; `AlreadyExists` if the name is taken.
pub fn appear(temporary: &Path, path: &Path, written: io::Result<()>) -> io::Result<()> {
    let linked = written.and_then(|()| fs::hard_link(temporary, path));
    let removed = fs::remove_file(temporary);
    linked?;
    removed?;
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

/// Writes a new file that only its owner may read, to the disk.
///
/// # Errors
/// Those of the system; `AlreadyExists` if there is one of that name.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = create_private(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes a new, empty file that only its owner may read.
///
/// # Errors
/// Those of the system; `AlreadyExists` if there is one of that name.
pub fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes a folder that only its owner may enter, if it is not there yet.
///
/// # Errors
/// Those of the system.
pub fn make_private_directory(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
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
