//! Multiaddrs of the one form spoken here, `/ip4|ip6/../udp/../quic-v1[/p2p/..]`, to socket addresses and back.

use std::net::SocketAddr;

use libp2p::core::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};

/// `None` for any other form.
pub(crate) fn from_multiaddr(address: &Multiaddr) -> Option<(SocketAddr, Option<PeerId>)> {
    let mut parts = address.iter();
    let ip = match parts.next()? {
        Protocol::Ip4(ip) => ip.into(),
        Protocol::Ip6(ip) => ip.into(),
        _ => return None,
    };
    let Protocol::Udp(port) = parts.next()? else { return None };
    let Protocol::QuicV1 = parts.next()? else { return None };
    let peer = match parts.next() {
        Some(Protocol::P2p(peer)) => Some(peer),
        Some(_) => return None,
        None => None,
    };
    parts.next().is_none().then_some((SocketAddr::new(ip, port), peer))
}

pub(crate) fn to_multiaddr(address: SocketAddr) -> Multiaddr {
    Multiaddr::empty().with(address.ip().into()).with(Protocol::Udp(address.port())).with(Protocol::QuicV1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for text in ["127.0.0.1:4040", "[::1]:4040", "[2001:db8::7]:1"] {
            let address: SocketAddr = text.parse().expect("an address");
            assert_eq!(from_multiaddr(&to_multiaddr(address)), Some((address, None)));
        }
    }

    #[test]
    fn the_peer_is_read_and_other_forms_are_refused() {
        let peer = PeerId::random();
        let with_peer = format!("/ip4/10.0.0.1/udp/7/quic-v1/p2p/{peer}").parse().expect("a multiaddr");
        assert_eq!(from_multiaddr(&with_peer).expect("known form").1, Some(peer));
        for text in [
            "/ip4/10.0.0.1/tcp/7",
            "/ip4/10.0.0.1/udp/7",
            "/ip4/10.0.0.1/udp/7/quic",
            "/dns4/example.org/udp/7/quic-v1",
            "/ip4/10.0.0.1/udp/7/quic-v1/p2p-circuit",
        ] {
            assert_eq!(from_multiaddr(&text.parse().expect("a multiaddr")), None, "{text}");
        }
    }
}
