//! Three messages: `1: psk0, e {ML-KEM encapsulation key}`, `2: e, ee, s, es {ML-KEM ciphertext, identity}`,
//! `3: s, se, psk3 {identity}`. Each side is a value that the next message consumes. What snow keeps of the pre-shared keys is
//! overwritten before its state goes; its chaining key cannot be reached from outside and is left to the allocator.

use snow::{Builder, HandshakeState, StatelessTransportState};
use zeroize::Zeroizing;

use crate::crypto::{derive, hash};
use crate::entropy::{CIPHERTEXT_BYTES, ENCAPSULATION_KEY_BYTES, Entropy, KemSecret, SharedSecret};
use crate::ids::{MeetingId, PeerId};
use crate::keys::{DeviceKey, MeetingKey};
use crate::limits::{HANDSHAKE_MESSAGE_BYTES, PROTOCOL_VERSION};
use crate::wire::Malformed;

use super::identity::{self, Expected, PeerIdentity, Role};
use super::resolver::{NoiseStatic, Resolver};

const PATTERN: &str = "Noise_XXpsk0+psk3_25519_ChaChaPoly_BLAKE2s";

/// Our own keys and name.
#[derive(Clone, Copy)]
pub(crate) struct Myself<'a> {
    pub(crate) device: &'a DeviceKey,
    pub(crate) meeting_key: &'a MeetingKey,
    pub(crate) noise_static: &'a NoiseStatic,
    /// At most `NAME_BYTES` bytes.
    pub(crate) name: &'a str,
}

/// What both ends must agree on before the first byte.
#[derive(Clone, Copy)]
pub(crate) struct Agreement<'a> {
    pub(crate) meeting: MeetingId,
    /// What both ends already share: from an invite, or from being in the room.
    pub(crate) psk0: &'a [u8; 32],
    pub(crate) initiator: PeerId,
    pub(crate) responder: PeerId,
    /// The handshake hash of the session inside which this is a rekey.
    pub(crate) inside: Option<[u8; 32]>,
}

/// Fresh keys and who holds the other half.
pub(crate) struct Established {
    pub(crate) transport: StatelessTransportState,
    pub(crate) handshake_hash: [u8; 32],
    pub(crate) peer: PeerIdentity,
    pub(crate) our_index: u32,
    pub(crate) their_index: u32,
}

/// The side of the smaller peer id, waiting for message 2.
pub(crate) struct Initiator {
    state: HandshakeState,
    kem: Box<dyn KemSecret>,
    context: Context,
}

/// The other side, waiting for message 3.
pub(crate) struct Responder {
    state: HandshakeState,
    context: Context,
}

#[derive(Clone, Copy)]
struct Context {
    meeting: MeetingId,
    them: PeerId,
    our_index: u32,
}

impl Initiator {
    /// Also gives message 1.
    pub(crate) fn start(
        agreement: &Agreement<'_>,
        me: &Myself<'_>,
        entropy: &mut dyn Entropy,
        our_index: u32,
    ) -> Result<(Self, Vec<u8>), HandshakeError> {
        let mut state = build(agreement, me, entropy, true)?;
        let pair = entropy.kem_generate().map_err(|_| HandshakeError::Local)?;
        let message = write_message(&mut state, &pair.encapsulation_key)?;
        let context = Context { meeting: agreement.meeting, them: agreement.responder, our_index };
        Ok((Self { state, kem: pair.secret, context }, message))
    }

    /// Takes message 2, gives message 3 and the keys.
    pub(crate) fn finish(mut self, me: &Myself<'_>, message: &[u8]) -> Result<(Established, Vec<u8>), HandshakeError> {
        let before = transcript(&self.state);
        let payload = read_message(&mut self.state, message).map_err(|_| HandshakeError::Forged)?;
        let (ciphertext, identity) =
            payload.split_at_checked(CIPHERTEXT_BYTES).ok_or(HandshakeError::Malformed(Malformed::Truncated))?;
        let (peer, their_index) = read_identity(&self.state, &self.context, identity, Role::Responder, &before)?;
        let secret = self.kem.decapsulate(ciphertext).map_err(|_| HandshakeError::Forged)?;
        set_psk3(&mut self.state, self.context.meeting, &secret)?;

        let mut payload = Zeroizing::new(Vec::new());
        let before = transcript(&self.state);
        identity::write(&mut payload, me, self.context.meeting, Role::Initiator, &before, self.context.our_index);
        let message = write_message(&mut self.state, &payload)?;
        Ok((establish(self.state, peer, self.context.our_index, their_index)?, message))
    }
}

/// Message 1 as its receiver has opened it: whoever wrote it shares our secret. Nothing that costs much was done yet.
pub(crate) struct FirstMessage {
    state: HandshakeState,
    encapsulation_key: Zeroizing<Vec<u8>>,
    context: Context,
}

impl FirstMessage {
    /// Opens message 1.
    pub(crate) fn read(
        agreement: &Agreement<'_>,
        me: &Myself<'_>,
        entropy: &mut dyn Entropy,
        our_index: u32,
        message: &[u8],
    ) -> Result<Self, HandshakeError> {
        let mut state = build(agreement, me, entropy, false)?;
        // Only the pre-shared key protects message 1, so a failure here is a foreign or stale invite.
        let encapsulation_key = read_message(&mut state, message).map_err(|_| HandshakeError::WrongInvite)?;
        if encapsulation_key.len() != ENCAPSULATION_KEY_BYTES {
            return Err(HandshakeError::Malformed(Malformed::OutOfRange));
        }
        let context = Context { meeting: agreement.meeting, them: agreement.initiator, our_index };
        Ok(Self { state, encapsulation_key, context })
    }

