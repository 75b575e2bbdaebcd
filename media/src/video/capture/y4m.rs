//! Y4M files: the header, and one picture after another as I420 from any reader. Never panics on any bytes; sizes are
//! bounded before a buffer is made. Used by the file camera.

use std::io::{self, BufRead, Read as _, Seek, SeekFrom};

use crate::limits;

/// What the header line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Y4mHeader {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Frames per second as a fraction.
    pub(crate) rate: (u32, u32),
    chroma: Chroma,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chroma {
    C420,
    C422,
    C444,
    Mono,
}

/// Why a file is no use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Y4mError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("it is not a Y4M file")]
    NotY4m,
    #[error("its header is damaged")]
    Header,
    #[error("its colour format {0} is not known; 8-bit C420, C422, C444 and Cmono are")]
    Colour(String),
    #[error("its pictures have {0}x{1} points; 16 to {max} each way can be used", max = limits::MAX_FILE_SIDE)]
    Size(u32, u32),
    #[error("its frame rate {0}:{1} is not between 1 and 240 a second")]
    Rate(u32, u32),
    #[error("it has no pictures")]
    Empty,
    #[error("it is damaged or ends in the middle of a picture")]
    Truncated,
}

impl Y4mHeader {
    /// Luma plus both chroma planes as they lie in the file.
    fn frame_len(&self) -> u64 {
        let luma = u64::from(self.width) * u64::from(self.height);
        let (w, h) = self.chroma_size();
        luma + 2 * u64::from(w) * u64::from(h)
    }

    fn chroma_size(&self) -> (u32, u32) {
        match self.chroma {
            Chroma::C420 => (self.width.div_ceil(2), self.height.div_ceil(2)),
            Chroma::C422 => (self.width.div_ceil(2), self.height),
            Chroma::C444 => (self.width, self.height),
            Chroma::Mono => (0, 0),
        }
    }

    /// The size of the pictures that come out: even.
    pub(crate) fn picture_size(&self) -> (u32, u32) {
        (self.width & !1, self.height & !1)
    }

    fn parse(line: &[u8]) -> Result<Self, Y4mError> {
        let line = std::str::from_utf8(line).map_err(|_| Y4mError::NotY4m)?;
        let mut words = line.split_ascii_whitespace();
        if words.next() != Some("YUV4MPEG2") {
            return Err(Y4mError::NotY4m);
        }
        let (mut width, mut height) = (0, 0);
        let (mut rate, mut chroma) = ((30, 1), Chroma::C420);
        for word in words {
            let Some(tag) = word.chars().next() else { continue };
            let value = &word[tag.len_utf8()..];
            match tag {
                'W' => width = value.parse().map_err(|_| Y4mError::Header)?,
                'H' => height = value.parse().map_err(|_| Y4mError::Header)?,
                'F' => {
                    let (n, d) = value.split_once(':').ok_or(Y4mError::Header)?;
                    rate = (n.parse().map_err(|_| Y4mError::Header)?, d.parse().map_err(|_| Y4mError::Header)?);
                }
                'C' => {
                    chroma = match value {
                        "420" | "420jpeg" | "420mpeg2" | "420paldv" => Chroma::C420,
                        "422" => Chroma::C422,
                        "444" => Chroma::C444,
                        "mono" => Chroma::Mono,
                        other => return Err(Y4mError::Colour(other.chars().take(20).collect())),
                    }
                }
                _ => {}
            }
        }
        let sides = limits::MIN_PICTURE_SIDE..=limits::MAX_FILE_SIDE;
        if !sides.contains(&width) || !sides.contains(&height) {
            return Err(Y4mError::Size(width, height));
        }
        if rate == (0, 0) {
            rate = (30, 1);
        }
        let (n, d) = (u64::from(rate.0), u64::from(rate.1));
        if d == 0 || n < d || n > 240 * d {
            return Err(Y4mError::Rate(rate.0, rate.1));
        }
        Ok(Self { width, height, rate, chroma })
    }
}

/// Reads pictures in a loop.
pub(crate) struct Y4mReader<R> {
    reader: R,
    pub(crate) header: Y4mHeader,
    first_frame: u64,
    /// The current pass has given a picture; a pass without one ends the loop.
    gave_picture: bool,
    line: Vec<u8>,
    plane: Vec<u8>,
}

