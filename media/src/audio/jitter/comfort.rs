//! The faint noise that is heard while a remote sends nothing, as loud as the quietest that was heard of it, so that
//! the line does not sound dead. Pure; its randomness only has to sound random. Used by the jitter buffer alone.

/// Follows the noise floor and imitates it.
pub(super) struct ComfortNoise {
    floor: f32,
    state: u32,
    smooth: f32,
}

/// Never louder than -52 dBFS, whatever a remote's floor is.
const LOUDEST: f32 = 0.0025;

impl ComfortNoise {
    pub(super) fn new() -> Self {
        Self { floor: 0.0, state: 0x9e37_79b9, smooth: 0.0 }
    }

    /// Learns from decoded sound.
    pub(super) fn learn(&mut self, pcm: &[f32]) {
        if pcm.is_empty() {
            return;
        }
        let loudness = (pcm.iter().map(|s| s * s).sum::<f32>() / pcm.len() as f32).sqrt();
        // Falls at once, rises by 6 dB in some four seconds of speech.
        self.floor = loudness.min(self.floor * 1.0035 + 1e-6).min(LOUDEST);
    }

    pub(super) fn next(&mut self) -> f32 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 17;
        self.state ^= self.state << 5;
        let white = self.state as f32 / u32::MAX as f32 * 2.0 - 1.0;
        // One pole at about 3 kHz: rooms and fans are dull. The factors keep the loudness at `floor`.
        self.smooth = self.smooth * 0.68 + white * 0.32;
        self.smooth * self.floor * 4.0
    }
}
