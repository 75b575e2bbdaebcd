//! What cameras deliver, made into packed I420. Every buffer is checked against the size it claims, for a driver may hand
//! over less. Called by the camera's thread.

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// Pixel formats that are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PixelFormat {
    /// 4:2:2 packed.
    Yuyv,
    /// 4:2:0, chroma interleaved.
    Nv12,
    /// Greyscale.
    Grey,
    /// A JPEG per picture.
    Mjpeg,
    /// 8-bit R, G, B.
    Rgb,
    /// 8-bit B, G, R.
    Bgr,
}

/// The buffer does not hold such a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the camera delivers damaged pictures")]
pub(crate) struct BadPicture;

/// Converts one picture of `width` x `height` (both even) into `out`. `scratch` is kept between calls.
pub(crate) fn to_i420(
    format: PixelFormat,
    from: &[u8],
    (width, height): (u32, u32),
    out: &mut [u8],
    scratch: &mut Vec<u8>,
) -> Result<(), BadPicture> {
    let (w, h) = (width as usize, height as usize);
    let (y, chroma) = out.split_at_mut(w * h);
    let (u, v) = chroma.split_at_mut(w * h / 4);
    match format {
        PixelFormat::Yuyv => {
            let from = from.get(..w * h * 2).ok_or(BadPicture)?;
            let rows = from.chunks_exact(w * 4).zip(y.chunks_exact_mut(w * 2));
            for ((rows, y), (u, v)) in rows.zip(u.chunks_exact_mut(w / 2).zip(v.chunks_exact_mut(w / 2))) {
                for (y, pair) in y.iter_mut().zip(rows.chunks_exact(2)) {
                    *y = pair[0];
                }
                let (top, bottom) = rows.split_at(w * 2);
                let quads = top.chunks_exact(4).zip(bottom.chunks_exact(4));
                for ((top, bottom), (u, v)) in quads.zip(u.iter_mut().zip(v)) {
                    *u = mean(&[top[1], bottom[1]]);
                    *v = mean(&[top[3], bottom[3]]);
                }
            }
        }
        PixelFormat::Nv12 => {
            let from = from.get(..w * h * 3 / 2).ok_or(BadPicture)?;
            y.copy_from_slice(&from[..w * h]);
            for ((u, v), pair) in u.iter_mut().zip(v).zip(from[w * h..].chunks_exact(2)) {
                (*u, *v) = (pair[0], pair[1]);
            }
        }
        PixelFormat::Grey => {
            y.copy_from_slice(from.get(..w * h).ok_or(BadPicture)?);
            chroma_off(u, v);
        }
        PixelFormat::Mjpeg => return mjpeg(from, (w, h), (y, u, v), scratch),
        PixelFormat::Rgb | PixelFormat::Bgr => {
            let from = from.get(..w * h * 3).ok_or(BadPicture)?;
            rgb(from, format == PixelFormat::Bgr, (w, h), (y, u, v));
        }
    }
    Ok(())
}

fn mean(samples: &[u8]) -> u8 {
    let sum: usize = samples.iter().map(|sample| usize::from(*sample)).sum();
    u8::try_from((sum + samples.len() / 2) / samples.len().max(1)).unwrap_or(u8::MAX)
}

fn chroma_off(u: &mut [u8], v: &mut [u8]) {
    u.fill(128);
    v.fill(128);
}

type Planes<'a> = (&'a mut [u8], &'a mut [u8], &'a mut [u8]);

/// JPEG to Y, Cb, Cr without a detour through RGB; full range becomes limited.
fn mjpeg(from: &[u8], (w, h): (usize, usize), (y, u, v): Planes<'_>, scratch: &mut Vec<u8>) -> Result<(), BadPicture> {
    let jpeg = trimmed(from).ok_or(BadPicture)?;
    let options = DecoderOptions::default()
        .jpeg_set_out_colorspace(ColorSpace::YCbCr)
        .set_max_width(w)
        .set_max_height(h)
        .set_strict_mode(false);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(jpeg), options);
    decoder.decode_headers().map_err(|_| BadPicture)?;
    let info = decoder.info().ok_or(BadPicture)?;
    if (usize::from(info.width), usize::from(info.height)) != (w, h) {
        return Err(BadPicture);
    }
    let grey = info.components == 1;
    let size = decoder.output_buffer_size().ok_or(BadPicture)?;
    if size != w * h * 3 && !(grey && size == w * h) {
        return Err(BadPicture);
    }
    scratch.resize(size, 0);
    decoder.decode_into(scratch).map_err(|_| BadPicture)?;
    if size == w * h {
        for (y, sample) in y.iter_mut().zip(&*scratch) {
            *y = limited_luma(*sample);
        }
        chroma_off(u, v);
        return Ok(());
    }
    let rows = scratch.chunks_exact(w * 6).zip(y.chunks_exact_mut(w * 2));
    for ((rows, y), (u, v)) in rows.zip(u.chunks_exact_mut(w / 2).zip(v.chunks_exact_mut(w / 2))) {
        for (y, pixel) in y.iter_mut().zip(rows.chunks_exact(3)) {
            *y = limited_luma(pixel[0]);
        }
        let (top, bottom) = rows.split_at(w * 3);
        for ((top, bottom), (u, v)) in top.chunks_exact(6).zip(bottom.chunks_exact(6)).zip(u.iter_mut().zip(v)) {
            *u = limited_chroma(mean(&[top[1], top[4], bottom[1], bottom[4]]));
            *v = limited_chroma(mean(&[top[2], top[5], bottom[2], bottom[5]]));
        }
    }
    Ok(())
}

