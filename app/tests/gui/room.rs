//! What people do in the room beside speaking: write, raise hands, react, send files; and who hears whom.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use conclave::engine::{ChatLine, Command, FileLine, FileState, Reaction};
use conclave::gui::scenes;
use egui::accesskit::Role;
use egui::{Event, Key, Modifiers, vec2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use crate::support::{Shown, asked, everything_said, key, press, scene, scene_at, shown_at};

fn write(window: &mut Shown, words: &str) {
    let field = window.get_by_role_and_label(Role::MultilineTextInput, "Message to everybody");
    field.focus();
    window.run();
    window.event(Event::Text(words.to_owned()));
    window.run();
}

#[test]
fn enter_sends_and_shift_enter_begins_a_line() {
    let mut window = scene("chat");
    write(&mut window, "one");
    key(&mut window, Key::Enter, Modifiers::SHIFT);
    asked(&mut window, &[]);
    window.event(Event::Text("two".to_owned()));
    window.run();
    key(&mut window, Key::Enter, Modifiers::NONE);
    asked(&mut window, &[Command::Chat("one\ntwo".to_owned())]);
    // The field is empty and keeps the keyboard.
    window.event(Event::Text("m".to_owned()));
    window.run();
    key(&mut window, Key::Enter, Modifiers::NONE);
    asked(&mut window, &[Command::Chat("m".to_owned())]);
}

#[test]
fn nothing_is_sent_of_an_empty_field_and_a_text_has_an_end() {
    let mut window = scene("chat");
    write(&mut window, "   ");
    key(&mut window, Key::Enter, Modifiers::NONE);
    assert!(window.get_by_role_and_label(Role::Button, "Send").accesskit_node().is_disabled());
    asked(&mut window, &[]);
    write(&mut window, &"x".repeat(10_000));
    press(&mut window, "Send");
    let sent = std::mem::take(&mut window.state_mut().commands);
    assert!(matches!(sent.as_slice(), [Command::Chat(text)] if text.trim().chars().count() <= 2000), "{}", sent.len());
    // Four bytes each: what the field takes in, the others take in, too.
    write(&mut window, &"\u{20bb7}".repeat(3000));
    press(&mut window, "Send");
    let sent = std::mem::take(&mut window.state_mut().commands);
    assert!(matches!(sent.as_slice(), [Command::Chat(text)] if text.len() == 4000), "{}", sent.len());
}

#[test]
fn a_request_to_mute_is_a_question_with_two_answers() {
    let mut window = scene("mute-asked");
    press(&mut window, "Mute, as asked");
    asked(&mut window, &[Command::SetMuted(true)]);
    press(&mut window, "Stay on: keep my microphone open");
    asked(&mut window, &[Command::StayUnmuted]);
}

#[test]
fn c_opens_the_chat_and_what_is_typed_next_is_text() {
    let mut window = scene("meeting-2");
    // As the system tells of it: the key and its letter at once.
    let pressed =
        Event::Key { key: Key::C, physical_key: None, pressed: true, repeat: false, modifiers: Modifiers::NONE };
    window.input_mut().events.extend([pressed, Event::Text("c".to_owned())]);
    window.run();
    for (key, letter) in [(Key::M, "m"), (Key::H, "h"), (Key::C, "c")] {
        window.key_press(key);
        window.event(Event::Text(letter.to_owned()));
        window.run();
    }
    asked(&mut window, &[]);
    key(&mut window, Key::Enter, Modifiers::NONE);
    asked(&mut window, &[Command::Chat("mhc".to_owned())]);
}

#[test]
fn unread_texts_are_counted_on_the_button_until_they_are_looked_at() {
    let mut window = scene("meeting-2");
    let line = |number, own| ChatLine { number, own, text: format!("text {number}"), ..ChatLine::default() };
    let mut lines = vec![line(1, false), line(2, true), line(3, false)];
    window.state_mut().snapshot.room.chat = lines.clone().into();
    window.run();
    press(&mut window, "Chat, 2 new messages");
    assert!(window.query_by_label("text 3").is_some());
    assert!(window.query_by_role_and_label(Role::Button, "Chat").is_some());
    key(&mut window, Key::Escape, Modifiers::NONE);
    lines.push(line(4, false));
    window.state_mut().snapshot.room.chat = lines.into();
    window.run();
    assert!(window.query_by_role_and_label(Role::Button, "Chat, 1 new message").is_some());
}

#[test]
fn a_link_is_text_and_opens_nothing() {
    let mut window = scene("chat");
    assert!(window.query_all_by_role(Role::Link).next().is_none());
    let link = window.get_by_label_contains("https://example.org/notes").rect().center();
    window.hover_at(link);
    window.drag_at(link);
    window.drop_at(link);
    window.step();
    let opened = |command: &egui::OutputCommand| matches!(command, egui::OutputCommand::OpenUrl(_));
    assert!(!window.output().platform_output.commands.iter().any(opened));
    asked(&mut window, &[]);
}

#[test]
fn a_long_chat_lays_out_what_is_visible_and_shows_its_end() {
    let mut window = scene("chat-long");
    let said = everything_said(&window);
    assert!(said.contains("Line 2998"), "the end is shown");
    assert!(!said.contains("Line 1000"), "what is not visible is not laid out");
    key(&mut window, Key::Escape, Modifiers::NONE);
    key(&mut window, Key::PageUp, Modifiers::NONE);
    press(&mut window, "Chat");
    for _ in 0..3 {
        window.key_press(Key::PageUp);
        window.run();
    }
    assert!(!everything_said(&window).contains("Line 2998"), "the keyboard scrolls");
}

#[test]
fn hands_are_raised_lowered_and_numbered() {
    let mut window = scene("meeting-2");
    press(&mut window, "Raise your hand");
    key(&mut window, Key::H, Modifiers::NONE);
    asked(&mut window, &[Command::RaiseHand(true), Command::RaiseHand(true)]);
    let me = window.state().snapshot.room.me.clone();
    window.state_mut().snapshot.room.hands = vec!["bo".to_owned(), me];
    window.run();
    press(&mut window, "Lower your hand");
    key(&mut window, Key::H, Modifiers::NONE);
    asked(&mut window, &[Command::RaiseHand(false), Command::RaiseHand(false)]);
    let said = everything_said(&window);
    assert!(said.contains("Hand raised, number 1") && said.contains("Hand raised, number 2"), "{said}");
}

#[test]
fn reactions_are_sent_by_click_and_by_key() {
    let mut window = scene("meeting-2");
    press(&mut window, "Reactions");
    press(&mut window, "Applause");
    asked(&mut window, &[Command::React(Reaction::Applause)]);
    assert!(window.query_by_role_and_label(Role::Button, "Applause").is_none(), "the popup is closed");
    key(&mut window, Key::R, Modifiers::NONE);
    key(&mut window, Key::Num5, Modifiers::NONE);
    asked(&mut window, &[Command::React(Reaction::Heart)]);
    key(&mut window, Key::Num5, Modifiers::NONE);
    asked(&mut window, &[]);
    key(&mut window, Key::R, Modifiers::NONE);
    key(&mut window, Key::Enter, Modifiers::NONE);
    asked(&mut window, &[Command::React(Reaction::Yes)]);
}

#[test]
fn escape_closes_the_reactions_and_leaves_the_panel_open() {
    let mut window = scene("people");
    key(&mut window, Key::R, Modifiers::NONE);
    assert!(window.query_by_role_and_label(Role::Button, "Heart").is_some());
    key(&mut window, Key::Escape, Modifiers::NONE);
    assert!(window.query_by_role_and_label(Role::Button, "Heart").is_none());
    assert!(window.query_by_label("Ada Lovelace (you)").is_some());
}

#[test]
fn a_reaction_is_shown_for_some_seconds_and_ends_by_itself() {
    let mut window = scene("meeting-16");
    assert!(everything_said(&window).contains("Laughing"));
    // Steps are a quarter of a second; the snapshot stays the same.
    window.run_steps(40);
    assert!(!everything_said(&window).contains("Laughing"));
    let delay = window.output().viewport_output[&egui::ViewportId::ROOT].repaint_delay;
    assert!(delay > std::time::Duration::from_secs(60), "repaints after {delay:?}");
}

#[test]
fn whom_we_cannot_be_heard_by_is_told_over_the_tiles() {
    let mut window = scene("cannot-hear");
    assert!(window.query_by_label("Bo cannot hear you").is_some());
    press(&mut window, "Show who hears whom");
    assert!(window.query_by_label("Bo does not hear you.").is_some());
    window.state_mut().snapshot.room.cannot_hear_us = ["Bo", "Cy", "Di", "Ed"].map(str::to_owned).to_vec();
    window.run();
    assert!(window.query_by_label("Bo, Cy and 2 more cannot hear you").is_some());
}

#[test]
fn the_matrix_is_told_row_by_row_at_every_size() {
    for size in [vec2(360.0, 300.0), vec2(1280.0, 800.0)] {
        let (snapshot, state) = scenes::scene("hearing-16").expect("a scene of this name");
        let window = shown_at(size, snapshot, state);
        let said = everything_said(&window);
        for pair in [
            "You hear Bo",
            "Bo does not hear you",
            "Katherine Johnson does not hear Bo",
            "not known about Sophie Wilson",
        ] {
            assert!(said.contains(pair), "{pair} at {size}: {said}");
        }
    }
}

#[test]
fn files_are_typed_chosen_and_dropped_and_offered_to_whom_we_say() {
    let mut window = scene("meeting-3");
    key(&mut window, Key::F, Modifiers::NONE);
    press(&mut window, "Choose a file");
    assert!(window.state_mut().state.take_dialog_request());
    assert!(!window.state_mut().state.take_dialog_request(), "asked for once");
    window.state_mut().state.files_chosen(vec!["/data/a.pdf".into(), "/data/b.pdf".into()]);
    window.run();
    press(&mut window, "Do not send a.pdf");
    window.get_by_role_and_label(Role::TextInput, "Path of a file").focus();
    window.run();
    window.event(Event::Text("/data/c d.txt".to_owned()));
    window.run();
    window.get_by_role_and_label(Role::ComboBox, "Send to").click();
    window.run();
    press(&mut window, "Grace Hopper");
    press(&mut window, "Offer");
    let offer = |path: &str| Command::OfferFile { who: Some("grace".to_owned()), path: path.into() };
    asked(&mut window, &[offer("/data/b.pdf"), offer("/data/c d.txt")]);
}

#[derive(Debug)]
struct Dropped(PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        Err("the window reads no file".to_owned())
    }
}

