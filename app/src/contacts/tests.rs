//! The contacts as their owner would look at them: what comes back, what can be read in the file, what is left of somebody
//! who was forgotten, and what a missing key or a damaged file does.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;
use zeroize::Zeroizing;

use super::*;

const ANN: DevicePublicKey = DevicePublicKey(*b"the key of Ann, 32 bytes long!!!");
const BO: DevicePublicKey = DevicePublicKey(*b"the key of Bo, also 32 bytes, ok");
const MAL: DevicePublicKey = DevicePublicKey([9; 32]);

/// A keyring in memory, which can be taken away, emptied, or made to hang.
#[derive(Default)]
struct TestKeyring {
    entries: Mutex<BTreeMap<String, Vec<u8>>>,
    trouble: Mutex<Option<KeyringTrouble>>,
    /// Held by a test for as long as the keyring should hang.
    hangs: Mutex<()>,
}

impl TestKeyring {
    fn works(&self) -> Result<(), KeyringTrouble> {
        drop(self.hangs.lock().expect("not poisoned"));
        self.trouble.lock().expect("not poisoned").clone().map_or(Ok(()), Err)
    }

    fn fails_with(&self, trouble: Option<KeyringTrouble>) {
        *self.trouble.lock().expect("not poisoned") = trouble;
    }

    fn len(&self) -> usize {
        self.entries.lock().expect("not poisoned").len()
    }
}

impl Keyring for TestKeyring {
    fn read(&self, entry: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringTrouble> {
        self.works()?;
        Ok(self.entries.lock().expect("not poisoned").get(entry).cloned().map(Zeroizing::new))
    }

    fn write(&self, entry: &str, secret: &[u8]) -> Result<(), KeyringTrouble> {
        self.works()?;
        self.entries.lock().expect("not poisoned").insert(entry.to_owned(), secret.to_vec());
        Ok(())
    }

    fn remove(&self, entry: &str) -> Result<(), KeyringTrouble> {
        self.works()?;
        self.entries.lock().expect("not poisoned").remove(entry);
        Ok(())
    }
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn open(folder: &Path) -> Result<Contacts, ContactsError> {
    Contacts::open(folder, KeyringAccess::none())
}

/// Ann, verified, with a past; Bo, noted.
fn filled(folder: &Path) -> Contacts {
    let mut contacts = open(folder).expect("opened");
    fill(&mut contacts);
    contacts
}

fn fill(contacts: &mut Contacts) {
    contacts.verify(&ANN, "Annabel Ford", 1_000).expect("verified");
    contacts.set_note(&ANN, "", "met at the printing shop", 1_001).expect("noted");
    contacts.met(&ANN, "Annabel", Meeting { started_unix_s: 2_000, length_s: 600 }).expect("met");
    contacts.set_skips_lobby(&ANN, true).expect("allowed");
    contacts.set_note(&BO, "Bo Larsen", "from the choir", 3_000).expect("noted");
}

fn file(folder: &Path) -> PathBuf {
    folder.join(FILE_NAME)
}

fn bytes(folder: &Path) -> Vec<u8> {
    fs::read(file(folder)).expect("a file")
}

fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(Zeroizing::new(text.to_owned())).expect("long enough")
}

#[test]
fn what_was_kept_is_there_the_next_time() {
    let folder = folder();
    drop(filled(folder.path()));
    let book = open(folder.path()).expect("opened").book().expect("a book");
    let ann = book.known(&ANN).expect("Ann");
    let expected = Contact {
        device: ANN,
        name: "Annabel".into(),
        former_names: vec!["Annabel Ford".into()],
        note: "met at the printing shop".into(),
        first_met_unix_s: 1_000,
        last_met_unix_s: 2_600,
        verified_unix_s: Some(1_000),
        skips_lobby: true,
        meetings: vec![Meeting { started_unix_s: 2_000, length_s: 600 }],
        meetings_total: 1,
    };
    assert_eq!(**ann, expected);
    assert!(!book.known(&BO).expect("Bo").is_verified());
    assert_eq!(book.list().iter().map(|contact| contact.device).collect::<Vec<_>>(), [ANN, BO]);
    assert!(
        matches!(book.check(&MAL, "\u{410}nnabel Ford"), Standing::KnownNameOtherKey(contact) if contact.device == ANN)
    );
}

#[test]
fn nothing_is_written_before_somebody_is_put_in() {
    let folder = folder();
    let keyring = Arc::new(TestKeyring::default());
    let data = folder.path().join("not/there/yet");
    let mut contacts =
        Contacts::open(&data, KeyringAccess::new(keyring.clone(), Duration::from_secs(20))).expect("opened");
    contacts.met(&ANN, "Ann", Meeting { started_unix_s: 1, length_s: 1 }).expect("nobody we keep");
    assert!(!contacts.forget(&ANN).expect("nobody"));
    assert!(contacts.book().expect("a book").is_empty());
    assert!(contacts.key_place().is_none() && !data.exists() && keyring.len() == 0);
}

#[test]
fn nobody_can_be_read_in_the_file() {
    let folder = folder();
    drop(filled(folder.path()));
    let bytes = bytes(folder.path());
    for needle in [&b"Annabel"[..], b"Larsen", b"printing", b"choir", b"meetings", &ANN.0, &BO.0, &ANN.0[..8]] {
        assert!(!holds(&bytes, needle), "{}", String::from_utf8_lossy(needle));
    }
    // The hash under which Ann lies needs the key, too.
    assert!(!holds(&bytes, aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &ANN.0).as_ref()));
}

