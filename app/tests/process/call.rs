//! A call that goes well: everything that two people would notice, from the knock to the goodbye.

use crate::files;
use crate::party::{Party, call, text};

const MEDIA: [&str; 12] = [
    "--camera",
    "file:../camera.y4m",
    "--microphone",
    "file:../voice.wav",
    "--speaker",
    "file:heard.wav",
    "--size",
    "320x180",
    "--fps",
    "15",
    "--pictures-out",
    "seen",
];

#[test]
fn two_people_see_and_hear_each_other() {
    let root = tempfile::tempdir().expect("a folder");
    files::write_y4m(&root.path().join("camera.y4m"));
    files::write_wav(&root.path().join("voice.wav"));
    let media = [&MEDIA[..], &["--captured-out", "captured.csv"]].concat();
    let (mut ann, mut ben) = call(root.path(), &media, &media);
    for party in [&mut ann, &mut ben] {
        party.wait_until("both first_picture and first_sound", {
            let (picture, sound) = (std::cell::Cell::new(false), std::cell::Cell::new(false));
            move |value| {
                picture.set(picture.get() || value["event"] == "first_picture");
                sound.set(sound.get() || value["event"] == "first_sound");
                picture.get() && sound.get()
            }
        });
        for event in ["ready", "path", "words", "microphone_started", "speaker_started"] {
            party.earlier(event);
        }
    }
    assert_eq!(last_words(&ann), last_words(&ben), "both see the same six words");
    assert_eq!(text(ann.earlier("path"), "kind"), "loopback");

    let figures = ann.wait_for_figures("pictures both ways", |person| {
        person["sent"]["video"]["framesEncoded"].as_u64() > Some(20)
            && person["received"]["video"]["framesDecoded"].as_u64() > Some(20)
            && person["roundTripTime"].is_f64()
    });
    assert_eq!(figures["received"]["video"]["frameHeight"], 180);
    assert_eq!(figures["name"], "Ben");

    // Muted: Ben hears nothing new. Camera off: he sees nothing new. The call goes on.
    ann.say(r#"{"command":"mute","on":true}"#);
    ann.say(r#"{"command":"camera","on":false}"#);
    let still = |party: &mut Party| {
        let sums = |person: &serde_json::Value| {
            (
                person["received"]["audio"]["packetsReceived"].as_u64(),
                person["received"]["video"]["framesDecoded"].as_u64(),
            )
        };
        let last = std::cell::Cell::new((None, None));
        party.wait_for_figures("a second without sound and pictures", |person| {
            let now = sums(person);
            last.replace(now) == now
        })
    };
    still(&mut ben);
    ann.say(r#"{"command":"camera","on":true}"#);
    ann.say(r#"{"command":"mute","on":false}"#);
    let before = ben.wait("stats")["people"][0]["received"]["video"]["framesDecoded"].as_u64();
    ben.wait_for_figures("pictures again", |person| {
        person["received"]["video"]["framesDecoded"].as_u64() > before.map(|frames| frames + 5)
    });

    ben.say(r#"{"command":"leave"}"#);
    assert_eq!(ben.wait_for_end(), 0);
    assert_eq!(text(&ann.wait("left"), "reason"), "left");
    ann.terminate();
    assert_eq!(ann.wait_for_end(), 0, "a signal leaves cleanly");

    for (party, other) in [(&ann, "Ben"), (&ben, "Ann")] {
        let (count, contrast) = files::pictures(&party.folder.join("seen").join(format!("{other}.y4m")));
        assert!(count > 20 && contrast > 100, "{count} pictures, contrast {contrast}");
        let lines = std::fs::read_to_string(party.folder.join("seen").join(format!("{other}.csv"))).expect("a list");
        assert!(lines.lines().count() > 20 && lines.lines().next().is_some_and(|head| head.starts_with("file,index,")));
        assert!(files::loudness(&party.folder.join("heard.wav")) > 0.02, "the other was heard");
        let captured = std::fs::read_to_string(party.folder.join("captured.csv")).expect("a list");
        assert!(captured.lines().count() > 20);
    }
}

fn last_words(party: &Party) -> serde_json::Value {
    let words = party.seen.iter().rev().find(|value| value["event"] == "words").expect("words");
    assert_eq!(words["words"].as_array().map(Vec::len), Some(6));
    words["words"].clone()
}

#[test]
fn a_meeting_works_without_any_device() {
    let root = tempfile::tempdir().expect("a folder");
    let (mut ann, mut ben) = call(root.path(), &[], &[]);
    ann.wait_for_figures("a link", |person| person["roundTripTime"].is_f64());
    for party in [&mut ann, &mut ben] {
        party.wait("stats");
        assert!(party.seen.iter().all(|value| value["event"] != "error"), "{:?}", party.seen);
    }
    ann.say(r#"{"command":"leave"}"#);
    assert_eq!(ann.wait_for_end(), 0);
    assert_eq!(text(&ben.wait("left"), "reason"), "left");
}

#[test]
fn who_is_turned_away_is_told_and_learns_nothing() {
    let root = tempfile::tempdir().expect("a folder");
    let mut ann = Party::new_meeting(root.path(), "Ann", &[]);
    let invite = text(&ann.wait("invite"), "invite");
    let mut ben = Party::join(root.path(), "Ben", &invite, &[]);
    let knock = ann.wait("knock");
    ann.say(&format!("{{\"command\":\"deny\",\"who\":\"{}\"}}", text(&knock, "who")));
    assert_eq!(ben.wait_for_end(), 3);
    assert!(text(ben.earlier("error"), "what").contains("turned away"));
    for event in ["joined", "words", "admitted"] {
        assert!(ben.seen.iter().all(|value| value["event"] != event), "{event} before being let in");
    }
    ann.wait("stats");
}

#[test]
fn time_is_up() {
    let root = tempfile::tempdir().expect("a folder");
    let mut ann = Party::new_meeting(root.path(), "Ann", &["--for", "1"]);
    assert_eq!(ann.wait_for_end(), 0);
    assert_eq!(text(ann.earlier("ended"), "reason"), "left");
}
