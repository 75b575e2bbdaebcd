//! Measures what a call costs in pictures: `cargo run --release -p conclave-media --example codec_bench [-- SECONDS]`.
//!
//! Per codec and rate it sends a moving 720p scene with texture and noise through the sender and the receiver of this crate,
//! and prints time per picture, bits, and PSNR-Y against the source. `file:PATH` as a second argument measures a Y4M file.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use conclave_media::video::{
    Codec, CodecChoice, Layer, LayerTarget, VideoReceiveConfig, VideoReceiver, VideoSendConfig, VideoSendEvent,
    VideoSender,
};
use conclave_media::{Picture, PictureSlot, Source};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let seconds: u64 = arguments.next().map_or(Ok(10), |text| text.parse())?;
    let source: Source = arguments.next().map_or(Ok(Source::Test), |text| text.parse())?;
    let rates: Vec<u64> =
        arguments.next().map_or(vec![600, 1200, 1900], |text| text.split(',').filter_map(|r| r.parse().ok()).collect());
    println!("codec  kbit/s asked  kbit/s  f/s   encode ms  p95 ms  decode ms  PSNR-Y dB  min dB  cpu cores  delay ms");
    for choice in [CodecChoice::Av1, CodecChoice::H264] {
        for rate in &rates {
            run(choice, *rate, seconds, &source)?;
        }
    }
    Ok(())
}

fn run(choice: CodecChoice, kbps: u64, seconds: u64, source: &Source) -> Result<(), Box<dyn std::error::Error>> {
    let preview = Arc::new(PictureSlot::default());
    let shown = Arc::new(PictureSlot::default());
    // The newest captured pictures, to compare with; two seconds of them at most.
    let captured: Arc<Mutex<Vec<Picture>>> = Arc::default();
    {
        let (slot, captured, seen) = (Arc::downgrade(&preview), Arc::clone(&captured), AtomicU64::new(0));
        preview.on_new(move || {
            let Some(slot) = slot.upgrade() else { return };
            if let Some((serial, Some(picture))) = slot.newer_than(seen.load(Ordering::Relaxed)) {
                seen.store(serial, Ordering::Relaxed);
                let mut captured = captured.lock().expect("no panic while held");
                if captured.len() == 30 {
                    captured.remove(0);
                }
                captured.push(picture);
            }
        });
    }
    let quality: Arc<Mutex<(Vec<f64>, u64)>> = Arc::default();
    {
        let (slot, captured, quality) = (Arc::downgrade(&shown), Arc::clone(&captured), Arc::clone(&quality));
        let seen = AtomicU64::new(0);
        shown.on_new(move || {
            let Some(slot) = slot.upgrade() else { return };
            if let Some((serial, Some(picture))) = slot.newer_than(seen.load(Ordering::Relaxed)) {
                seen.store(serial, Ordering::Relaxed);
                let delay = conclave_media::clock::now_us().saturating_sub(picture.captured_us);
                let captured = captured.lock().expect("no panic while held");
                let original = captured.iter().find(|original| original.captured_us == picture.captured_us);
                // Every fourth is enough, and keeps the measuring itself cheap.
                if serial % 4 == 0
                    && let Some(original) = original.filter(|o| o.width == picture.width)
                {
                    let mut quality = quality.lock().expect("no panic while held");
                    quality.0.push(psnr(original, &picture));
                    quality.1 += delay;
                }
            }
        });
    }
    let receiver = Arc::new(VideoReceiver::start(
        VideoReceiveConfig::default(),
        Arc::clone(&shown),
        Box::new(|| None),
        Box::new(|_| {}),
    )?);
    let bytes = Arc::new(AtomicU64::new(0));
    let config = VideoSendConfig {
        source: source.clone(),
        width: 1280,
        height: 720,
        fps: 30,
        codec: choice,
        captured_out: None,
    };
    let sender = {
        let (receiver, bytes) = (Arc::clone(&receiver), Arc::clone(&bytes));
        VideoSender::start(
            config,
            Arc::clone(&preview),
            Box::new(move |event| {
                if let VideoSendEvent::Encoded(frame) = event {
                    bytes.fetch_add(frame.payload.len() as u64, Ordering::Relaxed);
                    receiver.push(frame);
                }
            }),
        )?
    };
    let (cpu, start) = (cpu_seconds(), Instant::now());
    sender.set_targets(&[LayerTarget { layer: Layer::Full, bitrate_bps: kbps * 1000 }]);
    std::thread::sleep(Duration::from_secs(seconds));
    let took = start.elapsed().as_secs_f64();
    let (sent, received) = (sender.stats(), receiver.stats());
    let cores = (cpu_seconds() - cpu) / took;
    let quality = quality.lock().expect("no panic while held");
    let count = quality.0.len().max(1) as f64;
    let name = match sent.codec {
        Some(Codec::Av1) => "AV1",
        Some(Codec::H264) => "H.264",
        None => "none",
    };
    println!(
        "{name:6} {kbps:12} {:8.0} {:5.1} {:10.2} {:7.2} {:10.2} {:10.2} {:7.2} {:10.2} {:9.1}   {}x{} dropped {} keys {} freezes {}",
        bytes.load(Ordering::Relaxed) as f64 * 8.0 / 1000.0 / took,
        sent.frames_encoded as f64 / took,
        1000.0 * sent.total_encode_time_s / sent.frames_encoded.max(1) as f64,
        sent.p95_encode_ms,
        1000.0 * received.total_decode_time_s / received.frames_decoded.max(1) as f64,
        quality.0.iter().sum::<f64>() / count,
        quality.0.iter().copied().fold(99.0, f64::min),
        cores,
        quality.1 as f64 / 1000.0 / count,
        sent.width,
        sent.height,
        sent.frames_dropped,
        sent.key_frames,
        received.freeze_count,
    );
    Ok(())
}

fn psnr(a: &Picture, b: &Picture) -> f64 {
    let (a, b) = (a.planes().0, b.planes().0);
    let squares: u64 = a.iter().zip(b).map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2)).sum();
    if squares == 0 { 99.0 } else { 10.0 * (255.0_f64.powi(2) * a.len() as f64 / squares as f64).log10() }
}

/// User and system time of this process.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = text.rsplit(')').next().unwrap_or_default();
    let fields: Vec<f64> = after_name.split_whitespace().filter_map(|field| field.parse().ok()).collect();
    // utime and stime are the 12th and 13th fields after the name, of which one (the state) is no number.
    fields.get(10..12).map_or(0.0, |ticks| ticks.iter().sum::<f64>() / 100.0)
}
