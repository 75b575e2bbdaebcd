//! What a user would notice of a whole meeting between two to four cores, in virtual time: meeting, hearing, seeing, moving,
//! being cut off, leaving, being put out; and that strangers can do none of it any harm.

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use common::{DELAY, TestResult, World, config};
use conclave_proto::core::{Command, CommandError, Core, Event, LeaveReason, Refusal, SignalInput};
use conclave_proto::frames::{AudioFrame, SenderReport, Shortfall, SpatialLayer, VideoCodec, VideoFrame, Wish};
use conclave_proto::ids::PeerId;
use conclave_proto::invite::InviteSecret;
use conclave_proto::limits::PROTOCOL_VERSION;
use conclave_proto::time::Bitrate;

fn sound(sequence: u32) -> AudioFrame {
    AudioFrame {
        sequence,
        position: u64::from(sequence) * 960,
        level: 100,
        is_copy: false,
        payload: Bytes::from(vec![u8::try_from(sequence % 251).unwrap_or(0); 80]),
    }
}

fn picture(number: u32, layer: SpatialLayer) -> VideoFrame {
    VideoFrame {
        layer,
        temporal: 0,
        number,
        needs_back: u8::from(number > 0),
        codec: VideoCodec::Av1,
        captured_us: u64::from(number) * 33_333,
        width: 640,
        height: 360,
        payload: Bytes::from(vec![u8::try_from(number % 251).unwrap_or(0); 3000]),
    }
}

fn heard(world: &World, n: usize, from: PeerId) -> Vec<u32> {
    let frames = world.nodes[n].events.iter().filter_map(|(_, event)| match event {
        Event::Audio(who, frame) if *who == from => {
            // As a copy or by itself.
            let said = AudioFrame { is_copy: frame.is_copy, ..sound(frame.sequence) };
            assert_eq!(frame, &said, "what arrives is what was said");
            Some(frame.sequence)
        }
        _ => None,
    });
    frames.collect()
}

/// Everybody speaks every 20 ms.
fn talk(world: &mut World, from: u32, count: u32) {
    for sequence in from..from + count {
        for n in 0..world.nodes.len() {
            world.command(n, Command::SendAudio(sound(sequence)));
        }
        world.run(Duration::from_millis(20));
    }
}

#[test]
fn two_people_meet_and_hear_each_other() -> TestResult {
    let mut world = World::founded(1)?;
    let ben = world.join(2, "Ben\u{202e}")?;
    let (anna_id, ben_id) = (world.id(0), world.id(ben));
    assert!(
        world
            .until(5, |w| w.saw(0, |e| matches!(e, Event::Knock { who, name, .. } if *who == ben_id && name == "Ben")))
    );
    assert!(world.until(5, |w| w.saw(1, |e| matches!(e, Event::Waiting))));
    assert!(!world.saw(1, |e| matches!(e, Event::Joined { .. } | Event::Words { .. })), "a knocker learns nothing");
    world.run(Duration::from_secs(3));

    let admitted_at = world.now;
    world.command(0, Command::Admit(ben_id));
    world.command(0, Command::SendAudio(sound(0)));
    assert!(world.until(1, |w| w.saw(1, |e| matches!(e, Event::Admitted))));
    assert!(
        world.until(1, |w| w
            .saw(1, |e| matches!(e, Event::Joined { who, name, .. } if *who == anna_id && name == "Anna")))
    );
    world.command(1, Command::SendAudio(sound(0)));
    assert!(world.until(1, |w| !heard(w, 0, ben_id).is_empty()));
    assert!(world.now.since(admitted_at) <= DELAY * 4, "{:?}", world.now.since(admitted_at));
    assert!(world.saw(0, |e| matches!(e, Event::Joined { who, .. } if *who == ben_id)));
    assert!(world.saw(0, |e| matches!(e, Event::EncoderTargets(targets) if targets.len() == 1)));

    talk(&mut world, 1, 200);
    assert_eq!(heard(&world, 0, ben_id), (0..201).collect::<Vec<_>>());
    assert!(heard(&world, 1, anna_id).len() >= 200);
    let words = |n: usize| {
        world.nodes[n].events.iter().rev().find_map(|(_, event)| match event {
            Event::Words { words, .. } => Some(*words),
            _ => None,
        })
    };
    assert!(words(0).is_some());
    assert_eq!(words(0), words(1));
    Ok(())
}

