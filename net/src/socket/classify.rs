//! Tells QUIC from Conclave's own datagrams by the first byte (DESIGN: RFC 9443 style demultiplexing). What is neither is
//! dropped without an answer, so that a scanner finds nothing here.

/// Whom a datagram is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// libp2p's QUIC.
    Quic,
    /// The core's.
    Ours,
    /// Nobody's.
    Unknown,
}

const QUIC_BIT: u8 = 0x40;
const LONG_HEADER: u8 = 0x80;
const QUIC_V1: [u8; 4] = [0, 0, 0, 1];

pub(super) fn classify(datagram: &[u8]) -> Class {
    match datagram {
        // A long header of another version would make QUIC answer with the versions it speaks.
        [first, version @ ..] if first & QUIC_BIT != 0 && first & LONG_HEADER != 0 => {
            if version.first_chunk() == Some(&QUIC_V1) { Class::Quic } else { Class::Unknown }
        }
        [first, ..] if first & QUIC_BIT != 0 => Class::Quic,
        [0x20..=0x2f, ..] => Class::Ours,
        _ => Class::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_first_byte_has_one_owner() {
        for first in 0..=u8::MAX {
            let long = [first, 0, 0, 0, 1, 0];
            let expected = match first {
                _ if first & 0x40 != 0 => Class::Quic,
                0x20..=0x2f => Class::Ours,
                _ => Class::Unknown,
            };
            assert_eq!(classify(&long), expected, "{first:#x}");
        }
        assert_eq!(classify(&[]), Class::Unknown);
    }

    #[test]
    fn other_quic_versions_are_nobodys() {
        assert_eq!(classify(&[0xc0, 0, 0, 0, 2, 0]), Class::Unknown);
        assert_eq!(classify(&[0xc0, 0xba, 0xba, 0xba, 0xba]), Class::Unknown);
        assert_eq!(classify(&[0xc0, 0, 0]), Class::Unknown);
        assert_eq!(classify(&[0x40]), Class::Quic);
    }
}
