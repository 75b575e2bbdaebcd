//! What threads and tasks around the engine tell it: one bounded channel, one enum. Frames never come this way.

use conclave_media::audio::AudioEvent;
use conclave_media::source::DeviceStatus;
use conclave_media::video::VideoReceiveEvent;
use conclave_net::{BrowserEvent, Node, NodeEvents};
use conclave_proto::ids::PeerId;
use conclave_proto::invite::Invite;
use tokio::sync::mpsc;

use crate::contacts::DeskEvent;

use super::notices::Trouble;
use super::power::Charge;
use super::snapshot::DeviceLists;
use super::talk::FileNews;

/// One piece of news.
pub(super) enum News {
    /// From the audio thread; never a frame.
    Audio(AudioEvent),
    /// From the camera's thread.
    Camera(DeviceStatus),
    /// From a person's decoder.
    Receiver(PeerId, VideoReceiveEvent),
    /// The lists were asked for on a helper thread.
    Devices(DeviceLists),
    /// The batteries were asked for on a helper thread; `None`: there are none.
    Charge(Option<Charge>),
    /// A network for the meeting attempt of this number is there, or cannot be had.
    Node(u64, Result<Box<(Node, NodeEvents)>, Trouble>),
    /// A visible peer answered, for the attempt of this number.
    Asked(u64, Result<Box<Invite>, Trouble>),
    /// From the list of visible peers.
    Browser(BrowserEvent),
    /// The network made a fresh invite for the clipboard, or may not.
    InviteToCopy(Option<String>),
    /// From the contacts' thread.
    Contacts(DeskEvent),
    /// From the thread that reads and writes files.
    File(FileNews),
    /// The first invite of a meeting of ours, for whoever reads the events.
    FirstInvite(Option<String>),
}

/// The way in, for any thread. A full queue drops the piece and says so in the log: all of it is repeated or replaced by
/// later news.
#[derive(Clone)]
pub(super) struct NewsSender(mpsc::Sender<News>);

impl NewsSender {
    pub(super) fn new(queue: usize) -> (Self, mpsc::Receiver<News>) {
        let (sender, receiver) = mpsc::channel(queue);
        (Self(sender), receiver)
    }

    /// Blocks while the queue is full, for threads that have nothing better to do; false once the engine is gone.
    pub(super) fn send_patiently(&self, news: News) -> bool {
        self.0.blocking_send(news).is_ok()
    }

    /// Never blocks.
    pub(super) fn send(&self, news: News) {
        if self.0.try_send(news).is_err() {
            tracing::warn!("the engine is too busy for news; a piece was dropped");
        }
    }
}