#[test]
fn a_picture_of_the_wanted_layer_arrives_whole() -> TestResult {
    let mut world = World::founded(1)?;
    let ben = world.enter(2, "Ben")?;
    let anna_id = world.id(0);
    world.run(Duration::from_secs(1));
    let layer = world.nodes[0].events.iter().rev().find_map(|(_, event)| match event {
        Event::EncoderTargets(targets) => targets.first().map(|target| target.layer),
        _ => None,
    });
    let layer = layer.ok_or("nothing to encode")?;
    for number in 0..60 {
        world.command(0, Command::SendVideo(picture(number, layer)));
        world.run(Duration::from_millis(33));
    }
    world.run(Duration::from_millis(300));
    let pictures = world.count(
        ben,
        |e| matches!(e, Event::Video(who, frame) if *who == anna_id && *frame == picture(frame.number, layer)),
    );
    assert_eq!(pictures, 60);
    Ok(())
}

#[test]
fn who_gets_smaller_pictures_than_it_wants_is_told_and_told_when_that_is_over() -> TestResult {
    let mut world = World::founded(1)?;
    world.enter(2, "Ben")?;
    let (a, b) = (world.id(0), world.id(1));
    world.command(1, Command::SetWish(a, Wish { layer: Some(SpatialLayer::Medium), full_frame_rate: true }));
    let told = |world: &World| {
        let reports = world.nodes[1].events.iter().filter_map(|(_, event)| match event {
            Event::SenderReport(who, report) if *who == a => Some(*report),
            _ => None,
        });
        reports.last()
    };
    let report = SenderReport { camera_on: true, shortfall: Shortfall::NoPictures, ..SenderReport::default() };
    world.command(0, Command::SetSenderReport(report));
    world.run(Duration::from_millis(500));
    let shortfall = |world: &World| told(world).map(|report| report.shortfall);
    assert_eq!(shortfall(&world), Some(Shortfall::Nothing), "the core knows better than the app");
    for (kbps, expected) in [(150, Shortfall::Smaller), (50, Shortfall::NoPictures)] {
        world.command(0, Command::SetMaxBitrate(Some(Bitrate::from_kbps(kbps))));
        world.run(Duration::from_millis(500));
        assert_eq!(shortfall(&world), Some(expected), "{kbps} kbit/s");
        let stats = world.nodes[0].core.stats(world.now);
        assert!(stats.iter().any(|(who, stats)| *who == b && stats.shortfall == expected), "and our own side knows");
    }
    world.command(0, Command::SetMaxBitrate(None));
    world.run(Duration::from_secs(4));
    assert_eq!(shortfall(&world), Some(Shortfall::Nothing));
    assert!(told(&world).is_some_and(|report| report.camera_on && !report.muted));
    Ok(())
}

#[test]
fn keys_are_renewed_and_not_a_word_is_lost() -> TestResult {
    let mut world = World::founded(1)?;
    world.enter(2, "Ben")?;
    let (anna_id, ben_id) = (world.id(0), world.id(1));
    let words_before = world.count(0, |e| matches!(e, Event::Words { .. }));
    world.run(Duration::from_secs(118));
    world.forget_events();
    talk(&mut world, 0, 1000);
    let now = world.now;
    for n in 0..2 {
        let stats = world.nodes[n].core.stats(now);
        assert_eq!(stats.first().map(|(_, stats)| stats.rekeys), Some(1), "node {n}");
        assert_eq!(stats.first().map(|(_, stats)| stats.dropped_datagrams), Some(0), "node {n}");
    }
    assert_eq!(heard(&world, 0, ben_id), (0..1000).collect::<Vec<_>>());
    assert_eq!(heard(&world, 1, anna_id), (0..1000).collect::<Vec<_>>());
    assert_eq!(world.count(0, |e| matches!(e, Event::Words { .. })), 0, "the words stay");
    assert!(words_before > 0);
    Ok(())
}

