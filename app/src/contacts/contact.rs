//! One person of the book, and how two records of one person become one. Pure; times are handed in. The same form is
//! sealed in the file, exported, and printed by `conclave contacts list --json`.

use conclave_proto::ids::DevicePublicKey;
use conclave_proto::text::clean_name;
use serde::{Deserialize, Serialize};

use super::limits;

/// A person whom the user verified or noted. The device key is who they are; everything else is what we know of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// Who it is.
    #[serde(with = "device_hex")]
    pub device: DevicePublicKey,
    /// As last seen.
    pub name: String,
    /// Names before that one, the newest first.
    #[serde(default)]
    pub former_names: Vec<String>,
    /// What the user wrote about them.
    #[serde(default)]
    pub note: String,
    /// When they came into the book, or a meeting before that.
    pub first_met_unix_s: u64,
    /// The end of the last meeting, or when they were last verified.
    pub last_met_unix_s: u64,
    /// When the user last compared words with them; `None` if they are only noted.
    #[serde(default)]
    pub verified_unix_s: Option<u64>,
    /// Whether they may come in without knocking, where the meeting allows that.
    #[serde(default)]
    pub skips_lobby: bool,
    /// The newest meetings in common, the newest first.
    #[serde(default)]
    pub meetings: Vec<Meeting>,
    /// All meetings in common, also those no longer listed.
    #[serde(default)]
    pub meetings_total: u64,
}

/// A meeting in common: when and for how long, nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meeting {
    /// When we saw each other first in it.
    pub started_unix_s: u64,
    /// For how long.
    pub length_s: u64,
}

impl Contact {
    pub(super) fn new(device: DevicePublicKey, name: &str, now_unix_s: u64) -> Self {
        Self {
            device,
            name: clean_name(name),
            former_names: Vec::new(),
            note: String::new(),
            first_met_unix_s: now_unix_s,
            last_met_unix_s: now_unix_s,
            verified_unix_s: None,
            skips_lobby: false,
            meetings: Vec::new(),
            meetings_total: 0,
        }
    }

    /// Whether words were compared with this key.
    #[must_use]
    pub const fn is_verified(&self) -> bool {
        self.verified_unix_s.is_some()
    }

    /// Whether to let them in without a knock: the permission alone is not enough, the key must be verified.
    #[must_use]
    pub const fn may_skip_lobby(&self) -> bool {
        self.skips_lobby && self.is_verified()
    }

    /// The name of now and those before.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.name.as_str()).chain(self.former_names.iter().map(String::as_str))
    }

    pub(super) fn rename(&mut self, name: &str) {
        let name = clean_name(name);
        // Who gives no name keeps the one they had.
        if name == self.name || name == clean_name("") {
            return;
        }
        let before = std::mem::replace(&mut self.name, name);
        self.former_names.insert(0, before);
        self.tidy();
    }

    /// The same meeting told again (by its start) replaces what was told before.
    pub(super) fn met(&mut self, meeting: Meeting) {
        let end = meeting.started_unix_s.saturating_add(meeting.length_s);
        self.first_met_unix_s = self.first_met_unix_s.min(meeting.started_unix_s);
        self.last_met_unix_s = self.last_met_unix_s.max(end);
        match self.meetings.iter_mut().find(|known| known.started_unix_s == meeting.started_unix_s) {
            Some(known) => *known = meeting,
            None => {
                self.meetings.push(meeting);
                self.meetings_total = self.meetings_total.saturating_add(1);
            }
        }
        self.tidy();
    }

    /// Takes in what another record of the same person says. The newer verification brings its permission and its note
    /// (unless it has none); a name is the one that was seen last.
    pub(super) fn merge(&mut self, other: Self) {
        let theirs_is_newer = other.verified_unix_s > self.verified_unix_s;
        if theirs_is_newer {
            self.verified_unix_s = other.verified_unix_s;
            self.skips_lobby = other.skips_lobby;
        }
        if (theirs_is_newer || self.note.is_empty()) && !other.note.is_empty() {
            self.note = other.note;
        }
        if other.last_met_unix_s > self.last_met_unix_s {
            let before = std::mem::replace(&mut self.name, other.name);
            self.former_names.insert(0, before);
        } else {
            self.former_names.push(other.name);
        }
        self.former_names.extend(other.former_names);
        self.first_met_unix_s = self.first_met_unix_s.min(other.first_met_unix_s);
        self.last_met_unix_s = self.last_met_unix_s.max(other.last_met_unix_s);
        for meeting in other.meetings {
            if !self.meetings.iter().any(|known| known.started_unix_s == meeting.started_unix_s) {
                self.meetings.push(meeting);
            }
        }
        let listed = u64::try_from(self.meetings.len()).unwrap_or(u64::MAX);
        self.meetings_total = self.meetings_total.max(other.meetings_total).max(listed);
        self.tidy();
    }

    /// Brings a record from a file, of whatever origin, within all bounds.
    pub(super) fn tidied(mut self) -> Self {
        self.name = clean_name(&self.name);
        self.former_names = self.former_names.iter().map(|name| clean_name(name)).collect();
        self.note = clean_note(&self.note).chars().take(limits::NOTE_CHARACTERS).collect();
        self.tidy();
        self
    }

    fn tidy(&mut self) {
        let mut names: Vec<String> = Vec::new();
        for name in std::mem::take(&mut self.former_names) {
            if name != self.name && !names.contains(&name) && names.len() < limits::FORMER_NAMES {
                names.push(name);
            }
        }
        self.former_names = names;
        self.meetings.sort_by_key(|meeting| std::cmp::Reverse((meeting.started_unix_s, meeting.length_s)));
        self.meetings.dedup_by_key(|meeting| meeting.started_unix_s);
        self.meetings.truncate(limits::MEETINGS);
    }
}