#[test]
fn file_key_and_journal_are_for_their_owner_only() {
    let folder = folder();
    let data = folder.path().join("data");
    let mut contacts = filled(&data);
    let mode = |path: &Path| {
        let metadata = fs::metadata(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(mode(&data), 0o700);
    assert_eq!((mode(&file(&data)), mode(&data.join(KEY_FILE_NAME))), (0o600, 0o600));
    let names: Vec<_> =
        fs::read_dir(&data).expect("a folder").map(|entry| entry.expect("an entry").file_name()).collect();
    assert_eq!(names.len(), 2, "nothing else is left: {names:?}");

    // The journal lives as long as a change.
    let connection = rusqlite::Connection::open(file(&data)).expect("opened");
    connection.execute_batch("BEGIN IMMEDIATE; DELETE FROM contact;").expect("changed");
    assert_eq!(mode(&data.join("contacts.sqlite-journal")), 0o600);
    connection.execute_batch("ROLLBACK").expect("undone");
    drop(connection);

    // Opened too far by somebody, it is closed again.
    fs::set_permissions(file(&data), fs::Permissions::from_mode(0o644)).expect("changed");
    assert_eq!(contacts.book().expect("a book").len(), 2);
    drop(contacts);
    open(&data).expect("opened");
    assert_eq!(mode(&file(&data)), 0o600);
}

#[test]
fn who_is_forgotten_leaves_no_trace_in_the_file() {
    let folder = folder();
    let mut contacts = filled(folder.path());
    for number in 0..40 {
        let device = DevicePublicKey([100 + number; 32]);
        contacts.verify(&device, &format!("Person {number}"), 4_000).expect("verified");
        contacts.met(&ANN, "Annabel", Meeting { started_unix_s: 5_000 + u64::from(number), length_s: 9 }).expect("met");
    }
    // Records are sealed, so what must not stay is the sealed record and the hash it lies under.
    let connection = rusqlite::Connection::open(file(folder.path())).expect("opened");
    let read = |connection: &rusqlite::Connection| -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut statement = connection.prepare("SELECT lookup, sealed FROM contact").expect("a table");
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
        rows.map(|row| row.expect("a row")).collect()
    };
    let before = read(&connection);
    assert!(contacts.forget(&ANN).expect("forgotten"));
    let after = read(&connection);
    let gone: Vec<_> = before.iter().filter(|record| !after.contains(record)).collect();
    assert_eq!((before.len(), after.len(), gone.len()), (42, 41, 1));
    drop(connection);
    let bytes = bytes(folder.path());
    let (lookup, sealed) = gone[0];
    assert!(holds(&bytes, &after[0].0), "the search finds what is there");
    assert!(!holds(&bytes, lookup));
    for piece in sealed.chunks_exact(16) {
        assert!(!holds(&bytes, piece), "a piece of the sealed record is left");
    }
    let book = open(folder.path()).expect("opened").book().expect("a book");
    assert!(book.known(&ANN).is_none() && book.check(&MAL, "Annabel") == Standing::Stranger);
    assert!(!contacts.forget(&ANN).expect("again"), "forgetting again does no harm");
}

#[test]
fn a_damaged_book_is_told_and_kept_byte_for_byte() {
    let folder = folder();
    drop(filled(folder.path()));
    let whole = bytes(folder.path());
    let connection = rusqlite::Connection::open(file(folder.path())).expect("opened");
    let sealed: Vec<u8> =
        connection.query_row("SELECT sealed FROM contact LIMIT 1", [], |row| row.get(0)).expect("a record");
    drop(connection);
    let at = whole.windows(32).position(|window| *window == sealed[100..132]).expect("the record in the file");
    let mut sealed_changed = whole.clone();
    sealed_changed[at] ^= 1;
    let mut header_changed = whole.clone();
    header_changed[30] ^= 0xff;
    let mut foreign = whole.clone();
    foreign[68..72].copy_from_slice(b"abcd");
    let texts: [&[u8]; 7] = [
        b"",
        b"no database at all",
        &whole[..100],
        &whole[..whole.len() / 2],
        &sealed_changed,
        &header_changed,
        &foreign,
    ];
    for (case, damaged) in texts.into_iter().enumerate() {
        fs::write(file(folder.path()), damaged).expect("written");
        let error = open(folder.path()).err().expect("damaged");
        assert!(matches!(error, ContactsError::Damaged { .. }), "case {case}: {error}");
        assert!(error.to_string().contains("backup"), "{error}");
        assert_eq!(bytes(folder.path()), damaged, "case {case}");
    }
    fs::write(file(folder.path()), &whole).expect("restored");
    assert_eq!(open(folder.path()).expect("restored from the backup").book().expect("a book").len(), 2);
    let mut newer = whole;
    newer[60..64].copy_from_slice(&99_u32.to_be_bytes());
    fs::write(file(folder.path()), &newer).expect("written");
    assert!(matches!(open(folder.path()), Err(ContactsError::Newer { .. })));
    assert_eq!(bytes(folder.path()), newer);
}

#[test]
fn a_record_put_in_anothers_place_or_taken_from_another_book_does_not_open() {
    let (folder, other) = (folder(), folder());
    drop(filled(folder.path()));
    drop(filled(other.path()));
    let connection = rusqlite::Connection::open(file(folder.path())).expect("opened");
    let swap = "UPDATE contact SET sealed = (SELECT sealed FROM contact AS o WHERE o.lookup != contact.lookup)";
    connection.execute(swap, []).expect("swapped");
    assert!(matches!(open(folder.path()), Err(ContactsError::Damaged { .. })));
    let key = other.path().join(KEY_FILE_NAME);
    fs::copy(folder.path().join(KEY_FILE_NAME), key).expect("copied");
    assert!(matches!(open(other.path()), Err(ContactsError::WrongKey { .. })));
}

#[test]
fn without_its_key_file_the_book_stays_closed_and_no_second_key_is_drawn() {
    let folder = folder();
    drop(filled(folder.path()));
    let (key, before) = (folder.path().join(KEY_FILE_NAME), bytes(folder.path()));
    let good = fs::read(&key).expect("a key");
    fs::remove_file(&key).expect("lost");
    assert!(matches!(open(folder.path()), Err(ContactsError::KeyFileGone { .. })));
    assert!(!key.exists());
    fs::write(&key, &good[..20]).expect("written");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("changed");
    assert!(matches!(open(folder.path()), Err(ContactsError::KeyFileDamaged { .. })));
    fs::write(&key, &good).expect("written");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).expect("changed");
    assert!(matches!(open(folder.path()), Err(ContactsError::KeyFileTooOpen { .. })));
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("changed");
    open(folder.path()).expect("all is well again");
    assert_eq!(bytes(folder.path()), before);
}

