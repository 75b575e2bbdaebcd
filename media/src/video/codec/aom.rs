//! AV1 by libaom, tuned for live video: no lookahead, constant rate, two temporal layers, key frames only when asked for.
//!
//! The tool choice follows what browsers use for calls and was measured with `examples/codec_bench.rs`. Called by the
//! sender's encoding thread only.

#![expect(unsafe_code, reason = "libaom is a C library")]

use std::ffi::c_int;
use std::mem::MaybeUninit;
use std::ptr;

use libaom_sys as aom;

use super::{Coded, EncodeError, Encoder, EncoderConfig};
use crate::picture::Picture;
use crate::video::Codec;

/// What may be traded between time and bits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AomSettings {
    pub(crate) speed: i32,
    pub(crate) threads: u32,
    /// As a power of two.
    pub(crate) tile_columns_log2: u32,
}

impl AomSettings {
    /// One thread costs 10 to 25 % less processor time than two with tiles, for a few milliseconds of delay at 720 lines;
    /// 1080 lines need both. Speed 11 gives the same PSNR as 10 for camera pictures in 5 to 20 % less time.
    pub(crate) fn for_size(width: u32, height: u32) -> Self {
        let large = width * height > 1280 * 720;
        Self { speed: 11, threads: if large { 2 } else { 1 }, tile_columns_log2: u32::from(large) }
    }
}

pub(crate) struct AomEncoder {
    context: Box<aom::aom_codec_ctx_t>,
    config: aom::aom_codec_enc_cfg_t,
    pts: i64,
    /// Since the last key frame; odd ones are the top layer.
    index: u64,
    fps: f32,
}

// SAFETY: the context is owned by this value alone and libaom ties nothing to the thread that made it.
unsafe impl Send for AomEncoder {}

const TICKS_PER_SECOND: i32 = 90_000;

fn check(code: aom::aom_codec_err_t) -> Result<(), EncodeError> {
    if code == aom::AOM_CODEC_OK { Ok(()) } else { Err(EncodeError::Start(Codec::Av1, i64::from(code))) }
}

impl AomEncoder {
    pub(crate) fn new(config: EncoderConfig, settings: AomSettings) -> Result<Self, EncodeError> {
        let mut cfg = MaybeUninit::<aom::aom_codec_enc_cfg_t>::zeroed();
        // SAFETY: cfg is valid for writes, and all zeroes is a valid value of this C struct of numbers and pointers.
        let mut cfg = unsafe {
            check(aom::aom_codec_enc_config_default(
                aom::aom_codec_av1_cx(),
                cfg.as_mut_ptr(),
                aom::AOM_USAGE_REALTIME,
            ))?;
            cfg.assume_init()
        };
        cfg.g_w = config.width;
        cfg.g_h = config.height;
        cfg.g_threads = settings.threads;
        cfg.g_timebase.num = 1;
        cfg.g_timebase.den = TICKS_PER_SECOND;
        cfg.g_pass = aom::AOM_RC_ONE_PASS;
        cfg.g_lag_in_frames = 0;
        cfg.g_error_resilient = 0;
        cfg.rc_end_usage = aom::AOM_CBR;
        cfg.rc_target_bitrate = kilobits(config.bitrate_bps);
        cfg.rc_min_quantizer = MIN_QUANTIZER;
        cfg.rc_max_quantizer = MAX_QUANTIZER;
        cfg.rc_undershoot_pct = 50;
        cfg.rc_overshoot_pct = 50;
        cfg.rc_buf_initial_sz = 600;
        cfg.rc_buf_optimal_sz = 600;
        cfg.rc_buf_sz = 1000;
        cfg.rc_dropframe_thresh = 0;
        cfg.kf_mode = aom::AOM_KF_DISABLED;

        let mut context: Box<aom::aom_codec_ctx_t> = Box::new(
            // SAFETY: all zeroes is a valid value of this C struct; init fills it.
            unsafe { MaybeUninit::zeroed().assume_init() },
        );
        let abi = aom::AOM_ENCODER_ABI_VERSION as c_int;
        // SAFETY: context and cfg are valid; a failed init needs no destroy.
        check(unsafe {
            aom::aom_codec_enc_init_ver(&raw mut *context, aom::aom_codec_av1_cx(), &raw const cfg, 0, abi)
        })?;
        let mut encoder = Self { context, config: cfg, pts: 0, index: 0, fps: config.fps };
        encoder.set_controls(settings)?;
        encoder.set_layers()?;
        Ok(encoder)
    }

    fn control(&mut self, id: aom::aome_enc_control_id, value: c_int) -> Result<(), EncodeError> {
        // SAFETY: the context is initialised; every control used here takes one int.
        check(unsafe { aom::aom_codec_control(&raw mut *self.context, id as c_int, value) })
    }

