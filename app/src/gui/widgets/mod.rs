//! The controls of the window that egui does not have in this shape: one button in several looks, lines of lists and menus, a
//! switch, an avatar, a level meter, a labelled field. Each has an accessible name, a focus ring and a tooltip. Drawing and input only.

mod button;
mod pieces;

use egui::accesskit::Role;
use egui::{
    Align2, Color32, CornerRadius, Rect, Response, RichText, Sense, Stroke, StrokeKind, TextEdit, TextWrapMode, Ui,
    WidgetInfo, WidgetText, pos2, vec2,
};

use super::icons::{self, Icon};
use super::theme::{self, palette, radius, size, space, text};

pub(crate) use button::{Button, Look};
pub(crate) use pieces::{alarm, item, note, pill, progress, question};

/// Shows where the keyboard is.
pub(crate) fn focus_ring(ui: &Ui, response: &Response, rect: Rect, corner: CornerRadius) {
    if response.has_focus() {
        let ring = Stroke::new(2.0, palette(ui).accent_text);
        ui.painter().rect_stroke(rect.expand(3.0), corner + CornerRadius::same(3), ring, StrokeKind::Inside);
    }
}

/// A switch with its text on the left; the whole line can be clicked.
pub(crate) fn switch(ui: &mut Ui, on: bool, text: &str) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), size::SMALL), Sense::click());
    let enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::selected(Role::Switch, enabled, on, text));
    let p = palette(ui);
    let track = Rect::from_center_size(pos2(rect.right() - 21.0, rect.center().y), vec2(40.0, 23.0));
    let (ground, edge, knob) = if on { (p.accent, p.accent, p.on_accent) } else { (p.raised, p.frame, p.frame) };
    ui.painter().rect(track, CornerRadius::same(12), ground, Stroke::new(1.5, edge), StrokeKind::Inside);
    let x = if on { track.right() - 11.5 } else { track.left() + 11.5 };
    ui.painter().circle_filled(pos2(x, track.center().y), 7.0, knob);
    let label = ellipsis(ui, text, theme::regular(text::BODY), track.left() - rect.left() - space::S);
    ui.painter().galley(pos2(rect.left(), rect.center().y - label.size().y / 2.0), label, p.text);
    focus_ring(ui, &response, rect.expand2(vec2(4.0, 0.0)), CornerRadius::same(radius::CONTROL));
    response
}

/// A text on one line, cut with "…" where the room ends.
pub(crate) fn ellipsis(ui: &Ui, text: &str, font: egui::FontId, room: f32) -> std::sync::Arc<egui::Galley> {
    let rich: WidgetText = RichText::new(text).font(font.clone()).into();
    rich.into_galley(ui, Some(TextWrapMode::Truncate), room.max(0.0), font)
}

/// A circle with initials, in a colour of this person's own.
pub(crate) fn avatar(painter: &egui::Painter, centre: egui::Pos2, diameter: f32, who: &str, name: &str) {
    let turn = who.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
    painter.circle_filled(centre, diameter / 2.0, theme::AVATARS[turn % theme::AVATARS.len()]);
    let font = theme::strong((diameter * 0.38).max(8.0));
    painter.text(centre, Align2::CENTER_CENTER, initials(name), font, Color32::WHITE);
}

/// First letters of the first and last word, or "?".
fn initials(name: &str) -> String {
    let mut words = name.split_whitespace().filter_map(|word| word.chars().find(|c| c.is_alphanumeric()));
    let first = words.next();
    let last = words.next_back();
    let letters: String = first.into_iter().chain(last).flat_map(char::to_uppercase).collect();
    if letters.is_empty() { "?".to_owned() } else { letters }
}

/// How loud the microphone hears us, 0.0 .. 1.0 of full scale.
pub(crate) fn level_meter(ui: &mut Ui, level: f32) -> Response {
    const BARS: u8 = 24;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 10.0), Sense::hover());
    let shown = perceived(level);
    response.widget_info(|| WidgetInfo {
        value: Some(f64::from((shown * 100.0).round())),
        ..WidgetInfo::labeled(Role::ProgressIndicator, true, "Microphone level")
    });
    let p = palette(ui);
    let step = rect.width() / f32::from(BARS);
    for bar in 0..BARS {
        let lit = f32::from(bar) + 0.5 < shown * f32::from(BARS);
        let x = rect.left() + f32::from(bar) * step;
        let at = Rect::from_min_size(pos2(x, rect.top()), vec2((step - 3.0).max(1.0), rect.height()));
        ui.painter().rect_filled(at, 2.0, if lit { p.accent } else { p.raised });
    }
    response
}

/// Loudness as heard: -54 dB .. -6 dB of full scale fill the meter.
fn perceived(level: f32) -> f32 {
    let decibels = 20.0 * level.clamp(1e-6, 1.0).log10();
    ((decibels + 54.0) / 48.0).clamp(0.0, 1.0)
}

/// A label and its field below, sharing one accessible name. Fills the width.
pub(crate) fn field(ui: &mut Ui, name: &str, hint: &str, edit: TextEdit<'_>) -> Response {
    let label = ui.label(RichText::new(name).font(theme::strong(text::SMALL)).color(palette(ui).weak));
    ui.add(styled(ui, edit, hint).desired_width(f32::INFINITY)).labelled_by(label.id)
}

/// A text field in the sizes of this window.
pub(crate) fn styled<'t>(ui: &Ui, edit: TextEdit<'t>, hint: &str) -> TextEdit<'t> {
    let hint = RichText::new(hint).color(palette(ui).weak);
    edit.hint_text(hint)
        .margin(egui::Margin::symmetric(12, 0))
        .min_size(vec2(0.0, size::CONTROL))
        .align(Align2::LEFT_CENTER)
}

/// An explanation, wrapped.
pub(crate) fn weak(ui: &mut Ui, sentence: impl Into<String>) -> Response {
    ui.add(egui::Label::new(RichText::new(sentence).color(palette(ui).weak)).wrap())
}

/// An icon as wide as a line of text.
pub(crate) fn icon(ui: &mut Ui, icon: Icon, colour: Color32) {
    let (rect, _) = ui.allocate_exact_size(theme::square(size::ICON), Sense::hover());
    icons::paint(ui.painter(), icons::centred(rect, 18.0), icon, colour, palette(ui).surface);
}

/// Something that is off or failing, as a sentence with a mark.
pub(crate) fn warning(ui: &mut Ui, sentence: &str) {
    let colour = palette(ui).warn;
    ui.horizontal_top(|ui| {
        icon(ui, Icon::Warning, colour);
        ui.add(egui::Label::new(RichText::new(sentence).color(colour)).wrap());
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_are_the_first_letters_of_first_and_last_word() {
        assert_eq!(initials("Ada"), "A");
        assert_eq!(initials("ada king lovelace"), "AL");
        assert_eq!(initials("  Øyvind   Åse "), "ØÅ");
        assert_eq!(initials("(Bo)"), "B");
        assert_eq!(initials(""), "?");
        assert_eq!(initials("🙂"), "?");
    }

    #[test]
    fn the_meter_is_empty_in_silence_and_full_when_shouting() {
        assert!(perceived(0.0).abs() < f32::EPSILON);
        assert!((perceived(1.0) - 1.0).abs() < f32::EPSILON);
        assert!(perceived(0.1) > 0.5, "ordinary speech lights more than half");
        assert!((0.0..=1.0).contains(&perceived(f32::NAN.max(0.0))));
    }
}
