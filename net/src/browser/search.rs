//! The browser's thread: hears of libp2p peers by mDNS, asks each whether it is a visible Conclave, and tells the
//! application. Peers of other programs do not speak the protocol and are asked only once.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use conclave_proto::ids::PeerId;
use conclave_proto::invite::Invite;
use futures::StreamExt as _;
use libp2p::core::Transport as _;
use libp2p::core::muxing::StreamMuxerBox;
use libp2p::identity::Keypair;
use libp2p::mdns;
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::swarm::{NetworkBehaviour, Swarm, SwarmEvent};
use libp2p_stream::{Control, OpenStreamError};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use super::{AskError, BrowserEvent, VisibleId};
use crate::addresses::AddressWatch;
use crate::egress::Egress;
use crate::identity::{from_libp2p, to_libp2p};
use crate::limits;
use crate::quic::{Listening, QuicConfig, QuicError, QuicTransport};
use crate::socket::{BoundSockets, Received, Sockets};
use crate::swarm::{connection_limits, mdns_families, visible};

/// A question of the application.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) id: VisibleId,
    pub(super) reply: oneshot::Sender<Result<Invite, AskError>>,
}

/// What the thread is started with.
pub(super) struct Search {
    pub(super) keypair: Keypair,
    pub(super) bound: BoundSockets,
    pub(super) asks: mpsc::Receiver<Ask>,
    pub(super) events: mpsc::Sender<BrowserEvent>,
}

#[derive(NetworkBehaviour)]
struct BrowserBehaviour {
    limits: libp2p_connection_limits::Behaviour,
    streams: libp2p_stream::Behaviour,
    one_family: Toggle<mdns::tokio::Behaviour>,
    other_family: Toggle<mdns::tokio::Behaviour>,
}

/// Somebody that mDNS has heard of.
#[derive(Debug, Default)]
struct Neighbour {
    /// How many of their addresses are current.
    addresses: Vec<libp2p::Multiaddr>,
    /// Told to the application.
    name: Option<String>,
    /// Asked so often without an answer.
    failures: u32,
    /// When to ask again.
    ask_at: Option<Instant>,
}

struct Answer {
    from: PeerId,
    outcome: Result<(String, Invite), AskError>,
    reply: Option<oneshot::Sender<Result<Invite, AskError>>>,
}

struct Running {
    control: Control,
    neighbours: HashMap<PeerId, Neighbour>,
    answers: JoinSet<Answer>,
    events: mpsc::Sender<BrowserEvent>,
}

impl Search {
    pub(super) fn run(self) {
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return tracing::error!(%error, "the search for people could not start"),
        };
        if let Err(error) = runtime.block_on(self.search()) {
            tracing::error!(%error, "the search for people could not start");
        }
    }

    async fn search(self) -> Result<(), QuicError> {
        let Self { keypair, bound, mut asks, events } = self;
        let egress = Arc::new(Egress::new(true));
        let sockets = bound.register(&egress)?;
        let mut watch = AddressWatch::start().await;
        egress.set_links(watch.nets());
        let mut swarm = swarm(&keypair, &sockets)?;
        let control = swarm.behaviour().streams.new_control();
        let mut running = Running { control, neighbours: HashMap::new(), answers: JoinSet::new(), events };
        let mut received = Received::default();
        loop {
            let ask_at = running.next_ask();
            tokio::select! {
                ask = asks.recv() => match ask {
                    Some(Ask { id, reply }) => running.ask(id.0, Some(reply)),
                    None => return Ok(()),
                },
                event = swarm.select_next_some() => running.on_swarm_event(event),
                Some(answer) = running.answers.join_next() => match answer {
                    Ok(answer) => running.on_answer(answer),
                    Err(error) => tracing::error!(%error, "a task failed"),
                },
                () = watch.changed() => egress.set_links(watch.nets()),
                () = receive(&sockets, &mut received) => {}
                () = sleep_until(ask_at) => running.ask_those_due(),
            }
        }
    }
}