    fn set_controls(&mut self, settings: AomSettings) -> Result<(), EncodeError> {
        self.control(aom::AOME_SET_CPUUSED, settings.speed)?;
        self.control(aom::AV1E_SET_TILE_COLUMNS, settings.tile_columns_log2 as c_int)?;
        self.control(aom::AV1E_SET_ROW_MT, c_int::from(settings.threads > 1))?;
        self.control(aom::AV1E_SET_AQ_MODE, 3)?;
        self.control(aom::AV1E_SET_ENABLE_CDEF, 1)?;
        self.control(aom::AV1E_SET_COEFF_COST_UPD_FREQ, 3)?;
        self.control(aom::AV1E_SET_MODE_COST_UPD_FREQ, 3)?;
        self.control(aom::AV1E_SET_MV_COST_UPD_FREQ, 3)?;
        self.control(aom::AOME_SET_MAX_INTRA_BITRATE_PCT, 300)?;
        self.control(aom::AV1E_SET_MAX_REFERENCE_FRAMES, 3)?;
        self.control(aom::AV1E_SET_DISABLE_TRELLIS_QUANT, 1)?;
        self.control(aom::AV1E_SET_INTRA_DEFAULT_TX_ONLY, 1)?;
        self.control(aom::AV1E_SET_COLOR_PRIMARIES, aom::AOM_CICP_CP_BT_709 as c_int)?;
        self.control(aom::AV1E_SET_TRANSFER_CHARACTERISTICS, aom::AOM_CICP_TC_BT_709 as c_int)?;
        self.control(aom::AV1E_SET_MATRIX_COEFFICIENTS, aom::AOM_CICP_MC_BT_709 as c_int)?;
        for off in TOOLS_THAT_COST_MORE_THAN_THEY_GIVE {
            self.control(*off, 0)?;
        }
        Ok(())
    }

    /// L1T2: the base gets 60 % of the bits.
    fn set_layers(&mut self) -> Result<(), EncodeError> {
        let total = self.config.rc_target_bitrate as c_int;
        let mut params = aom::aom_svc_params_t {
            number_spatial_layers: 1,
            number_temporal_layers: 2,
            max_quantizers: [MAX_QUANTIZER as c_int; 32],
            min_quantizers: [MIN_QUANTIZER as c_int; 32],
            scaling_factor_num: [1; 4],
            scaling_factor_den: [1; 4],
            layer_target_bitrate: [0; 32],
            framerate_factor: [1; 8],
        };
        params.framerate_factor[0] = 2;
        params.layer_target_bitrate[0] = total * 6 / 10;
        params.layer_target_bitrate[1] = total;
        // SAFETY: the context is initialised and this control takes a pointer to this struct, read during the call.
        check(unsafe {
            aom::aom_codec_control(&raw mut *self.context, aom::AV1E_SET_SVC_PARAMS as c_int, &raw mut params)
        })
    }

    /// Base frames refer to and replace slot 0; top frames refer to it and replace nothing.
    fn set_references(&mut self, temporal: u8) -> Result<(), EncodeError> {
        let mut layer = aom::aom_svc_layer_id_t { spatial_layer_id: 0, temporal_layer_id: c_int::from(temporal) };
        let mut references = aom::aom_svc_ref_frame_config_t { reference: [0; 7], ref_idx: [0; 7], refresh: [0; 8] };
        references.reference[0] = 1;
        references.refresh[0] = c_int::from(temporal == 0);
        // SAFETY: the context is initialised; both controls take a pointer to these structs, read during the call.
        unsafe {
            check(aom::aom_codec_control(&raw mut *self.context, aom::AV1E_SET_SVC_LAYER_ID as c_int, &raw mut layer))?;
            check(aom::aom_codec_control(
                &raw mut *self.context,
                aom::AV1E_SET_SVC_REF_FRAME_CONFIG as c_int,
                &raw mut references,
            ))
        }
    }
}

