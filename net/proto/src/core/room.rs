//! The room: who is let in, put out, told, and given our video. Turns changes of the membership into events and sessions.
//! Knows no handshakes and no wire; `control` and `signalling` call it, and the owner's commands do.

use crate::ids::PeerId;
use crate::limits::{
    DENIED_FOR, GOODBYE_EVERY, GOODBYES, JOIN_ATTEMPTS, KNOCK_PATIENCE, MEMBERS, OPERATIONS_PER_MESSAGE,
    RECONNECT_FIRST, TURNED_AWAY,
};
use crate::membership::{Action, Departure, Op};
use crate::session::{Control, path_kind};
use crate::time::Bitrate;
use crate::wire::ByeReason;
use crate::words::{MemberKeys, meeting_words};

use super::peer::{Knock, Peer, Signal};
use super::video::{self, Allotment, Division, VideoShare};
use super::{CommandError, Core, Event, LeaveReason, Output, Refusal, Role};

impl Core {
    // ---- The lobby ----

    pub(super) fn on_knock(&mut self, id: PeerId) {
        if !matches!(self.role, Role::Member) || self.membership.keys_of(&id).is_some() {
            return;
        }
        let until = self.now + KNOCK_PATIENCE;
        if let Some(peer) = self.peers.get_mut(&id)
            && peer.knock.is_none()
        {
            peer.knock = Some(Knock { until, told: false });
            self.say(id, &Control::Wait);
            self.tell_knocks();
        }
    }

    /// Knocks are for admins; one who becomes admin later hears of those who still wait. A knock can overtake the proof of our
    /// path to the knocker, and without a path no answer would reach them: it is told once there is one.
    pub(super) fn tell_knocks(&mut self) {
        if !self.is_admin() {
            return;
        }
        let mut news = Vec::new();
        for (id, peer) in &mut self.peers {
            if let (Some(knock), Some(session)) = (&mut peer.knock, &peer.session)
                && session.is_open()
                && !std::mem::replace(&mut knock.told, true)
            {
                news.push(Event::Knock { who: *id, name: session.peer.name.clone(), device: session.peer.device });
            }
        }
        news.into_iter().for_each(|event| self.event(event));
    }

    pub(super) fn admit(&mut self, id: PeerId) -> Result<(), CommandError> {
        self.require_admin()?;
        let peer = self.peers.get(&id).filter(|peer| peer.knock.is_some()).ok_or(CommandError::NoSuchPeer)?;
        let session = peer.session.as_ref().ok_or(CommandError::NoSuchPeer)?;
        if self.membership.roster().members.len() >= MEMBERS {
            return Err(CommandError::MeetingFull);
        }
        let keys = MemberKeys { peer: id, device: session.peer.device, noise_static: session.peer.noise_static };
        let addresses = peer.known_addresses();
        let op = self.membership.act(&self.meeting_key, Action::Admit(keys)).ok_or(CommandError::MeetingFull)?;
        let others: Vec<_> = self
            .membership
            .roster()
            .members
            .keys()
            .filter(|other| **other != id && **other != self.peer_id())
            .map(|other| (*other, self.peers.get(other).map(Peer::known_addresses).unwrap_or_default()))
            .collect();
        self.say_all_ops(id);
        if !others.is_empty() {
            self.say(id, &Control::Introduce(others));
        }
        self.membership_changed();
        let own = self.local_addresses.clone();
        self.say(id, &Control::Addresses(own));
        self.tell_members(&Control::Ops(vec![op]), Some(id));
        self.tell_members(&Control::Introduce(vec![(id, addresses)]), Some(id));
        Ok(())
    }

    pub(super) fn deny(&mut self, id: PeerId) -> Result<(), CommandError> {
        self.require_admin()?;
        let now = self.now;
        let peer = self.peers.get_mut(&id).filter(|peer| peer.knock.is_some()).ok_or(CommandError::NoSuchPeer)?;
        peer.knock = None;
        peer.dirty = true;
        self.say(id, &Control::Denied);
        if let Some(session) = self.session(id) {
            session.close(now, ByeReason::Denied);
        }
        self.turn_away(id);
        Ok(())
    }

