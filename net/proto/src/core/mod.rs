//! The root: orders its children and turns inputs into outputs. See `api.rs` for the words it speaks. It decides nothing by
//! itself: `signalling` runs handshakes, `control` takes what comes over sessions, `lobby` and `door` deal with knockers, `room`
//! keeps people and video in line with the membership, `news` tells of its changes, `rekey` renews keys.

mod api;
mod control;
mod door;
mod entrance;
#[cfg(all(test, feature = "testing"))]
mod hostile_tests;
mod lobby;
mod news;
mod peer;
mod rekey;
mod room;
mod signalling;
mod stats;
mod talk;
mod video;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::net::SocketAddr;

use crate::ecn::Ecn;
use crate::entropy::Entropy;
use crate::frames::{AudioFrame, SenderReport, VideoFrame};
use crate::ids::{MeetingId, PeerId};
use crate::invite::{Invite, InviteSecret, Ticket};
use crate::keys::{DeviceKey, MeetingKey};
use crate::limits::{
    CANDIDATES, DATAGRAM_BYTES_MAX, DATAGRAMS_PER_TURN, INVITE_ADDRESSES, KNOCK_PATIENCE, KNOCKERS, ROSTER,
    SESSION_FORGOTTEN, STRANGERS,
};
use crate::membership::{Action, Membership};
use crate::noise::NoiseStatic;
use crate::room::InviteOptions;
use crate::secret::RoomSecret;
use crate::session::{Control, Header, Outgoing, Session};
use crate::talk::Talk;
use crate::text::clean_name;
use crate::time::{Bitrate, Instant};

use door::Door;
use news::Told;
use peer::{Peer, Signal};

pub use api::{
    Command, CommandError, Event, InviteUnavailable, LayerTarget, LeaveReason, Output, PathKind, Refusal, SignalInput,
    WakeReason,
};
pub(crate) use door::NoEntry;
pub use stats::{DatagramStats, FlowStats, PeerStats, SoundLoss};

/// Who we are in this meeting, and where randomness comes from.
pub struct CoreConfig {
    /// Who this device is to contacts.
    pub device: DeviceKey,
    /// Who we are in this meeting.
    pub meeting_key: MeetingKey,
    /// What we call ourselves; cleaned before anybody sees it.
    pub name: String,
    /// The core's only randomness.
    pub entropy: Box<dyn Entropy + Send>,
}

/// One meeting, as one peer sees it.
pub struct Core {
    device: DeviceKey,
    meeting_key: MeetingKey,
    noise_static: NoiseStatic,
    name: String,
    entropy: Box<dyn Entropy + Send>,
    now: Instant,
    role: Role,
    /// Known to members only; a knocker gets it when let in.
    room_secret: Option<RoomSecret>,
    door: Door,
    membership: Membership,
    told: Told,
    peers: BTreeMap<PeerId, Peer>,
    /// Whose session a datagram names.
    indices: BTreeMap<u32, PeerId>,
    local_addresses: Vec<SocketAddr>,
    sender_report: Option<SenderReport>,
    max_bitrate: Option<Bitrate>,
    targets: Vec<LayerTarget>,
    talk: Talk,
    /// When somebody may step up again without any news.
    divide_again_at: Option<Instant>,
    outputs: VecDeque<Output>,
    /// Datagrams are opened into it.
    buffer: Box<[u8; DATAGRAM_BYTES_MAX]>,
    wake: Option<(Instant, WakeReason)>,
    /// Inputs came since the last `WakeAt`.
    wake_is_stale: bool,
    /// The next session may get new keys.
    rekey_free_at: Instant,
    dropped_datagrams: u64,
}

/// Where we stand in the meeting.
enum Role {
    /// At the door.
    Joining(Joining),
    /// In the room.
    Member,
    /// Goodbyes are going out.
    Ending(Instant),
    /// Nothing follows.
    Over,
}

struct Joining {
    inviter: PeerId,
    ticket: Ticket,
    secret: InviteSecret,
    attempts: u32,
    /// When to give up.
    until: Instant,
}

impl Role {
    fn is_joining_at(&self, id: PeerId) -> bool {
        matches!(self, Self::Joining(joining) if joining.inviter == id)
    }
}

