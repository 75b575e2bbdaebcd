//! A TUN device: what a network namespace sends comes out of it as IP packets, and what is written into it arrives there.
//!
//! Opens and names one in the namespace of the calling thread and does no more; it goes when it is closed. Called by
//! `namespace`; the packets are moved by `forward`.
#![expect(unsafe_code, reason = "a TUN device is named by an ioctl, which takes a pointer")]

use anyhow::{Context, Result};
use std::fs::{File, OpenOptions};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;

const CLONE_DEVICE: &str = "/dev/net/tun";
/// `IFF_TUN | IFF_NO_PI`: whole IP packets and nothing before them.
const PLAIN_IP: i16 = 0x0001 | 0x1000;
const NAME_BYTES: usize = 16;

/// The kernel's `struct ifreq` as far as this ioctl reads it, padded to the size that it copies.
#[repr(C)]
struct Request {
    name: [u8; NAME_BYTES],
    flags: i16,
    rest: [u8; 22],
}

// The kernel's macro says `int`, its code reads a `struct ifreq`.
nix::ioctl_write_ptr!(name_interface, b'T', 202, nix::libc::c_int);

/// Makes the device `name` here. Reading never waits.
pub(super) fn open(name: &str) -> Result<File> {
    let device = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(nix::libc::O_NONBLOCK)
        .open(CLONE_DEVICE)
        .with_context(|| format!("{CLONE_DEVICE} cannot be opened"))?;
    let mut request = Request { name: [0; NAME_BYTES], flags: PLAIN_IP, rest: [0; 22] };
    for (to, from) in request.name[..NAME_BYTES - 1].iter_mut().zip(name.bytes()) {
        *to = from;
    }
    // SAFETY: the descriptor is open for as long as `device` lives, and `request` has the size and layout of the
    // `struct ifreq` that TUNSETIFF copies in and out during the call; it holds no pointers.
    unsafe { name_interface(device.as_raw_fd(), (&raw mut request).cast()) }.context("no TUN device can be made")?;
    Ok(device)
}