    pub(super) fn turn_away(&mut self, id: PeerId) {
        if self.turned_away.len() == TURNED_AWAY {
            self.turned_away.pop_front();
        }
        self.turned_away.push_back((id, self.now + DENIED_FOR));
    }

    pub(super) fn is_turned_away(&self, id: PeerId) -> bool {
        self.turned_away.iter().any(|(away, until)| *away == id && *until > self.now)
    }

    // ---- Membership ----

    pub(super) fn remove(&mut self, id: PeerId) -> Result<(), CommandError> {
        self.require_admin()?;
        if id == self.peer_id() || self.membership.keys_of(&id).is_none() {
            return Err(CommandError::NoSuchPeer);
        }
        let op = self.membership.act(&self.meeting_key, Action::Remove(id)).ok_or(CommandError::MeetingFull)?;
        let control = Control::Ops(vec![op]);
        self.say(id, &control);
        self.membership_changed();
        self.tell_members(&control, None);
        Ok(())
    }

    /// The set of operations grew: brings everything else in line with its fold.
    pub(super) fn membership_changed(&mut self) {
        let now = self.now;
        let we_are_in = self.membership.keys_of(&self.peer_id()).is_some();
        match (&self.role, we_are_in) {
            (Role::Joining(_), true) => {
                self.role = Role::Member;
                self.event(Event::Admitted);
            }
            (Role::Member, false) => return self.refused(Refusal::Removed),
            (Role::Joining(_), false) | (Role::Ending(_) | Role::Over, _) => return,
            (Role::Member, true) => {}
        }
        self.set_heads();
        let ids: Vec<PeerId> = self.peers.keys().copied().collect();
        for id in ids {
            match self.membership.keys_of(&id).copied() {
                Some(keys) => self.is_member(id, keys),
                None => {
                    if let Some(departure) = self.membership.roster().departed.get(&id).copied() {
                        let (left, bye) = match departure {
                            Departure::Left => (LeaveReason::Left, ByeReason::Leaving),
                            Departure::Removed => (LeaveReason::Removed, ByeReason::Removed),
                        };
                        self.gone(id, left);
                        if let Some(session) = self.session(id).filter(|session| !session.is_closing()) {
                            session.close(now, bye);
                        }
                    }
                }
            }
        }
        self.tell_knocks();
        self.tell_words();
        self.retarget();
    }

