//! What goes into and comes out of the [`Core`](super::Core). Plain data, so that a simulated world, the network shell
//! and a test speak the same words.

use std::net::SocketAddr;

use bytes::Bytes;

use crate::ecn::Ecn;
use crate::frames::{AudioFrame, SenderReport, SpatialLayer, VideoFrame, Wish};
use crate::ids::{DevicePublicKey, PeerId};
use crate::room::{MemberChange, MemberRole, Offence, RosterEntry, Rule, Rules};
use crate::talk::{TalkCommand, TalkEvent};
use crate::time::{Bitrate, Instant};

/// What the owner of a meeting asks of the core.
#[derive(Clone, Debug)]
pub enum Command {
    /// Let a knocking peer in (admins only).
    Admit(PeerId),
    /// Turn a knocking peer away (admins only).
    Deny(PeerId),
    /// Turn a knocking peer away, or put a member out (admins only); that device knocks at our door no more in this meeting.
    Block(PeerId),
    /// Put a member out (admins only).
    Remove(PeerId),
    /// Make a member an admin, or an admin a plain member (admins only).
    SetRole(PeerId, MemberRole),
    /// No invite of before opens anything any more (admins only).
    RotateInvite,
    /// Switch a rule of the room (admins only).
    SetRule(Rule, bool),
    /// What the calendar says, in Unix seconds: at the start, and now and then. Only the age of invites is judged by it.
    SetUnixTime(u64),
    /// Leave for good; `Event::Closed` follows once the goodbyes are out.
    Leave,
    /// Sound for everybody in the room.
    SendAudio(AudioFrame),
    /// A picture for all who want its layer.
    SendVideo(VideoFrame),
    /// Clock mapping, mute and camera state, for everybody in the room; repeated by the core as needed.
    SetSenderReport(SenderReport),
    /// What we want to see of this peer.
    SetWish(PeerId, Wish),
    /// A decoder cannot go on without a key frame.
    RequestKeyFrame(PeerId, SpatialLayer),
    /// Our own addresses as far as known: candidates for peers, and what invites carry.
    SetLocalAddresses(Vec<SocketAddr>),
    /// Upper bound for what we send in all (`--max-bitrate`).
    SetMaxBitrate(Option<Bitrate>),
    /// The network under us changed (new interface, wake from sleep): check every path again at once.
    NetworkChanged,
    /// Text, hands, reactions, hearing, files. Refusals come as [`TalkEvent::Refused`].
    Talk(TalkCommand),
}

/// News of the signalling stream to one peer (a libp2p stream in the shell). Reliable and in order.
#[derive(Clone, Debug)]
pub enum SignalInput {
    /// The stream is open, either side having opened it.
    Opened {
        /// Where the peer's end is, to be tried as a candidate first.
        remote: SocketAddr,
    },
    /// One whole message.
    Message(Bytes),
    /// It is gone; a session that is already keyed lives on.
    Closed,
    /// It could not be opened at all.
    Failed,
}

/// What the core wants done.
#[derive(Debug)]
pub enum Output {
    /// Send this UDP datagram.
    Transmit {
        /// Where to.
        to: SocketAddr,
        /// As what the network may treat it.
        ecn: Ecn,
        /// The sealed bytes.
        datagram: Vec<u8>,
    },
    /// Send one message on the signalling stream to this peer.
    Signal(PeerId, Vec<u8>),
    /// Open a signalling stream to this peer, trying these addresses. `Opened` or `Failed` answers.
    OpenSignal(PeerId, Vec<SocketAddr>),
    /// Close the signalling stream and connection to this peer.
    CloseSignal(PeerId),
    /// News for the owner of the meeting.
    Event(Event),
    /// Call `handle_timeout` at this moment. Always the last output; replaces any earlier one.
    WakeAt(Instant, WakeReason),
}

/// Why the core wants to be woken. The statistics list the last ones, so that a busy loop shows its cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WakeReason {
    /// A handshake gets no answer.
    HandshakeDeadline,
    /// A path check is to be repeated or given up.
    PathCheck,
    /// Nothing was sent for a while.
    KeepAlive,
    /// Nothing was heard for a while.
    Silence,
    /// The pacer may send again.
    Pace,
    /// A fragment is missing long enough to ask for it.
    Nack,
    /// An incomplete frame is too old.
    GiveUpOnFrame,
    /// Feedback is due.
    Feedback,
    /// A reliable message was not acknowledged.
    Retransmit,
    /// The estimator wants to look at its state or to probe.
    Estimate,
    /// The session's key is old.
    Rekey,
    /// A former key's time is over.
    DropOldKey,
    /// A membership exchange is due.
    Sync,
    /// A member's new addresses are to be passed on.
    Introduce,
    /// Something of talk is due: a row, a comparison, a piece of a file.
    Talk,
    /// Goodbyes are out.
    Close,
}

/// How a path to a peer runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathKind {
    /// Both ends on this machine.
    Loopback,
    /// Private, link-local or unique-local addresses.
    LocalNetwork,
    /// Anything else.
    Internet,
}

