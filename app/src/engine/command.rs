//! What a person (or a line of JSON) may ask of the engine.

use std::path::PathBuf;

use super::room::{InviteWish, Reaction, Rule};

/// One wish. The engine never blocks its sender: the way in is a bounded channel and `try_send`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Open devices for a look, then make a meeting with `Enter`.
    PrepareNew,
    /// Check this invite, open devices for a look, then knock with `Enter`.
    PrepareJoin {
        /// As pasted.
        invite: String,
    },
    /// Knock at somebody visible on this network.
    PrepareVisible {
        /// From `VisiblePeer::id`.
        id: String,
    },
    /// From preview into the meeting or to the door.
    Enter,
    /// Back home from preview, entering or ended; closes devices.
    Back,
    /// Leave the meeting.
    Leave,
    /// Own name; kept in the settings.
    SetName(String),
    /// Mute or unmute the microphone.
    SetMuted(bool),
    /// An admin asked us to mute; we would rather not.
    StayUnmuted,
    /// Switch the camera on or off.
    SetCamera(bool),
    /// Use this camera; `None`: the default.
    ChooseCamera(Option<String>),
    /// Use this microphone.
    ChooseMicrophone(Option<String>),
    /// Use this speaker.
    ChooseSpeaker(Option<String>),
    /// Let a knocker in.
    Admit(String),
    /// Turn a knocker away.
    Deny(String),
    /// Turn a knocker away, and their device for the rest of the meeting.
    Block(String),
    /// Put a member out; invites made before open nothing any more.
    Remove(String),
    /// Make a member an admin, or no admin any more.
    SetAdmin {
        /// Whom.
        who: String,
        /// What they are from now on.
        admin: bool,
    },
    /// Make every invite that was handed out so far worthless.
    RevokeInvites,
    /// Change what holds in this meeting.
    SetRule(Rule, bool),
    /// The words, or why they are new, were looked at.
    WordsSeen,
    /// The words were compared with this person and are the same: remember their device.
    Verify(String),
    /// Say something to everybody.
    Chat(String),
    /// Raise or lower our hand.
    RaiseHand(bool),
    /// Lower somebody's hand (admins).
    LowerHand(String),
    /// Show a reaction to everybody.
    React(Reaction),
    /// Ask one (or everybody) to mute themselves (admins).
    AskToMute(Option<String>),
    /// Offer a file to one, or to everybody.
    OfferFile {
        /// `None`: everybody.
        who: Option<String>,
        /// Which file.
        path: PathBuf,
    },
    /// Take an offered file; it is written to the downloads folder.
    AcceptFile(u64),
    /// Do not take it, or stop it.
    CancelFile(u64),
    /// Write a note to a contact (`ContactLine::id`).
    SetContactNote {
        /// Whose.
        id: String,
        /// The new text.
        note: String,
    },
    /// Whether a contact comes in without a knock where the meeting allows it.
    SetContactSkips {
        /// Who.
        id: String,
        /// Yes or no.
        skips: bool,
    },
    /// Forget a contact and all that is known of them, for good.
    ForgetContact(String),
    /// Put a fresh invite on the clipboard. The window receives it by `Reply::Invite`, once, and never draws it.
    CopyInvite,
    /// The same, but not as usual.
    CopySpecialInvite(InviteWish),
    /// Be visible on this network, or not.
    SetVisible(bool),
    /// A notice was read.
    Dismiss(u64),
    /// The largest tile size, in pixels of height, at which this person is drawn; 0: hidden.
    SetTileHeight {
        /// Whom.
        who: String,
        /// Physical pixels.
        height: u32,
    },
    /// Show this person large, the others small; `None`: all alike.
    Pin(Option<String>),
    /// End everything; the engine's thread finishes.
    Quit,
}
