//! What libopus does with neural networks and the `opus` crate does not reach: an encoder whose packets remember the last half
//! second (DRED), and the reader of such memories.
//!
//! An encoder's settings can only be changed through its own pointer, which the crate keeps to itself, so the encoder with DRED
//! is a second one; `codec` uses it in bursts of losses only and the crate's at all other times. No policy.
#![expect(unsafe_code, reason = "libopus is C: these, and those of `codec`, are the only calls into it")]

use std::ptr::NonNull;

use opusic_sys as ffi;

use super::FRAME;
use crate::audio::voice_mode::Settings;
use crate::audio::{AudioError, RATE};
use crate::limits;

/// Encodes one voice so that each packet remembers what went before.
pub(super) struct DeepEncoder(NonNull<ffi::OpusEncoder>);

// SAFETY: libopus keeps no state outside of the encoder's own memory (the build has no NONTHREADSAFE_PSEUDOSTACK), so it may
// move to another thread; it is not `Sync`, and all calls need `&mut self`.
unsafe impl Send for DeepEncoder {}

impl Drop for DeepEncoder {
    fn drop(&mut self) {
        // SAFETY: it came from opus_encoder_create and is destroyed once.
        unsafe { ffi::opus_encoder_destroy(self.0.as_ptr()) }
    }
}

impl DeepEncoder {
    pub(super) fn new(settings: Settings) -> Result<Self, AudioError> {
        let mut error = 0;
        // SAFETY: `error` lives through the call; rate, channel count and application are ones that libopus takes.
        let state = unsafe { ffi::opus_encoder_create(RATE as i32, 1, ffi::OPUS_APPLICATION_VOIP, &raw mut error) };
        let mut encoder = Self(NonNull::new(state).ok_or(AudioError::Codec(error))?);
        let band = if settings.is_wideband { ffi::OPUS_BANDWIDTH_WIDEBAND } else { ffi::OPUS_AUTO };
        for (request, value) in [
            (ffi::OPUS_SET_VBR_REQUEST, 0),
            (ffi::OPUS_SET_SIGNAL_REQUEST, ffi::OPUS_SIGNAL_VOICE),
            (ffi::OPUS_SET_COMPLEXITY_REQUEST, limits::ENCODER_COMPLEXITY),
            (ffi::OPUS_SET_DTX_REQUEST, 1),
            (ffi::OPUS_SET_BITRATE_REQUEST, settings.bitrate_bps),
            (ffi::OPUS_SET_BANDWIDTH_REQUEST, band),
            (ffi::OPUS_SET_INBAND_FEC_REQUEST, i32::from(settings.has_lbrr)),
            (ffi::OPUS_SET_PACKET_LOSS_PERC_REQUEST, settings.loss_percent),
            (ffi::OPUS_SET_DRED_DURATION_REQUEST, settings.dred_10ms),
        ] {
            encoder.set(request, value)?;
        }
        Ok(encoder)
    }

    fn set(&mut self, request: i32, value: i32) -> Result<(), AudioError> {
        // SAFETY: the encoder is live, and all requests that are made here take one int.
        let code = unsafe { ffi::opus_encoder_ctl(self.0.as_ptr(), request, value) };
        if code == ffi::OPUS_OK { Ok(()) } else { Err(AudioError::Codec(code)) }
    }

    /// Encodes [`FRAME`] samples; returns the length of the packet. `None`: libopus refused them (or they are not a frame).
    pub(super) fn encode(&mut self, pcm: &[f32], packet: &mut [u8]) -> Option<usize> {
        if pcm.len() != FRAME {
            return None;
        }
        let space = i32::try_from(packet.len()).ok()?;
        // SAFETY: the encoder is live, `pcm` holds FRAME mono samples, `packet` has room for `space` bytes; libopus keeps
        // neither pointer.
        let length =
            unsafe { ffi::opus_encode_float(self.0.as_ptr(), pcm.as_ptr(), FRAME as i32, packet.as_mut_ptr(), space) };
        usize::try_from(length).ok().filter(|length| *length > 0)
    }

    /// Forgets what went before.
    pub(super) fn reset(&mut self) {
        // SAFETY: the encoder is live, and this request takes no argument. It cannot fail.
        unsafe { ffi::opus_encoder_ctl(self.0.as_ptr(), ffi::OPUS_RESET_STATE) };
    }
}

/// Reads what packets remember, and keeps what it read last.
pub(super) struct DeepMemory {
    reader: NonNull<ffi::OpusDREDDecoder>,
    past: NonNull<ffi::OpusDRED>,
}

// SAFETY: as for the encoder: all that libopus keeps lies in these two objects, which nobody else holds.
unsafe impl Send for DeepMemory {}

impl Drop for DeepMemory {
    fn drop(&mut self) {
        // SAFETY: both came from their constructors and are destroyed once.
        unsafe {
            ffi::opus_dred_decoder_destroy(self.reader.as_ptr());
            ffi::opus_dred_free(self.past.as_ptr());
        }
    }
}

impl DeepMemory {
    pub(super) fn new() -> Result<Self, AudioError> {
        let mut error = 0;
        // SAFETY: `error` lives through the call.
        let reader = unsafe { ffi::opus_dred_decoder_create(&raw mut error) };
        let reader = NonNull::new(reader).ok_or(AudioError::Codec(error))?;
        // SAFETY: `error` lives through the call.
        let Some(past) = NonNull::new(unsafe { ffi::opus_dred_alloc(&raw mut error) }) else {
            // SAFETY: it was created just now and is destroyed once.
            unsafe { ffi::opus_dred_decoder_destroy(reader.as_ptr()) };
            return Err(AudioError::Codec(error));
        };
        Ok(Self { reader, past })
    }

    /// Reads what `packet` remembers of the time before it. Returns the samples that it goes back.
    pub(super) fn read(&mut self, packet: &[u8]) -> usize {
        let Some(length) = i32::try_from(packet.len()).ok().filter(|length| *length > 0) else { return 0 };
        let mut end = 0;
        // SAFETY: both objects are live; `packet` points to `length` readable bytes, and `end` lives through the call. With
        // the last argument 0 the memory is worked out at once, so it does not point into the packet.
        let samples = unsafe {
            ffi::opus_dred_parse(
                self.reader.as_ptr(),
                self.past.as_ptr(),
                packet.as_ptr(),
                length,
                RATE as i32,
                RATE as i32,
                &raw mut end,
                0,
            )
        };
        usize::try_from(samples).unwrap_or(0)
    }

    /// For the decoder, which reads it and nothing else.
    pub(super) fn past(&self) -> *const ffi::OpusDRED {
        self.past.as_ptr()
    }
}
