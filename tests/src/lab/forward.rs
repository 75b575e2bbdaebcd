//! Moves packets between the hosts of a lab: what a host sends passes its link and arrives at the host that it is for.
//!
//! One thread does it all, so one seed and one order of packets give one fate to each. It keeps books of what passed, in
//! steps of a tenth of a second, and of its own lateness. Packets to nobody (multicast, other networks) vanish. Run by the lab.

use crate::link::Link;
use conclave_proto::ecn::Ecn;
use conclave_proto::time::Instant;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;
use std::fs::File;
use std::io::{Read, Write};
use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A step of the books.
pub const STEP: Duration = Duration::from_millis(100);
/// So long a stop may be overlooked.
const REST_MAX: Duration = Duration::from_millis(100);
/// Packets taken from one host before the others get their turn.
const BATCH: usize = 32;
const PACKET_BYTES_MAX: usize = 1500;
/// Later than this is told.
const LATE: Duration = Duration::from_millis(1);

/// A host's cable and the link behind it.
pub(super) struct Port {
    pub(super) address: Ipv4Addr,
    pub(super) cable: File,
    pub(super) link: Link<Packet>,
    /// Told so far, see `take_gone`.
    pub(super) gone: u64,
}

impl Port {
    /// Packets that its link took and will not hand on, since this was last asked.
    fn take_gone(&mut self) -> u64 {
        let gone = self.link.counters().lost + self.link.counters().dropped_by_queue;
        gone - std::mem::replace(&mut self.gone, gone)
    }
}

/// What passed a host's link in one step, whole IP packets. Sent: by the moment of entering; arrived: of leaving.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Step {
    pub udp_sent_bytes: u64,
    pub udp_arrived_bytes: u64,
    pub tcp_arrived_bytes: u64,
    /// Lost, or without room in the queue.
    pub gone_packets: u64,
    /// Arrived with a mark of the queue.
    pub marked_packets: u64,
    pub packets: u64,
    /// The longest that a packet which arrived in this step was on the link.
    pub longest: Duration,
}

/// The books of a lab.
#[derive(Debug, Default)]
pub struct Books {
    /// By host, then by step.
    pub steps: Vec<Vec<Step>>,
    pub delivered: u64,
    /// Delivered more than a millisecond late, because the thread did not run.
    pub late: u64,
    pub latest: Duration,
}

impl Books {
    fn step(&mut self, host: usize, at: Instant) -> &mut Step {
        let place = (at.as_micros() / STEP.as_micros() as u64) as usize;
        let steps = &mut self.steps[host];
        if steps.len() <= place {
            steps.resize(place + 1, Step::default());
        }
        &mut steps[place]
    }
}

/// A packet on a link.
#[derive(Debug, Clone)]
pub struct Packet {
    sent: Instant,
    to: usize,
    bytes: Vec<u8>,
}

pub(super) struct Forwarder {
    ports: Vec<Port>,
    books: Books,
}

impl Forwarder {
    pub(super) fn new(ports: Vec<Port>) -> Forwarder {
        let books = Books { steps: vec![Vec::new(); ports.len()], ..Books::default() };
        Forwarder { ports, books }
    }

