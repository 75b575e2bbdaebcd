//! Talk between whole cores in virtual time: text through cuts, files beside sound, who hears whom around a broken pair, and members
//! whose programs keep no rules.

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use common::{TestResult, Weather, World};
use conclave_proto::core::{Command, Event, LeaveReason};
use conclave_proto::frames::{AudioFrame, SpatialLayer, VideoCodec, VideoFrame};
use conclave_proto::ids::PeerId;
use conclave_proto::talk::{ChatKey, FileId, FileOutcome, Hearing, Offence, TalkCommand, TalkEvent, TalkRefusal};
use conclave_proto::testing::SeededEntropy;
use conclave_proto::time::{Bitrate, Instant};

const FILE: FileId = FileId(1);

fn room(people: usize) -> Result<World, Box<dyn std::error::Error>> {
    let mut world = World::founded(1)?;
    for n in 1..people {
        world.enter(1 + n as u64, "Ben")?;
    }
    world.run(Duration::from_secs(1));
    Ok(world)
}

fn talk(world: &mut World, n: usize, command: TalkCommand) {
    world.command(n, Command::Talk(command));
}

fn write(world: &mut World, n: usize, text: &str) {
    talk(world, n, TalkCommand::Chat { text: text.to_owned(), sent_unix_s: 0 });
}

fn talk_events(world: &World, n: usize) -> impl DoubleEndedIterator<Item = (Instant, &TalkEvent)> {
    world.nodes[n]
        .events
        .iter()
        .filter_map(|(at, event)| if let Event::Talk(event) = event { Some((*at, event)) } else { None })
}

fn chat(world: &World, n: usize) -> Vec<(ChatKey, String)> {
    let messages =
        talk_events(world, n).filter_map(|(_, event)| if let TalkEvent::Chat(all) = event { Some(all) } else { None });
    let all: BTreeMap<ChatKey, String> =
        messages.flatten().map(|message| (message.key, message.text.clone())).collect();
    all.into_iter().collect()
}

fn texts(world: &World, n: usize) -> Vec<String> {
    chat(world, n).into_iter().map(|(_, text)| text).collect()
}

fn sound(sequence: u32) -> AudioFrame {
    let payload = Bytes::from_static(&[7; 80]);
    AudioFrame { sequence, position: u64::from(sequence) * 960, level: 90, is_copy: false, payload }
}

fn sounds(world: &World, n: usize, from: PeerId) -> usize {
    world.count(n, |event| matches!(event, Event::Audio(who, _) if *who == from))
}

/// Everybody speaks every 20 ms; `meanwhile` is called before each.
fn speak(world: &mut World, count: u32, mut meanwhile: impl FnMut(&mut World, u32)) {
    for sequence in 0..count {
        meanwhile(world, sequence);
        for n in 0..world.nodes.len() {
            world.command(n, Command::SendAudio(sound(sequence)));
        }
        world.run(Duration::from_millis(20));
    }
}

#[test]
fn after_a_partition_everybody_reads_the_same() -> TestResult {
    let mut world = room(4)?;
    write(&mut world, 0, "all together");
    world.run(Duration::from_millis(100));
    assert!((0..4).all(|n| texts(&world, n) == ["all together"]));
    world.cut_pairs = [(0, 2), (0, 3), (1, 2), (1, 3)].into();
    for second in 0..8 {
        for n in 0..4 {
            write(&mut world, n, &format!("{n} in second {second}"));
        }
        world.run(Duration::from_secs(1));
    }
    assert_eq!(texts(&world, 0), texts(&world, 1));
    assert_eq!(texts(&world, 0).len(), 17);
    assert_ne!(texts(&world, 0), texts(&world, 2));
    world.cut_pairs.clear();
    let healed_at = world.now;
    let is_same = |world: &World| (0..4).all(|n| chat(world, n).len() == 33 && chat(world, n) == chat(world, 0));
    assert!(world.until(15, is_same), "{:?}", (0..4).map(|n| chat(&world, n).len()).collect::<Vec<_>>());
    assert!(world.now.since(healed_at) < Duration::from_secs(15));
    world.run(Duration::from_secs(5));
    assert!(is_same(&world));
    Ok(())
}

