//! A history for measuring, only with the feature `testing`: what a bench asks of the fold, without the signatures' cost.

use crate::ids::DevicePublicKey;
use crate::keys::{KeyRejected, MeetingKey};
use crate::room::{MemberRole, Rule};
use crate::words::MemberKeys;

use super::fold::fold;
use super::{Action, Membership};

/// A room of so many people in which so many things happened, some of them in two halves that did not know of each other.
#[derive(Debug)]
pub struct FoldBench(Membership);

impl FoldBench {
    /// Draws nothing: the same numbers, the same history.
    ///
    /// # Errors
    /// The library refuses a key.
    pub fn new(people: u8, operations: usize) -> Result<Self, KeyRejected> {
        let keys: Vec<MeetingKey> =
            (0..people).map(|n| MeetingKey::from_seed(&[n + 1; 32])).collect::<Result<_, _>>()?;
        let member = |n: usize| MemberKeys {
            peer: keys[n].peer_id(),
            device: DevicePublicKey([u8::try_from(n).unwrap_or(0); 32]),
            noise_static: [7; 32],
        };
        let mut here = Membership::create(&keys[0], [1; 16], member(0).device, member(0).noise_static);
        for n in 1..keys.len() {
            here.act(&keys[0], Action::Admit(member(n)));
            if n % 4 == 1 {
                here.act(&keys[0], Action::SetRole(member(n).peer, MemberRole::Admin));
            }
        }
        let mut there = Self::copy(&here);
        for n in 0..operations * 10 {
            if here.entries.len() >= operations {
                break;
            }
            // Who comes and goes is no admin: four in five.
            let guest = member(2 + n % (keys.len() - 2) / 4 * 4 % (keys.len() - 2));
            let (half, key) = if n % 2 == 0 { (&mut here, &keys[0]) } else { (&mut there, &keys[1]) };
            let action = match n % 7 {
                0 | 1 => Action::Remove(guest.peer),
                2 | 3 => Action::Admit(guest),
                4 => Action::SetRole(guest.peer, MemberRole::Admin),
                5 => Action::SetRole(guest.peer, MemberRole::Member),
                _ => Action::Rule(Rule::ALL[n % 4], n % 3 == 0),
            };
            half.act(key, action);
            if n % 20 == 19 {
                here.add_all(there.all().cloned().collect());
                there.add_all(here.all().cloned().collect());
            }
        }
        here.add_all(there.all().cloned().collect());
        Ok(Self(here))
    }

    fn copy(of: &Membership) -> Membership {
        let mut copy = Membership::unknown(of.meeting());
        copy.add_all(of.all().cloned().collect());
        copy
    }

    /// How many operations there are.
    #[must_use]
    pub fn operations(&self) -> usize {
        self.0.entries.len()
    }

    /// Folds all of them anew; how many are members.
    #[must_use]
    pub fn fold(&self) -> usize {
        fold(&self.0.entries, None).roster(&self.0.entries, &self.0.people).members.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_history_is_as_long_as_asked_and_folds_to_a_room() -> Result<(), KeyRejected> {
        let bench = FoldBench::new(16, 300)?;
        assert!((300..=330).contains(&bench.operations()), "{}", bench.operations());
        assert!((2..=16).contains(&bench.fold()), "{}", bench.fold());
        Ok(())
    }
}
