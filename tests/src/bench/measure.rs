//! From what a call left behind (events, CSVs, shown pictures, the speaker's WAV) to its figures.
//!
//! Everything is judged in the call's steady part, except how fast it came up. The direction judged is from the first
//! party, whose camera and voice are known, to the second, whose screen and speaker were recorded. Called by `bench`.

use super::figures::{Figures, mean, percentile};
use super::hearing::{Heard, judge_sound};
use super::y4m::Pictures;
use super::{barcode, quality, scene, ssim};
use anyhow::{Context, Result};
use serde_json::Value;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// SSIM is computed for one picture in so many.
const LIKENESS_EVERY: usize = 5;

/// What a call left behind.
pub struct Recording {
    pub captured_csv: PathBuf,
    pub pictures_folder: PathBuf,
    pub speaker_wav: PathBuf,
    pub scene_file: PathBuf,
    pub voice: Vec<i16>,
    pub first_events: Vec<Value>,
    pub second_events: Vec<Value>,
    /// The steady part, in microseconds since 1970.
    pub steady_us: (i64, i64),
    /// How far a sound's delay is looked for.
    pub delay_max: Duration,
}

/// A call, judged: its figures, and what they were made from.
#[derive(Debug)]
pub struct Judgement {
    pub figures: Figures,
    /// Of the steady part.
    pub pictures: Vec<Judged>,
    pub sounds: Vec<Heard>,
}

/// A picture that was shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    pub file: String,
    pub index: usize,
    pub unix_us: i64,
    pub width: usize,
    pub height: usize,
}

pub fn figures(recording: &Recording) -> Result<Figures> {
    Ok(judge(recording)?.figures)
}

pub fn judge(recording: &Recording) -> Result<Judgement> {
    let mut figures = Figures::default();
    let captured = captured(&read(&recording.captured_csv)?);
    let shown = shown_in(&recording.pictures_folder)?;
    let steady: Vec<Shown> = shown.iter().filter(|shown| within(shown.unix_us, recording.steady_us)).cloned().collect();
    let pictures = judge_pictures(recording, &captured, &steady)?;
    let glass_ms: Vec<f64> = pictures.iter().filter_map(|picture| picture.delay_ms).collect();
    figures.set("glass_p50_ms", percentile(&glass_ms, 50.0));
    figures.set("glass_p95_ms", percentile(&glass_ms, 95.0));
    figures.set("glass_worst_ms", percentile(&glass_ms, 100.0));
    let errors: Vec<f64> = pictures.iter().filter_map(|picture| picture.error).collect();
    let decibels: Vec<f64> = errors.iter().map(|&error| quality::psnr_db(error)).collect();
    figures.set("psnr_y_db", mean(&decibels));
    figures.set("psnr_y_of_mean_error_db", mean(&errors).map(quality::psnr_db));
    figures.set("psnr_y_p5_db", percentile(&decibels, 5.0));
    let likeness: Vec<f64> = pictures.iter().filter_map(|picture| picture.likeness).collect();
    figures.set("ssim_db", mean(&likeness).map(ssim::decibels));
    let seconds = (recording.steady_us.1 - recording.steady_us.0) as f64 / 1e6;
    figures.set("pictures_per_second", Some(steady.len() as f64 / seconds));
    let lines: Vec<f64> = pictures.iter().map(|picture| picture.lines as f64).collect();
    figures.set("lines_mean", mean(&lines));
    // Nine of ten pictures have at least so many.
    figures.set("lines_p10", percentile(&lines, 10.0).map(f64::floor));
    let small = steady.iter().filter(|shown| shown.height < scene::HEIGHT).count();
    figures.set("pictures_below_720_lines_percent", Some(100.0 * small as f64 / steady.len().max(1) as f64));
    figures.set("pictures_unreadable", Some((steady.len() - glass_ms.len()) as f64));

    let sounds = judge_sound(recording)?;
    let mouth_ms: Vec<f64> = sounds.iter().map(|sound| sound.delay_ms).collect();
    figures.set("mouth_p50_ms", percentile(&mouth_ms, 50.0));
    figures.set("mouth_p95_ms", percentile(&mouth_ms, 95.0));
    figures.set("mouth_stretches", Some(mouth_ms.len() as f64));
    let lips: Vec<f64> = pictures.iter().filter_map(|picture| lip_sync_ms(picture, &sounds)).collect();
    figures.set("lip_sync_p50_ms", percentile(&lips, 50.0));
    let off: Vec<f64> = lips.iter().map(|skew| skew.abs()).collect();
    figures.set("lip_sync_p95_ms", percentile(&off, 95.0));

    came_up(recording, &shown, &mut figures);
    received(recording, &pictures, &mut figures);
    figures.set("encode_ms", per_picture_ms(recording, &recording.first_events, &["sent", "video"], "Encode"));
    figures.set("decode_ms", per_picture_ms(recording, &recording.second_events, &["received", "video"], "Decode"));
    Ok(Judgement { figures, pictures, sounds })
}

