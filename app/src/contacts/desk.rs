//! The contacts on a thread of their own. A disk may hang and a keyring may wait for a person, and neither may hold up a
//! call: tasks go in over a bounded channel, a fresh [`Book`] comes out after every change, and questions are put to that
//! book, in memory. For the engine.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use conclave_proto::ids::DevicePublicKey;

use super::book::Book;
use super::contact::Meeting;
use super::error::ContactsError;
use super::keyring::KeyringAccess;
use super::transfer::{ImportReport, Passphrase};
use super::{Contacts, limits};

/// What to do; each is the method of [`Contacts`] of that name.
#[derive(Debug)]
pub enum Task {
    /// Words were compared.
    Verify {
        /// Whose.
        device: DevicePublicKey,
        /// As seen now.
        name: String,
        /// When.
        now_unix_s: u64,
    },
    /// Write a note.
    SetNote {
        /// About whom.
        device: DevicePublicKey,
        /// As seen now.
        name: String,
        /// The note; empty takes it away.
        note: String,
        /// When.
        now_unix_s: u64,
    },
    /// Let somebody in without a knock, or no longer.
    SetSkipsLobby {
        /// Whom.
        device: DevicePublicKey,
        /// Whether they may.
        skips: bool,
    },
    /// We were in a meeting together.
    Met {
        /// With whom.
        device: DevicePublicKey,
        /// As seen there.
        name: String,
        /// When and for how long.
        meeting: Meeting,
    },
    /// For good.
    Forget {
        /// Whom.
        device: DevicePublicKey,
    },
    /// Into a new file.
    Export {
        /// The file.
        path: PathBuf,
        /// What seals it.
        passphrase: Passphrase,
    },
    /// Out of a file.
    Import {
        /// The file.
        path: PathBuf,
        /// What sealed it.
        passphrase: Passphrase,
        /// When.
        now_unix_s: u64,
    },
    /// Look whether another process changed something, or whether a book that could not be opened can be by now.
    Refresh,
}

/// What comes out.
#[derive(Debug)]
pub enum DeskEvent {
    /// Everybody as of now: once the book is open, and after every change.
    Book(Arc<Book>),
    /// The file was written.
    Exported {
        /// The file.
        path: PathBuf,
        /// How many people are in it.
        people: usize,
    },
    /// The file was taken in.
    Imported(ImportReport),
    /// A task, or opening, came to nothing; the book that was told last still counts.
    Failed(ContactsError),
}

/// Too many tasks wait: the disk or the keyring hangs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The contacts do not keep up. Wait for the keyring or the disk and try again.")]
pub struct DeskBusy;

/// The contacts' thread. Dropping it does what still waits, for two seconds at most.
#[derive(Debug)]
pub struct ContactsDesk {
    tasks: Option<SyncSender<Task>>,
    done: Receiver<()>,
}

impl ContactsDesk {
    /// Starts the thread, which opens the contacts. `on_event` is called on it.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(
        directory: PathBuf,
        keyring: KeyringAccess,
        on_event: Box<dyn FnMut(DeskEvent) + Send>,
    ) -> Result<Self, ContactsError> {
        let (tasks, waiting) = sync_channel(limits::TASKS);
        let (finished, done) = sync_channel(1);
        let mut desk = Desk { directory, keyring, contacts: None, told: None, on_event };
        let run = move || {
            desk.refresh();
            for task in waiting {
                desk.work(task);
            }
            // Its end is what is waited for.
            drop(finished);
        };
        std::thread::Builder::new().name("conclave-contacts".into()).spawn(run).map_err(ContactsError::NoThread)?;
        Ok(Self { tasks: Some(tasks), done })
    }

    /// Gives a task. Never waits.
    ///
    /// # Errors
    /// Too many wait already.
    pub fn give(&self, task: Task) -> Result<(), DeskBusy> {
        self.tasks.as_ref().ok_or(DeskBusy)?.try_send(task).map_err(|_| DeskBusy)
    }
}

impl Drop for ContactsDesk {
    fn drop(&mut self) {
        self.tasks = None;
        if self.done.recv_timeout(limits::CLOSE_DEADLINE) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            tracing::warn!("the contacts are still being written; they are left behind");
        }
    }
}

struct Desk {
    directory: PathBuf,
    keyring: KeyringAccess,
    contacts: Option<Contacts>,
    told: Option<Arc<Book>>,
    on_event: Box<dyn FnMut(DeskEvent) + Send>,
}

impl Desk {
    fn refresh(&mut self) {
        if let Err(error) = self.opened().map(|_| ()) {
            (self.on_event)(DeskEvent::Failed(error));
        }
        self.tell();
    }

    fn work(&mut self, task: Task) {
        if matches!(task, Task::Refresh) {
            return self.refresh();
        }
        let outcome = self.opened().and_then(|contacts| carry_out(contacts, task));
        self.tell();
        match outcome {
            Ok(Some(event)) => (self.on_event)(event),
            Ok(None) => {}
            Err(error) => (self.on_event)(DeskEvent::Failed(error)),
        }
    }

