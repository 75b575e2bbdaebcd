//! H.264 by OpenH264's raw interface: constant rate, two temporal layers, one slice, key frames only when asked for. The
//! safe wrapper crate hard-codes one layer. Called by the sender's encoding thread only.

#![expect(unsafe_code, reason = "OpenH264 is a C++ library behind a table of functions")]

use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr;

use openh264_sys2::source::APILoader;
use openh264_sys2::{self as h264, API as _};

use super::{Coded, EncodeError, Encoder, EncoderConfig};
use crate::picture::Picture;
use crate::video::Codec;

pub(crate) struct OpenH264Encoder {
    encoder: *mut h264::ISVCEncoder,
    config: EncoderConfig,
    /// The library writes into it for every picture; 20 kB, so not on the stack.
    output: Box<h264::SFrameBSInfo>,
    elapsed_ms: f64,
}

// SAFETY: the encoder is owned by this value alone and keeps no thread-local state.
unsafe impl Send for OpenH264Encoder {}

/// Calls through the C++ table; a missing entry is an error.
macro_rules! call {
    ($object:expr, $method:ident $(, $argument:expr)*) => {
        (**$object).$method.map(|method| method($object $(, $argument)*))
    };
}

fn started(code: Option<c_int>) -> Result<(), EncodeError> {
    if code == Some(0) { Ok(()) } else { Err(EncodeError::Start(Codec::H264, code.unwrap_or(-1).into())) }
}

impl OpenH264Encoder {
    pub(crate) fn new(config: EncoderConfig) -> Result<Self, EncodeError> {
        let mut encoder: *mut h264::ISVCEncoder = ptr::null_mut();
        // SAFETY: the pointer is valid for writes; the encoder is used only if it was made. All zeroes is a valid value of
        // the C structs, which the library fills.
        unsafe {
            started(Some(APILoader::new().WelsCreateSVCEncoder(&raw mut encoder)))?;
            if encoder.is_null() {
                return Err(EncodeError::Start(Codec::H264, -2));
            }
            let this = Self { encoder, config, output: Box::new(MaybeUninit::zeroed().assume_init()), elapsed_ms: 0.0 };
            let mut quiet: c_int = h264::WELS_LOG_QUIET as c_int;
            let option = h264::ENCODER_OPTION_TRACE_LEVEL;
            started(call!(encoder, SetOption, option, (&raw mut quiet).cast::<c_void>()))?;
            let mut parameters: h264::SEncParamExt = MaybeUninit::zeroed().assume_init();
            started(call!(encoder, GetDefaultParams, &raw mut parameters))?;
            fill(&mut parameters, config);
            started(call!(encoder, InitializeExt, &raw const parameters))?;
            let mut format: c_int = h264::videoFormatI420;
            let option = h264::ENCODER_OPTION_DATAFORMAT;
            started(call!(encoder, SetOption, option, (&raw mut format).cast::<c_void>()))?;
            Ok(this)
        }
    }
}

fn fill(parameters: &mut h264::SEncParamExt, config: EncoderConfig) {
    let (width, height) = (config.width.cast_signed(), config.height.cast_signed());
    let rate = bits(config.bitrate_bps);
    parameters.iUsageType = h264::CAMERA_VIDEO_REAL_TIME;
    parameters.iPicWidth = width;
    parameters.iPicHeight = height;
    parameters.iTargetBitrate = rate;
    parameters.iMaxBitrate = 0;
    parameters.iRCMode = h264::RC_BITRATE_MODE;
    parameters.fMaxFrameRate = config.fps;
    parameters.iTemporalLayerNum = 2;
    parameters.iSpatialLayerNum = 1;
    parameters.iComplexityMode = h264::LOW_COMPLEXITY;
    parameters.uiIntraPeriod = 0;
    parameters.iNumRefFrame = 1;
    parameters.eSpsPpsIdStrategy = h264::CONSTANT_ID;
    parameters.bPrefixNalAddingCtrl = false;
    parameters.iEntropyCodingModeFlag = 0;
    parameters.bEnableFrameSkip = false;
    parameters.iMaxQp = 51;
    parameters.iMinQp = 12;
    parameters.bEnableLongTermReference = false;
    parameters.iMultipleThreadIdc = 1;
    parameters.bEnableDenoise = false;
    // It would leave still parts as they are, noise and all, however many bits there are: 1.6 dB at 1.8 Mbit/s.
    parameters.bEnableBackgroundDetection = false;
    parameters.bEnableAdaptiveQuant = false;
    parameters.bEnableSceneChangeDetect = false;
    let layer = &mut parameters.sSpatialLayers[0];
    layer.iVideoWidth = width;
    layer.iVideoHeight = height;
    layer.fFrameRate = config.fps;
    layer.iSpatialBitrate = rate;
    layer.iMaxSpatialBitrate = 0;
    layer.uiProfileIdc = h264::PRO_BASELINE;
    layer.sSliceArgument.uiSliceMode = h264::SM_SINGLE_SLICE;
    layer.bVideoSignalTypePresent = true;
    layer.uiVideoFormat = 5;
    layer.bFullRange = false;
    layer.bColorDescriptionPresent = true;
    layer.uiColorPrimaries = 1;
    layer.uiTransferCharacteristics = 1;
    layer.uiColorMatrix = 1;
}

