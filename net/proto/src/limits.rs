//! Every bound of this crate in one place, each with its reason. Sections: invites and names, signalling and handshake,
//! session and path, membership and lobby, transport, talk.

use std::time::Duration;

use crate::frames::SpatialLayer;

pub use crate::talk::Rate;

// ---- Protocol ----

/// What we speak. Another number is another language: no attempt is made to guess.
pub const PROTOCOL_VERSION: u16 = 6;

// ---- Invites and names ----

/// Addresses in an invite: two families, a few interfaces, a router mapping. More would only make the text longer.
pub const INVITE_ADDRESSES: usize = 8;
/// An invite is good for a day: long enough to be sent the evening before, short enough that old chats do not open doors.
pub const INVITE_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
/// The longest that anybody may want: what is older than a week was forgotten in some chat.
pub const INVITE_LIFETIME_MAX: Duration = Duration::from_secs(7 * 24 * 60 * 60);
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
/// The same for a member. On a busy computer two who dial each other at once lose stream after stream before one of them holds;
/// each costs half a millisecond.
pub const HANDSHAKES_PER_MEMBER: u32 = 24;
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
/// A member that was away this long needs a fresh handshake; until then its old session is kept and asked now and then. It stays
/// a member, and its addresses are kept.
pub const SESSION_FORGOTTEN: Duration = Duration::from_secs(600);
/// Longest pause between two attempts to reach a member that was away for [`SESSION_FORGOTTEN`]: it comes by itself, unless it
/// is we who moved.
pub const AWAY_RECONNECT: Duration = Duration::from_secs(60);
/// A member's new addresses are told to the others this long after the last telling, at the soonest.
pub const INTRODUCE_EVERY: Duration = Duration::from_secs(1);
/// Addresses of a member that others told us, beside those that it names itself: one who invents some must not push out those.
pub const HEARSAY_ADDRESSES: usize = 6;
/// Two sessions do not get new keys within this time: a handshake costs half a millisecond, fifteen at once a frame of sound.
pub const REKEY_APART: Duration = Duration::from_millis(100);
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
/// Members that the fold seats: two full halves of a room that was split meet again. Admins admit no more than [`MEMBERS`].
pub const ROSTER: usize = 2 * MEMBERS;
/// Signed operations that a meeting may have: 500 comings and goings. Its fold costs a millisecond up to here.
pub const OPERATIONS: usize = 1024;
/// The last ones are for leaving and for putting out: a full history must not keep anybody in.
pub const OPERATIONS_RESERVE: usize = 128;
/// Operations of one author: the only admin of a busy meeting needs them; a hostile one cannot fill the history for all.
pub const OPERATIONS_OF_ONE: usize = 384;
/// Operations kept while one that they build on is still missing.
pub const OPERATIONS_PENDING: usize = 64;
/// Of those, operations of one author.
pub const OPERATIONS_PENDING_OF_ONE: usize = 8;
/// Operations that a peer may send beyond what is new to us at once: it may sync all it has a few times over.
pub const OPERATIONS_USELESS: u32 = 4096;
/// How soon one more of these is forgiven.
pub const OPERATIONS_USELESS_EVERY: Duration = Duration::from_millis(30);
/// Operations that one may build on at once; more heads are joined by the next operation. Every member has one.
pub const PARENTS: usize = MEMBERS;
/// Former states of a history that are kept to judge what builds on them.
pub const VIEWS: usize = 16;
/// Newest operations that a member shows whom it meets first: its own admission may still be under way to them.
pub const VOUCH_OPERATIONS: usize = 24;
/// Operations in one control message: about 16 kB, 45 kB at most.
pub const OPERATIONS_PER_MESSAGE: usize = 64;
/// Peers introduced in one message: all others of a full room.
pub const INTRODUCTIONS: usize = MEMBERS;
/// Knocks that wait at once. More would only flood the screen.
pub const KNOCKERS: usize = 16;
/// A knock that was shown is not pushed out by others like it for this long: time to read a name and decide.
pub const KNOCK_HELD: Duration = Duration::from_secs(30);
/// How long a knock is kept without an answer from inside.
pub const KNOCK_PATIENCE: Duration = Duration::from_secs(600);
/// Streams of strangers that have not proven an invite yet. The oldest makes room: proving takes one message.
pub const STRANGERS: usize = 64;
/// Knocks with one ticket, or from one address, that are served at once: a full room gets its one invite at the same moment.
pub const KNOCK_BURST: u32 = 16;
/// How soon one more of these is served.
pub const KNOCK_EVERY: Duration = Duration::from_secs(2);
/// The same for all together whose ticket is knocked with too often: 5 handshakes a second cost less than 1 % of a core.
pub const KNOCK_CROWD_EVERY: Duration = Duration::from_millis(200);
/// Tickets and addresses whose knocks are counted. The one that knocked longest ago makes room.
pub const KNOCK_COUNTS: usize = 1024;
/// Devices that are blocked for a meeting.
pub const BLOCKED: usize = 256;
/// Times that a member's lists of operations are compared at once, and how soon once more: a list costs up to 75 kB.
pub const SYNC_BURST: u32 = 6;
/// See [`SYNC_BURST`].
pub const SYNC_EVERY: Duration = Duration::from_millis(500);
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
pub const LAYER_UP_KBPS: [u64; 3] = [40, 220, 550];
/// A layer in use is kept down to this budget: no flapping around the threshold.
pub const LAYER_KEEP_KBPS: [u64; 3] = [30, 170, 420];
/// What a layer can use at most. The picture does not get better to see beyond it.
pub const LAYER_MAX_KBPS: [u64; 3] = [250, 800, 1600];
/// What a layer costs when many get it: the ladder, less a tenth for headers and seals.
pub const LAYER_LADDER_KBPS: [u64; 3] = [108, 315, 1080];
/// What all copies of a layer may cost before its rate goes down to the ladder's: those of four or five people.
/// Three copies of the middle fit an uplink of 3 Mbit/s with more than 700 kbit/s each, seven are the ladder's.
pub const LAYER_COPIES_KBPS: [u64; 3] = [500, 2200, 3600];
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

