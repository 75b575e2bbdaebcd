//! The cards below a knock: warnings about a name, who cannot hear us, a request to mute, offered files, notices. In this order, as many as the
//! window has room for; the others wait.

use egui::{Align, Label, Layout, RichText, Stroke, Ui};

use crate::engine::{Command, FileLine, FileState, MemberLine, Notice, Snapshot, Stage, Standing};
use crate::gui::icons::{self, Icon};
use crate::gui::screens::{half, panels};
use crate::gui::speech;
use crate::gui::state::{Panel, UiState};
use crate::gui::theme::{self, palette, space, text};
use crate::gui::widgets::{self, Button, Look};

use super::floating;

/// One of them.
pub(super) enum Card<'a> {
    /// Somebody bears the name of a person we verified.
    Name(&'a MemberLine, &'a str),
    /// Who tells that they do not hear us.
    CannotHearUs,
    /// An admin asks us to mute: a sentence.
    MuteAsked(&'a str),
    Offer(&'a FileLine),
    Notice(&'a Notice),
}

/// How many fit into a window of this height, a knock among them.
pub(super) fn room(height: f32) -> usize {
    match height {
        ..420.0 => 1,
        ..640.0 => 2,
        _ => 4,
    }
}

/// All that there are now, most urgent first.
pub(super) fn waiting<'a>(snapshot: &'a Snapshot, state: &UiState) -> Vec<Card<'a>> {
    let mut cards = Vec::new();
    if snapshot.stage == Stage::Meeting {
        for member in &snapshot.room.members {
            if let Standing::NameOfAnother(known) = &member.standing
                && member.present
                && !state.room.warned.contains(&member.who)
                // These panels say it themselves.
                && state.panel != Panel::Person(member.who.clone())
                && state.panel != Panel::Compare
            {
                cards.push(Card::Name(member, known));
            }
        }
        if !snapshot.room.cannot_hear_us.is_empty() {
            cards.push(Card::CannotHearUs);
        }
        cards.extend(snapshot.room.mute_asked.as_deref().map(Card::MuteAsked));
        // In its panel an offer is answered where it stands.
        if state.panel != Panel::Files {
            let open = snapshot.room.files.iter().filter(|file| !file.outgoing && file.state == FileState::Offered);
            cards.extend(open.filter(|file| !state.room.files_answered.contains(&file.id)).map(Card::Offer));
        }
    }
    cards.extend(snapshot.notices.iter().map(Card::Notice));
    cards
}

pub(super) fn show(ui: &mut Ui, card: Card<'_>, snapshot: &Snapshot, state: &mut UiState, commands: &mut Vec<Command>) {
    match card {
        Card::Name(member, known) => name(ui, member, known, state),
        Card::CannotHearUs => cannot_hear_us(ui, snapshot, state),
        Card::MuteAsked(sentence) => mute_asked(ui, sentence, commands),
        Card::Offer(file) => offer(ui, file, state, commands),
        Card::Notice(one) => notice(ui, one, commands),
    }
}

fn name(ui: &mut Ui, member: &MemberLine, known: &str, state: &mut UiState) {
    let p = palette(ui);
    floating(ui, p.warn).stroke(Stroke::new(2.0, p.warn)).fill(p.alarm).show(ui, |ui| {
        ui.set_width(ui.available_width());
        let (title, sentence) = panels::not_who_they_seem(known);
        ui.horizontal_top(|ui| {
            widgets::icon(ui, Icon::Warning, p.warn);
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 3.0;
                ui.add(Label::new(RichText::new(&title).font(theme::strong(text::BODY)).color(p.warn)).wrap());
                ui.add(Label::new(RichText::new(sentence).color(p.text)).wrap());
            });
        });
        ui.add_space(space::XS);
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = space::M;
            let width = half(ui);
            let later = format!("Put away: {title}");
            if ui.add(Button::text("Later").named(&later).width(width)).clicked() {
                state.room.warned.insert(member.who.clone());
            }
            if ui.add(Button::text("Compare words").look(Look::Main).width(width)).clicked() {
                state.room.warned.insert(member.who.clone());
                state.open(Panel::Compare);
            }
        });
    });
}

