//! Hand-made snapshots of every screen, for the gallery (`cargo run --example gallery`) and the tests of the window. Plain
//! values: nothing here runs a meeting, opens a device or knows the network.

mod portrait;
mod room;

use std::time::Duration;

use crate::engine::{
    ContactLine, DeviceLists, DeviceState, Knock, Link, Notice, Person, Purpose, Shortfall, Snapshot, Stage, Standing,
    VisiblePeer,
};

use super::state::{Panel, Step, UiState};
use portrait::portrait;

/// The names that [`scene`] knows.
pub const NAMES: [&str; 49] = [
    "home",
    "home-new",
    "home-visible",
    "home-pasted",
    "home-knock",
    "contacts",
    "preview",
    "preview-join",
    "preview-no-camera",
    "entering",
    "meeting-1",
    "meeting-2",
    "meeting-3",
    "meeting-8",
    "meeting-16",
    "pinned-3",
    "pinned-8",
    "pinned-names",
    "knock",
    "knock-verified",
    "knock-name",
    "warning",
    "cannot-hear",
    "slow",
    "slow-here",
    "slow-person",
    "offer",
    "people",
    "people-16",
    "person",
    "person-warning",
    "words",
    "words-news",
    "compare",
    "compare-people",
    "compare-differ",
    "chat",
    "chat-long",
    "chat-empty",
    "hearing-2",
    "hearing-8",
    "hearing-16",
    "files",
    "door",
    "door-member",
    "ended",
    "notices",
    "mute-asked",
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
        "contacts" => contacts(&mut state),
        "meeting-8" => meeting(8),
        "meeting-16" => room::busy(),
        "pinned-3" => pinned("grace", meeting(3)),
        "pinned-8" => pinned("kath", meeting(8)),
        "pinned-names" => pinned("bo", Snapshot { knocks: Vec::new(), ..long_names() }),
        "knock" => knock(),
        "knock-verified" => knock_of(Standing::Verified),
        "knock-name" => knock_of(Standing::NameOfAnother("Cy Twombly".to_owned())),
        "warning" => room::impostor(),
        "cannot-hear" => room::cannot_hear(),
        "slow" => slow(3),
        "slow-here" => slow(1),
        "slow-person" => open(&mut state, Panel::Person("bo".to_owned()), slow(3)),
        "offer" => room::offer(),
        "words-news" => room::words_news(),
        "people" => open(&mut state, Panel::People, room::people()),
        "people-16" => open(&mut state, Panel::People, room::busy()),
        "person" => open(&mut state, Panel::Person("bo".to_owned()), room::people()),
        "person-warning" => open(&mut state, Panel::Person("bo".to_owned()), room::impostor()),
        "words" => open(&mut state, Panel::Words, meeting(3)),
        "compare" => open(&mut state, Panel::Compare, meeting(3)),
        "compare-people" => compare(&mut state, Step::People),
        "compare-differ" => compare(&mut state, Step::Differ("bo".to_owned())),
        "chat" => open(&mut state, Panel::Chat, room::chat(room::talk())),
        "chat-long" => open(&mut state, Panel::Chat, room::chat(room::much_talk())),
        "chat-empty" => open(&mut state, Panel::Chat, room::chat(Vec::new())),
        "hearing-2" => open(&mut state, Panel::Hearing, room::hearing(1)),
        "hearing-8" => open(&mut state, Panel::Hearing, room::hearing(7)),
        "hearing-16" => open(&mut state, Panel::Hearing, room::hearing(15)),
        "files" => {
            state.room.outbox.add(["whiteboard, left half.jpg".into(), "whiteboard, right half.jpg".into()]);
            open(&mut state, Panel::Files, room::files())
        }
        "door" => open(&mut state, Panel::Door, room::people()),
        "door-member" => open(&mut state, Panel::Door, room::member()),
        "ended" => ended(),
        "notices" => notices(),
        "mute-asked" => mute_asked(),
        "long-names" => {
            state.panel = Panel::People;
            long_names()
        }
        _ => return None,
    };
    Some((snapshot, state))
}

fn open(state: &mut UiState, panel: Panel, snapshot: Snapshot) -> Snapshot {
    state.open(panel);
    snapshot
}

