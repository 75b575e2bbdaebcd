//! Speech that is judged by PESQ: read from the file of `--speech`, found again in what the second party heard, and cut into
//! pieces whose mean is the figure. The call is `real`'s, the judging of a piece `pesq`'s. Called by `real` and `mod.rs`.
//!
//! Judged is all that lies between the files: microphones are cleaned as in every call, which changes a voice by itself
//! (PESQ 4.3 with no codec and no network), so that figures lie below those of speech that went uncleaned.

use super::PIECE;
use super::pesq::Pesq;
use crate::bench::correlate;
use crate::bench::figures::{Figures, mean, percentile};
use crate::bench::hearing::{Heard, Listening};
use crate::bench::material::Material;
use crate::bench::measure::{self, Recording, within};
use crate::bench::voice;
use anyhow::{Context, Result, bail};
use std::path::Path;

const PIECE_SAMPLES: usize = voice::RATE * PIECE.as_secs() as usize;
/// Shorter speech would be judged again and again.
const SPEECH_SECONDS_MIN: usize = 20;
/// A piece that is quieter than this share of the whole is a pause, of which PESQ says nothing.
const QUIET: f32 = 0.1;

/// What is said, and who judges how it was heard.
pub(super) struct Speech {
    /// The first party says it, the second listens.
    pub(super) material: Material,
    pesq: Pesq,
}

impl Speech {
    /// Reads the speech; it lies in `folder` from then on.
    pub(super) fn read(file: &Path, program: &Path, material: &Material, folder: &Path) -> Result<Speech> {
        let bytes = std::fs::read(file).with_context(|| file.display().to_string())?;
        let samples = checked(&bytes).with_context(|| file.display().to_string())?;
        let pesq = Pesq { program: program.to_owned() };
        Ok(Speech { material: material.spoken_to_a_listener(samples, folder)?, pesq })
    }

    /// Of a piece of the speech against itself: whether the program works is worth knowing before the calls.
    pub(super) fn of_itself(&self, folder: &Path) -> Result<f64> {
        let pieces = self.material.voice.chunks_exact(PIECE_SAMPLES);
        let piece = pieces.into_iter().find(|piece| is_spoken(piece, &self.material.voice));
        let piece = piece.context("the speech is one long pause")?;
        self.pesq.of(piece, piece, folder)
    }

    /// What a call with this speech came to; `folder` takes what the program reads.
    pub(super) fn judge(&self, recording: &Recording, folder: &Path) -> Result<Figures> {
        let listening = Listening::to(recording)?.context("a microphone or a speaker never began")?;
        let delays = listening.delays(&recording.voice, recording.steady_us, recording.delay_max);
        let pieces = pieces(&recording.voice, &listening, &delays, recording.steady_us)?;
        let scores: Result<Vec<f64>> =
            pieces.iter().map(|piece| self.pesq.of(&piece.spoken, &piece.heard, folder)).collect();
        let scores = scores?;
        let mut figures = Figures::default();
        figures.set("pesq", mean(&scores));
        figures.set("pesq_worst", percentile(&scores, 0.0));
        figures.set("pesq_pieces", Some(scores.len() as f64));
        let delays_ms: Vec<f64> = delays.iter().map(|heard| heard.delay_ms).collect();
        figures.set("speech_mouth_p50_ms", percentile(&delays_ms, 50.0));
        let mut counted = Figures::default();
        measure::received(recording, &[], &mut counted);
        figures.set("speech_audio_kbit_s", counted.of("audio_kbit_s"));
        figures.set("speech_concealed_percent", counted.of("concealed_percent"));
        Ok(figures)
    }
}