#[test]
fn a_peer_moves_to_another_network() -> TestResult {
    let mut world = World::founded(1)?;
    world.enter(2, "Ben")?;
    let (anna_id, ben_id) = (world.id(0), world.id(1));
    let moved = SocketAddr::from(([203, 0, 113, 9], 9999));
    world.nodes[1].address = moved;
    world.forget_events();
    talk(&mut world, 0, 50);
    assert!(world.saw(0, |e| matches!(e, Event::Path { who, address, .. } if *who == ben_id && *address == moved)));
    assert!(heard(&world, 0, ben_id).len() >= 49);
    assert!(heard(&world, 1, anna_id).len() >= 45, "{}", heard(&world, 1, anna_id).len());
    assert!(!world.saw(0, |e| matches!(e, Event::Left { .. } | Event::PathLost(_))));
    Ok(())
}

#[test]
fn a_cut_of_five_seconds_heals_by_itself() -> TestResult {
    let mut world = World::founded(1)?;
    world.enter(2, "Ben")?;
    let (anna_id, ben_id) = (world.id(0), world.id(1));
    talk(&mut world, 0, 10);
    world.cut = true;
    world.forget_events();
    talk(&mut world, 10, 250);
    for (n, other) in [(0, ben_id), (1, anna_id)] {
        assert!(world.saw(n, |e| matches!(e, Event::PathLost(who) if *who == other)), "node {n}");
    }
    world.cut = false;
    world.forget_events();
    talk(&mut world, 260, 150);
    for (n, other) in [(0, ben_id), (1, anna_id)] {
        assert!(world.saw(n, |e| matches!(e, Event::Path { who, .. } if *who == other)), "node {n}");
        assert!(heard(&world, n, other).len() > 40, "node {n} heard {}", heard(&world, n, other).len());
        assert!(!world.saw(n, |e| matches!(e, Event::Left { .. })), "node {n}");
    }
    Ok(())
}

#[test]
fn a_quiet_room_stays_open_and_costs_little() -> TestResult {
    let mut world = World::founded(1)?;
    world.enter(2, "Ben")?;
    world.run(Duration::from_secs(5));
    world.forget_events();
    let before = world.nodes[0].datagrams_sent;
    world.run(Duration::from_secs(60));
    assert!(world.nodes.iter().all(|node| node.events.is_empty()), "{:?}", world.nodes[0].events);
    let sent = world.nodes[0].datagrams_sent - before;
    assert!(sent < 60 * 5, "{sent} datagrams in a minute of silence");
    Ok(())
}

#[test]
fn a_peer_that_dies_without_a_word_has_left_after_half_a_minute_and_may_come_back() -> TestResult {
    let mut world = World::founded(1)?;
    world.enter(2, "Ben")?;
    let (anna_id, ben_id) = (world.id(0), world.id(1));
    world.forget_events();
    (world.cut, world.signalling_down) = (true, true);
    world.run(Duration::from_secs(40));
    for (n, other) in [(0, ben_id), (1, anna_id)] {
        let left = world.count(n, |e| matches!(e, Event::Left { who, reason: LeaveReason::TimedOut } if *who == other));
        assert_eq!(left, 1, "node {n}");
    }
    (world.cut, world.signalling_down) = (false, false);
    for (n, other) in [(0, ben_id), (1, anna_id)] {
        assert!(world.until(15, |w| w.saw(n, |e| matches!(e, Event::Joined { who, .. } if *who == other))), "node {n}");
    }
    world.forget_events();
    talk(&mut world, 0, 10);
    assert_eq!(heard(&world, 0, ben_id).len(), 10);
    Ok(())
}

