//! Things to tell a person: what happened, whose fault it is, what to do. Every error of the crates below becomes one of
//! these here, and only here.

use std::collections::VecDeque;

use conclave_media::source::{DeviceFault, DeviceStatus};
use conclave_media::video::Power;
use conclave_net::device_key::DeviceKeyError;
use conclave_net::{AskError, BrowserError, NodeError, NodeWarning};
use conclave_proto::core::{LeaveReason, Refusal};
use conclave_proto::invite::InviteError;

use super::limits;
use super::own_media::OwnMediaError;
use super::snapshot::Notice;

/// Whose fault something is, in the words of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Yours,
    Theirs,
    Network,
    Device,
    Ours,
}

impl Fault {
    pub const fn words(self) -> &'static str {
        match self {
            Self::Yours => "yours",
            Self::Theirs => "theirs",
            Self::Network => "the network's",
            Self::Device => "a device's",
            Self::Ours => "ours",
        }
    }
}

/// A notice that has no number yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    pub what: String,
    pub fault: Fault,
    pub remedy: String,
}

impl Trouble {
    pub fn new(what: impl Into<String>, fault: Fault, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), fault, remedy: remedy.into() }
    }

    /// From an error whose text is "What happened. What to do."
    pub fn sentences(error: &impl std::fmt::Display, fault: Fault) -> Self {
        let text = error.to_string();
        match text.split_once(". ") {
            Some((what, remedy)) => Self::new(format!("{what}."), fault, remedy),
            None => Self::new(text, fault, ""),
        }
    }

    /// Pictures spare the battery; `None`: they need not.
    pub(super) fn low_battery(power: Power, percent: u8) -> Option<Self> {
        let what = match power {
            Power::Plenty => return None,
            Power::Low => format!("Your battery is low ({percent} %), so your picture is smaller."),
            Power::VeryLow => {
                format!(
                    "Your battery is nearly empty ({percent} %), so your picture is smaller and moves less smoothly."
                )
            }
        };
        Some(Self::new(what, Fault::Device, "Plug in for the full picture."))
    }

    /// The system refuses a thread.
    pub(crate) fn no_thread(error: &std::io::Error) -> Self {
        Self::new(
            format!("The system gives this program no more threads ({error})."),
            Fault::Ours,
            "Close other programs and try again.",
        )
    }

    pub(super) fn notice(self, id: u64) -> Notice {
        Notice { id, what: self.what, whose_fault: self.fault.words().to_owned(), remedy: self.remedy }
    }
}

/// What a notice is about, so that it goes away when that is mended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Camera,
    Microphone,
    Speaker,
    Battery,
    Other,
}

/// The notices on show, oldest first.
#[derive(Default)]
pub(super) struct Notices {
    list: VecDeque<(Subject, Notice)>,
    last_id: u64,
}

impl Notices {
    /// Adds one, replacing an earlier one about the same device. Returns it, unless it is shown already.
    pub(super) fn add(&mut self, subject: Subject, trouble: Trouble) -> Option<Notice> {
        if self.list.iter().any(|(_, shown)| shown.what == trouble.what && shown.remedy == trouble.remedy) {
            return None;
        }
        self.mended(&subject);
        if self.list.len() == limits::NOTICES {
            self.list.pop_front();
        }
        self.last_id += 1;
        let notice = trouble.notice(self.last_id);
        self.list.push_back((subject, notice.clone()));
        Some(notice)
    }

    /// The device works again.
    pub(super) fn mended(&mut self, subject: &Subject) {
        if *subject != Subject::Other {
            self.list.retain(|(about, _)| about != subject);
        }
    }

    /// No device is open any more, so none can be at fault.
    pub(super) fn devices_closed(&mut self) {
        self.list.retain(|(about, _)| *about == Subject::Other);
    }

    pub(super) fn dismiss(&mut self, id: u64) {
        self.list.retain(|(_, notice)| notice.id != id);
    }

    pub(super) fn shown(&self) -> Vec<Notice> {
        self.list.iter().map(|(_, notice)| notice.clone()).collect()
    }
}

impl From<&DeviceFault> for Trouble {
    fn from(fault: &DeviceFault) -> Self {
        let whose = match fault {
            DeviceFault::File { .. } | DeviceFault::NotFound { .. } => Fault::Yours,
            DeviceFault::Missing { .. }
            | DeviceFault::Busy { .. }
            | DeviceFault::Hangs { .. }
            | DeviceFault::Unplugged { .. }
            | DeviceFault::Other { .. } => Fault::Device,
        };
        Self::sentences(fault, whose)
    }
}

