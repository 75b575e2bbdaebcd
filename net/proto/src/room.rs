//! The words for who is in a room and what holds there: roles, rules, the roster, what changed. Plain data for the core's
//! owner; how they come about stands in `membership`.

use std::time::Duration;

use crate::ids::{DevicePublicKey, PeerId};
use crate::limits::INVITE_LIFETIME;

/// What a member may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MemberRole {
    /// Lets in and puts out, makes and unmakes admins, sets the rules.
    Admin,
    /// Everything else.
    Member,
}

/// A switch that admins set for the whole room. All are off in a new meeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// Nobody may knock.
    Locked,
    /// Who joins later gets the chat of before.
    HistoryForNewcomers,
    /// Who joins starts muted.
    MuteOnEntry,
    /// Verified contacts are let in without being asked for.
    ContactsSkipLobby,
}

impl Rule {
    /// All of them, by code.
    pub const ALL: [Self; 4] = [Self::Locked, Self::HistoryForNewcomers, Self::MuteOnEntry, Self::ContactsSkipLobby];

    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Locked => 1,
            Self::HistoryForNewcomers => 2,
            Self::MuteOnEntry => 3,
            Self::ContactsSkipLobby => 4,
        }
    }

    pub(crate) const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Locked),
            2 => Some(Self::HistoryForNewcomers),
            3 => Some(Self::MuteOnEntry),
            4 => Some(Self::ContactsSkipLobby),
            _ => None,
        }
    }

    /// What holds if two admins who do not know of each other set it differently: what shows and opens less.
    pub(crate) const fn careful(self) -> bool {
        match self {
            Self::Locked | Self::MuteOnEntry => true,
            Self::HistoryForNewcomers | Self::ContactsSkipLobby => false,
        }
    }
}

/// The rules as they stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// See [`Rule::Locked`].
    pub locked: bool,
    /// See [`Rule::HistoryForNewcomers`].
    pub history_for_newcomers: bool,
    /// See [`Rule::MuteOnEntry`].
    pub mute_on_entry: bool,
    /// See [`Rule::ContactsSkipLobby`].
    pub contacts_skip_lobby: bool,
}

impl Rules {
    /// Whether one is on.
    #[must_use]
    pub const fn holds(&self, rule: Rule) -> bool {
        match rule {
            Rule::Locked => self.locked,
            Rule::HistoryForNewcomers => self.history_for_newcomers,
            Rule::MuteOnEntry => self.mute_on_entry,
            Rule::ContactsSkipLobby => self.contacts_skip_lobby,
        }
    }

    pub(crate) const fn set(&mut self, rule: Rule, on: bool) {
        match rule {
            Rule::Locked => self.locked = on,
            Rule::HistoryForNewcomers => self.history_for_newcomers = on,
            Rule::MuteOnEntry => self.mute_on_entry = on,
            Rule::ContactsSkipLobby => self.contacts_skip_lobby = on,
        }
    }
}

/// One member, present or away. We ourselves are among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RosterEntry {
    /// Their key in this meeting.
    pub who: PeerId,
    /// Cleaned; `None` while we have not met them yet.
    pub name: Option<String>,
    /// Their device, as the admission names it.
    pub device: DevicePublicKey,
    /// What they may do.
    pub role: MemberRole,
    /// In the room now: between `Joined` and `Left`, or ourselves.
    pub present: bool,
    /// That is us.
    pub is_us: bool,
}

/// One change of the membership, and by whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberChange {
    /// Let in.
    Joined(PeerId),
    /// Gone by their own will.
    Left(PeerId),
    /// Put out. `by` is `None` if it follows from another removal: who let them in was put out at the same time.
    Removed {
        /// Who is out.
        who: PeerId,
        /// Who did it.
        by: Option<PeerId>,
    },
}

/// How an invite is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InviteOptions {
    /// How long it opens the door, by our clock; at most [`crate::limits::INVITE_LIFETIME_MAX`].
    pub lifetime: Duration,
    /// It lets one person in, and nobody after.
    pub single_use: bool,
}

impl Default for InviteOptions {
    fn default() -> Self {
        Self { lifetime: INVITE_LIFETIME, single_use: false }
    }
}

/// What a peer did that got it cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offence {
    /// Sent what no program of ours sends.
    Malformed,
    /// Passed on what nobody signed.
    Forged,
    /// Acted as an admin without being one.
    NotAllowed,
    /// Sent far more than anybody needs.
    Flood,
    /// Its keys are not those that it was let in with.
    OtherKeys,
    /// Broke a rule of talk; `TalkEvent::CutOff` came before and says which.
    Talk,
}
