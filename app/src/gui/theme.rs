//! The one place for colours, type, spacing and sizes of the window, in a dark and a light set; the window follows the
//! system. Every pair of text and ground keeps WCAG 2.2 AA (tested below). Knows no screen; every screen reads it.

use egui::style::{ScrollStyle, Selection, WidgetVisuals};
use egui::{
    Color32, CornerRadius, FontFamily, FontId, Margin, Shadow, Stroke, Style, TextStyle, Theme, Ui, Vec2, vec2,
};

/// Gaps, in points; everything stands on this scale.
pub(crate) mod space {
    pub(crate) const XS: f32 = 4.0;
    pub(crate) const S: f32 = 8.0;
    pub(crate) const M: f32 = 12.0;
    pub(crate) const L: f32 = 16.0;
    pub(crate) const XL: f32 = 24.0;
}

/// Type sizes, in points.
pub(crate) mod text {
    pub(crate) const SMALL: f32 = 12.5;
    pub(crate) const BODY: f32 = 14.5;
    pub(crate) const LARGE: f32 = 17.0;
    pub(crate) const TITLE: f32 = 24.0;
}

/// Corner radii, in points.
pub(crate) mod radius {
    pub(crate) const CONTROL: u8 = 10;
    pub(crate) const CARD: u8 = 16;
    pub(crate) const TILE: u8 = 14;
    pub(crate) const PILL: u8 = 255;
}

/// Control sizes, in points.
pub(crate) mod size {
    /// Height of fields and ordinary buttons: comfortable for a finger, too.
    pub(crate) const CONTROL: f32 = 40.0;
    /// The one main button of a screen.
    pub(crate) const MAIN: f32 = 46.0;
    /// Round buttons of the meeting.
    pub(crate) const ROUND: f32 = 48.0;
    /// Small square buttons, such as the cross of a notice.
    pub(crate) const SMALL: f32 = 32.0;
    pub(crate) const ICON: f32 = 20.0;
    /// A column of text and fields.
    pub(crate) const COLUMN: f32 = 420.0;
    /// A panel beside the tiles.
    pub(crate) const PANEL: f32 = 336.0;
    /// Narrower than this, a panel covers the tiles instead of standing beside them.
    pub(crate) const PANEL_BESIDE: f32 = 820.0;
    /// Tiles beside a wide panel keep at least this.
    pub(crate) const STAGE: f32 = 400.0;
}

/// Semibold type.
pub(crate) fn strong(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name("strong".into()))
}

/// Regular type.
pub(crate) fn regular(size: f32) -> FontId {
    FontId::new(size, FontFamily::Proportional)
}

/// The colours of one theme, by what they are for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Palette {
    /// Behind everything.
    pub(crate) ground: Color32,
    /// Cards, panels, the bar of controls.
    pub(crate) surface: Color32,
    /// Buttons and fields on a surface.
    pub(crate) raised: Color32,
    /// The same under the pointer.
    pub(crate) raised_hover: Color32,
    /// Hairlines.
    pub(crate) line: Color32,
    /// Frames of fields and switches: these must be seen (3:1).
    pub(crate) frame: Color32,
    pub(crate) text: Color32,
    /// Explanations; still AA.
    pub(crate) weak: Color32,
    /// The one accent: main buttons, who speaks, focus.
    pub(crate) accent: Color32,
    pub(crate) accent_hover: Color32,
    /// Text and icons on the accent.
    pub(crate) on_accent: Color32,
    /// The accent as text on ground or surface.
    pub(crate) accent_text: Color32,
    /// Leave.
    pub(crate) danger: Color32,
    pub(crate) danger_hover: Color32,
    pub(crate) on_danger: Color32,
    /// Something is off or wrong, as text or icon on ground, surface or raised.
    pub(crate) warn: Color32,
    /// A tile without a picture.
    pub(crate) tile: Color32,
    /// What we said ourselves; a row of our own.
    pub(crate) own: Color32,
    /// Behind a loud warning.
    pub(crate) alarm: Color32,
}

/// What lies on pictures is the same in both themes: white on a dark veil.
pub(crate) const ON_PICTURE: Color32 = Color32::WHITE;
/// Muted, not heard, not who they seem: on the veil.
pub(crate) const WARN_ON_PICTURE: Color32 = Color32::from_rgb(0xff, 0xb4, 0xab);
/// Compared and verified, on the veil.
pub(crate) const GOOD_ON_PICTURE: Color32 = Color32::from_rgb(0x74, 0xe0, 0xc7);
/// What the gap of a struck icon shows on the veil.
pub(crate) const VEIL_GROUND: Color32 = Color32::from_gray(30);
/// A raised hand, on pictures and in lists.
pub(crate) const HAND: Color32 = Color32::from_rgb(0xff, 0xc8, 0x57);
pub(crate) const ON_HAND: Color32 = Color32::from_rgb(0x2b, 0x1d, 0x00);
/// The veil. Over a white picture it still leaves white text 7:1.
pub(crate) const VEIL: Color32 = Color32::from_black_alpha(176);

