//! One light peer: a real node in a real meeting, without devices, encoders or decoders. Sends from the loops, counts what
//! comes, and tells of it in the words of `headless`. Driven in turns by the module's root.

use std::cmp::Reverse;

use conclave_media::clock;
use conclave_net::{MediaEvent, MediaEvents, Node, NodeEvent, NodeEvents};
use conclave_proto::core::{Command, Event};
use conclave_proto::frames::Wish;
use conclave_proto::ids::PeerId;
use conclave_proto::room::InviteOptions;
use tokio::sync::mpsc;

use super::playing::Playing;
use crate::engine::{EndReason, Fault, ReportEvent, Tiles, Trouble, layer_for, leave_reason, light_statistics};

/// An Opus packet that says that nothing follows is no sound.
const PAUSE_BYTES: usize = 2;
/// Of one kind in one turn: far more than come in five milliseconds.
const EVENTS_PER_TURN: usize = 1024;

/// Where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Entering,
    Inside,
    Over(EndReason),
}

/// Somebody else in the room.
struct Other {
    peer: PeerId,
    name: String,
    wish: Option<Wish>,
    seen: bool,
    heard: bool,
}

/// See the module.
pub(super) struct LightPeer {
    node: Node,
    control: mpsc::Receiver<NodeEvent>,
    media: MediaEvents,
    playing: Playing,
    others: Vec<Other>,
    tiles: Tiles,
    us: PeerId,
    admits_all: bool,
    makes_meeting: bool,
    pub(super) standing: Standing,
    pub(super) invite: Option<String>,
    second_us: u64,
    ended: bool,
}

/// What is said of it, and when it happened.
pub(super) type Told = Vec<(u64, ReportEvent)>;

/// What it does besides sending and counting.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manners {
    pub(super) tiles: Tiles,
    pub(super) admits_all: bool,
    /// Its own meeting: nobody has to let it in.
    pub(super) makes_meeting: bool,
}

impl LightPeer {
    pub(super) fn new(node: Node, events: NodeEvents, playing: Playing, manners: Manners) -> Self {
        let NodeEvents { control, media } = events;
        Self {
            us: node.peer_id(),
            node,
            control,
            media,
            playing,
            others: Vec::new(),
            tiles: manners.tiles,
            admits_all: manners.admits_all,
            makes_meeting: manners.makes_meeting,
            standing: Standing::Entering,
            invite: None,
            second_us: clock::now_us(),
            ended: false,
        }
    }

    /// Takes what has come, sends what is due.
    pub(super) fn turn(&mut self, now_us: u64, told: &mut Told) {
        for _ in 0..EVENTS_PER_TURN {
            match self.control.try_recv() {
                Ok(event) => self.network(event, told),
                Err(mpsc::error::TryRecvError::Empty) => break,
                Err(mpsc::error::TryRecvError::Disconnected) => {
                    self.over(EndReason::Failed, told);
                    break;
                }
            }
        }
        for _ in 0..EVENTS_PER_TURN {
            let Some(event) = self.media.try_recv() else { break };
            self.count(&event, told);
        }
        if self.standing == Standing::Inside && !self.others.is_empty() {
            let node = &self.node;
            self.playing.sounds(now_us, |frame| hand(node, Command::SendAudio(frame)));
            self.playing.pictures(now_us, |frame| hand(node, Command::SendVideo(frame)));
        }
        if now_us.saturating_sub(self.second_us) >= 1_000_000 && !self.ended {
            self.second_us = now_us;
            hand(&self.node, Command::SetSenderReport(self.playing.report()));
            told.push((now_us, self.statistics()));
        }
    }

    pub(super) fn leave(&mut self) {
        hand(&self.node, Command::Leave);
        if !matches!(self.standing, Standing::Over(_)) {
            self.standing = Standing::Over(EndReason::Left);
        }
    }

    /// The network has closed, or never will.
    pub(super) const fn has_ended(&self) -> bool {
        self.ended
    }

    fn network(&mut self, event: NodeEvent, told: &mut Told) {
        let mut tell = |event| told.push((clock::now_us(), event));
        match event {
            NodeEvent::Ready { addresses } => {
                tell(ReportEvent::Ready { addresses: addresses.iter().map(ToString::to_string).collect() });
                if self.makes_meeting && self.standing == Standing::Entering {
                    self.standing = Standing::Inside;
                    self.invite = self.node.invite(InviteOptions::default());
                    self.invite.iter().cloned().for_each(|invite| tell(ReportEvent::Invite { invite }));
                }
            }
            NodeEvent::Warning(warning) => tracing::info!(%warning, "a light peer's network"),
            NodeEvent::Core(event) => self.core_event(event, told),
        }
    }

