//! It is over: what happened, what to do now, and the way home.

use egui::{RichText, Sense, Ui};

use crate::engine::{Command, Notice};
use crate::gui::icons::{self, Icon};
use crate::gui::theme::{self, palette, size, space};
use crate::gui::widgets::{self, Button, Look};

use super::{column, gap, overlay, title};

pub(crate) fn show(ui: &mut Ui, reason: &Notice, commands: &mut Vec<Command>) {
    column(ui, "ended", size::COLUMN, |ui| {
        theme::card(ui).inner_margin(egui::Margin::same(28)).show(ui, |ui| {
            ui.vertical_centered(|ui| {
                let p = palette(ui);
                let (rect, _) = ui.allocate_exact_size(theme::square(64.0), Sense::hover());
                ui.painter().circle_filled(rect.center(), 32.0, p.raised);
                icons::paint(ui.painter(), icons::centred(rect, 30.0), Icon::Leave, p.text, p.raised);
                gap(ui, space::L);
                title(ui, &reason.what);
                if let Some(side) = overlay::side(&reason.whose_fault) {
                    ui.label(RichText::new(side).color(p.weak));
                }
                if !reason.remedy.is_empty() {
                    gap(ui, space::M);
                    widgets::weak(ui, &reason.remedy);
                }
                gap(ui, space::XL);
                let back = Button::text("Back to the start").look(Look::Main).height(size::MAIN);
                if ui.add(back.width(ui.available_width())).clicked() {
                    commands.push(Command::Back);
                }
            });
        });
    });
}
