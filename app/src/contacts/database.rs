//! The file of contacts: one SQLite database with two tables, whose every record is sealed and lies under a keyed hash. It
//! appears whole or not at all, is read before it is written, and nothing is ever written over one that does not fit.
//! Called by `Contacts` alone, on whatever thread that lives.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use conclave_net::secret_file;
use conclave_proto::ids::DevicePublicKey;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _, Transaction, TransactionBehavior, params};
use zeroize::Zeroizing;

use super::book::Book;
use super::contact::Contact;
use super::error::ContactsError;
use super::key::{self, KeyPlace};
use super::keyring::KeyringAccess;
use super::limits;
use super::seal::BookKeys;

/// The file's name in the data folder.
pub const FILE_NAME: &str = "contacts.sqlite";

/// In the header of every file of ours: "CLVC".
const APPLICATION_ID: i64 = 0x434c_5643;

/// Step `n` leads from schema version `n` to `n + 1`; a file of an older version goes through the rest in one transaction.
const STEPS: [&str; 1] = ["
    CREATE TABLE book (only_one INTEGER PRIMARY KEY CHECK (only_one = 1), id BLOB NOT NULL, key_place INTEGER NOT NULL,
        proof BLOB NOT NULL) STRICT;
    CREATE TABLE contact (lookup BLOB PRIMARY KEY, sealed BLOB NOT NULL) STRICT, WITHOUT ROWID;
"];

/// An open book.
pub(super) struct Database {
    connection: Connection,
    path: PathBuf,
    keys: BookKeys,
    place: KeyPlace,
}

/// The book as it was at one version of the file. The version is this connection's own count of what others changed.
pub(super) struct Moment {
    pub(super) version: i64,
    pub(super) book: Book,
}

impl Database {
    /// Opens the book of this folder; `None` if there is none.
    pub(super) fn open(directory: &Path, keyring: &KeyringAccess) -> Result<Option<Self>, ContactsError> {
        let path = directory.join(FILE_NAME);
        match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(ContactsError::Unreadable { path, why: error.to_string() }),
            Ok(_) => {}
        }
        keep_private(&path)
            .map_err(|error| ContactsError::Unreadable { path: path.clone(), why: error.to_string() })?;
        let told = |error| in_sentences(&error, &path);
        let mut connection = connect(&path).map_err(told)?;
        let schema = schema(&connection).map_err(told)?.ok_or_else(|| damaged(&path, "it is of another kind"))?;
        let newest = i64::try_from(STEPS.len()).unwrap_or(i64::MAX);
        if schema > newest {
            return Err(ContactsError::Newer { path });
        }
        let sound: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(told)?;
        if sound != "ok" {
            return Err(damaged(&path, &sound));
        }
        if schema < newest {
            migrate(&mut connection, schema).map_err(told)?;
        }
        let (id, place, proof) =
            title(&connection).map_err(told)?.ok_or_else(|| damaged(&path, "its title is gone"))?;
        let place = KeyPlace::from_code(place).ok_or_else(|| damaged(&path, "its title is unknown"))?;
        let id = <[u8; 16]>::try_from(id).map_err(|_| damaged(&path, "its title is cut"))?;
        let keys = BookKeys::new(&key::find(directory, keyring, &id, place)?, id)?;
        if !keys.fits(&proof) {
            return Err(ContactsError::WrongKey { path });
        }
        Ok(Some(Self { connection, path, keys, place }))
    }

    /// Makes the book of this folder, or opens the one that another process made in the same moment. It is written under
    /// another name and then appears as a whole.
    pub(super) fn create(directory: &Path, keyring: &KeyringAccess) -> Result<Self, ContactsError> {
        let path = directory.join(FILE_NAME);
        let unwritable = |why: String| ContactsError::Unwritable { path: path.clone(), why };
        secret_file::make_private_directory(directory).map_err(|error| unwritable(error.to_string()))?;
        let mut id = [0; 16];
        aws_lc_rs::rand::fill(&mut id).map_err(|_| ContactsError::Library)?;
        let (secret, place) = key::make(directory, keyring, &id)?;
        let proof = BookKeys::new(&secret, id)?.proof()?;
        let temporary =
            directory.join(format!("{FILE_NAME}.{:016x}.new", u64::from_be_bytes(std::array::from_fn(|at| id[at]))));
        secret_file::create_private(&temporary).map_err(|error| unwritable(error.to_string()))?;
        let written = write_new(&temporary, &id, place, &proof).map_err(io::Error::other);
        match secret_file::appear(&temporary, &path, written) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => key::unmake(keyring, &id, place),
            Err(error) => {
                key::unmake(keyring, &id, place);
                return Err(unwritable(error.to_string()));
            }
        }
        Self::open(directory, keyring)?.ok_or_else(|| unwritable("it was taken away at once".into()))
    }

    /// Where the key lies.
    pub(super) const fn place(&self) -> KeyPlace {
        self.place
    }

    /// Everybody, unless that is known of this version. One record that does not open makes the book damaged: a person who
    /// is missing without a word would be a stranger without a warning.
    pub(super) fn read_if_changed(&self, seen: Option<i64>) -> Result<Option<Moment>, ContactsError> {
        let version = version(&self.connection).map_err(|error| in_sentences(&error, &self.path))?;
        if seen == Some(version) {
            return Ok(None);
        }
        let book = read(&self.connection, &self.keys, &self.path)?;
        Ok(Some(Moment { version, book }))
    }

    /// Changes the book: what is there is read while nobody else can write, `change` says what to put in its place, and all
    /// of it is written or nothing.
    pub(super) fn change<T>(
        &mut self,
        change: impl FnOnce(&Book) -> Result<(Vec<Contact>, T), ContactsError>,
    ) -> Result<(Moment, T), ContactsError> {
        let (keys, path) = (&self.keys, &self.path);
        let told = |error| in_sentences(&error, path);
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(told)?;
        let version = version(&transaction).map_err(told)?;
        let mut book = read(&transaction, keys, path)?;
        let (changed, outcome) = change(&book)?;
        for contact in changed {
            write(&transaction, keys, &contact).map_err(|error| error.told(path))?;
            book.put(contact);
        }
        transaction.commit().map_err(told)?;
        Ok((Moment { version, book }, outcome))
    }

    /// Takes somebody out. `secure_delete` overwrites the record with zeros, and compacting rebuilds every page, so that no
    /// copy is left between others. Done in any case, so that an interrupted one can be done again.
    pub(super) fn forget(&mut self, device: &DevicePublicKey) -> Result<bool, ContactsError> {
        let told = |error| in_sentences(&error, &self.path);
        let lookup = self.keys.lookup(device);
        let gone = self.connection.execute("DELETE FROM contact WHERE lookup = ?1", params![lookup]).map_err(told)?;
        self.connection.execute_batch("VACUUM").map_err(told)?;
        Ok(gone > 0)
    }
}

