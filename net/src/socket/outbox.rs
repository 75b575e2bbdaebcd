//! Sealed datagrams on their way out. Neighbours of one size and mark to one address leave in one call (GSO). What the kernel does not
//! take now waits here, bounded; the oldest goes first when there are too many, for late media are worth nothing.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use conclave_proto::ecn::Ecn;
use quinn::udp::{EcnCodepoint, Transmit};

use super::{Sockets, UdpPort};
use crate::limits::{GSO_BYTES, OUTBOX};

/// Filled from the core's outputs, flushed at the end of every turn of the driver.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    waiting: VecDeque<Waiting>,
    batch: Vec<u8>,
    dropped: u64,
}

#[derive(Debug)]
struct Waiting {
    to: SocketAddr,
    ecn: Ecn,
    datagram: Vec<u8>,
}

/// What became of the front of the queue.
enum Sent {
    /// That many datagrams are out (or can never be).
    Done(usize),
    /// The kernel takes no more now.
    Blocked,
}

impl Outbox {
    pub(crate) fn push(&mut self, to: SocketAddr, ecn: Ecn, datagram: Vec<u8>) {
        if self.waiting.len() == OUTBOX {
            self.waiting.pop_front();
            self.dropped += 1;
        }
        self.waiting.push_back(Waiting { to, ecn, datagram });
    }

    /// The socket that must become writable before [`flush`](Self::flush) can go on.
    pub(crate) fn blocked_on<'a>(&self, sockets: &'a Sockets) -> Option<&'a Arc<UdpPort>> {
        self.waiting.front().and_then(|first| sockets.towards(first.to))
    }

    /// Sends all that the kernel takes.
    pub(crate) fn flush(&mut self, sockets: &Sockets) {
        while let Some(first) = self.waiting.front() {
            let (to, ecn) = (first.to, codepoint(first.ecn));
            let sent = match sockets.towards(to) {
                Some(port) => self.send_run(port, to, ecn),
                None => Sent::Done(1),
            };
            match sent {
                Sent::Done(count) => drop(self.waiting.drain(..count)),
                Sent::Blocked => return,
            }
        }
    }

    /// Sends the datagrams at the front that can share one call.
    fn send_run(&mut self, port: &UdpPort, to: SocketAddr, ecn: Option<EcnCodepoint>) -> Sent {
        let run = self.run_length(port.max_segments());
        if run > 1 {
            self.batch.clear();
            for waiting in self.waiting.range(..run) {
                self.batch.extend_from_slice(&waiting.datagram);
            }
            let size = self.waiting.front().map_or(0, |first| first.datagram.len());
            match port.try_send(&transmit(to, ecn, &self.batch, Some(size))) {
                Ok(()) => return Sent::Done(run),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Sent::Blocked,
                // One of them may be to blame, or the network card cannot do it: try them one by one.
                Err(error) => tracing::debug!(kind = ?error.kind(), "a batch was not sent"),
            }
        }
        let Some(first) = self.waiting.front() else { return Sent::Done(0) };
        match port.try_send(&transmit(to, ecn, &first.datagram, None)) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Sent::Blocked,
            Err(error) => {
                // Too large for the link, no way there, not allowed: lost, as far as the core is concerned.
                tracing::debug!(kind = ?error.kind(), "a datagram was not sent");
                self.dropped += 1;
                Sent::Done(1)
            }
            Ok(()) => Sent::Done(1),
        }
    }

    /// How many at the front go to one address as the same and have one size (the last may be shorter).
    fn run_length(&self, segments: usize) -> usize {
        let Some(Waiting { to, ecn, datagram: first }) = self.waiting.front() else { return 0 };
        let most = segments.min(GSO_BYTES / first.len().max(1)).max(1);
        let mut run = 1;
        for other in self.waiting.iter().take(most).skip(1) {
            if other.to != *to || other.ecn != *ecn || other.datagram.len() > first.len() {
                break;
            }
            run += 1;
            if other.datagram.len() < first.len() {
                break;
            }
        }
        run
    }
}

