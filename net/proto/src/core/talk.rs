//! Joins the talk of the room to the core: tells it who is in and whose path carries, gives it what members say, and carries
//! out what it wants. Decides nothing; the rules of talk are in `crate::talk`.

use crate::ids::PeerId;
use crate::room::Offence;
use crate::session::Control;
use crate::talk::{Attendance, Link, TalkCommand, TalkMessage, TalkOutput, Us};
use crate::time::Instant;

use super::{CommandError, Core, Event, LeaveReason, Role, WakeReason};

impl Core {
    pub(super) fn talk_command(&mut self, command: TalkCommand) -> Result<(), CommandError> {
        if !matches!(self.role, Role::Member) {
            return Err(CommandError::NotInMeeting);
        }
        let us = Us { key: &self.meeting_key, meeting: self.membership.meeting() };
        self.talk.command(self.now, us, command);
        Ok(())
    }

    pub(super) fn on_talk(&mut self, from: PeerId, message: TalkMessage) {
        // What still arrives of somebody who was cut off is no second offence.
        if self.session(from).is_none_or(|session| session.is_closing()) {
            return;
        }
        let us = Us { key: &self.meeting_key, meeting: self.membership.meeting() };
        if self.talk.handle_message(self.now, us, from, message).is_err() {
            // What led to it is told first.
            self.take_talk_outputs();
            self.cut_off(from, Offence::Talk);
        }
    }

    /// The membership changed.
    pub(super) fn talk_attendance(&mut self) {
        let roster = self.membership.roster();
        let attendance = Attendance {
            members: roster.members.keys().map(|id| (*id, roster.admins.contains(id))).collect(),
            departed: roster.departed.keys().copied().collect(),
            history_for_newcomers: roster.rules.history_for_newcomers,
        };
        let us = Us { key: &self.meeting_key, meeting: self.membership.meeting() };
        self.talk.set_attendance(self.now, us, attendance);
    }

    /// A member's path carries, for the first time or again.
    pub(super) fn talk_connected(&mut self, id: PeerId) {
        let us = Us { key: &self.meeting_key, meeting: self.membership.meeting() };
        self.talk.connected(self.now, us, id);
    }

    pub(super) fn talk_gone(&mut self, id: PeerId, reason: LeaveReason) {
        let us = Us { key: &self.meeting_key, meeting: self.membership.meeting() };
        match reason {
            LeaveReason::Misbehaved => self.talk.expelled(self.now, us, id),
            // Who left or was removed is no member any more; who timed out may come back to its files.
            LeaveReason::Left | LeaveReason::Removed | LeaveReason::TimedOut => self.talk.disconnected(id),
        }
    }

    pub(super) fn talk_wake(&self) -> Option<(Instant, WakeReason)> {
        let is_in = matches!(self.role, Role::Member);
        self.talk.wake().filter(|_| is_in).map(|at| (at, WakeReason::Talk))
    }

    pub(super) fn pump_talk(&mut self) {
        if matches!(self.role, Role::Member) && self.talk.wake().is_some_and(|at| at <= self.now) {
            let us = Us { key: &self.meeting_key, meeting: self.membership.meeting() };
            let peers = &self.peers;
            self.talk.tick(self.now, us, &mut |id| {
                let session = peers.get(&id)?.session.as_ref().filter(|session| session.is_open())?;
                let transport = &session.transport;
                Some(Link { estimate: transport.estimate(), waiting: transport.reliable_waiting() })
            });
        }
        self.take_talk_outputs();
    }

    fn take_talk_outputs(&mut self) {
        while let Some(output) = self.talk.poll() {
            match output {
                TalkOutput::Send(to, message) => self.say(to, &Control::Talk(message)),
                TalkOutput::Event(event) => self.event(Event::Talk(event)),
                TalkOutput::Reserve(peer, rate) => {
                    let now = self.now;
                    let Some(peer) = self.peers.get_mut(&peer) else { continue };
                    if let Some(session) = &mut peer.session {
                        session.transport.set_bulk(now, rate);
                        peer.dirty = true;
                    }
                }
            }
        }
    }
}

/// A member whose program keeps no rules, for simulated worlds.
#[cfg(feature = "testing")]
impl Core {
    /// Says anything at all on the reliable channel; `false`: it is full.
    pub fn say_anything(&mut self, now: Instant, to: PeerId, bytes: bytes::Bytes) -> bool {
        self.advance(now);
        let Some(peer) = self.peers.get_mut(&to) else { return false };
        peer.dirty = true;
        peer.session.as_mut().is_some_and(|session| session.transport.send_reliable(now, bytes).is_ok())
    }

    /// The bytes of a chat message, well signed, whatever the limits say.
    #[must_use]
    pub fn chat_message(&self, lamport: u64, text: &str) -> bytes::Bytes {
        let message = TalkMessage::signed_text(&self.meeting_key, self.membership.meeting(), lamport, text);
        Control::Talk(message).encode().into()
    }
}
