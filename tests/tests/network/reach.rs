//! What a call must reach on emulated links, each with several seeds: the rate found, the queue held, drops survived, neighbours
//! lived beside. The limits are what the issue asks, or where that is out of reach the measured best with some room.

use std::time::Duration;

use conclave_tests::link::{Change, Loss};

use crate::download::Download;
use crate::figures::{Figures, dip, lossy, ms, reached, thin};
use crate::scene::{Scene, at, kbps};

const SEEDS: [u64; 3] = [11, 12, 13];
const DELAY: Duration = Duration::from_millis(20);

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// From the end of the first seconds on.
fn settle(scene: &mut Scene, from: f64, to: f64) -> Figures {
    scene.run(seconds(from));
    scene.path.forward.take_counters();
    scene.run(seconds(to - from));
    Figures::of(scene.call(), from, to)
}

#[test]
fn two_megabit_within_three_seconds_of_the_start() {
    for seed in SEEDS {
        for rate in [5000, 20_000] {
            let mut scene = Scene::bottleneck(DELAY, kbps(rate), seed);
            scene.run(seconds(3.0));
            assert!(scene.estimate() >= kbps(2000), "seed {seed}, {rate} kbit/s: {}", scene.estimate());
        }
    }
}

#[test]
fn the_queue_is_short_and_the_path_used() {
    for seed in SEEDS {
        for rate in [500, 1000, 2000, 5000] {
            let mut scene = Scene::bottleneck(DELAY, kbps(rate), seed);
            let figures = settle(&mut scene, 15.0, 60.0);
            let queue = scene.path.forward.counters().queue_delay.percentile(95);
            assert!(ms(queue) <= 60, "seed {seed}, {rate} kbit/s: {queue:?}");
            assert!(figures.carried >= kbps(rate * 7 / 10), "seed {seed}, {rate} kbit/s: {}", figures.carried);
            assert!(figures.fps > 24.0, "seed {seed}, {rate} kbit/s: {} f/s", figures.fps);
            assert!(figures.sound_lost < 0.005, "seed {seed}, {rate} kbit/s: {}", figures.sound_lost);
        }
    }
}

#[test]
fn random_loss_costs_no_more_than_its_share() {
    for seed in SEEDS {
        let mut scene = Scene::new(
            conclave_tests::link::Profile {
                loss: Loss::Uniform(10.0),
                ..conclave_tests::link::Profile::bottleneck(DELAY, kbps(3000))
            },
            conclave_tests::link::Profile { delay: DELAY, loss: Loss::Uniform(10.0), ..Default::default() },
            seed,
        );
        let figures = settle(&mut scene, 10.0, 70.0);
        // What arrives of 3 Mbit/s at this loss is 2.7.
        assert!(figures.carried >= kbps(2700 * 7 / 10), "seed {seed}: {}", figures.carried);
        assert!(figures.fps > 25.0, "seed {seed}: {} f/s", figures.fps);
    }
}

#[test]
fn a_third_lost_leaves_most_of_what_is_left() {
    for seed in SEEDS {
        let there = conclave_tests::link::Profile {
            loss: Loss::Uniform(30.0),
            ..conclave_tests::link::Profile::bottleneck(DELAY, kbps(3000))
        };
        let back = conclave_tests::link::Profile { delay: DELAY, loss: Loss::Uniform(30.0), ..Default::default() };
        let figures = settle(&mut Scene::new(there, back, seed), 20.0, 60.0);
        assert!(figures.carried >= kbps(1200), "seed {seed}: {}", figures.carried);
        assert!(figures.sound_lost < 0.06, "seed {seed}: {}", figures.sound_lost);
    }
}

#[test]
fn a_thin_path_carries_a_voice_and_its_picture() {
    for seed in SEEDS {
        let figures = settle(&mut Scene::bottleneck(DELAY, kbps(150), seed), 15.0, 60.0);
        assert!(figures.sound_lost < 0.01, "seed {seed}: {}", figures.sound_lost);
        assert!(ms(figures.sound_p95) < 150, "seed {seed}: {:?}", figures.sound_p95);
        assert!(figures.fps > 24.0, "seed {seed}: {} f/s", figures.fps);
        assert!(ms(figures.delay_p95) < 150, "seed {seed}: {:?}", figures.delay_p95);
    }
}

