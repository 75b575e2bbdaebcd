//! What really came through lately, by the receiver's clock, and what was sent, by ours.

use std::collections::VecDeque;
use std::time::Duration;

use crate::limits;
use crate::time::Bitrate;

/// Bytes over a sliding window.
#[derive(Debug)]
pub(super) struct RateWindow {
    window_us: u64,
    entries: VecDeque<(u64, usize)>,
    bytes: usize,
}

impl RateWindow {
    pub(super) fn new(window: Duration) -> Self {
        let window_us = u64::try_from(window.as_micros()).unwrap_or(u64::MAX);
        Self { window_us, entries: VecDeque::new(), bytes: 0 }
    }

    pub(super) fn add(&mut self, at_us: u64, bytes: usize) {
        self.entries.push_back((at_us, bytes));
        self.bytes += bytes;
        self.forget(at_us);
    }

    fn forget(&mut self, now_us: u64) {
        while let Some(&(at, bytes)) = self.entries.front()
            && (at + self.window_us < now_us || self.entries.len() > limits::SENT_LOG)
        {
            self.bytes -= bytes;
            self.entries.pop_front();
        }
    }

    /// `None` until enough is known for a number that means something.
    pub(super) fn rate(&self) -> Option<Bitrate> {
        let (first, last) = (self.entries.front()?, self.entries.back()?);
        let span = last.0.saturating_sub(first.0);
        if span * 4 < self.window_us || self.entries.len() < 4 {
            return None;
        }
        // The first opens the window: its bytes came before it.
        Some(Bitrate::from_bps((self.bytes - first.1) as u64 * 8_000_000 / span))
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_what_flows_and_says_nothing_too_early() {
        let mut window = RateWindow::new(Duration::from_millis(500));
        window.add(0, 1250);
        assert_eq!(window.rate(), None);
        for ms in 1..=2000_u64 {
            if ms % 10 == 0 {
                window.add(ms * 1000, 1250);
            }
        }
        assert_eq!(window.rate(), Some(Bitrate::from_kbps(1000)));
    }
}
