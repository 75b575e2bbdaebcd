//! How our own devices are doing and what there is to choose from. Lists are asked for on a helper thread, because a
//! sound system may take seconds to answer.

use conclave_media::source::DeviceStatus;
use conclave_media::{audio, video};

use super::news::{News, NewsSender};
use super::notices::{Notices, Subject, Trouble, fault_of};
use super::snapshot::{DeviceLists, DeviceState, Notice};

/// State of the three devices, and the lists.
#[derive(Default)]
pub(super) struct Devices {
    pub(super) camera: DeviceState,
    pub(super) microphone: DeviceState,
    pub(super) speaker: DeviceState,
    pub(super) lists: DeviceLists,
    asking: bool,
}

impl Devices {
    /// Takes in how a device does; a fault becomes a notice, and goes when it is mended.
    pub(super) fn set(&mut self, which: Subject, status: DeviceStatus, notices: &mut Notices) -> Option<Notice> {
        let told = match fault_of(&status) {
            Some(fault) => notices.add(which.clone(), Trouble::from(fault)),
            None => {
                if matches!(status, DeviceStatus::Running(_) | DeviceStatus::Off) {
                    notices.mended(&which);
                }
                None
            }
        };
        let state = match status {
            DeviceStatus::Off => DeviceState::Off,
            DeviceStatus::Opening => DeviceState::Opening,
            DeviceStatus::Running(name) => DeviceState::On(name),
            DeviceStatus::Failed(fault) => DeviceState::Failed(fault.to_string()),
        };
        match which {
            Subject::Camera => self.camera = state,
            Subject::Microphone => self.microphone = state,
            Subject::Speaker => self.speaker = state,
            Subject::Battery | Subject::Other => {}
        }
        told
    }

    /// Everything is closed; the lists stay.
    pub(super) fn closed(&mut self) {
        self.camera = DeviceState::Off;
        self.microphone = DeviceState::Off;
        self.speaker = DeviceState::Off;
    }

    /// Asks for the lists, unless an answer is still awaited.
    pub(super) fn ask(&mut self, news: &NewsSender) {
        if self.asking {
            return;
        }
        let news = news.clone();
        let thread = std::thread::Builder::new().name("device-lists".into());
        self.asking = thread.spawn(move || news.send(News::Devices(lists()))).is_ok();
    }

    /// The answer. True if the lists changed.
    pub(super) fn listed(&mut self, lists: DeviceLists) -> bool {
        self.asking = false;
        let changed = self.lists != lists;
        self.lists = lists;
        changed
    }
}

fn lists() -> DeviceLists {
    let default_first = |mut devices: Vec<audio::DeviceInfo>| {
        devices.sort_by_key(|device| !device.is_default);
        devices.into_iter().map(|device| device.name).collect()
    };
    DeviceLists {
        cameras: video::cameras().into_iter().map(|camera| camera.name).collect(),
        microphones: default_first(audio::microphones()),
        speakers: default_first(audio::speakers()),
    }
}
