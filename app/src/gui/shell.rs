//! The window of the system around `gui::ui`: starts the engine with a wake-up into egui, hands snapshots in and commands
//! out. Paints when something new is there, never by a timer. The system's dialog for choosing files runs on a thread of its
//! own, so that it never holds up the window. Called by `main`.

use std::path::PathBuf;
use std::sync::mpsc;
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
            let commands = first.into_iter().collect();
            Ok(Box::new(Window { engine, state, commands, dialog: None }))
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
        .with_icon(super::mark::window_icon())
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
    /// The dialog for choosing files, while it is open.
    dialog: Option<mpsc::Receiver<Vec<PathBuf>>>,
}

impl eframe::App for Window {
    fn ui(&mut self, ui_root: &mut egui::Ui, _frame: &mut eframe::Frame) {
        while let Some(reply) = self.engine.try_reply() {
            receive(ui_root.ctx(), reply, &mut self.state);
        }
        self.follow_dialog();
        let snapshot = self.engine.snapshot();
        ui(ui_root, &snapshot, &mut self.state, &mut self.commands);
        self.send(ui_root.ctx());
        if self.state.take_dialog_request() {
            self.dialog = Some(choose_files(ui_root.ctx().clone()));
        }
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        super::clear_color(visuals)
    }
}

impl Window {
    fn follow_dialog(&mut self) {
        let Some(dialog) = &self.dialog else { return };
        let chosen = match dialog.try_recv() {
            Ok(chosen) => chosen,
            Err(mpsc::TryRecvError::Empty) => return,
            // Its thread ended without an answer: there is no dialog on this system.
            Err(mpsc::TryRecvError::Disconnected) => Vec::new(),
        };
        self.dialog = None;
        self.state.files_chosen(chosen);
    }

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

/// Opens the dialog; the window is woken when it is closed.
fn choose_files(ctx: egui::Context) -> mpsc::Receiver<Vec<PathBuf>> {
    /// Wakes the window however the dialog ends.
    struct Wake(egui::Context);
    impl Drop for Wake {
        fn drop(&mut self) {
            self.0.request_repaint();
        }
    }
    let (answer, chosen) = mpsc::sync_channel(1);
    let dialog = move || {
        let _wake = Wake(ctx);
        // Its own way out is dropped before the window is woken.
        let answer = answer;
        let paths = rfd::FileDialog::new().set_title("Choose files to offer").pick_files();
        if answer.try_send(paths.unwrap_or_default()).is_err() {
            tracing::debug!("the window was closed before the dialog");
        }
    };
    if let Err(error) = std::thread::Builder::new().name("conclave-dialog".to_owned()).spawn(dialog) {
        tracing::warn!("no thread for the dialog: {error}");
    }
    chosen
}
