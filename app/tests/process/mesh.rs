//! A room of four: one full peer and three light ones from one process. Everybody sees and hears everybody, with one encoder
//! for all, and a hidden tile costs pictures but no sound.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::files;
use crate::party::{Party, text};

/// Waits until so many pairs of a listener and a sender had an event of this kind.
fn wait_for_pairs(party: &mut Party, event: &str, count: usize) {
    let pair =
        |value: &Value| (value["event"] == event).then(|| (value["peer"].as_u64().unwrap_or(0), text(value, "who")));
    let mut pairs: BTreeSet<(u64, String)> = party.seen.iter().filter_map(pair).collect();
    while pairs.len() < count {
        let value = party.wait(event);
        pairs.extend(pair(&value));
    }
}

/// How many pictures and sounds of this person have come so far.
fn received(stats: &Value, who: &str) -> Option<(u64, u64)> {
    let person = stats["people"].as_array()?.iter().find(|person| person["who"] == who)?;
    let received = &person["received"];
    Some((received["video"]["framesReceived"].as_u64()?, received["audio"]["packetsReceived"].as_u64()?))
}

#[test]
fn one_full_peer_and_three_light_ones_all_see_and_hear_each_other() {
    let root = tempfile::tempdir().expect("a folder");
    files::write_y4m(&root.path().join("camera.y4m"));
    files::write_wav(&root.path().join("voice.wav"));
    let sources = ["--camera", "file:../camera.y4m", "--microphone", "file:../voice.wav", "--tile-height", "360"];
    let mut full = Party::new_meeting(root.path(), "Full", &[&sources[..], &["--admit-all"]].concat());
    let invite = text(&full.wait("invite"), "invite");
    let mut light = Party::join(root.path(), "Light", &invite, &[&sources[..], &["--light", "3"]].concat());
    for event in ["joined", "first_sound", "first_picture"] {
        wait_for_pairs(&mut full, event, 3);
        wait_for_pairs(&mut light, event, 9);
    }
    let names: BTreeSet<String> =
        full.seen.iter().filter(|value| value["event"] == "joined").map(|value| text(value, "name")).collect();
    assert_eq!(names, BTreeSet::from(["Light 1", "Light 2", "Light 3"].map(str::to_owned)));
    let stats = full.wait_until("stats of three", |value| value["people"].as_array().is_some_and(|all| all.len() == 3));
    let sent = &stats["people"][0]["sent"]["video"];
    assert!(sent["framesEncoded"].as_u64() <= sent["framesCaptured"].as_u64(), "one encoder serves all: {sent}");

    let hidden = text(&stats["people"][1], "who");
    full.say(&format!("{{\"command\":\"tile\",\"who\":\"{hidden}\",\"height\":0}}"));
    let last = std::cell::Cell::new(None);
    full.wait_until("a second with sound and without pictures", |value| {
        let Some(now) = received(value, &hidden) else { return false };
        last.replace(Some(now)).is_some_and(|before: (u64, u64)| before.0 == now.0 && before.1 < now.1)
    });

    light.say(r#"{"command":"leave"}"#);
    assert_eq!(light.wait_for_end(), 0);
    for _ in 0..3 {
        assert_eq!(text(&full.wait("left"), "reason"), "left");
    }
    full.say(r#"{"command":"leave"}"#);
    assert_eq!(full.wait_for_end(), 0);
}
