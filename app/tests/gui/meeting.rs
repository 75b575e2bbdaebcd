//! In the room: the bar of controls, tiles, knocks, notices, one link.

use conclave::engine::{Command, Knock, Reply};
use conclave::gui::{self, UiState, scenes};
use egui::accesskit::Role;
use egui::{Key, Modifiers, vec2};
use egui_kittest::kittest::Queryable as _;

use crate::support::{Shown, asked, everything_said, key, press, scene, scene_at, shown, shown_at};

#[test]
fn every_control_of_the_meeting_asks_for_its_command() {
    let mut window = scene("meeting-2");
    for (name, command) in [
        ("Mute the microphone", Command::SetMuted(true)),
        ("Switch the camera off", Command::SetCamera(false)),
        ("Copy invite", Command::CopyInvite),
        ("Leave", Command::Leave),
    ] {
        press(&mut window, name);
        asked(&mut window, &[command]);
    }
    window.state_mut().snapshot.muted = true;
    window.state_mut().snapshot.camera_off = true;
    window.run();
    press(&mut window, "Switch the microphone on");
    press(&mut window, "Switch the camera on");
    asked(&mut window, &[Command::SetMuted(false), Command::SetCamera(true)]);
}

#[test]
fn a_copied_invite_is_confirmed_and_goes_to_the_clipboard_only() {
    let mut window = scene("meeting-2");
    let ctx = window.ctx.clone();
    gui::receive(&ctx, Reply::Invite(scenes::invite()), &mut window.state_mut().state);
    window.step();
    let copied = window.output().platform_output.commands.clone();
    assert!(copied.iter().any(|command| *command == egui::OutputCommand::CopyText(scenes::invite())), "{copied:?}");
    window.step();
    assert!(window.query_by_label_contains("Invite copied").is_some());
    assert!(!everything_said(&window).contains("EXAMPLE7"));
    // Steps are a quarter of a second; the confirmation goes away by itself.
    window.run_steps(40);
    assert!(window.query_by_label_contains("Invite copied").is_none());
}

#[test]
fn keys_switch_microphone_and_camera_and_leave() {
    let mut window = scene("meeting-2");
    key(&mut window, Key::M, Modifiers::NONE);
    asked(&mut window, &[Command::SetMuted(true)]);
    key(&mut window, Key::V, Modifiers::NONE);
    asked(&mut window, &[Command::SetCamera(false)]);
    key(&mut window, Key::L, Modifiers::NONE);
    asked(&mut window, &[]);
    key(&mut window, Key::L, Modifiers::COMMAND);
    asked(&mut window, &[Command::Leave]);
}

#[test]
fn escape_closes_every_panel() {
    for (button, inside) in [("People", "Ada Lovelace (you)"), ("Meeting words", "velvet")] {
        let mut window = scene("meeting-2");
        press(&mut window, button);
        assert!(window.query_by_label(inside).is_some(), "{button} opens");
        key(&mut window, Key::Escape, Modifiers::NONE);
        assert!(window.query_by_label(inside).is_none(), "Escape closes {button}");
        asked(&mut window, &[]);
    }
}

#[test]
fn a_tile_opens_the_panel_that_tells_the_truth() {
    let mut window = scene("meeting-2");
    press(&mut window, "Show Bo");
    for said in ["local network", "192.168.1.23:47814", "9f3c 01ab 77de 4420", "3.4 ms", "1.2 %", "3 times"] {
        assert!(window.query_by_label_contains(said).is_some(), "{said} is shown");
    }
    press(&mut window, "Back to people");
    assert!(window.query_by_label("Ada Lovelace (you)").is_some());
    press(&mut window, "Close panel");
    assert!(window.query_by_label("Ada Lovelace (you)").is_none());
}

