//! The microphone as the audio thread sees it: blocks of 10 ms, each with its position and the moment of its capture,
//! from a device, a file, the synthetic voice, or nowhere; opened, watched and tried again by itself.

use std::sync::atomic::Ordering;

use rtrb::Consumer;

use super::device::{Direction, Stream};
use super::feeder::{Feed, Feeder};
use super::resample::Resampler;
use super::{AudioEvent, BLOCK, RATE};
use crate::clock::to_unix_us;
use crate::limits;
use crate::source::{DeviceFault, DeviceStatus, Source};

const BLOCK_US: u64 = 10_000;

/// One block from the microphone.
pub(crate) struct Captured {
    pub(crate) samples: [f32; BLOCK],
    /// Of the first sample, counted in 48 kHz samples since this microphone's sample 0, plus where that stands.
    pub(crate) position: u64,
    /// When the first sample was captured, on the media clock.
    pub(crate) captured_us: u64,
}

/// The current microphone.
pub(crate) struct Microphone {
    source: Source,
    state: State,
    /// Where the next microphone's positions begin, so that they never go back within a meeting.
    next_position: u64,
    /// Streams whose threads have not ended.
    abandoned: Vec<Stream>,
}

enum State {
    Off,
    Wait { retry_us: u64 },
    Filling { feeder: Feeder, since_us: u64 },
    Paced { feeder: Feeder, start_us: u64, blocks: u64, first_position: u64 },
    Device(Box<Device>),
}

struct Device {
    stream: Stream,
    ring: Consumer<f32>,
    since_us: u64,
    resampler: Option<Resampler>,
    converted: Vec<f32>,
    first_position: u64,
    taken: u64,
    /// Capture time of position 0, smoothed: callbacks come at uneven times, samples do not.
    start_us: f64,
}

impl Microphone {
    pub(crate) fn new(source: Source) -> Self {
        Self { source, state: State::Wait { retry_us: 0 }, next_position: 0, abandoned: Vec::new() }
    }

    /// Another source; closes the one before.
    pub(crate) fn switch(&mut self, source: Source) {
        self.source = source;
        self.close();
        self.state = State::Wait { retry_us: 0 };
    }

    fn close(&mut self) {
        if let State::Device(device) = std::mem::replace(&mut self.state, State::Off) {
            drop(device.ring);
            self.abandoned.push(device.stream);
        }
        for stream in &self.abandoned {
            stream.shared.stop();
        }
        self.abandoned.retain(|s| !s.thread_ended());
    }

    fn fail(&mut self, now_us: u64, fault: DeviceFault, on_event: &mut dyn FnMut(AudioEvent)) {
        tracing::warn!(%fault, "microphone");
        self.close();
        self.state = State::Wait { retry_us: now_us + limits::DEVICE_RETRY_US };
        on_event(AudioEvent::Microphone(DeviceStatus::Failed(fault)));
    }

    /// When there may be something to do again.
    pub(crate) fn next_us(&self, now_us: u64) -> u64 {
        match &self.state {
            State::Off => now_us + 1_000_000,
            State::Wait { retry_us } => *retry_us,
            State::Filling { .. } => now_us + 10_000,
            State::Paced { start_us, blocks, .. } => start_us + (blocks + 1) * BLOCK_US,
            State::Device(_) => now_us + 5_000,
        }
    }

    /// From the device to here, for the echo canceller.
    pub(crate) fn latency_us(&self) -> u32 {
        match &self.state {
            State::Device(device) => device.stream.shared.latency_us.load(Ordering::Relaxed),
            _ => 0,
        }
    }

    /// Opens, watches, tries again.
    pub(crate) fn poll(&mut self, now_us: u64, on_event: &mut dyn FnMut(AudioEvent)) {
        match &mut self.state {
            State::Off => {}
            State::Wait { retry_us } if now_us < *retry_us => {}
            State::Wait { .. } => self.open(now_us, on_event),
            State::Filling { feeder, since_us } => match feeder.ready.try_recv() {
                Ok(Ok(())) => self.begin(now_us, on_event),
                Ok(Err(fault)) => self.fail(now_us, fault, on_event),
                Err(_) if now_us > *since_us + limits::FILE_OPEN_US => {
                    let fault = self.file_fault("it does not answer");
                    self.fail(now_us, fault, on_event);
                }
                Err(_) => {}
            },
            State::Paced { feeder, .. } => {
                if let Ok(fault) = feeder.broken.try_recv() {
                    self.fail(now_us, fault, on_event);
                }
            }
            State::Device(device) => {
                if let Some(fault) = device.watch(now_us) {
                    self.fail(now_us, fault, on_event);
                } else if device.resampler.is_none()
                    && let Some(result) = device.begin(self.next_position)
                {
                    match result {
                        Ok((name, start_us)) => {
                            on_event(AudioEvent::Microphone(DeviceStatus::Running(name)));
                            on_event(AudioEvent::MicrophoneStarted { unix_us: to_unix_us(start_us) });
                        }
                        Err(fault) => self.fail(now_us, fault, on_event),
                    }
                }
            }
        }
    }

    fn file_fault(&self, why: &str) -> DeviceFault {
        DeviceFault::File { path: self.source.to_string(), why: why.into() }
    }

    fn begin(&mut self, now_us: u64, on_event: &mut dyn FnMut(AudioEvent)) {
        let State::Filling { feeder, .. } = std::mem::replace(&mut self.state, State::Off) else { return };
        self.state = State::Paced { feeder, start_us: now_us, blocks: 0, first_position: self.next_position };
        on_event(AudioEvent::Microphone(DeviceStatus::Running(self.source.to_string())));
        on_event(AudioEvent::MicrophoneStarted { unix_us: to_unix_us(now_us) });
    }

