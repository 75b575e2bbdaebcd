//! Pictures on their way out: continuity (nothing is sent that the peer could not decode), the queue in front of the pacer,
//! fragments, and the buffer from which lost pieces are sent again.

use std::collections::VecDeque;
use std::time::Duration;

use super::recent::RecentNumbers;
use super::{LAYERS, repair};
use crate::core::FlowStats;
use crate::frames::{SpatialLayer, VideoFrame};
use crate::limits;
use crate::time::{Bitrate, Instant};
use crate::wire::{Chunk, Nack, VideoFragment};

/// Everything of a fragment's chunk but the payload, at most.
const FRAGMENT_HEADER: usize = Chunk::HEADER_LEN + 2 + 4 + 8 + 4 + 4 + 2 + 2 + 4;
/// Fragments are not cut smaller than this to fill a datagram.
const SMALLEST_UNIT: usize = 512;
/// On shorter round trips lost pieces are asked for in time.
const FAR: Duration = Duration::from_millis(100);
/// Pictures that may stay incomplete in spite of parities: base ones and those of the top layer, where requests come late ...
const SPARE_FAR: [f64; 2] = [0.01, 0.04];
/// ... and where they come in time.
const SPARE_NEAR: [f64; 2] = [0.06, 0.12];
/// When a path has just become much slower, what would be sent again for longer than this is worth less than a key frame ...
const AGAIN_LONG: Duration = Duration::from_millis(100);
/// ... of so many bytes at least.
const AGAIN_BYTES: usize = 3 * 1024;
/// Less loss than this is no loss.
const LEAST_LOSS: f64 = 0.004;
/// Sending again may take this share of the estimate ...
const RETRANSMIT_SHARE: f64 = 0.5;
/// ... and this much at once: a key frame with its neighbours.
const RETRANSMIT_BURST: usize = 64 * 1024;

/// What a datagram with a piece of a picture takes besides the piece.
const PIECE_OVERHEAD: usize = limits::SEALED_OVERHEAD + limits::PACKET_HEADERS + FRAGMENT_HEADER;
/// The same of full datagrams, to what is inside.
const FULL_OVERHEAD: f64 = 0.1;
/// Time between pictures, until it is known, and within which it is believed.
const USUAL_INTERVAL: Duration = Duration::from_micros(33_333);
const INTERVALS: (Duration, Duration) = (Duration::from_millis(16), Duration::from_millis(250));

/// A frame that is being sent, or was.
#[derive(Debug)]
struct Outgoing {
    frame: VideoFrame,
    at: Instant,
    /// Bytes per fragment; 0 until the first is cut.
    unit: u16,
    /// Fragments sent so far.
    sent: u16,
    /// Parity pieces that it gets, and how many were sent.
    parities: u8,
    parities_sent: u8,
    /// Which were sent again, and when.
    again: Vec<(u16, Instant)>,
}

#[derive(Debug, Default)]
struct Layer {
    /// Accepted for sending: what later frames may need.
    accepted: RecentNumbers,
    newest_key: Option<u32>,
    key_asked_at: Option<Instant>,
}

/// What a fragment cost, for the pacer and the counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    New,
    Again,
}

/// Pictures on their way out.
#[derive(Debug)]
pub(super) struct VideoSend {
    layers: [Layer; 3],
    queue: VecDeque<Outgoing>,
    queued_bytes: usize,
    history: VecDeque<Outgoing>,
    history_bytes: usize,
    again: VecDeque<(SpatialLayer, u32, u16)>,
    again_credit: usize,
    again_at: Instant,
    /// Share of datagrams that get lost, and the round trip: whether and how pictures are made repairable.
    loss: f64,
    round_trip: Duration,
    /// Pieces of a picture, lately.
    pieces: f64,
    /// When the last one came to be sent, and the time between two of them, lately.
    pushed_at: Option<Instant>,
    interval: Duration,
    pub(super) stats: FlowStats,
}

