//! Every bound of this crate in one place, each with its reason. Sections: towards the application, socket, QUIC,
//! signalling, discovery.

use std::time::Duration;

// ---- Towards the application ----

/// Commands waiting for the driver. It takes them within a millisecond; 256 are two seconds of sound and pictures of one
/// sender, so a full channel means that the driver hangs.
pub(crate) const WISHES: usize = 256;
/// Control events waiting for the application: a whole meeting joining at once, many times over.
pub(crate) const CONTROL_EVENTS: usize = 1024;
/// Sound frames waiting for the application, from all peers: 16 peers for 320 ms. Older sound is of no use.
pub(crate) const AUDIO_EVENTS: usize = 256;
/// Pictures waiting for the application, from all peers: 16 peers for 250 ms. Older pictures are of no use.
pub(crate) const VIDEO_EVENTS: usize = 128;
/// How long a caller waits for an invite from the driver before it is told that there is none.
pub(crate) const INVITE_WAIT: Duration = Duration::from_millis(500);

// ---- Socket ----

/// How often a free port is looked for that is free for both IP families.
pub(crate) const PORT_TRIES: usize = 16;
/// What we ask the kernel to buffer per direction: a second at 8 Mbit/s.
pub(crate) const KERNEL_BUFFER: usize = 1 << 20;
/// Buffers per receive call.
pub(crate) const RECEIVE_BATCH: usize = 4;
/// Bytes per receive buffer: the largest run of datagrams that the kernel coalesces.
pub(crate) const GRO_BUFFER: usize = 65_535;
/// Batches in one turn of the driver, before it looks at anything else.
pub(crate) const BATCHES_PER_TURN: usize = 8;
/// Bytes per send call: a UDP datagram's largest payload, as the kernel counts a run of segments.
pub(crate) const GSO_BYTES: usize = 60_000;
/// Sealed datagrams that wait for a socket to take more: 300 kB, a quarter of a second at 8 Mbit/s.
pub(crate) const OUTBOX: usize = 256;
/// Datagrams waiting for QUIC: signalling is a few kilobytes; more is a flood.
pub(crate) const QUIC_INBOX: usize = 256;
/// How long the driver leaves a socket alone that gives errors, so that a dead one costs no processor.
pub(crate) const SOCKET_PAUSE: Duration = Duration::from_millis(100);

// ---- QUIC ----

/// Connections that no one accepted yet.
pub(crate) const QUIC_INCOMING: usize = 32;
/// Bytes buffered for each of them: two full first flights.
pub(crate) const QUIC_INCOMING_BYTES: u64 = 16 * 1024;
/// From here on strangers must prove their address first.
pub(crate) const QUIC_BUSY: usize = 24;
/// From here on strangers get no answer. Sixteen people with two connections each, as much again for knockers.
pub(crate) const QUIC_CONNECTIONS: usize = 96;
/// Streams that a peer may have open: identify, signalling, and the visible protocol, with room.
pub(crate) const QUIC_STREAMS: u32 = 16;
/// Bytes in flight per stream.
pub(crate) const QUIC_STREAM_WINDOW: u32 = 128 * 1024;
/// Bytes in flight per connection.
pub(crate) const QUIC_CONNECTION_WINDOW: u32 = 256 * 1024;
/// A connection that hears nothing for so long is dead.
pub(crate) const QUIC_IDLE: Duration = Duration::from_secs(10);
/// Well below the idle timeout, with a loss in between.
pub(crate) const QUIC_KEEP_ALIVE: Duration = Duration::from_secs(4);
/// First guess of the round trip: a lost first packet is sent again after three of these.
pub(crate) const QUIC_INITIAL_RTT: Duration = Duration::from_millis(100);
/// A handshake that takes longer has failed.
pub(crate) const QUIC_HANDSHAKE: Duration = Duration::from_secs(4);

// ---- Driver ----

/// News from signalling waiting for the driver; streams wait when it is full.
pub(crate) const INPUTS: usize = 256;
/// Requests waiting for signalling; it takes them within milliseconds.
pub(crate) const REQUESTS: usize = 512;
/// Inputs of one kind that the driver takes in one turn, before it looks at anything else.
pub(crate) const INPUTS_PER_TURN: usize = 64;
/// Shortest pause between two wake-ups that the core asks for, so that a mistake there cannot burn a core.
pub(crate) const SHORTEST_WAKE: Duration = Duration::from_micros(100);
/// How often the core is told what the calendar says; only the age of invites is judged by it.
pub(crate) const CALENDAR_EVERY: Duration = Duration::from_secs(60);
/// The calendar ran ahead of the clock by this much: the computer slept.
pub(crate) const SLEPT: Duration = Duration::from_secs(10);
/// How often statistics are taken.
pub(crate) const STATS_EVERY: Duration = Duration::from_secs(1);
/// How often the sockets are read while connections close.
pub(crate) const CLOSING_POLL: Duration = Duration::from_millis(2);
/// How long goodbyes may take.
pub(crate) const LEAVE: Duration = Duration::from_secs(1);

