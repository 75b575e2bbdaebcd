//! Every bound of this crate in one place, each with its reason. Sections: invites and names, signalling and handshake,
//! session and path, membership and lobby, transport.

use std::time::Duration;

use crate::frames::SpatialLayer;

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

// ---- Signalling and handshake ----

/// The largest handshake message has 1,700 bytes; a larger one is not ours.
pub const HANDSHAKE_MESSAGE_BYTES: usize = 4096;
/// A handshake takes two round trips. Ten seconds cover any usable link and free the state of a silent peer.
pub const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(10);
/// Handshakes that one peer may start within [`HANDSHAKE_DEADLINE`]: lost streams are retried, floods are not served.
pub const HANDSHAKES_PER_PEER: u32 = 6;
/// Times that a joiner has the door's addresses tried, for six seconds, before it says that nobody is there.
pub const JOIN_ATTEMPTS: u32 = 7;
/// First pause before a signalling stream is opened again; doubles up to [`RECONNECT_MAX`]. Two who dial each other at once may
/// lose both streams, and a newcomer should not wait for that.
pub const RECONNECT_FIRST: Duration = Duration::from_millis(100);
/// Longest pause between two attempts to reach a member.
pub const RECONNECT_MAX: Duration = Duration::from_secs(10);

// ---- Session and path ----

/// A larger datagram is not ours; the buffer for opening has this size.
pub const DATAGRAM_BYTES_MAX: usize = 2048;
/// Counters behind the newest that are still accepted once: at 500 datagrams a second four seconds of reordering.
pub const REPLAY_WINDOW: u64 = 2048;
/// Age at which a session gets new keys.
pub const REKEY_AFTER: Duration = Duration::from_secs(120);
/// A rekey that is not through by then starts anew.
pub const REKEY_DEADLINE: Duration = Duration::from_secs(10);
/// How long the old key still opens datagrams: far longer than any stays in flight.
pub const OLD_KEY_LIVES: Duration = Duration::from_secs(10);
/// Pause between two keep-alives. NAT bindings live 30 s at least; membership heads should be compared more often.
pub const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// Silence after which we ask "are you there?". A quiet room has nothing else to send for up to [`KEEP_ALIVE`].
pub const PING_AFTER: Duration = Duration::from_secs(2);
/// Pause between two such questions: four of them before the path is called lost.
pub const PING_EVERY: Duration = Duration::from_millis(500);
/// How long one of two peers stays on its path although the other, who follows at once, speaks from another address, while the
/// round trip is not known. When it is: a fifth of this and two round trips, so that a path that broke is left soon.
pub const LEADER_STAYS: Duration = Duration::from_millis(100);
/// Silence after which media stop and all addresses are tried again.
pub const PATH_LOST_AFTER: Duration = Duration::from_secs(4);
/// Silence after which a member has left the room. A network change or a lift ride is shorter; a longer absence should not
/// keep a frozen face on the wall.
pub const MEMBER_TIMEOUT: Duration = Duration::from_secs(30);
/// A member that was away this long needs a fresh handshake; until then its old session is kept and asked now and then.
pub const SESSION_FORGOTTEN: Duration = Duration::from_secs(600);
/// Addresses of one peer that are tried: eight of an invite, the signalling one, and a few peer-reflexive ones.
pub const CANDIDATES: usize = 12;
/// First pause between two challenges to one address; doubles up to [`CHALLENGE_MAX`].
pub const CHALLENGE_FIRST: Duration = Duration::from_millis(50);
/// Longest pause between two challenges to one address.
pub const CHALLENGE_MAX: Duration = Duration::from_secs(2);
/// An address that nobody but an unproven datagram named gets at most this many times the bytes that came from it (RFC 9000,
/// section 8).
pub const AMPLIFICATION: u64 = 3;
/// Goodbyes are sent this often, this far apart: a datagram may be lost.
pub const GOODBYES: u32 = 3;
/// Pause between two goodbyes. The first waits as long, so that what was said before it gets through.
pub const GOODBYE_EVERY: Duration = Duration::from_millis(80);
/// The same to somebody who was put out: all is over for them within 160 ms, and until then they get nothing but the news.
pub const REMOVED_GOODBYE_EVERY: Duration = Duration::from_millis(40);
/// How long after a goodbye the other end still takes in what was said before it.
pub const LINGER: Duration = Duration::from_secs(2);
/// Reasons to wake that the statistics list.
pub const WAKES_LISTED: usize = 16;
/// Datagrams made for one peer in one turn; the pacer allows far fewer.
pub const DATAGRAMS_PER_TURN: usize = 256;

// ---- Membership and lobby ----

/// People in a room: a full mesh of encoded video does not carry more.
pub const MEMBERS: usize = 16;
/// Signed operations that a meeting may have: 250 comings and goings. Its fold costs microseconds up to here.
pub const OPERATIONS: usize = 512;
/// Operations kept while one that they build on is still missing.
pub const OPERATIONS_PENDING: usize = 64;
/// Operations that one may build on at once; more heads are joined by the next operation.
pub const PARENTS: usize = 8;
/// Operations in one control message: about 16 kB.
pub const OPERATIONS_PER_MESSAGE: usize = 64;
/// Peers introduced in one message: all others of a full room.
pub const INTRODUCTIONS: usize = MEMBERS;
/// Strangers at the door at once. More would only flood the screen.
pub const KNOCKERS: usize = 8;
/// How long a knock is kept without an answer from inside.
pub const KNOCK_PATIENCE: Duration = Duration::from_secs(600);
/// Pause before heads that differ are compared in full: an operation in flight mostly settles it.
pub const SYNC_PAUSE: Duration = Duration::from_millis(500);
/// Pause after a denial during which the same key may not knock again.
pub const DENIED_FOR: Duration = Duration::from_secs(60);
/// Keys remembered as denied or cut off.
pub const TURNED_AWAY: usize = 64;

// ---- Video division ----

/// What pictures may cost before the first estimate: enough for the middle of the ladder.
pub const LAYER_FIRST_KBPS: u64 = 350;
/// Lowest budget at which a layer is chosen, smallest layer first, in kbit/s.
pub const LAYER_UP_KBPS: [u64; 3] = [40, 300, 1000];
/// A layer in use is kept down to this budget: no flapping around the threshold.
pub const LAYER_KEEP_KBPS: [u64; 3] = [30, 250, 800];
/// What a layer can use at most. The picture does not get better to see beyond it.
pub const LAYER_MAX_KBPS: [u64; 3] = [250, 800, 1800];
/// What a layer costs when many get it: the ladder, less a tenth for headers and seals.
pub const LAYER_LADDER_KBPS: [u64; 3] = [108, 315, 1080];
/// What all copies of a layer may cost before its rate goes down to the ladder's: those of four or five people.
pub const LAYER_COPIES_KBPS: [u64; 3] = [500, 1500, 3600];
/// The steps in which an uplink with a bound is given away, as they cost on the wire.
pub const LADDER_KBPS: [(SpatialLayer, u64); 3] =
    [(SpatialLayer::Small, 120), (SpatialLayer::Medium, 350), (SpatialLayer::Full, 1200)];
/// Less on the wire than this is for nothing: with sound and headers taken off no layer is begun (`LAYER_UP_KBPS`).
pub const LEAST_PICTURES_KBPS: u64 = 67;
/// Voice of 28 kbit/s in 50 datagrams a second, with all headers. Reports ride along.
pub const SOUND_KBPS: u64 = 64;

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
