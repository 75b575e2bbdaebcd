//! Text chat: signed messages in one order that is the same for everybody, `(lamport, author, sequence, digest)`, whatever the
//! order of arrival. What is kept is a function of all that was ever seen: the newest that fit. Knows no peers and no
//! sending; `chat_sync` brings lists of two peers together.

use std::collections::{BTreeMap, BTreeSet};

use crate::crypto::hash;
use crate::ids::{MeetingId, PeerId};
use crate::keys::{MeetingKey, SIGNATURE_BYTES, Signature, verify};
use crate::limits::{CHAT_BYTES, CHAT_MESSAGES, CHAT_TEXT_BYTES, MEMBERS};
use crate::text::clean_text;
use crate::wire::{Malformed, Reader};

use super::message::{ShortDigest, ShortId};
use super::{ChatKey, ChatMessage};

/// A message with its author's signature. Who makes one from bytes has checked nothing but its form yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signed {
    pub(super) author: PeerId,
    pub(super) lamport: u64,
    pub(super) sequence: u32,
    sent_unix_s: u64,
    /// Who was in the room as far as the author knew: whom it was said to. Others get it only where history is shown to
    /// newcomers.
    audience: Vec<ShortId>,
    text: String,
    signature: Signature,
}

/// What its author decides.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) lamport: u64,
    pub(super) sequence: u32,
    pub(super) sent_unix_s: u64,
    pub(super) audience: Vec<ShortId>,
    /// Cleaned, not empty, at most `CHAT_TEXT_BYTES`.
    pub(super) text: String,
}

impl Signed {
    pub(super) fn sign(key: &MeetingKey, meeting: MeetingId, draft: Draft) -> Self {
        let Draft { lamport, sequence, sent_unix_s, audience, text } = draft;
        let author = key.peer_id();
        let mut signed =
            Self { author, lamport, sequence, sent_unix_s, audience, text, signature: [0; SIGNATURE_BYTES] };
        signed.signature = key.sign(&signed.statement(meeting));
        signed
    }

    pub(super) fn is_signed(&self, meeting: MeetingId) -> bool {
        verify(&self.author.0, &self.statement(meeting), &self.signature)
    }

    fn statement(&self, meeting: MeetingId) -> [u8; 32] {
        hash("conclave chat message", &[&meeting.0, &self.content()])
    }

    /// Names the message by its content, in this meeting and any other.
    fn digest(&self) -> [u8; 16] {
        let digest = hash("conclave chat digest", &[&self.content()]);
        std::array::from_fn(|at| digest[at])
    }

    pub(super) fn key(&self) -> ChatKey {
        ChatKey { lamport: self.lamport, author: self.author, sequence: self.sequence, digest: self.digest() }
    }

    /// Whether it was said to this peer, or by it.
    fn is_for(&self, peer: PeerId) -> bool {
        self.author == peer || self.audience.contains(&peer.into())
    }

    pub(super) fn encoded_len(&self) -> usize {
        32 + 8 + 4 + 8 + 1 + 8 * self.audience.len() + 2 + self.text.len() + SIGNATURE_BYTES
    }

    fn content(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.encoded_len());
        out.extend_from_slice(&self.author.0);
        out.extend_from_slice(&self.lamport.to_be_bytes());
        out.extend_from_slice(&self.sequence.to_be_bytes());
        out.extend_from_slice(&self.sent_unix_s.to_be_bytes());
        // Both bounded far below what the types hold: `MEMBERS`, `CHAT_TEXT_BYTES`.
        out.push(u8::try_from(self.audience.len()).unwrap_or(u8::MAX));
        self.audience.iter().for_each(|id| out.extend_from_slice(&id.0));
        out.extend_from_slice(&u16::try_from(self.text.len()).unwrap_or(u16::MAX).to_be_bytes());
        out.extend_from_slice(self.text.as_bytes());
        out
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.content());
        out.extend_from_slice(&self.signature);
    }

    pub(super) fn parse(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let author = PeerId(reader.array()?);
        let (lamport, sequence, sent_unix_s) = (reader.u64()?, reader.u32()?, reader.u64()?);
        let count = usize::from(reader.u8()?);
        if count > MEMBERS {
            return Err(Malformed::OutOfRange);
        }
        let audience = (0..count).map(|_| reader.array().map(ShortId)).collect::<Result<_, _>>()?;
        let length = usize::from(reader.u16()?);
        if length == 0 || length > CHAT_TEXT_BYTES {
            return Err(Malformed::OutOfRange);
        }
        let text = std::str::from_utf8(reader.bytes(length)?).map_err(|_| Malformed::UnknownCode)?.to_owned();
        Ok(Self { author, lamport, sequence, sent_unix_s, audience, text, signature: reader.array()? })
    }

    /// For the screen; cleaned here too, for the author's program may not have.
    fn shown(&self, key: ChatKey) -> Option<ChatMessage> {
        let text = clean_text(&self.text);
        (!text.is_empty()).then_some(ChatMessage { key, sent_unix_s: self.sent_unix_s, text })
    }
}

