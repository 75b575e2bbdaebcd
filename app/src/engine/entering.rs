//! The way in and the way out: home, preview, the network, the door, the room, and back. Every wait has a deadline.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use conclave_net::{Node, NodeConfig, NodeEvent, NodeEvents, Role, device_key};
use conclave_proto::core::{Command, Event};
use conclave_proto::invite::Invite;
use conclave_proto::time::Bitrate;
use tokio::sync::mpsc;

use super::limits;
use super::meeting::Meeting;
use super::news::News;
use super::notices::{self, Fault, Subject, Trouble};
use super::own_media::OwnMedia;
use super::owner::Owner;
use super::report::{EndReason, ReportEvent};
use super::snapshot::Purpose;
use super::standby::Standby;
use super::state::{State, Step, Target, Way};

/// Reads an invite and looks at its date.
///
/// # Errors
/// A sentence for each way in which it may be wrong.
pub(crate) fn check_invite(text: &str) -> Result<Invite, Trouble> {
    let invite: Invite = text.parse()?;
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    if invite.is_expired(now_s) { Err(notices::expired()) } else { Ok(invite) }
}

impl Owner {
    /// Nothing runs; look around for visible people.
    pub(super) fn at_home(&mut self) {
        self.state = State::Home(Standby::Off);
        self.stand_by();
        if !self.desk.reports()
            && let Some(trouble) = self.visible.look(&self.news)
        {
            self.tell(Subject::Other, trouble);
        }
        self.touch();
    }

    /// Opens the devices for a look. Anything that ran before is left.
    pub(super) fn prepare(&mut self, target: Target) {
        if matches!(self.state, State::Entering { .. } | State::Inside { .. }) {
            return;
        }
        self.leave_quietly();
        match OwnMedia::open(&self.config, &self.outlet, &self.news) {
            Ok(media) => {
                media.switch_camera(!self.camera_off);
                self.ask_for_devices();
                self.start_ticking();
                self.state = State::Preview { target, media };
                self.set_flags();
                if std::mem::take(&mut self.config.enter_at_once) {
                    self.enter();
                }
            }
            Err(error) => self.end(Trouble::from(&error), EndReason::Failed),
        }
        self.touch();
    }

    /// From preview to the door or into a meeting of our own.
    pub(super) fn enter(&mut self) {
        if !matches!(self.state, State::Preview { .. }) {
            return;
        }
        let State::Preview { target, media } = std::mem::replace(&mut self.state, State::Home(Standby::Off)) else {
            return;
        };
        self.attempts += 1;
        let purpose = target.purpose();
        let way = |step| Way::new(purpose.clone(), self.attempts, step);
        let (way, next) = match target {
            Target::New => (way(Step::Opening), Some(Role::New)),
            Target::Join(invite) => (way(Step::Opening), Some(Role::Join(*invite))),
            Target::Visible(id) => {
                let way = way(Step::Asking);
                self.ask(&id);
                (way, None)
            }
        };
        self.state = State::Entering { media, way, meeting: None };
        if let Some(role) = next {
            self.open_network(role);
        }
        self.touch();
    }

    fn ask(&self, id: &str) {
        let (news, attempt) = (self.news.clone(), self.attempts);
        let Some((id, browser)) = self.visible.find(id) else {
            news.send(News::Asked(attempt, Err(Trouble::from(&conclave_net::AskError::NotVisible))));
            return;
        };
        tokio::spawn(async move {
            let answer = browser.ask(id).await.map(Box::new).map_err(|error| Trouble::from(&error));
            news.send(News::Asked(attempt, answer));
        });
    }

    /// The visible peer's answer.
    pub(super) fn asked(&mut self, attempt: u64, answer: Result<Box<Invite>, Trouble>) {
        let State::Entering { way, .. } = &mut self.state else { return };
        if way.attempt != attempt {
            return;
        }
        match answer {
            Ok(invite) => {
                way.goes_on(Step::Opening);
                self.open_network(Role::Join(*invite));
                self.touch();
            }
            Err(trouble) => self.end(trouble, EndReason::Refused),
        }
    }

    fn open_network(&mut self, role: Role) {
        self.visible.rest();
        self.start_node(role, self.visible_self);
    }

    /// Opens the sockets beside the loop; `News::Node` answers with the attempt of now. For the door and for standing ready.
    pub(super) fn start_node(&self, role: Role, visible: bool) {
        let (news, attempt, config) = (self.news.clone(), self.attempts, self.config.clone());
        tokio::spawn(async move {
            let started = match device_key::load_or_create(&config.data_dir) {
                Ok(device) => Node::start(NodeConfig {
                    device,
                    name: config.name,
                    port: config.port,
                    lan_only: config.lan_only,
                    visible,
                    role,
                    max_bitrate: config.max_bitrate_kbps.map(Bitrate::from_kbps),
                })
                .await
                .map_err(|error| Trouble::from(&error)),
                Err(error) => Err(Trouble::from(&error)),
            };
            news.send(News::Node(attempt, started.map(Box::new)));
        });
    }

