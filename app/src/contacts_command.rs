//! `conclave contacts`: the book of contacts on the command line, for looking, forgetting and taking it elsewhere. The
//! passphrase comes from the terminal, unseen, or from a line of standard input; never from the command line or the
//! environment, where others can read it.

use std::fmt::Write as _;
use std::io::{BufRead as _, IsTerminal as _, Read as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use conclave_proto::ids::DevicePublicKey;
use zeroize::Zeroizing;

use crate::cli::{self, ContactsAction, ContactsArguments};
use crate::contacts::{
    Book, Contact, Contacts, ContactsError, ImportReport, KeyringAccess, Passphrase, device_text, limits,
};

/// Fewer digits of a key would too easily be somebody else's.
const KEY_DIGITS_MIN: usize = 8;
/// A line of standard input: the longest passphrase, four bytes a character, and its end.
const LINE_BYTES_MAX: u64 = 4 * limits::PASSPHRASE_CHARACTERS_MAX as u64 + 2;

/// Does it and says what came of it.
#[must_use]
pub fn run(arguments: ContactsArguments, data_dir_before: Option<PathBuf>) -> ExitCode {
    match carry_out(arguments, data_dir_before) {
        Ok(text) => match std::io::stdout().lock().write_all(text.as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        },
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::from(error.downcast_ref().map_or(1, exit_code))
        }
    }
}

fn carry_out(arguments: ContactsArguments, data_dir_before: Option<PathBuf>) -> anyhow::Result<String> {
    let directory = cli::data_dir(arguments.data_dir.or(data_dir_before))?;
    let keyring = if arguments.no_keyring { KeyringAccess::none() } else { KeyringAccess::system() };
    let mut contacts = Contacts::open(&directory, keyring)?;
    match arguments.action {
        ContactsAction::List { json } => {
            let book = contacts.book()?;
            if json { as_json(&book) } else { Ok(as_text(&book)) }
        }
        ContactsAction::Forget { key } => {
            let (device, name) = chosen(&*contacts.book()?, &key)?;
            contacts.forget(&device)?;
            Ok(format!("Forgot {name}.\n"))
        }
        ContactsAction::Export { file } => {
            // Said before the passphrase is asked for rather than after.
            if file.exists() {
                return Err(ContactsError::ExportExists { path: file }.into());
            }
            let passphrase = new_passphrase()?;
            let people = contacts.export(&file, &passphrase)?;
            Ok(format!("Exported {people} contacts to {}.\n", file.display()))
        }
        ContactsAction::Import { file } => {
            let passphrase = Passphrase::new(typed("Passphrase of the file: ")?)?;
            let report = contacts.import(&file, &passphrase, now_unix_s())?;
            Ok(imported(&report))
        }
    }
}

/// As in the list of exit codes.
const fn exit_code(error: &ContactsError) -> u8 {
    use ContactsError as E;
    match error {
        E::Unknown | E::Full | E::NotVerified | E::NoteTooLong | E::Passphrase => 2,
        E::ExportExists { .. } | E::ImportUnreadable { .. } | E::ImportForeign { .. } => 2,
        E::ImportNewer { .. } | E::ImportClosed { .. } => 2,
        E::Damaged { .. } | E::Newer { .. } | E::Unreadable { .. } | E::Busy { .. } | E::WrongKey { .. } => 4,
        E::KeyringAway { .. } | E::KeyGone { .. } | E::KeyFileGone { .. } | E::KeyFileDamaged { .. } => 4,
        E::KeyFileUnreadable { .. } | E::KeyFileTooOpen { .. } => 4,
        E::Unwritable { .. } | E::KeyFileUnwritable { .. } | E::ExportUnwritable { .. } => 1,
        E::NoThread(_) | E::Library => 1,
    }
}

fn chosen(book: &Book, key: &str) -> anyhow::Result<(DevicePublicKey, String)> {
    let key = key.to_lowercase();
    if key.len() < KEY_DIGITS_MIN || !key.chars().all(|c| c.is_ascii_hexdigit()) {
        return Err(ContactsError::Unknown.into());
    }
    let mut found = book.list().into_iter().filter(|contact| device_text(&contact.device).starts_with(&key));
    match (found.next(), found.next()) {
        (Some(contact), None) => Ok((contact.device, contact.name.clone())),
        _ => Err(ContactsError::Unknown.into()),
    }
}

