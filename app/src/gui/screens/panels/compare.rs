//! Comparing the words, step by step: somebody reads them aloud, then person by person the same or not, and what it means if
//! not. Words that change meanwhile begin it anew.

use egui::{Label, RichText, Ui, vec2};

use crate::engine::{Command, MemberLine, Snapshot, Standing};
use crate::gui::icons::Icon;
use crate::gui::screens::{gap, text_line};
use crate::gui::state::{Panel, Step, UiState};
use crate::gui::theme::{self, palette, size, space, text};
use crate::gui::widgets::{self, Button, Look};

use super::{person, words};

pub(super) fn show(ui: &mut Ui, snapshot: &Snapshot, state: &mut UiState, commands: &mut Vec<Command>) {
    let Some(the_words) = &snapshot.words else {
        widgets::weak(ui, "There is nobody to compare with right now.");
        return;
    };
    state.look_at_words(snapshot, commands);
    match state.room.compare.step.clone() {
        Step::Read => read(ui, the_words, state),
        Step::People => people(ui, snapshot, state, commands),
        Step::Differ(who) => differ(ui, &person::name(snapshot, &who), state, commands),
    }
}

fn step(ui: &mut Ui, which: &str, sentence: &str) {
    let p = palette(ui);
    ui.label(RichText::new(which).font(theme::strong(text::SMALL)).color(p.accent_text));
    ui.add(Label::new(RichText::new(sentence).font(theme::strong(text::BODY)).color(p.text)).wrap());
}

fn read(ui: &mut Ui, the_words: &[String; 6], state: &mut UiState) {
    let compare = &mut state.room.compare;
    if compare.began_anew {
        widgets::note(
            ui,
            Icon::Shield,
            "Somebody came or went meanwhile, so the words changed. Begin with the new ones.",
        );
        gap(ui, space::M);
    }
    step(ui, "Step 1 of 2", "Read these six words aloud, in this order.");
    widgets::weak(ui, "Everybody looks whether theirs are the same. Use your voice, not the chat.");
    gap(ui, space::M);
    words::cards(ui, the_words);
    gap(ui, space::M);
    let next = Button::text("Everybody heard them").look(Look::Main).height(size::MAIN);
    if ui.add(next.width(ui.available_width())).clicked() {
        compare.step = Step::People;
    }
}

fn people(ui: &mut Ui, snapshot: &Snapshot, state: &mut UiState, commands: &mut Vec<Command>) {
    step(ui, "Step 2 of 2", "Ask each one: are yours the same?");
    widgets::weak(ui, "Count only a voice or a face that you know. Who says yes is remembered by their device.");
    gap(ui, space::M);
    let present = |member: &&MemberLine| snapshot.people.iter().any(|person| person.who == member.who);
    for member in snapshot.room.members.iter().filter(present) {
        one(ui, member, state, commands);
        gap(ui, space::M);
    }
    if ui.add(Button::text("Show the words again").width(ui.available_width())).clicked() {
        state.room.compare.step = Step::Read;
    }
    gap(ui, space::S);
    if ui.add(Button::text("Done").width(ui.available_width())).clicked() {
        state.open(Panel::Words);
    }
}

fn one(ui: &mut Ui, member: &MemberLine, state: &mut UiState, commands: &mut Vec<Command>) {
    let p = palette(ui);
    let compare = &mut state.room.compare;
    ui.horizontal(|ui| {
        let (rect, _) = ui.allocate_exact_size(theme::square(32.0), egui::Sense::hover());
        widgets::avatar(ui.painter(), rect.center(), 32.0, &member.who, &member.name);
        let name = RichText::new(&member.name).font(theme::strong(text::BODY)).color(p.text);
        ui.add(Label::new(name).truncate());
    });
    let verified = match &member.standing {
        Standing::Verified => Some("Verified".to_owned()),
        Standing::VerifiedAs(known) => Some(format!("Verified, known to you as {known}")),
        Standing::NameOfAnother(_) | Standing::Stranger if compare.same.contains(&member.who) => {
            Some("Verified".to_owned())
        }
        Standing::NameOfAnother(known) => {
            let (title, sentence) = person::not_who_they_seem(known);
            widgets::alarm(ui, &title, &sentence);
            None
        }
        Standing::Stranger => None,
    };
    if let Some(verified) = verified {
        text_line(ui, |ui| {
            widgets::icon(ui, Icon::Shield, p.accent_text);
            ui.add(Label::new(RichText::new(verified).color(p.accent_text)).wrap());
        });
        return;
    }
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing = vec2(space::S, space::S);
        let width = (ui.available_width() - space::S) / 2.0;
        let name = format!("Different words than {}", member.name);
        if ui.add(Button::text("Different").named(&name).width(width)).clicked() {
            compare.step = Step::Differ(member.who.clone());
        }
        let name = format!("Same words as {}", member.name);
        let same = Button::text("Same words").named(&name).look(Look::Main).width(width);
        if ui.add(same).clicked() {
            compare.same.insert(member.who.clone());
            commands.push(Command::Verify(member.who.clone()));
        }
    });
}

fn differ(ui: &mut Ui, name: &str, state: &mut UiState, commands: &mut Vec<Command>) {
    let sentence = format!(
        "Then you and {name} are not in the same meeting, or somebody sits between you and can hear and see what you say \
         to each other."
    );
    widgets::alarm(ui, "The words differ", &sentence);
    gap(ui, space::M);
    step(ui, "What to do", "Read them once more, slowly.");
    widgets::weak(ui, "Most often a word was misheard, or somebody just came or went and the words changed.");
    if ui.add(Button::text("Read them again").look(Look::Main).width(ui.available_width())).clicked() {
        state.room.compare.step = Step::Read;
    }
    gap(ui, space::L);
    step(ui, "If they still differ", "Say nothing private, and leave.");
    widgets::weak(
        ui,
        "Make a new meeting and send its invite another way than this one, best a way that you trust more.",
    );
    if ui.add(Button::text("Leave the meeting").look(Look::Danger).width(ui.available_width())).clicked() {
        commands.push(Command::Leave);
    }
    gap(ui, space::S);
    if ui.add(Button::text("Back").width(ui.available_width())).clicked() {
        state.room.compare.step = Step::People;
    }
}