impl VideoSend {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            layers: Default::default(),
            queue: VecDeque::new(),
            queued_bytes: 0,
            history: VecDeque::new(),
            history_bytes: 0,
            again: VecDeque::new(),
            again_credit: RETRANSMIT_BURST,
            again_at: now,
            loss: 0.0,
            round_trip: Duration::ZERO,
            pieces: 1.0,
            pushed_at: None,
            interval: USUAL_INTERVAL,
            stats: FlowStats::default(),
        }
    }

    /// Queues a frame that left the encoder. True: a key frame of its layer is needed before anything else can be sent.
    pub(super) fn push(&mut self, now: Instant, frame: &VideoFrame, estimate: Bitrate) -> bool {
        let size = frame.payload.len();
        if size == 0 || size > limits::VIDEO_FRAME_BYTES {
            self.stats.frames_dropped += 1;
            return self.ask_key(now, frame.layer, frame.temporal == 0);
        }
        let drain = estimate.time_for(self.queued_bytes);
        let layer = &mut self.layers[frame.layer as usize];
        if frame.is_key() {
            // Older pictures, of whatever layer, are of no use once the key frame is there.
            for older in LAYERS {
                self.drop_waiting(older);
                self.forget(older);
            }
            let layer = &mut self.layers[frame.layer as usize];
            (layer.accepted, layer.newest_key) = (RecentNumbers::default(), Some(frame.number));
        } else if !frame
            .number
            .checked_sub(u32::from(frame.needs_back))
            .is_some_and(|need| layer.accepted.contains(need))
        {
            self.stats.frames_dropped += 1;
            return self.ask_key(now, frame.layer, true);
        } else if frame.temporal > 0 && drain > limits::VIDEO_QUEUE_DELAY_TOP {
            self.stats.frames_dropped += 1;
            return false;
        } else if self.is_stale(drain) {
            self.stats.frames_dropped += 1;
            self.drop_waiting(frame.layer);
            self.layers[frame.layer as usize].accepted = RecentNumbers::default();
            return self.ask_key(now, frame.layer, true);
        }
        self.layers[frame.layer as usize].accepted.insert(frame.number);
        if let Some(before) = self.pushed_at.replace(now) {
            self.interval = (self.interval * 9 + now.since(before).clamp(INTERVALS.0, INTERVALS.1)) / 10;
        }
        self.queued_bytes += size;
        let frame = frame.clone();
        self.queue.push_back(Outgoing {
            frame,
            at: now,
            unit: 0,
            sent: 0,
            parities: 0,
            parities_sent: 0,
            again: Vec::new(),
        });
        false
    }

    /// A key frame in the queue is worth a longer wait: dropping behind it would only call for the next one.
    fn is_stale(&self, drain: Duration) -> bool {
        let has_key = self.queue.iter().any(|waiting| waiting.frame.is_key());
        let patience = if has_key { 4 } else { 1 };
        drain > limits::VIDEO_QUEUE_DELAY * patience || self.queue.len() >= limits::VIDEO_SEND_QUEUE
    }

    fn ask_key(&mut self, now: Instant, layer: SpatialLayer, needed: bool) -> bool {
        let layer = &mut self.layers[layer as usize];
        let soon = layer.key_asked_at.is_some_and(|asked| now.since(asked) < limits::KEY_REQUEST_INTERVAL);
        if !needed || soon {
            return false;
        }
        layer.key_asked_at = Some(now);
        true
    }

    /// Drops what has not begun to leave.
    fn drop_waiting(&mut self, layer: SpatialLayer) {
        let before = self.queue.len();
        self.queue.retain(|waiting| waiting.frame.layer != layer || waiting.sent > 0);
        self.stats.frames_dropped += (before - self.queue.len()) as u64;
        self.queued_bytes = self.queue.iter().map(Outgoing::unsent_bytes).sum();
    }

    /// The path has become slow: what nobody needs is not sent any more.
    pub(super) fn shed(&mut self) {
        let before = self.queue.len();
        self.queue.retain(|waiting| waiting.frame.temporal == 0 || waiting.sent > 0);
        self.stats.frames_dropped += (before - self.queue.len()) as u64;
        self.queued_bytes = self.queue.iter().map(Outgoing::unsent_bytes).sum();
        self.again.clear();
    }

    /// The path has become much slower, and carries no more than this. If what waits would take too long, each of its layers begins
    /// anew with a key frame of the new rate; these.
    pub(super) fn begin_anew(&mut self, now: Instant, estimate: Bitrate) -> [Option<SpatialLayer>; 3] {
        if estimate.time_for(self.queued_bytes) <= limits::VIDEO_QUEUE_DELAY {
            return [None; 3];
        }
        let layers = LAYERS.map(|layer| self.queue.iter().any(|waiting| waiting.frame.layer == layer).then_some(layer));
        self.stats.frames_dropped += self.queue.len() as u64;
        self.queue.clear();
        self.queued_bytes = 0;
        self.again.clear();
        for layer in layers.into_iter().flatten() {
            self.forget(layer);
            let layer = &mut self.layers[layer as usize];
            (layer.accepted, layer.key_asked_at) = (RecentNumbers::default(), Some(now));
        }
        layers
    }

    /// Bytes that wait to be sent for the first time.
    pub(super) const fn waiting_bytes(&self) -> usize {
        self.queued_bytes
    }

    /// Nothing of the past is worth sending any more; each layer begins anew with a key frame.
    pub(super) fn clear(&mut self) {
        self.stats.frames_dropped += self.queue.len() as u64;
        self.queue.clear();
        self.queued_bytes = 0;
        self.again.clear();
        self.history.clear();
        self.history_bytes = 0;
        self.layers = Default::default();
    }

    /// The peer asks for a key frame from this number on. True: the encoder is to make one.
    pub(super) fn handle_key_request(&mut self, now: Instant, layer: SpatialLayer, from_number: u32) -> bool {
        self.stats.pli_count += 1;
        if self.layers[layer as usize].newest_key.is_some_and(|newest| newest >= from_number) {
            // Under way; if it is lost the next request says so.
            return false;
        }
        self.ask_key(now, layer, true)
    }

    /// `shrunk`: the path has just become much slower, and this is the estimate now. True: sending all of that again would take
    /// longer than a key frame, which the encoder is to make.
    pub(super) fn handle_nack(
        &mut self,
        now: Instant,
        nack: &Nack<'_>,
        round_trip: Duration,
        shrunk: Option<Bitrate>,
    ) -> bool {
        self.stats.nack_count += 1;
        self.queue_again(now, nack, round_trip);
        let Some(estimate) = shrunk else { return false };
        let waits = self.again.len() * (limits::DATAGRAM_BYTES - limits::SEALED_OVERHEAD);
        if waits <= AGAIN_BYTES.max(estimate.bytes_in(AGAIN_LONG)) || !self.ask_key(now, nack.layer, true) {
            return false;
        }
        self.drop_waiting(nack.layer);
        self.forget(nack.layer);
        self.layers[nack.layer as usize].accepted = RecentNumbers::default();
        true
    }

    /// Nothing that was sent of this layer is sent again: it would only keep back the key frame that makes up for all of it.
    fn forget(&mut self, layer: SpatialLayer) {
        self.again.retain(|(again, _, _)| *again != layer);
        self.history.retain(|sent| sent.frame.layer != layer);
        self.history_bytes = self.history.iter().map(|sent| sent.frame.payload.len()).sum();
    }

    fn queue_again(&mut self, now: Instant, nack: &Nack<'_>, round_trip: Duration) {
        let ours = |sent: &&mut Outgoing| sent.frame.layer == nack.layer && sent.frame.number == nack.number;
        let mut candidates = self.history.iter_mut().rev().chain(self.queue.iter_mut());
        let Some(sent) = candidates.find(ours) else { return };
        let count = sent.sent;
        let patience = round_trip * 4 / 5;
        // Of one that is still leaving, nothing may have come only because nothing could.
        let whole = nack.whole_frame() && usize::from(count) == sent.count();
        let whole = whole.then_some(0..count).into_iter().flatten();
        for index in nack.missing().chain(whole).take_while(|index| *index < count) {
            let known = sent.again.iter_mut().find(|(again, _)| *again == index);
            if known.as_ref().is_some_and(|(_, at)| now.since(*at) < patience) {
                continue;
            }
            if self.again.len() == limits::RETRANSMIT_QUEUE {
                return;
            }
            match known {
                Some((_, at)) => *at = now,
                None => sent.again.push((index, now)),
            }
            self.again.push_back((nack.layer, nack.number, index));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.again.is_empty()
    }

    /// Appends one fragment that fits `room`: first what was asked for again, then what is new. `alone`: nothing else is in
    /// the datagram, so that there never will be more room.
    pub(super) fn write(
        &mut self,
        now: Instant,
        estimate: Bitrate,
        room: usize,
        alone: bool,
        out: &mut Vec<u8>,
    ) -> Option<Written> {
        self.prune(now);
        let credit = estimate.scaled(RETRANSMIT_SHARE).bytes_in(now.since(self.again_at));
        if credit > 0 {
            self.again_credit = (self.again_credit + credit).min(RETRANSMIT_BURST);
            self.again_at = now;
        }
        if self.write_again(room, out) {
            return Some(Written::Again);
        }
        self.write_new(now, room, alone, out).then_some(Written::New)
    }

    fn write_again(&mut self, room: usize, out: &mut Vec<u8>) -> bool {
        while let Some(&(layer, number, index)) = self.again.front() {
            let ours = |sent: &&Outgoing| sent.frame.layer == layer && sent.frame.number == number;
            let Some(sent) = self.history.iter().rev().chain(&self.queue).find(ours) else {
                self.again.pop_front();
                continue;
            };
            let fragment = sent.fragment(index, true);
            let len = Chunk::HEADER_LEN + fragment.encoded_len();
            if len > limits::DATAGRAM_BYTES - limits::SEALED_OVERHEAD && len > room {
                // Cut for a path that carried larger datagrams.
                self.again.pop_front();
                continue;
            }
            if len > room || len > self.again_credit {
                return false;
            }
            Chunk::VideoFragment(fragment).encode(out);
            self.again_credit -= len;
            self.again.pop_front();
            self.stats.packets += 1;
            self.stats.packets_retransmitted += 1;
            self.stats.bytes += len as u64;
            return true;
        }
        false
    }

    fn write_new(&mut self, now: Instant, room: usize, alone: bool, out: &mut Vec<u8>) -> bool {
        while self.queue.front().is_some_and(|first| {
            first.sent == 0 && first.frame.temporal > 0 && now.since(first.at) > limits::VIDEO_QUEUE_DELAY_TOP
        }) {
            if let Some(stale) = self.queue.pop_front() {
                self.queued_bytes -= stale.unsent_bytes();
                self.stats.frames_dropped += 1;
            }
        }
        let Some(first) = self.queue.front_mut() else { return false };
        if first.unit == 0 {
            if !first.cut(room) {
                return false;
            }
            let count = first.frame.payload.len().div_ceil(usize::from(first.unit));
            first.parities = parities(count, first.frame.temporal, self.loss, self.round_trip);
            self.pieces = self.pieces * 0.95 + f64::from(u16::try_from(count).unwrap_or(u16::MAX)) * 0.05;
        }
        if usize::from(first.sent) == first.count() {
            return self.write_parity(now, room, alone, out);
        }
        let fragment = first.fragment(first.sent, false);
        let len = Chunk::HEADER_LEN + fragment.encoded_len();
        if len > room {
            // Beside a little sound it only has to wait for the next datagram.
            if alone {
                self.drop_head();
            }
            return false;
        }
        Chunk::VideoFragment(fragment).encode(out);
        let payload = fragment.payload.len();
        let last = usize::from(first.sent) + 1 == fragment.count() && first.parities == 0;
        first.sent += 1;
        self.queued_bytes = self.queued_bytes.saturating_sub(payload);
        self.stats.packets += 1;
        self.stats.bytes += len as u64;
        if last {
            self.head_is_done(now);
        }
        true
    }

    fn head_is_done(&mut self, now: Instant) {
        if let Some(mut done) = self.queue.pop_front() {
            done.at = now;
            self.stats.frames += 1;
            self.history_bytes += done.frame.payload.len();
            self.history.push_back(done);
        }
    }

    fn write_parity(&mut self, now: Instant, room: usize, alone: bool, out: &mut Vec<u8>) -> bool {
        let Some(first) = self.queue.front_mut() else { return false };
        let piece = repair::parity(first.parities_sent, &first.frame.payload, usize::from(first.unit));
        let parity =
            VideoFragment { index: u16::from(first.parities_sent), payload: &piece, ..first.fragment(0, false) };
        let len = Chunk::HEADER_LEN + parity.encoded_len();
        if len > room {
            if alone {
                // Cut for a path that carried larger datagrams: it has to do without.
                self.head_is_done(now);
            }
            return false;
        }
        Chunk::VideoFec(parity).encode(out);
        first.parities_sent += 1;
        self.stats.packets += 1;
        self.stats.bytes += len as u64;
        if first.parities_sent == first.parities {
            self.head_is_done(now);
        }
        true
    }

    /// What is known of the path's losses.
    pub(super) const fn set_path(&mut self, loss: f64, round_trip: Duration) {
        (self.loss, self.round_trip) = (loss, round_trip);
    }

    /// Bytes of parities to bytes of pictures, as the path is now: a rate without room for pictures must not be taken for one.
    pub(super) fn parity_share(&self) -> f64 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to `limits::VIDEO_FRAGMENTS`")]
        let pieces = self.pieces.round() as usize;
        f64::from(parities(pieces, 0, self.loss, self.round_trip)) / self.pieces.max(1.0)
    }

    /// Of a rate on the wire, what pictures can have as often as they come: each takes a datagram at least and leaves half a
    /// one empty, and few of them take little.
    pub(super) fn payload_of(&self, wire: Bitrate) -> Bitrate {
        let lone = (PIECE_OVERHEAD as f64 * 8.0 / self.interval.as_secs_f64()).round();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a hundred bytes every few milliseconds"
        )]
        let lone = lone as u64;
        let less = |bps| Bitrate::from_bps(wire.as_bps().saturating_sub(bps));
        less(lone).min(less(lone / 2).scaled(1.0 / (1.0 + FULL_OVERHEAD)))
    }

    /// The head was cut for a path that carried larger datagrams: its layer begins anew with a key frame.
    fn drop_head(&mut self) {
        if let Some(head) = self.queue.pop_front() {
            self.layers[head.frame.layer as usize].accepted = RecentNumbers::default();
            self.stats.frames_dropped += 1;
            self.drop_waiting(head.frame.layer);
        }
    }

    fn prune(&mut self, now: Instant) {
        while self.history.front().is_some_and(|first| {
            now.since(first.at) > limits::RETRANSMIT_AGE || self.history_bytes > limits::RETRANSMIT_BYTES
        }) {
            if let Some(old) = self.history.pop_front() {
                self.history_bytes -= old.frame.payload.len();
            }
        }
    }
}

