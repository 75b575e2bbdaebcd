//! One tile: a picture or an avatar, the name, who speaks, who is muted, and whether anything arrives at all.

use std::sync::Arc;
use std::time::Duration;

use conclave_media::PictureSlot;
use egui::epaint::RectShape;
use egui::{Color32, CornerRadius, Rect, Response, Sense, Stroke, StrokeKind, Ui, pos2, vec2};

use crate::engine::{DeviceState, Person, Snapshot};
use crate::gui::icons::{self, Icon};
use crate::gui::pictures;
use crate::gui::state::UiState;
use crate::gui::theme::{self, ON_PICTURE, VEIL, palette, radius, size, space, text};
use crate::gui::widgets;

/// Somebody else; a click asks for their link panel.
pub(super) fn person(ui: &mut Ui, rect: Rect, person: &Person, state: &mut UiState) -> Response {
    let response = ui.interact(rect, ui.scope_id().with(("tile", &person.who)), Sense::click());
    let name = format!("Show the link to {}", person.name);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Button, true, &name));
    let condition = condition(person);
    ui.ctx().accesskit_node_builder(response.id, |node| node.set_description(condition.clone()));

    let slot = person.picture.as_ref().filter(|_| person.camera_on);
    if !picture(ui, rect, slot, false, state) {
        ground(ui, rect);
        let diameter = (rect.height() * 0.36).clamp(28.0, 120.0);
        widgets::avatar(ui.painter(), rect.center(), diameter, &person.who, &person.name);
    }
    if let Some(silent) = person.silent_for {
        silence(ui, rect, &person.name, silent);
    }
    name_plate(ui, rect, &person.name, person.muted);
    outline(ui, rect, person.speaking);
    widgets::focus_ring(ui, &response, rect.shrink(4.0), CornerRadius::same(radius::TILE));
    response
}

/// Ourselves, as in a mirror.
pub(super) fn own(ui: &mut Ui, rect: Rect, snapshot: &Snapshot, floats: bool, state: &mut UiState) {
    let response = ui.interact(rect, ui.scope_id().with("own tile"), Sense::hover());
    let name = match (snapshot.camera_off, snapshot.muted) {
        (false, false) => "Your picture",
        (true, false) => "Your picture. Camera off",
        (false, true) => "Your picture. Muted",
        (true, true) => "Your picture. Camera off, muted",
    };
    response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Image, true, name));
    if floats {
        let shadow = theme::shadow().as_shape(rect, CornerRadius::same(radius::TILE));
        ui.painter().add(shadow);
    }
    let shown = !snapshot.camera_off && picture(ui, rect, snapshot.own_picture.as_ref(), true, state);
    if !shown {
        ground(ui, rect);
        let diameter = (rect.height() * 0.36).clamp(28.0, 120.0);
        widgets::avatar(ui.painter(), rect.center(), diameter, "", &snapshot.name);
    }
    let failed = matches!(snapshot.microphone, DeviceState::Failed(_));
    name_plate(ui, rect, "You", snapshot.muted || failed);
    if floats {
        let edge = Stroke::new(1.5, Color32::from_white_alpha(60));
        ui.painter().rect_stroke(rect, CornerRadius::same(radius::TILE), edge, StrokeKind::Inside);
    }
}

/// Draws the newest picture of a slot over `rect`; false when there is none.
pub(super) fn picture(
    ui: &Ui,
    rect: Rect,
    slot: Option<&Arc<PictureSlot>>,
    mirrored: bool,
    state: &mut UiState,
) -> bool {
    let height_px = rect.height() * ui.pixels_per_point();
    let newest = slot.and_then(|slot| state.pictures.newest(ui.ctx(), slot, height_px));
    let Some((texture, picture_size)) = newest else { return false };
    let corner = CornerRadius::same(radius::TILE);
    let (part, place) = pictures::fit(picture_size, rect, mirrored);
    if place != rect {
        ui.painter().rect_filled(rect, corner, Color32::BLACK);
    }
    ui.painter().add(RectShape::filled(place, corner, Color32::WHITE).with_texture(texture, part));
    true
}

