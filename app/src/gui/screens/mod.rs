//! The screens, one per stage of the snapshot, and what lies over them. Each draws and appends commands, nothing else.

mod bar;
mod contacts;
pub(super) mod ended;
pub(super) mod entering;
pub(super) mod home;
pub(super) mod meeting;
pub(super) mod overlay;
mod panels;
mod pin;
pub(super) mod preview;
pub(super) mod reactions;
mod slow;
mod tile;

use egui::{Rect, RichText, ScrollArea, Ui, UiBuilder, Vec2, vec2};

use super::theme::{self, palette, size, space, text};

/// A column of at most `width` in the middle of the window, scrolling when the window is too low for it. `id` remembers how
/// high it was, to centre it.
fn column(ui: &mut Ui, id: &'static str, width: f32, content: impl FnOnce(&mut Ui)) {
    let room = ui.max_rect();
    let margin = if room.width() < 520.0 { space::L } else { space::XL };
    let width = width.min(room.width() - 2.0 * margin);
    let key = ui.scope_id().with(id);
    let known: Option<f32> = ui.data(|data| data.get_temp(key));
    let top = known.map_or(margin, |height| ((room.height() - height) * 0.45).max(margin));
    ScrollArea::vertical().id_salt(id).auto_shrink(false).show(ui, |ui| {
        let left = room.left() + (room.width() - width) / 2.0;
        let at = egui::pos2(left, ui.max_rect().top() + top);
        let place = Rect::from_min_size(at, vec2(width, (room.height() - top).max(0.0)));
        let inner = ui.scope_builder(UiBuilder::new().max_rect(place), |ui| {
            ui.set_width(width);
            content(ui);
        });
        let height = inner.response.rect.height();
        ui.allocate_space(Vec2::new(0.0, margin));
        if known.is_none_or(|known| (known - height).abs() > 0.5) {
            ui.data_mut(|data| data.insert_temp(key, height));
            ui.ctx().request_discard("a column is centred by its height");
        }
    });
}

fn title(ui: &mut Ui, sentence: &str) {
    ui.add(egui::Label::new(RichText::new(sentence).font(theme::strong(text::TITLE)).color(palette(ui).text)).wrap());
}

fn heading(ui: &mut Ui, sentence: &str) {
    ui.label(RichText::new(sentence).font(theme::strong(text::LARGE)).color(palette(ui).text));
}

/// A line as high as its text; without this every line is as high as a button.
fn text_line<R>(ui: &mut Ui, content: impl FnOnce(&mut Ui) -> R) -> R {
    ui.scope(|ui| {
        ui.spacing_mut().interact_size.y = 20.0;
        ui.horizontal(content).inner
    })
    .inner
}

/// Room between two groups.
fn gap(ui: &mut Ui, points: f32) {
    ui.add_space(points - ui.spacing().item_spacing.y.min(points));
}

/// "1:05" or "1:02:03".
fn clock(duration: std::time::Duration) -> String {
    let seconds = duration.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// Two buttons side by side that share the width.
fn half(ui: &Ui) -> f32 {
    ((ui.available_width() - space::M) / 2.0).max(size::CONTROL)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::clock;

    #[test]
    fn clocks_show_hours_only_when_there_are_some() {
        assert_eq!(clock(Duration::from_secs(5)), "0:05");
        assert_eq!(clock(Duration::from_secs(754)), "12:34");
        assert_eq!(clock(Duration::from_secs(3723)), "1:02:03");
    }
}
