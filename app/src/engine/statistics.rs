//! Once a second: what each link does, for the panel of a person (rates of the last second) and for the JSON lines (sums
//! since the start, under the names of WebRTC's statistics where one exists).

use std::time::Duration;

use conclave_media::audio::AudioStats;
use conclave_media::video::{Codec, VideoReceiveStats, VideoSendStats};
use conclave_proto::core::{FlowStats, PeerStats};
use serde::Serialize;

use super::process::Usage;
use super::snapshot::{Link, Who};

/// The `stats` event.
#[derive(Clone, Debug, Serialize)]
pub struct Statistics {
    /// Processor time of this process since its start.
    pub cpu_seconds: f64,
    /// Memory of this process.
    pub rss_bytes: u64,
    /// Everybody in the room.
    pub people: Vec<PersonStatistics>,
}

impl Statistics {
    pub(super) fn new(usage: Usage, people: Vec<PersonStatistics>) -> Self {
        Self { cpu_seconds: usage.cpu_seconds, rss_bytes: usage.rss_bytes, people }
    }
}

/// Of a peer that only counts what comes: who, their name, and the network's counters.
pub(crate) fn light_statistics(people: impl Iterator<Item = (Who, String, PeerStats)>) -> Statistics {
    let person = |(who, name, peer)| Counters { peer, ..Counters::default() }.person(who, name);
    Statistics::new(super::process::usage(), people.map(person).collect())
}

/// One link, sums since it began.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PersonStatistics {
    /// Whose.
    pub who: Who,
    /// Their name.
    pub name: String,
    /// Seconds.
    pub round_trip_time: Option<f64>,
    /// Bits per second.
    pub available_outgoing_bitrate: u64,
    /// Age of the session key in seconds.
    pub key_age: f64,
    /// Times the session was rekeyed.
    pub rekeys: u32,
    /// Datagrams dropped as replayed, forged, malformed or stale.
    pub dropped_datagrams: u64,
    /// Datagrams to them that met a queue which marked them (ECN); null: the path does not pass marks.
    pub congestion_marks: Option<u64>,
    /// Whole datagrams to them: bytes of UDP payload ...
    pub bytes_sent: u64,
    /// ... and how many.
    pub packets_sent: u64,
    /// The same from them.
    pub bytes_received: u64,
    /// The same from them.
    pub packets_received: u64,
    /// To them.
    pub sent: Sent,
    /// From them.
    pub received: Received,
}

/// What went to a person.
#[derive(Clone, Debug, Serialize)]
pub struct Sent {
    /// Sound.
    pub audio: SentAudio,
    /// Pictures.
    pub video: SentVideo,
}

/// Sound sent.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names are WebRTC's, see webrtc-stats")]
pub struct SentAudio {
    pub codec: &'static str,
    pub bytes_sent: u64,
    pub packets_sent: u64,
    pub packets_lost: u64,
}

/// Pictures sent. What is encoded is counted once for everybody.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names are WebRTC's, see webrtc-stats")]
pub struct SentVideo {
    pub codec: Option<&'static str>,
    pub bytes_sent: u64,
    pub packets_sent: u64,
    pub packets_lost: u64,
    pub retransmitted_packets_sent: u64,
    pub nack_count: u64,
    pub pli_count: u64,
    pub frames_sent: u64,
    pub frames_dropped: u64,
    pub frames_captured: u64,
    pub frames_encoded: u64,
    pub key_frames_encoded: u64,
    pub total_encode_time: f64,
    pub frame_width: u32,
    pub frame_height: u32,
    pub frames_per_second: f64,
    pub target_bitrate: u64,
}

/// What came from a person.
#[derive(Clone, Debug, Serialize)]
pub struct Received {
    /// Sound.
    pub audio: ReceivedAudio,
    /// Pictures.
    pub video: ReceivedVideo,
}

/// Sound received.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names are WebRTC's, see webrtc-stats")]
pub struct ReceivedAudio {
    pub codec: &'static str,
    pub bytes_received: u64,
    pub packets_received: u64,
    pub packets_lost: u64,
    pub jitter_buffer_delay: f64,
    pub jitter_buffer_emitted_count: u64,
    pub jitter_buffer_target_ms: u32,
    pub total_samples_received: u64,
    pub concealed_samples: u64,
    pub recovered_samples: u64,
    pub stretched_samples: u64,
}