fn compare(state: &mut UiState, step: Step) -> Snapshot {
    let snapshot = room::people();
    state.follow(&snapshot);
    state.open(Panel::Compare);
    state.room.compare.step = step;
    snapshot
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

fn contacts(state: &mut UiState) -> Snapshot {
    const DAY_S: u64 = 24 * 60 * 60;
    const MAY_2026: u64 = 1_777_813_500;
    let names = [
        "Bo",
        "Grace Hopper",
        "Alan Turing",
        "Katherine Johnson",
        "Radia Perlman",
        "Ōsaka Naomi 大坂なおみ",
        "Cy",
        "Di",
    ];
    let contact = |(name, days): (&str, u64)| ContactLine {
        id: format!("{days:016x}"),
        name: name.to_owned(),
        note: if days == 1 { "From the reading group; lives in Leiden".to_owned() } else { String::new() },
        verified_unix_s: MAY_2026 - 90 * DAY_S,
        last_met_unix_s: MAY_2026 - days * DAY_S,
        meetings: u32::try_from(days % 4).unwrap_or(0),
        skips_lobby: days == 1,
    };
    let contacts: Vec<ContactLine> = names.into_iter().zip(1..).map(contact).collect();
    let first = contacts.first().map_or_else(String::new, |first| first.id.clone());
    let note = contacts.first().map_or_else(String::new, |first| first.note.clone());
    state.contact = Some(super::state::OpenContact { id: first, sent: note.clone(), note });
    Snapshot { contacts: contacts.into(), ..home_visible() }
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
    let mut people: Vec<Person> =
        room::NAMES.iter().take(others).zip(1..).map(|(&(who, name), number)| person(who, name, number)).collect();
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
        room: room::plain(&people),
        people,
        invite_ready: true,
        ..with_devices()
    }
}

fn pinned(who: &str, snapshot: Snapshot) -> Snapshot {
    Snapshot { pinned: Some(who.to_owned()), ..snapshot }
}

/// In a room of four; every so many-th connection is slow, each in another way.
fn slow(every: usize) -> Snapshot {
    let mut snapshot = meeting(4);
    snapshot.people.iter_mut().for_each(|person| person.camera_on = true);
    let ways = [Shortfall::Smaller, Shortfall::Fewer, Shortfall::NoPictures].into_iter().cycle();
    for (person, way) in snapshot.people.iter_mut().step_by(every).zip(ways) {
        person.shortfall = way;
        person.link.shortfall = way;
    }
    snapshot
}

fn person(who: &str, name: &str, number: u8) -> Person {
    Person {
        who: who.to_owned(),
        name: name.to_owned(),
        speaking: false,
        muted: false,
        camera_on: true,
        picture: Some(portrait(number)),
        shortfall: Shortfall::Nothing,
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
            shortfall: Shortfall::Nothing,
            picture: Some((1280, 720, 29.9, "AV1".to_owned())),
            jitter_buffer: Duration::from_millis(42),
        },
    }
}

fn knock() -> Snapshot {
    let knock = |who: &str, name: &str| Knock { who: who.to_owned(), name: name.to_owned(), ..Knock::default() };
    Snapshot { knocks: vec![knock("cy", "Cy Twombly"), knock("di", "Di"), knock("ed", "Ed")], ..meeting(1) }
}

fn knock_of(standing: Standing) -> Snapshot {
    let mut snapshot = knock();
    snapshot.knocks.truncate(1);
    snapshot.knocks[0].standing = standing;
    snapshot
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

fn mute_asked() -> Snapshot {
    let mut snapshot = meeting(3);
    snapshot.room.mute_asked = Some("Bo asks everybody to mute".to_owned());
    snapshot
}

fn long_names() -> Snapshot {
    let mut snapshot = meeting(4);
    snapshot.name = "Maximiliana Wolkenstein-Trostburg the Elder".to_owned();
    snapshot.people[0].name = "Hubert Blaine Wolfeschlegelsteinhausenbergerdorff".to_owned();
    snapshot.people[1].name = "Ōsaka Naomi 大坂なおみ".to_owned();
    snapshot.people[2].name = "מרים בת-שבע".to_owned();
    snapshot.room = room::plain(&snapshot.people);
    let who = "long".to_owned();
    snapshot.knocks = vec![Knock {
        who,
        name: "Somebody with quite a long name who would like to come in".to_owned(),
        ..Knock::default()
    }];
    snapshot
}
