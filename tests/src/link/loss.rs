//! How packets vanish at random: each by itself, or in bursts (Gilbert-Elliott). Called by this link, and by that of the worlds, for each packet.

use crate::random::Random;

/// How packets get lost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
    /// Not at all.
    None,
    /// Each by itself, in percent.
    Uniform(f64),
    /// Gilbert-Elliott: in percent per packet, how often a bad spell begins and ends, and what is lost within.
    Bursts {
        /// From good to bad.
        begin: f64,
        /// From bad to good.
        end: f64,
        /// Lost while bad.
        within: f64,
    },
}

impl Loss {
    /// `percent` of all packets in bursts of `mean_length` on average, everything within a burst.
    #[must_use]
    pub fn bursts(percent: f64, mean_length: f64) -> Self {
        let end = 100.0 / mean_length.max(1.0);
        let share = (percent / 100.0).clamp(0.0, 0.99);
        Self::Bursts { begin: (end * share / (1.0 - share)).min(100.0), end, within: 100.0 }
    }
}

/// Where one link stands between good and bad spells.
#[derive(Clone, Copy, Debug, Default)]
pub struct LossState {
    in_bad_spell: bool,
}

impl LossState {
    /// Whether the next packet vanishes.
    pub fn takes(&mut self, loss: Loss, random: &mut Random) -> bool {
        match loss {
            Loss::None => false,
            Loss::Uniform(percent) => random.chance(percent),
            Loss::Bursts { begin, end, within } => {
                self.in_bad_spell = random.chance(if self.in_bad_spell { 100.0 - end } else { begin });
                self.in_bad_spell && random.chance(within)
            }
        }
    }
}