#[test]
fn leaving_is_seen_at_once() -> TestResult {
    let mut world = World::founded(1)?;
    world.enter(2, "Ben")?;
    let ben_id = world.id(1);
    world.command(1, Command::Leave);
    assert!(
        world.until(1, |w| w.saw(0, |e| matches!(e, Event::Left { who, reason: LeaveReason::Left } if *who == ben_id)))
    );
    assert!(world.until(1, |w| w.saw(1, |e| matches!(e, Event::Closed))));
    world.run(Duration::from_secs(5));
    assert!(world.nodes[0].core.stats(world.now).is_empty(), "nothing is kept of who left");
    assert_eq!(world.count(0, |e| matches!(e, Event::Left { .. })), 1);
    Ok(())
}

#[test]
fn who_is_denied_hears_it_and_may_not_knock_again_at_once() -> TestResult {
    let mut world = World::founded(1)?;
    let ben = world.join(2, "Ben")?;
    let ben_id = world.id(ben);
    assert!(world.until(5, |w| w.saw(0, |e| matches!(e, Event::Knock { .. }))));
    world.command(0, Command::Deny(ben_id));
    assert!(world.until(2, |w| w.saw(1, |e| matches!(e, Event::Refused(Refusal::Denied)))));
    assert!(world.until(2, |w| w.saw(1, |e| matches!(e, Event::Closed))));
    world.run(Duration::from_secs(3));
    world.forget_events();
    world.signal(0, ben_id, SignalInput::Opened { remote: world.nodes[1].address });
    world.run(Duration::from_secs(3));
    assert!(world.nodes[0].events.is_empty());
    Ok(())
}

#[test]
fn who_is_put_out_is_out_at_once() -> TestResult {
    let mut world = World::founded(1)?;
    let ben = world.enter(2, "Ben")?;
    let cleo = world.enter(3, "Cleo")?;
    let (ben_id, cleo_id) = (world.id(ben), world.id(cleo));
    assert_eq!(world.nodes[ben].core.handle_command(world.now, Command::Remove(cleo_id)), Err(CommandError::NotAdmin));
    world.forget_events();
    world.command(0, Command::Remove(ben_id));
    assert!(world.saw(0, |e| matches!(e, Event::Left { who, reason: LeaveReason::Removed } if *who == ben_id)));
    assert!(world.until(2, |w| w.saw(ben, |e| matches!(e, Event::Refused(Refusal::Removed)))));
    assert!(world.until(2, |w| w.saw(cleo, |e| matches!(e, Event::Left { who, .. } if *who == ben_id))));
    world.run(Duration::from_secs(2));
    world.forget_events();
    for sequence in 0..10 {
        for n in [0, cleo] {
            world.command(n, Command::SendAudio(sound(sequence)));
        }
        world.run(Duration::from_millis(20));
    }
    assert!(heard(&world, ben, world.id(0)).is_empty());
    assert_eq!(heard(&world, cleo, world.id(0)).len(), 10);
    Ok(())
}

#[test]
fn nothing_reaches_who_was_put_out_after_200_ms() -> TestResult {
    let mut world = World::founded(1)?;
    for seed in 2..=4 {
        world.enter(seed, "Somebody")?;
    }
    talk(&mut world, 0, 50);
    // It hears nothing of it and goes on sending from its place.
    let (victim, address) = (world.id(3), world.nodes[3].address);
    world.nodes[3].address = SocketAddr::from(([192, 0, 2, 1], 1));
    world.command(0, Command::Remove(victim));
    for sequence in 50..100 {
        for n in 0..4 {
            world.command(n, Command::SendAudio(sound(sequence)));
        }
        world.run(Duration::from_millis(20));
    }
    for n in 0..3 {
        let is_it = |event: &Event| matches!(event, Event::Left { who, .. } if *who == victim);
        let told =
            world.nodes[n].events.iter().find(|(_, event)| is_it(event)).map(|(at, _)| *at).ok_or("nobody left")?;
        let moved = world.nodes[3].address;
        let last = [address, moved].iter().filter_map(|to| world.nodes[n].last_sent.get(to)).max().copied();
        let last = last.ok_or("nothing was ever sent")?;
        assert!(last.since(told) <= Duration::from_millis(200), "{n}: {:?}", last.since(told));
    }
    Ok(())
}