    /// A book that could not be opened before may be by now: a keyring unlocked, a file restored.
    fn opened(&mut self) -> Result<&mut Contacts, ContactsError> {
        match self.contacts.take() {
            Some(open) => Ok(self.contacts.insert(open)),
            None => {
                let open = Contacts::open(&self.directory, self.keyring.clone())?;
                Ok(self.contacts.insert(open))
            }
        }
    }

    /// Tells of the book if it is another one than was told last.
    fn tell(&mut self) {
        let Some(contacts) = &mut self.contacts else { return };
        match contacts.book() {
            Ok(book) => {
                if !self.told.as_ref().is_some_and(|told| Arc::ptr_eq(told, &book)) {
                    self.told = Some(Arc::clone(&book));
                    (self.on_event)(DeskEvent::Book(book));
                }
            }
            Err(error) => (self.on_event)(DeskEvent::Failed(error)),
        }
    }
}

fn carry_out(contacts: &mut Contacts, task: Task) -> Result<Option<DeskEvent>, ContactsError> {
    match task {
        Task::Verify { device, name, now_unix_s } => contacts.verify(&device, &name, now_unix_s)?,
        Task::SetNote { device, name, note, now_unix_s } => contacts.set_note(&device, &name, &note, now_unix_s)?,
        Task::SetSkipsLobby { device, skips } => contacts.set_skips_lobby(&device, skips)?,
        Task::Met { device, name, meeting } => contacts.met(&device, &name, meeting)?,
        Task::Forget { device } => {
            contacts.forget(&device)?;
        }
        Task::Export { path, passphrase } => {
            let people = contacts.export(&path, &passphrase)?;
            return Ok(Some(DeskEvent::Exported { path, people }));
        }
        Task::Import { path, passphrase, now_unix_s } => {
            return contacts.import(&path, &passphrase, now_unix_s).map(DeskEvent::Imported).map(Some);
        }
        Task::Refresh => {}
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const DEADLINE: Duration = Duration::from_secs(20);
    const ANN: DevicePublicKey = DevicePublicKey([1; 32]);

    fn desk(directory: &std::path::Path) -> (ContactsDesk, Receiver<DeskEvent>) {
        let (sender, events) = sync_channel(64);
        let on_event = Box::new(move |event| {
            if sender.send(event).is_err() {
                tracing::debug!("the test is over");
            }
        });
        (ContactsDesk::start(directory.to_owned(), KeyringAccess::none(), on_event).expect("a thread"), events)
    }

    fn next_book(events: &Receiver<DeskEvent>) -> Arc<Book> {
        match events.recv_timeout(DEADLINE) {
            Ok(DeskEvent::Book(book)) => book,
            other => panic!("no book: {other:?}"),
        }
    }

    #[test]
    fn a_fresh_book_comes_out_after_every_change_and_after_no_other_task() {
        let folder = tempfile::tempdir().expect("a folder");
        let (desk, events) = desk(folder.path());
        assert!(next_book(&events).is_empty());
        desk.give(Task::Verify { device: ANN, name: "Ann".into(), now_unix_s: 5 }).expect("room");
        assert!(next_book(&events).known(&ANN).is_some());
        desk.give(Task::Refresh).expect("room");
        desk.give(Task::SetSkipsLobby { device: DevicePublicKey([2; 32]), skips: true }).expect("room");
        assert!(matches!(events.recv_timeout(DEADLINE), Ok(DeskEvent::Failed(ContactsError::Unknown))));
        desk.give(Task::Forget { device: ANN }).expect("room");
        assert!(next_book(&events).is_empty());
    }

    #[test]
    fn what_was_given_before_the_end_is_done() {
        let folder = tempfile::tempdir().expect("a folder");
        let (desk, events) = desk(folder.path());
        for number in 0..20 {
            desk.give(Task::Verify { device: DevicePublicKey([number; 32]), name: "A".into(), now_unix_s: 5 })
                .expect("room");
        }
        drop(desk);
        drop(events);
        let mut contacts = Contacts::open(folder.path(), KeyringAccess::none()).expect("opened");
        assert_eq!(contacts.book().expect("a book").len(), 20);
    }

    #[test]
    fn a_book_that_could_not_be_opened_is_told_and_opened_later() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join(super::super::FILE_NAME);
        std::fs::write(&file, "no database").expect("written");
        let (desk, events) = desk(folder.path());
        assert!(matches!(events.recv_timeout(DEADLINE), Ok(DeskEvent::Failed(ContactsError::Damaged { .. }))));
        std::fs::remove_file(&file).expect("moved away");
        desk.give(Task::Refresh).expect("room");
        assert!(next_book(&events).is_empty());
    }
}
