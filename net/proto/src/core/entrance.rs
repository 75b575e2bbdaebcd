//! What is shown on a signalling stream before a handshake: a knocker's ticket, a member's newest operations; and what follows
//! from a refusal. `signalling` calls it.

use crate::ids::PeerId;
use crate::invite::Ticket;
use crate::limits::{HANDSHAKE_DEADLINE, VOUCH_OPERATIONS};
use crate::membership::Op;
use crate::noise::HandshakeError;
use crate::wire::{Malformed, Reader};

use super::door::{AddressGroup, NoEntry, Shown};
use super::peer::{Handshake, Peer, Signal};
use super::signalling::VOUCH;
use super::{Core, Output, Refusal, Role};

impl Core {
    /// Shows that we are a member to one who may not have heard of our admission.
    pub(super) fn vouch_to(&mut self, id: PeerId) {
        let mut newest: Vec<&Op> = self.membership.all().rev().take(VOUCH_OPERATIONS).collect();
        newest.reverse();
        let mut body = Vec::new();
        newest.into_iter().for_each(|op| op.encode(&mut body));
        self.signal(id, VOUCH, &body);
    }

    pub(super) fn on_vouch(&mut self, id: PeerId, body: &[u8]) -> Result<(), HandshakeError> {
        let mut reader = Reader::new(body);
        let mut ops = Vec::new();
        while !reader.is_empty() {
            if ops.len() == VOUCH_OPERATIONS {
                return Err(HandshakeError::Malformed(Malformed::OutOfRange));
            }
            ops.push(Op::parse(&mut reader).map_err(HandshakeError::Malformed)?);
        }
        let was_member = self.membership.keys_of(&id).is_some();
        if matches!(self.role, Role::Member) && (was_member || self.may_vouch(id)) {
            self.on_ops(id, ops);
            if !was_member && self.membership.keys_of(&id).is_some() {
                self.begin_or_await(id);
            }
        }
        Ok(())
    }

    /// Looking at a stranger's operations costs as much as a handshake.
    pub(super) fn may_vouch(&mut self, id: PeerId) -> bool {
        let now = self.now;
        let Some(Peer { signal: Signal::Open(remote), .. }) = self.peers.get(&id) else { return false };
        self.door.serves_crowd(now, AddressGroup::of(*remote))
    }

    pub(super) fn on_ticket(&mut self, id: PeerId, body: &[u8]) -> Result<(), HandshakeError> {
        let mut reader = Reader::new(body);
        let ticket = Ticket::parse(&mut reader).map_err(HandshakeError::Malformed)?;
        reader.finish().map_err(HandshakeError::Malformed)?;
        let now = self.now;
        let is_member = self.membership.keys_of(&id).is_some();
        let is_locked = self.membership.roster().rules.locked;
        let judged = if !matches!(self.role, Role::Member) || !self.is_admin() {
            Err(NoEntry::Revoked)
        } else if is_member && self.door.is_current(&ticket) {
            // Let in, but the news of it was lost on the way.
            Ok(())
        } else {
            self.door.judge(now, &ticket, id, is_locked)
        };
        if let Err(why) = judged {
            self.turn_down(id, why);
        } else if let Some(peer) = self.peers.get_mut(&id)
            && let Signal::Open(remote) = peer.signal
        {
            peer.shown = Some(Shown { ticket, from: AddressGroup::of(remote), served_at: None });
            peer.handshake = Handshake::Awaited(now + HANDSHAKE_DEADLINE);
        }
        Ok(())
    }

    pub(super) fn on_refused(&mut self, id: PeerId, why: Option<NoEntry>) {
        match why {
            Some(NoEntry::Removed) if self.membership.roster().admins.contains(&id) => self.refused(Refusal::Removed),
            Some(NoEntry::Busy) if self.role.is_joining_at(id) => self.come_again(id),
            why => {
                let refusal = why.and_then(NoEntry::refusal).unwrap_or(Refusal::PeerMisbehaved);
                self.handshake_failed(id, refusal);
            }
        }
    }

    /// The door is crowded: knocks again after a while.
    pub(super) fn come_again(&mut self, id: PeerId) {
        let now = self.now;
        self.outputs.push_back(Output::CloseSignal(id));
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.close_signal();
            peer.session = None;
            peer.schedule_reconnect(now);
        }
        self.prune_indices();
    }

    /// The ticket is proven: whether there is time and room for this one.
    pub(super) fn is_served(&mut self, id: PeerId, shown: Shown) -> bool {
        if self.membership.keys_of(&id).is_some() {
            return true;
        }
        let now = self.now;
        let shown = Shown { served_at: Some(now), ..shown };
        let is_served = self.door.serves(now, &shown.ticket, shown.from) && self.make_room_for(id, &shown);
        if let Some(peer) = self.peers.get_mut(&id).filter(|_| is_served) {
            peer.shown = Some(shown);
        }
        is_served
    }
}
