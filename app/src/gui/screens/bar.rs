//! The bar of controls below the tiles. What is used all the time stands in the middle; the rest at the edge, in the same row,
//! or in the menu *More*, as the width allows. Every key that acts in a meeting has its control here.

use egui::{
    Align, CornerRadius, Layout, Popup, Rect, RectAlign, RichText, ScrollArea, Stroke, Ui, UiBuilder, pos2, vec2,
};

use crate::engine::{Command, FileState, Snapshot};
use crate::gui::icons::Icon;
use crate::gui::state::{Panel, UiState};
use crate::gui::theme::{palette, size, space};
use crate::gui::widgets::{self, Button, Look};

use super::{preview, reactions};

/// The bar is at least this wide to show a text in *Leave* and on the left.
const TEXTS: f32 = 900.0;
/// The same for *Copy invite*.
const INVITE_TEXT: f32 = 1180.0;
/// Narrower than this, hand, reactions, invite and words move into *More*.
const COMPACT: f32 = 588.0;

pub(super) fn show(ui: &mut Ui, bar: Rect, snapshot: &Snapshot, state: &mut UiState, commands: &mut Vec<Command>) {
    let p = palette(ui);
    ui.painter().rect_filled(bar, CornerRadius::ZERO, p.surface);
    ui.painter().hline(bar.x_range(), bar.top(), Stroke::new(1.0, p.line));
    if bar.width() < COMPACT {
        compact(ui, bar, snapshot, state, commands);
    } else {
        roomy(ui, bar, snapshot, state, commands);
    }
}

/// Six buttons, the rest in the menu.
fn compact(ui: &mut Ui, bar: Rect, snapshot: &Snapshot, state: &mut UiState, commands: &mut Vec<Command>) {
    let side = round(ui);
    let used = 6.0 * side + 5.0 * space::S;
    let mut row = row(ui, Rect::from_min_max(pos2(bar.center().x - used / 2.0, bar.top()), bar.max));
    let ui = &mut row;
    preview::microphone_and_camera(ui, snapshot, side, commands);
    chat_button(ui, state);
    people_button(ui, snapshot, state);
    let more = more(ui, snapshot, state, true, commands);
    leave(ui, side, false, commands);
    reactions::show(ui, more, commands);
}

fn roomy(ui: &mut Ui, bar: Rect, snapshot: &Snapshot, state: &mut UiState, commands: &mut Vec<Command>) {
    let side = round(ui);
    let texts = bar.width() >= TEXTS;
    // Alone, the large button on the stage does it, unless a panel covers the stage.
    let covered = state.panel != Panel::None && bar.width() < size::PANEL_BESIDE;
    let invite = !snapshot.people.is_empty() || covered;
    let invite_width = if bar.width() >= INVITE_TEXT { side + 96.0 } else { side };
    let middle = middle_width(side, texts);
    let rest = 4.0 * (side + space::S) + if invite { invite_width + space::S } else { 0.0 };
    let apart = bar.width() >= middle + 2.0 * rest + 4.0 * space::L;
    let used = if apart { middle } else { middle + rest };
    let start = pos2(bar.center().x - used / 2.0, bar.top());
    let mut row = row(ui, Rect::from_min_max(start, bar.max));
    preview::microphone_and_camera(&mut row, snapshot, side, commands);
    hand_button(&mut row, snapshot, side, commands);
    let react = Button::round(Icon::Smile, "Reactions", side).tooltip("React (R)");
    let react = row.add(react);
    if react.clicked() {
        Popup::toggle_id(row.ctx(), reactions::popup());
    }
    reactions::show(&row, react.rect, commands);
    if apart {
        leave(&mut row, side, texts, commands);
    }

    let mut right;
    let ui_right = if apart {
        let from = pos2(bar.right() - space::L - rest + space::S, bar.top());
        right = self::row(ui, Rect::from_min_max(from, bar.max));
        &mut right
    } else {
        &mut row
    };
    if invite {
        copy_invite(ui_right, snapshot, Look::Plain, (invite_width > side).then_some(invite_width), commands);
    }
    chat_button(ui_right, state);
    people_button(ui_right, snapshot, state);
    let news = snapshot.room.words_news.is_some();
    panel_button(ui_right, state, Panel::Words, Icon::Shield, ("Meeting words", "Meeting words (W)"), |button| {
        button.dot(news)
    });
    more(ui_right, snapshot, state, false, commands);
    if !apart {
        // Not amid the others, where a slip would end the meeting.
        leave(&mut row, side, texts, commands);
    }
    if texts {
        let room = Rect::from_min_max(bar.min, pos2(start.x - space::S, bar.bottom()));
        left(ui, room.shrink2(vec2(space::L, 0.0)));
    }
}

