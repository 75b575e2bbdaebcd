//! Larger pieces that several screens share: a line of a list or menu, a progress bar, a small pill, a calm note, a loud
//! warning, and a question that is answered before something cannot be undone.

use egui::accesskit::Role;
use egui::{
    Color32, CornerRadius, Frame, Label, Margin, Painter, Pos2, Rect, Response, RichText, Sense, Stroke, Ui,
    WidgetInfo, pos2, vec2,
};

use super::{Button, Look, ellipsis, focus_ring, icon};
use crate::gui::icons::{self, Icon};
use crate::gui::theme::{self, palette, radius, size, space, text};

/// A line of a list or menu that leads somewhere or does something; `trailing` says a little about it on the right.
pub(crate) fn item(ui: &mut Ui, icon: Icon, name: &str, trailing: &str) -> Response {
    let p = palette(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), size::CONTROL), Sense::click());
    let spoken = if trailing.is_empty() { name.to_owned() } else { format!("{name}, {trailing}") };
    let enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, &spoken));
    let corner = CornerRadius::same(radius::CONTROL);
    if response.hovered() || response.has_focus() {
        ui.painter().rect_filled(rect, corner, p.raised);
    }
    let inner = rect.shrink2(vec2(space::S, 0.0));
    let at = Rect::from_center_size(pos2(inner.left() + 10.0, rect.center().y), theme::square(size::ICON));
    icons::paint(ui.painter(), at, icon, p.text, p.surface);
    let mut right = inner.right();
    if !trailing.is_empty() {
        let galley = ellipsis(ui, trailing, theme::regular(text::SMALL), inner.width() * 0.5);
        right -= galley.size().x;
        let top = rect.center().y - galley.size().y / 2.0;
        ui.painter().galley(pos2(right, top), galley, p.weak);
        right -= space::S;
    }
    let left = at.right() + space::M;
    let label = ellipsis(ui, name, theme::regular(text::BODY), right - left);
    ui.painter().galley(pos2(left, rect.center().y - label.size().y / 2.0), label, p.text);
    focus_ring(ui, &response, rect.shrink(3.0), corner);
    response
}

/// How much of something is through, 0.0 .. 1.0.
pub(crate) fn progress(ui: &mut Ui, part: f32, name: &str) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 6.0), Sense::hover());
    let part = part.clamp(0.0, 1.0);
    response.widget_info(|| WidgetInfo {
        value: Some(f64::from((part * 100.0).round())),
        ..WidgetInfo::labeled(Role::ProgressIndicator, true, name)
    });
    let p = palette(ui);
    ui.painter().rect_filled(rect, 3.0, p.raised_hover);
    let done = Rect::from_min_size(rect.min, vec2(rect.width() * part, rect.height()));
    ui.painter().rect_filled(done, 3.0, p.accent);
    response
}

/// An icon and a short text on a ground of its own, beginning at `left`, centred in height; returns where it lies.
pub(crate) fn pill(
    painter: &Painter,
    left: Pos2,
    side: f32,
    icon: Icon,
    words: &str,
    colours: (Color32, Color32),
) -> Rect {
    let (ground, ink) = colours;
    let font = theme::strong((side * 0.56).max(9.0));
    let galley = painter.layout_no_wrap(words.to_owned(), font, ink);
    let icon_side = side * 0.66;
    let gap = if words.is_empty() { 0.0 } else { side * 0.16 };
    let inner = icon_side + gap + galley.size().x;
    let rect = Rect::from_min_size(pos2(left.x, left.y - side / 2.0), vec2(inner + side * 0.56, side));
    painter.rect_filled(rect, CornerRadius::same(radius::PILL), ground);
    let x = rect.left() + side * 0.28;
    let at = Rect::from_min_size(pos2(x, rect.center().y - icon_side / 2.0), theme::square(icon_side));
    icons::paint(painter, at, icon, ink, ground);
    painter.galley(pos2(at.right() + gap, rect.center().y - galley.size().y / 2.0), galley, ink);
    rect
}

/// Something to know, said calmly.
pub(crate) fn note(ui: &mut Ui, mark: Icon, sentence: &str) {
    let p = palette(ui);
    Frame::new().fill(p.ground).corner_radius(CornerRadius::same(radius::CONTROL)).inner_margin(Margin::same(12)).show(
        ui,
        |ui| {
            ui.set_width(ui.available_width());
            ui.horizontal_top(|ui| {
                icon(ui, mark, p.accent_text);
                ui.add(Label::new(RichText::new(sentence).color(p.text)).wrap());
            });
        },
    );
}

/// Something to be afraid of: a title and what to do, in a frame that is not overlooked.
pub(crate) fn alarm(ui: &mut Ui, title: &str, sentence: &str) {
    let p = palette(ui);
    Frame::new()
        .fill(p.alarm)
        .stroke(Stroke::new(1.5, p.warn))
        .corner_radius(CornerRadius::same(radius::CONTROL))
        .inner_margin(Margin::same(12))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.horizontal_top(|ui| {
                icon(ui, Icon::Warning, p.warn);
                ui.vertical(|ui| {
                    ui.spacing_mut().item_spacing.y = space::XS;
                    let title = RichText::new(title).font(theme::strong(text::BODY)).color(p.warn);
                    ui.add(Label::new(title).wrap());
                    ui.add(Label::new(RichText::new(sentence).color(p.text)).wrap());
                });
            });
        });
}

/// Asks before something that cannot be undone. `Some(true)`: do it; `Some(false)`: leave it. When it appears it is scrolled
/// to, and the keyboard stands on *Cancel*.
pub(crate) fn question(ui: &mut Ui, sentence: &str, go_on: &str) -> Option<bool> {
    let p = palette(ui);
    let mut answer = None;
    let appears = appears(ui, sentence);
    let asked = Frame::new()
        .fill(p.ground)
        .stroke(Stroke::new(1.0, p.frame))
        .corner_radius(CornerRadius::same(radius::CONTROL))
        .inner_margin(Margin::same(12))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.add(Label::new(RichText::new(sentence).color(p.text)).wrap());
            ui.add_space(space::XS);
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = space::S;
                let width = (ui.available_width() - space::S) / 2.0;
                let cancel = ui.add(Button::text("Cancel").width(width));
                if appears {
                    cancel.request_focus();
                }
                if cancel.clicked() {
                    answer = Some(false);
                }
                if ui.add(Button::text(go_on).look(Look::Danger).width(width)).clicked() {
                    answer = Some(true);
                }
            });
        });
    if appears {
        asked.response.scroll_to_me(None);
    }
    answer
}

/// Whether something was not there with the last pass.
fn appears(ui: &Ui, what: &str) -> bool {
    let (id, now) = (ui.scope_id().with(("asked", what)), ui.ctx().cumulative_pass_nr());
    let before: Option<u64> = ui.data(|data| data.get_temp(id));
    ui.data_mut(|data| data.insert_temp(id, now));
    before.is_none_or(|before| before + 1 < now)
}
