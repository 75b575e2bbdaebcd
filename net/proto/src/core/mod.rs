//! The root: orders its children and turns inputs into outputs. See `api.rs` for the words it speaks.

mod api;

pub use api::{
    Command, Event, FlowStats, LayerTarget, LeaveReason, Output, PathKind, PeerStats, Refusal, SignalInput, WakeReason,
};