/// The version of the schema, if it is one of ours.
fn schema(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    let application: i64 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let version = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    Ok((application == APPLICATION_ID && version > 0).then_some(version))
}

/// `secure_delete` and the rollback journal, which is gone after every change (a write-ahead log would keep old pages);
/// what is compacted passes through memory only; a file that lies about its own schema cannot make us run anything.
fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(limits::BUSY_DEADLINE)?;
    connection.set_limit(rusqlite::limits::Limit::SQLITE_LIMIT_LENGTH, limits::RECORD_BYTES)?;
    connection.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.execute_batch("PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; PRAGMA synchronous = FULL;")?;
    Ok(connection)
}

fn write_new(path: &Path, id: &[u8; 16], place: KeyPlace, proof: &[u8]) -> rusqlite::Result<()> {
    let mut connection = connect(path)?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    migrate(&mut connection, 0)?;
    let row = params![id, place.code(), proof];
    connection.execute("INSERT INTO book (only_one, id, key_place, proof) VALUES (1, ?1, ?2, ?3)", row)?;
    connection.close().map_err(|(_, error)| error)
}

fn migrate(connection: &mut Connection, from: i64) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = usize::try_from(from).unwrap_or(STEPS.len());
    for (number, step) in STEPS.iter().enumerate().skip(done) {
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", i64::try_from(number + 1).unwrap_or(i64::MAX))?;
    }
    transaction.commit()
}

