//! Somebody at the door: who they say they are, what our contacts say about their device, and the three answers.

use egui::{Label, RichText, Stroke, Ui, vec2};

use crate::engine::{Command, Knock, Standing};
use crate::gui::icons::Icon;
use crate::gui::speech;
use crate::gui::state::UiState;
use crate::gui::theme::{self, palette, space, text};
use crate::gui::widgets::{self, Button, Look};

use super::floating;

pub(super) fn show(
    ui: &mut Ui,
    knock: &Knock,
    rest: &[&Knock],
    inside: bool,
    state: &mut UiState,
    commands: &mut Vec<Command>,
) {
    let p = palette(ui);
    let suspicious = matches!(knock.standing, Standing::NameOfAnother(_));
    let edge = if suspicious { p.warn } else { p.accent };
    floating(ui, edge).stroke(Stroke::new(2.0, edge)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal(|ui| {
            let (rect, _) = ui.allocate_exact_size(theme::square(44.0), egui::Sense::hover());
            widgets::avatar(ui.painter(), rect.center(), 44.0, &knock.who, &knock.name);
            ui.add_space(space::XS);
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                let who = format!("{} knocks", speech::short(&knock.name, 24));
                let who = RichText::new(who).font(theme::strong(text::LARGE)).color(p.text);
                ui.add(Label::new(who).truncate());
                widgets::weak(ui, advice(inside, &knock.standing));
            });
        });
        match &knock.standing {
            Standing::Stranger => {}
            Standing::Verified => verified(ui, "Verified: you compared words with them."),
            Standing::VerifiedAs(known) => verified(ui, &format!("Verified. You know this device as {known}.")),
            Standing::NameOfAnother(known) => widgets::alarm(
                ui,
                &format!("Not the {known} you verified"),
                "Another device uses that name. Ask them another way before you let them in.",
            ),
        }
        if !rest.is_empty() {
            widgets::weak(ui, queue(rest));
        }
        ui.add_space(space::XS);
        if let Some(command) = answers(ui, &knock.who, suspicious) {
            state.answered.insert(knock.who.clone());
            commands.push(command);
        }
    });
}

const fn advice(inside: bool, standing: &Standing) -> &'static str {
    match (inside, standing) {
        (true, Standing::Verified | Standing::VerifiedAs(_)) => "They wait to be let in.",
        (true, Standing::Stranger | Standing::NameOfAnother(_)) => {
            "Let in only somebody you expect. The name is what they typed."
        }
        (false, Standing::Verified | Standing::VerifiedAs(_)) => {
            "Letting them in starts a meeting with your camera and microphone."
        }
        (false, Standing::Stranger | Standing::NameOfAnother(_)) => {
            "Letting them in starts a meeting with your camera and microphone. The name is what they typed."
        }
    }
}

fn verified(ui: &mut Ui, sentence: &str) {
    let p = palette(ui);
    ui.horizontal_top(|ui| {
        widgets::icon(ui, Icon::Shield, p.accent_text);
        ui.add(Label::new(RichText::new(sentence).color(p.accent_text)).wrap());
    });
}

fn answers(ui: &mut Ui, who: &str, suspicious: bool) -> Option<Command> {
    const BLOCK: f32 = 78.0;
    let mut command = None;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing = vec2(space::S, 0.0);
        let width = (ui.available_width() - BLOCK - 2.0 * space::S) / 2.0;
        let block = Button::text("Block").look(Look::Quiet).width(BLOCK);
        if ui.add(block.tooltip("Turn away, and their device for the rest of the meeting")).clicked() {
            command = Some(Command::Block(who.to_owned()));
        }
        if ui.add(Button::text("Turn away").width(width)).clicked() {
            command = Some(Command::Deny(who.to_owned()));
        }
        let look = if suspicious { Look::Plain } else { Look::Main };
        if ui.add(Button::text("Let in").look(look).width(width)).clicked() {
            command = Some(Command::Admit(who.to_owned()));
        }
    });
    command
}

/// "Bo waits behind", "Bo, Cy and 3 more wait behind".
fn queue(rest: &[&Knock]) -> String {
    let names: Vec<&str> = rest.iter().map(|knock| knock.name.as_str()).collect();
    let verb = if rest.len() == 1 { "waits" } else { "wait" };
    format!("{} {verb} behind.", speech::names(&names, 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queue_is_told_in_one_sentence() {
        let knock = |name: &str| Knock { who: name.to_owned(), name: name.to_owned(), ..Knock::default() };
        let (bo, cy, di, ed) = (knock("Bo"), knock("Cy"), knock("Di"), knock("Ed"));
        assert_eq!(queue(&[&bo]), "Bo waits behind.");
        assert_eq!(queue(&[&bo, &cy]), "Bo and Cy wait behind.");
        assert_eq!(queue(&[&bo, &cy, &di, &ed]), "Bo, Cy and 2 more wait behind.");
    }
}