impl<R: BufRead + Seek> Y4mReader<R> {
    /// Reads the header, and looks whether the file's length fits whole pictures.
    pub(crate) fn new(mut reader: R) -> Result<Self, Y4mError> {
        let mut line = Vec::new();
        read_line(&mut reader, &mut line)?.ok_or(Y4mError::NotY4m)?;
        let header = Y4mHeader::parse(&line)?;
        let first_frame = reader.stream_position()?;
        let length = reader.seek(SeekFrom::End(0))?.saturating_sub(first_frame);
        reader.seek(SeekFrom::Start(first_frame))?;
        if length == 0 {
            return Err(Y4mError::Empty);
        }
        if read_line(&mut reader, &mut line)?.is_none() || !line.starts_with(b"FRAME") {
            return Err(Y4mError::Truncated);
        }
        // Frames without parameters, as nearly every file has them, tell at once whether the file was cut.
        let frame = header.frame_len() + 6;
        if length < frame
            || (line == b"FRAME"
                && !length.is_multiple_of(frame)
                && all_plain(&mut reader, first_frame, frame, length)?)
        {
            return Err(Y4mError::Truncated);
        }
        reader.seek(SeekFrom::Start(first_frame))?;
        Ok(Self { reader, header, first_frame, gave_picture: false, line, plane: Vec::new() })
    }

    /// Reads the next picture into `out` (packed I420 of [`Y4mHeader::picture_size`]); after the last comes the first.
    pub(crate) fn read(&mut self, out: &mut [u8]) -> Result<(), Y4mError> {
        if read_line(&mut self.reader, &mut self.line)?.is_none() {
            if !self.gave_picture {
                return Err(Y4mError::Empty);
            }
            self.gave_picture = false;
            self.reader.seek(SeekFrom::Start(self.first_frame))?;
            read_line(&mut self.reader, &mut self.line)?.ok_or(Y4mError::Truncated)?;
        }
        if !self.line.starts_with(b"FRAME") {
            return Err(Y4mError::Truncated);
        }
        let (width, height) = self.header.picture_size();
        let (w, h) = (width as usize, height as usize);
        let (y, chroma) = out.split_at_mut(w * h);
        let (u, v) = chroma.split_at_mut(w * h / 4);
        self.plane((self.header.width as usize, self.header.height as usize), y, (w, h))?;
        if self.header.chroma == Chroma::Mono {
            u.fill(128);
            v.fill(128);
        } else {
            let (cw, ch) = self.header.chroma_size();
            self.plane((cw as usize, ch as usize), u, (w / 2, h / 2))?;
            self.plane((cw as usize, ch as usize), v, (w / 2, h / 2))?;
        }
        self.gave_picture = true;
        Ok(())
    }

    /// Reads one plane, cut or thinned to the size of `out`.
    fn plane(&mut self, from: (usize, usize), out: &mut [u8], to: (usize, usize)) -> Result<(), Y4mError> {
        if from == to {
            return exactly(&mut self.reader, out);
        }
        self.plane.resize(from.0 * from.1, 0);
        exactly(&mut self.reader, &mut self.plane)?;
        // An odd size loses its last line or column; 4:2:2 and 4:4:4 are thinned by the mean of what one sample covers.
        let (step_x, step_y) = (if from.0 >= to.0 * 2 { 2 } else { 1 }, if from.1 >= to.1 * 2 { 2 } else { 1 });
        for (row, line) in out.chunks_exact_mut(to.0).enumerate() {
            for (column, sample) in line.iter_mut().enumerate() {
                let mut sum = 0_usize;
                for y in 0..step_y {
                    for x in 0..step_x {
                        sum += usize::from(self.plane[(row * step_y + y) * from.0 + column * step_x + x]);
                    }
                }
                *sample = u8::try_from(sum / (step_x * step_y)).unwrap_or(u8::MAX);
            }
        }
        Ok(())
    }
}

/// Whether the frame after the first starts where it would if no frame had parameters, or is not there at all.
fn all_plain<R: BufRead + Seek>(reader: &mut R, first: u64, frame: u64, length: u64) -> Result<bool, Y4mError> {
    let last = first + length / frame * frame;
    let mut line = Vec::new();
    reader.seek(SeekFrom::Start(last))?;
    let found = read_line(reader, &mut line);
    Ok(match found {
        Ok(Some(())) => line.starts_with(b"FRAME") || b"FRAME".starts_with(line.as_slice()),
        Ok(None) | Err(_) => true,
    })
}

