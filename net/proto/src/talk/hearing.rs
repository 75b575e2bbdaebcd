//! Who hears whom. Each member tells its row, signed and counted, every two seconds and at once when somebody is no longer heard or
//! heard again. Who reads that D is not heard passes the row on to D, so that D knows within two seconds even where the
//! pair is broken. Rows that are not told anew vanish.

use std::collections::BTreeMap;

use crate::crypto::hash;
use crate::ids::{MeetingId, PeerId};
use crate::keys::{MeetingKey, SIGNATURE_BYTES, Signature, verify};
use crate::limits::{HEARING_EVERY, HEARING_PAUSE, HEARING_RELAYS, HEARING_STALE, MEMBERS, ROWS_HEARD};
use crate::time::Instant;
use crate::wire::{Malformed, Reader};

use super::bucket::Bucket;
use super::message::ShortId;
use super::room::{Room, Turn};
use super::{Hearing, Offence, TalkEvent, TalkMessage};

/// Whom its author hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    author: PeerId,
    /// Counts the author's rows: an old one that comes late, or is played back, changes nothing.
    version: u64,
    entries: Vec<(ShortId, Hearing)>,
    signature: Signature,
}

impl Row {
    fn sign(key: &MeetingKey, meeting: MeetingId, version: u64, entries: Vec<(ShortId, Hearing)>) -> Self {
        let mut row = Self { author: key.peer_id(), version, entries, signature: [0; SIGNATURE_BYTES] };
        row.signature = key.sign(&row.statement(meeting));
        row
    }

    #[cfg(test)]
    pub(super) fn for_tests(key: &MeetingKey, meeting: MeetingId, version: u64, row: &[(PeerId, Hearing)]) -> Self {
        Self::sign(key, meeting, version, row.iter().map(|(peer, hearing)| (ShortId::from(*peer), *hearing)).collect())
    }

    fn is_signed(&self, meeting: MeetingId) -> bool {
        verify(&self.author.0, &self.statement(meeting), &self.signature)
    }

    fn statement(&self, meeting: MeetingId) -> [u8; 32] {
        hash("conclave hearing", &[&meeting.0, &self.content()])
    }

    fn content(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        out.extend_from_slice(&self.author.0);
        out.extend_from_slice(&self.version.to_be_bytes());
        // At most `MEMBERS`.
        out.push(u8::try_from(self.entries.len()).unwrap_or(u8::MAX));
        for (id, hearing) in &self.entries {
            out.extend_from_slice(&id.0);
            out.push(*hearing as u8);
        }
        out
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.content());
        out.extend_from_slice(&self.signature);
    }

    pub(super) fn parse(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (author, version) = (PeerId(reader.array()?), reader.u64()?);
        let count = usize::from(reader.u8()?);
        if count > MEMBERS {
            return Err(Malformed::OutOfRange);
        }
        let entries = (0..count)
            .map(|_| {
                let id = ShortId(reader.array()?);
                let code = reader.u8()?;
                let all = [Hearing::Heard, Hearing::Quiet, Hearing::NotHeard];
                let hearing = all.into_iter().find(|hearing| *hearing as u8 == code).ok_or(Malformed::UnknownCode)?;
                Ok((id, hearing))
            })
            .collect::<Result<_, Malformed>>()?;
        Ok(Self { author, version, entries, signature: reader.array()? })
    }

    fn of(&self, peer: PeerId) -> Option<Hearing> {
        let id = ShortId::from(peer);
        self.entries.iter().find(|(known, _)| *known == id).map(|(_, hearing)| *hearing)
    }
}

/// Another's row, and when it came.
#[derive(Debug)]
struct Kept {
    row: Row,
    at: Instant,
    shown: Vec<(PeerId, Hearing)>,
}

#[derive(Debug)]
pub(super) struct HearingTable {
    own: Option<Vec<(PeerId, Hearing)>>,
    version: u64,
    told_at: Option<Instant>,
    tell_at: Option<Instant>,
    rows: BTreeMap<PeerId, Kept>,
    heard: BTreeMap<PeerId, Bucket>,
    /// Versions of rows that went stale: they do not come back by being played back.
    spent: BTreeMap<PeerId, u64>,
}

impl HearingTable {
    pub(super) const NEW: Self = Self {
        own: None,
        version: 0,
        told_at: None,
        tell_at: None,
        rows: BTreeMap::new(),
        heard: BTreeMap::new(),
        spent: BTreeMap::new(),
    };

    /// What our ears say now.
    pub(super) fn set(&mut self, turn: &Turn<'_>, mut row: Vec<(PeerId, Hearing)>) {
        row.retain(|(peer, _)| turn.room.has(*peer));
        row.sort_unstable();
        row.dedup_by_key(|(peer, _)| *peer);
        let unheard = |row: &[(PeerId, Hearing)]| -> Vec<PeerId> {
            row.iter().filter(|(_, hearing)| *hearing == Hearing::NotHeard).map(|(peer, _)| *peer).collect()
        };
        let is_urgent = self.own.as_ref().is_none_or(|old| unheard(old) != unheard(&row));
        self.own = Some(row);
        if is_urgent {
            self.tell_soon(turn.now);
        }
    }