fn middle_width(side: f32, texts: bool) -> f32 {
    4.0 * side + leave_width(side, texts) + 4.0 * space::S
}

fn leave_width(side: f32, text: bool) -> f32 {
    if text { 112.0 } else { side }
}

/// What is always true.
fn left(ui: &mut Ui, place: Rect) {
    let p = palette(ui);
    let mut left = row(ui, place);
    left.set_max_width(place.width());
    widgets::icon(&mut left, Icon::Shield, p.accent_text);
    left.add(egui::Label::new(RichText::new("Encrypted end to end").color(p.weak)).truncate());
}

/// The news of the words, between the tiles and the bar, until they were looked at.
pub(super) fn news_strip(ui: &mut Ui, strip: Rect, news: &str, state: &mut UiState) {
    let name = format!("{news} Look at the words");
    let layout = Layout::top_down(Align::Center);
    let mut inner = ui.new_child(UiBuilder::new().max_rect(strip.shrink2(vec2(space::M, 0.0))).layout(layout));
    let button = Button::text(news).with_icon(Icon::Shield).named(&name).height(strip.height());
    if inner.add(button.tooltip("Look at the new words (W)")).clicked() {
        state.open(Panel::Words);
    }
}

fn hand_button(ui: &mut Ui, snapshot: &Snapshot, side: f32, commands: &mut Vec<Command>) {
    let up = is_raised(snapshot);
    let (name, tooltip, look) = if up {
        ("Lower your hand", "Lower your hand (H)", Look::Chosen)
    } else {
        ("Raise your hand", "Raise your hand (H)", Look::Plain)
    };
    if ui.add(Button::round(Icon::Hand, name, side).look(look).tooltip(tooltip)).clicked() {
        commands.push(Command::RaiseHand(!up));
    }
}

fn is_raised(snapshot: &Snapshot) -> bool {
    snapshot.room.hands.contains(&snapshot.room.me)
}

fn leave(ui: &mut Ui, side: f32, text: bool, commands: &mut Vec<Command>) {
    let button = Button::round(Icon::Leave, "Leave", side).look(Look::Danger).tooltip("Leave the meeting (Ctrl+L)");
    let button = if text { button.with_text("Leave").width(leave_width(side, text)) } else { button };
    if ui.add(button).clicked() {
        commands.push(Command::Leave);
    }
}

/// With a width it has a text, too.
pub(super) fn copy_invite(
    ui: &mut Ui,
    snapshot: &Snapshot,
    look: Look,
    width: Option<f32>,
    commands: &mut Vec<Command>,
) {
    const NAME: &str = "Copy invite";
    let button = Button::round(Icon::Copy, NAME, round(ui));
    let button = if let Some(width) = width { button.with_text(NAME).width(width) } else { button };
    let enabled = snapshot.invite_ready;
    if ui.add(button.look(look).tooltip(invite_tooltip(snapshot)).enabled(enabled)).clicked() {
        commands.push(Command::CopyInvite);
    }
}

const fn invite_tooltip(snapshot: &Snapshot) -> &'static str {
    if snapshot.invite_ready {
        "Copy the invite to the clipboard. It is never shown on the screen."
    } else {
        "Only people who may let others in can invite. Ask whoever made the meeting."
    }
}

fn round(ui: &Ui) -> f32 {
    if ui.ctx().content_rect().width() < 480.0 { 44.0 } else { size::ROUND }
}

fn row(ui: &mut Ui, rect: Rect) -> Ui {
    let mut row = ui.new_child(UiBuilder::new().max_rect(rect).layout(Layout::left_to_right(Align::Center)));
    row.spacing_mut().item_spacing.x = space::S;
    row
}

