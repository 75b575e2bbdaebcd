//! What a call was like, in figures; and the test that prints them for a handful of links.

use std::time::Duration;

use conclave_proto::time::{Bitrate, Instant};
use conclave_tests::link::{Capacity, Change, Loss, Markable, Profile};

use crate::call::{Call, STEP, Shown};
use crate::scene::{Scene, at, kbps};

/// A gap between two pictures that a person calls a freeze.
const FREEZE: Duration = Duration::from_millis(200);

/// A part of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    pub(crate) carried: Bitrate,
    pub(crate) delay_p50: Duration,
    pub(crate) delay_p95: Duration,
    pub(crate) delay_worst: Duration,
    pub(crate) fps: f64,
    pub(crate) frozen: Duration,
    pub(crate) sound_p95: Duration,
    pub(crate) sound_lost: f64,
}

impl Figures {
    /// Between two moments, in seconds from the scene's start.
    pub(crate) fn of(call: &Call, from: f64, to: f64) -> Self {
        let (begin, end) = (at(from), at(to));
        let span = Duration::from_secs_f64(to - from);
        let within = |all: &[Shown]| -> Vec<Shown> {
            all.iter().copied().filter(|shown| (begin..end).contains(&shown.captured)).collect()
        };
        let (shown, heard) = (within(&call.shown), within(&call.heard));
        let delays = sorted(&shown);
        let spoken = span.as_secs_f64() / call.sound_every.as_secs_f64();
        Self {
            carried: carried(call, begin, end),
            delay_p50: percentile(&delays, 50),
            delay_p95: percentile(&delays, 95),
            delay_worst: delays.last().copied().unwrap_or(Duration::MAX),
            fps: shown.len() as f64 / span.as_secs_f64(),
            frozen: frozen(&call.shown, begin, end),
            sound_p95: percentile(&sorted(&heard), 95),
            sound_lost: (1.0 - heard.len() as f64 / spoken).max(0.0),
        }
    }
}

fn sorted(shown: &[Shown]) -> Vec<Duration> {
    let mut delays: Vec<Duration> = shown.iter().map(Shown::delay).collect();
    delays.sort_unstable();
    delays
}

fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted.get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1))).copied().unwrap_or(Duration::MAX)
}

/// All that arrived of a call between two moments.
fn carried(call: &Call, begin: Instant, end: Instant) -> Bitrate {
    let step = |at: Instant| usize::try_from(at.since(call.starts_at).as_micros() / STEP.as_micros()).unwrap_or(0);
    let range = step(begin).min(call.carried.len())..step(end).min(call.carried.len());
    let bytes: u64 = call.carried[range].iter().sum();
    Bitrate::from_bps(bytes * 8_000_000 / u64::try_from(end.since(begin).as_micros()).unwrap_or(1).max(1))
}

fn frozen(shown: &[Shown], begin: Instant, end: Instant) -> Duration {
    let inside = shown.iter().map(|shown| shown.at).filter(|at| (begin..end).contains(at));
    let times: Vec<Instant> = [begin].into_iter().chain(inside).chain([end]).collect();
    times.windows(2).map(|pair| pair[1].since(pair[0])).filter(|gap| *gap > FREEZE).sum()
}

/// The first moment from `from` on at which a rate, averaged over half a second, was at least this.
pub(crate) fn reached(call: &Call, from: f64, rate: Bitrate) -> f64 {
    let mut moment = from;
    while moment < 120.0 {
        if carried(call, at(moment), at(moment + 0.5)) >= rate {
            return moment - from;
        }
        moment += 0.1;
    }
    f64::MAX
}

pub(crate) fn ms(duration: Duration) -> u128 {
    duration.as_millis()
}

fn print(name: &str, scene: &mut Scene, from: f64, to: f64) {
    let queue = scene.path.forward.take_counters();
    let (p50, p95) = (queue.queue_delay.percentile(50), queue.queue_delay.percentile(95));
    for call in &scene.calls {
        let figures = Figures::of(call, from, to);
        println!(
            "{name:34} {:>6} kbit/s  queue {:>3}/{:>3}  delay {:>3}/{:>3}/{:>4}  {:>4.1} f/s  frozen {:>4}  sound {:>3} ms {:>4.1} %  lost {:>3} dropped {:>3} keys {}",
            figures.carried.as_kbps(),
            ms(p50),
            ms(p95),
            ms(figures.delay_p50),
            ms(figures.delay_p95),
            ms(figures.delay_worst).min(99_999),
            figures.fps,
            ms(figures.frozen),
            ms(figures.sound_p95),
            figures.sound_lost * 100.0,
            queue.lost,
            queue.dropped_by_queue,
            call.encoder.keys,
        );
    }
}

