//! What every window test needs: a window in memory with a hand-made snapshot, a finger that presses by name, and ears.

use conclave::engine::{Command, Snapshot};
use conclave::gui::{self, UiState, scenes};
use egui::accesskit::Role;
use egui::{Key, Modifiers, Vec2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

pub(crate) struct Window {
    pub(crate) snapshot: Snapshot,
    pub(crate) state: UiState,
    pub(crate) commands: Vec<Command>,
}

pub(crate) type Shown = Harness<'static, Window>;

pub(crate) fn shown_at(size: Vec2, snapshot: Snapshot, state: UiState) -> Shown {
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

pub(crate) fn shown(snapshot: Snapshot) -> Shown {
    shown_at(vec2(1000.0, 760.0), snapshot, UiState::default())
}

pub(crate) fn scene(name: &str) -> Shown {
    scene_at(vec2(1000.0, 760.0), name)
}

pub(crate) fn scene_at(size: Vec2, name: &str) -> Shown {
    let (snapshot, state) = scenes::scene(name).expect("a scene of this name");
    shown_at(size, snapshot, state)
}

pub(crate) fn press(window: &mut Shown, name: &str) {
    window.get_by_role_and_label(Role::Button, name).click();
    window.run();
}

pub(crate) fn key(window: &mut Shown, key: Key, modifiers: Modifiers) {
    window.key_press_modifiers(modifiers, key);
    window.run();
}

#[track_caller]
pub(crate) fn asked(window: &mut Shown, commands: &[Command]) {
    let mut asked = std::mem::take(&mut window.state_mut().commands);
    asked.retain(|command| !matches!(command, Command::SetTileHeight { .. }));
    assert_eq!(asked, commands);
}

/// All that a screen reader is told: names, values, descriptions.
pub(crate) fn everything_said(window: &Shown) -> String {
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