// ---- Transport: estimate ----

/// No estimate is below this: speech of 8 kbit/s with its headers, so that a bad hour of a path cannot silence anybody.
pub const ESTIMATE_LEAST_KBPS: u64 = 30;
/// Nor above this: nothing in a call gets better, whatever a peer claims.
pub const ESTIMATE_MOST_KBPS: u64 = 20_000;

// ---- Transport: audio ----

/// Sound frames that wait for the socket. They leave at once; more than this is a stalled caller, and old sound is worthless.
pub const AUDIO_QUEUE: usize = 16;
/// An Opus packet is at most 1275 bytes, but it must fit a datagram with its header.
pub const AUDIO_PAYLOAD_BYTES: usize = 1100;
/// Frames in one datagram: three of a thin path, or the newest with its copies, and some room for later versions.
pub const AUDIO_BLOCKS: usize = 8;
/// Sent frames that are kept for copies: the farthest that a copy is sent behind its frame.
pub const AUDIO_KEPT: usize = 8;
/// Samples of a frame that a parity may stand for: 20 ms at 48 kHz, which is all that we send.
pub const AUDIO_FRAME_SAMPLES: u64 = 960;
/// Frames that came and are remembered, since a parity may need them: as far back as one can reach.
pub const AUDIO_KNOWN: usize = 16;
/// Parities of which not both frames came: what these could still give is too late to be heard when eight newer ones wait.
pub const AUDIO_PARITIES: usize = 8;
/// Datagrams with sound whose fates tell what repair is needed: ten seconds, in which bursts show.
pub const AUDIO_FATES: usize = 500;

// ---- Transport: video ----

