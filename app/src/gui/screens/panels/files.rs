//! Files: offer one to somebody or everybody, and what became of those that were offered. Nothing is opened by itself.

use egui::{Align, ComboBox, CornerRadius, Frame, Label, Layout, Margin, RichText, TextEdit, Ui};

use crate::engine::{Command, FileLine, FileState, Snapshot};
use crate::gui::icons::Icon;
use crate::gui::screens::{gap, text_line};
use crate::gui::speech::{bytes, short};
use crate::gui::state::{Outbox, UiState, file_name};
use crate::gui::theme::{self, palette, radius, space, text};
use crate::gui::widgets::{self, Button, Look};

use super::group;

pub(super) fn show(ui: &mut Ui, snapshot: &Snapshot, state: &mut UiState, commands: &mut Vec<Command>) {
    if snapshot.people.is_empty() {
        widgets::weak(ui, "As soon as somebody else is here, you can send files.");
    } else {
        offer(ui, snapshot, &mut state.room.outbox, commands);
    }
    let files = &snapshot.room.files;
    if files.is_empty() {
        return;
    }
    group(ui, "Sent and received");
    for file in files.iter().rev() {
        one(ui, file, commands);
    }
}

fn offer(ui: &mut Ui, snapshot: &Snapshot, outbox: &mut Outbox, commands: &mut Vec<Command>) {
    receiver(ui, snapshot, outbox);
    gap(ui, space::M);
    ui.horizontal(|ui| {
        const CHOOSE: f32 = 104.0;
        let width = ui.available_width() - CHOOSE - space::S;
        let edit = TextEdit::singleline(&mut outbox.typed).char_limit(4096);
        let response = ui.add(widgets::styled(ui, edit, "Path of a file").desired_width(width));
        ui.ctx().accesskit_node_builder(response.id, |node| node.set_label("Path of a file"));
        let (text, tooltip) = if outbox.choosing {
            ("Choosing…", "The dialog for choosing a file is open")
        } else {
            ("Choose…", "Choose files in the dialog of the system")
        };
        let choose = Button::text(text).named("Choose a file").width(CHOOSE).tooltip(tooltip);
        if ui.add(choose.enabled(!outbox.choosing)).clicked() {
            outbox.ask_for_dialog();
        }
    });
    let mut taken_back = None;
    for (index, path) in outbox.chosen.iter().enumerate() {
        let name = file_name(path);
        ui.horizontal(|ui| {
            widgets::icon(ui, Icon::File, palette(ui).weak);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let remove = format!("Do not send {name}");
                if ui.add(Button::icon(Icon::Cross, &remove)).clicked() {
                    taken_back = Some(index);
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    ui.add(Label::new(&name).truncate()).on_hover_text(path.display().to_string());
                });
            });
        });
    }
    if let Some(index) = taken_back {
        outbox.chosen.remove(index);
        outbox.too_many = false;
    }
    if outbox.too_many {
        widgets::warning(
            ui,
            "These are more files than can be offered at once. Pack them into one, or send the rest later.",
        );
    }
    if outbox.nothing_chosen && outbox.is_empty() {
        widgets::weak(ui, "Nothing was chosen. You can also type the path of a file, or drop files onto this window.");
    } else if outbox.is_empty() {
        widgets::weak(ui, "Or drop files onto this window.");
    }
    let ready = !outbox.is_empty();
    let look = if ready { Look::Main } else { Look::Plain };
    let offer = Button::text("Offer").with_icon(Icon::Up).look(look).enabled(ready);
    if ui.add(offer.width(ui.available_width())).clicked() {
        outbox.offer(commands);
    }
}

fn receiver(ui: &mut Ui, snapshot: &Snapshot, outbox: &mut Outbox) {
    const ALL: &str = "Everybody";
    let label = ui.label(RichText::new("Send to").font(theme::strong(text::SMALL)).color(palette(ui).weak));
    let chosen = outbox.to.as_ref().and_then(|who| snapshot.people.iter().find(|person| person.who == *who));
    let shown = chosen.map_or(ALL, |person| person.name.as_str());
    let menu = ComboBox::from_id_salt("receiver")
        .width(ui.available_width())
        .selected_text(RichText::new(shown).color(palette(ui).text))
        .truncate()
        .show_ui(ui, |ui| {
            ui.style_mut().wrap_mode = Some(egui::TextWrapMode::Truncate);
            if ui.selectable_label(outbox.to.is_none(), ALL).clicked() {
                outbox.to = None;
            }
            for person in &snapshot.people {
                if ui.selectable_label(outbox.to.as_ref() == Some(&person.who), &person.name).clicked() {
                    outbox.to = Some(person.who.clone());
                }
            }
        });
    menu.response.labelled_by(label.id);
}

