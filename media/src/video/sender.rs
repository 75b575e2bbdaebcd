//! `source -> scale -> encode`: owns the source's thread and the encoding thread of one participant.
//!
//! The newest picture waits in one slot between the two, so that a slow encoder costs pictures, never delay. Encoded
//! pictures leave through a closure; what to encode comes from the congestion control by `set_targets`.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use super::capture::{self, Receiver, Stop, Wanted};
use super::encoding::Encoding;
use super::overload::Power;
use super::{EncodedVideo, Layer, VideoError, VideoSendStats};
use crate::clock;
use crate::picture::{Picture, PictureSlot};
use crate::source::{DeviceStatus, Source};

/// Which codec the owner wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CodecChoice {
    /// The best that this machine encodes in time.
    #[default]
    Auto,
    /// Only AV1.
    Av1,
    /// Only H.264; AV1 in builds without it.
    H264,
}

/// What to send.
#[derive(Clone, Debug)]
pub struct VideoSendConfig {
    /// Where pictures come from.
    pub source: Source,
    /// Wanted width of the largest layer.
    pub width: u32,
    /// Wanted height of the largest layer.
    pub height: u32,
    /// Wanted pictures per second.
    pub fps: u32,
    /// Which codec.
    pub codec: CodecChoice,
    /// Writes `index,unix_us` per captured picture here.
    pub captured_out: Option<PathBuf>,
}

/// One layer that somebody wants, and its rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerTarget {
    /// Which.
    pub layer: Layer,
    /// Bits per second.
    pub bitrate_bps: u64,
}

/// News from the sender's threads. The closure must not block.
#[derive(Clone, Debug)]
pub enum VideoSendEvent {
    /// To be sent.
    Encoded(EncodedVideo),
    /// How the camera is doing.
    Camera(DeviceStatus),
}

/// Where news go. Held by the encoding thread and the source's thread while they call it.
type OnEvent = Mutex<Box<dyn FnMut(VideoSendEvent) + Send>>;

/// What the threads share. The lock is held for moments only: never while encoding or reading a device.
#[derive(Default)]
struct State {
    /// The one slot between capture and encode.
    picture: Option<Picture>,
    targets: Vec<LayerTarget>,
    targets_changed: bool,
    keys: Vec<Layer>,
    power: Power,
    ended: bool,
    stats: VideoSendStats,
    /// Sources are numbered; what an older one still says is not heard.
    source_number: u64,
}

struct Shared {
    state: Mutex<State>,
    wake: Condvar,
    preview: Arc<PictureSlot>,
    on_event: OnEvent,
    /// File and number of the next line. Written by the source's thread.
    captured_out: Mutex<Option<(File, u64)>>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn event(&self, event: VideoSendEvent) {
        (self.on_event.lock().unwrap_or_else(PoisonError::into_inner))(event);
    }

    fn note_captured(&self, captured_us: u64) {
        let mut out = self.captured_out.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((file, index)) = &mut *out else { return };
        let line = format!("{index},{}\n", clock::to_unix_us(captured_us));
        *index += 1;
        if let Err(error) = file.write_all(line.as_bytes()) {
            tracing::warn!(%error, "the list of captured pictures cannot be written and ends here");
            *out = None;
        }
    }
}

/// The newest source's way to the sender.
struct FromSource {
    shared: Arc<Shared>,
    number: u64,
}

impl Receiver for FromSource {
    fn picture(&self, mut picture: Picture) {
        picture.captured_us = clock::now_us();
        {
            let mut state = self.shared.state();
            if state.source_number != self.number {
                return;
            }
            state.stats.frames_captured += 1;
            if state.picture.replace(picture.clone()).is_some() && !state.targets.is_empty() {
                state.stats.frames_dropped += 1;
            }
        }
        self.shared.wake.notify_one();
        self.shared.note_captured(picture.captured_us);
        self.shared.preview.put(Some(picture));
    }

