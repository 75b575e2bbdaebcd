//! The reliable channel: whole messages, in order, exactly once, over datagrams that get lost. Messages are written one
//! behind the other, each with its length, into one stream of bytes; pieces of the stream travel in `Reliable` chunks and are
//! acknowledged selectively. Carries handshakes of rekeys and the membership, so it must get through 30 % loss and cuts.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};

use super::{PeerMisbehaved, ReliableFull};
use crate::limits;
use crate::time::Instant;
use crate::wire::{Chunk, Reader, ReliableAck, put_varint, varint_len};

/// The wait for an acknowledgement doubles up to this, so that the channel is back within it after a cut.
const LONGEST_WAIT: Duration = Duration::from_millis(600);
/// Pieces acknowledged behind one that is missing, before it counts as lost.
const REORDERING: u8 = 3;
/// Kind, length and offset of a piece.
const PIECE_HEADER: usize = Chunk::HEADER_LEN + 8;
/// Smaller pieces are not worth a header, unless they end the stream.
const SMALLEST_PIECE: usize = 64;

#[derive(Debug)]
struct Piece {
    offset: u64,
    data: Bytes,
    sent_at: Option<Instant>,
    tries: u32,
    passed: u8,
    acknowledged: bool,
}

/// Messages on their way out.
#[derive(Debug, Default)]
pub(super) struct ReliableSend {
    /// Cut off, in order; the first is not acknowledged.
    pieces: VecDeque<Piece>,
    /// Written and not cut into pieces yet.
    uncut: BytesMut,
    /// Stream position of the first byte of `uncut`.
    uncut_at: u64,
}

impl ReliableSend {
    pub(super) fn push(&mut self, message: &Bytes) -> Result<(), ReliableFull> {
        let needed = message.len() + varint_len(message.len() as u64);
        let full = self.waiting() + needed > limits::RELIABLE_BUFFER_BYTES;
        if full || message.is_empty() || message.len() > limits::RELIABLE_MESSAGE_BYTES {
            return Err(ReliableFull);
        }
        let mut length = Vec::with_capacity(8);
        put_varint(&mut length, message.len() as u64);
        self.uncut.extend_from_slice(&length);
        self.uncut.extend_from_slice(message);
        Ok(())
    }

    /// Bytes that are not acknowledged.
    pub(super) fn waiting(&self) -> usize {
        let under_way = self.uncut_at - self.first_unacknowledged();
        usize::try_from(under_way).unwrap_or(usize::MAX).saturating_add(self.uncut.len())
    }

    /// Everything is acknowledged.
    pub(super) fn is_idle(&self) -> bool {
        self.pieces.is_empty() && self.uncut.is_empty()
    }

    fn first_unacknowledged(&self) -> u64 {
        self.pieces.front().map_or(self.uncut_at, |first| first.offset)
    }

    /// Everything under way counts as lost: the path was gone.
    pub(super) fn resend(&mut self) {
        for piece in &mut self.pieces {
            (piece.sent_at, piece.tries) = (None, 0);
        }
    }

    /// When the next piece may go; now or earlier if one waits.
    pub(super) fn due(&self, timeout: Duration) -> Option<Instant> {
        let resend =
            self.pieces.iter().filter(|piece| !piece.acknowledged).map(|piece| Self::piece_due(piece, timeout));
        resend.chain(self.may_cut().then_some(Instant::ZERO)).min()
    }

    fn piece_due(piece: &Piece, timeout: Duration) -> Instant {
        match piece.sent_at {
            Some(_) if piece.passed >= REORDERING => Instant::ZERO,
            Some(sent_at) => sent_at + (timeout * (1 << piece.tries.min(4))).min(LONGEST_WAIT.max(timeout)),
            None => Instant::ZERO,
        }
    }

    fn may_cut(&self) -> bool {
        !self.uncut.is_empty() && self.uncut_at - self.first_unacknowledged() < limits::RELIABLE_WINDOW_BYTES
    }

    /// Appends one piece that is due and fits `room`.
    pub(super) fn write(&mut self, now: Instant, timeout: Duration, room: usize, out: &mut Vec<u8>) -> bool {
        let room = room.saturating_sub(PIECE_HEADER);
        let again = self
            .pieces
            .iter_mut()
            .find(|piece| !piece.acknowledged && piece.data.len() <= room && Self::piece_due(piece, timeout) <= now);
        if let Some(piece) = again {
            piece.tries += u32::from(piece.sent_at.is_some() && piece.passed < REORDERING);
            (piece.sent_at, piece.passed) = (Some(now), 0);
            Chunk::Reliable { offset: piece.offset, data: &piece.data }.encode(out);
            return true;
        }
        if !self.may_cut() || room < SMALLEST_PIECE.min(self.uncut.len()) {
            return false;
        }
        let window_left = limits::RELIABLE_WINDOW_BYTES - (self.uncut_at - self.first_unacknowledged());
        let len = room.min(self.uncut.len()).min(usize::try_from(window_left).unwrap_or(usize::MAX));
        let data = self.uncut.split_to(len).freeze();
        Chunk::Reliable { offset: self.uncut_at, data: &data }.encode(out);
        let piece = Piece { offset: self.uncut_at, data, sent_at: Some(now), tries: 0, passed: 0, acknowledged: false };
        self.uncut_at += len as u64;
        self.pieces.push_back(piece);
        true
    }

