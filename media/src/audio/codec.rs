//! Opus: 48 kHz mono voice in and out, with LBRR, DTX and deep loss concealment.
//!
//! The encoder is the safe `opus` crate's. The decoder is wrapped here, because deep concealment needs a decoder
//! complexity of 5, which that crate does not expose. No policy: what to decode or conceal when is the jitter buffer's
//! business. Called by the sender and the jitter buffer.
#![expect(unsafe_code, reason = "libopus is C: these are the only calls into it")]

use std::ptr::NonNull;

use opusic_sys as ffi;

use super::AudioError;
use super::RATE;
use crate::limits;

/// Samples in one frame that we send: 20 ms. With 10 ms the packet rate and the headers' share double, and Opus leaves
/// its hybrid mode, which carries LBRR.
pub(crate) const FRAME: usize = 960;

/// From here on libopus conceals by its neural network.
const DEEP_PLC_COMPLEXITY: i32 = 5;

/// Encodes one voice.
pub(crate) struct Encoder {
    inner: opus::Encoder,
}

impl Encoder {
    pub(crate) fn new() -> Result<Self, AudioError> {
        let refused = |e: opus::Error| AudioError::Codec(e.code() as i32);
        let mut inner = opus::Encoder::new(RATE, opus::Channels::Mono, opus::Application::Voip).map_err(refused)?;
        inner.set_bitrate(opus::Bitrate::Bits(limits::VOICE_BITRATE_BPS)).map_err(refused)?;
        inner.set_signal(opus::Signal::Voice).map_err(refused)?;
        inner.set_complexity(limits::ENCODER_COMPLEXITY).map_err(refused)?;
        inner.set_inband_fec(true).map_err(refused)?;
        inner.set_dtx(true).map_err(refused)?;
        let mut encoder = Self { inner };
        encoder.set_expected_loss(0.0);
        Ok(encoder)
    }

    /// Tells how much gets lost. Never told as nothing, or libopus leaves LBRR out.
    pub(crate) fn set_expected_loss(&mut self, fraction: f32) {
        let percent = (fraction.clamp(0.0, 1.0) * 100.0).round() as i32;
        // Refusing a percentage within 0..=100 is impossible, and voice without the hint still works.
        self.inner.set_packet_loss_perc(percent.clamp(limits::LOSS_TOLD_MIN_PERCENT, 40)).ok();
    }

    /// Samples by which decoded sound lags behind what was encoded.
    pub(crate) fn lookahead(&mut self) -> u64 {
        self.inner.get_lookahead().ok().and_then(|n| u64::try_from(n).ok()).unwrap_or(0)
    }

    /// Encodes [`FRAME`] samples. `None`: libopus refused them (or they are not a frame).
    pub(crate) fn encode(&mut self, pcm: &[f32]) -> Option<Vec<u8>> {
        let mut packet = vec![0; limits::PACKET_BYTES];
        let length = self.inner.encode_float(pcm, &mut packet).ok()?;
        packet.truncate(length);
        Some(packet)
    }

    /// Forgets what went before: after a pause in which nothing was encoded.
    pub(crate) fn reset(&mut self) {
        self.inner.reset_state().ok();
    }
}

/// Decodes one remote's voice.
pub(crate) struct Decoder {
    state: NonNull<ffi::OpusDecoder>,
}

// SAFETY: libopus keeps no state outside of the decoder's own memory (the build has no NONTHREADSAFE_PSEUDOSTACK), so it
// may move to another thread; it is not `Sync`, and all calls need `&mut self`.
unsafe impl Send for Decoder {}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: `state` came from opus_decoder_create and is destroyed once.
        unsafe { ffi::opus_decoder_destroy(self.state.as_ptr()) }
    }
}

/// A packet that libopus cannot decode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("libopus refused a packet with code {0}")]
pub(crate) struct Undecodable(i32);

impl Decoder {
    pub(crate) fn new() -> Result<Self, AudioError> {
        let mut error = 0;
        // SAFETY: `error` lives through the call; rate and channel count are ones that libopus takes.
        let state = unsafe { ffi::opus_decoder_create(RATE as i32, 1, &raw mut error) };
        let state = NonNull::new(state).ok_or(AudioError::Codec(error))?;
        let decoder = Self { state };
        // SAFETY: `state` is a live decoder, and this request takes one int.
        let code = unsafe {
            ffi::opus_decoder_ctl(decoder.state.as_ptr(), ffi::OPUS_SET_COMPLEXITY_REQUEST, DEEP_PLC_COMPLEXITY)
        };
        if code == ffi::OPUS_OK { Ok(decoder) } else { Err(AudioError::Codec(code)) }
    }

    /// Decodes a packet; returns the samples written to the start of `pcm`.
    pub(crate) fn decode(&mut self, packet: &[u8], pcm: &mut [f32]) -> Result<usize, Undecodable> {
        self.call(packet, pcm, false)
    }