#[test]
fn a_key_in_the_keyring_is_used_and_never_replaced() {
    let folder = folder();
    let keyring = Arc::new(TestKeyring::default());
    let open = || Contacts::open(folder.path(), KeyringAccess::new(keyring.clone(), Duration::from_secs(20)));
    let mut contacts = open().expect("opened");
    fill(&mut contacts);
    assert_eq!(contacts.key_place(), Some(KeyPlace::Keyring));
    assert!(!folder.path().join(KEY_FILE_NAME).exists());
    drop(contacts);
    assert_eq!(open().expect("opened again").book().expect("a book").len(), 2);

    for trouble in [KeyringTrouble::Absent, KeyringTrouble::Locked, KeyringTrouble::Failed("oh".into())] {
        keyring.fails_with(Some(trouble.clone()));
        let error = open().err().expect("no key");
        assert!(matches!(&error, ContactsError::KeyringAway { why, .. } if *why == trouble), "{error}");
        assert!(error.to_string().contains("keyring"), "{error}");
    }
    keyring.fails_with(None);
    let kept = std::mem::take(&mut *keyring.entries.lock().expect("not poisoned"));
    assert!(matches!(open(), Err(ContactsError::KeyGone { .. })));
    let other = kept.keys().map(|entry| (entry.clone(), vec![1; 32])).collect();
    *keyring.entries.lock().expect("not poisoned") = other;
    assert!(matches!(open(), Err(ContactsError::WrongKey { .. })));
    *keyring.entries.lock().expect("not poisoned") = kept;
    assert_eq!(open().expect("opened again").book().expect("a book").len(), 2);
    assert_eq!(keyring.len(), 1);
    assert!(!folder.path().join(KEY_FILE_NAME).exists(), "no second key was drawn meanwhile");
}

