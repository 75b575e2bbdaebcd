//! Which addresses of a peer are tried, and how. An address is proven by a challenge that comes back; nothing but challenges
//! and answers goes to an unproven one, and never more than three times what came from it unless the peer itself named it.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::core::PathKind;
use crate::entropy::Entropy;
use crate::limits::{AMPLIFICATION, CANDIDATES, CHALLENGE_FIRST, CHALLENGE_MAX};
use crate::time::Instant;

/// An address that may or may not reach the peer.
#[derive(Debug)]
struct Candidate {
    address: SocketAddr,
    token: [u8; 8],
    next_challenge: Option<Instant>,
    pause: Duration,
    /// Named by the peer or by signalling, or proven before; not just seen as a source.
    trusted: bool,
    bytes_received: u64,
    bytes_sent: u64,
}

/// All addresses of one peer that are being tried. Bounded; the oldest one makes room, one that is only a source first.
#[derive(Debug, Default)]
pub(crate) struct Candidates {
    list: Vec<Candidate>,
}

impl Candidates {
    /// An address that the peer or signalling named; challenged at once if new.
    pub(crate) fn add(&mut self, now: Instant, address: SocketAddr, entropy: &mut dyn Entropy) {
        self.insert(now, address, true, entropy);
    }

    /// A datagram that only asks or answers came from `address`, which is not the path in use: it may be answered, but the peer
    /// does not speak from there.
    pub(crate) fn probed(&mut self, now: Instant, address: SocketAddr, bytes: usize, entropy: &mut dyn Entropy) {
        let known = self.list.iter().any(|candidate| candidate.address == address);
        self.insert(now, address, false, entropy);
        if let Some(candidate) = self.list.iter_mut().find(|candidate| candidate.address == address) {
            candidate.bytes_received += bytes as u64;
            if !known {
                candidate.next_challenge = None;
            }
        }
    }

    /// An authentic datagram came from `address`, which is not the path in use.
    pub(crate) fn seen(&mut self, now: Instant, address: SocketAddr, bytes: usize, entropy: &mut dyn Entropy) {
        self.insert(now, address, false, entropy);
        if let Some(candidate) = self.list.iter_mut().find(|candidate| candidate.address == address) {
            candidate.bytes_received += bytes as u64;
            if candidate.next_challenge.is_none() {
                candidate.next_challenge = Some(now);
                candidate.pause = CHALLENGE_FIRST;
            }
        }
    }

    /// The answer to a challenge: which address it proves. Answers count once.
    pub(crate) fn proven(&mut self, token: [u8; 8], entropy: &mut dyn Entropy) -> Option<SocketAddr> {
        let candidate = self.list.iter_mut().find(|candidate| candidate.token == token && candidate.bytes_sent > 0)?;
        entropy.fill(&mut candidate.token);
        candidate.trusted = true;
        Some(candidate.address)
    }

    /// A challenge that is due: where to and with which token. The caller sends it now; `size` is what it will cost.
    pub(crate) fn poll_challenge(&mut self, now: Instant, size: usize) -> Option<(SocketAddr, [u8; 8])> {
        let candidate = self.list.iter_mut().find(|c| c.next_challenge.is_some_and(|due| due <= now))?;
        candidate.next_challenge = Some(now + candidate.pause);
        candidate.pause = (candidate.pause * 2).min(CHALLENGE_MAX);
        if !candidate.may_send(size) {
            // It waits for more from there; `seen` starts it again.
            candidate.next_challenge = None;
            return self.poll_challenge(now, size);
        }
        candidate.bytes_sent += size as u64;
        Some((candidate.address, candidate.token))
    }

    /// Whether an answer of `size` bytes may go to this address, and notes it.
    pub(crate) fn may_answer(&mut self, address: SocketAddr, size: usize) -> bool {
        let Some(candidate) = self.list.iter_mut().find(|candidate| candidate.address == address) else {
            return false;
        };
        let may = candidate.may_send(size);
        if may {
            candidate.bytes_sent += size as u64;
        }
        may
    }

    /// A path was found: nothing is challenged any more.
    pub(crate) fn rest(&mut self) {
        self.list.iter_mut().for_each(|candidate| candidate.next_challenge = None);
    }

    /// Tries all of them anew, at once.
    pub(crate) fn restart(&mut self, now: Instant) {
        for candidate in &mut self.list {
            candidate.next_challenge = Some(now);
            candidate.pause = CHALLENGE_FIRST;
        }
    }