/// Notes may have lines; nothing else that moves the text around it.
pub(super) fn clean_note(note: &str) -> String {
    let lines = note.lines().map(|line| {
        let words =
            line.split_whitespace().map(|word| word.chars().filter(|c| !c.is_control() && !moves_text(*c)).collect());
        words.collect::<Vec<String>>().join(" ")
    });
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}

const fn moves_text(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// A device key as 64 hexadecimal digits.
#[must_use]
pub fn device_text(device: &DevicePublicKey) -> String {
    device.0.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads what [`device_text`] wrote.
#[must_use]
pub fn parse_device(text: &str) -> Option<DevicePublicKey> {
    let digits: Vec<u8> =
        text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    if digits.len() == 64 { bytes.try_into().ok().map(DevicePublicKey) } else { None }
}

mod device_hex {
    //! A device key in JSON.

    use conclave_proto::ids::DevicePublicKey;
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(device: &DevicePublicKey, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::device_text(device))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DevicePublicKey, D::Error> {
        let text = String::deserialize(deserializer)?;
        super::parse_device(&text).ok_or_else(|| de::Error::custom("no device key"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contact(name: &str, last_met: u64, verified: Option<u64>) -> Contact {
        let mut contact = Contact::new(DevicePublicKey([7; 32]), name, last_met);
        contact.verified_unix_s = verified;
        contact
    }

    #[test]
    fn names_and_meetings_stay_within_their_bounds_newest_first() {
        let mut contact = contact("A", 0, None);
        for number in 0..300_u64 {
            contact.rename(&format!("A{number}"));
            contact.met(Meeting { started_unix_s: number * 1000, length_s: 60 });
        }
        assert_eq!((contact.former_names.len(), contact.meetings.len()), (limits::FORMER_NAMES, limits::MEETINGS));
        assert_eq!((contact.name.as_str(), contact.former_names[0].as_str()), ("A299", "A298"));
        assert_eq!((contact.meetings[0].started_unix_s, contact.meetings_total), (299_000, 300));
        assert_eq!((contact.first_met_unix_s, contact.last_met_unix_s), (0, 299_060));
    }

    #[test]
    fn a_meeting_that_is_told_twice_counts_once() {
        let mut contact = contact("A", 100, None);
        contact.met(Meeting { started_unix_s: 100, length_s: 10 });
        contact.met(Meeting { started_unix_s: 100, length_s: 90 });
        assert_eq!(contact.meetings, [Meeting { started_unix_s: 100, length_s: 90 }]);
        assert_eq!((contact.meetings_total, contact.last_met_unix_s), (1, 190));
    }

    #[test]
    fn of_two_records_the_newer_verification_and_the_newer_name_count() {
        let mut ours = contact("Bo", 50, Some(10));
        ours.note = "ours".into();
        ours.skips_lobby = true;
        let mut theirs = contact("Bob", 40, Some(20));
        theirs.meetings = vec![Meeting { started_unix_s: 30, length_s: 5 }];
        ours.merge(theirs);
        assert_eq!((ours.name.as_str(), ours.former_names.as_slice()), ("Bo", ["Bob".to_owned()].as_slice()));
        assert_eq!((ours.verified_unix_s, ours.skips_lobby, ours.note.as_str()), (Some(20), false, "ours"));
        assert_eq!((ours.meetings.len(), ours.meetings_total, ours.first_met_unix_s), (1, 1, 40));
        let before = ours.clone();
        ours.merge(before.clone());
        assert_eq!(ours, before, "merging again changes nothing");
    }

    #[test]
    fn a_permission_without_a_verified_key_is_none() {
        let mut contact = contact("A", 0, None);
        contact.skips_lobby = true;
        assert!(!contact.may_skip_lobby());
        contact.verified_unix_s = Some(1);
        assert!(contact.may_skip_lobby());
    }

    #[test]
    fn a_device_key_is_read_as_it_was_written() {
        let device = DevicePublicKey(std::array::from_fn(|at| u8::try_from(at * 7).unwrap_or(0)));
        assert_eq!(parse_device(&device_text(&device)), Some(device));
        assert_eq!(parse_device(&device_text(&device).to_uppercase()), Some(device));
        for bad in ["", "00", &"0".repeat(63), &"0".repeat(66), &"g".repeat(64)] {
            assert_eq!(parse_device(bad), None);
        }
    }

    #[test]
    fn a_note_keeps_its_lines_and_loses_its_tricks() {
        assert_eq!(clean_note(" one\u{202e} two\r\n\u{7}three \n\n"), "one two\nthree");
    }
}
