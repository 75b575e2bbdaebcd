//! The window: draws the engine's snapshots and sends it commands. Knows neither the network nor codecs, and keeps no
//! state of a meeting. [`ui`] is all of it, one function from a snapshot to a picture and commands; [`run`] puts it into a
//! window of the system. `scenes` has hand-made snapshots for the gallery and the tests.

mod fonts;
mod icons;
mod keys;
mod layout;
mod mark;
mod pictures;
pub mod scenes;
mod screens;
mod shell;
mod speech;
mod state;
mod theme;
mod widgets;

use crate::engine::{Command, Reply, Snapshot, Stage};

pub use shell::{native_options, run};
pub use state::UiState;

/// The title of the window and the name that the system knows it by.
pub const TITLE: &str = "Conclave";
/// See [`TITLE`]; the name of the desktop entry.
pub const APP_ID: &str = "conclave";

/// Gives a context the fonts and colours of the window; once, before the first [`ui`].
pub fn install(ctx: &egui::Context) {
    theme::install(ctx);
}

/// What the window is cleared with. Drawn as a rectangle the ground would cost as much as the picture of a whole meeting
/// where the processor does the painting.
#[must_use]
pub fn clear_color(visuals: &egui::Visuals) -> [f32; 4] {
    visuals.panel_fill.to_normalized_gamma_f32()
}

/// Draws a snapshot and appends what the person asked for, over a ground of [`clear_color`].
pub fn ui(ui: &mut egui::Ui, snapshot: &Snapshot, state: &mut UiState, commands: &mut Vec<Command>) {
    state.follow(snapshot);
    take_dropped_files(ui.ctx(), snapshot, state);
    keys::handle(ui.ctx(), snapshot, state, commands);
    match &snapshot.stage {
        Stage::Home => screens::home::show(ui, snapshot, state, commands),
        Stage::Preview { purpose } => screens::preview::show(ui, snapshot, purpose, state, commands),
        Stage::Entering { step, since, gives_up_after } => {
            screens::entering::show(ui, step, *since, *gives_up_after, commands);
        }
        Stage::Meeting => screens::meeting::show(ui, snapshot, state, commands),
        Stage::Ended(reason) => screens::ended::show(ui, reason, commands),
    }
    screens::overlay::show(ui, snapshot, state, commands);
    state.pictures.sweep();
}

/// Files that were dropped onto the window wait in the files panel; nothing is sent before somebody says so.
fn take_dropped_files(ctx: &egui::Context, snapshot: &Snapshot, state: &mut UiState) {
    if snapshot.stage != Stage::Meeting {
        return;
    }
    let dropped: Vec<_> =
        ctx.input(|input| input.raw.dropped_files.iter().map(|file| file.path().to_owned()).collect());
    if !dropped.is_empty() {
        state.room.outbox.add(dropped);
        state.open(state::Panel::Files);
    }
}

/// Does what a reply of the engine asks for: an invite goes to the clipboard, and only there.
pub fn receive(ctx: &egui::Context, reply: Reply, state: &mut UiState) {
    match reply {
        Reply::Invite(invite) => {
            ctx.copy_text(invite);
            state.confirm(ctx, "Invite copied. Send it to the people you expect.");
        }
    }
}
