//! One person: who they are to us, what may be done, and the truth about the link to them.

use egui::{RichText, Ui};

use crate::engine::{Command, MemberLine, Person, Snapshot, Standing};
use crate::gui::icons::Icon;
use crate::gui::screens::gap;
use crate::gui::screens::pin::Pin;
use crate::gui::state::{Panel, Question, UiState};
use crate::gui::theme::{palette, space};
use crate::gui::widgets::{self, Button, Look};

use super::{group, link, people};

/// The name of a member, present or away.
pub(super) fn name(snapshot: &Snapshot, who: &str) -> String {
    let present = snapshot.people.iter().find(|person| person.who == who).map(|person| &person.name);
    let member = || snapshot.room.members.iter().find(|member| member.who == who).map(|member| &member.name);
    present.or_else(member).cloned().unwrap_or_default()
}

pub(super) fn show(ui: &mut Ui, snapshot: &Snapshot, who: &str, state: &mut UiState, commands: &mut Vec<Command>) {
    let person = snapshot.people.iter().find(|person| person.who == who);
    let member = snapshot.room.members.iter().find(|member| member.who == who);
    let name = name(snapshot, who);
    standing(ui, &name, member.map_or(&Standing::Stranger, |member| &member.standing), state);
    if let Some(person) = person {
        actions(ui, snapshot, person, state, commands);
    } else {
        widgets::note(ui, Icon::Door, "Away. They come back by themselves, without a knock.");
    }
    if let Some(member) = member.filter(|_| snapshot.room.admin) {
        as_admin(ui, snapshot, member, person.is_some(), state, commands);
    }
    if let Some(person) = person {
        link::show(ui, snapshot, person);
        people::lan(ui, snapshot);
    }
}

/// Who they are to us.
fn standing(ui: &mut Ui, name: &str, standing: &Standing, state: &mut UiState) {
    match standing {
        Standing::Stranger => {
            widgets::note(ui, Icon::Shield, "Not verified yet. Compare the words to be sure who this is.");
        }
        Standing::Verified => widgets::note(ui, Icon::Shield, "Verified: you compared words with them."),
        Standing::VerifiedAs(known) => {
            let sentence = format!("Verified. You know this device as {known}; now they call themselves {name}.");
            widgets::note(ui, Icon::Shield, &sentence);
        }
        Standing::NameOfAnother(known) => {
            let (title, sentence) = not_who_they_seem(known);
            widgets::alarm(ui, &title, &sentence);
        }
    }
    let look = if matches!(standing, Standing::NameOfAnother(_)) { Look::Main } else { Look::Plain };
    if !matches!(standing, Standing::Verified) {
        let compare = Button::text("Compare words").with_icon(Icon::Shield).look(look);
        if ui.add(compare.width(ui.available_width())).clicked() {
            state.open(Panel::Compare);
        }
    }
}

/// The loud warning, here and over the tiles.
pub(in crate::gui::screens) fn not_who_they_seem(known: &str) -> (String, String) {
    (
        format!("This is not the {known} you verified"),
        format!(
            "Somebody with another device uses that name. It may be {known} on a new computer, or somebody else. Compare \
             the words before you say anything private."
        ),
    )
}

fn actions(ui: &mut Ui, snapshot: &Snapshot, person: &Person, state: &mut UiState, commands: &mut Vec<Command>) {
    if let Some(pin) = Pin::of(&person.who, snapshot) {
        let text = format!("{} their picture", pin.verb());
        let look = if pin == Pin::Pinned { Look::Chosen } else { Look::Plain };
        let button = Button::text(&text).with_icon(Icon::Pin).look(look);
        if ui.add(button.width(ui.available_width())).clicked() {
            commands.push(pin.command(&person.who));
        }
    }
    let send = Button::text("Send a file").with_icon(Icon::File);
    if ui.add(send.width(ui.available_width())).clicked() {
        state.room.outbox.to = Some(person.who.clone());
        state.open(Panel::Files);
    }
}

fn as_admin(
    ui: &mut Ui,
    snapshot: &Snapshot,
    member: &MemberLine,
    present: bool,
    state: &mut UiState,
    commands: &mut Vec<Command>,
) {
    let (who, admin) = (&member.who, member.admin);
    group(ui, "As an admin");
    ui.spacing_mut().item_spacing.y = 0.0;
    if present && widgets::item(ui, Icon::MicrophoneOff, "Ask to mute", "").clicked() {
        commands.push(Command::AskToMute(Some(who.clone())));
    }
    if snapshot.room.hands.iter().any(|hand| hand == who)
        && widgets::item(ui, Icon::Hand, "Lower the hand", "").clicked()
    {
        commands.push(Command::LowerHand(who.clone()));
    }
    let role = if admin { "No longer an admin" } else { "Make an admin" };
    if widgets::item(ui, Icon::Star, role, "").clicked() {
        commands.push(Command::SetAdmin { who: who.clone(), admin: !admin });
    }
    if widgets::item(ui, Icon::Leave, "Remove from the meeting", "").clicked() {
        state.question = Some(Question::Remove(who.clone()));
    }
    ui.spacing_mut().item_spacing.y = space::S;
    if matches!(&state.question, Some(Question::Remove(asked)) if asked == who) {
        gap(ui, space::S);
        let sentence = format!(
            "Remove {}? They hear and see nothing more from this moment. Invites made before open nothing any more.",
            member.name
        );
        if let Some(go_on) = widgets::question(ui, &sentence, "Remove") {
            state.question = None;
            if go_on {
                commands.push(Command::Remove(who.clone()));
            }
        }
    }
    if admin {
        ui.label(RichText::new("Admins let people in, put them out and set the rules.").color(palette(ui).weak));
    }
}
