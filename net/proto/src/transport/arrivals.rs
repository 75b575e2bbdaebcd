//! The receiver's half of congestion feedback (RFC 8888's meaning on the sealed counter): notes which datagrams came and
//! when, and says when a report is due. Each number is covered by two reports, so one lost report hides nothing.

use std::time::Duration;

use crate::ecn::Ecn;
use crate::limits;
use crate::time::Instant;
use crate::wire::{Arrival, Chunk, Feedback};

/// A report this long after the first arrival that it tells of ...
const INTERVAL: Duration = Duration::from_millis(50);
/// ... or sooner if much arrives ...
const INTERVAL_BUSY: Duration = Duration::from_millis(20);
/// ... which is this many arrivals.
const BUSY: usize = 12;
/// A datagram with sound that leaves anyway takes along a report that would be due this soon.
const RIDE: Duration = Duration::from_millis(25);

/// What arrived since the last but one report.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    /// Ascending by number, without duplicates.
    log: Vec<Arrival>,
    begin: u64,
    reported_to: u64,
    /// First arrival that no report has told of.
    fresh_since: Option<Instant>,
    fresh: usize,
    /// Something came that deserves a report by itself. Reports do not, or two idle peers would report for ever.
    eliciting: bool,
    last_report: Instant,
    records: Vec<u8>,
}

impl Arrivals {
    pub(super) fn note(&mut self, now: Instant, number: u64, ecn: Ecn) {
        if self.log.is_empty() && self.reported_to == 0 {
            self.begin = number;
            self.reported_to = number;
        }
        if number < self.begin {
            return;
        }
        let at = self.log.partition_point(|arrival| arrival.number < number);
        if self.log.get(at).is_some_and(|arrival| arrival.number == number) {
            return;
        }
        self.log.insert(at, Arrival { number, at_us: now.as_micros(), ecn });
        if self.log.len() > limits::FEEDBACK_ARRIVALS {
            self.log.remove(0);
            self.begin = self.log.first().map_or(self.begin, |first| first.number);
        }
        self.fresh += 1;
    }

    /// The last datagram noted carries more than reports.
    pub(super) fn elicit(&mut self, now: Instant) {
        self.eliciting = true;
        self.fresh_since.get_or_insert(now);
    }

    pub(super) fn due(&self) -> Option<Instant> {
        let since = self.fresh_since.filter(|_| self.eliciting)?;
        let calm = since + INTERVAL;
        Some(if self.fresh >= BUSY { calm.min(self.last_report + INTERVAL_BUSY) } else { calm })
    }

    pub(super) fn is_due(&self, now: Instant, rides_along: bool) -> bool {
        let slack = if rides_along { RIDE } else { Duration::ZERO };
        self.due().is_some_and(|due| due <= now + slack)
    }

    /// Appends a report of at most `room` bytes; false if there is no room.
    pub(super) fn write(&mut self, now: Instant, room: usize, out: &mut Vec<u8>) -> bool {
        let start = out.len();
        let mut from = 0;
        loop {
            let arrivals = self.log.get(from..).unwrap_or_default();
            let begin = if from == 0 { self.begin } else { arrivals.first().map_or(self.begin, |first| first.number) };
            Chunk::Feedback(Feedback::build(begin, now.as_micros(), arrivals, &mut self.records)).encode(out);
            if out.len() - start <= room {
                break;
            }
            out.truncate(start);
            if arrivals.len() <= 1 {
                return false;
            }
            from += arrivals.len().div_ceil(2);
        }
        self.begin = self.reported_to;
        self.reported_to = self.log.last().map_or(self.reported_to, |last| last.number + 1).max(self.reported_to);
        let keep_from = self.begin;
        self.log.retain(|arrival| arrival.number >= keep_from);
        (self.fresh, self.fresh_since, self.eliciting, self.last_report) = (0, None, false, now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::chunks;

    fn at(ms: u64) -> Instant {
        Instant::from_micros(ms * 1000)
    }

    fn report(arrivals: &mut Arrivals, now: Instant) -> Vec<u64> {
        let mut out = Vec::new();
        assert!(arrivals.write(now, 1000, &mut out));
        match chunks(&out).next() {
            Some(Ok(Chunk::Feedback(feedback))) => feedback.arrivals().map(|arrival| arrival.number).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_number_is_told_twice() {
        let mut arrivals = Arrivals::default();
        for (ms, number) in [(0, 10), (1, 11), (2, 13)] {
            arrivals.note(at(ms), number, Ecn::NotCapable);
        }
        assert_eq!(report(&mut arrivals, at(50)), [10, 11, 13]);
        arrivals.note(at(51), 12, Ecn::NotCapable);
        arrivals.note(at(52), 14, Ecn::NotCapable);
        assert_eq!(
            report(&mut arrivals, at(100)),
            [10, 11, 12, 13, 14],
            "12 was late, and the first report may be lost"
        );
        arrivals.note(at(120), 15, Ecn::NotCapable);
        assert_eq!(report(&mut arrivals, at(150)), [14, 15]);
    }

    #[test]
    fn reports_alone_call_for_no_report() {
        let mut arrivals = Arrivals::default();
        arrivals.note(at(0), 0, Ecn::NotCapable);
        assert_eq!(arrivals.due(), None);
        arrivals.elicit(at(0));
        assert_eq!(arrivals.due(), Some(at(50)));
        for number in 1..20 {
            arrivals.note(at(5), number, Ecn::NotCapable);
        }
        assert_eq!(arrivals.due(), Some(at(20)));
    }

    #[test]
    fn a_flood_stays_bounded_and_fits() {
        let mut arrivals = Arrivals::default();
        for number in 0..100_000_u64 {
            arrivals.note(at(number), number * 70_000, Ecn::NotCapable);
        }
        let mut out = Vec::new();
        assert!(arrivals.write(at(100_000), 400, &mut out));
        assert!(out.len() <= 400);
    }
}
