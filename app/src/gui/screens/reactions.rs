//! Reactions: what each looks like, the small popup that sends one, and the bubble that shows one.

use egui::accesskit::Role;
use egui::{CornerRadius, Id, LayerId, Painter, Popup, PopupCloseBehavior, Pos2, Rect, RectAlign, Sense, Ui};

use crate::engine::{Command, Reaction};
use crate::gui::icons::{self, Icon};
use crate::gui::theme::{self, HAND, VEIL, VEIL_GROUND, WARN_ON_PICTURE, palette, radius, size, space};
use crate::gui::widgets;

/// All there are, in the order they are offered; the number of each is its key while the popup is open.
const ALL: [(Reaction, egui::Key); 6] = [
    (Reaction::Yes, egui::Key::Num1),
    (Reaction::No, egui::Key::Num2),
    (Reaction::Applause, egui::Key::Num3),
    (Reaction::Laugh, egui::Key::Num4),
    (Reaction::Heart, egui::Key::Num5),
    (Reaction::Surprise, egui::Key::Num6),
];

/// The popup, to open and close it.
pub(in crate::gui) fn popup() -> Id {
    Id::unique("reactions")
}

pub(super) const fn name(reaction: Reaction) -> &'static str {
    match reaction {
        Reaction::Yes => "Thumb up",
        Reaction::No => "Thumb down",
        Reaction::Applause => "Applause",
        Reaction::Laugh => "Laughing",
        Reaction::Heart => "Heart",
        Reaction::Surprise => "Surprised",
    }
}

const fn icon(reaction: Reaction) -> Icon {
    match reaction {
        Reaction::Yes => Icon::ThumbUp,
        Reaction::No => Icon::ThumbDown,
        Reaction::Applause => Icon::Applause,
        Reaction::Laugh => Icon::Laugh,
        Reaction::Heart => Icon::Heart,
        Reaction::Surprise => Icon::Surprise,
    }
}

/// The popup above `anchor`, while it is open.
pub(super) fn show(ui: &Ui, anchor: Rect, commands: &mut Vec<Command>) {
    let ctx = ui.ctx().clone();
    let just_opened = Popup::is_id_open(&ctx, popup()) && ctx.read_response(popup()).is_none();
    let layer: LayerId = ui.layer_id();
    Popup::new(popup(), ctx, anchor, layer)
        .open_memory(None)
        .align(RectAlign::TOP)
        .gap(space::S)
        .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
        .show(|ui| {
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = space::XS;
                for (index, (reaction, key)) in ALL.into_iter().enumerate() {
                    let response = choice(ui, reaction, index + 1);
                    if just_opened && index == 0 {
                        response.request_focus();
                    }
                    let typed = !ui.ctx().text_edit_focused() && ui.input(|input| input.key_pressed(key));
                    if response.clicked() || typed {
                        commands.push(Command::React(reaction));
                        ui.close();
                    }
                }
            });
        });
}

fn choice(ui: &mut Ui, reaction: Reaction, number: usize) -> egui::Response {
    let p = palette(ui);
    let (rect, response) = ui.allocate_exact_size(theme::square(size::CONTROL + space::XS), Sense::click());
    let corner = CornerRadius::same(radius::CONTROL);
    if response.hovered() {
        ui.painter().rect_filled(rect, corner, p.raised_hover);
    }
    icons::paint(ui.painter(), icons::centred(rect, 25.0), icon(reaction), p.text, p.surface);
    response.widget_info(|| egui::WidgetInfo::labeled(Role::Button, true, name(reaction)));
    widgets::focus_ring(ui, &response, rect.shrink(3.0), corner);
    response.on_hover_text(format!("{} ({number})", name(reaction)))
}

/// A reaction over a picture, its upper right corner given.
pub(super) fn bubble(painter: &Painter, corner: Pos2, side: f32, reaction: Reaction) {
    let rect = Rect::from_min_max(Pos2::new(corner.x - side, corner.y), Pos2::new(corner.x, corner.y + side));
    painter.rect_filled(rect, CornerRadius::same(radius::PILL), VEIL);
    let ink = if reaction == Reaction::Heart { WARN_ON_PICTURE } else { HAND };
    icons::paint(painter, icons::centred(rect, side * 0.58), icon(reaction), ink, VEIL_GROUND);
}

/// The same in a line of text.
pub(super) fn small(ui: &Ui, centre: Pos2, reaction: Reaction) {
    let p = palette(ui);
    let place = Rect::from_center_size(centre, theme::square(20.0));
    icons::paint(ui.painter(), place, icon(reaction), p.text, p.surface);
}
