//! `decode -> playout -> slot`: one remote's pictures on a thread of their own.
//!
//! Decodes at once, shows each picture when its sound is heard, newest wins. Never asks the network for anything itself:
//! it says when it needs a key frame.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::decoding::{Decoded, Decoding};
use super::freezes::Freezes;
use super::playout::{Due, Playout};
use super::record::Recorder;
use super::{Codec, EncodedVideo, Layer, VideoError, VideoReceiveStats};
use crate::audio::PlayoutPoint;
use crate::clock;
use crate::limits;
use crate::picture::{Picture, PictureSlot};

/// How to receive one remote's pictures.
#[derive(Clone, Debug, Default)]
pub struct VideoReceiveConfig {
    /// Folder and name: every shown picture goes to `NAME.y4m` and a line about it to `NAME.csv`.
    pub pictures_out: Option<(PathBuf, String)>,
}

/// News from a receiver's thread. The closure must not block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VideoReceiveEvent {
    /// The first picture was shown.
    FirstPicture {
        /// When, microseconds since the Unix epoch.
        unix_us: u64,
    },
    /// Nothing can be decoded before a key frame of this layer.
    NeedKey(Layer),
    /// Pictures have another size from now on.
    SizeChanged {
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// `pictures_out` cannot be written: why, as a sentence. The call goes on without it.
    PicturesOutFailed(String),
}

/// Frames on their way to the decoding thread. The lock is held for moments only.
#[derive(Default)]
struct State {
    frames: VecDeque<EncodedVideo>,
    /// Frames were dropped because the decoder lags.
    overflowed: bool,
    dropped: u64,
    ended: bool,
    stats: VideoReceiveStats,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    wake: Condvar,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Decodes and shows one remote's pictures until dropped.
pub struct VideoReceiver {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl VideoReceiver {
    /// Starts the thread. `playout` tells what of the remote's sound is being heard.
    ///
    /// # Errors
    /// The system gives no thread, or `pictures_out` cannot be written.
    pub fn start(
        config: VideoReceiveConfig,
        slot: Arc<PictureSlot>,
        playout: Box<dyn Fn() -> Option<PlayoutPoint> + Send>,
        on_event: Box<dyn FnMut(VideoReceiveEvent) + Send>,
    ) -> Result<Self, VideoError> {
        let recorder = match &config.pictures_out {
            Some((folder, name)) => Some(Recorder::start(folder, name)?),
            None => None,
        };
        let shared = Arc::new(Shared::default());
        let worker = Worker {
            shared: Arc::clone(&shared),
            slot,
            sound: playout,
            on_event,
            recorder,
            decoding: Decoding::default(),
            playout: Playout::default(),
            waiting: VecDeque::new(),
            freezes: Freezes::default(),
            shown_at: VecDeque::new(),
            size: None,
            dropped: 0,
        };
        let thread = thread::Builder::new().name("video-decode".to_owned());
        let thread = thread.spawn(move || worker.run()).map_err(VideoError::Thread)?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// A frame arrived. Never blocks; when the decoder lags far behind, the oldest are dropped.
    pub fn push(&self, frame: EncodedVideo) {
        {
            let mut state = self.shared.state();
            if state.frames.len() == limits::MAX_FRAMES_TO_DECODE {
                state.frames.pop_front();
                state.overflowed = true;
                state.dropped += 1;
            }
            state.frames.push_back(frame);
        }
        self.shared.wake.notify_one();
    }

    /// Counters since the start.
    #[must_use]
    pub fn stats(&self) -> VideoReceiveStats {
        self.shared.state().stats
    }
}

impl Drop for VideoReceiver {
    fn drop(&mut self) {
        self.shared.state().ended = true;
        self.shared.wake.notify_all();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("a decoding thread had ended in a panic");
        }
    }
}

/// The decoding thread's own things.
struct Worker {
    shared: Arc<Shared>,
    slot: Arc<PictureSlot>,
    sound: Box<dyn Fn() -> Option<PlayoutPoint> + Send>,
    on_event: Box<dyn FnMut(VideoReceiveEvent) + Send>,
    recorder: Option<Recorder>,
    decoding: Decoding,
    playout: Playout,
    /// Decoded, in the order of capture.
    waiting: VecDeque<(Picture, Codec)>,
    freezes: Freezes,
    /// When pictures were shown in the last second.
    shown_at: VecDeque<u64>,
    size: Option<(u32, u32)>,
    dropped: u64,
}

impl Worker {
    fn run(mut self) {
        while let Some(frame) = self.next_frame() {
            if let Some(frame) = frame {
                self.decode(&frame);
            }
            self.show_due();
            self.publish_stats();
        }
        self.slot.put(None);
    }