/// News for the owner of the meeting.
#[derive(Clone, Debug)]
pub enum Event {
    /// Somebody knocks.
    Knock {
        /// Their key in this meeting.
        who: PeerId,
        /// What they call themselves; cleaned of control and bidirectional characters, at most 64 characters.
        name: String,
        /// Their device, to compare with contacts.
        device: DevicePublicKey,
    },
    /// A knock ended without our doing: they left or timed out.
    KnockGone(PeerId),
    /// We knock and wait (joiner only); the inviter is there.
    Waiting,
    /// We were let in (joiner only).
    Admitted,
    /// We were turned away or put out, or the door could not be reached. The meeting is over for us.
    Refused(Refusal),
    /// A member is in the room and its session open.
    Joined {
        /// Their key in this meeting.
        who: PeerId,
        /// Cleaned name.
        name: String,
        /// Their device.
        device: DevicePublicKey,
    },
    /// A member is gone.
    Left {
        /// Who.
        who: PeerId,
        /// Why.
        reason: LeaveReason,
    },
    /// The six meeting words; anew at every change of membership.
    Words {
        /// The same for everybody in the room.
        words: [&'static str; 6],
        /// Why they are new; empty for our own coming in.
        why: Vec<MemberChange>,
    },
    /// Everybody who belongs to the room, ourselves too, by key; whenever anything in it changes.
    Roster(Vec<RosterEntry>),
    /// Somebody may do more or less than before.
    RoleChanged {
        /// Who.
        who: PeerId,
        /// What they are now.
        role: MemberRole,
        /// Who did it; `None`: it fell to them, as the most senior of a room without admins, or was taken back.
        by: Option<PeerId>,
    },
    /// The rules of the room, when we come in and whenever one changes.
    Rules {
        /// As they stand.
        rules: Rules,
        /// Which changed, and who did it; empty when we come in.
        changed: Vec<(Rule, PeerId)>,
    },
    /// Our invites of before open nothing any more: somebody was put out, or an admin asked for it (admins only).
    InvitesRevoked,
    /// Somebody told some of us one thing and others another: their program is not ours, or their key is in two hands.
    Equivocation {
        /// Who.
        who: PeerId,
    },
    /// A member was cut off; `Left` follows.
    CutOff {
        /// Who.
        who: PeerId,
        /// What they did.
        offence: Offence,
    },
    /// The path to a peer was found or changed.
    Path {
        /// To whom.
        who: PeerId,
        /// Over what kind of network.
        kind: PathKind,
        /// The peer's address on it.
        address: SocketAddr,
    },
    /// The path to a peer stopped carrying anything; the core tries to bring it back.
    PathLost(PeerId),
    /// Sound from a member.
    Audio(PeerId, AudioFrame),
    /// A whole picture, in an order that can be decoded: everything it needs was delivered before it.
    Video(PeerId, VideoFrame),
    /// A member's clock mapping, mute and camera state.
    SenderReport(PeerId, SenderReport),
    /// Somebody cannot go on without a key frame of this layer.
    KeyFrameWanted(SpatialLayer),
    /// What to encode from now on: for each layer somebody wants, a target rate. Empty: no video wanted.
    EncoderTargets(Vec<LayerTarget>),
    /// A knocker's or member's version cannot talk to ours.
    IncompatiblePeer {
        /// The version it speaks.
        theirs: u16,
        /// The version we speak.
        ours: u16,
    },
    /// Text, hands, reactions, hearing, files.
    Talk(TalkEvent),
    /// We left, or were refused, and all goodbyes are out. Nothing follows.
    Closed,
}

/// One layer that somebody wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerTarget {
    /// Which.
    pub layer: SpatialLayer,
    /// What it may cost.
    pub bitrate: Bitrate,
}

/// Why we are not in the meeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// An admin said no.
    Denied,
    /// An admin put us out.
    Removed,
    /// The invite is none of this meeting.
    InviteRejected,
    /// The invite is too old, by the inviter's clock.
    InviteExpired,
    /// The invite was withdrawn, or was for one person and has let them in.
    InviteRevoked,
    /// Nobody may knock at present.
    Locked,
    /// Nobody answers at the invite's addresses.
    Unreachable,
    /// The peer speaks another protocol version.
    Incompatible,
    /// The peer broke the protocol or is not who the invite names.
    PeerMisbehaved,
    /// Nobody opened within the deadline.
    NoAnswer,
}

/// Why a member is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaveReason {
    /// They left.
    Left,
    /// An admin put them out.
    Removed,
    /// Nothing was heard from them for too long.
    TimedOut,
    /// They broke the protocol and were cut off.
    Misbehaved,
}

/// A command that makes no sense now. Nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// Only an admin may do that.
    #[error("only an admin of the meeting can do that")]
    NotAdmin,
    /// Nobody of that name is there (any more).
    #[error("this person is not there any more")]
    NoSuchPeer,
    /// We are not in the room (yet, or any more).
    #[error("you are not in the meeting")]
    NotInMeeting,
    /// The room holds no more people, or its history no more changes.
    #[error("the meeting is full")]
    MeetingFull,
    /// The frame is larger than any link could carry.
    #[error("the frame is too large to be sent")]
    FrameTooLarge,
}

/// Why there is no invite to hand out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InviteUnavailable {
    /// Only admins open the door, so only their invites work.
    #[error("only an admin of the meeting can invite")]
    NotAdmin,
}
