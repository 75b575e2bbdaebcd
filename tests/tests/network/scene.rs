//! Calls and downloads on one path: takes the soonest of everything that wants to happen, sets the clock to it, lets it happen.

use std::time::Duration;

use bytes::Bytes;
use conclave_proto::limits;
use conclave_proto::time::{Bitrate, Instant};
use conclave_tests::link::{Change, Path, Profile, UDP_IPV4_HEADERS};
use conclave_tests::random::Random;

use crate::call::Call;
use crate::download::{ACK_BYTES, Download, SEGMENT_BYTES};

/// Clocks of machines do not start at zero.
pub(crate) const START: Instant = Instant::from_micros(5_000_000);

#[derive(Clone, Debug)]
pub(crate) enum Packet {
    Media { call: usize, counter: u64, plaintext: Bytes },
    Segment { download: usize, number: u64 },
    Ack { download: usize, number: u64 },
}

#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) now: Instant,
    pub(crate) path: Path<Packet>,
    pub(crate) calls: Vec<Call>,
    pub(crate) downloads: Vec<Download>,
    random: Random,
}

pub(crate) fn kbps(kbps: u64) -> Bitrate {
    Bitrate::from_kbps(kbps)
}

pub(crate) fn at(seconds: f64) -> Instant {
    START + Duration::from_secs_f64(seconds)
}

impl Scene {
    /// One call whose pictures go `there`.
    pub(crate) fn new(there: Profile, back: Profile, seed: u64) -> Self {
        let mut scene = Self {
            now: START,
            path: Path::new(there, back, seed),
            calls: Vec::new(),
            downloads: Vec::new(),
            random: Random::new(seed ^ 0x5eed),
        };
        scene.add_call(START);
        scene
    }

    /// A bottleneck there, and the same delay back.
    pub(crate) fn bottleneck(delay: Duration, rate: Bitrate, seed: u64) -> Self {
        Self::new(Profile::bottleneck(delay, rate), Profile { delay, ..Profile::default() }, seed)
    }

    pub(crate) fn add_call(&mut self, starts_at: Instant) {
        let random = self.random.fork();
        self.calls.push(Call::new(starts_at, random));
    }

    pub(crate) fn call(&self) -> &Call {
        &self.calls[0]
    }

    pub(crate) fn estimate(&self) -> Bitrate {
        self.calls[0].estimate(self.now)
    }

    /// Both directions.
    pub(crate) fn change(&mut self, change: &Change) {
        self.path.forward.change(self.now, change.clone());
        self.path.back.change(self.now, change.clone());
    }

    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.drain();
            let calls = self.calls.iter().map(|call| call.next_wake(self.now));
            let downloads = self.downloads.iter().map(Download::next_wake);
            let next = calls.chain(downloads).chain(self.path.next_wake()).min().expect("a call");
            if next > end {
                self.now = end;
                return;
            }
            self.now = self.now.max(next);
            self.happen();
        }
    }

    fn happen(&mut self) {
        let now = self.now;
        self.calls.iter_mut().for_each(|call| call.tick(now));
        self.downloads.iter_mut().for_each(|download| download.handle_timeout(now));
        while let Some(delivery) = self.path.forward.receive(now) {
            match delivery.item {
                Packet::Media { call, counter, plaintext } => {
                    self.calls[call].receive(now, 1, (counter, delivery.ecn), &plaintext, delivery.bytes);
                }
                Packet::Segment { download, number } => {
                    self.path.back.send(now, ACK_BYTES, Packet::Ack { download, number });
                }
                Packet::Ack { .. } => {}
            }
        }
        while let Some(delivery) = self.path.back.receive(now) {
            match delivery.item {
                Packet::Media { call, counter, plaintext } => {
                    self.calls[call].receive(now, 0, (counter, delivery.ecn), &plaintext, delivery.bytes);
                }
                Packet::Ack { download, number } => self.downloads[download].acknowledged(now, number),
                Packet::Segment { .. } => {}
            }
        }
    }

    fn drain(&mut self) {
        let now = self.now;
        for (call, ends) in self.calls.iter_mut().enumerate() {
            for (side, link) in [&mut self.path.forward, &mut self.path.back].into_iter().enumerate() {
                while let Some((counter, ecn, plaintext)) = ends.poll(now, side) {
                    let bytes = plaintext.len() + limits::SEALED_OVERHEAD + UDP_IPV4_HEADERS;
                    link.send_as(now, bytes, ecn, Packet::Media { call, counter, plaintext });
                }
            }
            ends.handle_events(now);
        }
        for (download, flow) in self.downloads.iter_mut().enumerate() {
            while let Some(number) = flow.poll(now) {
                self.path.forward.send(now, SEGMENT_BYTES, Packet::Segment { download, number });
            }
        }
    }
}
