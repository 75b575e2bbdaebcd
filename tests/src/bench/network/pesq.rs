//! PESQ (ITU-T P.862.2, wideband) of what was heard, by the program of `--pesq`: it gets both sounds at 16 kHz and answers
//! with a number. PESQ itself is under licence, so nothing of it is here. Called by `speech`.

use crate::bench::voice::{self, wav_at};
use anyhow::{Context, Result, bail};
use std::f64::consts::PI;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const RATE: usize = 16_000;
/// One sample of so many stays.
const THINNING: usize = voice::RATE / RATE;
/// Between what passes (7 kHz, all that wideband speech has) and what must not come back mirrored (8 kHz).
const CUTOFF_HZ: f64 = 7_500.0;
/// Of the low pass to each side: with Blackman's window it falls within 0.9 kHz.
const REACH: usize = 144;
/// Beyond this a number is none of PESQ's: its scale ends at 4.64, and the oldest one begins at -0.5.
const SCALE: std::ops::RangeInclusive<f64> = -0.5..=5.0;

#[derive(Debug)]
pub(super) struct Pesq {
    pub(super) program: PathBuf,
}

impl Pesq {
    /// Of two sounds of 48 kHz and one length. `folder` takes them as files.
    pub(super) fn of(&self, reference: &[i16], heard: &[i16], folder: &Path) -> Result<f64> {
        let files = [("reference.wav", reference), ("heard.wav", heard)].map(|(name, sound)| {
            let path = folder.join(name);
            std::fs::write(&path, wav_at(RATE, &thinned(sound))).map(|()| path)
        });
        let [reference, heard] = files;
        self.ask(&reference?, &heard?)
    }

    fn ask(&self, reference: &Path, heard: &Path) -> Result<f64> {
        let program = self.program.display();
        let asked = Command::new(&self.program).args([reference, heard]).stdin(Stdio::null()).output();
        let told = asked.with_context(|| format!("{program} could not be started"))?;
        let (said, complaint) = (String::from_utf8_lossy(&told.stdout), String::from_utf8_lossy(&told.stderr));
        let last =
            |text: &str| text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("nothing").trim().to_owned();
        if !told.status.success() {
            bail!("{program} failed ({}), saying: {}", told.status, last(&complaint));
        }
        let number = last_number(&said).with_context(|| format!("{program} gave no number, but: {}", last(&said)))?;
        if !SCALE.contains(&number) {
            bail!("{program} gave {number}, which is no PESQ");
        }
        Ok(number)
    }
}

/// Words around it, units and full stops do not matter.
fn last_number(said: &str) -> Option<f64> {
    let words = said.split(|c: char| c.is_whitespace() || "=:,;()[]".contains(c));
    let mut numbers = words.rev().filter_map(|word| word.trim_end_matches('.').parse::<f64>().ok());
    numbers.find(|number| number.is_finite())
}

/// 48 kHz to 16 kHz by a windowed sinc. Beyond both ends is silence.
fn thinned(sound: &[i16]) -> Vec<i16> {
    let weights = low_pass();
    let places = (0..sound.len()).step_by(THINNING);
    let thinned = places.map(|place| {
        let from = place.saturating_sub(REACH);
        let around = &sound[from..sound.len().min(place + REACH + 1)];
        let weights = &weights[from + REACH - place..];
        let sum: f64 = around.iter().zip(weights).map(|(&sample, weight)| f64::from(sample) * weight).sum();
        sum.round().clamp(f64::from(i16::MIN), f64::from(i16::MAX)) as i16
    });
    thinned.collect()
}

fn low_pass() -> Vec<f64> {
    let turn = 2.0 * PI * CUTOFF_HZ / voice::RATE as f64;
    let weights: Vec<f64> = (0..=2 * REACH)
        .map(|place| {
            let away = place as f64 - REACH as f64;
            let sinc = if place == REACH { turn } else { (turn * away).sin() / away };
            let phase = PI * place as f64 / REACH as f64;
            sinc * (0.42 - 0.5 * phase.cos() + 0.08 * (2.0 * phase).cos())
        })
        .collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hz: f64) -> Vec<i16> {
        let turn = 2.0 * PI * hz / voice::RATE as f64;
        (0..voice::RATE).map(|at| ((turn * at as f64).sin() * 10_000.0) as i16).collect()
    }

    /// In the middle, where no end is near.
    fn decibels(sound: &[i16]) -> f64 {
        let middle = &sound[sound.len() / 4..sound.len() * 3 / 4];
        let power = middle.iter().map(|&sample| f64::from(sample).powi(2)).sum::<f64>() / middle.len() as f64;
        10.0 * power.max(1e-3).log10()
    }

    #[test]
    fn what_16_khz_can_carry_passes_and_the_rest_does_not_come_back() {
        for (hz, least, most) in
            [(100.0, -0.1, 0.1), (6_900.0, -0.1, 0.1), (8_100.0, -200.0, -55.0), (15_000.0, -200.0, -55.0)]
        {
            let before = tone(hz);
            let after = thinned(&before);
            assert_eq!(after.len(), RATE);
            let change = decibels(&after) - decibels(&before);
            assert!((least..=most).contains(&change), "{hz} Hz: {change} dB");
        }
        assert_eq!(thinned(&[7; 5]).len(), 2);
    }

    #[test]
    fn the_last_number_counts_whatever_stands_around_it() {
        for (said, expected) in [
            ("3.21\n", Some(3.21)),
            ("P.862.2 Prediction (MOS-LQO):  = 2.345\n", Some(2.345)),
            ("16000 samples\nwideband: 1.9 (MOS).", Some(1.9)),
            ("no utterances", None),
            ("nan", None),
            ("", None),
        ] {
            assert_eq!(last_number(said), expected, "{said}");
        }
    }

    /// Programs that every system has stand in: `cat` prints both files, the one that was heard last.
    #[test]
    fn a_program_answers_or_a_sentence_says_why_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = ["reference", "heard", "words", "large"].map(|name| folder.path().join(name));
        for (file, text) in files.iter().zip(["4.5\n", "MOS 3.2\n", "none\n", "16000\n"]) {
            std::fs::write(file, text).expect("a file");
        }
        let ask = |program: &str, reference: usize, heard: usize| {
            let asked = Pesq { program: program.into() }.ask(&files[reference], &files[heard]);
            asked.map_err(|error| error.to_string())
        };
        assert_eq!(ask("cat", 0, 1), Ok(3.2));
        for (program, heard, why) in [
            ("cat", 2, "cat gave no number, but: none"),
            ("cat", 3, "cat gave 16000, which is no PESQ"),
            ("true", 1, "true gave no number, but: nothing"),
            ("false", 1, "false failed"),
            ("./no-such-program", 1, "could not be started"),
        ] {
            let error = ask(program, 2, heard).expect_err(why);
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn both_sounds_lie_there_at_16_khz_when_the_program_is_asked() {
        let folder = tempfile::tempdir().expect("a folder");
        let sound = tone(440.0);
        assert!(Pesq { program: "true".into() }.of(&sound, &sound, folder.path()).is_err());
        for name in ["reference.wav", "heard.wav"] {
            let file = std::fs::read(folder.path().join(name)).expect("written");
            assert_eq!(file, wav_at(RATE, &thinned(&sound)));
            assert_eq!(file[24..28], 16_000_u32.to_le_bytes());
        }
    }
}