/// One line, so that it can stay as long as it is true.
fn cannot_hear_us(ui: &mut Ui, snapshot: &Snapshot, state: &mut UiState) {
    let p = palette(ui);
    let names: Vec<&str> = snapshot.room.cannot_hear_us.iter().map(String::as_str).collect();
    let sentence = format!("{} cannot hear you", speech::names(&names, 2));
    floating(ui, p.warn).inner_margin(egui::Margin::symmetric(12, 4)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal(|ui| {
            widgets::icon(ui, Icon::Warning, p.warn);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let show = Button::text("Show").named("Show who hears whom").look(Look::Quiet);
                if ui.add(show.height(theme::size::SMALL)).clicked() {
                    state.open(Panel::Hearing);
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    let sentence = RichText::new(sentence).font(theme::strong(text::BODY)).color(p.warn);
                    ui.add(Label::new(sentence).truncate());
                });
            });
        });
    });
}

/// A request, not an order: nobody else closes our microphone.
fn mute_asked(ui: &mut Ui, sentence: &str, commands: &mut Vec<Command>) {
    let p = palette(ui);
    floating(ui, p.line).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal_top(|ui| {
            widgets::icon(ui, Icon::MicrophoneOff, p.accent_text);
            ui.add(Label::new(RichText::new(sentence).font(theme::strong(text::BODY)).color(p.text)).wrap());
        });
        ui.add_space(space::XS);
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = space::M;
            let width = half(ui);
            if ui.add(Button::text("Stay on").named("Stay on: keep my microphone open").width(width)).clicked() {
                commands.push(Command::StayUnmuted);
            }
            if ui.add(Button::text("Mute").named("Mute, as asked").look(Look::Main).width(width)).clicked() {
                commands.push(Command::SetMuted(true));
            }
        });
    });
}

fn offer(ui: &mut Ui, file: &FileLine, state: &mut UiState, commands: &mut Vec<Command>) {
    let p = palette(ui);
    floating(ui, p.line).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal_top(|ui| {
            widgets::icon(ui, Icon::File, p.accent_text);
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 3.0;
                let title = format!("{} offers you a file", speech::short(&file.name, 24));
                ui.add(Label::new(RichText::new(title).font(theme::strong(text::BODY)).color(p.text)).truncate());
                let what = format!("{} · {}", speech::bytes(file.size), file.file);
                ui.add(Label::new(RichText::new(what).color(p.weak)).truncate());
            });
        });
        ui.add_space(space::XS);
        if let Some(command) = panels::answer_file(ui, file) {
            state.room.files_answered.insert(file.id);
            commands.push(command);
        }
    });
}

fn notice(ui: &mut Ui, notice: &Notice, commands: &mut Vec<Command>) {
    let p = palette(ui);
    floating(ui, p.line).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal_top(|ui| {
            let (rect, _) = ui.allocate_exact_size(theme::square(22.0), egui::Sense::hover());
            icons::paint(ui.painter(), icons::centred(rect, 20.0), Icon::Warning, p.warn, p.surface);
            ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
                let name = format!("Dismiss: {}", notice.what);
                if ui.add(Button::icon(Icon::Cross, &name).tooltip("Dismiss")).clicked() {
                    commands.push(Command::Dismiss(notice.id));
                }
                ui.with_layout(Layout::top_down(Align::Min), |ui| {
                    ui.spacing_mut().item_spacing.y = 3.0;
                    let what = RichText::new(&notice.what).font(theme::strong(text::BODY)).color(p.text);
                    ui.add(Label::new(what).wrap());
                    if !notice.remedy.is_empty() {
                        widgets::weak(ui, &notice.remedy);
                    }
                });
            });
        });
    });
}
