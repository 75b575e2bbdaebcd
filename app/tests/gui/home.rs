//! From the start screen to the door: name, invite, visible people, devices, contacts, the wait, the end.

use conclave::engine::{Command, Purpose, Snapshot};
use conclave::gui::scenes;
use egui::accesskit::Role;
use egui::{Event, Key, Modifiers, Vec2, vec2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use crate::support::{asked, everything_said, press, scene, scene_at, shown};

/// So that nothing has to be scrolled to.
const TALL: Vec2 = vec2(1000.0, 1500.0);

#[test]
fn home_makes_a_meeting() {
    let mut window = shown(scenes::home());
    press(&mut window, "New meeting");
    asked(&mut window, &[Command::PrepareNew]);
}

#[test]
fn a_new_name_is_told_before_the_meeting_is_made() {
    let mut window = shown(Snapshot { name: String::new(), ..scenes::home() });
    press(&mut window, "New meeting");
    asked(&mut window, &[]);
    assert!(window.query_by_label_contains("Please enter a name first").is_some());

    window.get_by_role_and_label(Role::TextInput, "Your name").type_text("Bo");
    window.run();
    assert!(window.query_by_label_contains("Please enter a name first").is_none());
    press(&mut window, "New meeting");
    asked(&mut window, &[Command::SetName("Bo".to_owned()), Command::PrepareNew]);
}

#[test]
fn a_pasted_invite_joins_and_is_never_said() {
    let mut window = shown(scenes::home());
    assert!(window.get_by_role_and_label(Role::Button, "Join").accesskit_node().is_disabled());
    window.get_by_role_and_label(Role::PasswordInput, "Invite").focus();
    window.run();
    window.event(Event::Paste(scenes::invite()));
    window.run();
    assert!(window.query_by_label("Invite pasted").is_some());
    assert!(!everything_said(&window).contains("conclave:"));
    assert!(!everything_said(&window).contains("EXAMPLE7"));
    press(&mut window, "Join");
    asked(&mut window, &[Command::PrepareJoin { invite: scenes::invite() }]);
}

#[test]
fn a_pasted_invite_can_be_cleared() {
    let mut window = scene("home-pasted");
    press(&mut window, "Clear the invite");
    assert!(window.query_by_label("Invite pasted").is_none());
    assert!(window.get_by_role_and_label(Role::Button, "Join").accesskit_node().is_disabled());
}

#[test]
fn what_is_no_invite_is_told_in_a_sentence() {
    let mut window = shown(scenes::home());
    window.get_by_role_and_label(Role::PasswordInput, "Invite").focus();
    window.run();
    window.event(Event::Paste("https://example.org/room".to_owned()));
    window.run();
    assert!(window.query_by_label_contains("This is not an invite").is_some());
    assert!(!everything_said(&window).contains("example.org"));
}

#[test]
fn visible_people_are_knocked_at_and_we_choose_to_be_visible() {
    let mut window = scene("home-visible");
    press(&mut window, "Knock at Grace Hopper");
    asked(&mut window, &[Command::PrepareVisible { id: "grace".to_owned() }]);
    window.get_by_role_and_label(Role::Switch, "Visible on this network").click();
    window.run();
    asked(&mut window, &[Command::SetVisible(false)]);
}

#[test]
fn who_is_visible_at_home_is_knocked_at_there() {
    let mut window = scene("home-knock");
    assert!(window.query_by_label_contains("starts a meeting with your camera").is_some());
    press(&mut window, "Let in");
    asked(&mut window, &[Command::Admit("cy".to_owned())]);
}

#[test]
fn nobody_becomes_visible_without_a_name() {
    let mut window = shown(Snapshot { name: String::new(), ..scenes::home() });
    window.get_by_role_and_label(Role::Switch, "Visible on this network").click();
    window.run();
    asked(&mut window, &[]);
    assert!(window.query_by_label_contains("Please enter a name first").is_some());
}

#[test]
fn preview_enters_or_goes_back() {
    let mut window = shown(scenes::preview(Purpose::New));
    press(&mut window, "Start meeting");
    press(&mut window, "Back");
    asked(&mut window, &[Command::Enter, Command::Back]);
    let mut window = scene("preview-join");
    press(&mut window, "Knock");
    asked(&mut window, &[Command::Enter]);
}

#[test]
fn preview_chooses_each_device_and_the_default() {
    for (device, choice, command) in [
        ("Camera", "USB Capture", Command::ChooseCamera(Some("USB Capture".to_owned()))),
        ("Microphone", "Built-in Audio", Command::ChooseMicrophone(Some("Built-in Audio".to_owned()))),
        ("Speaker", "HDMI", Command::ChooseSpeaker(Some("HDMI".to_owned()))),
        ("Speaker", "System default", Command::ChooseSpeaker(None)),
    ] {
        let mut window = shown(scenes::preview(Purpose::New));
        window.get_by_role_and_label(Role::ComboBox, device).click();
        window.run();
        press(&mut window, choice);
        asked(&mut window, &[command]);
    }
}

#[test]
fn a_failing_device_is_a_sentence_and_entering_stays_possible() {
    let mut window = scene("preview-no-camera");
    assert!(window.query_by_label_contains("No camera was found").is_some());
    assert!(window.query_by_label_contains("in use by another program").is_some());
    press(&mut window, "Start meeting");
    asked(&mut window, &[Command::Enter]);
}

#[test]
fn the_level_meter_says_how_loud_it_is() {
    let level = |level| {
        let snapshot = Snapshot { microphone_level: level, ..scenes::preview(Purpose::New) };
        let window = shown(snapshot);
        let node = window.get_by_role_and_label(Role::ProgressIndicator, "Microphone level");
        node.accesskit_node().numeric_value().unwrap_or(-1.0)
    };
    assert!(level(0.0) < 1.0);
    assert!(level(0.1) > level(0.01));
}

#[test]
fn entering_says_what_it_waits_for_and_can_be_cancelled() {
    let mut window = scene("entering");
    assert!(window.query_by_label("Waiting to be let in").is_some());
    assert!(window.query_by_label("0:47 of at most 5:00").is_some());
    press(&mut window, "Cancel");
    asked(&mut window, &[Command::Back]);
}

#[test]
fn the_end_says_why_and_leads_home() {
    let mut window = scene("ended");
    assert!(window.query_by_label("Nobody answered").is_some());
    assert!(window.query_by_label_contains("get a fresh invite").is_some());
    press(&mut window, "Back to the start");
    asked(&mut window, &[Command::Back]);
}

#[test]
fn a_contact_has_a_note_a_switch_and_an_end() {
    let mut window = scene_at(TALL, "contacts");
    let id = window.state().snapshot.contacts[0].id.clone();
    window.get_by_role_and_label(Role::Switch, "Comes in without a knock").click();
    window.run();
    asked(&mut window, &[Command::SetContactSkips { id: id.clone(), skips: false }]);
    window.get_by_role_and_label(Role::TextInput, "Note, for you alone").focus();
    window.run();
    window.key_press_modifiers(Modifiers::COMMAND, Key::A);
    window.event(Event::Text("Met in Leiden".to_owned()));
    window.run();
    asked(&mut window, &[]);
    window.key_press(Key::Enter);
    window.run();
    asked(&mut window, &[Command::SetContactNote { id: id.clone(), note: "Met in Leiden".to_owned() }]);
    press(&mut window, "Forget Bo");
    press(&mut window, "Cancel");
    press(&mut window, "Forget Bo");
    asked(&mut window, &[]);
    press(&mut window, "Forget");
    asked(&mut window, &[Command::ForgetContact(id)]);
}

#[test]
fn a_note_is_kept_when_another_contact_is_opened() {
    let mut window = scene_at(TALL, "contacts");
    let id = window.state().snapshot.contacts[0].id.clone();
    window.get_by_role_and_label(Role::TextInput, "Note, for you alone").focus();
    window.run();
    window.event(Event::Text("!".to_owned()));
    window.run();
    press(&mut window, "Open Grace Hopper");
    let commands = std::mem::take(&mut window.state_mut().commands);
    assert!(
        matches!(commands.first(), Some(Command::SetContactNote { id: of, note }) if *of == id && note.contains('!')),
        "{commands:?}"
    );
}

#[test]
fn many_contacts_are_shown_when_asked_for() {
    let mut window = scene_at(TALL, "contacts");
    assert!(window.query_by_label("Open Di").is_none());
    press(&mut window, "Show all 8");
    assert!(window.query_by_label("Open Di").is_some());
}
