//! The link lab: hosts in network namespaces, joined by emulated links, for real programs.
//!
//! Each host is a namespace with one TUN device. One thread takes what a host sends, asks the host's link (`crate::link`)
//! when it arrives, and writes it into the device of the host that it is for. Nothing of this computer's own network is
//! touched, and nothing stays when the lab goes. Used by `bench network`.

mod forward;
mod namespace;
mod tun;

pub use forward::{Books, Packet, STEP, Step};
pub use namespace::Namespace;

use crate::link::Link;
use anyhow::{Context, Result, anyhow};
use forward::{Forwarder, Port};
use std::net::Ipv4Addr;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;

/// Whether this system and this user can have a lab.
///
/// # Errors
/// A sentence says what is missing.
pub fn possible() -> Result<()> {
    Namespace::make(Ipv4Addr::new(10, 66, 0, 1)).map(drop)
}

/// Hosts that are joined.
#[derive(Debug)]
pub struct Lab {
    pub hosts: Vec<Namespace>,
    /// When its links' time began.
    pub began: Instant,
    stop: Arc<AtomicBool>,
    forwarder: Option<JoinHandle<Books>>,
}

impl Lab {
    /// A host for each link: the way out of it to all the others.
    ///
    /// # Errors
    /// This system or this user cannot have network namespaces or TUN devices; a sentence says which.
    pub fn start(links: Vec<Link<Packet>>) -> Result<Lab> {
        let (mut hosts, mut ports) = (Vec::new(), Vec::new());
        for (number, link) in (1..=u8::MAX - 1).zip(links) {
            let (host, cable) = Namespace::make(Ipv4Addr::new(10, 66, 0, number))?;
            ports.push(Port { address: host.address, cable, link, gone: 0 });
            hosts.push(host);
        }
        let (began, stop) = (Instant::now(), Arc::new(AtomicBool::new(false)));
        let stopped = Arc::clone(&stop);
        let forwarder = std::thread::Builder::new().name("link lab".into()).spawn(move || {
            hurry();
            Forwarder::new(ports).run(began, &stopped)
        })?;
        Ok(Lab { hosts, began, stop, forwarder: Some(forwarder) })
    }

    /// Ends the links and gives their books.
    pub fn end(mut self) -> Result<Books> {
        self.stop.store(true, Ordering::Relaxed);
        let forwarder = self.forwarder.take().context("the lab had ended")?;
        forwarder.join().map_err(|_| anyhow!("the thread that moves packets panicked"))
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// A link that waits for a codec is no link: this thread goes before the programs, and sleeps most of the time. Where that
/// is not allowed the lab is later, not wrong, and its books tell by how much.
fn hurry() {
    let Ok(own) = std::fs::read_link("/proc/thread-self") else { return };
    let Some(thread) = own.file_name() else { return };
    let succeeded = |command: &mut Command| command.output().is_ok_and(|output| output.status.success());
    if !succeeded(Command::new("chrt").args(["--fifo", "--pid", "10"]).arg(thread)) {
        succeeded(Command::new("renice").args(["-n", "-10", "-p"]).arg(thread));
    }
}
