//! AV1 by rav1d (the Rust port of dav1d): no frame delay, sizes bounded before anything is allocated, film grain off.
//! Called by the receiver's thread only.
//!
//! rav1d 1.1 aborts the process at any damaged frame when it has one frame context (its issue 1497), so it gets two, and
//! every frame is drained before the next is sent.

#![expect(unsafe_code, reason = "rav1d is driven through dav1d's C interface")]

use std::mem::MaybeUninit;
use std::ptr::NonNull;

use rav1d::include::dav1d::data::Dav1dData;
use rav1d::include::dav1d::dav1d::{Dav1dContext, Dav1dLogger, Dav1dSettings};
use rav1d::include::dav1d::headers::DAV1D_PIXEL_LAYOUT_I420;
use rav1d::include::dav1d::picture::Dav1dPicture;
use rav1d::src::lib as dav1d;

use super::headers::{Av1Kind, av1_kind};
use super::{DecodeError, Decoder};
use crate::limits;
use crate::picture::{Picture, PicturePool};

pub(crate) struct Av1Decoder {
    context: Option<Dav1dContext>,
    pool: PicturePool,
}

// SAFETY: the context is owned by this value alone, and rav1d's contexts are shared between its own threads anyway.
unsafe impl Send for Av1Decoder {}

impl Av1Decoder {
    pub(crate) fn new() -> Result<Self, DecodeError> {
        let mut context: Option<Dav1dContext> = None;
        let mut settings = MaybeUninit::<Dav1dSettings>::uninit();
        // SAFETY: default_settings writes all of settings; both pointers are valid during the call of open.
        let result = unsafe {
            dav1d::dav1d_default_settings(NonNull::from(&mut settings).cast());
            let mut settings = settings.assume_init();
            settings.n_threads = 2;
            settings.max_frame_delay = 2;
            settings.apply_grain = 0;
            settings.all_layers = 0;
            settings.frame_size_limit = limits::MAX_PICTURE_WIDTH * limits::MAX_PICTURE_HEIGHT;
            settings.logger = Dav1dLogger::new(None, None);
            dav1d::dav1d_open(Some(NonNull::from(&mut context)), Some(NonNull::from(&mut settings)))
        };
        if result.0 == 0 && context.is_some() {
            Ok(Self { context, pool: PicturePool::default() })
        } else {
            Err(DecodeError::Start)
        }
    }

    /// Takes the next picture out, if there is one.
    fn next_picture(&mut self, captured_us: u64) -> Result<Option<Picture>, DecodeError> {
        let mut out = Dav1dPicture::default();
        // SAFETY: the context is open; out is valid for writes.
        let result = unsafe { dav1d::dav1d_get_picture(self.context, Some(NonNull::from(&mut out))) };
        if result.0 != 0 {
            return if result.0 == AGAIN { Ok(None) } else { Err(DecodeError::Damaged) };
        }
        let copied = copy(&out, &mut self.pool, captured_us);
        // SAFETY: out was filled by get_picture and is released exactly once.
        unsafe { dav1d::dav1d_picture_unref(Some(NonNull::from(&mut out))) };
        copied.map(Some)
    }
}

/// dav1d's "feed me more": the negated EAGAIN of this system.
const AGAIN: i32 = if cfg!(any(target_os = "macos", target_os = "ios", target_os = "freebsd")) { -35 } else { -11 };

