//! Events as they happen, for whoever counts and times them (`headless`). The window does not use them: it draws
//! snapshots. Statistics are gathered once a second and carried whole.

use serde::Serialize;
use tokio::sync::mpsc;

use super::snapshot::{Notice, Who};
use super::statistics::Statistics;

/// Where reports go: bounded; a reader that does not read loses reports, never the meeting.
pub type Reporter = mpsc::Sender<Report>;

/// One event, with the moment it happened.
#[derive(Clone, Debug)]
pub struct Report {
    /// Microseconds since the Unix epoch.
    pub unix_us: u64,
    /// What happened.
    pub event: ReportEvent,
}

/// What happened. Names and fields are the JSON lines of `conclave headless`.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum ReportEvent {
    /// A fresh invite (made at `--new`).
    Invite {
        /// Its text.
        invite: String,
    },
    /// The sockets are open.
    Ready {
        /// Our own addresses.
        addresses: Vec<String>,
    },
    /// Somebody knocks.
    Knock {
        /// Who.
        who: Who,
        /// What they call themselves.
        name: String,
    },
    /// We are let in (joiner only).
    Admitted {},
    /// A member is in the room.
    Joined {
        /// Who.
        who: Who,
        /// Their name.
        name: String,
    },
    /// A member is gone.
    Left {
        /// Who.
        who: Who,
        /// Why.
        reason: &'static str,
    },
    /// The six meeting words.
    Words {
        /// In order.
        words: [String; 6],
    },
    /// A path was found or changed.
    Path {
        /// To whom.
        who: Who,
        /// "loopback", "local-network", "internet".
        kind: &'static str,
        /// The peer's address.
        address: String,
    },
    /// Sample 0 of the microphone.
    MicrophoneStarted {},
    /// Sample 0 of the speaker.
    SpeakerStarted {},
    /// First picture of a person.
    FirstPicture {
        /// Whose.
        who: Who,
    },
    /// First sound of a person.
    FirstSound {
        /// Whose.
        who: Who,
    },
    /// Something went wrong.
    Error {
        /// What happened.
        what: String,
        /// Whose fault.
        whose_fault: String,
        /// What to do.
        remedy: String,
    },
    /// Once a second, and a last time at the end.
    Stats(Box<Statistics>),
    /// It is over; nothing follows.
    Ended {
        /// "left", "refused", "not-started" or "failed"; an `error` before it says why.
        reason: EndReason,
    },
}

/// How a meeting ended for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndReason {
    /// We left.
    Left,
    /// We were not let in, put out, or the meeting could not be reached.
    Refused,
    /// It could not be started: port, network, device key.
    NotStarted,
    /// It broke here.
    Failed,
}

impl From<&Notice> for ReportEvent {
    fn from(notice: &Notice) -> Self {
        Self::Error {
            what: notice.what.clone(),
            whose_fault: notice.whose_fault.clone(),
            remedy: notice.remedy.clone(),
        }
    }
}
