//! Every bound and deadline of the engine, with its reason.

use std::time::Duration;

/// Commands waiting for the engine. A person clicks a few times a second; a tile-size report per person comes on top.
pub(super) const COMMANDS: usize = 256;
/// Replies waiting for the window: one per click on *Copy invite*.
pub(super) const REPLIES: usize = 8;
/// News from threads and tasks (devices, decoders, the browser) waiting for the engine: a dozen a second at most.
pub(super) const NEWS: usize = 512;
/// Notices kept; the oldest goes first. More than a person reads.
pub(super) const NOTICES: usize = 16;
/// People drawn at most; the core's own cap is far lower, this only keeps a list finite.
pub(super) const PEOPLE: usize = 64;
/// Knocks shown at once; further ones are turned away, so that nobody can fill the screen.
pub(super) const KNOCKS: usize = 16;
/// Visible peers listed: an office floor.
pub(super) const VISIBLE: usize = 64;
/// Pictures kept for people whose arrival the engine has not heard of yet: that takes milliseconds, this is half a second
/// of two people.
pub(super) const EARLY_PICTURES: usize = 32;
/// Names of files under `--pictures-out` that are kept apart; later people get their number added.
pub(super) const FILE_NAMES: usize = 1024;
/// Names remembered of people who were in the meeting; far more than a meeting's operations let in.
pub(super) const NAMES: usize = 1024;
/// Changes of the membership told in one sentence; more come only when two halves of a meeting find each other.
pub(super) const CHANGES_TOLD: usize = 3;
/// Lines of text kept; the core keeps about as many.
pub(super) const CHAT_LINES: usize = 1000;
/// Reactions on the screen at once; more would hide the faces.
pub(super) const REACTIONS_SHOWN: usize = 32;
/// Long enough to be noticed, short enough not to pile up.
pub(super) const REACTION_SHOWN: Duration = Duration::from_secs(4);
/// Sound that should come and does not for so long is told: longer than a hiccup, and "cannot hear you" must be known within
/// two seconds.
pub(super) const DEAF_AFTER: Duration = Duration::from_millis(600);
/// From joining to the first sound of somebody who is not muted.
pub(super) const FIRST_SOUND_WITHIN: Duration = Duration::from_secs(3);
/// Files in the list; those that are over go first.
pub(super) const FILE_LINES: usize = 128;
/// Jobs that wait for the disk. The core has far fewer pieces under way; more waiting is a disk that hangs.
pub(super) const FILE_JOBS: usize = 256;
/// Read at once to hash a file.
pub(super) const HASH_PIECE: usize = 256 * 1024;
/// Files of one name that are told apart by a number.
pub(super) const SAME_NAMES: u32 = 1000;
/// Batteries that count together: more than any computer holds.
pub(super) const BATTERIES: usize = 16;
/// Longest own name, as the core cuts it.
pub(super) const NAME_CHARACTERS: usize = 64;

/// Opening sockets takes milliseconds; a system that does not within this is broken.
pub(super) const NETWORK_DEADLINE: Duration = Duration::from_secs(10);
/// The core gives up an unreachable inviter earlier and says why; this is the last resort.
pub(super) const SEARCH_DEADLINE: Duration = Duration::from_secs(45);
/// How long one waits at the door: somebody inside may be talking. The core ends it earlier where it knows better.
pub(super) const DOOR_DEADLINE: Duration = Duration::from_secs(600);
/// Asking a visible peer for the right to knock.
pub(super) const ASK_DEADLINE: Duration = Duration::from_secs(10);
/// Drivers answer for a battery within milliseconds, some within a second.
pub(super) const BATTERY_DEADLINE: Duration = Duration::from_secs(10);
/// Goodbyes are a datagram or two; who does not get them times us out.
pub(super) const LEAVE_DEADLINE: Duration = Duration::from_secs(2);
/// Devices, files and sockets that do not close by then are left behind at the end of the program.
pub(super) const CLOSE_DEADLINE: Duration = Duration::from_secs(3);

/// The engine's end as a whole: the deadlines above and a little for the machine.
pub(super) const END_DEADLINE: Duration = Duration::from_millis(3500);

/// Statistics and waiting times advance at this pace.
pub(super) const SECOND: Duration = Duration::from_secs(1);
/// Levels and "who speaks" advance at this pace: quicker than eyes need, slow enough to cost nothing.
pub(super) const LEVEL_PERIOD: Duration = Duration::from_millis(100);
/// How often the device lists are asked for while somebody may be choosing: twice the time a person takes to look up
/// after plugging something in.
pub(super) const DEVICE_PERIOD: Duration = Duration::from_secs(5);
/// How often the battery is asked for while others may see our picture: one percent lasts longer, and who plugs in waits no
/// longer than this for the full picture.
pub(super) const BATTERY_PERIOD: Duration = Duration::from_secs(30);
/// The same where there was none: one may be put in, or its driver come late.
pub(super) const NO_BATTERY_PERIOD: Duration = Duration::from_secs(600);
