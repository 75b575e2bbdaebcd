//! The engine: one owner of a meeting on a thread of its own. Commands come in, snapshots go out, and it wakes whoever
//! draws them through a closure. It joins the network to the media and knows nothing of windows.
//!
//! This file is the handle that the window and `headless` hold.

mod command;
mod config;
mod limits;
mod report;
mod snapshot;

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

pub use command::Command;
pub use config::EngineConfig;
pub use report::{Report, ReportEvent, Reporter};
pub use snapshot::{
    DeviceLists, DeviceState, Knock, Link, Notice, Person, Purpose, Snapshot, Stage, VisiblePeer, Who,
};

/// An answer that must not be part of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// A fresh invite, for the clipboard only.
    Invite(String),
}

/// Commands come faster than the engine takes them, or it has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the engine is busy; try again")]
pub struct Busy;

/// Starts engines.
#[derive(Debug)]
pub struct Engine;

impl Engine {
    /// Starts an engine on its own thread; it is at home until told otherwise. `wake` is called, from any thread, when a
    /// newer snapshot or a reply waits.
    pub fn start(config: EngineConfig, wake: impl Fn() + Send + Sync + 'static) -> EngineHandle {
        let (commands, command_queue) = mpsc::channel(limits::COMMANDS);
        let (reply_sender, replies) = mpsc::channel(limits::REPLIES);
        let (snapshot_sender, snapshots) = watch::channel(Arc::new(Snapshot::default()));
        drop((config, wake, command_queue, reply_sender, snapshot_sender));
        EngineHandle { commands, snapshots, replies }
    }
}

/// The way to a running engine. Dropping it ends the meeting and the engine's thread.
pub struct EngineHandle {
    commands: mpsc::Sender<Command>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    replies: mpsc::Receiver<Reply>,
}

impl EngineHandle {
    /// Hands over a command without ever blocking.
    ///
    /// # Errors
    /// [`Busy`] when the queue is full or the engine has ended.
    pub fn send(&self, command: Command) -> Result<(), Busy> {
        self.commands.try_send(command).map_err(|_full| Busy)
    }

    /// The newest snapshot; cheap.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshots.borrow())
    }

    /// The next reply, if one waits.
    pub fn try_reply(&mut self) -> Option<Reply> {
        self.replies.try_recv().ok()
    }
}
