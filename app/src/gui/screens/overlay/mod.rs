//! What lies over every screen: a knock, which must not be missed; a name that is not whose it seems; who cannot hear us; offered
//! files; notices; short confirmations; and where a dragged file may be dropped.

mod cards;
mod knock;

use egui::{Align2, Area, Context, CornerRadius, Frame, LayerId, Order, RichText, Stroke, Ui, vec2};

use crate::engine::{Command, Knock, Snapshot, Stage};
use crate::gui::icons::{self, Icon};
use crate::gui::state::UiState;
use crate::gui::theme::{self, ON_PICTURE, VEIL, palette, radius, size, space, text};
use crate::gui::widgets;

use super::meeting;

pub(crate) fn show(ui: &mut Ui, snapshot: &Snapshot, state: &mut UiState, commands: &mut Vec<Command>) {
    let ctx = ui.ctx().clone();
    let window = ui.max_rect();
    let width = (window.width() - 2.0 * space::M).min(size::COLUMN);
    // At home, too: who is visible on the network is knocked at there.
    let waiting: Vec<&Knock> = snapshot.knocks.iter().filter(|knock| !state.answered.contains(&knock.who)).collect();
    call_for_attention(&ctx, waiting.len());
    // Over the middle of the tiles, not of the window, when a panel stands beside them.
    let left = meeting::panel_beside(state, snapshot, window).map_or(0.0, |width| -width / 2.0);
    let cards = cards::waiting(snapshot, state);
    if !waiting.is_empty() || !cards.is_empty() {
        Area::new(egui::Id::unique("door and notices"))
            .order(Order::Middle)
            .anchor(Align2::CENTER_TOP, vec2(left, space::M))
            .default_width(width)
            .show(&ctx, |ui| {
                ui.set_width(width);
                ui.spacing_mut().item_spacing.y = space::S;
                let mut room = cards::room(window.height());
                if let Some((first, rest)) = waiting.split_first() {
                    let inside = snapshot.stage == Stage::Meeting;
                    knock::show(ui, first, rest, inside, state, commands);
                    room = room.saturating_sub(1);
                }
                let hidden = cards.len().saturating_sub(room);
                for card in cards.into_iter().take(room) {
                    cards::show(ui, card, snapshot, state, commands);
                }
                if hidden > 0 && waiting.is_empty() {
                    floating(ui, palette(ui).line).inner_margin(egui::Margin::symmetric(16, 8)).show(ui, |ui| {
                        widgets::weak(ui, format!("{hidden} more"));
                    });
                }
            });
    }
    if snapshot.stage == Stage::Meeting {
        where_to_drop(&ctx, window);
    }
    if let Some(sentence) = state.confirmation(&ctx) {
        confirmation(&ctx, ui, sentence, snapshot.stage == Stage::Meeting);
    }
}

/// Makes the window ask for attention in the task bar when somebody new is at the door.
fn call_for_attention(ctx: &Context, waiting: usize) {
    let key = egui::Id::unique("knocks seen");
    let before: usize = ctx.data(|data| data.get_temp(key).unwrap_or(0));
    if before == waiting {
        return;
    }
    ctx.data_mut(|data| data.insert_temp(key, waiting));
    if waiting > before && !ctx.input(|input| input.focused) {
        ctx.send_viewport_cmd(egui::ViewportCommand::RequestUserAttention(egui::UserAttentionType::Critical));
    }
}

fn floating(ui: &Ui, edge: egui::Color32) -> Frame {
    Frame::new()
        .fill(palette(ui).surface)
        .stroke(Stroke::new(1.0, edge))
        .corner_radius(CornerRadius::same(radius::CARD))
        .shadow(theme::shadow())
        .inner_margin(egui::Margin::same(16))
}

/// While a file is dragged over the window.
fn where_to_drop(ctx: &Context, window: egui::Rect) {
    if ctx.input(|input| input.raw.hovered_files.is_empty()) {
        return;
    }
    let painter = ctx.layer_painter(LayerId::new(Order::Foreground, egui::Id::unique("where to drop")));
    painter.rect_filled(window, CornerRadius::ZERO, VEIL);
    let side = theme::square(40.0);
    let at = egui::Rect::from_center_size(window.center() - vec2(0.0, 34.0), side);
    icons::paint(&painter, at, Icon::Up, ON_PICTURE, theme::VEIL_GROUND);
    let below = window.center() + vec2(0.0, 14.0);
    painter.text(below, Align2::CENTER_CENTER, "Drop here to offer it", theme::strong(text::LARGE), ON_PICTURE);
}

/// On whose side it lies, for a person.
pub(super) fn side(whose_fault: &str) -> Option<&'static str> {
    match whose_fault {
        "yours" => Some("It lies on this side."),
        "theirs" => Some("It lies on the other side."),
        "the network's" => Some("It lies with the network between you."),
        "a device's" => Some("It lies with a device."),
        "ours" => Some("It lies with Conclave itself."),
        _ => None,
    }
}

fn confirmation(ctx: &Context, ui: &Ui, sentence: &str, above_controls: bool) {
    let p = palette(ui);
    let up = if above_controls { 92.0 } else { space::XL };
    let place = Area::new(egui::Id::unique("confirmation")).order(Order::Foreground).interactable(false);
    place.anchor(Align2::CENTER_BOTTOM, vec2(0.0, -up)).show(ctx, |ui| {
        Frame::new()
            .fill(p.text)
            .corner_radius(CornerRadius::same(radius::CONTROL))
            .shadow(theme::shadow())
            .inner_margin(egui::Margin::symmetric(16, 10))
            .show(ui, |ui| {
                ui.horizontal(|ui| {
                    let (rect, _) = ui.allocate_exact_size(theme::square(18.0), egui::Sense::hover());
                    icons::paint(ui.painter(), rect, Icon::Check, p.ground, p.text);
                    ui.label(RichText::new(sentence).color(p.ground));
                });
            });
    });
}
