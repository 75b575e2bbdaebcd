//! The window as a person uses it: hand-made snapshot in, a control found by its accessible name, a click or a key, the
//! command out. No display, no engine, no pictures compared.

use conclave::engine::{Command, DeviceState, Knock, Purpose, Reply, Snapshot, Stage};
use conclave::gui::{self, UiState, scenes};
use egui::accesskit::Role;
use egui::{Event, Key, Modifiers, Vec2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

struct Window {
    snapshot: Snapshot,
    state: UiState,
    commands: Vec<Command>,
}

type Shown = Harness<'static, Window>;

fn shown_at(size: Vec2, snapshot: Snapshot, state: UiState) -> Shown {
    let mut installed = false;
    let mut harness = Harness::builder().with_size(size).allow_missing_glyphs().build_ui_state(
        move |ui, window: &mut Window| {
            if !installed {
                gui::install(ui.ctx());
                installed = true;
                ui.ctx().request_discard("fonts come with the next pass");
                return;
            }
            gui::ui(ui, &window.snapshot, &mut window.state, &mut window.commands);
        },
        Window { snapshot, state, commands: Vec::new() },
    );
    harness.run();
    harness.state_mut().commands.retain(|command| !matches!(command, Command::SetTileHeight { .. }));
    harness
}

fn shown(snapshot: Snapshot) -> Shown {
    shown_at(vec2(1000.0, 760.0), snapshot, UiState::default())
}

fn scene(name: &str) -> Shown {
    let (snapshot, state) = scenes::scene(name).expect("a scene of this name");
    shown_at(vec2(1000.0, 760.0), snapshot, state)
}

fn press(window: &mut Shown, name: &str) {
    window.get_by_role_and_label(Role::Button, name).click();
    window.run();
}

fn key(window: &mut Shown, key: Key, modifiers: Modifiers) {
    window.key_press_modifiers(modifiers, key);
    window.run();
}

#[track_caller]
fn asked(window: &mut Shown, commands: &[Command]) {
    let mut asked = std::mem::take(&mut window.state_mut().commands);
    asked.retain(|command| !matches!(command, Command::SetTileHeight { .. }));
    assert_eq!(asked, commands);
}

/// All that a screen reader is told: names, values, descriptions.
fn everything_said(window: &Shown) -> String {
    let mut said = String::new();
    for node in window.root().children_recursive() {
        let node = node.accesskit_node();
        for text in [node.label(), node.value(), node.data().description().map(str::to_owned)].into_iter().flatten() {
            said.push_str(&text);
            said.push('\n');
        }
    }
    said
}

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
fn keys_do_nothing_where_they_mean_nothing() {
    let mut window = shown(scenes::home());
    key(&mut window, Key::M, Modifiers::NONE);
    key(&mut window, Key::V, Modifiers::NONE);
    key(&mut window, Key::L, Modifiers::COMMAND);
    asked(&mut window, &[]);
}

#[test]
fn typing_an_m_into_the_name_is_a_letter() {
    let mut window = shown(Snapshot { name: String::new(), ..scenes::home() });
    window.get_by_role_and_label(Role::TextInput, "Your name").focus();
    window.run();
    // In a meeting from one moment to the next, with the cursor still in the field.
    window.key_press(Key::M);
    window.event(Event::Text("M".to_owned()));
    window.run();
    key(&mut window, Key::L, Modifiers::COMMAND);
    asked(&mut window, &[]);
    assert_eq!(window.get_by_role_and_label(Role::TextInput, "Your name").value().as_deref(), Some("M"));
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
    press(&mut window, "Show the link to Bo");
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
    let mut window = scene("link-panel");
    assert!(window.query_by_label_contains("ChaCha20-Poly1305").is_some());
    window.state_mut().snapshot.people.clear();
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
fn the_end_says_why_and_leads_home() {
    let mut window = scene("ended");
    assert!(window.query_by_label("Nobody answered").is_some());
    assert!(window.query_by_label_contains("get a fresh invite").is_some());
    press(&mut window, "Back to the start");
    asked(&mut window, &[Command::Back]);
}

#[test]
fn somebody_silent_is_told_with_the_reason() {
    let mut snapshot = scenes::meeting(1);
    snapshot.people[0].silent_for = Some(std::time::Duration::from_secs(5));
    let window = shown(snapshot);
    assert!(everything_said(&window).contains("Nothing arrives from Bo for 5 s; trying to reconnect."));
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
}

#[test]
fn everything_that_can_be_used_has_a_name_in_every_scene_and_size() {
    for name in scenes::NAMES {
        for size in [vec2(360.0, 300.0), vec2(400.0, 500.0), vec2(1600.0, 1000.0)] {
            let (snapshot, state) = scenes::scene(name).expect("a scene of this name");
            let window = shown_at(size, snapshot, state);
            assert_eq!(window.unnamed_widgets(), Vec::<String>::new(), "{name} at {size}");
            let said = everything_said(&window);
            assert!(!said.contains("EXAMPLE7") && !said.contains("conclave:E"), "{name} shows an invite");
        }
    }
}

#[test]
fn tab_reaches_the_controls_and_enter_uses_them() {
    let mut window = scene("meeting-2");
    let mut reached = Vec::new();
    for _ in 0..14 {
        window.key_press(Key::Tab);
        window.run();
        let focused = window.root().children_recursive().find(|node| node.accesskit_node().is_focused());
        reached.extend(focused.and_then(|node| node.accesskit_node().label()));
        if reached.last().is_some_and(|name| name == "Leave") {
            break;
        }
    }
    for name in ["Show the link to Bo", "Mute the microphone", "Switch the camera off", "Leave"] {
        assert!(reached.iter().any(|reached| reached == name), "{name} is reached by Tab: {reached:?}");
    }
    window.key_press(Key::Enter);
    window.run();
    asked(&mut window, &[Command::Leave]);
}

#[test]
fn an_idle_screen_asks_for_no_repaint() {
    for name in ["home", "home-visible", "preview-no-camera", "entering", "meeting-2", "words", "ended"] {
        let mut window = scene(name);
        window.run();
        let delay = window.output().viewport_output[&egui::ViewportId::ROOT].repaint_delay;
        assert!(delay > std::time::Duration::from_secs(60), "{name} repaints after {delay:?}");
    }
}

#[test]
fn every_stage_of_the_engine_is_drawn_without_devices() {
    for stage in [Stage::Home, Stage::Preview { purpose: Purpose::Join }, Stage::Meeting] {
        let window = shown(Snapshot { stage, camera: DeviceState::Opening, ..Snapshot::default() });
        assert!(window.root().children_recursive().count() > 3);
    }
}