    pub(crate) fn next_wake(&self) -> Option<Instant> {
        self.list.iter().filter_map(|candidate| candidate.next_challenge).min()
    }

    fn insert(&mut self, now: Instant, address: SocketAddr, trusted: bool, entropy: &mut dyn Entropy) {
        if !is_usable(address) {
            return;
        }
        if let Some(known) = self.list.iter_mut().find(|candidate| candidate.address == address) {
            known.trusted |= trusted;
            return;
        }
        if self.list.len() >= CANDIDATES {
            self.list.remove(self.list.iter().position(|candidate| !candidate.trusted).unwrap_or(0));
        }
        let mut token = [0; 8];
        entropy.fill(&mut token);
        self.list.push(Candidate {
            address,
            token,
            next_challenge: Some(now),
            pause: CHALLENGE_FIRST,
            trusted,
            bytes_received: 0,
            bytes_sent: 0,
        });
    }
}

impl Candidate {
    const fn may_send(&self, size: usize) -> bool {
        self.trusted || self.bytes_sent + size as u64 <= AMPLIFICATION * self.bytes_received
    }
}

/// Whether a datagram to it can mean one peer.
fn is_usable(address: SocketAddr) -> bool {
    let ip = address.ip();
    address.port() != 0
        && !ip.is_unspecified()
        && !ip.is_multicast()
        && !matches!(ip, IpAddr::V4(v4) if v4.is_broadcast())
}

/// What kind of network an address belongs to.
pub(crate) fn path_kind(address: SocketAddr) -> PathKind {
    let (loopback, local) = match address.ip().to_canonical() {
        IpAddr::V4(ip) => (ip.is_loopback(), ip.is_private() || ip.is_link_local()),
        IpAddr::V6(ip) => (ip.is_loopback(), ip.is_unique_local() || ip.is_unicast_link_local()),
    };
    match (loopback, local) {
        (true, _) => PathKind::Loopback,
        (false, true) => PathKind::LocalNetwork,
        (false, false) => PathKind::Internet,
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::*;
    use crate::testing::SeededEntropy;

    fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([192, 168, 0, 9], port))
    }

    #[test]
    fn an_address_that_nobody_named_gets_three_times_its_bytes_at_most() {
        let (mut candidates, mut entropy) = (Candidates::default(), SeededEntropy::new(1));
        let mut now = Instant::ZERO;
        candidates.seen(now, address(1), 100, &mut entropy);
        let mut sent = 0;
        for _ in 0..1000 {
            now += Duration::from_millis(100);
            while candidates.poll_challenge(now, 43).is_some() {
                sent += 43;
            }
            if candidates.may_answer(address(1), 43) {
                sent += 43;
            }
        }
        assert!(sent > 100 && sent <= 300, "{sent}");
        assert_eq!(candidates.next_wake(), None, "it does not wake for nothing");
    }

    #[test]
    fn a_token_proves_its_own_address_once() {
        let (mut candidates, mut entropy) = (Candidates::default(), SeededEntropy::new(1));
        candidates.add(Instant::ZERO, address(1), &mut entropy);
        candidates.add(Instant::ZERO, address(2), &mut entropy);
        let first = candidates.poll_challenge(Instant::ZERO, 43);
        let second = candidates.poll_challenge(Instant::ZERO, 43);
        assert_ne!(first, second);
        let Some((to, token)) = second else { panic!("two challenges are due") };
        assert_eq!(candidates.proven(token, &mut entropy), Some(to));
        assert_eq!(candidates.proven(token, &mut entropy), None);
        assert_eq!(candidates.proven([0; 8], &mut entropy), None);
    }

    #[test]
    fn the_list_is_bounded_and_refuses_nonsense() {
        let (mut candidates, mut entropy) = (Candidates::default(), SeededEntropy::new(1));
        for port in 0..200 {
            candidates.seen(Instant::ZERO, address(port), 1, &mut entropy);
            candidates.add(Instant::ZERO, address(port + 1000), &mut entropy);
        }
        candidates.add(Instant::ZERO, SocketAddr::from(([224, 0, 0, 1], 5)), &mut entropy);
        assert!(candidates.list.len() <= CANDIDATES);
        assert!(candidates.list.iter().all(|c| c.address.port() != 0 && !c.address.ip().is_multicast()));
    }
}
