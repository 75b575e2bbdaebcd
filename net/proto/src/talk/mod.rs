//! Everything in the room that is neither membership nor media: text, hands, reactions, who hears whom, asking to mute, files. A
//! state machine of its own: told the time, who is in, whose path carries, and what members say. The root orders its
//! children and hands each message to the one that it concerns. Driven by `core/talk.rs`.

mod api;
mod bucket;
mod bulk;
mod chat;
mod conversation;
mod gossip;
mod hands;
mod hearing;
mod message;
mod receiving;
mod room;
mod sending;
mod small;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub use api::{
    ChatKey, ChatMessage, FileId, FileOutcome, FileWithdrawal, Hearing, Offence, Reaction, TalkCommand, TalkEvent,
    TalkRefusal,
};
pub use bucket::Rate;
pub(crate) use message::TalkMessage;

use crate::ids::{MeetingId, PeerId};
use crate::keys::MeetingKey;
use crate::limits::TALK_HEARD;
use crate::time::{Bitrate, Instant};

use bucket::Bucket;
use bulk::Bulk;
use conversation::Conversation;
use gossip::Gossip;
use hands::Hands;
use hearing::HearingTable;
use receiving::Inbox;
use room::{Clock, Room, Turn};
use sending::{Offer, Outbox};
use small::SmallThings;

/// Who we are while an input is handled.
#[derive(Clone, Copy)]
pub(crate) struct Us<'a> {
    pub(crate) key: &'a MeetingKey,
    pub(crate) meeting: MeetingId,
}

/// The room as the membership has it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attendance {
    /// Us included; the value tells admins.
    pub(crate) members: BTreeMap<PeerId, bool>,
    /// Members of the past.
    pub(crate) departed: BTreeSet<PeerId>,
    /// Who joins may read what was said before.
    pub(crate) history_for_newcomers: bool,
}

/// What a session can carry at the moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    /// What its path carries.
    pub(crate) estimate: Bitrate,
    /// Bytes in its reliable channel that are not acknowledged.
    pub(crate) waiting: usize,
}

/// What talk wants done.
#[derive(Debug)]
pub(crate) enum TalkOutput {
    Send(PeerId, TalkMessage),
    Event(TalkEvent),
    /// Keep this much of the path free of pictures: it goes into files.
    Reserve(PeerId, Bitrate),
}

/// The talk of one room.
#[derive(Debug)]
pub(crate) struct Talk {
    room: Room,
    clock: Clock,
    conversation: Conversation,
    hands: Hands,
    gossip: Gossip,
    hearing: HearingTable,
    small: SmallThings,
    outbox: Outbox,
    inbox: Inbox,
    bulk: Bulk,
    /// All that a peer says, of any kind.
    heard: BTreeMap<PeerId, Bucket>,
    outputs: VecDeque<TalkOutput>,
    wake: Option<Instant>,
}

impl Talk {
    pub(crate) const fn new() -> Self {
        Self {
            room: Room::NEW,
            clock: Clock::NEW,
            conversation: Conversation::new(),
            hands: Hands::new(),
            gossip: Gossip::NEW,
            hearing: HearingTable::NEW,
            small: SmallThings::NEW,
            outbox: Outbox::NEW,
            inbox: Inbox::NEW,
            bulk: Bulk::NEW,
            heard: BTreeMap::new(),
            outputs: VecDeque::new(),
            wake: None,
        }
    }

    /// The membership or its rules changed.
    pub(crate) fn set_attendance(&mut self, now: Instant, us: Us<'_>, attendance: Attendance) {
        let before: Vec<PeerId> = self.room.others.keys().copied().collect();
        self.room.update(us.key.peer_id(), attendance);
        let gone: Vec<PeerId> = before.into_iter().filter(|peer| !self.room.has(*peer)).collect();
        self.heard.retain(|peer, _| self.room.has(*peer));
        self.small.attendance_changed(&self.room);
        self.gossip.attendance_changed(&self.room);
        self.conversation.attendance_changed(now, &self.room);
        self.turn(now, us, |parts, turn| {
            parts.hands.attendance_changed(turn);
            parts.hearing.attendance_changed(turn);
            for peer in gone {
                parts.outbox.gone(turn, peer);
                parts.inbox.gone(turn, peer);
            }
            turn.changed = true;
        });
    }

