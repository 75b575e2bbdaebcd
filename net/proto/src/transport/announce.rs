//! A value that the peer must know the newest of, and only the newest: a wish, a sender report. Sent at once on a
//! change, repeated until feedback shows that a datagram with it arrived, and now and then for good measure.

use std::time::Duration;

use crate::time::Instant;

/// The sending side of one value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Announce<T> {
    value: Option<T>,
    version: u32,
    sent_at: Option<Instant>,
    seen: bool,
    period: Option<Duration>,
}

impl<T: Copy + PartialEq> Announce<T> {
    /// `period`: repeat even after the peer has it.
    pub(super) const fn new(period: Option<Duration>) -> Self {
        Self { value: None, version: 0, sent_at: None, seen: true, period }
    }

    pub(super) fn set(&mut self, value: T, at_once: bool) {
        if self.value == Some(value) {
            return;
        }
        let at_once = at_once || self.value.is_none();
        self.value = Some(value);
        self.version += 1;
        if at_once {
            (self.sent_at, self.seen) = (None, false);
        }
    }

    pub(super) const fn value(&self) -> Option<T> {
        self.value
    }

    /// Forget that anything was sent: the path was gone.
    pub(super) const fn resend(&mut self) {
        if self.value.is_some() {
            (self.sent_at, self.seen) = (None, false);
        }
    }

    pub(super) fn due(&self, patience: Duration) -> Option<Instant> {
        self.value?;
        let Some(sent_at) = self.sent_at else { return Some(Instant::ZERO) };
        if self.seen { self.period.map(|period| sent_at + period) } else { Some(sent_at + patience) }
    }

    /// The value and its version if it is to go out now; counts as sent.
    pub(super) fn take_due(&mut self, now: Instant, patience: Duration) -> Option<(u32, T)> {
        self.due(patience).filter(|due| *due <= now)?;
        self.sent_at = Some(now);
        self.value.map(|value| (self.version, value))
    }

    pub(super) fn arrived(&mut self, version: u32) {
        self.seen |= version == self.version;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_millis(100);

    #[test]
    fn repeated_until_it_arrived() {
        let mut wish = Announce::new(None);
        assert_eq!(wish.due(PATIENCE), None);
        let at = |ms: u64| Instant::from_micros(ms * 1000);
        wish.set('a', true);
        assert_eq!(wish.take_due(at(5), PATIENCE), Some((1, 'a')));
        assert_eq!(wish.take_due(at(50), PATIENCE), None);
        wish.set('b', true);
        assert_eq!(wish.take_due(at(51), PATIENCE), Some((2, 'b')), "a change does not wait");
        wish.arrived(1);
        assert_eq!(wish.take_due(at(151), PATIENCE), Some((2, 'b')), "the old one's arrival says nothing");
        wish.arrived(2);
        assert_eq!(wish.due(PATIENCE), None);
    }

    #[test]
    fn a_report_comes_every_period() {
        let mut report = Announce::new(Some(Duration::from_secs(1)));
        report.set(1, false);
        assert!(report.take_due(Instant::from_micros(1), PATIENCE).is_some());
        report.arrived(1);
        report.set(2, false);
        assert_eq!(report.due(PATIENCE), Some(Instant::from_micros(1_000_001)));
    }
}
