//! What flows between two peers once a path is open: sound, pictures, feedback, the reliable channel. One [`Transport`]
//! per session; it knows no keys, no addresses and no membership. The session seals what `poll_chunks` writes and hands
//! in the chunks of what it opened. The root only orders its children, each of which has its own tests.
//!
//! **Numbers.** The counter of a sealed datagram is the packet number of the feedback. A rekey must not restart it: the
//! sender goes on counting under the new key (a fresh key with a high nonce is as good as one with zero), and the
//! receiver's replay window under the new key begins wherever the first datagram is.

mod announce;
mod api;
mod arrivals;
mod assembly;
mod audio;
mod estimate;
mod marking;
mod pacer;
mod peer_clock;
mod receive;
mod recent;
mod reliable;
mod repair;
mod rtt;
mod send;
mod sent_log;
mod sound_loss;
mod sound_parity;
mod sound_repair;
mod video_receive;
mod video_send;

pub use api::{DatagramInfo, PeerMisbehaved, PictureBudget, ReliableFull, TransportConfig, TransportEvent};

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use bytes::Bytes;

use crate::core::{FlowStats, PeerStats, WakeReason};
use crate::frames::{AudioFrame, SenderReport, Shortfall, SpatialLayer, VideoFrame, Wish};
use crate::limits;
use crate::time::{Bitrate, Instant};
use announce::Announce;
use arrivals::Arrivals;
use audio::{AudioReceive, AudioSend};
use estimate::{BandwidthEstimator, DelayAndLoss, Probe};
use marking::Marking;
use pacer::Pacer;
use peer_clock::PeerClock;
use reliable::{ReliableReceive, ReliableSend};
use rtt::RoundTrip;
use sent_log::{PacketReport, SentLog};
use sound_repair::SoundPath;
use video_receive::{LayerReceive, Patience};
use video_send::VideoSend;

/// A receiver may hold back a report, and with it the proof of arrival, this long.
const REPORT_DELAY: Duration = Duration::from_millis(60);
/// Sender reports repeat, for clocks drift.
const SENDER_REPORT_PERIOD: Duration = Duration::from_secs(1);
/// Reports are overdue when the oldest datagram without one is older than the least round trip and this ...
const OVERDUE: Duration = Duration::from_millis(150);
/// ... or when none came for so long although one is due.
const SILENCE: Duration = Duration::from_millis(250);
/// While the oldest datagram without a report is too old by `OVERDUE`, pictures wait, but no longer than this: what would be sent
/// meanwhile would most likely find a full queue. A dip of both ways delays the reports that would tell of it ...
const HOLD: Duration = Duration::from_millis(300);
/// ... as does a path that loses many of them.
const HOLD_LOSS: f64 = 0.1;
/// Before the first report nothing is known about the path.
const FIRST_SILENCE: Duration = Duration::from_secs(1);
/// Nothing was reported for so long: the path may be gone, and what is under way on it.
const CUT: Duration = Duration::from_secs(1);

/// Until the first report, and half of it always: a key frame of a middle layer.
const FIRST_WINDOW: usize = 24_000;
/// Reports take up to 60 ms, bursts some more.
const WINDOW_SLACK: Duration = Duration::from_millis(120);

const LAYERS: [SpatialLayer; 3] = [SpatialLayer::Small, SpatialLayer::Medium, SpatialLayer::Full];

/// One peer's media and control, both directions.
#[derive(Debug)]
pub struct Transport {
    paused: bool,
    probes: bool,
    round_trip: RoundTrip,
    estimator: Box<dyn BandwidthEstimator>,
    pacer: Pacer,
    sent_log: SentLog,
    arrivals: Arrivals,
    audio_send: AudioSend,
    audio_receive: AudioReceive,
    video_send: VideoSend,
    video_receive: [LayerReceive; 3],
    video_received: FlowStats,
    reliable_send: ReliableSend,
    reliable_receive: ReliableReceive,
    wish: Announce<Wish>,
    sender_report: Announce<SenderReport>,
    shortfall: Shortfall,
    /// Newest versions that the peer announced.
    peer_wish: u32,
    peer_sender_report: u32,
    /// The last budget that was told.
    budget: Option<(PictureBudget, Instant)>,
    /// What the reliable channel needs for files: not for pictures.
    bulk: Bitrate,
    /// When the last report came that told something.
    reported_at: Option<Instant>,
    /// When reports were last found overdue.
    overdue_at: Option<Instant>,
    /// Since when the oldest datagram without a report is too old.
    late_since: Option<Instant>,
    peer_clock: PeerClock,
    marking: Marking,
    /// So many of our datagrams met a queue that marked them.
    congestion_marks: u64,
    /// When the estimate last fell far within a moment; what it was before, and when that was noted.
    shrunk_at: Option<Instant>,
    estimate_before: (Bitrate, Instant),
    /// Layers that wait for a key frame of the new rate.
    begins_anew: BTreeSet<SpatialLayer>,
    /// What sound may count on, the bound that was set, and when the path was last seen to queue.
    sound_path: SoundPath,
    max: Option<Bitrate>,
    crowded_at: Option<Instant>,
    events: VecDeque<TransportEvent>,
    reports: Vec<PacketReport>,
    scratch: Vec<u8>,
}

