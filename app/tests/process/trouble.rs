//! Things that break in the middle of a call: nobody else's call ends with them.

use crate::party::{Party, call, text};

#[test]
fn one_dies_without_a_word_and_the_meeting_goes_on() {
    let root = tempfile::tempdir().expect("a folder");
    let mut ann = Party::new_meeting(root.path(), "Ann", &["--admit-all"]);
    let invite = text(&ann.wait("invite"), "invite");
    let mut ben = Party::join(root.path(), "Ben", &invite, &[]);
    ben.wait("joined");
    ann.wait("joined");
    ben.kill();
    let left = ann.wait("left");
    assert_eq!(
        (left["who"].clone(), text(&left, "reason")),
        (ann.earlier("joined")["who"].clone(), "timed-out".into())
    );
    let mut cid = Party::join(root.path(), "Cid", &invite, &[]);
    cid.wait("joined");
    assert_eq!(text(&ann.wait("joined"), "name"), "Cid");
}

#[test]
fn broken_files_are_told_and_the_call_takes_place() {
    let root = tempfile::tempdir().expect("a folder");
    std::fs::write(root.path().join("broken.wav"), b"RIFF\x10\0\0\0WAVEfmt nonsense").expect("written");
    std::fs::write(root.path().join("broken.y4m"), b"YUV4MPEG2 W0 H-1 nonsense\nFRAME\n").expect("written");
    let broken =
        ["--camera", "file:../broken.y4m", "--microphone", "file:../broken.wav", "--speaker", "file:missing/x.wav"];
    let (ann, mut ben) = call(root.path(), &broken, &["--camera", "file:../no-such.y4m"]);
    let errors: Vec<String> =
        ann.seen.iter().filter(|value| value["event"] == "error").map(|value| text(value, "what")).collect();
    for file in ["broken.y4m", "broken.wav", "missing/x.wav"] {
        assert!(errors.iter().any(|what| what.contains(file)), "{file} is not named in {errors:?}");
    }
    assert!(text(ben.earlier("error"), "what").contains("no-such.y4m"));
    ben.wait_for_figures("a link", |person| person["roundTripTime"].is_f64());
}