    /// Gives message 2.
    pub(crate) fn answer(
        self,
        me: &Myself<'_>,
        entropy: &mut dyn Entropy,
    ) -> Result<(Responder, Vec<u8>), HandshakeError> {
        let Self { mut state, encapsulation_key, context } = self;
        let encapsulated = entropy.kem_encapsulate(&encapsulation_key).map_err(|_| HandshakeError::Forged)?;
        let mut payload = Zeroizing::new(encapsulated.ciphertext);
        let before = transcript(&state);
        identity::write(&mut payload, me, context.meeting, Role::Responder, &before, context.our_index);
        let message = write_message(&mut state, &payload)?;
        set_psk3(&mut state, context.meeting, &encapsulated.secret)?;
        Ok((Responder { state, context }, message))
    }
}

impl Responder {
    /// Takes message 1, gives message 2.
    pub(crate) fn answer(
        agreement: &Agreement<'_>,
        me: &Myself<'_>,
        entropy: &mut dyn Entropy,
        our_index: u32,
        message: &[u8],
    ) -> Result<(Self, Vec<u8>), HandshakeError> {
        FirstMessage::read(agreement, me, entropy, our_index, message)?.answer(me, entropy)
    }

    /// Takes message 3, gives the keys.
    pub(crate) fn finish(mut self, message: &[u8]) -> Result<Established, HandshakeError> {
        let before = transcript(&self.state);
        let payload = read_message(&mut self.state, message).map_err(|_| HandshakeError::Forged)?;
        let (peer, their_index) = read_identity(&self.state, &self.context, &payload, Role::Initiator, &before)?;
        establish(self.state, peer, self.context.our_index, their_index)
    }
}

fn build(
    agreement: &Agreement<'_>,
    me: &Myself<'_>,
    entropy: &mut dyn Entropy,
    initiator: bool,
) -> Result<HandshakeState, HandshakeError> {
    let params = PATTERN.parse().map_err(|_| HandshakeError::Local)?;
    let inside = agreement.inside.unwrap_or_default();
    let prologue = hash(
        "conclave prologue",
        &[
            &PROTOCOL_VERSION.to_be_bytes(),
            &agreement.meeting.0,
            &agreement.initiator.0,
            &agreement.responder.0,
            if agreement.inside.is_some() { &inside } else { &[] },
        ],
    );
    let builder = Builder::with_resolver(params, Box::new(Resolver::new(entropy)))
        .local_private_key(me.noise_static.private())
        .and_then(|builder| builder.psk(0, agreement.psk0))
        .and_then(|builder| builder.prologue(&prologue))
        .map_err(|_| HandshakeError::Local)?;
    if initiator { builder.build_initiator() } else { builder.build_responder() }.map_err(|_| HandshakeError::Local)
}

fn write_message(state: &mut HandshakeState, payload: &[u8]) -> Result<Vec<u8>, HandshakeError> {
    let mut message = vec![0; HANDSHAKE_MESSAGE_BYTES];
    let len = state.write_message(payload, &mut message).map_err(|_| HandshakeError::Local)?;
    message.truncate(len);
    Ok(message)
}

fn read_message(state: &mut HandshakeState, message: &[u8]) -> Result<Zeroizing<Vec<u8>>, snow::Error> {
    if message.len() > HANDSHAKE_MESSAGE_BYTES {
        return Err(snow::Error::Input);
    }
    let mut payload = Zeroizing::new(vec![0; message.len()]);
    let len = state.read_message(message, &mut payload)?;
    payload.truncate(len);
    Ok(payload)
}

fn transcript(state: &HandshakeState) -> Vec<u8> {
    state.get_handshake_hash().to_vec()
}

fn read_identity(
    state: &HandshakeState,
    context: &Context,
    payload: &[u8],
    role: Role,
    handshake_hash: &[u8],
) -> Result<(PeerIdentity, u32), HandshakeError> {
    let noise_static = state.get_remote_static().ok_or(HandshakeError::Forged)?;
    let expected = Expected { meeting: context.meeting, role, peer: context.them, noise_static, handshake_hash };
    identity::read(payload, &expected)
}

fn set_psk3(state: &mut HandshakeState, meeting: MeetingId, secret: &SharedSecret) -> Result<(), HandshakeError> {
    let psk3 = derive("conclave psk3", secret.as_slice(), &[&meeting.0]);
    state.set_psk(3, psk3.as_slice()).map_err(|_| HandshakeError::Local)
}

fn establish(
    mut state: HandshakeState,
    peer: PeerIdentity,
    our_index: u32,
    their_index: u32,
) -> Result<Established, HandshakeError> {
    let handshake_hash = state.get_handshake_hash().try_into().map_err(|_| HandshakeError::Local)?;
    for place in [0, 3] {
        state.set_psk(place, &[0; 32]).map_err(|_| HandshakeError::Local)?;
    }
    let transport = state.into_stateless_transport_mode().map_err(|_| HandshakeError::Local)?;
    Ok(Established { transport, handshake_hash, peer, our_index, their_index })
}

/// Why a handshake failed, by whose fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HandshakeError {
    /// The other end does not hold what the two of us should share.
    #[error("the invite is not one of this meeting")]
    WrongInvite,
    /// The other end speaks another version.
    #[error("the peer speaks version {0}")]
    OtherVersion(u16),
    /// A payload is not what it claims to be.
    #[error("the peer sent a malformed handshake: {0}")]
    Malformed(Malformed),
    /// A message does not open: altered, or from somebody else.
    #[error("a handshake message was forged or altered")]
    Forged,
    /// Signatures or names do not fit.
    #[error("the peer is not who it says it is")]
    NotWhoItSaid,
    /// Our own library refused.
    #[error("the cryptographic library failed")]
    Local,
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