impl Transport {
    /// For a session whose path is open. Survives rekeys and changes of path.
    #[must_use]
    pub fn new(now: Instant, config: TransportConfig) -> Self {
        let mut estimator = Box::new(DelayAndLoss::new(now));
        estimator.set_max(config.max_bitrate);
        let mut transport = Self {
            paused: false,
            probes: true,
            round_trip: RoundTrip::default(),
            pacer: Pacer::new(now, estimator.estimate()),
            estimator,
            sent_log: SentLog::default(),
            arrivals: Arrivals::default(),
            audio_send: AudioSend::new(now),
            audio_receive: AudioReceive::default(),
            video_send: VideoSend::new(now),
            video_receive: LAYERS.map(|layer| LayerReceive::new(now, layer)),
            video_received: FlowStats::default(),
            reliable_send: ReliableSend::default(),
            reliable_receive: ReliableReceive::default(),
            wish: Announce::new(None),
            sender_report: Announce::new(Some(SENDER_REPORT_PERIOD)),
            shortfall: Shortfall::Nothing,
            peer_wish: 0,
            peer_sender_report: 0,
            budget: None,
            bulk: Bitrate::ZERO,
            reported_at: None,
            overdue_at: None,
            late_since: None,
            peer_clock: PeerClock::default(),
            marking: Marking::default(),
            congestion_marks: 0,
            shrunk_at: None,
            estimate_before: (Bitrate::ZERO, now),
            begins_anew: BTreeSet::new(),
            sound_path: SoundPath { rate: Bitrate::ZERO, crowded: false },
            max: config.max_bitrate,
            crowded_at: None,
            events: VecDeque::new(),
            reports: Vec::new(),
            scratch: Vec::new(),
        };
        transport.estimate_changed(now);
        transport
    }

    /// Sound leaves with the next `poll_chunks`, ahead of everything; on a thin path it waits for the next frame or two.
    pub fn send_audio(&mut self, now: Instant, frame: &AudioFrame) {
        if self.paused {
            self.audio_send.stats.frames_dropped += 1;
        } else {
            self.audio_send.push(now, frame);
        }
    }

    /// A picture goes into the pacer, or is dropped if the peer could not decode it or it would be stale.
    pub fn send_video(&mut self, now: Instant, frame: &VideoFrame) {
        if self.paused {
            self.video_send.stats.frames_dropped += 1;
        } else if self.video_send.push(now, frame, self.estimator.estimate()) {
            self.want_key(frame.layer);
        }
    }

    /// Sent at once on a change of its flags, and every second.
    pub fn set_sender_report(&mut self, _now: Instant, report: SenderReport) {
        let report = SenderReport { shortfall: self.shortfall, ..report };
        let flags = |report: &SenderReport| (report.muted, report.camera_on, report.shortfall);
        let changed = self.sender_report.value().is_none_or(|old| flags(&old) != flags(&report));
        self.sender_report.set(report, changed);
    }

    /// As it was last set.
    #[must_use]
    pub const fn shortfall(&self) -> Shortfall {
        self.shortfall
    }

    /// What the peer goes short of; told with the sender report, once there is one.
    pub fn set_shortfall(&mut self, now: Instant, shortfall: Shortfall) {
        self.shortfall = shortfall;
        if let Some(report) = self.sender_report.value() {
            self.set_sender_report(now, report);
        }
    }

    /// Sent at once, repeated until it arrived.
    pub fn set_wish(&mut self, _now: Instant, wish: Wish) {
        self.wish.set(wish, true);
    }

    /// Our decoder cannot go on. At most one request a second goes out.
    pub fn request_key_frame(&mut self, _now: Instant, layer: SpatialLayer) {
        self.video_receive[layer as usize].request_key();
    }

    /// Ordered, exactly once, in pieces as needed; up to `limits::RELIABLE_MESSAGE_BYTES` each.
    pub fn send_reliable(&mut self, _now: Instant, message: Bytes) -> Result<(), ReliableFull> {
        self.reliable_send.push(&message)
    }

    /// News for the session. Call until `None` after each input.
    pub fn poll_event(&mut self) -> Option<TransportEvent> {
        self.events.pop_front()
    }

