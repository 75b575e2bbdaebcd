//! The one choke point of everything that leaves the node's sockets. In LAN-only mode it lets a datagram through only if its
//! destination lies on a link of this computer; the sockets' SO_DONTROUTE makes the kernel check the same again. It counts
//! what left and what was held back. Asked by `socket` before each send and by `quic` before each dial.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use if_watch::IpNet;

/// What may leave.
#[derive(Debug, Default)]
pub(crate) struct Egress {
    lan_only: bool,
    /// Written when the interfaces change, read for one lookup.
    on_link: RwLock<Vec<IpNet>>,
    sent: AtomicU64,
    refused: AtomicU64,
}

impl Egress {
    pub(crate) fn new(lan_only: bool) -> Self {
        Self { lan_only, ..Self::default() }
    }

    /// Whether a datagram may go there; counts the answer.
    pub(crate) fn admit(&self, to: SocketAddr) -> bool {
        let admitted = self.allows(to.ip());
        let counter = if admitted { &self.sent } else { &self.refused };
        counter.fetch_add(1, Ordering::Relaxed);
        admitted
    }

    /// Whether a datagram would be let through.
    pub(crate) fn allows(&self, to: IpAddr) -> bool {
        !self.lan_only || self.is_on_link(to)
    }

    /// Whether the address is this computer's, or a neighbour's on one of its links.
    pub(crate) fn is_on_link(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        ip.is_loopback()
            || is_link_local(ip)
            || self.on_link.read().unwrap_or_else(PoisonError::into_inner).iter().any(|net| net.contains(&ip))
    }

    pub(crate) fn set_links(&self, links: Vec<IpNet>) {
        *self.on_link.write().unwrap_or_else(PoisonError::into_inner) = links;
    }

    /// Held back so far.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Let through so far; a batch counts once.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

const fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn lan_only_lets_through_what_is_on_a_link_and_counts_the_rest() {
        let egress = Egress::new(true);
        egress.set_links(vec!["192.168.7.20/24".parse().expect("a net"), "2001:db8:1::5/64".parse().expect("a net")]);
        for inside in ["127.0.0.1:1", "[::1]:1", "192.168.7.9:1", "169.254.3.4:1", "[fe80::1]:1", "[2001:db8:1::9]:1"] {
            assert!(egress.admit(address(inside)), "{inside}");
        }
        for outside in ["192.168.8.9:1", "10.0.0.1:1", "192.88.99.1:1", "[2001:db8:2::9]:1", "[::ffff:192.88.99.1]:1"] {
            assert!(!egress.admit(address(outside)), "{outside}");
        }
        assert_eq!((egress.sent(), egress.refused()), (6, 5));
    }

    #[test]
    fn without_lan_only_everything_may_leave() {
        assert!(Egress::new(false).admit(address("192.88.99.1:1")));
    }
}