/// Pictures received.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names are WebRTC's, see webrtc-stats")]
pub struct ReceivedVideo {
    pub codec: Option<&'static str>,
    pub bytes_received: u64,
    pub packets_received: u64,
    pub packets_lost: u64,
    pub nack_count: u64,
    pub pli_count: u64,
    pub frames_received: u64,
    pub frames_decoded: u64,
    pub key_frames_decoded: u64,
    pub frames_dropped: u64,
    pub freeze_count: u64,
    pub total_freezes_duration: f64,
    pub total_decode_time: f64,
    pub frame_width: u32,
    pub frame_height: u32,
    pub frames_per_second: f64,
}

/// The counters of one link at one moment, from all who count.
#[derive(Clone, Debug, Default)]
pub(super) struct Counters {
    pub(super) peer: PeerStats,
    pub(super) audio: AudioStats,
    pub(super) video: VideoReceiveStats,
    pub(super) own_video: VideoSendStats,
}

/// What some counters were a second ago, to tell rates.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Before {
    received_bytes: u64,
    sent_bytes: u64,
    received: Share,
    samples: Share,
    emitted: (f64, u64),
}

/// So many of so many.
#[derive(Clone, Copy, Debug, Default)]
struct Share {
    some: u64,
    all: u64,
}

impl Share {
    /// The share since `before`, 0.0 .. 1.0.
    fn since(self, before: Self) -> f32 {
        let all = self.all.saturating_sub(before.all);
        if all == 0 {
            return 0.0;
        }
        (self.some.saturating_sub(before.some) as f32 / all as f32).min(1.0)
    }
}

fn lost(flow: FlowStats) -> Share {
    Share { some: flow.packets_lost, all: flow.packets + flow.packets_lost }
}

impl Counters {
    /// Brings the panel's figures up to date.
    pub(super) fn update(&self, link: &mut Link, before: &mut Before, elapsed: Duration) {
        let Self { peer, audio, video, own_video: _ } = self;
        let (received_audio, received_video) = (lost(peer.received_audio), lost(peer.received_video));
        let now = Before {
            received_bytes: peer.received_audio.bytes + peer.received_video.bytes,
            sent_bytes: peer.sent_audio.bytes + peer.sent_video.bytes,
            received: Share {
                some: received_audio.some + received_video.some,
                all: received_audio.all + received_video.all,
            },
            samples: Share { some: audio.concealed_samples, all: audio.total_samples },
            emitted: (audio.jitter_buffer_delay_s, audio.jitter_buffer_emitted),
        };
        link.key_age = peer.key_age;
        link.rekeys = peer.rekeys;
        link.round_trip = peer.round_trip_time;
        if let Some(address) = peer.address {
            link.address = address.to_string();
        }
        link.available_kbps = u32::try_from(peer.available_outgoing_bitrate.as_kbps()).unwrap_or(u32::MAX);
        link.shortfall = peer.shortfall;
        link.received_kbps = kbps(now.received_bytes, before.received_bytes, elapsed);
        link.sent_kbps = kbps(now.sent_bytes, before.sent_bytes, elapsed);
        link.loss = now.received.since(before.received);
        link.concealed = now.samples.since(before.samples);
        let emitted = now.emitted.1.saturating_sub(before.emitted.1);
        if emitted > 0 {
            let mean_s = (now.emitted.0 - before.emitted.0) / emitted as f64;
            link.jitter_buffer = Duration::try_from_secs_f64(mean_s).unwrap_or_default();
        }
        link.picture =
            video.codec.map(|codec| (video.width, video.height, video.fps as f32, codec_name(codec).to_owned()));
        *before = now;
    }

    /// For the JSON lines.
    pub(super) fn person(&self, who: Who, name: String) -> PersonStatistics {
        let Self { peer, audio, video, own_video } = self;
        PersonStatistics {
            who,
            name,
            round_trip_time: peer.round_trip_time.map(|time| time.as_secs_f64()),
            available_outgoing_bitrate: peer.available_outgoing_bitrate.as_bps(),
            key_age: peer.key_age.as_secs_f64(),
            rekeys: peer.rekeys,
            dropped_datagrams: peer.dropped_datagrams,
            congestion_marks: peer.congestion_marks,
            bytes_sent: peer.sent.bytes,
            packets_sent: peer.sent.packets,
            bytes_received: peer.received.bytes,
            packets_received: peer.received.packets,
            sent: Sent { audio: sent_audio(peer.sent_audio), video: sent_video(peer.sent_video, own_video) },
            received: Received {
                audio: received_audio(peer.received_audio, audio),
                video: received_video(peer.received_video, video),
            },
        }
    }
}

fn sent_audio(flow: FlowStats) -> SentAudio {
    SentAudio { codec: "opus", bytes_sent: flow.bytes, packets_sent: flow.packets, packets_lost: flow.packets_lost }
}

