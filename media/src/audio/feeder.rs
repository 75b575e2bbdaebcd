//! The stand-ins for a microphone: a WAV file in a loop, or a synthetic voice that counts. Both are read by a helper
//! thread into a ring, as 48 kHz mono, because a file may hang; the audio thread takes them out in real time.
//!
//! Not here: pacing and what happens on failure, which is `microphone.rs`.

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rtrb::{Consumer, Producer, RingBuffer};

use super::resample::Resampler;
use super::{RATE, voice};
use crate::limits;
use crate::source::DeviceFault;

/// What a feeder plays.
#[derive(Clone, Debug)]
pub(crate) enum Feed {
    Voice,
    File(PathBuf),
}

/// A running feeder; dropping it ends its thread.
pub(crate) struct Feeder {
    /// 48 kHz mono.
    pub(crate) samples: Consumer<f32>,
    /// Comes once: the feeder is filled and may be used, or cannot be.
    pub(crate) ready: mpsc::Receiver<Result<(), DeviceFault>>,
    /// Comes if it breaks later.
    pub(crate) broken: mpsc::Receiver<DeviceFault>,
}

impl Feeder {
    /// Starts the helper thread.
    pub(crate) fn start(feed: Feed) -> std::io::Result<Self> {
        let (producer, samples) = RingBuffer::new(limits::FEEDER_RING_SAMPLES);
        let (tell_ready, ready) = mpsc::sync_channel(1);
        let (tell_broken, broken) = mpsc::sync_channel(1);
        thread::Builder::new().name("conclave-feeder".into()).spawn(move || {
            let mut output = Output { producer, tell_ready: Some(tell_ready) };
            let result = match &feed {
                Feed::Voice => count_aloud(&mut output),
                Feed::File(path) => loop_file(path, &mut output),
            };
            if let Err(fault) = result {
                // Nobody left to tell is fine.
                match output.tell_ready.take() {
                    Some(ready) => ready.send(Err(fault)).ok(),
                    None => tell_broken.send(fault).ok(),
                };
            }
        })?;
        Ok(Self { samples, ready, broken })
    }
}

struct Output {
    producer: Producer<f32>,
    tell_ready: Option<mpsc::SyncSender<Result<(), DeviceFault>>>,
}

impl Output {
    /// Waits for room. `false`: nobody listens any more.
    fn push(&mut self, samples: &[f32]) -> bool {
        for &sample in samples {
            while self.producer.is_full() {
                if let Some(ready) = self.tell_ready.take() {
                    ready.send(Ok(())).ok();
                }
                if self.producer.is_abandoned() {
                    return false;
                }
                thread::sleep(Duration::from_millis(50));
            }
            if self.producer.push(sample).is_err() {
                return false;
            }
        }
        !self.producer.is_abandoned()
    }
}

fn count_aloud(output: &mut Output) -> Result<(), DeviceFault> {
    let numbers = voice::zero_to_nine();
    while output.push(&numbers) {}
    Ok(())
}

fn loop_file(path: &Path, output: &mut Output) -> Result<(), DeviceFault> {
    let fault = |why: String| DeviceFault::File { path: path.display().to_string(), why };
    let mut reader = hound::WavReader::open(path).map_err(|e| fault(in_words(&e)))?;
    let spec = reader.spec();
    if spec.channels == 0 || !(limits::RATE_MIN..=limits::RATE_MAX).contains(&spec.sample_rate) {
        return Err(fault(format!("it has {} channels at {} Hz", spec.channels, spec.sample_rate)));
    }
    if reader.duration() == 0 {
        return Err(fault("it holds no sound".into()));
    }
    let mut resampler = Resampler::new(spec.sample_rate, RATE).map_err(fault)?;
    let channels = usize::from(spec.channels);
    let scale = 1.0 / 2_f32.powi(i32::from(spec.bits_per_sample) - 1);
    loop {
        let mut chunk = Vec::with_capacity(4096);
        let mut total = 0_u64;
        let mut emit = |chunk: &mut Vec<f32>| {
            let goes_on = resampler.push(chunk, |samples| output.push(samples));
            chunk.clear();
            goes_on
        };
        let mut frame = (0.0_f32, 0_usize);
        // One turn per sample of either kind; the file's own length bounds the loop.
        let mut take = |sample: f32| -> bool {
            frame.0 += sample;
            frame.1 += 1;
            if frame.1 < channels {
                return true;
            }
            let mono = frame.0 / channels as f32;
            frame = (0.0, 0);
            total += 1;
            chunk.push(if mono.is_finite() { mono.clamp(-1.0, 1.0) } else { 0.0 });
            chunk.len() < 4096 || emit(&mut chunk)
        };
        let result = match spec.sample_format {
            hound::SampleFormat::Float => each(reader.samples::<f32>(), &mut take),
            hound::SampleFormat::Int => each(reader.samples::<i32>(), |s| take(s as f32 * scale)),
        };
        match result {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            // A file cut short still plays as far as it goes, unless that is nowhere.
            Err(e) if total == 0 => return Err(fault(in_words(&e))),
            Err(_) => {}
        }
        if !emit(&mut chunk) {
            return Ok(());
        }
        reader.seek(0).map_err(|e| fault(e.to_string()))?;
    }
}

fn each<T>(samples: impl Iterator<Item = hound::Result<T>>, mut take: impl FnMut(T) -> bool) -> hound::Result<bool> {
    for sample in samples {
        if !take(sample?) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn in_words(error: &hound::Error) -> String {
    match error {
        hound::Error::IoError(e) if e.kind() == std::io::ErrorKind::NotFound => "it does not exist".into(),
        hound::Error::IoError(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => "it is cut short".into(),
        hound::Error::FormatError(why) => format!("it is no WAV file ({why})"),
        hound::Error::IoError(e) => e.to_string(),
        hound::Error::TooWide | hound::Error::Unsupported => "its kind of WAV is not supported".into(),
        other => other.to_string(),
    }
}
