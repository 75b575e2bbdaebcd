//! The sending half of the root: what goes into the next datagram, in which order, and what the encoder may cost.

use std::time::Duration;

use super::estimate::padding;
use super::sent_log::Contents;
use super::sound_repair::SoundPath;
use super::video_send::Written;
use super::{DatagramInfo, LAYERS, PictureBudget, Transport, TransportEvent};
use crate::limits;
use crate::time::{Bitrate, Instant};
use crate::wire::Chunk;

/// The smallest room that a control chunk is started in.
const CONTROL_ROOM: usize = 64;
/// A request for missing pieces, at most: a frame's worth of single gaps.
const NACK_ROOM: usize = 600;
/// Pieces of small pictures that may share a datagram.
const PIECES: usize = 4;
/// A rise of the budget is told when it is worth a change of the encoder ...
const RISE: f64 = 1.05;
/// ... or some time has passed; a fall at once.
const FALL: f64 = 0.97;
const RISE_INTERVAL: Duration = Duration::from_millis(200);
/// To less than this part within this time: the path has become much slower.
const SHRUNK: f64 = 0.5;
const SHRUNK_WITHIN: Duration = Duration::from_millis(500);
/// No camera makes anything of less: the path is left to sound.
const LEAST_BUDGET: Bitrate = Bitrate::from_kbps(20);
/// Pictures that wait in the pacer are paid back by the next ones within this time ...
const BACKLOG: Duration = Duration::from_millis(300);
/// ... up to this part of theirs: more would look like a slower path and change the layer, which costs a key frame.
const BACKLOG_SHARE: f64 = 0.15;
/// A picture's time: what waits less than that is no backlog.
const SLOT: Duration = Duration::from_millis(33);
/// A queue that holds a datagram up for so long, on average, is one that sound must not feed ...
const CROWDED: Duration = Duration::from_millis(80);
/// ... for so long: then it is tried again what passes.
const CROWDED_FOR: Duration = Duration::from_secs(30);
/// A voice with two copies takes 110 kbit/s with all headers, and may take six tenths of a path (`sound_repair`).
const SOUND_WITH_COPIES: Bitrate = Bitrate::from_kbps(200);

impl Transport {
    /// Appends the plaintext of one datagram to `out`, at most `max_plaintext` bytes, if something may go now. The
    /// caller seals it with exactly `counter_next`, which only grows, also over a rekey. Call until `None`, then ask
    /// `next_wake`.
    pub fn poll_chunks(
        &mut self,
        now: Instant,
        counter_next: u64,
        max_plaintext: usize,
        out: &mut Vec<u8>,
    ) -> Option<DatagramInfo> {
        if self.paused {
            return None;
        }
        let start = out.len();
        let end = start + max_plaintext;
        let mut contents = Contents { audio: self.audio_send.write(now, end, out), ..Contents::default() };
        self.write_answers(now, end, contents.audio > 0, out);
        let answers = out.len();
        self.write_control(now, end, &mut contents, out);
        let probe = self.probe();
        let mut only_padding = false;
        self.note_lateness(now);
        let held = self.held_until().is_some_and(|until| until > now);
        if self.pacer.may_send(now) && !held && self.has_window() {
            self.write_video(now, start, end, &mut contents, out);
            if out.len() == start
                && let Some(probe) = probe
            {
                only_padding = true;
                Chunk::Pad(padding(probe.rate).min(max_plaintext).saturating_sub(Chunk::HEADER_LEN)).encode(out);
            }
        }
        if out.len() == start {
            return None;
        }
        contents.eliciting = contents.audio > 0 || out.len() > answers;
        contents.probe = probe.map(|probe| probe.id);
        contents.ecn = self.marking.next(now);
        let bytes = out.len() - start + limits::SEALED_OVERHEAD + limits::PACKET_HEADERS;
        self.pacer.sent(now, bytes);
        self.sent_log.note(now, counter_next, bytes, contents);
        self.estimator.sent(now, bytes, contents.probe);
        self.pacer.set_probe(now, self.probe().map(|probe| probe.rate));
        Some(DatagramInfo {
            has_audio: contents.audio > 0,
            has_video: contents.video > 0,
            only_padding,
            ecn: contents.ecn,
        })
    }

    /// What calls for no report of its own.
    fn write_answers(&mut self, now: Instant, end: usize, rides_along: bool, out: &mut Vec<u8>) {
        let room = |out: &Vec<u8>| end.saturating_sub(out.len());
        if self.arrivals.is_due(now, rides_along) && room(out) >= CONTROL_ROOM {
            self.arrivals.write(now, room(out), out);
        }
        if self.reliable_receive.ack_is_due() && room(out) >= CONTROL_ROOM {
            self.reliable_receive.write_ack(room(out), out);
        }
    }

