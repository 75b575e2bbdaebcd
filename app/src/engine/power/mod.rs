//! Watches this computer's batteries while others may see our picture, and says how much power pictures may have. Each question
//! is put on a thread of its own, since a driver may hang: then that thread is left behind, nothing counts as known, and no
//! further one is put. Owned by the engine's loop, which passes on what it says; what a charge means stands in `charge.rs`.

mod batteries;
mod charge;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use conclave_media::video::Power;

pub use charge::Charge;

use super::limits;
use super::news::{News, NewsSender};
use super::notices::Trouble;

/// Who knows how the batteries are, and how often to ask.
#[derive(Clone)]
pub struct PowerMeter {
    read: Arc<dyn Fn() -> Option<Charge> + Send + Sync>,
    period: Duration,
}

impl PowerMeter {
    /// Asks the system.
    pub fn system() -> Self {
        Self::new(limits::BATTERY_PERIOD, batteries::read)
    }

    /// Asks this closure, which may hang; `None`: there is no battery.
    pub fn new(period: Duration, read: impl Fn() -> Option<Charge> + Send + Sync + 'static) -> Self {
        Self { read: Arc::new(read), period }
    }
}

impl fmt::Debug for PowerMeter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PowerMeter").field("period", &self.period).finish_non_exhaustive()
    }
}

/// How far the last question is.
#[derive(Clone, Copy)]
enum Question {
    /// The next one is due.
    Due,
    Put(Instant),
    /// No answer in time; if one still comes, all goes on.
    Hangs,
    Answered(Instant),
}

/// See the module's head.
pub(super) struct PowerWatch {
    meter: Option<PowerMeter>,
    question: Question,
    /// One was there once: if it does not answer, its driver stumbles.
    battery: bool,
    /// Others may see our picture.
    seen: bool,
    charge: Option<Charge>,
    power: Power,
}

impl PowerWatch {
    /// Without a meter there is always plenty.
    pub(super) const fn new(meter: Option<PowerMeter>) -> Self {
        Self { meter, question: Question::Due, battery: false, seen: false, charge: None, power: Power::Plenty }
    }

    /// What pictures may have.
    pub(super) const fn power(&self) -> Power {
        self.power
    }

    /// To be told while there is less than plenty.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        Trouble::low_battery(self.power, self.charge?.percent)
    }

    /// Once a second while devices are open. True: what pictures may have has changed.
    pub(super) fn pass_time(&mut self, now: Instant, seen: bool, news: &NewsSender) -> bool {
        if !seen {
            return self.rest();
        }
        self.seen = true;
        let since = |then| now.saturating_duration_since(then);
        match (&self.meter, self.question) {
            (Some(meter), Question::Due) => self.question = put(meter, now, news),
            (Some(meter), Question::Answered(at)) => {
                let period = if self.battery { meter.period } else { limits::NO_BATTERY_PERIOD };
                if since(at) >= period {
                    self.question = put(meter, now, news);
                }
            }
            (_, Question::Put(at)) if since(at) > limits::BATTERY_DEADLINE => {
                tracing::warn!("the system does not say how the battery is; it is not asked again");
                self.question = Question::Hangs;
                return self.learn(None);
            }
            (_, Question::Put(_) | Question::Hangs) | (None, _) => {}
        }
        false
    }

    /// The answer. True: what pictures may have has changed.
    pub(super) fn answered(&mut self, now: Instant, charge: Option<Charge>) -> bool {
        self.question = Question::Answered(now);
        self.battery |= charge.is_some();
        if self.seen { self.learn(charge) } else { self.rest() }
    }

    /// Nobody sees our picture any more. True: what pictures may have has changed.
    pub(super) fn rest(&mut self) -> bool {
        self.seen = false;
        // A charge of before tells nothing about later. That there is no battery does.
        if self.battery && matches!(self.question, Question::Answered(_)) {
            self.question = Question::Due;
        }
        self.learn(None)
    }

    fn learn(&mut self, charge: Option<Charge>) -> bool {
        let power = charge::power(self.power, charge);
        self.charge = charge;
        std::mem::replace(&mut self.power, power) != power
    }
}

/// Puts a question beside the loop; `News::Charge` answers.
fn put(meter: &PowerMeter, now: Instant, news: &NewsSender) -> Question {
    let (read, news) = (Arc::clone(&meter.read), news.clone());
    let thread = std::thread::Builder::new().name("battery".into());
    match thread.spawn(move || news.send_patiently(News::Charge(read()))) {
        Ok(_) => Question::Put(now),
        Err(error) => {
            tracing::warn!(%error, "no thread to ask for the battery; later again");
            Question::Answered(now)
        }
    }
}