fn sent_video(flow: FlowStats, own: &VideoSendStats) -> SentVideo {
    SentVideo {
        codec: own.codec.map(codec_name),
        bytes_sent: flow.bytes,
        packets_sent: flow.packets,
        packets_lost: flow.packets_lost,
        retransmitted_packets_sent: flow.packets_retransmitted,
        nack_count: flow.nack_count,
        pli_count: flow.pli_count,
        frames_sent: flow.frames,
        frames_dropped: flow.frames_dropped + own.frames_dropped,
        frames_captured: own.frames_captured,
        frames_encoded: own.frames_encoded,
        key_frames_encoded: own.key_frames,
        total_encode_time: own.total_encode_time_s,
        frame_width: own.width,
        frame_height: own.height,
        frames_per_second: own.fps,
        target_bitrate: own.target_bps,
    }
}

fn received_audio(flow: FlowStats, audio: &AudioStats) -> ReceivedAudio {
    ReceivedAudio {
        codec: "opus",
        bytes_received: flow.bytes,
        packets_received: flow.packets,
        packets_lost: flow.packets_lost,
        jitter_buffer_delay: audio.jitter_buffer_delay_s,
        jitter_buffer_emitted_count: audio.jitter_buffer_emitted,
        jitter_buffer_target_ms: audio.target_delay_ms,
        total_samples_received: audio.total_samples,
        concealed_samples: audio.concealed_samples,
        recovered_samples: audio.recovered_samples,
        stretched_samples: audio.stretched_samples,
    }
}

fn received_video(flow: FlowStats, video: &VideoReceiveStats) -> ReceivedVideo {
    ReceivedVideo {
        codec: video.codec.map(codec_name),
        bytes_received: flow.bytes,
        packets_received: flow.packets,
        packets_lost: flow.packets_lost,
        nack_count: flow.nack_count,
        pli_count: flow.pli_count,
        frames_received: flow.frames,
        frames_decoded: video.frames_decoded,
        key_frames_decoded: video.key_frames,
        frames_dropped: flow.frames_dropped + video.frames_dropped,
        freeze_count: video.freeze_count,
        total_freezes_duration: video.total_freezes_duration_s,
        total_decode_time: video.total_decode_time_s,
        frame_width: video.width,
        frame_height: video.height,
        frames_per_second: video.fps,
    }
}

pub(crate) const fn codec_name(codec: Codec) -> &'static str {
    match codec {
        Codec::Av1 => "AV1",
        Codec::H264 => "H264",
    }
}

fn kbps(now: u64, before: u64, elapsed: Duration) -> u32 {
    let bits = now.saturating_sub(before) as f64 * 8.0;
    (bits / elapsed.as_secs_f64().max(0.001) / 1000.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_panel_shows_the_last_second_and_not_the_sum() {
        let (mut link, mut before) = (Link::default(), Before::default());
        let mut counters = Counters::default();
        counters.peer.received_video =
            FlowStats { bytes: 125_000, packets: 90, packets_lost: 10, ..FlowStats::default() };
        counters.audio = AudioStats { total_samples: 48_000, concealed_samples: 4_800, ..AudioStats::default() };
        counters.update(&mut link, &mut before, Duration::from_secs(1));
        assert_eq!(link.received_kbps, 1000);
        assert!((link.loss - 0.1).abs() < 1e-6 && (link.concealed - 0.1).abs() < 1e-6);
        counters.peer.received_video.bytes += 62_500;
        counters.peer.received_video.packets += 100;
        counters.audio.total_samples += 48_000;
        counters.update(&mut link, &mut before, Duration::from_secs(1));
        assert_eq!((link.received_kbps, link.loss, link.concealed), (500, 0.0, 0.0));
    }

    #[test]
    fn names_are_those_of_webrtc() {
        let line = serde_json::to_string(&Counters::default().person("ab".into(), "Ann".into())).unwrap_or_default();
        for name in [
            "roundTripTime",
            "availableOutgoingBitrate",
            "bytesSent",
            "bytesReceived",
            "packetsLost",
            "nackCount",
            "framesEncoded",
            "framesDecoded",
            "freezeCount",
            "totalFreezesDuration",
            "frameWidth",
            "frameHeight",
            "jitterBufferDelay",
            "concealedSamples",
            "totalEncodeTime",
            "totalDecodeTime",
            "codec",
        ] {
            assert!(line.contains(&format!("\"{name}\":")), "{name} is missing in {line}");
        }
    }
}
