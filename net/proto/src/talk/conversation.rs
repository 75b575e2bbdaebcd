//! Brings the lists of text of all members together: sends what we write to everybody, and compares lists where heads differ
//! (a broken pair, a partition, a new session), so that members pass on what others could not. Bounds what an author or a
//! relay can bring.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::ids::PeerId;
use crate::limits::{
    CHAT_BATCH_BYTES, CHAT_CAUGHT_UP, CHAT_HEARD, CHAT_MESSAGES, CHAT_OF_THE_NEW, CHAT_SAID, CHAT_SYNC_AGAIN,
    CHAT_SYNC_PAUSE, CHAT_TEXT_BYTES,
};
use crate::text::clean_text;
use crate::time::Instant;

use super::bucket::Bucket;
use super::chat::{Chat, Draft, Signed};
use super::message::{ShortDigest, ShortId};
use super::room::{Room, Turn};
use super::{ChatKey, ChatMessage, Offence, TalkEvent, TalkMessage, TalkRefusal};

type Head = [u8; 8];

#[derive(Debug)]
pub(super) struct Conversation {
    chat: Chat,
    sequence: u32,
    said: Bucket,
    lines: BTreeMap<PeerId, Line>,
    /// What may still come, through others, of each author.
    caught_up: BTreeMap<PeerId, Bucket>,
    had_history: bool,
}

/// Between us and one other.
#[derive(Debug, Default)]
struct Line {
    heard: Bucket,
    their_head: Option<Head>,
    compare_at: Option<Instant>,
    /// Both heads when we last compared.
    compared: Option<(Head, Head, Instant)>,
    /// Messages that we asked for and may still be given.
    asked: usize,
    /// What it lacks.
    give: VecDeque<ChatKey>,
}

impl Conversation {
    pub(super) const fn new() -> Self {
        Self {
            chat: Chat::new(),
            sequence: 0,
            said: Bucket::NEW,
            lines: BTreeMap::new(),
            caught_up: BTreeMap::new(),
            had_history: false,
        }
    }

    // ---- The room ----

    pub(super) fn attendance_changed(&mut self, now: Instant, room: &Room) {
        if room.history_for_newcomers && !self.had_history {
            self.caught_up.clear();
        }
        self.had_history = room.history_for_newcomers;
        self.lines.retain(|peer, _| room.has(*peer));
        for peer in room.others.keys() {
            // What could not be taken, for its author was unknown, may be now.
            self.lines.entry(*peer).or_default().compared = None;
            self.caught_up_of(now, *peer, room);
        }
    }

    pub(super) fn connected(&mut self, peer: PeerId) {
        if let Some(line) = self.lines.get_mut(&peer) {
            (line.compared, line.their_head) = (None, None);
        }
    }

    pub(super) fn disconnected(&mut self, peer: PeerId) {
        if let Some(line) = self.lines.get_mut(&peer) {
            line.give.clear();
            line.compare_at = None;
        }
    }

    fn caught_up_of(&mut self, now: Instant, author: PeerId, room: &Room) -> &mut Bucket {
        let tokens = if room.history_for_newcomers { CHAT_CAUGHT_UP.burst } else { CHAT_OF_THE_NEW };
        self.caught_up.entry(author).or_insert_with(|| Bucket::holding(now, CHAT_CAUGHT_UP, tokens))
    }

    // ---- Writing ----

    pub(super) fn write(&mut self, turn: &mut Turn<'_>, text: &str, sent_unix_s: u64) -> Result<(), TalkRefusal> {
        let text = clean_text(text);
        if text.is_empty() {
            return Err(TalkRefusal::EmptyText);
        }
        if text.len() > CHAT_TEXT_BYTES {
            return Err(TalkRefusal::TextTooLong);
        }
        if !self.said.take(turn.now, CHAT_SAID, 1) {
            return Err(TalkRefusal::TooFast);
        }
        self.sequence += 1;
        let audience = turn.room.others.keys().map(|peer| ShortId::from(*peer)).collect();
        let draft = Draft { lamport: turn.clock.next(), sequence: self.sequence, sent_unix_s, audience, text };
        let signed = Signed::sign(turn.key, turn.meeting, draft);
        turn.send_all(&TalkMessage::Say(signed.clone()));
        self.keep(turn, vec![signed]);
        Ok(())
    }

    // ---- Reading ----

    pub(super) fn said(&mut self, turn: &mut Turn<'_>, from: PeerId, signed: Signed) -> Result<(), Offence> {
        if signed.author != from {
            return Err(Offence::Forgery);
        }
        let Some(line) = self.lines.get_mut(&from) else { return Ok(()) };
        if !line.heard.take(turn.now, CHAT_HEARD, 1) {
            return Err(Offence::ChatFlood);
        }
        if !turn.clock.is_plausible(signed.lamport) {
            return Err(Offence::Impossible);
        }
        if self.chat.is_new(&signed.key()) {
            if !signed.is_signed(turn.meeting) {
                return Err(Offence::Forgery);
            }
            self.keep(turn, vec![signed]);
        }
        Ok(())
    }

