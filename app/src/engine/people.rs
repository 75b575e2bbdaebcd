//! The people in the room with us: their decoders, their tiles, what is wished of them, who speaks, who is pinned.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use conclave_media::PictureSlot;
use conclave_media::audio::AudioEngine;
use conclave_media::video::{VideoReceiveConfig, VideoReceiveEvent, VideoReceiver};
use conclave_proto::core::{Command, PathKind};
use conclave_proto::frames::{SenderReport, SpatialLayer, Wish};
use conclave_proto::ids::{DevicePublicKey, PeerId};

use super::attention::{Attention, Seen};
use super::bridge::{self, Outlet, Receivers};
use super::news::{News, NewsSender};
use super::notices::{Fault, Trouble};
use super::shortfall::Told;
use super::snapshot::{Link, Person, Who};
use super::statistics::Before;
use super::{EngineConfig, Shortfall, limits, sentences};

/// Louder than this is speech, not a fan; the clean-up at the sender leaves far less in pauses.
const SPEECH_LEVEL: f32 = 0.02;
/// Words are apart by this much at most: a frame that flickers at each syllable helps nobody.
const SPEECH_HOLD: Duration = Duration::from_millis(400);

/// One person in the room.
pub(super) struct Member {
    pub(super) peer: PeerId,
    pub(super) person: Person,
    pub(super) receiver: Option<Arc<VideoReceiver>>,
    pub(super) before: Before,
    slot: Arc<PictureSlot>,
    spoke: Option<Instant>,
    silent_since: Option<Instant>,
    told: Told,
    /// What we asked to see of them last.
    wished: Option<Wish>,
}

/// All of them, in the order they came.
pub(super) struct People {
    pub(super) members: Vec<Member>,
    receivers: Receivers,
    outlet: Arc<Outlet>,
    news: NewsSender,
    pictures_out: Option<PathBuf>,
    tiles: Tiles,
    /// By peer, even before they join; the window may be early.
    tile_heights: HashMap<String, u32>,
    /// One of the members.
    pinned: Option<Who>,
    attention: Attention,
    /// Under `pictures_out`, in lower case.
    file_names: HashSet<String>,
}

impl People {
    pub(super) fn new(outlet: &Arc<Outlet>, news: &NewsSender, config: &EngineConfig) -> Self {
        Self {
            members: Vec::new(),
            receivers: Receivers::default(),
            outlet: Arc::clone(outlet),
            news: news.clone(),
            pictures_out: config.pictures_out.clone(),
            tiles: Tiles { height: config.tile_height, most: config.tiles },
            tile_heights: HashMap::new(),
            pinned: None,
            attention: Attention::new(Instant::now()),
            file_names: HashSet::new(),
        }
    }

