//! The identity payload of handshake messages 2 and 3: proves that a device key vouches for the meeting key in this meeting, and
//! that the meeting key vouches for this very Noise static in this very handshake.

use crate::crypto::hash;
use crate::ids::{DevicePublicKey, MeetingId, PeerId};
use crate::keys::{SIGNATURE_BYTES, verify};
use crate::limits::{NAME_BYTES, PROTOCOL_VERSION};
use crate::text::clean_name;
use crate::wire::{Malformed, Reader};

use super::handshake::{HandshakeError, Myself};

/// What a handshake proved about the other end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PeerIdentity {
    pub(crate) peer: PeerId,
    pub(crate) device: DevicePublicKey,
    pub(crate) noise_static: [u8; 32],
    /// Cleaned.
    pub(crate) name: String,
}

/// Who writes a payload; part of what is signed, so that no payload can be sent back to its author.
#[derive(Clone, Copy)]
pub(super) enum Role {
    Initiator,
    Responder,
}

fn device_statement(meeting: MeetingId, peer: &PeerId) -> [u8; 32] {
    hash("conclave device vouches for meeting key", &[&meeting.0, &peer.0])
}

fn static_statement(role: Role, noise_static: &[u8], handshake_hash: &[u8]) -> [u8; 32] {
    let label = match role {
        Role::Initiator => "conclave initiator's noise static",
        Role::Responder => "conclave responder's noise static",
    };
    hash(label, &[noise_static, handshake_hash])
}

/// `index u32 | version u16 | device 32 | signature 64 | meeting key 32 | signature 64 | name`
pub(super) fn write(
    out: &mut Vec<u8>,
    me: &Myself<'_>,
    meeting: MeetingId,
    role: Role,
    handshake_hash: &[u8],
    index: u32,
) {
    let peer = me.meeting_key.peer_id();
    out.extend_from_slice(&index.to_be_bytes());
    out.extend_from_slice(&PROTOCOL_VERSION.to_be_bytes());
    out.extend_from_slice(&me.device.public().0);
    out.extend_from_slice(&me.device.sign(&device_statement(meeting, &peer)));
    out.extend_from_slice(&peer.0);
    out.extend_from_slice(&me.meeting_key.sign(&static_statement(role, &me.noise_static.public(), handshake_hash)));
    out.extend_from_slice(me.name.as_bytes());
}

/// What a payload must agree with.
pub(super) struct Expected<'a> {
    pub(super) meeting: MeetingId,
    pub(super) role: Role,
    pub(super) peer: PeerId,
    pub(super) noise_static: &'a [u8],
    pub(super) handshake_hash: &'a [u8],
}

/// The peer and its session index.
pub(super) fn read(payload: &[u8], expected: &Expected<'_>) -> Result<(PeerIdentity, u32), HandshakeError> {
    let parsed = parse(payload).map_err(HandshakeError::Malformed)?;
    if parsed.version != PROTOCOL_VERSION {
        return Err(HandshakeError::OtherVersion(parsed.version));
    }
    if parsed.peer != expected.peer {
        return Err(HandshakeError::NotWhoItSaid);
    }
    let by_device = device_statement(expected.meeting, &parsed.peer);
    let by_meeting_key = static_statement(expected.role, expected.noise_static, expected.handshake_hash);
    if !verify(&parsed.device.0, &by_device, &parsed.device_signature)
        || !verify(&parsed.peer.0, &by_meeting_key, &parsed.static_signature)
    {
        return Err(HandshakeError::NotWhoItSaid);
    }
    let noise_static = expected.noise_static.try_into().map_err(|_| HandshakeError::NotWhoItSaid)?;
    let name = clean_name(&String::from_utf8_lossy(parsed.name));
    Ok((PeerIdentity { peer: parsed.peer, device: parsed.device, noise_static, name }, parsed.index))
}

struct Parsed<'a> {
    index: u32,
    version: u16,
    device: DevicePublicKey,
    device_signature: [u8; SIGNATURE_BYTES],
    peer: PeerId,
    static_signature: [u8; SIGNATURE_BYTES],
    name: &'a [u8],
}

fn parse(payload: &[u8]) -> Result<Parsed<'_>, Malformed> {
    let mut reader = Reader::new(payload);
    let parsed = Parsed {
        index: reader.u32()?,
        version: reader.u16()?,
        device: DevicePublicKey(reader.array()?),
        device_signature: reader.array()?,
        peer: PeerId(reader.array()?),
        static_signature: reader.array()?,
        name: reader.take_rest(),
    };
    if parsed.name.len() > NAME_BYTES { Err(Malformed::OutOfRange) } else { Ok(parsed) }
}
