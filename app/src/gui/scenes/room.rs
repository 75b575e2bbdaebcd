//! Hand-made meetings beside their tiles: talk, hands, files, who hears whom, people who are not who they seem.

use crate::engine::{
    ChatLine, FileLine, FileState, HearingRow, Hears, LanCount, MemberLine, Person, Reaction, Room, Rules,
    ShownReaction, Snapshot, Standing,
};

use super::meeting;

/// Who there is, with their keys.
pub(super) const NAMES: [(&str, &str); 15] = [
    ("bo", "Bo"),
    ("grace", "Grace Hopper"),
    ("alan", "Alan Turing"),
    ("kath", "Katherine Johnson"),
    ("edsger", "Edsger Dijkstra"),
    ("mary", "Mary Jackson"),
    ("dennis", "Dennis Ritchie"),
    ("radia", "Radia Perlman"),
    ("barbara", "Barbara Liskov"),
    ("ken", "Ken Thompson"),
    ("adele", "Adele Goldberg"),
    ("john", "John McCarthy"),
    ("frances", "Frances Allen"),
    ("donald", "Donald Knuth"),
    ("sophie", "Sophie Wilson"),
];
const ME: &str = "ada";
const MOMENT: u64 = 1_777_813_500;

/// A room in which nothing special is going on; we are an admin.
pub(super) fn plain(people: &[Person]) -> Room {
    let member = |person: &Person| MemberLine {
        who: person.who.clone(),
        name: person.name.clone(),
        present: true,
        ..MemberLine::default()
    };
    Room {
        me: ME.to_owned(),
        admin: true,
        members: people.iter().map(member).collect(),
        rules: Rules { history: false, contacts_skip_lobby: true, ..Rules::default() },
        ..Room::default()
    }
}

fn standing(snapshot: &mut Snapshot, who: &str, standing: Standing) {
    if let Some(member) = snapshot.room.members.iter_mut().find(|member| member.who == who) {
        member.standing = standing;
    }
}

/// Members of all kinds, a raised hand, LAN only.
pub(super) fn people() -> Snapshot {
    let mut snapshot = meeting(4);
    standing(&mut snapshot, "grace", Standing::Verified);
    standing(&mut snapshot, "kath", Standing::VerifiedAs("Katherine".to_owned()));
    let room = &mut snapshot.room;
    room.members[1].admin = true;
    room.members.push(MemberLine { who: "cy".to_owned(), name: "Cy Twombly".to_owned(), ..MemberLine::default() });
    room.hands = vec!["alan".to_owned(), ME.to_owned()];
    room.reactions = vec![ShownReaction { who: "kath".to_owned(), reaction: Reaction::Applause, number: 1 }];
    room.lan = Some(LanCount { sent: 12_345, refused: 0 });
    snapshot
}

/// The same as somebody who decides nothing.
pub(super) fn member() -> Snapshot {
    let mut snapshot = people();
    snapshot.invite_ready = false;
    snapshot.room.admin = false;
    snapshot.room.rules.locked = true;
    snapshot
}

/// Sixteen people, hands, reactions, all kinds of standing.
pub(super) fn busy() -> Snapshot {
    let mut snapshot = meeting(15);
    standing(&mut snapshot, "grace", Standing::Verified);
    standing(&mut snapshot, "dennis", Standing::Verified);
    standing(&mut snapshot, "mary", Standing::NameOfAnother("Mary Jackson".to_owned()));
    let room = &mut snapshot.room;
    room.hands = ["kath", ME, "ken"].map(str::to_owned).to_vec();
    room.reactions = [("bo", Reaction::Applause), ("radia", Reaction::Laugh), ("adele", Reaction::Heart)]
        .into_iter()
        .zip(1..)
        .map(|((who, reaction), number)| ShownReaction { who: who.to_owned(), reaction, number })
        .collect();
    snapshot
}

/// Somebody with the name of a person whom we verified.
pub(super) fn impostor() -> Snapshot {
    let mut snapshot = meeting(3);
    standing(&mut snapshot, "bo", Standing::NameOfAnother("Bo".to_owned()));
    snapshot
}

pub(super) fn words_news() -> Snapshot {
    let mut snapshot = meeting(3);
    snapshot.room.words_news = Some("Alan Turing joined. The words are new.".to_owned());
    snapshot
}