impl Outgoing {
    fn unsent_bytes(&self) -> usize {
        self.frame.payload.len().saturating_sub(usize::from(self.sent) * usize::from(self.unit))
    }

    fn count(&self) -> usize {
        self.frame.payload.len().div_ceil(usize::from(self.unit).max(1))
    }

    /// Decides the fragment size, all alike so that no tiny rest travels alone. False: better wait for an empty datagram.
    fn cut(&mut self, room: usize) -> bool {
        let (size, most) = (self.frame.payload.len(), room.saturating_sub(FRAGMENT_HEADER));
        if size > most && most < SMALLEST_UNIT {
            return false;
        }
        let unit = size.div_ceil(size.div_ceil(most).clamp(1, limits::VIDEO_FRAGMENTS));
        self.unit = u16::try_from(unit).unwrap_or(u16::MAX);
        true
    }

    fn fragment(&self, index: u16, retransmitted: bool) -> VideoFragment<'_> {
        let frame = &self.frame;
        let begin = (usize::from(index) * usize::from(self.unit)).min(frame.payload.len());
        let end = (begin + usize::from(self.unit)).min(frame.payload.len());
        VideoFragment {
            layer: frame.layer,
            temporal: frame.temporal,
            codec: frame.codec,
            retransmitted,
            repaired: self.parities > 0 && !retransmitted,
            number: frame.number,
            needs_back: frame.needs_back,
            captured_us: frame.captured_us,
            width: frame.width,
            height: frame.height,
            index,
            unit: self.unit,
            total: u32::try_from(frame.payload.len()).unwrap_or(u32::MAX),
            payload: &frame.payload[begin..end],
        }
    }
}

/// Parity pieces for a picture of `count` pieces.
fn parities(count: usize, temporal: u8, loss: f64, round_trip: Duration) -> u8 {
    if loss < LEAST_LOSS {
        return 0;
    }
    let spare = if round_trip >= FAR { SPARE_FAR } else { SPARE_NEAR };
    repair::parities(count, loss, spare[usize::from(temporal > 0)])
}