const fn codepoint(ecn: Ecn) -> Option<EcnCodepoint> {
    match ecn {
        Ecn::NotCapable => None,
        Ecn::Capable => Some(EcnCodepoint::Ect0),
        Ecn::Congested => Some(EcnCodepoint::Ce),
    }
}

const fn transmit(
    destination: SocketAddr,
    ecn: Option<EcnCodepoint>,
    contents: &[u8],
    segment_size: Option<usize>,
) -> Transmit<'_> {
    Transmit { destination, ecn, contents, segment_size, src_ip: None }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;
    use crate::egress::Egress;
    use crate::socket::{BoundSockets, Received};

    fn outbox(sizes: &[(u16, usize)]) -> Outbox {
        let mut outbox = Outbox::default();
        for (port, size) in sizes {
            outbox.push(SocketAddr::from(([127, 0, 0, 1], *port)), Ecn::NotCapable, vec![0x20; *size]);
        }
        outbox
    }

    #[test]
    fn a_run_has_one_address_and_one_size_and_may_end_shorter() {
        assert_eq!(outbox(&[]).run_length(64), 0);
        assert_eq!(outbox(&[(1, 1200), (1, 1200), (1, 700), (1, 700)]).run_length(64), 3);
        assert_eq!(outbox(&[(1, 1200), (2, 1200)]).run_length(64), 1);
        assert_eq!(outbox(&[(1, 700), (1, 1200)]).run_length(64), 1);
        assert_eq!(outbox(&[(1, 1200); 5]).run_length(3), 3);
        assert_eq!(outbox(&[(1, 1200); 100]).run_length(64), GSO_BYTES / 1200);
    }

    #[test]
    fn what_may_be_marked_and_what_may_not_leave_apart() {
        let mut outbox = outbox(&[(1, 1200), (1, 1200)]);
        outbox.push(SocketAddr::from(([127, 0, 0, 1], 1)), Ecn::Capable, vec![0x20; 1200]);
        assert_eq!(outbox.run_length(64), 2);
    }

    #[test]
    fn the_oldest_goes_when_there_are_too_many() {
        let mut outbox = outbox(&[(1, 10)]);
        for _ in 0..OUTBOX {
            outbox.push(SocketAddr::from(([127, 0, 0, 1], 2)), Ecn::NotCapable, vec![0x20]);
        }
        assert_eq!(outbox.waiting.len(), OUTBOX);
        assert!(outbox.waiting.iter().all(|waiting| waiting.to.port() == 2));
    }

    /// Over loopback, for want of a network that marks: what the kernel is told of a datagram comes out at the other end.
    #[tokio::test]
    async fn marks_reach_the_other_end() {
        let sockets = || BoundSockets::bind(0, false).expect("a port").register(&Arc::new(Egress::new(false)));
        let (here, there) = (sockets().expect("a runtime"), sockets().expect("a runtime"));
        let to = SocketAddr::from(([127, 0, 0, 1], there.port));
        let mut outbox = Outbox::default();
        // Two that leave in one call, then one of each kind by itself.
        let sent = [Ecn::Capable, Ecn::Capable, Ecn::NotCapable, Ecn::Congested];
        sent.into_iter().for_each(|ecn| outbox.push(to, ecn, vec![0x20; 300]));
        here.v4.as_ref().expect("IPv4").writable().await.expect("a healthy socket");
        outbox.flush(&here);
        let (port, mut received, mut arrived) = (there.v4.expect("IPv4"), Received::default(), Vec::new());
        while arrived.len() < sent.len() {
            timeout(Duration::from_secs(10), port.readable()).await.expect("they arrive").expect("a healthy socket");
            port.receive(&mut received, |_, ecn, _| arrived.push(ecn)).expect("a healthy socket");
        }
        assert_eq!(arrived, sent);
    }
}
