//! The room: who is put out, told, and given our video. Turns changes of the membership into sessions. Knows no handshakes and
//! no wire; `control` and `signalling` call it, and the owner's commands do.

use crate::ids::PeerId;
use crate::limits::{GOODBYE_EVERY, GOODBYES, INTRODUCTIONS, JOIN_ATTEMPTS, OPERATIONS_PER_MESSAGE, RECONNECT_FIRST};
use crate::membership::{Action, Departure, Op};
use crate::room::{MemberRole, Offence, Rule};
use crate::session::{Control, path_kind};
use crate::time::Bitrate;
use crate::wire::ByeReason;
use crate::words::MemberKeys;

use super::peer::{Handshake, Peer, Signal};
use super::video::{self, Allotment, Division, VideoShare};
use super::{CommandError, Core, Event, LeaveReason, Output, Refusal, Role};

impl Core {
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

    pub(super) fn set_role(&mut self, id: PeerId, role: MemberRole) -> Result<(), CommandError> {
        self.require_admin()?;
        if self.membership.keys_of(&id).is_none() {
            return Err(CommandError::NoSuchPeer);
        }
        let is_admin = self.membership.roster().admins.contains(&id);
        if is_admin == (role == MemberRole::Admin) { Ok(()) } else { self.act(Action::SetRole(id, role)) }
    }

    pub(super) fn set_rule(&mut self, rule: Rule, on: bool) -> Result<(), CommandError> {
        self.require_admin()?;
        if self.membership.roster().rules.holds(rule) == on { Ok(()) } else { self.act(Action::Rule(rule, on)) }
    }

    /// Does what an admin may do, and tells everybody.
    pub(super) fn act(&mut self, action: Action) -> Result<(), CommandError> {
        self.require_admin()?;
        let op = self.membership.act(&self.meeting_key, action).ok_or(CommandError::MeetingFull)?;
        self.membership_changed();
        self.tell_members(&Control::Ops(vec![op]), None);
        Ok(())
    }

    /// The set of operations grew: brings everything else in line with its fold.
    pub(super) fn membership_changed(&mut self) {
        let now = self.now;
        let we_are_in = self.membership.keys_of(&self.peer_id()).is_some();
        match (&self.role, we_are_in) {
            // Without the room's secret we could greet nobody; it comes first.
            (Role::Joining(_), true) if self.room_secret.is_some() => {
                self.role = Role::Member;
                self.event(Event::Admitted);
            }
            (Role::Member, false) => return self.refused(Refusal::Removed),
            (Role::Joining(_), _) | (Role::Ending(_) | Role::Over, _) => return,
            (Role::Member, true) => {}
        }
        self.set_heads();
        self.talk_attendance();
        let ids: Vec<PeerId> = self.peers.keys().copied().collect();
        for id in ids {
            match self.membership.keys_of(&id).copied() {
                Some(keys) => self.is_member(id, keys),
                None => {
                    if let Some(departure) = self.membership.roster().departed.get(&id).copied() {
                        let (left, bye) = match departure {
                            Departure::Left => (LeaveReason::Left, ByeReason::Leaving),
                            Departure::Removed(_) => (LeaveReason::Removed, ByeReason::Removed),
                        };
                        self.gone(id, left);
                        match self.session(id) {
                            Some(session) if !session.is_closing() => session.close(now, bye),
                            Some(_) => {}
                            // Nobody waits for its coming back any more.
                            None => self.forget(id),
                        }
                    }
                }
            }
        }
        let news = self.tell_news();
        if news.change_lock {
            self.door.change_lock(&mut *self.entropy);
            if self.is_admin() {
                self.event(Event::InvitesRevoked);
            }
        }
        self.tidy_lobby(news.clear_lobby);
        self.tell_knocks();
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
        let waits = peer.session.is_none()
            && peer.shown.is_none()
            && matches!(peer.signal, Signal::Open(_))
            && matches!(peer.handshake, Handshake::Awaited(_));
        match proven {
            Some(false) => self.cut_off(id, Offence::OtherKeys),
            Some(true) => self.announce(id),
            // It stood there while we did not know it yet.
            None if waits => self.begin_or_await(id),
            None => {}
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
        session.transport.set_probing(now, true);
        if let Some(report) = report {
            session.transport.set_sender_report(now, report);
        }
        let (name, device) = (session.peer.name.clone(), session.peer.device);
        let path = session.address();
        peer.announced = true;
        peer.addresses_changed(now);
        self.event(Event::Joined { who: id, name, device });
        if let Some(address) = path {
            self.event(Event::Path { who: id, kind: path_kind(address), address });
        }
        self.tell_roster();
        self.talk_connected(id);
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
            self.tell_roster();
        } else if peer.knock.take().is_some_and(|knock| knock.told) {
            self.event(Event::KnockGone(id));
        }
        self.talk_gone(id, reason);
        self.allot();
    }