    fn tell_soon(&mut self, now: Instant) {
        if self.own.is_some() {
            let soonest = self.told_at.map_or(now, |at| now.max(at + HEARING_PAUSE));
            self.tell_at = Some(self.tell_at.map_or(soonest, |at| at.min(soonest)));
        }
    }

    pub(super) fn connected(&mut self, now: Instant) {
        self.tell_soon(now);
    }

    pub(super) fn tick(&mut self, turn: &mut Turn<'_>) {
        let now = turn.now;
        if self.tell_at.is_some_and(|at| at <= now)
            && let Some(own) = &self.own
        {
            let here = own.iter().filter(|(peer, _)| turn.room.has(*peer));
            let entries = here.map(|(peer, hearing)| (ShortId::from(*peer), *hearing)).collect();
            self.version += 1;
            let row = Row::sign(turn.key, turn.meeting, self.version, entries);
            turn.send_all(&TalkMessage::Hearing(row));
            (self.told_at, self.tell_at) = (Some(now), Some(now + HEARING_EVERY));
        }
        let stale: Vec<PeerId> =
            self.rows.iter().filter(|(_, kept)| now.since(kept.at) >= HEARING_STALE).map(|(of, _)| *of).collect();
        stale.into_iter().for_each(|of| self.drop_row(turn, of));
    }

    fn drop_row(&mut self, turn: &mut Turn<'_>, of: PeerId) {
        if let Some(kept) = self.rows.remove(&of) {
            self.spent.insert(of, kept.row.version);
            turn.event(TalkEvent::HearingGone { of });
        }
    }

    pub(super) fn wake(&self) -> Option<Instant> {
        let stale = self.rows.values().map(|kept| kept.at + HEARING_STALE).min();
        self.tell_at.into_iter().chain(stale).min()
    }

    pub(super) fn told(&mut self, turn: &mut Turn<'_>, from: PeerId, row: Row) -> Result<(), Offence> {
        let author = row.author;
        let known = self.rows.get(&author).map(|kept| kept.row.version).max(self.spent.get(&author).copied());
        if !turn.room.has(author) || known.is_some_and(|version| version >= row.version) {
            return Ok(());
        }
        // By whomever it comes: who tells too often would else make others flood in its name.
        if from == author && !self.heard.entry(author).or_default().take(turn.now, ROWS_HEARD, 1) {
            return Ok(());
        }
        if !row.is_signed(turn.meeting) {
            return Err(Offence::Forgery);
        }
        if from == author {
            self.pass_on(turn, &row);
        }
        let resolved = row.entries.iter().filter_map(|(id, hearing)| {
            turn.room.by_short(turn.us, *id).filter(|peer| *peer != author).map(|peer| (peer, *hearing))
        });
        let mut shown: Vec<(PeerId, Hearing)> = resolved.collect();
        shown.sort_unstable();
        shown.dedup_by_key(|(peer, _)| *peer);
        if self.rows.get(&author).is_none_or(|kept| kept.shown != shown) {
            turn.event(TalkEvent::Hearing { of: author, row: shown.clone() });
        }
        self.spent.remove(&author);
        self.rows.insert(author, Kept { row, at: turn.now, shown });
        Ok(())
    }

    fn pass_on(&self, turn: &mut Turn<'_>, row: &Row) {
        let unheard = row.entries.iter().filter(|(_, hearing)| *hearing == Hearing::NotHeard);
        let unheard: Vec<PeerId> = unheard
            .filter_map(|(id, _)| turn.room.by_short(turn.us, *id))
            .filter(|peer| *peer != turn.us && *peer != row.author)
            .collect();
        for peer in unheard {
            if self.is_ours_to_pass(turn.us, turn.room, row, peer) {
                turn.send(peer, TalkMessage::Hearing(row.clone()));
            }
        }
    }

    /// The first few of those whom both ends seem to hear; all of them work it out alike. Where nobody is known to be one, all are.
    fn is_ours_to_pass(&self, us: PeerId, room: &Room, row: &Row, to: PeerId) -> bool {
        let seems_heard = |row: &Row, peer: PeerId| row.of(peer).is_some_and(|hearing| hearing != Hearing::NotHeard);
        let theirs = self.rows.get(&to).map(|kept| &kept.row);
        let mut between: Vec<PeerId> = room.others.keys().copied().chain([us]).collect();
        between.retain(|peer| {
            *peer != row.author
                && *peer != to
                && seems_heard(row, *peer)
                && theirs.is_none_or(|theirs| seems_heard(theirs, *peer))
        });
        between.sort_unstable();
        between.is_empty() || between.iter().take(HEARING_RELAYS).any(|peer| *peer == us)
    }

    /// Who left hears nobody.
    pub(super) fn attendance_changed(&mut self, turn: &mut Turn<'_>) {
        let gone: Vec<PeerId> = self.rows.keys().copied().filter(|peer| !turn.room.has(*peer)).collect();
        gone.into_iter().for_each(|peer| self.drop_row(turn, peer));
        self.heard.retain(|peer, _| turn.room.has(*peer));
        self.spent.retain(|peer, _| turn.room.has(*peer));
    }
}
