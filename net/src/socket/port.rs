//! One UDP socket: batched receiving (recvmmsg and GRO), batched sending (GSO), and the way of QUIC's datagrams into their
//! inbox. Every datagram of the program leaves through `try_send` here, behind the egress check.

use std::fmt;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use conclave_proto::ecn::Ecn;
use quinn::udp::{EcnCodepoint, RecvMeta, Transmit, UdpSocketState};
use quinn::{AsyncUdpSocket, UdpPoller};
use tokio::io::Interest;
use tokio::net::UdpSocket;

use super::classify::{Class, classify};
use super::{QuicDatagram, QuicInbox};
use crate::egress::Egress;
use crate::limits::{GRO_BUFFER, RECEIVE_BATCH};

/// A socket at work, shared by the driver and QUIC.
#[derive(Debug)]
pub(crate) struct UdpPort {
    io: UdpSocket,
    state: UdpSocketState,
    egress: Arc<Egress>,
    inbox: QuicInbox,
    dropped: AtomicU64,
}

/// Buffers for one batch. A GRO buffer holds many datagrams of one sender.
pub(crate) struct Received {
    buffers: Vec<Box<[u8]>>,
}

impl Default for Received {
    fn default() -> Self {
        Self { buffers: (0..RECEIVE_BATCH).map(|_| vec![0; GRO_BUFFER].into_boxed_slice()).collect() }
    }
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Received(..)")
    }
}

impl UdpPort {
    pub(super) fn new(socket: std::net::UdpSocket, egress: Arc<Egress>) -> io::Result<Self> {
        let state = UdpSocketState::new((&socket).into())?;
        let io = UdpSocket::from_std(socket)?;
        Ok(Self { io, state, egress, inbox: QuicInbox::default(), dropped: AtomicU64::new(0) })
    }

    pub(crate) async fn readable(&self) -> io::Result<()> {
        self.io.readable().await
    }

    pub(crate) async fn writable(&self) -> io::Result<()> {
        self.io.writable().await
    }

    pub(crate) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.local_addr()
    }

    /// Reads one batch: QUIC's go to their inbox, Conclave's to `ours`, the rest nowhere. `false`: nothing was there.
    pub(crate) fn receive(
        &self,
        received: &mut Received,
        mut ours: impl FnMut(SocketAddr, Ecn, &mut [u8]),
    ) -> io::Result<bool> {
        let mut metas = [RecvMeta::default(); RECEIVE_BATCH];
        let count = {
            let mut slices = received.buffers.iter_mut().map(|buffer| IoSliceMut::new(buffer));
            let mut slices: [IoSliceMut<'_>; RECEIVE_BATCH] =
                std::array::from_fn(|_| slices.next().unwrap_or(IoSliceMut::new(&mut [])));
            match self.io.try_io(Interest::READABLE, || self.state.recv((&self.io).into(), &mut slices, &mut metas)) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        };
        for (buffer, meta) in received.buffers.iter_mut().zip(&metas[..count]) {
            let Some(filled) = buffer.get_mut(..meta.len) else { continue };
            let ecn = arrived_as(meta.ecn);
            for segment in filled.chunks_mut(meta.stride.max(1)) {
                match classify(segment) {
                    Class::Ours => ours(meta.addr, ecn, segment),
                    Class::Quic => {
                        if !self.inbox.push(QuicDatagram { meta: *meta, bytes: segment.to_vec() }) {
                            self.dropped.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                    Class::Unknown => {
                        self.dropped.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
        }
        Ok(true)
    }

    /// Sends, or says why not. `WouldBlock`: wait for [`writable`](Self::writable).
    pub(crate) fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        if !self.egress.admit(transmit.destination) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        self.io.try_io(Interest::WRITABLE, || self.state.try_send((&self.io).into(), transmit))
    }

    /// How many datagrams one call may carry.
    pub(crate) fn max_segments(&self) -> usize {
        self.state.max_gso_segments()
    }

    /// Datagrams that were nobody's, or too many for QUIC.
    #[cfg(test)]
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    pub(crate) fn egress(&self) -> &Egress {
        &self.egress
    }
}

impl AsyncUdpSocket for UdpPort {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(Writable { port: self, waiting: None })
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        match Self::try_send(self, transmit) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(error),
            // QUIC treats what cannot be sent as lost, and ends a connection on any error given here.
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        metas: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        self.inbox.poll_recv(cx, buffers, metas)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.local_addr()
    }

    fn max_transmit_segments(&self) -> usize {
        self.state.max_gso_segments()
    }

    // One: the inbox holds single datagrams, and quinn then takes 47 kB of buffers in place of 3 MB.
    fn max_receive_segments(&self) -> usize {
        1
    }

    fn may_fragment(&self) -> bool {
        self.state.may_fragment()
    }
}

/// ECT(1) is nothing that we send, so a network made it up.
const fn arrived_as(codepoint: Option<EcnCodepoint>) -> Ecn {
    match codepoint {
        Some(EcnCodepoint::Ect0) => Ecn::Capable,
        Some(EcnCodepoint::Ce) => Ecn::Congested,
        Some(EcnCodepoint::Ect1) | None => Ecn::NotCapable,
    }
}

type Waiting = Pin<Box<dyn Future<Output = io::Result<()>> + Send + Sync>>;

/// Waits until a socket takes more, for one task of quinn.
struct Writable {
    port: Arc<UdpPort>,
    waiting: Option<Waiting>,
}

impl UdpPoller for Writable {
    fn poll_writable(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let port = Arc::clone(&self.port);
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(async move { port.io.writable().await }));
        let outcome = ready!(waiting.as_mut().poll(cx));
        self.waiting = None;
        Poll::Ready(outcome)
    }
}

impl fmt::Debug for Writable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Writable(..)")
    }
}
