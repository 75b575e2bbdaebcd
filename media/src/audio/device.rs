//! Real microphones and speakers, by cpal.
//!
//! Each stream lives on a thread of its own, which opens it, waits, and drops it: any of the three may hang, and then
//! the thread is left behind. The callbacks copy between the device and a ring of mono samples and note the time; the
//! audio thread watches those notes, because a device that vanished often just stops calling.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{self, Thread};

use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{BufferSize, ErrorKind, FromSample, SampleFormat, SizedSample, StreamConfig, SupportedBufferSize};
use rtrb::{Consumer, Producer, RingBuffer};

use super::DeviceInfo;
use crate::clock::now_us;
use crate::limits;
use crate::source::DeviceFault;

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Microphone,
    Speaker,
}

impl Direction {
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Microphone => "microphone",
            Self::Speaker => "speaker",
        }
    }
}

/// What is known of a stream that has been opened.
#[derive(Clone, Debug)]
pub(crate) struct Opened {
    pub(crate) name: String,
    pub(crate) rate: u32,
}

/// Written by the stream's threads, read by the audio thread.
#[derive(Default)]
pub(crate) struct Shared {
    stop: AtomicBool,
    owner: OnceLock<Thread>,
    pub(crate) opened: OnceLock<Opened>,
    fault: Mutex<Option<DeviceFault>>,
    /// Media clock of the last callback; 0 before the first.
    pub(crate) called_us: AtomicU64,
    /// How often it called. The first call may be followed by a second of nothing.
    pub(crate) calls: AtomicU32,
    /// Frames that went through callbacks.
    pub(crate) frames: AtomicU64,
    /// The most frames that one callback wanted.
    pub(crate) callback_frames: AtomicU32,
    /// From the device to the callback or the other way.
    pub(crate) latency_us: AtomicU32,
    /// Media clock of the first frame.
    pub(crate) started_us: AtomicU64,
}

impl Shared {
    /// Whether it calls as a device does that works.
    pub(crate) fn is_flowing(&self) -> bool {
        self.calls.load(Ordering::Relaxed) >= limits::DEVICE_FIRST_CALLS
    }

    /// What went wrong for good, if anything.
    pub(crate) fn fault(&self) -> Option<DeviceFault> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn fail(&self, fault: DeviceFault) {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(fault);
        self.end();
    }

    /// Tells the owning thread to close the stream.
    pub(crate) fn stop(&self) {
        self.end();
    }

    fn end(&self) {
        self.stop.store(true, Ordering::Release);
        if let Some(owner) = self.owner.get() {
            owner.unpark();
        }
    }

    fn called(&self, frames: usize, latency: std::time::Duration, captured: bool) {
        let now = now_us();
        let latency = u32::try_from(latency.as_micros()).unwrap_or(0).min(limits::DEVICE_LATENCY_MAX_US);
        self.latency_us.store(latency, Ordering::Relaxed);
        self.callback_frames.fetch_max(u32::try_from(frames).unwrap_or(u32::MAX), Ordering::Relaxed);
        if self.started_us.load(Ordering::Relaxed) == 0 {
            let first = if captured { now.saturating_sub(latency.into()) } else { now + u64::from(latency) };
            self.started_us.store(first.max(1), Ordering::Relaxed);
        }
        self.frames.fetch_add(frames as u64, Ordering::Relaxed);
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.called_us.store(now, Ordering::Release);
    }
}

/// Handle to a stream; dropping it tells the thread to drop the stream, and does not wait for that.
pub(crate) struct Stream {
    pub(crate) shared: Arc<Shared>,
    thread: thread::JoinHandle<()>,
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.shared.end();
    }
}

impl Stream {
    /// Whether the thread has ended: the stream is really closed.
    pub(crate) fn thread_ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// Begins to open a microphone; what it hears comes out of the ring, mono at its own rate.
    pub(crate) fn microphone(name: Option<String>) -> std::io::Result<(Self, Consumer<f32>)> {
        let (ring, samples) = RingBuffer::new(limits::DEVICE_RING_SAMPLES);
        let stream = Self::start(Direction::Microphone, move |shared| {
            let _hush = Hush::this_thread();
            let (device, name) = find(Direction::Microphone, name.as_deref())?;
            let config = device.default_input_config().map_err(|e| opening_fault(Direction::Microphone, &name, &e))?;
            let stream =
                record(&device, &config, shared, ring).map_err(|e| opening_fault(Direction::Microphone, &name, &e))?;
            Ok((stream, Opened { name, rate: config.sample_rate() }))
        })?;
        Ok((stream, samples))
    }

