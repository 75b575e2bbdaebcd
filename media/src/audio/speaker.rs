//! The speaker as the audio thread sees it: it says when the next block of 10 ms is due and when that will be heard.
//!
//! A device's own clock decides when blocks are due; a file, `none`, and a device that has failed go by the monotonic
//! clock, so that the meeting goes on as if it were heard. Opened, watched and tried again by itself.

use std::sync::atomic::Ordering;

use rtrb::Producer;

use super::device::{Direction, Stream};
use super::recorder::Recorder;
use super::resample::Resampler;
use super::{AudioEvent, BLOCK, RATE};
use crate::clock::to_unix_us;
use crate::limits;
use crate::source::{DeviceFault, DeviceStatus, Sink};

const BLOCK_US: u64 = 10_000;

/// The next block is due.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Due {
    /// When its first sample is heard, on the media clock.
    pub(crate) heard_us: u64,
    /// An even clock for the jitter buffers, never ahead of the true time at which a block is pulled.
    pub(crate) pull_us: u64,
}

/// The current speaker.
pub(crate) struct Speaker {
    sink: Sink,
    clock: Clock,
    state: State,
    abandoned: Vec<Stream>,
}

/// Paces blocks where no device does.
struct Clock {
    start_us: u64,
    blocks: u64,
}

impl Clock {
    fn starting_at(start_us: u64) -> Self {
        Self { start_us, blocks: 0 }
    }
}

enum State {
    /// By the clock, into nothing.
    Nowhere,
    /// By the clock into nothing, until the next try.
    Wait {
        retry_us: u64,
    },
    Creating {
        recorder: Recorder,
        since_us: u64,
    },
    Recording(Recorder),
    Device(Box<Device>),
}

struct Device {
    stream: Stream,
    ring: Producer<f32>,
    since_us: u64,
    /// Present as soon as the device plays.
    resampler: Option<Resampler>,
    rate: u32,
    /// When the next block is heard: callbacks take pieces at uneven times, this goes evenly.
    heard_us: f64,
    /// The most that lay between pulling and hearing lately.
    ahead_us: f64,
}

impl Speaker {
    pub(crate) fn new(sink: Sink, now_us: u64) -> Self {
        let state = State::Wait { retry_us: 0 };
        Self { sink, clock: Clock::starting_at(now_us), state, abandoned: Vec::new() }
    }

    /// Another sink; closes the one before.
    pub(crate) fn switch(&mut self, sink: Sink, now_us: u64) {
        self.sink = sink;
        self.close(now_us);
        self.state = State::Wait { retry_us: 0 };
    }

    fn close(&mut self, now_us: u64) {
        if let State::Device(device) = std::mem::replace(&mut self.state, State::Nowhere) {
            drop(device.ring);
            device.stream.shared.stop();
            self.abandoned.push(device.stream);
            self.clock = Clock::starting_at(now_us);
        }
        self.abandoned.retain(|s| !s.thread_ended());
    }

    fn fail(&mut self, now_us: u64, fault: DeviceFault, on_event: &mut dyn FnMut(AudioEvent)) {
        tracing::warn!(%fault, "speaker");
        self.close(now_us);
        self.state = State::Wait { retry_us: now_us + limits::DEVICE_RETRY_US };
        on_event(AudioEvent::Speaker(DeviceStatus::Failed(fault)));
    }

    fn runs(&self, name: String, start_us: u64, on_event: &mut dyn FnMut(AudioEvent)) {
        on_event(AudioEvent::Speaker(DeviceStatus::Running(name)));
        on_event(AudioEvent::SpeakerStarted { unix_us: to_unix_us(start_us) });
    }

    /// When there may be something to do again.
    pub(crate) fn next_us(&self, now_us: u64) -> u64 {
        match &self.state {
            State::Device(device) if device.resampler.is_some() => now_us + 5_000,
            _ => self.clock.start_us + self.clock.blocks * BLOCK_US - limits::SPEAKER_LEAD_US,
        }
    }

    /// Opens, watches, tries again.
    pub(crate) fn poll(&mut self, now_us: u64, on_event: &mut dyn FnMut(AudioEvent)) {
        match &mut self.state {
            State::Nowhere => {}
            State::Wait { retry_us } if now_us < *retry_us => {}
            State::Wait { .. } => self.open(now_us, on_event),
            State::Creating { recorder, since_us } => match recorder.ready.try_recv() {
                Ok(Ok(())) => {
                    let State::Creating { recorder, .. } = std::mem::replace(&mut self.state, State::Nowhere) else {
                        return;
                    };
                    self.state = State::Recording(recorder);
                    self.clock = Clock::starting_at(now_us + limits::SPEAKER_LEAD_US);
                    self.runs(self.sink.to_string(), self.clock.start_us, on_event);
                }
                Ok(Err(fault)) => self.fail(now_us, fault, on_event),
                Err(_) if now_us > *since_us + limits::FILE_OPEN_US => {
                    let fault = DeviceFault::File { path: self.sink.to_string(), why: "it does not answer".into() };
                    self.fail(now_us, fault, on_event);
                }
                Err(_) => {}
            },
            State::Recording(recorder) => {
                if let Ok(fault) = recorder.broken.try_recv() {
                    self.fail(now_us, fault, on_event);
                }
            }
            State::Device(device) => {
                let fault = super::watch::fault(&device.stream, Direction::Speaker, device.since_us, now_us);
                if let Some(fault) = fault {
                    self.fail(now_us, fault, on_event);
                } else if device.resampler.is_none()
                    && let Some(result) = device.begin(now_us)
                {
                    match result {
                        Ok((name, start_us)) => self.runs(name, start_us, on_event),
                        Err(fault) => self.fail(now_us, fault, on_event),
                    }
                }
            }
        }
    }

