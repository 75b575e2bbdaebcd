//! The type of the window: Inter (SIL Open Font License, `app/assets/fonts`), one variable file used at two weights, before
//! egui's own fonts. Characters that both lack come from the system's fonts, which eframe loads when they are first shown.

use std::sync::Arc;

use egui::epaint::text::{FontTweak, VariationCoords};
use egui::{FontData, FontDefinitions, FontFamily};

/// Gives a context the families `Proportional` (regular) and `strong` (semibold).
pub(super) fn install(ctx: &egui::Context) {
    let mut fonts = FontDefinitions::default();
    let fallbacks = fonts.families.get(&FontFamily::Proportional).cloned().unwrap_or_default();
    for (name, weight, family) in
        [("Inter", 430.0, FontFamily::Proportional), ("Inter Semibold", 620.0, FontFamily::Name("strong".into()))]
    {
        let mut data = FontData::from_static(include_bytes!("../../assets/fonts/Inter.ttf"));
        data.tweak = FontTweak { coords: VariationCoords::new([(b"wght", weight)]), ..FontTweak::default() };
        fonts.font_data.insert(name.to_owned(), Arc::new(data));
        let mut chain = vec![name.to_owned()];
        chain.extend(fallbacks.iter().cloned());
        fonts.families.insert(family, chain);
    }
    ctx.set_fonts(fonts);
}
