//! Where the engine is. A state owns exactly what it needs: devices from the preview on, a network from the way in on.

use std::time::{Duration, Instant};

use conclave_net::NodeEvent;
use conclave_proto::invite::Invite;

use super::limits;
use super::meeting::Meeting;
use super::own_media::OwnMedia;
use super::snapshot::{Notice, Purpose, Stage};
use super::standby::Standby;

/// See the module's head.
pub(super) enum State {
    /// Devices closed; the list of visible people, and what stands ready if we are visible ourselves.
    Home(Standby),
    /// A look before entering.
    Preview { target: Target, media: OwnMedia },
    /// On the way in; the meeting is there once the sockets are open.
    Entering { media: OwnMedia, way: Way, meeting: Option<Box<Meeting>> },
    /// In the room.
    Inside { media: OwnMedia, meeting: Box<Meeting> },
    /// Over, and why.
    Ended(Notice),
}

/// What entering will do.
pub(super) enum Target {
    New,
    Join(Box<Invite>),
    Visible(String),
}

impl Target {
    pub(super) const fn purpose(&self) -> Purpose {
        match self {
            Self::New => Purpose::New,
            Self::Join(_) | Self::Visible(_) => Purpose::Join,
        }
    }
}

/// How far we are on the way in.
pub(super) struct Way {
    pub(super) purpose: Purpose,
    /// Which attempt this is: answers to an earlier one come too late.
    pub(super) attempt: u64,
    pub(super) step: Step,
    pub(super) since: Instant,
}

/// What is being waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A visible peer is asked for the right to knock.
    Asking,
    /// Sockets open.
    Opening,
    /// The inviter is looked for.
    Searching,
    /// We knocked.
    AtDoor,
}

impl Step {
    pub(super) const fn sentence(self) -> &'static str {
        match self {
            Self::Asking => "Asking for an invite",
            Self::Opening => "Opening the network",
            Self::Searching => "Looking for the meeting",
            Self::AtDoor => "Waiting to be let in",
        }
    }

    pub(super) const fn deadline(self) -> Duration {
        match self {
            Self::Asking => limits::ASK_DEADLINE,
            Self::Opening => limits::NETWORK_DEADLINE,
            Self::Searching => limits::SEARCH_DEADLINE,
            Self::AtDoor => limits::DOOR_DEADLINE,
        }
    }
}

impl Way {
    pub(super) fn new(purpose: Purpose, attempt: u64, step: Step) -> Self {
        Self { purpose, attempt, step, since: Instant::now() }
    }

    pub(super) fn goes_on(&mut self, step: Step) {
        (self.step, self.since) = (step, Instant::now());
    }

    pub(super) fn is_late(&self) -> bool {
        self.since.elapsed() > self.step.deadline()
    }
}

impl State {
    pub(super) const fn media(&self) -> Option<&OwnMedia> {
        match self {
            Self::Preview { media, .. } | Self::Entering { media, .. } | Self::Inside { media, .. } => Some(media),
            Self::Home(_) | Self::Ended(_) => None,
        }
    }

    pub(super) const fn media_mut(&mut self) -> Option<&mut OwnMedia> {
        match self {
            Self::Preview { media, .. } | Self::Entering { media, .. } | Self::Inside { media, .. } => Some(media),
            Self::Home(_) | Self::Ended(_) => None,
        }
    }

    pub(super) fn meeting(&self) -> Option<&Meeting> {
        match self {
            Self::Entering { meeting, .. } => meeting.as_deref(),
            Self::Inside { meeting, .. } => Some(meeting),
            Self::Home(_) | Self::Preview { .. } | Self::Ended(_) => None,
        }
    }

    /// Both, once there is a network.
    pub(super) fn both(&mut self) -> Option<(&mut OwnMedia, &mut Meeting)> {
        match self {
            Self::Entering { media, meeting: Some(meeting), .. } | Self::Inside { media, meeting } => {
                Some((media, &mut **meeting))
            }
            Self::Entering { meeting: None, .. } | Self::Home(_) | Self::Preview { .. } | Self::Ended(_) => None,
        }
    }

    /// The next event of the network; never ready while there is none. `None`: the network has ended.
    pub(super) async fn network_event(&mut self) -> Option<NodeEvent> {
        if let Self::Home(Standby::Open(doorstep)) = self {
            return doorstep.control.recv().await;
        }
        match self.both() {
            Some((_, meeting)) => meeting.control.recv().await,
            None => std::future::pending().await,
        }
    }

    pub(super) fn stage(&self) -> Stage {
        match self {
            Self::Home(_) => Stage::Home,
            Self::Preview { target, .. } => Stage::Preview { purpose: target.purpose() },
            Self::Entering { way, .. } => Stage::Entering {
                step: way.step.sentence().to_owned(),
                since: way.since.elapsed(),
                gives_up_after: way.step.deadline(),
            },
            Self::Inside { .. } => Stage::Meeting,
            Self::Ended(why) => Stage::Ended(why.clone()),
        }
    }
}
