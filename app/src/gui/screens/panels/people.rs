//! Who is in the meeting: present and away, who may let in, whose hand is up, who is muted, who is verified.

use egui::accesskit::Role;
use egui::{CornerRadius, Rect, Response, Sense, Ui, UiBuilder, WidgetInfo, pos2, vec2};

use crate::engine::{Command, MemberLine, Person, Snapshot, Standing};
use crate::gui::icons::{self, Icon};
use crate::gui::screens::tile::{self, Marks};
use crate::gui::screens::{gap, reactions};
use crate::gui::speech::thousands;
use crate::gui::state::{Panel, UiState};
use crate::gui::theme::{self, HAND, ON_HAND, palette, radius, size, space, text};
use crate::gui::widgets::{self, Button};

use super::group;

/// Height of a line.
const HEIGHT: f32 = 56.0;

pub(super) fn show(ui: &mut Ui, snapshot: &Snapshot, state: &mut UiState, commands: &mut Vec<Command>) {
    let room = &snapshot.room;
    ui.spacing_mut().item_spacing.y = 2.0;
    ourselves(ui, snapshot, state);
    for person in &snapshot.people {
        let member = room.members.iter().find(|member| member.who == person.who);
        present(ui, snapshot, person, member, state, commands);
    }
    if snapshot.people.is_empty() {
        gap(ui, space::M);
        widgets::weak(ui, "Nobody else is here right now.");
    }
    let away: Vec<&MemberLine> =
        room.members.iter().filter(|member| !snapshot.people.iter().any(|person| person.who == member.who)).collect();
    if !away.is_empty() {
        group(ui, "Away");
        for member in away {
            let said = with_role("Away, comes back without a knock".to_owned(), member.admin);
            let line = Line {
                who: &member.who,
                name: &member.name,
                shown: &member.name,
                said: &said,
                gestures: &[],
                admin: member.admin,
                standing: &member.standing,
            };
            let action = format!("Open {}", member.name);
            if line.show(ui, Some(&action), |_, _| 0.0).clicked() {
                state.open(Panel::Person(member.who.clone()));
            }
        }
    }
    group(ui, "More");
    if widgets::item(ui, Icon::Exchange, "Who hears whom", "").clicked() {
        state.open(Panel::Hearing);
    }
    let (door, locked) = if room.rules.locked { (Icon::Lock, "locked") } else { (Icon::Door, "") };
    if widgets::item(ui, door, "The door", locked).clicked() {
        state.open(Panel::Door);
    }
    if room.admin
        && !snapshot.people.is_empty()
        && widgets::item(ui, Icon::MicrophoneOff, "Ask everybody to mute", "").clicked()
    {
        commands.push(Command::AskToMute(None));
    }
    ui.spacing_mut().item_spacing.y = space::S;
    lan(ui, snapshot);
}

/// With *LAN only*: what left and what was refused.
pub(super) fn lan(ui: &mut Ui, snapshot: &Snapshot) {
    let Some(count) = snapshot.room.lan else { return };
    gap(ui, space::M);
    let sentence =
        format!("LAN only: {} sent on this network, {} refused.", thousands(count.sent), thousands(count.refused));
    widgets::note(ui, Icon::Network, &sentence);
}

fn ourselves(ui: &mut Ui, snapshot: &Snapshot, state: &UiState) {
    let room = &snapshot.room;
    let marks = Marks { standing: &Standing::Stranger, ..Marks::of(&room.me, snapshot, state) };
    let mut said = marks.words();
    if snapshot.muted {
        said.push("Muted".to_owned());
    }
    if snapshot.camera_off {
        said.push("Camera off".to_owned());
    }
    let said = if said.is_empty() { "In the meeting".to_owned() } else { said.join(" · ") };
    let gestures = marks.gestures();
    let shown = format!("{} (you)", snapshot.name);
    let line = Line {
        who: "",
        name: &snapshot.name,
        shown: &shown,
        said: &with_role(said, room.admin),
        gestures: &gestures,
        admin: room.admin,
        standing: &Standing::Stranger,
    };
    line.show(ui, None, |ui, right| extras(ui, right, &marks));
}