    /// The sockets are open, or cannot be had.
    pub(super) fn network_opened(&mut self, attempt: u64, started: Result<Box<(Node, NodeEvents)>, Trouble>) {
        let State::Entering { media, way, meeting } = &mut self.state else { return };
        if way.attempt != attempt || meeting.is_some() {
            return;
        }
        let (node, events) = match started {
            Ok(started) => *started,
            Err(trouble) => return self.end(trouble, EndReason::NotStarted),
        };
        let begun =
            Meeting::begin(node, events, way.purpose.clone(), &self.config, &self.outlet, &self.news, &media.audio);
        match begun {
            Ok(begun) => {
                if way.purpose == Purpose::Join {
                    way.goes_on(Step::Searching);
                }
                *meeting = Some(Box::new(begun));
                media.tell();
            }
            Err(error) => self.end(Trouble::no_thread(&error), EndReason::Failed),
        }
        self.touch();
    }

    /// The inviter is there; now a person has to open.
    pub(super) fn at_the_door(&mut self) {
        if let State::Entering { way, .. } = &mut self.state {
            way.goes_on(Step::AtDoor);
            self.touch();
        }
    }

    /// In the room.
    pub(super) fn inside(&mut self) {
        self.state = match std::mem::replace(&mut self.state, State::Home(Standby::Off)) {
            State::Entering { media, meeting: Some(meeting), .. } => State::Inside { media, meeting },
            other => other,
        };
        self.touch();
    }

    /// A wait took too long.
    pub(super) fn too_late(&mut self) {
        let State::Entering { way, .. } = &self.state else { return };
        let (trouble, reason) = match way.step {
            Step::Asking => (Trouble::from(&conclave_net::AskError::Unreachable), EndReason::Refused),
            Step::Opening => (
                Trouble::new(
                    "The network did not open in time.",
                    Fault::Network,
                    "Check that this computer has a network, then try again.",
                ),
                EndReason::NotStarted,
            ),
            Step::Searching => (Trouble::from(conclave_proto::core::Refusal::Unreachable), EndReason::Refused),
            Step::AtDoor => (Trouble::from(conclave_proto::core::Refusal::NoAnswer), EndReason::Refused),
        };
        self.end(trouble, reason);
    }

    /// It is over, and not because we wanted it.
    pub(super) fn end(&mut self, trouble: Trouble, reason: EndReason) {
        let notice = trouble.notice(0);
        self.desk.report(ReportEvent::from(&notice));
        self.report_statistics();
        self.leave_quietly();
        self.state = State::Ended(notice);
        self.desk.report(ReportEvent::Ended { reason });
        self.touch();
    }

    /// We leave and are home.
    pub(super) fn leave(&mut self) {
        let was_inside = matches!(self.state, State::Entering { .. } | State::Inside { .. });
        if was_inside {
            self.report_statistics();
        }
        self.leave_quietly();
        if was_inside {
            self.desk.report(ReportEvent::Ended { reason: EndReason::Left });
        }
        self.at_home();
    }

    /// Hands devices and network, if any, to tasks that close them, so that neither a hanging device nor a slow goodbye
    /// keeps anybody waiting. The state is home.
    pub(super) fn leave_quietly(&mut self) {
        self.outlet.connect(None);
        let (media, meeting) = match std::mem::replace(&mut self.state, State::Home(Standby::Off)) {
            State::Ended(_) => return,
            State::Home(standby) => {
                self.visible.set_own(None);
                return self.step_back(standby);
            }
            State::Preview { media, .. } => (media, None),
            State::Entering { media, meeting, .. } => (media, meeting),
            State::Inside { media, meeting } => (media, Some(meeting)),
        };
        self.devices.closed();
        self.power.rest();
        self.notices.devices_closed();
        self.closing.spawn_blocking(move || drop(media));
        if let Some(mut meeting) = meeting {
            for came in meeting.membership.all_went() {
                // The meeting is over: a contact that could not be written is no reason for a notice now.
                if let Some(trouble) = self.acquaintances.met(came) {
                    tracing::warn!(what = trouble.what, "a meeting was not noted");
                }
            }
            let Meeting { node, control, people, .. } = *meeting;
            self.closing.spawn(goodbye(node, control));
            self.closing.spawn_blocking(move || people.close());
        }
    }
}

/// Says goodbye and waits until it is out.
pub(super) async fn goodbye(node: Arc<Node>, mut control: mpsc::Receiver<NodeEvent>) {
    if node.command(Command::Leave).is_err() {
        tracing::info!("the network has ended before the goodbye");
    }
    let out = async {
        while let Some(event) = control.recv().await {
            if matches!(event, NodeEvent::Core(Event::Closed)) {
                break;
            }
        }
    };
    if tokio::time::timeout(limits::LEAVE_DEADLINE, out).await.is_err() {
        tracing::info!("the goodbye got no answer in time");
    }
}
