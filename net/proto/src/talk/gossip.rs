//! Tells each member what our list of text and our hands hash to: when a path opens, soon after a change, and now and then, so that
//! two whose lists differ find out. Where nothing was said nothing is told, unless another's heads call for an answer.

use std::collections::BTreeMap;

use crate::ids::PeerId;
use crate::limits::{HEADS_EVERY, HEADS_HEARD, HEADS_PAUSE, LISTS_HEARD};
use crate::time::Instant;

use super::TalkMessage;
use super::bucket::Bucket;
use super::conversation::Conversation;
use super::hands::Hands;
use super::room::{Room, Turn};

#[derive(Debug)]
pub(super) struct Gossip {
    tell_at: BTreeMap<PeerId, Instant>,
    /// What each peer may still make us answer: heads, lists.
    heard: BTreeMap<PeerId, (Bucket, Bucket)>,
    /// Since the path opened.
    told: BTreeMap<PeerId, Heads>,
}

type Heads = ([u8; 8], [u8; 8]);

impl Gossip {
    pub(super) const NEW: Self = Self { tell_at: BTreeMap::new(), heard: BTreeMap::new(), told: BTreeMap::new() };

    pub(super) fn connected(&mut self, now: Instant, peer: PeerId) {
        self.tell_at.insert(peer, now);
        self.told.remove(&peer);
    }

    pub(super) fn changed(&mut self, now: Instant, room: &Room) {
        let soon = now + HEADS_PAUSE;
        for peer in room.connected() {
            let at = self.tell_at.entry(peer).or_insert(soon);
            *at = soon.min(*at);
        }
    }

    pub(super) fn attendance_changed(&mut self, room: &Room) {
        self.tell_at.retain(|peer, _| room.has(*peer));
        self.told.retain(|peer, _| room.has(*peer));
        self.heard.retain(|peer, _| room.has(*peer));
    }

    /// Whether this peer's heads are looked at; a peer that tells them too often only costs itself.
    pub(super) fn may_tell_heads(&mut self, now: Instant, from: PeerId) -> bool {
        self.heard.entry(from).or_default().0.take(now, HEADS_HEARD, 1)
    }

    /// Whether this peer's list is compared.
    pub(super) fn may_tell_list(&mut self, now: Instant, from: PeerId) -> bool {
        self.heard.entry(from).or_default().1.take(now, LISTS_HEARD, 1)
    }

    /// Another's heads: if they are not ours and it does not know ours, it is told.
    pub(super) fn answer(
        &mut self,
        turn: &mut Turn<'_>,
        from: PeerId,
        theirs: Heads,
        conversation: &Conversation,
        hands: &Hands,
    ) {
        let ours = Self::heads(turn, from, conversation, hands);
        if ours != theirs && self.told.get(&from) != Some(&ours) {
            self.tell(turn, from, ours);
        }
    }

    fn heads(turn: &Turn<'_>, peer: PeerId, conversation: &Conversation, hands: &Hands) -> Heads {
        (conversation.head(turn.us, peer, turn.room), hands.head())
    }

    fn tell(&mut self, turn: &mut Turn<'_>, peer: PeerId, heads: Heads) {
        self.told.insert(peer, heads);
        turn.send(peer, TalkMessage::Heads { chat: heads.0, hands: heads.1 });
    }

    pub(super) fn tick(&mut self, turn: &mut Turn<'_>, conversation: &Conversation, hands: &Hands) {
        let due: Vec<PeerId> = self.tell_at.iter().filter(|(_, at)| **at <= turn.now).map(|(peer, _)| *peer).collect();
        let nothing_said = conversation.is_empty() && hands.is_empty();
        for peer in due {
            self.tell_at.remove(&peer);
            if !nothing_said && turn.room.is_connected(peer) {
                self.tell_at.insert(peer, turn.now + HEADS_EVERY);
                let heads = Self::heads(turn, peer, conversation, hands);
                self.tell(turn, peer, heads);
            }
        }
    }

    pub(super) fn wake(&self) -> Option<Instant> {
        self.tell_at.values().copied().min()
    }
}
