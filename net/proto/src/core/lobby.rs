//! The lobby: who stands there, who is told of it, who is let in or sent away. What may knock at all, `door` decides. A
//! knocker's session says the same whatever goes on inside: a wait once, signs of life, and at the end yes or no.

use crate::ids::PeerId;
use crate::limits::{KNOCK_PATIENCE, KNOCKERS, MEMBERS, STRANGERS};
use crate::membership::Action;
use crate::session::Control;
use crate::wire::ByeReason;
use crate::words::MemberKeys;

use super::door::{NoEntry, Shown, gives_way};
use super::peer::{Knock, Peer};
use super::{CommandError, Core, Event, Output, Role};

impl Core {
    pub(super) fn on_knock(&mut self, id: PeerId) {
        if !matches!(self.role, Role::Member) || self.membership.keys_of(&id).is_some() {
            return;
        }
        let until = self.now + KNOCK_PATIENCE;
        if let Some(peer) = self.peers.get_mut(&id)
            && peer.knock.is_none()
            && peer.shown.is_some()
        {
            peer.knock = Some(Knock { until, told: false });
            self.say(id, &Control::Wait);
            self.tell_knocks();
        }
    }

    /// Knocks are for admins. A knock can overtake the proof of our path to the knocker, and without a path no answer
    /// would reach them: it is told once there is one.
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
        let secret = self.room_secret.clone().ok_or(CommandError::NotInMeeting)?;
        if self.membership.roster().members.len() >= MEMBERS {
            return Err(CommandError::MeetingFull);
        }
        let keys = MemberKeys { peer: id, device: session.peer.device, noise_static: session.peer.noise_static };
        let (shown, addresses) = (peer.shown, peer.known_addresses());
        let op = self.membership.act(&self.meeting_key, Action::Admit(keys)).ok_or(CommandError::MeetingFull)?;
        if let Some(shown) = shown {
            self.door.note_use(&shown.ticket, id);
        }
        // The secret first: who finds itself in the operations uses it at once.
        self.say(id, &Control::Welcome(secret));
        self.say_all_ops(id);
        self.introduce_all_to(id);
        self.membership_changed();
        let own = self.local_addresses.clone();
        self.say(id, &Control::Addresses(own));
        self.tell_members(&Control::Ops(vec![op]), Some(id));
        self.tell_members(&Control::Introduce(vec![(id, addresses)]), Some(id));
        Ok(())
    }

    pub(super) fn deny(&mut self, id: PeerId) -> Result<(), CommandError> {
        self.require_admin()?;
        self.peers.get(&id).filter(|peer| peer.knock.is_some()).ok_or(CommandError::NoSuchPeer)?;
        self.send_away(id, NoEntry::Denied);
        self.door.turn_away(self.now, id);
        Ok(())
    }

    pub(super) fn block(&mut self, id: PeerId) -> Result<(), CommandError> {
        self.require_admin()?;
        let member = self.membership.keys_of(&id).map(|keys| keys.device);
        let knocker = self.peers.get(&id).filter(|peer| peer.knock.is_some()).and_then(|peer| peer.session.as_ref());
        let device = member.or_else(|| knocker.map(|session| session.peer.device)).ok_or(CommandError::NoSuchPeer)?;
        if member.is_some() {
            self.remove(id)?
        } else {
            self.deny(id)?
        }
        self.door.block(device);
        Ok(())
    }

    /// Ends a knock from inside. The owner is not told: they did it, or it follows from what they are told.
    pub(super) fn send_away(&mut self, id: PeerId, why: NoEntry) {
        let now = self.now;
        let Some(peer) = self.peers.get_mut(&id) else { return };
        peer.knock = None;
        peer.dirty = true;
        self.say(id, &Control::Denied(why));
        if let Some(session) = self.session(id).filter(|session| !session.is_closing()) {
            session.close(now, ByeReason::Denied);
        }
    }

    /// The same, and the owner hears that nobody waits there any more.
    fn withdraw(&mut self, id: PeerId, why: NoEntry) {
        let was_told = self.peers.get(&id).and_then(|peer| peer.knock).is_some_and(|knock| knock.told);
        self.send_away(id, why);
        if was_told {
            self.event(Event::KnockGone(id));
        }
    }

    /// Brings the lobby in line with what the room has become. Who waits while somebody is put out goes on waiting: it must not
    /// learn of that.
    pub(super) fn tidy_lobby(&mut self, clear: bool) {
        let is_admin = self.is_admin();
        let is_locked = self.membership.roster().rules.locked;
        let lobby = self.lobby();
        for (id, shown) in lobby {
            let why = if clear || !is_admin || self.door.is_used_up(&shown.ticket, id) {
                NoEntry::Revoked
            } else if is_locked {
                NoEntry::Locked
            } else {
                continue;
            };
            if self.peers.get(&id).is_some_and(|peer| peer.session.is_some()) {
                self.withdraw(id, why);
            } else {
                self.turn_down(id, why);
            }
        }
    }

    /// Everybody whose ticket was proven and who is no member.
    fn lobby(&self) -> Vec<(PeerId, Shown)> {
        let strangers = self.peers.iter().filter(|(id, _)| self.membership.keys_of(id).is_none());
        let served = strangers.filter(|(_, peer)| !peer.session.as_ref().is_some_and(|session| session.is_closing()));
        let shown = served.filter_map(|(id, peer)| peer.shown.map(|shown| (*id, shown)));
        shown.filter(|(_, shown)| shown.served_at.is_some()).collect()
    }

    /// Makes room for one whose ticket is proven. `false`: it does not deserve a place.
    pub(super) fn make_room_for(&mut self, id: PeerId, shown: &Shown) -> bool {
        let mut lobby = self.lobby();
        lobby.retain(|(other, _)| *other != id);
        if lobby.len() < KNOCKERS {
            return true;
        }
        match gives_way(self.now, &lobby, shown) {
            Some(other) if self.peers.get(&other).is_some_and(|peer| peer.session.is_some()) => {
                self.withdraw(other, NoEntry::Busy);
                true
            }
            Some(other) => {
                self.turn_down(other, NoEntry::Busy);
                true
            }
            None => false,
        }
    }

    /// Makes room for one more stream of somebody unknown: the oldest that has proven nothing goes.
    pub(super) fn make_room_for_stranger(&mut self) {
        let unproven = |(id, peer): &(&PeerId, &Peer)| {
            self.membership.keys_of(id).is_none()
                && peer.session.is_none()
                && peer.shown.is_none_or(|shown| shown.served_at.is_none())
        };
        let strangers: Vec<_> = self.peers.iter().filter(unproven).collect();
        if strangers.len() >= STRANGERS {
            let oldest = strangers.iter().min_by_key(|(_, peer)| peer.opened_at).map(|(id, _)| **id);
            oldest.into_iter().for_each(|id| self.forget(id));
        }
    }

    /// Sends away somebody who has no session yet.
    pub(super) fn turn_down(&mut self, id: PeerId, why: NoEntry) {
        self.refuse_signal(id, why);
        self.outputs.push_back(Output::CloseSignal(id));
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.close_signal();
            if peer.session.is_none() && self.membership.keys_of(&id).is_none() {
                self.peers.remove(&id);
            }
        }
    }
}
