//! The keys. In a meeting: M microphone, V camera, H hand, R reactions, C chat, P people, W words, F files, Ctrl+L leave,
//! Escape closes what is open, or else unpins. A key that is typed into a text field or held down does nothing here.

use egui::{Context, Event, Key, Modifiers};

use crate::engine::{Command, Snapshot, Stage};

use super::screens::reactions;
use super::state::{Panel, UiState};

pub(crate) fn handle(ctx: &Context, snapshot: &Snapshot, state: &mut UiState, commands: &mut Vec<Command>) {
    if ctx.text_edit_focused() {
        return;
    }
    let in_meeting = snapshot.stage == Stage::Meeting;
    let devices_open = in_meeting || matches!(snapshot.stage, Stage::Preview { .. });
    // A menu that is open closes itself by Escape; the panel behind it stays.
    let menu_open = egui::Popup::is_any_open(ctx);
    for (key, modifiers) in presses(ctx) {
        match (key, modifiers) {
            (Key::M, Modifiers::NONE) if devices_open => commands.push(Command::SetMuted(!snapshot.muted)),
            (Key::V, Modifiers::NONE) if devices_open => commands.push(Command::SetCamera(snapshot.camera_off)),
            (Key::L, modifiers) if in_meeting && modifiers.command_only() => commands.push(Command::Leave),
            (Key::H, Modifiers::NONE) if in_meeting => {
                commands.push(Command::RaiseHand(!snapshot.room.hands.contains(&snapshot.room.me)));
            }
            (Key::R, Modifiers::NONE) if in_meeting => egui::Popup::toggle_id(ctx, reactions::popup()),
            (Key::C, Modifiers::NONE) if in_meeting => state.open(Panel::Chat),
            (Key::P, Modifiers::NONE) if in_meeting => state.toggle(Panel::People),
            (Key::W, Modifiers::NONE) if in_meeting => state.toggle(Panel::Words),
            (Key::F, Modifiers::NONE) if in_meeting => state.toggle(Panel::Files),
            (Key::Escape, Modifiers::NONE) if !menu_open => escape(snapshot, state, commands),
            _ => {}
        }
    }
}

/// Closes what is open; if nothing is, lets go of who is pinned.
fn escape(snapshot: &Snapshot, state: &mut UiState, commands: &mut Vec<Command>) {
    let closed = state.escape();
    if !closed && snapshot.stage == Stage::Meeting && snapshot.pinned.is_some() {
        commands.push(Command::Pin(None));
    }
}

fn presses(ctx: &Context) -> Vec<(Key, Modifiers)> {
    ctx.input(|input| {
        input
            .events
            .iter()
            .filter_map(|event| match event {
                Event::Key { key, pressed: true, repeat: false, modifiers, .. } => Some((*key, *modifiers)),
                _ => None,
            })
            .collect()
    })
}