/// Speed of the beginning: from the moment that the first party has let the second in.
fn came_up(recording: &Recording, shown: &[Shown], figures: &mut Figures) {
    let first_of = |events: &[Value], name: &str| events.iter().find(|event| event["event"] == name).map(unix_us);
    let Some(admitted) = first_of(&recording.first_events, "joined") else { return };
    let since = |moment: i64| (moment - admitted) as f64 / 1000.0;
    let pictures = [&recording.first_events, &recording.second_events].map(|events| first_of(events, "first_picture"));
    if let [Some(first), Some(second)] = pictures {
        figures.set("first_picture_ms", Some(since(first.max(second))));
    }
    let whole = shown.iter().find(|shown| shown.height >= scene::HEIGHT);
    figures.set("first_720_lines_ms", whole.map(|shown| since(shown.unix_us)));
}

/// What the second party's own counters say about the steady part.
pub(super) fn received(recording: &Recording, pictures: &[Judged], figures: &mut Figures) {
    let stats: Vec<&Value> = recording
        .second_events
        .iter()
        .filter(|event| event["event"] == "stats" && within(unix_us(event), recording.steady_us))
        .collect();
    let (Some(first), Some(last)) = (stats.first(), stats.last()) else { return };
    let seconds = (unix_us(last) - unix_us(first)) as f64 / 1e6;
    let grown = |kind: &str, counter: &str| {
        let of = |stats: &Value| stats["people"][0]["received"][kind][counter].as_f64();
        Some(of(last)? - of(first)?)
    };
    if seconds > 0.0 {
        figures.set("video_kbit_s", grown("video", "bytesReceived").map(|bytes| bytes * 8.0 / 1000.0 / seconds));
        figures.set("audio_kbit_s", grown("audio", "bytesReceived").map(|bytes| bytes * 8.0 / 1000.0 / seconds));
    }
    let concealed = grown("audio", "concealedSamples");
    figures.set("concealed_ms", concealed.map(|samples| samples / 48.0));
    let share = |some: f64| Some(100.0 * some / grown("audio", "totalSamplesReceived").filter(|all| *all > 0.0)?);
    figures.set("concealed_percent", concealed.and_then(share));
    // A picture that stands at the beginning or the end stands as well.
    let (from, to) = recording.steady_us;
    let moments = pictures.iter().map(|picture| picture.shown_us);
    let gaps = freezes(&std::iter::once(from).chain(moments).chain([to]).collect::<Vec<_>>());
    let seen = gaps.len() as f64;
    figures.set("freezes", grown("video", "freezeCount").map(|counted| counted.max(seen)));
    figures.set("frozen_ms", Some(gaps.iter().fold(0.0, |sum, gap| sum + gap)));
    figures.set("frozen_longest_ms", Some(gaps.iter().copied().fold(0.0, f64::max)));
}

