//! Ten seconds of a voice as packets, made without waiting for their moments. Behind `crate::ahead`.

use std::thread;
use std::time::Duration;

use super::codec::FRAME;
use super::feeder::{Feed, Feeder};
use super::microphone::Captured;
use super::sender::Sender;
use super::{AudioEvent, BLOCK, EncodedAudio, Processing, RATE, voice};
use crate::ahead::AheadError;
use crate::limits;
use crate::source::{DeviceFault, Source};

/// How long the voice is.
const SECONDS: usize = 10;
/// The feeder sleeps for ten times this when its ring is full.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Encodes a voice for ten seconds, one place for each 20 ms; `None` where nothing is sent because nobody speaks. Empty for
/// [`Source::None`].
///
/// # Errors
/// See [`AheadError`].
pub fn encode_ahead(source: &Source) -> Result<Vec<Option<EncodedAudio>>, AheadError> {
    let samples = match source {
        Source::None => return Ok(Vec::new()),
        Source::Test => voice::zero_to_nine(),
        Source::File(path) => read(Feed::File(path.clone()), source)?,
        Source::DefaultDevice | Source::Device(_) => return Err(AheadError::Live(source.to_string())),
    };
    let mut sender = Sender::new(Processing::Off).map_err(|_| AheadError::Codec("Opus"))?;
    let mut packets = vec![None; SECONDS * RATE as usize / FRAME];
    for (block, samples) in samples.chunks_exact(BLOCK).enumerate() {
        let Ok(samples) = samples.try_into() else { continue };
        let captured = Captured { samples, position: (block * BLOCK) as u64, captured_us: block as u64 * 10_000 };
        sender.take(captured, true, 0, &mut |event| {
            if let AudioEvent::Encoded(packet) = event
                && let Some(place) = usize::try_from(packet.position).ok().and_then(|at| packets.get_mut(at / FRAME))
            {
                *place = Some(packet);
            }
        });
    }
    Ok(packets)
}

/// The first seconds of a file, from the same reader that stands in for a microphone.
fn read(feed: Feed, source: &Source) -> Result<Vec<f32>, AheadError> {
    let fault = |why: &str| DeviceFault::File { path: source.to_string(), why: why.into() };
    let mut feeder = Feeder::start(feed).map_err(|error| fault(&error.to_string()))?;
    let ready = feeder.ready.recv_timeout(Duration::from_micros(limits::FILE_OPEN_US));
    ready.map_err(|_| fault("it does not answer"))??;
    let mut samples = Vec::with_capacity(SECONDS * RATE as usize);
    let mut waited_us = 0;
    while samples.len() < SECONDS * RATE as usize {
        if let Ok(sample) = feeder.samples.pop() {
            samples.push(sample);
            waited_us = 0;
            continue;
        }
        if let Ok(broken) = feeder.broken.try_recv() {
            return Err(broken.into());
        }
        if waited_us > limits::FILE_OPEN_US {
            return Err(fault("it does not answer").into());
        }
        thread::sleep(LOOK_AGAIN);
        waited_us += u64::try_from(LOOK_AGAIN.as_micros()).unwrap_or(u64::MAX);
    }
    Ok(samples)
}