    /// Moves packets until told to stop. Time counts from `began`.
    pub(super) fn run(mut self, began: std::time::Instant, stop: &AtomicBool) -> Books {
        let now = || Instant::ZERO + began.elapsed();
        while !stop.load(Ordering::Relaxed) {
            for host in 0..self.ports.len() {
                self.take(host, now());
                self.deliver(host, now());
            }
            let next = self.ports.iter().filter_map(|port| port.link.next_wake()).min();
            let rest = next.map_or(REST_MAX, |at| at.since(now()).min(REST_MAX));
            let mut cables: Vec<PollFd<'_>> =
                self.ports.iter().map(|port| PollFd::new(port.cable.as_fd(), PollFlags::POLLIN)).collect();
            match ppoll(&mut cables, Some(TimeSpec::from_duration(rest)), None) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(_) => break,
            }
        }
        self.books
    }

    fn take(&mut self, from: usize, now: Instant) {
        let mut buffer = [0; PACKET_BYTES_MAX];
        for _ in 0..BATCH {
            // It would have to wait, or the namespace is coming down.
            let Ok(length) = self.ports[from].cable.read(&mut buffer) else { return };
            self.send(from, now, &buffer[..length]);
        }
    }

    fn send(&mut self, from: usize, now: Instant, bytes: &[u8]) {
        let Some(to) = destination(bytes).and_then(|to| self.ports.iter().position(|port| port.address == to)) else {
            return;
        };
        let packet = Packet { sent: now, to, bytes: bytes.to_vec() };
        self.ports[from].link.send_as(now, bytes.len(), ecn_of(bytes), packet);
        let gone = self.ports[from].take_gone();
        let step = self.books.step(from, now);
        step.packets += 1;
        step.gone_packets += gone;
        if protocol(bytes) == Some(UDP) {
            step.udp_sent_bytes += bytes.len() as u64;
        }
    }

    fn deliver(&mut self, from: usize, now: Instant) {
        while let Some(arrived) = self.ports[from].link.receive(now) {
            let Packet { sent, to, mut bytes } = arrived.item;
            set_ecn(&mut bytes, arrived.ecn);
            // The other end may have no room or be gone: then the packet is lost, as anywhere.
            self.ports[to].cable.write_all(&bytes).ok();
            let late = now.since(arrived.at);
            self.books.delivered += 1;
            self.books.late += u64::from(late > LATE);
            self.books.latest = self.books.latest.max(late);
            let step = self.books.step(from, arrived.at);
            step.marked_packets += u64::from(ecn_of(&bytes) == Ecn::Congested);
            step.longest = step.longest.max(arrived.at.since(sent));
            match protocol(&bytes) {
                Some(UDP) => step.udp_arrived_bytes += bytes.len() as u64,
                Some(TCP) => step.tcp_arrived_bytes += bytes.len() as u64,
                _ => {}
            }
        }
    }
}

const TCP: u8 = 6;
const UDP: u8 = 17;

/// The low two bits of an IPv4 packet's second byte.
fn ecn_of(packet: &[u8]) -> Ecn {
    match packet.get(1).map(|service| service & 3) {
        Some(ECT0) => Ecn::Capable,
        Some(CE) => Ecn::Congested,
        _ => Ecn::NotCapable,
    }
}

/// As it left the link, with the header's checksum made anew where that changes it.
fn set_ecn(packet: &mut [u8], ecn: Ecn) {
    if ecn_of(packet) == ecn {
        return;
    }
    let length = packet.first().map_or(0, |first| usize::from(first & 15) * 4);
    let Some(header) = packet.get_mut(..length).filter(|header| header.len() >= 20) else { return };
    header[1] = header[1] & !3
        | match ecn {
            Ecn::NotCapable => 0,
            Ecn::Capable => ECT0,
            Ecn::Congested => CE,
        };
    header[10..12].fill(0);
    let sum: u32 = header.chunks_exact(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let folded = (folded & 0xffff) + (folded >> 16);
    header[10..12].copy_from_slice(&(!folded as u16).to_be_bytes());
}

const ECT0: u8 = 2;
const CE: u8 = 3;

/// Of an IPv4 packet.
fn protocol(packet: &[u8]) -> Option<u8> {
    packet.get(9).copied()
}

/// Of an IPv4 packet; None of anything else.
fn destination(packet: &[u8]) -> Option<Ipv4Addr> {
    if packet.first()? >> 4 != 4 {
        return None;
    }
    let bytes: [u8; 4] = packet.get(16..20)?.try_into().ok()?;
    Some(Ipv4Addr::from(bytes))
}