    /// Decoders by sender, for the thread that forwards pictures.
    pub(super) fn receivers(&self) -> Receivers {
        Arc::clone(&self.receivers)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub(super) fn find(&mut self, peer: PeerId) -> Option<&mut Member> {
        self.members.iter_mut().find(|member| member.peer == peer)
    }

    /// Somebody is in the room: gets a decoder, a place in the mix, and is told what we want to see.
    pub(super) fn joined(
        &mut self,
        peer: PeerId,
        name: String,
        device: DevicePublicKey,
        audio: &Arc<AudioEngine>,
    ) -> Option<Trouble> {
        if self.members.len() == limits::PEOPLE || self.find(peer).is_some() {
            return None;
        }
        audio.add_remote(bridge::remote_id(peer));
        let slot = Arc::new(PictureSlot::default());
        let pictures_out = self.pictures_out.clone().map(|folder| (folder, self.file_name(peer, &name)));
        let config = VideoReceiveConfig { pictures_out };
        let (receiver, trouble) = match self.receive(peer, config, &slot, audio) {
            Ok(receiver) => (Some(Arc::new(receiver)), None),
            Err(error) => (None, Some(Trouble::sentences(&error, Fault::Yours))),
        };
        if let Some(receiver) = &receiver {
            self.receivers.write().unwrap_or_else(PoisonError::into_inner).insert(peer, Arc::clone(receiver));
        }
        let link = Link {
            cipher: sentences::CIPHER.to_owned(),
            device_key: sentences::fingerprint(&device),
            ..Link::default()
        };
        let person = Person {
            who: peer.short(),
            name,
            speaking: false,
            muted: false,
            camera_on: true,
            picture: None,
            shortfall: Shortfall::Nothing,
            silent_for: None,
            link,
        };
        let (before, told) = (Before::default(), Told::new(Instant::now()));
        let member =
            Member { peer, person, receiver, before, slot, spoke: None, silent_since: None, told, wished: None };
        self.members.push(member);
        self.wish();
        trouble
    }

    /// Somebody is gone.
    pub(super) fn left(&mut self, peer: PeerId, audio: &AudioEngine) -> Option<Person> {
        let at = self.members.iter().position(|member| member.peer == peer)?;
        audio.remove_remote(bridge::remote_id(peer));
        self.receivers.write().unwrap_or_else(PoisonError::into_inner).remove(&peer);
        let member = self.members.remove(at);
        self.tile_heights.remove(&member.person.who);
        self.pinned.take_if(|pinned| *pinned == member.person.who);
        // Whoever came later moves up.
        self.wish();
        // Its thread may be writing a file; the engine does not wait for that.
        if let Some(receiver) = member.receiver {
            tokio::task::spawn_blocking(move || drop(receiver));
        }
        Some(member.person)
    }

    /// Ends every decoder and waits for the files they write. The forwarding thread may live a little longer; it finds
    /// nobody to forward to.
    pub(super) fn close(self) {
        self.receivers.write().unwrap_or_else(PoisonError::into_inner).clear();
        drop(self);
    }

    /// How large this person is drawn.
    pub(super) fn set_tile_height(&mut self, who: String, height: u32) {
        let known = self.tile_heights.len() < limits::PEOPLE || self.tile_heights.contains_key(&who);
        if !known || self.tile_heights.insert(who.clone(), height).is_some_and(|before| before == height) {
            return;
        }
        self.wish();
    }

    /// Whom to look at above all; `None`: nobody. False if they are not here.
    pub(super) fn pin(&mut self, who: Option<Who>) -> bool {
        if who.as_ref().is_some_and(|who| !self.members.iter().any(|member| member.person.who == *who)) {
            return false;
        }
        self.pinned = who;
        self.wish();
        true
    }

    pub(super) fn pinned(&self) -> Option<&Who> {
        self.pinned.as_ref()
    }

    /// Some are asked for less, because our own connection is short.
    pub(super) fn gives_way(&self) -> bool {
        self.attention.gives_way()
    }

    /// A member's clock mapping, mute and camera state.
    pub(super) fn sender_report(&mut self, peer: PeerId, report: SenderReport, audio: &AudioEngine) {
        audio.set_sender_report(bridge::remote_id(peer), report.audio_position, report.captured_us);
        if let Some(member) = self.find(peer) {
            member.person.muted = report.muted;
            member.person.camera_on = report.camera_on;
            member.told.hear(Instant::now(), report.shortfall);
        }
    }

    /// News from a decoder. The first picture makes the tile a picture.
    pub(super) fn decoded(&mut self, peer: PeerId, event: &VideoReceiveEvent) {
        let Some(member) = self.find(peer) else { return };
        if matches!(event, VideoReceiveEvent::FirstPicture { .. }) {
            member.person.picture = Some(Arc::clone(&member.slot));
        }
    }

    pub(super) fn path(&mut self, peer: PeerId, kind: PathKind, address: String) {
        let Some(member) = self.find(peer) else { return };
        member.silent_since = None;
        member.person.silent_for = None;
        sentences::path(kind).clone_into(&mut member.person.link.path);
        member.person.link.address = address;
    }

    pub(super) fn path_lost(&mut self, peer: PeerId) {
        let Some(member) = self.find(peer) else { return };
        member.silent_since = Some(Instant::now());
        member.person.silent_for = Some(Duration::ZERO);
    }

    /// Who speaks, from what is being played, and what to wish of everybody by that. True if who speaks changed.
    pub(super) fn listen(&mut self, audio: &AudioEngine) -> bool {
        let now = Instant::now();
        let mut changed = false;
        for member in &mut self.members {
            if audio.stats(bridge::remote_id(member.peer)).level > SPEECH_LEVEL {
                member.spoke = Some(now);
            }
            let speaking = member.spoke.is_some_and(|spoke| now.duration_since(spoke) < SPEECH_HOLD);
            changed |= speaking != member.person.speaking;
            member.person.speaking = speaking;
        }
        self.wish();
        changed
    }

    /// Advances how long nothing has come from whom, and tells whose pictures come short from now on, or whole again.
    pub(super) fn pass_time(&mut self) -> Vec<(Who, Shortfall)> {
        let now = Instant::now();
        let mut told = Vec::new();
        for member in &mut self.members {
            member.person.silent_for = member.silent_since.map(|since| since.elapsed());
            if let Some(shortfall) = member.told.pass_time(now) {
                member.person.shortfall = shortfall;
                told.push((member.person.who.clone(), shortfall));
            }
        }
        told
    }

    fn receive(
        &self,
        peer: PeerId,
        config: VideoReceiveConfig,
        slot: &Arc<PictureSlot>,
        audio: &Arc<AudioEngine>,
    ) -> Result<VideoReceiver, conclave_media::video::VideoError> {
        // Weak: a decoder that is slow to end must not keep the sound devices open.
        let playout = Arc::downgrade(audio);
        let (outlet, news) = (Arc::clone(&self.outlet), self.news.clone());
        VideoReceiver::start(
            config,
            Arc::clone(slot),
            Box::new(move || playout.upgrade()?.playout(bridge::remote_id(peer))),
            Box::new(move |event| match event {
                VideoReceiveEvent::NeedKey(layer) => {
                    outlet.command(Command::RequestKeyFrame(peer, bridge::layer_to_net(layer)));
                }
                other => news.send(News::Receiver(peer, other)),
            }),
        )
    }

    /// Says what we want to see of whom, where that changes.
    fn wish(&mut self) {
        let seen = |(place, member): (usize, &Member)| {
            let person = &member.person;
            let height = self.tile_heights.get(&person.who).copied().or_else(|| self.tiles.height_at(place));
            Seen {
                who: member.peer,
                fills: layer_for(height),
                pinned: self.pinned.as_ref() == Some(&person.who),
                speaking: person.speaking,
                pictures: (person.camera_on && person.silent_for.is_none()).then(|| member.told.heard()),
            }
        };
        let seen: Vec<Seen> = self.members.iter().enumerate().map(seen).collect();
        let wishes = self.attention.look(Instant::now(), &seen);
        for (member, wish) in self.members.iter_mut().zip(wishes) {
            if member.wished.replace(wish) != Some(wish) {
                self.outlet.command(Command::SetWish(member.peer, wish));
            }
        }
    }

    /// A person's name as a file's, apart from those of others in this meeting.
    fn file_name(&mut self, peer: PeerId, name: &str) -> String {
        let plain: String =
            name.chars().map(|c| if c.is_alphanumeric() || c == '-' || c == '_' { c } else { '_' }).collect();
        let fresh = !plain.is_empty()
            && self.file_names.len() < limits::FILE_NAMES
            && self.file_names.insert(plain.to_lowercase());
        if fresh { plain } else { format!("{plain}-{}", peer.short()) }
    }
}

/// What is drawn of people of whom nobody told: with a window everything is told.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tiles {
    /// As tall; `None`: as large as they send.
    pub(crate) height: Option<u32>,
    /// So many at most; `None`: all.
    pub(crate) most: Option<usize>,
}

impl Tiles {
    /// The height of the tile at this place; 0: hidden.
    pub(crate) fn height_at(self, place: usize) -> Option<u32> {
        if self.most.is_some_and(|most| place >= most) { Some(0) } else { self.height }
    }
}

/// The smallest layer that fills a tile of this height; the largest until the window says how high the tile is.
pub(crate) const fn layer_for(tile_height: Option<u32>) -> Option<SpatialLayer> {
    match tile_height {
        Some(0) => None,
        Some(1..=200) => Some(SpatialLayer::Small),
        Some(201..=400) => Some(SpatialLayer::Medium),
        Some(_) | None => Some(SpatialLayer::Full),
    }
}

#[cfg(test)]
mod tests;
