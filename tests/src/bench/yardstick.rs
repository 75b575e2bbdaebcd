//! How fast this machine is while a call is measured: the time of a fixed piece of work, done now and then beside it. CPU
//! figures of two days, or of two computers, compare only if their yardsticks do.
//!
//! The work is branches, small allocations and chains of pointers, which a neighbour on the same core slows down as much as
//! it slows a codec; straight loops over memory hardly feel it. It judges nothing. Called by `call`.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::figures::percentile;

/// The work takes about half a millisecond: a thousandth of what it measures beside.
const PAUSE: Duration = Duration::from_millis(500);
const KEYS: u32 = 2_000;

/// Works beside a call until it is ended.
pub struct Yardstick {
    ended: Arc<AtomicBool>,
    worker: JoinHandle<Vec<f64>>,
}

impl Yardstick {
    pub fn start() -> Yardstick {
        let ended = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&ended);
        let worker = thread::spawn(move || {
            let mut times = Vec::new();
            loop {
                let start = Instant::now();
                black_box(work(black_box(KEYS)));
                times.push(start.elapsed().as_secs_f64() * 1000.0);
                if seen.load(Ordering::Relaxed) {
                    return times;
                }
                thread::sleep(PAUSE);
            }
        });
        Yardstick { ended, worker }
    }

    /// Milliseconds that the work took: the median, so that being interrupted does not count.
    pub fn end_ms(self) -> Option<f64> {
        self.ended.store(true, Ordering::Relaxed);
        let times = self.worker.join().ok()?;
        percentile(&times, 50.0)
    }
}

/// Names in order, made, looked up and added up.
fn work(keys: u32) -> u64 {
    let mut state = 1_u32;
    let mut names = BTreeMap::new();
    for number in 0..keys {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        names.insert((state >> 8).to_string(), number);
    }
    names.iter().map(|(name, number)| name.len() as u64 * u64::from(*number)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_work_is_done_every_time_and_takes_time() {
        assert!(work(3) == work(3) && work(3) > work(2), "{} {}", work(3), work(2));
        assert!(Yardstick::start().end_ms().is_some_and(|ms| ms > 0.0));
    }
}
