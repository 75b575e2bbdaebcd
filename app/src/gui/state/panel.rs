//! Which panel is open beside the tiles, and what is being asked before something that cannot be undone.

use crate::engine::Who;

/// What is open beside the tiles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Panel {
    #[default]
    None,
    People,
    /// One of them: what may be done, and the truth about the link.
    Person(Who),
    Words,
    /// The way through comparing them.
    Compare,
    Chat,
    Hearing,
    Files,
    Door,
}

/// What cannot be undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// Put somebody out.
    Remove(Who),
    /// Make all invites worthless.
    RevokeInvites,
    /// Forget a contact.
    Forget(String),
}

impl Panel {
    /// Whether this panel is reached by the button of that one.
    pub(crate) fn belongs_to(&self, button: &Self) -> bool {
        self == button
            || match self {
                Self::Person(_) => *button == Self::People,
                Self::Compare => *button == Self::Words,
                Self::None | Self::People | Self::Words | Self::Chat | Self::Hearing | Self::Files | Self::Door => {
                    false
                }
            }
    }
}