type Title = (Vec<u8>, i64, Vec<u8>);

fn title(connection: &Connection) -> rusqlite::Result<Option<Title>> {
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    connection.query_row("SELECT id, key_place, proof FROM book", [], row).optional()
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA data_version", [], |row| row.get(0))
}

fn read(connection: &Connection, keys: &BookKeys, path: &Path) -> Result<Book, ContactsError> {
    let told = |error| in_sentences(&error, path);
    let mut book = Book::default();
    let mut statement = connection.prepare("SELECT lookup, sealed FROM contact").map_err(told)?;
    let mut rows = statement.query([]).map_err(told)?;
    while let Some(row) = rows.next().map_err(told)? {
        let (lookup, sealed): (Vec<u8>, Vec<u8>) = (row.get(0).map_err(told)?, row.get(1).map_err(told)?);
        let contact = contact_of(keys, &lookup, &sealed).ok_or_else(|| damaged(path, "a record does not open"))?;
        book.put(contact);
        if book.len() > limits::CONTACTS {
            return Err(damaged(path, "it holds too many people"));
        }
    }
    Ok(book)
}

fn contact_of(keys: &BookKeys, lookup: &[u8], sealed: &[u8]) -> Option<Contact> {
    let lookup = lookup.try_into().ok()?;
    let plain = keys.open(&lookup, sealed)?;
    let contact: Contact = serde_json::from_slice(&plain).ok()?;
    (keys.lookup(&contact.device) == lookup).then(|| contact.tidied())
}

fn write(transaction: &Transaction<'_>, keys: &BookKeys, contact: &Contact) -> Result<(), WriteError> {
    let lookup = keys.lookup(&contact.device);
    let plain = Zeroizing::new(serde_json::to_vec(contact).map_err(|_| WriteError::Library)?);
    let sealed = keys.seal(&lookup, &plain, limits::RECORD_PADDING).map_err(|_| WriteError::Library)?;
    let statement =
        "INSERT INTO contact (lookup, sealed) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET sealed = excluded.sealed";
    transaction.execute(statement, params![lookup, sealed]).map(|_| ()).map_err(WriteError::Database)
}

enum WriteError {
    Library,
    Database(rusqlite::Error),
}

impl WriteError {
    fn told(self, path: &Path) -> ContactsError {
        match self {
            Self::Library => ContactsError::Library,
            Self::Database(error) => in_sentences(&error, path),
        }
    }
}

fn damaged(path: &Path, why: &str) -> ContactsError {
    ContactsError::Damaged { path: path.to_owned(), why: why.lines().next().unwrap_or_default().to_owned() }
}

fn in_sentences(error: &rusqlite::Error, path: &Path) -> ContactsError {
    let (path, why) = (path.to_owned(), error.to_string());
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => ContactsError::Busy { path },
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => ContactsError::Unreadable { path, why },
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => ContactsError::Damaged { path, why },
        Some(ErrorCode::DiskFull | ErrorCode::ReadOnly | ErrorCode::SystemIoFailure) => {
            ContactsError::Unwritable { path, why }
        }
        // A table that is missing, a column of another type.
        _ => ContactsError::Damaged { path, why },
    }
}

/// Nothing in the file is in the clear, so a mode that is too open is put right rather than refused. Journals get the
/// mode of the file.
#[cfg(unix)]
fn keep_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & 0o077 == 0 { Ok(()) } else { fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o700)) }
}

#[cfg(not(unix))]
fn keep_private(path: &Path) -> io::Result<()> {
    fs::metadata(path).map(|_| ())
}