const DARK: Palette = Palette {
    ground: Color32::from_rgb(0x0f, 0x12, 0x17),
    surface: Color32::from_rgb(0x18, 0x1c, 0x23),
    raised: Color32::from_rgb(0x26, 0x2c, 0x36),
    raised_hover: Color32::from_rgb(0x31, 0x39, 0x45),
    line: Color32::from_rgb(0x2a, 0x30, 0x3a),
    frame: Color32::from_rgb(0x6b, 0x77, 0x89),
    text: Color32::from_rgb(0xee, 0xf1, 0xf5),
    weak: Color32::from_rgb(0xa9, 0xb3, 0xc1),
    accent: Color32::from_rgb(0x4f, 0xd1, 0xb3),
    accent_hover: Color32::from_rgb(0x74, 0xe0, 0xc7),
    on_accent: Color32::from_rgb(0x06, 0x22, 0x1c),
    accent_text: Color32::from_rgb(0x5f, 0xd8, 0xbc),
    danger: Color32::from_rgb(0xd2, 0x36, 0x42),
    danger_hover: Color32::from_rgb(0xbd, 0x2a, 0x36),
    on_danger: Color32::WHITE,
    warn: Color32::from_rgb(0xff, 0x9d, 0x93),
    tile: Color32::from_rgb(0x1f, 0x25, 0x2e),
    own: Color32::from_rgb(0x17, 0x38, 0x35),
    alarm: Color32::from_rgb(0x3b, 0x1a, 0x1e),
};

const LIGHT: Palette = Palette {
    ground: Color32::from_rgb(0xf2, 0xf4, 0xf7),
    surface: Color32::from_rgb(0xff, 0xff, 0xff),
    raised: Color32::from_rgb(0xe8, 0xec, 0xf1),
    raised_hover: Color32::from_rgb(0xda, 0xe0, 0xe8),
    line: Color32::from_rgb(0xdd, 0xe2, 0xe9),
    frame: Color32::from_rgb(0x7a, 0x86, 0x96),
    text: Color32::from_rgb(0x14, 0x1a, 0x22),
    weak: Color32::from_rgb(0x4d, 0x59, 0x69),
    accent: Color32::from_rgb(0x0b, 0x7a, 0x65),
    accent_hover: Color32::from_rgb(0x08, 0x66, 0x54),
    on_accent: Color32::WHITE,
    accent_text: Color32::from_rgb(0x08, 0x6a, 0x58),
    danger: Color32::from_rgb(0xc9, 0x2a, 0x37),
    danger_hover: Color32::from_rgb(0xad, 0x20, 0x2c),
    on_danger: Color32::WHITE,
    warn: Color32::from_rgb(0xa8, 0x1f, 0x2b),
    tile: Color32::from_rgb(0xdf, 0xe4, 0xeb),
    own: Color32::from_rgb(0xd8, 0xee, 0xe8),
    alarm: Color32::from_rgb(0xfd, 0xea, 0xea),
};

/// The palette of the theme that this `Ui` is drawn in.
pub(crate) fn palette(ui: &Ui) -> &'static Palette {
    if ui.visuals().dark_mode { &DARK } else { &LIGHT }
}

/// Grounds of the avatars, one per person; white initials on each keep AA.
pub(crate) const AVATARS: [Color32; 6] = [
    Color32::from_rgb(0x2f, 0x6f, 0xb0),
    Color32::from_rgb(0x8a, 0x4f, 0xb5),
    Color32::from_rgb(0xb0, 0x4a, 0x6a),
    Color32::from_rgb(0xa3, 0x59, 0x22),
    Color32::from_rgb(0x3f, 0x76, 0x44),
    Color32::from_rgb(0x2b, 0x76, 0x80),
];

/// Gives a context both looks and the fonts.
pub(crate) fn install(ctx: &egui::Context) {
    super::fonts::install(ctx);
    ctx.set_style_of(Theme::Dark, style(Theme::Dark, &DARK));
    ctx.set_style_of(Theme::Light, style(Theme::Light, &LIGHT));
}

