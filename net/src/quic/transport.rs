//! The libp2p transport: one quinn endpoint per socket. It dials from the very socket it listens on, and says which addresses
//! it listens on as the address watch tells it. Too many handshakes at once: strangers must first prove their address.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures::channel::mpsc;
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use libp2p::core::Transport;
use libp2p::core::transport::{DialOpts, ListenerId, TransportError, TransportEvent};
use libp2p::{Multiaddr, PeerId};

use super::connection::{Connection, connect};
use super::{QuicConfig, QuicError, from_multiaddr, to_multiaddr};
use crate::limits::{QUIC_BUSY, QUIC_CONNECTIONS};
use crate::socket::{Sockets, UdpPort};

/// Whether others may connect to us.
#[derive(Debug)]
pub(crate) enum Listening {
    /// They may, at the addresses that come this way (each time all of them).
    At(mpsc::Receiver<Vec<SocketAddr>>),
    /// We only dial.
    No,
}

/// See the module.
pub(crate) struct QuicTransport {
    config: QuicConfig,
    sockets: Sockets,
    endpoints: Vec<EndpointOf>,
    listening: Listening,
    listener: Option<ListenerId>,
    announced: Vec<SocketAddr>,
    events: VecDeque<Event>,
    waker: Option<Waker>,
}

struct EndpointOf {
    is_ipv4: bool,
    endpoint: quinn::Endpoint,
    accepting: BoxFuture<'static, Option<quinn::Incoming>>,
}

type Upgrade = BoxFuture<'static, Result<(PeerId, Connection), QuicError>>;
type Event = TransportEvent<Upgrade, QuicError>;

impl QuicTransport {
    /// Must be called inside a tokio runtime; quinn's tasks run there.
    pub(crate) fn new(config: QuicConfig, sockets: Sockets, listening: Listening) -> Result<Self, QuicError> {
        let mut endpoints = Vec::new();
        for socket in [&sockets.v4, &sockets.v6].into_iter().flatten() {
            endpoints.push(EndpointOf::new(&config, socket, &listening)?);
        }
        Ok(Self {
            config,
            sockets,
            endpoints,
            listening,
            listener: None,
            announced: Vec::new(),
            events: VecDeque::new(),
            waker: None,
        })
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn poll_addresses(&mut self, cx: &mut Context<'_>) {
        let (Some(listener_id), Listening::At(addresses)) = (self.listener, &mut self.listening) else { return };
        while let Poll::Ready(Some(now)) = addresses.poll_next_unpin(cx) {
            for gone in self.announced.iter().filter(|address| !now.contains(address)) {
                let listen_addr = to_multiaddr(*gone);
                self.events.push_back(TransportEvent::AddressExpired { listener_id, listen_addr });
            }
            for new in now.iter().filter(|address| !self.announced.contains(address)) {
                let listen_addr = to_multiaddr(*new);
                self.events.push_back(TransportEvent::NewAddress { listener_id, listen_addr });
            }
            self.announced = now;
        }
    }

    fn poll_incoming(&mut self, cx: &mut Context<'_>) -> Option<Event> {
        let listener_id = self.listener?;
        for endpoint in &mut self.endpoints {
            while let Poll::Ready(Some(incoming)) = endpoint.accepting.poll_unpin(cx) {
                endpoint.accept_next();
                let remote = incoming.remote_address();
                let local =
                    SocketAddr::new(incoming.local_ip().unwrap_or_else(|| endpoint.unspecified()), self.sockets.port);
                let open = endpoint.endpoint.open_connections();
                if open >= QUIC_CONNECTIONS {
                    incoming.ignore();
                    continue;
                }
                if open >= QUIC_BUSY && !incoming.remote_address_validated() {
                    if let Err(error) = incoming.retry() {
                        error.into_incoming().ignore();
                    }
                    continue;
                }
                let Ok(connecting) = incoming.accept() else { continue };
                return Some(TransportEvent::Incoming {
                    listener_id,
                    upgrade: connect(connecting).boxed(),
                    local_addr: to_multiaddr(local),
                    send_back_addr: to_multiaddr(remote),
                });
            }
        }
        None
    }
}

impl EndpointOf {
    fn new(config: &QuicConfig, socket: &Arc<UdpPort>, listening: &Listening) -> Result<Self, QuicError> {
        let server = match listening {
            Listening::At(_) => Some(config.server()),
            Listening::No => None,
        };
        let endpoint = quinn::Endpoint::new_with_abstract_socket(
            config.endpoint(),
            server,
            Arc::clone(socket) as Arc<dyn quinn::AsyncUdpSocket>,
            Arc::new(quinn::TokioRuntime),
        )?;
        let is_ipv4 = socket.local_addr()?.is_ipv4();
        let mut this = Self { is_ipv4, endpoint, accepting: futures::future::pending().boxed() };
        this.accept_next();
        Ok(this)
    }

