//! A meeting while its network runs: who is in it, who stands at the door, the words.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use conclave_media::audio::{AudioEngine, PathNeeds};
use conclave_media::video::VideoSendStats;
use conclave_net::{MediaEvents, Node, NodeEvent, NodeEvents};
use conclave_proto::core::{Command, PeerStats};
use conclave_proto::ids::PeerId;
use conclave_proto::talk::{TalkCommand, TalkEvent};
use tokio::sync::mpsc;

use super::bridge::{self, Outlet};
use super::desk::Desk;
use super::membership::Membership;
use super::news::NewsSender;
use super::people::{Member, People};
use super::report::ReportEvent;
use super::room::{LanCount, Room, Standing};
use super::snapshot::{Knock, Purpose, Who};
use super::statistics::{Counters, PersonStatistics};
use super::talk::{self, Sound, Talk};
use super::{EngineConfig, Shortfall, limits};

/// One meeting.
pub(super) struct Meeting {
    pub(super) node: Arc<Node>,
    pub(super) control: mpsc::Receiver<NodeEvent>,
    pub(super) purpose: Purpose,
    pub(super) people: People,
    pub(super) knocks: Vec<(PeerId, Knock)>,
    pub(super) words: Option<[String; 6]>,
    pub(super) membership: Membership,
    pub(super) talk: Talk,
    pub(super) ready: bool,
    /// As of now; a path to one of them stays on this machine.
    pub(super) own_addresses: Vec<IpAddr>,
    counted: Instant,
}

impl Meeting {
    /// Connects the network with the media: from here on frames flow without the engine's doing.
    pub(super) fn begin(
        node: Node,
        events: NodeEvents,
        purpose: Purpose,
        config: &EngineConfig,
        outlet: &Arc<Outlet>,
        news: &NewsSender,
        audio: &Arc<AudioEngine>,
    ) -> std::io::Result<Self> {
        let NodeEvents { control, media } = events;
        let node = Arc::new(node);
        let people = People::new(outlet, news, config);
        forward_on_a_thread(media, audio, &people)?;
        outlet.connect(Some(Arc::clone(&node)));
        let talk = Talk::new(node.peer_id(), config.downloads.clone(), news);
        Ok(Self {
            node,
            control,
            purpose,
            people,
            knocks: Vec::new(),
            words: None,
            membership: Membership::default(),
            talk,
            ready: false,
            own_addresses: Vec::new(),
            counted: Instant::now(),
        })
    }

    /// Somebody knocks; false if so many do already that this one is turned away.
    pub(super) fn knock(&mut self, who: PeerId, name: String, standing: Standing) -> bool {
        self.knock_over(who);
        if self.knocks.len() == limits::KNOCKS {
            self.command(Command::Deny(who));
            return false;
        }
        self.knocks.push((who, Knock { who: who.short(), name, standing }));
        true
    }

    /// A knock was answered, or its owner is gone.
    pub(super) fn knock_over(&mut self, who: PeerId) {
        self.knocks.retain(|(knocker, _)| *knocker != who);
    }

    /// Lets a knocker in or turns them away; false if nobody of that name stands there.
    pub(super) fn answer(&mut self, who: &str, admit: bool) -> bool {
        let Some(at) = self.knocks.iter().position(|(_, knock)| knock.who == who) else { return false };
        let (peer, _) = self.knocks.remove(at);
        self.command(if admit { Command::Admit(peer) } else { Command::Deny(peer) });
        true
    }

    /// Whether our invites open a door: admins let people in.
    pub(super) fn may_invite(&self) -> bool {
        self.membership.may_admit()
    }

    /// Who stands at the door under this name of the window.
    pub(super) fn knocker(&self, who: &str) -> Option<PeerId> {
        self.knocks.iter().find(|(_, knock)| knock.who == who).map(|(peer, _)| *peer)
    }

    /// Whom we hear, for those who look after the links; and what fades. True if something changed that shows.
    pub(super) fn listen(&mut self, audio: &AudioEngine) -> bool {
        let sounds: Vec<Sound> = self
            .people
            .members
            .iter()
            .map(|member| Sound {
                from: member.peer,
                flow: audio.stats(bridge::remote_id(member.peer)).flow,
                muted: member.person.muted,
                cut_off: member.person.silent_for.is_some(),
            })
            .collect();
        let news = self.talk.hearing.listen(&sounds);
        let changed = news.is_some();
        if let Some(news) = news {
            self.command(Command::Talk(news));
        }
        self.talk.pass_time() || changed
    }

    /// What the window shows beside the tiles.
    pub(super) fn room(&self, book: &crate::contacts::Book, lan_only: bool) -> Room {
        let present: Vec<(PeerId, String)> =
            self.people.members.iter().map(|member| (member.peer, member.person.name.clone())).collect();
        let mut room = Room::default();
        self.talk.show(&mut room, &present);
        self.membership.show(&mut room, book, &|who| self.talk.name(who));
        room.lan = lan_only.then(|| {
            let (sent, refused) = self.node.egress();
            LanCount { sent, refused }
        });
        room
    }