    fn status(&self, status: DeviceStatus) {
        if self.shared.state().source_number != self.number {
            return;
        }
        if !matches!(status, DeviceStatus::Running(_)) {
            self.shared.preview.put(None);
        }
        self.shared.event(VideoSendEvent::Camera(status));
    }
}

/// Captures and encodes until dropped; dropping returns within a deadline, a hanging device is left behind.
pub struct VideoSender {
    shared: Arc<Shared>,
    wanted: Wanted,
    encoder: Option<JoinHandle<()>>,
    source: Mutex<Chosen>,
}

/// The source and whether it runs.
struct Chosen {
    source: Source,
    on: bool,
    stop: Option<Arc<Stop>>,
}

impl VideoSender {
    /// Starts capturing; encodes nothing until [`Self::set_targets`].
    ///
    /// # Errors
    /// The system gives no thread, or `captured_out` cannot be written.
    pub fn start(
        config: VideoSendConfig,
        preview: Arc<PictureSlot>,
        on_event: Box<dyn FnMut(VideoSendEvent) + Send>,
    ) -> Result<Self, VideoError> {
        let captured_out = match &config.captured_out {
            Some(path) => {
                let opened = File::create(path).and_then(|mut file| {
                    file.write_all(b"index,unix_us\n")?;
                    Ok((file, 0))
                });
                Some(opened.map_err(|source| VideoError::Write { path: path.display().to_string(), source })?)
            }
            None => None,
        };
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            wake: Condvar::new(),
            preview,
            on_event: Mutex::new(on_event),
            captured_out: Mutex::new(captured_out),
        });
        let wanted = Wanted { width: config.width, height: config.height, fps: config.fps.clamp(1, 240) };
        let encoder = {
            let shared = Arc::clone(&shared);
            let encoding = Encoding::new((wanted.width, wanted.height), config.codec);
            let thread = thread::Builder::new().name("video-encode".to_owned());
            thread.spawn(move || encode(&shared, encoding)).map_err(VideoError::Thread)?
        };
        let chosen = Chosen { source: config.source, on: true, stop: None };
        let sender = Self { shared, wanted, encoder: Some(encoder), source: Mutex::new(chosen) };
        sender.restart_source(|_| {})?;
        Ok(sender)
    }

    /// The layers to encode from now on, each with its rate; none: nothing is encoded, the preview goes on.
    pub fn set_targets(&self, targets: &[LayerTarget]) {
        let mut state = self.shared.state();
        state.targets = targets.iter().take(crate::limits::MAX_LAYERS).copied().collect();
        state.targets_changed = true;
        state.stats.target_bps = state.targets.iter().map(|target| target.bitrate_bps).sum();
        if state.targets.is_empty() {
            (state.stats.codec, state.stats.width, state.stats.height) = (None, 0, 0);
        }
        drop(state);
        self.shared.wake.notify_one();
    }

    /// The next picture of this layer becomes a key frame (at most one a second and layer).
    pub fn request_key(&self, layer: Layer) {
        let mut state = self.shared.state();
        if !state.keys.contains(&layer) {
            state.keys.push(layer);
        }
    }

    /// How much power there is: with less, the largest layer gets smaller and then pictures fewer, as under overload.
    pub fn set_power(&self, power: Power) {
        self.shared.state().power = power;
    }

    /// Off: the device is closed.
    pub fn set_camera_on(&self, on: bool) {
        self.change_source(|chosen| chosen.on = on);
    }

    /// Changes the source at once.
    pub fn set_source(&self, source: Source) {
        self.change_source(|chosen| chosen.source = source);
    }

    fn change_source(&self, change: impl FnOnce(&mut Chosen)) {
        if let Err(error) = self.restart_source(change) {
            tracing::error!(%error, "the camera cannot be started");
        }
    }

    /// Ends the running source without waiting for it, and starts the chosen one.
    fn restart_source(&self, change: impl FnOnce(&mut Chosen)) -> Result<(), VideoError> {
        let mut chosen = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        let before = (chosen.source.clone(), chosen.on);
        change(&mut chosen);
        if chosen.stop.is_some() && before == (chosen.source.clone(), chosen.on) {
            return Ok(());
        }
        if let Some(stop) = chosen.stop.take() {
            stop.stop();
        }
        let number = {
            let mut state = self.shared.state();
            state.source_number += 1;
            state.picture = None;
            state.source_number
        };
        let receiver: Arc<dyn Receiver> = Arc::new(FromSource { shared: Arc::clone(&self.shared), number });
        if !chosen.on {
            receiver.status(DeviceStatus::Off);
            return Ok(());
        }
        let stop = Arc::new(Stop::default());
        chosen.stop = Some(Arc::clone(&stop));
        let (source, wanted) = (chosen.source.clone(), self.wanted);
        drop(chosen);
        let thread = thread::Builder::new().name("video-source".to_owned());
        let spawned = thread.spawn(move || capture::run(&source, wanted, &stop, &receiver));
        spawned.map(drop).map_err(VideoError::Thread)
    }

    /// Counters since the start.
    #[must_use]
    pub fn stats(&self) -> VideoSendStats {
        self.shared.state().stats
    }
}