    /// Its session is over for good. A member may come back; a stranger is forgotten.
    pub(super) fn session_over(&mut self, id: PeerId) {
        let now = self.now;
        self.gone(id, LeaveReason::TimedOut);
        if self.membership.keys_of(&id).is_none() {
            return self.forget(id);
        }
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.retire(now);
        }
        self.prune_indices();
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

    pub(super) fn set_heads(&mut self) {
        let (now, head) = (self.now, self.membership.head());
        for (id, peer) in &mut self.peers {
            if let Some(session) = &mut peer.session {
                session.set_head(now, if self.membership.keys_of(id).is_some() { head } else { [0; 8] });
            }
        }
    }

    // ---- Coming and going ----

    /// Opens signalling to a member that we have no session with.
    pub(super) fn connect(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let has_session = peer.session.as_ref().is_some_and(crate::session::Session::is_open);
        let addresses = peer.known_addresses();
        if has_session || peer.signal != Signal::Closed || addresses.is_empty() {
            return;
        }
        peer.signal = Signal::Opening;
        self.outputs.push_back(Output::OpenSignal(id, addresses));
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

    /// Tells a member where the others can be found.
    pub(super) fn introduce_all_to(&mut self, id: PeerId) {
        let (us, roster) = (self.peer_id(), self.membership.roster());
        let others = roster.members.keys().filter(|other| **other != id && **other != us);
        let known = others.filter_map(|other| self.peers.get(other).map(|peer| (*other, peer.known_addresses())));
        let known: Vec<_> = known.filter(|(_, addresses)| !addresses.is_empty()).take(INTRODUCTIONS).collect();
        if !known.is_empty() {
            self.say(id, &Control::Introduce(known));
        }
    }

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
        let (mut shares, mut congested_at): (Vec<&mut VideoShare>, Vec<_>) = (Vec::new(), Vec::new());
        for peer in self.peers.values_mut().filter(|peer| peer.announced) {
            if let Some(session) = peer.session.as_ref().filter(|session| session.is_open()) {
                congested_at.push(session.transport.congested_at());
                shares.push(&mut peer.video);
            }
        }
        video::even_out(now, &mut shares, &congested_at);
        let Division { targets, begun, again_at } = video::divide(now, &mut shares);
        self.divide_again_at = again_at;
        for peer in self.peers.values_mut().filter(|peer| peer.announced) {
            let shortfall = peer.video.shortfall();
            if let Some(session) = peer.session.as_mut().filter(|session| session.transport.shortfall() != shortfall) {
                session.transport.set_shortfall(now, shortfall);
                peer.dirty = true;
            }
        }
        if video::differs(&self.targets, &targets) {
            self.targets.clone_from(&targets);
            self.event(Event::EncoderTargets(targets));
        }
        // A layer that is encoded already gives no key frame by itself.
        for layer in begun.into_iter().filter(|layer| before.contains(layer)) {
            self.event(Event::KeyFrameWanted(layer));
        }
        self.share_out();
    }

    /// Paths with one bottleneck are told their even part of what they carry together.
    fn share_out(&mut self) {
        let now = self.now;
        let mut group: Vec<(&mut Peer, Bitrate)> = Vec::new();
        for peer in self.peers.values_mut().filter(|peer| peer.announced && peer.video.is_shared()) {
            let open = peer.session.as_ref().filter(|session| session.is_open());
            if let Some(own) = open.and_then(|session| session.transport.used_estimate()) {
                group.push((peer, own));
            }
        }
        let estimates: Vec<Bitrate> = group.iter().map(|(_, own)| *own).collect();
        let Some(part) = video::even_part(&estimates) else { return };
        for (peer, _) in group {
            if let Some(session) = &mut peer.session {
                session.transport.share(now, part);
                peer.dirty = true;
            }
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

    pub(super) fn require_admin(&self) -> Result<(), CommandError> {
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
        if !self.door.is_turned_away(now, id) {
            self.connect(id);
        }
        if let Some(peer) = self.peers.get_mut(&id)
            && !peer.session.as_ref().is_some_and(crate::session::Session::is_open)
            && !self.role.is_joining_at(id)
        {
            peer.schedule_reconnect(now.max(now + RECONNECT_FIRST));
        }
    }
}
