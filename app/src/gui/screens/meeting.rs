//! The room: tiles, the bar of controls, and a panel beside them or over them.

use egui::{Align, Layout, Rect, RichText, Ui, UiBuilder, vec2};

use crate::engine::{Command, Snapshot, Standing};
use crate::gui::layout;
use crate::gui::state::{Panel, UiState};
use crate::gui::theme::{self, size, space, text};
use crate::gui::widgets::{self, Look};

use super::tile::{self, Marks};
use super::{bar, panels};

pub(crate) fn show(ui: &mut Ui, snapshot: &Snapshot, state: &mut UiState, commands: &mut Vec<Command>) {
    let now = ui.input(|input| input.time);
    if let Some(seconds) = state.room.reactions.follow(&snapshot.room.reactions, now) {
        ui.ctx().request_repaint_after_secs(seconds as f32);
    }
    let whole = ui.max_rect();
    let narrow = whole.width() < 480.0;
    let bar_height = if narrow { 64.0 } else { 76.0 };
    let (mut upper, bar) = whole.split_top_bottom_at_y(whole.bottom() - bar_height);
    if let Some(news) = &snapshot.room.words_news {
        let strip;
        (upper, strip) = upper.split_top_bottom_at_y(upper.bottom() - size::SMALL - space::S);
        let strip = Rect::from_min_max(strip.min, strip.max - vec2(0.0, space::S));
        bar::news_strip(ui, strip, news, state);
    }
    let beside = panel_beside(state, snapshot, whole);
    let (stage, panel) = match beside {
        Some(width) => upper.split_left_right_at_x(upper.right() - width),
        None => (upper, upper),
    };
    let open = state.panel != Panel::None;
    if open && beside.is_none() {
        // The panel covers the tiles: nobody is drawn, so nobody needs to send a picture.
        for person in &snapshot.people {
            state.report_tile(&person.who, 0.0, commands);
        }
    } else {
        let margin = if narrow { space::S } else { space::M };
        tiles(ui, stage.shrink2(vec2(margin, margin)), snapshot, state, commands);
    }
    if open {
        panels::show(ui, panel, snapshot, state, commands);
    }
    bar::show(ui, bar, snapshot, state, commands);
}

/// How wide the open panel stands beside the tiles; `None`: no panel, or it covers them.
pub(super) fn panel_beside(state: &UiState, snapshot: &Snapshot, window: Rect) -> Option<f32> {
    if state.panel == Panel::None || window.width() < size::PANEL_BESIDE {
        return None;
    }
    let wanted = panels::width(&state.panel, snapshot);
    Some(wanted.min((window.width() - size::STAGE).max(size::PANEL)))
}

fn tiles(ui: &mut Ui, stage: Rect, snapshot: &Snapshot, state: &mut UiState, commands: &mut Vec<Command>) {
    let room = &snapshot.room;
    let ours = Marks { standing: &Standing::Stranger, ..Marks::of(&room.me, snapshot, state) };
    if snapshot.people.is_empty() {
        alone(ui, stage, snapshot, &ours, state, commands);
        return;
    }
    let (people, pinned) = (snapshot.people.len(), snapshot.pinned.as_ref());
    let places = match pinned.and_then(|who| snapshot.people.iter().position(|person| person.who == *who)) {
        Some(pinned) => layout::places_around(pinned, people, stage, space::S),
        None => layout::places(people, stage, space::S),
    };
    for (person, &place) in snapshot.people.iter().zip(&places.others) {
        state.report_tile(&person.who, place.height() * ui.pixels_per_point(), commands);
        let marks = Marks::of(&person.who, snapshot, state);
        if tile::person(ui, place, person, &marks, state, commands).clicked() {
            state.open(Panel::Person(person.who.clone()));
        }
    }
    tile::own(ui, places.own, snapshot, &ours, places.own_floats, state);
}

/// Our picture, and below it how others get here.
fn alone(
    ui: &mut Ui,
    stage: Rect,
    snapshot: &Snapshot,
    ours: &Marks<'_>,
    state: &mut UiState,
    commands: &mut Vec<Command>,
) {
    const CARD: f32 = 148.0;
    let (upper, lower) = stage.split_top_bottom_at_y(stage.bottom() - CARD);
    if let Some(&own) = layout::grid(1, upper, 0.0).first() {
        tile::own(ui, own, snapshot, ours, false, state);
    }
    let width = lower.width().min(size::COLUMN);
    let place = Rect::from_center_size(lower.center() + vec2(0.0, space::S), vec2(width, CARD - space::L));
    ui.scope_builder(UiBuilder::new().max_rect(place).layout(Layout::top_down(Align::Center)), |ui| {
        ui.label(RichText::new("Nobody else is here yet").font(theme::strong(text::LARGE)));
        ui.scope(|ui| {
            let sentence = if snapshot.room.rules.locked {
                "The door is locked: nobody can knock. Unlock it in the door panel."
            } else {
                "Copy the invite and send it to the people you expect. They knock, you let them in."
            };
            widgets::weak(ui, sentence);
        });
        ui.add_space(space::XS);
        bar::copy_invite(ui, snapshot, Look::Main, Some(180.0), commands);
    });
}