// ---- Signalling ----

/// Messages waiting on one stream. A peer that does not read for so long loses the stream.
pub(crate) const STREAM_MESSAGES: usize = 64;
/// Streams that a peer may open in [`STREAMS_WINDOW`] before it is blocked.
pub(crate) const STREAMS_PER_WINDOW: u32 = 16;
/// See [`STREAMS_PER_WINDOW`].
pub(crate) const STREAMS_WINDOW: Duration = Duration::from_secs(10);
/// Two streams within this time were opened by both sides at once.
pub(crate) const SIMULTANEOUS_OPEN: Duration = Duration::from_secs(3);
/// Streams being opened at a time: as many as people in a large meeting.
pub(crate) const OPENINGS: usize = 64;
/// Dialling and opening a stream together.
pub(crate) const SIGNAL_OPEN: Duration = Duration::from_secs(8);
/// Opening a stream on a new connection.
pub(crate) const STREAM_OPEN: Duration = Duration::from_secs(4);
/// Opening a stream on a connection that may be dead.
pub(crate) const STREAM_OPEN_STALE: Duration = Duration::from_secs(2);
/// How long a peer may take to close its side, and the last words of a meeting to get out.
pub(crate) const STREAM_CLOSE: Duration = Duration::from_secs(1);
/// For the closing packets of connections; nothing answers them.
pub(crate) const CONNECTION_CLOSE: Duration = Duration::from_millis(30);
/// Streams being negotiated per connection.
pub(crate) const NEGOTIATING_STREAMS: usize = 8;
/// A connection without a stream ends after this.
pub(crate) const IDLE_CONNECTION: Duration = Duration::from_secs(10);
/// Handshakes of strangers at a time.
pub(crate) const PENDING_INCOMING: u32 = 32;
/// Our dials at a time: several addresses of several people.
pub(crate) const PENDING_OUTGOING: u32 = 64;
/// Connections in all; see [`QUIC_CONNECTIONS`].
pub(crate) const CONNECTIONS: u32 = 96;
/// No more connections once the process uses so much memory: something is wrong then.
pub(crate) const MEMORY_FOR_CONNECTIONS: usize = 2 << 30;

// ---- Discovery ----

/// Addresses of one computer that we look at.
pub(crate) const ADDRESSES: usize = 64;
/// How long the system may take to list its addresses.
pub(crate) const ADDRESS_NEWS: Duration = Duration::from_millis(500);
/// A list of addresses that did not change for so long is complete.
pub(crate) const ADDRESS_SETTLE: Duration = Duration::from_millis(50);
/// Answers of a visible node at once ...
pub(crate) const VISIBLE_BURST: u32 = 16;
/// ... and one more after each of these.
pub(crate) const VISIBLE_EVERY: Duration = Duration::from_secs(1);
/// How long an asker may take to read the answer.
pub(crate) const VISIBLE_ANSWER: Duration = Duration::from_secs(3);
/// How long others remember a visible node after its last answer: it is gone from their screens by then.
pub(crate) const MDNS_TTL: Duration = Duration::from_secs(30);
/// A visible node answers; it does not need to ask.
pub(crate) const MDNS_ANNOUNCER_QUERY: Duration = Duration::from_secs(3600);
/// The browser asks the network; a newly visible person shows up within this time.
pub(crate) const MDNS_BROWSER_QUERY: Duration = Duration::from_secs(8);
/// Peers of any program on this network that we keep in mind.
pub(crate) const NEIGHBOURS: usize = 64;
/// Questions to visible people at a time.
pub(crate) const ASKS_AT_A_TIME: usize = 8;
/// Questions of the application that wait.
pub(crate) const ASKS: usize = 8;
/// News for the application: everybody comes and goes twice.
pub(crate) const BROWSER_EVENTS: usize = 256;
/// Connecting, opening a stream, and the answer together.
pub(crate) const ASK: Duration = Duration::from_secs(6);
/// Somebody who does not answer is asked so often ...
pub(crate) const BROWSER_TRIES: u32 = 4;
/// ... with pauses of one, two, three of these.
pub(crate) const BROWSER_RETRY: Duration = Duration::from_secs(2);
/// A connection that was made for one question.
pub(crate) const BROWSER_IDLE_CONNECTION: Duration = Duration::from_secs(2);