#[test]
fn a_broken_pair_reads_each_other_through_a_third() -> TestResult {
    let mut world = room(3)?;
    world.cut_pairs = [(0, 1)].into();
    // Nobody knows of the break yet.
    write(&mut world, 0, "hello?");
    let written_at = world.now;
    assert!(world.until(2, |world| texts(world, 1) == ["hello?"]));
    assert!(world.now.since(written_at) < Duration::from_secs(1));
    world.run(Duration::from_secs(10));
    write(&mut world, 1, "I read you");
    assert!(world.until(2, |world| texts(world, 0).len() == 2));
    Ok(())
}

#[test]
fn a_newcomer_reads_only_what_is_said_from_then_on() -> TestResult {
    let mut world = room(3)?;
    write(&mut world, 0, "not for later");
    write(&mut world, 2, "nor this");
    world.run(Duration::from_secs(1));
    world.enter(9, "Dora")?;
    write(&mut world, 1, "welcome");
    world.run(Duration::from_secs(60));
    assert_eq!(texts(&world, 3), ["welcome"]);
    assert_eq!(texts(&world, 0).len(), 3);
    Ok(())
}

fn row(world: &World, n: usize, unheard: usize) -> TalkCommand {
    let others = (0..world.nodes.len()).filter(|other| *other != n);
    let judged = |other| if other == unheard { Hearing::NotHeard } else { Hearing::Heard };
    TalkCommand::SetHearing(others.map(|other| (world.id(other), judged(other))).collect())
}

#[test]
fn who_is_not_heard_knows_it_within_two_seconds_around_a_broken_pair() -> TestResult {
    let mut world = room(4)?;
    for n in 0..4 {
        let heard = row(&world, n, 99);
        talk(&mut world, n, heard);
    }
    world.run(Duration::from_secs(3));
    world.cut_pairs = [(0, 1)].into();
    let unheard = row(&world, 0, 1);
    talk(&mut world, 0, unheard);
    let told_at = world.now;
    let (anna, ben) = (world.id(0), world.id(1));
    let knows = |world: &World, n: usize| {
        let last = talk_events(world, n).rev().find_map(|(_, event)| match event {
            TalkEvent::Hearing { of, row } if *of == anna => Some(row.contains(&(ben, Hearing::NotHeard))),
            TalkEvent::HearingGone { of } if *of == anna => Some(false),
            _ => None,
        });
        last == Some(true)
    };
    assert!(world.until(2, |world| knows(world, 1)));
    assert!(world.now.since(told_at) <= Duration::from_millis(300), "{:?}", world.now.since(told_at));
    assert!(knows(&world, 2) && knows(&world, 3), "the others see it in the matrix");
    // It stays known as long as it lasts, and goes when all is silent.
    world.run(Duration::from_secs(20));
    assert!(knows(&world, 1));
    world.cut = true;
    world.run(Duration::from_secs(7));
    assert!(!knows(&world, 1));
    Ok(())
}

/// Answers what the core asks about files, as an engine with a disk does. How much was written.
struct Disk {
    content: Vec<u8>,
    written: Vec<u8>,
    seen: [usize; 2],
}

impl Disk {
    fn new(size: usize) -> Self {
        let content = (0..size).map(|at| u8::try_from(at * 17 % 253).unwrap_or(0)).collect();
        Self { content, written: Vec::new(), seen: [0; 2] }
    }

    fn work(&mut self, world: &mut World) {
        for n in 0..2 {
            let news: Vec<TalkEvent> = world.nodes[n].events[self.seen[n]..]
                .iter()
                .filter_map(|(_, event)| if let Event::Talk(event) = event { Some(event.clone()) } else { None })
                .collect();
            self.seen[n] = world.nodes[n].events.len();
            for event in news {
                match event {
                    TalkEvent::FileOffered { from, id, .. } => {
                        talk(world, n, TalkCommand::AcceptFile { from, id, offset: self.written.len() as u64 });
                    }
                    TalkEvent::FileDataWanted { to, id, offset, length } => {
                        let at = usize::try_from(offset).unwrap_or(usize::MAX);
                        let data = Bytes::copy_from_slice(&self.content[at..at + length]);
                        talk(world, n, TalkCommand::FileData { to, id, offset, data });
                    }
                    TalkEvent::FileData { from, id, offset, data } => {
                        assert_eq!(offset, self.written.len() as u64);
                        self.written.extend_from_slice(&data);
                        talk(world, n, TalkCommand::FileWritten { from, id, offset: self.written.len() as u64 });
                    }
                    TalkEvent::FileArrived { from, id } => {
                        let intact = self.written == self.content;
                        talk(world, n, TalkCommand::FileChecked { from, id, intact });
                    }
                    _ => {}
                }
            }
        }
    }