/// The messages that are kept.
#[derive(Debug)]
pub(super) struct Chat {
    messages: BTreeMap<ChatKey, Signed>,
    bytes: usize,
    messages_max: usize,
    bytes_max: usize,
    /// The newest that had to go. What is older has no place either, or the list would depend on the order of arrival.
    floor: Option<ChatKey>,
}

impl Chat {
    pub(super) const fn new() -> Self {
        Self::bounded(CHAT_MESSAGES, CHAT_BYTES)
    }

    pub(super) const fn bounded(messages_max: usize, bytes_max: usize) -> Self {
        Self { messages: BTreeMap::new(), bytes: 0, messages_max, bytes_max, floor: None }
    }

    /// Whether it would change anything; asked before its signature is looked at.
    pub(super) fn is_new(&self, key: &ChatKey) -> bool {
        self.floor.is_none_or(|floor| *key > floor) && !self.messages.contains_key(key)
    }

    /// Takes in a message that is signed. What is to be shown of it, if it is new.
    pub(super) fn insert(&mut self, signed: Signed) -> Option<ChatMessage> {
        let key = signed.key();
        if !self.is_new(&key) {
            return None;
        }
        let shown = signed.shown(key);
        self.bytes += signed.encoded_len();
        self.messages.insert(key, signed);
        while self.messages.len() > self.messages_max || self.bytes > self.bytes_max {
            let Some((oldest, dropped)) = self.messages.pop_first() else { break };
            self.bytes -= dropped.encoded_len();
            self.floor = Some(oldest);
        }
        shown.filter(|_| self.messages.contains_key(&key))
    }

    /// The messages that these two may both have, oldest first.
    fn common(&self, us: PeerId, them: PeerId, history: bool) -> impl Iterator<Item = (&ChatKey, &Signed)> {
        self.messages.iter().filter(move |(_, signed)| history || signed.is_for(us) && signed.is_for(them))
    }

    /// Differs whenever two lists do, as far as they concern both.
    pub(super) fn head(&self, us: PeerId, them: PeerId, history: bool) -> [u8; 8] {
        let ids: Vec<u8> = self.common(us, them, history).flat_map(|(key, _)| short(key)).collect();
        let digest = hash("conclave chat head", &[&ids]);
        std::array::from_fn(|at| digest[at])
    }

    pub(super) fn ids(&self, us: PeerId, them: PeerId, history: bool) -> Vec<ShortDigest> {
        self.common(us, them, history).map(|(key, _)| short(key)).collect()
    }

    /// What somebody who holds `known` lacks and may have.
    pub(super) fn missing_from(
        &self,
        known: &BTreeSet<ShortDigest>,
        us: PeerId,
        them: PeerId,
        history: bool,
    ) -> Vec<ChatKey> {
        self.common(us, them, history).map(|(key, _)| *key).filter(|key| !known.contains(&short(key))).collect()
    }

    /// Whether somebody who holds `known` has something that we lack.
    pub(super) fn lacks_any(&self, known: &BTreeSet<ShortDigest>) -> bool {
        let ours: BTreeSet<ShortDigest> = self.messages.keys().map(short).collect();
        !known.is_subset(&ours)
    }

    pub(super) fn message(&self, key: &ChatKey) -> Option<&Signed> {
        self.messages.get(key)
    }

    pub(super) fn may_have(signed: &Signed, peer: PeerId, history: bool) -> bool {
        history || signed.is_for(peer)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }
}