    /// A path to a member carries, for the first time or again: whatever got lost meanwhile is told anew.
    pub(crate) fn connected(&mut self, now: Instant, us: Us<'_>, peer: PeerId) {
        self.room.connect(peer);
        self.gossip.connected(now, peer);
        self.conversation.connected(peer);
        self.hands.connected(peer);
        self.hearing.connected(now);
        self.turn(now, us, |parts, turn| parts.outbox.connected(turn, peer));
    }

    /// It does not any more.
    pub(crate) fn disconnected(&mut self, peer: PeerId) {
        self.room.disconnect(peer);
        self.conversation.disconnected(peer);
        self.outbox.disconnected(peer);
    }

    /// It was cut off: its files will not come.
    pub(crate) fn expelled(&mut self, now: Instant, us: Us<'_>, peer: PeerId) {
        self.disconnected(peer);
        self.turn(now, us, |parts, turn| {
            parts.outbox.gone(turn, peer);
            parts.inbox.gone(turn, peer);
        });
    }

    /// What the owner of the meeting asks; a refusal comes as an event.
    pub(crate) fn command(&mut self, now: Instant, us: Us<'_>, command: TalkCommand) {
        self.turn(now, us, |parts, turn| {
            if let Err(refusal) = parts.carry_out(turn, command) {
                turn.event(TalkEvent::Refused(refusal));
            }
        });
    }

    /// What a member says. An offence is told as an event; the caller ends the session.
    pub(crate) fn handle_message(
        &mut self,
        now: Instant,
        us: Us<'_>,
        from: PeerId,
        message: TalkMessage,
    ) -> Result<(), Offence> {
        if !self.room.has(from) {
            return Ok(());
        }
        // Asked-for data are bounded by what was asked for, windows by what they open.
        let is_asked_for = match &message {
            TalkMessage::Piece { .. } | TalkMessage::Give(_) => true,
            TalkMessage::Window { id, attempt, until, .. } => self.outbox.window_moves(from, *id, *attempt, *until),
            _ => false,
        };
        let floods = !is_asked_for && !self.heard.entry(from).or_default().take(now, TALK_HEARD, 1);
        let mut outcome = if floods { Err(Offence::Flood) } else { Ok(()) };
        self.turn(now, us, |parts, turn| {
            outcome = outcome.and_then(|()| parts.take(turn, from, message));
            if let Err(offence) = outcome {
                turn.event(TalkEvent::CutOff { who: from, offence });
            }
        });
        outcome
    }

    /// Does what is due. `link` tells of a member's session.
    pub(crate) fn tick(&mut self, now: Instant, us: Us<'_>, link: &mut dyn FnMut(PeerId) -> Option<Link>) {
        self.turn(now, us, |parts, turn| {
            parts.conversation.tick(turn);
            parts.gossip.tick(turn, parts.conversation, parts.hands);
            parts.hearing.tick(turn);
            parts.bulk.tick(turn, link, parts.conversation, parts.outbox);
        });
        self.wake = [self.conversation.wake(), self.gossip.wake(), self.hearing.wake(), self.bulk.wake()]
            .into_iter()
            .flatten()
            .min();
    }

    /// What is to be done; until `None` after every input.
    pub(crate) fn poll(&mut self) -> Option<TalkOutput> {
        self.outputs.pop_front()
    }

    /// When `tick` wants to be called.
    pub(crate) const fn wake(&self) -> Option<Instant> {
        self.wake
    }

    /// Lends the parts out for one input, and looks at everything again after it.
    fn turn(&mut self, now: Instant, us: Us<'_>, run: impl FnOnce(&mut Parts<'_>, &mut Turn<'_>)) {
        let mut turn = Turn {
            now,
            us: us.key.peer_id(),
            key: us.key,
            meeting: us.meeting,
            room: &self.room,
            clock: &mut self.clock,
            out: &mut self.outputs,
            changed: false,
        };
        let mut parts = Parts {
            conversation: &mut self.conversation,
            hands: &mut self.hands,
            gossip: &mut self.gossip,
            hearing: &mut self.hearing,
            small: &mut self.small,
            outbox: &mut self.outbox,
            inbox: &mut self.inbox,
            bulk: &mut self.bulk,
        };
        run(&mut parts, &mut turn);
        if turn.changed {
            self.gossip.changed(now, &self.room);
        }
        self.wake = Some(now);
    }
}