    fn write_control(&mut self, now: Instant, end: usize, contents: &mut Contents, out: &mut Vec<u8>) {
        let room = |out: &Vec<u8>| end.saturating_sub(out.len());
        let (answer, patience) = (self.answer(), self.patience());
        for layer in LAYERS {
            let receive = &mut self.video_receive[layer as usize];
            while room(out) >= NACK_ROOM && receive.write_nack(now, patience, &mut self.scratch, out) {
                self.video_received.nack_count += 1;
            }
            if room(out) >= CONTROL_ROOM && receive.write_key_request(now, patience, out) {
                self.video_received.pli_count += 1;
                contents.key_requests |= 1 << layer as u8;
            }
        }
        if room(out) >= CONTROL_ROOM
            && let Some((version, wish)) = self.wish.take_due(now, answer)
        {
            Chunk::Wish { version, wish }.encode(out);
            contents.wish = version;
        }
        if room(out) >= CONTROL_ROOM
            && let Some((version, report)) = self.sender_report.take_due(now, answer)
        {
            Chunk::SenderReport { version, report }.encode(out);
            contents.report = version;
        }
        self.reliable_send.write(now, answer, room(out), out);
    }

    fn write_video(&mut self, now: Instant, start: usize, end: usize, contents: &mut Contents, out: &mut Vec<u8>) {
        let estimate = self.estimator.estimate();
        self.video_send.set_path(self.estimator.loss(), self.round_trip.or_initial());
        for _ in 0..PIECES {
            let room = end.saturating_sub(out.len());
            let alone = out.len() == start;
            match self.video_send.write(now, estimate, room, alone, out) {
                Some(Written::New | Written::Again) => contents.video += 1,
                None => return,
            }
        }
    }

    /// What sound may count on. Losses and silence bring the estimate down without any proof that the path is full, and then
    /// sound needs its copies most: while nothing queues, a path carries a voice with two of them.
    fn path_for_sound(&mut self, now: Instant, estimate: Bitrate) -> SoundPath {
        let queue = self
            .round_trip
            .smoothed()
            .zip(self.round_trip.least())
            .map(|(smoothed, least)| smoothed.saturating_sub(least));
        if queue.is_some_and(|queue| queue > CROWDED) {
            self.crowded_at = Some(now);
        }
        let crowded = self.crowded_at.is_some_and(|at| now.since(at) < CROWDED_FOR);
        let rate = if crowded { estimate } else { estimate.max(SOUND_WITH_COPIES) };
        SoundPath { rate: self.max.map_or(rate, |max| rate.min(max)), crowded }
    }

    /// Tells the pacer, and the encoder if it is worth it.
    pub(super) fn estimate_changed(&mut self, now: Instant) {
        let estimate = self.estimator.estimate();
        if estimate < self.estimate_before.0.scaled(SHRUNK) {
            (self.shrunk_at, self.estimate_before) = (Some(now), (estimate, now));
            self.begins_anew.extend(self.video_send.begin_anew(now, estimate).into_iter().flatten());
        } else if now.since(self.estimate_before.1) >= SHRUNK_WITHIN || estimate > self.estimate_before.0 {
            self.estimate_before = (estimate, now);
        }
        let drains = self.estimator.settled() > estimate;
        self.pacer.set_estimate(estimate, self.estimator.limit(), drains, self.estimator.has_rival());
        self.pacer.set_probe(now, self.probe().map(|probe| probe.rate));
        self.sound_path = self.path_for_sound(now, self.estimator.settled());
        self.audio_send.decide(self.sound_path);
        let sound = self.audio_send.rate(now);
        let budget = self.picture_budget(estimate, sound);
        let tell = self.budget.is_none_or(|(told, at)| {
            let may_rise = now.since(at) >= RISE_INTERVAL;
            [(budget.now, told.now), (budget.settled, told.settled)]
                .into_iter()
                .any(|(budget, told)| budget < told.scaled(FALL) || (budget > told.scaled(RISE) && may_rise))
        });
        if tell {
            self.budget = Some((budget, now));
            self.push_event(TransportEvent::EncoderBudget(budget));
        }
        for layer in std::mem::take(&mut self.begins_anew) {
            self.want_key(layer);
        }
    }

    /// What remains for pictures beside sound and files.
    fn picture_budget(&self, estimate: Bitrate, sound: Bitrate) -> PictureBudget {
        let less = |rate: Bitrate, taken: Bitrate| Bitrate::from_bps(rate.as_bps().saturating_sub(taken.as_bps()));
        // What is lost is sent again, or repaired by what is sent beside it.
        let again = 1.0 - self.estimator.loss().min(0.3);
        let repair = again.min(1.0 / (1.0 + self.video_send.parity_share()));
        let pictures = |estimate| {
            let rest = less(less(estimate, sound), self.bulk).scaled(repair);
            self.video_send.payload_of(rest)
        };
        let settled = pictures(self.estimator.settled());
        if settled < LEAST_BUDGET {
            return PictureBudget::default();
        }
        let now = pictures(estimate);
        let backlog = self.video_send.waiting_bytes().saturating_sub(estimate.bytes_in(SLOT));
        let owed = Bitrate::from_bps(backlog as u64 * 8).scaled(1.0 / BACKLOG.as_secs_f64());
        let now = less(now, owed.min(now.scaled(BACKLOG_SHARE))).max(LEAST_BUDGET);
        PictureBudget { now, settled: settled.max(now) }
    }
}
