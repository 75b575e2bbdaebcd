//! What a meeting shows beside its tiles: who may do what, the talk, the files, who hears whom, the people we know. Plain data
//! like the rest of the snapshot, whose part it is.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::snapshot::Who;

/// Everything of it. Long lists are shared: a snapshot is made ten times a second, they change rarely.
#[derive(Clone, Debug, Default)]
pub struct Room {
    /// Our own key in this meeting.
    pub me: Who,
    /// We may let people in and put them out.
    pub admin: bool,
    /// Members without us, present or away, in the order they were let in.
    pub members: Vec<MemberLine>,
    /// What holds in this meeting.
    pub rules: Rules,
    /// Why the words are new: "Bo joined. The words are new." Until they were looked at.
    pub words_news: Option<String>,
    /// Text, oldest first, in the order that is the same for everybody.
    pub chat: Arc<[ChatLine]>,
    /// Who raised a hand, first come first; we may be among them.
    pub hands: Vec<Who>,
    /// Reactions of the last seconds.
    pub reactions: Vec<ShownReaction>,
    /// A row for each who tells what they hear, ours first.
    pub hearing: Vec<HearingRow>,
    /// Who tells that they do not hear us: names, for a sentence over the tiles.
    pub cannot_hear_us: Vec<String>,
    /// Files that were offered, are under way or are done, oldest first.
    pub files: Vec<FileLine>,
    /// An admin asks us to mute, and we have not: a sentence.
    pub mute_asked: Option<String>,
    /// With *LAN only*: what left and what was refused.
    pub lan: Option<LanCount>,
}

/// Somebody let into the meeting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberLine {
    /// Which.
    pub who: Who,
    /// Cleaned name.
    pub name: String,
    /// May let people in and put them out.
    pub admin: bool,
    /// In the room now; else away, and able to come back without a knock.
    pub present: bool,
    /// Whether we know them.
    pub standing: Standing,
}

/// What our contacts say about somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// Nobody we verified.
    #[default]
    Stranger,
    /// We compared words with the owner of this key once.
    Verified,
    /// Verified, but calls themselves by another name now: the name that we know.
    VerifiedAs(String),
    /// The name of somebody we verified, with another key: the name that we know. A loud warning.
    NameOfAnother(String),
}

/// What holds in a meeting; admins decide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Nobody may knock.
    pub locked: bool,
    /// Who comes later may read what was written before.
    pub history: bool,
    /// Who comes starts muted.
    pub mute_on_entry: bool,
    /// People whom the admin verified come in without a knock.
    pub contacts_skip_lobby: bool,
}

/// One of them, to change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// `Rules::locked`
    Locked,
    /// `Rules::history`
    History,
    /// `Rules::mute_on_entry`
    MuteOnEntry,
    /// `Rules::contacts_skip_lobby`
    ContactsSkipLobby,
}

/// One text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChatLine {
    /// Whose; our own key for ours.
    pub who: Who,
    /// Their name, also after they left.
    pub name: String,
    /// Ours.
    pub own: bool,
    /// Cleaned; may have several lines. Links are text like all else.
    pub text: String,
    /// When we heard of it, seconds since the Unix epoch.
    pub unix_s: u64,
    /// Grows from 1 in the order in which we heard of the lines, which need not be the order they stand in: so that new
    /// ones can be told from those that were read.
    pub number: u64,
}

/// A closed set: every program shows the same ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reaction {
    /// A thumb up.
    Yes,
    /// A thumb down.
    No,
    /// Clapping hands.
    Applause,
    /// A laughing face.
    Laugh,
    /// A heart.
    Heart,
    /// A surprised face.
    Surprise,
}

/// A reaction that is shown for some seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownReaction {
    /// Whose; our own key for ours.
    pub who: Who,
    /// Which.
    pub reaction: Reaction,
    /// Tells one from the next of the same person.
    pub number: u64,
}

/// Whether one hears another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Hears {
    /// Not told, or too long ago.
    #[default]
    Unknown,
    /// Sound was decoded in the last seconds.
    Yes,
    /// There is nothing to hear: muted, no microphone, or a pause.
    Quiet,
    /// Sound was expected and did not come.
    No,
}

/// What one person hears of everybody else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HearingRow {
    /// Who hears; our own key for ours.
    pub who: Who,
    /// Their name ("You" for ours).
    pub name: String,
    /// Of whom, in the order of the rows.
    pub of: Vec<(Who, Hears)>,
}

/// A file on its way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileLine {
    /// To answer or cancel it by.
    pub id: u64,
    /// The other end's name; "everybody" for one that we offer to all.
    pub name: String,
    /// We offered it.
    pub outgoing: bool,
    /// Cleaned name of the file.
    pub file: String,
    /// Its size in bytes.
    pub size: u64,
    /// How far it is.
    pub state: FileState,
}

/// How far a file is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum FileState {
    /// Waits for an answer.
    #[default]
    Offered,
    /// Being read to name its content, before it is offered.
    Preparing,
    /// Bytes that are through.
    Moving(u64),
    /// Waits for the connection to come back; bytes that are through.
    Waiting(u64),
    /// Whole, its content checked; where it lies, if it came to us.
    Done(Option<PathBuf>),
    /// Not wanted, cancelled or failed: a sentence.
    Over(String),
}

/// What the choke point of *LAN only* counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LanCount {
    /// Datagrams that went to this network.
    pub sent: u64,
    /// Datagrams that would have left it and were refused.
    pub refused: u64,
}

/// Somebody we verified, for the list at home.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContactLine {
    /// To speak of them: the start of their device key.
    pub id: String,
    /// Name as last seen.
    pub name: String,
    /// Ours alone.
    pub note: String,
    /// When they were verified, seconds since the Unix epoch.
    pub verified_unix_s: u64,
    /// When we last met.
    pub last_met_unix_s: u64,
    /// Meetings in common.
    pub meetings: u32,
    /// May come in without a knock where the meeting allows it.
    pub skips_lobby: bool,
}

/// How an invite is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InviteWish {
    /// Lets one person in and no more.
    pub single_use: bool,
    /// How long it lives.
    pub lifetime: Duration,
}
