//! The panels of a meeting, one file each, and what they share: ground, title, the way back, a body that scrolls. A panel
//! stands beside the tiles or, in a small window, over them; the meeting screen decides.

mod chat;
mod compare;
mod door;
mod files;
mod hearing;
mod link;
mod people;
mod person;
mod words;

use egui::{Align, CornerRadius, Key, Layout, Margin, Rect, RichText, ScrollArea, Ui, UiBuilder};

use crate::engine::{Command, Snapshot};
use crate::gui::icons::Icon;
use crate::gui::state::{Panel, UiState};
use crate::gui::theme::{self, palette, size, space, text};
use crate::gui::widgets::Button;

use super::gap;

pub(super) use files::answer as answer_file;
pub(super) use person::not_who_they_seem;

/// How wide a panel would like to be beside the tiles.
pub(super) fn width(panel: &Panel, snapshot: &Snapshot) -> f32 {
    match panel {
        Panel::Hearing => hearing::width(snapshot),
        Panel::None
        | Panel::People
        | Panel::Person(_)
        | Panel::Words
        | Panel::Compare
        | Panel::Chat
        | Panel::Files
        | Panel::Door => size::PANEL,
    }
}

pub(super) fn show(ui: &mut Ui, place: Rect, snapshot: &Snapshot, state: &mut UiState, commands: &mut Vec<Command>) {
    let p = palette(ui);
    ui.painter().rect_filled(place, CornerRadius::ZERO, p.surface);
    ui.painter().vline(place.left(), place.y_range(), egui::Stroke::new(1.0, p.line));
    // A low window needs every line.
    let margin = if place.height() < 360.0 { Margin::symmetric(16, 8) } else { Margin::same(20) };
    let inner = place - margin;
    let mut inner = ui.new_child(UiBuilder::new().max_rect(inner).layout(Layout::top_down(Align::Min)));
    inner.set_clip_rect(place);
    let ui = &mut inner;
    let panel = state.panel.clone();
    match &panel {
        Panel::None => {}
        Panel::People => {
            head(ui, "People", state, None);
            body(ui, "people", |ui| people::show(ui, snapshot, state, commands));
        }
        Panel::Person(who) => {
            head(ui, &person::name(snapshot, who), state, Some((Panel::People, "Back to people")));
            body(ui, "person", |ui| person::show(ui, snapshot, who, state, commands));
        }
        Panel::Words => {
            head(ui, "Meeting words", state, None);
            body(ui, "words", |ui| words::show(ui, snapshot, state, commands));
        }
        Panel::Compare => {
            head(ui, "Compare words", state, Some((Panel::Words, "Back to the words")));
            body(ui, "compare", |ui| compare::show(ui, snapshot, state, commands));
        }
        Panel::Chat => {
            head(ui, "Chat", state, None);
            chat::show(ui, snapshot, state, commands);
        }
        Panel::Hearing => {
            head(ui, "Who hears whom", state, None);
            body(ui, "hearing", |ui| hearing::show(ui, snapshot));
        }
        Panel::Files => {
            head(ui, "Files", state, None);
            body(ui, "files", |ui| files::show(ui, snapshot, state, commands));
        }
        Panel::Door => {
            head(ui, "The door", state, None);
            body(ui, "door", |ui| door::show(ui, snapshot, state, commands));
        }
    }
}

/// The title, the way back and the way out.
fn head(ui: &mut Ui, title: &str, state: &mut UiState, back: Option<(Panel, &str)>) {
    ui.horizontal(|ui| {
        ui.set_height(size::SMALL);
        if let Some((panel, name)) = back
            && ui.add(Button::icon(Icon::Back, name)).clicked()
        {
            state.open(panel);
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if ui.add(Button::icon(Icon::Cross, "Close panel").tooltip("Close (Esc)")).clicked() {
                state.open(Panel::None);
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let title = RichText::new(title).font(theme::strong(text::LARGE)).color(palette(ui).text);
                ui.add(egui::Label::new(title).truncate());
            });
        });
    });
    gap(ui, space::M);
}

fn body(ui: &mut Ui, id: &'static str, content: impl FnOnce(&mut Ui)) {
    ScrollArea::vertical().id_salt(id).auto_shrink(false).show(ui, |ui| {
        ui.set_width(ui.available_width());
        by_keyboard(ui);
        content(ui);
        ui.add_space(space::XS);
    });
}

/// Page Up and Page Down scroll the panel that is open.
fn by_keyboard(ui: &Ui) {
    let page = ui.clip_rect().height() * 0.8;
    let delta = ui.input(|input| {
        let pages = |key: Key| if input.key_pressed(key) { 1.0 } else { 0.0 };
        pages(Key::PageUp) - pages(Key::PageDown)
    });
    if delta != 0.0 {
        ui.scroll_with_delta(egui::vec2(0.0, delta * page));
    }
}

/// A group within a panel.
fn group(ui: &mut Ui, name: &str) {
    gap(ui, space::L);
    ui.label(RichText::new(name).font(theme::strong(text::BODY)).color(palette(ui).accent_text));
}
