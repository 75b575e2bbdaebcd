//! The one owner of a meeting: its loop, and the picture it gives of everything. What it does at each input stands in
//! `commands.rs` (a person's wishes), `entering.rs` (the way in and out), `arrivals.rs` (news from network and devices).

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::acquaintances::Acquaintances;
use super::bridge::Outlet;
use super::desk::Desk;
use super::devices::Devices;
use super::news::{News, NewsSender};
use super::notices::{Notices, Subject, Trouble};
use super::power::PowerWatch;
use super::process;
use super::report::ReportEvent;
use super::shortfall;
use super::snapshot::{DeviceState, Snapshot};
use super::standby::Standby;
use super::state::State;
use super::statistics::Statistics;
use super::visible::Visible;
use super::{Command, EngineConfig, limits};

/// Orders its children; see the module's head.
pub(super) struct Owner {
    pub(super) config: EngineConfig,
    pub(super) desk: Desk,
    pub(super) news: NewsSender,
    pub(super) outlet: Arc<Outlet>,
    pub(super) state: State,
    pub(super) devices: Devices,
    pub(super) notices: Notices,
    pub(super) power: PowerWatch,
    pub(super) visible: Visible,
    pub(super) acquaintances: Acquaintances,
    pub(super) muted: bool,
    pub(super) camera_off: bool,
    pub(super) visible_self: bool,
    /// Counts attempts to enter, so that late answers to an earlier one are told apart.
    pub(super) attempts: u64,
    /// Meetings and devices that are closing behind our back.
    pub(super) closing: JoinSet<()>,
    level: f32,
    changed: bool,
    second: Instant,
    listed: Instant,
}

impl Owner {
    pub(super) fn new(config: EngineConfig, desk: Desk, news: NewsSender) -> Self {
        let now = Instant::now();
        let power = PowerWatch::new(config.power.clone());
        Self {
            config,
            desk,
            news,
            outlet: Arc::default(),
            state: State::Home(Standby::Off),
            devices: Devices::default(),
            notices: Notices::default(),
            power,
            visible: Visible::default(),
            acquaintances: Acquaintances::default(),
            muted: false,
            camera_off: false,
            visible_self: false,
            attempts: 0,
            closing: JoinSet::new(),
            level: 0.0,
            changed: true,
            second: now,
            listed: now,
        }
    }

