//! What was sent and not yet reported on, by packet number. Feedback is matched here into arrivals and losses; the
//! estimator, the round trip time and the repetition of wishes feed on that.

use std::collections::VecDeque;
use std::time::Duration;

use crate::ecn::Ecn;
use crate::limits;
use crate::time::Instant;
use crate::wire::Feedback;

/// Reported as missing while at least this many later ones arrived: lost (RFC 9002, packet threshold).
const REORDERING: u64 = 3;
/// What is older was reported on or never will be.
const KEPT: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Unknown,
    /// The reports that would have told were lost themselves.
    Untold,
    Arrived,
    Lost,
}

/// What one datagram carried, as far as its fate matters.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Contents {
    /// It calls for a report.
    pub(super) eliciting: bool,
    pub(super) audio: u8,
    pub(super) video: u8,
    /// Version of the wish inside; 0: none.
    pub(super) wish: u32,
    /// Version of the sender report inside; 0: none.
    pub(super) report: u32,
    /// Bit per layer: a key frame request is inside.
    pub(super) key_requests: u8,
    /// The probe that it belongs to.
    pub(super) probe: Option<u32>,
    /// How it left.
    pub(super) ecn: Ecn,
}

#[derive(Debug)]
struct Sent {
    number: u64,
    at: Instant,
    bytes: u32,
    fate: Fate,
    contents: Contents,
}

/// One datagram whose fate became known.
#[derive(Clone, Copy, Debug)]
pub(super) struct PacketReport {
    pub(super) sent_at: Instant,
    pub(super) bytes: usize,
    /// On the receiver's clock; `None`: lost.
    pub(super) arrived_us: Option<u64>,
    /// How it arrived, if it left capable of telling anything.
    pub(super) ecn: Ecn,
    /// It was called lost before, and did arrive.
    pub(super) was_called_lost: bool,
    pub(super) contents: Contents,
}

/// Sent datagrams, oldest first.
#[derive(Debug, Default)]
pub(super) struct SentLog {
    sent: VecDeque<Sent>,
    in_flight: usize,
    /// Every report is about this number or later ones.
    told_from: u64,
    /// All below have a known fate.
    answered_to: u64,
}

impl SentLog {
    pub(super) fn note(&mut self, now: Instant, number: u64, bytes: usize, contents: Contents) {
        if self.sent.back().is_some_and(|last| last.number >= number) {
            // The caller restarted its counter: what is in flight can no longer be told apart.
            self.clear();
        }
        if self.sent.len() == limits::SENT_LOG {
            self.forget_first();
        }
        while self.sent.front().is_some_and(|first| now.since(first.at) > KEPT) {
            self.forget_first();
        }
        self.in_flight += bytes;
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.sent.push_back(Sent { number, at: now, bytes, fate: Fate::Unknown, contents });
    }

    /// Bytes that nothing is known of yet.
    pub(super) const fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// When the oldest was sent that calls for a report and got none.
    pub(super) fn oldest_unanswered(&self) -> Option<Instant> {
        let from = self.sent.partition_point(|sent| sent.number < self.answered_to);
        let waits = |sent: &&Sent| sent.fate == Fate::Unknown && sent.contents.eliciting;
        self.sent.range(from..).find(waits).map(|sent| sent.at)
    }

    /// What is in flight belongs to a path that is no more.
    pub(super) fn clear(&mut self) {
        self.sent.clear();
        (self.in_flight, self.answered_to) = (0, 0);
    }

    /// Later reports begin at `begin`, where the log has index `from`: what lies before stays unknown.
    fn give_up_on(&mut self, begin: u64, from: usize) {
        let before = self.sent.partition_point(|sent| sent.number < self.told_from).min(from);
        for sent in self.sent.range_mut(before..from).filter(|sent| sent.fate == Fate::Unknown) {
            sent.fate = Fate::Untold;
            self.in_flight -= sent.bytes as usize;
        }
        self.told_from = self.told_from.max(begin);
    }

    fn forget_first(&mut self) {
        if let Some(first) = self.sent.pop_front()
            && first.fate == Fate::Unknown
        {
            self.in_flight -= first.bytes as usize;
        }
    }

