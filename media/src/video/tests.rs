//! The sender and the receiver as the app uses them, over real threads: every wait is for an event, with a deadline.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::decoding::{Decoded, Decoding};
use super::encoding::Encoding;
use super::*;
use crate::audio::PlayoutPoint;
use crate::clock;
use crate::picture::{Picture, PictureSlot};
use crate::source::{DeviceFault, DeviceStatus, Source};

const DEADLINE: Duration = Duration::from_secs(30);

fn config(source: Source) -> VideoSendConfig {
    VideoSendConfig { source, width: 320, height: 180, fps: 30, codec: CodecChoice::Auto, captured_out: None }
}

fn start(config: VideoSendConfig) -> (VideoSender, Receiver<VideoSendEvent>) {
    let (send, events) = sync_channel(1024);
    let on_event = Box::new(move |event| drop(send.try_send(event)));
    (VideoSender::start(config, Arc::default(), on_event).expect("starts"), events)
}

/// The first thing that `pick` takes.
fn wait_for<T, E>(events: &Receiver<E>, mut pick: impl FnMut(E) -> Option<T>) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let event = events.recv_timeout(left).expect("comes before the deadline");
        if let Some(found) = pick(event) {
            return found;
        }
    }
}

fn encoded(event: VideoSendEvent) -> Option<EncodedVideo> {
    match event {
        VideoSendEvent::Encoded(frame) => Some(frame),
        VideoSendEvent::Camera(_) => None,
    }
}

fn failed(event: VideoSendEvent) -> Option<DeviceFault> {
    match event {
        VideoSendEvent::Camera(DeviceStatus::Failed(fault)) => Some(fault),
        VideoSendEvent::Camera(_) | VideoSendEvent::Encoded(_) => None,
    }
}

const FULL: LayerTarget = LayerTarget { layer: Layer::Full, bitrate_bps: 300_000 };

#[test]
fn a_test_picture_travels_from_sender_to_receiver() {
    let (sender, events) = start(config(Source::Test));
    sender.set_targets(&[FULL]);
    let slot = Arc::new(PictureSlot::default());
    let (send, news) = sync_channel(1024);
    let on_event = Box::new(move |event| drop(send.try_send(event)));
    let folder = tempfile::tempdir().expect("a folder");
    let out = VideoReceiveConfig { pictures_out: Some((folder.path().to_owned(), "Ann".to_owned())) };
    let receiver = VideoReceiver::start(out, Arc::clone(&slot), Box::new(|| None), on_event).expect("starts");
    for _ in 0..10 {
        receiver.push(wait_for(&events, encoded));
    }
    let shown = wait_for(&news, |event| match event {
        VideoReceiveEvent::FirstPicture { unix_us } => Some(unix_us),
        _ => None,
    });
    assert!(shown > 1_600_000_000_000_000, "in Unix time");
    let (_, picture) = slot.newer_than(0).expect("a picture lies in the slot");
    assert_eq!(picture.map(|picture| (picture.width, picture.height)), Some((320, 180)));
    drop(receiver);
    let list = std::fs::read_to_string(folder.path().join("Ann.csv")).expect("a list");
    assert!(list.lines().count() >= 2, "{list}");
    assert!(sender.stats().frames_encoded >= 10);
}

#[test]
fn pictures_go_on_while_their_sound_is_a_third_of_a_second_behind() {
    let (sender, events) = start(config(Source::Test));
    sender.set_targets(&[FULL]);
    let slot = Arc::new(PictureSlot::default());
    let (shown, seen) = (Arc::new(AtomicUsize::new(0)), Arc::downgrade(&slot));
    let counter = Arc::clone(&shown);
    slot.on_new(move || {
        let (_, picture) = seen.upgrade().and_then(|slot| slot.newer_than(0)).unwrap_or_default();
        let waited = picture.map(|picture| clock::now_us() - picture.captured_us);
        counter.fetch_add(usize::from(waited.is_some_and(|waited| waited > 250_000)), Ordering::Relaxed);
    });
    let sound = || Some(PlayoutPoint { captured_us: 1_000_000, heard_us: 1_400_000 });
    let receiver = VideoReceiver::start(VideoReceiveConfig::default(), slot, Box::new(sound), Box::new(|_| {}));
    let receiver = receiver.expect("starts");
    for _ in 0..60 {
        receiver.push(wait_for(&events, encoded));
    }
    let shown = shown.load(Ordering::Relaxed);
    assert!(shown >= 30, "{shown} of 60 in two seconds");
}

