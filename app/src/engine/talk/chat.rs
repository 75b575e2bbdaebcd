//! The text of a meeting, in the order that the core gives it. Keeps lines, not signatures.

use std::collections::BTreeMap;
use std::sync::Arc;

use conclave_proto::ids::PeerId;
use conclave_proto::talk::{ChatKey, ChatMessage};

use crate::engine::limits;
use crate::engine::room::ChatLine;

/// All lines that are kept.
#[derive(Default)]
pub(super) struct Chat {
    by_key: BTreeMap<ChatKey, ChatLine>,
    heard: u64,
    /// Made anew when a line comes: snapshots share it.
    lines: Arc<[ChatLine]>,
}

impl Chat {
    pub(super) fn add(&mut self, message: ChatMessage, name: String, me: PeerId) {
        let own = message.key.author == me;
        let who = message.key.author.short();
        self.heard += 1;
        let line = ChatLine { who, name, own, text: message.text, unix_s: message.sent_unix_s, number: self.heard };
        self.by_key.insert(message.key, line);
        if self.by_key.len() > limits::CHAT_LINES {
            self.by_key.pop_first();
        }
        self.lines = self.by_key.values().cloned().collect();
    }

    pub(super) fn lines(&self) -> Arc<[ChatLine]> {
        Arc::clone(&self.lines)
    }
}