/// The children, borrowed apart from room and clock.
struct Parts<'a> {
    conversation: &'a mut Conversation,
    hands: &'a mut Hands,
    gossip: &'a mut Gossip,
    hearing: &'a mut HearingTable,
    small: &'a mut SmallThings,
    outbox: &'a mut Outbox,
    inbox: &'a mut Inbox,
    bulk: &'a mut Bulk,
}

impl Parts<'_> {
    fn carry_out(&mut self, turn: &mut Turn<'_>, command: TalkCommand) -> Result<(), TalkRefusal> {
        match command {
            TalkCommand::Chat { text, sent_unix_s } => self.conversation.write(turn, &text, sent_unix_s),
            TalkCommand::RaiseHand(raised) => self.hands.set(turn, turn.us, raised),
            TalkCommand::LowerHand(peer) if peer == turn.us => self.hands.set(turn, peer, false),
            TalkCommand::LowerHand(peer) => {
                SmallThings::require_admin(turn)?;
                SmallThings::require_member(turn, peer)?;
                self.hands.set(turn, peer, false)
            }
            TalkCommand::React(reaction) => self.small.react(turn, reaction),
            TalkCommand::SetHearing(row) => {
                self.hearing.set(turn, row);
                Ok(())
            }
            TalkCommand::AskMute(peer) => self.small.ask_mute(turn, Some(peer)),
            TalkCommand::AskAllToMute => self.small.ask_mute(turn, None),
            TalkCommand::OfferFile { id, to, name, size, sha256 } => {
                self.outbox.offer(turn, to, Offer { id, name, size, sha256 })
            }
            TalkCommand::FileData { to, id, offset, data } => {
                self.outbox.data(turn, to, id, offset, data);
                Ok(())
            }
            TalkCommand::CancelFile { to, id } => self.outbox.cancel(turn, to, id),
            TalkCommand::AcceptFile { from, id, offset } => self.inbox.accept(turn, from, id, offset),
            TalkCommand::DeclineFile { from, id } => self.inbox.decline(turn, from, id),
            TalkCommand::FileWritten { from, id, offset } => {
                self.inbox.written(turn, from, id, offset);
                Ok(())
            }
            TalkCommand::FileChecked { from, id, intact } => self.inbox.checked(turn, from, id, intact),
        }
    }

    fn take(&mut self, turn: &mut Turn<'_>, from: PeerId, message: TalkMessage) -> Result<(), Offence> {
        match message {
            TalkMessage::Say(signed) => self.conversation.said(turn, from, signed)?,
            TalkMessage::Heads { chat, hands } if self.gossip.may_tell_heads(turn.now, from) => {
                self.conversation.head_told(turn, from, chat);
                self.hands.head_told(turn, from, hands);
                self.gossip.answer(turn, from, (chat, hands), self.conversation, self.hands);
            }
            TalkMessage::Have { is_answer, ids } if self.gossip.may_tell_list(turn.now, from) => {
                self.conversation.list_told(turn, from, is_answer, &ids);
            }
            TalkMessage::Heads { .. } | TalkMessage::Have { .. } => {}
            TalkMessage::Give(all) => self.conversation.given(turn, from, all)?,
            TalkMessage::Hands(all) => self.hands.told(turn, from, all)?,
            TalkMessage::React(reaction) => self.small.reacted(turn, from, reaction),
            TalkMessage::Hearing(row) => self.hearing.told(turn, from, row)?,
            TalkMessage::AskMute { everyone } => self.small.mute_asked(turn, from, everyone),
            TalkMessage::FilesOpen(ids) => self.inbox.open_told(turn, from, &ids),
            TalkMessage::Offer { id, size, sha256, name } => {
                self.inbox.offered(turn, from, Offer { id, name, size, sha256 })?;
            }
            TalkMessage::Accept { id, attempt, offset, until } => {
                self.outbox.accepted(turn, from, (id, attempt), (offset, until))?;
            }
            TalkMessage::Window { id, attempt, written, until } => {
                self.outbox.window_moved(turn, from, (id, attempt), (written, until))?;
            }
            TalkMessage::Piece { id, attempt, offset, data } => {
                self.inbox.piece(turn, from, (id, attempt), offset, data)?;
            }
            TalkMessage::Decline(id) => self.outbox.declined(turn, from, id),
            TalkMessage::Cancel(id) => self.inbox.cancelled(turn, from, id),
            TalkMessage::Result { id, intact } => self.outbox.result(turn, from, id, intact)?,
        }
        Ok(())
    }
}
