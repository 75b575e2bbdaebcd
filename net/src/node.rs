//! A meeting on the network, as the application sees it: starts the threads, takes commands, hands out events. Nothing here
//! waits for the network. Dropping the [`Node`] says goodbye and ends everything.

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use std::{io, thread};

use conclave_proto::core::{Command, Core, CoreConfig, Event, PeerStats};
use conclave_proto::ids::PeerId;
use conclave_proto::invite::Invite;
use conclave_proto::keys::DeviceKey;
use conclave_proto::room::InviteOptions;
use conclave_proto::time::Bitrate;
use libp2p::identity::Keypair;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::driver::{Clock, Driver, Stats, Wish};
use crate::egress::Egress;
use crate::entropy::SystemEntropy;
use crate::identity::MeetingIdentity;
use crate::limits;
use crate::media_events::{self, MediaEvents, MediaSender};
use crate::quic::{QuicConfig, QuicError};
use crate::socket::{BindError, BoundSockets, Received, Sockets};
use crate::swarm::Signalling;

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
    id: PeerId,
    wishes: mpsc::Sender<Wish>,
    stats: Stats,
    egress: Arc<Egress>,
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
    /// The sockets are open and our addresses known: within half a second of the start, and again when they change.
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
        let NodeConfig { device, name, port, lan_only, visible, role, max_bitrate } = config;
        let bound = BoundSockets::bind(port, lan_only).map_err(|error| match error {
            BindError::InUse => NodeError::PortInUse(port),
            BindError::Reserved => NodeError::PortReserved(port),
            BindError::Other(error) => NodeError::NoSocket(error),
        })?;
        let identity = MeetingIdentity::fresh().map_err(|_| NodeError::Library)?;
        let id = identity.key.peer_id();
        let (wishes, wishes_out) = mpsc::channel(limits::WISHES);
        let (control, control_out) = mpsc::channel(limits::CONTROL_EVENTS);
        let (media, media_out) = media_events::channel();
        let (started, outcome) = oneshot::channel();
        let stats = Stats::default();
        let egress = Arc::new(Egress::new(lan_only));
        for (works, warning) in [(bound.has_v4(), NodeWarning::NoIpv4), (bound.has_v6(), NodeWarning::NoIpv6)] {
            if !works && control.try_send(NodeEvent::Warning(warning)).is_err() {
                tracing::debug!("no room for a warning");
            }
        }
        if let Some(bitrate) = max_bitrate {
            wishes.try_send(Wish::Command(Command::SetMaxBitrate(Some(bitrate)))).map_err(|_| NodeError::Library)?;
        }
        if visible {
            wishes.try_send(Wish::Visible(true)).map_err(|_| NodeError::Library)?;
        }
        let startup = Startup {
            core: CoreConfig { device, meeting_key: identity.key, name, entropy: Box::new(SystemEntropy) },
            role,
            keypair: identity.keypair,
            bound,
            egress: Arc::clone(&egress),
            wishes: wishes_out,
            control,
            media,
            stats: Arc::clone(&stats),
        };
        thread::Builder::new()
            .name("conclave-net".into())
            .spawn(move || drive(startup, started))
            .map_err(NodeError::NoThread)?;
        match outcome.await {
            Ok(Ok(())) => {
                Ok((Self { id, wishes, stats, egress }, NodeEvents { control: control_out, media: media_out }))
            }
            Ok(Err(error)) => Err(error),
            Err(_) => Err(NodeError::Library),
        }
    }

    /// Who we are in this meeting.
    #[must_use]
    pub const fn peer_id(&self) -> PeerId {
        self.id
    }

    /// How many batches of datagrams left our sockets, and how many LAN-only mode held back.
    #[must_use]
    pub fn egress(&self) -> (u64, u64) {
        (self.egress.sent(), self.egress.refused())
    }

    /// Hands a command to the core. Never blocks. A command that makes no sense now is ignored by the core.
    ///
    /// # Errors
    /// The driver does not keep up, or has ended.
    pub fn command(&self, command: Command) -> Result<(), Overloaded> {
        self.wishes.try_send(Wish::Command(command)).map_err(|_| Overloaded)
    }

    /// A fresh invite with the addresses of now; `None` if we may not invite. Waits for the driver: microseconds, and never
    /// more than half a second.
    #[must_use]
    pub fn invite(&self, options: InviteOptions) -> Option<String> {
        let (reply, invite) = std::sync::mpsc::sync_channel(1);
        self.wishes.try_send(Wish::Invite(options, reply)).ok()?;
        invite.recv_timeout(limits::INVITE_WAIT).ok().flatten()
    }

    /// The counters of every peer with a session, as of the last second.
    #[must_use]
    pub fn stats(&self) -> Vec<(PeerId, PeerStats)> {
        self.stats.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether whoever asks on the local network gets our name and an invite.
    pub fn set_visible(&self, visible: bool) {
        if self.wishes.try_send(Wish::Visible(visible)).is_err() {
            tracing::warn!("visibility was not changed: the network thread is busy or has ended");
        }
    }
}