    /// Appends what became known, ascending by number; when the newest newly arrived one was sent.
    pub(super) fn handle_feedback(&mut self, feedback: &Feedback<'_>, out: &mut Vec<PacketReport>) -> Option<Instant> {
        let mut newest = None;
        let last = feedback.arrivals().last()?.number;
        let mut arrivals = feedback.arrivals().peekable();
        let from = self.sent.partition_point(|sent| sent.number < feedback.begin);
        self.give_up_on(feedback.begin, from);
        for sent in self.sent.range_mut(from..) {
            if sent.number > last {
                break;
            }
            while arrivals.next_if(|arrival| arrival.number < sent.number).is_some() {}
            let arrival = arrivals.next_if(|arrival| arrival.number == sent.number);
            let (was_unknown, was_called_lost) = (sent.fate == Fate::Unknown, sent.fate == Fate::Lost);
            match (sent.fate, arrival) {
                (Fate::Unknown | Fate::Untold | Fate::Lost, Some(_)) => {
                    sent.fate = Fate::Arrived;
                    newest = Some(sent.at);
                }
                (Fate::Unknown | Fate::Untold, None) if sent.number + REORDERING <= last => sent.fate = Fate::Lost,
                (Fate::Arrived, _) | (Fate::Unknown | Fate::Untold | Fate::Lost, None) => continue,
            }
            if was_unknown {
                self.in_flight -= sent.bytes as usize;
            }
            out.push(PacketReport {
                sent_at: sent.at,
                bytes: sent.bytes as usize,
                arrived_us: arrival.map(|arrival| arrival.at_us),
                ecn: arrival
                    .filter(|_| sent.contents.ecn == Ecn::Capable)
                    .map_or(Ecn::NotCapable, |arrival| arrival.ecn),
                was_called_lost,
                contents: sent.contents,
            });
        }
        let mut unknown = self.sent.iter().skip(self.sent.partition_point(|sent| sent.number < self.answered_to));
        let first = unknown.find(|sent| sent.fate == Fate::Unknown);
        self.answered_to = first
            .map_or(last.saturating_add(1).min(self.sent.back().map_or(0, |sent| sent.number + 1)), |sent| sent.number)
            .max(self.answered_to);
        newest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Arrival;

    fn feedback(log: &mut SentLog, begin: u64, numbers: &[u64]) -> Vec<(usize, bool, bool)> {
        let arrivals: Vec<_> =
            numbers.iter().map(|&number| Arrival { number, at_us: number % 1000 * 10, ecn: Ecn::NotCapable }).collect();
        let (mut records, mut out) = (Vec::new(), Vec::new());
        log.handle_feedback(&Feedback::build(begin, 5000, &arrivals, &mut records), &mut out);
        out.iter().map(|report| (report.bytes, report.arrived_us.is_some(), report.was_called_lost)).collect()
    }

    #[test]
    fn losses_arrivals_and_second_thoughts() {
        let mut log = SentLog::default();
        // The number doubles as the size. 4 was the session's own and is unknown here.
        for number in [1, 2, 3, 5, 6, 7, 8] {
            log.note(
                Instant::from_micros(number),
                number,
                usize::try_from(number).expect("small"),
                Contents::default(),
            );
        }
        let first = feedback(&mut log, 1, &[1, 4, 5, 6]);
        assert_eq!(first, [(1, true, false), (2, false, false), (3, false, false), (5, true, false), (6, true, false)]);
        let second = feedback(&mut log, 1, &[1, 3, 4, 5, 6, 8]);
        assert_eq!(second, [(3, true, true), (8, true, false)], "7 may still come; nothing is told twice");
        assert_eq!(log.in_flight(), 7);
    }

    #[test]
    fn what_no_report_tells_of_is_not_in_flight_for_ever() {
        let mut log = SentLog::default();
        for number in 0..100 {
            log.note(Instant::from_micros(number), number, 10, Contents::default());
        }
        assert_eq!(feedback(&mut log, 0, &[0, 1]).len(), 2);
        assert_eq!(feedback(&mut log, 60, &[60, 61]).len(), 2, "the reports about 2 to 59 were lost");
        assert_eq!(log.in_flight(), 38 * 10);
        assert_eq!(
            feedback(&mut log, 30, &[58, 59]),
            [vec![(10, false, false); 27], vec![(10, true, false); 2]].concat()
        );
        assert_eq!(log.in_flight(), 38 * 10, "one that comes late counts once");
    }

    #[test]
    fn a_report_about_the_future_or_nothing_is_harmless() {
        let mut log = SentLog::default();
        log.note(Instant::ZERO, 0, 100, Contents::default());
        assert_eq!(feedback(&mut log, 1 << 60, &[1 << 60, (1 << 60) + 9]), []);
        assert_eq!(feedback(&mut log, 0, &[]), []);
        assert_eq!(feedback(&mut log, 0, &[0, 1 << 61]), [(100, true, false)]);
    }
}
