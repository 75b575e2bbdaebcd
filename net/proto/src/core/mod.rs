//! The root: orders its children and turns inputs into outputs. See `api.rs` for the words it speaks.

mod api;

use std::net::SocketAddr;

use crate::entropy::Entropy;
use crate::ids::PeerId;
use crate::invite::Invite;
use crate::keys::{DeviceKey, MeetingKey};
use crate::time::Instant;

pub use api::{
    Command, CommandError, Event, FlowStats, InviteUnavailable, LayerTarget, LeaveReason, Output, PathKind, PeerStats,
    Refusal, SignalInput, WakeReason,
};

/// Who we are in this meeting, and where randomness comes from.
pub struct CoreConfig {
    /// Who this device is to contacts.
    pub device: DeviceKey,
    /// Who we are in this meeting.
    pub meeting_key: MeetingKey,
    /// What we call ourselves; cleaned before anybody sees it.
    pub name: String,
    /// The core's only randomness.
    pub entropy: Box<dyn Entropy + Send>,
}

/// One meeting, as one peer sees it.
pub struct Core {
    config: CoreConfig,
    now: Instant,
}

impl Core {
    /// Makes a meeting; we are its first admin.
    #[must_use]
    pub fn create(config: CoreConfig, now: Instant) -> Self {
        Self { config, now }
    }

    /// Knocks at the inviter's door.
    #[must_use]
    pub fn join(config: CoreConfig, invite: Invite, now: Instant) -> Self {
        drop(invite);
        Self { config, now }
    }

    /// Our key in this meeting.
    #[must_use]
    pub const fn peer_id(&self) -> PeerId {
        self.config.meeting_key.peer_id()
    }

    /// A UDP datagram whose first byte has bit 0x40 clear. It is opened in place.
    pub fn handle_datagram(&mut self, now: Instant, _from: SocketAddr, _datagram: &mut [u8]) {
        self.now = now;
    }

    /// News of the signalling stream to a peer.
    pub fn handle_signal(&mut self, now: Instant, _peer: PeerId, _input: SignalInput) {
        self.now = now;
    }

    /// What the owner of the meeting asks.
    ///
    /// # Errors
    /// The command makes no sense now; nothing changed.
    pub fn handle_command(&mut self, now: Instant, _command: Command) -> Result<(), CommandError> {
        self.now = now;
        Ok(())
    }

    /// The moment of the last `WakeAt` has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.now = now;
    }

    /// What is to be done; call until `None` after every input.
    pub fn poll_output(&mut self) -> Option<Output> {
        None
    }

    /// A fresh invite with the given addresses.
    ///
    /// # Errors
    /// We are no admin of a meeting.
    pub fn invite(&self, _now_unix_s: u64, _addresses: Vec<SocketAddr>) -> Result<Invite, InviteUnavailable> {
        Err(InviteUnavailable::NotAdmin)
    }

    /// The counters of every peer with a session. Cheap; meant for once a second.
    #[must_use]
    pub fn stats(&self, _now: Instant) -> Vec<(PeerId, PeerStats)> {
        Vec::new()
    }
}
