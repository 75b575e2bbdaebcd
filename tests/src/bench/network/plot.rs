//! Plots as SVG text: panels below each other over one axis of seconds. Written by hand, since a line, an axis and a legend
//! need no library. Knows nothing of calls; called by `series`.

use std::fmt::Write;

const WIDTH: f64 = 960.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 44.0;
const PANEL: f64 = 190.0;
const GAP: f64 = 46.0;
const GRID_LINES: f64 = 4.0;

/// Told apart also by those who see no red and green (Okabe and Ito).
const COLOURS: [&str; 4] = ["#0072b2", "#d55e00", "#009e73", "#666666"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Line,
    /// A value holds until the next.
    Stairs,
    Dots,
}

#[derive(Debug)]
pub(super) struct Series {
    pub(super) name: &'static str,
    pub(super) style: Style,
    /// Seconds and values, in order.
    pub(super) points: Vec<(f64, f64)>,
}

#[derive(Debug)]
pub(super) struct Panel {
    pub(super) title: &'static str,
    pub(super) series: Vec<Series>,
    /// Values above leave the panel at its upper edge.
    pub(super) value_max: Option<f64>,
}

/// The whole picture.
pub(super) fn svg(title: &str, seconds: f64, panels: &[Panel]) -> String {
    let height = TOP + panels.len() as f64 * (PANEL + GAP);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"white\"/>\n"
    );
    text(&mut out, (LEFT, 22.0), "start", title, "#000");
    for (number, panel) in panels.iter().enumerate() {
        draw(&mut out, TOP + number as f64 * (PANEL + GAP), seconds.max(1.0), panel);
    }
    out.push_str("</svg>\n");
    out
}

fn draw(out: &mut String, top: f64, seconds: f64, panel: &Panel) {
    let values = panel.series.iter().flat_map(|series| &series.points).map(|(_, value)| *value);
    let largest = values.fold(0.0, f64::max);
    let most = rounded_up(panel.value_max.map_or(largest, |most| largest.min(most)));
    let x = |at: f64| LEFT + (at / seconds).clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT);
    let y = |value: f64| top + 16.0 + (1.0 - (value / most).clamp(0.0, 1.0)) * (PANEL - 16.0);
    text(out, (LEFT, top + 8.0), "start", panel.title, "#000");
    for step in 0..=GRID_LINES as u32 {
        let value = most * f64::from(step) / GRID_LINES;
        line(out, [(LEFT, y(value)), (WIDTH - RIGHT, y(value))]);
        text(out, (LEFT - 6.0, y(value) + 4.0), "end", &number(value), "#444");
    }
    let every = rounded_up(seconds / 10.0);
    let mut second = 0.0;
    while second <= seconds {
        line(out, [(x(second), y(0.0)), (x(second), y(most))]);
        text(out, (x(second), top + PANEL + 14.0), "middle", &format!("{} s", number(second)), "#444");
        second += every;
    }
    let mut legend = WIDTH - RIGHT;
    for (series, colour) in panel.series.iter().zip(COLOURS.iter().cycle()) {
        let points = series.points.iter().filter(|(at, value)| at.is_finite() && value.is_finite());
        let placed: Vec<(f64, f64)> = points.map(|(at, value)| (x(*at), y(*value))).collect();
        shape(out, series.style, &placed, colour);
        text(out, (legend, top + 8.0), "end", series.name, colour);
        legend -= 8.0 * series.name.len() as f64 + 16.0;
    }
}

fn shape(out: &mut String, style: Style, placed: &[(f64, f64)], colour: &str) {
    if style == Style::Dots {
        for (x, y) in placed {
            push(out, format_args!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"1.3\" fill=\"{colour}\"/>\n"));
        }
        return;
    }
    let mut path = String::new();
    let mut before: Option<f64> = None;
    for (x, y) in placed {
        match before {
            None => push(&mut path, format_args!("M{x:.1} {y:.1}")),
            Some(held) if style == Style::Stairs => push(&mut path, format_args!("L{x:.1} {held:.1}L{x:.1} {y:.1}")),
            Some(_) => push(&mut path, format_args!("L{x:.1} {y:.1}")),
        }
        before = Some(*y);
    }
    push(out, format_args!("<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.4\"/>\n"));
}

fn line(out: &mut String, [from, to]: [(f64, f64); 2]) {
    let (x1, y1, x2, y2) = (from.0, from.1, to.0, to.1);
    push(out, format_args!("<path d=\"M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}\" stroke=\"#ddd\"/>\n"));
}

fn text(out: &mut String, (x, y): (f64, f64), anchor: &str, words: &str, colour: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    push(
        out,
        format_args!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"{colour}\">{words}</text>\n"),
    );
}

fn push(out: &mut String, what: std::fmt::Arguments<'_>) {
    // Writing into a `String` cannot fail.
    out.write_fmt(what).ok();
}

/// To one, two, two and a half or five times a power of ten.
fn rounded_up(value: f64) -> f64 {
    let unit = 10_f64.powf(value.max(0.1).log10().floor());
    [1.0, 2.0, 2.5, 5.0].map(|times| times * unit).into_iter().find(|round| *round >= value).unwrap_or(10.0 * unit)
}

fn number(value: f64) -> String {
    if value.fract().abs() < 1e-9 { format!("{value:.0}") } else { format!("{value:.2}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_holds_its_words_and_every_point_and_stays_within_its_edges() {
        let points = (0..50).map(|at| (f64::from(at), f64::from(at * 37 % 900))).collect();
        let series = vec![
            Series { name: "delay", style: Style::Dots, points },
            Series { name: "queue", style: Style::Stairs, points: vec![(0.0, 1.0), (20.0, f64::NAN), (70.0, 1e9)] },
        ];
        let panel = Panel { title: "delay < 1 s, ms", series, value_max: Some(500.0) };
        let svg = svg("a & b", 50.0, &[panel]);
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
        assert_eq!(svg.matches("<circle").count(), 50);
        assert!(svg.contains("a &amp; b") && svg.contains("delay &lt; 1 s") && !svg.contains("NaN"));
        let widths = svg.split("cx=\"").skip(1).filter_map(|rest| rest.split('"').next()?.parse::<f64>().ok());
        assert!(widths.into_iter().all(|x| (LEFT..=WIDTH - RIGHT).contains(&x)));
    }

    #[test]
    fn axes_end_at_round_numbers() {
        assert_eq!([0.0, 3.0, 720.0, 1000.0].map(rounded_up), [0.1, 5.0, 1000.0, 1000.0]);
    }
}