fn exactly<R: BufRead>(reader: &mut R, out: &mut [u8]) -> Result<(), Y4mError> {
    reader.read_exact(out).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => Y4mError::Truncated,
        _ => Y4mError::Io(error),
    })
}

/// A line without its end; `None` at the end of the file. Longer than the bound: an error.
fn read_line<R: BufRead>(reader: &mut R, line: &mut Vec<u8>) -> Result<Option<()>, Y4mError> {
    line.clear();
    let read = reader.by_ref().take(limits::MAX_Y4M_HEADER as u64).read_until(b'\n', line)?;
    if read == 0 {
        return Ok(None);
    }
    if line.pop() == Some(b'\n') { Ok(Some(())) } else { Err(Y4mError::NotY4m) }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;
    use crate::picture::i420_len;

    fn read_one(bytes: Vec<u8>) -> Result<Vec<u8>, Y4mError> {
        let mut reader = Y4mReader::new(Cursor::new(bytes))?;
        let (width, height) = reader.header.picture_size();
        let mut out = vec![0; i420_len(width, height)];
        reader.read(&mut out)?;
        Ok(out)
    }

    fn file(header: &str, frame_len: usize, frames: u8) -> Vec<u8> {
        let mut bytes = format!("YUV4MPEG2 {header}\n").into_bytes();
        for frame in 0..frames {
            bytes.extend_from_slice(b"FRAME\n");
            bytes.extend(std::iter::repeat_n(frame + 1, frame_len));
        }
        bytes
    }

    #[test]
    fn a_file_loops() {
        let mut reader = Y4mReader::new(Cursor::new(file("W16 H16 F25:1 C420jpeg", 384, 2))).expect("whole");
        assert_eq!(reader.header.rate, (25, 1));
        let mut seen = Vec::new();
        for _ in 0..5 {
            let mut out = vec![0; 384];
            reader.read(&mut out).expect("whole");
            assert!(out.iter().all(|sample| *sample == out[0]));
            seen.push(out[0]);
        }
        assert_eq!(seen, [1, 2, 1, 2, 1]);
    }

    #[test]
    fn every_colour_format_becomes_420() {
        for (name, frame_len) in [("C420", 17 * 17 + 2 * 81), ("C422", 17 * 17 + 2 * 9 * 17), ("C444", 3 * 289)] {
            let out = read_one(file(&format!("W17 H17 F30:1 {name}"), frame_len, 1)).expect(name);
            assert!(out.iter().all(|sample| *sample == 1), "{name}");
        }
        let mono = read_one(file("W16 H16 F30:1 Cmono", 256, 1)).expect("mono");
        assert_eq!((mono[0], mono[256]), (1, 128));
    }

    #[test]
    fn broken_files_are_told_apart() {
        let whole = file("W16 H16 F30:1", 384, 3);
        assert!(matches!(read_one(whole[..whole.len() - 10].to_vec()), Err(Y4mError::Truncated)));
        assert!(matches!(read_one(b"RIFF....WAVE\n".to_vec()), Err(Y4mError::NotY4m)));
        assert!(matches!(read_one(Vec::new()), Err(Y4mError::NotY4m)));
        assert!(matches!(read_one(file("W16 H16 F30:1", 384, 0)), Err(Y4mError::Empty)));
        assert!(matches!(read_one(file("W4000000000 H2 F30:1", 1, 1)), Err(Y4mError::Size(..))));
        assert!(matches!(read_one(file("W16 H16 F0:0 C420p10", 1, 1)), Err(Y4mError::Colour(_))));
        assert!(matches!(read_one(file("W16 H16 F1:0", 384, 1)), Err(Y4mError::Rate(1, 0))));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(header in "[WHFC0-9: ]{0,40}", tail in proptest::collection::vec(any::<u8>(), 0..600)) {
            let mut bytes = format!("YUV4MPEG2 {header}\nFRAME\n").into_bytes();
            bytes.extend(tail);
            if let Ok(picture) = read_one(bytes) {
                prop_assert!(picture.len() <= 600);
            }
        }
    }
}
