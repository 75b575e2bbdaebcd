//! libp2p over QUIC on the node's own sockets. The stock libp2p-quic binds its sockets itself; this transport uses quinn and
//! libp2p-tls just as it does, speaks the same protocol (tests/interop.rs), and shares the sockets with the core's
//! datagrams. `config.rs` has the settings, `transport.rs` dials and listens, `connection.rs` wraps a connection. Used by
//! `swarm` and the browser.

mod address;
mod config;
mod connection;
mod transport;

#[cfg(test)]
mod tests;

pub(crate) use address::{from_multiaddr, to_multiaddr};
pub(crate) use config::QuicConfig;
pub(crate) use transport::{Listening, QuicTransport};

use std::io;

/// What went wrong with a connection, or on the way to one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QuicError {
    /// No connection could be begun.
    #[error(transparent)]
    Connect(#[from] quinn::ConnectError),
    /// It ended, or never came to be.
    #[error(transparent)]
    Connection(#[from] quinn::ConnectionError),
    /// The peer took too long.
    #[error("the handshake took too long")]
    HandshakeTimedOut,
    /// The peer's certificate says nothing about who it is.
    #[error("the peer does not prove who it is")]
    NoIdentity,
    /// LAN-only mode.
    #[error("the address is not on the local network")]
    NotOnLink,
    /// This computer has no such protocol.
    #[error("no socket of this family")]
    NoSocket,
    /// TLS could not be set up.
    #[error("the cryptographic library refused")]
    Crypto,
    /// The socket.
    #[error(transparent)]
    Io(#[from] io::Error),
}
