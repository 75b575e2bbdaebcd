//! The people whom the user verified or noted: who they are, when we met, what they may. Knows neither engine nor window;
//! `ContactsDesk` is for the engine, [`Contacts`] itself for the command line.
//!
//! [`Contacts`] does everything at once on the thread that calls it: a change is one write to the disk (milliseconds, or as
//! long as the disk hangs), opening may wait for a person at the keyring, export and import take a tenth of a second for
//! the passphrase. Questions are answered by the [`Book`] it hands out, from memory.

mod book;
mod contact;
mod database;
mod desk;
mod error;
mod key;
mod keyring;
pub mod limits;
mod names;
mod seal;
mod transfer;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use conclave_proto::ids::DevicePublicKey;

pub use book::{Book, Standing};
pub use contact::{Contact, Meeting, device_text, parse_device};
pub use database::FILE_NAME;
pub use desk::{ContactsDesk, DeskBusy, DeskEvent, Task};
pub use error::ContactsError;
pub use key::{KEY_FILE_NAME, KeyPlace};
pub use keyring::{Keyring, KeyringAccess, KeyringTrouble};
pub use transfer::{ImportReport, NameConflict, Passphrase};

use database::{Database, Moment};

/// The contacts of one data folder. There is no file and no key before somebody is put in.
pub struct Contacts {
    directory: PathBuf,
    keyring: KeyringAccess,
    database: Option<Database>,
    seen: Option<i64>,
    book: Arc<Book>,
}

impl Contacts {
    /// Opens the contacts of this data folder; none yet is no error.
    ///
    /// # Errors
    /// The file is there but cannot be used now. It is left as it is.
    pub fn open(directory: &Path, keyring: KeyringAccess) -> Result<Self, ContactsError> {
        let directory = directory.to_owned();
        let mut contacts = Self { directory, keyring, database: None, seen: None, book: Arc::default() };
        contacts.refresh()?;
        Ok(contacts)
    }

