//! Contacts in a file that may lie anywhere: sealed with a key that Argon2id makes of a passphrase. Reading trusts nothing
//! about the file; merging never replaces a key. Called by `Contacts`.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use argon2::{Algorithm, Argon2, Params, Version};
use conclave_net::secret_file::{self, SECRET_BYTES, Secret};
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use super::book::Book;
use super::contact::Contact;
use super::error::ContactsError;
use super::limits;
use super::names::Likeness;
use super::seal::Sealer;

/// What every exported file starts with; the last character is the version of the form.
const MAGIC: &[u8; 24] = b"conclave-contacts-file-1";
const SALT_BYTES: usize = 16;
/// `magic 24 | memory u32 KiB | passes u32 | salt 16`, sealed together with the rest.
const HEADER_BYTES: usize = MAGIC.len() + 8 + SALT_BYTES;

/// What a person typed to seal a file; wiped when dropped.
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// Takes a typed passphrase. Two ways of writing one accented letter are one (NFC), because keyboards differ.
    ///
    /// # Errors
    /// It is too short or too long.
    pub fn new(typed: Zeroizing<String>) -> Result<Self, ContactsError> {
        let characters = typed.chars().count();
        if !(limits::PASSPHRASE_CHARACTERS_MIN..=limits::PASSPHRASE_CHARACTERS_MAX).contains(&characters) {
            return Err(ContactsError::Passphrase);
        }
        // Composing makes no text longer than three times its bytes; growing would leave copies behind.
        let mut composed = Zeroizing::new(String::with_capacity(typed.len() * 3));
        composed.extend(typed.nfc());
        Ok(Self(composed))
    }
}

impl std::fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passphrase(..)")
    }
}

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// People who are new here.
    pub added: usize,
    /// People who were here and of whom something newer is known now.
    pub updated: usize,
    /// People of whom nothing new was in the file.
    pub unchanged: usize,
    /// People who were left out, because they bear the name of somebody here and another key. Who trusts the file more
    /// forgets the one here and imports again.
    pub left_out: Vec<NameConflict>,
}

/// One name, two keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameConflict {
    /// Who is here, and stays.
    pub ours: Arc<Contact>,
    /// Who was in the file.
    pub theirs: Arc<Contact>,
}

#[derive(Serialize)]
struct Outgoing<'a> {
    contacts: Vec<&'a Contact>,
}

#[derive(Deserialize)]
struct Incoming {
    contacts: Vec<Contact>,
}

/// Writes a new file, for its owner only; one that exists is never written over, and a half-written one does not stay.
pub(super) fn export(book: &Book, path: &Path, passphrase: &Passphrase) -> Result<(), ContactsError> {
    let list = book.list();
    let contacts = list.iter().map(AsRef::as_ref).collect();
    let plain = Zeroizing::new(serde_json::to_vec(&Outgoing { contacts }).map_err(|_| ContactsError::Library)?);
    let mut salt = [0; SALT_BYTES];
    aws_lc_rs::rand::fill(&mut salt).map_err(|_| ContactsError::Library)?;
    let header = Header { kib: limits::ARGON2_KIB, passes: limits::ARGON2_PASSES, salt };
    let key = header.key(passphrase)?;
    let sealed = Sealer::new(&key)?.seal(&header.bytes(), &plain, limits::EXPORT_PADDING)?;
    let mut bytes = header.bytes();
    bytes.extend_from_slice(&sealed);
    // Written in place: where exported files go (a stick, a share) there are often no hard links.
    match secret_file::write_private(path, &bytes) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            Err(ContactsError::ExportExists { path: path.to_owned() })
        }
        Err(source) => {
            if fs::remove_file(path).is_err() {
                tracing::debug!("nothing half-written was left behind");
            }
            Err(ContactsError::ExportUnwritable { path: path.to_owned(), source })
        }
    }
}