    pub(super) fn handle_ack(&mut self, ack: &ReliableAck<'_>) -> Result<(), PeerMisbehaved> {
        if ack.received > self.uncut_at {
            return Err(PeerMisbehaved::AckOfUnsent);
        }
        for piece in &mut self.pieces {
            piece.acknowledged |= piece.offset + piece.data.len() as u64 <= ack.received;
        }
        for (begin, end) in ack.islands().take(limits::RELIABLE_ISLANDS) {
            let inside = |piece: &Piece| begin <= piece.offset && piece.offset + piece.data.len() as u64 <= end;
            let mut newly = None;
            for piece in self.pieces.iter_mut().filter(|piece| !piece.acknowledged && inside(piece)) {
                piece.acknowledged = true;
                newly = newly.max(piece.sent_at);
            }
            let Some(newly) = newly else { continue };
            // Only what was sent before the piece that made it counts as passed.
            for piece in self.pieces.iter_mut().take_while(|piece| piece.offset < begin) {
                if !piece.acknowledged && piece.sent_at.is_some_and(|sent_at| sent_at < newly) {
                    piece.passed = piece.passed.saturating_add(1);
                }
            }
        }
        while self.pieces.front().is_some_and(|first| first.acknowledged) {
            self.pieces.pop_front();
        }
        Ok(())
    }
}

/// Messages on their way in.
#[derive(Debug, Default)]
pub(super) struct ReliableReceive {
    received: u64,
    /// In order, not yet a whole message.
    stream: BytesMut,
    /// Beyond the first gap, disjoint.
    islands: BTreeMap<u64, Bytes>,
    ack_due: bool,
    ranges: Vec<u8>,
}

impl ReliableReceive {
    pub(super) fn handle(&mut self, offset: u64, data: &[u8]) -> Result<(), PeerMisbehaved> {
        self.ack_due = true;
        let end = offset + data.len() as u64;
        if end > self.received + limits::RELIABLE_WINDOW_BYTES {
            return Err(PeerMisbehaved::ReliableWindow);
        }
        if offset > self.received {
            self.keep_island(offset, data);
            return Ok(());
        }
        self.append(offset, data);
        while let Some(entry) = self.islands.first_entry().filter(|entry| *entry.key() <= self.received) {
            let (offset, data) = entry.remove_entry();
            self.append(offset, &data);
        }
        Ok(())
    }

    fn append(&mut self, offset: u64, data: &[u8]) {
        let known = usize::try_from(self.received.saturating_sub(offset)).unwrap_or(usize::MAX);
        if let Some(new) = data.get(known..) {
            self.stream.extend_from_slice(new);
            self.received += new.len() as u64;
        }
    }

    /// An honest sender cuts once, so pieces are equal or disjoint; what overlaps otherwise is not kept.
    fn keep_island(&mut self, offset: u64, data: &[u8]) {
        let end = offset + data.len() as u64;
        let overlaps = self.islands.range(..end).next_back().is_some_and(|(at, kept)| at + kept.len() as u64 > offset);
        if !overlaps && !data.is_empty() {
            self.islands.insert(offset, Bytes::copy_from_slice(data));
        }
    }

    /// The next whole message.
    pub(super) fn poll_message(&mut self) -> Result<Option<Bytes>, PeerMisbehaved> {
        let mut reader = Reader::new(&self.stream);
        let Ok(len) = reader.varint_usize() else { return Ok(None) };
        if len > limits::RELIABLE_MESSAGE_BYTES {
            return Err(PeerMisbehaved::MessageTooLong);
        }
        if reader.bytes(len).is_err() {
            return Ok(None);
        }
        let header = self.stream.len() - len - reader.take_rest().len();
        self.stream.advance(header);
        Ok(Some(self.stream.split_to(len).freeze()))
    }

    pub(super) const fn ack_is_due(&self) -> bool {
        self.ack_due
    }

