//! The one button of the window, in several looks: icon, text or both, with a badge where something is new.

use egui::accesskit::Role;
use egui::{
    Color32, CornerRadius, Rect, Response, RichText, Sense, Stroke, StrokeKind, TextWrapMode, Ui, Vec2, Widget,
    WidgetInfo, WidgetText, pos2, vec2,
};

use super::focus_ring;
use crate::gui::icons::{self, Icon};
use crate::gui::theme::{self, palette, radius, size, space, text};

/// How loud a button is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// The one thing to do here.
    Main,
    /// Everything else.
    Plain,
    /// No ground until it is pointed at.
    Quiet,
    /// Leaves the meeting.
    Danger,
    /// Something of ours is switched off: shown as such.
    Off,
    /// Its panel is open.
    Chosen,
}

/// A button: icon, text or both.
#[must_use]
pub(crate) struct Button<'a> {
    icon: Option<Icon>,
    text: &'a str,
    name: &'a str,
    tooltip: &'a str,
    look: Look,
    size: Vec2,
    round: bool,
    enabled: bool,
    badge: Badge,
}

/// What stands at the corner of a button.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Badge {
    None,
    Count(usize),
    /// Something new, of which there is no number.
    Dot,
}

impl<'a> Button<'a> {
    /// A button with a text, which is its name, too.
    pub(crate) fn text(text: &'a str) -> Self {
        Self {
            icon: None,
            text,
            name: text,
            tooltip: "",
            look: Look::Plain,
            size: vec2(0.0, size::CONTROL),
            round: false,
            enabled: true,
            badge: Badge::None,
        }
    }

    /// A square button with an icon only; the name is its tooltip, too.
    pub(crate) fn icon(icon: Icon, name: &'a str) -> Self {
        let small = theme::square(size::SMALL);
        Self { icon: Some(icon), text: "", tooltip: name, look: Look::Quiet, size: small, ..Self::text(name) }
    }

    /// The round kind of the bar of controls.
    pub(crate) fn round(icon: Icon, name: &'a str, side: f32) -> Self {
        Self { look: Look::Plain, size: theme::square(side), round: true, ..Self::icon(icon, name) }
    }

    pub(crate) fn with_icon(self, icon: Icon) -> Self {
        Self { icon: Some(icon), ..self }
    }

    /// Beside a round icon button: a text, too.
    pub(crate) fn with_text(self, text: &'a str) -> Self {
        Self { text, size: vec2(0.0, self.size.y), ..self }
    }

    pub(crate) fn look(self, look: Look) -> Self {
        Self { look, ..self }
    }

    pub(crate) fn tooltip(self, tooltip: &'a str) -> Self {
        Self { tooltip, ..self }
    }

    pub(crate) fn height(self, height: f32) -> Self {
        Self { size: vec2(self.size.x, height), ..self }
    }

    pub(crate) fn width(self, width: f32) -> Self {
        Self { size: vec2(width, self.size.y), ..self }
    }

    pub(crate) fn enabled(self, enabled: bool) -> Self {
        Self { enabled, ..self }
    }

    /// A small number at the corner; 0: none.
    pub(crate) fn badge(self, count: usize) -> Self {
        Self { badge: if count > 0 { Badge::Count(count) } else { self.badge }, ..self }
    }

    /// A dot at the corner, unless there is a number.
    pub(crate) fn dot(self, dot: bool) -> Self {
        Self { badge: if dot && self.badge == Badge::None { Badge::Dot } else { self.badge }, ..self }
    }

    /// What a screen reader says, where the text alone does not say what it acts on.
    pub(crate) fn named(self, name: &'a str) -> Self {
        Self { name, ..self }
    }
}

impl Widget for Button<'_> {
    fn ui(self, ui: &mut Ui) -> Response {
        ui.add_enabled_ui(self.enabled, |ui| self.draw(ui)).inner
    }
}

