//! Raised hands: per member the newest signed word about its hand, by itself or by an admin. The order is that of the counts at
//! raising. Told at once, and in full where heads differ, so that who comes (back) sees the same hands.

use std::collections::BTreeMap;

use crate::crypto::hash;
use crate::ids::{MeetingId, PeerId};
use crate::keys::{MeetingKey, SIGNATURE_BYTES, Signature, verify};
use crate::limits::{HANDS_HEARD, HANDS_SAID};
use crate::wire::{Malformed, Reader};

use super::bucket::Bucket;
use super::message::flag;
use super::room::Turn;
use super::{Offence, TalkEvent, TalkMessage, TalkRefusal};

/// One word about a hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hand {
    owner: PeerId,
    lamport: u64,
    raised: bool,
    /// Whose word it is.
    by: PeerId,
    signature: Signature,
}

impl Hand {
    fn sign(key: &MeetingKey, meeting: MeetingId, owner: PeerId, lamport: u64, raised: bool) -> Self {
        let mut hand = Self { owner, lamport, raised, by: key.peer_id(), signature: [0; SIGNATURE_BYTES] };
        hand.signature = key.sign(&hand.statement(meeting));
        hand
    }

    fn is_signed(&self, meeting: MeetingId) -> bool {
        verify(&self.by.0, &self.statement(meeting), &self.signature)
    }

    fn statement(&self, meeting: MeetingId) -> [u8; 32] {
        hash("conclave hand", &[&meeting.0, &self.content()])
    }

    fn content(&self) -> [u8; 73] {
        let mut out = [0; 73];
        out[..32].copy_from_slice(&self.owner.0);
        out[32..40].copy_from_slice(&self.lamport.to_be_bytes());
        out[40] = u8::from(self.raised);
        out[41..].copy_from_slice(&self.by.0);
        out
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.content());
        out.extend_from_slice(&self.signature);
    }

    pub(super) fn parse(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            owner: PeerId(reader.array()?),
            lamport: reader.u64()?,
            raised: flag(reader.u8()?)?,
            by: PeerId(reader.array()?),
            signature: reader.array()?,
        })
    }

    /// Of two words about one hand the newer counts; of two at once the one that lowers it.
    fn rank(&self) -> (u64, bool, PeerId) {
        (self.lamport, !self.raised, self.by)
    }
}

#[derive(Debug)]
pub(super) struct Hands {
    words: BTreeMap<PeerId, Hand>,
    /// As last told to our owner.
    shown: Vec<PeerId>,
    said: Bucket,
    heard: BTreeMap<PeerId, Bucket>,
    /// Both heads when we last sent all to a peer: nothing is gained by sending it again.
    sent: BTreeMap<PeerId, ([u8; 8], [u8; 8])>,
}

impl Hands {
    pub(super) const fn new() -> Self {
        Self {
            words: BTreeMap::new(),
            shown: Vec::new(),
            said: Bucket::NEW,
            heard: BTreeMap::new(),
            sent: BTreeMap::new(),
        }
    }

    /// Our own hand, or as an admin another's.
    pub(super) fn set(&mut self, turn: &mut Turn<'_>, owner: PeerId, raised: bool) -> Result<(), TalkRefusal> {
        if self.words.get(&owner).is_some_and(|hand| hand.raised) == raised {
            return Ok(());
        }
        if !self.said.take(turn.now, HANDS_SAID, 1) {
            return Err(TalkRefusal::TooFast);
        }
        let hand = Hand::sign(turn.key, turn.meeting, owner, turn.clock.next(), raised);
        turn.send_all(&TalkMessage::Hands(vec![hand.clone()]));
        self.words.insert(owner, hand);
        self.show(turn);
        Ok(())
    }

    pub(super) fn told(&mut self, turn: &mut Turn<'_>, from: PeerId, all: Vec<Hand>) -> Result<(), Offence> {
        for hand in all {
            let is_known = hand.owner == turn.us || turn.room.has(hand.owner);
            let may =
                hand.by == hand.owner || turn.room.is_admin(hand.by) || hand.by == turn.us && turn.room.we_are_admin;
            let is_newer = self.words.get(&hand.owner).is_none_or(|known| hand.rank() > known.rank());
            if !is_known || !may || !is_newer {
                continue;
            }
            if !turn.clock.is_plausible(hand.lamport) {
                if hand.by == from {
                    return Err(Offence::Impossible);
                }
                continue;
            }
            if !hand.is_signed(turn.meeting) {
                return Err(Offence::Forgery);
            }
            if !self.heard.entry(hand.by).or_default().take(turn.now, HANDS_HEARD, 1) {
                if hand.by == from {
                    return Err(Offence::Flood);
                }
                continue;
            }
            turn.clock.saw(hand.lamport);
            self.words.insert(hand.owner, hand);
            self.show(turn);
        }
        Ok(())
    }

    fn show(&mut self, turn: &mut Turn<'_>) {
        turn.changed = true;
        let raised = self.raised();
        if raised != self.shown {
            self.shown.clone_from(&raised);
            turn.event(TalkEvent::Hands(raised));
        }
    }

    fn raised(&self) -> Vec<PeerId> {
        let mut raised: Vec<(u64, PeerId)> =
            self.words.values().filter(|hand| hand.raised).map(|hand| (hand.lamport, hand.owner)).collect();
        raised.sort_unstable();
        raised.into_iter().map(|(_, owner)| owner).collect()
    }

    pub(super) fn head(&self) -> [u8; 8] {
        let all: Vec<u8> = self.words.values().flat_map(Hand::content).collect();
        let digest = hash("conclave hands head", &[&all]);
        std::array::from_fn(|at| digest[at])
    }

    pub(super) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    pub(super) fn head_told(&mut self, turn: &mut Turn<'_>, from: PeerId, theirs: [u8; 8]) {
        let ours = self.head();
        if ours != theirs && !self.words.is_empty() && self.sent.insert(from, (ours, theirs)) != Some((ours, theirs)) {
            turn.send(from, TalkMessage::Hands(self.words.values().cloned().collect()));
        }
    }

    pub(super) fn connected(&mut self, peer: PeerId) {
        self.sent.remove(&peer);
    }

    /// Who left has no hand.
    pub(super) fn attendance_changed(&mut self, turn: &mut Turn<'_>) {
        self.words.retain(|owner, _| *owner == turn.us || turn.room.has(*owner));
        self.heard.retain(|peer, _| turn.room.has(*peer));
        self.sent.clear();
        self.show(turn);
    }
}
