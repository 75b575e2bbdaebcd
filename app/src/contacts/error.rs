//! Why something with the contacts did not work: what happened, and after the first full stop what to do. Shown by the
//! window and the command line as it stands.

use std::io;
use std::path::PathBuf;

use super::keyring::KeyringTrouble;
use super::limits;

/// Why something with the contacts did not work. Nothing was changed by it.
#[derive(Debug, thiserror::Error)]
pub enum ContactsError {
    /// The file is there but is not what was written.
    #[error(
        "The contacts in {} are damaged ({why}). Restore the file from a backup, or move it away to begin anew; Conclave \
         goes on without contacts and leaves the file as it is.", path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        why: String,
    },
    /// A later Conclave wrote it.
    #[error("The contacts in {} were written by a newer Conclave. Update this one; it goes on without contacts.", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
    },
    /// The file is there but cannot be read.
    #[error("The contacts in {} cannot be read ({why}). Make the file readable for your own user: chmod 600, chown.", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// The file cannot be written.
    #[error("The contacts in {} cannot be kept ({why}). Make the folder writable and see that the disk is not full.", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// Another process of ours works on it.
    #[error("Another Conclave is working on the contacts in {}. Try again when it is done.", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// The key was found but opens nothing.
    #[error(
        "The contacts in {} were sealed with another key than the one that was found. Restore the key from the same backup \
         as the file, or move the file away to begin anew.", path.display()
    )]
    WrongKey {
        /// The file.
        path: PathBuf,
    },
    /// The key lies in the keyring, which is not there now.
    #[error(
        "The key to the contacts in {} lies in this system's keyring, and {why}. Start or unlock the keyring and open Conclave \
         again; until then it goes on without contacts.", path.display()
    )]
    KeyringAway {
        /// The contacts.
        path: PathBuf,
        /// What is the matter with it.
        why: KeyringTrouble,
    },
    /// The keyring is there but does not know the key.
    #[error(
        "This system's keyring no longer holds the key to the contacts in {}. Restore the keyring, or move the file away to \
         begin anew and import what you exported.", path.display()
    )]
    KeyGone {
        /// The contacts.
        path: PathBuf,
    },
    /// The key lies in a file, which is not there now.
    #[error(
        "The key to your contacts is missing: {}. Restore it from a backup, or move contacts.sqlite away to begin anew.",
        path.display()
    )]
    KeyFileGone {
        /// The key file.
        path: PathBuf,
    },
    /// The key file is not what was written.
    #[error(
        "The key to your contacts in {} is damaged. Restore it from a backup, or move it and contacts.sqlite away to begin \
         anew.", path.display()
    )]
    KeyFileDamaged {
        /// The key file.
        path: PathBuf,
    },
    /// The key file is there but cannot be read.
    #[error("The key to your contacts in {} cannot be read ({source}). Make it readable for your own user: chmod 600, chown.", path.display())]
    KeyFileUnreadable {
        /// The key file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others on this computer could read the key file.
    #[error(
        "Other users of this computer can read the key to your contacts in {}. If that was not meant, run: chmod 600 {}",
        path.display(), path.display()
    )]
    KeyFileTooOpen {
        /// The key file.
        path: PathBuf,
    },
    /// A key could be kept neither in the keyring nor in a file.
    #[error("A key to your contacts cannot be kept in {} ({source}). Choose a folder you may write to.", path.display())]
    KeyFileUnwritable {
        /// The key file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Nobody with this key is in the book.
    #[error("Nobody with this key is in your contacts. Look at the list again.")]
    Unknown,
    /// They are in the book, but words were never compared with them.
    #[error("Only somebody whom you verified may skip the lobby. Compare the words first.")]
    NotVerified,
    /// The book is full.
    #[error("There is no room for more than {} contacts. Forget somebody first.", limits::CONTACTS)]
    Full,
    /// A note is too long.
    #[error("A note may have {} characters. Shorten it.", limits::NOTE_CHARACTERS)]
    NoteTooLong,
    /// A passphrase is too short or too long.
    #[error(
        "A passphrase has {} to {} characters. Choose another one; four or five unrelated words are good.",
        limits::PASSPHRASE_CHARACTERS_MIN,
        limits::PASSPHRASE_CHARACTERS_MAX
    )]
    Passphrase,
    /// There is already a file of that name.
    #[error("There is a file {} already. Choose another name; nothing is written over it.", path.display())]
    ExportExists {
        /// The file.
        path: PathBuf,
    },
    /// The exported file could not be written.
    #[error("The contacts cannot be exported to {} ({source}). Choose a folder you may write to.", path.display())]
    ExportUnwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file to import cannot be read.
    #[error("{} cannot be read ({source}). Look at its name and permissions.", path.display())]
    ImportUnreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file to import is something else.
    #[error("{} holds no contacts that Conclave exported. Choose the file that \"Export\" made.", path.display())]
    ImportForeign {
        /// The file.
        path: PathBuf,
    },
    /// A later Conclave exported it.
    #[error("{} was exported by a newer Conclave. Update this one.", path.display())]
    ImportNewer {
        /// The file.
        path: PathBuf,
    },
    /// It does not open: the passphrase is another one, or bytes were changed; the cipher cannot tell which.
    #[error("{} does not open. Either the passphrase is another one, or the file is damaged; nothing was imported.", path.display())]
    ImportClosed {
        /// The file.
        path: PathBuf,
    },
    /// The system gives no more threads.
    #[error(
        "The contacts cannot be opened: the system gives this program no more threads ({0}). Close other programs."
    )]
    NoThread(io::Error),
    /// The cryptographic library refuses; nothing that a person did.
    #[error("The cryptographic library does not work on this computer. Please report this.")]
    Library,
}
