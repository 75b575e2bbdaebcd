//! Simulated worlds: two to four cores over bad networks, in virtual time. `seeds` draws a thousand worlds; the other tests are
//! scenes that a person would name. A failing seed is printed and replayed with `WORLD_SEED=n cargo test -p conclave-tests --test
//! world seeds`; `WORLD_SEEDS=9000` draws so many. ARCHITECTURE.md, "Simulated worlds", says how it works.

mod chat;
mod fates;
mod fleet;
mod link;
mod media;
mod members;
mod path;
mod scenes;
mod world;

use conclave_tests::random;
use std::panic::catch_unwind;
use std::sync::atomic::{AtomicU64, Ordering};

/// Seeds that failed once, each with what it found: 1088, a picture that was put together from parities alone before its
/// sender was in the room was missed afterwards. (550, too: two who had both moved asked and answered where they were, and
/// went on speaking to where they had been.)
const ONCE_FAILED: [u64; 1] = [1088];
const SEEDS: u64 = 1000;

#[test]
fn seeds() {
    if let Some(seed) = std::env::var("WORLD_SEED").ok().and_then(|seed| seed.parse().ok()) {
        println!("seed {seed}");
        fleet::run(seed);
        return;
    }
    let seeds = std::env::var("WORLD_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(SEEDS);
    let next = AtomicU64::new(0);
    let work = || {
        let mut failed = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(seed) = (1..=seeds).chain(ONCE_FAILED).nth(usize::try_from(at).expect("few")) else {
                return failed;
            };
            if catch_unwind(|| fleet::run(seed)).is_err() {
                eprintln!("seed {seed} failed; replay with WORLD_SEED={seed}");
                failed.push(seed);
            }
        }
    };
    let failed: Vec<u64> = std::thread::scope(|scope| {
        let other = scope.spawn(work);
        let mut failed = work();
        failed.extend(other.join().expect("panics are caught"));
        failed
    });
    assert!(failed.is_empty(), "failing seeds: {failed:?}");
}

#[test]
fn the_same_seed_twice_is_the_same_world() {
    for seed in [3, 11, 42] {
        assert_eq!(fleet::run(seed), fleet::run(seed), "seed {seed}");
    }
    assert_ne!(fleet::run(3), fleet::run(11));
}
