//! The device key file: made once, kept for ever, never overwritten, readable by nobody else.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use conclave_net::device_key::{DeviceKeyError, FILE_NAME, load_or_create};

#[test]
fn the_key_is_the_same_the_next_time_and_readable_by_its_owner_only() {
    let home = tempfile::tempdir().expect("a directory");
    let directory = home.path().join("not/there/yet");
    let first = load_or_create(&directory).expect("a key").public();
    assert_eq!(load_or_create(&directory).expect("the key").public(), first);
    let mode = fs::metadata(directory.join(FILE_NAME)).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let files: Vec<_> = fs::read_dir(&directory).expect("a directory").collect();
    assert_eq!(files.len(), 1, "nothing is left behind");
}

#[test]
fn two_devices_have_different_keys() {
    let (one, two) = (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
    let key = |directory: &tempfile::TempDir| load_or_create(directory.path()).expect("a key").public();
    assert_ne!(key(&one), key(&two));
}

#[test]
fn a_damaged_file_is_an_error_with_a_remedy_and_stays_as_it_is() {
    let home = tempfile::tempdir().expect("a directory");
    load_or_create(home.path()).expect("a key");
    let path = home.path().join(FILE_NAME);
    let whole = fs::read(&path).expect("the file");
    let mut flipped = whole.clone();
    flipped[20] ^= 1;
    for damaged in [&b""[..], &whole[..10], &whole[..whole.len() - 1], &flipped, &[whole.clone(), vec![0]].concat()] {
        fs::write(&path, damaged).expect("written");
        let error = load_or_create(home.path()).expect_err("damaged");
        assert!(matches!(error, DeviceKeyError::Damaged { .. }), "{error}");
        let sentence = error.to_string();
        assert!(sentence.contains(path.to_str().expect("a path")) && sentence.contains("backup"), "{sentence}");
        assert_eq!(fs::read(&path).expect("the file"), damaged);
    }
    fs::write(&path, &whole).expect("written");
    load_or_create(home.path()).expect("restored from the backup");
}

#[test]
fn a_key_that_others_can_read_is_refused_with_a_remedy() {
    let home = tempfile::tempdir().expect("a directory");
    load_or_create(home.path()).expect("a key");
    let path = home.path().join(FILE_NAME);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("changed");
    let error = load_or_create(home.path()).expect_err("too open");
    assert!(matches!(error, DeviceKeyError::TooOpen { .. }) && error.to_string().contains("chmod 600"), "{error}");
}

#[test]
fn what_cannot_be_read_is_not_replaced() {
    // A directory and a dangling link in the file's place: unreadable for everybody, root included.
    let home = tempfile::tempdir().expect("a directory");
    fs::create_dir(home.path().join(FILE_NAME)).expect("made");
    fs::set_permissions(home.path().join(FILE_NAME), fs::Permissions::from_mode(0o700)).expect("changed");
    assert!(matches!(load_or_create(home.path()), Err(DeviceKeyError::Unreadable { .. })));
    let home = tempfile::tempdir().expect("a directory");
    symlink("/nowhere/at/all", home.path().join(FILE_NAME)).expect("made");
    assert!(matches!(load_or_create(home.path()), Err(DeviceKeyError::Unreadable { .. })));
}

#[test]
fn a_place_that_cannot_be_written_is_an_error_with_a_remedy() {
    let home = tempfile::tempdir().expect("a directory");
    let file = home.path().join("a file");
    fs::write(&file, "").expect("written");
    let error = load_or_create(&file.join("below")).expect_err("no directory");
    assert!(!error.to_string().is_empty());
}
