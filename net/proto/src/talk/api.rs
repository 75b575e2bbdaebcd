//! What goes into and comes out of the talk of a room, for the owner of the meeting: text, hands, reactions, who hears whom,
//! asking to mute, files. Plain data, passed on by `core` as `Command::Talk` and `Event::Talk`.

use bytes::Bytes;

use crate::ids::PeerId;

/// What the owner of a meeting asks.
#[derive(Clone, Debug)]
pub enum TalkCommand {
    /// Text for all. It comes back as [`TalkEvent::Chat`], in its place, or as [`TalkEvent::Refused`].
    Chat {
        /// Cleaned before it is signed; at most `limits::CHAT_TEXT_BYTES` after that.
        text: String,
        /// The time of day that is shown beside it; the core has no calendar.
        sent_unix_s: u64,
    },
    /// Our own hand, up or down.
    RaiseHand(bool),
    /// Takes another's hand down (admins only).
    LowerHand(PeerId),
    /// Shown once, to all who are there.
    React(Reaction),
    /// Whose sound we decode: the whole row, whenever it changes. Others see it within 250 ms if somebody is not heard or
    /// heard again, else within 2 s. Who is not in the row is not judged.
    SetHearing(Vec<(PeerId, Hearing)>),
    /// Asks somebody to mute (admins only).
    AskMute(PeerId),
    /// Asks everybody to mute (admins only).
    AskAllToMute,
    /// Offers a file. Nothing is read until it is accepted.
    OfferFile {
        /// Chosen by the caller; never used twice in a meeting.
        id: FileId,
        /// Whom; `None`: everybody who is in the room now.
        to: Option<PeerId>,
        /// As the file is called here.
        name: String,
        /// Bytes; at most `limits::FILE_BYTES`.
        size: u64,
        /// Of the whole content.
        sha256: [u8; 32],
    },
    /// The answer to [`TalkEvent::FileDataWanted`]: exactly what was asked for, else the transfer ends as unreadable.
    FileData {
        /// Who gets it.
        to: PeerId,
        /// Which file.
        id: FileId,
        /// As asked.
        offset: u64,
        /// As many bytes as asked.
        data: Bytes,
    },
    /// We no longer offer or send it to this person (`None`: to nobody).
    CancelFile {
        /// To whom.
        to: Option<PeerId>,
        /// Which file.
        id: FileId,
    },
    /// We take an offered file.
    AcceptFile {
        /// Whose.
        from: PeerId,
        /// Which file.
        id: FileId,
        /// Bytes that we have already, from an earlier meeting or session.
        offset: u64,
    },
    /// We do not want it, or no longer.
    DeclineFile {
        /// Whose.
        from: PeerId,
        /// Which file.
        id: FileId,
    },
    /// How far an incoming file is written: more is sent only as this moves on.
    FileWritten {
        /// Whose.
        from: PeerId,
        /// Which file.
        id: FileId,
        /// Bytes written in all, the ones of earlier sessions included.
        offset: u64,
    },
    /// The answer to [`TalkEvent::FileArrived`]: whether the content has the announced SHA-256. The sender is told.
    FileChecked {
        /// Whose.
        from: PeerId,
        /// Which file.
        id: FileId,
        /// It has.
        intact: bool,
    },
}

/// News for the owner of a meeting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TalkEvent {
    /// Text, our own included. Each once; kept in the order of [`ChatMessage::key`] the list is the same for everybody.
    Chat(Vec<ChatMessage>),
    /// The raised hands, longest raised first, whenever they change.
    Hands(Vec<PeerId>),
    /// Somebody else reacts.
    Reaction {
        /// Who.
        from: PeerId,
        /// How.
        reaction: Reaction,
    },
    /// Whom somebody else hears; the whole row, whenever it changes.
    Hearing {
        /// Whose ears.
        of: PeerId,
        /// Whom they hear.
        row: Vec<(PeerId, Hearing)>,
    },
    /// Nothing was told of this person's ears for `limits::HEARING_STALE`, or they have left: forget their row.
    HearingGone {
        /// Whose.
        of: PeerId,
    },
    /// An admin asks us to mute. We decide.
    MuteAsked {
        /// Who asks.
        by: PeerId,
        /// They ask all.
        everyone: bool,
    },
    /// Somebody offers a file.
    FileOffered {
        /// Who.
        from: PeerId,
        /// Which; ids are the offerer's own.
        id: FileId,
        /// Safe as a file name on every system; may exist already.
        name: String,
        /// Bytes.
        size: u64,
        /// What the content must hash to.
        sha256: [u8; 32],
    },
    /// The next bytes of a file that we accepted, in order. Answer with [`TalkCommand::FileWritten`].
    FileData {
        /// Whose.
        from: PeerId,
        /// Which.
        id: FileId,
        /// Where they belong.
        offset: u64,
        /// The bytes.
        data: Bytes,
    },
    /// All bytes of an accepted file were delivered. Answer with [`TalkCommand::FileChecked`].
    FileArrived {
        /// Whose.
        from: PeerId,
        /// Which.
        id: FileId,
    },
    /// An incoming file will not come (any more). What was written may be kept for another time.
    FileWithdrawn {
        /// Whose.
        from: PeerId,
        /// Which.
        id: FileId,
        /// Why.
        reason: FileWithdrawal,
    },
    /// Somebody takes our file, or goes on taking it after a cut.
    FileAccepted {
        /// Who.
        to: PeerId,
        /// Which.
        id: FileId,
        /// From where on.
        offset: u64,
    },
    /// The next piece of our file may go. Answer with [`TalkCommand::FileData`]. After a new [`TalkEvent::FileAccepted`] an
    /// answer to an earlier question is ignored.
    FileDataWanted {
        /// For whom.
        to: PeerId,
        /// Which.
        id: FileId,
        /// From where.
        offset: u64,
        /// How many bytes, exactly.
        length: usize,
    },
    /// How much of our file has been written at the other end.
    FileProgress {
        /// For whom.
        to: PeerId,
        /// Which.
        id: FileId,
        /// Bytes written there.
        written: u64,
    },
    /// Nothing more will happen with our file towards this person.
    FileEnded {
        /// For whom.
        to: PeerId,
        /// Which.
        id: FileId,
        /// How.
        outcome: FileOutcome,
    },
    /// A command was not carried out.
    Refused(TalkRefusal),
    /// Somebody broke the rules of talk and was cut off; `Event::Left` follows.
    CutOff {
        /// Who.
        who: PeerId,
        /// For what.
        offence: Offence,
    },
}

