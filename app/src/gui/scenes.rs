//! Hand-made snapshots of every screen, for the gallery (`cargo run --example gallery`) and the tests of the window. Plain
//! values: nothing here runs a meeting, opens a device or knows the network.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use conclave_media::{Picture, PictureSlot};

use crate::engine::{DeviceLists, DeviceState, Knock, Link, Notice, Person, Purpose, Snapshot, Stage, VisiblePeer};

use super::state::{Panel, UiState};

/// The names that [`scene`] knows.
pub const NAMES: [&str; 20] = [
    "home",
    "home-new",
    "home-visible",
    "home-pasted",
    "home-knock",
    "preview",
    "preview-join",
    "preview-no-camera",
    "entering",
    "meeting-1",
    "meeting-2",
    "meeting-3",
    "meeting-8",
    "knock",
    "people",
    "words",
    "link-panel",
    "ended",
    "notices",
    "long-names",
];

/// A snapshot and what the window remembers beside it, by name.
#[must_use]
pub fn scene(name: &str) -> Option<(Snapshot, UiState)> {
    let mut state = UiState::default();
    let snapshot = match name {
        "home" => home(),
        "home-new" => Snapshot { name: String::new(), ..home() },
        "home-visible" => home_visible(),
        "home-pasted" => {
            state.invite.typed = invite();
            state.invite.changed();
            home()
        }
        "home-knock" => Snapshot { knocks: knock().knocks, ..home_visible() },
        "preview" => preview(Purpose::New),
        "preview-join" => Snapshot { muted: true, ..preview(Purpose::Join) },
        "preview-no-camera" => preview_no_camera(),
        "entering" => entering(),
        "meeting-1" => meeting(0),
        "meeting-2" => meeting(1),
        "meeting-3" => meeting(2),
        "meeting-8" => meeting(8),
        "knock" => knock(),
        "people" => {
            state.panel = Panel::People;
            meeting(4)
        }
        "words" => {
            state.panel = Panel::Words;
            meeting(3)
        }
        "link-panel" => {
            state.panel = Panel::Link("bo".to_owned());
            meeting(2)
        }
        "ended" => ended(),
        "notices" => notices(),
        "long-names" => {
            state.panel = Panel::People;
            long_names()
        }
        _ => return None,
    };
    Some((snapshot, state))
}

/// A text shaped like an invite; it opens nothing.
#[must_use]
pub fn invite() -> String {
    format!("conclave:{}", "EXAMPLE7".repeat(20))
}

/// At home, devices closed.
#[must_use]
pub fn home() -> Snapshot {
    Snapshot { name: "Ada Lovelace".to_owned(), ..Snapshot::default() }
}

fn home_visible() -> Snapshot {
    let peer = |id: &str, name: &str| VisiblePeer { id: id.to_owned(), name: name.to_owned() };
    Snapshot {
        visible_self: true,
        visible: vec![peer("grace", "Grace Hopper"), peer("room", "Meeting room, second floor"), peer("bo", "Bo")],
        ..home()
    }
}

/// Devices open, nobody else yet.
#[must_use]
pub fn preview(purpose: Purpose) -> Snapshot {
    Snapshot { stage: Stage::Preview { purpose }, ..with_devices() }
}

fn with_devices() -> Snapshot {
    let names = |list: &[&str]| list.iter().map(|&name| name.to_owned()).collect();
    Snapshot {
        camera: DeviceState::On("Integrated Camera".to_owned()),
        microphone: DeviceState::On("Headset, stereo".to_owned()),
        speaker: DeviceState::On("Built-in Audio".to_owned()),
        devices: DeviceLists {
            cameras: names(&["Integrated Camera", "USB Capture"]),
            microphones: names(&["Built-in Audio", "Headset, stereo"]),
            speakers: names(&["Built-in Audio", "Headset, stereo", "HDMI"]),
        },
        microphone_level: 0.11,
        own_picture: Some(portrait(0)),
        ..home()
    }
}

fn preview_no_camera() -> Snapshot {
    Snapshot {
        camera: DeviceState::Failed("No camera was found. Plug one in, or go on without.".to_owned()),
        microphone: DeviceState::Failed(
            "The microphone is in use by another program. It is tried again by itself.".to_owned(),
        ),
        speaker: DeviceState::Opening,
        devices: DeviceLists { cameras: Vec::new(), ..with_devices().devices },
        own_picture: None,
        ..preview(Purpose::New)
    }
}