impl Decoder for Av1Decoder {
    fn decode(&mut self, payload: &[u8], captured_us: u64) -> Result<Option<Picture>, DecodeError> {
        if payload.is_empty() || payload.len() > limits::MAX_CODED_BYTES {
            return Err(DecodeError::Unwanted);
        }
        match av1_kind(payload) {
            Some(Av1Kind::Ours) => {}
            Some(Av1Kind::Foreign) => return Err(DecodeError::Unwanted),
            None => return Err(DecodeError::Damaged),
        }
        let mut data = Dav1dData::default();
        // SAFETY: data_create gives a writable buffer of the length asked for, or null.
        unsafe {
            let buffer = dav1d::dav1d_data_create(Some(NonNull::from(&mut data)), payload.len());
            if buffer.is_null() {
                return Err(DecodeError::Start);
            }
            std::ptr::copy_nonoverlapping(payload.as_ptr(), buffer, payload.len());
        }
        let mut newest = None;
        let mut result = Ok(());
        for _ in 0..limits::MAX_PICTURES_PER_FRAME {
            // SAFETY: the context is open; data is valid and owned by us until it was taken.
            let sent = unsafe { dav1d::dav1d_send_data(self.context, Some(NonNull::from(&mut data))) };
            if sent.0 != 0 && sent.0 != AGAIN {
                result = Err(DecodeError::Damaged);
                break;
            }
            // The first question is answered with what is at hand, the second waits for the frames on their way.
            let first = self.next_picture(captured_us);
            let second = self.next_picture(captured_us);
            for outcome in [first, second] {
                match outcome {
                    Ok(picture) => newest = picture.or(newest),
                    Err(error) => result = Err(error),
                }
            }
            if result.is_err() || data.sz == 0 {
                break;
            }
        }
        // What one frame did not use up must not meet the next one.
        for _ in 0..limits::MAX_PICTURES_PER_FRAME {
            if !matches!(self.next_picture(captured_us), Ok(Some(_))) {
                break;
            }
        }
        // SAFETY: data is either empty or still ours.
        unsafe { dav1d::dav1d_data_unref(Some(NonNull::from(&mut data))) };
        result.map(|()| newest)
    }
}

/// Copies an 8-bit 4:2:0 picture of bounded size out of rav1d's padded planes.
fn copy(from: &Dav1dPicture, pool: &mut PicturePool, captured_us: u64) -> Result<Picture, DecodeError> {
    let (Ok(full_width), Ok(full_height)) = (u32::try_from(from.p.w), u32::try_from(from.p.h)) else {
        return Err(DecodeError::Unwanted);
    };
    let (width, height) = (full_width & !1, full_height & !1);
    let bounded =
        (2..=limits::MAX_PICTURE_WIDTH).contains(&width) && (2..=limits::MAX_PICTURE_HEIGHT).contains(&height);
    if !bounded || from.p.bpc != 8 || from.p.layout != DAV1D_PIXEL_LAYOUT_I420 {
        return Err(DecodeError::Unwanted);
    }
    let [Some(y), Some(u), Some(v)] = from.data else { return Err(DecodeError::Damaged) };
    let [luma_stride, chroma_stride] = from.stride;
    let data = pool.fill(width, height, |target| {
        let (w, h) = (width as usize, height as usize);
        let (y_out, chroma) = target.split_at_mut(w * h);
        let (u_out, v_out) = chroma.split_at_mut(w * h / 4);
        let planes = [(y, luma_stride, y_out, w), (u, chroma_stride, u_out, w / 2), (v, chroma_stride, v_out, w / 2)];
        for (source, stride, out, row_length) in planes {
            for (row, line) in out.chunks_exact_mut(row_length).enumerate() {
                // SAFETY: rav1d's planes have at least p.h rows (half of it for chroma) of `stride` bytes, each holding
                // at least p.w (half) samples, and live until unref.
                let row_in = unsafe {
                    let start = source.as_ptr().cast::<u8>().offset(stride * row.cast_signed());
                    std::slice::from_raw_parts(start, row_length)
                };
                line.copy_from_slice(row_in);
            }
        }
    });
    Ok(Picture { width, height, data, captured_us })
}

impl Drop for Av1Decoder {
    fn drop(&mut self) {
        // SAFETY: the context came from open and is closed once.
        unsafe { dav1d::dav1d_close(Some(NonNull::from(&mut self.context))) };
    }
}
