//! Handshakes over the signalling streams. Every message begins with the protocol version in the clear, so that another version
//! is told apart from a wrong invite: `version u16 | kind u8 | body`.

use std::net::SocketAddr;

use bytes::Bytes;
use zeroize::Zeroizing;

use crate::ids::PeerId;
use crate::limits::{HANDSHAKE_DEADLINE, PROTOCOL_VERSION};
use crate::membership::Departure;
use crate::noise::{Agreement, Established, FirstMessage, HandshakeError, Initiator, Myself};
use crate::secret::psk0_of_ticket;
use crate::session::{Control, Keys, Session};
use crate::transport::TransportConfig;
use crate::wire::{Malformed, Reader};

use super::door::NoEntry;
use super::peer::{Handshake, Peer, Signal};
use super::{Core, Event, Output, Refusal, Role, SignalInput};

const FIRST: u8 = 1;
const SECOND: u8 = 2;
const THIRD: u8 = 3;
const REFUSED: u8 = 4;
/// A knocker's first message: the ticket, without its secret.
const TICKET: u8 = 5;
/// A member's first message to one that it never met: the newest operations, its own admission among them.
pub(super) const VOUCH: u8 = 6;

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
            self.turn_down(id, NoEntry::Removed);
            return;
        }
        let is_member = self.membership.keys_of(&id).is_some();
        if !is_member && !self.peers.contains_key(&id) {
            self.make_room_for_stranger();
        }
        let now = self.now;
        let peer = self.peers.entry(id).or_insert_with(Peer::new);
        (peer.signal, peer.opened_at, peer.dirty) = (Signal::Open(remote), now, true);
        let (is_first, is_idle) = (!peer.met, matches!(peer.handshake, Handshake::Idle));
        let mut is_open = false;
        if let Some(session) = &mut peer.session {
            session.add_candidate(now, remote, &mut *self.entropy);
            is_open = session.is_open();
        }
        // A session that carries needs no handshake; one that does not may be unknown to the other end.
        if is_open {
            return;
        }
        if let Role::Joining(joining) = &self.role {
            // Who knocks begins, and proves the invite before the door has spent anything.
            let ticket = joining.ticket.encode();
            self.signal(id, TICKET, &ticket);
            self.begin_handshake(id);
            return;
        }
        // The ticket that a session was made with holds for that session, also if this stream breaks before one is shown anew.
        if is_member || peer.session.is_none() {
            peer.shown = None;
        }
        if is_member && is_first {
            self.vouch_to(id);
        }
        // A second stream, opened from the other end at the same time, does not begin it twice.
        if is_idle {
            self.begin_or_await(id);
        }
    }

    /// Of two members the one with the smaller id begins. A stranger has to show something first.
    pub(super) fn begin_or_await(&mut self, id: PeerId) {
        if self.membership.keys_of(&id).is_some() && self.peer_id() < id {
            self.begin_handshake(id);
        } else if let Some(peer) = self.peers.get_mut(&id) {
            peer.handshake = Handshake::Awaited(self.now + HANDSHAKE_DEADLINE);
        }
    }

    pub(super) fn is_removed(&self, id: PeerId) -> bool {
        matches!(self.membership.roster().departed.get(&id), Some(Departure::Removed(_)))
    }

    /// Whether we talk to this peer at all.
    fn is_welcome(&self, id: PeerId) -> bool {
        if id == self.peer_id() || self.door.is_turned_away(self.now, id) {
            return false;
        }
        match &self.role {
            Role::Joining(joining) => joining.inviter == id,
            Role::Member => true,
            Role::Ending(_) | Role::Over => false,
        }
    }

    fn on_signal_lost(&mut self, id: PeerId) {
        let now = self.now;
        let Some(peer) = self.peers.get_mut(&id) else { return };
        peer.close_signal();
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
                self.refuse_signal(id, NoEntry::Incompatible);
                self.incompatible(id, theirs);
            }
            Err(HandshakeError::WrongInvite) => {
                self.refuse_signal(id, NoEntry::WrongInvite);
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
            if (kind, body) == (REFUSED, &[NoEntry::Incompatible.code()]) {
                self.incompatible(id, version);
                return Ok(());
            }
            return Err(HandshakeError::OtherVersion(version));
        }
        match kind {
            FIRST => self.on_first(id, body),
            SECOND => self.on_second(id, body),
            THIRD => self.on_third(id, body),
            TICKET => self.on_ticket(id, body),
            VOUCH => self.on_vouch(id, body),
            REFUSED => {
                let why = body.first().and_then(|code| NoEntry::from_code(*code)).filter(|_| body.len() == 1);
                self.on_refused(id, why);
                Ok(())
            }
            _ => Err(HandshakeError::Malformed(Malformed::UnknownCode)),
        }
    }

    /// What we share with this peer before a handshake. `None`: nothing, so there is none.
    fn psk0_with(&self, id: PeerId) -> Option<Zeroizing<[u8; 32]>> {
        let meeting = self.membership.meeting();
        if let Role::Joining(joining) = &self.role {
            return (joining.inviter == id).then(|| psk0_of_ticket(&joining.secret, meeting, &joining.ticket));
        }
        if let Some(shown) = self.peers.get(&id).and_then(|peer| peer.shown) {
            return Some(psk0_of_ticket(&self.door.secret_of(meeting, &shown.ticket), meeting, &shown.ticket));
        }
        self.membership.keys_of(&id).and_then(|_| self.psk0_of_room())
    }

    pub(super) fn psk0_of_room(&self) -> Option<Zeroizing<[u8; 32]>> {
        self.room_secret.as_ref().map(|secret| secret.psk0(self.membership.meeting()))
    }

    fn begin_handshake(&mut self, id: PeerId) {
        let (now, index) = (self.now, self.fresh_index());
        let Some(psk0) = self.psk0_with(id) else { return };
        let is_member = self.membership.keys_of(&id).is_some();
        if !self.peers.get_mut(&id).is_some_and(|peer| peer.may_shake_hands(now, is_member)) {
            // A stream on which nothing is said would be waited for by both ends until a deadline: it is opened anew later.
            self.handshake_expired(id);
            return;
        }
        let us = self.peer_id();
        let began = self.with_handshake_parts(&psk0, |me, agreement, entropy| {
            Initiator::start(&Agreement { initiator: us, responder: id, ..agreement }, &me, entropy, index)
        });
        if let (Ok((initiator, message)), Some(peer)) = (began, self.peers.get_mut(&id)) {
            peer.handshake = Handshake::Began(Box::new(initiator), now + HANDSHAKE_DEADLINE);
            self.signal(id, FIRST, &message);
        }
    }

    fn on_first(&mut self, id: PeerId, message: &[u8]) -> Result<(), HandshakeError> {
        let (now, index, us) = (self.now, self.fresh_index(), self.peer_id());
        // Whoever knocks begins. The door may take us for a member already, before we know.
        if matches!(self.role, Role::Joining(_)) {
            return Ok(());
        }
        let shown = self.peers.get(&id).and_then(|peer| peer.shown);
        let Some(psk0) = self.psk0_with(id) else {
            // A member that we have not heard of, or a stranger without a ticket: it may come again.
            self.handshake_failed(id, Refusal::PeerMisbehaved);
            return Ok(());
        };
        if shown.is_none() && us < id {
            return Err(HandshakeError::Forged);
        }
        let is_member = self.membership.keys_of(&id).is_some();
        if !self.peers.get_mut(&id).is_some_and(|peer| peer.may_shake_hands(now, is_member)) {
            return Ok(());
        }
        let first = self.with_handshake_parts(&psk0, |me, agreement, entropy| {
            let agreement = Agreement { initiator: id, responder: us, ..agreement };
            FirstMessage::read(&agreement, &me, entropy, index, message)
        })?;
        if let Some(shown) = shown
            && !self.is_served(id, shown)
        {
            self.turn_down(id, NoEntry::Busy);
            return Ok(());
        }
        let (responder, answer) = self.with_handshake_parts(&psk0, |me, _, entropy| first.answer(&me, entropy))?;
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.handshake = Handshake::Answered(Box::new(responder), now + HANDSHAKE_DEADLINE);
        }
        self.signal(id, SECOND, &answer);
        Ok(())
    }

    fn on_second(&mut self, id: PeerId, message: &[u8]) -> Result<(), HandshakeError> {
        let Some(Handshake::Began(initiator, _)) = self.take_handshake(id) else { return Ok(()) };
        let (established, answer) = self.with_handshake_parts(&[0; 32], |me, _, _| initiator.finish(&me, message))?;
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
        let is_knocking = self.peers.get(&id).is_some_and(|peer| peer.shown.is_some());
        if member.is_none() && (self.is_removed(id) || !(is_knocking || self.role.is_joining_at(id))) {
            // Put out while the handshake ran.
            self.turn_down(id, NoEntry::Removed);
            return;
        }
        if member.is_none() && self.door.is_blocked(identity.device) {
            self.door.turn_away(now, id);
            self.turn_down(id, NoEntry::Denied);
            return;
        }
        // Towards a stranger nothing may depend on who is in the room, and a crowd at the door costs no bandwidth.
        let max_bitrate = member.and_then(|_| self.first_part());
        let index = established.our_index;
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let name = identity.name.clone();
        let mut session = Session::new(now, identity, Keys::new(established, now), TransportConfig { max_bitrate });
        if let Signal::Open(remote) = peer.signal {
            session.add_candidate(now, remote, &mut *self.entropy);
        }
        for address in peer.known_addresses() {
            session.add_candidate(now, address, &mut *self.entropy);
        }
        session.transport.set_probing(now, member.is_some());
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
        (peer.dirty, peer.met, peer.name) = (true, true, Some(name));
        peer.connected();
        self.indices.insert(index, id);
        self.prune_indices();
        let addresses = self.local_addresses.clone();
        match &self.role {
            Role::Joining(_) => {
                self.say(id, &Control::Addresses(addresses));
                self.say(id, &Control::Knock);
            }
            Role::Member if member.is_some() => {
                if is_knocking {
                    // It was let in and does not know yet.
                    if let Some(secret) = self.room_secret.clone() {
                        self.say(id, &Control::Welcome(secret));
                    }
                    self.say_all_ops(id);
                } else {
                    self.say(id, &Control::Have { is_answer: false, ids: self.membership.short_ids() });
                }
                self.say(id, &Control::Addresses(addresses));
                self.introduce_all_to(id);
                self.set_heads();
                self.tell_roster();
            }
            Role::Member | Role::Ending(_) | Role::Over => {}
        }
    }

    fn incompatible(&mut self, id: PeerId, theirs: u16) {
        // A crowd of them is told as few times as it would be let knock.
        if self.role.is_joining_at(id) || self.may_vouch(id) {
            self.event(Event::IncompatiblePeer { theirs, ours: PROTOCOL_VERSION });
        }
        self.handshake_failed(id, Refusal::Incompatible);
    }

    /// The stream has served; a session that exists lives on.
    pub(super) fn handshake_failed(&mut self, id: PeerId, reason: Refusal) {
        self.outputs.push_back(Output::CloseSignal(id));
        let (now, is_member) = (self.now, self.membership.keys_of(&id).is_some());
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.close_signal();
            if is_member && peer.open_session().is_none() {
                peer.schedule_reconnect(now);
            } else if peer.session.is_none() {
                self.peers.remove(&id);
            }
        }
        if self.role.is_joining_at(id) {
            self.refused(reason);
        }
    }

    pub(super) fn refuse_signal(&mut self, id: PeerId, why: NoEntry) {
        self.signal(id, REFUSED, &[why.code()]);
    }

    pub(super) fn signal(&mut self, id: PeerId, kind: u8, body: &[u8]) {
        let mut message = Vec::with_capacity(3 + body.len());
        message.extend_from_slice(&PROTOCOL_VERSION.to_be_bytes());
        message.push(kind);
        message.extend_from_slice(body);
        self.outputs.push_back(Output::Signal(id, message));
    }

    /// Lends out our keys, what both ends must agree on (ids still to be filled in), and randomness.
    pub(super) fn with_handshake_parts<T>(
        &mut self,
        psk0: &[u8; 32],
        run: impl FnOnce(Myself<'_>, Agreement<'_>, &mut dyn crate::entropy::Entropy) -> T,
    ) -> T {
        let me = Myself {
            device: &self.device,
            meeting_key: &self.meeting_key,
            noise_static: &self.noise_static,
            name: &self.name,
        };
        let us = self.meeting_key.peer_id();
        let agreement =
            Agreement { meeting: self.membership.meeting(), psk0, initiator: us, responder: us, inside: None };
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