fn checked(file: &[u8]) -> Result<Vec<i16>> {
    let samples = voice::from_wav(file).context("this is no WAV file of 48 kHz and 16 bits")?;
    let seconds = samples.len() / voice::RATE;
    if seconds < SPEECH_SECONDS_MIN {
        bail!("speech of {seconds} s is too short; it must last {SPEECH_SECONDS_MIN} s or longer");
    }
    if samples.iter().all(|&sample| sample == 0) {
        bail!("nobody speaks in it");
    }
    Ok(samples)
}

/// What was heard for so long, and what had been spoken for it.
#[derive(Debug)]
struct Piece {
    spoken: Vec<i16>,
    heard: Vec<i16>,
}

/// One after the other through the steady part. Only pauses of the speech itself are left out: what is heard badly counts.
fn pieces(speech: &[i16], listening: &Listening, delays: &[Heard], (from, to): (i64, i64)) -> Result<Vec<Piece>> {
    let usual = |delays: &mut dyn Iterator<Item = &Heard>| {
        percentile(&delays.map(|heard| heard.delay_ms).collect::<Vec<_>>(), 50.0)
    };
    // Where nothing comes back clearly, the rest of the call tells about how late it is.
    let of_all = usual(&mut delays.iter()).context("nothing of the speech was found in what was heard")?;
    let samples = |time_us: f64| (time_us * voice::RATE as f64 / 1e6).round() as i64;
    let begin = samples((from - listening.heard_from_us) as f64).max(0) as usize;
    let end = samples((to - listening.heard_from_us) as f64).clamp(0, listening.samples.len() as i64) as usize;
    let steady = listening.samples.get(begin..end).unwrap_or_default();
    let mut pieces = Vec::new();
    for (number, heard) in steady.chunks_exact(PIECE_SAMPLES).enumerate() {
        let place = begin + number * PIECE_SAMPLES;
        let at_us = listening.heard_from_us + (place as f64 * 1e6 / voice::RATE as f64) as i64;
        let span = (at_us, at_us + PIECE.as_micros() as i64);
        let delay_ms = usual(&mut delays.iter().filter(|heard| within(heard.at_us, span))).unwrap_or(of_all);
        let spoken_us = (listening.heard_from_us - listening.spoken_from_us) as f64 - delay_ms * 1000.0;
        let first = (place as i64 + samples(spoken_us)).rem_euclid(speech.len() as i64) as usize;
        let spoken: Vec<i16> = speech.iter().cycle().skip(first).take(PIECE_SAMPLES).copied().collect();
        if is_spoken(&spoken, speech) {
            pieces.push(Piece { spoken, heard: heard.to_vec() });
        }
    }
    if pieces.is_empty() {
        bail!("no piece of {} s was spoken and heard in the judged part", PIECE.as_secs());
    }
    Ok(pieces)
}

