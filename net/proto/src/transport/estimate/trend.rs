//! Does the path's queue grow? The difference between how far apart groups of datagrams were sent and how far apart they
//! came, summed up and fitted by a line, compared with a threshold that adapts (draft-ietf-rmcat-gcc-02, section 5, with
//! libwebrtc's trendline filter). Beside it the queue itself: one-way delay above the least of the last seconds, smoothed; and the
//! part of it that stands, the least of a few pictures' time, which neither jitter nor a large picture makes.

use std::collections::VecDeque;

use crate::time::Instant;

/// Datagrams sent within this time are one group.
const GROUP_US: u64 = 5_000;
/// Groups that the line is fitted to.
const POINTS: usize = 20;
const SMOOTHING: f64 = 0.9;
const GAIN: f64 = 4.0;
const THRESHOLD_START: f64 = 12.5;
const THRESHOLD_RANGE: (f64, f64) = (6.0, 600.0);
const THRESHOLD_UP: f64 = 0.0087;
const THRESHOLD_DOWN: f64 = 0.039;
/// The trend must stay above the threshold for this long.
const OVERUSE_MS: f64 = 10.0;
/// A second's least delay is kept for this many seconds: clocks drift (3 ms in this time at 100 ppm), routes change, and somebody
/// else's traffic may hold the queue for long.
const LEAST_SECONDS: usize = 30;
/// The same while somebody else is known to hold the queue, which then never shows itself empty.
const LEAST_SECONDS_HELD: u64 = 180;
/// A queue stands if it did not empty for so long: three pictures and some sound.
const STANDING_US: u64 = 120_000;
/// Delays of that time; more datagrams than these say nothing more.
const STANDING_SAMPLES: usize = 256;

/// What the delay says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Usage {
    #[default]
    Normal,
    Over,
    Under,
}

#[derive(Clone, Copy, Debug)]
struct Group {
    first_sent_us: u64,
    sent_us: u64,
    arrived_us: u64,
}

/// The filter and its detector.
#[derive(Debug)]
pub(super) struct DelayTrend {
    group: Option<Group>,
    before: Option<Group>,
    first_arrival_us: Option<u64>,
    accumulated_ms: f64,
    smoothed_ms: f64,
    points: VecDeque<(f64, f64)>,
    groups: u32,
    previous_trend: f64,
    threshold: f64,
    threshold_at_ms: Option<f64>,
    over_for_ms: f64,
    over_count: u32,
    usage: Usage,
    /// Least one-way delay (receiver's clock less ours) of each second.
    least_us: VecDeque<(u64, i64)>,
    queue_us: i64,
    last_us: i64,
    /// Delays of the last moments that no later one is below, ascending.
    lately: VecDeque<(u64, i64)>,
    /// Somebody else holds the queue.
    pub(super) held: bool,
}

impl DelayTrend {
    pub(super) fn new() -> Self {
        Self {
            group: None,
            before: None,
            first_arrival_us: None,
            accumulated_ms: 0.0,
            smoothed_ms: 0.0,
            points: VecDeque::with_capacity(POINTS + 1),
            groups: 0,
            previous_trend: 0.0,
            threshold: THRESHOLD_START,
            threshold_at_ms: None,
            over_for_ms: 0.0,
            over_count: 0,
            usage: Usage::Normal,
            least_us: VecDeque::with_capacity(LEAST_SECONDS + 1),
            queue_us: 0,
            last_us: 0,
            lately: VecDeque::new(),
            held: false,
        }
    }

    pub(super) const fn usage(&self) -> Usage {
        self.usage
    }

    /// How long the last datagrams stood in queues, as far as delay tells.
    pub(super) const fn queue_us(&self) -> i64 {
        self.queue_us
    }

    /// The same of the very last one.
    pub(super) const fn last_us(&self) -> i64 {
        self.last_us
    }

    /// The least one-way delay that is known (receiver's clock less ours).
    pub(super) fn least_us(&self) -> Option<i64> {
        self.least_us.iter().map(|(_, least)| *least).min()
    }

    /// The part of it that did not go away for a while.
    pub(super) fn standing_us(&self) -> i64 {
        let least = self.least_us();
        let lately = self.lately.front().map(|(_, delay)| *delay);
        least.zip(lately).map_or(0, |(least, lately)| lately.saturating_sub(least))
    }

    pub(super) fn arrived(&mut self, sent_at: Instant, arrived_us: u64) {
        let sent_us = sent_at.as_micros();
        self.note_delay(sent_us, arrived_us);
        let Some(group) = &mut self.group else {
            self.group = Some(Group { first_sent_us: sent_us, sent_us, arrived_us });
            return;
        };
        if sent_us < group.first_sent_us {
            return;
        }
        if sent_us - group.first_sent_us <= GROUP_US {
            group.sent_us = group.sent_us.max(sent_us);
            group.arrived_us = group.arrived_us.max(arrived_us);
            return;
        }
        let done = *group;
        self.group = Some(Group { first_sent_us: sent_us, sent_us, arrived_us });
        if let Some(before) = self.before.replace(done) {
            self.compare(before, done);
        }
    }