#[test]
fn four_people_form_a_mesh_and_share_the_words() -> TestResult {
    let mut world = World::founded(1)?;
    for (seed, name) in [(2, "Ben"), (3, "Cleo"), (4, "Dora")] {
        world.enter(seed, name)?;
    }
    world.run(Duration::from_secs(1));
    let words: Vec<_> = (0..4)
        .map(|n| {
            world.nodes[n].events.iter().rev().find_map(|(_, event)| match event {
                Event::Words { words, .. } => Some(*words),
                _ => None,
            })
        })
        .collect();
    assert!(words[0].is_some() && words.iter().all(|w| *w == words[0]), "{words:?}");
    world.forget_events();
    talk(&mut world, 0, 50);
    for n in 0..4 {
        for other in (0..4).filter(|other| *other != n) {
            assert_eq!(heard(&world, n, world.id(other)).len(), 50, "{n} hears {other}");
        }
    }
    Ok(())
}

#[test]
fn a_room_works_with_one_datagram_in_nine_lost() -> TestResult {
    let mut world = World::founded(1)?;
    // Odd, so that it does not hit the same one of two receivers every time.
    world.drop_every = Some(9);
    for (seed, name) in [(2, "Ben"), (3, "Cleo")] {
        world.enter(seed, name)?;
    }
    world.forget_events();
    talk(&mut world, 0, 500);
    for n in 0..3 {
        for other in (0..3).filter(|other| *other != n) {
            assert!(heard(&world, n, world.id(other)).len() > 400, "{n} hears {other}");
        }
    }
    Ok(())
}

#[test]
fn a_wrong_invite_is_told_at_the_door() -> TestResult {
    for seed in 2..6 {
        let mut world = World::founded(1)?;
        let mut invite = world.invite()?;
        invite.secret = InviteSecret(zeroize::Zeroizing::new([0; 16]));
        let core = Core::join(config(seed, "Ben")?, invite, world.now);
        let ben = world.add(core);
        assert!(
            world.until(5, |w| w.saw(ben, |e| matches!(e, Event::Refused(Refusal::InviteRejected)))),
            "seed {seed}"
        );
        assert!(world.until(5, |w| w.saw(ben, |e| matches!(e, Event::Closed))));
        assert!(!world.saw(0, |e| matches!(e, Event::Knock { .. })));
    }
    Ok(())
}

#[test]
fn nobody_at_the_door_is_said_plainly() -> TestResult {
    let mut world = World::founded(1)?;
    world.signalling_down = true;
    let ben = world.join(2, "Ben")?;
    assert!(world.until(30, |w| w.saw(ben, |e| matches!(e, Event::Refused(Refusal::Unreachable)))));
    assert!(world.until(1, |w| w.saw(ben, |e| matches!(e, Event::Closed))));
    Ok(())
}

#[test]
fn another_version_is_named_on_both_sides() -> TestResult {
    let mut world = World::founded(1)?;
    let ben = world.join(2, "Ben")?;
    let anna_id = world.id(0);
    // What a program of version 9 would send first: on either side of the handshake the version stands in the clear.
    world.signal(ben, anna_id, SignalInput::Message(Bytes::from_static(&[0, 9, 1, 1, 2, 3])));
    assert!(world.saw(ben, |e| matches!(e, Event::IncompatiblePeer { theirs: 9, ours: PROTOCOL_VERSION })));
    assert!(world.saw(ben, |e| matches!(e, Event::Refused(Refusal::Incompatible))));
    let stranger = PeerId([1; 32]);
    world.signal(0, stranger, SignalInput::Opened { remote: world.nodes[1].address });
    world.signal(0, stranger, SignalInput::Message(Bytes::from_static(&[0, 9, 4, 2])));
    assert!(world.saw(0, |e| matches!(e, Event::IncompatiblePeer { theirs: 9, .. })));
    Ok(())
}

