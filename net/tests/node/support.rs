//! Two people on loopback, and a relay between them that can cut QUIC off.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use conclave_net::{Node, NodeConfig, NodeEvent, NodeEvents, Role};
use conclave_proto::core::{Command, Event, Refusal};
use conclave_proto::ids::PeerId;
use conclave_proto::invite::Invite;
use conclave_proto::keys::DeviceKey;
use conclave_proto::room::InviteOptions;
use tokio::net::UdpSocket;

const DEADLINE: Duration = Duration::from_secs(60);

/// Fails the test rather than waiting for ever.
pub(crate) async fn wait_for<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, future).await {
        Ok(done) => done,
        Err(_) => panic!("waited too long for {what}"),
    }
}

pub(crate) struct Party {
    pub(crate) node: Node,
    pub(crate) events: NodeEvents,
    pub(crate) addresses: Vec<SocketAddr>,
    /// As the other one sees us; zeros until known.
    pub(crate) who: PeerId,
}

pub(crate) fn config(name: &str, role: Role) -> NodeConfig {
    let mut seed = [7; 32];
    seed[..name.len()].copy_from_slice(name.as_bytes());
    NodeConfig {
        device: DeviceKey::from_seed(&seed).expect("a key"),
        name: name.into(),
        port: 0,
        lan_only: false,
        visible: false,
        role,
        max_bitrate: None,
    }
}

pub(crate) async fn make(name: &str) -> Party {
    make_with(name, |_| {}).await
}

pub(crate) async fn make_with(name: &str, change: impl FnOnce(&mut NodeConfig)) -> Party {
    let mut config = config(name, Role::New);
    change(&mut config);
    Party::start(config).await
}

pub(crate) async fn knock(name: &str, invite: Invite) -> Party {
    knock_with(name, invite, |_| {}).await
}

pub(crate) async fn knock_with(name: &str, invite: Invite, change: impl FnOnce(&mut NodeConfig)) -> Party {
    let mut config = config(name, Role::Join(invite));
    change(&mut config);
    Party::start(config).await
}

/// Both in the room; the first made the meeting.
pub(crate) async fn call(maker: &str, joiner: &str) -> (Party, Party) {
    let mut maker = make(maker).await;
    let mut joiner = knock(joiner, maker.invite()).await;
    let (who, _) = maker.knock().await;
    maker.node.command(Command::Admit(who)).expect("the driver keeps up");
    joiner.who = who;
    maker.joined().await;
    maker.who = joiner.joined().await;
    (maker, joiner)
}

impl Party {
    async fn start(config: NodeConfig) -> Self {
        let (node, events) = Node::start(config).await.expect("a node");
        let mut party = Self { node, events, addresses: Vec::new(), who: PeerId([0; 32]) };
        loop {
            if let NodeEvent::Ready { addresses } = party.next().await {
                party.addresses = addresses;
                return party;
            }
        }
    }

    pub(crate) async fn next(&mut self) -> NodeEvent {
        wait_for("an event", self.events.control.recv()).await.expect("the node runs")
    }

    /// The first event that `pick` picks; the ones before it are dropped.
    pub(crate) async fn event<T>(&mut self, pick: impl Fn(&Event) -> Option<T>) -> T {
        loop {
            if let NodeEvent::Core(event) = self.next().await
                && let Some(picked) = pick(&event)
            {
                return picked;
            }
        }
    }

    /// An invite that leads to loopback only, so that nothing leaves this computer.
    pub(crate) fn invite(&self) -> Invite {
        let mut invite: Invite =
            self.node.invite(InviteOptions::default()).expect("an admin").parse().expect("an invite");
        invite.addresses = vec![SocketAddr::from(([127, 0, 0, 1], self.addresses[0].port()))];
        invite
    }

    pub(crate) async fn knock(&mut self) -> (PeerId, String) {
        self.event(|event| match event {
            Event::Knock { who, name, .. } => Some((*who, name.clone())),
            _ => None,
        })
        .await
    }

    pub(crate) async fn joined(&mut self) -> PeerId {
        self.event(|event| match event {
            Event::Joined { who, .. } => Some(*who),
            _ => None,
        })
        .await
    }

    pub(crate) async fn refused(&mut self) -> Refusal {
        self.event(|event| match event {
            Event::Refused(refusal) => Some(*refusal),
            _ => None,
        })
        .await
    }
}

/// Passes datagrams on to one address and back, each client from a port of its own, as a NAT would.
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    cut: Arc<AtomicBool>,
    quic_seen: Arc<AtomicBool>,
}

impl Relay {
    pub(crate) async fn start(to: SocketAddr) -> Self {
        let inside = Arc::new(UdpSocket::bind("127.0.0.1:0").await.expect("a socket"));
        let relay =
            Self { address: inside.local_addr().expect("bound"), cut: Arc::default(), quic_seen: Arc::default() };
        let (cut, quic_seen) = (Arc::clone(&relay.cut), Arc::clone(&relay.quic_seen));
        tokio::spawn(async move {
            let mut clients: HashMap<SocketAddr, Arc<UdpSocket>> = HashMap::new();
            let mut buffer = vec![0; 65_535];
            while let Ok((length, from)) = inside.recv_from(&mut buffer).await {
                let outside = match clients.get(&from) {
                    Some(outside) => Arc::clone(outside),
                    None => {
                        let outside = Arc::new(UdpSocket::bind("127.0.0.1:0").await.expect("a socket"));
                        tokio::spawn(back(Arc::clone(&outside), Arc::clone(&inside), from, Arc::clone(&cut)));
                        clients.insert(from, Arc::clone(&outside));
                        outside
                    }
                };
                let is_quic = buffer[0] & 0x40 != 0;
                quic_seen.fetch_or(is_quic, Ordering::Relaxed);
                if !(is_quic && cut.load(Ordering::Relaxed)) {
                    outside.send_to(&buffer[..length], to).await.expect("sent");
                }
            }
        });
        relay
    }

    /// From now on QUIC gets lost in both directions, and all else does not.
    pub(crate) fn cut_quic(&self) {
        self.cut.store(true, Ordering::Relaxed);
    }

    pub(crate) fn quic_seen(&self) -> bool {
        self.quic_seen.load(Ordering::Relaxed)
    }
}

async fn back(outside: Arc<UdpSocket>, inside: Arc<UdpSocket>, to: SocketAddr, cut: Arc<AtomicBool>) {
    let mut buffer = vec![0; 65_535];
    while let Ok((length, _)) = outside.recv_from(&mut buffer).await {
        if !(buffer[0] & 0x40 != 0 && cut.load(Ordering::Relaxed)) {
            inside.send_to(&buffer[..length], to).await.expect("sent");
        }
    }
}
