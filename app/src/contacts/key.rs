//! Where the one key of a book lies: in the system's keyring where there is one, else in a file beside the device key that
//! only its owner may read. The book says which; the key is never looked for elsewhere and never drawn a second time.
//! Called by `database`.

use std::path::Path;

use conclave_net::secret_file::{SECRET_BYTES, Secret, SecretFile, SecretFileError};

use super::error::ContactsError;
use super::keyring::KeyringAccess;

/// The key file, beside the device key.
pub const KEY_FILE_NAME: &str = "contacts.key";

const FILE: SecretFile = SecretFile { name: KEY_FILE_NAME, magic: b"conclave-contact" };

/// Where the key of a book lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPlace {
    /// In the system's keyring.
    Keyring,
    /// In a file that only its owner may read.
    File,
}

impl KeyPlace {
    /// In the book.
    pub(super) const fn code(self) -> i64 {
        match self {
            Self::Keyring => 1,
            Self::File => 2,
        }
    }

    pub(super) const fn from_code(code: i64) -> Option<Self> {
        match code {
            1 => Some(Self::Keyring),
            2 => Some(Self::File),
            _ => None,
        }
    }
}

/// The name under which the keyring knows the key of this book: every book has its own.
fn entry(book: &[u8; 16]) -> String {
    let id: String = book.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("contacts-{id}")
}

/// Draws the key of a new book and keeps it. A key file that is there already is used; else the keyring if it really keeps
/// what it is given; else a new key file.
pub(super) fn make(
    directory: &Path,
    keyring: &KeyringAccess,
    book: &[u8; 16],
) -> Result<(Secret, KeyPlace), ContactsError> {
    let in_words = |error| in_sentences(error, directory);
    if let Some(secret) = FILE.load(directory).map_err(in_words)? {
        return Ok((secret, KeyPlace::File));
    }
    let mut secret = Secret::new([0; SECRET_BYTES]);
    aws_lc_rs::rand::fill(secret.as_mut_slice()).map_err(|_| ContactsError::Library)?;
    let entry = entry(book);
    let kept = keyring.write(&entry, secret.as_slice()).and_then(|()| keyring.read(&entry));
    match kept {
        Ok(Some(back)) if back.as_slice() == secret.as_slice() => Ok((secret, KeyPlace::Keyring)),
        other => {
            tracing::info!(trouble = ?other.err(), "no keyring for the contacts; their key goes to a file");
            Ok((FILE.load_or_create(directory).map_err(in_words)?, KeyPlace::File))
        }
    }
}

/// The key of an existing book.
pub(super) fn find(
    directory: &Path,
    keyring: &KeyringAccess,
    book: &[u8; 16],
    place: KeyPlace,
) -> Result<Secret, ContactsError> {
    let path = || directory.join(super::FILE_NAME);
    match place {
        KeyPlace::Keyring => match keyring.read(&entry(book)) {
            Err(why) => Err(ContactsError::KeyringAway { path: path(), why }),
            Ok(None) => Err(ContactsError::KeyGone { path: path() }),
            Ok(Some(bytes)) => match bytes.as_slice().try_into() {
                Ok(secret) => Ok(Secret::new(secret)),
                Err(_) => Err(ContactsError::WrongKey { path: path() }),
            },
        },
        KeyPlace::File => match FILE.load(directory) {
            Ok(Some(secret)) => Ok(secret),
            Ok(None) => Err(ContactsError::KeyFileGone { path: FILE.path(directory) }),
            Err(error) => Err(in_sentences(error, directory)),
        },
    }
}

/// Takes back a key that [`make`] drew for a book that another process made first.
pub(super) fn unmake(keyring: &KeyringAccess, book: &[u8; 16], place: KeyPlace) {
    if place == KeyPlace::Keyring
        && let Err(why) = keyring.remove(&entry(book))
    {
        tracing::debug!(%why, "a key that fits nothing stays in the keyring");
    }
}

fn in_sentences(error: SecretFileError, directory: &Path) -> ContactsError {
    let path = FILE.path(directory);
    match error {
        SecretFileError::Damaged => ContactsError::KeyFileDamaged { path },
        SecretFileError::Unreadable(source) => ContactsError::KeyFileUnreadable { path, source },
        SecretFileError::TooOpen => ContactsError::KeyFileTooOpen { path },
        SecretFileError::Unwritable(source) => ContactsError::KeyFileUnwritable { path, source },
        SecretFileError::Library => ContactsError::Library,
    }
}