    /// What others kept for us. Its authors' signatures speak for it; a bad one speaks against who passed it on.
    pub(super) fn given(&mut self, turn: &mut Turn<'_>, from: PeerId, all: Vec<Signed>) -> Result<(), Offence> {
        let Some(line) = self.lines.get_mut(&from) else { return Ok(()) };
        line.asked = line.asked.checked_sub(all.len()).ok_or(Offence::Unsolicited)?;
        let mut taken = Vec::new();
        for signed in all {
            let author = signed.author;
            let is_known = author == turn.us || turn.room.has(author) || turn.room.departed.contains(&author);
            let is_ours_to_read = Chat::may_have(&signed, turn.us, turn.room.history_for_newcomers);
            let is_plausible = turn.clock.is_plausible(signed.lamport);
            if !is_known || !is_ours_to_read || !is_plausible || !self.chat.is_new(&signed.key()) {
                continue;
            }
            if !signed.is_signed(turn.meeting) {
                self.keep(turn, taken);
                return Err(Offence::Forgery);
            }
            if self.caught_up_of(turn.now, author, turn.room).take(turn.now, CHAT_CAUGHT_UP, 1) {
                taken.push(signed);
            } else if author == from {
                self.keep(turn, taken);
                return Err(Offence::ChatFlood);
            }
        }
        self.keep(turn, taken);
        Ok(())
    }

    /// Takes in what is signed, and shows it.
    fn keep(&mut self, turn: &mut Turn<'_>, all: Vec<Signed>) {
        let mut shown: Vec<ChatMessage> = Vec::new();
        for signed in all {
            turn.clock.saw(signed.lamport);
            turn.changed = true;
            shown.extend(self.chat.insert(signed));
        }
        if !shown.is_empty() {
            turn.event(TalkEvent::Chat(shown));
        }
    }

    // ---- Comparing ----

    pub(super) fn head(&self, us: PeerId, them: PeerId, room: &Room) -> Head {
        self.chat.head(us, them, room.history_for_newcomers)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.chat.is_empty()
    }

    pub(super) fn head_told(&mut self, turn: &Turn<'_>, from: PeerId, head: Head) {
        let ours = self.head(turn.us, from, turn.room);
        let Some(line) = self.lines.get_mut(&from) else { return };
        line.their_head = Some(head);
        // One of the two begins; the other answers with its own list if it lacks something.
        if head != ours && turn.us < from && line.compare_at.is_none() {
            line.compare_at = Some(turn.now + CHAT_SYNC_PAUSE);
        }
    }

    pub(super) fn list_told(&mut self, turn: &mut Turn<'_>, from: PeerId, is_answer: bool, ids: &[ShortDigest]) {
        let history = turn.room.history_for_newcomers;
        let known: BTreeSet<ShortDigest> = ids.iter().copied().collect();
        let missing = self.chat.missing_from(&known, turn.us, from, history);
        let lacks = self.chat.lacks_any(&known);
        let Some(line) = self.lines.get_mut(&from) else { return };
        line.give = missing.into();
        if !is_answer && lacks {
            self.ask(turn, from, true);
        }
    }

    fn ask(&mut self, turn: &mut Turn<'_>, peer: PeerId, is_answer: bool) {
        let ids = self.chat.ids(turn.us, peer, turn.room.history_for_newcomers);
        if let Some(line) = self.lines.get_mut(&peer) {
            line.asked = (line.asked + CHAT_MESSAGES).min(2 * CHAT_MESSAGES);
            turn.send(peer, TalkMessage::Have { is_answer, ids });
        }
    }

    pub(super) fn tick(&mut self, turn: &mut Turn<'_>) {
        let now = turn.now;
        let due: Vec<(PeerId, Option<Head>)> = self
            .lines
            .iter_mut()
            .filter_map(|(peer, line)| line.compare_at.take_if(|at| *at <= now).map(|_| (*peer, line.their_head)))
            .collect();
        for (peer, their_head) in due {
            let ours = self.head(turn.us, peer, turn.room);
            let (Some(theirs), Some(line)) = (their_head.filter(|head| *head != ours), self.lines.get_mut(&peer))
            else {
                continue;
            };
            let in_vain =
                |(a, b, at): (Head, Head, Instant)| (a, b) == (ours, theirs) && now.since(at) < CHAT_SYNC_AGAIN;
            if !line.compared.is_some_and(in_vain) {
                line.compared = Some((ours, theirs, now));
                self.ask(turn, peer, false);
            }
        }
    }

    pub(super) fn wake(&self) -> Option<Instant> {
        self.lines.values().filter_map(|line| line.compare_at).min()
    }

    // ---- Giving ----

    pub(super) fn has_something_for(&self, peer: PeerId) -> bool {
        self.lines.get(&peer).is_some_and(|line| !line.give.is_empty())
    }

    /// The next batch for a peer, and its size.
    pub(super) fn next_batch(&mut self, peer: PeerId) -> Option<(TalkMessage, usize)> {
        let line = self.lines.get_mut(&peer)?;
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while let Some(key) = line.give.front() {
            if let Some(signed) = self.chat.message(key) {
                if !batch.is_empty() && bytes + signed.encoded_len() > CHAT_BATCH_BYTES {
                    break;
                }
                bytes += signed.encoded_len();
                batch.push(signed.clone());
            }
            line.give.pop_front();
        }
        (!batch.is_empty()).then_some((TalkMessage::Give(batch), bytes))
    }
}
