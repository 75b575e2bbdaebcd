//! The tables of what a call and a room of many must reach, with what was measured beside it.
//!
//! Their limits stand here and nowhere else; those of bad links stand in `network/scenarios`. A figure that was not measured says so and does not count as reached.

use super::figures::Figures;

/// One line: figures that must each keep to their limit.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) what: &'static str,
    pub(super) must: &'static str,
    pub(super) browser: &'static str,
    pub(super) limits: &'static [(&'static str, Limit)],
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Limit {
    AtMost(f64),
    AtLeast(f64),
    Between(f64, f64),
    /// Told, not judged.
    Any,
}

use Limit::{Any, AtLeast, AtMost, Between};

const CALL: [Row; 11] = [
    Row {
        what: "CPU cores, each party",
        must: "at most 0.40",
        browser: "0.55-0.71",
        limits: &[("cpu_cores_first", AtMost(0.40)), ("cpu_cores_second", AtMost(0.40))],
    },
    Row {
        what: "glass to glass p50 / p95, ms",
        must: "at most 40 / 60",
        browser: "57-66 / 76-92",
        limits: &[("glass_p50_ms", AtMost(40.0)), ("glass_p95_ms", AtMost(60.0))],
    },
    Row {
        what: "sound before picture p50, |p95|, ms",
        must: "-100 to 45",
        browser: "",
        limits: &[("lip_sync_p50_ms", AtMost(45.0)), ("lip_sync_p95_ms", AtMost(100.0))],
    },
    Row {
        what: "mouth to ear p50 / p95, ms",
        must: "p50 at most 70",
        browser: "72-86",
        limits: &[("mouth_p50_ms", AtMost(70.0)), ("mouth_p95_ms", Any)],
    },
    Row {
        what: "admitted to first picture, ms",
        must: "at most 250",
        browser: "260",
        limits: &[("first_picture_ms", AtMost(250.0))],
    },
    Row {
        what: "admitted to 720 lines, ms",
        must: "at most 2000",
        browser: "9000-27000",
        limits: &[("first_720_lines_ms", AtMost(2000.0))],
    },
    Row {
        what: "RSS, each party, MB",
        must: "at most 150",
        browser: "450-547",
        limits: &[("rss_first_mb", AtMost(150.0)), ("rss_second_mb", AtMost(150.0))],
    },
    Row {
        what: "picture: dB / kbit/s",
        must: "40 at 2000",
        browser: "39.0-40.7 at 2200-2500",
        limits: &[("psnr_y_db", AtLeast(40.0)), ("video_kbit_s", AtMost(2000.0))],
    },
    Row {
        what: "freezes / concealed sound, ms",
        must: "no freeze",
        browser: "",
        limits: &[("freezes", AtMost(0.0)), ("concealed_ms", Any)],
    },
    Row {
        what: "home screen: % of a core / MB",
        must: "at most 1 / 150",
        browser: "",
        limits: &[("home_cpu_percent", AtMost(1.0)), ("home_rss_mb", AtMost(150.0))],
    },
    Row { what: "meeting window, cores", must: "at most 0.90", browser: "", limits: &[("window_cores", AtMost(0.90))] },
];

const MESH: [Row; 8] = [
    Row {
        what: "CPU cores of the full peer, 4 people",
        must: "at most 0.45",
        browser: "",
        limits: &[("cpu_cores_4", AtMost(0.45))],
    },
    Row { what: "  8 people", must: "at most 0.75", browser: "", limits: &[("cpu_cores_8", AtMost(0.75))] },
    Row {
        what: "  16 people, 8 of them seen",
        must: "at most 1.00",
        browser: "",
        limits: &[("cpu_cores_16", AtMost(1.0))],
    },
    Row {
        what: "uplink, 8 people, Mbit/s / lost packets",
        must: "at most 2.9 / 0",
        browser: "",
        limits: &[("uplink_8_mbit_s", AtMost(2.9)), ("lost_8_packets", AtMost(0.0))],
    },
    Row {
        what: "let in to all heard and seen p95, ms",
        must: "at most 800",
        browser: "",
        limits: &[("newcomer_hears_and_sees_all_p95_ms", AtMost(800.0))],
    },
    Row {
        what: "removed to last datagram, ms",
        must: "at most 200",
        browser: "",
        limits: &[("removed_last_datagram_ms", AtMost(200.0))],
    },
    Row {
        what: "fold, 16 people, 300 operations, ms",
        must: "at most 2",
        browser: "",
        limits: &[("fold_16_people_300_operations_ms", AtMost(2.0))],
    },
    Row {
        what: "rekey of 15: frame late by it, ms",
        must: "at most 10",
        browser: "",
        limits: &[("rekey_frame_late_ms", AtMost(10.0))],
    },
];

/// The table of a room as text.
pub fn mesh(figures: &Figures) -> String {
    rows(&MESH, "", figures)
}

/// The table of a call as text.
pub fn text(figures: &Figures) -> String {
    rows(&CALL, "a browser call", figures)
}

fn rows(rows: &[Row], last_column: &str, figures: &Figures) -> String {
    let mut lines = vec![heading(last_column)];
    lines.extend(rows.iter().map(|row| measured(row, figures)));
    lines.join("\n")
}

/// The line above the rows.
pub(super) fn heading(last_column: &str) -> String {
    line("", "must", "measured", "reached", last_column)
}

/// A row with what was measured, judged.
pub(super) fn measured(row: &Row, figures: &Figures) -> String {
    let measured: Vec<String> = row.limits.iter().map(|(name, _)| number(figures.of(name))).collect();
    line(row.what, row.must, &measured.join(" / "), verdict(row, figures), row.browser)
}

fn line(what: &str, must: &str, measured: &str, reached: &str, browser: &str) -> String {
    format!("{what:<40} {must:<16} {measured:<18} {reached:<13} {browser}").trim_end().to_owned()
}

fn number(value: Option<f64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(value) if value.fract() == 0.0 || value.abs() >= 100.0 => format!("{value:.0}"),
        Some(value) if value.abs() >= 10.0 => format!("{value:.1}"),
        Some(value) => format!("{value:.2}"),
    }
}

fn verdict(row: &Row, figures: &Figures) -> &'static str {
    if row.limits.iter().all(|(_, limit)| matches!(limit, Any)) {
        return "";
    }
    let mut reached = true;
    for (name, limit) in row.limits {
        let Some(value) = figures.of(name) else { return "not measured" };
        reached &= match limit {
            AtMost(most) => value <= *most,
            AtLeast(least) => value >= *least,
            Between(least, most) => (*least..=*most).contains(&value),
            Any => true,
        };
    }
    if reached { "yes" } else { "NO" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_judged_by_all_its_limits() {
        let mut figures = Figures::default();
        figures.set("glass_p50_ms", Some(39.0));
        figures.set("glass_p95_ms", Some(61.0));
        figures.set("psnr_y_db", Some(40.5));
        figures.set("video_kbit_s", Some(1980.0));
        figures.set("cpu_cores_first", Some(0.2));
        let text = text(&figures);
        let of = |what: &str| text.lines().find(|line| line.starts_with(what)).expect("a line").to_owned();
        assert!(of("glass").contains("39 / 61") && of("glass").contains(" NO "));
        assert!(of("picture").contains("40.5 / 1980") && of("picture").contains(" yes "));
        assert!(number(Some(719.5)) == "720" && number(None) == "-");
        assert!(of("CPU").contains("0.20 / -") && of("CPU").contains("not measured"));
    }
}
