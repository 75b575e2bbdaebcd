//! Reads this computer's batteries from the system and adds them up. Decides nothing; may hang in a driver, so the watch in
//! `mod.rs` calls it on a thread of its own.

use starship_battery::units::{energy, ratio};
use starship_battery::{Battery, Manager, State};

use super::super::limits;
use super::Charge;

/// What one battery says.
#[derive(Clone, Copy, Debug)]
struct Cell {
    percent: f32,
    /// What it holds when it is full; 0: it does not say.
    full_wh: f32,
    state: State,
}

impl From<&Battery> for Cell {
    fn from(battery: &Battery) -> Self {
        Self {
            percent: battery.state_of_charge().get::<ratio::percent>(),
            full_wh: battery.energy_full().get::<energy::watt_hour>(),
            state: battery.state(),
        }
    }
}

/// All batteries together; `None`: there are none, or the system does not say. Those of mice and headsets do not count.
pub(super) fn read() -> Option<Charge> {
    let batteries = match Manager::new().and_then(|manager| manager.batteries()) {
        Ok(batteries) => batteries,
        Err(error) => {
            tracing::debug!(%error, "the system tells of no batteries");
            return None;
        }
    };
    let mut cells = Vec::new();
    for battery in batteries.take(limits::BATTERIES) {
        match battery {
            Ok(battery) => cells.push(Cell::from(&battery)),
            Err(error) => tracing::debug!(%error, "a battery cannot be read and does not count"),
        }
    }
    together(&cells)
}

fn together(cells: &[Cell]) -> Option<Charge> {
    // A driver that divides by nothing has not said anything.
    let cells = || cells.iter().filter(|cell| cell.percent.is_finite());
    let any = |state| cells().any(|cell| cell.state == state);
    // Sizes weigh only if all are known.
    let sized = cells().all(|cell| cell.full_wh.is_finite() && cell.full_wh > 0.0);
    let weight = |cell: &Cell| if sized { cell.full_wh } else { 1.0 };
    let all: f32 = cells().map(weight).sum();
    if all <= 0.0 {
        return None;
    }
    let held: f32 = cells().map(|cell| cell.percent.clamp(0.0, 100.0) * weight(cell)).sum();
    // With two, one rests while the other works.
    let discharging = (any(State::Discharging) || any(State::Empty)) && !any(State::Charging);
    Some(Charge { percent: (held / all).round() as u8, discharging })
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn cell(percent: f32, full_wh: f32, state: State) -> Cell {
        Cell { percent, full_wh, state }
    }

    fn sum(cells: &[Cell]) -> Option<(u8, bool)> {
        together(cells).map(|charge| (charge.percent, charge.discharging))
    }

    #[test]
    fn one_battery_is_what_it_says() {
        assert_eq!(sum(&[]), None);
        assert_eq!(sum(&[cell(13.6, 50.0, State::Discharging)]), Some((14, true)));
        assert_eq!(sum(&[cell(0.0, 0.0, State::Empty)]), Some((0, true)));
        for state in [State::Charging, State::Full, State::Paused, State::Unknown] {
            assert_eq!(sum(&[cell(20.0, 50.0, state)]), Some((20, false)), "{state}");
        }
    }

    #[test]
    fn two_batteries_count_by_their_size() {
        assert_eq!(sum(&[cell(10.0, 20.0, State::Discharging), cell(90.0, 60.0, State::Unknown)]), Some((70, true)));
        assert_eq!(sum(&[cell(10.0, 0.0, State::Discharging), cell(90.0, 60.0, State::Paused)]), Some((50, true)));
        assert_eq!(sum(&[cell(10.0, 20.0, State::Charging), cell(90.0, 20.0, State::Discharging)]), Some((50, false)));
    }

    #[test]
    fn nonsense_counts_for_nothing() {
        assert_eq!(sum(&[cell(f32::NAN, 50.0, State::Discharging)]), None);
        assert_eq!(sum(&[cell(f32::NAN, 0.0, State::Unknown), cell(40.0, 30.0, State::Discharging)]), Some((40, true)));
        assert_eq!(sum(&[cell(900.0, f32::INFINITY, State::Discharging)]), Some((100, true)));
    }
}
