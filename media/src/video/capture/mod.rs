//! Sources of pictures, each on a thread of its own: cameras, Y4M files, the test picture.
//!
//! A source runs until it is told to stop, says how it is doing, and hands every picture over at its moment. What fails is
//! tried again by itself. Called by the sender.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::picture::{Picture, PicturePool, i420_len};
use crate::source::{DeviceFault, DeviceStatus, Source};

mod camera;
pub(crate) mod camera_formats;
mod convert;
mod file;
mod test_picture;
mod y4m;

pub(crate) use test_picture::TestPicture;
pub(crate) use y4m::{Y4mError, Y4mReader};

/// How long a failed source rests before it is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// What a source is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) fps: u32,
}

/// Tells a source's thread to end, at once even if it waits.
#[derive(Default)]
pub(crate) struct Stop {
    stopped: AtomicBool,
    /// Held by the waiting source for its wait only.
    lock: Mutex<()>,
    wake: Condvar,
}

impl Stop {
    pub(crate) fn stop(&self) {
        let _guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.stopped.store(true, Ordering::Release);
        self.wake.notify_all();
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Waits until `moment`; false: stopped.
    fn wait_until(&self, moment: Instant) -> bool {
        let mut guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        while !self.is_stopped() {
            let left = moment.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            guard = self.wake.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        false
    }
}

/// Where a source's pictures and news go.
pub(crate) trait Receiver: Send + Sync {
    /// A picture, at the moment it is handed over; its time stamp is put in here.
    fn picture(&self, picture: Picture);
    /// How the source is doing.
    fn status(&self, status: DeviceStatus);
}

/// Runs a source until stopped. Ends at once for [`Source::None`].
pub(crate) fn run(source: &Source, wanted: Wanted, stop: &Arc<Stop>, receiver: &Arc<dyn Receiver>) {
    match source {
        Source::None => receiver.status(DeviceStatus::Off),
        Source::Test => run_test_picture(wanted, stop, receiver.as_ref()),
        Source::File(path) => retry(stop, receiver.as_ref(), |ran| {
            file::play(path, stop, receiver.as_ref(), ran)
                .map_err(|error| DeviceFault::File { path: path.display().to_string(), why: error.to_string() })
        }),
        Source::DefaultDevice => camera::run(None, wanted, stop, receiver),
        Source::Device(name) => camera::run(Some(name), wanted, stop, receiver),
    }
}

/// Tries until stopped; `attempt` returns `Ok` only when stopped, and says whether the source ran before it failed.
fn retry(stop: &Stop, receiver: &dyn Receiver, mut attempt: impl FnMut(&mut bool) -> Result<(), DeviceFault>) {
    let mut told: Option<DeviceFault> = None;
    while !stop.is_stopped() {
        if told.is_none() {
            receiver.status(DeviceStatus::Opening);
        }
        let mut ran = false;
        let Err(fault) = attempt(&mut ran) else { return };
        if ran {
            told = None;
        }
        // The same fault again is no news.
        if told.as_ref() != Some(&fault) {
            receiver.status(DeviceStatus::Failed(fault.clone()));
            told = Some(fault);
        }
        if !stop.wait_until(Instant::now() + RETRY_AFTER) {
            return;
        }
    }
}

fn run_test_picture(wanted: Wanted, stop: &Stop, receiver: &dyn Receiver) {
    let mut test = TestPicture::new(wanted.width, wanted.height);
    let (width, height) = test.size();
    let mut pool = PicturePool::default();
    let mut pace = Pace::new(f64::from(wanted.fps.clamp(1, 240)));
    receiver.status(DeviceStatus::Running("test".to_owned()));
    let mut index = 0;
    loop {
        let data = pool.fill(width, height, |out| test.draw(index, out));
        debug_assert_eq!(data.len(), i420_len(width, height));
        if !stop.wait_until(pace.next()) {
            return;
        }
        receiver.picture(Picture { width, height, data, captured_us: 0 });
        index += 1;
    }
}

/// Moments at an even rate. Who falls behind starts over rather than catching up in a burst.
struct Pace {
    period: Duration,
    next: Instant,
}

impl Pace {
    fn new(fps: f64) -> Self {
        Self { period: Duration::from_secs_f64(1.0 / fps), next: Instant::now() }
    }

    fn next(&mut self) -> Instant {
        let now = Instant::now();
        if self.next + 2 * self.period < now {
            self.next = now;
        }
        let moment = self.next;
        self.next += self.period;
        moment
    }
}
