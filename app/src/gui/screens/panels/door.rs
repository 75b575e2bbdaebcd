//! The door, for admins: lock it, invites as usual and special ones, revoke them all, and the rules of the meeting. Others see
//! what holds.

use std::time::Duration;

use egui::{ComboBox, Ui};

use crate::engine::{Command, InviteWish, Rule, Rules, Snapshot};
use crate::gui::icons::Icon;
use crate::gui::screens::gap;
use crate::gui::state::{Question, UiState};
use crate::gui::theme::{palette, space};
use crate::gui::widgets::{self, Button, Look};

use super::group;

/// Lifetimes to choose from; the first is the one that is chosen.
const LIFETIMES: [(&str, Duration); 4] = [
    ("15 minutes", Duration::from_secs(15 * 60)),
    ("1 hour", Duration::from_secs(60 * 60)),
    ("1 day", Duration::from_secs(24 * 60 * 60)),
    ("1 week", Duration::from_secs(7 * 24 * 60 * 60)),
];

pub(super) fn show(ui: &mut Ui, snapshot: &Snapshot, state: &mut UiState, commands: &mut Vec<Command>) {
    let admin = snapshot.room.admin;
    rules(ui, &snapshot.room.rules, admin, commands);
    if !admin {
        gap(ui, space::M);
        widgets::weak(ui, "Only admins change this, invite people and let them in.");
        return;
    }
    invites(ui, snapshot, state, commands);
}

fn rules(ui: &mut Ui, rules: &Rules, admin: bool, commands: &mut Vec<Command>) {
    let locked = if rules.locked {
        "Nobody can knock, whatever invite they have. Who is a member can still come back."
    } else {
        "Who has an invite can knock. Admins let them in."
    };
    let all = [
        (Rule::Locked, rules.locked, "Lock the door", locked),
        (
            Rule::ContactsSkipLobby,
            rules.contacts_skip_lobby,
            "Verified people need not wait",
            "People whom an admin verified before come in at once, if that contact is allowed to.",
        ),
        (Rule::MuteOnEntry, rules.mute_on_entry, "Newcomers start muted", "They can unmute themselves."),
        (
            Rule::History,
            rules.history,
            "Newcomers may read back",
            "Who comes later can read what was written in the chat before.",
        ),
    ];
    for (rule, on, name, meaning) in all {
        ui.spacing_mut().item_spacing.y = 2.0;
        ui.add_enabled_ui(admin, |ui| {
            if widgets::switch(ui, on, name).clicked() {
                commands.push(Command::SetRule(rule, !on));
            }
        });
        widgets::weak(ui, meaning);
        ui.spacing_mut().item_spacing.y = space::S;
        gap(ui, space::L);
    }
}

fn invites(ui: &mut Ui, snapshot: &Snapshot, state: &mut UiState, commands: &mut Vec<Command>) {
    group(ui, "Invites");
    let ready = snapshot.invite_ready && !snapshot.room.rules.locked;
    let copy = Button::text("Copy invite").with_icon(Icon::Copy).enabled(ready);
    if ui.add(copy.width(ui.available_width())).clicked() {
        commands.push(Command::CopyInvite);
    }
    gap(ui, space::M);
    let special = &mut state.room.special;
    if widgets::switch(ui, special.single_use, "For one person only").clicked() {
        special.single_use = !special.single_use;
    }
    let (name, lifetime) = LIFETIMES.get(special.lifetime).copied().unwrap_or(LIFETIMES[0]);
    ui.horizontal(|ui| {
        let label = ui.label("Lives for");
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let menu = ComboBox::from_id_salt("lifetime").selected_text(name).width(140.0).show_ui(ui, |ui| {
                for (index, (name, _)) in LIFETIMES.iter().enumerate() {
                    if ui.selectable_label(index == special.lifetime, *name).clicked() {
                        special.lifetime = index;
                    }
                }
            });
            menu.response.labelled_by(label.id);
        });
    });
    let wish = InviteWish { single_use: special.single_use, lifetime };
    let copy = Button::text("Copy this invite").with_icon(Icon::Copy).enabled(ready);
    if ui.add(copy.width(ui.available_width())).clicked() {
        commands.push(Command::CopySpecialInvite(wish));
    }
    gap(ui, space::L);
    if state.question == Some(Question::RevokeInvites) {
        let sentence = "Make all invites worthless that were handed out so far? Who is in stays in.";
        if let Some(go_on) = widgets::question(ui, sentence, "Revoke") {
            state.question = None;
            if go_on {
                commands.push(Command::RevokeInvites);
            }
        }
    } else {
        let revoke = Button::text("Revoke all invites").with_icon(Icon::Block).look(Look::Plain);
        if ui.add(revoke.width(ui.available_width())).clicked() {
            state.question = Some(Question::RevokeInvites);
        }
        ui.label(egui::RichText::new("Removing somebody revokes them by itself.").color(palette(ui).weak));
    }
}
