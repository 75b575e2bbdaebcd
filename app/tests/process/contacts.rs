//! `conclave contacts` as it is typed: what it prints, its exit codes, and a keyring that never answers. Without a
//! keyring, so that nothing is written into that of whoever runs the tests.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use conclave::contacts::{Contacts, KeyringAccess, Meeting};
use conclave_proto::ids::DevicePublicKey;

const ANN: DevicePublicKey = DevicePublicKey([0xab; 32]);

fn contacts(folder: &Path, words: &[&str], typed: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_conclave"));
    command.args(["contacts", "--no-keyring", "--data-dir"]).arg(folder).args(words);
    finish(command, typed)
}

fn finish(mut command: Command, typed: &str) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    // A program that does not ask has closed its end.
    if let Err(error) = child.stdin.take().expect("a pipe").write_all(typed.as_bytes()) {
        assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
    }
    child.wait_with_output().expect("it ends")
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn with_ann(folder: &Path) {
    let mut contacts = Contacts::open(folder, KeyringAccess::none()).expect("opened");
    contacts.verify(&ANN, "Ann", 1_764_028_800).expect("verified");
    contacts.met(&ANN, "Ann", Meeting { started_unix_s: 1_764_028_800, length_s: 60 }).expect("met");
}

#[test]
fn contacts_are_listed_exported_forgotten_and_imported_again() {
    let (folder, elsewhere) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let list = contacts(folder.path(), &["list"], "");
    assert!(list.status.success() && said(&list).contains("No contacts yet"), "{}", said(&list));
    with_ann(folder.path());
    // As a window that is open meanwhile.
    let mut window = Contacts::open(folder.path(), KeyringAccess::none()).expect("opened");
    let list = said(&contacts(folder.path(), &["list"], ""));
    for part in ["Ann\n", "verified 2025-11-25", "1 meeting", &"ab".repeat(32)] {
        assert!(list.contains(part), "no {part} in {list}");
    }
    let json = contacts(folder.path(), &["list", "--json"], "");
    let value: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!((value["name"].as_str(), value["meetings_total"].as_u64()), (Some("Ann"), Some(1)));

    let file = elsewhere.path().join("people.conclave");
    let path = file.to_string_lossy().into_owned();
    let short = contacts(folder.path(), &["export", &path], "short\n");
    assert!(short.status.code() == Some(2) && !file.exists(), "{}", said(&short));
    let exported = contacts(folder.path(), &["export", &path], "four unrelated words\n");
    assert!(exported.status.success() && file.exists(), "{}", said(&exported));
    assert_eq!(contacts(folder.path(), &["export", &path], "four unrelated words\n").status.code(), Some(2));

    for wrong in ["ab", "abababac", "no key", &"cd".repeat(32)] {
        assert_eq!(contacts(folder.path(), &["forget", wrong], "").status.code(), Some(2), "{wrong}");
    }
    assert!(window.book().expect("a book").known(&ANN).is_some());
    assert!(contacts(folder.path(), &["forget", "ABABABAB"], "").status.success());
    assert!(window.book().expect("a book").known(&ANN).is_none());
    assert!(said(&contacts(folder.path(), &["list"], "")).contains("No contacts yet"));

    let wrong = contacts(folder.path(), &["import", &path], "four unrelated swords\n");
    assert!(wrong.status.code() == Some(2) && said(&wrong).contains("does not open"), "{}", said(&wrong));
    let right = contacts(folder.path(), &["import", &path], "four unrelated words\n");
    assert!(right.status.success() && said(&right).contains("1 new"), "{}", said(&right));
    assert!(said(&contacts(folder.path(), &["list"], "")).contains("Ann"));
}

#[test]
fn damaged_contacts_are_told_and_kept_as_they_are() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("contacts.sqlite");
    std::fs::write(&file, "half a book").expect("written");
    let list = contacts(folder.path(), &["list"], "");
    assert!(list.status.code() == Some(4) && said(&list).contains("damaged"), "{}", said(&list));
    assert_eq!(std::fs::read(&file).expect("still there"), b"half a book");
}

/// Five seconds are waited for the other process, then it is said.
#[test]
fn a_book_that_another_process_keeps_to_itself_is_said_to_be_busy() {
    let folder = tempfile::tempdir().expect("a folder");
    with_ann(folder.path());
    let other = rusqlite::Connection::open(folder.path().join("contacts.sqlite")).expect("opened");
    other.execute_batch("BEGIN EXCLUSIVE").expect("locked");
    let list = contacts(folder.path(), &["list"], "");
    assert!(list.status.code() == Some(4) && said(&list).contains("Another Conclave"), "{}", said(&list));
    other.execute_batch("ROLLBACK").expect("unlocked");
    assert!(said(&contacts(folder.path(), &["list"], "")).contains("Ann"));
}

/// A session bus that is not there: the key goes into a file and nothing waits.
#[cfg(target_os = "linux")]
#[test]
fn without_a_session_bus_the_key_lies_in_a_file() {
    let (folder, elsewhere) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    with_ann(folder.path());
    let file = elsewhere.path().join("people.conclave");
    let path = file.to_string_lossy().into_owned();
    assert!(contacts(folder.path(), &["export", &path], "four unrelated words\n").status.success());
    let mut command = Command::new(env!("CARGO_BIN_EXE_conclave"));
    command.env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", elsewhere.path().join("none").display()));
    command.args(["contacts", "--data-dir"]).arg(elsewhere.path().join("data")).args(["import", &path]);
    let imported = finish(command, "four unrelated words\n");
    assert!(imported.status.success(), "{}", said(&imported));
    assert!(elsewhere.path().join("data").join("contacts.key").exists());
}
