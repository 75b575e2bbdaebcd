//! What libp2p does for us: connections with limits, identify, and streams. No DHT, no relay, no gossip. The announcer is
//! idle unless the node is visible.

use libp2p::identify;
use libp2p::identity::Keypair;
use libp2p::swarm::NetworkBehaviour;
use libp2p_allow_block_list::BlockedPeers;
use libp2p_connection_limits::ConnectionLimits;

use super::announcer::Announcer;
use crate::limits;

/// A meeting's libp2p.
#[derive(NetworkBehaviour)]
pub(crate) struct MeetingBehaviour {
    limits: libp2p_connection_limits::Behaviour,
    memory: libp2p_memory_connection_limits::Behaviour,
    pub(super) blocked: libp2p_allow_block_list::Behaviour<BlockedPeers>,
    identify: identify::Behaviour,
    pub(super) streams: libp2p_stream::Behaviour,
    pub(super) announcer: Announcer,
}

impl MeetingBehaviour {
    pub(super) fn new(keypair: &Keypair) -> Self {
        let identify = identify::Config::new(super::IDENTIFY.into(), keypair.public())
            .with_agent_version("conclave".into())
            .with_hide_listen_addrs(true)
            .with_push_listen_addr_updates(false)
            .with_cache_size(0);
        Self {
            limits: libp2p_connection_limits::Behaviour::new(connection_limits()),
            memory: libp2p_memory_connection_limits::Behaviour::with_max_bytes(limits::MEMORY_FOR_CONNECTIONS),
            blocked: libp2p_allow_block_list::Behaviour::default(),
            identify: identify::Behaviour::new(identify),
            streams: libp2p_stream::Behaviour::new(),
            announcer: Announcer::new(keypair.public().to_peer_id()),
        }
    }
}

pub(crate) fn connection_limits() -> ConnectionLimits {
    ConnectionLimits::default()
        .with_max_pending_incoming(Some(limits::PENDING_INCOMING))
        .with_max_pending_outgoing(Some(limits::PENDING_OUTGOING))
        .with_max_established(Some(limits::CONNECTIONS))
        // Two: both may have dialled at once.
        .with_max_established_per_peer(Some(2))
}