    fn note_delay(&mut self, sent_us: u64, arrived_us: u64) {
        let delay = arrived_us.cast_signed().wrapping_sub(sent_us.cast_signed());
        let second = sent_us / 1_000_000;
        match self.least_us.back_mut() {
            Some((at, least)) if *at == second => *least = delay.min(*least),
            _ => self.least_us.push_back((second, delay)),
        }
        let kept = if self.held { LEAST_SECONDS_HELD } else { LEAST_SECONDS as u64 };
        while self.least_us.front().is_some_and(|(at, _)| at + kept < second) {
            self.least_us.pop_front();
        }
        while self.lately.back().is_some_and(|(_, later)| *later >= delay) || self.lately.len() == STANDING_SAMPLES {
            self.lately.pop_back();
        }
        self.lately.push_back((sent_us, delay));
        while self.lately.front().is_some_and(|(at, _)| at + STANDING_US < sent_us) {
            self.lately.pop_front();
        }
        let least = self.least_us().unwrap_or(delay);
        // Smoothed a little: one late datagram is not a queue.
        self.last_us = delay.saturating_sub(least);
        self.queue_us = (self.queue_us * 3 + self.last_us) / 4;
    }

    #[expect(clippy::cast_precision_loss, reason = "microseconds of a session fit 52 bits")]
    fn compare(&mut self, before: Group, group: Group) {
        let sent_ms = (group.sent_us - before.sent_us) as f64 / 1000.0;
        let arrived_ms = (group.arrived_us.cast_signed() - before.arrived_us.cast_signed()) as f64 / 1000.0;
        let first = *self.first_arrival_us.get_or_insert(group.arrived_us);
        let at_ms = (group.arrived_us.cast_signed() - first.cast_signed()) as f64 / 1000.0;
        self.groups = self.groups.saturating_add(1);
        self.accumulated_ms += arrived_ms - sent_ms;
        self.smoothed_ms = SMOOTHING * self.smoothed_ms + (1.0 - SMOOTHING) * self.accumulated_ms;
        self.points.push_back((at_ms, self.smoothed_ms));
        if self.points.len() > POINTS {
            self.points.pop_front();
        }
        let trend = if self.points.len() == POINTS { slope(&self.points).unwrap_or(self.previous_trend) } else { 0.0 };
        self.detect(trend, sent_ms, at_ms);
    }

    fn detect(&mut self, trend: f64, sent_ms: f64, at_ms: f64) {
        let modified = f64::from(self.groups.min(60)) * trend * GAIN;
        if modified > self.threshold {
            self.over_for_ms += sent_ms;
            self.over_count += 1;
            if self.over_for_ms > OVERUSE_MS && self.over_count > 1 && trend >= self.previous_trend {
                self.usage = Usage::Over;
            }
        } else {
            (self.over_for_ms, self.over_count) = (0.0, 0);
            self.usage = if modified < -self.threshold { Usage::Under } else { Usage::Normal };
        }
        self.previous_trend = trend;
        let elapsed = (at_ms - self.threshold_at_ms.unwrap_or(at_ms)).clamp(0.0, 100.0);
        self.threshold_at_ms = Some(at_ms);
        // A sudden peak far above the threshold says nothing about noise.
        if modified.abs() <= self.threshold + 15.0 {
            let speed = if modified.abs() < self.threshold { THRESHOLD_DOWN } else { THRESHOLD_UP };
            self.threshold += speed * (modified.abs() - self.threshold) * elapsed;
            self.threshold = self.threshold.clamp(THRESHOLD_RANGE.0, THRESHOLD_RANGE.1);
        }
    }
}

/// Least squares.
#[expect(clippy::cast_precision_loss, reason = "twenty points")]
fn slope(points: &VecDeque<(f64, f64)>) -> Option<f64> {
    let count = points.len() as f64;
    let (sum_x, sum_y) = points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0, y + point.1));
    let (mean_x, mean_y) = (sum_x / count, sum_y / count);
    let (above, below) = points.iter().fold((0.0, 0.0), |(above, below), (x, y)| {
        (above + (x - mean_x) * (y - mean_y), below + (x - mean_x) * (x - mean_x))
    });
    (below > 0.0).then(|| above / below)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(delay_us: impl Fn(u64) -> u64) -> (bool, DelayTrend) {
        let (mut trend, mut over) = (DelayTrend::new(), false);
        for step in 0..300_u64 {
            let sent = step * 8_000;
            trend.arrived(Instant::from_micros(sent), sent + 1_000_000 + delay_us(sent));
            over |= trend.usage() == Usage::Over && trend.queue_us() > 15_000;
        }
        (over, trend)
    }

    #[test]
    fn a_growing_queue_is_overuse() {
        let (over, trend) = run(|sent| 20_000 + sent / 10);
        assert!(over);
        assert!(trend.queue_us() > 100_000, "{}", trend.queue_us());
    }

    #[test]
    fn a_steady_path_with_jitter_is_not() {
        let (over, trend) = run(|sent| 20_000 + sent / 8_000 * 7_919 % 4_000);
        assert!(!over);
        assert!(trend.queue_us() < 5_000, "{}", trend.queue_us());
    }

    #[test]
    fn one_stall_is_not_with_the_queue_considered() {
        let (over, _) = run(|sent| if (1_000_000..1_030_000).contains(&sent) { 1_050_000 - sent } else { 20_000 });
        assert!(!over);
    }
}
