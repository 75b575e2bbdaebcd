//! The bounded way of received sound and pictures to the application. Sound and pictures have their own bounds: a full
//! picture queue loses its oldest picture, and never a frame of sound. Every loss is counted. Arrival order is kept within
//! each kind, and sound is handed out first. Filled by the driver; one reader.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use conclave_proto::frames::{AudioFrame, VideoFrame};
use conclave_proto::ids::PeerId;
use tokio::sync::Notify;

use crate::limits::{AUDIO_EVENTS, VIDEO_EVENTS};

/// Something to hear or see.
#[derive(Clone, Debug)]
pub enum MediaEvent {
    /// Sound from a member.
    Audio(PeerId, AudioFrame),
    /// A whole picture from a member, in an order that can be decoded. A gap in `number` means that the application was too
    /// slow and the oldest was dropped.
    Video(PeerId, VideoFrame),
}

/// The reading end.
#[derive(Debug)]
pub struct MediaEvents(Arc<Shared>);

/// The driver's end.
#[derive(Debug)]
pub(crate) struct MediaSender(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Held by the driver for one push and by the reader for one pop, never across a wait.
    queues: Mutex<Queues>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Queues {
    audio: VecDeque<(PeerId, AudioFrame)>,
    video: VecDeque<(PeerId, VideoFrame)>,
    dropped_audio: u64,
    dropped_video: u64,
    sender_gone: bool,
}

pub(crate) fn channel() -> (MediaSender, MediaEvents) {
    let shared = Arc::new(Shared { queues: Mutex::default(), news: Notify::new() });
    (MediaSender(Arc::clone(&shared)), MediaEvents(shared))
}

impl MediaEvents {
    /// The next event; `None` once the node is gone and everything was handed out. Cancelling loses nothing.
    pub async fn recv(&mut self) -> Option<MediaEvent> {
        loop {
            let news = self.0.news.notified();
            {
                let mut queues = self.0.lock();
                if let Some(event) = queues.pop() {
                    return Some(event);
                }
                if queues.sender_gone {
                    return None;
                }
            }
            news.await;
        }
    }

    /// As [`recv`](Self::recv), for a plain thread. Must not be called inside an async runtime.
    pub fn blocking_recv(&mut self) -> Option<MediaEvent> {
        futures::executor::block_on(self.recv())
    }

    /// What is there now.
    pub fn try_recv(&mut self) -> Option<MediaEvent> {
        self.0.lock().pop()
    }

    /// Frames of sound and pictures that were dropped because nobody took them in time.
    #[must_use]
    pub fn dropped(&self) -> (u64, u64) {
        let queues = self.0.lock();
        (queues.dropped_audio, queues.dropped_video)
    }
}

impl MediaSender {
    pub(crate) fn audio(&self, from: PeerId, frame: AudioFrame) {
        let mut queues = self.0.lock();
        if queues.audio.len() == AUDIO_EVENTS {
            queues.audio.pop_front();
            queues.dropped_audio += 1;
        }
        queues.audio.push_back((from, frame));
        drop(queues);
        self.0.news.notify_one();
    }

    pub(crate) fn video(&self, from: PeerId, frame: VideoFrame) {
        let mut queues = self.0.lock();
        if queues.video.len() == VIDEO_EVENTS {
            queues.video.pop_front();
            queues.dropped_video += 1;
        }
        queues.video.push_back((from, frame));
        drop(queues);
        self.0.news.notify_one();
    }
}

impl Drop for MediaSender {
    fn drop(&mut self) {
        self.0.lock().sender_gone = true;
        self.0.news.notify_one();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queues {
    fn pop(&mut self) -> Option<MediaEvent> {
        if let Some((from, frame)) = self.audio.pop_front() {
            return Some(MediaEvent::Audio(from, frame));
        }
        self.video.pop_front().map(|(from, frame)| MediaEvent::Video(from, frame))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use conclave_proto::frames::{SpatialLayer, VideoCodec};

    use super::*;

    const FROM: PeerId = PeerId([1; 32]);

    fn sound(sequence: u32) -> AudioFrame {
        AudioFrame { sequence, position: 0, level: 0, is_copy: false, payload: Bytes::new() }
    }

    fn picture(number: u32) -> VideoFrame {
        VideoFrame {
            layer: SpatialLayer::Small,
            temporal: 0,
            number,
            needs_back: 1,
            codec: VideoCodec::Av1,
            captured_us: 0,
            width: 1,
            height: 1,
            payload: Bytes::new(),
        }
    }

    #[test]
    fn a_flood_of_pictures_drops_the_oldest_picture_and_no_sound() {
        let (sender, mut events) = channel();
        sender.audio(FROM, sound(0));
        for number in 0..1000 {
            sender.video(FROM, picture(number));
        }
        sender.audio(FROM, sound(1));
        drop(sender);
        let (mut sounds, mut pictures) = (Vec::new(), Vec::new());
        while let Some(event) = events.blocking_recv() {
            match event {
                MediaEvent::Audio(_, frame) => sounds.push(frame.sequence),
                MediaEvent::Video(_, frame) => pictures.push(frame.number),
            }
        }
        assert_eq!(sounds, [0, 1]);
        assert_eq!(pictures, (1000 - VIDEO_EVENTS as u32..1000).collect::<Vec<_>>());
        assert_eq!(events.dropped(), (0, 1000 - VIDEO_EVENTS as u64));
    }
}
