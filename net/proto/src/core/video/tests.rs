//! How one ladder is divided among peers of all kinds, and what that spares each of them.

use proptest::prelude::*;

use super::super::LayerTarget;
use super::*;
use crate::frames::VideoCodec;
use crate::limits::{LAYER_LADDER_KBPS, LAYER_MAX_KBPS, SOUND_KBPS};

use SpatialLayer::{Full, Medium, Small};

const START: Instant = Instant::ZERO;

fn share(kbps: u64, most: Option<SpatialLayer>) -> VideoShare {
    let wish = Wish { layer: most, full_frame_rate: true };
    VideoShare { wish, budget: steady(kbps), ..VideoShare::default() }
}

/// Of a path without a queue.
fn steady(kbps: u64) -> Option<PictureBudget> {
    let rate = Bitrate::from_kbps(kbps);
    Some(PictureBudget { now: rate, settled: rate })
}

fn at(ms: u64) -> Instant {
    Instant::from_micros(ms * 1000)
}

fn division(now: Instant, shares: &mut [VideoShare]) -> Vec<(SpatialLayer, u64)> {
    let mut shares: Vec<&mut VideoShare> = shares.iter_mut().collect();
    divide(now, &mut shares).targets.iter().map(|target| (target.layer, target.bitrate.as_kbps())).collect()
}

const fn rung(layer: SpatialLayer, whole: bool) -> Option<Rung> {
    Some(Rung { layer, whole })
}

fn rungs(shares: &[VideoShare]) -> Vec<Option<Rung>> {
    shares.iter().map(|share| share.target).collect()
}

#[test]
fn two_people_cost_one_layer_and_the_slower_one_costs_the_other_nothing() {
    assert_eq!(division(START, &mut [share(5000, Some(Full))]), [(Full, 1600)]);
    assert_eq!(division(START, &mut [share(1100, Some(Full))]), [(Full, 1100)], "alone, a layer follows its path");
    let mut all = [share(5000, Some(Full)), share(1100, Some(Full)), share(5000, Some(Small))];
    assert_eq!(division(START, &mut all), [(Small, 250), (Medium, 800), (Full, 1600)]);
    assert_eq!(rungs(&all), [rung(Full, true), rung(Medium, true), rung(Small, true)]);
}

#[test]
fn one_of_four_on_a_thin_path_lowers_nobody() {
    for (most, expected) in [(Full, (Full, 1200)), (Medium, (Medium, 733))] {
        let fast = || share(5000, Some(most));
        let mut all = [fast(), fast(), fast()];
        assert_eq!(division(START, &mut all), [expected]);
        let mut all = [fast(), fast(), share(90, Some(most)), fast()];
        assert_eq!(division(START, &mut all), [(Small, 90), expected]);
        assert_eq!(rungs(&all)[2], rung(Small, true));
    }
    // With small tiles there is no lower layer: the base pictures alone, then sound alone.
    let fast = || share(5000, Some(Small));
    let mut all = [fast(), fast(), fast(), share(90, Some(Small))];
    assert_eq!(division(START, &mut all), [(Small, 125)]);
    assert_eq!(rungs(&all)[3], rung(Small, false));
    all[3].budget = steady(36);
    assert_eq!(division(START, &mut all), [(Small, 125)]);
    assert_eq!(rungs(&all)[3], rung(Small, false), "an estimate at its floor has something to grow on");
    all[3].budget = steady(20);
    assert_eq!(division(START, &mut all), [(Small, 166)]);
    assert_eq!(rungs(&all)[3], None, "not even the base pictures");
}

#[test]
fn everybody_knows_what_they_go_short_of() {
    let mut all = [
        share(5000, Some(Full)),
        share(900, Some(Full)),
        share(90, Some(Medium)),
        share(5000, Some(Small)),
        share(10, Some(Medium)),
        share(10, None),
    ];
    division(START, &mut all);
    let short: Vec<Shortfall> = all.iter().map(VideoShare::shortfall).collect();
    use Shortfall::{NoPictures, Nothing, Smaller};
    assert_eq!(short, [Nothing, Smaller, Shortfall::Fewer, Nothing, NoPictures, Nothing]);
}

#[test]
fn who_carries_about_as_much_shares_a_layer() {
    let mut all = [share(550, Some(Full)), share(520, Some(Full)), share(560, Some(Full))];
    assert_eq!(division(START, &mut all).len(), 2, "the second does not reach the layer by itself");
    let mut all = [share(550, Some(Full)), share(590, Some(Full)), share(560, Some(Full))];
    assert_eq!(division(START, &mut all), [(Full, 550)]);
    all[1].budget = steady(470);
    assert_eq!(division(at(10), &mut all), [(Full, 470)], "an estimate that wanders throws nobody out");
}