#[test]
fn a_keyring_that_hangs_holds_nobody_up() {
    let folder = folder();
    let keyring = Arc::new(TestKeyring::default());
    let access = KeyringAccess::new(keyring.clone(), Duration::from_millis(30));
    let hangs = keyring.hangs.lock().expect("not poisoned");
    let mut contacts = Contacts::open(folder.path(), access.clone()).expect("opened");
    fill(&mut contacts);
    assert_eq!(contacts.key_place(), Some(KeyPlace::File), "it had its chance");
    assert_eq!(access.read("anything"), Err(KeyringTrouble::Silent), "and is not asked again while it hangs");
    drop(hangs);
    drop(contacts);
    assert_eq!(Contacts::open(folder.path(), access).expect("opened").book().expect("a book").len(), 2);
}

#[test]
fn two_processes_see_each_others_changes_and_lose_none() {
    let folder = folder();
    let (mut one, mut two) = (open(folder.path()).expect("opened"), open(folder.path()).expect("opened"));
    one.verify(&ANN, "Ann", 1).expect("verified");
    assert!(two.book().expect("a book").known(&ANN).is_some());
    let write = |first: u8| {
        let folder = folder.path().to_owned();
        move || {
            let mut contacts = open(&folder).expect("opened");
            for number in first..first + 15 {
                contacts.verify(&DevicePublicKey([number; 32]), "A", 1).expect("verified");
                contacts.met(&ANN, "Ann", Meeting { started_unix_s: number.into(), length_s: 1 }).expect("met");
            }
        }
    };
    let threads = [std::thread::spawn(write(20)), std::thread::spawn(write(60))];
    threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
    let book = two.book().expect("a book");
    assert_eq!((book.len(), book.known(&ANN).expect("Ann").meetings_total), (31, 30));
    assert!(two.forget(&ANN).expect("forgotten"));
    assert!(one.book().expect("a book").known(&ANN).is_none());
}

#[test]
fn two_that_make_the_book_at_once_make_one() {
    for _ in 0..10 {
        let folder = folder();
        let keyring = Arc::new(TestKeyring::default());
        let put = |device: DevicePublicKey| {
            let access = KeyringAccess::new(keyring.clone(), Duration::from_secs(20));
            let mut contacts = Contacts::open(folder.path(), access).expect("opened");
            move || contacts.verify(&device, "A", 1).expect("verified")
        };
        let threads = [std::thread::spawn(put(ANN)), std::thread::spawn(put(BO))];
        threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
        let access = KeyringAccess::new(keyring.clone(), Duration::from_secs(20));
        let book = Contacts::open(folder.path(), access).expect("opened").book().expect("a book");
        assert_eq!((book.len(), keyring.len()), (2, 1), "one book, one key");
    }
}

