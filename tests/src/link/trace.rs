//! Recorded links in mahimahi's format: one line per opportunity, the millisecond at which up to 1504 bytes can leave. The last
//! line's time is the period after which the trace begins anew. Checked: a broken file is an error with a sentence.

use std::time::Duration;

use conclave_proto::time::{Bitrate, Instant};
use thiserror::Error;

/// What leaves at one opportunity, at most.
pub const OPPORTUNITY_BYTES: usize = 1504;
/// An hour at 100 Mbit/s; more is not a trace that anybody recorded.
const OPPORTUNITIES_MAX: usize = 32_000_000;
/// A day: later times are a mistake in the file.
const TIME_MAX_MS: u64 = 24 * 60 * 60 * 1000;

/// Why a trace cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TraceError {
    /// Not a number.
    #[error(
        "line {line} of the trace is not a number of milliseconds: each line says when the link had room, as in \"1250\""
    )]
    NotANumber {
        /// Counted from 1.
        line: usize,
    },
    /// Smaller than the line before.
    #[error("line {line} of the trace goes back in time: the milliseconds must not fall from line to line")]
    GoesBack {
        /// Counted from 1.
        line: usize,
    },
    /// Later than a day.
    #[error("line {line} of the trace lies more than a day after its start")]
    TooLate {
        /// Counted from 1.
        line: usize,
    },
    /// Nothing in it, or no time passes.
    #[error("the trace has no line above 0 ms: its link would never have room")]
    Empty,
    /// More lines than allowed.
    #[error("the trace has more than {OPPORTUNITIES_MAX} lines")]
    TooLong,
}

/// When a link had room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// Ascending, none beyond the period.
    opportunities_ms: Vec<u64>,
    period_ms: u64,
}

impl Trace {
    /// From the text of a file. Blank lines and those that begin with `#` say nothing.
    pub fn parse(text: &str) -> Result<Self, TraceError> {
        let (mut opportunities_ms, mut last) = (Vec::new(), 0);
        for (line, text) in (1..).zip(text.lines()) {
            let text = text.trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let at: u64 = text.parse().map_err(|_| TraceError::NotANumber { line })?;
            if at < last {
                return Err(TraceError::GoesBack { line });
            }
            if at > TIME_MAX_MS {
                return Err(TraceError::TooLate { line });
            }
            if opportunities_ms.len() == OPPORTUNITIES_MAX {
                return Err(TraceError::TooLong);
            }
            opportunities_ms.push(at);
            last = at;
        }
        if last == 0 {
            return Err(TraceError::Empty);
        }
        Ok(Self { opportunities_ms, period_ms: last })
    }

    /// After this it begins anew.
    #[must_use]
    pub const fn period(&self) -> Duration {
        Duration::from_millis(self.period_ms)
    }

    /// Over the whole of it.
    #[must_use]
    pub fn mean_rate(&self) -> Bitrate {
        self.rate(Duration::ZERO, self.period())
    }

    /// Over a part of its first period, for plots.
    #[must_use]
    pub fn rate(&self, from: Duration, to: Duration) -> Bitrate {
        let index = |at: Duration| {
            self.opportunities_ms.partition_point(|ms| u128::from(*ms) <= at.as_millis() && !at.is_zero())
        };
        let bits = (index(to) - index(from).min(index(to))) as u128 * OPPORTUNITY_BYTES as u128 * 8;
        let span = to.saturating_sub(from).as_micros().max(1);
        Bitrate::from_bps(u64::try_from(bits * 1_000_000 / span).unwrap_or(u64::MAX))
    }
}

/// Where a link is in its trace, and what is left of the opportunity there.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cursor {
    period: u64,
    index: usize,
    left: usize,
    at_ms: u64,
}

impl Cursor {
    /// When `bytes` that are first in the queue at `now` have left. What earlier opportunities did not use is gone.
    pub(super) fn take(&mut self, trace: &Trace, now: Instant, bytes: usize) -> Instant {
        let now_ms = now.as_micros().div_ceil(1000);
        if self.at_ms < now_ms {
            self.left = 0;
            self.skip_to(trace, now_ms);
        }
        let mut wanted = bytes;
        while wanted > self.left {
            wanted -= self.left;
            self.next(trace);
        }
        self.left -= wanted;
        Instant::from_micros(self.at_ms * 1000).max(now)
    }

    fn skip_to(&mut self, trace: &Trace, ms: u64) {
        let period = ms / trace.period_ms;
        let index = trace.opportunities_ms.partition_point(|at| *at < ms % trace.period_ms);
        if (period, index) > (self.period, self.index) {
            (self.period, self.index) = (period, index);
        }
    }

    fn next(&mut self, trace: &Trace) {
        if self.index == trace.opportunities_ms.len() {
            (self.period, self.index) = (self.period + 1, 0);
        }
        let within = trace.opportunities_ms.get(self.index).copied().unwrap_or(trace.period_ms);
        self.at_ms = self.period * trace.period_ms + within;
        self.index += 1;
        self.left = OPPORTUNITY_BYTES;
    }
}
