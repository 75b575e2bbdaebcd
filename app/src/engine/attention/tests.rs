//! Who gives way, in a room whose downlink is shared out as congestion control does: evenly, what one does not use going to the
//! others. Virtual time in steps of the engine's tick.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

const TICK: Duration = Duration::from_millis(100);
/// From a wish to the report that follows from it.
const REACTION: usize = 8;

/// What a rung costs, in kbit/s, the base alone first.
const fn cost_kbps(layer: SpatialLayer, whole: bool) -> u64 {
    match (layer, whole) {
        (SpatialLayer::Small, false) => 65,
        (SpatialLayer::Small, true) => 108,
        (SpatialLayer::Medium, false) => 190,
        (SpatialLayer::Medium, true) => 315,
        (SpatialLayer::Full, false) => 650,
        (SpatialLayer::Full, true) => 1080,
    }
}

/// What a sender makes of a wish and what its path carries.
fn shortfall(wish: Wish, carries_kbps: u64) -> Shortfall {
    let Some(wanted) = wish.layer else { return Shortfall::Nothing };
    if carries_kbps >= cost_kbps(wanted, wish.full_frame_rate) {
        Shortfall::Nothing
    } else if carries_kbps >= cost_kbps(SpatialLayer::Small, wish.full_frame_rate) {
        Shortfall::Smaller
    } else if carries_kbps >= cost_kbps(SpatialLayer::Small, false) {
        Shortfall::Fewer
    } else {
        Shortfall::NoPictures
    }
}

struct Room {
    now: Instant,
    attention: Attention,
    people: Vec<Seen>,
    /// What one's own uplink carries.
    uplinks_kbps: Vec<u64>,
    downlink_kbps: u64,
    /// The newest last.
    wishes: VecDeque<Vec<Wish>>,
}

impl Room {
    fn new(people: u8, fills: SpatialLayer, downlink_kbps: u64) -> Self {
        let now = Instant::now();
        let seen = |number| Seen {
            who: PeerId([number; 32]),
            fills: Some(fills),
            pinned: false,
            speaking: false,
            pictures: Some(Shortfall::Nothing),
        };
        Self {
            now,
            attention: Attention::new(now),
            people: (1..=people).map(seen).collect(),
            uplinks_kbps: vec![u64::MAX; usize::from(people)],
            downlink_kbps,
            wishes: VecDeque::new(),
        }
    }

    /// What each sender may send: no more than it costs, no more than its uplink, the smallest served first.
    fn shared_out(&self, wishes: &[Wish]) -> Vec<u64> {
        let wants = |place: usize| {
            let wish = wishes[place];
            let cost = wish.layer.map_or(0, |layer| cost_kbps(layer, wish.full_frame_rate));
            cost.min(self.uplinks_kbps[place])
        };
        let mut order: Vec<usize> = (0..wishes.len()).collect();
        order.sort_by_key(|place| wants(*place));
        let (mut rest, mut given) = (self.downlink_kbps, vec![0; wishes.len()]);
        for (done, place) in order.iter().copied().enumerate() {
            let even = rest / (wishes.len() - done) as u64;
            given[place] = wants(place).min(even);
            rest -= given[place];
        }
        given
    }

    fn tick(&mut self) -> Vec<Wish> {
        self.now += TICK;
        if self.wishes.len() == REACTION {
            let old = self.wishes.pop_front().unwrap_or_default();
            let given = self.shared_out(&old);
            for (place, seen) in self.people.iter_mut().enumerate() {
                seen.pictures = seen.pictures.map(|_| shortfall(old[place], given[place]));
            }
        }
        let wishes = self.attention.look(self.now, &self.people);
        self.wishes.push_back(wishes.clone());
        wishes
    }

    fn run(&mut self, seconds: usize) -> Vec<Wish> {
        (0..seconds * 10).map(|_| self.tick()).last().unwrap_or_default()
    }