/// Reads a file and brings its people within our bounds. Nobody was verified in the future.
pub(super) fn read(path: &Path, passphrase: &Passphrase, now_unix_s: u64) -> Result<Book, ContactsError> {
    let foreign = || ContactsError::ImportForeign { path: path.to_owned() };
    let closed = || ContactsError::ImportClosed { path: path.to_owned() };
    let unreadable = |source| ContactsError::ImportUnreadable { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    File::open(path).map_err(unreadable)?.take(limits::IMPORT_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > limits::IMPORT_BYTES {
        return Err(foreign());
    }
    let Some((version, kind)) = MAGIC.split_last() else { return Err(foreign()) };
    match bytes.strip_prefix(kind).and_then(<[u8]>::first) {
        None => return Err(foreign()),
        Some(found) if found != version => return Err(ContactsError::ImportNewer { path: path.to_owned() }),
        Some(_) => {}
    }
    let (header, sealed) = Header::split(&bytes).ok_or_else(closed)?;
    let key = header.key(passphrase)?;
    let plain = Sealer::new(&key)?.open(&header.bytes(), sealed).ok_or_else(closed)?;
    let incoming: Incoming = serde_json::from_slice(&plain).map_err(|_| closed())?;
    if incoming.contacts.len() > limits::CONTACTS {
        return Err(ContactsError::Full);
    }
    let mut book = Book::default();
    for contact in incoming.contacts {
        let mut contact = contact.tidied();
        contact.verified_unix_s = contact.verified_unix_s.map(|verified| verified.min(now_unix_s));
        book.put(contact);
    }
    Ok(book)
}

/// What of them changes our book, and the report.
pub(super) fn merge(ours: &Book, theirs: &Book) -> Result<(Vec<Contact>, ImportReport), ContactsError> {
    let mut report = ImportReport::default();
    let mut changed: Vec<Contact> = Vec::new();
    for contact in theirs.list() {
        match ours.known(&contact.device) {
            Some(known) => {
                let mut merged = Contact::clone(known);
                merged.merge(without_names_of_others(ours, known, &contact));
                if merged == **known {
                    report.unchanged += 1;
                } else {
                    report.updated += 1;
                    changed.push(merged);
                }
            }
            None => match rival(ours, theirs, &contact) {
                Some(ours) => report.left_out.push(NameConflict { ours, theirs: contact }),
                None => {
                    report.added += 1;
                    changed.push(Contact::clone(&contact));
                }
            },
        }
    }
    if ours.len() + report.added > limits::CONTACTS {
        return Err(ContactsError::Full);
    }
    Ok((changed, report))
}

/// Somebody here with the newcomer's name and another key, whom the file does not know by that name. If the file has both,
/// whoever exported it knew two people of one name, and that is no alarm.
fn rival(ours: &Book, theirs: &Book, newcomer: &Contact) -> Option<Arc<Contact>> {
    newcomer.names().filter_map(Likeness::of).find_map(|likeness| {
        let mut owners = ours.owners(&likeness, &newcomer.device);
        owners.find(|owner| !theirs.goes_by(&owner.device, &likeness)).cloned()
    })
}

/// A name that is somebody else's here stays a warning, even if this person bore it elsewhere.
fn without_names_of_others(ours: &Book, known: &Contact, theirs: &Contact) -> Contact {
    let is_free = |name: &str| {
        Likeness::of(name).is_none_or(|likeness| {
            ours.goes_by(&known.device, &likeness) || ours.owners(&likeness, &known.device).next().is_none()
        })
    };
    let mut free = theirs.clone();
    free.former_names.retain(|name| is_free(name));
    if !is_free(&free.name) {
        free.name.clone_from(&known.name);
    }
    free
}

struct Header {
    kib: u32,
    passes: u32,
    salt: [u8; SALT_BYTES],
}

impl Header {
    fn bytes(&self) -> Vec<u8> {
        [MAGIC.as_slice(), &self.kib.to_be_bytes(), &self.passes.to_be_bytes(), &self.salt].concat()
    }

    /// `None` for costs that no Conclave asks for.
    fn split(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (header, sealed) = bytes.split_first_chunk::<HEADER_BYTES>()?;
        let (kib, rest) = header.get(MAGIC.len()..)?.split_first_chunk::<4>()?;
        let (passes, rest) = rest.split_first_chunk::<4>()?;
        let (kib, passes) = (u32::from_be_bytes(*kib), u32::from_be_bytes(*passes));
        let fits = (8..=limits::ARGON2_KIB_MAX).contains(&kib) && (1..=limits::ARGON2_PASSES_MAX).contains(&passes);
        fits.then_some((Self { kib, passes, salt: rest.try_into().ok()? }, sealed))
    }

    fn key(&self, passphrase: &Passphrase) -> Result<Secret, ContactsError> {
        let params = Params::new(self.kib, self.passes, 1, Some(SECRET_BYTES)).map_err(|_| ContactsError::Library)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let mut key = Secret::new([0; SECRET_BYTES]);
        let made = argon2.hash_password_into(passphrase.0.as_bytes(), &self.salt, key.as_mut_slice());
        made.map_err(|_| ContactsError::Library)?;
        Ok(key)
    }
}
