//! Everything of Conclave that touches the network: the UDP sockets, libp2p over QUIC for signalling, discovery on the
//! local network, the device key file, and the thread that drives the pure core (`conclave-proto`). It knows nothing of
//! media formats or windows. The application uses [`Node`] for a meeting, [`Browser`] on the home screen and
//! [`device_key`]. How the parts run together: ARCHITECTURE.md, "Network shell".

mod addresses;
pub mod browser;
pub mod device_key;
mod driver;
mod egress;
mod entropy;
mod identity;
mod limits;
mod media_events;
pub mod node;
mod quic;
pub mod secret_file;
mod socket;
mod swarm;

pub use browser::{AskError, Browser, BrowserError, BrowserEvent, VisibleId};
pub use media_events::{MediaEvent, MediaEvents};
pub use node::{Node, NodeConfig, NodeError, NodeEvent, NodeEvents, NodeWarning, Overloaded, Role};