    fn is_delivered(world: &World) -> bool {
        talk_events(world, 0)
            .any(|(_, event)| matches!(event, TalkEvent::FileEnded { outcome: FileOutcome::Delivered, .. }))
    }
}

fn offer(world: &mut World, size: u64) {
    let to = Some(world.id(1));
    talk(world, 0, TalkCommand::OfferFile { id: FILE, to, name: "film.mkv".to_owned(), size, sha256: [0; 32] });
}

/// A camera that gives what the core asks for.
struct Camera {
    layer: SpatialLayer,
    bitrate: Bitrate,
    number: u32,
}

impl Camera {
    fn shoot(&mut self, world: &mut World) {
        let newest = world.nodes[0].events.iter().rev().find_map(|(_, event)| match event {
            Event::EncoderTargets(targets) => targets.last().copied(),
            _ => None,
        });
        if let Some(target) = newest {
            if target.layer != self.layer {
                (self.layer, self.number) = (target.layer, 0);
            }
            self.bitrate = target.bitrate;
        }
        let frame = VideoFrame {
            layer: self.layer,
            temporal: 0,
            number: self.number,
            needs_back: u8::from(self.number > 0),
            codec: VideoCodec::Av1,
            captured_us: world.now.as_micros(),
            width: 1280,
            height: 720,
            payload: Bytes::from(vec![1; self.bitrate.bytes_in(Duration::from_millis(40))]),
        };
        self.number += 1;
        world.command(0, Command::SendVideo(frame));
    }
}

/// What became of a stretch of call: the longest delay of its sound, second by second.
fn worst_delays(
    world: &mut World,
    disk: &mut Disk,
    seconds: u32,
    offer_at: u32,
) -> Result<Vec<Duration>, Box<dyn std::error::Error>> {
    let mut camera = Camera { layer: SpatialLayer::Full, bitrate: Bitrate::from_kbps(300), number: 0 };
    let mut sent: Vec<Instant> = Vec::new();
    for at in 0..seconds * 50 {
        if at % 2 == 0 {
            camera.shoot(world);
        }
        if at == offer_at * 50 {
            offer(world, disk.content.len() as u64);
        }
        sent.push(world.now);
        (0..2).for_each(|n| world.command(n, Command::SendAudio(sound(at))));
        for _ in 0..4 {
            disk.work(world);
            world.run(Duration::from_millis(5));
        }
    }
    world.run(Duration::from_millis(300));
    let anna = world.id(0);
    let mut delays = Vec::new();
    for (at, event) in &world.nodes[1].events {
        if let Event::Audio(who, frame) = event
            && *who == anna
        {
            delays.push(at.since(sent[usize::try_from(frame.sequence)?]));
        }
    }
    assert_eq!(delays.len(), sent.len(), "no sound is lost");
    Ok(delays.chunks(50).map(|second| second.iter().max().copied().unwrap_or_default()).collect())
}

#[test]
fn a_file_goes_beside_sound_and_pictures_and_delays_none() -> TestResult {
    let mut world = World::founded(1)?;
    world.bottleneck = Some(Bitrate::from_kbps(2000));
    world.enter(2, "Ben")?;
    let mut disk = Disk::new(600_000);
    let worst = worst_delays(&mut world, &mut disk, 25, 6)?;
    assert!(Disk::is_delivered(&world), "{} written", disk.written.len());
    assert_eq!(disk.written, disk.content);
    // A probe of the estimator delays sound by 30 to 70 ms now and then, with or without a file; a second without one by 20 ms.
    assert!(worst.iter().max() <= Some(&Duration::from_millis(80)), "{worst:?}");
    assert!(worst.iter().filter(|worst| **worst > Duration::from_millis(30)).count() <= 7, "{worst:?}");
    Ok(())
}

/// The path was fast when it was measured, and nobody has used it to its full since.
#[test]
fn a_file_on_a_path_that_became_slow_finds_out_gently() -> TestResult {
    let mut world = room(2)?;
    world.bottleneck = Some(Bitrate::from_kbps(2000));
    let mut disk = Disk::new(400_000);
    let worst = worst_delays(&mut world, &mut disk, 25, 5)?;
    assert!(Disk::is_delivered(&world), "{} written", disk.written.len());
    assert!(worst.iter().max() <= Some(&Duration::from_millis(120)), "{worst:?}");
    Ok(())
}