    /// Appends an acknowledgement of at most `room` bytes; false if there is no room.
    pub(super) fn write_ack(&mut self, room: usize, out: &mut Vec<u8>) -> bool {
        let fits = room.saturating_sub(Chunk::HEADER_LEN + 8) / 16;
        let mut merged: Vec<(u64, u64)> = Vec::new();
        for (at, data) in &self.islands {
            let end = at + data.len() as u64;
            if let Some(last) = merged.last_mut().filter(|last| last.1 == *at) {
                last.1 = end;
            } else if merged.len() < limits::RELIABLE_ISLANDS.min(fits) {
                merged.push((*at, end));
            } else {
                break;
            }
        }
        if room < Chunk::HEADER_LEN + 8 {
            return false;
        }
        Chunk::ReliableAck(ReliableAck::build(self.received, merged.into_iter(), &mut self.ranges)).encode(out);
        self.ack_due = false;
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::chunks;

    const TIMEOUT: Duration = Duration::from_millis(50);

    /// Runs both ends, `deliver` deciding the fate of each datagram (copies that arrive), until all is acknowledged.
    fn run(messages: &[Bytes], mut deliver: impl FnMut() -> usize) -> (Vec<Bytes>, Instant) {
        let (mut send, mut receive) = (ReliableSend::default(), ReliableReceive::default());
        let (mut now, mut got, mut waiting) = (Instant::ZERO, Vec::new(), messages.iter());
        let mut next = waiting.next();
        while next.is_some() || !send.is_idle() {
            while next.is_some_and(|message| send.push(message).is_ok()) {
                next = waiting.next();
            }
            let (mut datagram, mut ack) = (Vec::new(), Vec::new());
            while send.write(now, TIMEOUT, 1100, &mut datagram) {
                for _ in 0..deliver() {
                    for chunk in chunks(&datagram) {
                        let Ok(Chunk::Reliable { offset, data }) = chunk else { panic!("{chunk:?}") };
                        receive.handle(offset, data).expect("honest");
                    }
                }
                datagram.clear();
            }
            while let Some(message) = receive.poll_message().expect("honest") {
                got.push(message);
            }
            if receive.ack_is_due() && receive.write_ack(1000, &mut ack) {
                for _ in 0..deliver() {
                    let Some(Ok(Chunk::ReliableAck(ack))) = chunks(&ack).next() else { panic!("an ack") };
                    send.handle_ack(&ack).expect("honest");
                }
            }
            now += Duration::from_millis(10);
            assert!(now < Instant::from_micros(600_000_000), "stuck");
        }
        (got, now)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn everything_arrives_once_and_in_order(
            sizes in proptest::collection::vec(1..20_000_usize, 1..12),
            mut seed in 1..u64::MAX,
        ) {
            let messages: Vec<Bytes> = sizes.iter().enumerate()
                .map(|(index, size)| vec![u8::try_from(index).expect("few"); *size].into()).collect();
            let (got, _) = run(&messages, || {
                // xorshift64
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                match seed % 10 {
                    0..3 => 0,
                    3 => 2,
                    _ => 1,
                }
            });
            prop_assert_eq!(got, messages);
        }
    }

    #[test]
    fn the_largest_message_survives_heavy_loss() {
        let message = Bytes::from(vec![5; limits::RELIABLE_MESSAGE_BYTES]);
        let mut at = 0_u32;
        let (got, end) = run(std::slice::from_ref(&message), || {
            at += 1;
            usize::from(at * 7 % 10 >= 3)
        });
        assert_eq!(got, [message]);
        assert!(end < Instant::from_micros(3_000_000), "took until {end:?}");
    }

    #[test]
    fn full_is_said_and_nothing_is_lost() {
        let mut send = ReliableSend::default();
        let message = Bytes::from(vec![1; limits::RELIABLE_MESSAGE_BYTES]);
        let accepted = (0..100).take_while(|_| send.push(&message).is_ok()).count();
        assert_eq!(accepted, limits::RELIABLE_BUFFER_BYTES / limits::RELIABLE_MESSAGE_BYTES - 1);
        assert_eq!(send.push(&Bytes::from(vec![1; limits::RELIABLE_MESSAGE_BYTES + 1])), Err(ReliableFull));
    }

    #[test]
    fn who_breaks_the_rules_is_found_out() {
        let mut receive = ReliableReceive::default();
        assert_eq!(receive.handle(1 << 40, b"x"), Err(PeerMisbehaved::ReliableWindow));
        let mut length = Vec::new();
        put_varint(&mut length, limits::RELIABLE_MESSAGE_BYTES as u64 + 1);
        receive.handle(0, &length).expect("only bytes so far");
        assert_eq!(receive.poll_message(), Err(PeerMisbehaved::MessageTooLong));
        let mut ranges = Vec::new();
        let ack = ReliableAck::build(1, [].into_iter(), &mut ranges);
        assert_eq!(ReliableSend::default().handle_ack(&ack), Err(PeerMisbehaved::AckOfUnsent));
    }
}
