//! Every bound and deadline of the contacts, with its reason.

use std::time::Duration;

/// People in one book. Each of them was verified by voice or noted by hand; nobody gets near it in a lifetime.
pub const CONTACTS: usize = 2_000;
/// Names that somebody had before; the oldest goes first. A longer list would only make false alarms likelier.
pub const FORMER_NAMES: usize = 8;
/// Characters of a note: a long paragraph.
pub const NOTE_CHARACTERS: usize = 1_000;
/// Meetings in common that are listed per person, the newest; all are counted. Two years of a weekly meeting.
pub const MEETINGS: usize = 100;

/// Sealed records are filled up to a multiple of this, so that their lengths do not tell names apart.
pub(super) const RECORD_PADDING: usize = 512;
/// An exported file likewise, so that its length does not tell how many people are in it.
pub(super) const EXPORT_PADDING: usize = 16 * 1024;
/// Longest sealed record that is read. The bounds above make 16 KiB at most, with four bytes a character.
pub(super) const RECORD_BYTES: i32 = 64 * 1024;
/// Longest exported file that is read: a full book has at most 32 MiB.
pub(super) const IMPORT_BYTES: u64 = 48 * 1024 * 1024;

/// Shortest passphrase of an exported file. The file may lie anywhere, so guesses cost nothing but time.
pub const PASSPHRASE_CHARACTERS_MIN: usize = 8;
/// Longest passphrase: more than anybody types.
pub const PASSPHRASE_CHARACTERS_MAX: usize = 1_024;
/// Memory for making a key of a passphrase: one or two tenths of a second once, and dear for a machine that tries
/// millions.
pub(super) const ARGON2_KIB: u32 = 64 * 1024;
/// Passes over that memory.
pub(super) const ARGON2_PASSES: u32 = 3;
/// What an imported file may ask for at most, so that a foreign one cannot take all memory or minutes.
pub(super) const ARGON2_KIB_MAX: u32 = 256 * 1024;
/// Likewise.
pub(super) const ARGON2_PASSES_MAX: u32 = 8;

/// How long another process of ours may keep the file to itself. Its longest work is to compact the file after somebody
/// was forgotten: a tenth of a second for a full book.
pub(super) const BUSY_DEADLINE: Duration = Duration::from_secs(5);
/// How long the keyring may take. It may ask the person for its password, which takes most of this.
pub(super) const KEYRING_DEADLINE: Duration = Duration::from_secs(30);
/// Tasks waiting for the contacts' thread: a whole meeting verified and noted at once, several times over.
pub(super) const TASKS: usize = 128;
/// How long the program's end waits for what was still to be written.
pub(super) const CLOSE_DEADLINE: Duration = Duration::from_secs(2);