#[test]
fn a_file_goes_on_after_a_long_cut() -> TestResult {
    let mut world = room(2)?;
    let mut disk = Disk::new(1_500_000);
    offer(&mut world, 1_500_000);
    for _ in 0..200 {
        disk.work(&mut world);
        world.run(Duration::from_millis(10));
    }
    let before = disk.written.len();
    assert!(before > 50_000 && before < 1_000_000, "{before}");
    (world.cut, world.signalling_down) = (true, true);
    world.run(Duration::from_secs(35));
    assert!(world.saw(0, |event| matches!(event, Event::Left { reason: LeaveReason::TimedOut, .. })));
    (world.cut, world.signalling_down) = (false, false);
    for _ in 0..4000 {
        disk.work(&mut world);
        world.run(Duration::from_millis(10));
    }
    assert!(Disk::is_delivered(&world), "{} written", disk.written.len());
    assert_eq!(disk.written, disk.content);
    Ok(())
}

/// Lets a third member do its worst while everybody speaks; the first two must hear each other without a gap.
fn beside(people: usize, mut worst: impl FnMut(&mut World, u32)) -> Result<World, Box<dyn std::error::Error>> {
    let mut world = room(people)?;
    world.forget_events();
    speak(&mut world, 250, |world, at| worst(world, at));
    world.run(Duration::from_millis(100));
    let (anna, ben, bad) = (world.id(0), world.id(1), world.id(2));
    assert_eq!((sounds(&world, 0, ben), sounds(&world, 1, anna)), (250, 250), "the others hear each other");
    assert!(
        world.saw(0, |event| matches!(event, Event::Left { who, reason: LeaveReason::Misbehaved } if *who == bad)),
        "the offender is cut off"
    );
    assert!(!world.saw(1, |event| matches!(event, Event::Left { who, .. } if *who == anna)));
    assert!(!world.saw(0, |event| matches!(event, Event::Left { who, .. } if *who == ben)));
    Ok(world)
}

fn offences(world: &World, n: usize) -> Vec<Offence> {
    talk_events(world, n)
        .filter_map(|(_, event)| if let TalkEvent::CutOff { offence, .. } = event { Some(*offence) } else { None })
        .collect()
}

#[test]
fn a_flood_of_chat_costs_only_the_one_who_floods() -> TestResult {
    let mut count = 0;
    let world = beside(3, |world, _| {
        let (now, anna) = (world.now, world.id(0));
        for _ in 0..20 {
            count += 1;
            let spam = world.nodes[2].core.chat_message(count, &"spam ".repeat(100));
            world.nodes[2].core.say_anything(now, anna, spam);
        }
    })?;
    assert_eq!(offences(&world, 0), [Offence::ChatFlood]);
    assert_eq!(texts(&world, 0).len(), 60);
    Ok(())
}

#[test]
fn malformed_talk_costs_only_its_sender() -> TestResult {
    beside(3, |world, at| {
        if at == 50 {
            let (now, anna) = (world.now, world.id(0));
            world.nodes[2].core.say_anything(now, anna, Bytes::from_static(&[16, 200, 1, 2, 3]));
        }
    })?;
    Ok(())
}

#[test]
fn an_offer_of_gigabytes_is_only_an_offer_and_its_bytes_are_not_taken() -> TestResult {
    const SIZE: u64 = 4 << 30;
    let world = beside(3, |world, at| {
        let (now, anna) = (world.now, world.id(0));
        if at == 50 {
            talk(
                world,
                2,
                TalkCommand::OfferFile {
                    id: FILE,
                    to: Some(anna),
                    name: "../../.ssh/authorized_keys".to_owned(),
                    size: SIZE,
                    sha256: [0; 32],
                },
            );
        }
        if at == 100 {
            // Kind 13, the file, attempt 1, offset 0, four kilobytes.
            let mut piece = vec![16, 13, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0];
            piece.resize(piece.len() + 4096, 0);
            world.nodes[2].core.say_anything(now, anna, piece.into());
        }
    })?;
    let offered: Vec<_> = talk_events(&world, 0)
        .filter_map(|(_, event)| match event {
            TalkEvent::FileOffered { name, size, .. } => Some((name.as_str(), *size)),
            _ => None,
        })
        .collect();
    assert_eq!(offered, [("authorized_keys", SIZE)]);
    assert_eq!(offences(&world, 0), [Offence::FileData]);
    assert!(!talk_events(&world, 0).any(|(_, event)| matches!(event, TalkEvent::FileData { .. })));
    Ok(())
}

