//! The addresses of this computer, and news when they change (another network, a cable, wake from sleep). Link-local IPv6
//! addresses are left out: without their interface they lead nowhere, and an invite cannot carry an interface of somebody
//! else's computer. Run by `swarm`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use futures::StreamExt as _;
use if_watch::tokio::IfWatcher;
use if_watch::{IfEvent, IpNet};
use tokio::time::timeout;

use crate::limits::{ADDRESS_NEWS, ADDRESS_SETTLE, ADDRESSES};

/// Watches the interfaces.
#[derive(Debug)]
pub(crate) struct AddressWatch {
    watcher: Option<IfWatcher>,
    nets: Vec<IpNet>,
    /// Something changed that [`changed`](Self::changed) has not told yet.
    dirty: bool,
}

impl AddressWatch {
    /// Starts watching and waits for the list of now. Must be called inside a tokio runtime.
    pub(crate) async fn start() -> Self {
        let watcher = IfWatcher::new().inspect_err(|error| tracing::warn!(%error, "no news of addresses")).ok();
        let mut watch = Self { watcher, nets: Vec::new(), dirty: false };
        if let Ok(true) = timeout(ADDRESS_NEWS, watch.next()).await {
            watch.settle().await;
        }
        if watch.nets.is_empty() {
            watch.nets = guess();
        }
        watch.dirty = false;
        watch
    }

    /// False: changes will not be noticed.
    pub(crate) const fn works(&self) -> bool {
        self.watcher.is_some()
    }

    /// Waits until the addresses have changed and settled. Cancelling loses nothing.
    pub(crate) async fn changed(&mut self) {
        while !self.dirty {
            self.next().await;
        }
        self.settle().await;
        self.dirty = false;
    }

    /// Interfaces come up with several addresses, one after the other.
    async fn settle(&mut self) {
        while timeout(ADDRESS_SETTLE, self.next()).await.is_ok() {}
    }

    /// Takes one event in; true if it changed something. Waits for ever once watching has failed.
    async fn next(&mut self) -> bool {
        let Some(watcher) = &mut self.watcher else { return std::future::pending().await };
        match watcher.next().await {
            Some(Ok(IfEvent::Up(net))) => {
                let new = !self.nets.contains(&net) && self.nets.len() < ADDRESSES;
                if new {
                    self.nets.push(net);
                }
                self.dirty |= new;
                new
            }
            Some(Ok(IfEvent::Down(net))) => {
                let before = self.nets.len();
                self.nets.retain(|known| *known != net);
                let gone = self.nets.len() != before;
                self.dirty |= gone;
                gone
            }
            Some(Err(error)) => {
                tracing::warn!(%error, "no more news of addresses");
                self.watcher = None;
                false
            }
            None => {
                self.watcher = None;
                false
            }
        }
    }

    /// The networks that this computer is a part of.
    pub(crate) fn nets(&self) -> Vec<IpNet> {
        self.nets.clone()
    }

    /// Where we can be reached: the most promising first, loopback last.
    pub(crate) fn reachable(&self, port: u16, v4: bool, v6: bool) -> Vec<SocketAddr> {
        let mut ips: Vec<IpAddr> = self.nets.iter().map(IpNet::addr).collect();
        ips.retain(|ip| if ip.is_ipv4() { v4 } else { v6 && !is_scoped(*ip) });
        ips.sort_by_key(|ip| (rank(*ip), *ip));
        ips.dedup();
        ips.into_iter().map(|ip| SocketAddr::new(ip, port)).collect()
    }
}

fn is_scoped(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local())
}

/// Small is better: home networks, then public addresses, then those that come from having no router, then ourselves.
const fn rank(ip: IpAddr) -> u8 {
    match ip {
        IpAddr::V4(ip) if ip.is_loopback() => 5,
        IpAddr::V6(ip) if ip.is_loopback() => 6,
        IpAddr::V4(ip) if ip.is_link_local() => 4,
        IpAddr::V4(ip) if ip.is_private() => 0,
        IpAddr::V4(_) => 1,
        IpAddr::V6(ip) if ip.is_unique_local() => 3,
        IpAddr::V6(_) => 2,
    }
}

/// Without a list of interfaces: the address that the system would send from, and loopback. Connecting a UDP socket sends
/// nothing.
fn guess() -> Vec<IpNet> {
    let probes = [("0.0.0.0:0", "198.51.100.1:9"), ("[::]:0", "[2001:db8::1]:9")];
    let mut ips: Vec<IpAddr> = probes
        .iter()
        .filter_map(|(from, to)| {
            let socket = UdpSocket::bind(from).ok()?;
            socket.connect(to).ok()?;
            Some(socket.local_addr().ok()?.ip())
        })
        .collect();
    ips.push(Ipv4Addr::LOCALHOST.into());
    ips.push(Ipv6Addr::LOCALHOST.into());
    ips.into_iter().map(IpNet::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_promising_first_and_loopback_last() {
        let nets = ["::1/128", "127.0.0.1/8", "169.254.1.2/16", "fe80::1/64", "2001:db8::5/64", "192.168.1.9/24"];
        let nets = nets.iter().map(|net| net.parse().expect("a net")).collect();
        let watch = AddressWatch { watcher: None, nets, dirty: false };
        let ips: Vec<String> = watch.reachable(7, true, true).iter().map(|address| address.ip().to_string()).collect();
        assert_eq!(ips, ["192.168.1.9", "2001:db8::5", "169.254.1.2", "127.0.0.1", "::1"]);
        assert!(watch.reachable(7, true, false).iter().all(SocketAddr::is_ipv4));
    }

    #[tokio::test]
    async fn this_computer_has_at_least_loopback() {
        let watch = AddressWatch::start().await;
        let last = watch.reachable(7, true, false).pop().expect("an address");
        assert!(last.ip().is_loopback());
    }

    #[test]
    fn the_guess_has_loopback_too() {
        assert!(guess().iter().any(|net| net.addr().is_loopback()));
    }
}
