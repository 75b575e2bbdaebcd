//! The audio thread: everything between the devices' rings and the packets, in blocks of 10 ms.
//!
//! Owns the microphone, the speaker and each remote's jitter buffer. It never waits for a device, a file or the app;
//! started and stopped by the engine's handle.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::engine::{Outbox, Shared};
use super::jitter::JitterBuffer;
use super::microphone::Microphone;
use super::mixer::Mixer;
use super::sender::Sender;
use super::speaker::{Due, Speaker};
use super::{AudioConfig, AudioError, AudioEvent, BLOCK, PlayoutPoint, RemoteId};
use crate::clock::{now_us, to_unix_us};
use crate::limits;

/// What the audio thread owns.
pub(crate) struct Worker {
    shared: Arc<Shared>,
    on_event: Box<dyn FnMut(AudioEvent) + Send>,
    microphone: Microphone,
    sender: Sender,
    speaker: Speaker,
    mixer: Mixer,
    remotes: BTreeMap<RemoteId, Remote>,
    muted: bool,
    sending: bool,
    /// From handing a block to the speaker until it is heard.
    speaker_delay_us: u64,
}

struct Remote {
    buffer: JitterBuffer,
    report: Option<(u64, u64)>,
    playout: Option<PlayoutPoint>,
    was_heard: bool,
}

impl Worker {
    pub(crate) fn new(
        config: AudioConfig,
        shared: Arc<Shared>,
        on_event: Box<dyn FnMut(AudioEvent) + Send>,
    ) -> Result<Self, AudioError> {
        Ok(Self {
            shared,
            on_event,
            microphone: Microphone::new(config.microphone),
            sender: Sender::new(config.processing)?,
            speaker: Speaker::new(config.speaker, now_us()),
            mixer: Mixer::new(),
            remotes: BTreeMap::new(),
            muted: false,
            sending: true,
            speaker_delay_us: 0,
        })
    }

    /// Until the handle is dropped.
    pub(crate) fn run(mut self) {
        while self.take_wishes() {
            self.microphone.poll(now_us(), &mut self.on_event);
            self.capture();
            self.speaker.poll(now_us(), &mut self.on_event);
            self.play();
            self.publish();
            let now = now_us();
            // At least once a second, so that a mistake in a deadline cannot stop the sound for good.
            let next = self.microphone.next_us(now).min(self.speaker.next_us(now)).min(now + 1_000_000);
            self.shared.wait(next);
        }
    }

    /// Takes over what the app wants, and the packets. `false`: stop.
    fn take_wishes(&mut self) -> bool {
        let (microphone, speaker, packets) = {
            let mut inbox = self.shared.inbox();
            if inbox.stop {
                return false;
            }
            if std::mem::take(&mut inbox.changed) {
                self.muted = inbox.muted;
                self.sending = inbox.sending;
                self.sender.set_paths(inbox.paths);
                self.remotes.retain(|id, _| inbox.remotes.contains_key(id));
                for (&id, &report) in &inbox.remotes {
                    if let Some(remote) = self.remotes.get_mut(&id) {
                        remote.report = report;
                    } else if let Ok(buffer) = JitterBuffer::new() {
                        self.remotes.insert(id, Remote { buffer, report, playout: None, was_heard: false });
                    } else {
                        tracing::error!("no Opus decoder could be had for a remote");
                    }
                }
            }
            (inbox.microphone.take(), inbox.speaker.take(), std::mem::take(&mut inbox.packets))
        };
        if let Some(microphone) = microphone {
            self.microphone.switch(microphone);
        }
        if let Some(speaker) = speaker {
            self.speaker.switch(speaker, now_us());
        }
        for (id, arrived_us, packet) in packets {
            if let Some(remote) = self.remotes.get_mut(&id) {
                remote.buffer.insert(arrived_us, packet);
            }
        }
        true
    }

    fn capture(&mut self) {
        let delay_us = self.speaker_delay_us + u64::from(self.microphone.latency_us());
        let delay_ms = u32::try_from(delay_us / 1000).unwrap_or(0);
        for _ in 0..=limits::BEHIND_BLOCKS {
            let Some(captured) = self.microphone.read(now_us()) else { break };
            self.sender.take(captured, self.sending && !self.muted, delay_ms, &mut self.on_event);
        }
        self.shared.set_microphone_level(self.sender.level());
    }

    fn play(&mut self) {
        for _ in 0..=limits::BEHIND_BLOCKS {
            let now = now_us();
            let Some(due) = self.speaker.due(now) else { break };
            self.speaker_delay_us = due.heard_us.saturating_sub(now);
            let mut block = [0.0; BLOCK];
            for (&id, remote) in &mut self.remotes {
                remote.play(id, due, &mut block, &mut self.on_event);
            }
            self.mixer.limit(&mut block);
            self.sender.heard_by_the_room(&block);
            self.speaker.write(&block);
        }
    }

    fn publish(&self) {
        let mut outbox = self.shared.outbox();
        outbox.retain(|id, _| self.remotes.contains_key(id));
        for (&id, remote) in &self.remotes {
            outbox.insert(id, Outbox { stats: remote.buffer.stats(), playout: remote.playout });
        }
    }
}

impl Remote {
    fn play(&mut self, id: RemoteId, due: Due, mix: &mut [f32; BLOCK], on_event: &mut dyn FnMut(AudioEvent)) {
        let mut voice = [0.0; BLOCK];
        let pulled = self.buffer.pull(due.pull_us, &mut voice);
        Mixer::add(mix, &voice);
        let Some(position) = pulled.position else { return };
        if !self.was_heard {
            self.was_heard = true;
            on_event(AudioEvent::FirstSound { remote: id, unix_us: to_unix_us(due.heard_us) });
        }
        self.playout = self.report.and_then(|(reported, captured_us)| {
            let since = i64::try_from(position).ok()?.checked_sub(i64::try_from(reported).ok()?)?;
            let captured_us = captured_us.checked_add_signed(since.checked_mul(125)? / 6)?;
            Some(PlayoutPoint { captured_us, heard_us: due.heard_us })
        });
    }
}
