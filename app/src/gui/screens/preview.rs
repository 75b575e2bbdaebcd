//! The look before entering: our own picture as in a mirror, the microphone's level, the devices and how they are doing.

use egui::{Align2, ComboBox, CornerRadius, Label, Rect, RichText, Sense, Ui, UiBuilder, vec2};

use crate::engine::{Command, DeviceState, Purpose, Snapshot};
use crate::gui::icons::{self, Icon};
use crate::gui::layout::ASPECT;
use crate::gui::state::UiState;
use crate::gui::theme::{self, palette, radius, size, space, text};
use crate::gui::widgets::{self, Button, Look};

use super::{column, gap, half, text_line, tile, title};

/// Narrower than this, the devices stand below the picture.
const SIDE_BY_SIDE: f32 = 880.0;

pub(crate) fn show(
    ui: &mut Ui,
    snapshot: &Snapshot,
    purpose: &Purpose,
    state: &mut UiState,
    commands: &mut Vec<Command>,
) {
    let room = ui.max_rect();
    let wide = room.width() >= SIDE_BY_SIDE;
    let width = if wide { 1040.0 } else { (room.height() * 0.5 * ASPECT).clamp(size::COLUMN, 640.0) };
    column(ui, "preview", width, |ui| {
        title(ui, "Check your picture and sound");
        widgets::weak(ui, explanation(purpose));
        gap(ui, space::XL);
        if wide {
            ui.horizontal_top(|ui| {
                let side = size::PANEL;
                let picture = ui.available_width() - side - space::XL;
                ui.vertical(|ui| {
                    ui.set_width(picture);
                    mirror(ui, snapshot, state, commands);
                });
                ui.add_space(space::L);
                ui.vertical(|ui| {
                    ui.set_width(side);
                    devices(ui, snapshot, commands);
                    gap(ui, space::XL);
                    decide(ui, purpose, commands);
                });
            });
        } else {
            mirror(ui, snapshot, state, commands);
            gap(ui, space::L);
            devices(ui, snapshot, commands);
            gap(ui, space::XL);
            decide(ui, purpose, commands);
        }
    });
}

fn explanation(purpose: &Purpose) -> &'static str {
    match purpose {
        Purpose::New => "Nobody sees or hears you yet. You can begin without a camera or a microphone, too.",
        Purpose::Join => "Nobody sees or hears you yet. You knock next; somebody inside lets you in.",
    }
}

fn decide(ui: &mut Ui, purpose: &Purpose, commands: &mut Vec<Command>) {
    ui.horizontal(|ui| {
        let width = half(ui);
        ui.spacing_mut().item_spacing.x = space::M;
        if ui.add(Button::text("Back").width(width).height(size::MAIN)).clicked() {
            commands.push(Command::Back);
        }
        let (name, icon) = match purpose {
            Purpose::New => ("Start meeting", Icon::Check),
            Purpose::Join => ("Knock", Icon::Door),
        };
        let enter = Button::text(name).with_icon(icon).look(Look::Main).width(width).height(size::MAIN);
        if ui.add(enter).clicked() {
            commands.push(Command::Enter);
        }
    });
}

fn mirror(ui: &mut Ui, snapshot: &Snapshot, state: &mut UiState, commands: &mut Vec<Command>) {
    let width = ui.available_width();
    let (rect, _) = ui.allocate_exact_size(vec2(width, width / ASPECT), Sense::hover());
    let p = palette(ui);
    let corner = CornerRadius::same(radius::TILE);
    ui.painter().rect_filled(rect, corner, p.tile);
    let shown = !snapshot.camera_off && tile::picture(ui, rect, snapshot.own_picture.as_ref(), true, state);
    if !shown {
        // In the middle of what the two buttons leave free.
        let free = Rect::from_min_max(rect.min, rect.max - vec2(0.0, size::ROUND + space::M));
        let diameter = (free.height() * 0.45).min(96.0);
        widgets::avatar(ui.painter(), free.center() - vec2(0.0, space::L), diameter, "", &state.name);
        let sentence = match (&snapshot.camera, snapshot.camera_off) {
            (_, true) => "Your camera is off",
            (DeviceState::Opening | DeviceState::On(_), false) => "The camera is starting",
            (DeviceState::Off, false) => "No camera is in use",
            (DeviceState::Failed(_), false) => "No picture from the camera",
        };
        let at = free.center() + vec2(0.0, diameter / 2.0 + space::XS);
        ui.painter().text(at, Align2::CENTER_CENTER, sentence, theme::regular(text::BODY), p.weak);
        let label = ui.interact(rect, ui.scope_id().with("own picture"), Sense::hover());
        label.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Label, true, sentence));
    }
    let bar =
        Rect::from_center_size(rect.center_bottom() - vec2(0.0, 36.0), vec2(2.0 * size::ROUND + space::M, size::ROUND));
    let mut bar = ui.new_child(UiBuilder::new().max_rect(bar).layout(egui::Layout::left_to_right(egui::Align::Center)));
    bar.spacing_mut().item_spacing.x = space::M;
    microphone_and_camera(&mut bar, snapshot, size::ROUND, commands);
}