fn swarm(keypair: &Keypair, sockets: &Sockets) -> Result<Swarm<BrowserBehaviour>, QuicError> {
    let us = keypair.public().to_peer_id();
    let transport = QuicTransport::new(QuicConfig::new(keypair)?, sockets.clone(), Listening::No)?;
    let transport = transport.map(|(peer, connection), _| (peer, StreamMuxerBox::new(connection))).boxed();
    let mut families = mdns_families(us, limits::MDNS_BROWSER_QUERY)?;
    let behaviour = BrowserBehaviour {
        limits: libp2p_connection_limits::Behaviour::new(connection_limits()),
        streams: libp2p_stream::Behaviour::new(),
        one_family: families.pop().into(),
        other_family: families.pop().into(),
    };
    let config =
        libp2p::swarm::Config::with_tokio_executor().with_idle_connection_timeout(limits::BROWSER_IDLE_CONNECTION);
    Ok(Swarm::new(transport, behaviour, us, config))
}

/// Reads what is there once something is; only QUIC's datagrams are of interest.
async fn receive(sockets: &Sockets, received: &mut Received) {
    let readable = |port: &Option<Arc<crate::socket::UdpPort>>| {
        let port = port.clone();
        async move {
            match port {
                Some(port) => port.readable().await,
                None => std::future::pending().await,
            }
        }
    };
    let outcome = tokio::select! {
        outcome = readable(&sockets.v4) => outcome,
        outcome = readable(&sockets.v6) => outcome,
    };
    let mut failed = outcome.is_err();
    for port in [&sockets.v4, &sockets.v6].into_iter().flatten() {
        failed |= port.receive(received, |_: SocketAddr, _, _| {}).is_err();
    }
    if failed {
        tokio::time::sleep(limits::SOCKET_PAUSE).await;
    }
}

impl Running {
    fn on_swarm_event(&mut self, event: SwarmEvent<BrowserBehaviourEvent>) {
        let SwarmEvent::Behaviour(BrowserBehaviourEvent::OneFamily(event) | BrowserBehaviourEvent::OtherFamily(event)) =
            event
        else {
            return;
        };
        match event {
            mdns::Event::Discovered(peers) => {
                for (peer, address) in peers {
                    self.heard_of(&peer, address);
                }
            }
            mdns::Event::Expired(peers) => {
                for (peer, address) in peers {
                    self.lost(&peer, &address);
                }
            }
        }
    }

    fn heard_of(&mut self, peer: &libp2p::PeerId, address: libp2p::Multiaddr) {
        let Some(id) = from_libp2p(peer) else { return };
        if !self.neighbours.contains_key(&id) && self.neighbours.len() == limits::NEIGHBOURS {
            return;
        }
        let neighbour = self.neighbours.entry(id).or_default();
        if neighbour.addresses.len() < limits::ADDRESSES {
            neighbour.addresses.push(address);
        }
        // The first address starts the asking; a new one is a new chance.
        if neighbour.name.is_none() && neighbour.ask_at.is_none() && neighbour.failures < limits::BROWSER_TRIES {
            neighbour.ask_at = Some(Instant::now());
        }
    }

    fn lost(&mut self, peer: &libp2p::PeerId, address: &libp2p::Multiaddr) {
        let Some(id) = from_libp2p(peer) else { return };
        let Some(neighbour) = self.neighbours.get_mut(&id) else { return };
        neighbour.addresses.retain(|known| known != address);
        if neighbour.addresses.is_empty() {
            self.forget(id);
        }
    }

    fn forget(&mut self, id: PeerId) {
        if self.neighbours.remove(&id).is_some_and(|neighbour| neighbour.name.is_some()) {
            self.tell(BrowserEvent::Gone { id: VisibleId(id) });
        }
    }

    fn next_ask(&self) -> Instant {
        let far = || Instant::now() + Duration::from_secs(3600);
        self.neighbours.values().filter_map(|neighbour| neighbour.ask_at).min().unwrap_or_else(far)
    }

