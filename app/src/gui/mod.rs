//! The window: draws the engine's snapshots and sends it commands. Knows neither the network nor codecs.

use crate::engine::{Command, EngineConfig};

/// Opens the window and stays until it is closed. Starts the engine itself, because the engine wakes the window by a
/// closure that only exists once the window does. `first` is sent to the engine at once (`conclave new`, `conclave join`).
///
/// # Errors
/// When no window can be opened.
pub fn run(config: EngineConfig, first: Option<Command>) -> anyhow::Result<()> {
    let (_, _) = (config, first);
    anyhow::bail!("This build has no window yet.")
}
