//! A room of three: what they write stands in one order for all, hands, a file, roles, rules, and who is put out is out.

use serde_json::Value;

use crate::party::{Party, text};

/// Three who are in one room, and the invite.
fn three(root: &std::path::Path) -> ([Party; 3], String) {
    let mut ann = Party::new_meeting(root, "Ann", &["--admit-all"]);
    let invite = text(&ann.wait("invite"), "invite");
    let mut ben = Party::join(root, "Ben", &invite, &[]);
    ben.wait("joined");
    ann.wait("joined");
    let mut cleo = Party::join(root, "Cleo", &invite, &[]);
    cleo.wait("joined");
    cleo.wait("joined");
    for party in [&mut ann, &mut ben] {
        assert_eq!(text(&party.wait("joined"), "name"), "Cleo");
    }
    ([ann, ben, cleo], invite)
}

/// How the party calls somebody.
fn who(party: &Party, name: &str) -> String {
    let joined = party.seen.iter().find(|value| value["event"] == "joined" && value["name"] == name);
    text(joined.unwrap_or_else(|| panic!("{name} has not joined")), "who")
}

/// The texts in the order that the program gives them.
fn chat(party: &mut Party, count: usize) -> Vec<(String, String)> {
    let mut lines: Vec<(String, String, String)> = Vec::new();
    let read = |value: &Value| (text(value, "order"), text(value, "name"), text(value, "text"));
    lines.extend(party.seen.iter().filter(|value| value["event"] == "chat").map(read));
    while lines.len() < count {
        lines.push(read(&party.wait("chat")));
    }
    lines.sort();
    lines.into_iter().map(|(_, name, line)| (name, line)).collect()
}

#[test]
fn what_is_written_stands_in_one_order_for_all_and_a_file_goes_through() {
    let root = tempfile::tempdir().expect("a folder");
    let ([mut ann, mut ben, mut cleo], _) = three(root.path());
    for party in [&mut ann, &mut ben, &mut cleo] {
        for number in 1..=3 {
            party.say(&format!("{{\"command\":\"chat\",\"text\":\"line {number}\"}}"));
        }
    }
    let at_ann = chat(&mut ann, 9);
    assert_eq!(at_ann, chat(&mut ben, 9));
    assert_eq!(at_ann, chat(&mut cleo, 9));
    for name in ["Ann", "Ben", "Cleo"] {
        let own: Vec<&str> = at_ann.iter().filter(|(who, _)| who == name).map(|(_, line)| line.as_str()).collect();
        assert_eq!(own, ["line 1", "line 2", "line 3"], "{name}");
    }

    ben.say(r#"{"command":"hand","up":true}"#);
    let hands =
        cleo.wait_until("Ben's hand", |value| value["event"] == "hands" && value["who"] != serde_json::json!([]));
    assert_eq!(hands["who"][0], who(&cleo, "Ben"));

    let content: Vec<u8> = (0..300_000_u32).map(|number| (number % 253) as u8).collect();
    std::fs::write(ann.folder.join("plan.bin"), &content).expect("written");
    ann.say(r#"{"command":"offer","path":"plan.bin"}"#);
    let offered = ben.wait_until("an offer", |value| value["event"] == "file" && value["state"] == "offered");
    assert_eq!((offered["file"].as_str(), offered["size"].as_u64()), (Some("plan.bin"), Some(300_000)));
    ben.say(&format!("{{\"command\":\"accept\",\"id\":{}}}", offered["id"]));
    let done = ben.wait_until("the file", |value| value["event"] == "file" && value["state"] == "done");
    let path = ben.folder.join(text(&done, "detail"));
    assert_eq!(std::fs::read(&path).expect("it lies there"), content, "{}", path.display());
    ann.wait_until("Ben has it", |value| value["event"] == "file" && value["state"] == "done");

    ben.say(r#"{"command":"react","reaction":"applause"}"#);
    assert_eq!(text(&ann.wait("reaction"), "reaction"), "applause");
}

#[test]
fn an_admin_that_was_made_one_puts_somebody_out_and_old_invites_are_worthless() {
    let root = tempfile::tempdir().expect("a folder");
    let ([mut ann, mut ben, mut cleo], invite) = three(root.path());
    let of_ben = who(&ann, "Ben");
    ann.say(&format!("{{\"command\":\"role\",\"who\":\"{of_ben}\",\"admin\":true}}"));
    ben.wait_until("being admin", |value| value["event"] == "role" && value["admin"] == true);
    let words = |party: &Party| party.seen.iter().rev().find(|value| value["event"] == "words").cloned();
    let before = words(&ann).expect("words")["words"].clone();
    let of_cleo = who(&ben, "Cleo");
    ben.say(&format!("{{\"command\":\"remove\",\"who\":\"{of_cleo}\"}}"));
    assert_eq!(cleo.wait_for_end(), 3);
    assert!(text(cleo.earlier("error"), "what").contains("put out"), "{:?}", cleo.earlier("error"));
    assert_eq!(text(&ann.wait("left"), "reason"), "removed");
    let after = words(&ann).map_or(Value::Null, |event| event["words"].clone());
    let after = if after == before { ann.wait("words")["words"].clone() } else { after };
    assert_ne!(before, after, "the words are new");

    let mut dave = Party::join(root.path(), "Dave", &invite, &[]);
    assert_eq!(dave.wait_for_end(), 3, "the invite of before");
    assert!(text(dave.earlier("error"), "what").contains("withdrawn"), "{:?}", dave.earlier("error"));

    ann.say(r#"{"command":"rule","rule":"locked","on":true}"#);
    ben.wait_until("the lock", |value| value["event"] == "rules" && value["locked"] == true);
}

#[test]
fn who_is_in_the_room_can_be_pinned_and_nobody_else() {
    let root = tempfile::tempdir().expect("a folder");
    let ([mut ann, _ben, _cleo], _) = three(root.path());
    let pin = format!("{{\"command\":\"pin\",\"who\":\"{}\"}}", who(&ann, "Cleo"));
    for line in [pin.as_str(), r#"{"command":"pin"}"#, pin.as_str(), r#"{"command":"pin","who":"nobody"}"#] {
        ann.say(line);
    }
    assert!(text(&ann.wait("error"), "what").contains("pinned"));
    let errors = ann.seen.iter().filter(|value| value["event"] == "error").count();
    assert_eq!(errors, 1, "only the last of them is refused: {:?}", ann.seen);
}