/// What the driver's thread is started with.
struct Startup {
    core: CoreConfig,
    role: Role,
    keypair: Keypair,
    bound: BoundSockets,
    egress: Arc<Egress>,
    wishes: mpsc::Receiver<Wish>,
    control: mpsc::Sender<NodeEvent>,
    media: MediaSender,
    stats: Stats,
}

/// The driver's thread. It ends last: signalling's connections use its sockets until they are closed.
fn drive(startup: Startup, started: oneshot::Sender<Result<(), NodeError>>) {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => return report(started, Err(NodeError::NoThread(error))),
    };
    runtime.block_on(async {
        let Startup { core, role, keypair, bound, egress, wishes, control, media, stats } = startup;
        let sockets = match bound.register(&egress) {
            Ok(sockets) => sockets,
            Err(error) => return report(started, Err(NodeError::NoSocket(error))),
        };
        let Ok(quic) = QuicConfig::new(&keypair) else { return report(started, Err(NodeError::Library)) };
        let (requests, requests_out) = mpsc::channel(limits::REQUESTS);
        let (inputs, inputs_out) = mpsc::channel(limits::INPUTS);
        let signalling = Signalling {
            keypair,
            quic,
            name: core.name.clone(),
            sockets: sockets.clone(),
            egress: Arc::clone(&egress),
            requests: requests_out,
            inputs,
        };
        let signalling = thread::Builder::new().name("conclave-signal".into()).spawn(move || signal(signalling));
        let signalling = match signalling {
            Ok(thread) => thread,
            Err(error) => return report(started, Err(NodeError::NoThread(error))),
        };
        report(started, Ok(()));
        let clock = Clock::start();
        let core = match role {
            Role::New => Core::create(core, clock.now()),
            Role::Join(invite) => Core::join(core, invite, clock.now()),
        };
        let ports = sockets.clone();
        Driver { core, clock, sockets, egress, wishes, inputs: inputs_out, requests, control, media, stats }
            .run()
            .await;
        read_until_done(&ports, &signalling).await;
        if signalling.join().is_err() {
            tracing::error!("the signalling thread failed");
        }
    });
}

/// Closing connections takes a few packets each way.
async fn read_until_done(sockets: &Sockets, signalling: &thread::JoinHandle<()>) {
    let mut received = Received::default();
    let deadline = Instant::now() + limits::LEAVE + limits::LEAVE;
    while !signalling.is_finished() && Instant::now() < deadline {
        for port in [&sockets.v4, &sockets.v6].into_iter().flatten() {
            if let Err(error) = port.receive(&mut received, |_, _, _| {}) {
                tracing::debug!(%error, "receiving failed");
            }
        }
        tokio::time::sleep(limits::CLOSING_POLL).await;
    }
}

fn signal(signalling: Signalling) {
    let outcome = runtime().map_err(QuicError::from).and_then(|runtime| runtime.block_on(signalling.run()));
    if let Err(error) = outcome {
        tracing::error!(%error, "signalling could not start");
    }
}

fn runtime() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

fn report(started: oneshot::Sender<Result<(), NodeError>>, outcome: Result<(), NodeError>) {
    if started.send(outcome).is_err() {
        tracing::debug!("whoever started the node did not wait for it");
    }
}
