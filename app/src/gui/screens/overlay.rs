//! What lies over every screen: a knock, which must not be missed, notices, and short confirmations.

use egui::{Align, Align2, Area, Context, CornerRadius, Frame, Label, Layout, Order, RichText, Stroke, Ui, vec2};

use crate::engine::{Command, Knock, Notice, Snapshot, Stage};
use crate::gui::icons::{self, Icon};
use crate::gui::state::{Panel, UiState};
use crate::gui::theme::{self, palette, radius, size, space, text};
use crate::gui::widgets::{self, Button, Look};

use super::half;

/// More notices than this would cover the screen; the newest wait behind the oldest.
const NOTICES_SHOWN: usize = 3;

pub(crate) fn show(ui: &mut Ui, snapshot: &Snapshot, state: &mut UiState, commands: &mut Vec<Command>) {
    let ctx = ui.ctx().clone();
    let width = (ui.max_rect().width() - 2.0 * space::M).min(size::COLUMN);
    // At home, too: who is visible on the network is knocked at there.
    let waiting: Vec<&Knock> = snapshot.knocks.iter().filter(|knock| !state.answered.contains(&knock.who)).collect();
    call_for_attention(&ctx, waiting.len());
    // Over the middle of the tiles, not of the window, when a panel stands beside them.
    let beside = state.panel != Panel::None && ui.max_rect().width() >= size::PANEL_BESIDE;
    let left = if beside { -size::PANEL / 2.0 } else { 0.0 };
    if !waiting.is_empty() || !snapshot.notices.is_empty() {
        Area::new(egui::Id::unique("door and notices"))
            .order(Order::Middle)
            .anchor(Align2::CENTER_TOP, vec2(left, space::M))
            .default_width(width)
            .show(&ctx, |ui| {
                ui.set_width(width);
                ui.spacing_mut().item_spacing.y = space::S;
                if let Some((first, rest)) = waiting.split_first() {
                    let advice = if snapshot.stage == Stage::Meeting {
                        "Let in only somebody you expect. The name is what they typed."
                    } else {
                        "Letting them in starts a meeting with your camera and microphone. The name is what they typed."
                    };
                    knock(ui, first, rest, advice, state, commands);
                }
                for notice in snapshot.notices.iter().take(NOTICES_SHOWN) {
                    show_notice(ui, notice, commands);
                }
                let hidden = snapshot.notices.len().saturating_sub(NOTICES_SHOWN);
                if hidden > 0 {
                    floating(ui, palette(ui).line).show(ui, |ui| {
                        widgets::weak(ui, format!("{hidden} more"));
                    });
                }
            });
    }
    if let Some(sentence) = state.confirmation(&ctx) {
        confirmation(&ctx, ui, sentence, snapshot.stage == Stage::Meeting);
    }
}

/// Makes the window ask for attention in the task bar when somebody new is at the door.
fn call_for_attention(ctx: &Context, waiting: usize) {
    let key = egui::Id::unique("knocks seen");
    let before: usize = ctx.data(|data| data.get_temp(key).unwrap_or(0));
    if before == waiting {
        return;
    }
    ctx.data_mut(|data| data.insert_temp(key, waiting));
    if waiting > before && !ctx.input(|input| input.focused) {
        ctx.send_viewport_cmd(egui::ViewportCommand::RequestUserAttention(egui::UserAttentionType::Critical));
    }
}

fn floating(ui: &Ui, edge: egui::Color32) -> Frame {
    Frame::new()
        .fill(palette(ui).surface)
        .stroke(Stroke::new(1.0, edge))
        .corner_radius(CornerRadius::same(radius::CARD))
        .shadow(theme::shadow())
        .inner_margin(egui::Margin::same(16))
}

fn knock(ui: &mut Ui, knock: &Knock, rest: &[&Knock], advice: &str, state: &mut UiState, commands: &mut Vec<Command>) {
    let p = palette(ui);
    floating(ui, p.accent).stroke(Stroke::new(2.0, p.accent)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal(|ui| {
            let (rect, _) = ui.allocate_exact_size(theme::square(44.0), egui::Sense::hover());
            widgets::avatar(ui.painter(), rect.center(), 44.0, &knock.who, &knock.name);
            ui.add_space(space::XS);
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                let who = RichText::new(format!("{} knocks", short(&knock.name, 24))).font(theme::strong(text::LARGE));
                ui.add(Label::new(who.color(p.text)).truncate());
                widgets::weak(ui, advice);
            });
        });
        if !rest.is_empty() {
            widgets::weak(ui, queue(rest));
        }
        ui.add_space(space::XS);
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = space::M;
            let width = half(ui);
            if ui.add(Button::text("Turn away").width(width)).clicked() {
                state.answered.insert(knock.who.clone());
                commands.push(Command::Deny(knock.who.clone()));
            }
            if ui.add(Button::text("Let in").look(Look::Main).width(width)).clicked() {
                state.answered.insert(knock.who.clone());
                commands.push(Command::Admit(knock.who.clone()));
            }
        });
    });
}

/// "Bo waits behind", "Bo, Cy and 3 more wait behind".
fn queue(rest: &[&Knock]) -> String {
    const NAMED: usize = 2;
    let mut names: Vec<String> = rest.iter().take(NAMED).map(|knock| short(&knock.name, 18)).collect();
    if rest.len() > NAMED {
        names.push(format!("{} more", rest.len() - NAMED));
    }
    let last = names.pop().unwrap_or_default();
    let verb = if rest.len() == 1 { "waits" } else { "wait" };
    let all = if names.is_empty() { last } else { format!("{} and {last}", names.join(", ")) };
    format!("{all} {verb} behind.")
}

fn short(name: &str, chars: usize) -> String {
    if name.chars().count() <= chars { name.to_owned() } else { name.chars().take(chars).chain(['…']).collect() }
}

fn show_notice(ui: &mut Ui, notice: &Notice, commands: &mut Vec<Command>) {
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

/// On whose side it lies, for a person.
pub(super) fn side(whose_fault: &str) -> Option<&'static str> {
    match whose_fault {
        "yours" => Some("It lies on this side."),
        "theirs" => Some("It lies on the other side."),
        "the network's" => Some("It lies with the network between you."),
        "a device's" => Some("It lies with a device."),
        "ours" => Some("It lies with Conclave itself."),
        _ => None,
    }
}

fn confirmation(ctx: &Context, ui: &Ui, sentence: &str, above_controls: bool) {
    let p = palette(ui);
    let up = if above_controls { 92.0 } else { space::XL };
    let place = Area::new(egui::Id::unique("confirmation")).order(Order::Foreground).interactable(false);
    place.anchor(Align2::CENTER_BOTTOM, vec2(0.0, -up)).show(ctx, |ui| {
        Frame::new()
            .fill(p.text)
            .corner_radius(CornerRadius::same(radius::CONTROL))
            .shadow(theme::shadow())
            .inner_margin(egui::Margin::symmetric(16, 10))
            .show(ui, |ui| {
                ui.horizontal(|ui| {
                    let (rect, _) = ui.allocate_exact_size(theme::square(18.0), egui::Sense::hover());
                    icons::paint(ui.painter(), rect, Icon::Check, p.ground, p.text);
                    ui.label(RichText::new(sentence).color(p.ground));
                });
            });
    });
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