    fn core_event(&mut self, event: Event, told: &mut Told) {
        let mut tell = |event| told.push((clock::now_us(), event));
        match event {
            Event::Knock { who, name, .. } => {
                if self.admits_all {
                    hand(&self.node, Command::Admit(who));
                }
                tell(ReportEvent::Knock { who: who.short(), name });
            }
            Event::Admitted => {
                self.standing = Standing::Inside;
                tell(ReportEvent::Admitted {});
            }
            Event::Refused(refusal) => {
                tell(error(&Trouble::from(refusal)));
                self.over(EndReason::Refused, told);
            }
            Event::Joined { who, name, .. } => {
                tell(ReportEvent::Joined { who: who.short(), name: name.clone() });
                self.others.retain(|other| other.peer != who);
                self.others.push(Other { peer: who, name, wish: None, seen: false, heard: false });
                hand(&self.node, Command::SetSenderReport(self.playing.report()));
                self.wish();
            }
            Event::Left { who, reason } => {
                self.others.retain(|other| other.peer != who);
                tell(ReportEvent::Left { who: who.short(), reason: leave_reason(reason) });
                self.wish();
            }
            Event::KeyFrameWanted(layer) => self.playing.jump_to_key(layer),
            Event::EncoderTargets(targets) => self.playing.set_targets(clock::now_us(), &targets),
            Event::Closed => {
                self.over(EndReason::Left, told);
                self.ended = true;
            }
            _ => {}
        }
    }

    /// Asks for the pictures of as many as there are tiles. Whom it sees is a matter of chance, the same for either side of
    /// a pair, so that in a large room everybody is seen by about as many.
    fn wish(&mut self) {
        let us = first_bytes(self.us);
        self.others.sort_by_key(|other| Reverse((first_bytes(other.peer) ^ us).wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        for (place, other) in self.others.iter_mut().enumerate() {
            let wish = Wish { layer: layer_for(self.tiles.height_at(place)), full_frame_rate: true };
            if other.wish.replace(wish) != Some(wish) {
                hand(&self.node, Command::SetWish(other.peer, wish));
            }
        }
    }

    fn count(&mut self, event: &MediaEvent, told: &mut Told) {
        let (who, is_picture) = match event {
            MediaEvent::Audio(_, frame) if frame.payload.len() <= PAUSE_BYTES => return,
            MediaEvent::Audio(who, _) => (*who, false),
            MediaEvent::Video(who, _) => (*who, true),
        };
        // Somebody's first frame may overtake the news that they are in the room; the next one counts.
        let Some(other) = self.others.iter_mut().find(|other| other.peer == who) else { return };
        let first = if is_picture { &mut other.seen } else { &mut other.heard };
        if !std::mem::replace(first, true) {
            let who = who.short();
            let event = if is_picture { ReportEvent::FirstPicture { who } } else { ReportEvent::FirstSound { who } };
            told.push((clock::now_us(), event));
        }
    }

    fn statistics(&self) -> ReportEvent {
        let stats = self.node.stats();
        let of = |other: &Other| {
            let (_, stats) = stats.iter().find(|(peer, _)| *peer == other.peer)?;
            Some((other.peer.short(), other.name.clone(), stats.clone()))
        };
        ReportEvent::Stats(Box::new(light_statistics(self.others.iter().filter_map(of))))
    }

    fn over(&mut self, reason: EndReason, told: &mut Told) {
        if !matches!(self.standing, Standing::Over(_)) {
            self.standing = Standing::Over(reason);
        }
        if reason == EndReason::Failed && !std::mem::replace(&mut self.ended, true) {
            told.push((
                clock::now_us(),
                error(&Trouble::new("The network part stopped.", Fault::Ours, "Report this.")),
            ));
        }
    }
}

pub(super) fn error(trouble: &Trouble) -> ReportEvent {
    ReportEvent::Error {
        what: trouble.what.clone(),
        whose_fault: trouble.fault.words().to_owned(),
        remedy: trouble.remedy.clone(),
    }
}

fn hand(node: &Node, command: Command) {
    if node.command(command).is_err() {
        tracing::debug!("a light peer's network does not keep up; a command was lost");
    }
}

fn first_bytes(peer: PeerId) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&peer.0[..8]);
    u64::from_be_bytes(first)
}
