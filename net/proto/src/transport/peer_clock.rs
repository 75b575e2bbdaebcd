//! The peer's clock as its reports tell it, made safe to calculate with: arrival times become times on one axis with ours, near our
//! own, whatever the peer writes. A clock that jumps (a sleep, a lie) is joined on where it was. The transport applies it to reports.

use super::sent_log::PacketReport;

/// What two datagrams' delays may differ by; more is a jump of a clock.
const JUMP_US: i64 = 5_000_000;
/// Where the axis begins, so that nothing is negative.
const AHEAD_US: i64 = 3_600_000_000;

/// The difference of both clocks, as far as it matters.
#[derive(Debug, Default)]
pub(super) struct PeerClock {
    /// The peer's clock less ours: what counts as no delay.
    base: Option<i64>,
    /// Delay of the last datagram against that.
    last_us: i64,
}

impl PeerClock {
    /// Changes `arrived_us` of reports in place.
    pub(super) fn align(&mut self, reports: &mut [PacketReport]) {
        for report in reports {
            if let Some(arrived_us) = &mut report.arrived_us {
                *arrived_us = self.aligned(report.sent_at.as_micros(), *arrived_us);
            }
        }
    }

    fn aligned(&mut self, sent_us: u64, arrived_us: u64) -> u64 {
        let difference = arrived_us.wrapping_sub(sent_us).cast_signed();
        let base = *self.base.get_or_insert(difference);
        let delay = difference.wrapping_sub(base);
        if delay.checked_sub(self.last_us).is_none_or(|step| step.saturating_abs() > JUMP_US)
            || delay.saturating_abs() > AHEAD_US
        {
            self.base = Some(difference.wrapping_sub(self.last_us.clamp(-JUMP_US, JUMP_US)));
            self.last_us = self.last_us.clamp(-JUMP_US, JUMP_US);
        } else {
            self.last_us = delay;
        }
        sent_us.saturating_add_signed(AHEAD_US + self.last_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delays(clock: &mut PeerClock, arrivals: &[(u64, u64)]) -> Vec<i64> {
        arrivals
            .iter()
            .map(|(sent, arrived)| {
                let aligned = clock.aligned(*sent, *arrived);
                aligned.cast_signed() - sent.cast_signed() - AHEAD_US
            })
            .collect()
    }

    #[test]
    fn delays_stay_and_jumps_vanish() {
        let mut clock = PeerClock::default();
        assert_eq!(delays(&mut clock, &[(0, 777), (1000, 1780), (2000, 2900)]), [0, 3, 123]);
        let hour = 3_600_000_000;
        assert_eq!(delays(&mut clock, &[(3000, hour), (4000, hour + 1007)]), [123, 130], "an hour ahead");
        assert_eq!(delays(&mut clock, &[(5000, 5)]), [130], "and back");
    }

    #[test]
    fn no_number_breaks_it() {
        let mut clock = PeerClock::default();
        for arrived in [u64::MAX, 0, 1 << 62, u64::MAX / 2, 1, u64::MAX - 7, 1 << 63, 5] {
            let aligned = clock.aligned(9_000_000, arrived);
            assert!(aligned < 9_000_000 + 2 * 3_600_000_000, "{aligned}");
        }
    }
}