#[test]
fn hands_reach_all_and_only_admins_lower_them() -> TestResult {
    let mut world = room(3)?;
    talk(&mut world, 2, TalkCommand::RaiseHand(true));
    talk(&mut world, 1, TalkCommand::RaiseHand(true));
    world.run(Duration::from_millis(100));
    let hands = |world: &World, n: usize| {
        let last = talk_events(world, n).rev().find_map(|(_, event)| match event {
            TalkEvent::Hands(hands) => Some(hands.clone()),
            _ => None,
        });
        last.unwrap_or_default()
    };
    let raised = hands(&world, 0);
    assert_eq!(raised.len(), 2);
    assert!((1..3).all(|n| hands(&world, n) == raised));
    let ben = world.id(1);
    talk(&mut world, 2, TalkCommand::LowerHand(ben));
    assert!(talk_events(&world, 2).any(|(_, event)| *event == TalkEvent::Refused(TalkRefusal::NotAdmin)));
    talk(&mut world, 0, TalkCommand::LowerHand(ben));
    world.run(Duration::from_millis(100));
    assert!((0..3).all(|n| hands(&world, n) == [world.id(2)]));
    world.enter(9, "Dora")?;
    assert!(world.until(2, |world| hands(world, 3) == [world.id(2)]));
    Ok(())
}

/// Cuts of the whole net and of single pairs, loss, absences, with files, text and hands on the way.
#[test]
fn after_any_storm_all_read_the_same_and_no_honest_member_was_cut_off() -> TestResult {
    for seed in 0..8 {
        let mut world = World::founded(seed * 10 + 1)?;
        let mut drawn = Weather { dice: SeededEntropy::new(seed + 1_000), loss_percent: 0 };
        world.weather = Some(Weather { dice: SeededEntropy::new(seed + 2_000), loss_percent: 10 });
        for n in 1..4 {
            world.enter(seed * 10 + 1 + n, "Ben")?;
        }
        let mut disk = Disk::new(300_000);
        offer(&mut world, 300_000);
        for round in 0..10 {
            match drawn.draw(6) {
                0 => world.cut = true,
                1 => (world.cut, world.signalling_down) = (true, true),
                2 => world.cut_pairs = [(0, 1)].into(),
                3 => world.cut_pairs = [(0, 2), (0, 3), (1, 2), (1, 3)].into(),
                4 => world.weather.iter_mut().for_each(|weather| weather.loss_percent = 25),
                _ => {}
            }
            let seconds = [2, 5, 12, 34][usize::try_from(drawn.draw(4))?];
            for second in 0..seconds {
                let n = usize::try_from(drawn.draw(4))?;
                write(&mut world, n, &format!("{n} in round {round}, second {second}"));
                if drawn.draw(3) == 0 {
                    talk(&mut world, n, TalkCommand::RaiseHand(drawn.draw(2) == 0));
                }
                let unheard = row(&world, n, usize::try_from(drawn.draw(8))?);
                talk(&mut world, n, unheard);
                for _ in 0..50 {
                    disk.work(&mut world);
                    world.run(Duration::from_millis(20));
                }
            }
            (world.cut, world.signalling_down) = (false, false);
            world.cut_pairs.clear();
            world.weather.iter_mut().for_each(|weather| weather.loss_percent = 10);
        }
        world.weather = None;
        for _ in 0..3000 {
            disk.work(&mut world);
            world.run(Duration::from_millis(20));
        }
        let hands = |n: usize| {
            let last = talk_events(&world, n).rev().find_map(|(_, event)| match event {
                TalkEvent::Hands(hands) => Some(hands.clone()),
                _ => None,
            });
            last.unwrap_or_default()
        };
        assert!(chat(&world, 0).len() > 20);
        for n in 0..4 {
            assert_eq!(offences(&world, n), [], "seed {seed}, {n}");
            assert_eq!(chat(&world, n), chat(&world, 0), "seed {seed}, {n}");
            assert_eq!(hands(n), hands(0), "seed {seed}, {n}");
        }
        assert!(Disk::is_delivered(&world) && disk.written == disk.content, "seed {seed}: {}", disk.written.len());
    }
    Ok(())
}
