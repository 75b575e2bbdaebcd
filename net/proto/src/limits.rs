//! Every bound of this crate in one place, each with its reason. Sections: invites and names, signalling and handshake,
//! session and path, membership and lobby, transport.

use std::time::Duration;

// ---- Protocol ----

/// What we speak. Another number is another language: no attempt is made to guess.
pub const PROTOCOL_VERSION: u16 = 1;

// ---- Invites and names ----

/// Addresses in an invite: two families, a few interfaces, a router mapping. More would only make the text longer.
pub const INVITE_ADDRESSES: usize = 8;
/// An invite is good for a day: long enough to be sent the evening before, short enough that old chats do not open doors.
pub const INVITE_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
/// Longest text that is even looked at as an invite (a full one is about 350 characters).
pub const INVITE_TEXT: usize = 1024;
/// Characters of a name that anybody gets to see.
pub const NAME_CHARS: usize = 64;
/// Bytes of a name on the wire: 64 characters of four bytes.
pub const NAME_BYTES: usize = 256;
// ---- Transport: datagrams ----

/// UDP payload that every path of today carries (IPv6 minimum 1280 less headers, rounded down for tunnels).
pub const DATAGRAM_BYTES: usize = 1200;
/// What sealing adds: header 16, tag 16.
pub const SEALED_OVERHEAD: usize = 32;
/// IPv4 (20) or IPv6 (40) and UDP (8) headers: what a link carries besides the payload, for rates.
pub const PACKET_HEADERS: usize = 48;
/// Sent datagrams that may await feedback: ten seconds at 400 a second.
pub const SENT_LOG: usize = 4096;
/// Arrivals in one report. More arrived: the oldest are left out, which costs the sender knowledge and nothing else.
pub const FEEDBACK_ARRIVALS: usize = 256;

// ---- Transport: audio ----

/// Sound frames that wait for the socket. They leave at once; more than this is a stalled caller, and old sound is worthless.
pub const AUDIO_QUEUE: usize = 16;
/// An Opus packet is at most 1275 bytes, but it must fit a datagram with its header.
pub const AUDIO_PAYLOAD_BYTES: usize = 1100;

// ---- Transport: video ----

/// The largest coded picture: a 720p key frame is 20-40 kB, a 1080p text screen up to ten times that.
pub const VIDEO_FRAME_BYTES: usize = 512 * 1024;
/// Pieces of one picture, as `VIDEO_FRAME_BYTES` in pieces of 512 bytes.
pub const VIDEO_FRAGMENTS: usize = 1024;
/// Pictures of one layer that are being put together or wait for an earlier one: a second at 30 f/s and some.
pub const VIDEO_FRAMES_IN_FLIGHT: usize = 48;
/// Bytes that those of all layers may hold.
pub const VIDEO_REASSEMBLY_BYTES: usize = 4 * 1024 * 1024;
/// Pictures in the pacer.
pub const VIDEO_SEND_QUEUE: usize = 64;
/// A picture that waited this long behind others is stale.
pub const VIDEO_QUEUE_DELAY: Duration = Duration::from_millis(250);
/// A picture of the top temporal layer is dropped sooner: nobody needs it.
pub const VIDEO_QUEUE_DELAY_TOP: Duration = Duration::from_millis(80);
/// How long sent pictures are kept for requests: nobody asks for older ones (`GIVE_UP_MAX`).
pub const RETRANSMIT_AGE: Duration = Duration::from_millis(1500);
/// Bytes that are kept for requests.
pub const RETRANSMIT_BYTES: usize = 1024 * 1024;
/// Pieces that wait to be sent again.
pub const RETRANSMIT_QUEUE: usize = 512;
/// Requests for missing pieces that wait for a datagram.
pub const NACK_QUEUE: usize = 16;
/// How often a frame's missing pieces are asked for.
pub const NACK_TRIES: u8 = 10;
/// Before this nothing is given up: a short path deserves a few tries too.
pub const GIVE_UP_MIN: Duration = Duration::from_millis(150);
/// After this a picture is too old to wait for: better a new key frame.
pub const GIVE_UP_MAX: Duration = Duration::from_millis(800);
/// Key frames are expensive: at most one request per layer in this time, and again if unanswered.
pub const KEY_REQUEST_INTERVAL: Duration = Duration::from_secs(1);

// ---- Transport: reliable channel ----

/// One message of the session layer.
pub const RELIABLE_MESSAGE_BYTES: usize = 64 * 1024;
/// Bytes that wait to be acknowledged, all messages together.
pub const RELIABLE_BUFFER_BYTES: usize = 512 * 1024;
/// Bytes that may be under way beyond the first unacknowledged one; the receiver holds as much out of order.
pub const RELIABLE_WINDOW_BYTES: u64 = 96 * 1024;
/// Ranges above the first gap that an acknowledgement lists.
pub const RELIABLE_ISLANDS: usize = 32;

// ---- Transport: events ----

/// Events that wait for `poll_event`. The caller drains after each input; one datagram makes far fewer.
pub const TRANSPORT_EVENTS: usize = 1024;
