//! What the path carries while it has something to carry: the rate of those datagrams that were already waiting for the one
//! before them. Pictures come in lumps, so the mean rate of half a second says how much there was to send, and taking that
//! for what a full path carries would bring the estimate down to it. Fed and asked by `delay_loss`.

use std::collections::VecDeque;

use crate::limits;
use crate::time::Bitrate;

/// Gaps between arrivals are kept for so long.
const WINDOW_US: u64 = 500_000;
/// Less time than this with a queue is too little for a rate.
const LEAST_US: u64 = 40_000;
/// ... and so are fewer datagrams.
const FEWEST: usize = 4;

/// A time in which the path was never idle, and what it carried in that.
#[derive(Clone, Copy, Debug)]
struct Gap {
    arrived_us: u64,
    length_us: u64,
    bytes: usize,
}

/// Gaps between arrivals that only the path made.
#[derive(Debug, Default)]
pub(super) struct BusyRate {
    gaps: VecDeque<Gap>,
    last_us: Option<u64>,
}

impl BusyRate {
    /// `least_us`: the least one-way delay that is known (receiver's clock less ours).
    pub(super) fn arrived(&mut self, sent_us: u64, arrived_us: u64, bytes: usize, least_us: i64) {
        let Some(last_us) = self.last_us else {
            self.last_us = Some(arrived_us);
            return;
        };
        if arrived_us <= last_us {
            return;
        }
        self.last_us = Some(arrived_us);
        let could_us = sent_us.cast_signed().saturating_add(least_us);
        if could_us <= last_us.cast_signed() {
            self.gaps.push_back(Gap { arrived_us, length_us: arrived_us - last_us, bytes });
        }
        while self.gaps.front().is_some_and(|gap| gap.arrived_us + WINDOW_US < arrived_us)
            || self.gaps.len() > limits::SENT_LOG
        {
            self.gaps.pop_front();
        }
    }

    /// `None`: there was no queue for long enough.
    pub(super) fn rate(&self) -> Option<Bitrate> {
        self.sum(usize::MAX)
    }

    /// Of as few of the last datagrams as make a rate: of a path that has just become slower.
    pub(super) fn latest(&self) -> Option<Bitrate> {
        self.sum(FEWEST)
    }

    fn sum(&self, enough: usize) -> Option<Bitrate> {
        let (mut length_us, mut bytes, mut count) = (0, 0, 0);
        for gap in self.gaps.iter().rev() {
            if count >= enough && length_us >= LEAST_US {
                break;
            }
            length_us += gap.length_us;
            bytes += gap.bytes as u64;
            count += 1;
        }
        (length_us >= LEAST_US && count >= FEWEST).then(|| Bitrate::from_bps(bytes * 8_000_000 / length_us))
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lumps_on_a_slow_path_show_what_it_carries_and_not_what_there_was() {
        let capacity = Bitrate::from_kbps(400);
        let (mut busy, mut free_us) = (BusyRate::default(), 0);
        for picture in 0..20_u64 {
            let sent_us = picture * 100_000;
            for _ in 0..3 {
                let time = u64::try_from(capacity.time_for(1000).as_micros()).expect("small");
                free_us = sent_us.max(free_us) + time;
                busy.arrived(sent_us, free_us + 7_000_000, 1000, 7_020_000);
            }
        }
        let rate = busy.rate().expect("a queue");
        assert!(rate > Bitrate::from_kbps(380) && rate < Bitrate::from_kbps(420), "{rate}");
    }

    #[test]
    fn a_path_that_becomes_slower_shows_it_with_its_next_datagrams() {
        let (mut busy, mut arrived_us) = (BusyRate::default(), 7_000_000);
        for number in 0..60 {
            arrived_us += if number < 56 { 2_000 } else { 20_000 };
            busy.arrived(0, arrived_us, 1000, 0);
        }
        assert_eq!(busy.latest(), Some(Bitrate::from_kbps(400)));
        assert!(busy.rate() > Some(Bitrate::from_kbps(2000)));
    }

    #[test]
    fn a_path_that_is_never_full_shows_nothing() {
        let mut busy = BusyRate::default();
        for step in 0..200_u64 {
            busy.arrived(step * 10_000, step * 10_000 + 7_000_000 + step % 3 * 1000, 1000, 7_000_000);
        }
        assert_eq!(busy.rate(), None);
    }
}