#[test]
fn no_forged_or_replayed_datagram_does_anything() -> TestResult {
    let mut world = World::founded(1)?;
    world.enter(2, "Ben")?;
    world.command(1, Command::SendAudio(sound(7)));
    let real = world.nodes[1].last_datagram.clone();
    let from = world.nodes[1].address;
    world.run(Duration::from_millis(50));
    let ben_id = world.id(1);
    assert_eq!(heard(&world, 0, ben_id), [7]);
    world.forget_events();
    let before = world.nodes[0].datagrams_sent;
    let elsewhere = SocketAddr::from(([198, 51, 100, 1], 5));
    for source in [from, elsewhere] {
        world.inject(0, source, real.clone());
        for at in 0..real.len() {
            let mut altered = real.clone();
            altered[at] ^= 1;
            world.inject(0, source, altered);
            world.inject(0, source, real[..at].to_vec());
        }
        world.inject(0, source, vec![0x20; 60_000]);
    }
    assert!(world.nodes[0].events.is_empty());
    assert_eq!(world.nodes[0].datagrams_sent, before, "nothing unauthenticated is answered");
    world.run(Duration::from_secs(1));
    talk(&mut world, 100, 5);
    assert_eq!(heard(&world, 0, ben_id).len(), 5);
    Ok(())
}

#[test]
fn strangers_cannot_crowd_the_door() -> TestResult {
    let mut world = World::founded(1)?;
    world.enter(2, "Ben")?;
    world.forget_events();
    for n in 0..200_u8 {
        let id = PeerId([n; 32]);
        world.signal(0, id, SignalInput::Opened { remote: SocketAddr::from(([10, 9, 8, n], 77)) });
        for garbage in [
            &[][..],
            &[0],
            &[0, 2],
            &[0, 2, 1],
            &[0, 2, 2, 3],
            &[0, 2, 3],
            &[0, 2, 5],
            &[0, 2, 6],
            &[0, 2, 99],
            &[0; 5000],
        ] {
            world.signal(0, id, SignalInput::Message(Bytes::copy_from_slice(garbage)));
        }
    }
    assert!(!world.saw(0, |e| matches!(e, Event::Knock { .. } | Event::Left { .. } | Event::Closed)));
    world.forget_events();
    talk(&mut world, 0, 5);
    let ben_id = world.id(1);
    assert_eq!(heard(&world, 0, ben_id).len(), 5);
    Ok(())
}

/// The peer's program is broken or hostile, but it does hold the keys of a stranger: nothing but its own knock may suffer.
#[test]
fn random_signalling_never_breaks_a_room() -> TestResult {
    use conclave_proto::entropy::Entropy as _;
    let mut entropy = conclave_proto::testing::SeededEntropy::new(77);
    let mut world = World::founded(1)?;
    world.enter(2, "Ben")?;
    let ben_id = world.id(1);
    world.forget_events();
    for _ in 0..2_000 {
        let mut draw = [0; 64];
        entropy.fill(&mut draw);
        let id = if draw[0] < 128 { ben_id } else { PeerId([draw[1] % 12; 32]) };
        let len = usize::from(draw[2]) % draw.len();
        let input = match draw[3] % 6 {
            0 => SignalInput::Opened { remote: SocketAddr::from(([10, 0, 0, draw[4]], 99)) },
            1 => SignalInput::Closed,
            2 => SignalInput::Failed,
            _ => {
                let mut message = vec![0, 2, draw[5] % 8];
                message.extend_from_slice(&draw[..len]);
                SignalInput::Message(message.into())
            }
        };
        world.signal(0, id, input);
        world.inject(0, SocketAddr::from(([10, 0, 0, draw[6]], 99)), draw[..len].to_vec());
    }
    world.run(Duration::from_secs(30));
    assert!(!world.saw(0, |e| matches!(e, Event::Left { .. } | Event::Refused(_) | Event::Closed)));
    world.forget_events();
    talk(&mut world, 0, 5);
    assert_eq!(heard(&world, 0, ben_id).len(), 5);
    Ok(())
}
