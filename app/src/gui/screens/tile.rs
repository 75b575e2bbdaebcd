//! One tile: a picture or an avatar, the name, who speaks, who is muted, raised hands, reactions, whether the person is who we
//! verified, and whether anything arrives at all.

use std::sync::Arc;
use std::time::Duration;

use conclave_media::PictureSlot;
use egui::epaint::RectShape;
use egui::{Color32, CornerRadius, Rect, Response, Sense, Stroke, StrokeKind, Ui, pos2, vec2};

use crate::engine::{Command, DeviceState, Hears, Person, Reaction, Snapshot, Standing};
use crate::gui::icons::{self, Icon};
use crate::gui::pictures;
use crate::gui::state::UiState;
use crate::gui::theme::{
    self, GOOD_ON_PICTURE, HAND, ON_HAND, ON_PICTURE, VEIL, VEIL_GROUND, WARN_ON_PICTURE, palette, radius, size, space,
    text,
};
use crate::gui::widgets;

use super::pin::{Control, Pin};
use super::{reactions, slow};

/// What the meeting says about somebody, beside their picture.
pub(super) struct Marks<'a> {
    /// Their place among the raised hands, from 1.
    pub(super) hand: Option<usize>,
    pub(super) reaction: Option<Reaction>,
    pub(super) standing: &'a Standing,
    /// They tell that they do not hear us.
    pub(super) deaf_to_us: bool,
    /// What of their pictures does not come, or of all the others' if this is us.
    pub(super) slow: Option<String>,
    /// Whether they are pinned or can be.
    pub(super) pin: Option<Pin>,
}

impl<'a> Marks<'a> {
    pub(super) fn of(who: &str, snapshot: &'a Snapshot, state: &UiState) -> Self {
        let room = &snapshot.room;
        let us = room.me.as_str();
        let slow = match snapshot.people.iter().find(|person| person.who == who) {
            Some(person) => slow::on_tile(snapshot, person),
            None if who == us => slow::on_own_tile(snapshot),
            None => None,
        };
        let row = room.hearing.iter().find(|row| row.who == who && who != us);
        let hears = row.and_then(|row| row.of.iter().find(|(whom, _)| whom == us));
        Self {
            hand: room.hands.iter().position(|hand| hand == who).map(|before| before + 1),
            reaction: state.room.reactions.of(who),
            standing: room
                .members
                .iter()
                .find(|member| member.who == who)
                .map_or(&Standing::Stranger, |member| &member.standing),
            deaf_to_us: hears.is_some_and(|(_, hears)| *hears == Hears::No),
            slow,
            pin: Pin::of(who, snapshot),
        }
    }

    /// In words, for a list and a screen reader.
    pub(super) fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        if self.pin == Some(Pin::Pinned) {
            words.push("Pinned".to_owned());
        }
        match self.standing {
            Standing::NameOfAnother(name) => words.push(format!("Not the {name} you verified")),
            Standing::Verified | Standing::VerifiedAs(_) => words.push("Verified".to_owned()),
            Standing::Stranger => {}
        }
        if self.deaf_to_us {
            words.push("Cannot hear you".to_owned());
        }
        words.extend(self.slow.clone());
        words
    }

    /// What a picture of the hand and of the reaction says, in words.
    pub(super) fn gestures(&self) -> Vec<String> {
        let mut words = Vec::new();
        if let Some(place) = self.hand {
            words.push(format!("Hand raised, number {place}"));
        }
        if let Some(reaction) = self.reaction {
            words.push(reactions::name(reaction).to_owned());
        }
        words
    }
}

