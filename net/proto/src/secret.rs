//! What two ends share before they know each other: members a secret of the room, a knocker and the door an invite's. Either
//! becomes the first pre-shared key of the handshake.

use std::fmt;

use zeroize::Zeroizing;

use crate::crypto::derive;
use crate::entropy::Entropy;
use crate::ids::MeetingId;
use crate::invite::{InviteSecret, Ticket};

/// Thirty-two bytes that every member is told when let in, the same for the whole meeting. It keeps strangers from even
/// beginning a handshake with a member; who is a member is proven by keys, not by this. Wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct RoomSecret(Zeroizing<[u8; 32]>);

impl RoomSecret {
    pub(crate) const fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(bytes)
    }

    pub(crate) fn draw(entropy: &mut dyn Entropy) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        entropy.fill(bytes.as_mut_slice());
        Self(bytes)
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// For a handshake between two members.
    pub(crate) fn psk0(&self, meeting: MeetingId) -> Zeroizing<[u8; 32]> {
        derive("conclave psk0 of a room", self.0.as_slice(), &[&meeting.0])
    }
}

impl fmt::Debug for RoomSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RoomSecret(..)")
    }
}

/// For a handshake between a knocker and the door.
pub(crate) fn psk0_of_ticket(secret: &InviteSecret, meeting: MeetingId, ticket: &Ticket) -> Zeroizing<[u8; 32]> {
    derive("conclave psk0 of a ticket", secret.0.as_slice(), &[&meeting.0, &ticket.encode()])
}