#[test]
fn a_dropped_file_waits_in_the_panel_until_it_is_offered() {
    let mut window = scene("meeting-2");
    window.input_mut().dropped_files.push(Arc::new(Dropped("/data/plan.odt".into())));
    window.run();
    asked(&mut window, &[]);
    assert!(window.query_by_label("plan.odt").is_some());
    press(&mut window, "Offer");
    asked(&mut window, &[Command::OfferFile { who: None, path: "/data/plan.odt".into() }]);
    let mut home = scene("home");
    home.input_mut().dropped_files.push(Arc::new(Dropped("/data/plan.odt".into())));
    home.run();
    assert!(home.query_by_label("plan.odt").is_none(), "nobody is here to send it to");
}

#[test]
fn an_empty_dialog_says_what_else_can_be_done() {
    let mut window = scene("meeting-2");
    key(&mut window, Key::F, Modifiers::NONE);
    press(&mut window, "Choose a file");
    window.state_mut().state.files_chosen(Vec::new());
    window.run();
    assert!(window.query_by_label_contains("Nothing was chosen").is_some());
    assert!(!window.get_by_role_and_label(Role::Button, "Choose a file").accesskit_node().is_disabled());
}

#[test]
fn an_offered_file_is_answered_once_over_the_tiles() {
    let mut window = scene("offer");
    assert!(window.query_by_label("Bo offers you a file").is_some());
    press(&mut window, "Accept Agenda for the summer meeting, second draft.pdf");
    asked(&mut window, &[Command::AcceptFile(4)]);
    assert!(window.query_by_label("Bo offers you a file").is_none(), "answered, even before the engine says so");
}

#[test]
fn every_state_of_a_file_is_a_sentence_with_what_can_be_done() {
    let mut window = scene_at(vec2(1000.0, 1500.0), "files");
    for said in [
        "Grace Hopper did not take it.",
        "Complete and checked. Saved as",
        "912 MB of 2.4 GB, 38 %",
        "Waits for the connection",
    ] {
        assert!(window.query_by_label_contains(said).is_some(), "{said} is shown");
    }
    press(&mut window, "Cancel recording-of-last-week.mkv");
    press(&mut window, "Decline Agenda for the summer meeting, second draft.pdf");
    asked(&mut window, &[Command::CancelFile(3), Command::CancelFile(5)]);
    window.state_mut().snapshot.room.files =
        vec![FileLine { size: 0, state: FileState::Moving(u64::MAX), file: "odd".to_owned(), ..FileLine::default() }];
    window.run();
    assert!(window.query_by_label_contains("100 %").is_some());
}
