//! What one person of a world has written and read. Whoever was in the room when a text was written has to get it, however the
//! faults fell, and in the order that everybody else sees. Kept by `world`, demanded by `fleet` once the network is well.

use std::collections::{BTreeMap, BTreeSet};

use conclave_proto::ids::PeerId;
use conclave_proto::talk::{ChatKey, ChatMessage};

/// See the module's head.
#[derive(Default)]
pub(crate) struct Texts {
    read: BTreeMap<ChatKey, String>,
    /// Own texts, and who was in the room.
    meant_for: Vec<(ChatKey, BTreeSet<PeerId>)>,
}

impl Texts {
    /// From the core: of others, or our own as it was sent.
    pub(crate) fn take(&mut self, us: PeerId, roster: &BTreeSet<PeerId>, messages: Vec<ChatMessage>) {
        for message in messages {
            if message.key.author == us {
                self.meant_for.push((message.key, roster.clone()));
            }
            let before = self.read.insert(message.key, message.text);
            assert!(before.is_none(), "a text comes once");
        }
    }

    /// Texts of ours that were meant for `who`.
    fn meant(&self, who: PeerId) -> impl Iterator<Item = ChatKey> {
        self.meant_for.iter().filter(move |(_, readers)| readers.contains(&who)).map(|(key, _)| *key)
    }

    /// How many texts of `author` that were meant for `who`, whose texts these are, did not come.
    pub(crate) fn missing(&self, who: PeerId, author: &Self) -> usize {
        author.meant(who).filter(|key| self.read.get(key) != author.read.get(key)).count()
    }
}
