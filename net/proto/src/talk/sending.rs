//! Files that we send. The core carries pieces and reads nothing: it asks its owner for the next piece when the receiver has
//! room and `bulk` finds that the path has. A path that comes back begins with the list of what is open and every offer anew; the
//! receiver answers from where on.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;

use crate::ids::PeerId;
use crate::limits::{FILE_BYTES, FILE_PIECE_MIN, FILE_WINDOW_STEP, FILES_PER_PEER, OFFERS_SAID};
use crate::text::clean_file_name;

use super::bucket::Bucket;
use super::room::Turn;
use super::{FileId, FileOutcome, Offence, TalkEvent, TalkMessage, TalkRefusal};

/// A file as it is offered.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    pub(super) id: FileId,
    pub(super) name: String,
    pub(super) size: u64,
    pub(super) sha256: [u8; 32],
}

/// A file on its way to one peer.
#[derive(Debug)]
struct Outgoing {
    offer: Offer,
    state: State,
    /// The newest of the receiver's attempts.
    attempt: u32,
    /// Every byte was sent once, so that a result is to be expected.
    all_sent: bool,
}

#[derive(Debug)]
enum State {
    /// Not taken yet, or the path is gone.
    Offered,
    Sending(Sending),
}

#[derive(Debug)]
struct Sending {
    /// Where the next piece begins that is still to be asked for.
    next: u64,
    /// The receiver has room up to here.
    until: u64,
    /// Asked for: its place and length.
    wanted: Option<(u64, usize)>,
    /// Handed to us, waiting for the path.
    held: Option<(u64, Bytes)>,
}

/// Towards one peer.
#[derive(Debug, Default)]
struct Receiver {
    files: BTreeMap<FileId, Outgoing>,
    said: Bucket,
    /// Whose piece went last: they take turns.
    last: Option<FileId>,
    /// It has open files of ours to be told about, or had.
    knows: bool,
}

#[derive(Debug)]
pub(super) struct Outbox {
    receivers: BTreeMap<PeerId, Receiver>,
}

impl Outbox {
    pub(super) const NEW: Self = Self { receivers: BTreeMap::new() };

    // ---- Our owner ----

    pub(super) fn offer(&mut self, turn: &mut Turn<'_>, to: Option<PeerId>, offer: Offer) -> Result<(), TalkRefusal> {
        let offer = Offer { name: clean_file_name(&offer.name), ..offer };
        if offer.size > FILE_BYTES {
            return Err(TalkRefusal::FileTooLarge);
        }
        let everybody = || turn.room.others.keys().copied().collect();
        let to: Vec<PeerId> = to.map_or_else(everybody, |to| vec![to]);
        if to.is_empty() || to.iter().any(|to| !turn.room.has(*to)) {
            return Err(TalkRefusal::NoSuchPeer);
        }
        for to in &to {
            let receiver = self.receivers.entry(*to).or_default();
            if receiver.files.contains_key(&offer.id) {
                return Err(TalkRefusal::NoSuchFile);
            }
            if receiver.files.len() >= FILES_PER_PEER {
                return Err(TalkRefusal::TooManyFiles);
            }
            if !receiver.said.take(turn.now, OFFERS_SAID, 1) {
                return Err(TalkRefusal::TooFast);
            }
        }
        for to in to {
            let receiver = self.receivers.entry(to).or_default();
            receiver.knows = true;
            turn.send(to, offer.message());
            let file = Outgoing { offer: offer.clone(), state: State::Offered, attempt: 0, all_sent: false };
            receiver.files.insert(offer.id, file);
        }
        Ok(())
    }

    pub(super) fn cancel(&mut self, turn: &mut Turn<'_>, to: Option<PeerId>, id: FileId) -> Result<(), TalkRefusal> {
        let all = self.receivers.iter().filter(|(_, receiver)| receiver.files.contains_key(&id)).map(|(peer, _)| *peer);
        let to: Vec<PeerId> = all.filter(|peer| to.is_none_or(|to| to == *peer)).collect();
        if to.is_empty() {
            return Err(TalkRefusal::NoSuchFile);
        }
        for to in to {
            turn.send(to, TalkMessage::Cancel(id));
            self.end(turn, to, id, FileOutcome::Cancelled);
        }
        Ok(())
    }