#[test]
fn the_panel_of_somebody_who_left_closes() {
    let mut window = scene("person");
    assert!(window.query_by_label_contains("ChaCha20-Poly1305").is_some());
    window.state_mut().snapshot.people.clear();
    window.state_mut().snapshot.room.members.clear();
    window.run();
    assert!(window.query_by_label_contains("ChaCha20-Poly1305").is_none());
}

#[test]
fn knocks_are_answered_one_after_the_other_and_only_once() {
    let mut window = scene("knock");
    assert!(window.query_by_label("Cy Twombly knocks").is_some());
    assert!(window.query_by_label("Di and Ed wait behind.").is_some());
    press(&mut window, "Let in");
    asked(&mut window, &[Command::Admit("cy".to_owned())]);
    assert!(window.query_by_label("Cy Twombly knocks").is_none(), "answered, even before the engine says so");
    press(&mut window, "Turn away");
    asked(&mut window, &[Command::Deny("di".to_owned())]);
    assert!(window.query_by_label("Ed knocks").is_some());
    // Who is turned away and knocks again is asked about again.
    let again = Knock { who: "di".to_owned(), name: "Di".to_owned(), ..Knock::default() };
    window.state_mut().snapshot.knocks.clear();
    window.run();
    window.state_mut().snapshot.knocks.push(again);
    window.run();
    assert!(window.query_by_label("Di knocks").is_some());
}

#[test]
fn a_knock_is_seen_over_a_panel_in_a_small_window() {
    let (mut snapshot, _) = scenes::scene("knock").expect("a scene of this name");
    snapshot.knocks.truncate(1);
    let mut window = shown_at(vec2(360.0, 300.0), snapshot, UiState::default());
    press(&mut window, "People");
    press(&mut window, "Let in");
    asked(&mut window, &[Command::Admit("cy".to_owned())]);
}

#[test]
fn notices_are_dismissed_one_by_one() {
    let mut window = scene("notices");
    assert!(window.query_by_label_contains("Plug it in again").is_some());
    press(&mut window, "Dismiss: Bo left the meeting");
    asked(&mut window, &[Command::Dismiss(2)]);
}

#[test]
fn somebody_silent_is_told_with_the_reason() {
    let mut snapshot = scenes::meeting(1);
    snapshot.people[0].silent_for = Some(std::time::Duration::from_secs(5));
    let window = shown(snapshot);
    assert!(everything_said(&window).contains("Nothing arrives from Bo for 5 s; trying to reconnect."));
}

#[test]
fn people_are_pinned_and_unpinned_by_mouse() {
    let mut window = scene("meeting-8");
    press(&mut window, "Pin Grace Hopper");
    asked(&mut window, &[Command::Pin(Some("grace".to_owned()))]);
    assert!(window.query_by_label_contains("local network").is_none(), "and no panel opens");
    pin(&mut window, Some("grace"));
    press(&mut window, "Unpin Grace Hopper");
    asked(&mut window, &[Command::Pin(None)]);
    press(&mut window, "Pin Bo");
    asked(&mut window, &[Command::Pin(Some("bo".to_owned()))]);
    press(&mut window, "Show Grace Hopper");
    press(&mut window, "Unpin their picture");
    asked(&mut window, &[Command::Pin(None)]);
    pin(&mut window, None);
    press(&mut window, "Pin their picture");
    asked(&mut window, &[Command::Pin(Some("grace".to_owned()))]);
}

#[test]
fn people_are_pinned_and_unpinned_by_keyboard() {
    let mut window = scene("meeting-3");
    window.get_by_role_and_label(Role::Button, "Show Bo").focus();
    window.run();
    key(&mut window, Key::Tab, Modifiers::NONE);
    assert!(window.get_by_role_and_label(Role::Button, "Pin Bo").is_focused());
    key(&mut window, Key::Enter, Modifiers::NONE);
    asked(&mut window, &[Command::Pin(Some("bo".to_owned()))]);
    pin(&mut window, Some("bo"));
    assert!(window.get_by_role_and_label(Role::Button, "Unpin Bo").is_focused(), "where it was");
    key(&mut window, Key::Space, Modifiers::NONE);
    asked(&mut window, &[Command::Pin(None)]);
}

