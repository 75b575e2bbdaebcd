//! The six words: what they are, why they are new, and the way to comparing them.

use egui::{Align2, CornerRadius, Rect, Sense, Ui, WidgetInfo, pos2, vec2};

use crate::engine::{Command, Snapshot};
use crate::gui::icons::Icon;
use crate::gui::screens::gap;
use crate::gui::state::{Panel, UiState};
use crate::gui::theme::{self, palette, radius, size, space, text};
use crate::gui::widgets::{self, Button, Look};

pub(super) fn show(ui: &mut Ui, snapshot: &Snapshot, state: &mut UiState, commands: &mut Vec<Command>) {
    let Some(words) = &snapshot.words else {
        widgets::weak(ui, "The words appear as soon as somebody is in the room with you.");
        return;
    };
    if let Some(news) = state.look_at_words(snapshot, commands) {
        widgets::note(ui, Icon::Shield, &news);
        gap(ui, space::M);
    }
    widgets::weak(ui, "Everybody in the meeting has the same six words in the same order, if nobody sits between you.");
    gap(ui, space::M);
    cards(ui, words);
    gap(ui, space::M);
    let compare = Button::text("Compare words").look(Look::Main).height(size::MAIN);
    if ui.add(compare.width(ui.available_width())).clicked() {
        state.open(Panel::Compare);
    }
    gap(ui, space::M);
    widgets::weak(
        ui,
        "They change whenever somebody comes or goes. Who was verified once is known by their device next time.",
    );
}

/// The words in reading order, two to a line.
pub(super) fn cards(ui: &mut Ui, words: &[String; 6]) {
    for (index, pair) in words.chunks(2).enumerate() {
        ui.horizontal(|ui| {
            let width = (ui.available_width() - space::S) / 2.0;
            for (column, word) in pair.iter().enumerate() {
                card(ui, width, index * 2 + column + 1, word);
            }
        });
    }
}

fn card(ui: &mut Ui, width: f32, number: usize, word: &str) {
    let p = palette(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(width, 58.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(egui::accesskit::Role::Label, true, word));
    ui.painter().rect_filled(rect, CornerRadius::same(radius::CONTROL), p.raised);
    let at = rect.min + vec2(space::M, space::S);
    ui.painter().text(at, Align2::LEFT_TOP, number, theme::regular(text::SMALL), p.weak);
    let word = widgets::ellipsis(ui, word, theme::strong(text::LARGE), Rect::width(&rect) - 2.0 * space::M);
    let y = rect.bottom() - space::S - word.size().y;
    ui.painter().galley(pos2(rect.left() + space::M, y), word, p.text);
}
