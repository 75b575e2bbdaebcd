//! What cameras and microphones of a bench play: the scene, whole or at 360 lines, the voice, and the voice without its
//! pauses, for a newcomer can only hear who speaks. Used by every bench.

use super::{scene, voice, y4m};
use anyhow::Result;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

const VOICE_SECONDS: usize = 10;
const WIDTH: usize = scene::WIDTH / 2;
const HEIGHT: usize = scene::HEIGHT / 2;
/// A hundredth of a second below this is a pause.
const QUIET: i16 = 200;

/// Files, and the samples of the voice.
pub struct Material {
    pub scene: PathBuf,
    voice_file: PathBuf,
    pub voice: Vec<i16>,
    /// What the second party of a call says.
    answer_file: PathBuf,
    unbroken_voice_file: PathBuf,
}

impl Material {
    /// The scene as it is, and the voices.
    pub fn whole(folder: &Path) -> Result<Material> {
        let material = Material::voices(folder)?;
        scene::write(&mut BufWriter::new(File::create(&material.scene)?))?;
        Ok(material)
    }

    /// The scene at 360 lines, and the voices: what a room of many sends.
    pub fn halved(folder: &Path) -> Result<Material> {
        let material = Material::voices(folder)?;
        let mut out = BufWriter::new(File::create(&material.scene)?);
        y4m::write_header(&mut out, WIDTH, HEIGHT)?;
        let scene = scene::Scene::new();
        for number in 0..scene::PICTURES {
            y4m::write_picture(&mut out, &halved(&scene.picture(number)))?;
        }
        Ok(material)
    }

    /// The same scene with this voice (48 kHz), to which the second party of a call listens in silence. If it spoke too, the
    /// first one's echo canceller would hold both apart, and that alone took 1.3 of PESQ's 3.8 from a voice without any echo.
    pub fn spoken_to_a_listener(&self, voice: Vec<i16>, folder: &Path) -> Result<Material> {
        let (voice_file, answer_file) = (folder.join("speech.wav"), folder.join("silence.wav"));
        std::fs::write(&voice_file, voice::wav(&voice))?;
        std::fs::write(&answer_file, voice::wav(&[0; voice::RATE]))?;
        let unbroken_voice_file = voice_file.clone();
        Ok(Material { scene: self.scene.clone(), voice_file, voice, answer_file, unbroken_voice_file })
    }

    fn voices(folder: &Path) -> Result<Material> {
        let mut samples = voice::samples(VOICE_SECONDS * 2);
        let unbroken = unbroken(&samples);
        samples.truncate(VOICE_SECONDS * voice::RATE);
        let material = Material {
            scene: folder.join("scene.y4m"),
            voice_file: folder.join("voice.wav"),
            voice: samples,
            answer_file: folder.join("voice.wav"),
            unbroken_voice_file: folder.join("unbroken.wav"),
        };
        std::fs::write(&material.voice_file, voice::wav(&material.voice))?;
        std::fs::write(&material.unbroken_voice_file, voice::wav(&unbroken))?;
        Ok(material)
    }

    pub fn camera(&self) -> String {
        file(&self.scene)
    }

    pub fn microphone(&self) -> String {
        file(&self.voice_file)
    }

    /// Of the second party of a call.
    pub fn answering_microphone(&self) -> String {
        file(&self.answer_file)
    }

    pub fn unbroken_microphone(&self) -> String {
        file(&self.unbroken_voice_file)
    }
}

fn file(path: &Path) -> String {
    format!("file:{}", path.display())
}

/// A picture of the scene at half its width and height.
fn halved(picture: &[u8]) -> Vec<u8> {
    let (luma, chroma) = picture.split_at(scene::WIDTH * scene::HEIGHT);
    let (blue, red) = chroma.split_at(chroma.len() / 2);
    let mut out = halved_plane(luma, scene::WIDTH);
    out.extend(halved_plane(blue, scene::WIDTH / 2));
    out.extend(halved_plane(red, scene::WIDTH / 2));
    out
}

fn halved_plane(plane: &[u8], width: usize) -> Vec<u8> {
    let rows = plane.chunks_exact(2 * width);
    let pixels = rows.flat_map(|rows| {
        let (upper, lower) = rows.split_at(width);
        upper.chunks_exact(2).zip(lower.chunks_exact(2)).map(|(upper, lower)| {
            let sum: u16 = upper.iter().chain(lower).map(|&value| u16::from(value)).sum();
            ((sum + 2) / 4) as u8
        })
    });
    pixels.collect()
}

fn unbroken(samples: &[i16]) -> Vec<i16> {
    let blocks = samples.chunks_exact(voice::RATE / 100);
    let loud = blocks.filter(|block| block.iter().any(|sample| sample.unsigned_abs() > QUIET.unsigned_abs()));
    loud.flatten().copied().take(VOICE_SECONDS * voice::RATE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_halved_picture_has_a_quarter_of_the_points_and_the_same_light() {
        let picture = scene::Scene::new().picture(7);
        let halved = halved(&picture);
        assert_eq!(halved.len(), y4m::picture_bytes(WIDTH, HEIGHT));
        let mean = |bytes: &[u8]| bytes.iter().map(|&byte| f64::from(byte)).sum::<f64>() / bytes.len() as f64;
        let difference = mean(&picture[..scene::WIDTH * scene::HEIGHT]) - mean(&halved[..WIDTH * HEIGHT]);
        assert!(difference.abs() < 0.5, "{difference}");
    }

    #[test]
    fn the_unbroken_voice_has_no_pause() {
        let samples = unbroken(&voice::samples(VOICE_SECONDS * 2));
        assert_eq!(samples.len(), VOICE_SECONDS * voice::RATE);
        assert!(samples.chunks_exact(voice::RATE / 10).all(|block| block.iter().any(|sample| sample.abs() > QUIET)));
    }
}