#[test]
fn seven_people_with_a_middle_tile_get_one_layer_of_the_ladder() {
    let mut all: Vec<VideoShare> = (0..7).map(|_| share(8000, Some(Medium))).collect();
    assert_eq!(division(START, &mut all), [(Medium, LAYER_LADDER_KBPS[1])]);
    // The uplink of 2.9 Mbit/s is enough for that and for everybody's sound.
    let wish = Wish { layer: Some(Medium), full_frame_rate: true };
    let parts = allot(Bitrate::from_kbps(2900), &[wish; 7]);
    for (share, part) in all.iter_mut().zip(&parts) {
        share.allotted = Some(part.pictures);
    }
    assert!(parts.iter().map(|part| part.wire.as_kbps()).sum::<u64>() <= 2900);
    let targets = division(at(10), &mut all);
    assert_eq!(targets.len(), 1);
    assert!(targets[0].0 == Medium && targets[0].1 >= 295, "{targets:?}");
}

#[test]
fn down_at_once_up_after_a_while_and_no_flapping_around_a_threshold() {
    let mut one = [share(1200, Some(Full))];
    let mut step = |ms: u64, kbps: u64, most: Option<SpatialLayer>| {
        one[0].budget = steady(kbps);
        one[0].wish.layer = most;
        division(at(ms), &mut one);
        one[0].target_layer()
    };
    assert_eq!(step(0, 1200, Some(Full)), Some(Full));
    assert_eq!(step(100, 450, Some(Full)), Some(Full));
    assert_eq!(step(200, 400, Some(Full)), Some(Medium));
    assert_eq!(step(300, 1500, Some(Full)), Some(Medium));
    assert_eq!(step(2300, 1500, Some(Full)), Some(Full));
    assert_eq!(step(2400, 40, Some(Full)), Some(Small));
    assert_eq!(step(2500, 2000, None), None);
}

#[test]
fn a_queue_that_will_be_empty_in_a_moment_costs_rate_and_not_the_layer() {
    let mut one = [share(1200, Some(Full))];
    division(START, &mut one);
    let budget = |now, settled| PictureBudget { now: Bitrate::from_kbps(now), settled: Bitrate::from_kbps(settled) };
    one[0].budget = Some(budget(200, 450));
    assert_eq!(division(at(100), &mut one), [(Full, 200)]);
    one[0].budget = Some(budget(200, 400));
    assert_eq!(division(at(200), &mut one), [(Medium, 200)]);
}

/// What two may have after ten times at which each path congested, in milliseconds of that second.
fn after_congestion(first: u64, second: u64) -> [u64; 2] {
    let mut all = [share(1200, Some(Full)), share(400, Some(Full))];
    for event in 0..10 {
        let moment = |ms| Some(at(event * 1000 + ms));
        for now in [first.max(second), 900] {
            even_out(at(event * 1000 + now), &mut all.each_mut(), &[moment(first), moment(second)]);
        }
    }
    all.map(|share| share.affords().as_kbps())
}

#[test]
fn paths_that_congest_together_get_even_parts_and_others_keep_theirs() {
    assert_eq!(after_congestion(100, 250), [800, 800]);
    assert_eq!(after_congestion(100, 500), [1200, 400]);
    let even = |rates: &[u64]| even_part(&rates.iter().map(|kbps| Bitrate::from_kbps(*kbps)).collect::<Vec<_>>());
    assert_eq!(even(&[1200, 400]), Some(Bitrate::from_kbps(800)));
    assert_eq!(even(&[1000, 1010, 990]), None, "near enough");
    assert_eq!(even(&[1000]), None);
}

#[test]
fn a_step_up_that_waits_is_looked_at_again_by_itself() {
    let mut one = share(1200, Some(Full));
    divide(START, &mut [&mut one]);
    one.budget = steady(400);
    let division = divide(at(100), &mut [&mut one]);
    assert_eq!(division.begun, [Medium]);
    assert_eq!(division.again_at, Some(at(2100)));
    one.budget = steady(1500);
    assert_eq!(divide(at(2100), &mut [&mut one]).again_at, None);
    assert_eq!(one.target_layer(), Some(Full));
}

#[test]
fn a_new_layer_begins_with_its_key_frame_and_a_thin_path_gets_base_pictures() {
    let mut one = share(400, Some(Full));
    divide(START, &mut [&mut one]);
    let frame = |layer, needs_back, temporal| VideoFrame {
        layer,
        temporal,
        number: 1,
        needs_back,
        codec: VideoCodec::Av1,
        captured_us: 0,
        width: 640,
        height: 360,
        payload: bytes::Bytes::new(),
    };
    assert!(!one.wants(&frame(Medium, 1, 0)));
    assert!(one.wants(&frame(Medium, 0, 0)));
    one.budget = steady(2000);
    divide(START, &mut [&mut one]);
    assert!(one.wants(&frame(Medium, 1, 1)), "the old layer goes on");
    assert!(!one.wants(&frame(Full, 1, 0)));
    assert!(one.wants(&frame(Full, 0, 0)));
    assert!(!one.wants(&frame(Medium, 1, 0)));

    let mut thin = share(90, Some(Small));
    let mut others = [share(5000, Some(Small)), share(5000, Some(Small)), share(5000, Some(Small))];
    let mut all: Vec<&mut VideoShare> = others.iter_mut().chain([&mut thin]).collect();
    divide(START, &mut all);
    assert!(thin.wants(&frame(Small, 0, 0)) && thin.wants(&frame(Small, 2, 0)));
    assert!(!thin.wants(&frame(Small, 1, 1)));
}