impl Core {
    /// Makes a meeting; we are its first admin.
    #[must_use]
    pub fn create(config: CoreConfig, now: Instant) -> Self {
        let mut core = Self::new(config, now, MeetingId([0; 16]), Role::Member);
        core.room_secret = Some(RoomSecret::draw(&mut *core.entropy));
        let mut nonce = [0; 16];
        core.entropy.fill(&mut nonce);
        core.membership =
            Membership::create(&core.meeting_key, nonce, core.device.public(), core.noise_static.public());
        core.membership_changed();
        core
    }

    /// Knocks at the inviter's door.
    #[must_use]
    pub fn join(config: CoreConfig, invite: Invite, now: Instant) -> Self {
        let Invite { meeting, ticket, secret, inviter, addresses } = invite;
        let joining = Joining { inviter, ticket, secret, attempts: 0, until: now + KNOCK_PATIENCE };
        let mut core = Self::new(config, now, meeting, Role::Joining(joining));
        let mut door = Peer::new();
        door.set_addresses(&addresses);
        door.signal = Signal::Opening;
        core.peers.insert(inviter, door);
        core.outputs.push_back(Output::OpenSignal(inviter, addresses));
        core
    }

    fn new(config: CoreConfig, now: Instant, meeting: MeetingId, role: Role) -> Self {
        let CoreConfig { device, meeting_key, name, mut entropy } = config;
        let noise_static = NoiseStatic::generate(&mut *entropy);
        let door = Door::new(now, &mut *entropy);
        Self {
            device,
            meeting_key,
            noise_static,
            name: clean_name(&name),
            entropy,
            now,
            role,
            room_secret: None,
            door,
            membership: Membership::unknown(meeting),
            told: Told::default(),
            peers: BTreeMap::new(),
            indices: BTreeMap::new(),
            local_addresses: Vec::new(),
            sender_report: None,
            max_bitrate: None,
            targets: Vec::new(),
            talk: Talk::new(),
            divide_again_at: None,
            outputs: VecDeque::new(),
            buffer: Box::new([0; DATAGRAM_BYTES_MAX]),
            wake: None,
            wake_is_stale: true,
            rekey_free_at: now,
            dropped_datagrams: 0,
        }
    }

    /// Our key in this meeting.
    #[must_use]
    pub const fn peer_id(&self) -> PeerId {
        self.meeting_key.peer_id()
    }

    /// A UDP datagram whose first byte has bit 0x40 clear. What does not authenticate is dropped without a trace.
    pub fn handle_datagram(&mut self, now: Instant, from: SocketAddr, ecn: Ecn, datagram: &mut [u8]) {
        self.advance(now);
        let named =
            Header::parse(datagram).and_then(|header| self.indices.get(&header.receiver_index).map(|id| (header, *id)));
        let peer = named.and_then(|(header, id)| self.peers.get_mut(&id).map(|peer| (header, peer)));
        if let Some((header, peer)) = peer
            && let Some(session) = &mut peer.session
        {
            session.handle_datagram(now, (from, ecn), header, datagram, self.buffer.as_mut_slice(), &mut *self.entropy);
            peer.dirty = true;
        } else {
            self.dropped_datagrams += 1;
        }
    }

    /// News of the signalling stream to a peer.
    pub fn handle_signal(&mut self, now: Instant, peer: PeerId, input: SignalInput) {
        self.advance(now);
        self.on_signal(peer, input);
    }

    /// What the owner of the meeting asks.
    ///
    /// # Errors
    /// The command makes no sense now; nothing changed.
    pub fn handle_command(&mut self, now: Instant, command: Command) -> Result<(), CommandError> {
        self.advance(now);
        match command {
            Command::Admit(id) => self.admit(id)?,
            Command::Deny(id) => self.deny(id)?,
            Command::Block(id) => self.block(id)?,
            Command::Remove(id) => self.remove(id)?,
            Command::SetRole(id, role) => self.set_role(id, role)?,
            Command::RotateInvite => self.act(Action::RotateInvite)?,
            Command::SetRule(rule, on) => self.set_rule(rule, on)?,
            Command::SetUnixTime(unix_s) => self.door.set_calendar(now, unix_s),
            Command::Leave => match self.role {
                Role::Joining(_) | Role::Member => self.leave(),
                Role::Ending(_) | Role::Over => return Err(CommandError::NotInMeeting),
            },
            Command::SendAudio(frame) => self.send_audio(&frame),
            Command::SendVideo(frame) => self.send_video(&frame),
            Command::SetSenderReport(report) => {
                self.sender_report = Some(report);
                self.for_each_receiver(|session| session.transport.set_sender_report(now, report));
            }
            Command::SetWish(id, wish) => {
                self.receiver(id)?.transport.set_wish(now, wish);
                if let Some(peer) = self.peers.get_mut(&id) {
                    peer.our_wish = Some(wish);
                }
            }
            Command::RequestKeyFrame(id, layer) => self.receiver(id)?.transport.request_key_frame(now, layer),
            Command::SetLocalAddresses(mut addresses) => {
                addresses.truncate(CANDIDATES);
                if self.local_addresses != addresses {
                    self.local_addresses.clone_from(&addresses);
                    self.tell_members(&Control::Addresses(addresses), None);
                }
            }
            Command::SetMaxBitrate(max) => {
                self.max_bitrate = max;
                self.allot();
            }
            Command::NetworkChanged => {
                for (id, peer) in &mut self.peers {
                    peer.dirty = true;
                    if let Some(session) = &mut peer.session {
                        session.recheck(now);
                    } else if self.membership.keys_of(id).is_some() {
                        peer.hurry(now);
                    }
                }
            }
            Command::Talk(command) => self.talk_command(command)?,
        }
        Ok(())
    }

