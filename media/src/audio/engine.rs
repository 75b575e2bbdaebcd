//! The handle to the audio thread: what the app asks for is noted here and taken up by the thread at its next turn.
//!
//! No call blocks for longer than another one copies a few fields. What is wanted is kept as a state, not as a queue
//! of commands, so nothing can overflow; only packets queue, and they are bounded.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;

use super::device::{self, Direction};
use super::worker::Worker;
use super::{
    AudioConfig, AudioError, AudioEvent, AudioStats, DeviceInfo, EncodedAudio, PathNeeds, PlayoutPoint, RemoteId,
};
use crate::clock::now_us;
use crate::limits;
use crate::source::{Sink, Source};

/// Runs the sound of one meeting.
pub struct AudioEngine {
    shared: Arc<Shared>,
    ended: Mutex<mpsc::Receiver<()>>,
}

/// Between the app's threads and the audio thread. Both hold each lock for the copying of a few fields.
pub(crate) struct Shared {
    inbox: Mutex<Inbox>,
    wake: Condvar,
    outbox: Mutex<BTreeMap<RemoteId, Outbox>>,
    microphone_level: AtomicU32,
}

/// What the app wants.
#[derive(Default)]
pub(crate) struct Inbox {
    /// Something besides packets is new.
    pub(crate) changed: bool,
    pub(crate) stop: bool,
    pub(crate) microphone: Option<Source>,
    pub(crate) speaker: Option<Sink>,
    pub(crate) muted: bool,
    pub(crate) sending: bool,
    pub(crate) paths: PathNeeds,
    /// Each with its last sender report: position and capture time.
    pub(crate) remotes: BTreeMap<RemoteId, Option<(u64, u64)>>,
    /// With the moment of arrival.
    pub(crate) packets: VecDeque<(RemoteId, u64, EncodedAudio)>,
}

/// What the audio thread tells of a remote.
#[derive(Clone, Copy, Default)]
pub(crate) struct Outbox {
    pub(crate) stats: AudioStats,
    pub(crate) playout: Option<PlayoutPoint>,
}

impl Shared {
    pub(crate) fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn outbox(&self) -> MutexGuard<'_, BTreeMap<RemoteId, Outbox>> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_microphone_level(&self, level: f32) {
        self.microphone_level.store(level.to_bits(), Ordering::Relaxed);
    }

    /// Sleeps until `until_us`, or until something is wanted.
    pub(crate) fn wait(&self, until_us: u64) {
        let inbox = self.inbox();
        let left = std::time::Duration::from_micros(until_us.saturating_sub(now_us()));
        if !left.is_zero() {
            drop(self.wake.wait_timeout_while(inbox, left, |inbox| !inbox.changed));
        }
    }

    fn change(&self, change: impl FnOnce(&mut Inbox)) {
        let mut inbox = self.inbox();
        change(&mut inbox);
        inbox.changed = true;
        drop(inbox);
        self.wake.notify_one();
    }
}

impl AudioEngine {
    /// Starts the audio thread. `on_event` is called on it and must not block.
    ///
    /// # Errors
    /// Only if no thread or codec can be had; devices that fail are reported as events.
    pub fn start(config: AudioConfig, on_event: Box<dyn FnMut(AudioEvent) + Send>) -> Result<Self, AudioError> {
        let shared = Arc::new(Shared {
            inbox: Mutex::new(Inbox { sending: true, ..Inbox::default() }),
            wake: Condvar::new(),
            outbox: Mutex::default(),
            microphone_level: AtomicU32::new(0),
        });
        let worker = Worker::new(config, Arc::clone(&shared), on_event)?;
        let (tell_ended, ended) = mpsc::sync_channel(1);
        thread::Builder::new()
            .name("conclave-audio".into())
            .spawn(move || {
                worker.run();
                // The handle may have given up waiting.
                tell_ended.send(()).ok();
            })
            .map_err(AudioError::Thread)?;
        Ok(Self { shared, ended: Mutex::new(ended) })
    }

    /// A packet has arrived just now.
    pub fn push(&self, remote: RemoteId, packet: EncodedAudio) {
        let mut inbox = self.shared.inbox();
        if inbox.packets.len() >= limits::PACKETS_WAITING {
            inbox.packets.pop_front();
        }
        let now_us = now_us();
        inbox.packets.push_back((remote, now_us, packet));
    }

    /// From now on this remote's packets are played.
    pub fn add_remote(&self, remote: RemoteId) {
        self.shared.change(|inbox| {
            if inbox.remotes.len() < limits::REMOTES {
                inbox.remotes.entry(remote).or_default();
            }
        });
    }

    /// Forgets a remote.
    pub fn remove_remote(&self, remote: RemoteId) {
        self.shared.change(|inbox| {
            inbox.remotes.remove(&remote);
        });
        self.shared.outbox().remove(&remote);
    }

    /// The remote says when the sample at `position` was captured, on its own media clock.
    pub fn set_sender_report(&self, remote: RemoteId, position: u64, captured_us: u64) {
        self.shared.change(|inbox| {
            if let Some(report) = inbox.remotes.get_mut(&remote) {
                *report = Some((position, captured_us));
            }
        });
    }

    /// Muted: the microphone stays open, nothing is encoded.
    pub fn set_muted(&self, muted: bool) {
        self.shared.change(|inbox| inbox.muted = muted);
    }

    /// Another microphone.
    pub fn set_microphone(&self, microphone: Source) {
        self.shared.change(|inbox| inbox.microphone = Some(microphone));
    }

    /// Another speaker.
    pub fn set_speaker(&self, speaker: Sink) {
        self.shared.change(|inbox| inbox.speaker = Some(speaker));
    }

    /// The worst of the paths to all who hear us: the voice is encoded for it.
    pub fn set_paths(&self, paths: PathNeeds) {
        self.shared.change(|inbox| inbox.paths = paths);
    }

    /// Whether anybody is there to hear us. While not, nothing is encoded. On at the start.
    pub fn set_sending(&self, sending: bool) {
        self.shared.change(|inbox| inbox.sending = sending);
    }

    /// What of this remote is being heard; `None` before its first sound and sender report.
    #[must_use]
    pub fn playout(&self, remote: RemoteId) -> Option<PlayoutPoint> {
        self.shared.outbox().get(&remote).and_then(|o| o.playout)
    }

    /// Loudness of the microphone now, 0.0 .. 1.0; also while muted.
    #[must_use]
    pub fn microphone_level(&self) -> f32 {
        f32::from_bits(self.shared.microphone_level.load(Ordering::Relaxed))
    }

    /// Counters of a remote; all zero for an unknown one.
    #[must_use]
    pub fn stats(&self, remote: RemoteId) -> AudioStats {
        self.shared.outbox().get(&remote).map(|o| o.stats).unwrap_or_default()
    }
}

impl Drop for AudioEngine {
    fn drop(&mut self) {
        self.shared.change(|inbox| inbox.stop = true);
        // The thread owns no device call that may hang, but its event closure is not ours.
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.recv_timeout(limits::STOP_DEADLINE).ok();
    }
}

/// The microphones of this machine. Asks on a helper thread, returns within three seconds whatever the sound system does.
#[must_use]
pub fn microphones() -> Vec<DeviceInfo> {
    device::list(Direction::Microphone)
}

/// The speakers of this machine. Asks on a helper thread, returns within three seconds whatever the sound system does.
#[must_use]
pub fn speakers() -> Vec<DeviceInfo> {
    device::list(Direction::Speaker)
}

#[cfg(test)]
mod tests;
