//! Home: who we are, a new meeting, an invite, and who is visible on this network. A pasted invite is never drawn.

use egui::{Color32, CornerRadius, Rect, RichText, Sense, Stroke, TextEdit, Ui, ViewportCommand, vec2};

use crate::engine::{Command, Snapshot, VisiblePeer};
use crate::gui::icons::{self, Icon};
use crate::gui::mark;
use crate::gui::state::{INVITE_BYTES, InviteField, NAME_CHARS, UiState};
use crate::gui::theme::{self, palette, radius, size, space, text};
use crate::gui::widgets::{self, Button, Look};

use super::{column, contacts, gap, heading};

/// Narrower than this, everything stands in one column.
const TWO_COLUMNS: f32 = 860.0;

pub(crate) fn show(ui: &mut Ui, snapshot: &Snapshot, state: &mut UiState, commands: &mut Vec<Command>) {
    let wide = ui.max_rect().width() >= TWO_COLUMNS;
    column(ui, "home", if wide { 2.0 * size::COLUMN + space::XL } else { size::COLUMN }, |ui| {
        head(ui);
        gap(ui, space::XL);
        if wide {
            ui.spacing_mut().item_spacing.x = space::XL;
            ui.columns_const(|[left, right]| {
                for side in [&mut *left, &mut *right] {
                    side.spacing_mut().item_spacing.x = space::S;
                }
                // Columns justify their text; sentences read better ragged.
                let ragged = egui::Layout::top_down(egui::Align::Min);
                left.with_layout(ragged, |ui| {
                    theme::card(ui).show(ui, |ui| meet(ui, snapshot, state, commands));
                    gap(ui, space::L);
                    theme::card(ui).show(ui, |ui| contacts::show(ui, snapshot, state, commands));
                });
                right.with_layout(ragged, |ui| {
                    theme::card(ui).show(ui, |ui| network(ui, snapshot, state, commands));
                });
            });
        } else {
            theme::card(ui).show(ui, |ui| meet(ui, snapshot, state, commands));
            gap(ui, space::L);
            theme::card(ui).show(ui, |ui| network(ui, snapshot, state, commands));
            gap(ui, space::L);
            theme::card(ui).show(ui, |ui| contacts::show(ui, snapshot, state, commands));
        }
    });
}

fn head(ui: &mut Ui) {
    let p = palette(ui);
    ui.horizontal(|ui| {
        let (rect, _) = ui.allocate_exact_size(theme::square(48.0), Sense::hover());
        mark::logo(ui.painter(), rect, p.accent, p.on_accent);
        ui.add_space(space::XS);
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            ui.label(RichText::new("Conclave").font(theme::strong(text::TITLE)).color(p.text));
            widgets::weak(ui, "Video meetings without a server.");
        });
    });
}

fn meet(ui: &mut Ui, snapshot: &Snapshot, state: &mut UiState, commands: &mut Vec<Command>) {
    ui.set_width(ui.available_width());
    name(ui, snapshot, state, commands);
    gap(ui, space::L);
    // With an invite at hand, joining is the main thing.
    let look = if state.invite.pasted.is_some() { Look::Plain } else { Look::Main };
    let new = Button::text("New meeting").with_icon(Icon::Plus).look(look).height(size::MAIN);
    if ui.add(new.width(ui.available_width())).clicked() && state.confirm_name(snapshot, commands) {
        commands.push(Command::PrepareNew);
    }
    gap(ui, space::L);
    divider(ui, "or join one");
    gap(ui, space::M);
    if let Some(invite) = join(ui, &mut state.invite)
        && state.confirm_name(snapshot, commands)
    {
        commands.push(Command::PrepareJoin { invite });
    }
}

fn name(ui: &mut Ui, snapshot: &Snapshot, state: &mut UiState, commands: &mut Vec<Command>) {
    let edit = TextEdit::singleline(&mut state.name).char_limit(NAME_CHARS);
    let response = widgets::field(ui, "Your name", "How the others see you", edit);
    if state.name_missing {
        if state.name.trim().is_empty() {
            widgets::warning(ui, "Please enter a name first. The others see it.");
            if response.changed() || !ui.ctx().text_edit_focused() {
                response.request_focus();
            }
        } else {
            state.name_missing = false;
        }
    }
    if response.lost_focus() && !state.name.trim().is_empty() {
        state.confirm_name(snapshot, commands);
    }
}

/// The invite to join with, when *Join* was pressed.
fn join(ui: &mut Ui, field: &mut InviteField) -> Option<String> {
    let entered = if field.pasted.is_some() { pasted(ui, field) } else { empty(ui, field) };
    if field.foreign {
        widgets::warning(
            ui,
            "This is not an invite. An invite begins with “conclave:”. Ask for it again and paste it whole.",
        );
    }
    gap(ui, space::S);
    let ready = field.pasted.is_some();
    let join = Button::text("Join")
        .look(if ready { Look::Main } else { Look::Plain })
        .enabled(ready)
        .tooltip(if ready { "" } else { "Paste an invite first" });
    let pressed = ui.add(join.width(ui.available_width()).height(size::MAIN)).clicked();
    if pressed || entered { field.pasted.clone() } else { None }
}

