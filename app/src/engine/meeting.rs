//! A meeting while its network runs: who is in it, who stands at the door, the words.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use conclave_media::audio::AudioEngine;
use conclave_media::video::VideoSendStats;
use conclave_net::{MediaEvents, Node, NodeEvent, NodeEvents};
use conclave_proto::core::{Command, PeerStats};
use conclave_proto::ids::PeerId;
use tokio::sync::mpsc;

use super::bridge::{self, Outlet};
use super::news::NewsSender;
use super::people::{Member, People};
use super::snapshot::{Knock, Purpose};
use super::statistics::{Counters, PersonStatistics};
use super::{EngineConfig, limits};

/// One meeting.
pub(super) struct Meeting {
    pub(super) node: Arc<Node>,
    pub(super) control: mpsc::Receiver<NodeEvent>,
    pub(super) purpose: Purpose,
    pub(super) people: People,
    pub(super) knocks: Vec<(PeerId, Knock)>,
    pub(super) words: Option<[String; 6]>,
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
        Ok(Self {
            node,
            control,
            purpose,
            people,
            knocks: Vec::new(),
            words: None,
            ready: false,
            own_addresses: Vec::new(),
            counted: Instant::now(),
        })
    }

    /// Somebody knocks; false if so many do already that this one is turned away.
    pub(super) fn knock(&mut self, who: PeerId, name: String) -> bool {
        self.knock_over(who);
        if self.knocks.len() == limits::KNOCKS {
            self.command(Command::Deny(who));
            return false;
        }
        self.knocks.push((who, Knock { who: who.short(), name }));
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

    /// Whether our invites open a door: so far only who made the meeting can let people in.
    pub(super) fn may_invite(&self) -> bool {
        self.purpose == Purpose::New
    }

    pub(super) fn command(&self, command: Command) {
        if self.node.command(command).is_err() {
            tracing::warn!("the network is overloaded; a command was lost");
        }
    }

    /// Brings every person's figures up to date, tells the sound encoder what gets lost, and gives the sums.
    pub(super) fn count(&mut self, audio: &AudioEngine, own_video: VideoSendStats) -> Vec<PersonStatistics> {
        let elapsed = self.counted.elapsed();
        self.counted = Instant::now();
        let stats = self.node.stats();
        let mut worst_loss = 0.0_f32;
        let mut people = Vec::with_capacity(self.people.members.len());
        for member in &mut self.people.members {
            let counters = counters(member, &stats, audio, own_video);
            let loss = counters.update(&mut member.person.link, &mut member.before, elapsed);
            worst_loss = worst_loss.max(loss);
            people.push(counters.person(member.person.who.clone(), member.person.name.clone()));
        }
        audio.set_expected_loss(worst_loss);
        self.people.pass_time();
        people
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

/// A plain thread: nothing that the engine or the network does can make an arrived frame wait. It ends with the network.
fn forward_on_a_thread(media: MediaEvents, audio: &Arc<AudioEngine>, people: &People) -> std::io::Result<()> {
    let (audio, receivers) = (Arc::downgrade(audio), people.receivers());
    let thread = std::thread::Builder::new().name("media-in".into());
    thread.spawn(move || bridge::forward(media, &audio, &receivers)).map(drop)
}