/// 0..=255 to 16..=235.
fn limited_luma(full: u8) -> u8 {
    u8::try_from((u32::from(full) * 219 + 127) / 255 + 16).unwrap_or(u8::MAX)
}

/// 0..=255 to 16..=240 around 128.
fn limited_chroma(full: u8) -> u8 {
    u8::try_from((i32::from(full) - 128) * 224 / 255 + 128).unwrap_or(128)
}

/// The JPEG within a driver's buffer, which is often far longer: from the first start marker to the last end marker.
fn trimmed(buffer: &[u8]) -> Option<&[u8]> {
    let buffer = buffer.get(..buffer.len().min(crate::limits::MAX_CAMERA_BUFFER))?;
    let start = buffer.windows(2).position(|two| two == [0xff, 0xd8])?;
    let end = buffer.windows(2).rposition(|two| two == [0xff, 0xd9])?;
    buffer.get(start..end + 2)
}

/// BT.709 limited range, in 1/256.
fn rgb(from: &[u8], swapped: bool, (w, _): (usize, usize), (y, u, v): Planes<'_>) {
    let pixel = |at: &[u8]| {
        let (r, b) = if swapped { (at[2], at[0]) } else { (at[0], at[2]) };
        (i32::from(r), i32::from(at[1]), i32::from(b))
    };
    let clamp = |value: i32| u8::try_from(value.clamp(0, 255)).unwrap_or(0);
    for (y, at) in y.iter_mut().zip(from.chunks_exact(3)) {
        let (r, g, b) = pixel(at);
        *y = clamp(((47 * r + 157 * g + 16 * b + 128) >> 8) + 16);
    }
    for (rows, (u, v)) in from.chunks_exact(w * 6).zip(u.chunks_exact_mut(w / 2).zip(v.chunks_exact_mut(w / 2))) {
        for (at, (u, v)) in rows.chunks_exact(6).zip(u.iter_mut().zip(v)) {
            let (r, g, b) = pixel(&at[..3]);
            *u = clamp(((-26 * r - 87 * g + 112 * b + 128) >> 8) + 128);
            *v = clamp(((112 * r - 102 * g - 10 * b + 128) >> 8) + 128);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FORMATS: [PixelFormat; 6] = [
        PixelFormat::Yuyv,
        PixelFormat::Nv12,
        PixelFormat::Grey,
        PixelFormat::Mjpeg,
        PixelFormat::Rgb,
        PixelFormat::Bgr,
    ];

    #[test]
    fn yuyv_keeps_luma_and_halves_chroma() {
        let from: Vec<u8> = (0..16 * 16 / 2).flat_map(|_| [10, 20, 30, 40]).collect();
        let mut out = vec![0; 384];
        to_i420(PixelFormat::Yuyv, &from, (16, 16), &mut out, &mut Vec::new()).expect("whole");
        assert_eq!(&out[..4], [10, 30, 10, 30]);
        assert!(out[256..320].iter().all(|u| *u == 20) && out[320..].iter().all(|v| *v == 40));
    }

    #[test]
    fn white_stays_white() {
        let mut out = vec![0; 384];
        to_i420(PixelFormat::Rgb, &[255; 768], (16, 16), &mut out, &mut Vec::new()).expect("whole");
        assert!((234..=236).contains(&out[0]) && (127..=129).contains(&out[300]));
    }

    proptest! {
        #[test]
        fn no_buffer_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..900), format in 0_usize..6) {
            let mut out = vec![0; 384];
            let mut jpeg = vec![0xff, 0xd8];
            jpeg.extend(&bytes);
            jpeg.extend([0xff, 0xd9]);
            let short = to_i420(FORMATS[format], &bytes[..bytes.len().min(200)], (16, 16), &mut out, &mut Vec::new());
            prop_assert!(short.is_err());
            prop_assert!(to_i420(PixelFormat::Mjpeg, &jpeg, (16, 16), &mut out, &mut Vec::new()).is_err());
        }
    }
}