/// What a codec took for each picture of the steady part, by a party's own counters. `what`: Encode or Decode.
fn per_picture_ms(recording: &Recording, events: &[Value], place: &[&str; 2], what: &str) -> Option<f64> {
    let mut steady =
        events.iter().filter(|event| event["event"] == "stats" && within(unix_us(event), recording.steady_us));
    let counted = |stats: &Value| {
        let video = &stats["people"][0][place[0]][place[1]];
        Some((video[format!("total{what}Time")].as_f64()?, video[format!("frames{what}d")].as_f64()?))
    };
    let (from, frames_from) = counted(steady.next()?)?;
    let (until, frames_until) = counted(steady.next_back()?)?;
    let frames = frames_until - frames_from;
    (frames > 0.0).then(|| 1000.0 * (until - from) / frames)
}

/// The codecs of the pictures that the second party was sent in the steady part, each once.
pub fn codecs(recording: &Recording) -> Vec<String> {
    let mut codecs: Vec<String> = Vec::new();
    for event in &recording.second_events {
        let named = event["people"][0]["received"]["video"]["codec"].as_str();
        if let Some(codec) = named.filter(|_| within(unix_us(event), recording.steady_us))
            && !codecs.iter().any(|known| known == codec)
        {
            codecs.push(codec.to_owned());
        }
    }
    codecs
}

/// Gaps, in milliseconds, that WebRTC counts as freezes: longer than three usual gaps, and than a usual one and 150 ms.
pub fn freezes(shown_us: &[i64]) -> Vec<f64> {
    let gaps: Vec<f64> = shown_us.windows(2).map(|pair| (pair[1] - pair[0]) as f64 / 1000.0).collect();
    let usual = mean(&gaps).unwrap_or(0.0);
    gaps.into_iter().filter(|&gap| gap > (3.0 * usual).max(usual + 150.0)).collect()
}

/// What was found out about a shown picture.
#[derive(Debug, Clone)]
pub struct Judged {
    pub shown_us: i64,
    pub lines: usize,
    /// None: its number could not be read.
    pub delay_ms: Option<f64>,
    /// Mean squared error of luma.
    pub error: Option<f64>,
    /// SSIM of luma; of some of the pictures, since it costs time.
    pub likeness: Option<f64>,
}

fn judge_pictures(recording: &Recording, captured: &[(usize, i64)], shown: &[Shown]) -> Result<Vec<Judged>> {
    let mut originals = Pictures::open(&recording.scene_file)?;
    let mut files: HashMap<String, Pictures> = HashMap::new();
    let mut judged = Vec::with_capacity(shown.len());
    for (place, shown) in shown.iter().enumerate() {
        if !files.contains_key(&shown.file) {
            let path = recording.pictures_folder.join(&shown.file);
            files.insert(shown.file.clone(), Pictures::open(&path)?);
        }
        let Some(file) = files.get_mut(&shown.file) else { continue };
        let size = (file.width, file.height);
        let Some(luma) = file.luma(shown.index)? else { continue };
        let number = barcode::read(&luma, size.0, size.1).filter(|&number| number < scene::PICTURES);
        let delay_ms = number.and_then(|number| delay_ms(captured, number, shown.unix_us));
        let (mut error, mut likeness) = (None, None);
        if let Some(number) = number {
            let original = originals.luma(number)?.context("the scene lacks a picture")?;
            let whole = (scene::WIDTH, scene::HEIGHT);
            let luma = if size == whole { luma } else { quality::scaled(&luma, size, whole) };
            error = Some(quality::mean_squared_error(&luma, &original, scene::WIDTH));
            if place.is_multiple_of(LIKENESS_EVERY) {
                likeness = ssim::likeness(&luma, &original, scene::WIDTH);
            }
        }
        judged.push(Judged { shown_us: shown.unix_us, lines: size.1, delay_ms, error, likeness });
    }
    Ok(judged)
}

/// How long ago the picture with this number was last taken.
fn delay_ms(captured: &[(usize, i64)], number: usize, shown_us: i64) -> Option<f64> {
    let end = captured.partition_point(|(_, at)| *at <= shown_us);
    let (_, at) = captured[..end].iter().rev().find(|(index, _)| index % scene::PICTURES == number)?;
    Some((shown_us - at) as f64 / 1000.0)
}

