//! Text among several: the same list for everybody after any cuts, passed on around a broken pair, bounded, and nothing for those
//! who came later unless the meeting says so.

use proptest::prelude::*;

use super::*;
use crate::limits::CHAT_TEXT_BYTES;

#[test]
fn what_one_writes_all_read_in_one_order() {
    let mut world = World::of(4);
    for (n, text) in [(0, "one"), (3, "two"), (1, "  three\r\nlines\u{202e} ")] {
        world.write(n, text);
    }
    for n in 0..4 {
        assert_eq!(world.texts(n), ["one", "two", "three\nlines"], "{n}");
    }
    assert_eq!(world.chat(2)[1].key.author, world.id(3));
}

#[test]
fn around_a_broken_pair_others_pass_it_on() {
    let mut world = World::of(3);
    world.cut(0, 1);
    world.write(0, "can you read me?");
    assert!(world.texts(1).is_empty());
    world.run(Duration::from_secs(1));
    assert_eq!(world.texts(1), ["can you read me?"]);
    world.write(1, "yes");
    world.run(Duration::from_secs(1));
    assert_eq!(world.texts(0), ["can you read me?", "yes"]);
    assert_eq!(world.offences, []);
}

#[test]
fn what_makes_no_message_is_refused() {
    let mut world = World::of(2);
    world.write(0, " \n\u{200b} ");
    world.write(0, &"x".repeat(CHAT_TEXT_BYTES + 1));
    (0..30).for_each(|_| world.write(0, "again"));
    let refusals = world.refusals(0);
    assert_eq!(refusals[..2], [TalkRefusal::EmptyText, TalkRefusal::TextTooLong]);
    assert_eq!(refusals[2..], [TalkRefusal::TooFast; 10]);
    assert_eq!(world.texts(1).len(), 20);
    world.run(Duration::from_secs(2));
    world.write(0, &"x".repeat(CHAT_TEXT_BYTES));
    assert_eq!(world.texts(1).len(), 21);
    assert_eq!(world.offences, []);
}

#[test]
fn who_comes_later_reads_nothing_older_from_anybody() {
    let mut world = World::of(3);
    world.write(0, "before");
    world.write(1, "also before");
    world.add(3);
    world.enter(3);
    world.write(2, "after");
    world.run(Duration::from_secs(90));
    assert_eq!(world.texts(3), ["after"]);
    let to_the_new = world.sent.iter().filter(|(_, to, _)| *to == 3);
    assert!(!to_the_new.clone().any(|(_, _, message)| matches!(message, TalkMessage::Give(_))));
    // Asking with an empty list gives no more than what was said since.
    assert_eq!(world.inject(3, 0, TalkMessage::Have { is_answer: true, ids: Vec::new() }), Ok(()));
    world.run(Duration::from_secs(5));
    let given: Vec<usize> = world
        .sent
        .iter()
        .filter_map(
            |(_, to, message)| if let (3, TalkMessage::Give(all)) = (*to, message) { Some(all.len()) } else { None },
        )
        .collect();
    assert_eq!(given, [1]);
}

#[test]
fn where_the_meeting_shows_history_all_of_it_is_read() {
    let mut world = World::of(3);
    (0..15).for_each(|n| world.write(n % 3, &format!("old {n}")));
    world.leave(2);
    world.history = true;
    world.add(3);
    world.enter(3);
    world.run(Duration::from_secs(10));
    assert_eq!(world.texts(3), world.texts(0));
    assert_eq!(world.texts(3).len(), 15, "also of those who have left");
    assert_eq!(world.offences, []);
}

#[test]
fn a_quiet_room_says_nothing() {
    let mut world = World::of(4);
    world.run(Duration::from_secs(600));
    assert!(world.sent.is_empty(), "{:?}", world.sent);
}

#[test]
fn a_room_where_all_is_known_says_little() {
    let mut world = World::of(4);
    world.write(0, "hello");
    world.run(Duration::from_secs(10));
    world.sent.clear();
    world.run(Duration::from_secs(60));
    assert!(world.sent.iter().all(|(_, _, message)| matches!(message, TalkMessage::Heads { .. })));
    assert!(world.sent.len() <= 4 * 3 * 4, "{}", world.sent.len());
}

#[derive(Clone, Debug)]
enum Step {
    Write(usize),
    Cut(usize, usize),
    Heal(usize, usize),
    Split(usize),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..4_usize).prop_map(Step::Write),
        2 => (0..4_usize, 0..4_usize).prop_map(|(a, b)| Step::Cut(a, b)),
        2 => (0..4_usize, 0..4_usize).prop_map(|(a, b)| Step::Heal(a, b)),
        1 => (1..4_usize).prop_map(Step::Split),
        2 => (1..1500_u64).prop_map(Step::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn after_any_cuts_and_merges_the_list_is_the_same(steps in proptest::collection::vec(step(), 1..60)) {
        let mut world = World::of(4);
        let mut written = 0;
        for step in steps {
            match step {
                Step::Write(n) => {
                    written += 1;
                    world.write(n, &format!("{n} writes {written}"));
                }
                Step::Cut(a, b) if a != b => world.cut(a, b),
                Step::Heal(a, b) if a != b => world.heal(a, b),
                Step::Cut(..) | Step::Heal(..) => {}
                // Those below the number against the others.
                Step::Split(at) => {
                    for a in 0..at {
                        for b in at..4 {
                            world.cut(a, b);
                        }
                    }
                }
                Step::Wait(ms) => world.run(Duration::from_millis(ms)),
            }
        }
        world.heal_all();
        world.run(Duration::from_secs(40));
        prop_assert_eq!(&world.offences, &[]);
        let refused: usize = (0..4).map(|n| world.refusals(n).len()).sum();
        let list = world.chat(0);
        prop_assert_eq!(list.len(), written - refused);
        for n in 1..4 {
            prop_assert_eq!(&world.chat(n), &list);
        }
    }
}
