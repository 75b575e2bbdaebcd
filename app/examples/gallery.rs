//! Shows one screen of the window with a hand-made snapshot and no engine behind it: for looking and for pictures.
//! `cargo run -p conclave --example gallery -- SCENE [light|dark] [WIDTHxHEIGHT]`; without a scene it lists them.

use conclave::engine::Snapshot;
use conclave::gui::{self, UiState, scenes};

fn main() -> eframe::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((snapshot, state)) = arguments.first().and_then(|name| scenes::scene(name)) else {
        println!("usage: gallery SCENE [light|dark] [WIDTHxHEIGHT]\nscenes: {}", scenes::NAMES.join(" "));
        return Ok(());
    };
    let mut options = gui::native_options();
    let mut theme = egui::ThemePreference::System;
    for argument in arguments.iter().skip(1) {
        match argument.as_str() {
            "light" => theme = egui::ThemePreference::Light,
            "dark" => theme = egui::ThemePreference::Dark,
            size => {
                let side = |part: Option<&str>| part.and_then(|part| part.parse::<f32>().ok());
                let mut parts = size.split('x');
                if let (Some(width), Some(height)) = (side(parts.next()), side(parts.next())) {
                    options.viewport = options.viewport.with_inner_size(egui::vec2(width, height));
                }
            }
        }
    }
    eframe::run_native(
        gui::TITLE,
        options,
        Box::new(move |context| {
            gui::install(&context.egui_ctx);
            context.egui_ctx.set_theme(theme);
            Ok(Box::new(Gallery { snapshot, state }))
        }),
    )
}

struct Gallery {
    snapshot: Snapshot,
    state: UiState,
}

impl eframe::App for Gallery {
    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        let mut commands = Vec::new();
        gui::ui(ui, &self.snapshot, &mut self.state, &mut commands);
        for command in commands {
            println!("{command:?}");
        }
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        gui::clear_color(visuals)
    }
}