    /// Begins to open a speaker; it plays what comes into the ring, mono at its own rate.
    pub(crate) fn speaker(name: Option<String>) -> std::io::Result<(Self, Producer<f32>)> {
        let (samples, ring) = RingBuffer::new(limits::DEVICE_RING_SAMPLES);
        let stream = Self::start(Direction::Speaker, move |shared| {
            let _hush = Hush::this_thread();
            let (device, name) = find(Direction::Speaker, name.as_deref())?;
            let config = device.default_output_config().map_err(|e| opening_fault(Direction::Speaker, &name, &e))?;
            let stream =
                play(&device, &config, shared, ring).map_err(|e| opening_fault(Direction::Speaker, &name, &e))?;
            Ok((stream, Opened { name, rate: config.sample_rate() }))
        })?;
        Ok((stream, samples))
    }

    fn start<F>(direction: Direction, open: F) -> std::io::Result<Self>
    where
        F: FnOnce(&Arc<Shared>) -> Result<(cpal::Stream, Opened), DeviceFault> + Send + 'static,
    {
        let shared = Arc::new(Shared::default());
        let ours = Arc::clone(&shared);
        let thread = thread::Builder::new().name(format!("conclave-{}", direction.kind())).spawn(move || {
            if ours.owner.set(thread::current()).is_err() {
                return;
            }
            match open(&ours) {
                Err(fault) => ours.fail(fault),
                Ok((stream, opened)) => {
                    let name = opened.name.clone();
                    match stream.play() {
                        Err(e) => ours.fail(fault(direction, &name, &e)),
                        Ok(()) => {
                            ours.opened.set(opened).ok();
                        }
                    }
                    while !ours.stop.load(Ordering::Acquire) {
                        thread::park();
                    }
                    // May hang, which holds up nobody.
                    drop(stream);
                }
            }
        })?;
        Ok(Self { shared, thread })
    }
}

/// Keeps what libasound would print on stderr from the person's terminal, as far as it is printed by this thread.
struct Hush {
    #[cfg(target_os = "linux")]
    _caught: Option<std::rc::Rc<std::cell::RefCell<alsa::Output>>>,
}

impl Hush {
    fn this_thread() -> Self {
        Self {
            #[cfg(target_os = "linux")]
            _caught: alsa::Output::local_error_handler().ok(),
        }
    }
}

/// PulseAudio first: its host is pure Rust and speaks to PipeWire too. Then what the system has (ALSA on Linux).
fn hosts() -> Vec<cpal::Host> {
    #[cfg(target_os = "linux")]
    if let Ok(host) = cpal::host_from_id(cpal::HostId::PulseAudio) {
        return vec![host];
    }
    vec![cpal::default_host()]
}

fn name_of(device: &cpal::Device) -> String {
    device.description().map_or_else(|_| "unnamed".into(), |d| d.name().to_owned())
}

/// ALSA's device that swallows everything would look like a speaker, and like a microphone that hears silence. Its bridge
/// to JACK cannot be asked anything without a server: the library behind it then writes a page of complaints to stderr.
/// Who means one of them can still name it.
fn is_not_offered(device: &cpal::Device) -> bool {
    let id = device.id().map(|id| id.to_string().to_lowercase());
    id.is_ok_and(|id| matches!(id.as_str(), "alsa:null" | "alsa:jack"))
}

fn of(host: &cpal::Host, direction: Direction) -> Vec<cpal::Device> {
    let devices = match direction {
        Direction::Microphone => host.input_devices().map(Iterator::collect),
        Direction::Speaker => host.output_devices().map(Iterator::collect),
    };
    let mut devices: Vec<cpal::Device> = devices.unwrap_or_default();
    devices.truncate(limits::DEVICES_LISTED);
    devices
}

fn default_of(host: &cpal::Host, direction: Direction) -> Option<cpal::Device> {
    match direction {
        Direction::Microphone => host.default_input_device(),
        Direction::Speaker => host.default_output_device(),
    }
}