/// Somebody else; a click asks for their link panel, one on the control in the corner to pin them.
pub(super) fn person(
    ui: &mut Ui,
    rect: Rect,
    person: &Person,
    marks: &Marks<'_>,
    state: &mut UiState,
    commands: &mut Vec<Command>,
) -> Response {
    let response = ui.interact(rect, ui.scope_id().with(("tile", &person.who)), Sense::click());
    let name = format!("Show {}", person.name);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Button, true, &name));
    let said = marks.gestures().into_iter().chain([condition(person, marks)]).collect::<Vec<_>>().join(" · ");
    ui.ctx().accesskit_node_builder(response.id, |node| node.set_description(said));

    let slot = person.picture.as_ref().filter(|_| person.camera_on);
    if !picture(ui, rect, slot, false, state) {
        ground(ui, rect);
        let diameter = (rect.height() * 0.36).clamp(28.0, 120.0);
        widgets::avatar(ui.painter(), rect.center(), diameter, &person.who, &person.name);
    }
    if let Some(silent) = person.silent_for {
        silence(ui, rect, &person.name, silent);
    }
    name_plate(ui, rect, &person.name, person.muted, marks.standing);
    if person.silent_for.is_none() {
        slow_plate(ui, rect, marks);
    }
    let control = marks.pin.map(|pin| Control::new(ui, rect, response.id, pin, is_small(rect)));
    corners(ui, rect, marks, control.as_ref().map_or(0.0, Control::taken));
    outline(ui, rect, person.speaking);
    widgets::focus_ring(ui, &response, rect.shrink(4.0), CornerRadius::same(radius::TILE));
    if let Some(control) = control {
        control.show(ui, person, commands);
    }
    response
}

/// Ourselves, as in a mirror.
pub(super) fn own(ui: &mut Ui, rect: Rect, snapshot: &Snapshot, marks: &Marks<'_>, floats: bool, state: &mut UiState) {
    let response = ui.interact(rect, ui.scope_id().with("own tile"), Sense::hover());
    let name = match (snapshot.camera_off, snapshot.muted) {
        (false, false) => "Your picture",
        (true, false) => "Your picture. Camera off",
        (false, true) => "Your picture. Muted",
        (true, true) => "Your picture. Camera off, muted",
    };
    response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Image, true, name));
    let said = marks.gestures().join(" · ");
    ui.ctx().accesskit_node_builder(response.id, |node| node.set_description(said));
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
    name_plate(ui, rect, "You", snapshot.muted || failed, &Standing::Stranger);
    slow_plate(ui, rect, marks);
    corners(ui, rect, marks, 0.0);
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

/// A raised hand on the left, a reaction on the right, beside what is there.
fn corners(ui: &Ui, rect: Rect, marks: &Marks<'_>, taken: f32) {
    let small = is_small(rect);
    let margin = if small { 5.0 } else { space::S };
    if let Some(place) = marks.hand {
        let side = if small { 20.0 } else { 28.0 };
        let left = pos2(rect.left() + margin, rect.top() + margin + side / 2.0);
        widgets::pill(ui.painter(), left, side, Icon::Hand, &place.to_string(), (HAND, ON_HAND));
    }
    if let Some(reaction) = marks.reaction {
        let side = (rect.height() * 0.3).clamp(22.0, 64.0);
        reactions::bubble(ui.painter(), rect.right_top() + vec2(-margin - taken, margin), side, reaction);
    }
}

fn is_small(rect: Rect) -> bool {
    rect.width() < 160.0
}

/// Muted, verified, not who they seem: before the name.
fn plate_icons(muted: bool, standing: &Standing) -> impl Iterator<Item = (Icon, Color32)> {
    let muted = muted.then_some((Icon::MicrophoneOff, WARN_ON_PICTURE));
    let standing = match standing {
        Standing::NameOfAnother(_) => Some((Icon::Warning, WARN_ON_PICTURE)),
        Standing::Verified | Standing::VerifiedAs(_) => Some((Icon::Shield, GOOD_ON_PICTURE)),
        Standing::Stranger => None,
    };
    muted.into_iter().chain(standing)
}

