//! The signalling side of a meeting, on its own thread: a libp2p swarm whose identity is the meeting key, one signalling
//! stream per peer, the visible protocol, and the address watch. It does what the core asks through the driver and tells the
//! driver what happened. TLS handshakes and discovery run here, so that they never hold up media. A connection may die while
//! the sealed session of its peer lives on; the core asks for another when it needs one.

mod announcer;
mod behaviour;
pub(crate) mod frames;
mod opening;
mod peers;
mod stream;
pub(crate) mod visible;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use conclave_proto::core::SignalInput;
use conclave_proto::ids::PeerId;
use futures::StreamExt as _;
use futures::channel::mpsc::{Sender as ListenSender, channel as listen_channel};
use libp2p::core::Transport as _;
use libp2p::core::muxing::StreamMuxerBox;
use libp2p::identity::Keypair;
use libp2p::swarm::{ConnectionId, Swarm, SwarmEvent};
use libp2p::{Stream, StreamProtocol};
use libp2p_stream::{Control, IncomingStreams};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

pub(crate) use announcer::families as mdns_families;
pub(crate) use behaviour::connection_limits;

use crate::addresses::AddressWatch;
use crate::driver::Input;
use crate::egress::Egress;
use crate::identity::{from_libp2p, to_libp2p};
use crate::limits;
use crate::node::NodeWarning;
use crate::quic::{Listening, QuicConfig, QuicError, QuicTransport, from_multiaddr, to_multiaddr};
use crate::socket::Sockets;
use behaviour::{MeetingBehaviour, MeetingBehaviourEvent};
use opening::Openings;
use peers::Peers;
use stream::{Outgoing, StreamTask};

/// What identify calls this protocol.
pub(super) const IDENTIFY: &str = "/conclave/1";
const SIGNAL: StreamProtocol = StreamProtocol::new("/conclave/signal/1");

/// What the driver asks.
#[derive(Debug)]
pub(crate) enum Request {
    /// Open a signalling stream, trying these addresses.
    Open(PeerId, Vec<SocketAddr>),
    /// Send a message on it.
    Message(PeerId, Vec<u8>),
    /// Close it and the connection, after what was sent.
    Close(PeerId),
    /// Answer who asks on the local network, or do not.
    Visible(bool),
}

/// What the thread is started with.
pub(crate) struct Signalling {
    pub(crate) keypair: Keypair,
    pub(crate) quic: QuicConfig,
    pub(crate) name: String,
    pub(crate) sockets: Sockets,
    pub(crate) egress: Arc<Egress>,
    pub(crate) requests: mpsc::Receiver<Request>,
    pub(crate) inputs: mpsc::Sender<Input>,
}

struct Running {
    swarm: Swarm<MeetingBehaviour>,
    control: Control,
    watch: AddressWatch,
    listen: ListenSender<Vec<SocketAddr>>,
    peers: Peers,
    openings: Openings,
    tasks: JoinSet<TaskEnd>,
    asking: Option<IncomingStreams>,
    allowance: visible::Allowance,
    name: String,
    sockets: Sockets,
    egress: Arc<Egress>,
    inputs: mpsc::Sender<Input>,
}

/// How a task ended.
enum TaskEnd {
    /// A signalling stream is over.
    Stream { peer: PeerId, id: u64, closed_by_us: bool },
    /// A stream was opened, or not.
    Opened { peer: PeerId, stream: Option<Stream> },
    /// Somebody got an answer.
    Answered,
}

impl Signalling {
    /// Runs until the driver is gone. Must be called inside a current-thread tokio runtime of its own.
    pub(crate) async fn run(self) -> Result<(), QuicError> {
        let Self { keypair, quic, name, sockets, egress, mut requests, inputs } = self;
        let watch = AddressWatch::start().await;
        egress.set_links(watch.nets());
        let (listen, addresses) = listen_channel(1);
        let transport = QuicTransport::new(quic, sockets.clone(), Listening::At(addresses))?;
        let transport = transport.map(|(peer, connection), _| (peer, StreamMuxerBox::new(connection))).boxed();
        let swarm_config = libp2p::swarm::Config::with_tokio_executor()
            .with_idle_connection_timeout(limits::IDLE_CONNECTION)
            .with_max_negotiating_inbound_streams(limits::NEGOTIATING_STREAMS);
        let us = keypair.public().to_peer_id();
        let mut swarm = Swarm::new(transport, MeetingBehaviour::new(&keypair), us, swarm_config);
        let any = SocketAddr::from(([0, 0, 0, 0], sockets.port));
        if let Err(error) = swarm.listen_on(to_multiaddr(any)) {
            tracing::error!(%error, "the swarm does not listen");
        }
        let control = swarm.behaviour().streams.new_control();
        let mut running = Running {
            swarm,
            control,
            watch,
            listen,
            peers: Peers::new(from_libp2p(&us)),
            openings: Openings::default(),
            tasks: JoinSet::new(),
            asking: None,
            allowance: visible::Allowance::new(Instant::now()),
            name,
            sockets,
            egress,
            inputs,
        };
        if !running.watch.works() {
            running.tell(Input::Warning(NodeWarning::NoAddressWatch)).await;
        }
        running.tell_addresses(false).await;
        running.work(&mut requests).await;
        running.close(requests).await;
        Ok(())
    }
}

