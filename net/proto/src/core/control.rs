//! What comes over a session: its own news, the transport's, and control messages. A stranger in the lobby may knock and say
//! where it is; all else is for members.

use std::net::SocketAddr;

use bytes::Bytes;

use crate::ids::PeerId;
use crate::limits::{OPERATIONS_USELESS, OPERATIONS_USELESS_EVERY, SYNC_BURST, SYNC_EVERY, SYNC_PAUSE};
use crate::membership::{BadOp, Op};
use crate::room::Offence;
use crate::session::{Control, Session, SessionEvent};
use crate::transport::TransportEvent;
use crate::wire::ByeReason;

use super::{Core, Event, LeaveReason, Refusal};

impl Core {
    pub(super) fn on_session_event(&mut self, id: PeerId, event: SessionEvent) {
        let now = self.now;
        match event {
            SessionEvent::Path(address, kind) => {
                let is_member = self.membership.keys_of(&id).is_some();
                let Some(peer) = self.peers.get_mut(&id) else { return };
                peer.connected();
                if is_member {
                    peer.addresses_changed(now);
                }
                if peer.announced {
                    self.event(Event::Path { who: id, kind, address });
                    self.talk_connected(id);
                    self.allot();
                } else {
                    self.announce(id);
                }
                self.tell_knocks();
            }
            SessionEvent::PathLost => {
                let Some(peer) = self.peers.get_mut(&id) else { return };
                peer.schedule_reconnect(now);
                self.talk.disconnected(id);
                if self.peers.get(&id).is_some_and(|peer| peer.announced) {
                    self.event(Event::PathLost(id));
                    self.retarget();
                }
            }
            SessionEvent::TimedOut => self.on_timed_out(id),
            SessionEvent::Head(head) => {
                let ours = self.membership.head();
                if let Some(peer) = self.peers.get_mut(&id) {
                    peer.their_head = head;
                    if self.membership.keys_of(&id).is_some() && head != ours && peer.sync_at.is_none() {
                        peer.sync_at = Some(now + SYNC_PAUSE);
                    }
                }
            }
            SessionEvent::Bye(reason) => self.on_bye(id, reason),
            SessionEvent::Misbehaved => self.on_misbehaved(id),
        }
    }

    pub(super) fn on_transport_event(&mut self, id: PeerId, event: TransportEvent) {
        match event {
            TransportEvent::Reliable(bytes) => self.on_control(id, &bytes),
            _ if !self.is_announced(id) => {
                // A wish or a budget may come a moment before the room knows the peer.
                self.note_wish_or_budget(id, &event);
            }
            TransportEvent::Audio(frame) => self.event(Event::Audio(id, frame)),
            TransportEvent::Video(frame) => self.event(Event::Video(id, frame)),
            TransportEvent::SenderReport(report) => self.event(Event::SenderReport(id, report)),
            TransportEvent::KeyFrameWanted(layer) => {
                if self.peers.get(&id).is_some_and(|peer| peer.video.uses(layer)) {
                    self.event(Event::KeyFrameWanted(layer));
                }
            }
            TransportEvent::Wish(_) => {
                self.note_wish_or_budget(id, &event);
                self.allot();
            }
            TransportEvent::EncoderBudget(_) => {
                self.note_wish_or_budget(id, &event);
                self.retarget();
            }
        }
    }

    fn note_wish_or_budget(&mut self, id: PeerId, event: &TransportEvent) {
        if let Some(peer) = self.peers.get_mut(&id) {
            match event {
                TransportEvent::Wish(wish) => peer.video.wish = *wish,
                TransportEvent::EncoderBudget(budget) => peer.video.budget = Some(*budget),
                _ => {}
            }
        }
    }

    fn on_control(&mut self, id: PeerId, bytes: &Bytes) {
        let Ok(control) = Control::parse(bytes) else { return self.on_misbehaved(id) };
        let is_door = self.role.is_joining_at(id);
        let is_member = self.membership.keys_of(&id).is_some();
        match control {
            Control::Knock => self.on_knock(id),
            Control::Wait if is_door => self.event(Event::Waiting),
            Control::Denied(why) if is_door => match why.refusal() {
                Some(refusal) => self.refused(refusal),
                None => self.come_again(id),
            },
            Control::Addresses(addresses) => self.on_addresses(id, &addresses),
            Control::Welcome(secret) if is_door => self.room_secret = Some(secret),
            Control::Ops(ops) if is_member || is_door => self.on_ops(id, ops),
            Control::Have { is_answer, ids } if is_member => self.on_have(id, is_answer, &ids),
            Control::Introduce(peers) if is_member => {
                for (other, addresses) in peers {
                    if other != self.peer_id() && self.membership.keys_of(&other).is_some() {
                        self.on_introduction(other, &addresses);
                        self.connect(other);
                    }
                }
            }
            Control::Rekey(step, attempt, message) if is_member => self.on_rekey(id, step, attempt, &message),
            Control::Talk(message) if is_member => self.on_talk(id, message),
            // Overtaken by a removal, or somebody who tries.
            Control::Wait
            | Control::Denied(_)
            | Control::Welcome(_)
            | Control::Ops(_)
            | Control::Have { .. }
            | Control::Introduce(_)
            | Control::Rekey(..)
            | Control::Talk(_) => {}
        }
    }

