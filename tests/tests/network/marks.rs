//! Explicit congestion notification: what a call makes of a queue that marks in place of dropping, and of paths that do something
//! else with what may be marked.

use std::time::Duration;

use conclave_proto::core::PeerStats;
use conclave_tests::link::{Change, Counters, Markable, Profile};

use crate::figures::{Figures, ms};
use crate::reach::a_second_call_gets_its_part;
use crate::scene::{Scene, kbps};

const SEEDS: [u64; 3] = [21, 22, 23];
const DELAY: Duration = Duration::from_millis(20);

/// An active queue: from 15 ms on it marks what can be marked and drops the rest.
pub(crate) fn active(rate_kbps: u64, markable: Markable, seed: u64) -> Scene {
    let marks_from = Some(Duration::from_millis(15));
    let there = Profile { marks_from, markable, ..Profile::bottleneck(DELAY, kbps(rate_kbps)) };
    Scene::new(there, Profile { delay: DELAY, markable, ..Profile::default() }, seed)
}

/// How many marks the sender was told of, if its path is known to pass them.
fn marks(scene: &Scene) -> Option<u64> {
    let mut stats = PeerStats::default();
    scene.call().transports[0].stats(scene.now, &mut stats);
    stats.congestion_marks
}

fn run(scene: &mut Scene) -> (Figures, Counters) {
    scene.run(Duration::from_secs(10));
    scene.path.forward.take_counters();
    scene.run(Duration::from_secs(50));
    (Figures::of(scene.call(), 10.0, 60.0), scene.path.forward.take_counters())
}

#[test]
fn a_queue_that_marks_drops_nothing_and_stays_short() {
    for seed in SEEDS {
        for rate in [1000, 3000] {
            let mut scene = active(rate, Markable::Passes, seed);
            let (figures, counters) = run(&mut scene);
            assert_eq!(counters.dropped_by_queue, 0, "seed {seed}, {rate} kbit/s");
            assert!(marks(&scene).is_some_and(|marks| marks > 0), "seed {seed}, {rate} kbit/s");
            assert!(figures.carried >= kbps(rate * 7 / 10), "seed {seed}, {rate} kbit/s: {}", figures.carried);
            assert!(figures.fps > 29.0, "seed {seed}, {rate} kbit/s: {} f/s", figures.fps);
            let queue = counters.queue_delay.percentile(95);
            assert!(ms(queue) <= 30, "seed {seed}, {rate} kbit/s: {queue:?}");
        }
    }
}

#[test]
fn where_marks_do_not_come_through_a_call_is_as_without() {
    for seed in SEEDS {
        for markable in [Markable::Erased, Markable::Swallowed] {
            let mut scene = Scene::new(
                Profile { markable, ..Profile::bottleneck(DELAY, kbps(2000)) },
                Profile { delay: DELAY, markable, ..Profile::default() },
                seed,
            );
            let (figures, _) = run(&mut scene);
            assert_eq!(marks(&scene), None, "seed {seed}, {markable:?}");
            assert!(figures.carried >= kbps(1400), "seed {seed}, {markable:?}: {}", figures.carried);
            assert!(figures.fps > 29.0, "seed {seed}, {markable:?}: {} f/s", figures.fps);
            assert!(figures.sound_lost < 0.005, "seed {seed}, {markable:?}: {}", figures.sound_lost);
        }
    }
}

#[test]
fn a_path_that_begins_to_swallow_them_is_talked_over_again() {
    let mut scene = Scene::bottleneck(DELAY, kbps(2000), 24);
    scene.run(Duration::from_secs(10));
    assert!(marks(&scene).is_some());
    scene.change(&Change::Markable(Markable::Swallowed));
    scene.run(Duration::from_secs(20));
    assert_eq!(marks(&scene), None);
    let figures = Figures::of(scene.call(), 15.0, 30.0);
    assert!(figures.fps > 28.0 && figures.sound_lost < 0.01, "{} f/s, {}", figures.fps, figures.sound_lost);
}

#[test]
fn two_calls_share_a_queue_that_marks() {
    for seed in SEEDS {
        a_second_call_gets_its_part(active(3000, Markable::Passes, seed), seed);
    }
}