impl Encoder for AomEncoder {
    fn encode(&mut self, picture: &Picture, force_key: bool) -> Result<Option<Coded>, EncodeError> {
        if (picture.width, picture.height) != (self.config.g_w, self.config.g_h) {
            return Err(EncodeError::Encode(Codec::Av1, -1));
        }
        if force_key {
            self.index = 0;
        }
        let temporal = u8::from(self.index % 2 == 1);
        self.set_references(temporal)?;
        let mut image = MaybeUninit::<aom::aom_image_t>::zeroed();
        let flags = if self.index == 0 { aom::AOM_EFLAG_FORCE_KF } else { 0 };
        #[expect(clippy::cast_possible_truncation, reason = "at least 1 f/s")]
        let duration = (f64::from(TICKS_PER_SECOND) / f64::from(self.fps.max(1.0))) as i64;
        // SAFETY: the picture's buffer holds width x height x 3/2 bytes, packed, for the whole call, and libaom only
        // reads it (the pointer is mutable for its denoiser, which is off).
        let code = unsafe {
            let wrapped = aom::aom_img_wrap(
                image.as_mut_ptr(),
                aom::AOM_IMG_FMT_I420,
                picture.width,
                picture.height,
                1,
                picture.data.as_ptr().cast_mut(),
            );
            if wrapped.is_null() {
                return Err(EncodeError::Encode(Codec::Av1, -2));
            }
            aom::aom_codec_encode(
                &raw mut *self.context,
                image.as_ptr(),
                self.pts,
                duration as _,
                aom::aom_enc_frame_flags_t::from(flags),
            )
        };
        if code != aom::AOM_CODEC_OK {
            return Err(EncodeError::Encode(Codec::Av1, i64::from(code)));
        }
        self.pts += duration;
        let mut coded: Option<Coded> = None;
        let mut iterator: aom::aom_codec_iter_t = ptr::null();
        loop {
            // SAFETY: packets stay valid until the next call of encode; the union is read as its kind says.
            unsafe {
                let packet = aom::aom_codec_get_cx_data(&raw mut *self.context, &raw mut iterator);
                let Some(packet) = packet.as_ref() else { break };
                if packet.kind != aom::AOM_CODEC_CX_FRAME_PKT || packet.data.frame.sz == 0 {
                    continue;
                }
                let frame = &packet.data.frame;
                let bytes = std::slice::from_raw_parts(frame.buf.cast::<u8>(), frame.sz);
                let key = frame.flags & aom::AOM_FRAME_IS_KEY != 0;
                let coded = coded.get_or_insert_with(|| Coded { payload: Vec::new(), key, temporal });
                coded.payload.extend_from_slice(bytes);
            }
        }
        if coded.is_some() {
            self.index += 1;
        }
        Ok(coded)
    }

    fn set_rate(&mut self, bitrate_bps: u64, fps: f32) -> Result<(), EncodeError> {
        self.fps = fps;
        let rate = kilobits(bitrate_bps);
        if rate != self.config.rc_target_bitrate {
            self.config.rc_target_bitrate = rate;
            // SAFETY: the context is initialised and the configuration is the one it was made with, but for the rate.
            check(unsafe { aom::aom_codec_enc_config_set(&raw mut *self.context, &raw const self.config) })?;
            self.set_layers()?;
        }
        Ok(())
    }
}

impl Drop for AomEncoder {
    fn drop(&mut self) {
        // SAFETY: the context was initialised and is used no more.
        unsafe { aom::aom_codec_destroy(&raw mut *self.context) };
    }
}

const MIN_QUANTIZER: u32 = 10;
const MAX_QUANTIZER: u32 = 56;

fn kilobits(bps: u64) -> u32 {
    u32::try_from(bps / 1000).unwrap_or(u32::MAX).clamp(10, 50_000)
}

const TOOLS_THAT_COST_MORE_THAN_THEY_GIVE: &[aom::aome_enc_control_id] = &[
    aom::AV1E_SET_ENABLE_TPL_MODEL,
    aom::AV1E_SET_DELTAQ_MODE,
    aom::AV1E_SET_ENABLE_ORDER_HINT,
    aom::AV1E_SET_ENABLE_OBMC,
    aom::AV1E_SET_ENABLE_WARPED_MOTION,
    aom::AV1E_SET_ENABLE_GLOBAL_MOTION,
    aom::AV1E_SET_ENABLE_REF_FRAME_MVS,
    aom::AV1E_SET_ENABLE_CFL_INTRA,
    aom::AV1E_SET_ENABLE_SMOOTH_INTRA,
    aom::AV1E_SET_ENABLE_ANGLE_DELTA,
    aom::AV1E_SET_ENABLE_FILTER_INTRA,
    aom::AV1E_SET_ENABLE_DIST_WTD_COMP,
    aom::AV1E_SET_ENABLE_DIFF_WTD_COMP,
    aom::AV1E_SET_ENABLE_DUAL_FILTER,
    aom::AV1E_SET_ENABLE_INTERINTRA_COMP,
    aom::AV1E_SET_ENABLE_INTERINTRA_WEDGE,
    aom::AV1E_SET_ENABLE_INTERINTER_WEDGE,
    aom::AV1E_SET_ENABLE_INTRA_EDGE_FILTER,
    aom::AV1E_SET_ENABLE_INTRABC,
    aom::AV1E_SET_ENABLE_MASKED_COMP,
    aom::AV1E_SET_ENABLE_PAETH_INTRA,
    aom::AV1E_SET_ENABLE_QM,
    aom::AV1E_SET_ENABLE_RECT_PARTITIONS,
    aom::AV1E_SET_ENABLE_RESTORATION,
    aom::AV1E_SET_ENABLE_SMOOTH_INTERINTRA,
    aom::AV1E_SET_ENABLE_TX64,
    aom::AV1E_SET_ENABLE_PALETTE,
];