/// A sound server offers what a speaker plays as a microphone too. Nobody means that by "microphone".
fn is_monitor(name: &str) -> bool {
    name.starts_with("Monitor of ") || name.ends_with(".monitor")
}

fn find(direction: Direction, name: Option<&str>) -> Result<(cpal::Device, String), DeviceFault> {
    let kind = direction.kind();
    for host in hosts() {
        let found = match name {
            Some(part) => of(&host, direction).into_iter().find(|d| {
                let id = d.id().map(|id| id.to_string()).unwrap_or_default();
                name_of(d).to_lowercase().contains(&part.to_lowercase()) || id.contains(part)
            }),
            None => default_of(&host, direction).filter(|d| !is_monitor(&name_of(d))),
        };
        if let Some(device) = found {
            let name = name_of(&device);
            return Ok((device, name));
        }
    }
    Err(match name {
        Some(name) => DeviceFault::NotFound { kind, name: name.to_owned() },
        None => DeviceFault::Missing { kind },
    })
}

fn fault(direction: Direction, name: &str, error: &cpal::Error) -> DeviceFault {
    let (kind, name) = (direction.kind(), name.to_owned());
    match error.kind() {
        ErrorKind::DeviceBusy => DeviceFault::Busy { kind, name },
        ErrorKind::HostUnavailable => DeviceFault::Missing { kind },
        ErrorKind::DeviceNotAvailable | ErrorKind::StreamInvalidated => DeviceFault::Unplugged { kind, name },
        _ => DeviceFault::Other { kind, name, why: error.to_string() },
    }
}

/// What cannot be opened was never plugged in.
fn opening_fault(direction: Direction, name: &str, error: &cpal::Error) -> DeviceFault {
    match fault(direction, name, error) {
        DeviceFault::Unplugged { kind, .. } => DeviceFault::Missing { kind },
        other => other,
    }
}

fn stream_config(supported: &cpal::SupportedStreamConfig) -> StreamConfig {
    let frames = (supported.sample_rate() / 100).max(1);
    // Without a fixed size the default may be two seconds. Asked for, not relied upon.
    let frames = match supported.buffer_size() {
        SupportedBufferSize::Range { min, max } => frames.clamp(*min, (*max).max(*min)),
        SupportedBufferSize::Unknown => frames,
    };
    StreamConfig {
        channels: supported.channels(),
        sample_rate: supported.sample_rate(),
        buffer_size: BufferSize::Fixed(frames),
    }
}

/// Told at every error of a running stream, by a dead sound server 150,000 times a second: the first fatal one ends it.
fn on_error(shared: &Arc<Shared>, direction: Direction) -> impl FnMut(cpal::Error) + Send + 'static {
    let shared = Arc::clone(shared);
    move |error| match error.kind() {
        ErrorKind::Xrun | ErrorKind::DeviceChanged | ErrorKind::RealtimeDenied => {}
        _ if shared.stop.load(Ordering::Relaxed) => {}
        _ => {
            let name = shared.opened.get().map_or_else(String::new, |o| o.name.clone());
            let fault = match fault(direction, &name, &error) {
                DeviceFault::Missing { kind } => DeviceFault::Unplugged { kind, name },
                other => other,
            };
            shared.fail(fault);
        }
    }
}

/// Calls a generic function with the sample type of a format; other formats are not found on sound devices.
macro_rules! by_format {
    ($format:expr, $function:ident($($argument:expr),*)) => {
        match $format {
            SampleFormat::F32 => $function::<f32>($($argument),*),
            SampleFormat::F64 => $function::<f64>($($argument),*),
            SampleFormat::I8 => $function::<i8>($($argument),*),
            SampleFormat::I16 => $function::<i16>($($argument),*),
            SampleFormat::I24 => $function::<cpal::I24>($($argument),*),
            SampleFormat::I32 => $function::<i32>($($argument),*),
            SampleFormat::U8 => $function::<u8>($($argument),*),
            SampleFormat::U16 => $function::<u16>($($argument),*),
            SampleFormat::U32 => $function::<u32>($($argument),*),
            _ => Err(cpal::Error::new(ErrorKind::UnsupportedConfig)),
        }
    };
}