fn chat_button(ui: &mut Ui, state: &mut UiState) {
    let unread = state.room.chat.unread();
    let name = match unread {
        0 => "Chat".to_owned(),
        1 => "Chat, 1 new message".to_owned(),
        count => format!("Chat, {count} new messages"),
    };
    panel_button(ui, state, Panel::Chat, Icon::Chat, (&name, "Chat (C)"), |button| button.badge(unread));
}

fn people_button(ui: &mut Ui, snapshot: &Snapshot, state: &mut UiState) {
    let count = snapshot.people.len() + 1;
    panel_button(ui, state, Panel::People, Icon::People, ("People", "People (P)"), |button| button.badge(count));
}

fn panel_button(
    ui: &mut Ui,
    state: &mut UiState,
    panel: Panel,
    icon: Icon,
    (name, tooltip): (&str, &str),
    marked: impl FnOnce(Button<'_>) -> Button<'_>,
) {
    let look = if state.panel.belongs_to(&panel) { Look::Chosen } else { Look::Plain };
    let button = Button::round(icon, name, round(ui)).look(look).tooltip(tooltip);
    if ui.add(marked(button)).clicked() {
        state.toggle(panel);
    }
}

/// The menu with the rest. Returns where its button is.
fn more(ui: &mut Ui, snapshot: &Snapshot, state: &mut UiState, compact: bool, commands: &mut Vec<Command>) -> Rect {
    const WIDTH: f32 = 256.0;
    let offers = offers(snapshot);
    let inside = matches!(state.panel, Panel::Hearing | Panel::Files | Panel::Door)
        || compact && matches!(state.panel, Panel::Words | Panel::Compare);
    let look = if inside { Look::Chosen } else { Look::Plain };
    let news = compact && snapshot.room.words_news.is_some();
    let button = Button::round(Icon::More, "More", round(ui)).look(look).badge(offers).dot(news);
    let response = ui.add(button);
    let height = (response.rect.top() - 3.0 * space::S).max(size::CONTROL);
    Popup::menu(&response).align(RectAlign::TOP_END).gap(space::S).width(WIDTH).show(|ui| {
        ScrollArea::vertical().max_height(height).show(ui, |ui| {
            ui.set_width(WIDTH);
            ui.spacing_mut().item_spacing.y = 0.0;
            if compact {
                hidden_controls(ui, snapshot, state, commands);
            }
            let trailing = if offers > 0 { format!("{offers} offered") } else { "F".to_owned() };
            if widgets::item(ui, Icon::File, "Files", &trailing).clicked() {
                state.open(Panel::Files);
            }
            if widgets::item(ui, Icon::Exchange, "Who hears whom", "").clicked() {
                state.open(Panel::Hearing);
            }
            let (door, locked) = if snapshot.room.rules.locked { (Icon::Lock, "locked") } else { (Icon::Door, "") };
            if widgets::item(ui, door, "The door", locked).clicked() {
                state.open(Panel::Door);
            }
        });
    });
    response.rect
}

/// What the compact bar has no room for.
fn hidden_controls(ui: &mut Ui, snapshot: &Snapshot, state: &mut UiState, commands: &mut Vec<Command>) {
    let up = is_raised(snapshot);
    let hand = if up { "Lower your hand" } else { "Raise your hand" };
    if widgets::item(ui, Icon::Hand, hand, "H").clicked() {
        commands.push(Command::RaiseHand(!up));
    }
    if widgets::item(ui, Icon::Smile, "Reactions", "R").clicked() {
        // Opening one popup closes the other.
        Popup::open_id(ui.ctx(), reactions::popup());
    }
    ui.add_enabled_ui(snapshot.invite_ready, |ui| {
        if widgets::item(ui, Icon::Copy, "Copy invite", "").on_hover_text(invite_tooltip(snapshot)).clicked() {
            commands.push(Command::CopyInvite);
        }
    });
    let new = if snapshot.room.words_news.is_some() { "new" } else { "W" };
    if widgets::item(ui, Icon::Shield, "Meeting words", new).clicked() {
        state.open(Panel::Words);
    }
}

/// Files that others offer and nobody answered yet.
pub(super) fn offers(snapshot: &Snapshot) -> usize {
    snapshot.room.files.iter().filter(|file| !file.outgoing && file.state == FileState::Offered).count()
}
