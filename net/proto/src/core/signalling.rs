//! Handshakes over the signalling streams. Every message begins with the protocol version in the clear, so that another version
//! is told apart from a wrong invite: `version u16 | kind u8 | body`.

use bytes::Bytes;

use std::net::SocketAddr;

use crate::ids::PeerId;
use crate::limits::{HANDSHAKE_DEADLINE, KNOCKERS, MEMBERS, PROTOCOL_VERSION};
use crate::membership::Departure;
use crate::noise::{Agreement, Established, HandshakeError, Initiator, Myself, Responder};
use crate::session::{Control, Keys, Session};
use crate::transport::TransportConfig;
use crate::wire::{Malformed, Reader};

use super::peer::{Handshake, Peer, Signal};
use super::{Core, Event, Output, Refusal, Role, SignalInput};

const FIRST: u8 = 1;
const SECOND: u8 = 2;
const THIRD: u8 = 3;
const REFUSED: u8 = 4;

const WRONG_INVITE: u8 = 1;
const INCOMPATIBLE: u8 = 2;
const REMOVED: u8 = 3;

impl Core {
    pub(super) fn on_signal(&mut self, id: PeerId, input: SignalInput) {
        if matches!(self.role, Role::Ending(_) | Role::Over) {
            return;
        }
        match input {
            SignalInput::Opened { remote } => self.on_opened(id, remote),
            SignalInput::Message(message) => self.on_message(id, &message),
            SignalInput::Closed | SignalInput::Failed => self.on_signal_lost(id),
        }
    }

    fn on_opened(&mut self, id: PeerId, remote: SocketAddr) {
        if !self.is_welcome(id) {
            self.outputs.push_back(Output::CloseSignal(id));
            return;
        }
        if self.is_removed(id) {
            // It missed the news, and takes it from an admin only.
            self.signal(id, REFUSED, &[REMOVED]);
            self.outputs.push_back(Output::CloseSignal(id));
            return;
        }
        let now = self.now;
        let peer = self.peers.entry(id).or_insert_with(Peer::new);
        peer.signal = Signal::Open(remote);
        peer.dirty = true;
        let mut is_open = false;
        if let Some(session) = &mut peer.session {
            session.add_candidate(now, remote, &mut *self.entropy);
            is_open = session.is_open();
        }
        // A session that carries needs no handshake; one that does not may be unknown to the other end.
        // A second stream, opened from the other end at the same time, does not begin it twice.
        let is_idle = matches!(peer.handshake, Handshake::Idle);
        if !is_open && is_idle {
            if self.meeting_key.peer_id() < id {
                self.begin_handshake(id);
            } else {
                peer.handshake = Handshake::Awaited(now + HANDSHAKE_DEADLINE);
            }
        }
    }

    fn is_removed(&self, id: PeerId) -> bool {
        matches!(self.membership.roster().departed.get(&id), Some(Departure::Removed))
    }

    /// Whether we talk to this peer at all. A stranger may knock, but only so many at once, and only at a room.
    fn is_welcome(&self, id: PeerId) -> bool {
        if id == self.peer_id() || self.is_turned_away(id) {
            return false;
        }
        match &self.role {
            Role::Joining(joining) => joining.inviter == id,
            Role::Member => {
                let known = self.peers.contains_key(&id) || self.membership.keys_of(&id).is_some();
                let strangers = self.peers.keys().filter(|id| self.membership.keys_of(id).is_none()).count();
                known || (strangers < KNOCKERS && self.peers.len() < MEMBERS + KNOCKERS)
            }
            Role::Ending(_) | Role::Over => false,
        }
    }

    fn on_signal_lost(&mut self, id: PeerId) {
        let now = self.now;
        let Some(peer) = self.peers.get_mut(&id) else { return };
        peer.signal = Signal::Closed;
        peer.handshake = Handshake::Idle;
        // One that does not carry may be unknown to the other end, which never saw the last message of the handshake.
        if peer.session.as_ref().is_some_and(Session::is_open) {
            return;
        }
        if self.role.is_joining_at(id) {
            self.door_not_reached(id);
        } else if self.membership.keys_of(&id).is_some() {
            peer.schedule_reconnect(now);
        } else if peer.session.is_none() {
            self.peers.remove(&id);
        }
    }

