//! Every bound of this crate, with its reason: queues, waits, sizes. Sound first, pictures after.
//!
//! No logic. Whoever adds a queue, a loop or a wait puts its bound here.

// Sound: codec

/// Of 0 to 10. At a constant rate ten gains 0.3 PESQ over five, for less than 1 % of a core.
pub(crate) const ENCODER_COMPLEXITY: i32 = 10;
/// What an encoder hears of the past when it takes over in the middle of a voice: with one frame the change can be heard.
pub(crate) const HANDOVER_FRAMES: usize = 5;
/// The longest Opus packet; a longer one is no Opus.
pub(crate) const PACKET_BYTES: usize = 1_500;

// Sound: jitter buffer

/// The wait before anything is known of the network.
pub(crate) const FIRST_TARGET_US: i64 = 15_000;
/// Threads wake up late by milliseconds on a busy machine even if the network is perfect.
pub(crate) const TARGET_MIN_US: i64 = 5_000;
/// Beyond this people talk over each other; late packets are then lost packets.
pub(crate) const TARGET_MAX_US: i64 = 300_000;
/// Above the percentile, for what the window has not seen.
pub(crate) const TARGET_MARGIN_US: i64 = 3_000;
/// Above the 95th percentile at most: what is rarer is concealed.
pub(crate) const TARGET_ABOVE_US: i64 = 15_000;
/// Nothing is waited for longer than this to be repaired: it bridges five frames in a row.
pub(crate) const REPAIR_HOLD_MAX_US: i64 = 125_000;
/// Losses in a row that a packet can be asked about: longer ones are an outage.
pub(crate) const REPAIRED_IN_A_ROW: u32 = 8;
/// How long an arrival counts: so long that the sound behind one full queue (0.3 s, and as long until it is empty) is less than
/// a twentieth of it. What happened once is waited for no longer than it lasted.
pub(crate) const DELAY_WINDOW_US: u64 = 14_000_000;
/// How long what a repair needed counts.
pub(crate) const REPAIR_WINDOW_US: u64 = 10_000_000;
/// As many as come in the longer of these times with 10 ms packets.
pub(crate) const DELAY_WINDOW_PACKETS: usize = 1_448;
/// Five seconds of 20 ms packets: a standstill longer than that is not played later.
pub(crate) const JITTER_PACKETS: usize = 256;
/// A position of 180 years: keeps all sums within 64 bits.
pub(crate) const POSITION_MAX: u64 = 1 << 48;
/// So many packets older than what is played, with none newer between: the sender has started anew.
pub(crate) const STALE_IN_A_ROW: u32 = 8;
/// A longer hole is not made up but waited for.
pub(crate) const CONCEALED_GAP_SAMPLES: u64 = 5_760;
/// The wait may be longer than wanted by this before time is stretched: stretching for less would never rest.
pub(crate) const STRETCH_ABOVE_US: i64 = 5_000;
/// It may be shorter by this: half of it is slack in the block anyway.
pub(crate) const STRETCH_BELOW_US: i64 = 3_000;
/// From here on delay is worse than an imperfect cut.
pub(crate) const STRETCH_URGENT_US: i64 = 40_000;
/// From here on what is late is left out at once.
pub(crate) const EXCESS_MAX_US: i64 = 250_000;

// Sound: devices and files

