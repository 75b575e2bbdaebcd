//! Who made themselves visible on this network: for the home screen, while no meeting runs. A lean node under a throw-away
//! key: mDNS asks, nothing listens, nothing is announced, and nothing can leave the local network. Its thread sleeps but for
//! one small question every few seconds. `search.rs` is that thread.

mod search;

use std::{fmt, io, thread};

use conclave_proto::invite::Invite;
use tokio::sync::{mpsc, oneshot};

use crate::identity::MeetingIdentity;
use crate::limits;
use crate::socket::{BindError, BoundSockets};
use search::{Ask, Search};

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
pub struct Browser {
    asks: mpsc::Sender<Ask>,
}

/// The search could not start.
#[derive(Debug, thiserror::Error)]
#[error("Conclave cannot look for people on this network ({0}). Joining with an invite still works.")]
pub struct BrowserError(#[from] io::Error);

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
    /// No socket could be opened, or no thread started.
    pub fn start() -> Result<(Self, mpsc::Receiver<BrowserEvent>), BrowserError> {
        let bound = BoundSockets::bind(0, true).map_err(|error| match error {
            BindError::Other(error) => error,
            BindError::InUse => io::ErrorKind::AddrInUse.into(),
            BindError::Reserved => io::ErrorKind::PermissionDenied.into(),
        })?;
        let identity = MeetingIdentity::fresh().map_err(io::Error::other)?;
        let (asks, asks_out) = mpsc::channel(limits::ASKS);
        let (events, events_out) = mpsc::channel(limits::BROWSER_EVENTS);
        let search = Search { keypair: identity.keypair, bound, asks: asks_out, events };
        thread::Builder::new().name("conclave-browse".into()).spawn(move || search.run())?;
        Ok((Self { asks }, events_out))
    }

    /// Asks somebody visible for the right to knock. Answers within a few seconds.
    ///
    /// # Errors
    /// They are gone or refuse.
    pub async fn ask(&self, id: VisibleId) -> Result<Invite, AskError> {
        let (reply, answer) = oneshot::channel();
        self.asks.send(Ask { id, reply }).await.map_err(|_| AskError::Unreachable)?;
        answer.await.unwrap_or(Err(AskError::Unreachable))
    }
}
