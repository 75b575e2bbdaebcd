//! What comes from the network, the devices and the decoders, and what the engine makes of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use conclave_media::audio::AudioEvent;
use conclave_media::video::{LayerTarget, VideoReceiveEvent};
use conclave_net::NodeEvent;
use conclave_proto::core::{Command, Event, PathKind};
use conclave_proto::ids::{DevicePublicKey, PeerId};
use conclave_proto::room::InviteOptions;

use super::bridge;
use super::membership;
use super::news::News;
use super::notices::{self, Fault, Subject, Trouble};
use super::owner::Owner;
use super::report::{EndReason, ReportEvent};
use super::sentences;
use super::snapshot::Purpose;
use super::state::State;
use super::{Reply, limits};

impl Owner {
    /// From threads and tasks of our own.
    pub(super) fn piece_of_news(&mut self, piece: News) {
        match piece {
            News::Audio(event) => return self.audio_event(event),
            News::Camera(status) => self.device(Subject::Camera, status),
            News::Receiver(peer, event) => self.decoder_event(peer, event),
            News::Devices(lists) => {
                if !self.devices.listed(lists) {
                    return;
                }
            }
            News::Charge(charge) => {
                if !self.power.answered(Instant::now(), charge) {
                    return;
                }
                self.power_changed();
            }
            News::Node(attempt, started) if matches!(self.state, State::Home(_)) => {
                self.standby_opened(attempt, started);
            }
            News::Node(attempt, started) => self.network_opened(attempt, started),
            News::Asked(attempt, answer) => self.asked(attempt, answer),
            News::Browser(event) => self.visible.news(event),
            News::Contacts(event) => {
                let trouble = self.acquaintances.event(event);
                self.tell_if_any(trouble);
            }
            News::File(news) => self.file_news(news),
            News::InviteToCopy(Some(invite)) => self.desk.reply(Reply::Invite(invite)),
            News::FirstInvite(Some(invite)) => self.desk.report(ReportEvent::Invite { invite }),
            News::InviteToCopy(None) | News::FirstInvite(None) => self.no_invite(),
        }
        self.touch();
    }

    fn audio_event(&mut self, event: AudioEvent) {
        match event {
            // Goes straight to the network, see `own_media.rs`.
            AudioEvent::Encoded(_) => {}
            AudioEvent::ClockMap { position, captured_us } => {
                if let Some(media) = self.state.media_mut() {
                    media.set_clock(position, captured_us);
                }
            }
            AudioEvent::Microphone(status) => self.device(Subject::Microphone, status),
            AudioEvent::Speaker(status) => self.device(Subject::Speaker, status),
            AudioEvent::MicrophoneStarted { unix_us } => {
                self.desk.report_at(unix_us, ReportEvent::MicrophoneStarted {});
            }
            AudioEvent::SpeakerStarted { unix_us } => self.desk.report_at(unix_us, ReportEvent::SpeakerStarted {}),
            AudioEvent::FirstSound { remote, unix_us } => {
                let who = format!("{remote:016x}");
                self.desk.report_at(unix_us, ReportEvent::FirstSound { who });
            }
        }
    }

    fn device(&mut self, which: Subject, status: conclave_media::source::DeviceStatus) {
        if self.state.media().is_none() {
            return;
        }
        if let Some(notice) = self.devices.set(which, status, &mut self.notices) {
            self.desk.report(ReportEvent::from(&notice));
        }
        self.set_flags();
        self.touch();
    }

    /// Pictures get smaller, or what they were; the person is told, or no longer.
    pub(super) fn power_changed(&mut self) {
        if let Some(media) = self.state.media() {
            media.set_power(self.power.power());
        }
        match self.power.trouble() {
            Some(trouble) => self.tell(Subject::Battery, trouble),
            None => self.notices.mended(&Subject::Battery),
        }
    }

    fn decoder_event(&mut self, peer: PeerId, event: VideoReceiveEvent) {
        let Some((_, meeting)) = self.state.both() else { return };
        meeting.people.decoded(peer, &event);
        match event {
            VideoReceiveEvent::FirstPicture { unix_us } => {
                self.desk.report_at(unix_us, ReportEvent::FirstPicture { who: peer.short() });
            }
            VideoReceiveEvent::PicturesOutFailed(why) => {
                self.tell(Subject::Other, Trouble::sentences(&why, Fault::Yours));
            }
            VideoReceiveEvent::NeedKey(_) | VideoReceiveEvent::SizeChanged { .. } => {}
        }
    }

    fn no_invite(&mut self) {
        self.tell(
            Subject::Other,
            Trouble::new(
                "No invite could be made.",
                Fault::Ours,
                "Only the person who opened the meeting can invite; if that is you, try again.",
            ),
        );
    }

    /// From the network; `None`: it has ended by itself.
    pub(super) fn network(&mut self, event: Option<NodeEvent>) {
        if matches!(self.state, State::Home(_)) {
            return self.doorstep_event(event);
        }
        match event {
            Some(NodeEvent::Ready { addresses }) => self.ready(&addresses),
            Some(NodeEvent::Core(event)) => self.core_event(event),
            Some(NodeEvent::Warning(warning)) => self.tell(Subject::Other, Trouble::from(&warning)),
            None => self.end(
                Trouble::new("The network part of Conclave stopped.", Fault::Ours, "Join again; please report this."),
                EndReason::Failed,
            ),
        }
        self.touch();
    }