    /// Wishes over some time: for each person whether anything is given up, one moment after the other.
    fn gives_way(&mut self, seconds: usize) -> Vec<Vec<bool>> {
        let fills: Vec<_> = self.people.iter().map(|seen| seen.fills).collect();
        let less = |wishes: Vec<Wish>| {
            let each = wishes.iter().zip(&fills).map(|(wish, fills)| *wish != Less::Nothing.of(*fills));
            each.collect::<Vec<bool>>()
        };
        (0..seconds * 10).map(|_| less(self.tick())).collect()
    }
}

fn medium() -> Wish {
    Less::Nothing.of(Some(SpatialLayer::Medium))
}

#[test]
fn who_speaks_gets_what_the_others_give_up() {
    let mut room = Room::new(4, SpatialLayer::Medium, 1000);
    room.people[1].speaking = true;
    assert_eq!(room.run(4), [medium(); 4], "it has to last, and the call to have begun");
    let wishes = room.run(20);
    assert_eq!(wishes[1], medium());
    for place in [0, 2, 3] {
        assert_eq!(wishes[place].layer, Some(SpatialLayer::Small));
    }
    assert_eq!(room.people[1].pictures, Some(Shortfall::Nothing), "and that is enough");
}

#[test]
fn every_other_picture_goes_after_the_size() {
    let mut room = Room::new(4, SpatialLayer::Medium, 560);
    room.people[0].pinned = true;
    let mut steps: Vec<Wish> = Vec::new();
    for _ in 0..140 {
        let wish = room.tick()[1];
        if steps.last() != Some(&wish) {
            steps.push(wish);
        }
    }
    assert_eq!(steps, [Less::Nothing, Less::Size, Less::SizeAndRate].map(|less| less.of(Some(SpatialLayer::Medium))));
    assert_eq!(room.people[0].pictures, Some(Shortfall::Nothing));
}

#[test]
fn nothing_changes_with_one_other_or_for_one_slow_sender() {
    let mut two = Room::new(1, SpatialLayer::Full, 60);
    two.people[0].speaking = true;
    assert!(two.gives_way(120).iter().flatten().all(|less| !less));
    let mut room = Room::new(4, SpatialLayer::Full, 100_000);
    room.people[0].pinned = true;
    room.uplinks_kbps[0] = 150;
    assert!(room.gives_way(120).iter().flatten().all(|less| !less), "its own connection, as far as anybody can know");
}

#[test]
fn nobody_gives_way_for_nobody() {
    let mut room = Room::new(4, SpatialLayer::Medium, 500);
    assert!(room.gives_way(60).iter().flatten().all(|less| !less), "nobody ever spoke, nobody is pinned");
    room.people[0].pinned = true;
    room.people[0].pictures = None;
    assert!(room.gives_way(60).iter().flatten().all(|less| !less), "whose camera is off gains nothing");
}

#[test]
fn it_is_lifted_step_by_step_once_there_is_room() {
    let mut room = Room::new(4, SpatialLayer::Medium, 560);
    room.people[0].pinned = true;
    room.run(12);
    assert_eq!(room.attention.less, Less::SizeAndRate);
    room.downlink_kbps = 10_000;
    room.run(7);
    assert_eq!(room.attention.less, Less::SizeAndRate, "not at once");
    room.run(4);
    assert_eq!(room.attention.less, Less::Size);
    room.run(11);
    assert_eq!(room.attention.less, Less::Nothing);
}

#[test]
fn what_comes_again_at_once_is_tried_less_and_less_often() {
    let mut room = Room::new(4, SpatialLayer::Medium, 1000);
    room.people[0].pinned = true;
    room.run(20);
    let mut minutes = Vec::new();
    for _ in 0..15 {
        let whole = room.gives_way(60).iter().filter(|less| !less[1]).count();
        minutes.push(whole as f64 / 600.0);
    }
    let late: f64 = minutes.iter().rev().take(5).sum::<f64>() / 5.0;
    assert!(late < 0.08, "tries take {late} of the time: {minutes:?}");
    room.downlink_kbps = 10_000;
    room.run(170);
    assert_eq!(room.run(15), [medium(); 4], "and yet it is found");
}