#[test]
fn a_bound_goes_to_sound_then_to_base_pictures_then_to_the_larger_tiles() {
    let wish = |layer| Wish { layer, full_frame_rate: true };
    let kbps = |uplink: u64, wishes: &[Wish]| {
        let parts = allot(Bitrate::from_kbps(uplink), wishes);
        parts.iter().map(|part| part.wire.as_kbps() - SOUND_KBPS.min(part.wire.as_kbps())).collect::<Vec<_>>()
    };
    let wishes = [wish(Some(Small)), wish(Some(Full)), wish(None), wish(Some(Medium))];
    assert_eq!(kbps(200, &wishes), [0, 0, 0, 0], "sound for all");
    assert_eq!(kbps(SOUND_KBPS * 4 + 160, &wishes), [0, 80, 0, 80], "who has a larger tile is first");
    assert_eq!(kbps(SOUND_KBPS * 4 + 75 * 3, &wishes), [75, 75, 0, 75]);
    assert_eq!(kbps(SOUND_KBPS * 4 + 350 + 350 + 120, &wishes), [120, 350, 0, 350]);
    let rich = kbps(20_000, &wishes);
    assert_eq!(rich, [LAYER_MAX_KBPS[0] * 10 / 9, 1777, 0, LAYER_MAX_KBPS[1] * 10 / 9]);
}

fn any_wish() -> impl Strategy<Value = Wish> {
    let layer = prop_oneof![Just(None), Just(Some(Small)), Just(Some(Medium)), Just(Some(Full))];
    (layer, any::<bool>()).prop_map(|(layer, full_frame_rate)| Wish { layer, full_frame_rate })
}

proptest! {
    #[test]
    fn a_bound_is_kept_and_more_of_it_is_less_for_nobody(
        wishes in prop::collection::vec(any_wish(), 1..16), uplink in 32_u64..30_000, more in 0_u64..5_000,
    ) {
        let parts = allot(Bitrate::from_kbps(uplink), &wishes);
        prop_assert!(parts.iter().map(|part| part.wire.as_bps()).sum::<u64>() <= uplink * 1000);
        let video = |part: &Allotment| part.pictures.as_kbps();
        prop_assert!(parts.iter().zip(&wishes).all(|(part, wish)| wish.layer.is_some() || video(part) == 0));
        let richer = allot(Bitrate::from_kbps(uplink + more), &wishes);
        let sum = |parts: &[Allotment]| parts.iter().map(|part| part.wire.as_kbps()).sum::<u64>();
        prop_assert!(sum(&richer) >= sum(&parts));
    }

    /// Whoever comes on a path that carries less: nobody gets less of the ladder than before, nor a rate below what their
    /// number alone explains, but for the tenth that sharing a layer may cost.
    #[test]
    fn a_slower_one_costs_nobody_anything(
        others in prop::collection::vec((40_u64..6_000, any_wish()), 1..12), slower in 0.01_f64..1.0, wish in any_wish(),
    ) {
        let mut all: Vec<VideoShare> = others.iter().map(|(kbps, wish)| share(*kbps, wish.layer)).collect();
        let before = division(START, &mut all);
        let rungs_before = rungs(&all);
        let least = others.iter().map(|(kbps, _)| Bitrate::from_kbps(*kbps)).min().unwrap_or_default();
        all.push(share(least.scaled(slower).as_kbps(), wish.layer));
        let after = division(at(10), &mut all);
        prop_assert!(rungs(&all).iter().zip(&rungs_before).all(|(after, before)| after >= before));
        for (layer, kbps) in before {
            // Nobody is left in it: they all went up, for more copies of a larger layer cost less each.
            let whole = Some(Rung { layer, whole: true });
            let stayed = rungs(&all).iter().zip(&rungs_before).any(|(after, before)| *after == whole && *before == whole);
            let after = after.iter().find(|(known, _)| *known == layer).map_or(0, |(_, kbps)| *kbps);
            let least = kbps.min(LAYER_LADDER_KBPS[layer as usize]);
            prop_assert!(!stayed || after * 100 >= least * 89, "{:?} {} {}", layer, kbps, after);
        }
    }
}

#[test]
fn small_changes_are_not_worth_telling() {
    let target = |kbps| [LayerTarget { layer: Full, bitrate: Bitrate::from_kbps(kbps) }];
    assert!(!differs(&target(1000), &target(1020)));
    assert!(differs(&target(1000), &target(1050)));
    assert!(differs(&target(1000), &[]));
}
