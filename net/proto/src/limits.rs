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
