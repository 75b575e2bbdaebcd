//! Pinning: the control at the corner of a tile, and the words for it in the panel of a person. Who is pinned the engine
//! knows; `layout` makes them large. With one other there is nothing to pin: they are as large as can be.

use egui::accesskit::Role;
use egui::{CornerRadius, Id, Rect, Sense, Stroke, Ui, WidgetInfo, vec2};

use crate::engine::{Command, Person, Snapshot};
use crate::gui::icons::{self, Icon};
use crate::gui::theme::{ON_PICTURE, VEIL, VEIL_GROUND, radius, size, space};
use crate::gui::widgets;

/// What the control of somebody does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pin {
    /// Pins them.
    Offered,
    /// They are pinned: lets go of them.
    Pinned,
}

impl Pin {
    /// `None`: there is no control.
    pub(super) fn of(who: &str, snapshot: &Snapshot) -> Option<Self> {
        let here = snapshot.people.iter().any(|person| person.who == who);
        let pinned = snapshot.pinned.as_deref() == Some(who);
        let pin = if pinned { Self::Pinned } else { Self::Offered };
        (here && (pinned || snapshot.people.len() > 1)).then_some(pin)
    }

    pub(super) const fn verb(self) -> &'static str {
        match self {
            Self::Offered => "Pin",
            Self::Pinned => "Unpin",
        }
    }

    pub(super) fn command(self, who: &str) -> Command {
        Command::Pin((self == Self::Offered).then(|| who.to_owned()))
    }
}

/// The control of a tile.
pub(super) struct Control {
    pin: Pin,
    id: Id,
    place: Rect,
    shown: bool,
}

impl Control {
    /// It shows on the pinned tile, and where the pointer or the keyboard is.
    pub(super) fn new(ui: &Ui, tile: Rect, tile_id: Id, pin: Pin, small: bool) -> Self {
        let id = tile_id.with("pin");
        let (side, margin) = if small { (size::SMALL * 0.75, 5.0) } else { (size::SMALL, space::S) };
        let side = side.min(tile.height() / 2.0);
        let corner = tile.right_top() + vec2(-margin, margin).min(vec2(0.0, tile.height() / 8.0));
        let focused = ui.memory(|memory| memory.has_focus(id) || memory.has_focus(tile_id));
        let shown = pin == Pin::Pinned || focused || ui.rect_contains_pointer(tile);
        Self { pin, id, place: Rect::from_min_max(corner - vec2(side, 0.0), corner + vec2(0.0, side)), shown }
    }

    /// How much room it takes at the corner, in width.
    pub(super) fn taken(&self) -> f32 {
        if self.shown { self.place.width() + space::XS } else { 0.0 }
    }

    /// Over the picture.
    pub(super) fn show(self, ui: &Ui, person: &Person, commands: &mut Vec<Command>) {
        let Self { pin, id, place, shown } = self;
        let response = ui.interact(place, id, Sense::click());
        let name = format!("{} {}", pin.verb(), person.name);
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
        if shown {
            let corner = CornerRadius::same(radius::PILL);
            let (ground, ink, behind) = match pin {
                Pin::Offered => (VEIL, ON_PICTURE, VEIL_GROUND),
                Pin::Pinned => (ON_PICTURE, VEIL_GROUND, ON_PICTURE),
            };
            ui.painter().rect_filled(place, corner, ground);
            if response.hovered() {
                let edge = Stroke::new(1.5, ink);
                ui.painter().rect_stroke(place.shrink(2.0), corner, edge, egui::StrokeKind::Inside);
            }
            icons::paint(ui.painter(), icons::centred(place, place.width() * 0.56), Icon::Pin, ink, behind);
        }
        widgets::focus_ring(ui, &response, place, CornerRadius::same(radius::PILL));
        if response.clicked() {
            commands.push(pin.command(&person.who));
        }
        let tooltip = if pin == Pin::Pinned { format!("{name} (Esc)") } else { name };
        response.on_hover_text(tooltip);
    }
}
