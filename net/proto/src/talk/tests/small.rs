//! Hands, reactions, asking to mute, and who hears whom.

use super::*;

#[test]
fn hands_are_in_the_order_of_raising_for_everybody() {
    let mut world = World::of(4);
    for n in [2, 0, 3] {
        world.command(n, TalkCommand::RaiseHand(true));
    }
    let order = [world.id(2), world.id(0), world.id(3)];
    assert!((0..4).all(|n| world.hands(n) == order));
    world.command(2, TalkCommand::RaiseHand(true));
    assert!((0..4).all(|n| world.hands(n) == order), "a hand that is up keeps its place");
    world.command(2, TalkCommand::RaiseHand(false));
    world.command(2, TalkCommand::RaiseHand(true));
    assert_eq!(world.hands(1), [world.id(0), world.id(3), world.id(2)]);
    world.command(1, TalkCommand::LowerHand(world.id(3)));
    assert_eq!(world.refusals(1), [TalkRefusal::NotAdmin]);
    world.command(0, TalkCommand::LowerHand(world.id(3)));
    assert!((0..4).all(|n| world.hands(n) == [world.id(0), world.id(2)]));
    world.leave(2);
    assert_eq!(world.hands(1), [world.id(0)]);
}

#[test]
fn who_comes_and_who_comes_back_sees_the_hands() {
    let mut world = World::of(3);
    world.command(1, TalkCommand::RaiseHand(true));
    world.add(3);
    world.enter(3);
    assert_eq!(world.hands(3), [world.id(1)]);
    world.cut(0, 1);
    world.cut(2, 1);
    world.cut(3, 1);
    world.command(1, TalkCommand::RaiseHand(false));
    world.command(2, TalkCommand::RaiseHand(true));
    assert_eq!(world.hands(3), [world.id(1), world.id(2)]);
    // One path is enough.
    world.heal(2, 1);
    world.run(Duration::from_secs(2));
    assert!(
        (0..4).all(|n| world.hands(n) == [world.id(2)]),
        "{:?}",
        (0..4).map(|n| world.hands(n)).collect::<Vec<_>>()
    );
    assert_eq!(world.offences, []);
}

#[test]
fn nobody_lowers_anothers_hand_but_an_admin() {
    let mut world = World::of(3);
    world.command(1, TalkCommand::RaiseHand(true));
    // A program that does not ask whether it may: it believes itself an admin.
    world.admins.insert(2);
    let party = &mut world.parties[2];
    let us = Us { key: &party.key, meeting: MEETING };
    let members = [0, 1, 2_u8].map(|seed| (MeetingKey::from_seed(&[seed + 1; 32]).expect("a key").peer_id(), true));
    party.talk.set_attendance(world.now, us, Attendance { members: members.into(), ..Attendance::default() });
    world.command(2, TalkCommand::LowerHand(world.id(1)));
    assert_eq!(world.hands(2), []);
    for n in [0, 1] {
        assert_eq!(world.hands(n), [world.id(1)], "{n}");
    }
}

#[test]
fn reactions_are_shown_once_and_not_too_many() {
    let mut world = World::of(3);
    world.command(1, TalkCommand::React(Reaction::Clap));
    let shown = |world: &World, n: usize| {
        world.events(n).filter(|event| matches!(event, TalkEvent::Reaction { reaction: Reaction::Clap, .. })).count()
    };
    assert_eq!((shown(&world, 0), shown(&world, 1), shown(&world, 2)), (1, 0, 1));
    (0..20).for_each(|_| world.command(1, TalkCommand::React(Reaction::Clap)));
    assert_eq!(shown(&world, 0), 5);
    assert_eq!(world.refusals(1).len(), 16);
    for _ in 0..100 {
        assert_eq!(world.inject(1, 0, TalkMessage::React(Reaction::Clap)), Ok(()));
    }
    assert!(shown(&world, 0) <= 8);
    world.run(Duration::from_secs(60));
    world.add(3);
    world.enter(3);
    assert_eq!(shown(&world, 3), 0, "never kept");
}

