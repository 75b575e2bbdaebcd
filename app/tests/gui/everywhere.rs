//! What holds in every scene: names for all that can be used, keys, the way of Tab, no repaint without a reason.

use conclave::engine::{Command, DeviceState, Purpose, Snapshot, Stage};
use conclave::gui::scenes;
use egui::accesskit::Role;
use egui::{Event, Key, Modifiers, vec2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use crate::support::{asked, everything_said, key, scene, shown, shown_at};

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
fn keys_do_nothing_where_they_mean_nothing() {
    let mut window = shown(scenes::home());
    key(&mut window, Key::M, Modifiers::NONE);
    key(&mut window, Key::V, Modifiers::NONE);
    key(&mut window, Key::L, Modifiers::COMMAND);
    asked(&mut window, &[]);
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
    for name in ["Show Bo", "Mute the microphone", "Switch the camera off", "Leave"] {
        assert!(reached.iter().any(|reached| reached == name), "{name} is reached by Tab: {reached:?}");
    }
    window.key_press(Key::Enter);
    window.run();
    asked(&mut window, &[Command::Leave]);
}

#[test]
fn an_idle_screen_asks_for_no_repaint() {
    for name in [
        "home",
        "contacts",
        "preview-no-camera",
        "entering",
        "meeting-2",
        "words-news",
        "cannot-hear",
        "chat-long",
        "hearing-16",
        "files",
        "door",
        "ended",
    ] {
        let mut window = scene(name);
        // A reaction is a reason; it has a test of its own.
        window.state_mut().snapshot.room.reactions.clear();
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
