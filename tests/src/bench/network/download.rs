//! A download beside a call: one TCP connection that sends as much as its congestion control (CUBIC) lets it.
//!
//! Counts nothing: the lab's books tell TCP from UDP. Ends with the value that holds it. Called by `mod.rs`.

use crate::lab::Namespace;
use anyhow::{Context, Result};
use nix::sys::socket::{setsockopt, sockopt::TcpCongestion};
use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

const PIECE_BYTES: usize = 64 * 1024;
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) struct Download {
    sender: TcpStream,
    threads: Vec<JoinHandle<()>>,
}

impl Download {
    /// Sends from one host to the other until it is dropped.
    pub(super) fn start(from: &Namespace, to: &Namespace) -> Result<Download> {
        let listener = to.within(|| Ok(TcpListener::bind(SocketAddr::from((to.address, 0)))?))?;
        let address = listener.local_addr()?;
        let sender = from.within(|| Ok(TcpStream::connect_timeout(&address, PATIENCE)?));
        let sender = sender.context("the download found no way to its receiver")?;
        // What most computers use; this one may have another default, and BBR holds next to no queue.
        setsockopt(&sender, TcpCongestion, &OsString::from("cubic")).context("this system has no CUBIC")?;
        let (receiver, _) = listener.accept()?;
        let mut writing = sender.try_clone()?;
        let threads = vec![
            spawn("download receiver", move || swallow(receiver))?,
            spawn("download sender", move || while writing.write_all(&[0x5a; PIECE_BYTES]).is_ok() {})?,
        ];
        Ok(Download { sender, threads })
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        // Wakes both threads, unless the connection is gone already.
        self.sender.shutdown(Shutdown::Both).ok();
        for thread in self.threads.drain(..) {
            thread.join().ok();
        }
    }
}

fn spawn(name: &str, what: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    Ok(std::thread::Builder::new().name(name.into()).spawn(what)?)
}

fn swallow(mut stream: TcpStream) {
    // A link that is taken away says nothing more.
    if stream.set_read_timeout(Some(PATIENCE)).is_err() {
        return;
    }
    let mut buffer = vec![0; PIECE_BYTES];
    while stream.read(&mut buffer).is_ok_and(|length| length > 0) {}
}
