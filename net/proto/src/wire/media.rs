//! The bodies that carry sound and pictures. RTP's meanings in a compact form of our own: everything is sealed, so
//! RTP's bytes would buy nothing. Payloads are borrowed; whoever keeps one copies it once.

use crate::frames::{SpatialLayer, VideoCodec};
use crate::limits;

use super::{Malformed, Reader, put_varint, varint_len};

/// One Opus packet with what the jitter buffer needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Audio<'a> {
    /// Counts frames.
    pub sequence: u32,
    /// First sample, 48 kHz.
    pub position: u64,
    /// 0 silent .. 127 full scale.
    pub level: u8,
    /// The Opus packet.
    pub payload: &'a [u8],
}

impl<'a> Audio<'a> {
    /// Bytes of the body.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        varint_len(self.sequence as u64) + varint_len(self.position) + 1 + self.payload.len()
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, u64::from(self.sequence));
        put_varint(out, self.position);
        out.push(self.level);
        out.extend_from_slice(self.payload);
    }

    pub(super) fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        Ok(Self {
            sequence: reader.varint_u32()?,
            position: reader.varint()?,
            level: reader.u8()?,
            payload: reader.take_rest(),
        })
    }
}

/// A piece of a coded picture. All pieces of a frame but the last are `unit` bytes long, so the index alone says where
/// a piece belongs, and each piece says everything about its frame, so the first to arrive may be any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VideoFragment<'a> {
    /// Rung of the ladder.
    pub layer: SpatialLayer,
    /// Temporal layer, 0 to 3.
    pub temporal: u8,
    /// How the payload is coded.
    pub codec: VideoCodec,
    /// It is sent again after a request.
    pub retransmitted: bool,
    /// Parity pieces of its picture follow: no need to hurry with requests.
    pub repaired: bool,
    /// Frame number within the layer.
    pub number: u32,
    /// As in `VideoFrame`.
    pub needs_back: u8,
    /// As in `VideoFrame`.
    pub captured_us: u64,
    /// Pixels.
    pub width: u16,
    /// Pixels.
    pub height: u16,
    /// Which piece.
    pub index: u16,
    /// Bytes of every piece but the last.
    pub unit: u16,
    /// Bytes of the whole frame.
    pub total: u32,
    /// The piece.
    pub payload: &'a [u8],
}

impl<'a> VideoFragment<'a> {
    /// How many pieces a frame of `total` bytes has.
    #[must_use]
    pub const fn count(&self) -> usize {
        (self.total as usize).div_ceil(self.unit as usize)
    }

    /// Where the piece begins in its frame.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.index as usize * self.unit as usize
    }

    /// Bytes of the body.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        2 + varint_len(self.number as u64)
            + varint_len(self.captured_us)
            + varint_len(self.width as u64)
            + varint_len(self.height as u64)
            + varint_len(self.index as u64)
            + varint_len(self.unit as u64)
            + varint_len(self.total as u64)
            + self.payload.len()
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let layer = layer_code(self.layer);
        let codec = match self.codec {
            VideoCodec::Av1 => 0,
            VideoCodec::H264 => 1,
        };
        out.push(
            layer
                | self.temporal.min(3) << 2
                | codec << 4
                | u8::from(self.repaired) << 6
                | u8::from(self.retransmitted) << 7,
        );
        out.push(self.needs_back);
        for number in [
            u64::from(self.number),
            self.captured_us,
            u64::from(self.width),
            u64::from(self.height),
            u64::from(self.index),
            u64::from(self.unit),
            u64::from(self.total),
        ] {
            put_varint(out, number);
        }
        out.extend_from_slice(self.payload);
    }

    pub(super) fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let fragment = Self::parse_head(body)?;
        fragment.check()?;
        Ok(fragment)
    }

    /// A parity piece: afterwards its picture is within bounds and repairable, its row too, and it has `unit` bytes.
    pub(super) fn parse_parity(body: &'a [u8]) -> Result<Self, Malformed> {
        let parity = Self::parse_head(body)?;
        parity.check_picture()?;
        let repairable = parity.count() <= limits::VIDEO_REPAIRED_FRAGMENTS;
        if !repairable || parity.index >= u16::from(limits::VIDEO_PARITIES) {
            return Err(Malformed::OutOfRange);
        }
        parity.check_len(usize::from(parity.unit))?;
        Ok(parity)
    }

    fn parse_head(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let flags = reader.u8()?;
        let codec = match flags >> 4 & 0x3 {
            0 => VideoCodec::Av1,
            1 => VideoCodec::H264,
            _ => return Err(Malformed::UnknownCode),
        };
        Ok(Self {
            layer: parse_layer(flags & 0x3)?,
            temporal: flags >> 2 & 0x3,
            codec,
            retransmitted: flags & 0x80 != 0,
            repaired: flags & 0x40 != 0,
            needs_back: reader.u8()?,
            number: reader.varint_u32()?,
            captured_us: reader.varint()?,
            width: reader.varint_u16()?,
            height: reader.varint_u16()?,
            index: reader.varint_u16()?,
            unit: reader.varint_u16()?,
            total: reader.varint_u32()?,
            payload: reader.take_rest(),
        })
    }

    /// Afterwards `offset()..offset() + payload.len()` lies inside `total`, which is within bounds.
    fn check(&self) -> Result<(), Malformed> {
        self.check_picture()?;
        if usize::from(self.index) >= self.count() {
            return Err(Malformed::OutOfRange);
        }
        self.check_len((self.total as usize - self.offset()).min(usize::from(self.unit)))
    }

    fn check_picture(&self) -> Result<(), Malformed> {
        if self.unit == 0 || self.total == 0 || self.total as usize > limits::VIDEO_FRAME_BYTES {
            return Err(Malformed::OutOfRange);
        }
        if self.count() > limits::VIDEO_FRAGMENTS {
            return Err(Malformed::OutOfRange);
        }
        Ok(())
    }

    const fn check_len(&self, expected: usize) -> Result<(), Malformed> {
        match self.payload.len() {
            len if len < expected => Err(Malformed::Truncated),
            len if len > expected => Err(Malformed::Leftover),
            _ => Ok(()),
        }
    }
}

pub(super) const fn layer_code(layer: SpatialLayer) -> u8 {
    match layer {
        SpatialLayer::Small => 0,
        SpatialLayer::Medium => 1,
        SpatialLayer::Full => 2,
    }
}

pub(super) const fn parse_layer(code: u8) -> Result<SpatialLayer, Malformed> {
    match code {
        0 => Ok(SpatialLayer::Small),
        1 => Ok(SpatialLayer::Medium),
        2 => Ok(SpatialLayer::Full),
        _ => Err(Malformed::UnknownCode),
    }
}
