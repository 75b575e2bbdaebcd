//! The thread that owns the core: datagrams, signalling news, commands and wake-ups in; datagrams, requests and events out.
//! One turn takes a bounded amount of everything that is there, then sends all that came of it, so that nothing starves.
//! Started by `node`; no other thread ever touches the core.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant as StdInstant, SystemTime, UNIX_EPOCH};

use conclave_proto::core::{Command, Core, Event, Output, PeerStats, SignalInput};
use conclave_proto::ids::PeerId;
use conclave_proto::room::InviteOptions;
use conclave_proto::time::Instant;
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep_until;

use crate::egress::Egress;
use crate::limits;
use crate::media_events::MediaSender;
use crate::node::{NodeEvent, NodeWarning};
use crate::socket::{Outbox, Received, Sockets, UdpPort};
use crate::swarm::Request;

/// News from signalling.
#[derive(Debug)]
pub(crate) enum Input {
    /// For the core.
    Signal(PeerId, SignalInput),
    /// Where we can be reached; `changed`: not the first time.
    Addresses { addresses: Vec<SocketAddr>, changed: bool },
    /// For the application.
    Warning(NodeWarning),
    /// Somebody on the local network asks for an invite.
    InviteWanted(oneshot::Sender<Option<String>>),
}

/// From the application.
#[derive(Debug)]
pub(crate) enum Wish {
    /// For the core.
    Command(Command),
    /// A fresh invite.
    Invite(InviteOptions, std::sync::mpsc::SyncSender<Option<String>>),
    /// For signalling.
    Visible(bool),
}

/// The last second's counters. Held by the driver for one write a second and by the application for one copy.
pub(crate) type Stats = Arc<Mutex<Vec<(PeerId, PeerStats)>>>;

/// See the module.
pub(crate) struct Driver {
    pub(crate) core: Core,
    pub(crate) clock: Clock,
    pub(crate) sockets: Sockets,
    pub(crate) egress: Arc<Egress>,
    pub(crate) wishes: mpsc::Receiver<Wish>,
    pub(crate) inputs: mpsc::Receiver<Input>,
    pub(crate) requests: mpsc::Sender<Request>,
    pub(crate) control: mpsc::Sender<NodeEvent>,
    pub(crate) media: MediaSender,
    pub(crate) stats: Stats,
}

/// The core's clock: microseconds since the node's start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(StdInstant);

impl Clock {
    pub(crate) fn start() -> Self {
        Self(StdInstant::now())
    }

