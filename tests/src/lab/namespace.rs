//! A network namespace without a name: it has a loopback and one TUN device, and lives as long as somebody holds it or
//! runs in it. So nothing has to be cleaned up, not even after a kill.
//!
//! Needs root, Linux, `/dev/net/tun` and `ip`; where one is missing, `make` says so. Called by the lab (`mod.rs`).

use super::tun;
use anyhow::{Context, Result, anyhow, bail};
use nix::sched::{CloneFlags, setns, unshare};
use std::fs::File;
use std::net::Ipv4Addr;
use std::process::Command;

const DEVICE: &str = "link0";
/// Every host of a lab is on-link for the others, so that LAN-only programs speak.
const PREFIX: u8 = 24;

/// A computer of its own, as far as its network goes.
#[derive(Debug)]
pub struct Namespace {
    handle: File,
    pub address: Ipv4Addr,
}

impl Namespace {
    /// Makes one with this address. The file is the other end of its only cable.
    pub(super) fn make(address: Ipv4Addr) -> Result<(Namespace, File)> {
        if !nix::unistd::geteuid().is_root() {
            bail!("network namespaces need root");
        }
        on_a_thread(|| {
            unshare(CloneFlags::CLONE_NEWNET).context("this system makes no network namespaces")?;
            let handle = File::open("/proc/thread-self/ns/net")?;
            let cable = tun::open(DEVICE)?;
            // Router solicitations are noise here. A kernel without IPv6 lacks the file.
            std::fs::write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1").ok();
            ip(&["link", "set", "lo", "up"])?;
            ip(&["address", "add", &format!("{address}/{PREFIX}"), "dev", DEVICE])?;
            ip(&["link", "set", DEVICE, "up"])?;
            Ok((Namespace { handle, address }, cable))
        })
    }

    /// Does something inside. Sockets opened and programs started there stay inside.
    pub fn within<T: Send>(&self, what: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        on_a_thread(|| {
            setns(&self.handle, CloneFlags::CLONE_NEWNET).context("the namespace cannot be entered")?;
            what()
        })
    }
}

/// Namespaces belong to threads: a thread that entered one is never used for anything else.
fn on_a_thread<T: Send>(what: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    std::thread::scope(|scope| scope.spawn(what).join())
        .unwrap_or_else(|_| Err(anyhow!("a thread of the lab panicked")))
}

fn ip(words: &[&str]) -> Result<()> {
    let output = Command::new("ip").args(words).output().context("`ip` (iproute2) is not installed")?;
    if !output.status.success() {
        bail!("`ip {}`: {}", words.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