#[test]
fn two_slow_senders_do_not_make_the_others_small_for_good() {
    let mut room = Room::new(5, SpatialLayer::Medium, 100_000);
    room.people[0].pinned = true;
    room.uplinks_kbps[0] = 150;
    room.uplinks_kbps[1] = 50;
    room.run(60);
    assert!(room.gives_way(600).iter().flatten().all(|less| !less));
    room.downlink_kbps = 700;
    room.uplinks_kbps = vec![u64::MAX; 5];
    room.run(10);
    assert_ne!(room.attention.less, Less::Nothing, "if nobody comes whole it is our side after all");
}

#[test]
fn a_cough_is_no_word_and_a_pause_loses_none() {
    let mut room = Room::new(3, SpatialLayer::Medium, 700);
    let speaker = |room: &Room| room.attention.speakers().map(|voice| voice.who.0[0]).collect::<Vec<u8>>();
    room.people[0].speaking = true;
    room.run(2);
    room.people[0].speaking = false;
    room.run(2);
    room.people[1].speaking = true;
    (0..4).for_each(|_| drop(room.tick()));
    room.people[1].speaking = false;
    room.run(60);
    assert_eq!(speaker(&room), [1], "the last who spoke stays it");
    room.people[1].speaking = true;
    room.run(1);
    assert_eq!(speaker(&room), [2]);
    room.people[0].speaking = true;
    room.run(30);
    assert_eq!(speaker(&room), [2], "nobody is interrupted");
    room.people[1].speaking = false;
    room.run(2);
    assert_eq!(speaker(&room), [2], "a pause");
    room.run(2);
    assert_eq!(speaker(&room), [1]);
}

#[test]
fn two_who_talk_with_each_other_both_stay() {
    let mut room = Room::new(5, SpatialLayer::Medium, 1100);
    let mut others = 0;
    for turn in 0..20 {
        let (one, other) = if turn % 2 == 0 { (0, 1) } else { (1, 0) };
        room.people[one].speaking = true;
        room.people[other].speaking = false;
        let less = room.gives_way(6);
        assert!(turn < 2 || less.iter().all(|less| !less[0] && !less[1]), "turn {turn}");
        others += less.iter().filter(|less| less[2] && less[3] && less[4]).count();
    }
    assert!(others > 600, "half of the time at least, the others give way: {others}");
    room.people.iter_mut().for_each(|seen| seen.speaking = false);
    room.run(11);
    let speakers: Vec<u8> = room.attention.speakers().map(|voice| voice.who.0[0]).collect();
    assert_eq!(speakers, [2], "the last who spoke stays, the other does not");
}

#[test]
fn who_leaves_takes_nothing_along() {
    let mut room = Room::new(2, SpatialLayer::Medium, 300);
    room.people[0].speaking = true;
    assert_ne!(room.run(20)[1], medium());
    room.people.truncate(1);
    room.wishes.clear();
    assert_eq!(room.run(1), [medium()]);
    assert_eq!(room.attention.voices.len(), 1);
    room.people.clear();
    room.wishes.clear();
    assert!(room.run(1).is_empty());
}

/// One who is drawn somehow and speaks now and then.
#[derive(Clone, Debug)]
struct Character {
    fills: Option<SpatialLayer>,
    uplink_kbps: u64,
    camera_on: bool,
    /// Ticks of speech and of silence, in turn.
    turns: Vec<usize>,
}

impl Character {
    fn speaks(&self, tick: usize) -> bool {
        let whole = self.turns.iter().sum::<usize>().max(1);
        let mut left = tick % whole;
        for (number, turn) in self.turns.iter().enumerate() {
            if left < *turn {
                return number % 2 == 0;
            }
            left -= turn;
        }
        false
    }
}