/// The largest coded picture: a 720p key frame is 20-40 kB, a 1080p text screen up to ten times that.
pub const VIDEO_FRAME_BYTES: usize = 512 * 1024;
/// Pieces of one picture, as `VIDEO_FRAME_BYTES` in pieces of 512 bytes.
pub const VIDEO_FRAGMENTS: usize = 1024;
/// Pieces of a picture that Reed-Solomon repairs: with the parities below they are 256, all that a byte tells apart. A larger
/// picture relies on requests.
pub const VIDEO_REPAIRED_FRAGMENTS: usize = 192;
/// Parity pieces of one picture.
pub const VIDEO_PARITIES: u8 = 64;
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

// ---- Talk: text ----

/// One message, cleaned: two screens full. Longer things are files.
pub const CHAT_TEXT_BYTES: usize = 4000;
/// Messages that are kept: a long meeting's worth. The oldest go.
pub const CHAT_MESSAGES: usize = 1000;
/// Bytes of the messages that are kept, signatures included. The oldest go.
pub const CHAT_BYTES: usize = 512 * 1024;
/// What we let our owner write: faster than anybody types, slower than a paste in a loop.
pub const CHAT_SAID: Rate = Rate { burst: 20, every: Duration::from_secs(1) };
/// What we take from an author before we cut them off: more than an honest one can send ([`CHAT_SAID`]), also when a cut of
/// some seconds delivers it all at once.
pub const CHAT_HEARD: Rate = Rate { burst: 60, every: Duration::from_millis(800) };
/// What we take of an author's text that others kept for us: all that the author can have written while we were away.
pub const CHAT_CAUGHT_UP: Rate = Rate { burst: 1000, every: Duration::from_millis(800) };
/// Of those, what may come at once of somebody whom we have just met.
pub const CHAT_OF_THE_NEW: u32 = 60;
/// How far ahead of all that we know a message may number itself: far more than a meeting has messages, and a number
/// chosen to be the last for good is refused.
pub const LAMPORT_LEAP: u64 = 100_000;
/// Kept text goes to a peer in pieces of this size, at the pace of files.
pub const CHAT_BATCH_BYTES: usize = 8 * 1024;
/// Pause before we tell others that our list has changed: most of them have the message already.
pub const HEADS_PAUSE: Duration = Duration::from_millis(200);
/// Heads are told anew so often, should one have been lost with a session.
pub const HEADS_EVERY: Duration = Duration::from_secs(20);
/// Pause before lists that differ are compared in full: a message in flight mostly settles it.
pub const CHAT_SYNC_PAUSE: Duration = Duration::from_millis(300);
/// A comparison that changed nothing is not repeated sooner.
pub const CHAT_SYNC_AGAIN: Duration = Duration::from_secs(30);

// ---- Talk: small things ----

/// Messages of any kind but asked-for data from one peer, beyond which it floods. An honest one that passes on the rows of
/// fourteen others, each as fast as [`ROWS_HEARD`] lets them be, stays below two thirds of it.
pub const TALK_HEARD: Rate = Rate { burst: 800, every: Duration::from_millis(10) };
/// Heads of one peer that are looked at; more are left out. Each may cost us sixteen hands in answer.
pub const HEADS_HEARD: Rate = Rate { burst: 10, every: Duration::from_millis(150) };
/// Lists of one peer that are compared; more are left out. Each costs our own list in answer.
pub const LISTS_HEARD: Rate = Rate { burst: 6, every: Duration::from_millis(500) };
/// Reactions that our owner may send.
pub const REACTIONS_SAID: Rate = Rate { burst: 5, every: Duration::from_millis(500) };
/// Reactions that are shown of one peer; more are left out.
pub const REACTIONS_HEARD: Rate = Rate { burst: 8, every: Duration::from_millis(400) };
/// Changes of hands by our owner.
pub const HANDS_SAID: Rate = Rate { burst: 20, every: Duration::from_secs(1) };
/// Changes of hands that are taken of one member, by itself or as an admin, before it floods.
pub const HANDS_HEARD: Rate = Rate { burst: 60, every: Duration::from_millis(800) };
/// Requests to mute by our owner.
pub const MUTES_SAID: Rate = Rate { burst: 20, every: Duration::from_secs(1) };
/// Requests to mute that are shown of one peer; more are left out.
pub const MUTES_HEARD: Rate = Rate { burst: 3, every: Duration::from_secs(5) };

