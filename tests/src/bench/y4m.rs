//! Y4M files, 4:2:0 and 8 bits: what the bench's camera plays and what the program writes as shown.
//!
//! Reading keeps one picture in memory at a time: a call's shown pictures are a gigabyte. Used by `scene` and `measure`.

use anyhow::{Context, Result, bail};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

const FRAME: &[u8] = b"FRAME\n";

/// Bytes of a 4:2:0 picture.
pub fn picture_bytes(width: usize, height: usize) -> usize {
    width * height + 2 * width.div_ceil(2) * height.div_ceil(2)
}

/// Writes the header of a file of 30 pictures a second.
pub fn write_header(out: &mut impl Write, width: usize, height: usize) -> Result<()> {
    Ok(writeln!(out, "YUV4MPEG2 W{width} H{height} F30:1 Ip A1:1 C420jpeg")?)
}

pub fn write_picture(out: &mut impl Write, picture: &[u8]) -> Result<()> {
    out.write_all(FRAME)?;
    Ok(out.write_all(picture)?)
}

/// A Y4M file opened for its pictures by number.
pub struct Pictures {
    file: BufReader<File>,
    header_bytes: u64,
    pub width: usize,
    pub height: usize,
}

impl Pictures {
    pub fn open(path: &Path) -> Result<Pictures> {
        let mut file = BufReader::new(File::open(path).with_context(|| path.display().to_string())?);
        let mut header = Vec::new();
        file.read_until(b'\n', &mut header)?;
        let header_bytes = header.len() as u64;
        let header = String::from_utf8_lossy(&header);
        if !header.starts_with("YUV4MPEG2") {
            bail!("{} is not a Y4M file", path.display());
        }
        let side = |letter: char| {
            let word = header.split_whitespace().skip(1).find(|word| word.starts_with(letter));
            word.and_then(|word| word[1..].parse::<usize>().ok())
        };
        let (Some(width), Some(height)) = (side('W'), side('H')) else { bail!("{} has no size", path.display()) };
        Ok(Pictures { file, header_bytes, width, height })
    }

    /// The luma of picture `index`. None: the file ends before it.
    pub fn luma(&mut self, index: usize) -> Result<Option<Vec<u8>>> {
        let stride = (FRAME.len() + picture_bytes(self.width, self.height)) as u64;
        self.file.seek(SeekFrom::Start(self.header_bytes + index as u64 * stride))?;
        let mut mark = [0; FRAME.len()];
        let mut luma = vec![0; self.width * self.height];
        match self.file.read_exact(&mut mark).and_then(|()| self.file.read_exact(&mut luma)) {
            Ok(()) if mark == FRAME => Ok(Some(luma)),
            Ok(()) => bail!("picture {index} does not start where it should"),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_come_back_by_their_number() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.y4m");
        let mut file = File::create(&path).expect("a file");
        write_header(&mut file, 6, 4).expect("header");
        for number in 0..3_u8 {
            write_picture(&mut file, &vec![number; picture_bytes(6, 4)]).expect("picture");
        }
        drop(file);
        let mut pictures = Pictures::open(&path).expect("a good file");
        assert_eq!((pictures.width, pictures.height), (6, 4));
        assert_eq!(pictures.luma(2).expect("readable"), Some(vec![2; 24]));
        assert_eq!(pictures.luma(0).expect("readable"), Some(vec![0; 24]));
        assert_eq!(pictures.luma(3).expect("readable"), None);
    }
}
