//! What comes over a session: its own news, the transport's, and control messages. A stranger in the lobby may knock, say where
//! it is, and show operations; all else is for members.

use bytes::Bytes;

use crate::ids::PeerId;
use crate::limits::{REKEY_AFTER, SYNC_PAUSE};
use crate::membership::Op;
use crate::noise::{Agreement, Initiator, Responder};
use crate::session::{Attempt, Control, Keys, RekeyStep, Session, SessionEvent};
use crate::transport::TransportEvent;
use crate::wire::ByeReason;

use super::{Core, Event, LeaveReason, Refusal, Role};

impl Core {
    pub(super) fn on_session_event(&mut self, id: PeerId, event: SessionEvent) {
        let now = self.now;
        match event {
            SessionEvent::Path(address, kind) => {
                let Some(peer) = self.peers.get_mut(&id) else { return };
                peer.connected();
                if peer.announced {
                    self.event(Event::Path { who: id, kind, address });
                    self.allot();
                } else {
                    self.announce(id);
                }
                self.tell_knocks();
            }
            SessionEvent::PathLost => {
                let Some(peer) = self.peers.get_mut(&id) else { return };
                peer.schedule_reconnect(now);
                if peer.announced {
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
            Control::Denied if is_door => self.refused(Refusal::Denied),
            Control::Addresses(addresses) => self.on_addresses(id, &addresses),
            Control::Ops(ops) => self.on_ops(id, ops),
            Control::Have { is_answer, ids } if is_member => self.on_have(id, is_answer, &ids),
            Control::Introduce(peers) if is_member => {
                for (other, addresses) in peers {
                    if other != self.peer_id() && self.membership.keys_of(&other).is_some() {
                        self.on_addresses(other, &addresses);
                        self.connect(other);
                    }
                }
            }
            Control::Rekey(step, attempt, message) if is_member => self.on_rekey(id, step, attempt, &message),
            // Overtaken by a removal, or somebody who tries.
            Control::Wait | Control::Denied | Control::Have { .. } | Control::Introduce(_) | Control::Rekey(..) => {}
        }
    }

    fn on_addresses(&mut self, id: PeerId, addresses: &[std::net::SocketAddr]) {
        let now = self.now;
        let peer = self.peers.entry(id).or_insert_with(super::peer::Peer::new);
        peer.learn_addresses(addresses);
        peer.dirty = true;
        if let Some(session) = &mut peer.session {
            for address in addresses {
                session.add_candidate(now, *address, &mut *self.entropy);
            }
        }
    }

    /// Operations speak for themselves, whoever passes them on; the signature of a bad one speaks against who did.
    fn on_ops(&mut self, id: PeerId, ops: Vec<Op>) {
        let mut new = Vec::new();
        for op in ops {
            match self.membership.add(op.clone()) {
                Ok(true) => new.push(op),
                Ok(false) => {}
                Err(_) => return self.on_misbehaved(id),
            }
        }
        if !new.is_empty() {
            self.membership_changed();
            self.tell_members(&Control::Ops(new), Some(id));
        }
    }

    fn on_have(&mut self, id: PeerId, is_answer: bool, ids: &[[u8; 8]]) {
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
        let now = self.now;
        let Some(peer) = self.peers.get_mut(&id) else { return };
        peer.dirty = true;
        if let Some(session) = peer.session.as_mut().filter(|session| !session.is_closing()) {
            session.close(now, ByeReason::Misbehaved);
        }
        if self.role.is_joining_at(id) {
            return self.refused(Refusal::PeerMisbehaved);
        }
        self.turn_away(id);
        self.gone(id, LeaveReason::Misbehaved);
    }

    // ---- Rekey: the whole handshake anew, inside the old session ----

    pub(super) fn begin_rekey(&mut self, id: PeerId) {
        let (now, us, index) = (self.now, self.peer_id(), self.fresh_index());
        let Some(inside) = self.handshake_hash(id) else { return };
        let began = self.with_handshake_parts(|me, agreement, entropy| {
            let agreement = Agreement { initiator: us, responder: id, inside: Some(inside), ..agreement };
            Initiator::start(&agreement, &me, entropy, index)
        });
        if let (Ok((initiator, message)), Some(session)) = (began, self.session(id)) {
            session.keys.begin(now, index, Attempt::Began(Box::new(initiator)));
            self.say(id, &Control::Rekey(RekeyStep::First, index, message));
        }
    }

    fn on_rekey(&mut self, id: PeerId, step: RekeyStep, attempt: u32, message: &[u8]) {
        let renewed = match step {
            RekeyStep::First => {
                // One that a cut delayed until another was through fails, and is nobody's fault.
                self.on_rekey_first(id, attempt, message);
                Some(())
            }
            RekeyStep::Second => self.on_rekey_second(id, attempt, message),
            RekeyStep::Third => self.on_rekey_third(id, attempt, message),
        };
        if renewed.is_none() {
            self.on_misbehaved(id);
        }
    }

    fn on_rekey_first(&mut self, id: PeerId, attempt: u32, message: &[u8]) -> Option<()> {
        let (now, us, index) = (self.now, self.peer_id(), self.fresh_index());
        let inside = self.handshake_hash(id)?;
        let age = now.since(self.session(id)?.keys.current().since);
        if us < id || age < REKEY_AFTER / 2 {
            return None;
        }
        let (responder, answer) = self
            .with_handshake_parts(|me, agreement, entropy| {
                let agreement = Agreement { initiator: id, responder: us, inside: Some(inside), ..agreement };
                Responder::answer(&agreement, &me, entropy, index, message)
            })
            .ok()?;
        self.session(id)?.keys.begin(now, attempt, Attempt::Answered(Box::new(responder)));
        self.say(id, &Control::Rekey(RekeyStep::Second, attempt, answer));
        Some(())
    }

    /// `None` here and below: the peer broke the protocol.
    fn on_rekey_second(&mut self, id: PeerId, attempt: u32, message: &[u8]) -> Option<()> {
        let now = self.now;
        // An attempt that was given up meanwhile is nobody's fault.
        let Some(Attempt::Began(initiator)) = self.session(id)?.keys.take_attempt(attempt) else { return Some(()) };
        let (established, answer) = self.with_handshake_parts(|me, _, _| initiator.finish(&me, message)).ok()?;
        let session = self.session(id)?;
        if !is_same_person(session, &established.peer) {
            return None;
        }
        let index = established.our_index;
        session.keys.await_confirmation(Keys::new(established, now));
        self.indices.insert(index, id);
        self.prune_indices();
        self.say(id, &Control::Rekey(RekeyStep::Third, attempt, answer));
        Some(())
    }

    fn on_rekey_third(&mut self, id: PeerId, attempt: u32, message: &[u8]) -> Option<()> {
        let now = self.now;
        let session = self.session(id)?;
        let Some(Attempt::Answered(responder)) = session.keys.take_attempt(attempt) else { return Some(()) };
        let established = responder.finish(message).ok()?;
        if !is_same_person(session, &established.peer) {
            return None;
        }
        let index = established.our_index;
        session.keys.put_into_use(now, Keys::new(established, now));
        self.indices.insert(index, id);
        self.prune_indices();
        Some(())
    }

    fn handshake_hash(&mut self, id: PeerId) -> Option<[u8; 32]> {
        self.session(id).map(|session| session.keys.current().handshake_hash)
    }

    pub(super) fn session(&mut self, id: PeerId) -> Option<&mut Session> {
        self.peers.get_mut(&id).and_then(|peer| peer.session.as_mut())
    }

    fn is_announced(&self, id: PeerId) -> bool {
        matches!(self.role, Role::Member) && self.peers.get(&id).is_some_and(|peer| peer.announced)
    }
}

/// The name may change, the keys that the meeting words vouch for may not.
fn is_same_person(session: &Session, renewed: &crate::noise::PeerIdentity) -> bool {
    let known = &session.peer;
    (known.peer, known.device, known.noise_static) == (renewed.peer, renewed.device, renewed.noise_static)
}
