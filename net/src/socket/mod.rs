//! The UDP sockets of one node: one per IP family, the same port number on both. libp2p's QUIC and Conclave's sealed
//! datagrams share them, so that one hole in a firewall and one observed address serve both. This file binds; `port.rs`
//! sends and receives, `inbox.rs` hands QUIC its share, `classify.rs` tells the two apart. Used by the driver (sealed
//! datagrams), `quic` and the browser.

mod classify;
mod inbox;
mod outbox;
mod port;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use socket2::{Domain, Protocol, Socket, Type};

use crate::egress::Egress;
use crate::limits;

pub(crate) use inbox::{QuicDatagram, QuicInbox};
pub(crate) use outbox::Outbox;
pub(crate) use port::{Received, UdpPort};

/// Bound, not yet tied to a runtime.
#[derive(Debug)]
pub(crate) struct BoundSockets {
    v4: Option<std::net::UdpSocket>,
    v6: Option<std::net::UdpSocket>,
    port: u16,
}

/// The sockets at work.
#[derive(Clone, Debug)]
pub(crate) struct Sockets {
    pub(crate) v4: Option<Arc<UdpPort>>,
    pub(crate) v6: Option<Arc<UdpPort>>,
    pub(crate) port: u16,
}

/// Why there are no sockets.
#[derive(Debug)]
pub(crate) enum BindError {
    InUse,
    Reserved,
    Other(io::Error),
}

impl BoundSockets {
    /// Binds both families to `port`; 0 picks one that is free for both. One family alone is enough if the system has no
    /// other.
    pub(crate) fn bind(port: u16, lan_only: bool) -> Result<Self, BindError> {
        if port != 0 {
            return Self::bind_both(port, lan_only);
        }
        let mut last = BindError::InUse;
        for _ in 0..limits::PORT_TRIES {
            match Self::bind_both(0, lan_only) {
                Err(BindError::InUse) => last = BindError::InUse,
                done => return done,
            }
        }
        Err(std::mem::replace(&mut last, BindError::InUse))
    }

    fn bind_both(port: u16, lan_only: bool) -> Result<Self, BindError> {
        let v4 = family_or_none(bind_one(Ipv4Addr::UNSPECIFIED.into(), port, lan_only))?;
        let port = match &v4 {
            Some(socket) => socket.local_addr().map_err(BindError::Other)?.port(),
            None => port,
        };
        let v6 = family_or_none(bind_one(Ipv6Addr::UNSPECIFIED.into(), port, lan_only))?;
        let port = match (&v4, &v6) {
            (None, None) => return Err(BindError::Other(io::ErrorKind::Unsupported.into())),
            (None, Some(socket)) => socket.local_addr().map_err(BindError::Other)?.port(),
            (Some(_), _) => port,
        };
        Ok(Self { v4, v6, port })
    }

    pub(crate) fn has_v4(&self) -> bool {
        self.v4.is_some()
    }

    pub(crate) fn has_v6(&self) -> bool {
        self.v6.is_some()
    }

    /// Ties the sockets to the runtime that this is called in.
    pub(crate) fn register(self, egress: &Arc<Egress>) -> io::Result<Sockets> {
        let register = |socket: Option<std::net::UdpSocket>| {
            socket.map(|socket| UdpPort::new(socket, Arc::clone(egress)).map(Arc::new)).transpose()
        };
        Ok(Sockets { v4: register(self.v4)?, v6: register(self.v6)?, port: self.port })
    }
}

impl Sockets {
    /// The socket that reaches `to`.
    pub(crate) fn towards(&self, to: SocketAddr) -> Option<&Arc<UdpPort>> {
        if to.is_ipv4() { self.v4.as_ref() } else { self.v6.as_ref() }
    }
}

/// A family that the system lacks is no error; everything else is.
fn family_or_none(result: io::Result<std::net::UdpSocket>) -> Result<Option<std::net::UdpSocket>, BindError> {
    match result {
        Ok(socket) => Ok(Some(socket)),
        Err(error) => match error.kind() {
            io::ErrorKind::AddrInUse => Err(BindError::InUse),
            io::ErrorKind::PermissionDenied => Err(BindError::Reserved),
            io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported => Ok(None),
            _ if is_missing_family(&error) => Ok(None),
            _ => Err(BindError::Other(error)),
        },
    }
}

fn is_missing_family(error: &io::Error) -> bool {
    // EAFNOSUPPORT: 97 on Linux, 47 on macOS and the BSDs; WSAEAFNOSUPPORT: 10047.
    matches!(error.raw_os_error(), Some(97 | 47 | 10047))
}

fn bind_one(ip: IpAddr, port: u16, lan_only: bool) -> io::Result<std::net::UdpSocket> {
    let address = SocketAddr::new(ip, port);
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    if lan_only {
        forbid_routing(&socket)?;
    }
    // The system may grant less; what it grants is enough for a call, more only rides out longer pauses.
    for outcome in
        [socket.set_recv_buffer_size(limits::KERNEL_BUFFER), socket.set_send_buffer_size(limits::KERNEL_BUFFER)]
    {
        if let Err(error) = outcome {
            tracing::debug!(%error, "kernel buffer size");
        }
    }
    socket.bind(&address.into())?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// SO_DONTROUTE: the kernel itself refuses what is not on a link of this computer.
#[cfg(unix)]
fn forbid_routing(socket: &Socket) -> io::Result<()> {
    nix::sys::socket::setsockopt(socket, nix::sys::socket::sockopt::DontRoute, &true).map_err(Into::into)
}

/// Elsewhere the egress check alone holds things back.
#[cfg(not(unix))]
fn forbid_routing(_: &Socket) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_families_share_one_port() {
        let sockets = BoundSockets::bind(0, false).expect("loopback has sockets");
        assert_ne!(sockets.port, 0);
        for socket in [&sockets.v4, &sockets.v6].into_iter().flatten() {
            assert_eq!(socket.local_addr().expect("bound").port(), sockets.port);
        }
    }

    #[test]
    fn a_port_in_use_is_told_apart() {
        let first = BoundSockets::bind(0, false).expect("loopback has sockets");
        assert!(matches!(BoundSockets::bind(first.port, false), Err(BindError::InUse)));
    }

    #[test]
    #[cfg(unix)]
    fn lan_only_sockets_reach_loopback_and_the_kernel_refuses_the_rest() {
        let sockets = BoundSockets::bind(0, true).expect("loopback has sockets");
        let socket = sockets.v4.as_ref().expect("IPv4");
        let here = SocketAddr::from((Ipv4Addr::LOCALHOST, sockets.port));
        assert!(socket.send_to(b"x", here).is_ok());
        // TEST-NET-2 is on no link of any computer.
        assert!(socket.send_to(b"x", "198.51.100.1:9").is_err());
    }
}
