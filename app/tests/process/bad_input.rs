//! Bad input gets a clear answer, and nothing is lost by it.

use std::net::UdpSocket;

use conclave_proto::invite::Invite;

use crate::party::{Party, text};

/// Joins with a bad invite; gives what is said about it.
fn refused(root: &std::path::Path, invite: &str, code: i32) -> String {
    let mut ben = Party::join(root, "Ben", invite, &[]);
    assert_eq!(ben.wait_for_end(), code, "{:?}", ben.seen);
    let error = ben.earlier("error");
    assert!(!text(error, "remedy").is_empty() && !text(error, "whose_fault").is_empty(), "{error}");
    text(error, "what")
}

#[test]
fn each_kind_of_bad_invite_has_its_own_sentence() {
    let root = tempfile::tempdir().expect("a folder");
    let mut ann = Party::new_meeting(root.path(), "Ann", &["--admit-all"]);
    let good = text(&ann.wait("invite"), "invite");
    let middle = good.len() / 2;
    let other = if &good[middle..=middle] == "A" { "B" } else { "A" };
    let altered = format!("{}{other}{}", &good[..middle], &good[middle + 1..]);
    let mut expired: Invite = good.parse().expect("an invite");
    expired.ticket.expires_unix_s = 1_000_000_000;
    let mut foreign: Invite = good.parse().expect("an invite");
    foreign.secret.0.iter_mut().for_each(|byte| *byte ^= 0x5a);

    assert!(refused(root.path(), &good[..middle], 2).contains("damaged"));
    assert!(refused(root.path(), &altered, 2).contains("damaged"));
    assert!(refused(root.path(), "https://example.org/j/123", 2).contains("not a Conclave invite"));
    assert!(refused(root.path(), &expired.to_string(), 2).contains("too old"));
    assert!(refused(root.path(), &foreign.to_string(), 3).contains("does not open this meeting"));
    // The door still works.
    let mut cid = Party::join(root.path(), "Cid", &good, &[]);
    cid.wait("joined");
}

#[test]
fn a_bad_line_is_answered_and_the_meeting_goes_on() {
    let root = tempfile::tempdir().expect("a folder");
    let mut ann = Party::new_meeting(root.path(), "Ann", &["--admit-all"]);
    let invite = text(&ann.wait("invite"), "invite");
    let long = format!("{{\"command\":\"{}\"}}", "x".repeat(100_000));
    for line in
        ["{", "[]", "{\"command\":\"dance\"}", "{\"command\":\"mute\"}", "{\"command\":\"admit\",\"who\":7}", &long]
    {
        ann.say(line);
        assert!(text(&ann.wait("error"), "what").contains("no command"));
    }
    ann.say(r#"{"command":"admit","who":"nobody"}"#);
    assert!(text(&ann.wait("error"), "what").contains("door"));
    ann.close_stdin();
    let mut ben = Party::join(root.path(), "Ben", &invite, &[]);
    ben.wait("joined");
    ann.wait("joined");
}

#[test]
fn a_port_in_use_is_said_to_be() {
    let root = tempfile::tempdir().expect("a folder");
    let taken = UdpSocket::bind("0.0.0.0:0").expect("a socket");
    let port = taken.local_addr().expect("an address").port().to_string();
    let mut ann = Party::new_meeting(root.path(), "Ann", &["--port", &port]);
    assert_eq!(ann.wait_for_end(), 4);
    let what = text(ann.earlier("error"), "what");
    assert!(what.contains(&port) && what.contains("another program"), "{what}");
}

#[test]
fn a_damaged_device_key_is_told_and_kept_as_it_is() {
    let root = tempfile::tempdir().expect("a folder");
    let data = root.path().join("Ann").join("data");
    std::fs::create_dir_all(&data).expect("a folder");
    let file = data.join("device.key");
    std::fs::write(&file, b"half a key").expect("written");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("permissions");
    }
    let mut ann = Party::new_meeting(root.path(), "Ann", &[]);
    assert_eq!(ann.wait_for_end(), 4);
    assert!(text(ann.earlier("error"), "what").contains("damaged"));
    assert_eq!(std::fs::read(&file).expect("still there"), b"half a key");
}