fn series(call: &Call, from: f64, to: f64) {
    let mut moment = from;
    let mut line = String::new();
    while moment < to {
        let step = usize::try_from(at(moment).since(call.starts_at).as_micros() / STEP.as_micros()).unwrap_or(0);
        let estimate = call.estimates.get(step).map_or(0, |estimate| estimate.as_kbps());
        line += &format!("{moment:.1}s {}/{estimate}  ", carried(call, at(moment), at(moment + 0.5)).as_kbps());
        moment += 0.5;
    }
    println!("    {line}");
}

/// Prints, asserts nothing: what somebody who changes a control loop looks at first.
#[test]
fn figures() {
    let wanted = std::env::var("FIGURES").unwrap_or_default();
    let detail = std::env::var("SERIES").is_ok();
    let delay = Duration::from_millis(20);
    let show = |name: &str, mut scene: Scene, from: f64, to: f64| {
        if !name.contains(&wanted) {
            return;
        }
        scene.run(Duration::from_secs_f64(from));
        scene.path.forward.take_counters();
        scene.run(Duration::from_secs_f64(to - from));
        print(name, &mut scene, from, to);
        if detail {
            scene.calls.iter().for_each(|call| series(call, 0.0, to));
        }
    };
    for rate in [150, 300, 500, 1000, 2000, 5000] {
        show(&format!("steady {rate}"), Scene::bottleneck(delay, kbps(rate), 1), 20.0, 60.0);
    }
    for (name, markable) in [("marks", Markable::Passes), ("drops", Markable::Erased)] {
        for rate in [500, 1000, 3000] {
            show(&format!("active queue {name} {rate}"), crate::marks::active(rate, markable, 1), 20.0, 60.0);
        }
        let mut beside = crate::marks::active(5000, markable, 4);
        beside.downloads.push(crate::download::Download::new(at(10.0)));
        show(&format!("active queue {name}, download"), beside, 20.0, 80.0);
    }
    show("40 kbit/s", thin(), 20.0, 60.0);
    for rate in [2000, 5000] {
        show(&format!("start {rate}"), Scene::bottleneck(delay, kbps(rate), 2), 0.0, 5.0);
    }
    for percent in [2.0, 10.0, 30.0] {
        show(&format!("random loss {percent} %, 5000"), lossy(Loss::Uniform(percent), delay), 5.0, 60.0);
    }
    show("bursts 20 %, 5000", lossy(Loss::bursts(20.0, 3.0), delay), 5.0, 60.0);
    show("2 %, 100 ms one way", lossy(Loss::Uniform(2.0), Duration::from_millis(100)), 5.0, 60.0);
    show("10 %, 100 ms one way", lossy(Loss::Uniform(10.0), Duration::from_millis(100)), 5.0, 60.0);
    for appetite in [10_000, 1800] {
        show(&format!("5-0.5-5 appetite {appetite}: low"), dip(appetite, 3), 20.0, 40.0);
        show(&format!("5-0.5-5 appetite {appetite}: back"), dip(appetite, 3), 40.0, 50.0);
    }
    let mut beside = Scene::bottleneck(delay, kbps(5000), 4);
    beside.downloads.push(crate::download::Download::new(at(10.0)));
    show("beside a download", beside, 20.0, 80.0);
    let mut two = Scene::bottleneck(delay, kbps(5000), 5);
    two.add_call(at(15.0));
    show("two calls on 5000", two, 30.0, 80.0);
    let mut two = Scene::bottleneck(delay, kbps(1500), 5);
    two.add_call(at(15.0));
    show("two calls on 1500", two, 30.0, 80.0);
    let mut three = Scene::bottleneck(delay, kbps(3000), 5);
    (0..2).for_each(|_| three.add_call(at(0.0)));
    show("three calls on 3000", three, 15.0, 80.0);
}

pub(crate) fn lossy(loss: Loss, delay: Duration) -> Scene {
    let there = Profile { loss, ..Profile::bottleneck(delay, kbps(5000)) };
    Scene::new(there, Profile { delay, loss, ..Profile::default() }, 6)
}

pub(crate) fn thin() -> Scene {
    let mut scene = Scene::bottleneck(Duration::from_millis(30), kbps(40), 7);
    // What an encoder of 8 kbit/s makes in packets of 40 ms.
    (scene.calls[0].sound_bytes, scene.calls[0].sound_every) = (40, Duration::from_millis(40));
    scene
}

/// 5 Mbit/s, from 20 to 40 s half a megabit.
pub(crate) fn dip(appetite_kbps: u64, seed: u64) -> Scene {
    let mut scene = Scene::bottleneck(Duration::from_millis(20), kbps(5000), seed);
    scene.calls[0].appetite = kbps(appetite_kbps);
    scene.path.forward.schedule(at(20.0), Change::Capacity(Capacity::Rate(kbps(500))));
    scene.path.forward.schedule(at(40.0), Change::Capacity(Capacity::Rate(kbps(5000))));
    scene
}
