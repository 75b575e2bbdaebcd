//! Tries a camera by hand: `cargo run -p conclave-media --example camera_probe -- SECONDS [SOURCE] [WIDTHxHEIGHT]`.
//!
//! Lists the cameras with their formats, opens one, and prints every change of its state and the pictures of each second.
//! Unplug it, plug it in, open it in another program, stop it: what the app would tell its user is printed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use conclave_media::video::{CodecChoice, VideoSendConfig, VideoSendEvent, VideoSender, cameras};
use conclave_media::{PictureSlot, Source};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let seconds: u64 = arguments.next().map_or(Ok(10), |text| text.parse())?;
    let source: Source = arguments.next().map_or(Ok(Source::DefaultDevice), |text| text.parse())?;
    let size = arguments.next().unwrap_or_else(|| "1280x720".to_owned());
    let (width, height) = size.split_once('x').ok_or("the size is not like 1280x720")?;
    for camera in cameras() {
        println!("camera \"{}\": {}", camera.name, camera.formats);
    }
    let start = Instant::now();
    let preview = Arc::new(PictureSlot::default());
    let config = VideoSendConfig {
        source,
        width: width.parse()?,
        height: height.parse()?,
        fps: 30,
        codec: CodecChoice::Auto,
        captured_out: None,
    };
    let sender = VideoSender::start(
        config,
        Arc::clone(&preview),
        Box::new(move |event| {
            if let VideoSendEvent::Camera(status) = event {
                println!("{:6.2} s {status:?}", start.elapsed().as_secs_f64());
            }
        }),
    )?;
    let mut before = 0;
    while start.elapsed() < Duration::from_secs(seconds) {
        std::thread::sleep(Duration::from_secs(1));
        let captured = sender.stats().frames_captured;
        let newest = preview.newer_than(0).and_then(|(_, picture)| picture);
        let mean = newest.as_ref().map(|picture| {
            let (y, u, v) = picture.planes();
            let mean = |plane: &[u8]| plane.iter().map(|sample| u64::from(*sample)).sum::<u64>() / plane.len() as u64;
            (mean(y), mean(u), mean(v))
        });
        let seen = start.elapsed().as_secs_f64();
        println!("{seen:6.2} s {} pictures, newest {newest:?}, mean Y U V {mean:?}", captured - before);
        before = captured;
    }
    let dropping = Instant::now();
    drop(sender);
    println!("stopped within {:?}", dropping.elapsed());
    Ok(())
}
