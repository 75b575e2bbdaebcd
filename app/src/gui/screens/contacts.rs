//! People whose words were compared: who they are, a note, whether they skip the lobby, and forgetting them. One is unfolded
//! at a time. All of it stays on this computer.

use egui::accesskit::Role;
use egui::{CornerRadius, Rect, Sense, TextEdit, Ui, WidgetInfo, pos2, vec2};

use crate::engine::{Command, ContactLine, Snapshot};
use crate::gui::icons::{self, Icon};
use crate::gui::speech;
use crate::gui::state::{OpenContact, Question, UiState};
use crate::gui::theme::{self, palette, radius, size, space, text};
use crate::gui::widgets::{self, Button};

use super::{gap, heading};

/// More than these are shown when asked for.
const FIRST: usize = 6;
/// A note is a line or two.
const NOTE_CHARS: usize = 200;

pub(super) fn show(ui: &mut Ui, snapshot: &Snapshot, state: &mut UiState, commands: &mut Vec<Command>) {
    ui.set_width(ui.available_width());
    heading(ui, "People you verified");
    let contacts = &snapshot.contacts;
    if contacts.is_empty() {
        widgets::weak(ui, "Nobody yet. Compare the words in a meeting; then you know their devices next time.");
        return;
    }
    let gone = |open: &OpenContact| !contacts.iter().any(|contact| contact.id == open.id);
    if state.contact.as_ref().is_some_and(gone) {
        state.contact = None;
    }
    let shown = if state.all_contacts { contacts.len() } else { FIRST };
    for contact in contacts.iter().take(shown) {
        let open = state.contact.as_ref().is_some_and(|open| open.id == contact.id);
        if line(ui, contact, open) {
            keep_note(state, commands);
            state.question = None;
            let note = contact.note.clone();
            state.contact = (!open).then(|| OpenContact { id: contact.id.clone(), sent: note.clone(), note });
        }
        if state.contact.as_ref().is_some_and(|open| open.id == contact.id) {
            details(ui, contact, state, commands);
        }
    }
    if contacts.len() > shown {
        let name = format!("Show all {}", contacts.len());
        if ui.add(Button::text(&name).width(ui.available_width())).clicked() {
            state.all_contacts = true;
        }
    }
}

/// Sends the note that is being written, if it changed.
fn keep_note(state: &mut UiState, commands: &mut Vec<Command>) {
    let Some(open) = &mut state.contact else { return };
    let note = open.note.trim();
    if note != open.sent {
        note.clone_into(&mut open.sent);
        commands.push(Command::SetContactNote { id: open.id.clone(), note: note.to_owned() });
    }
}

/// A contact in the list; true when it was clicked.
fn line(ui: &mut Ui, contact: &ContactLine, open: bool) -> bool {
    const HEIGHT: f32 = 56.0;
    let p = palette(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT), Sense::click());
    let name = if open { format!("Fold {}", contact.name) } else { format!("Open {}", contact.name) };
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, open, &name));
    if !ui.is_rect_visible(rect) {
        return response.clicked();
    }
    let met = last_met(contact);
    ui.ctx().accesskit_node_builder(response.id, |node| node.set_description(met.clone()));
    let corner = CornerRadius::same(radius::CONTROL);
    ui.painter().rect_filled(rect, corner, if response.hovered() { p.raised_hover } else { p.raised });
    let centre = pos2(rect.left() + HEIGHT / 2.0, rect.center().y);
    widgets::avatar(ui.painter(), centre, 36.0, &contact.id, &contact.name);
    let left = rect.left() + HEIGHT;
    let mark = Rect::from_center_size(pos2(rect.right() - 24.0, rect.center().y), theme::square(size::ICON));
    let icon = if open { Icon::Cross } else { Icon::More };
    icons::paint(ui.painter(), icons::centred(mark, 16.0), icon, p.weak, p.raised);
    let room = mark.left() - left - space::S;
    let name = widgets::ellipsis(ui, &contact.name, theme::strong(text::BODY), room);
    let below = if contact.note.is_empty() { met } else { contact.note.clone() };
    let below = widgets::ellipsis(ui, &below, theme::regular(text::SMALL), room);
    let top = rect.center().y - (name.size().y + below.size().y + 2.0) / 2.0;
    let second = top + name.size().y + 2.0;
    ui.painter().galley(pos2(left, top), name, p.text);
    ui.painter().galley(pos2(left, second), below, p.weak);
    widgets::focus_ring(ui, &response, rect, corner);
    response.clicked()
}

/// "Met 4 times, last on 3 May 2026".
fn last_met(contact: &ContactLine) -> String {
    let day = speech::day(contact.last_met_unix_s);
    match contact.meetings {
        0 => format!("Verified on {}", speech::day(contact.verified_unix_s)),
        1 => format!("Met once, on {day}"),
        times => format!("Met {times} times, last on {day}"),
    }
}

fn details(ui: &mut Ui, contact: &ContactLine, state: &mut UiState, commands: &mut Vec<Command>) {
    egui::Frame::new().inner_margin(egui::Margin::symmetric(12, 4)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        if let Some(open) = &mut state.contact {
            let edit = TextEdit::singleline(&mut open.note).char_limit(NOTE_CHARS);
            let response = widgets::field(ui, "Note, for you alone", "Where you know them from", edit);
            if response.lost_focus() {
                keep_note(state, commands);
            }
        }
        if widgets::switch(ui, contact.skips_lobby, "Comes in without a knock").clicked() {
            commands.push(Command::SetContactSkips { id: contact.id.clone(), skips: !contact.skips_lobby });
        }
        widgets::weak(ui, "In meetings of yours that allow it for verified people.");
        gap(ui, space::M);
        widgets::weak(ui, format!("{}. Verified on {}.", last_met(contact), speech::day(contact.verified_unix_s)));
        gap(ui, space::M);
        if state.question == Some(Question::Forget(contact.id.clone())) {
            let sentence = format!(
                "Forget {} and all that is kept about them, for good? To you they are a stranger again.",
                contact.name
            );
            if let Some(go_on) = widgets::question(ui, &sentence, "Forget") {
                state.question = None;
                if go_on {
                    state.contact = None;
                    commands.push(Command::ForgetContact(contact.id.clone()));
                }
            }
        } else {
            let name = format!("Forget {}", contact.name);
            if ui.add(Button::text("Forget…").named(&name).width(ui.available_width())).clicked() {
                state.question = Some(Question::Forget(contact.id.clone()));
            }
        }
    });
}