    /// The moment of `next_wake` has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.paused {
            return;
        }
        let patience = self.patience();
        for layer in &mut self.video_receive {
            layer.handle_timeout(now, patience, &mut self.video_received);
        }
        if self.overdue_from().is_some_and(|at| at <= now) {
            self.reports_overdue(now);
        }
        self.estimator.handle_timeout(now);
        self.estimate_changed(now);
    }

    /// When to call `handle_timeout` and `poll_chunks` again at the latest.
    #[must_use]
    pub fn next_wake(&self, now: Instant) -> Option<(Instant, WakeReason)> {
        if self.paused {
            return None;
        }
        let patience = self.patience();
        let waits = !self.video_send.is_empty() || self.probe().is_some();
        let paced = waits && self.has_window();
        let answer = self.answer();
        let at_once = self.reliable_receive.ack_is_due();
        [
            at_once.then_some((now, WakeReason::Pace)),
            self.audio_send.due().map(|at| (at.max(now), WakeReason::Pace)),
            paced.then(|| (self.pacer.free_at().max(self.held_until().unwrap_or(Instant::ZERO)), WakeReason::Pace)),
            self.arrivals.due().map(|at| (at, WakeReason::Feedback)),
            self.reliable_send.due(answer).map(|at| (at, WakeReason::Retransmit)),
            self.wish.due(answer).map(|at| (at, WakeReason::Retransmit)),
            self.sender_report.due(answer).map(|at| (at, WakeReason::Feedback)),
            self.overdue_from().map(|at| (at, WakeReason::Estimate)),
            self.estimator.next_wake().map(|at| (at, WakeReason::Estimate)),
        ]
        .into_iter()
        .flatten()
        .chain(self.video_receive.iter().flat_map(|layer| layer.next_wake(patience)))
        .min_by_key(|(at, _)| *at)
    }

    /// Another address, another network: what was learned about the old one is forgotten.
    pub fn path_changed(&mut self, now: Instant) {
        self.round_trip = RoundTrip::default();
        self.estimator.path_changed(now);
        self.marking = Marking::default();
        self.crowded_at = None;
        self.path_lost();
        self.estimate_changed(now);
    }

    /// While there is no path media are dropped and nothing is sent; the reliable channel keeps what it has.
    pub fn paused(&mut self, _now: Instant, paused: bool) {
        if self.paused == paused {
            return;
        }
        self.paused = paused;
        self.audio_send.clear();
        self.video_send.clear();
        self.path_lost();
    }

    fn path_lost(&mut self) {
        self.sent_log.clear();
        (self.reported_at, self.overdue_at, self.late_since) = (None, None, None);
        self.peer_clock = PeerClock::default();
        self.audio_send.path_lost();
        self.reliable_send.resend();
        self.wish.resend();
        self.sender_report.resend();
        for layer in &mut self.video_receive {
            layer.path_lost();
        }
    }

    /// Upper bound of what is sent to this peer.
    pub fn set_max_bitrate(&mut self, now: Instant, max: Option<Bitrate>) {
        self.estimator.set_max(max);
        self.max = max;
        self.estimate_changed(now);
    }

    /// Whether the path is probed for what it carries. One that begins to be starts like a new path.
    pub fn set_probing(&mut self, now: Instant, probes: bool) {
        let begins = probes && !self.probes;
        self.probes = probes;
        if begins {
            self.estimator.path_changed(now);
            self.estimate_changed(now);
        }
    }

    fn probe(&self) -> Option<Probe> {
        self.estimator.probe().filter(|_| self.probes)
    }

    /// Keeps this much of the path free of pictures, for what goes through the reliable channel.
    pub fn set_bulk(&mut self, now: Instant, rate: Bitrate) {
        self.bulk = rate;
        self.estimate_changed(now);
    }

    /// What the path carries, as far as known.
    #[must_use]
    pub fn estimate(&self) -> Bitrate {
        self.estimator.estimate()
    }

    /// When the path was last seen to carry less than was sent.
    #[must_use]
    pub fn congested_at(&self) -> Option<Instant> {
        self.estimator.congested_at()
    }

    /// The estimate, if it is used: then it says something about the path.
    #[must_use]
    pub fn used_estimate(&self) -> Option<Bitrate> {
        (!self.paused && !self.estimator.is_limited_by_application()).then(|| self.estimator.estimate())
    }

    /// Its part of what paths with one bottleneck carry together.
    pub fn share(&mut self, now: Instant, part: Bitrate) {
        self.estimator.share(part);
        self.estimate_changed(now);
    }

    /// Bytes in the reliable channel that are not acknowledged.
    #[must_use]
    pub fn reliable_waiting(&self) -> usize {
        self.reliable_send.waiting()
    }

    /// Fills in the transport's part.
    pub fn stats(&self, _now: Instant, stats: &mut PeerStats) {
        stats.round_trip_time = self.round_trip.smoothed();
        stats.available_outgoing_bitrate = self.estimator.estimate();
        stats.sent_audio = self.audio_send.stats;
        stats.sound_loss = self.audio_send.loss();
        stats.sound_bitrate = self.sound_path.rate;
        stats.congestion_marks = self.marking.passes().then_some(self.congestion_marks);
        stats.sent_video = self.video_send.stats;
        stats.received_audio = self.audio_receive.flow();
        stats.received_video = self.video_received;
    }

    /// Smoothed, once known.
    #[must_use]
    pub fn round_trip_time(&self) -> Option<Duration> {
        self.round_trip.smoothed()
    }

    /// Nothing waits to be sent or acknowledged, no picture is half there: a quiet call.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.audio_send.is_empty()
            && self.video_send.is_empty()
            && self.reliable_send.is_idle()
            && self.video_receive.iter().all(|layer| layer.bytes() == 0)
    }

    /// What is under way is no more than the path holds and a report takes. More is a queue, and feedback opens it again.
    fn has_window(&self) -> bool {
        // Beside somebody who fills the queue ours is part of what is under way.
        let round_trip = if self.estimator.has_rival() { self.round_trip.smoothed() } else { self.round_trip.least() };
        let window = match round_trip {
            Some(time) => FIRST_WINDOW / 2 + self.estimator.estimate().bytes_in(time + WINDOW_SLACK),
            None => FIRST_WINDOW,
        };
        self.sent_log.in_flight() < window
    }

    /// While reports are overdue nobody knows what the path carries now, and a key frame would be made for too much.
    fn want_key(&mut self, layer: SpatialLayer) {
        if self.overdue_at.is_some() {
            self.begins_anew.insert(layer);
        } else {
            self.push_event(TransportEvent::KeyFrameWanted(layer));
        }
    }

    /// When feedback about something counts as overdue.
    fn answer(&self) -> Duration {
        self.round_trip.timeout(REPORT_DELAY)
    }

    fn patience(&self) -> Patience {
        let answer = self.round_trip.timeout(Duration::from_millis(5));
        Patience { round_trip: self.round_trip.or_initial(), answer }
    }

    /// From when on what was sent at this moment is too old to be without a report, for the path as it usually is.
    fn old_from(&self, sent_at: Instant) -> Option<Instant> {
        // On a slow path one large datagram takes its time.
        let one = self.estimator.settled().time_for(limits::DATAGRAM_BYTES).min(OVERDUE);
        Some(sent_at + self.round_trip.least()? + OVERDUE + one)
    }

    /// When reports count as overdue, once more if they are.
    fn overdue_from(&self) -> Option<Instant> {
        let oldest = self.sent_log.oldest_unanswered()?;
        let answer = self.answer();
        let from = match (self.old_from(oldest), self.reported_at) {
            (Some(old_from), Some(reported_at)) => {
                let answered_by = oldest + answer;
                answered_by.max(old_from).min(answered_by.max(reported_at + SILENCE))
            }
            _ => oldest + FIRST_SILENCE.max(answer * 2),
        };
        Some(self.overdue_at.map_or(from, |at| from.max(at + SILENCE)))
    }

    /// Looks whether the oldest datagram without a report is too old.
    fn note_lateness(&mut self, now: Instant) {
        let oldest = self.sent_log.oldest_unanswered();
        if oldest.and_then(|oldest| self.old_from(oldest)).is_some_and(|old_from| now > old_from) {
            self.late_since.get_or_insert(now);
        } else {
            self.late_since = None;
        }
    }

    /// Pictures wait until then, or for the next report. Not at a limit that is known and used, nor once a queue is known of: there
    /// reports are late for what is under way already.
    fn held_until(&self) -> Option<Instant> {
        let since = self.late_since.filter(|_| self.estimator.loss() < HOLD_LOSS && !self.estimator.has_rival())?;
        let is_known = self.estimator.congested_at().is_some_and(|at| at + HOLD > since);
        let is_used = self.estimator.limit().is_some() && !self.estimator.is_limited_by_application();
        (!is_known && !is_used).then_some(since + HOLD)
    }

    /// The path has become much slower, or is gone: half as much at once, and nothing that is not needed.
    fn reports_overdue(&mut self, now: Instant) {
        self.overdue_at = Some(now);
        self.estimator.silence(now);
        self.video_send.shed();
        if self.sent_log.oldest_unanswered().is_some_and(|oldest| now.since(oldest) >= CUT.max(self.answer() * 2)) {
            // It is gone, or its report is: nothing to wait for.
            self.sent_log.clear();
            self.marking.silence(now);
        }
    }

    fn push_event(&mut self, event: TransportEvent) {
        if self.events.len() == limits::TRANSPORT_EVENTS {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }
}
