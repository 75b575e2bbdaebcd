//! Opus: 48 kHz mono voice in and out, with LBRR, DTX, deep redundancy and deep loss concealment.
//!
//! The encoder is the safe `opus` crate's; only while a voice carries DRED it is `deep`'s, because that crate neither switches
//! DRED on nor hands out its encoder. The decoder is wrapped here, because deep concealment needs a decoder complexity of 5,
//! which that crate does not expose. Both crates call the one libopus that `opusic-sys` builds. No policy: what to decode or
//! conceal when is the jitter buffer's business, how to encode `voice_mode`'s. Called by the sender and the jitter buffer.
#![expect(unsafe_code, reason = "libopus is C: these, and those of `deep`, are the only calls into it")]

mod deep;

use std::ptr::NonNull;

use opusic_sys as ffi;

use super::voice_mode::VoiceMode;
use super::{AudioError, RATE};
use crate::limits;
use deep::{DeepEncoder, DeepMemory};

/// Samples in one frame that we send: 20 ms. With 10 ms the packet rate and the headers' share double, and Opus leaves
/// its hybrid mode, which carries LBRR.
pub(crate) const FRAME: usize = 960;

/// From here on libopus conceals by its neural network.
const DEEP_PLC_COMPLEXITY: i32 = 5;

/// Encodes one voice, at a constant rate: a variable one would tell by the sizes of packets what is spoken.
pub(crate) struct Encoder {
    inner: opus::Encoder,
    /// In its place while the mode has DRED.
    deep: Option<DeepEncoder>,
    mode: VoiceMode,
    /// The frames that were encoded last: an encoder that takes over hears them first, and begins in the middle of the voice.
    last: Vec<f32>,
}

impl Encoder {
    pub(crate) fn new() -> Result<Self, AudioError> {
        let refused = |e: opus::Error| AudioError::Codec(e.code() as i32);
        let mut inner = opus::Encoder::new(RATE, opus::Channels::Mono, opus::Application::Voip).map_err(refused)?;
        inner.set_vbr(false).map_err(refused)?;
        inner.set_signal(opus::Signal::Voice).map_err(refused)?;
        inner.set_complexity(limits::ENCODER_COMPLEXITY).map_err(refused)?;
        inner.set_dtx(true).map_err(refused)?;
        let mut encoder = Self { inner, deep: None, mode: VoiceMode::Calm, last: Vec::new() };
        encoder.apply().map_err(refused)?;
        Ok(encoder)
    }

    /// Another way to encode from the next frame on.
    pub(crate) fn set_mode(&mut self, mode: VoiceMode) {
        if mode == self.mode {
            return;
        }
        self.mode = mode;
        if let Err(error) = self.apply() {
            tracing::warn!(%error, ?mode, "libopus refused a setting");
        }
        if mode.settings().dred_10ms > 0 {
            // Without it the voice goes on at the same rate, and its packets remember nothing.
            self.deep = DeepEncoder::new(mode.settings())
                .inspect_err(|error| tracing::warn!(%error, "no deep redundancy"))
                .ok();
        } else if self.deep.take().is_some() {
            self.inner.reset_state().ok();
        } else {
            return;
        }
        for frame in std::mem::take(&mut self.last).chunks_exact(FRAME) {
            self.encode(frame);
        }
    }

    fn apply(&mut self) -> opus::Result<()> {
        let settings = self.mode.settings();
        let band = if settings.is_wideband { opus::Bandwidth::Wideband } else { opus::Bandwidth::Auto };
        self.inner.set_bitrate(opus::Bitrate::Bits(settings.bitrate_bps))?;
        self.inner.set_bandwidth(band)?;
        self.inner.set_inband_fec(settings.has_lbrr)?;
        // Never told as nothing, or libopus leaves LBRR out.
        self.inner.set_packet_loss_perc(settings.loss_percent)
    }

    #[cfg(test)]
    pub(crate) fn without_dtx(mut self) -> Self {
        self.inner.set_dtx(false).expect("a switch");
        self
    }

    /// Samples by which decoded sound lags behind what was encoded; the same for both encoders.
    pub(crate) fn lookahead(&mut self) -> u64 {
        self.inner.get_lookahead().ok().and_then(|n| u64::try_from(n).ok()).unwrap_or(0)
    }

    /// Encodes [`FRAME`] samples. `None`: libopus refused them (or they are not a frame).
    pub(crate) fn encode(&mut self, pcm: &[f32]) -> Option<Vec<u8>> {
        if pcm.len() != FRAME {
            return None;
        }
        let mut packet = vec![0; limits::PACKET_BYTES];
        let length = match &mut self.deep {
            Some(deep) => deep.encode(pcm, &mut packet)?,
            None => self.inner.encode_float(pcm, &mut packet).ok()?,
        };
        packet.truncate(length);
        if self.last.len() >= limits::HANDOVER_FRAMES * FRAME {
            self.last.drain(..FRAME);
        }
        self.last.extend_from_slice(pcm);
        Some(packet)
    }

    /// Forgets what went before: after a pause in which nothing was encoded.
    pub(crate) fn reset(&mut self) {
        self.last.clear();
        match &mut self.deep {
            Some(deep) => deep.reset(),
            None => {
                self.inner.reset_state().ok();
            }
        }
    }
}

/// Decodes one remote's voice.
pub(crate) struct Decoder {
    state: NonNull<ffi::OpusDecoder>,
    memory: DeepMemory,
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
        let memory = DeepMemory::new()?;
        let mut error = 0;
        // SAFETY: `error` lives through the call; rate and channel count are ones that libopus takes.
        let state = unsafe { ffi::opus_decoder_create(RATE as i32, 1, &raw mut error) };
        let state = NonNull::new(state).ok_or(AudioError::Codec(error))?;
        let decoder = Self { state, memory };
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

