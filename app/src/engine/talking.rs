//! The owner's part of membership and talk: what a person asks about the room, what the core tells of it. What is asked of the
//! core goes there as it is: it knows best who may what, and says so.

use conclave_proto::core::{Command as Ask, Event};
use conclave_proto::ids::PeerId;
use conclave_proto::room::{MemberRole, Offence};
use conclave_proto::talk::{TalkCommand, TalkEvent};

use super::Command;
use super::membership::{rule_to_net, unix_s};
use super::news::News;
use super::notices::{Fault, Subject, Trouble};
use super::owner::Owner;
use super::report::{ReportEvent, RosterLine};
use super::room::FileState;
use super::snapshot::Purpose;
use super::talk::{FileNews, Outcome};

impl Owner {
    /// What concerns the room beyond tiles and devices, and the contacts.
    pub(super) fn talk_command(&mut self, command: Command) {
        match command {
            Command::SetContactNote { id, note } => {
                let trouble = self.acquaintances.set_note(&id, note);
                return self.tell_if_any(trouble);
            }
            Command::SetContactSkips { id, skips } => {
                let trouble = self.acquaintances.set_skips(&id, skips);
                return self.tell_if_any(trouble);
            }
            Command::ForgetContact(id) => {
                let trouble = self.acquaintances.forget(&id);
                return self.tell_if_any(trouble);
            }
            Command::Verify(who) => return self.verify(&who),
            _ => {}
        }
        let Some((_, meeting)) = self.state.both() else { return };
        let mut trouble = None;
        match command {
            Command::Chat(text) => meeting.say(TalkCommand::Chat { text, sent_unix_s: unix_s() }),
            Command::RaiseHand(up) => meeting.say(TalkCommand::RaiseHand(up)),
            Command::React(reaction) => {
                let react = meeting.talk.react(reaction);
                meeting.say(react);
            }
            Command::AskToMute(None) => meeting.say(TalkCommand::AskAllToMute),
            Command::WordsSeen => meeting.membership.words_seen(),
            Command::RevokeInvites => meeting.command(Ask::RotateInvite),
            Command::SetRule(rule, on) => meeting.command(Ask::SetRule(rule_to_net(rule), on)),
            Command::OfferFile { who: None, path } => {
                let all = meeting.people.members.iter().map(|member| (member.peer, member.person.name.clone()));
                let all: Vec<(PeerId, String)> = all.collect();
                trouble = meeting.talk.files.offer(&all, path);
            }
            Command::AcceptFile(line) => trouble = meeting.talk.files.accept(line),
            Command::CancelFile(line) => {
                let node = &meeting.node;
                meeting.talk.files.cancel(line, &mut |ask| super::meeting::ask(node, ask));
            }
            Command::Block(who)
            | Command::Remove(who)
            | Command::LowerHand(who)
            | Command::AskToMute(Some(who))
            | Command::SetAdmin { who, .. }
            | Command::OfferFile { who: Some(who), .. }
                if meeting.find(&who).is_none() =>
            {
                trouble = Some(Trouble::new(
                    "This person is not there any more.",
                    Fault::Theirs,
                    "They may come back; try again then.",
                ));
            }
            Command::Block(who) => meeting.about(&who, Ask::Block),
            Command::Remove(who) => meeting.about(&who, Ask::Remove),
            Command::LowerHand(who) => meeting.about(&who, |peer| Ask::Talk(TalkCommand::LowerHand(peer))),
            Command::AskToMute(Some(who)) => meeting.about(&who, |peer| Ask::Talk(TalkCommand::AskMute(peer))),
            Command::SetAdmin { who, admin } => {
                let role = if admin { MemberRole::Admin } else { MemberRole::Member };
                meeting.about(&who, |peer| Ask::SetRole(peer, role));
            }
            Command::OfferFile { who: Some(who), path } => {
                if let Some(peer) = meeting.find(&who) {
                    let name = meeting.talk.name(peer);
                    trouble = meeting.talk.files.offer(&[(peer, name)], path);
                }
            }
            _ => {}
        }
        self.tell_if_any(trouble);
    }

    fn verify(&mut self, who: &str) {
        let Some((_, meeting)) = self.state.both() else { return };
        let Some(peer) = meeting.find(who) else { return };
        let name = meeting.talk.name(peer);
        let Some(device) = meeting.membership.device_of(peer) else { return };
        let trouble = self.acquaintances.verify(device, name);
        self.tell_if_any(trouble);
    }