fn character() -> impl Strategy<Value = Character> {
    let fills = prop_oneof![
        1 => Just(None),
        3 => Just(Some(SpatialLayer::Small)),
        3 => Just(Some(SpatialLayer::Medium)),
        2 => Just(Some(SpatialLayer::Full)),
    ];
    let uplink = prop_oneof![3 => Just(u64::MAX), 1 => 20_u64..1200];
    let turns = prop::collection::vec(1_usize..150, 2..8);
    (fills, uplink, prop::bool::weighted(0.85), turns).prop_map(|(fills, uplink_kbps, camera_on, turns)| Character {
        fills,
        uplink_kbps,
        camera_on,
        turns,
    })
}

fn room_of(characters: &[Character], downlink_kbps: u64, pinned: Option<usize>) -> Room {
    let count = u8::try_from(characters.len()).unwrap_or(u8::MAX);
    let mut room = Room::new(count, SpatialLayer::Small, downlink_kbps);
    for (place, character) in characters.iter().enumerate() {
        room.people[place].fills = character.fills;
        room.people[place].pictures = character.camera_on.then_some(Shortfall::Nothing);
        room.people[place].pinned = pinned == Some(place);
        room.uplinks_kbps[place] = character.uplink_kbps;
    }
    room
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn wishes_fit_tiles_spare_who_is_looked_at_and_do_not_flap(
        characters in prop::collection::vec(character(), 1..9),
        downlink_kbps in 50_u64..6000,
        pinned in prop::option::of(0_usize..9),
    ) {
        let mut room = room_of(&characters, downlink_kbps, pinned);
        let mut raised: Vec<Option<Instant>> = vec![None; characters.len()];
        let mut before: Option<Vec<Wish>> = None;
        let mut stepped = (Less::Nothing, room.now);
        for tick in 0..3000 {
            for (place, character) in characters.iter().enumerate() {
                room.people[place].speaking = character.speaks(tick);
            }
            let wishes = room.tick();
            for (place, (wish, seen)) in wishes.iter().zip(&room.people).enumerate() {
                prop_assert!(wish.layer <= seen.fills, "more than fits");
                prop_assert_eq!(wish.layer.is_none(), seen.fills.is_none(), "a picture is turned off");
                let whole = Less::Nothing.of(seen.fills);
                prop_assert!(!seen.pinned || *wish == whole, "the pinned one gives way");
                let voice = room.attention.voices.iter().find(|voice| voice.who == seen.who);
                prop_assert!(voice.is_none_or(|voice| !voice.speaker) || *wish == whole, "a speaker gives way");
                prop_assert!(characters.len() > 1 || *wish == whole, "there is one other");
                let Some(old) = before.as_ref().map(|wishes| wishes[place]) else { continue };
                let weight = |wish: Wish| (wish.layer, wish.full_frame_rate);
                if weight(*wish) > weight(old) {
                    raised[place] = Some(room.now);
                } else if weight(*wish) < weight(old) {
                    let since = raised[place].map(|at| room.now - at);
                    prop_assert!(since.is_none_or(|since| since >= PAUSE), "lowered {:?} after it was raised", since);
                }
            }
            let (less, at) = stepped;
            if room.attention.less > less {
                prop_assert!(room.now - at >= APART, "steps {:?} apart", room.now - at);
            }
            if room.attention.less != less {
                stepped = (room.attention.less, room.now);
            }
            before = Some(wishes);
        }
    }

    #[test]
    fn as_long_as_the_same_one_speaks_it_comes_to_rest(
        characters in prop::collection::vec(character(), 2..9),
        downlink_kbps in 50_u64..6000,
        speaker in 0_usize..9,
    ) {
        let mut room = room_of(&characters, downlink_kbps, None);
        let speaker = speaker % characters.len();
        room.people[speaker].speaking = true;
        room.run(900);
        let mut changes = 0;
        let mut less = room.attention.less;
        for _ in 0..3000 {
            room.tick();
            changes += usize::from(room.attention.less != less);
            less = room.attention.less;
        }
        // A try every three minutes takes two steps up and two down.
        prop_assert!(changes <= 8, "{} steps in five minutes", changes);
    }
}
