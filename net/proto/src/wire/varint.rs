//! Writing numbers as QUIC does (RFC 9000, section 16): one, two, four or eight bytes, the two top bits telling which.
//! Reading them is the [`Reader`](super::Reader)'s job.

/// The largest number that fits: 2^62 - 1.
pub const MAX_VARINT: u64 = (1 << 62) - 1;

/// How many bytes `value` takes.
#[must_use]
pub const fn varint_len(value: u64) -> usize {
    match value {
        0..=0x3f => 1,
        0x40..=0x3fff => 2,
        0x4000..=0x3fff_ffff => 4,
        _ => 8,
    }
}

/// Appends `value`; one beyond [`MAX_VARINT`] is written as that.
pub fn put_varint(out: &mut Vec<u8>, value: u64) {
    match value {
        0..=0x3f => out.push(value.to_be_bytes()[7]),
        0x40..=0x3fff => {
            let [.., a, b] = value.to_be_bytes();
            out.extend_from_slice(&[a | 0x40, b]);
        }
        0x4000..=0x3fff_ffff => {
            let [.., a, b, c, d] = value.to_be_bytes();
            out.extend_from_slice(&[a | 0x80, b, c, d]);
        }
        _ => {
            let mut bytes = value.min(MAX_VARINT).to_be_bytes();
            bytes[0] |= 0xc0;
            out.extend_from_slice(&bytes);
        }
    }
}