#[test]
fn escape_unpins_when_nothing_else_is_open() {
    let mut window = scene("pinned-3");
    press(&mut window, "People");
    key(&mut window, Key::R, Modifiers::NONE);
    for _ in 0..2 {
        key(&mut window, Key::Escape, Modifiers::NONE);
        asked(&mut window, &[]);
    }
    assert!(window.query_by_label("Ada Lovelace (you)").is_none());
    key(&mut window, Key::Escape, Modifiers::NONE);
    asked(&mut window, &[Command::Pin(None)]);
    pin(&mut window, None);
    key(&mut window, Key::Escape, Modifiers::NONE);
    asked(&mut window, &[]);
}

#[test]
fn a_pinned_tile_is_large_and_said_to_be_until_they_leave() {
    for (size, name) in [(vec2(1000.0, 760.0), "pinned-3"), (vec2(360.0, 300.0), "pinned-8")] {
        let (snapshot, state) = scenes::scene(name).expect("a scene of this name");
        let who = snapshot.pinned.clone().expect("somebody is pinned");
        let large = snapshot.people.iter().find(|person| person.who == who).expect("they are here").name.clone();
        let small: Vec<String> =
            snapshot.people.iter().filter(|person| person.who != who).map(|person| person.name.clone()).collect();
        let mut window = shown_at(size, snapshot, state);
        let height = |window: &Shown, name: &str| {
            window.get_by_role_and_label(Role::Button, &format!("Show {name}")).rect().height()
        };
        for name in &small {
            assert!(height(&window, &large) >= 2.0 * height(&window, name), "{large} beside {name} at {size}");
        }
        assert!(everything_said(&window).contains("Pinned"));
        let people = &mut window.state_mut().snapshot.people;
        people.retain(|person| person.who != who);
        window.run();
        for name in &small {
            assert!((height(&window, name) - height(&window, &small[0])).abs() < 1.0, "the grid is back at {size}");
        }
        assert!(!everything_said(&window).contains("Pinned") && window.query_by_label_contains("Unpin").is_none());
    }
}

#[test]
fn with_one_other_nobody_is_offered_to_be_pinned() {
    let mut window = scene("meeting-2");
    assert!(window.query_by_label("Pin Bo").is_none());
    pin(&mut window, Some("bo"));
    press(&mut window, "Unpin Bo");
    asked(&mut window, &[Command::Pin(None)]);
}

/// What the engine makes of the command.
fn pin(window: &mut Shown, who: Option<&str>) {
    window.state_mut().snapshot.pinned = who.map(str::to_owned);
    window.run();
}

#[test]
fn tile_sizes_are_reported_when_they_change_and_only_then() {
    let heights = |window: &mut Shown| -> Vec<u32> {
        let commands = std::mem::take(&mut window.state_mut().commands);
        let height = |command| if let Command::SetTileHeight { height, .. } = command { Some(height) } else { None };
        commands.into_iter().filter_map(height).collect()
    };
    let mut window = scene("meeting-2");
    window.run();
    assert_eq!(heights(&mut window), [0_u32; 0], "nothing changed");
    window.set_size(vec2(500.0, 400.0));
    window.run();
    let small = heights(&mut window);
    assert_eq!(small.len(), 1);
    assert!(small[0] > 100 && small[0] < 400, "{small:?}");
    window.get_by_role_and_label(Role::Button, "People").click();
    window.run();
    assert_eq!(heights(&mut window), [0], "covered by the panel");

    let mut window = scene_at(vec2(1280.0, 900.0), "meeting-8");
    pin(&mut window, Some("bo"));
    let heights = heights(&mut window);
    assert_eq!(heights.len(), 8, "all changed: {heights:?}");
    assert!(heights[0] > 400 && heights[1..].iter().all(|height| *height <= 200), "small layers do: {heights:?}");
}