/// Text that somebody wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatMessage {
    /// Where it stands, for everybody alike.
    pub key: ChatKey,
    /// What the author's clock said.
    pub sent_unix_s: u64,
    /// Free of control and direction characters but line feeds; not empty.
    pub text: String,
}

/// The place of a message in the list. Its order is that of the fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChatKey {
    /// Higher than that of everything its author had seen.
    pub lamport: u64,
    /// Who wrote it.
    pub author: PeerId,
    /// The author's own count.
    pub sequence: u32,
    /// Tells two messages apart that a dishonest author gave the same number.
    pub digest: [u8; 16],
}

/// A file of one sender in one meeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u64);

/// Whether somebody's sound is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hearing {
    /// Sound was decoded a moment ago.
    Heard,
    /// The sender says that nothing follows: muted, or a pause.
    Quiet,
    /// Sound should come and does not.
    NotHeard,
}

/// The closed set of reactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reaction {
    /// Agreement.
    ThumbsUp,
    /// Disagreement.
    ThumbsDown,
    /// Applause.
    Clap,
    /// Affection.
    Heart,
    /// Laughter.
    Laugh,
    /// Astonishment.
    Surprise,
}

impl Reaction {
    /// All of them, in the order in which to show them.
    pub const ALL: [Self; 6] = [Self::ThumbsUp, Self::ThumbsDown, Self::Clap, Self::Heart, Self::Laugh, Self::Surprise];
}

/// Why an incoming file will not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileWithdrawal {
    /// The sender took it back, or cannot read it any more.
    BySender,
    /// The sender is gone.
    SenderGone,
}

/// How an outgoing file ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileOutcome {
    /// Written and checked at the other end.
    Delivered,
    /// What was written there has another SHA-256.
    Damaged,
    /// They do not want it, or no longer.
    Declined,
    /// We took it back.
    Cancelled,
    /// The content was not handed to the core as asked for.
    Unreadable,
    /// They are gone.
    ReceiverGone,
}

/// Why a command was not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TalkRefusal {
    /// Nothing but white space.
    #[error("There is nothing to send.")]
    EmptyText,
    /// Longer than `limits::CHAT_TEXT_BYTES`.
    #[error("The text is too long.")]
    TextTooLong,
    /// More than others would put up with.
    #[error("That was too much at once.")]
    TooFast,
    /// Only an admin may do that.
    #[error("Only an admin can do that.")]
    NotAdmin,
    /// Nobody of that name is in the room.
    #[error("This person is not there any more.")]
    NoSuchPeer,
    /// Larger than `limits::FILE_BYTES`.
    #[error("The file is too large.")]
    FileTooLarge,
    /// As many files as there may be at once: offered to this person, or being received.
    #[error("Too many files at once.")]
    TooManyFiles,
    /// No such file is offered, or the id was used before.
    #[error("There is no such file.")]
    NoSuchFile,
}

/// How somebody broke the rules of talk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Offence {
    /// More text than a person writes.
    #[error("floods the chat")]
    ChatFlood,
    /// More messages of other kinds than an honest program sends.
    #[error("floods the meeting with messages")]
    Flood,
    /// Passed on what its author never signed.
    #[error("forges messages of others")]
    Forgery,
    /// Gave what nobody asked for.
    #[error("sends what nobody asked for")]
    Unsolicited,
    /// A number that no honest program comes to.
    #[error("sends impossible messages")]
    Impossible,
    /// More open offers than are allowed.
    #[error("offers too many files")]
    TooManyOffers,
    /// Bytes of a file that was not accepted, beyond its size or beyond what we can take.
    #[error("sends file data that nobody asked for")]
    FileData,
}
