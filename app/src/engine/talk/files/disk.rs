//! The thread that reads and writes files of a meeting: a disk may be slow or hang, the engine may not. An incoming file grows
//! beside its place under a name that ends in `.part` and carries the start of its hash, so that it goes on after a cut; only
//! when its content is as announced does it get its own name, and never that of a file which is there already.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use aws_lc_rs::digest;
use bytes::Bytes;
use conclave_proto::ids::PeerId;
use conclave_proto::talk::FileId;
use data_encoding::HEXLOWER;

use crate::engine::limits::{FILE_JOBS, HASH_PIECE, SAME_NAMES};
use crate::engine::news::{News, NewsSender};
use crate::engine::notices::{Fault, Trouble};

/// What the thread is asked.
#[derive(Debug)]
pub(super) enum Job {
    /// Reads a file once to name its content.
    Prepare { id: FileId, path: PathBuf },
    /// A piece of a file that we offered.
    Read { to: PeerId, id: FileId, offset: u64, length: usize },
    /// Begins or goes on with an incoming file.
    Open { from: PeerId, id: FileId, name: String, size: u64, sha256: [u8; 32] },
    /// A piece of it.
    Write { from: PeerId, id: FileId, offset: u64, data: Bytes },
    /// It is whole: compares its hash and gives it its name.
    Check { from: PeerId, id: FileId },
    /// It does not come; what there is stays for another time.
    Close { from: PeerId, id: FileId },
}

/// What the thread answers. Errors are sentences.
#[derive(Debug)]
pub(in crate::engine) enum FileNews {
    Prepared { id: FileId, prepared: Result<(String, u64, [u8; 32]), String> },
    Read { to: PeerId, id: FileId, offset: u64, data: Result<Bytes, String> },
    Opened { from: PeerId, id: FileId, have: Result<u64, String> },
    Written { from: PeerId, id: FileId, offset: Result<u64, String> },
    Checked { from: PeerId, id: FileId, kept: Result<PathBuf, String> },
}

/// The way to the thread, which starts with the first job and ends with this.
pub(super) struct Disk {
    downloads: PathBuf,
    news: NewsSender,
    jobs: Option<SyncSender<Job>>,
}

impl Disk {
    pub(super) const fn new(downloads: PathBuf, news: NewsSender) -> Self {
        Self { downloads, news, jobs: None }
    }

    /// Never blocks.
    pub(super) fn ask(&mut self, job: Job) -> Result<(), Trouble> {
        let jobs = match &self.jobs {
            Some(jobs) => jobs,
            None => {
                let (sender, receiver) = sync_channel(FILE_JOBS);
                let worker =
                    Worker { downloads: self.downloads.clone(), outgoing: HashMap::new(), incoming: HashMap::new() };
                let news = self.news.clone();
                let thread = std::thread::Builder::new().name("files".into());
                thread.spawn(move || worker.run(&receiver, &news)).map_err(|error| Trouble::no_thread(&error))?;
                self.jobs.insert(sender)
            }
        };
        jobs.try_send(job).map_err(|_| {
            Trouble::new(
                "The disk is too slow for the file.",
                Fault::Yours,
                "Wait until other programs are done with the disk, then try again.",
            )
        })
    }
}

struct Worker {
    downloads: PathBuf,
    outgoing: HashMap<FileId, File>,
    incoming: HashMap<(PeerId, FileId), Incoming>,
}

struct Incoming {
    file: File,
    part: PathBuf,
    name: String,
    sha256: [u8; 32],
}

impl Worker {
    fn run(mut self, jobs: &Receiver<Job>, news: &NewsSender) {
        while let Ok(job) = jobs.recv() {
            if let Some(answer) = self.job(job)
                && !news.send_patiently(News::File(answer))
            {
                return;
            }
        }
    }

    fn job(&mut self, job: Job) -> Option<FileNews> {
        Some(match job {
            Job::Prepare { id, path } => {
                FileNews::Prepared { id, prepared: self.prepare(id, &path).map_err(|e| reading(&e)) }
            }
            Job::Read { to, id, offset, length } => {
                FileNews::Read { to, id, offset, data: self.read(id, offset, length).map_err(|e| reading(&e)) }
            }
            Job::Open { from, id, name, size, sha256 } => {
                let have = self.open((from, id), name, size, sha256).map_err(|e| self.writing(&e));
                FileNews::Opened { from, id, have }
            }
            Job::Write { from, id, offset, data } => {
                let written = self.write((from, id), offset, &data).map_err(|e| self.writing(&e));
                FileNews::Written { from, id, offset: written }
            }
            Job::Check { from, id } => FileNews::Checked { from, id, kept: self.check((from, id)) },
            Job::Close { from, id } => {
                self.incoming.remove(&(from, id));
                return None;
            }
        })
    }