impl Drop for VideoSender {
    fn drop(&mut self) {
        {
            let mut state = self.shared.state();
            state.ended = true;
            state.source_number += 1;
        }
        self.shared.wake.notify_all();
        let chosen = self.source.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(stop) = chosen.stop.take() {
            stop.stop();
        }
        // The encoder takes milliseconds per picture; a source may hang in its driver and is not waited for.
        if let Some(encoder) = self.encoder.take()
            && encoder.join().is_err()
        {
            tracing::error!("the encoding thread had ended in a panic");
        }
        self.shared.preview.put(None);
    }
}

/// The encoding thread: sleeps until there is a picture that somebody wants.
fn encode(shared: &Shared, mut encoding: Encoding) {
    let mut moments: VecDeque<u64> = VecDeque::new();
    loop {
        let (picture, targets, keys, power) = {
            let mut state = shared.state();
            loop {
                if state.ended {
                    return;
                }
                // Without targets the picture stays in its slot: whoever comes first gets it at once.
                if !state.targets.is_empty()
                    && let Some(picture) = state.picture.take()
                {
                    break (picture, state.targets.clone(), std::mem::take(&mut state.keys), state.power);
                }
                if std::mem::take(&mut state.targets_changed) && state.targets.is_empty() {
                    // The encoders' memory goes back, and the next who comes gets a key frame first.
                    encoding.forget();
                }
                state = shared.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        };
        encoding.set_power(picture.captured_us, power);
        let report = encoding.encode(&picture, &targets, &keys, |frame| {
            // Counted before it is told: who hears of a frame finds it in the figures.
            shared.state().stats.frames_encoded += 1;
            shared.event(VideoSendEvent::Encoded(frame));
        });
        let now = clock::now_us();
        if report.encoded > 0 {
            moments.push_back(now);
        }
        while moments.front().is_some_and(|first| now.saturating_sub(*first) > 1_000_000) {
            moments.pop_front();
        }
        let mut state = shared.state();
        let stats = &mut state.stats;
        stats.key_frames += report.keys;
        stats.frames_dropped += report.dropped;
        stats.bytes_encoded += report.bytes;
        #[expect(clippy::cast_precision_loss, reason = "microseconds of one picture")]
        let took = report.took_us as f64 / 1e6;
        stats.total_encode_time_s += took;
        stats.fps = f64::from(u32::try_from(moments.len()).unwrap_or(u32::MAX));
        if let Some(largest) = report.largest {
            (stats.codec, stats.width, stats.height) = (Some(largest.codec), largest.width, largest.height);
            stats.p95_encode_ms = largest.p95_encode_ms.unwrap_or(stats.p95_encode_ms);
        }
    }
}