    /// Everybody, as of now: what another process changed is read anew.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn book(&mut self) -> Result<Arc<Book>, ContactsError> {
        self.refresh()?;
        Ok(Arc::clone(&self.book))
    }

    /// Where the key lies; `None` while there is nothing to seal.
    #[must_use]
    pub fn key_place(&self) -> Option<KeyPlace> {
        self.database.as_ref().map(Database::place)
    }

    /// Words were compared with this key, by whoever sits here. Puts them in if they are new.
    ///
    /// # Errors
    /// The book is full, or could not be written.
    pub fn verify(&mut self, device: &DevicePublicKey, name: &str, now_unix_s: u64) -> Result<(), ContactsError> {
        self.put(device, |known| {
            let mut contact = known.map_or_else(|| Contact::new(*device, name, now_unix_s), Clone::clone);
            contact.rename(name);
            contact.verified_unix_s = Some(now_unix_s);
            contact.last_met_unix_s = contact.last_met_unix_s.max(now_unix_s);
            Ok(Some(contact))
        })
    }

    /// Writes a note. Puts them in, unverified, if they are new.
    ///
    /// # Errors
    /// The note is too long, the book is full, or could not be written.
    pub fn set_note(
        &mut self,
        device: &DevicePublicKey,
        name: &str,
        note: &str,
        now_unix_s: u64,
    ) -> Result<(), ContactsError> {
        let note = contact::clean_note(note);
        if note.chars().count() > limits::NOTE_CHARACTERS {
            return Err(ContactsError::NoteTooLong);
        }
        self.put(device, |known| {
            let mut contact = known.map_or_else(|| Contact::new(*device, name, now_unix_s), Clone::clone);
            contact.note = note;
            Ok(Some(contact))
        })
    }

    /// Whether this person may come in without knocking.
    ///
    /// # Errors
    /// They are not in the book or not verified, or it could not be written.
    pub fn set_skips_lobby(&mut self, device: &DevicePublicKey, skips: bool) -> Result<(), ContactsError> {
        self.put(device, |known| {
            let mut contact = known.ok_or(ContactsError::Unknown)?.clone();
            if skips && !contact.is_verified() {
                return Err(ContactsError::NotVerified);
            }
            contact.skips_lobby = skips;
            Ok(Some(contact))
        })
    }

    /// We were in a meeting together. Counts only for people in the book; a new name is kept unless it is somebody else's
    /// there (then it stays a warning until the user verifies them by it). The same start again replaces what was said.
    ///
    /// # Errors
    /// The book could not be written.
    pub fn met(&mut self, device: &DevicePublicKey, name: &str, meeting: Meeting) -> Result<(), ContactsError> {
        if self.book()?.known(device).is_none() {
            return Ok(());
        }
        self.change(|book| {
            let Some(known) = book.known(device) else { return Ok((Vec::new(), ())) };
            let mut contact = Contact::clone(known);
            if !matches!(book.check(device, name), Standing::KnownNameOtherKey(_)) {
                contact.rename(name);
            }
            contact.met(meeting);
            Ok((vec![contact], ()))
        })
    }

    /// Forgets somebody for good, history and all. What the disk itself, a backup or an exported file keeps is beyond us.
    ///
    /// # Errors
    /// The book could not be written; trying again is safe.
    pub fn forget(&mut self, device: &DevicePublicKey) -> Result<bool, ContactsError> {
        self.refresh()?;
        let Some(database) = &mut self.database else { return Ok(false) };
        let was_there = database.forget(device);
        // Our own changes do not count as another's; and of a forgetting that stopped half way the half is true.
        self.seen = None;
        self.refresh()?;
        was_there
    }

    /// Writes everybody into a new file, sealed with a passphrase. Gives how many.
    ///
    /// # Errors
    /// The passphrase or the place will not do.
    pub fn export(&mut self, path: &Path, passphrase: &Passphrase) -> Result<usize, ContactsError> {
        self.refresh()?;
        transfer::export(&self.book, path, passphrase)?;
        Ok(self.book.len())
    }

    /// Takes in what was exported. Of two records of one person the newer verification counts; nobody's key is ever
    /// replaced: who comes under the name of somebody here whom the file does not know is left out and told.
    ///
    /// # Errors
    /// The file or the passphrase will not do, or the book could not be written; then nothing was changed.
    pub fn import(
        &mut self,
        path: &Path,
        passphrase: &Passphrase,
        now_unix_s: u64,
    ) -> Result<ImportReport, ContactsError> {
        let theirs = transfer::read(path, passphrase, now_unix_s)?;
        if theirs.is_empty() {
            return Ok(ImportReport::default());
        }
        self.change(|ours| transfer::merge(ours, &theirs))
    }

    fn put(
        &mut self,
        device: &DevicePublicKey,
        change: impl FnOnce(Option<&Contact>) -> Result<Option<Contact>, ContactsError>,
    ) -> Result<(), ContactsError> {
        self.change(|book| {
            let known = book.known(device).map(AsRef::as_ref);
            let changed = change(known)?;
            if known.is_none() && changed.is_some() && book.len() >= limits::CONTACTS {
                return Err(ContactsError::Full);
            }
            Ok((changed.into_iter().collect(), ()))
        })
    }

    fn change<T>(
        &mut self,
        change: impl FnOnce(&Book) -> Result<(Vec<Contact>, T), ContactsError>,
    ) -> Result<T, ContactsError> {
        self.refresh()?;
        if self.database.is_none() {
            self.database = Some(Database::create(&self.directory, &self.keyring)?);
        }
        let Some(database) = &mut self.database else { return Err(ContactsError::Library) };
        let (moment, outcome) = database.change(change)?;
        self.take(moment);
        Ok(outcome)
    }

    fn refresh(&mut self) -> Result<(), ContactsError> {
        if self.database.is_none() {
            self.database = Database::open(&self.directory, &self.keyring)?;
        }
        if let Some(database) = &self.database
            && let Some(moment) = database.read_if_changed(self.seen)?
        {
            self.take(moment);
        }
        Ok(())
    }

    fn take(&mut self, moment: Moment) {
        self.seen = Some(moment.version);
        self.book = Arc::new(moment.book);
    }
}