fn record(
    device: &cpal::Device,
    supported: &cpal::SupportedStreamConfig,
    shared: &Arc<Shared>,
    ring: Producer<f32>,
) -> Result<cpal::Stream, cpal::Error> {
    by_format!(supported.sample_format(), record_as(device, stream_config(supported), shared, ring))
}

fn record_as<T: SizedSample>(
    device: &cpal::Device,
    config: StreamConfig,
    shared: &Arc<Shared>,
    mut ring: Producer<f32>,
) -> Result<cpal::Stream, cpal::Error>
where
    f32: FromSample<T>,
{
    let channels = usize::from(config.channels).max(1);
    // Of many channels the first two are the microphone; the others may be anything.
    let heard = channels.min(2);
    let notes = Arc::clone(shared);
    device.build_input_stream::<T, _, _>(
        config,
        move |data, info| {
            let at = info.timestamp();
            notes.called(data.len() / channels, at.callback.saturating_duration_since(at.capture), true);
            for frame in data.chunks_exact(channels) {
                let sum: f32 = frame[..heard].iter().map(|&s| f32::from_sample_(s)).sum();
                // A full ring means that the audio thread stands still; what is too old is not wanted then.
                ring.push(sum / heard as f32).ok();
            }
        },
        on_error(shared, Direction::Microphone),
        Some(limits::DEVICE_OPEN_DEADLINE),
    )
}

fn play(
    device: &cpal::Device,
    supported: &cpal::SupportedStreamConfig,
    shared: &Arc<Shared>,
    ring: Consumer<f32>,
) -> Result<cpal::Stream, cpal::Error> {
    by_format!(supported.sample_format(), play_as(device, stream_config(supported), shared, ring))
}

fn play_as<T: SizedSample + FromSample<f32>>(
    device: &cpal::Device,
    config: StreamConfig,
    shared: &Arc<Shared>,
    mut ring: Consumer<f32>,
) -> Result<cpal::Stream, cpal::Error> {
    let channels = usize::from(config.channels).max(1);
    let notes = Arc::clone(shared);
    device.build_output_stream::<T, _, _>(
        config,
        move |data, info| {
            let at = info.timestamp();
            notes.called(data.len() / channels, at.playback.saturating_duration_since(at.callback), false);
            for frame in data.chunks_exact_mut(channels) {
                let sample = T::from_sample_(ring.pop().unwrap_or(0.0));
                for (i, out) in frame.iter_mut().enumerate() {
                    *out = if i < 2 { sample } else { T::from_sample_(0.0) };
                }
            }
        },
        on_error(shared, Direction::Speaker),
        Some(limits::DEVICE_OPEN_DEADLINE),
    )
}

/// The devices there are. Asks on a helper thread, because any question to a sound system may hang.
pub(crate) fn list(direction: Direction) -> Vec<DeviceInfo> {
    let (tell, told) = std::sync::mpsc::sync_channel(1);
    let asking = thread::Builder::new().name("conclave-devices".into()).spawn(move || {
        // Nobody may be waiting any more.
        tell.send(list_now(direction)).ok();
    });
    match asking {
        Ok(_) => told.recv_timeout(limits::DEVICE_LIST_DEADLINE).unwrap_or_default(),
        Err(_) => Vec::new(),
    }
}

fn list_now(direction: Direction) -> Vec<DeviceInfo> {
    let _hush = Hush::this_thread();
    let mut all = Vec::new();
    for host in hosts() {
        let default = default_of(&host, direction).map(|d| name_of(&d));
        for device in of(&host, direction) {
            let name = name_of(&device);
            if direction == Direction::Microphone && is_monitor(&name) || is_not_offered(&device) {
                continue;
            }
            let config = match direction {
                Direction::Microphone => device.default_input_config(),
                Direction::Speaker => device.default_output_config(),
            };
            // ALSA lists every plugin of its configuration; most of them lead nowhere.
            let Ok(config) = config else { continue };
            let formats =
                format!("{} channels, {} Hz, {}", config.channels(), config.sample_rate(), config.sample_format());
            all.push(DeviceInfo { is_default: default.as_ref() == Some(&name), name, formats });
        }
    }
    all
}
