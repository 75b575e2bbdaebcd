//! Who hears whom: what our own ears say, and what others tell of theirs. Judges our own sound from what the jitter buffers
//! did, not from what the network claims; a row is told to the core when it changes.

use std::collections::BTreeMap;
use std::time::Instant;

use conclave_media::audio::Flow;
use conclave_proto::ids::PeerId;
use conclave_proto::talk::{Hearing, TalkCommand};

use crate::engine::limits::{DEAF_AFTER, FIRST_SOUND_WITHIN};
use crate::engine::room::{HearingRow, Hears, Room};

/// Everybody's ears.
#[derive(Default)]
pub(in crate::engine) struct HearingBoard {
    ours: BTreeMap<PeerId, Ear>,
    told: Vec<(PeerId, Hearing)>,
    others: BTreeMap<PeerId, Vec<(PeerId, Hearing)>>,
}

struct Ear {
    since: Instant,
    /// Since when sound that should come does not.
    deaf: Option<Instant>,
    state: Hearing,
}

/// What is known of one person's sound right now.
pub(in crate::engine) struct Sound {
    pub(in crate::engine) from: PeerId,
    pub(in crate::engine) flow: Flow,
    /// They say that their microphone gives nothing.
    pub(in crate::engine) muted: bool,
    /// Nothing at all arrives from them.
    pub(in crate::engine) cut_off: bool,
}

impl HearingBoard {
    /// Listens again; what to tell the others, if that changed.
    pub(in crate::engine) fn listen(&mut self, sounds: &[Sound]) -> Option<TalkCommand> {
        let now = Instant::now();
        self.ours.retain(|peer, _| sounds.iter().any(|sound| sound.from == *peer));
        for sound in sounds {
            let ear = self.ours.entry(sound.from).or_insert(Ear { since: now, deaf: None, state: Hearing::Quiet });
            ear.listen(now, sound);
        }
        let row: Vec<_> = self.ours.iter().map(|(peer, ear)| (*peer, ear.state)).collect();
        if row == self.told {
            return None;
        }
        self.told.clone_from(&row);
        Some(TalkCommand::SetHearing(row))
    }

    pub(super) fn told(&mut self, of: PeerId, row: Vec<(PeerId, Hearing)>) {
        self.others.insert(of, row);
    }

    pub(super) fn forget(&mut self, of: PeerId) {
        self.others.remove(&of);
    }

    pub(super) fn show(&self, room: &mut Room, me: PeerId, present: &[(PeerId, String)]) {
        let everybody: Vec<PeerId> = std::iter::once(me).chain(present.iter().map(|(peer, _)| *peer)).collect();
        let row = |who: PeerId, name: &str, heard: &[(PeerId, Hearing)]| HearingRow {
            who: who.short(),
            name: name.to_owned(),
            of: everybody
                .iter()
                .filter(|of| **of != who)
                .map(|of| (of.short(), hears(heard.iter().find(|(peer, _)| peer == of).map(|(_, hearing)| *hearing))))
                .collect(),
        };
        if present.is_empty() {
            return;
        }
        room.hearing.push(row(me, "You", &self.told));
        for (peer, name) in present {
            let heard = self.others.get(peer).map_or(&[][..], Vec::as_slice);
            if heard.contains(&(me, Hearing::NotHeard)) {
                room.cannot_hear_us.push(name.clone());
            }
            room.hearing.push(row(*peer, name, heard));
        }
    }
}

impl Ear {
    fn listen(&mut self, now: Instant, sound: &Sound) {
        let missing = match sound.flow {
            _ if sound.cut_off => true,
            Flow::Playing | Flow::Pause => false,
            Flow::Fresh => !sound.muted && now.duration_since(self.since) > FIRST_SOUND_WITHIN,
            Flow::Outage => !sound.muted,
        };
        if !missing {
            self.deaf = None;
            self.state = if sound.flow == Flow::Playing && !sound.muted { Hearing::Heard } else { Hearing::Quiet };
            return;
        }
        let since = *self.deaf.get_or_insert(now);
        if now.duration_since(since) >= DEAF_AFTER {
            self.state = Hearing::NotHeard;
        }
    }
}

/// In the window's words.
pub(in crate::engine) const fn hears(hearing: Option<Hearing>) -> Hears {
    match hearing {
        None => Hears::Unknown,
        Some(Hearing::Heard) => Hears::Yes,
        Some(Hearing::Quiet) => Hears::Quiet,
        Some(Hearing::NotHeard) => Hears::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound(flow: Flow, muted: bool, cut_off: bool) -> Sound {
        Sound { from: PeerId([1; 32]), flow, muted, cut_off }
    }

    #[test]
    fn a_pause_is_no_deafness_and_an_outage_is_told_after_a_moment() {
        let start = Instant::now();
        let mut ear = Ear { since: start, deaf: None, state: Hearing::Quiet };
        ear.listen(start, &sound(Flow::Playing, false, false));
        assert_eq!(ear.state, Hearing::Heard);
        ear.listen(start, &sound(Flow::Pause, false, false));
        assert_eq!(ear.state, Hearing::Quiet);
        ear.listen(start, &sound(Flow::Outage, false, false));
        assert_eq!(ear.state, Hearing::Quiet, "not yet");
        ear.listen(start + DEAF_AFTER, &sound(Flow::Outage, false, false));
        assert_eq!(ear.state, Hearing::NotHeard);
        ear.listen(start + DEAF_AFTER, &sound(Flow::Playing, false, false));
        assert_eq!(ear.state, Hearing::Heard);
    }

    #[test]
    fn a_muted_person_is_quiet_unless_the_link_is_cut() {
        let start = Instant::now();
        let mut ear = Ear { since: start, deaf: None, state: Hearing::Quiet };
        let later = start + FIRST_SOUND_WITHIN * 2;
        ear.listen(later, &sound(Flow::Fresh, true, false));
        ear.listen(later + DEAF_AFTER, &sound(Flow::Fresh, true, false));
        assert_eq!(ear.state, Hearing::Quiet);
        ear.listen(later, &sound(Flow::Pause, true, true));
        ear.listen(later + DEAF_AFTER, &sound(Flow::Pause, true, true));
        assert_eq!(ear.state, Hearing::NotHeard);
    }

    #[test]
    fn a_row_is_told_once_and_again_when_it_changes() {
        let mut board = HearingBoard::default();
        assert!(board.listen(&[sound(Flow::Playing, false, false)]).is_some());
        assert!(board.listen(&[sound(Flow::Playing, false, false)]).is_none());
        assert!(board.listen(&[]).is_some());
        let (me, other) = (PeerId([9; 32]), PeerId([1; 32]));
        board.told(other, vec![(me, Hearing::NotHeard)]);
        let mut room = Room::default();
        board.show(&mut room, me, &[(other, "Bo".to_owned())]);
        assert_eq!(room.cannot_hear_us, ["Bo"]);
        assert_eq!(room.hearing.len(), 2);
        assert_eq!(room.hearing[1].of, [(me.short(), Hears::No)]);
    }
}
