//! Our own camera, microphone and speaker: opened for the look before entering, kept through the meeting, so that the
//! first picture and sound are ready when the door opens. What they encode goes to the [`Outlet`] without a detour.

use std::sync::Arc;

use conclave_media::PictureSlot;
use conclave_media::audio::{AudioConfig, AudioEngine, AudioError, AudioEvent};
use conclave_media::video::{LayerTarget, Power, VideoError, VideoSendConfig, VideoSendEvent, VideoSender};
use conclave_media::{Sink, Source};
use conclave_proto::core::Command;
use conclave_proto::frames::SenderReport;

use super::EngineConfig;
use super::bridge::{self, Outlet};
use super::news::{News, NewsSender};

/// Camera, microphone and speaker, running.
pub(super) struct OwnMedia {
    /// Shared with the task that forwards arriving sound.
    pub(super) audio: Arc<AudioEngine>,
    pub(super) preview: Arc<PictureSlot>,
    video: VideoSender,
    outlet: Arc<Outlet>,
    report: SenderReport,
}

/// What the system lacks for any sound or picture at all. Devices that fail are told as news instead.
#[derive(Debug, thiserror::Error)]
pub(super) enum OwnMediaError {
    #[error(transparent)]
    Audio(#[from] AudioError),
    #[error(transparent)]
    Video(#[from] VideoError),
}

impl OwnMedia {
    /// Starts all three; returns at once, the devices open by themselves.
    pub(super) fn open(config: &EngineConfig, outlet: &Arc<Outlet>, news: &NewsSender) -> Result<Self, OwnMediaError> {
        let audio = AudioEngine::start(
            AudioConfig {
                microphone: config.microphone.clone(),
                speaker: config.speaker.clone(),
                ..AudioConfig::default()
            },
            on_audio(Arc::clone(outlet), news.clone()),
        )?;
        audio.set_sending(false);
        let preview = Arc::new(PictureSlot::default());
        let video = VideoSender::start(
            VideoSendConfig {
                source: config.camera.clone(),
                width: config.width,
                height: config.height,
                fps: config.fps,
                codec: config.codec,
                captured_out: config.captured_out.clone(),
            },
            Arc::clone(&preview),
            on_video(Arc::clone(outlet), news.clone()),
        )?;
        let report = SenderReport::default();
        Ok(Self { audio: Arc::new(audio), preview, video, outlet: Arc::clone(outlet), report })
    }

    /// What to encode from now on.
    pub(super) fn set_targets(&self, targets: &[LayerTarget]) {
        self.video.set_targets(targets);
    }

    /// Somebody's decoder needs a key frame.
    pub(super) fn request_key(&self, layer: conclave_media::video::Layer) {
        self.video.request_key(layer);
    }

    /// What the battery leaves for pictures.
    pub(super) fn set_power(&self, power: Power) {
        self.video.set_power(power);
    }

    pub(super) fn set_camera(&self, camera: Source) {
        self.video.set_source(camera);
    }

    pub(super) fn set_microphone(&self, microphone: Source) {
        self.audio.set_microphone(microphone);
    }

    pub(super) fn set_speaker(&self, speaker: Sink) {
        self.audio.set_speaker(speaker);
    }

    /// The person's switch; the camera's light goes out with it.
    pub(super) fn switch_camera(&self, on: bool) {
        self.video.set_camera_on(on);
    }

    pub(super) fn video_stats(&self) -> conclave_media::video::VideoSendStats {
        self.video.stats()
    }

    /// Where our sound clock stands.
    pub(super) fn set_clock(&mut self, position: u64, captured_us: u64) {
        (self.report.audio_position, self.report.captured_us) = (position, captured_us);
        self.tell();
    }

    /// Whether our microphone is muted, whether it gives nothing to hear for this or another reason, and whether our camera
    /// delivers; the last two for everybody to see.
    pub(super) fn set_flags(&mut self, muted: bool, silent: bool, camera_on: bool) {
        self.audio.set_muted(muted);
        if (self.report.muted, self.report.camera_on) != (silent, camera_on) {
            (self.report.muted, self.report.camera_on) = (silent, camera_on);
            self.tell();
        }
    }

    /// Says it all again: somebody new has come.
    pub(super) fn tell(&self) {
        self.outlet.command(Command::SetSenderReport(self.report));
    }
}

fn on_audio(outlet: Arc<Outlet>, news: NewsSender) -> Box<dyn FnMut(AudioEvent) + Send> {
    Box::new(move |event| match event {
        AudioEvent::Encoded(audio) => outlet.command(Command::SendAudio(bridge::audio_to_net(audio))),
        other => news.send(News::Audio(other)),
    })
}

fn on_video(outlet: Arc<Outlet>, news: NewsSender) -> Box<dyn FnMut(VideoSendEvent) + Send> {
    Box::new(move |event| match event {
        VideoSendEvent::Encoded(video) => outlet.command(Command::SendVideo(bridge::video_to_net(video))),
        VideoSendEvent::Camera(status) => news.send(News::Camera(status)),
    })
}