    pub(super) fn command(&self, command: Command) {
        ask(&self.node, command);
    }

    pub(super) fn say(&self, talk: TalkCommand) {
        self.command(Command::Talk(talk));
    }

    /// Somebody who is or was here, or stands at the door, by the window's name for them.
    pub(super) fn find(&self, who: &str) -> Option<PeerId> {
        self.talk.find(who).or_else(|| self.knocker(who))
    }

    /// A command about somebody; nothing if they are not known.
    pub(super) fn about(&self, who: &str, command: impl FnOnce(PeerId) -> Command) {
        if let Some(peer) = self.find(who) {
            self.command(command(peer));
        }
    }

    /// For whoever reads the events.
    pub(super) fn report_talk(&self, event: &TalkEvent, desk: &Desk) {
        if !desk.reports() {
            return;
        }
        match event {
            TalkEvent::Chat(messages) => {
                for message in messages {
                    desk.report(ReportEvent::Chat {
                        who: message.key.author.short(),
                        name: self.talk.name(message.key.author),
                        text: message.text.clone(),
                        order: format!(
                            "{:016x}-{}-{:08x}",
                            message.key.lamport,
                            message.key.author.short(),
                            message.key.sequence
                        ),
                    });
                }
            }
            TalkEvent::Hands(hands) => {
                desk.report(ReportEvent::Hands { who: hands.iter().map(PeerId::short).collect() });
            }
            TalkEvent::Reaction { from, reaction } => {
                desk.report(ReportEvent::Reaction { who: from.short(), reaction: talk::reaction_word(*reaction) });
            }
            TalkEvent::Hearing { of, row } => {
                let row = row.iter().map(|(who, hearing)| (who.short(), talk::hears(Some(*hearing)))).collect();
                desk.report(ReportEvent::Hearing { who: of.short(), of: row });
            }
            TalkEvent::HearingGone { of } => {
                desk.report(ReportEvent::Hearing { who: of.short(), of: Vec::new() });
            }
            TalkEvent::MuteAsked { by, everyone } => {
                desk.report(ReportEvent::MuteAsked { by: by.short(), everyone: *everyone });
            }
            _ => {}
        }
    }

    /// Brings every person's figures up to date, tells the sound encoder what the paths are like, and gives the sums, and whose
    /// pictures come short from now on.
    pub(super) fn count(
        &mut self,
        audio: &AudioEngine,
        own_video: VideoSendStats,
    ) -> (Vec<PersonStatistics>, Vec<(Who, Shortfall)>) {
        let elapsed = self.counted.elapsed();
        self.counted = Instant::now();
        let stats = self.node.stats();
        let mut paths = PathNeeds::default();
        let mut people = Vec::with_capacity(self.people.members.len());
        for member in &mut self.people.members {
            let counters = counters(member, &stats, audio, own_video);
            counters.update(&mut member.person.link, &mut member.before, elapsed);
            if let Some((_, path)) = stats.iter().find(|(peer, _)| *peer == member.peer) {
                paths.loss = paths.loss.max(path.sound_loss.share);
                paths.burst = paths.burst.max(path.sound_loss.burst);
                paths.thinnest_bps = paths.thinnest_bps.min(path.sound_bitrate.as_bps());
            }
            people.push(counters.person(member.person.who.clone(), member.person.name.clone()));
        }
        audio.set_paths(paths);
        (people, self.people.pass_time())
    }
}

fn counters(
    member: &Member,
    stats: &[(PeerId, PeerStats)],
    audio: &AudioEngine,
    own_video: VideoSendStats,
) -> Counters {
    Counters {
        peer: stats.iter().find(|(peer, _)| *peer == member.peer).map(|(_, stats)| stats.clone()).unwrap_or_default(),
        audio: audio.stats(bridge::remote_id(member.peer)),
        video: member.receiver.as_ref().map(|receiver| receiver.stats()).unwrap_or_default(),
        own_video,
    }
}

/// Hands a command to the network.
pub(super) fn ask(node: &Node, command: Command) {
    if node.command(command).is_err() {
        tracing::warn!("the network is overloaded; a command was lost");
    }
}

/// A plain thread: nothing that the engine or the network does can make an arrived frame wait. It ends with the network.
fn forward_on_a_thread(media: MediaEvents, audio: &Arc<AudioEngine>, people: &People) -> std::io::Result<()> {
    let (audio, receivers) = (Arc::downgrade(audio), people.receivers());
    let thread = std::thread::Builder::new().name("media-in".into());
    thread.spawn(move || bridge::forward(media, &audio, &receivers)).map(drop)
}
