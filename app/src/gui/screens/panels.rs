//! The panels of a meeting: who is here, and the six words. The panel of one link has its own file.

use egui::{Align, CornerRadius, Layout, Margin, Rect, RichText, ScrollArea, Sense, Ui, UiBuilder, pos2, vec2};

use crate::engine::{Person, Snapshot};
use crate::gui::icons::{self, Icon};
use crate::gui::state::{Panel, UiState};
use crate::gui::theme::{self, palette, radius, size, space, text};
use crate::gui::widgets::{self, Button};

use super::{gap, link_panel, tile};

pub(super) fn show(ui: &mut Ui, place: Rect, snapshot: &Snapshot, state: &mut UiState) {
    let p = palette(ui);
    ui.painter().rect_filled(place, CornerRadius::ZERO, p.surface);
    ui.painter().vline(place.left(), place.y_range(), egui::Stroke::new(1.0, p.line));
    let inner = place - Margin::same(20);
    let mut inner = ui.new_child(UiBuilder::new().max_rect(inner).layout(Layout::top_down(Align::Min)));
    inner.set_clip_rect(place);
    let ui = &mut inner;
    match state.panel.clone() {
        Panel::None => {}
        Panel::People => {
            head(ui, "People", state, None);
            body(ui, "people", |ui| people(ui, snapshot, state));
        }
        Panel::Words => {
            head(ui, "Meeting words", state, None);
            body(ui, "words", |ui| words(ui, snapshot.words.as_ref()));
        }
        Panel::Link(who) => {
            if let Some(person) = snapshot.people.iter().find(|person| person.who == who) {
                head(ui, &person.name, state, Some(Panel::People));
                body(ui, "link", |ui| link_panel::show(ui, person));
            }
        }
    }
}

/// The title, the way back and the way out.
fn head(ui: &mut Ui, title: &str, state: &mut UiState, back: Option<Panel>) {
    ui.horizontal(|ui| {
        ui.set_height(size::SMALL);
        if let Some(back) = back
            && ui.add(Button::icon(Icon::Back, "Back to people")).clicked()
        {
            state.panel = back;
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if ui.add(Button::icon(Icon::Cross, "Close panel").tooltip("Close (Esc)")).clicked() {
                state.panel = Panel::None;
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
        content(ui);
    });
}

fn people(ui: &mut Ui, snapshot: &Snapshot, state: &mut UiState) {
    let mut own = Vec::new();
    if snapshot.muted {
        own.push("Muted");
    }
    if snapshot.camera_off {
        own.push("Camera off");
    }
    let own = if own.is_empty() { "In the meeting".to_owned() } else { own.join(" · ") };
    let name = format!("{} (you)", snapshot.name);
    line(ui, "", &snapshot.name, &name, &own, None);
    for person in &snapshot.people {
        let action = format!("Open the link panel of {}", person.name);
        if line(ui, &person.who, &person.name, &person.name, &state_of(person), Some(&action)) {
            state.panel = Panel::Link(person.who.clone());
        }
    }
    if snapshot.people.is_empty() {
        gap(ui, space::M);
        widgets::weak(ui, "Nobody else is here yet.");
    } else {
        gap(ui, space::M);
        widgets::weak(ui, "Choose somebody to see how your link to them is protected and how well it works.");
    }
}

fn state_of(person: &Person) -> String {
    match person.silent_for {
        Some(silent) => format!("Nothing arrives for {} s", silent.as_secs()),
        None => tile::condition(person),
    }
}

/// A person in a list; with an action it can be clicked.
fn line(ui: &mut Ui, who: &str, initials: &str, name: &str, state: &str, action: Option<&str>) -> bool {
    const HEIGHT: f32 = 56.0;
    let p = palette(ui);
    let sense = if action.is_some() { Sense::click() } else { Sense::hover() };
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT), sense);
    let role = if action.is_some() { egui::accesskit::Role::Button } else { egui::accesskit::Role::Label };
    response.widget_info(|| egui::WidgetInfo::labeled(role, true, action.unwrap_or(name)));
    let corner = CornerRadius::same(radius::CONTROL);
    if action.is_some() && response.hovered() {
        ui.painter().rect_filled(rect.expand2(vec2(space::S, 0.0)), corner, p.raised);
    }
    let centre = pos2(rect.left() + 20.0, rect.center().y);
    widgets::avatar(ui.painter(), centre, 38.0, who, initials);
    let left = rect.left() + 52.0;
    let mut right = rect.right();
    if action.is_some() {
        let at = Rect::from_center_size(pos2(rect.right() - 10.0, rect.center().y), theme::square(18.0));
        icons::paint(ui.painter(), at, Icon::Link, p.weak, p.surface);
        right = at.left() - space::S;
    }
    let name = widgets::ellipsis(ui, name, theme::strong(text::BODY), right - left);
    let state = widgets::ellipsis(ui, state, theme::regular(text::SMALL), right - left);
    let top = rect.center().y - (name.size().y + state.size().y + 2.0) / 2.0;
    let below = top + name.size().y + 2.0;
    ui.painter().galley(pos2(left, top), name, p.text);
    ui.painter().galley(pos2(left, below), state, p.weak);
    widgets::focus_ring(ui, &response, rect, corner);
    response.clicked()
}

fn words(ui: &mut Ui, words: Option<&[String; 6]>) {
    let Some(words) = words else {
        widgets::weak(ui, "The words appear as soon as somebody is in the room with you.");
        return;
    };
    widgets::weak(ui, "Read these six words to each other.");
    gap(ui, space::M);
    for (index, pair) in words.chunks(2).enumerate() {
        ui.horizontal(|ui| {
            let width = (ui.available_width() - space::S) / 2.0;
            for (column, word) in pair.iter().enumerate() {
                word_card(ui, width, index * 2 + column + 1, word);
            }
        });
    }
    gap(ui, space::M);
    widgets::weak(
        ui,
        "If everybody has the same six in the same order, nobody sits between any two of you. If one differs, leave and \
         start a new meeting.",
    );
    gap(ui, space::S);
    widgets::weak(ui, "They change whenever somebody comes or goes.");
}

fn word_card(ui: &mut Ui, width: f32, number: usize, word: &str) {
    let p = palette(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(width, 58.0), Sense::hover());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Label, true, word));
    ui.painter().rect_filled(rect, CornerRadius::same(radius::CONTROL), p.raised);
    let at = rect.min + vec2(space::M, space::S);
    ui.painter().text(at, egui::Align2::LEFT_TOP, number, theme::regular(text::SMALL), p.weak);
    let word = widgets::ellipsis(ui, word, theme::strong(text::LARGE), rect.width() - 2.0 * space::M);
    let y = rect.bottom() - space::S - word.size().y;
    ui.painter().galley(pos2(rect.left() + space::M, y), word, p.text);
}