impl Running {
    async fn work(&mut self, requests: &mut mpsc::Receiver<Request>) {
        let Ok(mut signals) = self.control.accept(SIGNAL) else { return };
        loop {
            let deadline = self.openings.next_deadline();
            tokio::select! {
                request = requests.recv() => match request {
                    Some(request) => self.on_request(request).await,
                    None => return,
                },
                event = self.swarm.select_next_some() => self.on_swarm_event(event).await,
                Some((peer, stream)) = signals.next() => self.on_signal_stream(peer, stream),
                Some((peer, stream)) = next_of(&mut self.asking) => self.on_asked(&peer, stream),
                Some(end) = self.tasks.join_next() => match end {
                    Ok(end) => self.on_task_end(end).await,
                    Err(error) => tracing::error!(%error, "a task failed"),
                },
                () = self.watch.changed() => {
                    self.egress.set_links(self.watch.nets());
                    self.tell_addresses(true).await;
                },
                () = sleep_until(deadline) => {
                    for peer in self.openings.expired(Instant::now()) {
                        self.failed(peer).await;
                    }
                },
            }
        }
    }

    async fn on_request(&mut self, request: Request) {
        match request {
            Request::Open(peer, addresses) => self.open(peer, addresses).await,
            Request::Message(peer, message) => {
                if !self.peers.send(peer, Outgoing::Message(message)) {
                    tracing::debug!("a signalling message had no stream to go to");
                }
            }
            Request::Close(peer) => {
                self.openings.remove(peer);
                if !self.peers.send(peer, Outgoing::Close) {
                    self.disconnect(peer);
                }
            }
            Request::Visible(visible) => self.set_visible(visible).await,
        }
    }

    async fn open(&mut self, peer: PeerId, addresses: Vec<SocketAddr>) {
        // One that came in by itself: the driver has heard of it, or is about to.
        if self.peers.has_stream(peer) || self.openings.contains(peer) {
            return;
        }
        let Some(remote) = to_libp2p(peer).filter(|_| self.openings.has_room()) else {
            return self.tell(Input::Signal(peer, SignalInput::Failed)).await;
        };
        self.openings.insert(peer, addresses, Instant::now());
        if self.swarm.is_connected(&remote) {
            // It may be dead without anybody having noticed, so it does not get much time.
            self.open_stream(peer, remote, limits::STREAM_OPEN_STALE);
        } else {
            self.dial(peer, remote).await;
        }
    }

    async fn dial(&mut self, peer: PeerId, remote: libp2p::PeerId) {
        use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
        let addresses = self.openings.addresses(peer).iter().map(|address| to_multiaddr(*address)).collect();
        let dial = DialOpts::peer_id(remote).condition(PeerCondition::Always).addresses(addresses).build();
        if let Err(error) = self.swarm.dial(dial) {
            tracing::debug!(%error, "a peer cannot be dialled");
            self.failed(peer).await;
        }
    }

    fn open_stream(&mut self, peer: PeerId, remote: libp2p::PeerId, within: Duration) {
        if !self.openings.begin_stream(peer) {
            return;
        }
        let mut control = self.control.clone();
        self.tasks.spawn(async move {
            let stream = timeout(within, control.open_stream(remote, SIGNAL)).await;
            TaskEnd::Opened { peer, stream: stream.ok().and_then(Result::ok) }
        });
    }

    async fn on_task_end(&mut self, end: TaskEnd) {
        match end {
            TaskEnd::Stream { peer, id, closed_by_us } => {
                if self.peers.ended(peer, id) && closed_by_us {
                    self.disconnect(peer);
                }
            }
            TaskEnd::Opened { peer, stream: Some(stream) } => {
                if self.openings.remove(peer) {
                    self.adopt(peer, stream, true);
                }
            }
            TaskEnd::Opened { peer, stream: None } => {
                if !self.openings.contains(peer) {
                    return;
                }
                let remote = to_libp2p(peer).filter(|_| self.openings.may_redial(peer));
                match remote {
                    Some(remote) => {
                        self.disconnect(peer);
                        self.dial(peer, remote).await;
                    }
                    None => self.failed(peer).await,
                }
            }
            TaskEnd::Answered => {}
        }
    }

    fn on_signal_stream(&mut self, remote: libp2p::PeerId, stream: Stream) {
        let Some(peer) = from_libp2p(&remote) else { return };
        if !self.peers.may_open(peer, Instant::now()) {
            // Nobody needs so many streams: they get no more connections either.
            self.swarm.behaviour_mut().blocked.block_peer(remote);
            return;
        }
        self.openings.peer_was_first(peer);
        self.adopt(peer, stream, false);
    }