fn one(ui: &mut Ui, file: &FileLine, commands: &mut Vec<Command>) {
    let p = palette(ui);
    Frame::new().fill(p.ground).corner_radius(CornerRadius::same(radius::CONTROL)).inner_margin(Margin::same(12)).show(
        ui,
        |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing.y = space::XS;
            text_line(ui, |ui| {
                let direction = if file.outgoing { Icon::Up } else { Icon::Down };
                widgets::icon(ui, direction, p.weak);
                let name = RichText::new(&file.file).font(theme::strong(text::BODY)).color(p.text);
                ui.add(Label::new(name).truncate()).on_hover_text(&file.file);
            });
            let way = if file.outgoing { "to" } else { "from" };
            let line = format!("{}, {way} {}", bytes(file.size), short(&file.name, 24));
            ui.add(Label::new(RichText::new(line).color(p.weak)).truncate());
            state(ui, file);
            buttons(ui, file, commands);
        },
    );
}

fn state(ui: &mut Ui, file: &FileLine) {
    let p = palette(ui);
    match &file.state {
        FileState::Offered if file.outgoing => {
            widgets::weak(ui, "Waits for an answer.");
        }
        FileState::Offered => {
            widgets::weak(
                ui,
                "Take it only if you expect it. It is saved to your downloads and never opened by itself.",
            );
        }
        FileState::Preparing => {
            widgets::weak(ui, "Is being read.");
        }
        FileState::Moving(through) => moving(ui, file, *through, ""),
        FileState::Waiting(through) => moving(ui, file, *through, "Waits for the connection. "),
        FileState::Done(place) => {
            ui.horizontal_top(|ui| {
                widgets::icon(ui, Icon::Check, p.accent_text);
                let said = match place {
                    Some(place) => format!("Complete and checked. Saved as {}", place.display()),
                    None => "Complete and checked.".to_owned(),
                };
                ui.add(Label::new(RichText::new(said).color(p.text)).wrap().selectable(true));
            });
        }
        FileState::Over(why) => {
            widgets::weak(ui, why);
        }
    }
}

fn moving(ui: &mut Ui, file: &FileLine, through: u64, why: &str) {
    let part = if file.size == 0 { 1.0 } else { (through as f64 / file.size as f64).clamp(0.0, 1.0) as f32 };
    ui.add_space(space::XS);
    widgets::progress(ui, part, &format!("How much of {} is through", file.file));
    widgets::weak(ui, format!("{why}{} of {}, {:.0} %", bytes(through), bytes(file.size), (part * 100.0).floor()));
}

fn buttons(ui: &mut Ui, file: &FileLine, commands: &mut Vec<Command>) {
    match file.state {
        FileState::Offered if !file.outgoing => {
            if let Some(command) = answer(ui, file) {
                commands.push(command);
            }
        }
        FileState::Offered | FileState::Preparing | FileState::Moving(_) | FileState::Waiting(_) => {
            let name = format!("Cancel {}", file.file);
            if ui.add(Button::text("Cancel").named(&name)).clicked() {
                commands.push(Command::CancelFile(file.id));
            }
        }
        FileState::Done(_) | FileState::Over(_) => {}
    }
}

/// *Decline* and *Accept*, here and over the tiles.
pub(in crate::gui::screens) fn answer(ui: &mut Ui, file: &FileLine) -> Option<Command> {
    let mut command = None;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = space::S;
        let width = (ui.available_width() - space::S) / 2.0;
        let name = format!("Decline {}", file.file);
        if ui.add(Button::text("Decline").named(&name).width(width)).clicked() {
            command = Some(Command::CancelFile(file.id));
        }
        let name = format!("Accept {}", file.file);
        if ui.add(Button::text("Accept").named(&name).look(Look::Main).width(width)).clicked() {
            command = Some(Command::AcceptFile(file.id));
        }
    });
    command
}