// ---- Talk: who hears whom ----

/// A row is told anew so often.
pub const HEARING_EVERY: Duration = Duration::from_secs(2);
/// A row in which somebody is newly heard or not heard is told at once, but not more often than this.
pub const HEARING_PAUSE: Duration = Duration::from_millis(250);
/// Rows of one member that are looked at and passed on; more are left out.
pub const ROWS_HEARD: Rate = Rate { burst: 8, every: Duration::from_millis(240) };
/// A row that was not told anew for so long (two of three lost) is forgotten.
pub const HEARING_STALE: Duration = Duration::from_secs(6);
/// Members that pass a row on to somebody whom its owner does not hear: one may fail.
pub const HEARING_RELAYS: usize = 2;

// ---- Talk: files ----

/// The largest file that may be offered: a day's film. Nothing is set aside for an offer.
pub const FILE_BYTES: u64 = 16 * 1024 * 1024 * 1024;
/// Bytes of a file's name on the wire and for its receiver; file systems take 255, and the receiver adds a number.
pub const FILE_NAME_BYTES: usize = 200;
/// Files between two peers in one direction that are offered or under way.
pub const FILES_PER_PEER: usize = 4;
/// Files that are received at once, from all peers.
pub const FILES_RECEIVED: usize = 8;
/// Ended files that are remembered per peer and direction, so that a late word about one is no offence.
pub const FILES_REMEMBERED: usize = 16;
/// Offers by our owner to one peer.
pub const OFFERS_SAID: Rate = Rate { burst: 10, every: Duration::from_secs(3) };
/// Offers of one peer, beyond which it floods.
pub const OFFERS_HEARD: Rate = Rate { burst: 40, every: Duration::from_secs(2) };
/// One piece of a file, at most: 13 datagrams.
pub const FILE_PIECE_MAX: usize = 16 * 1024;
/// One piece of a file, at least, but for the last: else a file could be made of a billion messages.
pub const FILE_PIECE_MIN: usize = 1024;
/// Bytes of one file that may be under way or wait to be written.
pub const FILE_WINDOW: u64 = 64 * 1024;
/// The window is moved when so much was written.
pub const FILE_WINDOW_STEP: u64 = 16 * 1024;
/// Bytes of files and kept text that may wait in one session's reliable channel: a quarter of a second at 1 Mbit/s, so that
/// what matters more waits no longer.
pub const BULK_WAITING: usize = 32 * 1024;
/// Part of the estimate that files and kept text may use.
pub const BULK_SHARE: f64 = 0.25;
/// Part of the best estimate that they may use towards all peers together: many paths may be one cable.
pub const BULK_SHARE_OF_ALL: f64 = 0.5;
/// They begin no faster than this and double every second: an estimate that was never used to its full may be far too high, and
/// so it is corrected before sound suffers.
pub const BULK_FIRST_KBPS: u64 = 250;
/// They always get this much, or they would never end.
pub const BULK_LEAST_KBPS: u64 = 24;
/// A piece is what this much time carries: it delays sound by an eighth of it.
pub const BULK_PIECE: Duration = Duration::from_millis(50);
/// The shortest wait for the next piece: no busy loop on a fast path.
pub const BULK_STEP: Duration = Duration::from_millis(1);
/// How often a full channel is looked at again.
pub const BULK_RETRY: Duration = Duration::from_millis(20);