/// Above the name: that a connection is slow, and what comes instead. Quiet, since nobody here can do much about it.
fn slow_plate(ui: &Ui, rect: Rect, marks: &Marks<'_>) {
    let Some(said) = &marks.slow else { return };
    let plate = PlateSize::of(rect);
    let said = if is_small(rect) { said.split(':').next().unwrap_or(said) } else { said };
    let font = theme::regular(plate.font);
    let galley = widgets::ellipsis(ui, said, font, rect.width() - 2.0 * (plate.margin + plate.side));
    let bottom = rect.bottom() - plate.margin - plate.height - space::XS;
    let place = Rect::from_min_size(
        pos2(rect.left() + plate.margin, bottom - plate.height),
        vec2(galley.size().x + 2.0 * plate.side, plate.height),
    );
    ui.painter().rect_filled(place, CornerRadius::same(13), VEIL);
    let text = pos2(place.left() + plate.side, place.center().y - galley.size().y / 2.0);
    ui.painter().galley(text, galley, ON_PICTURE);
}

/// Measures of what is written over a picture.
struct PlateSize {
    height: f32,
    /// To the tile's edges.
    margin: f32,
    /// Beside the words.
    side: f32,
    font: f32,
}

impl PlateSize {
    fn of(rect: Rect) -> Self {
        if is_small(rect) {
            Self { height: 20.0, margin: 5.0, side: 7.0, font: 11.0 }
        } else {
            Self { height: 26.0, margin: space::S, side: 10.0, font: text::SMALL }
        }
    }
}

fn name_plate(ui: &Ui, rect: Rect, name: &str, muted: bool, standing: &Standing) {
    let small = is_small(rect);
    let PlateSize { height, margin, side, font } = PlateSize::of(rect);
    let font = theme::strong(font);
    let icon_side = if small { 12.0 } else { 14.0 };
    let icon = plate_icons(muted, standing).count() as f32 * (icon_side + space::XS);
    let galley = widgets::ellipsis(ui, name, font, rect.width() - 2.0 * margin - 2.0 * side - icon);
    let plate = Rect::from_min_size(
        pos2(rect.left() + margin, rect.bottom() - margin - height),
        vec2(galley.size().x + icon + 2.0 * side, height),
    );
    ui.painter().rect_filled(plate, CornerRadius::same(13), VEIL);
    let mut x = plate.left() + side;
    for (icon, ink) in plate_icons(muted, standing) {
        let at = Rect::from_center_size(pos2(x + icon_side / 2.0, plate.center().y), theme::square(icon_side));
        icons::paint(ui.painter(), at, icon, ink, VEIL_GROUND);
        x += icon_side + space::XS;
    }
    ui.painter().galley(pos2(x, plate.center().y - galley.size().y / 2.0), galley, ON_PICTURE);
}

/// Says over the last picture that nothing arrives.
fn silence(ui: &Ui, rect: Rect, name: &str, silent: Duration) {
    ui.painter().rect_filled(rect, CornerRadius::same(radius::TILE), VEIL);
    if rect.height() < 2.0 * PlateSize::of(rect).height + space::S {
        // The name has the only line there is; the veil says enough.
        return;
    }
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
        icons::paint(ui.painter(), at, Icon::Warning, ON_PICTURE, VEIL_GROUND);
    }
    ui.painter().galley(pos2(rect.center().x, top), galley, ON_PICTURE);
}

/// "Nothing arrives from Bo for 5 s; trying to reconnect."
pub(super) fn silence_sentence(name: &str, silent: Duration) -> String {
    format!("Nothing arrives from {name} for {} s; trying to reconnect.", silent.as_secs())
}

/// How somebody is doing, in words.
pub(super) fn condition(person: &Person, marks: &Marks<'_>) -> String {
    if let Some(silent) = person.silent_for {
        return silence_sentence(&person.name, silent);
    }
    let mut words = marks.words();
    if person.speaking {
        words.push("Speaking".to_owned());
    }
    if person.muted {
        words.push("Muted".to_owned());
    }
    if !person.camera_on {
        words.push("Camera off".to_owned());
    }
    if words.is_empty() { "Listening".to_owned() } else { words.join(" · ") }
}