    fn prepare(&mut self, id: FileId, path: &Path) -> io::Result<(String, u64, [u8; 32])> {
        let mut file = File::open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"));
        }
        let (size, sha256) = hash(&mut file)?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        self.outgoing.insert(id, file);
        Ok((name, size, sha256))
    }

    fn read(&mut self, id: FileId, offset: u64, length: usize) -> io::Result<Bytes> {
        let file = self.outgoing.get_mut(&id).ok_or(io::ErrorKind::NotFound)?;
        let mut piece = vec![0; length];
        file.seek(SeekFrom::Start(offset))?;
        file.read_exact(&mut piece)?;
        Ok(piece.into())
    }

    fn open(&mut self, key: (PeerId, FileId), name: String, size: u64, sha256: [u8; 32]) -> io::Result<u64> {
        fs::create_dir_all(&self.downloads)?;
        let start = HEXLOWER.encode(sha256.first_chunk::<4>().map_or(&[][..], |start| start));
        let part = self.downloads.join(format!("{name}.{start}.part"));
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&part)?;
        let mut have = file.metadata()?.len();
        if have > size {
            file.set_len(0)?;
            have = 0;
        }
        self.incoming.insert(key, Incoming { file, part, name, sha256 });
        Ok(have)
    }

    fn write(&mut self, key: (PeerId, FileId), offset: u64, data: &[u8]) -> io::Result<u64> {
        let incoming = self.incoming.get_mut(&key).ok_or(io::ErrorKind::NotFound)?;
        incoming.file.seek(SeekFrom::Start(offset))?;
        incoming.file.write_all(data)?;
        Ok(offset + data.len() as u64)
    }

    fn check(&mut self, key: (PeerId, FileId)) -> Result<PathBuf, String> {
        let mut incoming = self.incoming.remove(&key).ok_or("The file was given up before it was whole.")?;
        let hashed = incoming.file.sync_all().and_then(|()| hash(&mut incoming.file));
        let (_, sha256) = hashed.map_err(|error| self.writing(&error))?;
        if sha256 != incoming.sha256 {
            // Kept under no name: it would be mistaken for the beginning of the right one.
            if let Err(error) = fs::remove_file(&incoming.part) {
                tracing::warn!(%error, "a damaged file stays where it is");
            }
            return Err("It did not arrive as it was sent; ask for it again.".to_owned());
        }
        give_name(&incoming.part, &self.downloads, &incoming.name).map_err(|error| self.writing(&error))
    }

    fn writing(&self, error: &io::Error) -> String {
        format!(
            "It cannot be written to {}: {error}. Make room there, then ask for it again.",
            self.downloads.display()
        )
    }
}

fn reading(error: &io::Error) -> String {
    format!("The file cannot be read: {error}.")
}

fn hash(file: &mut File) -> io::Result<(u64, [u8; 32])> {
    file.seek(SeekFrom::Start(0))?;
    let mut context = digest::Context::new(&digest::SHA256);
    let mut piece = vec![0; HASH_PIECE];
    let mut size = 0;
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            break;
        }
        context.update(&piece[..read]);
        size += read as u64;
    }
    let mut sha256 = [0; 32];
    sha256.copy_from_slice(context.finish().as_ref());
    Ok((size, sha256))
}

/// A link cannot be made over a file that exists, a rename would replace it.
fn give_name(part: &Path, folder: &Path, name: &str) -> io::Result<PathBuf> {
    let (stem, ending) = match name.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() => (stem, format!(".{ending}")),
        _ => (name, String::new()),
    };
    for number in 1..=SAME_NAMES {
        let path = folder.join(if number == 1 { name.to_owned() } else { format!("{stem} ({number}){ending}") });
        match fs::hard_link(part, &path) {
            Ok(()) => {
                fs::remove_file(part)?;
                return Ok(path);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            // A file system without links.
            Err(_) if !path.exists() => {
                fs::rename(part, &path)?;
                return Ok(path);
            }
            Err(_) => {}
        }
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, "too many files of this name are there"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worker(downloads: &Path) -> Worker {
        Worker { downloads: downloads.to_owned(), outgoing: HashMap::new(), incoming: HashMap::new() }
    }

    #[test]
    fn a_file_goes_through_in_pieces_after_a_cut_and_beside_one_of_its_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let source = folder.path().join("notes.txt");
        let content: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8).collect();
        fs::write(&source, &content).expect("written");
        let downloads = folder.path().join("in");
        fs::create_dir(&downloads).expect("made");
        fs::write(downloads.join("notes.txt"), b"mine").expect("written");
        let (mut sender, mut receiver) = (worker(folder.path()), worker(&downloads));
        let (id, key) = (FileId(1), (PeerId([1; 32]), FileId(1)));
        let (name, size, sha256) = sender.prepare(id, &source).expect("readable");
        assert_eq!((name.as_str(), size), ("notes.txt", 200_000));
        assert_eq!(receiver.open(key, name.clone(), size, sha256).expect("opens"), 0);
        let piece = sender.read(id, 0, 90_000).expect("read");
        assert_eq!(receiver.write(key, 0, &piece).expect("written"), 90_000);
        // The program ends and starts anew.
        let mut receiver = worker(&downloads);
        assert_eq!(receiver.open(key, name, size, sha256).expect("opens"), 90_000);
        let rest = sender.read(id, 90_000, 110_000).expect("read");
        receiver.write(key, 90_000, &rest).expect("written");
        let kept = receiver.check(key).expect("as announced");
        assert_eq!(kept, downloads.join("notes (2).txt"));
        assert_eq!(fs::read(kept).expect("there"), content);
        assert_eq!(fs::read(downloads.join("notes.txt")).expect("there"), b"mine");
        assert_eq!(fs::read_dir(&downloads).expect("there").count(), 2, "no part is left");
    }

    #[test]
    fn another_content_than_announced_gets_no_name() {
        let downloads = tempfile::tempdir().expect("a folder");
        let mut receiver = worker(downloads.path());
        let key = (PeerId([1; 32]), FileId(7));
        receiver.open(key, "x.bin".to_owned(), 3, [9; 32]).expect("opens");
        receiver.write(key, 0, b"abc").expect("written");
        assert!(receiver.check(key).is_err());
        assert_eq!(fs::read_dir(downloads.path()).expect("there").count(), 0);
    }

    #[test]
    fn a_folder_or_a_missing_file_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut sender = worker(folder.path());
        assert!(sender.prepare(FileId(1), folder.path()).is_err());
        assert!(sender.prepare(FileId(1), &folder.path().join("none")).is_err());
        assert!(sender.read(FileId(1), 0, 1).is_err());
    }
}
