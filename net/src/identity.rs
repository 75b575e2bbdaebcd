//! Who we are in one meeting, for the core and for libp2p alike: one Ed25519 key, fresh for every meeting, whose public half
//! is both peer ids. Used by `node`, `swarm` and the browser.

use conclave_proto::entropy::Entropy as _;
use conclave_proto::ids::PeerId;
use conclave_proto::keys::{KeyRejected, MeetingKey};
use libp2p::identity::{Keypair, PublicKey, ed25519};
use zeroize::Zeroizing;

use crate::entropy::SystemEntropy;

/// A meeting's key, twice.
pub(crate) struct MeetingIdentity {
    pub(crate) key: MeetingKey,
    pub(crate) keypair: Keypair,
}

impl MeetingIdentity {
    /// From fresh random bytes that nothing keeps.
    pub(crate) fn fresh() -> Result<Self, KeyRejected> {
        let mut seed = Zeroizing::new([0; 32]);
        SystemEntropy.fill(seed.as_mut_slice());
        let key = MeetingKey::from_seed(&seed)?;
        let keypair = Keypair::ed25519_from_bytes(seed.as_mut_slice()).map_err(|_| KeyRejected)?;
        Ok(Self { key, keypair })
    }
}

/// `None`: the bytes are no Ed25519 key.
pub(crate) fn to_libp2p(peer: PeerId) -> Option<libp2p::PeerId> {
    let key = ed25519::PublicKey::try_from_bytes(&peer.0).ok()?;
    Some(PublicKey::from(key).to_peer_id())
}

/// `None`: the peer has a key of another kind, so it is none of ours.
pub(crate) fn from_libp2p(peer: &libp2p::PeerId) -> Option<PeerId> {
    // Ed25519 keys are short enough to be in the peer id itself (multihash "identity").
    let hash = peer.as_ref();
    if hash.code() != 0 {
        return None;
    }
    let key = PublicKey::try_decode_protobuf(hash.digest()).ok()?.try_into_ed25519().ok()?;
    Some(PeerId(key.to_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_key_two_names_that_lead_to_each_other() {
        let identity = MeetingIdentity::fresh().expect("a key");
        let ours = identity.key.peer_id();
        let theirs = identity.keypair.public().to_peer_id();
        assert_eq!(to_libp2p(ours), Some(theirs));
        assert_eq!(from_libp2p(&theirs), Some(ours));
    }

    #[test]
    fn every_meeting_has_another_key() {
        let one = MeetingIdentity::fresh().expect("a key").key.peer_id();
        assert_ne!(one, MeetingIdentity::fresh().expect("a key").key.peer_id());
    }

    #[test]
    fn other_kinds_of_keys_are_nobody() {
        assert_eq!(from_libp2p(&libp2p::PeerId::random()), None);
    }
}
