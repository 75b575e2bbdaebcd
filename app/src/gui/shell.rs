//! The window of the system around `gui::ui`: starts the engine with a wake-up into egui, hands snapshots in and commands
//! out. Paints when something new is there, never by a timer. Called by `main`.

use std::time::Duration;

use egui::{ViewportBuilder, vec2};

use crate::engine::{Command, Engine, EngineConfig, EngineHandle};

use super::{APP_ID, TITLE, UiState, install, receive, ui};

/// Opens the window and stays until it is closed. Starts the engine itself, because the engine wakes the window by a
/// closure that only exists once the window does. `first` is sent to the engine at once (`conclave new`, `conclave join`).
///
/// # Errors
/// When no window can be opened.
pub fn run(config: EngineConfig, first: Option<Command>) -> anyhow::Result<()> {
    let opened = eframe::run_native(
        TITLE,
        native_options(),
        Box::new(|context| {
            let ctx = context.egui_ctx.clone();
            install(&ctx);
            let state = UiState::default();
            let pace = state.pictures.pace();
            let engine = Engine::start(config, move || pace.wake(&ctx));
            Ok(Box::new(Window { engine, state, commands: first.into_iter().collect() }))
        }),
    );
    opened.map_err(|error| {
        anyhow::anyhow!(
            "No window can be opened: {error}. Conclave needs a desktop session (X11 or Wayland) with OpenGL; over SSH or \
             on a server, `conclave headless` does without."
        )
    })
}

/// Title, sizes and renderer.
#[must_use]
pub fn native_options() -> eframe::NativeOptions {
    let viewport = ViewportBuilder::default()
        .with_title(TITLE)
        .with_app_id(APP_ID)
        .with_icon(super::icons::window_icon())
        .with_inner_size(vec2(1040.0, 720.0))
        .with_min_inner_size(vec2(360.0, 300.0));
    // Dithering is for gradients, of which there are none; drawn by software it costs more than all the rest of a pixel.
    eframe::NativeOptions {
        viewport,
        renderer: eframe::Renderer::Glow,
        dithering: false,
        ..eframe::NativeOptions::default()
    }
}

struct Window {
    engine: EngineHandle,
    state: UiState,
    /// What is to be sent with the next frame.
    commands: Vec<Command>,
}

impl eframe::App for Window {
    fn ui(&mut self, ui_root: &mut egui::Ui, _frame: &mut eframe::Frame) {
        while let Some(reply) = self.engine.try_reply() {
            receive(ui_root.ctx(), reply, &mut self.state);
        }
        let snapshot = self.engine.snapshot();
        ui(ui_root, &snapshot, &mut self.state, &mut self.commands);
        self.send(ui_root.ctx());
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        super::clear_color(visuals)
    }
}

impl Window {
    fn send(&mut self, ctx: &egui::Context) {
        for command in self.commands.drain(..) {
            let size_only = matches!(command, Command::SetTileHeight { .. });
            if self.engine.send(command).is_ok() {
                continue;
            }
            self.state.forget_sent();
            if size_only {
                ctx.request_repaint_after(Duration::from_secs(1));
            } else {
                self.state.confirm(ctx, "That did not go through. Please try again.");
            }
        }
    }
}
