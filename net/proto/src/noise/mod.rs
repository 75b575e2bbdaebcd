//! The handshake of DESIGN "Handshake": `Noise_XXpsk0+psk3_25519_ChaChaPoly_BLAKE2s` by `snow`, its primitives by aws-lc-rs,
//! its randomness from [`Entropy`](crate::entropy::Entropy), hybrid with ML-KEM-768. Called by `core::signalling` for a fresh
//! session and by `session::rekey` inside one.

mod handshake;
mod identity;
mod resolver;

pub(crate) use handshake::{Agreement, Established, FirstMessage, HandshakeError, Initiator, Myself, Responder};
pub(crate) use identity::PeerIdentity;
pub(crate) use resolver::NoiseStatic;
