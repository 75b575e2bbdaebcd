//! The room: tiles, the bar of controls, and a panel beside them or over them.

use egui::{Align, CornerRadius, Layout, Rect, RichText, Ui, UiBuilder, pos2, vec2};

use crate::engine::{Command, Snapshot};
use crate::gui::icons::Icon;
use crate::gui::layout;
use crate::gui::state::{Panel, UiState};
use crate::gui::theme::{self, palette, size, space, text};
use crate::gui::widgets::{self, Button, Look};

use super::{panels, preview, tile};

/// The bar is at least this wide to show texts beside icons.
const TEXTS: f32 = 900.0;

pub(crate) fn show(ui: &mut Ui, snapshot: &Snapshot, state: &mut UiState, commands: &mut Vec<Command>) {
    let whole = ui.max_rect();
    let narrow = whole.width() < 480.0;
    let bar_height = if narrow { 64.0 } else { 76.0 };
    let (upper, bar) = whole.split_top_bottom_at_y(whole.bottom() - bar_height);
    let open = state.panel != Panel::None;
    let beside = open && whole.width() >= size::PANEL_BESIDE;
    let (stage, panel) = if beside { upper.split_left_right_at_x(upper.right() - size::PANEL) } else { (upper, upper) };

    if open && !beside {
        // The panel covers the tiles: nobody is drawn, so nobody needs to send a picture.
        for person in &snapshot.people {
            state.report_tile(&person.who, 0.0, commands);
        }
    } else {
        let margin = if narrow { space::S } else { space::M };
        tiles(ui, stage.shrink2(vec2(margin, margin)), snapshot, state, commands);
    }
    if open {
        panels::show(ui, panel, snapshot, state);
    }
    controls(ui, bar, snapshot, state, commands);
}

fn tiles(ui: &mut Ui, stage: Rect, snapshot: &Snapshot, state: &mut UiState, commands: &mut Vec<Command>) {
    if snapshot.people.is_empty() {
        alone(ui, stage, snapshot, state, commands);
        return;
    }
    let places = layout::places(snapshot.people.len(), stage, space::S);
    for (person, &place) in snapshot.people.iter().zip(&places.others) {
        state.report_tile(&person.who, place.height() * ui.pixels_per_point(), commands);
        if tile::person(ui, place, person, state).clicked() {
            state.panel = Panel::Link(person.who.clone());
        }
    }
    tile::own(ui, places.own, snapshot, places.own_floats, state);
}

/// Our picture, and below it how others get here.
fn alone(ui: &mut Ui, stage: Rect, snapshot: &Snapshot, state: &mut UiState, commands: &mut Vec<Command>) {
    const CARD: f32 = 148.0;
    let (upper, lower) = stage.split_top_bottom_at_y(stage.bottom() - CARD);
    if let Some(&own) = layout::grid(1, upper, 0.0).first() {
        tile::own(ui, own, snapshot, false, state);
    }
    let width = lower.width().min(size::COLUMN);
    let place = Rect::from_center_size(lower.center() + vec2(0.0, space::S), vec2(width, CARD - space::L));
    ui.scope_builder(UiBuilder::new().max_rect(place).layout(Layout::top_down(Align::Center)), |ui| {
        ui.label(RichText::new("Nobody else is here yet").font(theme::strong(text::LARGE)));
        ui.scope(|ui| {
            widgets::weak(ui, "Copy the invite and send it to the people you expect. They knock, you let them in.");
        });
        ui.add_space(space::XS);
        copy_invite(ui, snapshot, Look::Main, Some(180.0), commands);
    });
}

/// With a width it has a text, too.
fn copy_invite(ui: &mut Ui, snapshot: &Snapshot, look: Look, width: Option<f32>, commands: &mut Vec<Command>) {
    const NAME: &str = "Copy invite";
    let tooltip = if snapshot.invite_ready {
        "Copy the invite to the clipboard. It is never shown on the screen."
    } else {
        "Only people who may let others in can invite. Ask whoever made the meeting."
    };
    let button = Button::round(Icon::Copy, NAME, round(ui));
    let button = if let Some(width) = width { button.with_text(NAME).width(width) } else { button };
    if ui.add(button.look(look).tooltip(tooltip).enabled(snapshot.invite_ready)).clicked() {
        commands.push(Command::CopyInvite);
    }
}

