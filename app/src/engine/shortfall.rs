//! Whose pictures come short because a connection carries no more, told calmly: a step is told once it has lasted, in either
//! direction, so that a path around a threshold does not flicker in words. Pure; kept by `people` for each person.

use std::time::{Duration, Instant};

use super::Shortfall;

/// A shorter dip is nobody's business.
const LASTS: Duration = Duration::from_secs(2);

/// What is told of one person, and what is not told yet.
#[derive(Debug)]
pub(super) struct Told {
    told: Shortfall,
    heard: Shortfall,
    since: Instant,
}

impl Told {
    pub(super) fn new(now: Instant) -> Self {
        Self { told: Shortfall::Nothing, heard: Shortfall::Nothing, since: now }
    }

    /// The sender says so.
    pub(super) fn hear(&mut self, now: Instant, shortfall: Shortfall) {
        if self.heard != shortfall {
            (self.heard, self.since) = (shortfall, now);
        }
    }

    /// As the sender said last.
    pub(super) const fn heard(&self) -> Shortfall {
        self.heard
    }

    /// What is to be told from now on, if that changes.
    pub(super) fn pass_time(&mut self, now: Instant) -> Option<Shortfall> {
        let lasted = self.heard != self.told && now.saturating_duration_since(self.since) >= LASTS;
        lasted.then(|| {
            self.told = self.heard;
            self.told
        })
    }
}

/// In one word, for the JSON lines.
pub(super) const fn word(shortfall: Shortfall) -> &'static str {
    match shortfall {
        Shortfall::Nothing => "as-wanted",
        Shortfall::Smaller => "smaller",
        Shortfall::Fewer => "fewer",
        Shortfall::NoPictures => "none",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lasts_is_told_and_once() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut told = Told::new(start);
        told.hear(at(0), Shortfall::Smaller);
        assert_eq!(told.pass_time(at(1900)), None);
        told.hear(at(1950), Shortfall::Nothing);
        assert_eq!(told.pass_time(at(9000)), None, "it was over before it was worth a word");
        told.hear(at(9000), Shortfall::Smaller);
        told.hear(at(10_000), Shortfall::Smaller);
        assert_eq!(told.pass_time(at(11_000)), Some(Shortfall::Smaller));
        assert_eq!(told.pass_time(at(12_000)), None);
        told.hear(at(12_000), Shortfall::NoPictures);
        assert_eq!(told.pass_time(at(14_000)), Some(Shortfall::NoPictures));
        told.hear(at(15_000), Shortfall::Nothing);
        assert_eq!(told.pass_time(at(16_000)), None);
        assert_eq!(told.pass_time(at(17_000)), Some(Shortfall::Nothing));
    }
}