fn short(key: &ChatKey) -> ShortDigest {
    std::array::from_fn(|at| key.digest[at])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MEETING: MeetingId = MeetingId([3; 16]);

    fn key(seed: u8) -> MeetingKey {
        MeetingKey::from_seed(&[seed; 32]).expect("a key")
    }

    fn message(author: u8, lamport: u64, text: &str) -> Signed {
        let draft = Draft { lamport, sequence: 1, sent_unix_s: 0, audience: Vec::new(), text: text.to_owned() };
        Signed::sign(&key(author), MEETING, draft)
    }

    #[test]
    fn a_message_holds_for_its_author_and_meeting_only() {
        let signed = message(1, 5, "hello");
        assert!(signed.is_signed(MEETING));
        assert!(!signed.is_signed(MeetingId([4; 16])));
        for altered in [
            Signed { text: "hallo".to_owned(), ..signed.clone() },
            Signed { lamport: 6, ..signed.clone() },
            Signed { author: key(2).peer_id(), ..signed.clone() },
            Signed { audience: vec![ShortId([0; 8])], ..signed.clone() },
        ] {
            assert!(!altered.is_signed(MEETING));
        }
    }

    #[test]
    fn the_screen_gets_clean_text_also_from_a_program_that_cleans_nothing() {
        let mut chat = Chat::new();
        let shown = chat.insert(message(1, 1, "a\u{202e}b\u{7}\n\u{200b}c"));
        assert_eq!(shown.map(|shown| shown.text).as_deref(), Some("ab\nc"));
        assert_eq!(chat.insert(message(1, 2, "\u{200b}\u{202e}")), None, "nothing to see");
    }

    fn shuffled<T: Clone>(all: &[T], mut seed: u64) -> Vec<T> {
        let mut rest = all.to_vec();
        let mut out = Vec::new();
        while !rest.is_empty() {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            out.push(rest.swap_remove(usize::try_from(seed >> 33).expect("small") % rest.len()));
        }
        out
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// The bounds bite in most cases: 40 messages of up to 60 characters, 12 of them or 2,400 bytes kept.
        #[test]
        fn whatever_the_order_of_arrival_the_list_is_the_same(
            drawn in proptest::collection::vec((1..4_u8, 1..30_u64, 1..60_usize), 1..40),
            seed in any::<u64>(),
        ) {
            let all: Vec<Signed> =
                drawn.iter().map(|(author, lamport, length)| message(*author, *lamport, &"x".repeat(*length))).collect();
            let fill = |order: &[Signed]| {
                let mut chat = Chat::bounded(12, 2_400);
                order.iter().for_each(|signed| drop(chat.insert(signed.clone())));
                chat
            };
            let one = fill(&all);
            let other = fill(&shuffled(&all, seed));
            let keys = |chat: &Chat| chat.messages.keys().copied().collect::<Vec<_>>();
            prop_assert_eq!(keys(&one), keys(&other));
            prop_assert!(one.messages.len() <= 12 && one.bytes <= 2_400);
            prop_assert_eq!(one.bytes, one.messages.values().map(Signed::encoded_len).sum::<usize>());
            // Two halves that kept what they could, then met.
            let (left, right) = all.split_at(all.len() / 2);
            let (left, right) = (fill(left), fill(right));
            let mut merged = fill(&shuffled(&left.messages.values().cloned().collect::<Vec<_>>(), seed));
            merged.floor = left.floor;
            right.messages.values().for_each(|signed| drop(merged.insert(signed.clone())));
            prop_assert_eq!(keys(&merged), keys(&one));
            let (us, them) = (key(1).peer_id(), key(2).peer_id());
            prop_assert_eq!(merged.head(us, them, true), one.head(us, them, true));
        }

        #[test]
        fn every_signed_message_survives_the_wire(lamport in any::<u64>(), text in "[ -~]{1,80}", ids in 0..16_u8) {
            let audience = (0..ids).map(|id| ShortId([id; 8])).collect();
            let signed = Signed::sign(&key(1), MEETING, Draft { lamport, sequence: 9, sent_unix_s: 7, audience, text });
            let mut bytes = Vec::new();
            signed.encode(&mut bytes);
            prop_assert_eq!(bytes.len(), signed.encoded_len());
            prop_assert_eq!(Signed::parse(&mut Reader::new(&bytes)), Ok(signed));
        }
    }
}
