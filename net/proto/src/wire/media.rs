//! The bodies that carry sound and pictures. RTP's meanings in a compact form of our own: everything is sealed, so
//! RTP's bytes would buy nothing. Payloads are borrowed; whoever keeps one copies it once.

use crate::frames::{SpatialLayer, VideoCodec};
use crate::limits;

use super::{Malformed, Reader, put_varint, varint_len};

/// One Opus packet with what the jitter buffer needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioBlock<'a> {
    /// Counts frames.
    pub sequence: u32,
    /// First sample, 48 kHz.
    pub position: u64,
    /// 0 silent .. 127 full scale.
    pub level: u8,
    /// It was sent before and is sent again, in case it was lost.
    pub is_copy: bool,
    /// The Opus packet.
    pub payload: &'a [u8],
}

impl AudioBlock<'_> {
    /// Bytes that a block takes besides its payload, its number and its position, at most.
    pub const HEAD_LEN: usize = 1 + 2;
    /// Those of number and position, at most, behind another block that is less than 0.3 s newer.
    pub const PLACE_LEN: usize = 1 + 2;
}

/// Two earlier frames in one, by exclusive or: whoever has one of them gets the other (as FlexFEC does, RFC 8627). Both are
/// frames of [`limits::AUDIO_FRAME_SAMPLES`] that follow each other without a gap up to the newest of the datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioParity<'a> {
    /// How many frames each lies behind the newest, 1 to 15.
    pub back: [u8; 2],
    /// Of each frame its level, the length of its payload in two bytes, the payload; with zeros behind the shorter one.
    pub bytes: &'a [u8],
}

impl AudioParity<'_> {
    /// Bytes that a parity takes besides the longer payload.
    pub const HEAD_LEN: usize = 1 + Self::RECORD_HEAD_LEN;
    /// Of these, what stands before the payload of each frame.
    pub const RECORD_HEAD_LEN: usize = 1 + 2;
}

/// The sound of one datagram: some frames, newest first, perhaps the parity of two earlier ones, and zeros up to a size that
/// says nothing of what was spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Audio<'a> {
    blocks: &'a [u8],
}

/// Marks a copy, beside the level.
const COPY: u8 = 0x80;
/// Says that a parity follows the blocks, beside their count.
const PARITY: u8 = 0x80;

impl<'a> Audio<'a> {
    /// What `build` has written, for who cannot hold its result.
    pub(crate) const fn borrow(records: &'a [u8]) -> Self {
        Self { blocks: records }
    }

    /// Writes `blocks` and `parity` into `records` (cleared first), fills up with zeros to `len` bytes of body, and borrows it.
    /// At most [`limits::AUDIO_BLOCKS`] are taken, each older than the one before; the first that is not ends the list.
    pub fn build<'b>(
        blocks: impl Iterator<Item = AudioBlock<'b>>,
        parity: Option<AudioParity<'_>>,
        len: usize,
        records: &'a mut Vec<u8>,
    ) -> Self {
        records.clear();
        records.push(0);
        let (mut count, mut newer) = (0_u8, None);
        for block in blocks.take(limits::AUDIO_BLOCKS) {
            let (sequence, position) = match newer {
                None => (u64::from(block.sequence), block.position),
                Some((sequence, position)) => {
                    let back = u32::checked_sub(sequence, block.sequence).filter(|back| *back > 0);
                    let (Some(back), Some(samples)) = (back, u64::checked_sub(position, block.position)) else { break };
                    (u64::from(back), samples)
                }
            };
            put_varint(records, sequence);
            put_varint(records, position);
            records.push(block.level.min(!COPY) | if block.is_copy { COPY } else { 0 });
            put_varint(records, block.payload.len() as u64);
            records.extend_from_slice(block.payload);
            newer = Some((block.sequence, block.position));
            count += 1;
        }
        if let Some(AudioParity { back: [near, far], bytes }) = parity {
            count |= PARITY;
            records.push(near << 4 | far);
            records.extend_from_slice(bytes);
        }
        if let Some(slot) = records.first_mut() {
            *slot = count;
        }
        if records.len() < len {
            records.resize(len, 0);
        }
        Self { blocks: records }
    }

    /// Bytes of the body.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        self.blocks.len()
    }

    /// Newest first.
    pub fn blocks(&self) -> impl Iterator<Item = AudioBlock<'a>> + use<'a> {
        let mut reader = Reader::new(self.blocks);
        let count = reader.u8().unwrap_or(0) & !PARITY;
        let mut newer = None;
        (0..count).map_while(move |_| {
            let block = parse_block(&mut reader, newer).ok()?;
            newer = Some((block.sequence, block.position));
            Some(block)
        })
    }

    /// The parity of two earlier frames, if there is one.
    pub fn parity(&self) -> Option<AudioParity<'a>> {
        let mut reader = Reader::new(self.blocks);
        let count = reader.u8().ok()?;
        if count & PARITY == 0 {
            return None;
        }
        skip_blocks(&mut reader, count & !PARITY).ok()?;
        let back = reader.u8().ok()?;
        Some(AudioParity { back: [back >> 4, back & 0x0F], bytes: reader.take_rest() })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.blocks);
    }

    pub(super) fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let first = reader.u8()?;
        let count = first & !PARITY;
        if count == 0 || usize::from(count) > limits::AUDIO_BLOCKS {
            return Err(Malformed::OutOfRange);
        }
        skip_blocks(&mut reader, count)?;
        if first & PARITY != 0 {
            let back = reader.u8()?;
            if back >> 4 == 0 || back & 0x0F <= back >> 4 {
                return Err(Malformed::OutOfRange);
            }
        }
        // What follows is the parity's or padding.
        Ok(Self { blocks: body })
    }
}

/// Reads on to what follows the blocks.
fn skip_blocks(reader: &mut Reader<'_>, count: u8) -> Result<(), Malformed> {
    let mut newer = None;
    for _ in 0..count {
        let block = parse_block(reader, newer)?;
        newer = Some((block.sequence, block.position));
    }
    Ok(())
}

/// `newer`: sequence and position of the block before it in the datagram, which is newer.
fn parse_block<'a>(reader: &mut Reader<'a>, newer: Option<(u32, u64)>) -> Result<AudioBlock<'a>, Malformed> {
    let (sequence, position) = (reader.varint_u32()?, reader.varint()?);
    let (sequence, position) = match newer {
        None => (sequence, position),
        Some(_) if sequence == 0 => return Err(Malformed::OutOfRange),
        Some((newer_sequence, newer_position)) => (
            newer_sequence.checked_sub(sequence).ok_or(Malformed::OutOfRange)?,
            newer_position.checked_sub(position).ok_or(Malformed::OutOfRange)?,
        ),
    };
    let flags = reader.u8()?;
    Ok(AudioBlock { sequence, position, level: flags & !COPY, is_copy: flags & COPY != 0, payload: reader.prefixed()? })
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
