//! How long sound must wait before it is played: the smallest wait that is long enough for all but a few packets.
//!
//! Pure: told arrival times, reads no clock. Each packet's arrival time less its position is its relative transit; the
//! fastest of the last seconds is the base, and the target is a high percentile above it. The window slides, so a sender
//! whose clock runs off by some hundred ppm moves the base along. Used by the jitter buffer alone.

use std::collections::VecDeque;

use crate::limits;

/// Of the packets in the window, this share is waited for ...
const PERCENTILE: f64 = 0.97;
/// ... unless that is much more than what this share needs: a few stragglers are no reason for everybody to wait.
const MOST: f64 = 0.95;

/// The relative transits of the last seconds.
pub(super) struct DelayEstimator {
    /// Arrival and transit in microseconds, oldest first.
    window: VecDeque<(u64, i64)>,
    base_us: i64,
    target_us: i64,
    since_update: u32,
    /// Packets in a row that came later than any target could wait for.
    far_in_a_row: u32,
}

/// How far arrival and position may drift apart before the sender must have started anew.
const DISCONTINUITY_US: i64 = 3_000_000;

impl DelayEstimator {
    pub(super) fn new() -> Self {
        Self {
            window: VecDeque::new(),
            base_us: 0,
            target_us: limits::FIRST_TARGET_US,
            since_update: 0,
            far_in_a_row: 0,
        }
    }

    /// Whether a packet's time fits to what came before it.
    pub(super) fn fits(&self, now_us: u64, position: u64) -> bool {
        self.window.is_empty() || (transit_us(now_us, position) - self.base_us).abs() < DISCONTINUITY_US
    }

    /// A packet whose first sample is `position` arrived.
    pub(super) fn observe(&mut self, now_us: u64, position: u64) {
        let transit = transit_us(now_us, position);
        let far = !self.window.is_empty() && transit > self.base_us + limits::TARGET_MAX_US;
        self.far_in_a_row = if far { self.far_in_a_row + 1 } else { 0 };
        if transit < self.base_us - limits::TRANSIT_JUMP_US || self.far_in_a_row >= limits::FAR_IN_A_ROW {
            self.window.clear();
            self.far_in_a_row = 0;
        }
        while self.window.front().is_some_and(|(at, _)| at + limits::DELAY_WINDOW_US < now_us)
            || self.window.len() >= limits::DELAY_WINDOW_PACKETS
        {
            self.window.pop_front();
        }
        self.window.push_back((now_us, transit));
        self.since_update += 1;
        if self.window.len() == 1 || transit < self.base_us {
            self.base_us = transit;
        }
        // Sorting some hundred numbers five times a second costs nothing.
        if self.since_update >= 10 || self.window.len() < 20 {
            self.update();
        }
    }

    fn update(&mut self) {
        self.since_update = 0;
        let mut sorted: Vec<i64> = self.window.iter().map(|&(_, transit)| transit).collect();
        let Some(&fastest) = sorted.iter().min() else { return };
        self.base_us = fastest;
        let rank = |share: f64| ((sorted.len() - 1) as f64 * share).ceil() as usize;
        let (high, low) = (rank(PERCENTILE), rank(MOST));
        let (below, &mut slow, _) = sorted.select_nth_unstable(high);
        let most = if low < high { *below.select_nth_unstable(low).1 } else { slow };
        let slow = (slow + limits::TARGET_MARGIN_US).min(most + limits::TARGET_ABOVE_US);
        let wanted = (slow - fastest).clamp(limits::TARGET_MIN_US, limits::TARGET_MAX_US);
        // Little is known from a few packets.
        self.target_us = if self.window.len() < 20 { wanted.max(limits::FIRST_TARGET_US) } else { wanted };
    }

    pub(super) fn target_us(&self) -> i64 {
        self.target_us
    }

    /// How long sound at `position` has waited at `now_us`, beyond the fastest packet's arrival.
    pub(super) fn waited_us(&self, now_us: u64, position: u64) -> i64 {
        transit_us(now_us, position) - self.base_us
    }
}

fn transit_us(now_us: u64, position: u64) -> i64 {
    // Positions are bounded where packets come in, so that this cannot overflow.
    now_us.cast_signed() - (position.cast_signed() * 125) / 6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clean_link_needs_little_and_a_shaky_one_what_it_shakes() {
        let mut clean = DelayEstimator::new();
        let mut shaky = DelayEstimator::new();
        for i in 0..500_u64 {
            let at = 1_000_000 + i * 20_000;
            clean.observe(at + i % 2 * 300, i * 960);
            shaky.observe(at + (i * 7919) % 40_000, i * 960);
        }
        assert!(clean.target_us() <= 8_000, "{}", clean.target_us());
        assert!((38_000..46_000).contains(&shaky.target_us()), "{}", shaky.target_us());
    }

    #[test]
    fn a_microphone_that_stopped_for_a_second_is_followed_within_one() {
        let mut delay = DelayEstimator::new();
        for i in 0..600_u64 {
            let stopped = if i < 550 { 0 } else { 1_000_000 };
            delay.observe(1_000_000 + i * 20_000 + stopped, i * 960);
        }
        assert!(delay.target_us() <= 15_000, "{}", delay.target_us());
    }

    #[test]
    fn a_route_that_becomes_longer_is_forgotten() {
        let mut delay = DelayEstimator::new();
        for i in 0..1500_u64 {
            let extra = if i < 500 { 0 } else { 150_000 };
            delay.observe(1_000_000 + i * 20_000 + extra, i * 960);
            if i == 600 {
                assert!(delay.target_us() > 140_000);
            }
        }
        assert!(delay.target_us() <= 8_000, "{}", delay.target_us());
    }
}
