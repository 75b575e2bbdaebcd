//! What is said once and kept nowhere: reactions, and an admin's request to mute. Lost where a pair is broken, shown no faster than a
//! person can look.

use std::collections::BTreeMap;

use crate::ids::PeerId;
use crate::limits::{MUTES_HEARD, MUTES_SAID, REACTIONS_HEARD, REACTIONS_SAID};

use super::bucket::Bucket;
use super::room::{Room, Turn};
use super::{Reaction, TalkEvent, TalkMessage, TalkRefusal};

#[derive(Debug)]
pub(super) struct SmallThings {
    reactions_said: Bucket,
    mutes_said: Bucket,
    /// Reactions and requests to mute, per peer.
    heard: BTreeMap<PeerId, (Bucket, Bucket)>,
}

impl SmallThings {
    pub(super) const NEW: Self = Self { reactions_said: Bucket::NEW, mutes_said: Bucket::NEW, heard: BTreeMap::new() };

    pub(super) fn require_admin(turn: &Turn<'_>) -> Result<(), TalkRefusal> {
        if turn.room.we_are_admin { Ok(()) } else { Err(TalkRefusal::NotAdmin) }
    }

    pub(super) fn require_member(turn: &Turn<'_>, peer: PeerId) -> Result<(), TalkRefusal> {
        if turn.room.has(peer) { Ok(()) } else { Err(TalkRefusal::NoSuchPeer) }
    }

    pub(super) fn react(&mut self, turn: &mut Turn<'_>, reaction: Reaction) -> Result<(), TalkRefusal> {
        if !self.reactions_said.take(turn.now, REACTIONS_SAID, 1) {
            return Err(TalkRefusal::TooFast);
        }
        turn.send_all(&TalkMessage::React(reaction));
        Ok(())
    }

    pub(super) fn reacted(&mut self, turn: &mut Turn<'_>, from: PeerId, reaction: Reaction) {
        if self.heard.entry(from).or_default().0.take(turn.now, REACTIONS_HEARD, 1) {
            turn.event(TalkEvent::Reaction { from, reaction });
        }
    }

    /// One, or everybody.
    pub(super) fn ask_mute(&mut self, turn: &mut Turn<'_>, whom: Option<PeerId>) -> Result<(), TalkRefusal> {
        Self::require_admin(turn)?;
        if let Some(peer) = whom {
            Self::require_member(turn, peer)?;
        }
        if !self.mutes_said.take(turn.now, MUTES_SAID, 1) {
            return Err(TalkRefusal::TooFast);
        }
        match whom {
            Some(peer) => turn.send(peer, TalkMessage::AskMute { everyone: false }),
            None => turn.send_all(&TalkMessage::AskMute { everyone: true }),
        }
        Ok(())
    }

    /// Of somebody who is no admin, or none any more, it means nothing.
    pub(super) fn mute_asked(&mut self, turn: &mut Turn<'_>, by: PeerId, everyone: bool) {
        if turn.room.is_admin(by) && self.heard.entry(by).or_default().1.take(turn.now, MUTES_HEARD, 1) {
            turn.event(TalkEvent::MuteAsked { by, everyone });
        }
    }

    pub(super) fn attendance_changed(&mut self, room: &Room) {
        self.heard.retain(|peer, _| room.has(*peer));
    }
}
