//! Pictures and the one-slot channel they travel in: newest wins, never a queue of old frames.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::limits;

/// An I420 picture (BT.709 limited range), planes packed without padding: Y, then U, then V.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    /// Luma columns; even.
    pub width: u32,
    /// Luma rows; even.
    pub height: u32,
    /// Y (width x height), U and V (width/2 x height/2 each).
    pub data: Arc<[u8]>,
    /// When it was captured, in microseconds on the media clock of whoever captured it.
    pub captured_us: u64,
}

impl Picture {
    /// Y, U and V planes; strides are `width`, `width / 2`, `width / 2`.
    #[must_use]
    pub fn planes(&self) -> (&[u8], &[u8], &[u8]) {
        let luma = (self.width * self.height) as usize;
        let (y, chroma) = self.data.split_at(luma);
        let (u, v) = chroma.split_at(luma / 4);
        (y, u, v)
    }
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Picture({}x{} at {} us)", self.width, self.height, self.captured_us)
    }
}

/// Bytes of a packed I420 picture.
pub(crate) const fn i420_len(width: u32, height: u32) -> usize {
    (width as usize * height as usize) / 2 * 3
}

/// Reuses the buffers of pictures that nobody holds any more, so that 30 pictures a second cost no allocation.
#[derive(Default)]
pub(crate) struct PicturePool {
    buffers: VecDeque<Arc<[u8]>>,
}

impl PicturePool {
    /// A buffer for an I420 picture of this size, written by `write` (it may hold an old picture before).
    pub(crate) fn fill(&mut self, width: u32, height: u32, write: impl FnOnce(&mut [u8])) -> Arc<[u8]> {
        let len = i420_len(width, height);
        let free = self.buffers.iter_mut().position(|buffer| buffer.len() == len && Arc::get_mut(buffer).is_some());
        let mut buffer = free
            .and_then(|at| self.buffers.remove(at))
            .unwrap_or_else(|| std::iter::repeat_n(0, len).collect::<Arc<[u8]>>());
        if let Some(bytes) = Arc::get_mut(&mut buffer) {
            write(bytes);
        }
        if self.buffers.len() == limits::MAX_POOLED_PICTURES {
            self.buffers.pop_front();
        }
        self.buffers.push_back(Arc::clone(&buffer));
        buffer
    }
}

/// What is called when a new picture lies in a slot.
type Wake = Box<dyn Fn() + Send + Sync>;

/// Holds the newest picture. One writer (a capture or playout thread), one reader (the window); each holds the lock for a
/// pointer swap only.
#[derive(Default)]
pub struct PictureSlot {
    newest: Mutex<(u64, Option<Picture>)>,
    wake: Mutex<Option<Wake>>,
}

impl PictureSlot {
    /// Replaces the picture and wakes the reader.
    pub fn put(&self, picture: Option<Picture>) {
        {
            let mut slot = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
            slot.0 += 1;
            slot.1 = picture;
        }
        if let Some(wake) = &*self.wake.lock().unwrap_or_else(PoisonError::into_inner) {
            wake();
        }
    }

    /// The newest picture and its serial number, if its number differs from `seen`.
    #[must_use]
    pub fn newer_than(&self, seen: u64) -> Option<(u64, Option<Picture>)> {
        let slot = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        (slot.0 != seen).then(|| slot.clone())
    }

    /// Calls `wake` at every new picture from now on.
    pub fn on_new(&self, wake: impl Fn() + Send + Sync + 'static) {
        *self.wake.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(wake));
    }
}
