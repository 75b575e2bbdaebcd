//! What changes during a call, as seconds and values: for the plots and for the JSON of a scenario.
//!
//! Takes what was measured and computes nothing new. Called by `real` and `mod.rs`.

use super::links::Traces;
use super::plot::{self, Panel, Series, Style};
use super::scenarios::Scenario;
use crate::bench::measure::Judged;
#[cfg(target_os = "linux")]
use crate::bench::measure::{Recording, unix_us};
#[cfg(target_os = "linux")]
use crate::lab::{Books, STEP};
use serde_json::{Value, json};
use std::time::Duration;

/// Steps of the lab's books that make one point of a rate.
#[cfg(target_os = "linux")]
const STEPS_PER_POINT: usize = 5;

/// Points over the seconds of the link.
#[derive(Debug, Default)]
pub(super) struct Story {
    pub(super) seconds: f64,
    pub(super) capacity_kbit_s: Vec<(f64, f64)>,
    pub(super) sent_kbit_s: Vec<(f64, f64)>,
    pub(super) arrived_kbit_s: Vec<(f64, f64)>,
    pub(super) estimate_kbit_s: Vec<(f64, f64)>,
    pub(super) glass_ms: Vec<(f64, f64)>,
    pub(super) link_ms: Vec<(f64, f64)>,
    pub(super) lines: Vec<(f64, f64)>,
}

impl Story {
    #[cfg(target_os = "linux")]
    pub(super) fn of(
        scenario: &Scenario,
        traces: &Traces,
        pictures: &[Judged],
        books: &Books,
        recording: &Recording,
        (began_us, length): (i64, Duration),
    ) -> Story {
        let second = |at_us: i64| (at_us - began_us) as f64 / 1e6;
        let span = STEP.as_secs_f64() * STEPS_PER_POINT as f64;
        let points = books.steps[0].chunks(STEPS_PER_POINT).enumerate();
        let rate = |of: fn(&crate::lab::Step) -> u64| -> Vec<(f64, f64)> {
            let points = points.clone().map(|(place, steps)| {
                let bytes: u64 = steps.iter().map(of).sum();
                (place as f64 * span, bytes as f64 * 8.0 / 1000.0 / span)
            });
            points.filter(|(at, _)| *at < length.as_secs_f64()).collect()
        };
        let stats = recording.first_events.iter().filter(|event| event["event"] == "stats");
        let estimates = stats.filter_map(|event| {
            let bps = event["people"][0]["availableOutgoingBitrate"].as_f64()?;
            Some((second(unix_us(event)), bps / 1000.0))
        });
        let longest = points.clone().map(|(place, steps)| {
            let longest = steps.iter().map(|step| step.longest).max().unwrap_or_default();
            (place as f64 * span, longest.as_secs_f64() * 1000.0)
        });
        Story {
            seconds: length.as_secs_f64(),
            capacity_kbit_s: traces.capacity_kbit_s(&scenario.shape, length, span),
            sent_kbit_s: rate(|step| step.udp_sent_bytes),
            arrived_kbit_s: rate(|step| step.udp_arrived_bytes),
            estimate_kbit_s: estimates.collect(),
            glass_ms: pictures.iter().filter_map(|shown| Some((second(shown.shown_us), shown.delay_ms?))).collect(),
            link_ms: longest.collect(),
            lines: pictures.iter().map(|shown| (second(shown.shown_us), shown.lines as f64)).collect(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sent_kbit_s.is_empty()
    }

    pub(super) fn svg(&self, title: &str) -> String {
        let series = |name, style, points: &[(f64, f64)]| Series { name, style, points: points.to_vec() };
        let panels = [
            Panel {
                title: "rate, kbit/s",
                series: vec![
                    series("arrived", Style::Line, &self.arrived_kbit_s),
                    series("sent", Style::Line, &self.sent_kbit_s),
                    series("estimate", Style::Stairs, &self.estimate_kbit_s),
                    series("capacity", Style::Stairs, &self.capacity_kbit_s),
                ],
                // An estimate without a bound tells nothing about the rest.
                value_max: Some(self.ceiling()),
            },
            Panel {
                title: "delay, ms",
                series: vec![
                    series("glass to glass", Style::Dots, &self.glass_ms),
                    series("on the link, longest", Style::Stairs, &self.link_ms),
                ],
                value_max: None,
            },
            Panel {
                title: "picture, lines",
                series: vec![series("lines", Style::Stairs, &self.lines)],
                value_max: None,
            },
        ];
        plot::svg(title, self.seconds, &panels)
    }

    fn ceiling(&self) -> f64 {
        let most = |points: &[(f64, f64)]| points.iter().map(|(_, value)| *value).fold(0.0, f64::max);
        2.0 * most(&self.arrived_kbit_s).max(most(&self.sent_kbit_s)).max(1.0)
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "capacity_kbit_s": self.capacity_kbit_s,
            "sent_kbit_s": self.sent_kbit_s,
            "arrived_kbit_s": self.arrived_kbit_s,
            "estimate_kbit_s": self.estimate_kbit_s,
            "glass_to_glass_ms": self.glass_ms,
            "on_the_link_longest_ms": self.link_ms,
            "lines": self.lines,
        })
    }
}