/// The fault of a device that does not work.
pub(super) const fn fault_of(status: &DeviceStatus) -> Option<&DeviceFault> {
    match status {
        DeviceStatus::Failed(fault) => Some(fault),
        DeviceStatus::Off | DeviceStatus::Opening | DeviceStatus::Running(_) => None,
    }
}

impl From<InviteError> for Trouble {
    fn from(error: InviteError) -> Self {
        match error {
            InviteError::NotAnInvite => Self::new(
                "This is not a Conclave invite.",
                Fault::Yours,
                "An invite starts with \"conclave:\". Copy the whole text that you were sent and paste it again.",
            ),
            InviteError::Damaged => Self::new(
                "This invite is damaged: a part of it is missing or was changed on the way.",
                Fault::Theirs,
                "Copy all of it again, or ask for a fresh one.",
            ),
            InviteError::OtherVersion => Self::new(
                "This invite was made by another version of Conclave.",
                Fault::Theirs,
                "Update the older of the two programs.",
            ),
        }
    }
}

/// An invite whose time is over.
pub(super) fn expired() -> Trouble {
    Trouble::new("This invite is too old and opens no door any more.", Fault::Theirs, "Ask for a fresh invite.")
}

impl From<&NodeError> for Trouble {
    fn from(error: &NodeError) -> Self {
        let fault = match error {
            NodeError::PortInUse(_) | NodeError::PortReserved(_) => Fault::Yours,
            NodeError::NoSocket(_) => Fault::Network,
            _ => Fault::Ours,
        };
        Self::sentences(error, fault)
    }
}

impl From<&NodeWarning> for Trouble {
    fn from(warning: &NodeWarning) -> Self {
        Self::sentences(warning, Fault::Network)
    }
}

impl From<&DeviceKeyError> for Trouble {
    fn from(error: &DeviceKeyError) -> Self {
        Self::sentences(error, Fault::Yours)
    }
}

impl From<&AskError> for Trouble {
    fn from(error: &AskError) -> Self {
        Self::sentences(error, Fault::Theirs)
    }
}

impl From<&BrowserError> for Trouble {
    fn from(error: &BrowserError) -> Self {
        Self::sentences(error, Fault::Network)
    }
}

impl From<&OwnMediaError> for Trouble {
    fn from(error: &OwnMediaError) -> Self {
        Self::sentences(error, Fault::Ours)
    }
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        let (what, fault, remedy) = match refusal {
            Refusal::Denied => (
                "You were turned away at the door.",
                Fault::Theirs,
                "Ask the person who invited you, then knock again.",
            ),
            Refusal::Removed => ("You were put out of the meeting.", Fault::Theirs, "Ask the person who did it."),
            Refusal::InviteRejected => (
                "This invite does not open this meeting, or no longer.",
                Fault::Theirs,
                "Ask for a fresh invite to the meeting that runs now.",
            ),
            Refusal::InviteExpired => {
                ("This invite is too old and opens no door any more.", Fault::Theirs, "Ask for a fresh invite.")
            }
            Refusal::InviteRevoked => (
                "This invite was withdrawn, or was for one person and has been used.",
                Fault::Theirs,
                "Ask for a fresh invite.",
            ),
            Refusal::Locked => (
                "The meeting is locked: nobody may knock at present.",
                Fault::Theirs,
                "Ask the person who invited you to unlock it, then knock again.",
            ),
            Refusal::Unreachable => (
                "Nobody answers at the addresses in this invite.",
                Fault::Network,
                "Check that the meeting still runs and that both computers are on one network, then ask for a fresh \
                 invite.",
            ),
            Refusal::Incompatible => (
                "The other side runs a version of Conclave that cannot talk to yours.",
                Fault::Theirs,
                "Update the older of the two programs.",
            ),
            Refusal::PeerMisbehaved => (
                "Whoever answered is not the person who made the invite, or broke the rules of the protocol.",
                Fault::Theirs,
                "Do not try again on this network; ask the person for a fresh invite by another way.",
            ),
            Refusal::NoAnswer => {
                ("Nobody opened the door.", Fault::Theirs, "Tell the person who invited you, then knock again.")
            }
        };
        Self::new(what, fault, remedy)
    }
}

/// In the `left` event.
pub(crate) const fn leave_reason(reason: LeaveReason) -> &'static str {
    match reason {
        LeaveReason::Left => "left",
        LeaveReason::Removed => "removed",
        LeaveReason::TimedOut => "timed-out",
        LeaveReason::Misbehaved => "misbehaved",
    }
}