    /// Reads what `packet` remembers of the time before it. Returns the samples that it goes back.
    pub(crate) fn read_past(&mut self, packet: &[u8]) -> usize {
        self.memory.read(packet)
    }

    /// Fills `pcm` (at most a frame, a multiple of 120 samples) with what was `back` samples before the packet that was read.
    pub(crate) fn recall(&mut self, back: usize, pcm: &mut [f32]) -> Result<usize, Undecodable> {
        let (Ok(back), Ok(space)) = (i32::try_from(back), i32::try_from(pcm.len())) else {
            return Err(Undecodable(ffi::OPUS_BAD_ARG));
        };
        // SAFETY: `state` is live and so is the memory, which libopus only reads; `pcm` has room for `space` mono samples, and
        // libopus writes no more than that.
        let samples = unsafe {
            ffi::opus_decoder_dred_decode_float(self.state.as_ptr(), self.memory.past(), back, pcm.as_mut_ptr(), space)
        };
        usize::try_from(samples).map_err(|_| Undecodable(samples))
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
    let samples = opus::packet::get_nb_samples(packet, RATE).ok()?;
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
    fn every_packet_of_a_voice_has_one_size_and_a_burst_is_remembered() {
        let voice = crate::audio::voice::zero_to_nine();
        for mode in [VoiceMode::Calm, VoiceMode::Lossy, VoiceMode::Bursts, VoiceMode::Thin] {
            let (mut encoder, mut decoder) = (Encoder::new().expect("encoder"), Decoder::new().expect("decoder"));
            encoder.set_mode(mode);
            let packets: Vec<_> = voice[..96_000].chunks_exact(FRAME).filter_map(|pcm| encoder.encode(pcm)).collect();
            let size = usize::try_from(mode.settings().bitrate_bps).expect("positive") / 400;
            let spoken: Vec<_> = packets.iter().filter(|packet| packet.len() > 2).collect();
            assert!(spoken.len() > 30 && spoken.iter().all(|packet| packet.len() == size), "{mode:?}");
            let back = spoken.get(20).map_or(0, |packet| decoder.read_past(packet));
            assert_eq!(back >= 5 * FRAME, mode == VoiceMode::Bursts, "{mode:?} goes {back} samples back");
        }
    }

    /// A voice through encoder and decoder, each frame in the mode that `mode` tells.
    fn heard(voice: &[f32], mode: impl Fn(usize) -> VoiceMode) -> Vec<f32> {
        let (mut encoder, mut decoder) = (Encoder::new().expect("encoder"), Decoder::new().expect("decoder"));
        let mut pcm = vec![0.0; FRAME];
        let mut heard = Vec::new();
        for (n, frame) in voice.chunks_exact(FRAME).enumerate() {
            encoder.set_mode(mode(n));
            let packet = encoder.encode(frame).expect("packet");
            decoder.decode(&packet, &mut pcm).expect("decoded");
            heard.extend_from_slice(&pcm);
        }
        heard
    }

    #[test]
    fn the_lookahead_is_as_told_by_both_encoders() {
        let voice = crate::audio::voice::zero_to_nine();
        let told = Encoder::new().expect("encoder").lookahead() as usize;
        for mode in [VoiceMode::Calm, VoiceMode::Bursts] {
            let heard = heard(&voice[..192_000], |_| mode);
            let fit = |lag: usize| -> f32 { (2_000..96_000).map(|i| voice[i - lag] * heard[i]).sum() };
            let best = (0..1_900).max_by(|&a, &b| fit(a).total_cmp(&fit(b))).expect("a lag");
            assert!(best.abs_diff(told) <= 24, "{mode:?}: {best} samples, told {told}");
        }
    }

    #[test]
    fn a_change_of_encoders_is_not_heard() {
        let voice = crate::audio::voice::zero_to_nine();
        // Without the pauses between the words.
        let words: Vec<f32> =
            voice.chunks_exact(RATE as usize).flat_map(|second| second[..16 * FRAME].to_vec()).collect();
        let lag = Encoder::new().expect("encoder").lookahead() as usize;
        // How much what is heard is like what was said, in the first packets after a change.
        let likeness = |heard: &[f32]| {
            let product = |a: &dyn Fn(usize) -> f32, b: &dyn Fn(usize) -> f32| -> f32 {
                (FRAME..words.len()).filter(|n| n % (4 * FRAME) < FRAME).map(|n| a(n) * b(n)).sum()
            };
            let (said, got) = (|n: usize| words[n - lag], |n: usize| heard[n]);
            product(&said, &got) / (product(&said, &said) * product(&got, &got)).sqrt()
        };
        let modes = [VoiceMode::Calm, VoiceMode::Bursts];
        let steady = modes.map(|mode| likeness(&heard(&words, |_| mode)));
        let changing = likeness(&heard(&words, |n| modes[n / 4 % 2]));
        assert!(changing > steady[0].min(steady[1]) - 0.03, "{steady:?} steady, {changing} changing");
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
            if decoder.read_past(&junk) >= FRAME {
                decoder.recall(FRAME, &mut pcm[..FRAME]).ok();
            }
            if duration(&junk).is_some() {
                decoder.decode(&junk, &mut pcm).ok();
            }
            assert!(pcm.iter().all(|s| s.is_finite()));
        }
    }
}