/// Who hears whom, with `others`; two pairs fail where there are enough.
pub(super) fn hearing(others: usize) -> Snapshot {
    let mut snapshot = meeting(others);
    let people: Vec<(&str, &str)> = [(ME, "You")].into_iter().chain(NAMES.iter().copied().take(others)).collect();
    let quiet = |who: &str| matches!(who, "grace" | "alan" | "barbara" | "john");
    let row = |&(who, name): &(&str, &str)| HearingRow {
        who: who.to_owned(),
        name: name.to_owned(),
        of: people
            .iter()
            .filter(|(whom, _)| *whom != who)
            .map(|&(whom, _)| {
                let hears = match (who, whom) {
                    ("kath", "bo") | ("bo", ME) if others > 2 => Hears::No,
                    ("frances", _) => Hears::Unknown,
                    _ if quiet(whom) => Hears::Quiet,
                    _ => Hears::Yes,
                };
                (whom.to_owned(), hears)
            })
            .collect(),
    };
    snapshot.room.hearing = people.iter().map(row).collect();
    snapshot
}

pub(super) fn cannot_hear() -> Snapshot {
    let mut snapshot = hearing(3);
    snapshot.room.cannot_hear_us = vec!["Bo".to_owned()];
    snapshot
}

pub(super) fn chat(lines: Vec<ChatLine>) -> Snapshot {
    let mut snapshot = meeting(3);
    snapshot.room.chat = lines.into();
    snapshot
}

/// Number, whose (empty: ours), minute, text.
fn lines<'a>(all: impl IntoIterator<Item = (&'a str, u64, String)>) -> Vec<ChatLine> {
    all.into_iter()
        .zip(1..)
        .map(|((who, minute, text), number)| ChatLine {
            who: if who.is_empty() { ME } else { who }.to_owned(),
            name: NAMES.iter().find(|(key, _)| *key == who).map_or("Ada Lovelace", |(_, name)| name).to_owned(),
            own: who.is_empty(),
            text,
            unix_s: MOMENT + minute * 60,
            number,
        })
        .collect()
}

pub(super) fn talk() -> Vec<ChatLine> {
    lines(
        [
            ("bo", 0, "Good morning! Shall we wait for Alan?"),
            ("grace", 1, "He is on the train, five minutes."),
            ("grace", 1, "The notes of last week: https://example.org/notes/2026-04-26?section=compilers-and-their-discontents"),
            ("", 2, "Thank you. I have one more point for the agenda."),
            ("", 2, "The budget for the second half of the year: it has to be decided before June, so that the others can plan."),
            ("bo", 9, "Then let us begin with that:\n1. budget\n2. room\n3. the summer meeting"),
            ("alan", 12, "Here now. Sorry."),
            ("", 12, "👍"),
        ]
        .map(|(who, minute, text)| (who, minute, text.to_owned())),
    )
}

/// More than a window could lay out in every frame.
pub(super) fn much_talk() -> Vec<ChatLine> {
    let who = ["bo", "grace", "", "alan"];
    let long = "This one goes on for a while, because somebody had a lot to say about it and did not stop in time. ";
    lines((0..3000_usize).map(|number| {
        let text = match number % 7 {
            0 => long.repeat(1 + number % 3),
            3 => "unbroken".repeat(12),
            _ => format!("Line {number}"),
        };
        (who[number / 2 % who.len()], number as u64, text)
    }))
}

pub(super) fn offer() -> Snapshot {
    let mut snapshot = meeting(2);
    snapshot.room.files =
        vec![file(4, "Bo", false, "Agenda for the summer meeting, second draft.pdf", 1_234_567, FileState::Offered)];
    snapshot
}

pub(super) fn files() -> Snapshot {
    let mut snapshot = meeting(3);
    let saved = std::path::PathBuf::from("Downloads").join("Conclave").join("timetable.ods");
    snapshot.room.files = vec![
        file(
            1,
            "everybody",
            true,
            "photo-of-the-whiteboard.jpg",
            3_400_000,
            FileState::Over("Grace Hopper did not take it.".to_owned()),
        ),
        file(2, "Grace Hopper", false, "timetable.ods", 48_112, FileState::Done(Some(saved))),
        file(3, "Bo", true, "recording-of-last-week.mkv", 2_400_000_000, FileState::Moving(912_000_000)),
        file(4, "Alan Turing", false, "tape.tar.gz", 66_000_000, FileState::Waiting(12_000_000)),
        file(5, "Bo", false, "Agenda for the summer meeting, second draft.pdf", 1_234_567, FileState::Offered),
    ];
    snapshot
}

fn file(id: u64, name: &str, outgoing: bool, file: &str, size: u64, state: FileState) -> FileLine {
    FileLine { id, name: name.to_owned(), outgoing, file: file.to_owned(), size, state }
}