fn ground(ui: &Ui, rect: Rect) {
    ui.painter().rect_filled(rect, CornerRadius::same(radius::TILE), palette(ui).tile);
}

fn outline(ui: &Ui, rect: Rect, speaking: bool) {
    if speaking {
        let ring = Stroke::new(3.0, palette(ui).accent);
        ui.painter().rect_stroke(rect, CornerRadius::same(radius::TILE), ring, StrokeKind::Inside);
    }
}

fn name_plate(ui: &Ui, rect: Rect, name: &str, muted: bool) {
    let small = rect.width() < 160.0;
    let (height, margin, side) = if small { (20.0, 5.0, 7.0) } else { (26.0, space::S, 10.0) };
    let font = theme::strong(if small { 11.0 } else { text::SMALL });
    let icon_side = if small { 12.0 } else { 14.0 };
    let icon = if muted { icon_side + space::XS } else { 0.0 };
    let galley = widgets::ellipsis(ui, name, font, rect.width() - 2.0 * margin - 2.0 * side - icon);
    let plate = Rect::from_min_size(
        pos2(rect.left() + margin, rect.bottom() - margin - height),
        vec2(galley.size().x + icon + 2.0 * side, height),
    );
    ui.painter().rect_filled(plate, CornerRadius::same(13), VEIL);
    let mut x = plate.left() + side;
    if muted {
        let at = Rect::from_center_size(pos2(x + icon_side / 2.0, plate.center().y), theme::square(icon_side));
        icons::paint(
            ui.painter(),
            at,
            Icon::MicrophoneOff,
            Color32::from_rgb(0xff, 0xb4, 0xab),
            Color32::from_gray(30),
        );
        x += icon;
    }
    ui.painter().galley(pos2(x, plate.center().y - galley.size().y / 2.0), galley, ON_PICTURE);
}

/// Says over the last picture that nothing arrives.
fn silence(ui: &Ui, rect: Rect, name: &str, silent: Duration) {
    ui.painter().rect_filled(rect, CornerRadius::same(radius::TILE), VEIL);
    let roomy = rect.width() > 260.0;
    let sentence = silence_sentence(name, silent);
    let short = if rect.width() > 160.0 {
        format!("Nothing arrives for {} s", silent.as_secs())
    } else {
        format!("Silent for {} s", silent.as_secs())
    };
    let font = theme::regular(if roomy { text::BODY } else { text::SMALL });
    let job = egui::text::LayoutJob {
        halign: egui::Align::Center,
        ..egui::text::LayoutJob::simple(if roomy { sentence } else { short }, font, ON_PICTURE, rect.width() - space::L)
    };
    let galley = ui.fonts_mut(|fonts| fonts.layout_job(job));
    let top = rect.center().y - galley.size().y / 2.0 + if roomy { 14.0 } else { 0.0 };
    if roomy {
        let at = Rect::from_center_size(pos2(rect.center().x, top - 20.0), theme::square(size::ICON));
        icons::paint(ui.painter(), at, Icon::Warning, ON_PICTURE, Color32::from_gray(30));
    }
    ui.painter().galley(pos2(rect.center().x, top), galley, ON_PICTURE);
}

/// "Nothing arrives from Bo for 5 s; trying to reconnect."
pub(super) fn silence_sentence(name: &str, silent: Duration) -> String {
    format!("Nothing arrives from {name} for {} s; trying to reconnect.", silent.as_secs())
}

/// How somebody is doing, in words.
pub(super) fn condition(person: &Person) -> String {
    if let Some(silent) = person.silent_for {
        return silence_sentence(&person.name, silent);
    }
    let mut words = Vec::new();
    if person.speaking {
        words.push("Speaking");
    }
    if person.muted {
        words.push("Muted");
    }
    if !person.camera_on {
        words.push("Camera off");
    }
    if words.is_empty() { "Listening".to_owned() } else { words.join(" · ") }
}
