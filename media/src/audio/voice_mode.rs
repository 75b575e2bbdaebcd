//! How our voice is encoded: once for everybody, so by the worst path of all. Pure; decided with hysteresis from what the
//! network reports. Copies of frames are not decided here: the network makes them for each peer by itself.
//!
//! PESQ figures (wideband, 16 kHz, synthetic speech, mean of three voices) stand in ARCHITECTURE.md, "Sound". What they say:
//! below 32 kbit/s a narrower band is worth more than a wide one with less detail, and where losses are many, a copy of a
//! frame is worth more than what in-band FEC takes from every frame.

/// The worst of the paths on which our voice goes out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PathNeeds {
    /// Share of our packets that gets lost, 0 to 1.
    pub loss: f64,
    /// Losses in a row, on average; 1 if single.
    pub burst: f64,
    /// What the thinnest path carries, in bit/s.
    pub thinnest_bps: u64,
}

impl Default for PathNeeds {
    fn default() -> Self {
        Self { loss: 0.0, burst: 1.0, thinnest_bps: u64::MAX }
    }
}

/// One way to encode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VoiceMode {
    /// Full band with LBRR: the first losses are half made good before anybody has reported them.
    Calm,
    /// Wideband at a rate at which repairs as large as the frames keep within 50 kbit/s. libopus leaves LBRR out at it.
    Lossy,
    /// Wideband with DRED: a packet remembers half a second.
    Bursts,
    /// Wideband at a rate that leaves room for headers on a path of 40 kbit/s.
    Thin,
}

/// What libopus is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) bitrate_bps: i32,
    pub(crate) is_wideband: bool,
    pub(crate) has_lbrr: bool,
    /// LBRR and DRED get their share by it.
    pub(crate) loss_percent: i32,
    /// In units of 10 ms.
    pub(crate) dred_10ms: i32,
}

impl VoiceMode {
    pub(crate) const fn settings(self) -> Settings {
        let lossy = Settings { bitrate_bps: 24_000, is_wideband: true, has_lbrr: true, loss_percent: 3, dred_10ms: 0 };
        match self {
            Self::Calm => Settings { bitrate_bps: 32_000, is_wideband: false, ..lossy },
            Self::Lossy => lossy,
            Self::Bursts => Settings { bitrate_bps: 36_000, has_lbrr: false, loss_percent: 20, dred_10ms: 40, ..lossy },
            Self::Thin => Settings { bitrate_bps: 20_000, ..lossy },
        }
    }

    /// The mode after news of the paths.
    pub(crate) fn next(self, paths: PathNeeds) -> Self {
        let thin = if self == Self::Thin { THIN_LEAVE_BPS } else { THIN_ENTER_BPS };
        let (bursts, burst_loss) =
            if self == Self::Bursts { (BURSTS_LEAVE, BURST_LOSS_LEAVE) } else { (BURSTS_ENTER, BURST_LOSS_ENTER) };
        let lossy = if self == Self::Calm { LOSSY_ENTER } else { LOSSY_LEAVE };
        if paths.thinnest_bps < thin {
            Self::Thin
        } else if paths.burst >= bursts && paths.loss >= burst_loss {
            Self::Bursts
        } else if paths.loss >= lossy {
            Self::Lossy
        } else {
            Self::Calm
        }
    }
}

/// Where frames begin to share datagrams, and where they part again (conclave-proto's `sound_repair`).
const THIN_ENTER_BPS: u64 = 140_000;
const THIN_LEAVE_BPS: u64 = 170_000;
/// Up to this share copies alone do it, and nobody's voice need lose its brilliance for another's path.
const LOSSY_ENTER: f64 = 0.04;
const LOSSY_LEAVE: f64 = 0.025;
/// Random losses come 1.1 in a row at a tenth lost, 1.5 at a third.
const BURSTS_ENTER: f64 = 2.2;
const BURSTS_LEAVE: f64 = 1.7;
const BURST_LOSS_ENTER: f64 = 0.02;
const BURST_LOSS_LEAVE: f64 = 0.01;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_voice_follows_its_worst_path_and_does_not_flap() {
        let wide = PathNeeds::default();
        let at = |loss, burst| PathNeeds { loss, burst, ..wide };
        let mut mode = VoiceMode::Calm;
        for (paths, expected) in [
            (at(0.02, 1.0), VoiceMode::Calm),
            (at(0.06, 1.1), VoiceMode::Lossy),
            (at(0.04, 1.1), VoiceMode::Lossy),
            (at(0.02, 1.1), VoiceMode::Calm),
            (at(0.03, 3.0), VoiceMode::Bursts),
            (at(0.03, 2.0), VoiceMode::Bursts),
            (at(0.30, 1.4), VoiceMode::Lossy),
            (PathNeeds { thinnest_bps: 100_000, ..at(0.3, 3.0) }, VoiceMode::Thin),
            (PathNeeds { thinnest_bps: 160_000, ..wide }, VoiceMode::Thin),
            (wide, VoiceMode::Calm),
        ] {
            mode = mode.next(paths);
            assert_eq!(mode, expected, "{paths:?}");
        }
    }
}
