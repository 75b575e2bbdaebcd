//! Events as they happen, for whoever counts and times them (`headless`). The window does not use them: it draws
//! snapshots. Statistics are gathered once a second and carried whole.

use conclave_proto::room::{MemberRole, RosterEntry};
use serde::Serialize;
use tokio::sync::mpsc;

use super::room::Hears;
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
    /// A connection is slow, or no longer: what comes of a person's pictures.
    Connection {
        /// Whose.
        who: Who,
        /// "as-wanted", "smaller", "fewer", "none".
        pictures: &'static str,
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
    /// Everybody who belongs to the room, whenever that changes.
    Roster {
        /// In the order of their keys.
        people: Vec<RosterLine>,
    },
    /// Somebody may do more or less than before.
    Role {
        /// Who.
        who: Who,
        /// Lets in and puts out.
        admin: bool,
    },
    /// The rules of the room.
    Rules {
        /// Nobody may knock.
        locked: bool,
        /// Newcomers get the chat of before.
        history: bool,
        /// Newcomers start muted.
        mute_on_entry: bool,
        /// Verified contacts come in without a knock.
        contacts_skip_lobby: bool,
    },
    /// Somebody wrote something; ours comes back, too.
    Chat {
        /// Who.
        who: Who,
        /// Their name.
        name: String,
        /// What.
        text: String,
        /// Its place in the order that is the same for everybody: greater is later.
        order: String,
    },
    /// Whose hands are up, first come first.
    Hands {
        /// In order.
        who: Vec<Who>,
    },
    /// Somebody reacts.
    Reaction {
        /// Who.
        who: Who,
        /// Which, in one word.
        reaction: &'static str,
    },
    /// Whom somebody hears, whenever that changes.
    Hearing {
        /// Whose ears.
        who: Who,
        /// Of whom, and whether.
        of: Vec<(Who, Hears)>,
    },
    /// An admin asks us to mute.
    MuteAsked {
        /// Who asks.
        by: Who,
        /// They ask everybody.
        everyone: bool,
    },
    /// A file is offered, on its way, done or given up.
    File {
        /// To answer it by.
        id: u64,
        /// The other person's name.
        name: String,
        /// We offered it.
        outgoing: bool,
        /// Its cleaned name.
        file: String,
        /// Bytes.
        size: u64,
        /// "preparing", "offered", "moving", "waiting", "done" or "over".
        state: &'static str,
        /// Bytes that are through.
        through: u64,
        /// Where it lies, or why it is over.
        detail: String,
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

/// One who belongs to the room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RosterLine {
    /// Who.
    pub who: Who,
    /// Their name; empty while we have not met them.
    pub name: String,
    /// Lets in and puts out.
    pub admin: bool,
    /// In the room now.
    pub present: bool,
    /// That is us.
    pub us: bool,
}

impl From<&RosterEntry> for RosterLine {
    fn from(entry: &RosterEntry) -> Self {
        Self {
            who: entry.who.short(),
            name: entry.name.clone().unwrap_or_default(),
            admin: entry.role == MemberRole::Admin,
            present: entry.present,
            us: entry.is_us,
        }
    }
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