    fn ready(&mut self, addresses: &[SocketAddr]) {
        self.desk.report(ReportEvent::Ready { addresses: addresses.iter().map(ToString::to_string).collect() });
        let Some((_, meeting)) = self.state.both() else { return };
        meeting.own_addresses = addresses.iter().map(SocketAddr::ip).collect();
        let first = !std::mem::replace(&mut meeting.ready, true);
        if !first || meeting.purpose != Purpose::New {
            return;
        }
        let (node, news) = (Arc::clone(&meeting.node), self.news.clone());
        if self.desk.reports() {
            tokio::task::spawn_blocking(move || news.send(News::FirstInvite(node.invite(InviteOptions::default()))));
        }
        self.inside();
    }

    fn core_event(&mut self, event: Event) {
        let Some((media, meeting)) = self.state.both() else { return };
        match event {
            Event::Knock { who, name, device } => self.knock(who, name, device),
            Event::KnockGone(who) => meeting.knock_over(who),
            Event::Waiting => self.at_the_door(),
            Event::Admitted => {
                self.desk.report(ReportEvent::Admitted {});
                self.inside();
            }
            Event::Refused(refusal) => self.end(Trouble::from(refusal), EndReason::Refused),
            Event::Joined { who, name, device } => {
                meeting.knock_over(who);
                meeting.talk.named(who, &name);
                meeting.membership.came(who, device, name.clone());
                let trouble = meeting.people.joined(who, name.clone(), device, &media.audio);
                media.audio.set_sending(true);
                media.tell();
                self.desk.report(ReportEvent::Joined { who: who.short(), name });
                if let Some(trouble) = trouble {
                    self.tell(Subject::Other, trouble);
                }
            }
            Event::Left { who, reason } => {
                meeting.people.left(who, &media.audio);
                let met = meeting.membership.went(who);
                media.audio.set_sending(!meeting.people.is_empty());
                self.desk.report(ReportEvent::Left { who: who.short(), reason: notices::leave_reason(reason) });
                let trouble = met.and_then(|came| self.acquaintances.met(came));
                self.tell_if_any(trouble);
            }
            Event::Words { words, why } => {
                let words = words.map(str::to_owned);
                meeting.words = Some(words.clone());
                meeting.membership.words_are_new(&why);
                self.desk.report(ReportEvent::Words { words });
            }
            Event::Roster(_)
            | Event::RoleChanged { .. }
            | Event::Rules { .. }
            | Event::InvitesRevoked
            | Event::Equivocation { .. }
            | Event::CutOff { .. } => self.membership_event(event),
            Event::Talk(event) => self.talk_event(event),
            Event::Path { who, kind, address } => {
                // To an address of our own: the other end is on this machine, whatever kind of address it is.
                let kind = if meeting.own_addresses.contains(&address.ip()) { PathKind::Loopback } else { kind };
                meeting.people.path(who, kind, address.to_string());
                self.desk.report(ReportEvent::Path {
                    who: who.short(),
                    kind: sentences::path_word(kind),
                    address: address.to_string(),
                });
            }
            Event::PathLost(who) => meeting.people.path_lost(who),
            Event::SenderReport(who, report) => meeting.people.sender_report(who, report, &media.audio),
            Event::KeyFrameWanted(layer) => media.request_key(bridge::layer_to_media(layer)),
            Event::EncoderTargets(targets) => {
                let targets: Vec<LayerTarget> = targets
                    .iter()
                    .map(|target| LayerTarget {
                        layer: bridge::layer_to_media(target.layer),
                        bitrate_bps: target.bitrate.as_bps(),
                    })
                    .collect();
                media.set_targets(&targets);
            }
            Event::IncompatiblePeer { theirs, ours } => self.tell(
                Subject::Other,
                Trouble::new(
                    format!("Somebody's Conclave speaks version {theirs} of the protocol, this one version {ours}."),
                    Fault::Theirs,
                    "Update the older of the two programs.",
                ),
            ),
            Event::Closed => self.network(None),
            // The network hands frames over another way, see `bridge.rs`.
            Event::Audio(..) | Event::Video(..) => {}
        }
    }

    fn knock(&mut self, who: PeerId, name: String, device: DevicePublicKey) {
        let admit_all = self.config.admit_all;
        let known = self.acquaintances.book().check(&device, &name);
        let standing = membership::standing(self.acquaintances.book(), &device, &name);
        let Some((_, meeting)) = self.state.both() else { return };
        let expected = meeting.membership.rules().contacts_skip_lobby && known.may_skip_lobby();
        if admit_all || expected {
            meeting.command(Command::Admit(who));
        } else if !meeting.knock(who, name.clone(), standing) {
            tracing::info!(at_once = limits::KNOCKS, "too many knock at once; one was turned away");
            return;
        }
        self.desk.report(ReportEvent::Knock { who: who.short(), name });
    }
}
