//! Files on their way: what is offered to whom, how far it is, and what the disk says. The core carries the bytes and keeps to
//! the link's limits; `disk` reads and writes them on a thread of its own. Nothing is read before it is offered, nothing
//! written before it is accepted, nothing ever opened.

use std::path::PathBuf;

use conclave_proto::core::Command;
use conclave_proto::ids::PeerId;
use conclave_proto::talk::{FileId, FileOutcome, FileWithdrawal, TalkCommand, TalkEvent};

use super::Outcome;
use crate::engine::limits::FILE_LINES;
use crate::engine::news::NewsSender;
use crate::engine::notices::{Fault, Trouble};
use crate::engine::room::{FileLine, FileState};

mod disk;

pub(in crate::engine) use disk::FileNews;
use disk::{Disk, Job};

/// All files of a meeting.
pub(in crate::engine) struct Files {
    lines: Vec<Line>,
    disk: Disk,
    next_line: u64,
    next_file: u64,
}

/// One file towards one person, or from one.
struct Line {
    end: End,
    sha256: [u8; 32],
    shown: FileLine,
    /// As told last to whoever reads the events.
    told: Option<FileState>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    To(PeerId, FileId),
    From(PeerId, FileId),
}

impl Files {
    pub(super) fn new(downloads: PathBuf, news: NewsSender) -> Self {
        Self { lines: Vec::new(), disk: Disk::new(downloads, news), next_line: 0, next_file: 0 }
    }

    pub(super) fn lines(&self) -> Vec<FileLine> {
        self.lines.iter().map(|line| line.shown.clone()).collect()
    }

    /// Those that are not as they were when this was asked last; of a moving one only each new hundredth.
    pub(in crate::engine) fn changed(&mut self) -> Vec<FileLine> {
        let mut changed = Vec::new();
        for line in &mut self.lines {
            let is_news = match (&line.told, &line.shown.state) {
                (Some(FileState::Moving(before)), FileState::Moving(now)) => {
                    *now == line.shown.size || now.saturating_sub(*before) > line.shown.size / 100
                }
                (told, state) => told.as_ref() != Some(state),
            };
            if is_news {
                line.told = Some(line.shown.state.clone());
                changed.push(line.shown.clone());
            }
        }
        changed
    }

    /// Has the file's content named; it is offered when that is done.
    pub(in crate::engine) fn offer(&mut self, receivers: &[(PeerId, String)], path: PathBuf) -> Option<Trouble> {
        if receivers.is_empty() {
            return Some(Trouble::new(
                "Nobody is here to take a file.",
                Fault::Yours,
                "Wait until somebody has joined, then offer it again.",
            ));
        }
        self.next_file += 1;
        let id = FileId(self.next_file);
        let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        for (to, name) in receivers {
            let shown = FileLine {
                name: name.clone(),
                outgoing: true,
                file: file.clone(),
                state: FileState::Preparing,
                ..FileLine::default()
            };
            self.add(Line { end: End::To(*to, id), sha256: [0; 32], shown, told: None });
        }
        self.disk.ask(Job::Prepare { id, path }).err()
    }

    /// We take what was offered.
    pub(in crate::engine) fn accept(&mut self, line: u64) -> Option<Trouble> {
        let line = self.lines.iter_mut().find(|known| known.shown.id == line)?;
        let End::From(from, id) = line.end else { return None };
        if line.shown.state != FileState::Offered {
            return None;
        }
        line.shown.state = FileState::Waiting(0);
        let (name, size, sha256) = (line.shown.file.clone(), line.shown.size, line.sha256);
        self.disk.ask(Job::Open { from, id, name, size, sha256 }).err()
    }

    /// We do not want it, or no longer.
    pub(in crate::engine) fn cancel(&mut self, line: u64, say: &mut dyn FnMut(Command)) {
        let Some(line) = self.lines.iter_mut().find(|known| known.shown.id == line) else { return };
        if is_over(&line.shown.state) {
            return;
        }
        line.shown.state = FileState::Over("You cancelled it.".to_owned());
        match line.end {
            End::To(to, id) => say(Command::Talk(TalkCommand::CancelFile { to: Some(to), id })),
            End::From(from, id) => {
                say(Command::Talk(TalkCommand::DeclineFile { from, id }));
                // What is not written is lost with the thread anyway.
                self.disk.ask(Job::Close { from, id }).ok();
            }
        }
    }

