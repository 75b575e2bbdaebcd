//! What the owner of the meeting is told of its membership: compares what the fold says now with what was told last.

use std::collections::BTreeSet;

use crate::ids::PeerId;
use crate::membership::{Departure, Roster};
use crate::room::{MemberChange, MemberRole, RosterEntry, Rule};
use crate::words::{MemberKeys, meeting_words};

use super::{Core, Event};

/// What was told last.
#[derive(Default)]
pub(super) struct Told {
    roster: Roster,
    words: Option<[&'static str; 6]>,
    entries: Vec<RosterEntry>,
    equivocators: BTreeSet<PeerId>,
}

/// What the door has to do about it.
pub(super) struct DoorNews {
    /// Invites of before must open nothing any more.
    pub(super) change_lock: bool,
    /// Nor may those stay who knocked with one.
    pub(super) clear_lobby: bool,
}

impl Core {
    /// Tells what changed since the last time.
    pub(super) fn tell_news(&mut self) -> DoorNews {
        let now = self.membership.roster().clone();
        let before = std::mem::replace(&mut self.told.roster, now.clone());
        // Our own coming in is no news of others.
        let we_came_in = before.members.is_empty();
        let changes = if we_came_in { Vec::new() } else { changes(&before, &now) };
        self.tell_words(&changes);
        if !we_came_in {
            self.tell_roles(&before, &now);
        }
        if we_came_in || before.rules != now.rules {
            let differs = |rule: &Rule| before.rules.holds(*rule) != now.rules.holds(*rule);
            let changed = Rule::ALL.into_iter().filter(|rule| !we_came_in && differs(rule));
            let changed = changed.filter_map(|rule| now.rule_setters.get(&rule).map(|by| (rule, *by))).collect();
            self.event(Event::Rules { rules: now.rules, changed });
        }
        let equivocators = self.membership.equivocators().clone();
        for who in equivocators.difference(&self.told.equivocators).copied().collect::<Vec<_>>() {
            self.event(Event::Equivocation { who });
        }
        self.told.equivocators = equivocators;
        self.tell_roster();
        let put_out = changes.iter().any(|change| matches!(change, MemberChange::Removed { .. }));
        DoorNews {
            change_lock: !we_came_in && (put_out || before.epoch_mark != now.epoch_mark),
            clear_lobby: before.rotations != now.rotations,
        }
    }

    fn tell_words(&mut self, changes: &[MemberChange]) {
        let members: Vec<MemberKeys> = self.membership.roster().members.values().copied().collect();
        let words = meeting_words(self.membership.meeting(), &members);
        if self.told.words != Some(words) {
            self.told.words = Some(words);
            self.event(Event::Words { words, why: changes.to_vec() });
        }
    }

    fn tell_roles(&mut self, before: &Roster, now: &Roster) {
        for who in now.members.keys().filter(|who| before.members.contains_key(who)) {
            let is_admin = now.admins.contains(who);
            if is_admin != before.admins.contains(who) {
                let role = if is_admin { MemberRole::Admin } else { MemberRole::Member };
                let by = now.role_givers.get(who).copied();
                let by = if before.role_givers.get(who) == by.as_ref() { None } else { by };
                self.event(Event::RoleChanged { who: *who, role, by });
            }
        }
    }

    /// Everybody who belongs to the room, if anything about that changed.
    pub(super) fn tell_roster(&mut self) {
        let us = self.peer_id();
        let roster = self.membership.roster();
        if !roster.members.contains_key(&us) {
            return;
        }
        let entry = |(who, keys): (&PeerId, &MemberKeys)| {
            let peer = self.peers.get(who);
            let is_us = *who == us;
            let name = if is_us { Some(self.name.clone()) } else { peer.and_then(|peer| peer.name.clone()) };
            RosterEntry {
                who: *who,
                name,
                device: keys.device,
                role: if roster.admins.contains(who) { MemberRole::Admin } else { MemberRole::Member },
                present: is_us || peer.is_some_and(|peer| peer.announced),
                is_us,
            }
        };
        let entries: Vec<RosterEntry> = roster.members.iter().map(entry).collect();
        if self.told.entries != entries {
            self.told.entries.clone_from(&entries);
            self.event(Event::Roster(entries));
        }
    }
}

fn changes(before: &Roster, now: &Roster) -> Vec<MemberChange> {
    let came = now.members.keys().filter(|who| !before.members.contains_key(who));
    let went = before.members.keys().filter(|who| !now.members.contains_key(who));
    let went = went.map(|who| match now.departed.get(who) {
        Some(Departure::Left) => MemberChange::Left(*who),
        Some(Departure::Removed(by)) => MemberChange::Removed { who: *who, by: *by },
        None => MemberChange::Removed { who: *who, by: None },
    });
    came.map(|who| MemberChange::Joined(*who)).chain(went).collect()
}
