//! Which cameras there are, what they offer, and which offer is nearest to the wish. On Linux straight from V4L2: nokhwa
//! lists nodes that cannot capture, and cannot open a device that was left at an odd rate or format.

use super::Wanted;
use super::convert::PixelFormat;

/// One offer of a camera.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mode {
    pub(crate) format: PixelFormat,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) fps: u32,
}

/// A camera that can capture.
#[derive(Clone, Debug)]
pub(crate) struct CameraNode {
    pub(crate) index: usize,
    pub(crate) name: String,
    pub(crate) modes: Vec<Mode>,
}

/// The offer nearest to the wish: size and rate weigh most, then what costs least to convert.
pub(crate) fn best(modes: &[Mode], wanted: Wanted) -> Option<Mode> {
    let usable = modes.iter().filter(|mode| {
        mode.width >= crate::limits::MIN_PICTURE_SIDE
            && mode.height >= crate::limits::MIN_PICTURE_SIDE
            && mode.width <= crate::limits::MAX_FILE_SIDE
            && mode.height <= crate::limits::MAX_FILE_SIDE
            && mode.fps > 0
    });
    usable.copied().min_by(|a, b| cost(*a, wanted).total_cmp(&cost(*b, wanted)))
}

fn cost(mode: Mode, wanted: Wanted) -> f64 {
    let ratio = |a: u32, b: u32| (f64::from(a.max(1)) / f64::from(b.max(1))).ln();
    let size = ratio(mode.width, wanted.width).abs() + ratio(mode.height, wanted.height).abs();
    // Too few pictures are seen at once; too many only cost time.
    let rate = ratio(wanted.fps, mode.fps);
    let rate = if rate > 0.0 { 1.5 * rate } else { -0.2 * rate };
    let format = match mode.format {
        PixelFormat::Yuyv | PixelFormat::Nv12 => 0.0,
        PixelFormat::Mjpeg => 0.05,
        PixelFormat::Rgb | PixelFormat::Bgr => 0.1,
        PixelFormat::Grey => 2.0,
    };
    size + rate + format
}