    fn on_addresses(&mut self, id: PeerId, addresses: &[SocketAddr]) {
        let now = self.now;
        let is_member = self.membership.keys_of(&id).is_some();
        let Some(peer) = self.peers.get_mut(&id) else { return };
        peer.set_addresses(addresses);
        if is_member {
            peer.addresses_changed(now);
        }
        self.try_addresses(id, addresses);
    }

    /// A member says where another one is.
    fn on_introduction(&mut self, id: PeerId, addresses: &[SocketAddr]) {
        self.peers.entry(id).or_insert_with(super::peer::Peer::new).hear_of_addresses(addresses);
        self.try_addresses(id, addresses);
    }

    fn try_addresses(&mut self, id: PeerId, addresses: &[SocketAddr]) {
        let now = self.now;
        let Some(peer) = self.peers.get_mut(&id) else { return };
        peer.dirty = true;
        if let Some(session) = &mut peer.session {
            for address in addresses {
                session.add_candidate(now, *address, &mut *self.entropy);
            }
        }
    }

    /// Operations speak for themselves, whoever passes them on; the signature of a bad one speaks against who did, one that its
    /// author was not allowed against its author.
    pub(super) fn on_ops(&mut self, id: PeerId, ops: Vec<Op>) {
        let (mut new, mut offence, mut useless) = (Vec::new(), None, 0_u32);
        for (op, outcome) in self.membership.add_all(ops) {
            useless += u32::from(outcome != Ok(true));
            match outcome {
                Ok(true) => new.push(op),
                Ok(false) => {}
                Err(BadOp::Forged) => offence = Some(Offence::Forged),
                Err(BadOp::NotAllowed) if op.author == id => offence = Some(Offence::NotAllowed),
                Err(BadOp::TooMany) if op.author == id => offence = Some(Offence::Flood),
                Err(BadOp::NotAllowed | BadOp::TooMany) => {}
            }
        }
        if !new.is_empty() {
            self.membership_changed();
            self.tell_members(&Control::Ops(new), Some(id));
        }
        let now = self.now;
        if let Some(peer) = self.peers.get_mut(&id)
            && (0..useless).any(|_| !peer.useless.take(now, OPERATIONS_USELESS, OPERATIONS_USELESS_EVERY))
        {
            offence = offence.or(Some(Offence::Flood));
        }
        if let Some(offence) = offence {
            self.cut_off(id, offence);
        }
    }

    fn on_have(&mut self, id: PeerId, is_answer: bool, ids: &[[u8; 8]]) {
        let now = self.now;
        let may = self.peers.get_mut(&id).is_some_and(|peer| peer.syncs.take(now, SYNC_BURST, SYNC_EVERY));
        // The next keep-alive shows whether the heads still differ.
        if !may {
            return;
        }
        let missing: Vec<Op> = self.membership.missing_from(ids).into_iter().cloned().collect();
        self.say_ops(id, &missing);
        if !is_answer && self.membership.lacks_any(ids) {
            self.say(id, &Control::Have { is_answer: true, ids: self.membership.short_ids() });
        }
    }

    fn on_bye(&mut self, id: PeerId, reason: ByeReason) {
        if self.role.is_joining_at(id) {
            return self.refused(match reason {
                ByeReason::Denied => Refusal::Denied,
                ByeReason::Removed => Refusal::Removed,
                ByeReason::Misbehaved => Refusal::PeerMisbehaved,
                ByeReason::Leaving => Refusal::NoAnswer,
            });
        }
        if reason == ByeReason::Removed && self.membership.roster().admins.contains(&id) {
            return self.refused(Refusal::Removed);
        }
        let reason = if reason == ByeReason::Misbehaved { LeaveReason::Misbehaved } else { LeaveReason::Left };
        self.gone(id, reason);
    }

    fn on_timed_out(&mut self, id: PeerId) {
        if self.role.is_joining_at(id) {
            return self.refused(Refusal::Unreachable);
        }
        self.gone(id, LeaveReason::TimedOut);
        if self.membership.keys_of(&id).is_none() {
            self.forget(id);
        }
    }

    pub(super) fn on_misbehaved(&mut self, id: PeerId) {
        self.cut_off(id, Offence::Malformed);
    }

    /// Closes the session of a peer that breaks the rules, and takes no other for a while.
    pub(super) fn cut_off(&mut self, id: PeerId, offence: Offence) {
        let now = self.now;
        let Some(peer) = self.peers.get_mut(&id) else { return };
        peer.dirty = true;
        let announced = peer.announced;
        if let Some(session) = peer.session.as_mut().filter(|session| !session.is_closing()) {
            session.close(now, ByeReason::Misbehaved);
        }
        if self.role.is_joining_at(id) {
            return self.refused(Refusal::PeerMisbehaved);
        }
        self.door.turn_away(now, id);
        if announced {
            self.event(Event::CutOff { who: id, offence });
        }
        self.gone(id, LeaveReason::Misbehaved);
    }

    pub(super) fn session(&mut self, id: PeerId) -> Option<&mut Session> {
        self.peers.get_mut(&id).and_then(|peer| peer.session.as_mut())
    }

    fn is_announced(&self, id: PeerId) -> bool {
        matches!(self.role, super::Role::Member) && self.peers.get(&id).is_some_and(|peer| peer.announced)
    }
}
