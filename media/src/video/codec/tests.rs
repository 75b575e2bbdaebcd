//! Encode, lose, decode: what a lost, cut or hostile frame costs with each codec.

use super::{Coded, DecodeError, ENCODERS, EncoderConfig, decoder, encoder};
use crate::picture::{Picture, PicturePool};
use crate::video::Codec;
use crate::video::capture::TestPicture;

const CONFIG: EncoderConfig = EncoderConfig { width: 320, height: 180, fps: 30.0, bitrate_bps: 300_000 };

fn scene(count: u64) -> Vec<Picture> {
    let mut test = TestPicture::new(CONFIG.width, CONFIG.height);
    let mut pool = PicturePool::default();
    let draw = |index| {
        let data = pool.fill(CONFIG.width, CONFIG.height, |out| test.draw(index, out));
        Picture { width: CONFIG.width, height: CONFIG.height, data, captured_us: index * 33_333 }
    };
    (0..count).map(draw).collect()
}

fn coded(codec: Codec, pictures: &[Picture], key_at: usize) -> Vec<Coded> {
    let mut encoder = encoder(codec, CONFIG).expect("this build has it");
    let frames = pictures.iter().enumerate();
    frames
        .map(|(at, picture)| {
            encoder.encode(picture, at == 0 || at == key_at).expect("encodes").expect("nothing left out")
        })
        .collect()
}

fn psnr(a: &Picture, b: &Picture) -> f64 {
    let (a, b) = (a.planes().0, b.planes().0);
    let squares: f64 = a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2)).sum();
    10.0 * (255.0_f64.powi(2) * f64::from(u32::try_from(a.len()).expect("small")) / squares.max(1.0)).log10()
}

#[test]
fn pictures_come_back_nearly_as_they_were_with_a_base_and_a_top_layer() {
    for &codec in ENCODERS {
        let pictures = scene(30);
        let mut decoder = decoder(codec).expect("this build has it");
        for (at, frame) in coded(codec, &pictures, 0).iter().enumerate() {
            assert_eq!((frame.key, frame.temporal), (at == 0, u8::from(at % 2 == 1)), "{codec:?} frame {at}");
            let out = decoder.decode(&frame.payload, 7).expect("decodes").expect("a picture at once");
            assert_eq!((out.width, out.height, out.captured_us), (320, 180, 7));
            let quality = psnr(&pictures[at], &out);
            assert!(quality > 28.0, "{codec:?} frame {at}: {quality} dB");
        }
    }
}

#[test]
fn a_lost_top_frame_costs_only_itself() {
    for &codec in ENCODERS {
        let pictures = scene(40);
        let mut decoder = decoder(codec).expect("this build has it");
        for (at, frame) in coded(codec, &pictures, 0).iter().enumerate().filter(|(at, _)| at % 2 == 0) {
            let out = decoder.decode(&frame.payload, 0).expect("decodes").expect("a picture");
            assert!(psnr(&pictures[at], &out) > 28.0, "{codec:?} frame {at}");
        }
    }
}

#[test]
fn a_key_frame_mends_a_broken_stream() {
    for &codec in ENCODERS {
        let pictures = scene(30);
        let frames = coded(codec, &pictures, 15);
        assert!(frames[15].key, "{codec:?} makes a key when asked");
        let mut decoder = decoder(codec).expect("this build has it");
        decoder.decode(&frames[0].payload, 0).expect("decodes");
        // Damage in the middle, by whatever the decoder calls it.
        let mut damaged = frames[2].payload.clone();
        damaged.truncate(damaged.len() / 2);
        drop(decoder.decode(&damaged, 0));
        let out = decoder.decode(&frames[15].payload, 0).expect("decodes").expect("a picture");
        assert!(psnr(&pictures[15], &out) > 28.0);
    }
}

#[test]
fn a_rate_change_is_followed() {
    for &codec in ENCODERS {
        let pictures = scene(120);
        let mut encoder = encoder(codec, CONFIG).expect("this build has it");
        let mut bytes = [0, 0];
        for (at, picture) in pictures.iter().enumerate() {
            if at == 60 {
                encoder.set_rate(100_000, 30.0).expect("takes a rate");
            }
            let frame = encoder.encode(picture, at == 0).expect("encodes").expect("nothing left out");
            if at % 60 >= 30 {
                bytes[at / 60] += frame.payload.len();
            }
        }
        assert!(bytes[1] < bytes[0] * 4 / 5, "{codec:?}: {bytes:?}");
    }
}

#[test]
fn cut_and_altered_frames_are_errors_or_pictures_and_never_worse() {
    for &codec in ENCODERS {
        let frames = coded(codec, &scene(12), 6);
        let mut seed = 1_u64;
        for round in 0..40 {
            let mut decoder = decoder(codec).expect("this build has it");
            for frame in &frames {
                let mut payload = frame.payload.clone();
                for _ in 0..round % 5 {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let at = usize::try_from(seed >> 33).expect("31 bits") % payload.len();
                    payload[at] ^= 1 << (seed & 7);
                }
                if round % 3 == 0 {
                    payload.truncate(payload.len() * (round + 1) / 41);
                }
                if let Ok(Some(picture)) = decoder.decode(&payload, 0) {
                    assert_eq!(picture.data.len(), crate::picture::i420_len(picture.width, picture.height));
                }
            }
        }
    }
}

#[test]
fn pictures_beyond_the_limit_are_refused_before_they_are_decoded() {
    let large = EncoderConfig { width: 2048, height: 1152, fps: 30.0, bitrate_bps: 500_000 };
    let data = vec![100; crate::picture::i420_len(large.width, large.height)].into();
    let picture = Picture { width: large.width, height: large.height, data, captured_us: 0 };
    for &codec in ENCODERS {
        let frame = encoder(codec, large).expect("made").encode(&picture, true).expect("encodes").expect("a frame");
        let mut decoder = decoder(codec).expect("this build has it");
        assert_eq!(decoder.decode(&frame.payload, 0), Err(DecodeError::Unwanted), "{codec:?}");
        assert_eq!(decoder.decode(&[], 0), Err(DecodeError::Unwanted));
    }
}

#[test]
fn delta_frames_alone_give_no_picture() {
    for &codec in ENCODERS {
        let frames = coded(codec, &scene(6), 0);
        let mut decoder = decoder(codec).expect("this build has it");
        for frame in &frames[1..] {
            assert!(!matches!(decoder.decode(&frame.payload, 0), Ok(Some(_))), "{codec:?}");
        }
    }
}
