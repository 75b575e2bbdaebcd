//! What the batteries' charge means for our pictures. Pure; reads no battery (`batteries.rs` does) and tells nobody. Used by the
//! watch in `mod.rs`.

use conclave_media::video::Power;

/// Below it pictures are smaller: an hour of a meeting that others lead is still ahead of most computers.
const LOW_PERCENT: u8 = 30;
/// Below it they are fewer, too.
const VERY_LOW_PERCENT: u8 = 15;
/// So much more is needed before a step is taken back: gauges waver by two or three.
const MORE_PERCENT: u8 = 5;

/// What all batteries of this computer hold together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charge {
    /// Of a full charge.
    pub percent: u8,
    /// The computer lives on it now.
    pub discharging: bool,
}

/// What pictures may have with this charge. `before`: what they had until now. An unknown charge costs no picture.
pub(super) fn power(before: Power, charge: Option<Charge>) -> Power {
    let Some(Charge { percent, discharging: true }) = charge else { return Power::Plenty };
    let below = |limit: u8, power: Power| percent < if before >= power { limit + MORE_PERCENT } else { limit };
    if below(VERY_LOW_PERCENT, Power::VeryLow) {
        Power::VeryLow
    } else if below(LOW_PERCENT, Power::Low) {
        Power::Low
    } else {
        Power::Plenty
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(discharging: bool, percents: &[u8]) -> Vec<Power> {
        let charge = |percent| Some(Charge { percent, discharging });
        let next = |before: &mut Power, percent: &u8| {
            *before = power(*before, charge(*percent));
            Some(*before)
        };
        percents.iter().scan(Power::Plenty, next).collect()
    }

    #[test]
    fn a_battery_costs_nothing_until_it_is_low_and_then_by_steps() {
        use Power::{Low, Plenty, VeryLow};
        assert_eq!(run(true, &[100, 51, 30, 29, 15, 14, 0]), [Plenty, Plenty, Plenty, Low, Low, VeryLow, VeryLow]);
        assert_eq!(run(true, &[3]), [VeryLow], "low from the start");
    }

    #[test]
    fn on_mains_there_is_always_plenty() {
        assert_eq!(run(false, &[29, 14, 0]), [Power::Plenty; 3]);
        for before in [Power::Plenty, Power::Low, Power::VeryLow] {
            assert_eq!(power(before, Some(Charge { percent: 2, discharging: false })), Power::Plenty);
            assert_eq!(power(before, None), Power::Plenty, "and without a battery");
        }
    }

    #[test]
    fn a_gauge_that_wavers_changes_nothing() {
        use Power::{Low, Plenty, VeryLow};
        assert_eq!(run(true, &[29, 31, 34, 29, 35]), [Low, Low, Low, Low, Plenty]);
        assert_eq!(run(true, &[14, 15, 19, 20, 34, 35]), [VeryLow, VeryLow, VeryLow, Low, Low, Plenty]);
        assert_eq!(run(true, &[14, 35]), [VeryLow, Plenty], "another battery was put in");
    }
}
