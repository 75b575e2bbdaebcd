//! Names and numbers: what one run measured, and the medians of several.
//!
//! A figure that could not be measured is absent, never zero. Made by `measure` and `window`, printed by `table`.

use std::collections::BTreeMap;

/// Figures by name; a name ends in its unit.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures(pub BTreeMap<&'static str, f64>);

impl Figures {
    pub fn set(&mut self, name: &'static str, value: Option<f64>) {
        if let Some(value) = value {
            self.0.insert(name, value);
        }
    }

    pub fn of(&self, name: &str) -> Option<f64> {
        self.0.get(name).copied()
    }

    /// The median of every figure over the runs that have it.
    pub fn medians(runs: &[Figures]) -> Figures {
        let mut by_name: BTreeMap<&'static str, Vec<f64>> = BTreeMap::new();
        for (name, value) in runs.iter().flat_map(|run| &run.0) {
            by_name.entry(name).or_default().push(*value);
        }
        let medians = by_name.into_iter().filter_map(|(name, values)| Some((name, percentile(&values, 50.0)?)));
        Figures(medians.collect())
    }
}

/// The value below which this many percent lie, between neighbours by proportion. None of nothing.
pub fn percentile(values: &[f64], percent: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = percent / 100.0 * sorted.len().checked_sub(1)? as f64;
    let (low, high) = (sorted.get(place.floor() as usize)?, sorted.get(place.ceil() as usize)?);
    Some(low + (high - low) * place.fract())
}

pub fn mean(values: &[f64]) -> Option<f64> {
    if values.is_empty() { None } else { Some(values.iter().sum::<f64>() / values.len() as f64) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_lie_between_their_neighbours() {
        assert_eq!(percentile(&[3.0, 1.0, 2.0], 50.0), Some(2.0));
        assert_eq!(percentile(&[0.0, 10.0], 95.0), Some(9.5));
        assert_eq!(percentile(&[], 50.0), None);
    }

    #[test]
    fn a_figure_that_one_run_lacks_is_the_median_of_the_others() {
        let run = |value: Option<f64>| {
            let mut figures = Figures::default();
            figures.set("a_ms", value);
            figures
        };
        let medians = Figures::medians(&[run(Some(5.0)), run(None), run(Some(1.0)), run(Some(2.0))]);
        assert_eq!(medians.of("a_ms"), Some(2.0));
        assert_eq!(Figures::medians(&[run(None)]).of("a_ms"), None);
    }
}
