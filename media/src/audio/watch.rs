//! Decides from a stream's notes whether its device still works. Shared by microphone and speaker.

use std::sync::atomic::Ordering;

use super::device::{Direction, Stream};
use crate::limits;
use crate::source::DeviceFault;

/// What is wrong with the stream, if anything: said by the system, or because its callbacks fail to come.
pub(crate) fn fault(stream: &Stream, direction: Direction, since_us: u64, now_us: u64) -> Option<DeviceFault> {
    let shared = &stream.shared;
    if let Some(fault) = shared.fault() {
        return Some(fault);
    }
    let kind = direction.kind();
    let name = shared.opened.get().map_or_else(|| "default".to_owned(), |o| o.name.clone());
    let called_us = shared.called_us.load(Ordering::Acquire);
    if !shared.is_flowing() {
        return (now_us > since_us + limits::DEVICE_OPEN_US).then_some(DeviceFault::Hangs { kind, name });
    }
    (now_us > called_us + limits::DEVICE_SILENT_US).then_some(DeviceFault::Unplugged { kind, name })
}