    fn is_member(&mut self, id: PeerId, keys: MemberKeys) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        peer.knock = None;
        peer.dirty = true;
        let proven = peer
            .session
            .as_mut()
            .map(|session| session.peer.device == keys.device && session.peer.noise_static == keys.noise_static);
        if proven == Some(false) {
            self.on_misbehaved(id);
        } else {
            self.announce(id);
        }
    }

    /// Tells of a member once its session carries.
    pub(super) fn announce(&mut self, id: PeerId) {
        let (now, report) = (self.now, self.sender_report);
        if !matches!(self.role, Role::Member) || self.membership.keys_of(&id).is_none() {
            return;
        }
        let Some(peer) = self.peers.get_mut(&id).filter(|peer| !peer.announced) else { return };
        let Some(session) = peer.open_session() else { return };
        // Not sooner: a key frame that the room does not take would leave the rest undecodable.
        session.media_allowed = true;
        if let Some(report) = report {
            session.transport.set_sender_report(now, report);
        }
        let (name, device) = (session.peer.name.clone(), session.peer.device);
        let path = session.address();
        peer.announced = true;
        self.event(Event::Joined { who: id, name, device });
        if let Some(address) = path {
            self.event(Event::Path { who: id, kind: path_kind(address), address });
        }
        self.allot();
    }

    /// Takes a member or a knock back.
    pub(super) fn gone(&mut self, id: PeerId, reason: LeaveReason) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        peer.dirty = true;
        peer.video.reset();
        if let Some(session) = &mut peer.session {
            session.media_allowed = false;
        }
        if std::mem::take(&mut peer.announced) {
            self.event(Event::Left { who: id, reason });
        } else if peer.knock.take().is_some_and(|knock| knock.told) {
            self.event(Event::KnockGone(id));
        }
        self.allot();
    }

    /// Nothing of it is of use any more.
    pub(super) fn forget(&mut self, id: PeerId) {
        if let Some(peer) = self.peers.remove(&id)
            && peer.signal != Signal::Closed
        {
            self.outputs.push_back(Output::CloseSignal(id));
        }
        self.prune_indices();
    }

    fn tell_words(&mut self) {
        let members: Vec<MemberKeys> = self.membership.roster().members.values().copied().collect();
        let words = meeting_words(self.membership.meeting(), &members);
        if self.words != Some(words) {
            self.words = Some(words);
            self.event(Event::Words(words));
        }
    }

    pub(super) fn set_heads(&mut self) {
        let head = self.membership.head();
        for (id, peer) in &mut self.peers {
            if let Some(session) = &mut peer.session {
                session.head = if self.membership.keys_of(id).is_some() { head } else { [0; 8] };
            }
        }
    }

    // ---- Coming and going ----

    /// Opens signalling to a member that we have no session with.
    pub(super) fn connect(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let has_session = peer.session.as_ref().is_some_and(crate::session::Session::is_open);
        if has_session || peer.signal != Signal::Closed || peer.addresses.is_empty() {
            return;
        }
        peer.signal = Signal::Opening;
        self.outputs.push_back(Output::OpenSignal(id, peer.known_addresses()));
    }

    /// A try to reach the door failed.
    pub(super) fn door_not_reached(&mut self, id: PeerId) {
        let now = self.now;
        if let Role::Joining(joining) = &mut self.role
            && joining.inviter == id
        {
            joining.attempts += 1;
            if joining.attempts >= JOIN_ATTEMPTS {
                self.refused(Refusal::Unreachable);
            } else if let Some(peer) = self.peers.get_mut(&id) {
                peer.schedule_reconnect(now);
            }
        }
    }

    pub(super) fn leave(&mut self) {
        let control = matches!(self.role, Role::Member)
            .then(|| self.membership.act(&self.meeting_key, Action::Leave))
            .flatten()
            .map(|op| Control::Ops(vec![op]));
        if let Some(control) = control {
            self.tell_members(&control, None);
        }
        self.end(ByeReason::Leaving);
    }

    /// The meeting is over for us, not by our own will.
    pub(super) fn refused(&mut self, reason: Refusal) {
        if matches!(self.role, Role::Joining(_) | Role::Member) {
            self.event(Event::Refused(reason));
            self.end(ByeReason::Leaving);
        }
    }

    fn end(&mut self, reason: ByeReason) {
        let now = self.now;
        for peer in self.peers.values_mut() {
            peer.announced = false;
            peer.dirty = true;
            if let Some(session) = peer.session.as_mut().filter(|session| !session.is_closing()) {
                session.close(now, reason);
            }
        }
        let anybody = self.peers.values().any(|peer| peer.session.is_some());
        self.role = Role::Ending(if anybody { now + GOODBYE_EVERY * (GOODBYES + 1) } else { now });
        self.finish_ending();
    }

    /// Once the goodbyes are out.
    pub(super) fn finish_ending(&mut self) {
        if matches!(self.role, Role::Ending(until) if until <= self.now) {
            self.role = Role::Over;
            let ids: Vec<PeerId> = self.peers.keys().copied().collect();
            ids.into_iter().for_each(|id| self.forget(id));
            self.event(Event::Closed);
        }
    }

    // ---- Saying things ----

    pub(super) fn say(&mut self, id: PeerId, control: &Control) {
        let now = self.now;
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.dirty = true;
            if let Some(session) = &mut peer.session {
                session.say(now, control);
            }
        }
    }

    pub(super) fn tell_members(&mut self, control: &Control, except: Option<PeerId>) {
        let members: Vec<PeerId> =
            self.membership.roster().members.keys().filter(|id| Some(**id) != except).copied().collect();
        members.into_iter().for_each(|id| self.say(id, control));
    }

    pub(super) fn say_all_ops(&mut self, id: PeerId) {
        let all: Vec<Op> = self.membership.all().cloned().collect();
        self.say_ops(id, &all);
    }

    pub(super) fn say_ops(&mut self, id: PeerId, ops: &[Op]) {
        for batch in ops.chunks(OPERATIONS_PER_MESSAGE) {
            self.say(id, &Control::Ops(batch.to_vec()));
        }
    }

    // ---- Our video ----

    /// Divides our video anew, and tells the encoder if that changes anything.
    pub(super) fn retarget(&mut self) {
        let now = self.now;
        let before: Vec<_> = self.targets.iter().map(|target| target.layer).collect();
        let mut shares: Vec<&mut VideoShare> = Vec::new();
        for peer in self.peers.values_mut().filter(|peer| peer.announced) {
            if peer.session.as_ref().is_some_and(crate::session::Session::is_open) {
                shares.push(&mut peer.video);
            }
        }
        let Division { targets, begun, again_at } = video::divide(now, &mut shares);
        self.divide_again_at = again_at;
        if video::differs(&self.targets, &targets) {
            self.targets.clone_from(&targets);
            self.event(Event::EncoderTargets(targets));
        }
        // A layer that is encoded already gives no key frame by itself.
        for layer in begun.into_iter().filter(|layer| before.contains(layer)) {
            self.event(Event::KeyFrameWanted(layer));
        }
    }

    /// What goes to somebody at most before they are in the room.
    pub(super) fn first_part(&self) -> Option<Bitrate> {
        let peers = self.peers.values().filter(|peer| peer.announced).count() + 1;
        self.max_bitrate.map(|uplink| Bitrate::from_bps(uplink.as_bps() / peers as u64))
    }

    /// Shares our upper bound out anew: it or somebody's wish has changed, or somebody came or went.
    pub(super) fn allot(&mut self) {
        let now = self.now;
        let mut receivers: Vec<&mut Peer> = self.peers.values_mut().filter(|peer| peer.announced).collect();
        let wishes: Vec<_> = receivers.iter().map(|peer| peer.video.wish).collect();
        let parts = self.max_bitrate.map(|uplink| video::allot(uplink, &wishes));
        for (place, peer) in receivers.iter_mut().enumerate() {
            let part: Option<Allotment> = parts.as_ref().and_then(|parts| parts.get(place).copied());
            let before = std::mem::replace(&mut peer.video.allotted, part.map(|part| part.pictures));
            // Also when nothing changed: the session may be a new one.
            if (before.is_some() || part.is_some())
                && let Some(session) = &mut peer.session
            {
                session.transport.set_max_bitrate(now, part.map(|part| part.wire));
                peer.dirty = true;
            }
        }
        self.retarget();
    }

    // ---- Who may ----

    pub(super) fn is_admin(&self) -> bool {
        matches!(self.role, Role::Member) && self.membership.roster().admins.contains(&self.peer_id())
    }

    fn require_admin(&self) -> Result<(), CommandError> {
        match (&self.role, self.is_admin()) {
            (Role::Member, true) => Ok(()),
            (Role::Member, false) => Err(CommandError::NotAdmin),
            (Role::Joining(_) | Role::Ending(_) | Role::Over, _) => Err(CommandError::NotInMeeting),
        }
    }

    /// Makes contact with members that we still lack; called on wake-ups.
    pub(super) fn reconnect(&mut self, id: PeerId) {
        let now = self.now;
        let wanted = self.role.is_joining_at(id) || self.membership.keys_of(&id).is_some();
        if !wanted || matches!(self.role, Role::Ending(_) | Role::Over) {
            return;
        }
        self.connect(id);
        if let Some(peer) = self.peers.get_mut(&id)
            && !peer.session.as_ref().is_some_and(crate::session::Session::is_open)
            && !self.role.is_joining_at(id)
        {
            peer.schedule_reconnect(now.max(now + RECONNECT_FIRST));
        }
    }
}
