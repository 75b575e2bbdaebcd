//! The receiving half of the root: chunks of opened datagrams go to the child that they are for.

use std::time::Duration;

use super::{LAYERS, PeerMisbehaved, Transport, TransportEvent};
use crate::ecn::Ecn;
use crate::frames::{SpatialLayer, Wish};
use crate::limits;
use crate::time::{Bitrate, Instant};
use crate::wire::{Chunk, Feedback, VideoFragment};

/// So long after a path has become much slower its losses are those of the moment when it did.
const SHRUNK_LATELY: Duration = Duration::from_millis(1500);

impl Transport {
    /// Once per opened datagram, before its chunks. `bytes_on_wire` is the UDP payload.
    pub fn datagram_received(&mut self, now: Instant, counter: u64, ecn: Ecn, _bytes_on_wire: usize) {
        self.arrivals.note(now, counter, ecn);
    }

    /// Each chunk of an opened datagram that is not the session's own.
    pub fn handle_chunk(&mut self, now: Instant, _counter: u64, chunk: Chunk<'_>) -> Result<(), PeerMisbehaved> {
        match chunk {
            // Reports, and what answers to nothing, call for no report.
            Chunk::Feedback(feedback) => {
                self.handle_feedback(now, &feedback);
                return Ok(());
            }
            Chunk::ReliableAck(ack) => return self.reliable_send.handle_ack(&ack),
            Chunk::PathChallenge(_) | Chunk::PathResponse(_) | Chunk::KeepAlive { .. } | Chunk::Bye { .. } => {
                return Ok(());
            }
            Chunk::Audio(audio) => {
                let events = &mut self.events;
                self.audio_receive.handle(&audio, &mut |frame| {
                    if events.len() == limits::TRANSPORT_EVENTS {
                        events.pop_front();
                    }
                    events.push_back(TransportEvent::Audio(frame));
                });
            }
            Chunk::VideoFragment(piece) => self.handle_piece(now, &piece, false)?,
            Chunk::VideoFec(parity) => self.handle_piece(now, &parity, true)?,
            Chunk::Pad(_) => {}
            Chunk::Nack(nack) => {
                let round_trip = self.round_trip.or_initial();
                let shrunk = self.shrunk_at.is_some_and(|at| now.since(at) < SHRUNK_LATELY);
                let shrunk = shrunk.then(|| self.estimator.estimate());
                if self.video_send.handle_nack(now, &nack, round_trip, shrunk) {
                    self.shrunk_at = None;
                    self.push_event(TransportEvent::KeyFrameWanted(nack.layer));
                }
            }
            Chunk::KeyRequest { layer, from_number } => {
                if self.video_send.handle_key_request(now, layer, from_number) {
                    self.push_event(TransportEvent::KeyFrameWanted(layer));
                }
            }
            Chunk::Wish { version, wish } => {
                if version > self.peer_wish {
                    self.peer_wish = version;
                    self.estimator.set_useful(now, useful(wish));
                    self.push_event(TransportEvent::Wish(wish));
                }
            }
            Chunk::SenderReport { version, report } => {
                if version > self.peer_sender_report {
                    self.peer_sender_report = version;
                    self.push_event(TransportEvent::SenderReport(report));
                }
            }
            Chunk::Reliable { offset, data } => {
                self.reliable_receive.handle(offset, data)?;
                while let Some(message) = self.reliable_receive.poll_message()? {
                    self.push_event(TransportEvent::Reliable(message));
                }
            }
        }
        self.arrivals.elicit(now);
        Ok(())
    }

    fn handle_piece(&mut self, now: Instant, piece: &VideoFragment<'_>, is_parity: bool) -> Result<(), PeerMisbehaved> {
        let events = &mut self.events;
        let mut deliver = |frame| events.push_back(TransportEvent::Video(frame));
        self.video_receive[piece.layer as usize].handle(now, piece, is_parity, &mut self.video_received, &mut deliver)
    }

    fn handle_feedback(&mut self, now: Instant, feedback: &Feedback<'_>) {
        self.reports.clear();
        if let Some(sent_at) = self.sent_log.handle_feedback(feedback, &mut self.reports) {
            let elapsed = now.since(sent_at);
            self.round_trip.sample(now, elapsed.saturating_sub(Duration::from_micros(feedback.delay_us)));
        }
        if self.reports.is_empty() {
            return;
        }
        (self.reported_at, self.overdue_at) = (Some(now), None);
        self.note_lateness(now);
        self.peer_clock.align(&mut self.reports);
        for report in &self.reports {
            let contents = &report.contents;
            if contents.ecn == Ecn::Capable {
                self.marking.told(now, report.arrived_us.map(|_| report.ecn));
                self.congestion_marks += u64::from(report.ecn == Ecn::Congested);
            }
            if contents.audio > 0 {
                self.audio_send.told(report.sent_at, report.arrived_us.is_some());
            }
            if report.arrived_us.is_none() {
                self.audio_send.stats.packets_lost += u64::from(contents.audio);
                self.video_send.stats.packets_lost += u64::from(contents.video);
                continue;
            }
            if report.was_called_lost {
                self.audio_send.stats.packets_lost -= u64::from(contents.audio);
                self.video_send.stats.packets_lost -= u64::from(contents.video);
            }
            self.wish.arrived(contents.wish);
            self.sender_report.arrived(contents.report);
            for layer in LAYERS.into_iter().filter(|layer| contents.key_requests >> *layer as u8 & 1 != 0) {
                self.video_receive[layer as usize].key_request_arrived();
            }
        }
        self.estimator.feedback(now, &self.reports, self.round_trip.or_initial());
        self.estimate_changed(now);
    }
}

/// What somebody with such a wish could use at most, twice over for bursts. For full pictures there is no bound.
fn useful(wish: Wish) -> Option<Bitrate> {
    let pictures = match wish.layer {
        None => 0,
        Some(SpatialLayer::Full) => return None,
        Some(layer) => limits::LAYER_MAX_KBPS[layer as usize],
    };
    Some(Bitrate::from_kbps((pictures + limits::SOUND_KBPS) * 2))
}