    fn accept_next(&mut self) {
        let endpoint = self.endpoint.clone();
        self.accepting = async move { endpoint.accept().await }.boxed();
    }

    const fn unspecified(&self) -> IpAddr {
        if self.is_ipv4 { IpAddr::V4(Ipv4Addr::UNSPECIFIED) } else { IpAddr::V6(Ipv6Addr::UNSPECIFIED) }
    }
}

impl Transport for QuicTransport {
    type Output = (PeerId, Connection);
    type Error = QuicError;
    type ListenerUpgrade = Upgrade;
    type Dial = Upgrade;

    fn listen_on(&mut self, id: ListenerId, address: Multiaddr) -> Result<(), TransportError<QuicError>> {
        let known = from_multiaddr(&address).is_some_and(|(address, _)| address.port() == self.sockets.port);
        if !known || self.listener.is_some() {
            return Err(TransportError::MultiaddrNotSupported(address));
        }
        self.listener = Some(id);
        self.wake();
        Ok(())
    }

    fn remove_listener(&mut self, id: ListenerId) -> bool {
        if self.listener != Some(id) {
            return false;
        }
        self.listener = None;
        self.announced.clear();
        self.events.push_back(TransportEvent::ListenerClosed { listener_id: id, reason: Ok(()) });
        self.wake();
        true
    }

    fn dial(&mut self, address: Multiaddr, _: DialOpts) -> Result<Upgrade, TransportError<QuicError>> {
        let Some((to, peer)) = from_multiaddr(&address) else {
            return Err(TransportError::MultiaddrNotSupported(address));
        };
        if to.port() == 0 || to.ip().is_unspecified() || to.ip().is_multicast() {
            return Err(TransportError::MultiaddrNotSupported(address));
        }
        let Some(endpoint) = self.endpoints.iter().find(|endpoint| endpoint.is_ipv4 == to.is_ipv4()) else {
            return Err(TransportError::Other(QuicError::NoSocket));
        };
        if self.sockets.towards(to).is_none_or(|socket| !socket.egress().allows(to.ip())) {
            return Err(TransportError::Other(QuicError::NotOnLink));
        }
        let client = self.config.client(peer).map_err(TransportError::Other)?;
        let endpoint = endpoint.endpoint.clone();
        Ok(async move {
            // rustls wants a name; libp2p peers are known by their keys and ignore it.
            connect(endpoint.connect_with(client, to, "l")?).await
        }
        .boxed())
    }

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Event> {
        self.poll_addresses(cx);
        if let Some(event) = self.events.pop_front() {
            return Poll::Ready(event);
        }
        if let Some(event) = self.poll_incoming(cx) {
            return Poll::Ready(event);
        }
        self.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for QuicTransport {
    fn drop(&mut self) {
        for endpoint in &self.endpoints {
            endpoint.endpoint.close(0_u32.into(), &[]);
        }
    }
}
