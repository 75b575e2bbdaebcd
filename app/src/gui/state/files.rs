//! Files that are about to be offered: chosen by the system's dialog, dropped onto the window or typed. Nothing is read here.

use std::path::{Path, PathBuf};

use crate::engine::{Command, Who};

/// Files that wait to be offered at once; who has more packs them into one.
const CHOSEN_MAX: usize = 16;

/// See the module's head.
#[derive(Default)]
pub(crate) struct Outbox {
    /// Whom to offer to; `None`: everybody.
    pub(crate) to: Option<Who>,
    /// A path in the field.
    pub(crate) typed: String,
    pub(crate) chosen: Vec<PathBuf>,
    /// The system's dialog is open.
    pub(crate) choosing: bool,
    /// It came back with nothing.
    pub(crate) nothing_chosen: bool,
    /// The dialog was asked for and not opened yet.
    wanted: bool,
    /// More files came than are kept.
    pub(crate) too_many: bool,
}

impl Outbox {
    /// *Choose* was pressed.
    pub(crate) fn ask_for_dialog(&mut self) {
        (self.wanted, self.choosing, self.nothing_chosen) = (true, true, false);
    }

    /// Whether a dialog is to be opened now.
    pub(crate) fn take_request(&mut self) -> bool {
        std::mem::take(&mut self.wanted)
    }

    /// Files that were chosen or dropped.
    pub(crate) fn add(&mut self, paths: impl IntoIterator<Item = PathBuf>) {
        for path in paths {
            if self.chosen.len() >= CHOSEN_MAX {
                self.too_many = true;
                return;
            }
            if !self.chosen.contains(&path) {
                self.chosen.push(path);
            }
        }
    }

    /// Whether there is anything to offer.
    pub(crate) fn is_empty(&self) -> bool {
        self.chosen.is_empty() && self.typed.trim().is_empty()
    }

    /// Offers all of it.
    pub(crate) fn offer(&mut self, commands: &mut Vec<Command>) {
        let typed = typed_path(&self.typed);
        for path in self.chosen.drain(..).chain(typed) {
            commands.push(Command::OfferFile { who: self.to.clone(), path });
        }
        self.typed.clear();
        (self.nothing_chosen, self.too_many) = (false, false);
    }
}

/// What file managers put on the clipboard is taken, too: quotes around it, or a `file://` address.
fn typed_path(text: &str) -> Option<PathBuf> {
    let text = text.trim();
    let text = text.strip_prefix("file://").unwrap_or(text);
    let quoted = |quote| text.strip_prefix(quote).and_then(|text: &str| text.strip_suffix(quote));
    let text = quoted('"').or_else(|| quoted('\'')).unwrap_or(text);
    (!text.is_empty()).then(|| PathBuf::from(text))
}

/// The last part of a path, for a person.
pub(crate) fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_chosen_and_typed_is_offered_once() {
        let mut outbox = Outbox { to: Some("bo".to_owned()), typed: " '/a/b c.txt' ".to_owned(), ..Outbox::default() };
        outbox.add(["/x".into(), "/y".into(), "/x".into()]);
        let mut commands = Vec::new();
        outbox.offer(&mut commands);
        let offer = |path: &str| Command::OfferFile { who: Some("bo".to_owned()), path: path.into() };
        assert_eq!(commands, [offer("/x"), offer("/y"), offer("/a/b c.txt")]);
        assert!(outbox.is_empty());
    }

    #[test]
    fn a_thousand_dropped_files_do_not_fill_the_panel() {
        let mut outbox = Outbox::default();
        outbox.add((0..1000).map(|number| PathBuf::from(format!("/{number}"))));
        assert_eq!(outbox.chosen.len(), CHOSEN_MAX);
        assert!(outbox.too_many);
    }

    #[test]
    fn a_typed_path_may_come_from_a_file_manager() {
        for typed in ["/a b", " /a b\n", "\"/a b\"", "'/a b'", "file:///a b"] {
            assert_eq!(typed_path(typed), Some(PathBuf::from("/a b")), "{typed}");
        }
        assert_eq!(typed_path("  "), None);
    }
}