    /// Roles, rules, and what is wrong with somebody.
    pub(super) fn membership_event(&mut self, event: Event) {
        let Some((_, meeting)) = self.state.both() else { return };
        match event {
            Event::Roster(roster) => {
                for entry in &roster {
                    if let Some(name) = &entry.name {
                        meeting.talk.named(entry.who, name);
                    }
                }
                self.desk.report(ReportEvent::Roster { people: roster.iter().map(RosterLine::from).collect() });
                meeting.membership.set_roster(roster);
            }
            Event::Rules { rules, changed } => {
                meeting.membership.set_rules(rules);
                let entered = changed.is_empty() && meeting.purpose == Purpose::Join;
                self.desk.report(ReportEvent::Rules {
                    locked: rules.locked,
                    history: rules.history_for_newcomers,
                    mute_on_entry: rules.mute_on_entry,
                    contacts_skip_lobby: rules.contacts_skip_lobby,
                });
                if entered && rules.mute_on_entry && !self.muted {
                    self.muted = true;
                    self.set_flags();
                    self.tell(
                        Subject::Other,
                        Trouble::new(
                            "You are muted: in this meeting whoever comes starts so.",
                            Fault::Theirs,
                            "Press M to unmute when you want to speak.",
                        ),
                    );
                }
            }
            Event::InvitesRevoked => {
                let (node, news) = (std::sync::Arc::clone(&meeting.node), self.news.clone());
                if self.desk.reports() {
                    tokio::task::spawn_blocking(move || news.send(News::FirstInvite(node.invite(Default::default()))));
                }
            }
            Event::RoleChanged { who, role, by: _ } => {
                let admin = role == MemberRole::Admin;
                self.desk.report(ReportEvent::Role { who: who.short(), admin });
            }
            Event::Equivocation { who } => {
                let name = meeting.talk.name(who);
                self.tell(
                    Subject::Other,
                    Trouble::new(
                        format!("{name} told some of you one thing about who belongs here and others another."),
                        Fault::Theirs,
                        "Remove them unless you know why: their program is altered, or somebody else has their key.",
                    ),
                );
            }
            // Told already, and better.
            Event::CutOff { offence: Offence::Talk, .. } => {}
            Event::CutOff { who, offence } => {
                let name = meeting.talk.name(who);
                self.tell(
                    Subject::Other,
                    Trouble::new(
                        format!("{name} was cut off: their program {}.", super::sentences::offence(offence)),
                        Fault::Theirs,
                        "If you trust them, ask them to update Conclave; else remove them.",
                    ),
                );
            }
            _ => {}
        }
        self.touch();
    }

    /// What people say to each other.
    pub(super) fn talk_event(&mut self, event: TalkEvent) {
        let Some((_, meeting)) = self.state.both() else { return };
        meeting.report_talk(&event, &self.desk);
        let node = std::sync::Arc::clone(&meeting.node);
        let outcome = meeting.talk.event(event, &mut |ask| super::meeting::ask(&node, ask));
        if self.muted {
            // Whoever asks for it has it already.
            meeting.talk.mute_answered();
        }
        match outcome {
            Outcome::Shown => self.touch(),
            Outcome::Unseen => {}
            Outcome::Notice(trouble) => self.tell(Subject::Other, trouble),
        }
        self.report_files();
    }

    /// Files that are not as they were when last told.
    pub(super) fn report_files(&mut self) {
        if !self.desk.reports() {
            return;
        }
        let Some((_, meeting)) = self.state.both() else { return };
        for line in meeting.talk.files.changed() {
            let (state, through, detail) = match line.state {
                FileState::Preparing => ("preparing", 0, String::new()),
                FileState::Offered => ("offered", 0, String::new()),
                FileState::Moving(bytes) => ("moving", bytes, String::new()),
                FileState::Waiting(bytes) => ("waiting", bytes, String::new()),
                FileState::Done(path) => {
                    ("done", line.size, path.map(|path| path.display().to_string()).unwrap_or_default())
                }
                FileState::Over(why) => ("over", 0, why),
            };
            self.desk.report(ReportEvent::File {
                id: line.id,
                name: line.name,
                outgoing: line.outgoing,
                file: line.file,
                size: line.size,
                state,
                through,
                detail,
            });
        }
    }

    /// What the disk says about a file.
    pub(super) fn file_news(&mut self, news: FileNews) {
        let Some((_, meeting)) = self.state.both() else { return };
        let node = std::sync::Arc::clone(&meeting.node);
        meeting.talk.files.disk(news, &mut |ask| super::meeting::ask(&node, ask));
        self.report_files();
        self.touch();
    }
}