    fn open(&mut self, now_us: u64, on_event: &mut dyn FnMut(AudioEvent)) {
        let feed = match &self.source {
            Source::None => {
                self.state = State::Off;
                on_event(AudioEvent::Microphone(DeviceStatus::Off));
                return;
            }
            Source::Test => Some(Feed::Voice),
            Source::File(path) => Some(Feed::File(path.clone())),
            Source::DefaultDevice | Source::Device(_) => None,
        };
        self.abandoned.retain(|s| !s.thread_ended());
        let opened = match feed {
            Some(feed) => Feeder::start(feed).map(|feeder| State::Filling { feeder, since_us: now_us }),
            None if self.abandoned.len() >= limits::ABANDONED_STREAMS => {
                // The sound system holds on to them all; another would only join them.
                self.state = State::Wait { retry_us: now_us + limits::DEVICE_RETRY_US };
                return;
            }
            None => {
                let name = if let Source::Device(name) = &self.source { Some(name.clone()) } else { None };
                Stream::microphone(name)
                    .map(|(stream, ring)| State::Device(Box::new(Device::new(stream, ring, now_us))))
            }
        };
        match opened {
            Ok(state) => self.state = state,
            Err(e) => {
                let (kind, name) = (Direction::Microphone.kind(), self.source.to_string());
                self.fail(now_us, DeviceFault::Other { kind, name, why: e.to_string() }, on_event);
            }
        }
    }

    /// The next block, if it is complete.
    pub(crate) fn read(&mut self, now_us: u64) -> Option<Captured> {
        let captured = match &mut self.state {
            State::Paced { feeder, start_us, blocks, first_position } => {
                let behind = (now_us.saturating_sub(*start_us) / BLOCK_US).saturating_sub(*blocks);
                if behind > limits::BEHIND_BLOCKS {
                    // The machine stood still: what was not heard then is gone, and the rest keeps its time.
                    let skipped = behind - 1;
                    for _ in 0..skipped * BLOCK as u64 {
                        if feeder.samples.pop().is_err() {
                            break;
                        }
                    }
                    *blocks += skipped;
                }
                if now_us < *start_us + (*blocks + 1) * BLOCK_US {
                    return None;
                }
                let mut samples = [0.0; BLOCK];
                samples.fill_with(|| feeder.samples.pop().unwrap_or(0.0));
                let position = *first_position + *blocks * BLOCK as u64;
                let captured_us = *start_us + *blocks * BLOCK_US;
                *blocks += 1;
                Captured { samples, position, captured_us }
            }
            State::Device(device) => device.read()?,
            State::Off | State::Wait { .. } | State::Filling { .. } => return None,
        };
        self.next_position = captured.position + BLOCK as u64;
        Some(captured)
    }
}

impl Device {
    fn new(stream: Stream, ring: Consumer<f32>, since_us: u64) -> Self {
        Self {
            stream,
            ring,
            since_us,
            resampler: None,
            converted: Vec::new(),
            first_position: 0,
            taken: 0,
            start_us: 0.0,
        }
    }

    fn watch(&self, now_us: u64) -> Option<DeviceFault> {
        super::watch::fault(&self.stream, Direction::Microphone, self.since_us, now_us)
    }

    /// After the first callback: name and start.
    fn begin(&mut self, first_position: u64) -> Option<Result<(String, u64), DeviceFault>> {
        let shared = &self.stream.shared;
        let opened = shared.opened.get()?;
        if !shared.is_flowing() {
            return None;
        }
        let start_us = shared.started_us.load(Ordering::Relaxed);
        self.start_us = start_us as f64;
        self.first_position = first_position;
        match Resampler::new(opened.rate, RATE) {
            Ok(resampler) => {
                self.resampler = Some(resampler);
                Some(Ok((opened.name.clone(), start_us)))
            }
            Err(why) => {
                let (kind, name) = (Direction::Microphone.kind(), opened.name.clone());
                Some(Err(DeviceFault::Other { kind, name, why }))
            }
        }
    }

    fn read(&mut self) -> Option<Captured> {
        let resampler = self.resampler.as_mut()?;
        let fresh: Vec<f32> = std::iter::from_fn(|| self.ring.pop().ok()).take(limits::DEVICE_RING_SAMPLES).collect();
        if !fresh.is_empty() {
            resampler.push(&fresh, |samples| {
                self.converted.extend_from_slice(samples);
                true
            });
            let shared = &self.stream.shared;
            let rate = shared.opened.get().map_or(RATE, |o| o.rate);
            let (frames, called) = (shared.frames.load(Ordering::Relaxed), shared.called_us.load(Ordering::Acquire));
            let latency = u64::from(shared.latency_us.load(Ordering::Relaxed));
            let last = u64::from(shared.callback_frames.load(Ordering::Relaxed)).min(frames);
            let began = (called.saturating_sub(latency)) as f64 - (frames - last) as f64 * 1e6 / f64::from(rate);
            // Slowly: the device's clock drifts by some ppm, its callbacks shake by milliseconds.
            self.start_us += (began - self.start_us) * 0.005;
        }
        if self.converted.len() < BLOCK {
            return None;
        }
        let mut samples = [0.0; BLOCK];
        samples.copy_from_slice(&self.converted[..BLOCK]);
        self.converted.drain(..BLOCK);
        let position = self.first_position + self.taken;
        let captured_us = (self.start_us + self.taken as f64 / 0.048).max(0.0) as u64;
        self.taken += BLOCK as u64;
        Some(Captured { samples, position, captured_us })
    }
}
