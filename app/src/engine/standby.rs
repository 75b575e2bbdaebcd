//! Visible while at home: a meeting of ours waits with closed devices, so that others on this network can find us and
//! knock. Letting the first one in opens the devices and makes it a meeting like any other.

use std::net::IpAddr;
use std::sync::Arc;

use conclave_net::{MediaEvents, Node, NodeEvent, NodeEvents, Role};
use conclave_proto::core::{Command, Event};
use conclave_proto::ids::PeerId;
use conclave_proto::invite::Invite;
use conclave_proto::room::InviteOptions;
use tokio::sync::mpsc;

use super::limits;
use super::meeting::Meeting;
use super::notices::{Subject, Trouble};
use super::own_media::OwnMedia;
use super::owner::Owner;
use super::report::EndReason;
use super::snapshot::{Knock, Purpose};
use super::state::State;

/// What stands ready at home.
#[derive(Default)]
pub(super) enum Standby {
    /// Nothing: nobody is to see us.
    #[default]
    Off,
    /// Sockets are being opened, for the attempt of this number.
    Opening(u64),
    /// Others can knock.
    Open(Box<Doorstep>),
}

/// A meeting that nobody is in yet.
pub(super) struct Doorstep {
    pub(super) node: Node,
    pub(super) control: mpsc::Receiver<NodeEvent>,
    pub(super) media: MediaEvents,
    pub(super) knocks: Vec<(PeerId, Knock)>,
    pub(super) own_addresses: Vec<IpAddr>,
}

impl Owner {
    /// Brings what stands ready in line with whether we want to be seen.
    pub(super) fn stand_by(&mut self) {
        let State::Home(standby) = &mut self.state else { return };
        match standby {
            Standby::Off if self.visible_self => {}
            Standby::Opening(_) | Standby::Open(_) if !self.visible_self => {
                let before = std::mem::take(standby);
                self.visible.set_own(None);
                return self.step_back(before);
            }
            Standby::Off | Standby::Opening(_) | Standby::Open(_) => return,
        }
        self.attempts += 1;
        *standby = Standby::Opening(self.attempts);
        self.start_node(Role::New, true);
    }

    /// The sockets for it are open, or cannot be had. False: that answer was not for us.
    pub(super) fn standby_opened(&mut self, attempt: u64, started: Result<Box<(Node, NodeEvents)>, Trouble>) {
        let State::Home(standby) = &mut self.state else { return };
        if !matches!(standby, Standby::Opening(awaited) if *awaited == attempt) {
            return;
        }
        match started {
            Ok(started) => {
                let (node, NodeEvents { control, media }) = *started;
                *standby = Standby::Open(Box::new(Doorstep {
                    node,
                    control,
                    media,
                    knocks: Vec::new(),
                    own_addresses: Vec::new(),
                }));
            }
            Err(trouble) => {
                *standby = Standby::Off;
                self.visible_self = false;
                self.tell(Subject::Other, trouble);
            }
        }
        self.touch();
    }

    /// News of the network while nobody is in.
    pub(super) fn doorstep_event(&mut self, event: Option<NodeEvent>) {
        let State::Home(Standby::Open(doorstep)) = &mut self.state else { return };
        match event {
            Some(NodeEvent::Core(Event::Knock { who, name, device: _ })) => {
                doorstep.knocks.retain(|(knocker, _)| *knocker != who);
                if doorstep.knocks.len() == limits::KNOCKS {
                    doorstep.command(Command::Deny(who));
                } else {
                    doorstep.knocks.push((who, Knock { who: who.short(), name, ..Knock::default() }));
                }
            }
            Some(NodeEvent::Core(Event::KnockGone(who))) => doorstep.knocks.retain(|(knocker, _)| *knocker != who),
            Some(NodeEvent::Ready { addresses }) => {
                doorstep.own_addresses = addresses.iter().map(std::net::SocketAddr::ip).collect();
                // Our own invite names us, so that the list of visible people can leave us out.
                let own = doorstep.node.invite(InviteOptions::default()).and_then(|text| text.parse::<Invite>().ok());
                self.visible.set_own(own.map(|invite| invite.inviter));
            }
            Some(NodeEvent::Warning(warning)) => self.tell(Subject::Other, Trouble::from(&warning)),
            Some(NodeEvent::Core(_)) => {}
            None => {
                self.state = State::Home(Standby::Off);
                self.visible_self = false;
                self.tell(Subject::Other, Trouble::from(&conclave_net::NodeWarning::NotVisible));
            }
        }
        self.touch();
    }

    /// A knock at home is answered. False: nobody of that name stands there.
    pub(super) fn answer_at_home(&mut self, who: &str, admit: bool) -> bool {
        let State::Home(Standby::Open(doorstep)) = &mut self.state else { return false };
        let Some(at) = doorstep.knocks.iter().position(|(_, knock)| knock.who == who) else { return false };
        if !admit {
            let (peer, _) = doorstep.knocks.remove(at);
            doorstep.command(Command::Deny(peer));
            return true;
        }
        let State::Home(Standby::Open(doorstep)) = std::mem::replace(&mut self.state, State::Home(Standby::Off)) else {
            return false;
        };
        self.open_the_door(*doorstep, who);
        true
    }

    fn open_the_door(&mut self, doorstep: Doorstep, who: &str) {
        self.visible.rest();
        let Doorstep { node, control, media, knocks, own_addresses } = doorstep;
        let own = match OwnMedia::open(&self.config, &self.outlet, &self.news) {
            Ok(own) => own,
            Err(error) => return self.end(Trouble::from(&error), EndReason::Failed),
        };
        own.switch_camera(!self.camera_off);
        let events = NodeEvents { control, media };
        let begun = Meeting::begin(node, events, Purpose::New, &self.config, &self.outlet, &self.news, &own.audio);
        match begun {
            Ok(mut meeting) => {
                meeting.ready = true;
                meeting.own_addresses = own_addresses;
                meeting.knocks = knocks;
                meeting.answer(who, true);
                self.start_ticking();
                self.state = State::Inside { media: own, meeting: Box::new(meeting) };
                self.set_flags();
                if let Some(media) = self.state.media() {
                    media.tell();
                }
            }
            Err(error) => self.end(Trouble::no_thread(&error), EndReason::Failed),
        }
    }

    /// What stood ready is not wanted any more.
    pub(super) fn step_back(&mut self, standby: Standby) {
        if let Standby::Open(doorstep) = standby {
            let Doorstep { node, control, .. } = *doorstep;
            self.closing.spawn(super::entering::goodbye(Arc::new(node), control));
        }
    }
}

impl Doorstep {
    fn command(&self, command: Command) {
        if self.node.command(command).is_err() {
            tracing::warn!("the network is overloaded; a command was lost");
        }
    }
}
