//! From a scenario's words to the emulated link: its profile, its seed, its schedule, its recorded trace.
//!
//! Traces are read from a folder that the person names; none belongs to this tree. Called by `real` and `mesh`, and by `series`
//! for what a link could carry.

use super::scenarios::{Capacity, DIP, Loss, QUEUE, Shape};
use crate::link::{self, Change, Link, Profile, QueueBound, Trace};
use crate::random::Random;
use anyhow::{Context, Result};
use conclave_proto::time::{Bitrate, Instant};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Where recorded links lie.
#[derive(Debug)]
pub(super) struct Traces(pub(super) PathBuf);

impl Traces {
    /// The way out of a host: 0 the first party's.
    pub(super) fn link<T: Clone>(&self, shape: &Shape, way: usize, seed: u64) -> Result<Link<T>> {
        let capacity = match shape.capacity {
            Capacity::Endless => link::Capacity::Unbounded,
            Capacity::Kbps(kbps) | Capacity::Dip { high_kbps: kbps, .. } => {
                link::Capacity::Rate(Bitrate::from_kbps(kbps))
            }
            Capacity::Recorded(_) => link::Capacity::Trace(Arc::new(self.trace(shape, way)?)),
        };
        let loss = match shape.loss {
            Loss::None => link::Loss::None,
            Loss::Random { percent } => link::Loss::Uniform(percent),
            Loss::Bursts { percent, mean_packets } => link::Loss::bursts(percent, mean_packets),
        };
        let (delay, marks_from) = (shape.delay, shape.marks_from);
        let queue = QueueBound::Time(QUEUE);
        let profile = Profile { delay, loss, capacity, queue, marks_from, ..Profile::default() };
        let mut random = Random::new(seed);
        let random = (0..=way).fold(Random::new(0), |_, _| random.fork());
        let mut link = Link::new(profile, random);
        if let Capacity::Dip { high_kbps, low_kbps } = shape.capacity {
            for (at, kbps) in [(DIP.0, low_kbps), (DIP.1, high_kbps)] {
                let capacity = link::Capacity::Rate(Bitrate::from_kbps(kbps));
                link.schedule(Instant::ZERO + at, Change::Capacity(capacity));
            }
        }
        Ok(link)
    }

    fn trace(&self, shape: &Shape, way: usize) -> Result<Trace> {
        let Capacity::Recorded(names) = shape.capacity else { anyhow::bail!("this link is not recorded") };
        let file = self.0.join(names[way.min(1)]);
        let text = std::fs::read_to_string(&file).with_context(|| {
            format!("{} cannot be read; --traces DIR says where recorded links lie", file.display())
        })?;
        Trace::parse(&text).with_context(|| file.display().to_string())
    }

    /// What the first party's way carries, in points of `span` seconds. Empty: endless.
    pub(super) fn capacity_kbit_s(&self, shape: &Shape, length: Duration, span: f64) -> Vec<(f64, f64)> {
        let trace = self.trace(shape, 0).ok();
        let seconds = (0..).map(|place| f64::from(place) * span).take_while(|at| *at < length.as_secs_f64());
        let points = seconds.filter_map(|at| {
            let time = Duration::from_secs_f64(at);
            let bps = match &trace {
                None => shape.capacity.at(time)?,
                Some(trace) => {
                    // It begins anew after its end.
                    let within = Duration::from_secs_f64(at % trace.period().as_secs_f64().max(span));
                    trace.rate(within, within + Duration::from_secs_f64(span)).as_bps()
                }
            };
            Some((at, bps as f64 / 1000.0))
        });
        points.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::network::scenarios::{Kind, SCENARIOS, Scenario};

    fn scenario(kind: Kind) -> &'static Scenario {
        SCENARIOS.iter().find(|scenario| scenario.kind == kind).expect("one of each kind")
    }

    #[test]
    fn a_dip_is_on_the_link_and_in_the_plot() {
        let traces = Traces(PathBuf::new());
        let shape = &scenario(Kind::Steps).shape;
        let points = traces.capacity_kbit_s(shape, Duration::from_secs(60), 0.5);
        let low = points.iter().filter(|(_, kbit_s)| *kbit_s == 500.0).count();
        assert_eq!((points.len(), low), (120, 40));
        let mut link = traces.link(shape, 0, 1).expect("a link");
        let mut took = |second: u64| {
            let sent = Instant::ZERO + Duration::from_secs(second);
            assert!(link.send(sent, 1250, ()));
            loop {
                let at = link.next_wake().expect("under way");
                if let Some(arrived) = link.receive(at) {
                    return arrived.at.since(sent) - shape.delay;
                }
            }
        };
        assert_eq!([took(29), took(31), took(51)], [2, 20, 2].map(Duration::from_millis));
    }

    #[test]
    fn a_trace_that_is_not_there_or_broken_is_told_in_a_sentence() {
        let recorded = SCENARIOS.iter().find(|scenario| matches!(scenario.shape.capacity, Capacity::Recorded(_)));
        let shape = &recorded.expect("one").shape;
        let folder = tempfile::tempdir().expect("a folder");
        let traces = Traces(folder.path().to_owned());
        let error = traces.link::<()>(shape, 0, 1).expect_err("no file");
        assert!(error.to_string().contains("--traces"), "{error}");
        let Capacity::Recorded(names) = shape.capacity else { unreachable!("it is recorded") };
        std::fs::write(folder.path().join(names[0]), "5\n3\n").expect("a file");
        let error = traces.link::<()>(shape, 0, 1).expect_err("broken");
        assert!(format!("{error:#}").contains("line 2"), "{error:#}");
    }
}
