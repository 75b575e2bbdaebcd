//! The pure core of Conclave. It takes time and bytes and gives bytes and events: no clock, no I/O, no threads, no
//! randomness of its own. The network shell (`conclave-net`) drives it for real; the simulated worlds of
//! `conclave-tests` drive the same code in virtual time.

pub mod core;
mod crypto;
pub mod ecn;
pub mod entropy;
pub mod frames;
pub mod ids;
pub mod invite;
pub mod keys;
pub mod limits;
mod membership;
mod noise;
pub mod room;
mod secret;
mod session;
pub mod talk;
#[cfg(feature = "testing")]
pub mod testing;
pub mod text;
pub mod time;
pub mod transport;
pub mod wire;
mod words;
