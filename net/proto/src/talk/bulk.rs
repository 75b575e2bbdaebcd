//! How fast files and kept text go: per peer a quarter of what the path carries, in pieces of 50 ms, with little waiting in the
//! reliable channel, which knows no pacing of its own. Text goes before files. Asks `sending` and `conversation` for what there is.

use std::collections::BTreeMap;

use crate::ids::PeerId;
use crate::limits::{
    BULK_FIRST_KBPS, BULK_LEAST_KBPS, BULK_PIECE, BULK_RETRY, BULK_SHARE, BULK_SHARE_OF_ALL, BULK_STEP, BULK_WAITING,
    FILE_PIECE_MAX, FILE_PIECE_MIN,
};
use crate::time::{Bitrate, Instant};

use super::conversation::Conversation;
use super::room::Turn;
use super::sending::Outbox;
use super::{Link, TalkOutput};

/// A change of the rate that is worth telling.
const TELL_PART: u64 = 8;

#[derive(Debug)]
pub(super) struct Bulk {
    paces: BTreeMap<PeerId, Pace>,
}

#[derive(Debug)]
struct Pace {
    /// Bytes that may go; below zero after a piece.
    tokens: i64,
    at: Instant,
    /// Where the slow beginning has come to.
    most: Bitrate,
    estimate: Bitrate,
    /// What the transport was told to keep free for us.
    reserved: Bitrate,
    due: Option<Instant>,
}

impl Bulk {
    pub(super) const NEW: Self = Self { paces: BTreeMap::new() };

    pub(super) fn tick(
        &mut self,
        turn: &mut Turn<'_>,
        link: &mut dyn FnMut(PeerId) -> Option<Link>,
        conversation: &mut Conversation,
        outbox: &mut Outbox,
    ) {
        let active: BTreeMap<PeerId, Link> = turn
            .room
            .connected()
            .into_iter()
            .filter(|peer| conversation.has_something_for(*peer) || outbox.is_sending_to(*peer))
            .filter_map(|peer| link(peer).map(|link| (peer, link)))
            .collect();
        let idle: Vec<PeerId> = self.paces.keys().copied().filter(|peer| !active.contains_key(peer)).collect();
        for peer in idle {
            self.paces.remove(&peer);
            turn.out.push_back(TalkOutput::Reserve(peer, Bitrate::ZERO));
        }
        let best = active.values().map(|link| link.estimate).max().unwrap_or_default();
        #[expect(clippy::cast_precision_loss, reason = "a count of members")]
        let of_all = best.scaled(BULK_SHARE_OF_ALL / active.len().max(1) as f64);
        for (peer, link) in active {
            let rate = link.estimate.scaled(BULK_SHARE).min(of_all).max(Bitrate::from_kbps(BULK_LEAST_KBPS));
            let pace = self.paces.entry(peer).or_insert(Pace {
                tokens: 1,
                at: turn.now,
                most: Bitrate::from_kbps(BULK_FIRST_KBPS),
                estimate: link.estimate,
                reserved: Bitrate::ZERO,
                due: None,
            });
            let rate = pace.grown(turn.now, rate, link.estimate);
            pace.run(turn, peer, rate, link.waiting, conversation, outbox);
        }
    }

    pub(super) fn wake(&self) -> Option<Instant> {
        self.paces.values().filter_map(|pace| pace.due).min()
    }
}

impl Pace {
    /// Doubles within a second of use, from the beginning or from where the estimate fell.
    fn grown(&mut self, now: Instant, rate: Bitrate, estimate: Bitrate) -> Bitrate {
        if estimate < self.estimate {
            self.most = self.most.min(rate);
        } else {
            let grown = 1.0 + now.since(self.at).as_secs_f64().min(0.2) * 0.7;
            self.most = self.most.scaled(grown).min(rate.scaled(2.0));
        }
        self.estimate = estimate;
        self.most.min(rate)
    }

    fn run(
        &mut self,
        turn: &mut Turn<'_>,
        peer: PeerId,
        rate: Bitrate,
        mut waiting: usize,
        conversation: &mut Conversation,
        outbox: &mut Outbox,
    ) {
        let piece = rate.bytes_in(BULK_PIECE).clamp(FILE_PIECE_MIN, FILE_PIECE_MAX);
        let signed = |bytes: usize| i64::try_from(bytes).unwrap_or(i64::MAX);
        let since = turn.now.since(self.at);
        let gained = rate.bytes_in(since);
        if gained > 0 {
            self.tokens = (self.tokens.saturating_add(signed(gained))).min(signed(piece));
            // The rest of a byte is not lost.
            self.at += rate.time_for(gained);
        }
        self.due = None;
        loop {
            if self.tokens <= 0 {
                let missing = usize::try_from(1 - self.tokens).unwrap_or(usize::MAX);
                self.due = Some(turn.now + rate.time_for(missing).max(BULK_STEP));
                break;
            }
            if waiting + piece > BULK_WAITING {
                self.due = Some(turn.now + BULK_RETRY);
                break;
            }
            let Some((message, size)) = conversation.next_batch(peer).or_else(|| outbox.next_piece(peer)) else {
                break;
            };
            turn.send(peer, message);
            self.tokens -= signed(size);
            waiting += size;
        }
        outbox.ask(turn, peer, piece);
        let told = self.reserved;
        if rate.as_bps().abs_diff(told.as_bps()) * TELL_PART > told.as_bps() {
            self.reserved = rate;
            turn.out.push_back(TalkOutput::Reserve(peer, rate));
        }
    }
}