/// The two buttons of the preview and the meeting.
pub(super) fn microphone_and_camera(ui: &mut Ui, snapshot: &Snapshot, side: f32, commands: &mut Vec<Command>) {
    let (icon, name, tooltip, look) = if snapshot.muted {
        (Icon::MicrophoneOff, "Switch the microphone on", "You are muted. Unmute (M)", Look::Off)
    } else {
        (Icon::Microphone, "Mute the microphone", "Mute the microphone (M)", Look::Plain)
    };
    if ui.add(Button::round(icon, name, side).look(look).tooltip(tooltip)).clicked() {
        commands.push(Command::SetMuted(!snapshot.muted));
    }
    let (icon, name, tooltip, look) = if snapshot.camera_off {
        (Icon::CameraOff, "Switch the camera on", "Your camera is off. Switch it on (V)", Look::Off)
    } else {
        (Icon::Camera, "Switch the camera off", "Switch the camera off (V)", Look::Plain)
    };
    if ui.add(Button::round(icon, name, side).look(look).tooltip(tooltip)).clicked() {
        commands.push(Command::SetCamera(snapshot.camera_off));
    }
}

fn devices(ui: &mut Ui, snapshot: &Snapshot, commands: &mut Vec<Command>) {
    let lists = &snapshot.devices;
    if let Some(choice) = device(ui, Icon::Camera, "Camera", &snapshot.camera, &lists.cameras) {
        commands.push(Command::ChooseCamera(choice));
    }
    gap(ui, space::L);
    if let Some(choice) = device(ui, Icon::Microphone, "Microphone", &snapshot.microphone, &lists.microphones) {
        commands.push(Command::ChooseMicrophone(choice));
    }
    if matches!(snapshot.microphone, DeviceState::On(_)) {
        let level = if snapshot.muted { 0.0 } else { snapshot.microphone_level };
        widgets::level_meter(ui, level);
        if snapshot.muted {
            widgets::weak(ui, "You are muted.");
        }
    }
    gap(ui, space::L);
    if let Some(choice) = device(ui, Icon::Speaker, "Speaker", &snapshot.speaker, &lists.speakers) {
        commands.push(Command::ChooseSpeaker(choice));
    }
}

/// A device: its name, what there is to choose, how it is doing. Returns the choice: a name, or `None` for the default.
fn device(ui: &mut Ui, icon: Icon, name: &str, state: &DeviceState, list: &[String]) -> Option<Option<String>> {
    let p = palette(ui);
    let label = text_line(ui, |ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        let (rect, _) = ui.allocate_exact_size(theme::square(16.0), Sense::hover());
        icons::paint(ui.painter(), rect, icon, p.weak, p.ground);
        ui.label(RichText::new(name).font(theme::strong(text::SMALL)).color(p.weak))
    });
    let current = match state {
        DeviceState::On(name) => name.as_str(),
        DeviceState::Opening => "Opening…",
        DeviceState::Failed(_) if list.is_empty() => "None found",
        DeviceState::Failed(_) => "Not working",
        DeviceState::Off => "Not in use",
    };
    let mut choice = None;
    let menu = ComboBox::from_id_salt(name)
        .width(ui.available_width())
        .selected_text(RichText::new(current).color(p.text))
        .truncate()
        .show_ui(ui, |ui| {
            ui.style_mut().wrap_mode = Some(egui::TextWrapMode::Truncate);
            if ui.selectable_label(false, "System default").clicked() {
                choice = Some(None);
            }
            for entry in list {
                let chosen = matches!(state, DeviceState::On(name) if name == entry);
                if ui.selectable_label(chosen, entry).clicked() {
                    choice = Some(Some(entry.clone()));
                }
            }
        });
    menu.response.labelled_by(label.id);
    if let DeviceState::Failed(sentence) = state {
        ui.add(Label::new(RichText::new(sentence).color(p.warn)).wrap());
    }
    choice
}
