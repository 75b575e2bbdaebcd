//! The engine: one owner of a meeting on a thread of its own. Commands come in, snapshots go out, and it wakes whoever
//! draws them through a closure. It joins the network to the media and knows nothing of windows.
//!
//! This file is the handle that the window and `headless` hold.

mod acquaintances;
mod arrivals;
mod attention;
mod bridge;
mod command;
mod commands;
mod config;
mod desk;
mod devices;
mod entering;
mod limits;
mod meeting;
mod membership;
mod news;
mod notices;
mod own_media;
mod owner;
mod people;
mod power;
mod process;
mod report;
mod room;
mod sentences;
mod shortfall;
mod snapshot;
mod standby;
mod state;
mod statistics;
mod talk;
mod talking;
mod visible;

use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;

use tokio::sync::{mpsc, watch};

use desk::Desk;
use news::NewsSender;
use owner::Owner;

pub use command::Command;
/// Longest text of the chat, in bytes.
pub use conclave_proto::frames::Shortfall;
pub use conclave_proto::limits::CHAT_TEXT_BYTES;
pub use config::EngineConfig;
pub(crate) use entering::check_invite;
pub(crate) use notices::leave_reason;
pub use notices::{Fault, Trouble};
pub(crate) use people::{Tiles, layer_for};
pub use power::{Charge, PowerMeter};
pub use report::{EndReason, Report, ReportEvent, Reporter, RosterLine};
pub use room::{
    ChatLine, ContactLine, FileLine, FileState, HearingRow, Hears, InviteWish, LanCount, MemberLine, Reaction, Room,
    Rule, Rules, ShownReaction, Standing,
};
pub use snapshot::{DeviceLists, DeviceState, Knock, Link, Notice, Person, Purpose, Snapshot, Stage, VisiblePeer, Who};
pub use statistics::{
    PersonStatistics, Received, ReceivedAudio, ReceivedVideo, Sent, SentAudio, SentVideo, Statistics,
};
pub(crate) use statistics::{codec_name, light_statistics};

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
    ///
    /// If the system gives no thread, the handle's snapshot says so and every command is [`Busy`].
    pub fn start(mut config: EngineConfig, wake: impl Fn() + Send + Sync + 'static) -> EngineHandle {
        let (commands, command_queue) = mpsc::channel(limits::COMMANDS);
        let (reply_sender, replies) = mpsc::channel(limits::REPLIES);
        let (snapshot_sender, snapshots) = watch::channel(Arc::new(Snapshot::default()));
        let (ended_sender, ended) = std::sync::mpsc::sync_channel(1);
        let desk = Desk::new(snapshot_sender, reply_sender, Box::new(wake), config.reporter.take());
        let (news, news_queue) = NewsSender::new(limits::NEWS);
        let thread = std::thread::Builder::new().name("engine".into()).spawn(move || {
            match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => {
                    runtime.block_on(Owner::new(config, desk, news).run(command_queue, news_queue));
                    // What does not close by now is left behind: the program is ending.
                    runtime.shutdown_background();
                }
                Err(error) => desk.cannot_start(&error),
            }
            drop(ended_sender);
        });
        if let Err(error) = thread {
            tracing::error!(%error, "the engine's thread cannot be started");
        }
        EngineHandle { commands, snapshots, replies, ended }
    }
}

/// The way to a running engine. Dropping it leaves the meeting, and waits a moment for goodbyes and files.
pub struct EngineHandle {
    commands: mpsc::Sender<Command>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    replies: mpsc::Receiver<Reply>,
    /// Disconnected when the engine's thread has ended; nothing is ever sent.
    ended: std::sync::mpsc::Receiver<()>,
}

impl Drop for EngineHandle {
    fn drop(&mut self) {
        if self.commands.try_send(Command::Quit).is_err() {
            tracing::debug!("the engine is ending already");
        }
        if self.ended.recv_timeout(limits::END_DEADLINE) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!("the engine does not end in time and is left behind");
        }
    }
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
