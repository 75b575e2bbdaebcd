//! Who belongs to the meeting and what holds in it, as the core tells, in words for the window: roster, roles, rules, why the
//! words are new, and what our contacts say about everybody.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use conclave_proto::ids::{DevicePublicKey, PeerId};
use conclave_proto::room::{self, MemberChange, MemberRole, RosterEntry};

use super::limits;
use super::room::{MemberLine, Room, Rule, Rules, Standing};
use crate::contacts::{self, Book};

/// The membership of one meeting.
#[derive(Default)]
pub(super) struct Membership {
    roster: Vec<RosterEntry>,
    rules: room::Rules,
    /// Why the words are new, until they are looked at. Names come later than the news, so the sentence is made when shown.
    words_news: Vec<MemberChange>,
    /// There were more.
    more_news: bool,
    /// When each device that is here now came, in Unix seconds.
    came: BTreeMap<PeerId, Came>,
}

/// Somebody's stay, for the contacts' history.
pub(super) struct Came {
    pub(super) device: DevicePublicKey,
    pub(super) name: String,
    pub(super) unix_s: u64,
}

impl Membership {
    pub(super) fn set_roster(&mut self, roster: Vec<RosterEntry>) {
        self.roster = roster;
    }

    pub(super) const fn set_rules(&mut self, rules: room::Rules) {
        self.rules = rules;
    }

    pub(super) const fn rules(&self) -> room::Rules {
        self.rules
    }

    /// Whether we may let people in and put them out.
    pub(super) fn may_admit(&self) -> bool {
        self.roster.iter().any(|entry| entry.is_us && entry.role == MemberRole::Admin)
    }

    pub(super) fn device_of(&self, who: PeerId) -> Option<DevicePublicKey> {
        self.roster.iter().find(|entry| entry.who == who).map(|entry| entry.device)
    }

    /// Somebody is in the room.
    pub(super) fn came(&mut self, who: PeerId, device: DevicePublicKey, name: String) {
        if self.came.len() < limits::PEOPLE {
            self.came.insert(who, Came { device, name, unix_s: unix_s() });
        }
    }

    /// Somebody has gone: their stay, for the history.
    pub(super) fn went(&mut self, who: PeerId) -> Option<Came> {
        self.came.remove(&who)
    }

    /// Everybody's stay ends with ours.
    pub(super) fn all_went(&mut self) -> Vec<Came> {
        std::mem::take(&mut self.came).into_values().collect()
    }

    /// The words are new, and this is why.
    pub(super) fn words_are_new(&mut self, why: &[MemberChange]) {
        if !why.is_empty() {
            self.words_news = why.iter().take(limits::CHANGES_TOLD).copied().collect();
            self.more_news = why.len() > limits::CHANGES_TOLD;
        }
    }

    pub(super) fn words_seen(&mut self) {
        self.words_news.clear();
    }

    /// `name` knows everybody who was ever here.
    fn why_words_are_new(&self, name: &dyn Fn(PeerId) -> String) -> Option<String> {
        let sentences: Vec<String> = self.words_news.iter().map(|change| sentence(*change, name)).collect();
        let more = if self.more_news { " There were more changes." } else { "" };
        (!sentences.is_empty()).then(|| format!("{}{more} The words are new.", sentences.join(" ")))
    }

    /// Its part of the snapshot.
    pub(super) fn show(&self, room: &mut Room, book: &Book, name: &dyn Fn(PeerId) -> String) {
        room.admin = self.may_admit();
        room.rules = Rules {
            locked: self.rules.locked,
            history: self.rules.history_for_newcomers,
            mute_on_entry: self.rules.mute_on_entry,
            contacts_skip_lobby: self.rules.contacts_skip_lobby,
        };
        room.words_news = self.why_words_are_new(name);
        room.members = self
            .roster
            .iter()
            .filter(|entry| !entry.is_us)
            .map(|entry| {
                let name = entry.name.clone().unwrap_or_else(|| name(entry.who));
                MemberLine {
                    who: entry.who.short(),
                    standing: standing(book, &entry.device, &name),
                    name,
                    admin: entry.role == MemberRole::Admin,
                    present: entry.present,
                }
            })
            .collect();
    }
}

fn sentence(change: MemberChange, name: &dyn Fn(PeerId) -> String) -> String {
    match change {
        MemberChange::Joined(who) => format!("{} joined.", name(who)),
        MemberChange::Left(who) => format!("{} left.", name(who)),
        MemberChange::Removed { who, by: Some(by) } => format!("{} was removed by {}.", name(who), name(by)),
        MemberChange::Removed { who, by: None } => format!("{} was removed.", name(who)),
    }
}

/// What our contacts say about a device that goes by this name.
pub(super) fn standing(book: &Book, device: &DevicePublicKey, name: &str) -> Standing {
    match book.check(device, name) {
        contacts::Standing::Stranger | contacts::Standing::Noted(_) => Standing::Stranger,
        contacts::Standing::Verified(_) => Standing::Verified,
        contacts::Standing::VerifiedWithNewName(contact) => Standing::VerifiedAs(contact.name.clone()),
        contacts::Standing::KnownNameOtherKey(contact) => Standing::NameOfAnother(contact.name.clone()),
    }
}

/// A rule in the core's words.
pub(super) const fn rule_to_net(rule: Rule) -> room::Rule {
    match rule {
        Rule::Locked => room::Rule::Locked,
        Rule::History => room::Rule::HistoryForNewcomers,
        Rule::MuteOnEntry => room::Rule::MuteOnEntry,
        Rule::ContactsSkipLobby => room::Rule::ContactsSkipLobby,
    }
}

/// What the calendar says.
pub(super) fn unix_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(who: PeerId) -> String {
        if who == PeerId([1; 32]) { "Bo" } else { "Ann" }.to_owned()
    }

    #[test]
    fn why_the_words_are_new_is_told_until_they_are_looked_at() {
        let mut membership = Membership::default();
        membership.words_are_new(&[]);
        let mut room = Room::default();
        membership.show(&mut room, &Book::default(), &name);
        assert_eq!(room.words_news, None, "our own coming in is no news");
        membership.words_are_new(&[MemberChange::Joined(PeerId([1; 32]))]);
        membership.show(&mut room, &Book::default(), &|_| "Somebody".to_owned());
        assert_eq!(room.words_news.as_deref(), Some("Somebody joined. The words are new."), "the name comes later");
        membership.show(&mut room, &Book::default(), &name);
        assert_eq!(room.words_news.as_deref(), Some("Bo joined. The words are new."));
        let removed = MemberChange::Removed { who: PeerId([1; 32]), by: Some(PeerId([2; 32])) };
        membership.words_are_new(&[removed]);
        membership.show(&mut room, &Book::default(), &name);
        assert_eq!(room.words_news.as_deref(), Some("Bo was removed by Ann. The words are new."));
        membership.words_seen();
        membership.show(&mut room, &Book::default(), &name);
        assert_eq!(room.words_news, None);
    }
}