fn entering() -> Snapshot {
    Snapshot {
        stage: Stage::Entering {
            step: "Waiting to be let in".to_owned(),
            since: Duration::from_secs(47),
            gives_up_after: Duration::from_secs(300),
        },
        ..with_devices()
    }
}

/// In the room with so many others.
#[must_use]
pub fn meeting(others: usize) -> Snapshot {
    let all = [
        ("bo", "Bo"),
        ("grace", "Grace Hopper"),
        ("alan", "Alan Turing"),
        ("kath", "Katherine Johnson"),
        ("edsger", "Edsger Dijkstra"),
        ("mary", "Mary Jackson"),
        ("dennis", "Dennis Ritchie"),
        ("radia", "Radia Perlman"),
    ];
    let mut people: Vec<Person> =
        all.iter().take(others).zip(1..).map(|(&(who, name), number)| person(who, name, number)).collect();
    if let Some(first) = people.first_mut() {
        first.speaking = true;
    }
    if let Some(second) = people.get_mut(1) {
        second.muted = true;
    }
    if let Some(third) = people.get_mut(2) {
        third.camera_on = false;
        third.muted = true;
    }
    if let Some(fifth) = people.get_mut(4) {
        fifth.silent_for = Some(Duration::from_secs(5));
    }
    let words = ["orbit", "velvet", "canyon", "ribbon", "thunder", "almond"].map(str::to_owned);
    Snapshot {
        stage: Stage::Meeting,
        words: (others > 0).then_some(words),
        people,
        invite_ready: true,
        ..with_devices()
    }
}

fn person(who: &str, name: &str, number: u8) -> Person {
    Person {
        who: who.to_owned(),
        name: name.to_owned(),
        speaking: false,
        muted: false,
        camera_on: true,
        picture: Some(portrait(number)),
        silent_for: None,
        link: Link {
            path: "local network".to_owned(),
            address: "192.168.1.23:47814".to_owned(),
            cipher: "ChaCha20-Poly1305, keys by X25519 and ML-KEM-768 (Noise XXpsk0+psk3)".to_owned(),
            device_key: "9f3c 01ab 77de 4420".to_owned(),
            key_age: Duration::from_secs(75),
            rekeys: 3,
            round_trip: Some(Duration::from_micros(3400)),
            concealed: 0.0004,
            loss: 0.012,
            received_kbps: 1312,
            sent_kbps: 1187,
            available_kbps: 5400,
            picture: Some((1280, 720, 29.9, "AV1".to_owned())),
            jitter_buffer: Duration::from_millis(42),
        },
    }
}

fn knock() -> Snapshot {
    let knock = |who: &str, name: &str| Knock { who: who.to_owned(), name: name.to_owned(), ..Knock::default() };
    Snapshot { knocks: vec![knock("cy", "Cy Twombly"), knock("di", "Di"), knock("ed", "Ed")], ..meeting(1) }
}

fn ended() -> Snapshot {
    let reason = Notice {
        id: 1,
        what: "Nobody answered".to_owned(),
        whose_fault: "the network's".to_owned(),
        remedy: "Ask whether the meeting is still running, get a fresh invite, and check that both of you are online."
            .to_owned(),
    };
    Snapshot { stage: Stage::Ended(reason), ..home() }
}

fn notices() -> Snapshot {
    let notice = |id, what: &str, whose_fault: &str, remedy: &str| Notice {
        id,
        what: what.to_owned(),
        whose_fault: whose_fault.to_owned(),
        remedy: remedy.to_owned(),
    };
    Snapshot {
        notices: vec![
            notice(1, "The camera was unplugged", "a device's", "Plug it in again; your picture comes back by itself."),
            notice(2, "Bo left the meeting", "theirs", ""),
            notice(
                3,
                "Somebody with another version of Conclave knocked and was turned away",
                "theirs",
                "Both sides need the same version. Tell them to update.",
            ),
            notice(4, "The speaker stopped", "a device's", "Choose another speaker."),
        ],
        ..meeting(2)
    }
}

