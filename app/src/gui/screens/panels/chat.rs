//! Text to everybody. The lines that are visible are laid out, no others; own lines stand on the right. A link is text like
//! all else: it can be selected and copied, and nothing is ever fetched or opened. Enter sends, Shift+Enter begins a line.

use std::sync::Arc;

use egui::text::LayoutJob;
use egui::{
    Align, Color32, CornerRadius, Galley, Key, KeyboardShortcut, Label, Layout, Modifiers, Rect, RichText, ScrollArea,
    TextEdit, Ui, UiBuilder, pos2, vec2,
};

use crate::engine::{CHAT_TEXT_BYTES, ChatLine, Command, Snapshot};
use crate::gui::icons::Icon;
use crate::gui::speech;
use crate::gui::state::{TEXT_CHARS, UiState};
use crate::gui::theme::{self, palette, radius, size, space, text};
use crate::gui::widgets::{self, Button, Look};

use super::by_keyboard;

/// Lines of one person within this time stand together under one name.
const TOGETHER_S: u64 = 300;
/// Above a line with a name, and above one without.
const GROUP_GAP: f32 = 14.0;
const LINE_GAP: f32 = 4.0;
const NAME_HEIGHT: f32 = 20.0;
/// Between a text and the edge of its bubble.
const PAD: egui::Vec2 = vec2(11.0, 7.0);
/// The field grows with what is written, up to this.
const FIELD_MAX: f32 = 112.0;

pub(super) fn show(ui: &mut Ui, snapshot: &Snapshot, state: &mut UiState, commands: &mut Vec<Command>) {
    let place = ui.available_rect_before_wrap();
    let edit_width = place.width() - size::CONTROL - space::S;
    let height = field_height(ui, &state.room.chat.draft, edit_width);
    let (list, field) = place.split_top_bottom_at_y(place.bottom() - height - space::S);
    let mut upper = ui.new_child(UiBuilder::new().max_rect(list).layout(Layout::top_down(Align::Min)));
    let lines = &snapshot.room.chat;
    if lines.is_empty() {
        let later = if snapshot.room.rules.history { " Who comes later can read it, too." } else { "" };
        widgets::weak(&mut upper, format!("Nothing was written yet. Everybody in the meeting reads it.{later}"));
    } else {
        said(&mut upper, lines, state);
    }
    let field = Rect::from_min_max(pos2(field.left(), field.bottom() - height), field.max);
    write(ui, field, state, commands);
}

fn said(ui: &mut Ui, lines: &Arc<[ChatLine]>, state: &mut UiState) {
    // The scroll bar gets room of its own, so that a width does not depend on whether there is one.
    let width = (ui.available_width() - space::S).max(64.0);
    let text_width = (width * 0.88 - 2.0 * PAD.x).max(32.0);
    let chat = &mut state.room.chat;
    let measure = |line: &ChatLine| laid_out(ui, &line.text, text_width, Color32::PLACEHOLDER).size().y;
    chat.heights.update(lines, width, measure, around);
    let total = chat.heights.total();
    let to_end = std::mem::take(&mut chat.to_end);
    let mut mismatch = false;
    ScrollArea::vertical().id_salt("chat").auto_shrink(false).stick_to_bottom(true).show_viewport(
        ui,
        |ui, viewport| {
            by_keyboard(ui);
            ui.set_width(width);
            ui.set_height(total);
            let origin = ui.max_rect().min;
            for (index, top) in chat.heights.between(viewport.top(), viewport.bottom()) {
                let Some(line) = lines.get(index) else { continue };
                let before = index.checked_sub(1).and_then(|before| lines.get(before));
                let measured = chat.heights.text(index);
                let place =
                    Rect::from_min_size(pos2(origin.x, origin.y + top), vec2(width, measured + around(before, line)));
                mismatch |= (one(ui, place, before, line, text_width) - measured).abs() > 0.5;
            }
            if to_end {
                let end = pos2(origin.x, origin.y + total);
                ui.scroll_to_rect(Rect::from_min_size(end, vec2(1.0, 1.0)), Some(Align::Max));
            }
        },
    );
    if mismatch {
        // A font was loaded after the text was measured.
        chat.heights.forget();
        ui.ctx().request_discard("texts of the chat changed their height");
    }
}

fn begins_group(before: Option<&ChatLine>, line: &ChatLine) -> bool {
    before.is_none_or(|before| {
        before.who != line.who || before.own != line.own || line.unix_s.abs_diff(before.unix_s) > TOGETHER_S
    })
}

/// What a line needs beside its text.
fn around(before: Option<&ChatLine>, line: &ChatLine) -> f32 {
    2.0 * PAD.y + if begins_group(before, line) { GROUP_GAP + NAME_HEIGHT } else { LINE_GAP }
}

