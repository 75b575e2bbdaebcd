//! The links on which a call is measured, and what it must reach on each: one table, read by `mod.rs` and by nobody else.
//!
//! The browser's figures are of a Chromium call on the same links on two cores. Queues are drop-tail; each way has its own.

use crate::bench::table::{Limit, Row};
use Limit::{Any, AtLeast, AtMost, Between};
use std::time::Duration;

/// Who is on the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Two parties.
    Call,
    /// Two parties whose rate changes while they speak.
    Steps,
    /// Two parties, and a download the same way.
    Download,
    /// Four parties, each behind a link of its own.
    Mesh,
}

/// How packets get lost.
#[derive(Debug, Clone, Copy)]
pub(super) enum Loss {
    None,
    Random { percent: f64 },
    Bursts { percent: f64, mean_packets: f64 },
}

/// How fast packets leave.
#[derive(Debug, Clone, Copy)]
pub(super) enum Capacity {
    Endless,
    Kbps(u64),
    /// Low in between.
    Dip {
        high_kbps: u64,
        low_kbps: u64,
    },
    /// A recorded link: file names for the first party's way to the second, and back.
    Recorded([&'static str; 2]),
}

/// A link, the same both ways.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) delay: Duration,
    pub(super) loss: Loss,
    pub(super) capacity: Capacity,
    /// An active queue: what waited longer comes out marked, or not at all if it cannot be marked.
    pub(super) marks_from: Option<Duration>,
}

#[derive(Debug)]
pub(super) struct Scenario {
    /// For `--only`, and for the files of results.
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    pub(super) kind: Kind,
    pub(super) shape: Shape,
    pub(super) rows: &'static [Row],
}

/// A dip begins and ends so long after the link began.
pub(super) const DIP: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(50));
/// What a link with a rate may hold back, at that rate.
pub(super) const QUEUE: Duration = Duration::from_millis(300);

/// Two homes in one town. The browser's links had less, so this is nobody's advantage.
const NEAR: Duration = Duration::from_millis(1);

const fn lossy(loss: Loss) -> Shape {
    Shape { delay: NEAR, loss, capacity: Capacity::Endless, marks_from: None }
}

const fn narrow(capacity: Capacity) -> Shape {
    Shape { delay: NEAR, loss: Loss::None, capacity, marks_from: None }
}

const fn row(
    what: &'static str,
    must: &'static str,
    browser: &'static str,
    limits: &'static [(&'static str, Limit)],
) -> Row {
    Row { what, must, browser, limits }
}

const RATES: Row = row("  picture / sound, kbit/s", "", "", &[("video_kbit_s", Any), ("audio_kbit_s", Any)]);
const LATE: Row = row(
    "  glass to glass p50 / p95 / worst, ms",
    "",
    "",
    &[("glass_p50_ms", Any), ("glass_p95_ms", Any), ("glass_worst_ms", Any)],
);
const EAR: Row = row("  mouth to ear p50 / p95, ms", "", "", &[("mouth_p50_ms", Any), ("mouth_p95_ms", Any)]);
const CONCEALED: Row = row("  sound concealed, %", "", "", &[("concealed_percent", Any)]);
const PICTURE: Row = row(
    "  lines / pictures a second / PSNR-Y, dB",
    "",
    "",
    &[("lines_p10", Any), ("pictures_per_second", Any), ("psnr_y_db", Any)],
);
const FROZEN: Row = row("  freezes / frozen, ms", "", "", &[("freezes", Any), ("frozen_ms", Any)]);

