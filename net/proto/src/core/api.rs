//! What goes into and comes out of the [`Core`](super::Core). Plain data, so that a simulated world, the network shell
//! and a test speak the same words.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use crate::frames::{AudioFrame, SenderReport, SpatialLayer, VideoFrame, Wish};
use crate::ids::{DevicePublicKey, PeerId};
use crate::time::{Bitrate, Instant};

/// What the owner of a meeting asks of the core.
#[derive(Clone, Debug)]
pub enum Command {
    /// Let a knocking peer in (admins only).
    Admit(PeerId),
    /// Turn a knocking peer away.
    Deny(PeerId),
    /// Put a member out (admins only).
    Remove(PeerId),
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
    Words([&'static str; 6]),
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
    /// The invite is not, or no longer, valid for this meeting.
    InviteRejected,
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

/// Counters of one peer's session; names follow WebRTC's where one exists.
#[derive(Clone, Debug, Default)]
pub struct PeerStats {
    /// Smoothed round trip on the path in use.
    pub round_trip_time: Option<Duration>,
    /// Current estimate of what the path carries.
    pub available_outgoing_bitrate: Bitrate,
    /// Address in use.
    pub address: Option<SocketAddr>,
    /// How long the current key has been in use.
    pub key_age: Duration,
    /// How many times the session was rekeyed.
    pub rekeys: u32,
    /// Whole datagrams to the peer, without UDP and IP headers: all that is sealed, sound, pictures, reports and control.
    pub sent: DatagramStats,
    /// The same from the peer.
    pub received: DatagramStats,
    /// Audio as sent.
    pub sent_audio: FlowStats,
    /// Video as sent.
    pub sent_video: FlowStats,
    /// Audio as received.
    pub received_audio: FlowStats,
    /// Video as received.
    pub received_video: FlowStats,
    /// Datagrams dropped: replayed, forged, malformed, stale.
    pub dropped_datagrams: u64,
    /// The last reasons to wake, newest last, at most 16.
    pub last_wakes: Vec<WakeReason>,
}

/// Counters of one direction of a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DatagramStats {
    /// Bytes of UDP payload.
    pub bytes: u64,
    /// How many.
    pub packets: u64,
}

impl DatagramStats {
    pub(crate) fn count(&mut self, bytes: usize) {
        self.bytes += u64::try_from(bytes).unwrap_or(u64::MAX);
        self.packets += 1;
    }
}

/// Counters of one direction of one medium.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlowStats {
    /// Payload and framing, without UDP and IP headers.
    pub bytes: u64,
    /// Datagrams (or chunks, where several share one) of this medium.
    pub packets: u64,
    /// Never arrived, as far as known.
    pub packets_lost: u64,
    /// Fragments sent again, or received after a request.
    pub packets_retransmitted: u64,
    /// Requests for fragments: sent (received flow) or received (sent flow).
    pub nack_count: u64,
    /// Key frame requests: sent (received flow) or received (sent flow).
    pub pli_count: u64,
    /// Whole frames.
    pub frames: u64,
    /// Frames dropped: by the pacer (sent) or given up (received).
    pub frames_dropped: u64,
}

/// A command that makes no sense now. Nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// Only an admin may do that.
    #[error("only the person who opened the meeting can do that")]
    NotAdmin,
    /// Nobody of that name is there (any more).
    #[error("this person is not there any more")]
    NoSuchPeer,
    /// We are not in the room (yet, or any more).
    #[error("you are not in the meeting")]
    NotInMeeting,
    /// The room holds no more people.
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
    #[error("only the person who opened the meeting can invite")]
    NotAdmin,
}