#[test]
fn a_machine_without_that_camera_says_so_and_the_sender_takes_another_source() {
    let (sender, events) = start(config(Source::Device("no camera has this name".to_owned())));
    sender.set_targets(&[FULL]);
    let fault = wait_for(&events, failed);
    assert!(matches!(fault, DeviceFault::NotFound { kind: "camera", .. }), "{fault:?}");
    sender.set_source(Source::Test);
    assert!(wait_for(&events, encoded).is_key());
}

#[test]
fn a_broken_file_fails_with_words_and_is_taken_once_it_is_mended() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("camera.y4m");
    std::fs::write(&path, b"YUV4MPEG2 W16 H16 F30:1\nFRAME\nshort").expect("writable");
    let (_sender, events) = start(config(Source::File(path.clone())));
    let fault = wait_for(&events, failed);
    assert!(matches!(fault, DeviceFault::File { .. }), "{fault:?}");
    let mut whole = b"YUV4MPEG2 W16 H16 F30:1\nFRAME\n".to_vec();
    whole.extend([90; 384]);
    std::fs::write(&path, whole).expect("writable");
    wait_for(&events, |event| matches!(event, VideoSendEvent::Camera(DeviceStatus::Running(_))).then_some(()));
}

#[test]
fn pictures_are_smaller_while_the_battery_is_low_and_come_back_at_a_key_frame() {
    let (sender, events) = start(config(Source::Test));
    sender.set_targets(&[FULL]);
    let first_of = |width: u16| wait_for(&events, |event| encoded(event).filter(|frame| frame.width == width));
    first_of(320);
    for (power, width, height) in [(Power::Low, 160, 90), (Power::Plenty, 320, 180)] {
        sender.set_power(power);
        let frame = first_of(width);
        assert_eq!((frame.height, frame.is_key()), (height, true), "{power:?}");
    }
}

#[test]
fn a_nearly_empty_battery_gets_half_the_pictures_and_no_layer_beyond_half_the_size() {
    let mut encoding = Encoding::new((640, 360), CodecChoice::Av1);
    let targets = [Layer::Full, Layer::Medium, Layer::Small].map(|layer| LayerTarget { layer, bitrate_bps: 300_000 });
    let sizes = Mutex::new(Vec::new());
    for picture in pictures(640, 360).take(20) {
        encoding.set_power(picture.captured_us, Power::VeryLow);
        encoding.encode(&picture, &targets, &[], |frame| {
            sizes.lock().expect("no panic").push((frame.layer, frame.width, frame.height));
        });
    }
    let sizes = sizes.into_inner().expect("no panic");
    let count = |wanted| sizes.iter().filter(|size| **size == wanted).count();
    for layer in [Layer::Full, Layer::Medium, Layer::Small] {
        assert_eq!(count((layer, 320, 180)), 10, "{sizes:?}");
    }
}

#[test]
fn captured_pictures_are_listed_and_a_switched_off_camera_ends_the_list() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("captured.csv");
    let (sender, events) = start(VideoSendConfig { captured_out: Some(path.clone()), ..config(Source::Test) });
    sender.set_targets(&[FULL]);
    for _ in 0..5 {
        wait_for(&events, encoded);
    }
    sender.set_camera_on(false);
    wait_for(&events, |event| matches!(event, VideoSendEvent::Camera(DeviceStatus::Off)).then_some(()));
    let list = std::fs::read_to_string(&path).expect("a list");
    let lines: Vec<&str> = list.lines().collect();
    assert_eq!(lines[0], "index,unix_us");
    for (index, line) in lines[1..].iter().enumerate() {
        assert!(line.starts_with(&format!("{index},1")), "{line}");
    }
    assert!(lines.len() > 5);
    sender.set_camera_on(true);
    assert!(wait_for(&events, encoded).number > 0, "numbers go on");
}

#[test]
fn a_place_that_cannot_be_written_is_an_error_at_once() {
    let out = Some("/nonexistent/captured.csv".into());
    let config = VideoSendConfig { captured_out: out, ..config(Source::Test) };
    let started = VideoSender::start(config, Arc::default(), Box::new(|_| {}));
    assert!(matches!(started, Err(VideoError::Write { .. })));
}

