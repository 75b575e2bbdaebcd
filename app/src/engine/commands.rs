//! What each command does. Commands that make no sense now are ignored: the window may be a moment behind.

use std::sync::Arc;

use conclave_media::{Sink, Source};
use conclave_proto::room::InviteOptions;

use super::entering::check_invite;
use super::news::News;
use super::notices::{Fault, Subject, Trouble};
use super::owner::Owner;
use super::room::InviteWish;
use super::state::{State, Target};
use super::{Command, limits};
use crate::settings;

impl Owner {
    pub(super) fn command(&mut self, command: Command) {
        match command {
            Command::PrepareNew => self.prepare(Target::New),
            Command::PrepareJoin { invite } => match check_invite(&invite) {
                Ok(invite) => self.prepare(Target::Join(Box::new(invite))),
                Err(trouble) => self.tell(Subject::Other, trouble),
            },
            Command::PrepareVisible { id } => self.prepare(Target::Visible(id)),
            Command::Enter => self.enter(),
            Command::Back => match self.state {
                State::Preview { .. } | State::Entering { .. } | State::Ended(_) => self.leave(),
                State::Home(_) | State::Inside { .. } => {}
            },
            Command::Leave => match self.state {
                State::Entering { .. } | State::Inside { .. } => self.leave(),
                State::Home(_) | State::Preview { .. } | State::Ended(_) => {}
            },
            Command::SetName(name) => self.set_name(&name),
            Command::SetMuted(muted) => {
                self.muted = muted;
                self.set_flags();
                self.mute_answered();
            }
            Command::StayUnmuted => self.mute_answered(),
            Command::SetCamera(on) => {
                self.camera_off = !on;
                if let Some(media) = self.state.media() {
                    media.switch_camera(on);
                }
                self.set_flags();
            }
            Command::ChooseCamera(name) => self.choose_camera(name),
            Command::ChooseMicrophone(name) => self.choose_microphone(name),
            Command::ChooseSpeaker(name) => self.choose_speaker(name),
            Command::Quit => {}
            Command::Admit(who) => self.answer(&who, true),
            Command::Deny(who) => self.answer(&who, false),
            Command::CopyInvite => self.copy_invite(None),
            Command::CopySpecialInvite(wish) => self.copy_invite(Some(wish)),
            Command::SetVisible(visible) => {
                self.visible_self = visible;
                if let Some((_, meeting)) = self.state.both() {
                    meeting.node.set_visible(visible);
                }
                self.stand_by();
            }
            Command::Dismiss(id) => self.notices.dismiss(id),
            Command::SetTileHeight { who, height } => {
                // Not drawn from: no need to show it.
                if let Some((_, meeting)) = self.state.both() {
                    meeting.people.set_tile_height(who, height);
                }
                return;
            }
            Command::Pin(who) => self.pin(who),
            other => self.talk_command(other),
        }
        self.touch();
    }

    fn pin(&mut self, who: Option<String>) {
        let Some((_, meeting)) = self.state.both() else { return };
        if !meeting.people.pin(who) {
            self.tell(
                Subject::Other,
                Trouble::new(
                    "This person is not in the room, so they cannot be pinned.",
                    Fault::Theirs,
                    "They may come back; try again then.",
                ),
            );
        }
    }

    fn mute_answered(&mut self) {
        if let Some((_, meeting)) = self.state.both() {
            meeting.talk.mute_answered();
        }
    }

    fn set_name(&mut self, name: &str) {
        self.config.name = name.trim().chars().take(limits::NAME_CHARACTERS).collect();
        self.remember("name", self.config.name.clone());
    }

    fn choose_camera(&mut self, name: Option<String>) {
        self.config.camera = name.map_or(Source::DefaultDevice, Source::Device);
        if let Some(media) = self.state.media() {
            media.set_camera(self.config.camera.clone());
        }
        self.remember("camera", self.config.camera.to_string());
    }

    fn choose_microphone(&mut self, name: Option<String>) {
        self.config.microphone = name.map_or(Source::DefaultDevice, Source::Device);
        if let Some(media) = self.state.media() {
            media.set_microphone(self.config.microphone.clone());
        }
        self.remember("microphone", self.config.microphone.to_string());
    }

    fn choose_speaker(&mut self, name: Option<String>) {
        self.config.speaker = name.map_or(Sink::DefaultDevice, Sink::Device);
        if let Some(media) = self.state.media() {
            media.set_speaker(self.config.speaker.clone());
        }
        self.remember("speaker", self.config.speaker.to_string());
    }

    fn remember(&mut self, key: &str, value: String) {
        let Some(path) = &self.config.settings_file else { return };
        if let Err(error) = settings::remember(path, key, value) {
            self.tell(Subject::Other, Trouble::sentences(&error, Fault::Yours));
        }
    }

    fn answer(&mut self, who: &str, admit: bool) {
        let known =
            self.answer_at_home(who, admit) || self.state.both().is_some_and(|(_, meeting)| meeting.answer(who, admit));
        if !known {
            self.tell(
                Subject::Other,
                Trouble::new(
                    "Nobody of that name stands at the door.",
                    Fault::Yours,
                    "They may have gone; wait for their next knock.",
                ),
            );
        }
    }

    fn copy_invite(&mut self, wish: Option<InviteWish>) {
        let Some((_, meeting)) = self.state.both() else { return };
        let options = wish.map_or_else(InviteOptions::default, |wish| InviteOptions {
            lifetime: wish.lifetime,
            single_use: wish.single_use,
        });
        let (node, news) = (Arc::clone(&meeting.node), self.news.clone());
        // The network may take half a second to answer.
        tokio::task::spawn_blocking(move || news.send(News::InviteToCopy(node.invite(options))));
    }
}