fn round(ui: &Ui) -> f32 {
    if ui.ctx().content_rect().width() < 480.0 { 44.0 } else { size::ROUND }
}

fn controls(ui: &mut Ui, bar: Rect, snapshot: &Snapshot, state: &mut UiState, commands: &mut Vec<Command>) {
    let p = palette(ui);
    ui.painter().rect_filled(bar, CornerRadius::ZERO, p.surface);
    ui.painter().hline(bar.x_range(), bar.top(), egui::Stroke::new(1.0, p.line));
    let texts = bar.width() >= TEXTS;
    let side = round(ui);
    // Alone, the large button on the stage does it, unless a panel covers the stage.
    let covered = state.panel != Panel::None && bar.width() < size::PANEL_BESIDE;
    let invite = !snapshot.people.is_empty() || covered;

    // What is used all the time stands in the middle. With little room the rest follows in the same row, else it moves to
    // the edge.
    let leave_width = if texts { 112.0 } else { side };
    let middle = 2.0 * side + leave_width + 2.0 * space::S;
    let rest = (if invite { 3.0 } else { 2.0 }) * (side + space::S);
    let apart = bar.width() >= middle + 2.0 * rest + 4.0 * space::L;
    let used = if apart { middle } else { middle + rest + space::S };
    let start = pos2(bar.center().x - used / 2.0, bar.top());
    let mut row = row(ui, Rect::from_min_max(start, bar.max), Layout::left_to_right(Align::Center));
    preview::microphone_and_camera(&mut row, snapshot, side, commands);
    let leave = Button::round(Icon::Leave, "Leave", side).look(Look::Danger).tooltip("Leave the meeting (Ctrl+L)");
    let leave = if texts { leave.with_text("Leave").width(leave_width) } else { leave };
    if row.add(leave).clicked() {
        commands.push(Command::Leave);
    }
    if apart {
        let width = if texts && invite { rest + 96.0 } else { rest } - space::S;
        let from = pos2(bar.right() - space::L - width, bar.top());
        let mut right = self::row(ui, Rect::from_min_max(from, bar.max), Layout::left_to_right(Align::Center));
        side_controls(&mut right, snapshot, state, invite, texts, commands);
    } else {
        row.add_space(space::S);
        side_controls(&mut row, snapshot, state, invite, false, commands);
    }
    if texts {
        let mut left = self::row(ui, bar.shrink2(vec2(space::L, 0.0)), Layout::left_to_right(Align::Center));
        widgets::icon(&mut left, Icon::Shield, p.accent_text);
        left.label(RichText::new("Encrypted end to end").color(p.weak));
    }
}

fn row(ui: &mut Ui, rect: Rect, layout: Layout) -> Ui {
    let mut row = ui.new_child(UiBuilder::new().max_rect(rect).layout(layout));
    row.spacing_mut().item_spacing.x = space::S;
    row
}

fn side_controls(
    ui: &mut Ui,
    snapshot: &Snapshot,
    state: &mut UiState,
    invite: bool,
    texts: bool,
    commands: &mut Vec<Command>,
) {
    if invite {
        copy_invite(ui, snapshot, Look::Plain, texts.then_some(size::ROUND + 96.0), commands);
    }
    panel_button(ui, state, Panel::Words, Icon::Shield, "Meeting words", 0);
    panel_button(ui, state, Panel::People, Icon::People, "People", snapshot.people.len() + 1);
}

fn panel_button(ui: &mut Ui, state: &mut UiState, panel: Panel, icon: Icon, name: &str, badge: usize) {
    let open = state.panel == panel || (panel == Panel::People && matches!(state.panel, Panel::Link(_)));
    let look = if open { Look::Chosen } else { Look::Plain };
    if ui.add(Button::round(icon, name, round(ui)).look(look).badge(badge)).clicked() {
        state.panel = if open { Panel::None } else { panel };
    }
}