/// Draws a line; returns how high its text is.
fn one(ui: &mut Ui, place: Rect, before: Option<&ChatLine>, line: &ChatLine, text_width: f32) -> f32 {
    let p = palette(ui);
    let align = if line.own { Align::Max } else { Align::Min };
    let layout = Layout::top_down(align);
    let mut row = ui.new_child(UiBuilder::new().id_salt(("line", line.number)).max_rect(place).layout(layout));
    row.spacing_mut().item_spacing.y = 0.0;
    let mut top = place.top() + LINE_GAP;
    if begins_group(before, line) {
        row.add_space(GROUP_GAP);
        let name = if line.own { "You" } else { line.name.as_str() };
        let time = speech::time_of_day(line.unix_s);
        let head = if time.is_empty() { name.to_owned() } else { format!("{} · {time}", speech::short(name, 28)) };
        row.add(Label::new(RichText::new(head).font(theme::strong(text::SMALL)).color(p.weak)).truncate());
        top = place.top() + GROUP_GAP + NAME_HEIGHT;
    }
    let galley = laid_out(&row, &line.text, text_width, p.text);
    let bubble = galley.size() + 2.0 * PAD;
    let left = if line.own { place.right() - bubble.x } else { place.left() };
    let bubble = Rect::from_min_size(pos2(left, top), bubble);
    row.painter().rect_filled(bubble, CornerRadius::same(radius::TILE), if line.own { p.own } else { p.raised });
    let height = galley.size().y;
    let mut inside = row.new_child(UiBuilder::new().max_rect(bubble.shrink2(PAD)).layout(Layout::top_down(Align::Min)));
    inside.add(Label::new(galley).selectable(true));
    height
}

fn laid_out(ui: &Ui, words: &str, width: f32, ink: Color32) -> Arc<Galley> {
    let job = LayoutJob::simple(words.to_owned(), theme::regular(text::BODY), ink, width);
    ui.fonts_mut(|fonts| fonts.layout_job(job))
}

fn field_height(ui: &Ui, draft: &str, width: f32) -> f32 {
    let room = width - 2.0 * space::M;
    // A line that was just begun counts, too.
    let measured = laid_out(ui, &format!("{draft}\u{200b}"), room, Color32::PLACEHOLDER).size().y;
    (measured + 2.0 * 11.0).clamp(size::CONTROL, FIELD_MAX)
}

fn write(ui: &mut Ui, field: Rect, state: &mut UiState, commands: &mut Vec<Command>) {
    let chat = &mut state.room.chat;
    let corner = field.max - vec2(size::CONTROL, size::CONTROL);
    let edit_place = Rect::from_min_max(field.min, pos2(corner.x - space::S, field.bottom()));
    let mut sends = false;
    let mut inner = ui.new_child(UiBuilder::new().max_rect(edit_place).layout(Layout::top_down(Align::Min)));
    ScrollArea::vertical().id_salt("draft").max_height(edit_place.height()).show(&mut inner, |ui| {
        let edit = TextEdit::multiline(&mut chat.draft)
            .hint_text(RichText::new("Write to everybody").color(palette(ui).weak))
            .char_limit(TEXT_CHARS)
            .desired_rows(1)
            .desired_width(edit_place.width())
            .min_size(vec2(0.0, size::CONTROL))
            .margin(egui::Margin::symmetric(12, 10))
            .return_key(KeyboardShortcut::new(Modifiers::SHIFT, Key::Enter));
        let response = ui.add(edit);
        // The field counts characters, the wire bytes: in most alphabets fewer fit.
        chat.draft.truncate(chat.draft.floor_char_boundary(CHAT_TEXT_BYTES));
        ui.ctx().accesskit_node_builder(response.id, |node| node.set_label("Message to everybody"));
        if std::mem::take(&mut chat.wants_focus) {
            response.request_focus();
        }
        sends = response.has_focus()
            && ui.input(|input| input.key_pressed(Key::Enter) && input.modifiers == Modifiers::NONE);
    });
    let ready = !chat.draft.trim().is_empty();
    let look = if ready { Look::Main } else { Look::Plain };
    let send = Button::icon(Icon::Send, "Send").look(look).tooltip("Send (Enter)").enabled(ready);
    let mut right = ui.new_child(UiBuilder::new().max_rect(Rect::from_min_max(corner, field.max)));
    sends |= right.add(send.width(size::CONTROL).height(size::CONTROL)).clicked();
    if sends && let Some(words) = chat.take() {
        commands.push(Command::Chat(words));
        chat.wants_focus = true;
    }
}