    /// The moment of the last `WakeAt` has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.advance(now);
        // It was used up; the next one is told even if it is for the same moment.
        self.wake = None;
        let ids: Vec<PeerId> = self.peers.keys().copied().collect();
        for id in ids {
            self.peer_timeout(id);
        }
        if matches!(&self.role, Role::Joining(joining) if joining.until <= now) {
            self.refused(Refusal::NoAnswer);
        }
        if self.divide_again_at.is_some_and(|at| at <= now) {
            self.retarget();
        }
        self.finish_ending();
    }

    /// What is to be done; call until `None` after every input.
    pub fn poll_output(&mut self) -> Option<Output> {
        if let Some(output) = self.outputs.pop_front() {
            return Some(output);
        }
        self.pump();
        if let Some(output) = self.outputs.pop_front() {
            return Some(output);
        }
        if std::mem::take(&mut self.wake_is_stale) {
            let wake = self.next_wake();
            if wake != self.wake {
                self.wake = wake;
                return wake.map(|(at, reason)| Output::WakeAt(at, reason));
            }
        }
        None
    }

    /// A fresh invite with the given addresses.
    ///
    /// # Errors
    /// We are no admin of a meeting.
    pub fn invite(
        &mut self,
        now: Instant,
        options: InviteOptions,
        mut addresses: Vec<SocketAddr>,
    ) -> Result<Invite, InviteUnavailable> {
        self.advance(now);
        if !self.is_admin() {
            return Err(InviteUnavailable::NotAdmin);
        }
        addresses.truncate(INVITE_ADDRESSES);
        let meeting = self.membership.meeting();
        let (ticket, secret) = self.door.issue(self.now, meeting, options, &mut *self.entropy);
        Ok(Invite { meeting, ticket, secret, inviter: self.peer_id(), addresses })
    }

    /// The counters of every peer with a session. Cheap; meant for once a second.
    #[must_use]
    pub fn stats(&self, now: Instant) -> Vec<(PeerId, PeerStats)> {
        let sessions = self.peers.iter().filter_map(|(id, peer)| peer.session.as_ref().map(|session| (*id, session)));
        sessions.map(|(id, session)| (id, session.stats(now))).collect()
    }

    /// Datagrams that named no session of ours, or were none at all.
    #[must_use]
    pub const fn dropped_datagrams(&self) -> u64 {
        self.dropped_datagrams
    }

    fn advance(&mut self, now: Instant) {
        self.now = self.now.max(now);
        self.wake_is_stale = true;
    }

    fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    fn send_audio(&mut self, frame: &AudioFrame) {
        let now = self.now;
        self.for_each_receiver(|session| session.transport.send_audio(now, frame));
    }

    fn send_video(&mut self, frame: &VideoFrame) {
        let now = self.now;
        for peer in self.peers.values_mut().filter(|peer| peer.announced) {
            if peer.video.wants(frame)
                && let Some(session) = peer.open_session()
            {
                session.transport.send_video(now, frame);
                peer.dirty = true;
            }
        }
    }

    fn for_each_receiver(&mut self, mut each: impl FnMut(&mut Session)) {
        for peer in self.peers.values_mut().filter(|peer| peer.announced) {
            if let Some(session) = peer.open_session() {
                each(session);
                peer.dirty = true;
            }
        }
    }

    fn receiver(&mut self, id: PeerId) -> Result<&mut Session, CommandError> {
        let peer = self.peers.get_mut(&id).filter(|peer| peer.announced).ok_or(CommandError::NoSuchPeer)?;
        peer.dirty = true;
        peer.session.as_mut().ok_or(CommandError::NoSuchPeer)
    }

    /// Fetches events and datagrams of every peer that may have some. What one peer says may concern others, hence rounds.
    fn pump(&mut self) {
        for _ in 0..ROSTER + KNOCKERS + STRANGERS {
            self.pump_talk();
            let dirty: Vec<PeerId> = self.peers.iter().filter(|(_, peer)| peer.dirty).map(|(id, _)| *id).collect();
            if dirty.is_empty() {
                return;
            }
            dirty.into_iter().for_each(|id| self.pump_peer(id));
        }
    }

    fn pump_peer(&mut self, id: PeerId) {
        let now = self.now;
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.dirty = false;
        }
        while let Some(event) = self.session(id).and_then(Session::poll_event) {
            self.on_session_event(id, event);
        }
        while let Some(event) = self.session(id).and_then(Session::poll_transport) {
            self.on_transport_event(id, event);
        }
        let Some(peer) = self.peers.get_mut(&id) else { return };
        peer.session_wake = None;
        if let Some(session) = &mut peer.session {
            for _ in 0..DATAGRAMS_PER_TURN {
                let Some(Outgoing { to, ecn, datagram }) = session.poll_transmit(now) else { break };
                self.outputs.push_back(Output::Transmit { to, ecn, datagram });
            }
            peer.session_wake = session.next_wake(now);
        }
    }

    fn peer_timeout(&mut self, id: PeerId) {
        let now = self.now;
        let rekey_due = self.peers.get(&id).is_some_and(|peer| self.is_rekey_due(&id, peer));
        let Some(peer) = self.peers.get_mut(&id).filter(|peer| rekey_due || peer.is_due(now)) else { return };
        peer.dirty = true;
        let handshake_expired = peer.take_expired_handshake(now);
        let reconnect = peer.take_due_reconnect(now);
        let sync = peer.sync_at.take_if(|at| *at <= now).is_some();
        let their_head = peer.their_head;
        let introduction = peer.take_introduction(now);
        let knock_over = peer.knock.is_some_and(|knock| knock.until <= now);
        let (mut closed, mut forgotten) = (false, false);
        if let Some(session) = &mut peer.session {
            session.handle_timeout(now);
            closed = session.is_over(now);
            forgotten = now.since(session.last_heard()) >= SESSION_FORGOTTEN;
        }
        if closed || forgotten {
            self.session_over(id);
        }
        if handshake_expired {
            self.handshake_expired(id);
        }
        if reconnect {
            self.reconnect(id);
        }
        if let Some(addresses) = introduction {
            self.tell_members(&Control::Introduce(vec![(id, addresses)]), Some(id));
        }
        self.rekey_if_old(id);
        if sync && their_head != self.membership.head() {
            self.say(id, &Control::Have { is_answer: false, ids: self.membership.short_ids() });
        }
        if knock_over {
            self.gone(id, LeaveReason::TimedOut);
            self.forget(id);
        }
    }

    fn next_wake(&self) -> Option<(Instant, WakeReason)> {
        let own = match &self.role {
            Role::Joining(joining) => Some((joining.until, WakeReason::HandshakeDeadline)),
            Role::Ending(until) => Some((*until, WakeReason::Close)),
            Role::Member | Role::Over => None,
        };
        let rekey = self.next_rekey().map(|at| (at, WakeReason::Rekey));
        let peers = self.peers.values().filter_map(|peer| {
            // A turn that ended at its bound goes on at once.
            let unfinished = peer.dirty.then_some((self.now, WakeReason::Pace));
            unfinished.or_else(|| peer.next_wake())
        });
        let talk = self.talk_wake();
        let divide = self.divide_again_at.map(|at| (at, WakeReason::Estimate));
        own.into_iter().chain(rekey).chain(talk).chain(divide).chain(peers).min_by_key(|(at, _)| *at)
    }

    fn prune_indices(&mut self) {
        let peers = &self.peers;
        self.indices.retain(|index, id| {
            let session = peers.get(id).and_then(|peer| peer.session.as_ref());
            session.is_some_and(|session| session.keys.indices().any(|known| known == *index))
        });
    }
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core").field("us", &self.peer_id()).field("peers", &self.peers.len()).finish_non_exhaustive()
    }
}