/// Numbered pictures of the test scene, 33 ms apart.
fn pictures(width: u32, height: u32) -> impl Iterator<Item = Picture> {
    let mut test = capture::TestPicture::new(width, height);
    (1_u64..).map(move |index| {
        let mut data = vec![0; crate::picture::i420_len(width, height)];
        test.draw(index, &mut data);
        Picture { width, height, data: data.into(), captured_us: index * 33_333 }
    })
}

/// Encodes the next picture for one layer.
fn one(encoding: &mut Encoding, picture: &Picture, layer: Layer, keys: &[Layer]) -> EncodedVideo {
    let frames = Mutex::new(Vec::new());
    let target = LayerTarget { layer, bitrate_bps: 300_000 };
    encoding.encode(picture, &[target], keys, |frame| frames.lock().expect("no panic").push(frame));
    frames.into_inner().expect("no panic").pop().expect("one frame")
}

#[test]
fn a_lost_base_frame_freezes_the_picture_until_the_key_that_is_asked_for() {
    let mut encoding = Encoding::new((320, 180), CodecChoice::Av1);
    let mut decoding = Decoding::default();
    let mut asked = 0;
    for (at, picture) in pictures(320, 180).take(80).enumerate() {
        let now = picture.captured_us;
        let keys: &[Layer] = if asked > 0 { &[Layer::Full] } else { &[] };
        let frame = one(&mut encoding, &picture, Layer::Full, keys);
        if at == 4 {
            assert_eq!((frame.temporal, frame.needs_back), (0, 2));
            continue;
        }
        match decoding.decode(&frame, now) {
            Decoded::Picture(shown) => {
                assert_eq!(shown.captured_us, now);
                assert!(at < 6 || asked > 0, "frame {at} refers to a lost one");
            }
            Decoded::Nothing => {}
            Decoded::NeedKey(layer) => {
                assert_eq!(layer, Layer::Full);
                asked += 1;
            }
        }
        if frame.is_key() && at > 0 {
            assert_eq!(asked, 1, "one question is enough");
            assert_eq!(decoding.keys, 2);
            return;
        }
    }
    panic!("no key frame came");
}

#[test]
fn a_lost_top_frame_asks_for_nothing() {
    let mut encoding = Encoding::new((320, 180), CodecChoice::Av1);
    let mut decoding = Decoding::default();
    for (at, picture) in pictures(320, 180).take(20).enumerate() {
        let frame = one(&mut encoding, &picture, Layer::Full, &[]);
        if frame.temporal == 1 && at % 3 == 0 {
            continue;
        }
        assert!(matches!(decoding.decode(&frame, picture.captured_us), Decoded::Picture(_)), "frame {at}");
    }
}

#[test]
fn size_layer_and_codec_change_at_key_frames_without_a_gap() {
    let mut decoding = Decoding::default();
    let mut number = 0;
    let mut feed = |encoding: &mut Encoding, picture: &Picture, layer: Layer, moment: u64| {
        let mut frame = one(encoding, picture, layer, &[]);
        number += 1;
        frame.captured_us = moment;
        match decoding.decode(&frame, moment) {
            Decoded::Picture(shown) => (shown.width, shown.height),
            other => panic!("frame {number}: {other:?}"),
        }
    };
    let mut moment = 0;
    let mut next = || {
        moment += 33_333;
        moment
    };
    let mut av1 = Encoding::new((640, 360), CodecChoice::Av1);
    let large: Vec<Picture> = pictures(640, 360).take(9).collect();
    for picture in &large[..3] {
        assert_eq!(feed(&mut av1, picture, Layer::Full, next()), (640, 360));
    }
    for picture in &large[3..6] {
        assert_eq!(feed(&mut av1, picture, Layer::Small, next()), (320, 180));
    }
    for picture in pictures(320, 240).take(3) {
        assert_eq!(feed(&mut av1, &picture, Layer::Full, next()), (320, 240));
    }
    if cfg!(feature = "h264") {
        let mut h264 = Encoding::new((640, 360), CodecChoice::H264);
        for picture in &large[6..] {
            assert_eq!(feed(&mut h264, picture, Layer::Medium, next()), (640, 360));
        }
    }
}
