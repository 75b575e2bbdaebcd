//! The few header fields that are read before a decoder sees a remote's frame: is it of our kind (8 bits, 4:2:0) and of a
//! size that we take? Pure, bounded, never panics. AV1 section 5.3-5.5, H.264 section 7.3.2.1.

use crate::limits;

/// What a temporal unit's sequence headers say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Av1Kind {
    /// No sequence header, or 8 bits, 4:2:0, within the size limit.
    Ours,
    /// Anything else.
    Foreign,
}

const OBU_SEQUENCE_HEADER: u8 = 1;

/// Walks the OBUs; `None`: the OBU lengths do not add up.
pub(crate) fn av1_kind(mut unit: &[u8]) -> Option<Av1Kind> {
    while let Some((&header, rest)) = unit.split_first() {
        if header & 0x80 != 0 {
            return None;
        }
        let has_extension = header & 0x04 != 0;
        let has_size = header & 0x02 != 0;
        let rest = rest.get(usize::from(has_extension)..)?;
        let (length, rest) = if has_size { leb128(rest)? } else { (rest.len(), rest) };
        let body = rest.get(..length)?;
        unit = rest.get(length..)?;
        if (header >> 3) & 0x0f == OBU_SEQUENCE_HEADER && !sequence_is_ours(body)? {
            return Some(Av1Kind::Foreign);
        }
    }
    Some(Av1Kind::Ours)
}

fn leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0_u64;
    for (index, byte) in bytes.iter().take(8).enumerate() {
        value |= u64::from(byte & 0x7f) << (index * 7);
        if byte & 0x80 == 0 {
            return Some((usize::try_from(value).ok()?, &bytes[index + 1..]));
        }
    }
    None
}

/// Profile 0 is 8 or 10 bits 4:2:0 or monochrome; the decoder's output is checked for the rest.
fn sequence_is_ours(body: &[u8]) -> Option<bool> {
    let mut bits = Bits::new(body);
    let profile = bits.take(3)?;
    bits.take(1)?; // still_picture
    let reduced = bits.take(1)? == 1;
    if reduced {
        bits.take(5)?;
    } else {
        // Ours never carry timing information; who does is no camera of ours.
        if bits.take(1)? == 1 {
            return Some(false);
        }
        let display_delay = bits.take(1)? == 1;
        let operating_points = bits.take(5)? + 1;
        for _ in 0..operating_points {
            bits.take(12)?;
            if bits.take(5)? > 7 {
                bits.take(1)?;
            }
            if display_delay && bits.take(1)? == 1 {
                bits.take(4)?;
            }
        }
    }
    let width_bits = bits.take(4)? + 1;
    let height_bits = bits.take(4)? + 1;
    let width = bits.take(width_bits)? + 1;
    let height = bits.take(height_bits)? + 1;
    Some(profile == 0 && width <= limits::MAX_PICTURE_WIDTH && height <= limits::MAX_PICTURE_HEIGHT)
}

/// The size in an H.264 stream's parameter sets, all of which must be within the limit; `None`: there is none.
#[cfg_attr(not(feature = "h264"), expect(dead_code, reason = "H.264 only"))]
pub(crate) fn h264_size_is_taken(stream: &[u8]) -> Option<bool> {
    let mut found = None;
    for unit in nal_units(stream) {
        let Some((&header, body)) = unit.split_first() else { continue };
        // 7: sequence parameter set, 15: subset of one (scalable coding), which no sender of ours writes.
        match header & 0x1f {
            7 => {
                if !sps_is_taken(body).unwrap_or(false) {
                    return Some(false);
                }
                found = Some(true);
            }
            15 => return Some(false),
            _ => {}
        }
    }
    found
}

/// The bytes between start codes.
fn nal_units(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    let starts: Vec<usize> =
        stream.windows(3).enumerate().filter(|(_, three)| *three == [0, 0, 1]).map(|(at, _)| at + 3).collect();
    let ends: Vec<usize> = starts.iter().skip(1).map(|next| next - 3).chain([stream.len()]).collect();
    starts.into_iter().zip(ends).filter_map(|(start, end)| stream.get(start..end))
}

fn sps_is_taken(body: &[u8]) -> Option<bool> {
    // Emulation prevention: 00 00 03 stands for 00 00. A parameter set is short; more is not looked at.
    let mut clean = Vec::new();
    let mut zeros = 0;
    for &byte in body.iter().take(256) {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        clean.push(byte);
    }
    let mut bits = Bits::new(&clean);
    let profile = bits.take(8)?;
    bits.take(16)?;
    bits.golomb()?;
    if matches!(profile, 100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135) {
        let chroma = bits.golomb()?;
        let luma_depth = bits.golomb()?;
        let chroma_depth = bits.golomb()?;
        bits.take(1)?;
        let scaling = bits.take(1)? == 1;
        if chroma != 1 || luma_depth != 0 || chroma_depth != 0 || scaling {
            return Some(false);
        }
    }
    bits.golomb()?; // log2_max_frame_num
    match bits.golomb()? {
        0 => {
            bits.golomb()?;
        }
        1 => return Some(false),
        _ => {}
    }
    let references = bits.golomb()?;
    bits.take(1)?;
    let width = bits.golomb()?.checked_add(1)?.checked_mul(16)?;
    let height = bits.golomb()?.checked_add(1)?.checked_mul(16)?;
    let frames_only = bits.take(1)? == 1;
    Some(frames_only && references <= 4 && width <= limits::MAX_PICTURE_WIDTH && height <= limits::MAX_PICTURE_HEIGHT)
}

/// Reads bits, most significant first.
struct Bits<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Bits<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// At most 32 bits.
    fn take(&mut self, count: u32) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.position / 8)?;
            value = (value << 1) | u32::from((byte >> (7 - self.position % 8)) & 1);
            self.position += 1;
        }
        Some(value)
    }

    /// Unsigned Exp-Golomb.
    fn golomb(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while self.take(1)? == 0 {
            zeros += 1;
            if zeros > 20 {
                return None;
            }
        }
        Some((1 << zeros) - 1 + self.take(zeros)?)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_gigantic_av1_sequence_is_foreign() {
        // Profile, still picture, reduced, timing, display delay, operating points, idc, level 8, tier, 16 bits each.
        let fields = ["000", "0", "0", "0", "0", "00000", "000000000000", "01000", "0", "11111111"];
        let mut bits = fields.concat() + &"1".repeat(32);
        let mut unit = vec![OBU_SEQUENCE_HEADER << 3 | 2, 0];
        while !bits.len().is_multiple_of(8) {
            bits.push('0');
        }
        for chunk in bits.as_bytes().chunks(8) {
            unit.push(chunk.iter().fold(0, |byte, bit| byte << 1 | (bit - b'0')));
        }
        unit[1] = u8::try_from(unit.len() - 2).expect("short");
        assert_eq!(av1_kind(&unit), Some(Av1Kind::Foreign));
    }

    #[test]
    fn a_cut_obu_is_told() {
        assert_eq!(av1_kind(&[0x0a, 200, 1, 2, 3]), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _kind = av1_kind(&bytes);
            let mut stream = vec![0, 0, 1, 0x67];
            stream.extend_from_slice(&bytes);
            prop_assert!(h264_size_is_taken(&stream).is_some());
        }
    }
}