fn bits(bps: u64) -> c_int {
    c_int::try_from(bps.clamp(10_000, 50_000_000)).unwrap_or(50_000_000)
}

impl Encoder for OpenH264Encoder {
    fn encode(&mut self, picture: &Picture, force_key: bool) -> Result<Option<Coded>, EncodeError> {
        if (picture.width, picture.height) != (self.config.width, self.config.height) {
            return Err(EncodeError::Encode(Codec::H264, -1));
        }
        let (y, u, v) = picture.planes();
        let (width, height) = (picture.width.cast_signed(), picture.height.cast_signed());
        let source = h264::SSourcePicture {
            iColorFormat: h264::videoFormatI420,
            iStride: [width, width / 2, width / 2, 0],
            pData: [y.as_ptr().cast_mut(), u.as_ptr().cast_mut(), v.as_ptr().cast_mut(), ptr::null_mut()],
            iPicWidth: width,
            iPicHeight: height,
            #[expect(clippy::cast_possible_truncation, reason = "milliseconds of one call")]
            uiTimeStamp: self.elapsed_ms as i64,
            bPsnrY: false,
            bPsnrU: false,
            bPsnrV: false,
        };
        self.elapsed_ms += 1000.0 / f64::from(self.config.fps.max(1.0));
        // SAFETY: the encoder is initialised; source and the planes behind it live through the call and are only read;
        // the output's pointers are valid until the next call and are copied here.
        unsafe {
            if force_key {
                let forced = call!(self.encoder, ForceIntraFrame, true);
                if forced != Some(0) {
                    return Err(EncodeError::Encode(Codec::H264, forced.unwrap_or(-1).into()));
                }
            }
            let code = call!(self.encoder, EncodeFrame, &raw const source, &raw mut *self.output);
            if code != Some(0) {
                return Err(EncodeError::Encode(Codec::H264, code.unwrap_or(-1).into()));
            }
            if matches!(self.output.eFrameType, h264::videoFrameTypeSkip | h264::videoFrameTypeInvalid) {
                return Ok(None);
            }
            let mut coded = Coded {
                payload: Vec::with_capacity(usize::try_from(self.output.iFrameSizeInBytes).unwrap_or(0)),
                key: self.output.eFrameType == h264::videoFrameTypeIDR,
                temporal: 0,
            };
            let layers = usize::try_from(self.output.iLayerNum).unwrap_or(0);
            for layer in self.output.sLayerInfo.iter().take(layers) {
                let nals = usize::try_from(layer.iNalCount).unwrap_or(0);
                if layer.pNalLengthInByte.is_null() || layer.pBsBuf.is_null() {
                    continue;
                }
                let lengths = std::slice::from_raw_parts(layer.pNalLengthInByte, nals);
                let total: usize = lengths.iter().map(|length| usize::try_from(*length).unwrap_or(0)).sum();
                coded.payload.extend_from_slice(std::slice::from_raw_parts(layer.pBsBuf, total));
                if layer.uiLayerType == VIDEO_CODING_LAYER {
                    coded.temporal = u8::from(layer.uiTemporalId > 0);
                }
            }
            Ok((!coded.payload.is_empty()).then_some(coded))
        }
    }

    fn set_rate(&mut self, bitrate_bps: u64, fps: f32) -> Result<(), EncodeError> {
        if bits(bitrate_bps) != bits(self.config.bitrate_bps) {
            let mut rate = h264::SBitrateInfo { iLayer: h264::SPATIAL_LAYER_ALL, iBitrate: bits(bitrate_bps) };
            let option = h264::ENCODER_OPTION_BITRATE;
            // SAFETY: this option takes a pointer to this struct, read during the call.
            started(unsafe { call!(self.encoder, SetOption, option, (&raw mut rate).cast::<c_void>()) })?;
        }
        if (fps - self.config.fps).abs() > 0.5 {
            let mut rate = fps;
            let option = h264::ENCODER_OPTION_FRAME_RATE;
            // SAFETY: this option takes a pointer to a float, read during the call.
            started(unsafe { call!(self.encoder, SetOption, option, (&raw mut rate).cast::<c_void>()) })?;
        }
        self.config.bitrate_bps = bitrate_bps;
        self.config.fps = fps;
        Ok(())
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the enum's value is 1")]
const VIDEO_CODING_LAYER: u8 = h264::VIDEO_CODING_LAYER as u8;

impl Drop for OpenH264Encoder {
    fn drop(&mut self) {
        // SAFETY: made by WelsCreateSVCEncoder and destroyed once.
        unsafe {
            let _closed = call!(self.encoder, Uninitialize);
            APILoader::new().WelsDestroySVCEncoder(self.encoder);
        }
    }
}
