//! New keys for a session: the whole handshake anew, inside the old session. One session at a time, so that a full room whose
//! sessions are all of one age does not compute fifteen handshakes between two frames of sound. Called by the root on
//! wake-ups and by `control` for what peers say.

use crate::ids::PeerId;
use crate::limits::{REKEY_AFTER, REKEY_APART};
use crate::noise::{Agreement, Initiator, Responder};
use crate::session::{Attempt, Control, Keys, RekeyStep, Session};
use crate::time::Instant;

use super::Core;
use super::peer::Peer;

impl Core {
    /// Whether it is our turn to give the session new keys, and since when.
    fn rekey_due(&self, id: &PeerId, peer: &Peer) -> Option<Instant> {
        let session = peer.session.as_ref().filter(|session| session.is_open())?;
        (self.peer_id() < *id && self.membership.keys_of(id).is_some()).then(|| session.keys.rekey_wake())
    }

    /// Whether the moment for that has come.
    pub(super) fn is_rekey_due(&self, id: &PeerId, peer: &Peer) -> bool {
        self.rekey_due(id, peer).is_some_and(|due| due.max(self.rekey_free_at) <= self.now)
    }

    /// When the next session is due and none other gets keys at that moment.
    pub(super) fn next_rekey(&self) -> Option<Instant> {
        let due = self.peers.iter().filter_map(|(id, peer)| self.rekey_due(id, peer)).min()?;
        Some(due.max(self.rekey_free_at))
    }

    pub(super) fn rekey_if_old(&mut self, id: PeerId) {
        let now = self.now;
        let is_old = |peer: &Peer| peer.session.as_ref().is_some_and(|session| session.keys.is_old(now));
        let due = self.peers.get(&id).filter(|peer| is_old(peer)).and_then(|peer| self.rekey_due(&id, peer));
        if due.is_some() && self.rekey_free_at <= now {
            self.rekey_free_at = now + REKEY_APART;
            self.begin_rekey(id);
        }
    }

    fn begin_rekey(&mut self, id: PeerId) {
        let (now, us, index) = (self.now, self.peer_id(), self.fresh_index());
        let (Some(inside), Some(psk0)) = (self.handshake_hash(id), self.psk0_of_room()) else { return };
        let began = self.with_handshake_parts(&psk0, |me, agreement, entropy| {
            let agreement = Agreement { initiator: us, responder: id, inside: Some(inside), ..agreement };
            Initiator::start(&agreement, &me, entropy, index)
        });
        if let (Ok((initiator, message)), Some(session)) = (began, self.session(id)) {
            session.keys.begin(now, index, Attempt::Began(Box::new(initiator)));
            self.say(id, &Control::Rekey(RekeyStep::First, index, message));
        }
    }

    pub(super) fn on_rekey(&mut self, id: PeerId, step: RekeyStep, attempt: u32, message: &[u8]) {
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
        let (inside, psk0) = (self.handshake_hash(id)?, self.psk0_of_room()?);
        let age = now.since(self.session(id)?.keys.current().since);
        if us < id || age < REKEY_AFTER / 2 {
            return None;
        }
        let (responder, answer) = self
            .with_handshake_parts(&psk0, |me, agreement, entropy| {
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
        let (established, answer) =
            self.with_handshake_parts(&[0; 32], |me, _, _| initiator.finish(&me, message)).ok()?;
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
}

/// The name may change, the keys that the meeting words vouch for may not.
fn is_same_person(session: &Session, renewed: &crate::noise::PeerIdentity) -> bool {
    let known = &session.peer;
    (known.peer, known.device, known.noise_static) == (renewed.peer, renewed.device, renewed.noise_static)
}
