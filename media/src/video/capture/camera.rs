//! The camera, by nokhwa, on a thread that can be left behind: opening and reading a frame can block for good in a driver,
//! so a watcher with deadlines runs beside it. Used by the source's thread, which is the watcher.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nokhwa::Camera;
use nokhwa::utils::{CameraFormat, CameraIndex, FrameFormat, RequestedFormat, RequestedFormatType, Resolution};

use super::camera_formats::{self, CameraNode, Mode, best};
use super::convert::{PixelFormat, to_i420};
use super::{Receiver, Stop, Wanted, retry};
use crate::clock;
use crate::limits;
use crate::picture::{Picture, PicturePool};
use crate::source::{DeviceFault, DeviceStatus};

const KIND: &str = "camera";
/// Opening, up to the first picture. USB cameras take up to two seconds.
const OPEN_DEADLINE_US: u64 = 6_000_000;
/// Between two pictures.
const FRAME_DEADLINE_US: u64 = 3_000_000;
/// How often the watcher looks.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Damaged pictures in a row until the camera counts as failed; some cameras begin with a few.
const MAX_BAD_PICTURES: u32 = 60;

/// Camera threads alive in this process, left-behind ones included.
static LIVE_THREADS: AtomicUsize = AtomicUsize::new(0);

/// Runs until stopped.
pub(super) fn run(name: Option<&str>, wanted: Wanted, stop: &Arc<Stop>, receiver: &Arc<dyn Receiver>) {
    // A thread left behind still holds the device: until it comes back, trying again would only find it busy.
    let mut left_behind: Option<(JoinHandle<()>, DeviceFault)> = None;
    retry(stop, receiver.as_ref(), |ran| {
        if let Some((thread, fault)) = &left_behind
            && !thread.is_finished()
        {
            return Err(fault.clone());
        }
        left_behind = None;
        let (outcome, thread) = attempt(name, wanted, stop, receiver, ran);
        if let (Err(fault), Some(thread)) = (&outcome, thread) {
            left_behind = Some((thread, fault.clone()));
        }
        outcome
    });
}

enum News {
    Running(String),
    Ended(DeviceFault),
}

/// What the watcher and the camera's thread share.
struct Link {
    stop: AtomicBool,
    last_picture_us: AtomicU64,
}