    /// Puts a stream to work, in place of an older one. Of two that were opened at the same moment both sides keep the same.
    fn adopt(&mut self, peer: PeerId, stream: Stream, opened_by_us: bool) {
        let Some(remote) = self.peers.address(peer) else { return };
        let Some(place) = self.peers.place(peer, opened_by_us, Instant::now()) else { return };
        let task = StreamTask {
            peer,
            remote,
            stream,
            outgoing: place.outgoing,
            inputs: self.inputs.clone(),
            previous: place.previous,
            done: place.done,
        };
        let id = place.id;
        self.tasks.spawn(async move {
            let closed_by_us = task.run().await;
            TaskEnd::Stream { peer, id, closed_by_us }
        });
    }

    async fn on_swarm_event(&mut self, event: SwarmEvent<MeetingBehaviourEvent>) {
        match event {
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, endpoint, .. } => {
                self.on_connected(peer_id, connection_id, endpoint.get_remote_address());
            }
            SwarmEvent::ConnectionClosed { peer_id, connection_id, .. } => {
                if let Some(peer) = from_libp2p(&peer_id) {
                    self.peers.disconnected(peer, connection_id);
                }
            }
            SwarmEvent::OutgoingConnectionError { peer_id: Some(peer_id), error, .. } => {
                tracing::debug!(%error, "a dial failed");
                let waiting = from_libp2p(&peer_id).filter(|peer| self.openings.awaits_connection(*peer));
                if let Some(peer) = waiting.filter(|_| !self.swarm.is_connected(&peer_id)) {
                    self.failed(peer).await;
                }
            }
            // Identify has nothing to tell us, and the rest is the swarm's own business.
            _ => {}
        }
    }

    fn on_connected(&mut self, remote: libp2p::PeerId, id: ConnectionId, address: &libp2p::Multiaddr) {
        let (Some(peer), Some((address, _))) = (from_libp2p(&remote), from_multiaddr(address)) else {
            // Another kind of key, so it cannot be in a meeting.
            self.swarm.close_connection(id);
            return;
        };
        self.peers.connected(peer, id, address);
        if self.openings.contains(peer) {
            self.open_stream(peer, remote, limits::STREAM_OPEN);
        }
    }

    fn disconnect(&mut self, peer: PeerId) {
        if let Some(remote) = to_libp2p(peer)
            && self.swarm.disconnect_peer_id(remote).is_err()
        {
            tracing::trace!("was not connected");
        }
    }

    async fn set_visible(&mut self, visible: bool) {
        // First the answers, then the news that there are some; and the other way round.
        if visible && self.asking.is_none() {
            self.asking = self.control.accept(visible::PROTOCOL).ok();
        }
        if let Err(error) = self.swarm.behaviour_mut().announcer.set_visible(visible) {
            tracing::warn!(%error, "mDNS does not work");
            self.tell(Input::Warning(NodeWarning::NotVisible)).await;
        }
        if !visible {
            self.asking = None;
        }
    }

    fn on_asked(&mut self, remote: &libp2p::PeerId, stream: Stream) {
        let near = from_libp2p(remote)
            .and_then(|peer| self.peers.address(peer))
            .is_some_and(|address| self.egress.is_on_link(address.ip()));
        if near && self.allowance.take(Instant::now()) {
            let answer = visible::answer(stream, self.name.clone(), self.inputs.clone());
            self.tasks.spawn(async move {
                answer.await;
                TaskEnd::Answered
            });
        }
    }

    /// What the core asked for cannot be had, unless the peer opened a stream meanwhile.
    async fn failed(&mut self, peer: PeerId) {
        self.openings.remove(peer);
        if !self.peers.has_stream(peer) {
            self.tell(Input::Signal(peer, SignalInput::Failed)).await;
        }
    }

    async fn tell_addresses(&mut self, changed: bool) {
        let addresses = self.watch.reachable(self.sockets.port, self.sockets.v4.is_some(), self.sockets.v6.is_some());
        if self.listen.try_send(addresses.clone()).is_err() {
            tracing::debug!("the transport has not taken the last addresses yet");
        }
        self.tell(Input::Addresses { addresses, changed }).await;
    }

    async fn tell(&self, input: Input) {
        if self.inputs.send(input).await.is_err() {
            tracing::trace!("the driver is gone");
        }
    }

    /// Lets what was said last get out, for a moment.
    async fn close(mut self, requests: mpsc::Receiver<Request>) {
        drop(requests);
        self.peers.close_all();
        let all_closed = async {
            loop {
                tokio::select! {
                    end = self.tasks.join_next() => if end.is_none() { return },
                    _ = self.swarm.select_next_some() => {},
                }
            }
        };
        if timeout(limits::STREAM_CLOSE, all_closed).await.is_err() {
            tracing::debug!("not everybody said goodbye");
        }
        drop(self.swarm);
        // The connections' tasks send their closing packets.
        tokio::time::sleep(limits::CONNECTION_CLOSE).await;
    }
}

async fn next_of(streams: &mut Option<IncomingStreams>) -> Option<(libp2p::PeerId, Stream)> {
    match streams {
        Some(streams) => streams.next().await,
        None => std::future::pending().await,
    }
}