fn style(theme: Theme, colours: &Palette) -> Style {
    let mut style = Style { visuals: theme.default_visuals(), ..Style::default() };
    style.text_styles = [
        (TextStyle::Small, regular(text::SMALL)),
        (TextStyle::Body, regular(text::BODY)),
        (TextStyle::Button, regular(text::BODY)),
        (TextStyle::Heading, strong(text::TITLE)),
        (TextStyle::Monospace, FontId::monospace(text::SMALL)),
    ]
    .into();

    style.spacing.item_spacing = vec2(space::S, space::S);
    style.spacing.button_padding = vec2(space::M, space::S);
    style.spacing.interact_size = vec2(size::CONTROL, size::CONTROL);
    style.spacing.icon_width = 16.0;
    style.spacing.combo_height = 280.0;
    style.spacing.tooltip_width = 280.0;
    style.spacing.menu_margin = Margin::same(6);
    style.spacing.scroll = ScrollStyle::thin();
    style.interaction.selectable_labels = false;
    style.interaction.tooltip_delay = 0.4;

    let visuals = &mut style.visuals;
    visuals.panel_fill = colours.ground;
    visuals.window_fill = colours.surface;
    visuals.window_stroke = Stroke::new(1.0, colours.line);
    visuals.window_corner_radius = CornerRadius::same(radius::CARD);
    visuals.menu_corner_radius = CornerRadius::same(radius::CONTROL);
    visuals.popup_shadow = shadow();
    visuals.window_shadow = shadow();
    visuals.extreme_bg_color = colours.ground;
    visuals.text_edit_bg_color = Some(colours.ground);
    visuals.faint_bg_color = colours.raised;
    visuals.weak_text_color = Some(colours.weak);
    visuals.hyperlink_color = colours.accent_text;
    visuals.warn_fg_color = colours.warn;
    visuals.error_fg_color = colours.warn;
    visuals.selection =
        Selection { bg_fill: colours.accent.gamma_multiply(0.35), stroke: Stroke::new(2.0, colours.accent_text) };
    visuals.text_cursor.stroke = Stroke::new(2.0, colours.accent_text);
    // A blinking cursor would repaint an idle window twice a second.
    visuals.text_cursor.blink = false;
    visuals.interact_cursor = Some(egui::CursorIcon::PointingHand);

    let control = |fill, frame: Color32, text: Color32| WidgetVisuals {
        bg_fill: fill,
        weak_bg_fill: fill,
        bg_stroke: Stroke::new(1.0, frame),
        corner_radius: CornerRadius::same(radius::CONTROL),
        fg_stroke: Stroke::new(1.0, text),
        expansion: 0.0,
    };
    let widgets = &mut visuals.widgets;
    widgets.noninteractive = control(colours.surface, colours.line, colours.text);
    widgets.inactive = control(colours.raised, colours.frame, colours.text);
    widgets.hovered = control(colours.raised_hover, colours.weak, colours.text);
    widgets.active = control(colours.raised_hover, colours.accent_text, colours.text);
    widgets.open = control(colours.raised_hover, colours.accent_text, colours.text);
    style
}

/// Under what floats.
pub(crate) fn shadow() -> Shadow {
    Shadow { offset: [0, 6], blur: 24, spread: 0, color: Color32::from_black_alpha(72) }
}

/// A card on the ground.
pub(crate) fn card(ui: &Ui) -> egui::Frame {
    let colours = palette(ui);
    egui::Frame::new()
        .fill(colours.surface)
        .stroke(Stroke::new(1.0, colours.line))
        .corner_radius(CornerRadius::same(radius::CARD))
        .inner_margin(Margin::same(20))
}

/// A square of this side.
pub(crate) fn square(side: f32) -> Vec2 {
    Vec2::splat(side)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn luminance(colour: Color32) -> f64 {
        let linear = |channel: u8| {
            let c = f64::from(channel) / 255.0;
            if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(colour.r()) + 0.7152 * linear(colour.g()) + 0.0722 * linear(colour.b())
    }

    fn contrast(a: Color32, b: Color32) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn text_keeps_four_and_a_half_to_one() {
        for p in [DARK, LIGHT] {
            for ground in [p.ground, p.surface, p.raised, p.raised_hover, p.tile, p.own, p.alarm] {
                assert!(contrast(p.text, ground) >= 4.5, "text on {ground:?}: {}", contrast(p.text, ground));
            }
            for ground in [p.ground, p.surface, p.raised, p.tile, p.own, p.alarm] {
                assert!(contrast(p.weak, ground) >= 4.5, "weak on {ground:?}: {}", contrast(p.weak, ground));
                assert!(contrast(p.warn, ground) >= 4.5, "warn on {ground:?}: {}", contrast(p.warn, ground));
                assert!(contrast(p.accent_text, ground) >= 4.5, "accent on {ground:?}");
            }
            for (text, ground) in [
                (p.on_accent, p.accent),
                (p.on_accent, p.accent_hover),
                (p.on_danger, p.danger),
                (p.on_danger, p.danger_hover),
            ] {
                assert!(contrast(text, ground) >= 4.5, "{text:?} on {ground:?}: {}", contrast(text, ground));
            }
        }
        assert!(contrast(ON_HAND, HAND) >= 4.5);
        for on_veil in [WARN_ON_PICTURE, GOOD_ON_PICTURE] {
            assert!(
                contrast(on_veil, Color32::from_gray(255 - VEIL.a())) >= 3.0,
                "marks on the veil over a white picture"
            );
        }
        for avatar in AVATARS {
            assert!(contrast(Color32::WHITE, avatar) >= 4.5, "{avatar:?}: {}", contrast(Color32::WHITE, avatar));
        }
    }

    #[test]
    fn frames_of_controls_keep_three_to_one() {
        for p in [DARK, LIGHT] {
            for ground in [p.ground, p.surface, p.raised] {
                assert!(contrast(p.frame, ground) >= 3.0, "frame on {ground:?}: {}", contrast(p.frame, ground));
            }
        }
    }

    #[test]
    fn white_is_readable_on_the_veil_over_a_white_picture() {
        let left = 255 - VEIL.a();
        assert!(contrast(ON_PICTURE, Color32::from_gray(left)) >= 4.5);
    }
}
