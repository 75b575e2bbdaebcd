//! The contacts as the engine uses them: a book in memory to look people up in, and a desk that keeps it on the disk behind
//! our back. Knows no meeting; `owner` tells it whom we met.

use std::sync::Arc;

use conclave_proto::ids::DevicePublicKey;

use super::membership::{Came, unix_s};
use super::news::{News, NewsSender};
use super::notices::{Fault, Trouble};
use super::room::ContactLine;
use crate::contacts::{Book, Contact, ContactsDesk, DeskEvent, KeyringAccess, Meeting, Task, device_text};

/// A stay that is shorter was no meeting.
const SHORTEST_MEETING_S: u64 = 10;

/// Whom we know. Without a desk (a kiosk, a test) nobody, and nothing is kept.
#[derive(Default)]
pub(super) struct Acquaintances {
    desk: Option<ContactsDesk>,
    book: Arc<Book>,
    lines: Arc<[ContactLine]>,
}

impl Acquaintances {
    /// Starts to read the contacts; they come as news.
    pub(super) fn open(&mut self, directory: std::path::PathBuf, news: &NewsSender) -> Option<Trouble> {
        let news = news.clone();
        let on_event = Box::new(move |event| news.send(News::Contacts(event)));
        match ContactsDesk::start(directory, KeyringAccess::system(), on_event) {
            Ok(desk) => {
                self.desk = Some(desk);
                None
            }
            Err(error) => Some(Trouble::sentences(&error, Fault::Ours)),
        }
    }

    pub(super) fn book(&self) -> &Book {
        &self.book
    }

    pub(super) fn lines(&self) -> Arc<[ContactLine]> {
        Arc::clone(&self.lines)
    }

    /// From the desk.
    pub(super) fn event(&mut self, event: DeskEvent) -> Option<Trouble> {
        match event {
            DeskEvent::Book(book) => {
                self.lines = book.list().iter().map(|contact| line(contact)).collect();
                self.book = book;
                None
            }
            DeskEvent::Failed(error) => Some(Trouble::sentences(&error, Fault::Yours)),
            DeskEvent::Exported { .. } | DeskEvent::Imported(_) => None,
        }
    }

    /// The words were the same.
    pub(super) fn verify(&self, device: DevicePublicKey, name: String) -> Option<Trouble> {
        self.give(Task::Verify { device, name, now_unix_s: unix_s() })
    }

    /// Somebody's stay is over; only those whom we know have a history.
    pub(super) fn met(&self, came: Came) -> Option<Trouble> {
        let length_s = unix_s().saturating_sub(came.unix_s);
        if length_s < SHORTEST_MEETING_S || self.book.known(&came.device).is_none() {
            return None;
        }
        let meeting = Meeting { started_unix_s: came.unix_s, length_s };
        self.give(Task::Met { device: came.device, name: came.name, meeting })
    }

    pub(super) fn set_note(&self, id: &str, note: String) -> Option<Trouble> {
        let contact = self.find(id)?;
        let (device, name) = (contact.device, contact.name.clone());
        self.give(Task::SetNote { device, name, note, now_unix_s: unix_s() })
    }

    pub(super) fn set_skips(&self, id: &str, skips: bool) -> Option<Trouble> {
        self.give(Task::SetSkipsLobby { device: self.find(id)?.device, skips })
    }

    pub(super) fn forget(&self, id: &str) -> Option<Trouble> {
        self.give(Task::Forget { device: self.find(id)?.device })
    }

    fn find(&self, id: &str) -> Option<Arc<Contact>> {
        self.book.list().into_iter().find(|contact| device_text(&contact.device) == id)
    }

    fn give(&self, task: Task) -> Option<Trouble> {
        self.desk.as_ref()?.give(task).err().map(|busy| Trouble::sentences(&busy, Fault::Ours))
    }
}

fn line(contact: &Contact) -> ContactLine {
    ContactLine {
        id: device_text(&contact.device),
        name: contact.name.clone(),
        note: contact.note.clone(),
        verified_unix_s: contact.verified_unix_s.unwrap_or(0),
        last_met_unix_s: contact.last_met_unix_s,
        meetings: u32::try_from(contact.meetings_total).unwrap_or(u32::MAX),
        skips_lobby: contact.skips_lobby,
    }
}