#[test]
fn an_admin_asks_and_the_asked_decide() {
    let mut world = World::of(3);
    world.command(0, TalkCommand::AskMute(world.id(1)));
    world.command(0, TalkCommand::AskAllToMute);
    world.command(1, TalkCommand::AskAllToMute);
    world.command(1, TalkCommand::AskMute(world.id(2)));
    assert_eq!(world.refusals(1), [TalkRefusal::NotAdmin; 2]);
    assert_eq!(world.inject(1, 2, TalkMessage::AskMute { everyone: true }), Ok(()));
    let asked = |n: usize| -> Vec<(PeerId, bool)> {
        let asked = world.events(n).filter_map(|event| match event {
            TalkEvent::MuteAsked { by, everyone } => Some((*by, *everyone)),
            _ => None,
        });
        asked.collect()
    };
    assert_eq!(asked(1), [(world.id(0), false), (world.id(0), true)]);
    assert_eq!(asked(2), [(world.id(0), true)]);
}

fn row(world: &World, n: usize, unheard: &[usize]) -> TalkCommand {
    let others = (0..world.parties.len()).filter(|other| *other != n);
    TalkCommand::SetHearing(
        others
            .map(|other| (world.id(other), if unheard.contains(&other) { Hearing::NotHeard } else { Hearing::Heard }))
            .collect(),
    )
}

fn says_not_heard(world: &World, n: usize, of: usize) -> bool {
    let last = world.events(n).rev().find_map(|event| match event {
        TalkEvent::Hearing { of: who, row } if *who == world.id(of) => Some(Some(row.clone())),
        TalkEvent::HearingGone { of: who } if *who == world.id(of) => Some(None),
        _ => None,
    });
    last.flatten().is_some_and(|row| row.contains(&(world.id(n), Hearing::NotHeard)))
}

#[test]
fn whom_nobody_hears_knows_it_at_once_also_around_a_broken_pair() {
    let mut world = World::of(5);
    for n in 0..5 {
        world.command(n, row(&world, n, &[]));
    }
    world.run(Duration::from_secs(3));
    world.break_silently(0, 1);
    world.command(0, row(&world, 0, &[1]));
    world.command(1, row(&world, 1, &[0]));
    world.run(Duration::from_millis(250));
    assert!(says_not_heard(&world, 1, 0) && says_not_heard(&world, 0, 1));
    // It stays known, and the whole room sees it; two pass it on, not all.
    world.sent.clear();
    world.run(Duration::from_secs(20));
    assert!(says_not_heard(&world, 1, 0) && says_not_heard(&world, 0, 1));
    let passed = world.sent.iter().filter(|(from, to, message)| {
        *from > 1 && *to == 1 && matches!(message, TalkMessage::Hearing(row) if row_author(row) == world.id(0))
    });
    assert_eq!(passed.count(), 20);
    assert!(world.events(3).any(|event| matches!(event, TalkEvent::Hearing { of, row }
        if *of == world.id(0) && row.contains(&(world.id(1), Hearing::NotHeard)))));
    world.heal(0, 1);
    world.command(0, row(&world, 0, &[]));
    world.run(Duration::from_millis(250));
    assert!(!says_not_heard(&world, 1, 0));
    assert_eq!(world.offences, []);
}

fn row_author(row: &hearing::Row) -> PeerId {
    let mut bytes = Vec::new();
    row.encode(&mut bytes);
    PeerId(std::array::from_fn(|at| bytes[at]))
}

#[test]
fn a_row_that_is_not_told_anew_vanishes() {
    let mut world = World::of(2);
    world.command(0, row(&world, 0, &[1]));
    assert!(says_not_heard(&world, 1, 0));
    world.break_silently(0, 1);
    world.run(Duration::from_millis(5_900));
    assert!(says_not_heard(&world, 1, 0));
    world.run(Duration::from_millis(200));
    assert!(!says_not_heard(&world, 1, 0));
}

#[test]
fn rows_cost_little_and_flapping_ears_no_more() {
    let mut world = World::of(2);
    world.run(Duration::from_secs(1));
    for at in 0..1000 {
        world.command(0, row(&world, 0, if at % 2 == 0 { &[1] } else { &[] }));
        world.run(Duration::from_millis(10));
    }
    let rows = world.sent.iter().filter(|(_, _, message)| matches!(message, TalkMessage::Hearing(_))).count();
    assert!(rows <= 41, "{rows} in ten seconds");
    world.sent.clear();
    world.run(Duration::from_secs(60));
    assert_eq!(world.sent.len(), 30);
}