    pub(crate) fn now(self) -> Instant {
        Instant::from_micros(u64::try_from(self.0.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    fn std(self, at: Instant) -> StdInstant {
        // A wake-up in centuries is as good as none, and the sum must not overflow.
        self.0 + at.since(Instant::ZERO).min(std::time::Duration::from_secs(60 * 60 * 24 * 365))
    }
}

/// What runs between turns.
struct Loop {
    driver: Driver,
    outbox: Outbox,
    received: Received,
    addresses: Vec<SocketAddr>,
    wake_at: Option<Instant>,
    stats_at: Instant,
    /// What the core was told of it, and when.
    calendar: (Instant, u64),
    refused: u64,
    paused_until: Option<Instant>,
    /// Set once the application has gone: when to end without waiting for goodbyes any longer.
    leave_by: Option<Instant>,
    closed: bool,
}

impl Driver {
    /// Runs until the meeting is closed or the application is gone. Must be called inside a tokio runtime.
    pub(crate) async fn run(self) {
        let stats_at = self.clock.now() + limits::STATS_EVERY;
        let mut this = Loop {
            driver: self,
            outbox: Outbox::default(),
            received: Received::default(),
            addresses: Vec::new(),
            wake_at: None,
            stats_at,
            calendar: (Instant::ZERO, 0),
            refused: 0,
            paused_until: None,
            leave_by: None,
            closed: false,
        };
        this.tell_calendar(this.driver.clock.now());
        while !this.closed {
            this.outbox.flush(&this.driver.sockets);
            this.wait().await;
            this.turn();
        }
        this.outbox.flush(&this.driver.sockets);
    }
}

impl Loop {
    /// Sleeps until there is something to do; takes at most one wish or input.
    async fn wait(&mut self) {
        let deadline = self.deadline();
        let blocked = self.outbox.blocked_on(&self.driver.sockets).cloned();
        let listening = self.paused_until.is_none();
        let sockets = self.driver.sockets.clone();
        tokio::select! {
            biased;
            () = readable(sockets.v4.as_ref()), if listening => {}
            () = readable(sockets.v6.as_ref()), if listening => {}
            wish = self.driver.wishes.recv(), if self.leave_by.is_none() => self.on_wish(wish),
            Some(input) = self.driver.inputs.recv() => self.on_input(input),
            () = writable(blocked.as_ref()) => {}
            () = sleep_until(self.driver.clock.std(deadline).into()) => {}
        }
    }

    fn deadline(&self) -> Instant {
        let others = [self.wake_at, self.paused_until, self.leave_by];
        others.into_iter().flatten().fold(self.stats_at, Instant::min)
    }

    fn turn(&mut self) {
        self.receive();
        for _ in 0..limits::INPUTS_PER_TURN {
            let Ok(input) = self.driver.inputs.try_recv() else { break };
            self.on_input(input);
        }
        for _ in 0..limits::INPUTS_PER_TURN {
            if self.leave_by.is_some() {
                break;
            }
            match self.driver.wishes.try_recv() {
                Ok(wish) => self.on_wish(Some(wish)),
                Err(mpsc::error::TryRecvError::Empty) => break,
                Err(mpsc::error::TryRecvError::Disconnected) => self.on_wish(None),
            }
        }
        self.on_time();
    }

    fn receive(&mut self) {
        if self.paused_until.is_some() {
            return;
        }
        let Self { driver, received, .. } = self;
        let Driver { core, clock, sockets, .. } = driver;
        let mut failed = false;
        for port in [&sockets.v4, &sockets.v6].into_iter().flatten() {
            for _ in 0..limits::BATCHES_PER_TURN {
                let now = clock.now();
                match port.receive(received, |from, ecn, datagram| core.handle_datagram(now, from, ecn, datagram)) {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => {
                        tracing::debug!(%error, "receiving failed");
                        failed = true;
                        break;
                    }
                }
            }
        }
        self.drain_core();
        if failed {
            self.paused_until = Some(self.driver.clock.now() + limits::SOCKET_PAUSE);
        }
    }

    fn on_time(&mut self) {
        let now = self.driver.clock.now();
        if self.wake_at.is_some_and(|at| at <= now) {
            self.wake_at = None;
            self.driver.core.handle_timeout(now);
            self.drain_core();
            self.wake_at = self.wake_at.map(|at| at.max(now + limits::SHORTEST_WAKE));
        }
        if self.paused_until.is_some_and(|at| at <= now) {
            self.paused_until = None;
        }
        if self.stats_at <= now {
            self.stats_at = now + limits::STATS_EVERY;
            self.watch_calendar(now);
            self.take_stats(now);
        }
        if self.leave_by.is_some_and(|at| at <= now) {
            self.closed = true;
        }
    }

    fn take_stats(&mut self, now: Instant) {
        *self.driver.stats.lock().unwrap_or_else(PoisonError::into_inner) = self.driver.core.stats(now);
        let refused = self.driver.egress.refused();
        if refused > 0 && self.refused == 0 {
            self.tell(NodeEvent::Warning(NodeWarning::EgressRefused));
        }
        if refused > self.refused {
            tracing::info!(refused, sent = self.driver.egress.sent(), "kept on the local network");
        }
        self.refused = refused;
    }

    fn on_wish(&mut self, wish: Option<Wish>) {
        match wish {
            Some(Wish::Command(command)) => self.command(command),
            Some(Wish::Invite(options, reply)) => {
                if reply.try_send(self.invite(options)).is_err() {
                    tracing::debug!("whoever wanted an invite did not wait");
                }
            }
            Some(Wish::Visible(visible)) => self.request(Request::Visible(visible)),
            None => {
                self.leave_by = Some(self.driver.clock.now() + limits::LEAVE);
                self.command(Command::Leave);
            }
        }
    }

    fn on_input(&mut self, input: Input) {
        match input {
            Input::Signal(peer, input) => {
                self.driver.core.handle_signal(self.driver.clock.now(), peer, input);
                self.drain_core();
            }
            Input::Addresses { addresses, changed } => {
                self.addresses.clone_from(&addresses);
                self.command(Command::SetLocalAddresses(addresses.clone()));
                if changed {
                    self.command(Command::NetworkChanged);
                }
                self.tell(NodeEvent::Ready { addresses });
            }
            Input::Warning(warning) => self.tell(NodeEvent::Warning(warning)),
            Input::InviteWanted(reply) => {
                if reply.send(self.invite(InviteOptions::default())).is_err() {
                    tracing::debug!("whoever asked for an invite is gone");
                }
            }
        }
    }

    fn command(&mut self, command: Command) {
        if let Err(error) = self.driver.core.handle_command(self.driver.clock.now(), command) {
            tracing::debug!(%error, "a command makes no sense now");
        }
        self.drain_core();
    }

    fn invite(&mut self, options: InviteOptions) -> Option<String> {
        let now = self.driver.clock.now();
        let invite = self.driver.core.invite(now, options, self.addresses.clone());
        self.drain_core();
        invite.ok().map(|invite| invite.to_string())
    }

    fn tell_calendar(&mut self, now: Instant) {
        self.calendar = (now, unix_s());
        self.command(Command::SetUnixTime(self.calendar.1));
    }

    /// The core's clock stands still while the computer sleeps; the calendar does not. After a sleep every path is suspect.
    fn watch_calendar(&mut self, now: Instant) {
        let (then, then_s) = self.calendar;
        let slept = unix_s().saturating_sub(then_s + now.since(then).as_secs()) >= limits::SLEPT.as_secs();
        if slept || now.since(then) >= limits::CALENDAR_EVERY {
            self.tell_calendar(now);
        }
        if slept {
            self.command(Command::NetworkChanged);
        }
    }

    fn drain_core(&mut self) {
        while let Some(output) = self.driver.core.poll_output() {
            match output {
                Output::Transmit { to, ecn, datagram } => self.outbox.push(to, ecn, datagram),
                Output::Signal(peer, message) => self.request(Request::Message(peer, message)),
                Output::OpenSignal(peer, addresses) => self.request(Request::Open(peer, addresses)),
                Output::CloseSignal(peer) => self.request(Request::Close(peer)),
                Output::Event(Event::Audio(from, frame)) => self.driver.media.audio(from, frame),
                Output::Event(Event::Video(from, frame)) => self.driver.media.video(from, frame),
                Output::Event(event) => {
                    self.closed |= matches!(event, Event::Closed);
                    self.tell(NodeEvent::Core(event));
                }
                Output::WakeAt(at, _) => self.wake_at = Some(at),
            }
        }
    }

    fn request(&mut self, request: Request) {
        if let Err(error) = self.driver.requests.try_send(request) {
            tracing::error!(%error, "signalling does not keep up");
        }
    }

    fn tell(&mut self, event: NodeEvent) {
        // Also when the application has dropped its receiver: then nobody wants to know.
        if let Err(mpsc::error::TrySendError::Full(_)) = self.driver.control.try_send(event) {
            tracing::error!("the application takes no events; one is lost");
        }
    }
}

fn unix_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

async fn readable(port: Option<&Arc<UdpPort>>) {
    match port {
        // An error shows again when reading, and is handled there.
        Some(port) => drop(port.readable().await),
        None => std::future::pending().await,
    }
}

async fn writable(port: Option<&Arc<UdpPort>>) {
    match port {
        Some(port) => drop(port.writable().await),
        None => std::future::pending().await,
    }
}
