//! Every bound of the engine, with its reason.

/// Commands waiting for the engine. A person clicks a few times a second; a tile-size report per person comes on top.
pub(super) const COMMANDS: usize = 256;
/// Replies waiting for the window: one per click on *Copy invite*.
pub(super) const REPLIES: usize = 8;