    /// The next frame; `Some(None)`: it is time to look at what waits; `None`: the end.
    fn next_frame(&mut self) -> Option<Option<EncodedVideo>> {
        let wake_at = self.wake_at();
        let shared = Arc::clone(&self.shared);
        let mut state = shared.state();
        loop {
            if state.ended {
                return None;
            }
            if std::mem::take(&mut state.overflowed) {
                self.dropped += std::mem::take(&mut state.dropped);
            }
            if let Some(frame) = state.frames.pop_front() {
                return Some(Some(frame));
            }
            state = match wake_at {
                None => shared.wake.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(moment) => {
                    let left = moment.saturating_sub(clock::now_us());
                    if left == 0 {
                        return Some(None);
                    }
                    let wait = shared.wake.wait_timeout(state, Duration::from_micros(left));
                    wait.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    fn wake_at(&self) -> Option<u64> {
        let (first, _) = self.waiting.front()?;
        let now = clock::now_us();
        match self.playout.due(now, first.captured_us, (self.sound)()) {
            Due::Now | Due::TooLate => Some(now),
            Due::At(moment) => Some(moment),
        }
    }

    fn decode(&mut self, frame: &EncodedVideo) {
        match self.decoding.decode(frame, clock::now_us()) {
            Decoded::Picture(picture) => {
                self.playout.arrived(clock::now_us(), picture.captured_us);
                self.waiting.push_back((picture, frame.codec));
            }
            Decoded::Nothing => self.dropped += 1,
            Decoded::NeedKey(layer) => {
                self.dropped += 1;
                (self.on_event)(VideoReceiveEvent::NeedKey(layer));
            }
        }
    }

    /// Shows the newest picture whose moment has come; older ones that wait with it are overtaken.
    fn show_due(&mut self) {
        let sound = (self.sound)();
        let now = clock::now_us();
        let is_due = |picture: &Picture| match self.playout.due(now, picture.captured_us, sound) {
            // A late picture is better than none, and what is newer overtakes it below.
            Due::Now | Due::TooLate => true,
            Due::At(_) => false,
        };
        let due = self.waiting.iter().take_while(|(picture, _)| is_due(picture)).count();
        let due = due.max(self.waiting.len().saturating_sub(limits::MAX_PICTURES_TO_SHOW));
        if due == 0 {
            return;
        }
        self.dropped += due as u64 - 1;
        let newest = self.waiting.drain(..due).next_back();
        if let Some((picture, codec)) = newest {
            self.show(&picture, codec);
        }
    }

    fn show(&mut self, picture: &Picture, codec: Codec) {
        let now = clock::now_us();
        let unix_us = clock::to_unix_us(now);
        let size = (picture.width, picture.height);
        // Who hears of the picture must find it.
        self.slot.put(Some(picture.clone()));
        if self.size.is_none() {
            (self.on_event)(VideoReceiveEvent::FirstPicture { unix_us });
        }
        if self.size != Some(size) {
            self.size = Some(size);
            (self.on_event)(VideoReceiveEvent::SizeChanged { width: size.0, height: size.1 });
        }
        self.freezes.shown(now);
        self.shown_at.push_back(now);
        if let Some(recorder) = &mut self.recorder
            && !recorder.shown(picture, unix_us, codec)
        {
            self.recorder = None;
            let why = "The pictures can no longer be written. Free some space on the disk; the call goes on.";
            (self.on_event)(VideoReceiveEvent::PicturesOutFailed(why.to_owned()));
        }
    }

    fn publish_stats(&mut self) {
        let now = clock::now_us();
        while self.shown_at.front().is_some_and(|first| now.saturating_sub(*first) > 1_000_000) {
            self.shown_at.pop_front();
        }
        let (width, height) = self.size.unwrap_or_default();
        let stats = VideoReceiveStats {
            frames_decoded: self.decoding.decoded,
            key_frames: self.decoding.keys,
            frames_dropped: self.dropped,
            total_decode_time_s: self.decoding.time.as_secs_f64(),
            freeze_count: self.freezes.count,
            total_freezes_duration_s: self.freezes.total_s,
            width,
            height,
            fps: f64::from(u32::try_from(self.shown_at.len()).unwrap_or(u32::MAX)),
            codec: self.decoding.codec(),
        };
        self.shared.state().stats = stats;
    }
}
