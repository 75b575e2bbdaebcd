//! What a person (or a line of JSON) may ask of the engine.

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
    /// Put a fresh invite on the clipboard. The window receives it by `Reply::Invite`, once, and never draws it.
    CopyInvite,
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
    /// End everything; the engine's thread finishes.
    Quit,
}
