//! H.264 by OpenH264 on the calling thread: no concealment (a damaged frame is an error, not a grey guess), sizes read
//! from the parameter sets before the decoder sees them. Called by the receiver's thread only.

#![expect(unsafe_code, reason = "OpenH264 is a C++ library behind a table of functions")]

use std::ffi::{c_int, c_uchar, c_void};
use std::mem::MaybeUninit;
use std::ptr;

use openh264_sys2::source::APILoader;
use openh264_sys2::{self as h264, API as _};

use super::headers::h264_size_is_taken;
use super::{DecodeError, Decoder};
use crate::limits;
use crate::picture::{Picture, PicturePool};

pub(crate) struct H264Decoder {
    decoder: *mut h264::ISVCDecoder,
    pool: PicturePool,
    /// A frame failed, or none has come: what is not a key frame would be shown wrong.
    needs_key: bool,
}

// SAFETY: the decoder is owned by this value alone and keeps no thread-local state.
unsafe impl Send for H264Decoder {}

/// Calls through the C++ table; a missing entry is an error.
macro_rules! call {
    ($object:expr, $method:ident $(, $argument:expr)*) => {
        (**$object).$method.map(|method| method($object $(, $argument)*))
    };
}

impl H264Decoder {
    pub(crate) fn new() -> Result<Self, DecodeError> {
        let mut decoder: *mut h264::ISVCDecoder = ptr::null_mut();
        // SAFETY: the pointer is valid for writes; the decoder is used only if it was made.
        unsafe {
            if APILoader::new().WelsCreateDecoder(&raw mut decoder) != 0 || decoder.is_null() {
                return Err(DecodeError::Start);
            }
            let this = Self { decoder, pool: PicturePool::default(), needs_key: true };
            let mut quiet: c_int = h264::WELS_LOG_QUIET as c_int;
            let _set = call!(decoder, SetOption, h264::DECODER_OPTION_TRACE_LEVEL, (&raw mut quiet).cast::<c_void>());
            let mut parameters: h264::SDecodingParam = MaybeUninit::zeroed().assume_init();
            parameters.uiTargetDqLayer = u8::MAX;
            parameters.eEcActiveIdc = h264::ERROR_CON_DISABLE;
            parameters.sVideoProperty.eVideoBsType = h264::VIDEO_BITSTREAM_AVC;
            if call!(decoder, Initialize, &raw const parameters) != Some(0) {
                return Err(DecodeError::Start);
            }
            Ok(this)
        }
    }
}

impl Decoder for H264Decoder {
    fn decode(&mut self, payload: &[u8], captured_us: u64) -> Result<Option<Picture>, DecodeError> {
        if payload.is_empty() || payload.len() > limits::MAX_CODED_BYTES {
            return Err(DecodeError::Unwanted);
        }
        match h264_size_is_taken(payload) {
            Some(true) => self.needs_key = false,
            Some(false) => return Err(DecodeError::Unwanted),
            None if self.needs_key => return Err(DecodeError::Damaged),
            None => {}
        }
        let Ok(length) = c_int::try_from(payload.len()) else { return Err(DecodeError::Unwanted) };
        let mut planes: [*mut c_uchar; 3] = [ptr::null_mut(); 3];
        // SAFETY: all pointers are valid during the call; all zeroes is a valid value of this struct; the planes stay
        // valid until the next call, and are copied below.
        let (state, info) = unsafe {
            let mut info: h264::SBufferInfo = MaybeUninit::zeroed().assume_init();
            let state =
                call!(self.decoder, DecodeFrameNoDelay, payload.as_ptr(), length, planes.as_mut_ptr(), &raw mut info);
            (state, info)
        };
        if state != Some(h264::dsErrorFree) {
            self.needs_key = true;
            return Err(DecodeError::Damaged);
        }
        if info.iBufferStatus != 1 || planes.iter().any(|plane| plane.is_null()) {
            return Ok(None);
        }
        // SAFETY: with iBufferStatus 1 the union holds the system buffer's description.
        let buffer = unsafe { info.UsrData.sSystemBuffer };
        copy(buffer, planes, &mut self.pool, captured_us).map(Some)
    }
}

fn copy(
    buffer: h264::SSysMEMBuffer,
    planes: [*mut c_uchar; 3],
    pool: &mut PicturePool,
    captured_us: u64,
) -> Result<Picture, DecodeError> {
    let (Ok(width), Ok(height)) = (u32::try_from(buffer.iWidth), u32::try_from(buffer.iHeight)) else {
        return Err(DecodeError::Unwanted);
    };
    let (width, height) = (width & !1, height & !1);
    let bounded =
        (2..=limits::MAX_PICTURE_WIDTH).contains(&width) && (2..=limits::MAX_PICTURE_HEIGHT).contains(&height);
    let (Ok(luma_stride), Ok(chroma_stride)) = (usize::try_from(buffer.iStride[0]), usize::try_from(buffer.iStride[1]))
    else {
        return Err(DecodeError::Unwanted);
    };
    let (w, h) = (width as usize, height as usize);
    if !bounded || luma_stride < w || chroma_stride < w / 2 || buffer.iFormat != h264::videoFormatI420 {
        return Err(DecodeError::Unwanted);
    }
    let data = pool.fill(width, height, |target| {
        let (y_out, chroma) = target.split_at_mut(w * h);
        let (u_out, v_out) = chroma.split_at_mut(w * h / 4);
        let outs = [(y_out, luma_stride, w), (u_out, chroma_stride, w / 2), (v_out, chroma_stride, w / 2)];
        for (plane, (out, stride, row_length)) in planes.into_iter().zip(outs) {
            for (row, line) in out.chunks_exact_mut(row_length).enumerate() {
                // SAFETY: the decoder's planes have iHeight (half for chroma) rows of `stride` bytes, and stride is at
                // least the row's length.
                line.copy_from_slice(unsafe { std::slice::from_raw_parts(plane.add(row * stride), row_length) });
            }
        }
    });
    Ok(Picture { width, height, data, captured_us })
}

impl Drop for H264Decoder {
    fn drop(&mut self) {
        // SAFETY: made by WelsCreateDecoder and destroyed once.
        unsafe {
            let _closed = call!(self.decoder, Uninitialize);
            APILoader::new().WelsDestroyDecoder(self.decoder);
        }
    }
}