/// Rates of devices and files that we take.
pub(crate) const RATE_MIN: u32 = 4_000;
/// Above it no device for voice is found, and the rings would hold too little time.
pub(crate) const RATE_MAX: u32 = 192_000;
/// A second of a file read ahead: a busy disk is not heard.
pub(crate) const FEEDER_RING_SAMPLES: usize = 48_000;
/// Two seconds until a slow disk costs sound.
pub(crate) const RECORDER_RING_SAMPLES: usize = 96_000;
/// A WAV file holds 4 GiB at most: some twelve hours. It is closed before.
pub(crate) const RECORDED_SAMPLES_MAX: u32 = 2_000_000_000;
/// How long a device may take from being asked to its first callback; the first after a pause can take half a second.
pub(crate) const DEVICE_OPEN_US: u64 = 5_000_000;
/// The same, as the sound system is told.
pub(crate) const DEVICE_OPEN_DEADLINE: std::time::Duration = std::time::Duration::from_secs(4);
/// PulseAudio calls once, and then waits for its sink for up to a second and a half.
pub(crate) const DEVICE_FIRST_CALLS: u32 = 4;
/// Without a callback for so long a device is gone: they come every 10 ms.
pub(crate) const DEVICE_SILENT_US: u64 = 1_500_000;
/// How long after a failure a device is tried again.
pub(crate) const DEVICE_RETRY_US: u64 = 2_000_000;
/// Who asks for the devices waits for so long at most.
pub(crate) const DEVICE_LIST_DEADLINE: std::time::Duration = std::time::Duration::from_secs(3);
/// More devices than a list can show are a mistake of the sound system.
pub(crate) const DEVICES_LISTED: usize = 64;
/// Two seconds at 48 kHz, half of one at 192 kHz.
pub(crate) const DEVICE_RING_SAMPLES: usize = 96_000;
/// What a sound system says beyond this is a mistake.
pub(crate) const DEVICE_LATENCY_MAX_US: u32 = 500_000;
/// Streams that did not close, per direction, before no more are opened.
pub(crate) const ABANDONED_STREAMS: usize = 4;
/// How long a file may take to open and fill its ring.
pub(crate) const FILE_OPEN_US: u64 = 5_000_000;
/// Blocks of 10 ms that are made up for after a standstill; older ones are left out.
pub(crate) const BEHIND_BLOCKS: u64 = 30;
/// A block that goes by the clock is made so long before it counts as heard: the thread may wake up late.
pub(crate) const SPEAKER_LEAD_US: u64 = 3_000;
/// Who drops the engine waits for so long at most.
pub(crate) const STOP_DEADLINE: std::time::Duration = std::time::Duration::from_secs(2);
/// Packets between two turns of the audio thread: those of a full meeting in a second.
pub(crate) const PACKETS_WAITING: usize = 2_048;
/// More remotes than a mesh can carry.
pub(crate) const REMOTES: usize = 64;
/// Clock maps are sent once a second ...
pub(crate) const CLOCK_MAP_SAMPLES: u64 = 48_000;
/// ... and when the clock is off by what lip sync could notice.
pub(crate) const CLOCK_MAP_JUMP_US: u64 = 5_000;
/// A transit that is shorter than any of the last ten seconds by this: the sender's clock has jumped.
pub(crate) const TRANSIT_JUMP_US: i64 = 60_000;
/// So many packets later than the longest target: the sender's clock has stood still, and this is the new normal.
pub(crate) const FAR_IN_A_ROW: u32 = 15;

// Pictures

/// Largest picture that is decoded or encoded: 1080p with H.264's rounding to macroblocks. Bounds every allocation that a
/// remote's header can ask for (3 MB a picture).
pub(crate) const MAX_PICTURE_WIDTH: u32 = 1920;
/// See [`MAX_PICTURE_WIDTH`].
pub(crate) const MAX_PICTURE_HEIGHT: u32 = 1088;
/// Smallest side that the codecs take.
pub(crate) const MIN_PICTURE_SIDE: u32 = 16;
/// Largest coded picture that is handed to a decoder; a 1080p key frame at the best quality stays below it.
pub(crate) const MAX_CODED_BYTES: usize = 2 << 20;
/// Pictures that one coded frame may hold before it counts as an attack.
pub(crate) const MAX_PICTURES_PER_FRAME: usize = 8;
/// Idle picture buffers that a pool keeps; one is written, one shown, one on its way.
pub(crate) const MAX_POOLED_PICTURES: usize = 4;
/// Frames waiting for one remote's decoder: half a second. The oldest go first, then a key frame is asked for.
pub(crate) const MAX_FRAMES_TO_DECODE: usize = 16;
/// Decoded pictures waiting for their moment: as long as sound may keep one waiting, at 30 f/s. Beyond it the oldest is shown
/// at once: dropped, it would leave none to be shown at all while that wait is longer.
pub(crate) const MAX_PICTURES_TO_SHOW: usize = 16;
/// Pictures waiting for the disk (1.4 MB each at 720 lines). Beyond it pictures are left out of the file, never delayed.
pub(crate) const MAX_PICTURES_TO_WRITE: usize = 8;
/// Largest file-camera picture; larger Y4M files are refused.
pub(crate) const MAX_FILE_SIDE: u32 = 4096;
/// Longest Y4M header line.
pub(crate) const MAX_Y4M_HEADER: usize = 1024;
/// Layers of the ladder.
pub(crate) const MAX_LAYERS: usize = 3;
/// Largest buffer that a camera may hand over (1080p RGB with room to spare).
pub(crate) const MAX_CAMERA_BUFFER: usize = 16 << 20;
/// Threads left behind in hanging camera drivers; beyond it a hanging camera is not tried again until one comes back.
pub(crate) const MAX_ABANDONED_CAMERA_THREADS: usize = 2;
/// Formats of one camera that are looked at; some drivers list thousands of sizes.
pub(crate) const MAX_CAMERA_FORMATS: usize = 1024;