pub(super) const SCENARIOS: [Scenario; 14] = [
    Scenario {
        name: "loss2",
        what: "2 % loss",
        kind: Kind::Call,
        shape: lossy(Loss::Random { percent: 2.0 }),
        rows: &[
            row(
                "  lines / pictures a second",
                "720 / 29",
                "720 / 29",
                &[("lines_p10", AtLeast(720.0)), ("pictures_per_second", AtLeast(29.0))],
            ),
            row("  freezes", "none", "", &[("freezes", AtMost(0.0))]),
            row(
                "  glass to glass p50 / p95, ms",
                "45 / 75",
                "60 / 81",
                &[("glass_p50_ms", AtMost(45.0)), ("glass_p95_ms", AtMost(75.0))],
            ),
            row("  sound concealed, %", "0.3", "2.0", &[("concealed_percent", AtMost(0.3))]),
            EAR,
            RATES,
        ],
    },
    Scenario {
        name: "loss10",
        what: "10 % loss",
        kind: Kind::Call,
        shape: lossy(Loss::Random { percent: 10.0 }),
        rows: &[
            row(
                "  lines / pictures a second",
                "720 / 28",
                "405 / -",
                &[("lines_p10", AtLeast(720.0)), ("pictures_per_second", AtLeast(28.0))],
            ),
            row("  PSNR-Y, dB", "36", "32.4", &[("psnr_y_db", AtLeast(36.0))]),
            row("  sound concealed, %", "2", "8.9", &[("concealed_percent", AtMost(2.0))]),
            row("  PESQ / sound, kbit/s", "3.2 / 50", "", &[("pesq", AtLeast(3.2)), ("audio_kbit_s", AtMost(50.0))]),
            LATE,
            EAR,
            FROZEN,
            RATES,
        ],
    },
    Scenario {
        name: "loss30",
        what: "30 % loss",
        kind: Kind::Call,
        shape: lossy(Loss::Random { percent: 30.0 }),
        rows: &[
            row(
                "  lines / pictures a second",
                "360 / 24",
                "180 / 11",
                &[("lines_p10", AtLeast(360.0)), ("pictures_per_second", AtLeast(24.0))],
            ),
            row("  glass to glass p95, ms", "250", "2300", &[("glass_p95_ms", AtMost(250.0))]),
            row("  sound concealed, %", "8", "26", &[("concealed_percent", AtMost(8.0))]),
            row("  mouth to ear p95, ms", "250", "1060", &[("mouth_p95_ms", AtMost(250.0))]),
            FROZEN,
            RATES,
        ],
    },
    Scenario {
        name: "bursts20",
        what: "20 % loss in bursts of mean length 3",
        kind: Kind::Call,
        shape: lossy(Loss::Bursts { percent: 20.0, mean_packets: 3.0 }),
        rows: &[row("  PESQ", "1.9", "", &[("pesq", AtLeast(1.9))]), CONCEALED, EAR, PICTURE, LATE, RATES],
    },
    Scenario {
        name: "1mbit",
        what: "1 Mbit/s",
        kind: Kind::Call,
        shape: narrow(Capacity::Kbps(1000)),
        rows: &[
            row(
                "  lines / PSNR-Y, dB",
                "360 / 36",
                "360 / 33.7",
                &[("lines_p10", AtLeast(360.0)), ("psnr_y_db", AtLeast(36.0))],
            ),
            row(
                "  glass to glass p50 / p95, ms",
                "80 / 120",
                "136 / 156",
                &[("glass_p50_ms", AtMost(80.0)), ("glass_p95_ms", AtMost(120.0))],
            ),
            row("  mouth to ear p50, ms", "110", "141", &[("mouth_p50_ms", AtMost(110.0))]),
            CONCEALED,
            FROZEN,
            RATES,
        ],
    },
    Scenario {
        name: "500kbit",
        what: "0.5 Mbit/s",
        kind: Kind::Call,
        shape: narrow(Capacity::Kbps(500)),
        rows: &[
            row(
                "  lines / PSNR-Y, dB",
                "360 / 33",
                "293 / 31.0",
                &[("lines_p10", AtLeast(360.0)), ("psnr_y_db", AtLeast(33.0))],
            ),
            row(
                "  glass to glass p50 / p95, ms",
                "90 / 140",
                "149 / 163",
                &[("glass_p50_ms", AtMost(90.0)), ("glass_p95_ms", AtMost(140.0))],
            ),
            EAR,
            CONCEALED,
            FROZEN,
            RATES,
        ],
    },
    Scenario {
        name: "150kbit",
        what: "0.15 Mbit/s",
        kind: Kind::Call,
        shape: narrow(Capacity::Kbps(150)),
        rows: &[
            row("  sound concealed, %", "clean: 0.5", "", &[("concealed_percent", AtMost(0.5))]),
            row(
                "  lines / pictures a second",
                "180 / 7.5",
                "",
                &[("lines_p10", AtLeast(180.0)), ("pictures_per_second", AtLeast(7.5))],
            ),
            LATE,
            EAR,
            RATES,
        ],
    },
    Scenario {
        name: "marks",
        what: "2 Mbit/s, a queue that marks from 15 ms on",
        kind: Kind::Call,
        shape: Shape { marks_from: Some(Duration::from_millis(15)), ..narrow(Capacity::Kbps(2000)) },
        rows: &[
            row(
                "  marked / dropped, %",
                "- / 0.1",
                "",
                &[("link_marked_percent", Any), ("link_gone_percent", AtMost(0.1))],
            ),
            row("  of the link, kbit/s", "1400", "", &[("link_kbit_s", AtLeast(1400.0))]),
            PICTURE,
            LATE,
            EAR,
            CONCEALED,
            FROZEN,
        ],
    },
    Scenario {
        name: "far",
        what: "100 ms one way, 2 % loss",
        kind: Kind::Call,
        shape: Shape {
            delay: Duration::from_millis(100),
            loss: Loss::Random { percent: 2.0 },
            capacity: Capacity::Endless,
            marks_from: None,
        },
        rows: &[
            row(
                "  glass to glass p50 / p95, ms",
                "150 / 260",
                "244 / 267",
                &[("glass_p50_ms", AtMost(150.0)), ("glass_p95_ms", AtMost(260.0))],
            ),
            row("  mouth to ear p50, ms", "190", "302", &[("mouth_p50_ms", AtMost(190.0))]),
            CONCEALED,
            PICTURE,
            FROZEN,
            RATES,
        ],
    },
    Scenario {
        name: "dip",
        what: "5 -> 0.5 -> 5 Mbit/s, 20 s low",
        kind: Kind::Steps,
        shape: narrow(Capacity::Dip { high_kbps: 5000, low_kbps: 500 }),
        rows: &[
            row("  worst glass to glass, ms", "800", "", &[("glass_worst_ms", AtMost(800.0))]),
            row("  frozen, s", "0.5", "5.2", &[("frozen_s", AtMost(0.5))]),
            row("  delay normal after, s", "1.5", "6.6", &[("delay_normal_after_s", AtMost(1.5))]),
            row("  80 % of the rate back after, s", "6", "23", &[("rate_back_after_s", AtMost(6.0))]),
            row("  full size back after, s", "8", "28", &[("full_size_back_after_s", AtMost(8.0))]),
            CONCEALED,
            EAR,
        ],
    },
    Scenario {
        name: "lte",
        what: "recorded LTE, the way down",
        kind: Kind::Call,
        shape: narrow(Capacity::Recorded(["ATT-LTE-driving-2016.down", "ATT-LTE-driving-2016.up"])),
        rows: &[
            row(
                "  glass to glass p95, ms / SSIM, dB",
                "400 / 14",
                "4700 / -",
                &[("glass_p95_ms", AtMost(400.0)), ("ssim_db", AtLeast(14.0))],
            ),
            PICTURE,
            CONCEALED,
            EAR,
            FROZEN,
            RATES,
        ],
    },
    Scenario {
        name: "lte-up",
        what: "recorded LTE, the way up (told)",
        kind: Kind::Call,
        shape: narrow(Capacity::Recorded(["ATT-LTE-driving-2016.up", "ATT-LTE-driving-2016.down"])),
        rows: &[
            row("  glass to glass p95, ms / SSIM, dB", "", "", &[("glass_p95_ms", Any), ("ssim_db", Any)]),
            PICTURE,
            CONCEALED,
            EAR,
            FROZEN,
            RATES,
        ],
    },
    Scenario {
        name: "download",
        what: "beside one TCP download, 5 Mbit/s",
        kind: Kind::Download,
        shape: narrow(Capacity::Kbps(5000)),
        rows: &[
            row("  share of the link, %", "30 to 70", "", &[("share_percent", Between(30.0, 70.0))]),
            row("  glass to glass p95, ms", "queue + 80", "", &[("glass_p95_ms", AtMost(380.0))]),
            row("  download, kbit/s", "", "", &[("download_kbit_s", Any)]),
            PICTURE,
            CONCEALED,
            EAR,
            RATES,
        ],
    },
    Scenario {
        name: "mesh",
        what: "mesh of 4, 3 Mbit/s up each",
        kind: Kind::Mesh,
        shape: narrow(Capacity::Kbps(3000)),
        rows: &[
            row("  least video of a pair, kbit/s", "700", "", &[("pair_video_least_kbit_s", AtLeast(700.0))]),
            row(
                "  most / pictures a second at least",
                "",
                "",
                &[("pair_video_most_kbit_s", Any), ("pair_pictures_least_per_second", Any)],
            ),
            row(
                "  sound concealed of a pair at most, %",
                "none starved: 2",
                "",
                &[("pair_concealed_most_percent", AtMost(2.0))],
            ),
            row("  CPU cores of all four", "", "", &[("cpu_cores_all", Any)]),
        ],
    },
];