/// How much earlier the sound of a picture's moment was heard than the picture was seen. Above zero: sound first.
fn lip_sync_ms(picture: &Judged, sounds: &[Heard]) -> Option<f64> {
    let nearest = sounds.iter().min_by_key(|sound| (sound.at_us - picture.shown_us).abs())?;
    let near = (nearest.at_us - picture.shown_us).abs() < 1_000_000;
    if near { Some(picture.delay_ms? - nearest.delay_ms) } else { None }
}

pub(super) fn within(moment: i64, (from, to): (i64, i64)) -> bool {
    (from..to).contains(&moment)
}

pub fn unix_us(event: &Value) -> i64 {
    event["unix_us"].as_i64().unwrap_or(0)
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| path.display().to_string())
}

/// Index and moment of every picture that the camera gave. A heading is passed over.
fn captured(csv: &str) -> Vec<(usize, i64)> {
    csv.lines()
        .filter_map(|line| {
            let (index, moment) = line.split_once(',')?;
            Some((index.trim().parse().ok()?, moment.trim().parse().ok()?))
        })
        .collect()
}

/// The shown pictures of the only person there is, in order.
fn shown_in(folder: &Path) -> Result<Vec<Shown>> {
    let mut shown = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.extension().is_some_and(|kind| kind == "csv") {
            shown.extend(shown_rows(&read(&path)?));
        }
    }
    shown.sort_by_key(|shown| shown.unix_us);
    Ok(shown)
}

fn shown_rows(csv: &str) -> Vec<Shown> {
    csv.lines()
        .filter_map(|line| {
            let mut fields = line.split(',').map(str::trim);
            let file = fields.next()?.rsplit('/').next()?.to_owned();
            let index = fields.next()?.parse().ok()?;
            let unix_us = fields.next()?.parse().ok()?;
            Some(Shown {
                file,
                index,
                unix_us,
                width: fields.next()?.parse().ok()?,
                height: fields.next()?.parse().ok()?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_looping_picture_is_matched_with_the_last_time_it_was_taken() {
        let captured: Vec<(usize, i64)> = (0..700).map(|index| (index, index as i64 * 33_333)).collect();
        let taken = captured[305].1;
        assert_eq!(delay_ms(&captured, 5, taken + 40_000), Some(40.0));
        assert_eq!(delay_ms(&captured, 299, -1), None);
    }

    #[test]
    fn sound_that_comes_before_its_picture_counts_as_above_zero() {
        let picture = Judged { shown_us: 1_000_000, lines: 720, delay_ms: Some(70.0), error: None, likeness: None };
        let sounds = [Heard { at_us: 900_000, delay_ms: 50.0 }, Heard { at_us: 5_000_000, delay_ms: 90.0 }];
        assert_eq!(lip_sync_ms(&picture, &sounds), Some(20.0));
        assert_eq!(lip_sync_ms(&picture, &sounds[1..]), None);
    }

    #[test]
    fn a_long_gap_is_a_freeze_and_an_even_run_is_none() {
        let mut moments: Vec<i64> = (0..90).map(|index| index * 33_333).collect();
        assert!(freezes(&moments).is_empty());
        for moment in &mut moments[45..] {
            *moment += 400_000;
        }
        let frozen = freezes(&moments);
        assert!(frozen.len() == 1 && (frozen[0] - 433.3).abs() < 0.1, "{frozen:?}");
        assert!(freezes(&[]).is_empty());
    }

    #[test]
    fn tables_are_read_with_and_without_a_heading() {
        assert_eq!(captured("index,unix_us\n0,5\n1,6\n"), [(0, 5), (1, 6)]);
        let rows = shown_rows("file,index,shown_unix_us,width,height,codec\na/ada.y4m,3,77,1280,720,av1\n");
        let expected = Shown { file: "ada.y4m".into(), index: 3, unix_us: 77, width: 1280, height: 720 };
        assert_eq!(rows, [expected]);
    }
}