    fn ask_those_due(&mut self) {
        let now = Instant::now();
        let due: Vec<PeerId> = self
            .neighbours
            .iter_mut()
            .filter(|(_, neighbour)| neighbour.ask_at.is_some_and(|at| at <= now))
            .map(|(id, neighbour)| {
                neighbour.ask_at = None;
                *id
            })
            .collect();
        for id in due {
            self.ask(id, None);
        }
    }

    fn ask(&mut self, id: PeerId, reply: Option<oneshot::Sender<Result<Invite, AskError>>>) {
        let known = self.neighbours.contains_key(&id) && self.answers.len() < limits::ASKS_AT_A_TIME;
        let Some(remote) = to_libp2p(id).filter(|_| known) else {
            return give(reply, Err(AskError::Unreachable));
        };
        let mut control = self.control.clone();
        self.answers.spawn(async move {
            let outcome = timeout(limits::ASK, ask(&mut control, remote)).await;
            Answer { from: id, outcome: outcome.unwrap_or(Err(AskError::Unreachable)), reply }
        });
    }

    fn on_answer(&mut self, Answer { from, outcome, reply }: Answer) {
        match outcome {
            Ok((name, invite)) => {
                self.found(from, name);
                give(reply, Ok(invite));
            }
            Err(error) => {
                let asked_by_person = reply.is_some();
                give(reply, Err(error));
                self.failed(from, error, asked_by_person);
            }
        }
    }

    fn found(&mut self, id: PeerId, name: String) {
        let Some(neighbour) = self.neighbours.get_mut(&id) else { return };
        neighbour.failures = 0;
        if neighbour.name.as_ref() != Some(&name) {
            neighbour.name = Some(name.clone());
            self.tell(BrowserEvent::Found { id: VisibleId(id), name });
        }
    }

    fn failed(&mut self, id: PeerId, error: AskError, asked_by_person: bool) {
        let Some(neighbour) = self.neighbours.get_mut(&id) else { return };
        neighbour.failures += 1;
        if neighbour.name.is_some() {
            // The person clicked on somebody who is not there: take them off the list, and look again.
            if asked_by_person && neighbour.name.take().is_some() {
                neighbour.ask_at = Some(Instant::now() + limits::BROWSER_RETRY);
                self.tell(BrowserEvent::Gone { id: VisibleId(id) });
            }
        } else if error == AskError::Unreachable && neighbour.failures < limits::BROWSER_TRIES {
            neighbour.ask_at = Some(Instant::now() + limits::BROWSER_RETRY * neighbour.failures);
        }
    }

    fn tell(&self, event: BrowserEvent) {
        if self.events.try_send(event).is_err() {
            tracing::debug!("nobody takes news of visible people");
        }
    }
}

/// mDNS tells libp2p where the peer is; it dials by itself.
async fn ask(control: &mut Control, peer: libp2p::PeerId) -> Result<(String, Invite), AskError> {
    let mut stream = match control.open_stream(peer, visible::PROTOCOL).await {
        Ok(stream) => stream,
        Err(OpenStreamError::UnsupportedProtocol(_)) => return Err(AskError::NotVisible),
        Err(_) => return Err(AskError::Unreachable),
    };
    let (name, invite) = visible::read_answer(&mut stream).await.map_err(|error| {
        tracing::debug!(%error, "no answer from somebody visible");
        AskError::NotVisible
    })?;
    // An invite to somebody else's door would let a stranger on this network send people anywhere.
    if to_libp2p(invite.inviter) == Some(peer) { Ok((name, invite)) } else { Err(AskError::NotVisible) }
}

fn give(reply: Option<oneshot::Sender<Result<Invite, AskError>>>, answer: Result<Invite, AskError>) {
    if let Some(reply) = reply
        && reply.send(answer).is_err()
    {
        tracing::debug!("whoever asked did not wait for the answer");
    }
}