#[test]
fn a_dip_is_survived_and_left_behind() {
    for seed in SEEDS {
        for appetite in [1800, 10_000] {
            let mut scene = dip(appetite, seed);
            scene.run(seconds(60.0));
            let call = scene.call();
            let before = Figures::of(call, 12.0, 20.0);
            // An encoder of 1.8 Mbit/s is what a call has; one that takes all has a third of a second of pictures under way.
            let worst = if appetite == 1800 { 600 } else { 1000 };
            let falls = Figures::of(call, 20.0, 24.0);
            assert!(ms(falls.delay_worst) <= worst, "seed {seed}, {appetite}: {:?}", falls.delay_worst);
            let low = Figures::of(call, 23.0, 40.0);
            assert!(ms(low.delay_p95) <= 150, "seed {seed}, {appetite}: {:?}", low.delay_p95);
            let back = reached(call, 40.0, before.carried.scaled(0.8));
            assert!(back <= 6.0, "seed {seed}, {appetite}: {back} s");
            assert!(low.sound_lost < 0.01, "seed {seed}, {appetite}: {}", low.sound_lost);
        }
    }
}

#[test]
fn fair_beside_a_download() {
    for seed in SEEDS {
        let mut scene = Scene::bottleneck(DELAY, kbps(5000), seed);
        scene.downloads.push(Download::new(at(10.0)));
        scene.run(seconds(90.0));
        let figures = Figures::of(scene.call(), 25.0, 90.0);
        assert!(figures.carried >= kbps(1500), "seed {seed}: {}", figures.carried);
        assert!(figures.carried <= kbps(3500), "seed {seed}: {}", figures.carried);
        assert!(figures.sound_lost < 0.05, "seed {seed}: {}", figures.sound_lost);
    }
}

#[test]
fn two_calls_share_a_link() {
    for seed in SEEDS {
        a_second_call_gets_its_part(Scene::bottleneck(DELAY, kbps(3000), seed), seed);
    }
}

/// On a link of 3 Mbit/s.
pub(crate) fn a_second_call_gets_its_part(mut scene: Scene, seed: u64) {
    scene.add_call(at(15.0));
    scene.run(seconds(90.0));
    let rates = [0, 1].map(|call| Figures::of(&scene.calls[call], 45.0, 90.0).carried);
    let (less, more) = (rates[0].min(rates[1]), rates[0].max(rates[1]));
    assert!(less >= more.scaled(0.5), "seed {seed}: {rates:?}");
    assert!(less.as_kbps() + more.as_kbps() >= 2100, "seed {seed}: {rates:?}");
}

#[test]
fn forty_kilobit_carry_a_voice() {
    let mut scene = thin();
    let figures = settle(&mut scene, 20.0, 80.0);
    assert!(figures.sound_lost < 0.02, "{}", figures.sound_lost);
    assert!(ms(figures.sound_p95) < 250, "{:?}", figures.sound_p95);
}

#[test]
fn silence_is_answered_within_a_third_of_a_second() {
    for seed in SEEDS {
        let mut scene = Scene::bottleneck(DELAY, kbps(5000), seed);
        scene.run(seconds(15.0));
        scene.change(&Change::Cut(true));
        // What was under way is still reported.
        scene.run(Duration::from_millis(50));
        let before = scene.estimate();
        scene.run(Duration::from_millis(270));
        assert!(scene.estimate() <= before.scaled(0.51), "seed {seed}: {before} {}", scene.estimate());
        scene.run(Duration::from_millis(300));
        assert!(scene.estimate() <= before.scaled(0.26), "seed {seed}: {before} {}", scene.estimate());
        scene.change(&Change::Cut(false));
        scene.run(seconds(4.0));
        assert!(scene.estimate() >= before.scaled(0.6), "seed {seed}: {before} {}", scene.estimate());
    }
}

#[test]
fn lost_reports_alone_cost_nothing() {
    let mut scene = lossy(Loss::None, DELAY);
    scene.run(seconds(10.0));
    scene.path.back.change(scene.now, Change::Loss(Loss::Uniform(40.0)));
    scene.run(seconds(30.0));
    let figures = Figures::of(scene.call(), 12.0, 40.0);
    assert!(figures.carried >= kbps(3000), "{}", figures.carried);
}