fn long_names() -> Snapshot {
    let mut snapshot = meeting(4);
    snapshot.name = "Maximiliana Wolkenstein-Trostburg the Elder".to_owned();
    snapshot.people[0].name = "Hubert Blaine Wolfeschlegelsteinhausenbergerdorff".to_owned();
    snapshot.people[1].name = "Ōsaka Naomi 大坂なおみ".to_owned();
    snapshot.people[2].name = "Привет".to_owned();
    let who = "long".to_owned();
    snapshot.knocks = vec![Knock { who, name: "Somebody with quite a long name who would like to come in".to_owned(), ..Knock::default() }];
    snapshot
}

/// A slot with somebody's picture in it.
fn portrait(number: u8) -> Arc<PictureSlot> {
    /// Drawn once: a scene has up to nine, the tests show dozens of scenes.
    static DRAWN: Mutex<BTreeMap<u8, Picture>> = Mutex::new(BTreeMap::new());
    let mut drawn = DRAWN.lock().unwrap_or_else(PoisonError::into_inner);
    let picture = drawn.entry(number).or_insert_with(|| draw(number)).clone();
    let slot = PictureSlot::default();
    slot.put(Some(picture));
    Arc::new(slot)
}

/// A drawn head and shoulders, as a camera would deliver it (720p I420), in colours of its own.
fn draw(number: u8) -> Picture {
    const WIDTH: usize = 1280;
    const HEIGHT: usize = 720;
    // Wall, hair and clothes as (Y, U, V), by number.
    let walls = [(150, 138, 118), (168, 118, 132), (120, 140, 120), (182, 122, 138), (96, 134, 128), (140, 120, 124)];
    let clothes = [(70, 150, 118), (90, 110, 160), (60, 128, 128), (110, 118, 108), (150, 110, 140), (48, 140, 130)];
    let hairs = [(45, 122, 134), (30, 128, 130), (78, 112, 142), (62, 118, 138), (160, 124, 130)];
    let skins = [(168, 112, 150), (118, 112, 148), (90, 116, 146), (146, 110, 152), (182, 116, 146)];
    let at = |list: &[(u8, u8, u8)], step: u8| list[usize::from(number.wrapping_mul(step)) % list.len()];
    let (wall, cloth, hair, skin) = (at(&walls, 1), at(&clothes, 5), at(&hairs, 3), at(&skins, 2));
    let inside =
        |x: f32, y: f32, cx: f32, cy: f32, rx: f32, ry: f32| ((x - cx) / rx).powi(2) + ((y - cy) / ry).powi(2) <= 1.0;
    let lean = f32::from(number % 3) * 40.0 - 40.0;
    let colour = |x: usize, y: usize| {
        let (fx, fy) = (x as f32, y as f32);
        let centre = 640.0 + lean;
        if inside(fx, fy, centre, 330.0, 112.0, 146.0) && fy > 262.0 - (fx - centre).abs() * 0.35 {
            skin
        } else if inside(fx, fy, centre, 292.0, 146.0, 168.0) && fy < 420.0 {
            hair
        } else if inside(fx, fy, centre, 470.0, 62.0, 90.0) {
            (skin.0.saturating_sub(18), skin.1, skin.2)
        } else if inside(fx, fy, centre, 790.0, 330.0, 270.0) {
            cloth
        } else {
            // Light falls from the upper left; a window frame stands in some rooms.
            let shade = (fx * 0.02 + fy * 0.045) as u8;
            let frame = number % 2 == 1 && (140..=420).contains(&x) && y < 360 && (x % 140 > 8) && (y % 180 > 8);
            if frame { (215, 132, 124) } else { (wall.0.saturating_sub(shade), wall.1, wall.2) }
        }
    };
    let mut data = Vec::with_capacity(WIDTH * HEIGHT * 3 / 2);
    for y in 0..HEIGHT {
        data.extend((0..WIDTH).map(|x| colour(x, y).0));
    }
    for plane in [1, 2] {
        for y in (0..HEIGHT).step_by(2) {
            data.extend((0..WIDTH).step_by(2).map(|x| if plane == 1 { colour(x, y).1 } else { colour(x, y).2 }));
        }
    }
    Picture { width: 1280, height: 720, data: data.into(), captured_us: 0 }
}