    /// From the core.
    pub(super) fn event(
        &mut self,
        event: TalkEvent,
        name: &dyn Fn(PeerId) -> String,
        say: &mut dyn FnMut(Command),
    ) -> Outcome {
        match event {
            TalkEvent::FileOffered { from, id, name: file, size, sha256 } => {
                if self.lines.iter().any(|line| line.end == End::From(from, id)) {
                    return Outcome::Unseen;
                }
                let shown = FileLine { name: name(from), file, size, ..FileLine::default() };
                self.add(Line { end: End::From(from, id), sha256, shown, told: None });
                Outcome::Shown
            }
            TalkEvent::FileAccepted { to, id, offset } => self.set(End::To(to, id), FileState::Moving(offset)),
            TalkEvent::FileProgress { to, id, written } => self.set(End::To(to, id), FileState::Moving(written)),
            TalkEvent::FileDataWanted { to, id, offset, length } => {
                self.ask_disk(Job::Read { to, id, offset, length }, End::To(to, id), say)
            }
            TalkEvent::FileData { from, id, offset, data } => {
                self.ask_disk(Job::Write { from, id, offset, data }, End::From(from, id), say)
            }
            TalkEvent::FileArrived { from, id } => self.ask_disk(Job::Check { from, id }, End::From(from, id), say),
            TalkEvent::FileWithdrawn { from, id, reason } => {
                let why = match reason {
                    FileWithdrawal::BySender => "They took it back.",
                    FileWithdrawal::SenderGone => {
                        "They are gone. What has come is kept and goes on if they offer it again."
                    }
                };
                self.disk.ask(Job::Close { from, id }).ok();
                self.set(End::From(from, id), FileState::Over(why.to_owned()))
            }
            TalkEvent::FileEnded { to, id, outcome } => {
                let state = match outcome {
                    FileOutcome::Delivered => FileState::Done(None),
                    FileOutcome::Damaged => over("It did not arrive as it was; offer it again."),
                    FileOutcome::Declined => over("They do not want it."),
                    FileOutcome::Cancelled => over("You cancelled it."),
                    FileOutcome::Unreadable => over("The file cannot be read any more, or it has changed."),
                    FileOutcome::ReceiverGone => over("They are gone."),
                };
                self.set(End::To(to, id), state)
            }
            _ => Outcome::Unseen,
        }
    }

    /// From the disk.
    pub(in crate::engine) fn disk(&mut self, news: FileNews, say: &mut dyn FnMut(Command)) {
        match news {
            FileNews::Prepared { id, prepared: Ok((name, size, sha256)) } => {
                let mut receivers = Vec::new();
                for line in &mut self.lines {
                    if let End::To(to, file) = line.end
                        && file == id
                        && line.shown.state == FileState::Preparing
                    {
                        (line.shown.state, line.shown.size, line.sha256) = (FileState::Offered, size, sha256);
                        receivers.push(to);
                    }
                }
                for to in receivers {
                    let offer = TalkCommand::OfferFile { id, to: Some(to), name: name.clone(), size, sha256 };
                    say(Command::Talk(offer));
                }
            }
            FileNews::Prepared { id, prepared: Err(why) } => {
                for line in &mut self.lines {
                    if matches!(line.end, End::To(_, file) if file == id) {
                        line.shown.state = FileState::Over(why.clone());
                    }
                }
            }
            FileNews::Read { to, id, offset, data: Ok(data) } => {
                say(Command::Talk(TalkCommand::FileData { to, id, offset, data }));
            }
            FileNews::Read { to, id, data: Err(why), .. } => self.fail(End::To(to, id), why, say),
            FileNews::Opened { from, id, have: Ok(offset) } => {
                self.set(End::From(from, id), FileState::Moving(offset));
                say(Command::Talk(TalkCommand::AcceptFile { from, id, offset }));
            }
            FileNews::Written { from, id, offset: Ok(offset) } => {
                self.set(End::From(from, id), FileState::Moving(offset));
                say(Command::Talk(TalkCommand::FileWritten { from, id, offset }));
            }
            FileNews::Opened { from, id, have: Err(why) } | FileNews::Written { from, id, offset: Err(why) } => {
                self.fail(End::From(from, id), why, say);
            }
            FileNews::Checked { from, id, kept } => {
                say(Command::Talk(TalkCommand::FileChecked { from, id, intact: kept.is_ok() }));
                let state = match kept {
                    Ok(path) => FileState::Done(Some(path)),
                    Err(why) => FileState::Over(why),
                };
                self.set(End::From(from, id), state);
            }
        }
    }

    fn ask_disk(&mut self, job: Job, end: End, say: &mut dyn FnMut(Command)) -> Outcome {
        match self.disk.ask(job) {
            Ok(()) => Outcome::Unseen,
            Err(trouble) => {
                self.fail(end, trouble.what.clone(), say);
                Outcome::Notice(trouble)
            }
        }
    }

    fn fail(&mut self, end: End, why: String, say: &mut dyn FnMut(Command)) {
        match end {
            End::To(to, id) => say(Command::Talk(TalkCommand::CancelFile { to: Some(to), id })),
            End::From(from, id) => say(Command::Talk(TalkCommand::DeclineFile { from, id })),
        }
        self.set(end, FileState::Over(why));
    }

    /// What is over stays so: the other end's last word may come after ours.
    fn set(&mut self, end: End, state: FileState) -> Outcome {
        let line = self.lines.iter_mut().find(|line| line.end == end && !is_over(&line.shown.state));
        match line {
            Some(line) => {
                line.shown.state = state;
                Outcome::Shown
            }
            None => Outcome::Unseen,
        }
    }

    fn add(&mut self, mut line: Line) {
        if self.lines.len() >= FILE_LINES {
            // The core bounds those that move; what is over goes first.
            let at = self.lines.iter().position(|line| is_over(&line.shown.state)).unwrap_or(0);
            self.lines.remove(at);
        }
        self.next_line += 1;
        line.shown.id = self.next_line;
        self.lines.push(line);
    }
}

fn over(why: &str) -> FileState {
    FileState::Over(why.to_owned())
}

const fn is_over(state: &FileState) -> bool {
    matches!(state, FileState::Over(_) | FileState::Done(_))
}
