//! Who hears whom: a sentence for each pair that fails, and a matrix of all pairs. Each cell has a colour, a shape and a text; a
//! screen reader gets one sentence per row.

use egui::accesskit::Role;
use egui::{
    Align2, Color32, CornerRadius, Painter, Rect, ScrollArea, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};

use crate::engine::{HearingRow, Hears, Snapshot};
use crate::gui::icons::Icon;
use crate::gui::screens::gap;
use crate::gui::speech;
use crate::gui::theme::{self, palette, radius, space, text};
use crate::gui::widgets;

use super::group;

/// Broken pairs told in sentences; more are in the matrix.
const SENTENCES: usize = 4;
const CELL: f32 = 30.0;
const CELL_MIN: f32 = 17.0;
const NAMES: f32 = 124.0;
const NAMES_MIN: f32 = 60.0;

/// How wide the panel would like to be.
pub(super) fn width(snapshot: &Snapshot) -> f32 {
    let people = snapshot.room.hearing.len().max(2) as f32;
    (NAMES + people * CELL + 60.0).clamp(theme::size::PANEL, 680.0)
}

pub(super) fn show(ui: &mut Ui, snapshot: &Snapshot) {
    let rows = &snapshot.room.hearing;
    if rows.len() < 2 {
        widgets::weak(ui, "As soon as somebody else is here, this shows who really hears whom.");
        return;
    }
    let broken = broken(rows);
    if broken.is_empty() {
        widgets::note(ui, Icon::Check, "Nobody misses anybody's voice.");
    }
    for sentence in broken.iter().take(SENTENCES) {
        widgets::warning(ui, sentence);
    }
    if broken.len() > SENTENCES {
        widgets::weak(ui, format!("and {} more; see below.", broken.len() - SENTENCES));
    }
    if !broken.is_empty() {
        widgets::weak(ui, "A broken link reconnects by itself.");
    }
    gap(ui, space::L);
    matrix(ui, rows);
    group(ui, "What it shows");
    legend(ui);
    gap(ui, space::S);
    widgets::weak(
        ui,
        "A row tells what one person hears, a column who is heard. It is what each program really decoded in the last \
         seconds.",
    );
}

/// Whose voice it is, in the order of rows; who tells nothing comes last.
fn columns(rows: &[HearingRow]) -> Vec<&str> {
    let mut columns: Vec<&str> = rows.iter().map(|row| row.who.as_str()).collect();
    for (whom, _) in rows.iter().flat_map(|row| &row.of) {
        if !columns.contains(&whom.as_str()) {
            columns.push(whom);
        }
    }
    columns
}

fn name<'a>(rows: &'a [HearingRow], who: &'a str) -> &'a str {
    rows.iter().find(|row| row.who == who).map_or("somebody", |row| row.name.as_str())
}

fn hears(row: &HearingRow, whom: &str) -> Hears {
    row.of.iter().find(|(who, _)| who == whom).map_or(Hears::Unknown, |(_, hears)| *hears)
}

/// "Bo does not hear you." for every pair that fails.
fn broken(rows: &[HearingRow]) -> Vec<String> {
    let mut sentences = Vec::new();
    for row in rows {
        for (whom, _) in row.of.iter().filter(|(whom, hears)| *hears == Hears::No && *whom != row.who) {
            sentences.push(format!("{}.", pair(row, rows, whom, Hears::No)));
        }
    }
    sentences
}

/// "Bo hears you", "You do not hear Bo".
fn pair(row: &HearingRow, rows: &[HearingRow], whom: &str, hears: Hears) -> String {
    let ours = rows.first().map_or("", |first| first.who.as_str());
    let (who, does) = if row.who == ours { ("You", "do") } else { (row.name.as_str(), "does") };
    let who = speech::short(who, 20);
    let whom = if whom == ours { "you".to_owned() } else { speech::short(name(rows, whom), 20) };
    match hears {
        Hears::Yes if row.who == ours => format!("You hear {whom}"),
        Hears::Yes => format!("{who} hears {whom}"),
        Hears::Quiet => format!("{who}: nothing to hear from {whom}"),
        Hears::No => format!("{who} {does} not hear {whom}"),
        Hears::Unknown => format!("{who}: not known about {whom}"),
    }
}

/// The whole row as one sentence.
fn row_sentence(row: &HearingRow, rows: &[HearingRow], columns: &[&str]) -> String {
    let pairs = columns.iter().filter(|whom| **whom != row.who);
    let said: Vec<String> = pairs.map(|whom| pair(row, rows, whom, hears(row, whom))).collect();
    if said.is_empty() { row.name.clone() } else { format!("{}.", said.join(". ")) }
}

fn matrix(ui: &mut Ui, rows: &[HearingRow]) {
    let columns = columns(rows);
    let count = columns.len() as f32;
    let room = ui.available_width() - space::S;
    let names = (room - count * CELL).clamp(NAMES_MIN, NAMES);
    let cell = ((room - names) / count).clamp(CELL_MIN, CELL);
    ScrollArea::horizontal().id_salt("matrix").auto_shrink([false, true]).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        let width = names + count * cell;
        heads(ui, rows, &columns, names, cell, width);
        for (index, row) in rows.iter().enumerate() {
            line(ui, index == 0, row, rows, &columns, names, cell);
        }
    });
}

