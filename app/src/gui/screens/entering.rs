//! On the way in: what is being waited for, for how long, until when, and the way back.

use std::time::Duration;

use egui::{RichText, Sense, Shape, Stroke, Ui, vec2};

use crate::engine::Command;
use crate::gui::icons::{self, Icon};
use crate::gui::theme::{self, palette, size, space};
use crate::gui::widgets::{self, Button};

use super::{clock, column, gap, title};

pub(crate) fn show(ui: &mut Ui, step: &str, since: Duration, gives_up_after: Duration, commands: &mut Vec<Command>) {
    column(ui, "entering", size::COLUMN, |ui| {
        theme::card(ui).inner_margin(egui::Margin::same(28)).show(ui, |ui| {
            ui.vertical_centered(|ui| {
                ring(ui, since, gives_up_after);
                gap(ui, space::L);
                title(ui, step);
                let elapsed = format!("{} of at most {}", clock(since), clock(gives_up_after));
                ui.label(RichText::new(elapsed).color(palette(ui).weak));
                gap(ui, space::M);
                widgets::weak(ui, "Somebody inside decides who comes in. Your picture and sound stay here until then.");
                gap(ui, space::XL);
                if ui.add(Button::text("Cancel").width(ui.available_width())).clicked() {
                    commands.push(Command::Back);
                }
            });
        });
    });
}

/// How much of the time is used up. It moves with the snapshots, not by itself.
fn ring(ui: &mut Ui, since: Duration, gives_up_after: Duration) {
    const STEPS: u16 = 120;
    let (rect, _) = ui.allocate_exact_size(theme::square(84.0), Sense::hover());
    let p = palette(ui);
    let radius = rect.width() / 2.0 - 3.0;
    ui.painter().circle_stroke(rect.center(), radius, Stroke::new(5.0, p.raised));
    let whole = gives_up_after.as_secs_f32().max(f32::EPSILON);
    let part = (since.as_secs_f32() / whole).clamp(0.0, 1.0);
    let points = (0..=STEPS)
        .map(|step| {
            let angle = (f32::from(step) / f32::from(STEPS) * part - 0.25) * std::f32::consts::TAU;
            rect.center() + vec2(angle.cos(), angle.sin()) * radius
        })
        .collect();
    ui.painter().add(Shape::line(points, Stroke::new(5.0, p.accent)));
    icons::paint(ui.painter(), icons::centred(rect, 34.0), Icon::Door, p.text, p.surface);
}