fn is_spoken(piece: &[i16], speech: &[i16]) -> bool {
    let loudness = |sound: &[i16]| correlate::loudness(&correlate::thinned(sound));
    loudness(piece) > QUIET * loudness(speech)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const SPOKEN_FROM_US: i64 = 1_700_000_000_000_000;
    const SECOND_US: i64 = 1_000_000;

    /// What a speaker plays that began `later_ms` after the microphone, on a path that is `delay_ms` long at each second.
    fn heard(speech: &[i16], later_ms: i64, seconds: usize, delay_ms: impl Fn(usize) -> i64) -> Listening {
        let samples = (0..seconds * voice::RATE).map(|at| {
            let place = at as i64 + (later_ms - delay_ms(at / voice::RATE)) * 48;
            if place < 0 { 0 } else { speech[place as usize % speech.len()] / 2 }
        });
        Listening {
            samples: samples.collect(),
            spoken_from_us: SPOKEN_FROM_US,
            heard_from_us: SPOKEN_FROM_US + later_ms * 1000,
        }
    }

    fn cut(speech: &[i16], listening: &Listening, steady_us: (i64, i64)) -> Result<Vec<Piece>> {
        pieces(speech, listening, &listening.delays(speech, steady_us, Duration::from_millis(400)), steady_us)
    }

    /// How many samples lie between the two, and whether they are the same but for their loudness.
    fn apart(piece: &Piece) -> (i64, bool) {
        let middle = PIECE_SAMPLES / 2..PIECE_SAMPLES / 2 + voice::RATE;
        let alike = |by: i64| {
            let moved = (middle.start as i64 + by) as usize..(middle.end as i64 + by) as usize;
            piece.spoken[moved].iter().zip(&piece.heard[middle.clone()]).all(|(spoken, heard)| spoken / 2 == *heard)
        };
        let by = (0..100).flat_map(|by| [by, -by]).find(|&by| alike(by));
        (by.unwrap_or(0), by.is_some())
    }

    #[test]
    fn a_delayed_voice_gives_pieces_that_lie_on_each_other_across_the_loop() {
        let speech = voice::samples(21);
        let listening = heard(&speech, 1_234, 40, |_| 73);
        let steady = (SPOKEN_FROM_US + 8 * SECOND_US, SPOKEN_FROM_US + 40 * SECOND_US);
        let pieces = cut(&speech, &listening, steady).expect("pieces");
        assert_eq!(pieces.len(), 4);
        for piece in &pieces {
            let (samples, same) = apart(piece);
            // The search is as fine as an eighth of a millisecond.
            assert!(same && samples.abs() <= 6, "{samples} {same}");
            assert_eq!(piece.spoken.len(), piece.heard.len());
        }
    }

    #[test]
    fn each_piece_has_its_own_delay_and_one_that_is_lost_counts_with_the_usual_one() {
        let speech = voice::samples(25);
        let mut listening = heard(&speech, 500, 30, |second| if second < 12 { 60 } else { 160 });
        listening.samples[20 * voice::RATE..28 * voice::RATE].fill(0);
        let from = listening.heard_from_us + 4 * SECOND_US;
        let pieces = cut(&speech, &listening, (from, from + 25 * SECOND_US)).expect("pieces");
        assert_eq!(pieces.len(), 3);
        for piece in &pieces[..2] {
            let (samples, same) = apart(piece);
            assert!(same && samples.abs() <= 6, "{samples} {same}");
        }
        assert!(pieces[2].heard.iter().all(|&sample| sample == 0) && is_spoken(&pieces[2].spoken, &speech));
    }

    #[test]
    fn pauses_are_left_out_and_what_is_not_the_speech_is_told() {
        let mut speech = voice::samples(32);
        speech[8 * voice::RATE..24 * voice::RATE].fill(0);
        let listening = heard(&speech, 0, 32, |_| 0);
        let steady = (SPOKEN_FROM_US, SPOKEN_FROM_US + 32 * SECOND_US);
        assert_eq!(cut(&speech, &listening, steady).expect("pieces").len(), 2);
        let short = (SPOKEN_FROM_US, SPOKEN_FROM_US + 7 * SECOND_US);
        let error = cut(&speech, &listening, short).expect_err("too short").to_string();
        assert!(error.contains("no piece of 8 s"), "{error}");
        let silence = Listening { samples: vec![0; 32 * voice::RATE], ..listening };
        let error = cut(&speech, &silence, steady).expect_err("silence").to_string();
        assert!(error.contains("nothing of the speech"), "{error}");
    }

    #[test]
    fn a_file_that_is_no_speech_is_refused_with_a_sentence() {
        let speech = voice::samples(20);
        assert_eq!(checked(&voice::wav(&speech)).expect("speech"), speech);
        for (file, why) in [
            (b"RIFF".to_vec(), "no WAV file"),
            (voice::wav_at(16_000, &speech), "no WAV file of 48 kHz"),
            (voice::wav(&speech[..19 * voice::RATE]), "19 s is too short"),
            (voice::wav(&vec![0; 20 * voice::RATE]), "nobody speaks"),
        ] {
            let error = checked(&file).expect_err(why).to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