    /// A handshake got no answer: the stream is of no use.
    pub(super) fn handshake_expired(&mut self, id: PeerId) {
        self.outputs.push_back(Output::CloseSignal(id));
        self.on_signal_lost(id);
    }

    fn on_message(&mut self, id: PeerId, message: &Bytes) {
        if !self.peers.contains_key(&id) {
            return;
        }
        let handled = self.on_frame(id, message);
        match handled {
            Ok(()) | Err(HandshakeError::Local) => {}
            Err(HandshakeError::OtherVersion(theirs)) => {
                self.signal(id, REFUSED, &[INCOMPATIBLE]);
                self.incompatible(id, theirs);
            }
            Err(HandshakeError::WrongInvite) => {
                self.signal(id, REFUSED, &[WRONG_INVITE]);
                self.handshake_failed(id, Refusal::InviteRejected);
            }
            Err(HandshakeError::Malformed(_) | HandshakeError::Forged | HandshakeError::NotWhoItSaid) => {
                self.handshake_failed(id, Refusal::PeerMisbehaved);
            }
        }
    }

    fn on_frame(&mut self, id: PeerId, message: &[u8]) -> Result<(), HandshakeError> {
        let mut reader = Reader::new(message);
        let version = reader.u16().map_err(HandshakeError::Malformed)?;
        let kind = reader.u8().map_err(HandshakeError::Malformed)?;
        let body = reader.take_rest();
        if version != PROTOCOL_VERSION {
            if (kind, body) == (REFUSED, &[INCOMPATIBLE]) {
                self.incompatible(id, version);
                return Ok(());
            }
            return Err(HandshakeError::OtherVersion(version));
        }
        match kind {
            FIRST => self.on_first(id, body),
            SECOND => self.on_second(id, body),
            THIRD => self.on_third(id, body),
            REFUSED if body == [REMOVED] && self.membership.roster().admins.contains(&id) => {
                self.refused(Refusal::Removed);
                Ok(())
            }
            REFUSED => {
                let reason = if body == [WRONG_INVITE] { Refusal::InviteRejected } else { Refusal::PeerMisbehaved };
                self.handshake_failed(id, reason);
                Ok(())
            }
            _ => Err(HandshakeError::Malformed(Malformed::UnknownCode)),
        }
    }

    fn begin_handshake(&mut self, id: PeerId) {
        let (now, index) = (self.now, self.fresh_index());
        if !self.peers.get_mut(&id).is_some_and(|peer| peer.may_shake_hands(now)) {
            return;
        }
        let us = self.peer_id();
        let began = self.with_handshake_parts(|me, agreement, entropy| {
            Initiator::start(&Agreement { initiator: us, responder: id, ..agreement }, &me, entropy, index)
        });
        if let (Ok((initiator, message)), Some(peer)) = (began, self.peers.get_mut(&id)) {
            peer.handshake = Handshake::Began(Box::new(initiator), now + HANDSHAKE_DEADLINE);
            self.signal(id, FIRST, &message);
        }
    }

