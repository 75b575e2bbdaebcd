//! The truth about one link: path, keys, quality. Shows what the engine measured and claims nothing beyond it.

use egui::{Label, RichText, Ui};

use crate::engine::{Person, Snapshot};
use crate::gui::icons::Icon;
use crate::gui::theme::{palette, space};
use crate::gui::widgets;

use crate::gui::screens::{gap, slow, text_line, tile};

use super::group;

pub(super) fn show(ui: &mut Ui, snapshot: &Snapshot, person: &Person) {
    let link = &person.link;
    if let Some(silent) = person.silent_for {
        widgets::warning(ui, &tile::silence_sentence(&person.name, silent));
        gap(ui, space::M);
    } else if let Some(slow) = slow::sentence(snapshot, person) {
        gap(ui, space::S);
        widgets::note(ui, Icon::Network, &slow);
        gap(ui, space::M);
    }
    group(ui, "Path");
    row(ui, "Through", &known(&link.path));
    mono(ui, "Address", &known(&link.address));

    group(ui, "Protection");
    stacked(ui, "Cipher", &known(&link.cipher));
    mono_stacked(ui, "Device key", &known(&link.device_key));
    row(ui, "Session key", &format!("{} old", age(link.key_age.as_secs())));
    row(ui, "Keys renewed", &times(link.rekeys));

    group(ui, "Quality");
    row(
        ui,
        "Delay there and back",
        &link.round_trip.map_or("not measured yet".to_owned(), |rtt| milliseconds(rtt.as_secs_f32())),
    );
    row(ui, "Packets lost", &percent(link.loss));
    row(ui, "Sound filled in", &percent(link.concealed));
    row(ui, "Sound waits", &milliseconds(link.jitter_buffer.as_secs_f32()));
    row(ui, "Arriving", &rate(link.received_kbps));
    row(ui, "Sending", &rate(link.sent_kbps));
    row(
        ui,
        "Path can carry",
        &if link.available_kbps == 0 { "not measured yet".to_owned() } else { rate(link.available_kbps) },
    );
    let picture = link.picture.as_ref().map_or("none".to_owned(), |(width, height, per_second, codec)| {
        format!("{width} × {height}, {per_second:.0} a second, {codec}")
    });
    stacked(ui, "Picture", &picture);
    row(ui, "They see you", slow::they_see(link.shortfall));
}

fn row(ui: &mut Ui, name: &str, value: &str) {
    text_line(ui, |ui| {
        ui.label(RichText::new(name).color(palette(ui).weak));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            ui.add(Label::new(RichText::new(value).color(palette(ui).text)).truncate());
        });
    });
}

fn mono(ui: &mut Ui, name: &str, value: &str) {
    text_line(ui, |ui| {
        ui.label(RichText::new(name).color(palette(ui).weak));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let value = RichText::new(value).monospace().color(palette(ui).text);
            ui.add(Label::new(value).truncate().selectable(true));
        });
    });
}

fn stacked(ui: &mut Ui, name: &str, value: &str) {
    ui.label(RichText::new(name).color(palette(ui).weak));
    ui.add(Label::new(RichText::new(value).color(palette(ui).text)).wrap());
}

fn mono_stacked(ui: &mut Ui, name: &str, value: &str) {
    ui.label(RichText::new(name).color(palette(ui).weak));
    ui.add(Label::new(RichText::new(value).monospace().color(palette(ui).text)).wrap().selectable(true));
}

fn known(value: &str) -> String {
    if value.is_empty() { "not known yet".to_owned() } else { value.to_owned() }
}

fn age(seconds: u64) -> String {
    match (seconds / 60, seconds % 60) {
        (0, seconds) => format!("{seconds} s"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
    }
}

fn times(count: u32) -> String {
    match count {
        0 => "not yet".to_owned(),
        1 => "once".to_owned(),
        count => format!("{count} times"),
    }
}

fn milliseconds(seconds: f32) -> String {
    let milliseconds = seconds * 1000.0;
    if milliseconds < 10.0 { format!("{milliseconds:.1} ms") } else { format!("{milliseconds:.0} ms") }
}

fn percent(fraction: f32) -> String {
    let percent = fraction.clamp(0.0, 1.0) * 100.0;
    if percent > 0.0 && percent < 0.1 { "below 0.1 %".to_owned() } else { format!("{percent:.1} %") }
}

/// Thousands apart by a thin space, as everywhere outside of programs.
fn rate(kbps: u32) -> String {
    if kbps >= 1000 { format!("{}\u{2009}{:03} kbit/s", kbps / 1000, kbps % 1000) } else { format!("{kbps} kbit/s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_as_a_person_writes_them() {
        assert_eq!(rate(0), "0 kbit/s");
        assert_eq!(rate(1205), "1\u{2009}205 kbit/s");
        assert_eq!(percent(0.0), "0.0 %");
        assert_eq!(percent(0.0004), "below 0.1 %");
        assert_eq!(percent(0.034), "3.4 %");
        assert_eq!(milliseconds(0.0021), "2.1 ms");
        assert_eq!(milliseconds(0.0421), "42 ms");
        assert_eq!(age(75), "1 min 15 s");
        assert_eq!(times(0), "not yet");
        assert_eq!(times(3), "3 times");
    }
}