    /// The owner's answer; one to a question that is no longer open is ignored.
    pub(super) fn data(&mut self, turn: &mut Turn<'_>, to: PeerId, id: FileId, offset: u64, data: Bytes) {
        let Some(State::Sending(sending)) = self.file(to, id).map(|file| &mut file.state) else { return };
        let Some((_, length)) = sending.wanted.filter(|(wanted, _)| *wanted == offset) else { return };
        if data.len() == length {
            sending.wanted = None;
            sending.next = offset + length as u64;
            sending.held = Some((offset, data));
        } else {
            turn.send(to, TalkMessage::Cancel(id));
            self.end(turn, to, id, FileOutcome::Unreadable);
        }
    }

    // ---- The receiver ----

    pub(super) fn accepted(
        &mut self,
        turn: &mut Turn<'_>,
        from: PeerId,
        (id, attempt): (FileId, u32),
        (offset, until): (u64, u64),
    ) -> Result<(), Offence> {
        let Some(file) = self.file(from, id) else {
            // Taken back meanwhile, and the word about it was lost.
            turn.send(from, TalkMessage::Cancel(id));
            return Ok(());
        };
        if until > file.offer.size {
            return Err(Offence::Impossible);
        }
        if attempt > file.attempt {
            file.attempt = attempt;
            file.all_sent |= offset == file.offer.size;
            file.state = State::Sending(Sending { next: offset, until, wanted: None, held: None });
            turn.event(TalkEvent::FileAccepted { to: from, id, offset });
        }
        Ok(())
    }

    /// Whether it opens as much as honest ones do.
    pub(super) fn window_moves(&self, from: PeerId, id: FileId, attempt: u32, until: u64) -> bool {
        let file = self.receivers.get(&from).and_then(|receiver| receiver.files.get(&id));
        file.filter(|file| file.attempt == attempt).is_some_and(|file| match &file.state {
            State::Offered => false,
            State::Sending(sending) => {
                until >= sending.until + FILE_WINDOW_STEP || until == file.offer.size && until > sending.until
            }
        })
    }

    pub(super) fn window_moved(
        &mut self,
        turn: &mut Turn<'_>,
        from: PeerId,
        (id, attempt): (FileId, u32),
        (written, until): (u64, u64),
    ) -> Result<(), Offence> {
        let Some(file) = self.file(from, id).filter(|file| file.attempt == attempt) else { return Ok(()) };
        let State::Sending(sending) = &mut file.state else { return Ok(()) };
        let sent = sending.held.as_ref().map_or(sending.next, |(offset, _)| *offset);
        if until > file.offer.size || written > sent {
            return Err(Offence::Impossible);
        }
        sending.until = sending.until.max(until);
        turn.event(TalkEvent::FileProgress { to: from, id, written });
        Ok(())
    }

    pub(super) fn declined(&mut self, turn: &mut Turn<'_>, from: PeerId, id: FileId) {
        self.end(turn, from, id, FileOutcome::Declined);
    }

    pub(super) fn result(
        &mut self,
        turn: &mut Turn<'_>,
        from: PeerId,
        id: FileId,
        intact: bool,
    ) -> Result<(), Offence> {
        let Some(file) = self.file(from, id) else { return Ok(()) };
        if !file.all_sent {
            return Err(Offence::Impossible);
        }
        self.end(turn, from, id, if intact { FileOutcome::Delivered } else { FileOutcome::Damaged });
        Ok(())
    }