    /// Fills `pcm` (one whole frame) with what `packet` remembers of the frame before it.
    pub(crate) fn recover(&mut self, packet: &[u8], pcm: &mut [f32]) -> Result<usize, Undecodable> {
        self.call(packet, pcm, true)
    }

    /// Fills `pcm` (a multiple of 120 samples) with a plausible continuation.
    pub(crate) fn conceal(&mut self, pcm: &mut [f32]) -> Result<usize, Undecodable> {
        self.call(&[], pcm, false)
    }

    fn call(&mut self, packet: &[u8], pcm: &mut [f32], fec: bool) -> Result<usize, Undecodable> {
        let data = if packet.is_empty() { std::ptr::null() } else { packet.as_ptr() };
        let (Ok(length), Ok(space)) = (i32::try_from(packet.len()), i32::try_from(pcm.len())) else {
            return Err(Undecodable(ffi::OPUS_BAD_ARG));
        };
        // SAFETY: `data` is null with length 0 or points to `length` bytes; `pcm` has room for `space` mono samples;
        // libopus writes no more than that and keeps neither pointer.
        let samples = unsafe {
            ffi::opus_decode_float(self.state.as_ptr(), data, length, pcm.as_mut_ptr(), space, i32::from(fec))
        };
        usize::try_from(samples).map_err(|_| Undecodable(samples))
    }
}

/// How many samples a packet holds; `None` if it is not an Opus packet, or longer than Opus allows (120 ms).
pub(crate) fn duration(packet: &[u8]) -> Option<u32> {
    let length = i32::try_from(packet.len()).ok().filter(|&n| n > 0)?;
    // SAFETY: `packet` points to `length` readable bytes, and libopus only reads.
    let samples = unsafe { ffi::opus_packet_get_nb_samples(packet.as_ptr(), length, RATE as i32) };
    u32::try_from(samples).ok().filter(|n| (1..=5760).contains(n))
}

/// Whether a packet remembers the frame before it.
pub(crate) fn has_lbrr(packet: &[u8]) -> bool {
    let Ok(length) = i32::try_from(packet.len()) else { return false };
    // SAFETY: `packet` points to `length` readable bytes, and libopus only reads; an empty one is refused by it, but not
    // passed at all to be sure.
    length > 0 && unsafe { ffi::opus_packet_has_lbrr(packet.as_ptr(), length) } == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(start: usize) -> Vec<f32> {
        (start..start + FRAME).map(|i| (i as f32 * 0.05).sin() * 0.3).collect()
    }

    #[test]
    fn voice_survives_and_silence_becomes_dtx() {
        let mut encoder = Encoder::new().expect("encoder");
        let mut decoder = Decoder::new().expect("decoder");
        let mut pcm = vec![0.0; FRAME];
        let mut heard = 0.0_f32;
        for i in 0..20 {
            let packet = encoder.encode(&tone(i * FRAME)).expect("packet");
            assert_eq!(duration(&packet), Some(960));
            assert_eq!(decoder.decode(&packet, &mut pcm), Ok(FRAME));
            heard = pcm.iter().fold(0.0, |m, s| s.abs().max(m));
        }
        assert!((0.2..0.45).contains(&heard), "{heard}");
        let tiny = (0..60).filter(|_| encoder.encode(&[0.0; FRAME]).is_some_and(|p| p.len() <= 2)).count();
        assert!(tiny > 30, "only {tiny} of 60 silent frames were left out");
    }

    #[test]
    fn the_lookahead_is_as_told() {
        let voice = crate::audio::voice::zero_to_nine();
        let mut encoder = Encoder::new().expect("encoder");
        let mut decoder = Decoder::new().expect("decoder");
        let mut pcm = vec![0.0; FRAME];
        let mut heard = Vec::new();
        for frame in voice[..192_000].chunks_exact(FRAME) {
            let packet = encoder.encode(frame).expect("packet");
            decoder.decode(&packet, &mut pcm).expect("decoded");
            heard.extend_from_slice(&pcm);
        }
        let fit = |lag: usize| -> f32 { (2_000..96_000).map(|i| voice[i - lag] * heard[i]).sum() };
        let best = (0..1_900).max_by(|&a, &b| fit(a).total_cmp(&fit(b))).expect("a lag");
        let told = encoder.lookahead() as usize;
        assert!(best.abs_diff(told) <= 24, "{best} samples, told {told}");
    }

    #[test]
    fn garbage_is_refused_and_does_no_harm() {
        let mut decoder = Decoder::new().expect("decoder");
        let mut pcm = vec![0.0; 5760];
        assert_eq!(duration(&[]), None);
        assert!(!has_lbrr(&[]));
        let mut seed = 1_u32;
        for length in 1..400 {
            let junk: Vec<u8> = (0..length)
                .map(|_| {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (seed >> 24) as u8
                })
                .collect();
            has_lbrr(&junk);
            if duration(&junk).is_some() {
                decoder.decode(&junk, &mut pcm).ok();
            }
            assert!(pcm.iter().all(|s| s.is_finite()));
        }
    }
}
