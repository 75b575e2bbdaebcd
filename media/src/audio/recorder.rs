//! The stand-in for a speaker: a WAV file, 48 kHz mono 16 bit, that is whole at any moment.
//!
//! A helper thread writes what the audio thread puts into a ring, because a disk may hang. It renews the header five
//! times a second, so that a killed program leaves a file that plays.

use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rtrb::{Consumer, Producer, RingBuffer};

use super::{BLOCK, RATE};
use crate::limits;
use crate::source::DeviceFault;

/// A file being recorded; dropping it finishes the file, waiting for that at most a second.
pub(crate) struct Recorder {
    ring: Option<Producer<f32>>,
    /// Silence that found no room and must still be written, so that sample k stays at its time.
    owed: u64,
    /// The file is open, or cannot be.
    pub(crate) ready: mpsc::Receiver<Result<(), DeviceFault>>,
    /// Comes if writing fails later.
    pub(crate) broken: mpsc::Receiver<DeviceFault>,
    done: mpsc::Receiver<()>,
}

impl Recorder {
    pub(crate) fn start(path: PathBuf) -> std::io::Result<Self> {
        let (ring, samples) = RingBuffer::new(limits::RECORDER_RING_SAMPLES);
        let (tell_ready, ready) = mpsc::sync_channel(1);
        let (tell_broken, broken) = mpsc::sync_channel(1);
        let (tell_done, done) = mpsc::sync_channel(1);
        thread::Builder::new().name("conclave-recorder".into()).spawn(move || {
            let fault = |e: hound::Error| DeviceFault::File { path: path.display().to_string(), why: e.to_string() };
            let spec = hound::WavSpec {
                channels: 1,
                sample_rate: RATE,
                bits_per_sample: 16,
                sample_format: hound::SampleFormat::Int,
            };
            // Whoever waits for one of these answers may have gone; then nobody needs it.
            match hound::WavWriter::create(&path, spec).and_then(|mut w| w.flush().map(|()| w)) {
                Err(e) => {
                    tell_ready.send(Err(fault(e))).ok();
                }
                Ok(writer) => {
                    tell_ready.send(Ok(())).ok();
                    if let Err(e) = write(writer, samples) {
                        tell_broken.send(fault(e)).ok();
                    }
                }
            }
            tell_done.send(()).ok();
        })?;
        Ok(Self { ring: Some(ring), owed: 0, ready, broken, done })
    }

    /// Never blocks.
    pub(crate) fn push(&mut self, block: &[f32; BLOCK]) {
        self.pay();
        let room = self.ring.as_ref().map_or(0, Producer::slots);
        if self.owed > 0 || room < BLOCK {
            self.owed += BLOCK as u64;
            return;
        }
        if let Some(ring) = &mut self.ring {
            for &sample in block {
                // There is room: it was looked for above, and only this side fills it.
                ring.push(sample).ok();
            }
        }
    }

    /// Time in which nothing was played, as after a standstill of the whole machine.
    pub(crate) fn skip(&mut self, samples: u64) {
        self.owed = self.owed.saturating_add(samples);
        self.pay();
    }

    fn pay(&mut self) {
        let Some(ring) = &mut self.ring else { return };
        while self.owed > 0 && ring.push(0.0).is_ok() {
            self.owed -= 1;
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.ring = None;
        self.done.recv_timeout(Duration::from_secs(1)).ok();
    }
}

fn write(
    mut writer: hound::WavWriter<std::io::BufWriter<std::fs::File>>,
    mut ring: Consumer<f32>,
) -> hound::Result<()> {
    loop {
        let last = ring.is_abandoned();
        while let Ok(sample) = ring.pop() {
            writer.write_sample((sample.clamp(-1.0, 1.0) * 32_767.0).round() as i16)?;
        }
        if last || writer.len() > limits::RECORDED_SAMPLES_MAX {
            return writer.finalize();
        }
        writer.flush()?;
        thread::sleep(Duration::from_millis(200));
    }
}