    pub(super) fn connected(&mut self, turn: &mut Turn<'_>, peer: PeerId) {
        let Some(receiver) = self.receivers.get_mut(&peer).filter(|receiver| receiver.knows) else { return };
        turn.send(peer, TalkMessage::FilesOpen(receiver.files.keys().copied().collect()));
        for file in receiver.files.values_mut() {
            file.state = State::Offered;
            turn.send(peer, file.offer.message());
        }
    }

    pub(super) fn disconnected(&mut self, peer: PeerId) {
        if let Some(receiver) = self.receivers.get_mut(&peer) {
            receiver.files.values_mut().for_each(|file| file.state = State::Offered);
        }
    }

    pub(super) fn gone(&mut self, turn: &mut Turn<'_>, peer: PeerId) {
        if let Some(receiver) = self.receivers.remove(&peer) {
            for id in receiver.files.into_keys() {
                turn.event(TalkEvent::FileEnded { to: peer, id, outcome: FileOutcome::ReceiverGone });
            }
        }
    }

    fn end(&mut self, turn: &mut Turn<'_>, to: PeerId, id: FileId, outcome: FileOutcome) {
        if self.receivers.get_mut(&to).and_then(|receiver| receiver.files.remove(&id)).is_some() {
            turn.event(TalkEvent::FileEnded { to, id, outcome });
        }
    }

    fn file(&mut self, peer: PeerId, id: FileId) -> Option<&mut Outgoing> {
        self.receivers.get_mut(&peer)?.files.get_mut(&id)
    }

    // ---- Pieces ----

    /// Something of a file is still to go to this peer.
    pub(super) fn is_sending_to(&self, peer: PeerId) -> bool {
        self.receivers.get(&peer).is_some_and(|receiver| {
            receiver.files.values().any(|file| match &file.state {
                State::Offered => false,
                State::Sending(sending) => sending.held.is_some() || sending.next < file.offer.size,
            })
        })
    }

    /// Asks for the next piece of each file that has none at hand, at most `piece` bytes each.
    pub(super) fn ask(&mut self, turn: &mut Turn<'_>, peer: PeerId, piece: usize) {
        let Some(receiver) = self.receivers.get_mut(&peer) else { return };
        for (id, file) in &mut receiver.files {
            let State::Sending(sending) = &mut file.state else { continue };
            if sending.wanted.is_some() || sending.held.is_some() {
                continue;
            }
            let (offset, room) = (sending.next, sending.until.saturating_sub(sending.next));
            let length = usize::try_from(room).unwrap_or(usize::MAX).min(piece);
            // A short piece is only for the end; the window opens further before long.
            if length >= FILE_PIECE_MIN || length > 0 && offset + length as u64 == file.offer.size {
                sending.wanted = Some((offset, length));
                turn.event(TalkEvent::FileDataWanted { to: peer, id: *id, offset, length });
            }
        }
    }

    /// A piece that is at hand, and its size; files take turns.
    pub(super) fn next_piece(&mut self, peer: PeerId) -> Option<(TalkMessage, usize)> {
        let receiver = self.receivers.get_mut(&peer)?;
        let after = receiver.last.map_or(Bound::Unbounded, Bound::Excluded);
        let is_held = |file: &Outgoing| matches!(&file.state, State::Sending(sending) if sending.held.is_some());
        let files = &receiver.files;
        let mut in_turn = files.range((after, Bound::Unbounded)).chain(files.iter());
        let id = in_turn.find(|(_, file)| is_held(file)).map(|(id, _)| *id)?;
        let file = receiver.files.get_mut(&id)?;
        let State::Sending(sending) = &mut file.state else { return None };
        let (offset, data) = sending.held.take()?;
        receiver.last = Some(id);
        file.all_sent |= sending.next == file.offer.size;
        let size = data.len();
        Some((TalkMessage::Piece { id, attempt: file.attempt, offset, data }, size))
    }
}

impl Offer {
    fn message(&self) -> TalkMessage {
        let Self { id, name, size, sha256 } = self.clone();
        TalkMessage::Offer { id, size, sha256, name }
    }
}