fn heads(ui: &mut Ui, rows: &[HearingRow], columns: &[&str], names: f32, cell: f32, width: f32) {
    let p = palette(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(width, cell + space::XS), Sense::hover());
    let at = pos2(rect.left(), rect.center().y);
    ui.painter().text(at, Align2::LEFT_CENTER, "hears", theme::regular(text::SMALL), p.weak);
    for (index, whom) in columns.iter().enumerate() {
        let centre = pos2(rect.left() + names + (index as f32 + 0.5) * cell, rect.center().y);
        let place = Rect::from_center_size(centre, theme::square(cell));
        let name = name(rows, whom);
        let key = if index == 0 { "" } else { whom };
        widgets::avatar(ui.painter(), centre, cell - 4.0, key, name);
        let head = ui.interact(place, ui.scope_id().with(("head", whom)), Sense::hover());
        head.on_hover_text(name);
    }
}

fn line(ui: &mut Ui, own: bool, row: &HearingRow, rows: &[HearingRow], columns: &[&str], names: f32, cell: f32) {
    let p = palette(ui);
    let width = names + columns.len() as f32 * cell;
    let (rect, response) = ui.allocate_exact_size(vec2(width, cell), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, row_sentence(row, rows, columns)));
    if own {
        ui.painter().rect_filled(rect.expand2(vec2(space::XS, 0.0)), CornerRadius::same(radius::CONTROL), p.own);
    }
    let small = cell < 24.0;
    let font = theme::strong(if small { 11.0 } else { text::SMALL });
    let name = widgets::ellipsis(ui, &row.name, font, names - space::S);
    ui.painter().galley(pos2(rect.left(), rect.center().y - name.size().y / 2.0), name, p.text);
    for (index, whom) in columns.iter().enumerate() {
        let centre = pos2(rect.left() + names + (index as f32 + 0.5) * cell, rect.center().y);
        let place = Rect::from_center_size(centre, theme::square(cell));
        if *whom == row.who {
            let half = vec2(cell * 0.12, 0.0);
            ui.painter().line_segment([centre - half, centre + half], Stroke::new(1.5, p.line));
            continue;
        }
        let hears = hears(row, whom);
        mark(ui, place, hears);
        let over = ui.interact(place, ui.scope_id().with(("cell", &row.who, whom)), Sense::hover());
        // Hundreds of cells: a sentence for the one that is pointed at.
        if over.hovered() {
            over.on_hover_text(pair(row, rows, whom, hears));
        }
    }
}

/// A filled disc with a check, a ring, a filled square with a cross, a question mark.
fn mark(ui: &Ui, cell: Rect, hears: Hears) {
    let p = palette(ui);
    let painter = ui.painter();
    let side = cell.width() * 0.66;
    let place = Rect::from_center_size(cell.center(), theme::square(side));
    match hears {
        Hears::Yes => {
            painter.circle_filled(place.center(), side / 2.0, p.accent);
            sign(painter, place, p.on_accent, &[(0.26, 0.52), (0.44, 0.7), (0.76, 0.34)]);
        }
        Hears::Quiet => {
            painter.circle_stroke(place.center(), side * 0.36, Stroke::new(1.6, p.weak));
        }
        Hears::No => {
            painter.rect(place, CornerRadius::same(3), p.danger, Stroke::NONE, StrokeKind::Inside);
            sign(painter, place, p.on_danger, &[(0.28, 0.28), (0.72, 0.72)]);
            sign(painter, place, p.on_danger, &[(0.72, 0.28), (0.28, 0.72)]);
        }
        Hears::Unknown => {
            let font = theme::strong((side * 0.8).max(9.0));
            painter.text(place.center(), Align2::CENTER_CENTER, "?", font, p.weak);
        }
    }
}

fn sign(painter: &Painter, place: Rect, ink: Color32, points: &[(f32, f32)]) {
    let points = points.iter().map(|&(x, y)| place.min + vec2(x, y) * place.width()).collect();
    painter.add(egui::Shape::line(points, Stroke::new((place.width() * 0.11).max(1.4), ink)));
}

fn legend(ui: &mut Ui) {
    let all = [
        (Hears::Yes, "hears"),
        (Hears::Quiet, "nothing to hear: muted, or a pause"),
        (Hears::No, "should hear and does not"),
        (Hears::Unknown, "not known"),
    ];
    for (hears, meaning) in all {
        ui.horizontal(|ui| {
            ui.set_height(24.0);
            let (rect, _) = ui.allocate_exact_size(theme::square(24.0), Sense::hover());
            mark(ui, rect, hears);
            ui.label(meaning);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(who: &str, of: &[(&str, Hears)]) -> HearingRow {
        HearingRow {
            who: who.to_owned(),
            name: who.to_uppercase(),
            of: of.iter().map(|(who, hears)| ((*who).to_owned(), *hears)).collect(),
        }
    }

    #[test]
    fn pairs_are_told_from_our_side() {
        let rows = [row("me", &[("bo", Hears::No), ("cy", Hears::Yes)]), row("bo", &[("me", Hears::No)])];
        assert_eq!(broken(&rows), ["You do not hear BO.", "BO does not hear you."]);
        assert_eq!(columns(&rows), ["me", "bo", "cy"]);
        assert_eq!(
            row_sentence(&rows[1], &rows, &columns(&rows)),
            "BO does not hear you. BO: not known about somebody."
        );
    }
}