#[test]
fn a_name_that_is_anothers_stays_a_warning_until_the_user_verifies_it() {
    let folder = folder();
    let mut contacts = open(folder.path()).expect("opened");
    contacts.verify(&ANN, "Ann", 1).expect("verified");
    contacts.verify(&BO, "Bo", 1).expect("verified");
    contacts.met(&BO, "Ann", Meeting { started_unix_s: 5, length_s: 5 }).expect("met");
    let book = contacts.book().expect("a book");
    assert_eq!(book.known(&BO).expect("Bo").name, "Bo");
    assert!(matches!(book.check(&BO, "Ann"), Standing::KnownNameOtherKey(contact) if contact.device == ANN));
    contacts.verify(&BO, "Ann", 9).expect("verified");
    assert!(matches!(contacts.book().expect("a book").check(&BO, "Ann"), Standing::Verified(_)));
}

#[test]
fn bounds_and_permissions_are_kept() {
    let folder = folder();
    let mut contacts = filled(folder.path());
    assert!(matches!(contacts.set_skips_lobby(&BO, true), Err(ContactsError::NotVerified)));
    assert!(matches!(contacts.set_skips_lobby(&MAL, true), Err(ContactsError::Unknown)));
    let long = "n".repeat(limits::NOTE_CHARACTERS + 1);
    assert!(matches!(contacts.set_note(&ANN, "Ann", &long, 1), Err(ContactsError::NoteTooLong)));
    contacts.verify(&ANN, &"\u{202e}x".repeat(10_000), 1).expect("cut");
    assert_eq!(contacts.book().expect("a book").known(&ANN).expect("Ann").name, "x".repeat(64));
    for short in ["", "seven77", &"x".repeat(limits::PASSPHRASE_CHARACTERS_MAX + 1)] {
        assert!(matches!(Passphrase::new(Zeroizing::new(short.to_owned())), Err(ContactsError::Passphrase)));
    }
}

#[test]
fn an_exported_file_comes_back_with_its_passphrase_only() {
    let (folder, other) = (folder(), folder());
    let mut contacts = filled(folder.path());
    let path = folder.path().join("out.conclave");
    assert_eq!(contacts.export(&path, &passphrase("correct horse caf\u{e9}")).expect("exported"), 2);
    assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
    let exported = fs::read(&path).expect("a file");
    assert!(!holds(&exported, b"Annabel") && !holds(&exported, &ANN.0));
    let again = contacts.export(&path, &passphrase("correct horse caf\u{e9}"));
    assert!(matches!(again, Err(ContactsError::ExportExists { .. })));
    assert_eq!(fs::read(&path).expect("a file"), exported, "nothing is written over");

    let mut theirs = open(other.path()).expect("opened");
    let wrong = theirs.import(&path, &passphrase("correct horse cafe"), 9_000);
    assert!(matches!(wrong, Err(ContactsError::ImportClosed { .. })));
    assert!(!file(other.path()).exists(), "nothing was changed");
    let report = theirs.import(&path, &passphrase("correct horse cafe\u{301}"), 9_000).expect("imported");
    assert_eq!(report, ImportReport { added: 2, ..ImportReport::default() });
    assert_eq!(theirs.book().expect("a book").list(), contacts.book().expect("a book").list());
    let report = theirs.import(&path, &passphrase("correct horse caf\u{e9}"), 9_000).expect("imported");
    assert_eq!(report, ImportReport { unchanged: 2, ..ImportReport::default() });
}

