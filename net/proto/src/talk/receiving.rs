//! Files that others send us. An offer costs an entry and nothing else; a sender may send only what was accepted, in order, and as
//! far as our owner has written. Anything beyond is an offence. Nothing is stored or hashed here: the owner does both.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::ids::PeerId;
use crate::limits::{
    FILE_PIECE_MIN, FILE_WINDOW, FILE_WINDOW_STEP, FILES_PER_PEER, FILES_RECEIVED, FILES_REMEMBERED, OFFERS_HEARD,
};
use crate::text::clean_file_name;

use super::bucket::Bucket;
use super::room::Turn;
use super::sending::Offer;
use super::{FileId, FileWithdrawal, Offence, TalkEvent, TalkMessage, TalkRefusal};

#[derive(Debug)]
struct Incoming {
    size: u64,
    sha256: [u8; 32],
    /// Counts our acceptances; 0: none yet.
    attempt: u32,
    /// Bytes of earlier attempts that may still be on their way.
    stale: u64,
    state: State,
}

#[derive(Debug)]
enum State {
    /// The owner has not decided.
    Offered,
    Taking(Taking),
    /// All is there and being checked.
    Arrived,
    Ended(End),
}

#[derive(Clone, Copy, Debug)]
struct Taking {
    received: u64,
    written: u64,
    /// The sender may go up to here.
    until: u64,
}

#[derive(Clone, Copy, Debug)]
enum End {
    Declined,
    Checked { intact: bool },
    Withdrawn,
}

/// Of one peer.
#[derive(Debug, Default)]
struct Sender {
    files: BTreeMap<FileId, Incoming>,
    heard: Bucket,
}

#[derive(Debug)]
pub(super) struct Inbox {
    senders: BTreeMap<PeerId, Sender>,
}

impl Incoming {
    const fn is_open(&self) -> bool {
        match self.state {
            State::Offered | State::Taking(_) | State::Arrived => true,
            State::Ended(_) => false,
        }
    }

    /// Begins to take, or begins anew.
    fn take_from(&mut self, id: FileId, offset: u64) -> TalkMessage {
        self.leave_attempt();
        self.attempt += 1;
        let until = self.size.min(offset.saturating_add(FILE_WINDOW));
        self.state = State::Taking(Taking { received: offset, written: offset, until });
        TalkMessage::Accept { id, attempt: self.attempt, offset, until }
    }

    /// What was granted and has not come may still come.
    fn leave_attempt(&mut self) {
        if let State::Taking(taking) = self.state {
            self.stale = self.stale.saturating_add(taking.until - taking.received);
        }
    }

    fn end(&mut self, end: End) {
        self.leave_attempt();
        self.state = State::Ended(end);
    }
}

impl Inbox {
    pub(super) const NEW: Self = Self { senders: BTreeMap::new() };

    // ---- The sender ----

    pub(super) fn offered(&mut self, turn: &mut Turn<'_>, from: PeerId, offer: Offer) -> Result<(), Offence> {
        let sender = self.senders.entry(from).or_default();
        let id = offer.id;
        if let Some(file) = sender.files.get_mut(&id) {
            if (file.size, file.sha256) != (offer.size, offer.sha256) {
                return Err(Offence::Impossible);
            }
            // The path came back: the sender wants to know where we stand.
            match file.state {
                State::Offered | State::Arrived => {}
                State::Taking(taking) => {
                    let accept = file.take_from(id, taking.received);
                    turn.send(from, accept);
                }
                State::Ended(End::Checked { intact }) => turn.send(from, TalkMessage::Result { id, intact }),
                State::Ended(End::Declined | End::Withdrawn) => turn.send(from, TalkMessage::Decline(id)),
            }
            return Ok(());
        }
        if !sender.heard.take(turn.now, OFFERS_HEARD, 1) {
            return Err(Offence::Flood);
        }
        if sender.files.values().filter(|file| file.is_open()).count() >= FILES_PER_PEER {
            return Err(Offence::TooManyOffers);
        }
        sender.forget_old();
        let Offer { id, name, size, sha256 } = offer;
        sender.files.insert(id, Incoming { size, sha256, attempt: 0, stale: 0, state: State::Offered });
        turn.event(TalkEvent::FileOffered { from, id, name: clean_file_name(&name), size, sha256 });
        Ok(())
    }