    /// Runs until told to quit or until nobody holds the handle any more.
    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<Command>, mut news: mpsc::Receiver<News>) {
        self.at_home();
        if self.config.contacts {
            let trouble = self.acquaintances.open(self.config.data_dir.clone(), &self.news);
            self.tell_if_any(trouble);
        }
        if let Some(trouble) = self.config.startup_trouble.take() {
            self.tell(Subject::Other, trouble);
        }
        let mut ticks = tokio::time::interval(limits::LEVEL_PERIOD);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            if std::mem::take(&mut self.changed) {
                self.desk.publish(self.snapshot());
            }
            let ticking = self.state.media().is_some();
            tokio::select! {
                command = commands.recv() => match command {
                    None | Some(Command::Quit) => break,
                    Some(command) => self.command(command),
                },
                event = self.state.network_event() => self.network(event),
                Some(piece) = news.recv() => self.piece_of_news(piece),
                _ = ticks.tick(), if ticking => self.tick(),
            }
        }
        self.close().await;
    }

    /// Something that shows has changed.
    pub(super) const fn touch(&mut self) {
        self.changed = true;
    }

    /// Shows a notice and reports it, unless it is shown already.
    pub(super) fn tell(&mut self, subject: Subject, trouble: Trouble) {
        if let Some(notice) = self.notices.add(subject, trouble) {
            self.desk.report(ReportEvent::from(&notice));
            self.touch();
        }
    }

    pub(super) fn tell_if_any(&mut self, trouble: Option<Trouble>) {
        if let Some(trouble) = trouble {
            self.tell(Subject::Other, trouble);
        }
    }

    /// Time passes while devices are open. Not ready to the millisecond: a busy loop only makes levels jerk.
    fn tick(&mut self) {
        let Some(media) = self.state.media() else { return };
        let audio = Arc::clone(&media.audio);
        let level = audio.microphone_level();
        if (level - self.level).abs() > 0.01 {
            self.level = level;
            self.changed = true;
        }
        if let Some((_, meeting)) = self.state.both() {
            self.changed |= meeting.people.listen(&audio);
            self.changed |= meeting.listen(&audio);
        }
        if self.second.elapsed() >= limits::SECOND {
            // A late second does not shift the ones after it, unless it is very late.
            self.second += limits::SECOND;
            if self.second.elapsed() > limits::SECOND {
                self.second = Instant::now();
            }
            self.each_second();
        }
    }

    /// For somebody to choose from; `headless` was told which to use.
    pub(super) fn ask_for_devices(&mut self) {
        if !self.desk.reports() {
            self.devices.ask(&self.news);
        }
    }

    fn each_second(&mut self) {
        self.report_statistics();
        while self.closing.try_join_next().is_some() {}
        match &self.state {
            State::Preview { .. } if self.listed.elapsed() > limits::DEVICE_PERIOD => {
                self.listed = Instant::now();
                self.ask_for_devices();
            }
            State::Entering { way, .. } if way.is_late() => self.too_late(),
            State::Home(_)
            | State::Preview { .. }
            | State::Entering { .. }
            | State::Inside { .. }
            | State::Ended(_) => {}
        }
        let seen = matches!(self.state, State::Inside { .. }) && self.devices.camera != DeviceState::Off;
        if self.power.pass_time(Instant::now(), seen, &self.news) {
            self.power_changed();
        }
        self.touch();
    }

    /// What every link does, to the panels and to whoever reads the events.
    pub(super) fn report_statistics(&mut self) {
        let (people, short) = match self.state.both() {
            Some((media, meeting)) => {
                let own_video = media.video_stats();
                meeting.count(&media.audio, own_video)
            }
            None => (Vec::new(), Vec::new()),
        };
        for (who, shortfall) in short {
            self.desk.report(ReportEvent::Connection { who, pictures: shortfall::word(shortfall) });
        }
        if self.desk.reports() {
            self.desk.report(ReportEvent::Stats(Box::new(Statistics::new(process::usage(), people))));
        }
    }

    /// Whether others see our camera and hear our microphone.
    pub(super) fn set_flags(&mut self) {
        let camera_on = !self.camera_off && matches!(self.devices.camera, DeviceState::On(_));
        let muted = self.muted;
        // Without a microphone there is as little to hear; others must not take it for a broken link.
        let silent = muted || !matches!(self.devices.microphone, DeviceState::On(_));
        if let Some(media) = self.state.media_mut() {
            media.set_flags(muted, silent, camera_on);
        }
    }

    fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot {
            stage: self.state.stage(),
            name: self.config.name.clone(),
            camera: self.devices.camera.clone(),
            microphone: self.devices.microphone.clone(),
            speaker: self.devices.speaker.clone(),
            devices: self.devices.lists.clone(),
            muted: self.muted,
            camera_off: self.camera_off,
            microphone_level: self.level,
            own_picture: self.state.media().map(|media| Arc::clone(&media.preview)),
            visible: self.visible.list(),
            visible_self: self.visible_self,
            contacts: self.acquaintances.lines(),
            notices: self.notices.shown(),
            ..Snapshot::default()
        };
        if let State::Home(Standby::Open(doorstep)) = &self.state {
            snapshot.knocks = doorstep.knocks.iter().map(|(_, knock)| knock.clone()).collect();
        }
        if let Some(meeting) = self.state.meeting() {
            snapshot.room = meeting.room(self.acquaintances.book(), self.config.lan_only);
            snapshot.people = meeting.people.members.iter().map(|member| member.person.clone()).collect();
            snapshot.gives_way = meeting.people.gives_way();
            snapshot.pinned = meeting.people.pinned().cloned();
            snapshot.knocks = meeting.knocks.iter().map(|(_, knock)| knock.clone()).collect();
            snapshot.words = if meeting.people.is_empty() { None } else { meeting.words.clone() };
            snapshot.invite_ready = meeting.ready && meeting.may_invite();
        }
        snapshot
    }

    /// Says goodbye and closes everything, within a deadline.
    async fn close(mut self) {
        self.leave_quietly();
        let all = async { while self.closing.join_next().await.is_some() {} };
        if tokio::time::timeout(limits::CLOSE_DEADLINE, all).await.is_err() {
            tracing::warn!("something does not close; it is left behind");
        }
    }

    /// Since the engine's loop may rest, seconds start anew when devices open.
    pub(super) fn start_ticking(&mut self) {
        self.second = Instant::now();
        self.listed = Instant::now();
        self.level = 0.0;
    }
}
