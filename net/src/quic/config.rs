//! How QUIC is set: libp2p's TLS without key logging, small buffers, few streams, early retries, the QUIC bit never cleared.

use std::sync::Arc;

use libp2p::PeerId;
use libp2p::identity::Keypair;
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{EndpointConfig, IdleTimeout, ServerConfig, TransportConfig, VarInt};

use super::QuicError;
use crate::limits;

/// Everything that endpoints and dials are made from.
#[derive(Clone, Debug)]
pub(crate) struct QuicConfig {
    keypair: Keypair,
    transport: Arc<TransportConfig>,
    server: ServerConfig,
}

impl QuicConfig {
    pub(crate) fn new(keypair: &Keypair) -> Result<Self, QuicError> {
        let transport = Arc::new(transport_config()?);
        let mut tls = libp2p_tls::make_server_config(keypair).map_err(|_| QuicError::Crypto)?;
        // libp2p-tls obeys SSLKEYLOGFILE: whoever sets an environment variable could read every connection.
        tls.key_log = Arc::new(rustls::NoKeyLog {});
        let crypto = QuicServerConfig::try_from(tls).map_err(|_| QuicError::Crypto)?;
        let mut server = ServerConfig::with_crypto(Arc::new(crypto));
        server.transport_config(Arc::clone(&transport));
        // The swarm cannot follow a connection to another address; sealed sessions can, and they carry the meeting.
        server.migration(false);
        server.max_incoming(limits::QUIC_INCOMING);
        server.incoming_buffer_size(limits::QUIC_INCOMING_BYTES);
        server.incoming_buffer_size_total(limits::QUIC_INCOMING_BYTES * limits::QUIC_INCOMING as u64);
        Ok(Self { keypair: keypair.clone(), transport, server })
    }

    pub(super) fn endpoint(&self) -> EndpointConfig {
        let mut config = EndpointConfig::default();
        config.supported_versions(vec![1]);
        // A peer that clears bit 0x40 would send its QUIC to the core.
        config.grease_quic_bit(false);
        config
    }

    pub(super) fn server(&self) -> ServerConfig {
        self.server.clone()
    }

    /// For one dial: with `peer`, the handshake fails unless that peer answers.
    pub(super) fn client(&self, peer: Option<PeerId>) -> Result<quinn::ClientConfig, QuicError> {
        let mut tls = libp2p_tls::make_client_config(&self.keypair, peer).map_err(|_| QuicError::Crypto)?;
        tls.key_log = Arc::new(rustls::NoKeyLog {});
        let crypto = QuicClientConfig::try_from(tls).map_err(|_| QuicError::Crypto)?;
        let mut client = quinn::ClientConfig::new(Arc::new(crypto));
        client.transport_config(Arc::clone(&self.transport));
        Ok(client)
    }
}

fn transport_config() -> Result<TransportConfig, QuicError> {
    let idle = IdleTimeout::try_from(limits::QUIC_IDLE).map_err(|_| QuicError::Crypto)?;
    let mut transport = TransportConfig::default();
    transport
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .max_concurrent_bidi_streams(VarInt::from_u32(limits::QUIC_STREAMS))
        .datagram_receive_buffer_size(None)
        .stream_receive_window(VarInt::from_u32(limits::QUIC_STREAM_WINDOW))
        .receive_window(VarInt::from_u32(limits::QUIC_CONNECTION_WINDOW))
        .send_window(u64::from(limits::QUIC_CONNECTION_WINDOW))
        .max_idle_timeout(Some(idle))
        .keep_alive_interval(Some(limits::QUIC_KEEP_ALIVE))
        // A lost first packet is sent again after three of these.
        .initial_rtt(limits::QUIC_INITIAL_RTT)
        .allow_spin(false);
    Ok(transport)
}
