//! `pictures_out`: every shown picture into Y4M files, a line about each into a CSV. On a thread of its own behind a bounded
//! queue, so that a slow disk costs pictures in the file and never delays one on the screen. Used by the receiver.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};

use super::{Codec, VideoError};
use crate::limits;
use crate::picture::Picture;

struct Shown {
    picture: Picture,
    unix_us: u64,
    codec: Codec,
}

/// The way to the writing thread.
pub(crate) struct Recorder {
    send: Option<SyncSender<Shown>>,
    thread: Option<JoinHandle<()>>,
    left_out: u64,
}

impl Recorder {
    pub(crate) fn start(folder: &Path, name: &str) -> Result<Self, VideoError> {
        let stem = sanitised(name);
        let csv = folder.join(format!("{stem}.csv"));
        let opened = fs::create_dir_all(folder).and_then(|()| {
            let mut file = File::create(&csv)?;
            file.write_all(b"file,index,shown_unix_us,width,height,codec\n")?;
            Ok(file)
        });
        let list = opened.map_err(|source| VideoError::Write { path: csv.display().to_string(), source })?;
        let (send, receive) = sync_channel(limits::MAX_PICTURES_TO_WRITE);
        let mut writer = Writer { folder: folder.to_owned(), stem, list, files: 0, current: None };
        let thread = thread::Builder::new().name("video-record".to_owned());
        let thread = thread.spawn(move || writer.run(&receive)).map_err(VideoError::Thread)?;
        Ok(Self { send: Some(send), thread: Some(thread), left_out: 0 })
    }

    /// Hands a shown picture over; false: the disk does not take any more.
    pub(crate) fn shown(&mut self, picture: &Picture, unix_us: u64, codec: Codec) -> bool {
        let Some(send) = &self.send else { return true };
        match send.try_send(Shown { picture: picture.clone(), unix_us, codec }) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                self.left_out += 1;
                tracing::debug!(left_out = self.left_out, "the disk is slower than the pictures");
                true
            }
            Err(TrySendError::Disconnected(_)) => {
                self.send = None;
                false
            }
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.send = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that writes pictures had ended in a panic");
        }
    }
}

struct Writer {
    folder: PathBuf,
    stem: String,
    list: File,
    files: u32,
    current: Option<Y4mFile>,
}

struct Y4mFile {
    name: String,
    size: (u32, u32),
    index: u64,
    out: BufWriter<File>,
}

impl Writer {
    fn run(&mut self, receive: &Receiver<Shown>) {
        for shown in receive {
            if let Err(error) = self.write(&shown) {
                tracing::warn!(%error, folder = %self.folder.display(), "shown pictures cannot be written");
                return;
            }
        }
        if let Some(file) = &mut self.current
            && let Err(error) = file.out.flush()
        {
            tracing::warn!(%error, folder = %self.folder.display(), "the last pictures are not in the file");
        }
    }

    fn write(&mut self, shown: &Shown) -> io::Result<()> {
        let picture = &shown.picture;
        let size = (picture.width, picture.height);
        if self.current.as_ref().is_none_or(|file| file.size != size) {
            if let Some(mut last) = self.current.take() {
                last.out.flush()?;
            }
            self.files += 1;
            let number = if self.files == 1 { String::new() } else { format!(".{}", self.files) };
            let name = format!("{}{number}.y4m", self.stem);
            let mut out = BufWriter::new(File::create(self.folder.join(&name))?);
            writeln!(out, "YUV4MPEG2 W{} H{} F30:1 Ip A1:1 C420jpeg", size.0, size.1)?;
            self.current = Some(Y4mFile { name, size, index: 0, out });
        }
        let Some(file) = &mut self.current else { return Ok(()) };
        file.out.write_all(b"FRAME\n")?;
        file.out.write_all(&picture.data)?;
        let codec = match shown.codec {
            Codec::Av1 => "av1",
            Codec::H264 => "h264",
        };
        let (name, index) = (&file.name, file.index);
        let line = format!("{name},{index},{},{},{},{codec}\n", shown.unix_us, size.0, size.1);
        file.index += 1;
        self.list.write_all(line.as_bytes())
    }
}

/// A person's name as a file name: letters, digits, - and _ stay, all else becomes _. Never empty, never hidden.
fn sanitised(name: &str) -> String {
    let clean = |c: char| if c.is_alphanumeric() || c == '-' || c == '_' { c } else { '_' };
    let name: String = name.chars().take(60).map(clean).collect();
    if name.is_empty() { "unnamed".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u32, height: u32, value: u8) -> Picture {
        let data = vec![value; crate::picture::i420_len(width, height)].into();
        Picture { width, height, data, captured_us: 0 }
    }

    #[test]
    fn a_new_size_begins_a_new_file_and_the_list_knows_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut recorder = Recorder::start(folder.path(), "../Ann B").expect("writable");
        assert!(recorder.shown(&picture(16, 16, 1), 100, Codec::Av1));
        assert!(recorder.shown(&picture(16, 16, 2), 200, Codec::Av1));
        assert!(recorder.shown(&picture(32, 16, 3), 300, Codec::H264));
        drop(recorder);
        let list = fs::read_to_string(folder.path().join("___Ann_B.csv")).expect("a list");
        assert_eq!(
            list.lines().collect::<Vec<_>>(),
            [
                "file,index,shown_unix_us,width,height,codec",
                "___Ann_B.y4m,0,100,16,16,av1",
                "___Ann_B.y4m,1,200,16,16,av1",
                "___Ann_B.2.y4m,0,300,32,16,h264",
            ]
        );
        let first = fs::read(folder.path().join("___Ann_B.y4m")).expect("a file");
        assert_eq!(first.len(), first.iter().position(|byte| *byte == b'\n').expect("a header") + 1 + 2 * (6 + 384));
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_told() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        assert!(matches!(Recorder::start(file.path(), "x"), Err(VideoError::Write { .. })));
    }
}