#[cfg(target_os = "linux")]
pub(crate) fn cameras() -> Vec<CameraNode> {
    v4l2::cameras()
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn cameras() -> Vec<CameraNode> {
    let wishes = [Mode { format: PixelFormat::Yuyv, width: 1280, height: 720, fps: 30 }];
    let Ok(found) = nokhwa::query(nokhwa::utils::ApiBackend::Auto) else { return Vec::new() };
    let name = |info: &nokhwa::utils::CameraInfo| info.human_name();
    let nodes = found.iter().enumerate();
    nodes.map(|(index, info)| CameraNode { index, name: name(info), modes: wishes.to_vec() }).collect()
}

#[cfg(target_os = "linux")]
pub(crate) use v4l2::reset;

#[cfg(target_os = "linux")]
mod v4l2 {
    use v4l::capability::Flags;
    use v4l::frameinterval::FrameIntervalEnum;
    use v4l::framesize::FrameSizeEnum;
    use v4l::video::Capture as _;
    use v4l::video::capture::Parameters;
    use v4l::{Device, Format, FourCC};

    use super::{CameraNode, Mode, PixelFormat};
    use crate::limits;

    const FORMATS: [(&[u8; 4], PixelFormat); 6] = [
        (b"YUYV", PixelFormat::Yuyv),
        (b"NV12", PixelFormat::Nv12),
        (b"MJPG", PixelFormat::Mjpeg),
        (b"GREY", PixelFormat::Grey),
        (b"RGB3", PixelFormat::Rgb),
        (b"BGR3", PixelFormat::Bgr),
    ];
    /// What is tried where a driver names a range of sizes or rates instead of a list.
    const USUAL_SIZES: [(u32, u32); 6] = [(1920, 1080), (1280, 720), (960, 540), (640, 480), (640, 360), (320, 240)];
    const USUAL_RATES: [u32; 5] = [60, 30, 25, 15, 10];

    pub(super) fn cameras() -> Vec<CameraNode> {
        let mut nodes = v4l::context::enum_devices();
        nodes.sort_by_key(|node| node.index());
        let cameras = nodes.iter().filter_map(|node| {
            let device = Device::with_path(node.path()).ok()?;
            let capabilities = device.query_caps().ok()?;
            if !capabilities.capabilities.contains(Flags::VIDEO_CAPTURE) {
                return None;
            }
            let modes = modes(&device);
            (!modes.is_empty()).then(|| CameraNode { index: node.index(), name: capabilities.card, modes })
        });
        cameras.collect()
    }

    fn modes(device: &Device) -> Vec<Mode> {
        let mut modes = Vec::new();
        for description in device.enum_formats().unwrap_or_default() {
            let known = FORMATS.iter().find(|(name, _)| **name == description.fourcc.repr);
            let Some(&(_, format)) = known else { continue };
            for size in device.enum_framesizes(description.fourcc).unwrap_or_default() {
                let sizes: Vec<(u32, u32)> = match size.size {
                    FrameSizeEnum::Discrete(one) => vec![(one.width, one.height)],
                    FrameSizeEnum::Stepwise(range) => {
                        let fits = |(w, h): &&(u32, u32)| {
                            (range.min_width..=range.max_width).contains(w)
                                && (range.min_height..=range.max_height).contains(h)
                                && (w - range.min_width).is_multiple_of(range.step_width.max(1))
                                && (h - range.min_height).is_multiple_of(range.step_height.max(1))
                        };
                        USUAL_SIZES.iter().filter(fits).copied().collect()
                    }
                };
                for (width, height) in sizes {
                    for fps in rates(device, description.fourcc, width, height) {
                        modes.push(Mode { format, width, height, fps });
                        if modes.len() == limits::MAX_CAMERA_FORMATS {
                            return modes;
                        }
                    }
                }
            }
        }
        modes
    }

    /// Whole rates only: nokhwa can express no others.
    fn rates(device: &Device, fourcc: FourCC, width: u32, height: u32) -> Vec<u32> {
        let mut rates = Vec::new();
        for interval in device.enum_frameintervals(fourcc, width, height).unwrap_or_default() {
            match interval.interval {
                FrameIntervalEnum::Discrete(one) if one.numerator == 1 => rates.push(one.denominator),
                FrameIntervalEnum::Discrete(_) => {}
                FrameIntervalEnum::Stepwise(range) => {
                    let seconds = |fraction: v4l::Fraction| {
                        f64::from(fraction.numerator) / f64::from(fraction.denominator.max(1))
                    };
                    let (shortest, longest) = (seconds(range.min), seconds(range.max));
                    let fits = |fps: &&u32| (shortest..=longest).contains(&(1.0 / f64::from(**fps)));
                    rates.extend(USUAL_RATES.iter().filter(fits));
                }
            }
        }
        rates
    }

    /// Sets the format and a whole rate, so that nokhwa can read back what it finds.
    pub(crate) fn reset(index: usize, mode: Mode) -> std::io::Result<()> {
        let device = Device::new(index)?;
        let fourcc = FORMATS.iter().find(|(_, format)| *format == mode.format).map_or(b"YUYV", |(name, _)| name);
        device.set_format(&Format::new(mode.width, mode.height, FourCC::new(fourcc)))?;
        device.set_params(&Parameters::with_fps(mode.fps))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: Wanted = Wanted { width: 1280, height: 720, fps: 30 };

    fn mode(format: PixelFormat, width: u32, height: u32, fps: u32) -> Mode {
        Mode { format, width, height, fps }
    }

    #[test]
    fn a_usual_webcam_gives_720p30_by_mjpeg_and_yuyv_when_it_is_as_fast() {
        let slow_yuyv = mode(PixelFormat::Yuyv, 1280, 720, 10);
        let mjpeg = mode(PixelFormat::Mjpeg, 1280, 720, 30);
        let small = mode(PixelFormat::Yuyv, 640, 480, 30);
        let large = mode(PixelFormat::Mjpeg, 1920, 1080, 30);
        assert_eq!(best(&[slow_yuyv, mjpeg, small, large], WANTED), Some(mjpeg));
        let yuyv = mode(PixelFormat::Yuyv, 1280, 720, 30);
        assert_eq!(best(&[slow_yuyv, mjpeg, yuyv], WANTED), Some(yuyv));
    }

    #[test]
    fn a_slow_show_at_full_size_loses_to_a_fluent_small_one() {
        let slow = mode(PixelFormat::Yuyv, 1280, 720, 5);
        let fluent = mode(PixelFormat::Yuyv, 640, 480, 25);
        assert_eq!(best(&[slow, fluent], WANTED), Some(fluent));
        assert_eq!(best(&[slow], WANTED), Some(slow));
        assert_eq!(best(&[], WANTED), None);
    }
}