#[test]
fn a_damaged_or_foreign_file_is_told_and_changes_nothing() {
    let folder = folder();
    let mut contacts = filled(folder.path());
    let path = folder.path().join("out");
    contacts.export(&path, &passphrase("four unrelated words")).expect("exported");
    let (whole, before) = (fs::read(&path).expect("a file"), bytes(folder.path()));
    let mut import = |text: &[u8]| {
        fs::write(&path, text).expect("written");
        contacts.import(&path, &passphrase("four unrelated words"), 1).expect_err("refused")
    };
    for foreign in [&b""[..], b"#!/bin/sh", &whole[..10], b"\0\0\0\0"] {
        assert!(matches!(import(foreign), ContactsError::ImportForeign { .. }));
    }
    let mut newer = whole.clone();
    newer[23] = b'2';
    assert!(matches!(import(&newer), ContactsError::ImportNewer { .. }));
    // Memory, passes, salt, nonce, first and last sealed byte; and an asked-for memory beyond all measure.
    for at in [25, 31, 34, 50, 62, whole.len() - 1] {
        let mut altered = whole.clone();
        altered[at] ^= 0x10;
        assert!(matches!(import(&altered), ContactsError::ImportClosed { .. }), "byte {at}");
    }
    for cut in [24, 40, 60, whole.len() / 2, whole.len() - 1] {
        assert!(matches!(import(&whole[..cut]), ContactsError::ImportClosed { .. }), "cut at {cut}");
    }
    assert!(matches!(
        contacts.import(&folder.path().join("none"), &passphrase("12345678"), 1),
        Err(ContactsError::ImportUnreadable { .. })
    ));
    assert_eq!(bytes(folder.path()), before);
}

#[test]
fn importing_never_replaces_a_key_and_never_takes_a_name_over() {
    let (ours, theirs) = (folder(), folder());
    let mut source = open(theirs.path()).expect("opened");
    source.verify(&MAL, "Ann", 500).expect("verified");
    source.verify(&BO, "Ann", 600).expect("verified");
    source.verify(&DevicePublicKey([7; 32]), "Cid", u64::MAX).expect("verified");
    let path = theirs.path().join("out");
    source.export(&path, &passphrase("four unrelated words")).expect("exported");

    let mut contacts = open(ours.path()).expect("opened");
    contacts.verify(&ANN, "Ann", 100).expect("verified");
    contacts.verify(&BO, "Bo", 200).expect("verified");
    let report = contacts.import(&path, &passphrase("four unrelated words"), 1_000).expect("imported");
    assert_eq!((report.added, report.updated, report.unchanged, report.left_out.len()), (1, 1, 0, 1));
    assert_eq!((report.left_out[0].ours.device, report.left_out[0].theirs.device), (ANN, MAL));
    let book = contacts.book().expect("a book");
    assert!(matches!(book.check(&MAL, "Ann"), Standing::KnownNameOtherKey(contact) if contact.device == ANN));
    assert!(matches!(book.check(&BO, "Ann"), Standing::KnownNameOtherKey(contact) if contact.device == ANN));
    assert_eq!(book.known(&BO).expect("Bo").verified_unix_s, Some(600), "the newest verification wins");
    assert_eq!(book.list()[2].verified_unix_s, Some(1_000), "nobody was verified in the future");

    // A file that knows both of one name is no alarm.
    source.verify(&ANN, "Ann", 50).expect("verified");
    let path = theirs.path().join("both");
    source.export(&path, &passphrase("four unrelated words")).expect("exported");
    let report = contacts.import(&path, &passphrase("four unrelated words"), 1_000).expect("imported");
    assert_eq!((report.added, report.left_out.len()), (1, 0));
}

#[test]
fn a_full_book_takes_nobody_more_and_opens_quickly_enough() {
    let folder = folder();
    let everybody: Vec<Contact> = (0..limits::CONTACTS)
        .map(|number| {
            let mut device = [0; 32];
            device[..8].copy_from_slice(&u64::try_from(number).expect("small").to_be_bytes());
            Contact::new(DevicePublicKey(device), &format!("Person {number}"), 1)
        })
        .collect();
    let mut contacts = open(folder.path()).expect("opened");
    contacts.change(|_| Ok((everybody, ()))).expect("written");
    assert!(matches!(contacts.verify(&ANN, "Ann", 1), Err(ContactsError::Full)));
    let book = open(folder.path()).expect("opened").book().expect("a book");
    assert_eq!(book.len(), limits::CONTACTS);
    assert!(matches!(book.check(&ANN, "Pers0n 77"), Standing::KnownNameOtherKey(_)));
}