    pub(super) fn piece(
        &mut self,
        turn: &mut Turn<'_>,
        from: PeerId,
        (id, attempt): (FileId, u32),
        offset: u64,
        data: Bytes,
    ) -> Result<(), Offence> {
        let file = self.file(from, id).ok_or(Offence::FileData)?;
        let length = data.len() as u64;
        if attempt == file.attempt
            && let State::Taking(taking) = &mut file.state
        {
            let end = offset.saturating_add(length);
            let is_whole = data.len() >= FILE_PIECE_MIN || end == file.size;
            if offset != taking.received || end > taking.until || !is_whole {
                return Err(Offence::FileData);
            }
            taking.received = end;
            let is_last = end == file.size;
            if is_last {
                file.state = State::Arrived;
            }
            turn.event(TalkEvent::FileData { from, id, offset, data });
            if is_last {
                turn.event(TalkEvent::FileArrived { from, id });
            }
            return Ok(());
        }
        // Sent before the sender heard that we began anew or want no more.
        let ended = matches!(file.state, State::Ended(_)) && file.attempt > 0;
        if attempt > file.attempt || attempt == file.attempt && !ended {
            return Err(Offence::FileData);
        }
        file.stale = file.stale.checked_sub(length).ok_or(Offence::FileData)?;
        Ok(())
    }

    pub(super) fn cancelled(&mut self, turn: &mut Turn<'_>, from: PeerId, id: FileId) {
        if let Some(file) = self.file(from, id).filter(|file| file.is_open()) {
            file.end(End::Withdrawn);
            turn.event(TalkEvent::FileWithdrawn { from, id, reason: FileWithdrawal::BySender });
        }
    }

    /// What the sender does not list it has taken back, and the word about it was lost.
    pub(super) fn open_told(&mut self, turn: &mut Turn<'_>, from: PeerId, open: &[FileId]) {
        let Some(sender) = self.senders.get(&from) else { return };
        let here = sender.files.iter().filter(|(_, file)| file.is_open()).map(|(id, _)| *id);
        let lost: Vec<FileId> = here.filter(|id| !open.contains(id)).collect();
        lost.into_iter().for_each(|id| self.cancelled(turn, from, id));
    }

    pub(super) fn gone(&mut self, turn: &mut Turn<'_>, from: PeerId) {
        if let Some(sender) = self.senders.remove(&from) {
            for (id, _) in sender.files.into_iter().filter(|(_, file)| file.is_open()) {
                turn.event(TalkEvent::FileWithdrawn { from, id, reason: FileWithdrawal::SenderGone });
            }
        }
    }

    // ---- Our owner ----

    pub(super) fn accept(
        &mut self,
        turn: &mut Turn<'_>,
        from: PeerId,
        id: FileId,
        offset: u64,
    ) -> Result<(), TalkRefusal> {
        let all = self.senders.values().flat_map(|sender| sender.files.values());
        let taking = all.filter(|file| matches!(file.state, State::Taking(_) | State::Arrived)).count();
        let file = self.file(from, id).filter(|file| matches!(file.state, State::Offered) && offset <= file.size);
        let file = file.ok_or(TalkRefusal::NoSuchFile)?;
        if taking >= FILES_RECEIVED {
            return Err(TalkRefusal::TooManyFiles);
        }
        let accept = file.take_from(id, offset);
        turn.send(from, accept);
        if offset == file.size {
            file.state = State::Arrived;
            turn.event(TalkEvent::FileArrived { from, id });
        }
        Ok(())
    }

    pub(super) fn decline(&mut self, turn: &mut Turn<'_>, from: PeerId, id: FileId) -> Result<(), TalkRefusal> {
        let file = self.file(from, id).filter(|file| file.is_open()).ok_or(TalkRefusal::NoSuchFile)?;
        file.end(End::Declined);
        turn.send(from, TalkMessage::Decline(id));
        Ok(())
    }

    /// Too late or untrue: ignored.
    pub(super) fn written(&mut self, turn: &mut Turn<'_>, from: PeerId, id: FileId, offset: u64) {
        let Some(file) = self.file(from, id) else { return };
        let State::Taking(taking) = &mut file.state else { return };
        if offset > taking.received || offset <= taking.written {
            return;
        }
        taking.written = offset;
        let until = file.size.min(offset + FILE_WINDOW);
        if until >= taking.until + FILE_WINDOW_STEP || until == file.size && until > taking.until {
            taking.until = until;
            let message = TalkMessage::Window { id, attempt: file.attempt, written: offset, until };
            turn.send(from, message);
        }
    }

    pub(super) fn checked(
        &mut self,
        turn: &mut Turn<'_>,
        from: PeerId,
        id: FileId,
        intact: bool,
    ) -> Result<(), TalkRefusal> {
        let file = self.file(from, id).filter(|file| matches!(file.state, State::Arrived));
        file.ok_or(TalkRefusal::NoSuchFile)?.end(End::Checked { intact });
        turn.send(from, TalkMessage::Result { id, intact });
        Ok(())
    }

    fn file(&mut self, from: PeerId, id: FileId) -> Option<&mut Incoming> {
        self.senders.get_mut(&from)?.files.get_mut(&id)
    }
}

impl Sender {
    fn forget_old(&mut self) {
        let ended = self.files.iter().filter(|(_, file)| !file.is_open()).map(|(id, _)| *id);
        let ended: Vec<FileId> = ended.collect();
        let too_many = (ended.len() + 1).saturating_sub(FILES_REMEMBERED);
        for id in ended.into_iter().take(too_many) {
            self.files.remove(&id);
        }
    }
}
