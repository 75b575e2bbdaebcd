//! Files that stand in for devices, and what was written in a call.

use std::fs;
use std::io::Write as _;
use std::path::Path;

/// A camera: two seconds of 320x180 at 15 f/s, a bright square that wanders over a slope of grey.
pub(crate) fn write_y4m(path: &Path) {
    let mut file = std::io::BufWriter::new(fs::File::create(path).expect("a file"));
    file.write_all(b"YUV4MPEG2 W320 H180 F15:1 Ip A1:1 C420jpeg\n").expect("written");
    for frame in 0..30_usize {
        file.write_all(b"FRAME\n").expect("written");
        let luma: Vec<u8> = (0..180 * 320)
            .map(|at| {
                let (row, column) = (at / 320, at % 320);
                let in_square = (60..120).contains(&row) && (frame * 8..frame * 8 + 60).contains(&column);
                if in_square { 220 } else { 40 + u8::try_from(column / 4).unwrap_or(0) }
            })
            .collect();
        file.write_all(&luma).expect("written");
        file.write_all(&vec![128; 160 * 90 * 2]).expect("written");
    }
    file.flush().expect("written");
}

/// A microphone: two seconds of a voice-like buzz in syllables.
pub(crate) fn write_wav(path: &Path) {
    const RATE: u32 = 48_000;
    let data_bytes = RATE * 2 * 2;
    let mut bytes = Vec::new();
    bytes.extend_from_slice(b"RIFF");
    bytes.extend_from_slice(&(36 + data_bytes).to_le_bytes());
    bytes.extend_from_slice(b"WAVEfmt ");
    bytes.extend_from_slice(&16_u32.to_le_bytes());
    bytes.extend_from_slice(&1_u16.to_le_bytes());
    bytes.extend_from_slice(&1_u16.to_le_bytes());
    bytes.extend_from_slice(&RATE.to_le_bytes());
    bytes.extend_from_slice(&(RATE * 2).to_le_bytes());
    bytes.extend_from_slice(&2_u16.to_le_bytes());
    bytes.extend_from_slice(&16_u16.to_le_bytes());
    bytes.extend_from_slice(b"data");
    bytes.extend_from_slice(&data_bytes.to_le_bytes());
    for at in 0..RATE * 2 {
        let time = f64::from(at) / f64::from(RATE);
        let buzz: f64 =
            (1..12).map(|n| (f64::from(n) * 140.0 * std::f64::consts::TAU * time).sin() / f64::from(n)).sum();
        let syllable = (4.0 * std::f64::consts::PI * time).sin().max(0.0);
        let sample = (buzz * syllable * 7000.0).clamp(-32_000.0, 32_000.0) as i16;
        bytes.extend_from_slice(&sample.to_le_bytes());
    }
    fs::write(path, bytes).expect("written");
}

/// Loudest hundredth of a second of a 16-bit or float WAV file, 0.0 .. 1.0.
pub(crate) fn loudness(path: &Path) -> f64 {
    let bytes = fs::read(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    let data = bytes.windows(4).position(|four| four == b"data").expect("a WAV file") + 8;
    let format = u16::from_le_bytes([bytes[20], bytes[21]]);
    let bits = u16::from_le_bytes([bytes[34], bytes[35]]);
    let samples: Vec<f64> = if bits == 16 {
        bytes[data..].chunks_exact(2).map(|two| f64::from(i16::from_le_bytes([two[0], two[1]])) / 32_768.0).collect()
    } else {
        assert_eq!((format, bits), (3, 32), "an unexpected WAV format");
        bytes[data..]
            .chunks_exact(4)
            .map(|four| f64::from(f32::from_le_bytes([four[0], four[1], four[2], four[3]])))
            .collect()
    };
    samples
        .chunks(480)
        .map(|piece| (piece.iter().map(|sample| sample * sample).sum::<f64>() / piece.len() as f64).sqrt())
        .fold(0.0, f64::max)
}

/// Number of pictures in a Y4M file, and the range of luma in the last whole one: a flat picture has no content.
pub(crate) fn pictures(path: &Path) -> (usize, u8) {
    let bytes = fs::read(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    let end = bytes.iter().position(|byte| *byte == b'\n').expect("a Y4M file");
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let number = |letter: char| -> usize {
        let field = head.split(' ').find(|field| field.starts_with(letter)).expect("a size");
        field[1..].parse().expect("a number")
    };
    let luma = number('W') * number('H');
    let frame = luma * 3 / 2 + 6;
    let count = (bytes.len() - end - 1) / frame;
    assert!(count > 0, "no picture in {}", path.display());
    let start = end + 1 + (count - 1) * frame + 6;
    let last = &bytes[start..start + luma];
    (count, last.iter().max().unwrap_or(&0) - last.iter().min().unwrap_or(&0))
}