fn present(
    ui: &mut Ui,
    snapshot: &Snapshot,
    person: &Person,
    member: Option<&MemberLine>,
    state: &mut UiState,
    commands: &mut Vec<Command>,
) {
    let marks = Marks::of(&person.who, snapshot, state);
    let admin = member.is_some_and(|member| member.admin);
    let said = match person.silent_for {
        Some(silent) => format!("Nothing arrives for {} s", silent.as_secs()),
        None => tile::condition(person, &marks),
    };
    let gestures = marks.gestures();
    let line = Line {
        who: &person.who,
        name: &person.name,
        shown: &person.name,
        said: &with_role(said, admin),
        gestures: &gestures,
        admin,
        standing: marks.standing,
    };
    let action = format!("Open {}", person.name);
    let mut lower = false;
    let may_lower = snapshot.room.admin && marks.hand.is_some();
    let response = line.show(ui, Some(&action), |ui, right| {
        let used = extras(ui, right, &marks);
        if !may_lower {
            return used;
        }
        let name = format!("Lower the hand of {}", person.name);
        let at = Rect::from_center_size(pos2(right.x - used - size::SMALL / 2.0, right.y), theme::square(size::SMALL));
        let mut place = ui.new_child(UiBuilder::new().id_salt(("lower", &person.who)).max_rect(at));
        lower = place.add(Button::icon(Icon::Cross, &name)).clicked();
        used + size::SMALL
    });
    if lower {
        commands.push(Command::LowerHand(person.who.clone()));
    } else if response.clicked() {
        state.open(Panel::Person(person.who.clone()));
    }
}

fn with_role(said: String, admin: bool) -> String {
    if admin { format!("Admin · {said}") } else { said }
}

/// Hand and reaction, from the right; returns how much room they took.
fn extras(ui: &mut Ui, right: egui::Pos2, marks: &Marks<'_>) -> f32 {
    let mut used = 0.0;
    if let Some(place) = marks.hand {
        const SIDE: f32 = 24.0;
        const WIDTH: f32 = 44.0;
        let left = pos2(right.x - WIDTH, right.y);
        widgets::pill(ui.painter(), left, SIDE, Icon::Hand, &place.to_string(), (HAND, ON_HAND));
        used += WIDTH;
    }
    if let Some(reaction) = marks.reaction {
        reactions::small(ui, pos2(right.x - used - 12.0, right.y), reaction);
        used += 28.0;
    }
    used
}

/// A person in the list.
struct Line<'a> {
    who: &'a str,
    /// For the initials.
    name: &'a str,
    shown: &'a str,
    said: &'a str,
    /// Drawn as pictures, said in words.
    gestures: &'a [String],
    admin: bool,
    standing: &'a Standing,
}

impl Line<'_> {
    /// With an action it can be clicked. `extras` draws at the right edge and says how much room it took.
    fn show(&self, ui: &mut Ui, action: Option<&str>, extras: impl FnOnce(&mut Ui, egui::Pos2) -> f32) -> Response {
        let p = palette(ui);
        let sense = if action.is_some() { Sense::click() } else { Sense::hover() };
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT), sense);
        let role = if action.is_some() { Role::Button } else { Role::Label };
        response.widget_info(|| WidgetInfo::labeled(role, true, action.unwrap_or(self.shown)));
        let spoken: Vec<&str> = self.gestures.iter().map(String::as_str).chain([self.said]).collect();
        ui.ctx().accesskit_node_builder(response.id, |node| node.set_description(spoken.join(" · ")));
        let corner = CornerRadius::same(radius::CONTROL);
        if action.is_some() && response.hovered() {
            ui.painter().rect_filled(rect.expand2(vec2(space::S, 0.0)), corner, p.raised);
        }
        let centre = pos2(rect.left() + 20.0, rect.center().y);
        widgets::avatar(ui.painter(), centre, 38.0, self.who, self.name);
        let left = rect.left() + 52.0;
        let right = rect.right() - extras(ui, pos2(rect.right(), rect.center().y)) - space::XS;
        let marks = self.marks(ui);
        let marks_width = marks.len() as f32 * 20.0;
        let name = widgets::ellipsis(ui, self.shown, theme::strong(text::BODY), right - left - marks_width);
        let colour = if matches!(self.standing, Standing::NameOfAnother(_)) { p.warn } else { p.weak };
        let said = widgets::ellipsis(ui, self.said, theme::regular(text::SMALL), right - left);
        let top = rect.center().y - (name.size().y + said.size().y + 2.0) / 2.0;
        let below = top + name.size().y + 2.0;
        let mut x = left + name.size().x + space::S;
        for (icon, ink) in marks {
            let at = Rect::from_center_size(pos2(x + 7.0, top + name.size().y / 2.0), theme::square(15.0));
            icons::paint(ui.painter(), at, icon, ink, p.surface);
            x += 20.0;
        }
        ui.painter().galley(pos2(left, top), name, p.text);
        ui.painter().galley(pos2(left, below), said, colour);
        widgets::focus_ring(ui, &response, rect, corner);
        response
    }

    fn marks(&self, ui: &Ui) -> Vec<(Icon, egui::Color32)> {
        let p = palette(ui);
        let mut marks = Vec::new();
        match self.standing {
            Standing::NameOfAnother(_) => marks.push((Icon::Warning, p.warn)),
            Standing::Verified | Standing::VerifiedAs(_) => marks.push((Icon::Shield, p.accent_text)),
            Standing::Stranger => {}
        }
        if self.admin {
            marks.push((Icon::Star, p.weak));
        }
        marks
    }
}