    fn open(&mut self, now_us: u64, on_event: &mut dyn FnMut(AudioEvent)) {
        self.abandoned.retain(|s| !s.thread_ended());
        let opened = match &self.sink {
            Sink::None => {
                self.state = State::Nowhere;
                self.clock = Clock::starting_at(now_us + limits::SPEAKER_LEAD_US);
                self.runs("none".into(), self.clock.start_us, on_event);
                return;
            }
            Sink::File(path) => {
                Recorder::start(path.clone()).map(|recorder| State::Creating { recorder, since_us: now_us })
            }
            Sink::DefaultDevice | Sink::Device(_) if self.abandoned.len() >= limits::ABANDONED_STREAMS => {
                // The sound system holds on to them all; another would only join them.
                self.state = State::Wait { retry_us: now_us + limits::DEVICE_RETRY_US };
                return;
            }
            Sink::DefaultDevice => Device::start(None, now_us),
            Sink::Device(name) => Device::start(Some(name.clone()), now_us),
        };
        match opened {
            Ok(state) => self.state = state,
            Err(e) => {
                let (kind, name) = (Direction::Speaker.kind(), self.sink.to_string());
                self.fail(now_us, DeviceFault::Other { kind, name, why: e.to_string() }, on_event);
            }
        }
    }

    /// Whether a block is due. If so it must be given to [`Self::write`].
    pub(crate) fn due(&mut self, now_us: u64) -> Option<Due> {
        if let State::Device(device) = &mut self.state
            && device.resampler.is_some()
        {
            return device.due(now_us);
        }
        let behind = (now_us.saturating_sub(self.clock.start_us) / BLOCK_US).saturating_sub(self.clock.blocks);
        if behind > limits::BEHIND_BLOCKS {
            // The machine stood still: that time was silent.
            self.clock.blocks += behind;
            if let State::Recording(recorder) = &mut self.state {
                recorder.skip(behind * BLOCK as u64);
            }
        }
        let heard_us = self.clock.start_us + self.clock.blocks * BLOCK_US;
        let pull_us = heard_us.saturating_sub(limits::SPEAKER_LEAD_US);
        (now_us >= pull_us).then_some(Due { heard_us, pull_us })
    }

    /// The block that was due.
    pub(crate) fn write(&mut self, block: &[f32; BLOCK]) {
        match &mut self.state {
            State::Device(device) if device.resampler.is_some() => device.write(block),
            State::Recording(recorder) => {
                recorder.push(block);
                self.clock.blocks += 1;
            }
            _ => self.clock.blocks += 1,
        }
    }
}

impl Device {
    fn start(name: Option<String>, now_us: u64) -> std::io::Result<State> {
        let (stream, ring) = Stream::speaker(name)?;
        let device = Self { stream, ring, since_us: now_us, resampler: None, rate: RATE, heard_us: 0.0, ahead_us: 0.0 };
        Ok(State::Device(Box::new(device)))
    }

    /// After the first callback: name and start.
    fn begin(&mut self, now_us: u64) -> Option<Result<(String, u64), DeviceFault>> {
        let shared = &self.stream.shared;
        let opened = shared.opened.get()?;
        if !shared.is_flowing() {
            return None;
        }
        self.rate = opened.rate;
        match Resampler::new(RATE, opened.rate) {
            Ok(resampler) => {
                self.resampler = Some(resampler);
                self.heard_us = self.measured_us(now_us);
                Some(Ok((opened.name.clone(), self.heard_us as u64)))
            }
            Err(why) => {
                let (kind, name) = (Direction::Speaker.kind(), opened.name.clone());
                Some(Err(DeviceFault::Other { kind, name, why }))
            }
        }
    }

    fn lying_ready(&self) -> usize {
        limits::DEVICE_RING_SAMPLES.saturating_sub(self.ring.slots())
    }

    /// When what is written now is heard, as far as this moment shows.
    fn measured_us(&self, now_us: u64) -> f64 {
        let ring_us = self.lying_ready() as f64 * 1e6 / f64::from(self.rate);
        now_us as f64 + ring_us + f64::from(self.stream.shared.latency_us.load(Ordering::Relaxed))
    }

    fn due(&mut self, now_us: u64) -> Option<Due> {
        // As much as one callback takes, and what is played until this thread looks again.
        let callback = self.stream.shared.callback_frames.load(Ordering::Relaxed) as usize;
        let wanted = (callback + self.rate as usize * 6 / 1000).min(limits::DEVICE_RING_SAMPLES / 2);
        if self.lying_ready() >= wanted {
            return None;
        }
        let measured = self.measured_us(now_us);
        if (measured - self.heard_us).abs() > 60_000.0 {
            self.heard_us = measured;
            self.ahead_us = 0.0;
        } else {
            self.heard_us += (measured - self.heard_us) * 0.02;
        }
        self.ahead_us = (self.ahead_us - 20.0).max(self.heard_us - now_us as f64);
        let due =
            Due { heard_us: self.heard_us.max(0.0) as u64, pull_us: (self.heard_us - self.ahead_us).max(0.0) as u64 };
        self.heard_us += BLOCK_US as f64;
        Some(due)
    }

    fn write(&mut self, block: &[f32; BLOCK]) {
        let ring = &mut self.ring;
        if let Some(resampler) = &mut self.resampler {
            resampler.push(block, |samples| {
                for &sample in samples {
                    // Never full: a block is written only where less than half the ring is filled.
                    ring.push(sample).ok();
                }
                true
            });
        }
    }
}
