//! WebRTC's freeze statistics (webrtc-stats, `freezeCount`): a gap between two shown pictures that is longer than both three
//! mean gaps and a mean gap plus 150 ms. Pure. Used by the receiver.

use std::collections::VecDeque;

/// Gaps that the mean is taken over.
const WINDOW: usize = 30;
const EXTRA_US: u64 = 150_000;

#[derive(Default)]
pub(crate) struct Freezes {
    last_us: Option<u64>,
    gaps_us: VecDeque<u64>,
    pub(crate) count: u64,
    pub(crate) total_s: f64,
}

impl Freezes {
    /// A picture was shown.
    pub(crate) fn shown(&mut self, now_us: u64) {
        let Some(last) = self.last_us.replace(now_us) else { return };
        let gap = now_us.saturating_sub(last);
        if !self.gaps_us.is_empty() {
            let mean = self.gaps_us.iter().sum::<u64>() / self.gaps_us.len() as u64;
            if gap > (3 * mean).max(mean + EXTRA_US) {
                self.count += 1;
                #[expect(clippy::cast_precision_loss, reason = "microseconds of one gap")]
                let seconds = gap as f64 / 1e6;
                self.total_s += seconds;
            }
        }
        if self.gaps_us.len() == WINDOW {
            self.gaps_us.pop_front();
        }
        self.gaps_us.push_back(gap);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_gap_counts_and_a_missing_picture_does_not() {
        let mut freezes = Freezes::default();
        let mut now = 1_000_000;
        for _ in 0..40 {
            freezes.shown(now);
            now += 33_333;
        }
        now += 33_333;
        freezes.shown(now);
        assert_eq!(freezes.count, 0);
        now += 500_000;
        freezes.shown(now);
        assert_eq!(freezes.count, 1);
        assert!((freezes.total_s - 0.5).abs() < 0.001);
    }
}