    fn on_first(&mut self, id: PeerId, message: &[u8]) -> Result<(), HandshakeError> {
        let (now, index, us) = (self.now, self.fresh_index(), self.peer_id());
        if us < id {
            return Err(HandshakeError::Forged);
        }
        if !self.peers.get_mut(&id).is_some_and(|peer| peer.may_shake_hands(now)) {
            return Ok(());
        }
        let (responder, answer) = self.with_handshake_parts(|me, agreement, entropy| {
            let agreement = Agreement { initiator: id, responder: us, ..agreement };
            Responder::answer(&agreement, &me, entropy, index, message)
        })?;
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.handshake = Handshake::Answered(Box::new(responder), now + HANDSHAKE_DEADLINE);
        }
        self.signal(id, SECOND, &answer);
        Ok(())
    }

    fn on_second(&mut self, id: PeerId, message: &[u8]) -> Result<(), HandshakeError> {
        let Some(Handshake::Began(initiator, _)) = self.take_handshake(id) else { return Ok(()) };
        let (established, answer) = self.with_handshake_parts(|me, _, _| initiator.finish(&me, message))?;
        self.signal(id, THIRD, &answer);
        self.on_established(id, established);
        Ok(())
    }

    fn on_third(&mut self, id: PeerId, message: &[u8]) -> Result<(), HandshakeError> {
        let Some(Handshake::Answered(responder, _)) = self.take_handshake(id) else { return Ok(()) };
        let established = responder.finish(message)?;
        self.on_established(id, established);
        Ok(())
    }

    fn take_handshake(&mut self, id: PeerId) -> Option<Handshake> {
        self.peers.get_mut(&id).map(|peer| std::mem::replace(&mut peer.handshake, Handshake::Idle))
    }

    /// A handshake over signalling makes a new session on both ends; what the old one had under way is synced anew.
    fn on_established(&mut self, id: PeerId, established: Established) {
        let now = self.now;
        let member = self.membership.keys_of(&id).copied();
        let identity = established.peer.clone();
        if member.is_some_and(|keys| keys.device != identity.device || keys.noise_static != identity.noise_static) {
            self.handshake_failed(id, Refusal::PeerMisbehaved);
            return;
        }
        let config = TransportConfig { max_bitrate: self.first_part() };
        let index = established.our_index;
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let mut session = Session::new(now, identity, Keys::new(established, now), config);
        if let Signal::Open(remote) = peer.signal {
            session.add_candidate(now, remote, &mut *self.entropy);
        }
        for address in &peer.addresses {
            session.add_candidate(now, *address, &mut *self.entropy);
        }
        session.leads = self.meeting_key.peer_id() < id;
        session.media_allowed = peer.announced;
        // What the old session's transport would still have told.
        if let Some(wish) = peer.our_wish {
            session.transport.set_wish(now, wish);
        }
        if let Some(report) = self.sender_report.filter(|_| peer.announced) {
            session.transport.set_sender_report(now, report);
        }
        peer.session = Some(session);
        peer.dirty = true;
        peer.connected();
        self.indices.insert(index, id);
        self.prune_indices();
        let addresses = self.local_addresses.clone();
        match &self.role {
            Role::Joining(_) => {
                self.say(id, &Control::Addresses(addresses));
                self.say(id, &Control::Knock);
            }
            Role::Member => {
                if member.is_some() {
                    self.say(id, &Control::Addresses(addresses));
                    self.set_heads();
                    self.say_all_ops(id);
                }
            }
            Role::Ending(_) | Role::Over => {}
        }
    }

    fn incompatible(&mut self, id: PeerId, theirs: u16) {
        self.event(Event::IncompatiblePeer { theirs, ours: PROTOCOL_VERSION });
        self.handshake_failed(id, Refusal::Incompatible);
    }

    /// The stream has served; a session that exists lives on.
    fn handshake_failed(&mut self, id: PeerId, reason: Refusal) {
        self.outputs.push_back(Output::CloseSignal(id));
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.signal = Signal::Closed;
            peer.handshake = Handshake::Idle;
            if peer.session.is_none() {
                self.peers.remove(&id);
            }
        }
        if self.role.is_joining_at(id) {
            self.refused(reason);
        }
    }

    fn signal(&mut self, id: PeerId, kind: u8, body: &[u8]) {
        let mut message = Vec::with_capacity(3 + body.len());
        message.extend_from_slice(&PROTOCOL_VERSION.to_be_bytes());
        message.push(kind);
        message.extend_from_slice(body);
        self.outputs.push_back(Output::Signal(id, message));
    }

    /// Lends out our keys, what both ends must agree on (ids still to be filled in), and randomness.
    pub(super) fn with_handshake_parts<T>(
        &mut self,
        run: impl FnOnce(Myself<'_>, Agreement<'_>, &mut dyn crate::entropy::Entropy) -> T,
    ) -> T {
        let me = Myself {
            device: &self.device,
            meeting_key: &self.meeting_key,
            noise_static: &self.noise_static,
            name: &self.name,
        };
        let us = self.meeting_key.peer_id();
        let agreement = Agreement {
            meeting: self.membership.meeting(),
            epoch: self.epoch,
            secret: &self.secret,
            initiator: us,
            responder: us,
            inside: None,
        };
        run(me, agreement, &mut *self.entropy)
    }

    /// A number that none of our sessions is known by.
    pub(super) fn fresh_index(&mut self) -> u32 {
        let mut index = 0;
        // A second draw is one in a hundred million; a fourth does not happen with real randomness.
        for _ in 0..4 {
            let mut bytes = [0; 4];
            self.entropy.fill(&mut bytes);
            index = u32::from_be_bytes(bytes);
            if !self.indices.contains_key(&index) {
                break;
            }
        }
        index
    }
}