impl Button<'_> {
    fn draw(self, ui: &mut Ui) -> Response {
        let gap = if self.icon.is_some() && !self.text.is_empty() { space::S } else { 0.0 };
        let icon_width = if self.icon.is_some() { size::ICON } else { 0.0 };
        let side = if self.text.is_empty() { 0.0 } else { space::L };
        let room = if self.size.x > 0.0 { self.size.x } else { ui.available_width() };
        let room_for_text = (room - icon_width - gap - 2.0 * side).max(0.0);
        let font = match self.look {
            Look::Main | Look::Danger => theme::strong(text::BODY),
            Look::Plain | Look::Quiet | Look::Off | Look::Chosen => theme::regular(text::BODY),
        };
        let label: WidgetText = RichText::new(self.text).font(font.clone()).into();
        let galley = label.into_galley(ui, Some(TextWrapMode::Truncate), room_for_text, font);
        let content = icon_width + gap + galley.size().x;
        let wanted = vec2(if self.size.x > 0.0 { self.size.x } else { content + 2.0 * side }, self.size.y);

        let (rect, response) = ui.allocate_exact_size(wanted, Sense::click());
        let enabled = ui.is_enabled();
        let chosen = self.look == Look::Chosen;
        response.widget_info(|| match self.look {
            Look::Chosen | Look::Off => WidgetInfo::selected(Role::Button, enabled, chosen, self.name),
            Look::Main | Look::Plain | Look::Quiet | Look::Danger => {
                WidgetInfo::labeled(Role::Button, enabled, self.name)
            }
        });

        let (ground, ink) = self.colours(ui, &response);
        let corner = CornerRadius::same(if self.round { radius::PILL } else { radius::CONTROL });
        let painter = ui.painter();
        painter.rect_filled(rect, corner, ground);
        let mut x = rect.center().x - content / 2.0;
        if let Some(icon) = self.icon {
            let at = Rect::from_center_size(pos2(x + size::ICON / 2.0, rect.center().y), theme::square(size::ICON));
            icons::paint(painter, at, icon, ink, ground);
            x += icon_width + gap;
        }
        painter.galley(pos2(x, rect.center().y - galley.size().y / 2.0), galley, ink);
        badge(ui, rect, self.badge);
        focus_ring(ui, &response, rect, corner);
        if self.tooltip.is_empty() {
            response
        } else {
            response.on_hover_text(self.tooltip).on_disabled_hover_text(self.tooltip)
        }
    }

    fn colours(&self, ui: &Ui, response: &Response) -> (Color32, Color32) {
        let p = palette(ui);
        let hover = response.hovered() || response.is_pointer_button_down_on();
        let pick = |still, hovered| if hover { hovered } else { still };
        match self.look {
            Look::Main => (pick(p.accent, p.accent_hover), p.on_accent),
            Look::Plain => (pick(p.raised, p.raised_hover), p.text),
            Look::Quiet => (pick(Color32::TRANSPARENT, p.raised_hover), p.text),
            Look::Danger => (pick(p.danger, p.danger_hover), p.on_danger),
            Look::Off => (pick(p.text, p.weak), p.ground),
            Look::Chosen => (pick(p.accent, p.accent_hover), p.on_accent),
        }
    }
}

fn badge(ui: &Ui, rect: Rect, badge: Badge) {
    let p = palette(ui);
    let centre = rect.right_top() + vec2(-7.0, 7.0);
    let edge = Stroke::new(2.0, p.surface);
    match badge {
        Badge::None => {}
        Badge::Dot => {
            ui.painter().circle(centre, 6.0, p.accent, edge);
        }
        Badge::Count(count) => {
            let number = if count > 99 { "99+".to_owned() } else { count.to_string() };
            let galley = ui.painter().layout_no_wrap(number, theme::strong(10.5), p.on_accent);
            let pill = Rect::from_center_size(centre, vec2((galley.size().x + 9.0).max(18.0), 18.0));
            ui.painter().rect(pill, CornerRadius::same(radius::PILL), p.accent, edge, StrokeKind::Outside);
            ui.painter().galley(pill.center() - galley.size() / 2.0, galley, p.on_accent);
        }
    }
}