/// One opening; a thread comes back with the fault if it had to be left behind.
fn attempt(
    name: Option<&str>,
    wanted: Wanted,
    stop: &Stop,
    receiver: &Arc<dyn Receiver>,
    ran: &mut bool,
) -> (Result<(), DeviceFault>, Option<JoinHandle<()>>) {
    let shown = name.unwrap_or("default").to_owned();
    if LIVE_THREADS.load(Ordering::Acquire) > limits::MAX_ABANDONED_CAMERA_THREADS {
        return (Err(DeviceFault::Hangs { kind: KIND, name: shown }), None);
    }
    let link = Arc::new(Link { stop: AtomicBool::new(false), last_picture_us: AtomicU64::new(clock::now_us()) });
    // Two pieces of news at most: it runs, it ended.
    let (send, news) = sync_channel(2);
    let thread = {
        let (link, receiver, name) = (Arc::clone(&link), Arc::clone(receiver), name.map(str::to_owned));
        LIVE_THREADS.fetch_add(1, Ordering::AcqRel);
        thread::Builder::new().name("camera".to_owned()).spawn(move || {
            let fault = capture(name.as_deref(), wanted, &link, receiver.as_ref(), &send);
            if let Err(fault) = fault {
                // Nobody listens any more when this thread was left behind.
                drop(send.try_send(News::Ended(fault)));
            }
            LIVE_THREADS.fetch_sub(1, Ordering::AcqRel);
        })
    };
    let thread = match thread {
        Ok(thread) => thread,
        Err(error) => {
            LIVE_THREADS.fetch_sub(1, Ordering::AcqRel);
            return (Err(DeviceFault::Other { kind: KIND, name: shown, why: error.to_string() }), None);
        }
    };
    let mut running = shown;
    loop {
        match news.recv_timeout(LOOK_EVERY) {
            Ok(News::Running(name)) => {
                running.clone_from(&name);
                *ran = true;
                receiver.status(DeviceStatus::Running(name));
            }
            Ok(News::Ended(fault)) => return (Err(fault), Some(thread)),
            Err(RecvTimeoutError::Disconnected) => {
                let why = "it stopped unexpectedly".to_owned();
                return (Err(DeviceFault::Other { kind: KIND, name: running, why }), Some(thread));
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
        if stop.is_stopped() {
            link.stop.store(true, Ordering::Release);
            return (Ok(()), None);
        }
        let deadline = if *ran { FRAME_DEADLINE_US } else { OPEN_DEADLINE_US };
        if clock::now_us().saturating_sub(link.last_picture_us.load(Ordering::Acquire)) > deadline {
            link.stop.store(true, Ordering::Release);
            return (Err(DeviceFault::Hangs { kind: KIND, name: running }), Some(thread));
        }
    }
}

/// The camera's own thread: opens and reads until told to stop or until it fails.
fn capture(
    name: Option<&str>,
    wanted: Wanted,
    link: &Link,
    receiver: &dyn Receiver,
    news: &SyncSender<News>,
) -> Result<(), DeviceFault> {
    let node = find(name)?;
    let mode = best(&node.modes, wanted).ok_or_else(|| DeviceFault::Other {
        kind: KIND,
        name: node.name.clone(),
        why: "it offers no picture format that can be used".to_owned(),
    })?;
    let mut camera = open(&node, mode)?;
    let delivered = camera.resolution();
    let format = pixel_format(camera.frame_format());
    let (width, height) = (delivered.width() & !1, delivered.height() & !1);
    if (width, height) != (delivered.width(), delivered.height())
        || !(limits::MIN_PICTURE_SIDE..=limits::MAX_FILE_SIDE).contains(&width)
        || !(limits::MIN_PICTURE_SIDE..=limits::MAX_FILE_SIDE).contains(&height)
    {
        let why = format!("it delivers pictures of {}x{} points", delivered.width(), delivered.height());
        return Err(DeviceFault::Other { kind: KIND, name: node.name, why });
    }
    let mut pool = PicturePool::default();
    let mut scratch = Vec::new();
    let (mut told, mut bad) = (false, 0);
    while !link.stop.load(Ordering::Acquire) {
        let buffer = camera.frame_raw().map_err(|error| fault(&node.name, &error.to_string(), true))?;
        if link.stop.load(Ordering::Acquire) {
            break;
        }
        link.last_picture_us.store(clock::now_us(), Ordering::Release);
        let mut outcome = Ok(());
        let data = pool.fill(width, height, |out| {
            outcome = to_i420(format, &buffer, (width, height), out, &mut scratch);
        });
        if let Err(error) = outcome {
            bad += 1;
            if bad == MAX_BAD_PICTURES {
                return Err(DeviceFault::Other { kind: KIND, name: node.name, why: error.to_string() });
            }
            continue;
        }
        bad = 0;
        if !told {
            told = true;
            let running = format!("{} ({width}x{height}, {format:?}, {} f/s)", node.name, camera.frame_rate());
            tracing::info!(camera = %running, "camera runs");
            // The watcher is gone only when this thread was told to stop.
            drop(news.try_send(News::Running(node.name.clone())));
        }
        receiver.picture(Picture { width, height, data, captured_us: 0 });
    }
    Ok(())
}

fn find(name: Option<&str>) -> Result<CameraNode, DeviceFault> {
    let mut cameras = camera_formats::cameras();
    let Some(name) = name else {
        return if cameras.is_empty() { Err(DeviceFault::Missing { kind: KIND }) } else { Ok(cameras.swap_remove(0)) };
    };
    let wanted = name.to_lowercase();
    let at = cameras.iter().position(|camera| camera.name.to_lowercase().contains(&wanted));
    at.map(|at| cameras.swap_remove(at)).ok_or_else(|| DeviceFault::NotFound { kind: KIND, name: name.to_owned() })
}

fn open(node: &CameraNode, mode: Mode) -> Result<Camera, DeviceFault> {
    #[cfg(target_os = "linux")]
    camera_formats::reset(node.index, mode).map_err(|error| fault(&node.name, &error.to_string(), false))?;
    let index = u32::try_from(node.index).unwrap_or(0);
    let wish = CameraFormat::new(Resolution::new(mode.width, mode.height), frame_format(mode.format), mode.fps);
    let request = RequestedFormat::with_formats(RequestedFormatType::Closest(wish), ALL_FORMATS);
    let failed = |error: nokhwa::NokhwaError| fault(&node.name, &error.to_string(), false);
    let mut camera = Camera::new(CameraIndex::Index(index), request).map_err(failed)?;
    camera.open_stream().map_err(failed)?;
    Ok(camera)
}

const ALL_FORMATS: &[FrameFormat] = &[
    FrameFormat::YUYV,
    FrameFormat::NV12,
    FrameFormat::MJPEG,
    FrameFormat::GRAY,
    FrameFormat::RAWRGB,
    FrameFormat::RAWBGR,
];

fn frame_format(format: PixelFormat) -> FrameFormat {
    match format {
        PixelFormat::Yuyv => FrameFormat::YUYV,
        PixelFormat::Nv12 => FrameFormat::NV12,
        PixelFormat::Grey => FrameFormat::GRAY,
        PixelFormat::Mjpeg => FrameFormat::MJPEG,
        PixelFormat::Rgb => FrameFormat::RAWRGB,
        PixelFormat::Bgr => FrameFormat::RAWBGR,
    }
}

fn pixel_format(format: FrameFormat) -> PixelFormat {
    match format {
        FrameFormat::YUYV => PixelFormat::Yuyv,
        FrameFormat::NV12 => PixelFormat::Nv12,
        FrameFormat::GRAY => PixelFormat::Grey,
        FrameFormat::MJPEG => PixelFormat::Mjpeg,
        FrameFormat::RAWRGB => PixelFormat::Rgb,
        FrameFormat::RAWBGR => PixelFormat::Bgr,
    }
}

/// nokhwa hands the system's words on as text; the error number in them says what happened.
fn fault(name: &str, why: &str, ran: bool) -> DeviceFault {
    let name = name.to_owned();
    let says = |number: u32| why.contains(&format!("os error {number})"));
    if says(16) {
        DeviceFault::Busy { kind: KIND, name }
    } else if ran || says(19) || says(6) || says(5) {
        DeviceFault::Unplugged { kind: KIND, name }
    } else if says(2) {
        DeviceFault::Missing { kind: KIND }
    } else {
        DeviceFault::Other { kind: KIND, name, why: why.to_owned() }
    }
}
