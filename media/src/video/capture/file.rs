//! The file camera: a Y4M file in real time, in a loop, one picture read ahead. Called by the source's thread.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use super::y4m::{Y4mError, Y4mReader};
use super::{Pace, Receiver, Stop};
use crate::picture::{Picture, PicturePool};
use crate::source::DeviceStatus;

/// Plays until stopped (`Ok`) or until the file turns out to be no use.
pub(super) fn play(path: &Path, stop: &Stop, receiver: &dyn Receiver, running: &mut bool) -> Result<(), Y4mError> {
    let file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(Y4mError::NotY4m);
    }
    let mut reader = Y4mReader::new(BufReader::with_capacity(1 << 16, file))?;
    let (width, height) = reader.header.picture_size();
    let (numerator, denominator) = reader.header.rate;
    let mut pool = PicturePool::default();
    let mut pace = Pace::new(f64::from(numerator) / f64::from(denominator));
    loop {
        let mut outcome = Ok(());
        let data = pool.fill(width, height, |out| outcome = reader.read(out));
        outcome?;
        if !*running {
            *running = true;
            let name =
                path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into());
            receiver.status(DeviceStatus::Running(name));
        }
        if !stop.wait_until(pace.next()) {
            return Ok(());
        }
        receiver.picture(Picture { width, height, data, captured_us: 0 });
    }
}
