//! How a call comes through a dip of its link: how long the delay is out of order, and how soon rate and size are back.
//!
//! Pure: pictures and rates in, seconds out. Times that never come are the rest of the call, so that they are judged. Called
//! by `mod.rs`.

use crate::bench::figures::{Figures, mean, percentile};
use crate::bench::measure::{Judged, freezes};

/// So much above the usual delay is normal on a link that is ten times slower.
const NORMAL_MS: f64 = 100.0;
/// A state is reached when it holds for so long: for nine of ten pictures.
const HELD_US: i64 = 2_000_000;
const MOST: f64 = 0.9;
/// The rate is a mean over a second.
const RATE_SPAN_US: i64 = 1_000_000;
const RATE_SHARE: f64 = 0.8;
/// What was usual before is judged by so much of it.
const BEFORE_US: i64 = 10_000_000;

/// Moments in microseconds since 1970.
pub(super) struct Dip {
    pub(super) from_us: i64,
    pub(super) to_us: i64,
    pub(super) end_us: i64,
}

/// `rate`: moments and bytes that arrived in the step that begins there.
pub(super) fn tell(dip: &Dip, pictures: &[Judged], rate: &[(i64, u64)], whole_lines: usize, figures: &mut Figures) {
    let before = |at: &i64| (dip.from_us - BEFORE_US..dip.from_us).contains(at);
    let usual: Vec<f64> =
        pictures.iter().filter(|picture| before(&picture.shown_us)).filter_map(|picture| picture.delay_ms).collect();
    let normal = percentile(&usual, 50.0).map(|usual| usual + NORMAL_MS);
    let delays: Vec<(i64, bool)> =
        pictures.iter().filter_map(|picture| Some((picture.shown_us, picture.delay_ms? <= normal?))).collect();
    let sizes: Vec<(i64, bool)> =
        pictures.iter().map(|picture| (picture.shown_us, picture.lines >= whole_lines)).collect();
    let since = |from: i64, moment: Option<i64>| Some((moment.unwrap_or(dip.end_us) - from) as f64 / 1e6);
    if normal.is_some() {
        figures.set("delay_normal_after_s", since(dip.from_us, holds_from(&delays, dip.from_us)));
    }
    figures.set("full_size_back_after_s", since(dip.to_us, holds_from(&sizes, dip.to_us)));
    let shown = pictures.iter().map(|picture| picture.shown_us).filter(|at| *at >= dip.from_us);
    let shown: Vec<i64> = shown.chain([dip.end_us]).collect();
    figures.set("frozen_s", Some(freezes(&shown).iter().fold(0.0, |sum, gap| sum + gap / 1000.0)));

    let usual: Vec<f64> = rate.iter().filter(|(at, _)| before(at)).map(|(_, bytes)| *bytes as f64).collect();
    if let Some(usual) = mean(&usual).filter(|usual| *usual > 0.0) {
        let back =
            rate.iter().map(|(at, _)| *at).filter(|at| *at >= dip.to_us && at + RATE_SPAN_US <= dip.end_us).find(
                |from| {
                    let span = rate.iter().filter(|(at, _)| (*from..from + RATE_SPAN_US).contains(at));
                    mean(&span.map(|(_, bytes)| *bytes as f64).collect::<Vec<_>>()) >= Some(usual * RATE_SHARE)
                },
            );
        figures.set("rate_back_after_s", since(dip.to_us, back));
    }
}

/// The first moment at or after `from` at which it holds and goes on to.
fn holds_from(states: &[(i64, bool)], from: i64) -> Option<i64> {
    states.iter().filter(|(at, holds)| *at >= from && *holds).map(|(at, _)| *at).find(|begin| {
        let span = || states.iter().filter(|(at, _)| (*begin..begin + HELD_US).contains(at));
        span().filter(|(_, holds)| *holds).count() as f64 >= MOST * span().count() as f64
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 30 pictures a second; what each looks like is told by its second.
    fn pictures(of: impl Fn(f64) -> (f64, usize)) -> Vec<Judged> {
        let times = (0..1800).map(|number| number * 33_333);
        let judged = times.map(|at| {
            let (delay_ms, lines) = of(at as f64 / 1e6);
            Judged { shown_us: at, lines, delay_ms: Some(delay_ms), error: None, likeness: None }
        });
        judged.collect()
    }

    #[test]
    fn a_call_that_comes_back_is_told_with_its_times() {
        let pictures = pictures(|second| match second {
            20.0..23.0 => (500.0, 720),
            23.0..45.0 => (80.0, 360),
            _ => (40.0, 720),
        });
        let rate: Vec<(i64, u64)> =
            (0..600).map(|step| (step * 100_000, if (200..430).contains(&step) { 5_000 } else { 20_000 })).collect();
        let mut figures = Figures::default();
        let dip = Dip { from_us: 20_000_000, to_us: 40_000_000, end_us: 60_000_000 };
        tell(&dip, &pictures, &rate, 720, &mut figures);
        let near = |name: &str, seconds: f64| {
            let value = figures.of(name).expect("a figure");
            assert!((value - seconds).abs() < 0.3, "{name}: {value}");
        };
        near("delay_normal_after_s", 3.0);
        near("full_size_back_after_s", 5.0);
        near("rate_back_after_s", 2.8);
        near("frozen_s", 0.0);
    }

    #[test]
    fn what_never_comes_back_counts_until_the_end() {
        let pictures = pictures(|second| if second < 20.0 { (40.0, 720) } else { (900.0, 180) });
        let mut figures = Figures::default();
        let dip = Dip { from_us: 20_000_000, to_us: 40_000_000, end_us: 60_000_000 };
        tell(&dip, &pictures, &[], 720, &mut figures);
        assert_eq!(figures.of("delay_normal_after_s"), Some(40.0));
        assert_eq!(figures.of("full_size_back_after_s"), Some(20.0));
        assert_eq!(figures.of("rate_back_after_s"), None);
    }
}