impl Scenario {
    /// Whether a row of it has this figure.
    pub(super) fn tells(&self, figure: &str) -> bool {
        self.rows.iter().any(|row| row.limits.iter().any(|(name, _)| *name == figure))
    }
}

impl Capacity {
    /// In bits per second, this long after the link began. None: endless, or recorded.
    pub(super) fn at(self, time: Duration) -> Option<u64> {
        match self {
            Capacity::Endless | Capacity::Recorded(_) => None,
            Capacity::Kbps(kbps) => Some(kbps * 1000),
            Capacity::Dip { high_kbps, low_kbps } => {
                Some(if (DIP.0..DIP.1).contains(&time) { low_kbps } else { high_kbps } * 1000)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_file_names_and_each_scenario_has_its_own() {
        let names: BTreeSet<&str> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
        assert_eq!(names.len(), SCENARIOS.len());
        assert!(names.iter().all(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')));
    }

    #[test]
    fn speech_is_judged_where_losses_hurt_it_and_between_two() {
        let judged: Vec<&Scenario> = SCENARIOS.iter().filter(|scenario| scenario.tells("pesq")).collect();
        assert_eq!(judged.iter().map(|scenario| scenario.name).collect::<Vec<_>>(), ["loss10", "bursts20"]);
        assert!(judged.iter().all(|scenario| scenario.kind == Kind::Call));
    }

    #[test]
    fn a_dip_is_low_in_between_only() {
        let dip = Capacity::Dip { high_kbps: 5000, low_kbps: 500 };
        let at = |second| dip.at(Duration::from_secs(second));
        assert_eq!([at(29), at(30), at(49), at(50)], [Some(5_000_000), Some(500_000), Some(500_000), Some(5_000_000)]);
    }
}