/// The masked field and *Paste*.
fn empty(ui: &mut Ui, field: &mut InviteField) -> bool {
    let label = ui.label(RichText::new("Invite").font(theme::strong(text::SMALL)).color(palette(ui).weak));
    ui.horizontal(|ui| {
        const PASTE: f32 = 88.0;
        let width = ui.available_width() - PASTE - space::S;
        // Masked: an invite may be photographed, but nobody needs to read it off a shared screen.
        let edit = TextEdit::singleline(&mut field.typed).password(true).char_limit(2 * INVITE_BYTES);
        let edit = widgets::styled(ui, edit, "Paste an invite").desired_width(width);
        let response = ui.add(edit).labelled_by(label.id);
        if response.changed() {
            field.changed();
        }
        let paste = Button::text("Paste").width(PASTE).tooltip("Paste the invite from the clipboard");
        if ui.add(paste).clicked() {
            response.request_focus();
            ui.ctx().send_viewport_cmd(ViewportCommand::RequestPaste);
        }
    });
    false
}

/// "Invite pasted", and the way to undo it.
fn pasted(ui: &mut Ui, field: &mut InviteField) -> bool {
    let p = palette(ui);
    ui.label(RichText::new("Invite").font(theme::strong(text::SMALL)).color(p.weak));
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), size::CONTROL), Sense::hover());
    ui.painter().rect_filled(rect, CornerRadius::same(radius::CONTROL), p.raised);
    let mut line = ui.new_child(
        egui::UiBuilder::new()
            .max_rect(rect.shrink2(vec2(space::M, 0.0)))
            .layout(egui::Layout::left_to_right(egui::Align::Center)),
    );
    widgets::icon(&mut line, Icon::Check, p.accent_text);
    line.label(RichText::new("Invite pasted").color(p.text));
    line.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
        if ui.add(Button::icon(Icon::Cross, "Clear the invite")).clicked() {
            *field = InviteField::default();
        }
    });
    ui.input(|input| input.key_pressed(egui::Key::Enter)) && ui.memory(|memory| memory.focused().is_none())
}

fn divider(ui: &mut Ui, text: &str) {
    let p = palette(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 18.0), Sense::hover());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Label, true, text));
    let word = ui.painter().text(rect.center(), egui::Align2::CENTER_CENTER, text, theme::regular(text::SMALL), p.weak);
    for (from, to) in [(rect.left(), word.left() - space::M), (word.right() + space::M, rect.right())] {
        ui.painter().hline(from..=to, rect.center().y, Stroke::new(1.0, p.line));
    }
}

fn network(ui: &mut Ui, snapshot: &Snapshot, state: &mut UiState, commands: &mut Vec<Command>) {
    ui.set_width(ui.available_width());
    heading(ui, "On this network");
    let switch = widgets::switch(ui, snapshot.visible_self, "Visible on this network");
    if switch.clicked() && (snapshot.visible_self || state.confirm_name(snapshot, commands)) {
        commands.push(Command::SetVisible(!snapshot.visible_self));
    }
    widgets::weak(
        ui,
        if snapshot.visible_self {
            "Everybody on this network sees your name and may knock. Only you let them in."
        } else {
            "Nobody on this network sees you. Switch it on to let people here find you and knock."
        },
    );
    gap(ui, space::M);
    if snapshot.visible.is_empty() {
        nobody(ui);
    }
    for peer in &snapshot.visible {
        if visible(ui, peer) && state.confirm_name(snapshot, commands) {
            commands.push(Command::PrepareVisible { id: peer.id.clone() });
        }
    }
}

fn nobody(ui: &mut Ui) {
    let p = palette(ui);
    egui::Frame::new().fill(p.ground).corner_radius(CornerRadius::same(radius::CONTROL)).inner_margin(16).show(
        ui,
        |ui| {
            ui.set_width(ui.available_width());
            ui.horizontal(|ui| {
                let (rect, _) = ui.allocate_exact_size(theme::square(size::ICON), Sense::hover());
                icons::paint(ui.painter(), rect, Icon::Network, p.weak, Color32::TRANSPARENT);
                widgets::weak(ui, "Nobody here is visible right now.");
            });
        },
    );
}

/// A line for somebody visible; true when it was clicked.
fn visible(ui: &mut Ui, peer: &VisiblePeer) -> bool {
    const HEIGHT: f32 = 56.0;
    let p = palette(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT), Sense::click());
    let name = format!("Knock at {}", peer.name);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Button, true, &name));
    let corner = CornerRadius::same(radius::CONTROL);
    ui.painter().rect_filled(rect, corner, if response.hovered() { p.raised_hover } else { p.raised });
    let centre = egui::pos2(rect.left() + HEIGHT / 2.0, rect.center().y);
    widgets::avatar(ui.painter(), centre, 36.0, &peer.id, &peer.name);
    let icon = Rect::from_center_size(egui::pos2(rect.right() - 24.0, rect.center().y), theme::square(size::ICON));
    icons::paint(ui.painter(), icon, Icon::Door, p.accent_text, Color32::TRANSPARENT);
    let room = icon.left() - rect.left() - HEIGHT - space::S;
    let label = widgets::ellipsis(ui, &peer.name, theme::strong(text::BODY), room - 56.0);
    let y = rect.center().y - label.size().y / 2.0;
    ui.painter().galley(egui::pos2(rect.left() + HEIGHT, y), label, p.text);
    let knock = egui::pos2(icon.left() - space::S, rect.center().y);
    ui.painter().text(knock, egui::Align2::RIGHT_CENTER, "Knock", theme::regular(text::BODY), p.accent_text);
    widgets::focus_ring(ui, &response, rect, corner);
    response.clicked()
}
