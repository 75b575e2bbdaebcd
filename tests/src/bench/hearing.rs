//! How late the voice was heard: from the recording of the speaker and the moments when microphone and speaker began.
//!
//! Looks at a stretch of a second every quarter of one; what does not come back clearly (a pause, too much concealed) gives no
//! delay. Called by `measure`, and by `network` for speech.

use super::measure::{Recording, unix_us, within};
use super::{correlate, voice};
use anyhow::{Context, Result};
use serde_json::Value;
use std::time::Duration;

/// Sound that comes back less alike than this gives no delay.
const LIKENESS_MIN: f32 = 0.5;
/// A delay below zero would be a fault of the clocks; the search allows some to show it.
const DELAY_MIN_MS: usize = 50;

/// A stretch of the voice and how late it was heard.
#[derive(Debug, Clone)]
pub struct Heard {
    pub at_us: i64,
    pub delay_ms: f64,
}

/// What came out of the speaker, and when.
#[derive(Debug)]
pub(super) struct Listening {
    pub(super) samples: Vec<i16>,
    /// The voice's first sample was spoken then, and the first of `samples` was heard then.
    pub(super) spoken_from_us: i64,
    pub(super) heard_from_us: i64,
}

impl Listening {
    /// None: the microphone or the speaker never began.
    pub(super) fn to(recording: &Recording) -> Result<Option<Listening>> {
        let start_of = |events: &[Value], name: &str| events.iter().find(|event| event["event"] == name).map(unix_us);
        let (Some(spoken_from_us), Some(heard_from_us)) = (
            start_of(&recording.first_events, "microphone_started"),
            start_of(&recording.second_events, "speaker_started"),
        ) else {
            return Ok(None);
        };
        let file = std::fs::read(&recording.speaker_wav).context("the speaker's WAV")?;
        let samples = voice::from_wav(&file).context("the speaker's WAV is not 48 kHz and 16 bits")?;
        Ok(Some(Listening { samples, spoken_from_us, heard_from_us }))
    }

    /// Of the voice that was spoken, in a loop: what came back in the steady part.
    pub(super) fn delays(&self, voice: &[i16], steady_us: (i64, i64), delay_max: Duration) -> Vec<Heard> {
        let (spoken, heard) = (correlate::thinned(voice), correlate::thinned(&self.samples));
        let stretches = stretches(&spoken, &heard, self.spoken_from_us - self.heard_from_us, delay_max);
        let placed = stretches.into_iter().map(|(at, delay_ms)| {
            let at_us = self.heard_from_us + (at * 1_000_000 / correlate::RATE) as i64;
            Heard { at_us, delay_ms }
        });
        placed.filter(|heard| within(heard.at_us, steady_us)).collect()
    }
}

pub(super) fn judge_sound(recording: &Recording) -> Result<Vec<Heard>> {
    let Some(listening) = Listening::to(recording)? else { return Ok(Vec::new()) };
    Ok(listening.delays(&recording.voice, recording.steady_us, recording.delay_max))
}

/// Where in `heard` stretches of a second begin, and how many milliseconds late they are. `spoken` loops;
/// `spoken_later_us`: how much later the voice's first sample was spoken than the recording began.
fn stretches(spoken: &[f32], heard: &[f32], spoken_later_us: i64, delay_max: Duration) -> Vec<(usize, f64)> {
    let per_ms = correlate::RATE / 1000;
    let (before, after) = (delay_max.as_millis() as usize * per_ms, DELAY_MIN_MS * per_ms);
    let length = correlate::RATE;
    let later = spoken_later_us * correlate::RATE as i64 / 1_000_000;
    let loud = correlate::loudness(spoken) * 0.5;
    let mut found = Vec::new();
    for at in (0..heard.len().saturating_sub(length)).step_by(length / 4) {
        let position = at as i64 - later - before as i64;
        let source: Vec<f32> = (0..(before + after + length) as i64)
            .map(|offset| spoken[(position + offset).rem_euclid(spoken.len() as i64) as usize])
            .collect();
        let wanted = &heard[at..at + length];
        let Some((offset, likeness)) = correlate::best_offset(wanted, &source, before + after) else { continue };
        let clear = likeness >= LIKENESS_MIN && correlate::loudness(&source[offset..offset + length]) > loud;
        if clear {
            found.push((at, (before as f64 - offset as f64) / per_ms as f64));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_with_a_known_delay_is_measured_so_across_the_loop() {
        let voice = voice::samples(4);
        let spoken = correlate::thinned(&voice);
        let later = correlate::RATE / 2;
        let delay = 55 * correlate::RATE / 1000;
        let mut heard = vec![0.0; later + delay];
        heard.extend((0..5 * correlate::RATE).map(|at| spoken[at % spoken.len()]));
        let found = stretches(&spoken, &heard, 500_000, Duration::from_millis(600));
        assert!(found.len() > 8, "{}", found.len());
        for (at, delay_ms) in found.into_iter().filter(|(at, _)| *at > later + delay) {
            assert!((delay_ms - 55.0).abs() < 0.3, "{delay_ms} at {at}");
        }
    }
}
