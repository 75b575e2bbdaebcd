//! What people say to each other beside sound and pictures, as the engine keeps it: text, hands, reactions, who hears whom,
//! files. Orders its children; the core orders and carries what they hold, `owner` asks and is told. No clock of its own but
//! for what fades.

mod chat;
mod files;
mod hearing;
mod reactions;

use std::collections::BTreeMap;

use conclave_proto::core::Command;
use conclave_proto::ids::PeerId;
use conclave_proto::talk::{TalkCommand, TalkEvent, TalkRefusal};

use super::limits;
use super::news::NewsSender;
use super::notices::{Fault, Trouble};
use super::room::Room;
use super::snapshot::Who;

pub(super) use files::FileNews;
pub(super) use hearing::{Sound, hears};
pub(super) use reactions::word as reaction_word;

use chat::Chat;
use files::Files;
use hearing::HearingBoard;
use reactions::Reactions;

/// The talk of one meeting.
pub(super) struct Talk {
    me: PeerId,
    /// Of everybody who was ever here, for what they left behind.
    names: BTreeMap<PeerId, String>,
    chat: Chat,
    hands: Vec<PeerId>,
    reactions: Reactions,
    /// A sentence, until we are muted or say no.
    mute_asked: Option<String>,
    pub(super) hearing: HearingBoard,
    pub(super) files: Files,
}

/// What the owner has to do about an event of talk.
pub(super) enum Outcome {
    /// Nothing but show it.
    Shown,
    /// Nothing at all.
    Unseen,
    /// Tell our owner.
    Notice(Trouble),
}

impl Talk {
    pub(super) fn new(me: PeerId, downloads: std::path::PathBuf, news: &NewsSender) -> Self {
        Self {
            me,
            names: BTreeMap::new(),
            chat: Chat::default(),
            hands: Vec::new(),
            reactions: Reactions::default(),
            mute_asked: None,
            hearing: HearingBoard::default(),
            files: Files::new(downloads, news.clone()),
        }
    }

    /// Somebody is in the room, or calls themselves something else.
    pub(super) fn named(&mut self, who: PeerId, name: &str) {
        if self.names.len() < limits::NAMES || self.names.contains_key(&who) {
            self.names.insert(who, name.to_owned());
        }
    }

    pub(super) fn name(&self, who: PeerId) -> String {
        self.names.get(&who).cloned().unwrap_or_else(|| "Somebody".to_owned())
    }

    /// Somebody whom the window calls `who`.
    pub(super) fn find(&self, who: &str) -> Option<PeerId> {
        self.names.keys().find(|peer| peer.short() == who).copied()
    }

    /// News from the core. Commands that answer it go to `say`.
    pub(super) fn event(&mut self, event: TalkEvent, say: &mut dyn FnMut(Command)) -> Outcome {
        match event {
            TalkEvent::Chat(messages) => {
                for message in messages {
                    let name = self.name(message.key.author);
                    self.chat.add(message, name, self.me);
                }
            }
            TalkEvent::Hands(hands) => self.hands = hands,
            TalkEvent::Reaction { from, reaction } => self.reactions.show(from, reaction),
            TalkEvent::Hearing { of, row } => self.hearing.told(of, row),
            TalkEvent::HearingGone { of } => self.hearing.forget(of),
            TalkEvent::MuteAsked { by, everyone } => {
                let name = self.name(by);
                let whom = if everyone { "everybody" } else { "you" };
                self.mute_asked = Some(format!("{name} asks {whom} to mute"));
            }
            TalkEvent::Refused(refusal) => return Outcome::Notice(refused(refusal)),
            TalkEvent::CutOff { who, offence } => {
                let name = self.name(who);
                return Outcome::Notice(Trouble::new(
                    format!("{name} was cut off: their program {offence}."),
                    Fault::Theirs,
                    "If you trust them, ask them to update Conclave; else remove them.",
                ));
            }
            file => {
                let names = &self.names;
                let name = |who: PeerId| names.get(&who).cloned().unwrap_or_else(|| "Somebody".to_owned());
                return self.files.event(file, &name, say);
            }
        }
        Outcome::Shown
    }

    /// Our own reaction, which the core does not tell us.
    pub(super) fn react(&mut self, reaction: super::room::Reaction) -> TalkCommand {
        let reaction = reactions::to_net(reaction);
        self.reactions.show(self.me, reaction);
        TalkCommand::React(reaction)
    }

    /// We are muted now, or do not want to be.
    pub(super) fn mute_answered(&mut self) {
        self.mute_asked = None;
    }

    /// Time passes; true if something that shows has ended.
    pub(super) fn pass_time(&mut self) -> bool {
        self.reactions.pass_time()
    }

    /// Its part of the snapshot. `present`: who is in the room now, without us, in the order of their tiles.
    pub(super) fn show(&self, room: &mut Room, present: &[(PeerId, String)]) {
        room.me = self.me.short();
        room.chat = self.chat.lines();
        room.hands = self.hands.iter().map(PeerId::short).collect::<Vec<Who>>();
        room.reactions = self.reactions.shown();
        room.files = self.files.lines();
        room.mute_asked.clone_from(&self.mute_asked);
        self.hearing.show(room, self.me, present);
    }
}

fn refused(refusal: TalkRefusal) -> Trouble {
    let remedy = match refusal {
        TalkRefusal::EmptyText => "Write something first.",
        TalkRefusal::TextTooLong => "Send it in parts, or as a file.",
        TalkRefusal::TooFast => "Wait a moment and try again.",
        TalkRefusal::NotAdmin => "Ask whoever made the meeting.",
        TalkRefusal::NoSuchPeer => "They may come back; try again then.",
        TalkRefusal::FileTooLarge => "Split it, or bring it on another way.",
        TalkRefusal::TooManyFiles => "Wait until one of the others is through.",
        TalkRefusal::NoSuchFile => "Offer it again.",
    };
    Trouble::new(refusal.to_string(), Fault::Yours, remedy)
}
