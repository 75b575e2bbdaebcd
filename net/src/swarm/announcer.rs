//! mDNS for a meeting that is visible: answers who asks on the local network, on IPv4 and IPv6 (libp2p-mdns does one family
//! per behaviour). libp2p-mdns announces the swarm's listen addresses from its first to its last moment, and its tasks
//! outlive it; so this wrapper makes it only when first needed, keeps it, and takes the addresses away from it while the node
//! is not visible.

use std::convert::Infallible;
use std::task::{Context, Poll};

use libp2p::core::transport::{ListenerId, PortUse};
use libp2p::core::{Endpoint, Multiaddr};
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, ExpiredListenAddr, FromSwarm, NetworkBehaviour, NewListenAddr, THandler,
    THandlerInEvent, THandlerOutEvent, ToSwarm, dummy,
};
use libp2p::{PeerId, mdns};

use crate::limits;

/// See the module.
pub(crate) struct Announcer {
    us: PeerId,
    families: Vec<mdns::tokio::Behaviour>,
    listening: Vec<(ListenerId, Multiaddr)>,
    visible: bool,
}

impl Announcer {
    pub(super) const fn new(us: PeerId) -> Self {
        Self { us, families: Vec::new(), listening: Vec::new(), visible: false }
    }

    /// Starts or stops answering. Must be called inside a tokio runtime.
    pub(super) fn set_visible(&mut self, visible: bool) -> std::io::Result<()> {
        if visible && self.families.is_empty() {
            self.families = families(self.us, limits::MDNS_ANNOUNCER_QUERY)?;
        }
        if visible == self.visible {
            return Ok(());
        }
        self.visible = visible;
        for (listener_id, addr) in &self.listening {
            for family in &mut self.families {
                family.on_swarm_event(if visible {
                    FromSwarm::NewListenAddr(NewListenAddr { listener_id: *listener_id, addr })
                } else {
                    FromSwarm::ExpiredListenAddr(ExpiredListenAddr { listener_id: *listener_id, addr })
                });
            }
        }
        Ok(())
    }
}

/// mDNS for both families; the error of the second only if there is no first.
pub(crate) fn families(us: PeerId, query: std::time::Duration) -> std::io::Result<Vec<mdns::tokio::Behaviour>> {
    let config = |enable_ipv6| mdns::Config { ttl: limits::MDNS_TTL, query_interval: query, enable_ipv6 };
    let v4 = mdns::tokio::Behaviour::new(config(false), us);
    let v6 = mdns::tokio::Behaviour::new(config(true), us);
    match (v4, v6) {
        (Ok(v4), Ok(v6)) => Ok(vec![v4, v6]),
        (Ok(one), Err(_)) | (Err(_), Ok(one)) => Ok(vec![one]),
        (Err(error), Err(_)) => Err(error),
    }
}

impl NetworkBehaviour for Announcer {
    type ConnectionHandler = dummy::ConnectionHandler;
    type ToSwarm = Infallible;

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(dummy::ConnectionHandler)
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(dummy::ConnectionHandler)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::NewListenAddr(NewListenAddr { listener_id, addr }) => {
                self.listening.push((listener_id, addr.clone()));
            }
            FromSwarm::ExpiredListenAddr(ExpiredListenAddr { listener_id, addr }) => {
                self.listening.retain(|(id, known)| *id != listener_id || known != addr);
            }
            _ => {}
        }
        if self.visible {
            for family in &mut self.families {
                family.on_swarm_event(event);
            }
        }
    }

    fn on_connection_handler_event(&mut self, _: PeerId, _: ConnectionId, event: THandlerOutEvent<Self>) {
        match event {}
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ToSwarm<Infallible, THandlerInEvent<Self>>> {
        for family in &mut self.families {
            // Whom mDNS finds is none of a meeting's business.
            while family.poll(cx).is_ready() {}
        }
        Poll::Pending
    }
}
