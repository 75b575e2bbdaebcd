//! Calls over emulated links in virtual time: how rate, delay and picture behave when the network does not. Both ends are the
//! transports that ship; encoder, TCP and link are emulated. ARCHITECTURE.md, "Control loops", has the figures.
//! `cargo test -p conclave-tests --test network -- --nocapture figures` prints them.

mod call;
mod download;
mod encoder;
mod figures;
mod hostile;
mod marks;
mod reach;
mod scene;