fn as_json(book: &Book) -> anyhow::Result<String> {
    let mut text = String::new();
    for contact in book.list() {
        text += &serde_json::to_string(&*contact)?;
        text.push('\n');
    }
    Ok(text)
}

fn as_text(book: &Book) -> String {
    if book.is_empty() {
        return "No contacts yet. Compare the words with somebody in a meeting to verify them.\n".to_owned();
    }
    book.list().iter().map(|contact| person(contact)).collect()
}

fn person(contact: &Contact) -> String {
    let mut text = contact.name.clone();
    let standing = contact.verified_unix_s.map_or("not verified".to_owned(), |at| format!("verified {}", date(at)));
    let line = |text: &mut String, what: &str, value: &str| {
        if !value.is_empty() && writeln!(text, "    {what:8}{value}").is_err() {
            tracing::debug!("a text in memory refused a line");
        }
    };
    text +=
        &format!("\n    {standing}, last met {}, {}", date(contact.last_met_unix_s), meetings(contact.meetings_total));
    text += if contact.may_skip_lobby() { ", may skip the lobby\n" } else { "\n" };
    line(&mut text, "key", &device_text(&contact.device));
    line(&mut text, "before", &contact.former_names.join(", "));
    line(&mut text, "note", &contact.note.replace('\n', " / "));
    text
}

fn meetings(total: u64) -> String {
    match total {
        0 => "no meeting".to_owned(),
        1 => "1 meeting".to_owned(),
        more => format!("{more} meetings"),
    }
}

fn imported(report: &ImportReport) -> String {
    let mut text = format!("{} new, {} updated, {} as they were.\n", report.added, report.updated, report.unchanged);
    for conflict in &report.left_out {
        text += &format!(
            "Left out: {} with key {}, because {} here has another key ({}). If the one in the file is right, forget the \
             one here and import again.\n",
            conflict.theirs.name,
            device_text(&conflict.theirs.device),
            conflict.ours.name,
            device_text(&conflict.ours.device)
        );
    }
    text
}

fn new_passphrase() -> anyhow::Result<Passphrase> {
    let first = typed("Passphrase for the file: ")?;
    if std::io::stdin().is_terminal() && *first != *typed("Once more: ")? {
        anyhow::bail!("The two are not the same. Nothing was written; try again.");
    }
    Ok(Passphrase::new(first)?)
}

/// Unseen from the terminal if there is one, else a line of standard input.
fn typed(prompt: &str) -> anyhow::Result<Zeroizing<String>> {
    if std::io::stdin().is_terminal() {
        return Ok(Zeroizing::new(rpassword::prompt_password(prompt)?));
    }
    let mut line = Zeroizing::new(String::new());
    std::io::stdin().lock().take(LINE_BYTES_MAX).read_line(&mut line)?;
    let end = line.trim_end_matches(['\n', '\r']).len();
    line.truncate(end);
    Ok(line)
}

fn now_unix_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The day in UTC, as 2026-11-25: the Gregorian calendar counted in 400-year turns that start in March.
fn date(unix_s: u64) -> String {
    let days = unix_s / 86_400 + 719_468;
    let (turn, day_of_turn) = (days / 146_097, days % 146_097);
    let year_of_turn = (day_of_turn - day_of_turn / 1_460 + day_of_turn / 36_524 - day_of_turn / 146_096) / 365;
    let day_of_year = day_of_turn - (365 * year_of_turn + year_of_turn / 4 - year_of_turn / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_turn + turn * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        let days = [
            (0, "1970-01-01"),
            (951_782_399, "2000-02-28"),
            (951_782_400, "2000-02-29"),
            (951_868_800, "2000-03-01"),
            (1_764_028_799, "2025-11-24"),
            (4_107_542_400, "2100-03-01"),
        ];
        for (unix_s, day) in days {
            assert_eq!(date(unix_s), day);
        }
        assert!(!date(u64::MAX).is_empty());
    }
}
