//! Files between talks: whole, resumed after a cut, refused, taken back; at the pace of the path and of the receiver's disk.

use bytes::Bytes;

use super::*;

pub(super) const FILE: FileId = FileId(7);

pub(super) fn content(size: usize) -> Vec<u8> {
    (0..size).map(|at| u8::try_from(at * 31 % 251).expect("small")).collect()
}

pub(super) fn offer(world: &mut World, from: usize, to: Option<usize>, size: u64) {
    let to = to.map(|to| world.id(to));
    let command = TalkCommand::OfferFile { id: FILE, to, name: "../notes.txt".to_owned(), size, sha256: [1; 32] };
    world.command(from, command);
}

/// The owners: answer questions out of `content`, write what comes. How far each receiver has written.
struct Owners {
    content: Vec<u8>,
    disk: BTreeMap<usize, Vec<u8>>,
    seen: Vec<usize>,
    writes: bool,
    checks: bool,
}

impl Owners {
    fn new(world: &World, size: usize) -> Self {
        Self {
            content: content(size),
            disk: BTreeMap::new(),
            seen: vec![0; world.parties.len()],
            writes: true,
            checks: true,
        }
    }

    /// Handles what is new; `true` if there was anything.
    fn work(&mut self, world: &mut World) -> bool {
        let mut worked = false;
        for n in 0..world.parties.len() {
            let news: Vec<TalkEvent> = world.events(n).skip(self.seen[n]).cloned().collect();
            self.seen[n] += news.len();
            for event in news {
                match event {
                    TalkEvent::FileDataWanted { to, id, offset, length } => {
                        let at = usize::try_from(offset).expect("small");
                        let data = Bytes::copy_from_slice(&self.content[at..at + length]);
                        world.command(n, TalkCommand::FileData { to, id, offset, data });
                        worked = true;
                    }
                    TalkEvent::FileData { from, id, offset, data } if self.writes => {
                        let disk = self.disk.entry(n).or_default();
                        assert_eq!(disk.len() as u64, offset, "in order, each byte once");
                        disk.extend_from_slice(&data);
                        let offset = disk.len() as u64;
                        world.command(n, TalkCommand::FileWritten { from, id, offset });
                        worked = true;
                    }
                    TalkEvent::FileArrived { from, id } if self.checks => {
                        let intact = self.disk.get(&n).map_or(&[][..], |disk| disk) == self.content;
                        world.command(n, TalkCommand::FileChecked { from, id, intact });
                        worked = true;
                    }
                    _ => {}
                }
            }
        }
        worked
    }

    fn run(&mut self, world: &mut World, time: Duration) {
        let end = world.now + time;
        while world.now < end {
            while self.work(world) {}
            world.run(Duration::from_millis(5));
        }
    }
}

fn outcomes(world: &World, n: usize) -> Vec<(PeerId, FileOutcome)> {
    let ended = world.events(n).filter_map(|event| match event {
        TalkEvent::FileEnded { to, outcome, .. } => Some((*to, *outcome)),
        _ => None,
    });
    ended.collect()
}

fn accept(world: &mut World, n: usize, from: usize, offset: u64) {
    let from = world.id(from);
    world.command(n, TalkCommand::AcceptFile { from, id: FILE, offset });
}

#[test]
fn a_file_arrives_whole_at_all_who_take_it() {
    let mut world = World::of(4);
    let mut owners = Owners::new(&world, 300_000);
    offer(&mut world, 0, None, 300_000);
    for n in 1..4 {
        assert!(
            world.events(n).any(
                |event| matches!(event, TalkEvent::FileOffered { name, size: 300_000, .. } if name == "notes.txt")
            )
        );
    }
    let from = world.id(0);
    accept(&mut world, 1, 0, 0);
    accept(&mut world, 2, 0, 0);
    world.command(3, TalkCommand::DeclineFile { from, id: FILE });
    owners.run(&mut world, Duration::from_secs(10));
    assert_eq!(owners.disk[&1], owners.content);
    assert_eq!(owners.disk[&2], owners.content);
    assert!(!owners.disk.contains_key(&3));
    let (one, two, three) = (world.id(1), world.id(2), world.id(3));
    let mut ended = outcomes(&world, 0);
    ended.sort_by_key(|(peer, _)| *peer);
    let mut expected =
        vec![(one, FileOutcome::Delivered), (two, FileOutcome::Delivered), (three, FileOutcome::Declined)];
    expected.sort_by_key(|(peer, _)| *peer);
    assert_eq!(ended, expected);
    assert!(
        world.events(0).any(|event| matches!(event, TalkEvent::FileProgress { written, .. } if *written > 100_000))
    );
    assert_eq!(world.offences, []);
}

#[test]
fn files_use_a_quarter_of_the_path_and_a_half_of_all() {
    for (people, kbit) in [(2, 2000_u64), (5, 4000)] {
        let mut world = World::of(people);
        let mut owners = Owners::new(&world, 30_000_000);
        offer(&mut world, 0, None, 30_000_000);
        (1..usize::from(people)).for_each(|n| accept(&mut world, n, 0, 0));
        owners.run(&mut world, Duration::from_secs(20));
        let got: usize = owners.disk.values().map(Vec::len).sum();
        let most = usize::try_from(kbit * 1000 / 8 * 20).expect("small");
        assert!(got < most + 60_000 && got > most * 85 / 100, "{people}: {got} of {most}");
    }
}

#[test]
fn what_is_not_written_is_not_sent() {
    let mut world = World::of(2);
    let mut owners = Owners::new(&world, 1_000_000);
    owners.writes = false;
    offer(&mut world, 0, Some(1), 1_000_000);
    accept(&mut world, 1, 0, 0);
    owners.run(&mut world, Duration::from_secs(30));
    let came: usize = world
        .events(1)
        .filter_map(|event| if let TalkEvent::FileData { data, .. } = event { Some(data.len()) } else { None })
        .sum();
    assert!((60_000..=64 * 1024).contains(&came), "{came}");
    let at = world.now;
    world.run(Duration::from_secs(60));
    assert!(world.now.since(at) >= Duration::from_secs(60));
}

#[test]
fn a_cut_pauses_and_the_rest_follows() {
    let mut world = World::of(2);
    let mut owners = Owners::new(&world, 900_000);
    offer(&mut world, 0, Some(1), 900_000);
    accept(&mut world, 1, 0, 0);
    for _ in 0..4 {
        owners.run(&mut world, Duration::from_millis(700));
        let before = owners.disk[&1].len();
        world.cut(0, 1);
        owners.run(&mut world, Duration::from_secs(40));
        assert!(owners.disk[&1].len() - before <= 64 * 1024);
        world.heal(0, 1);
    }
    owners.run(&mut world, Duration::from_secs(10));
    assert_eq!(owners.disk[&1], owners.content);
    assert_eq!(outcomes(&world, 0), [(world.id(1), FileOutcome::Delivered)]);
    assert_eq!(world.offences, []);
    // A path that comes back afterwards changes nothing.
    world.cut(0, 1);
    world.heal(0, 1);
    owners.run(&mut world, Duration::from_secs(5));
    assert_eq!(outcomes(&world, 0).len(), 1);
}

#[test]
fn who_has_a_part_already_gets_only_the_rest() {
    let mut world = World::of(2);
    let mut owners = Owners::new(&world, 200_000);
    owners.disk.insert(1, content(200_000)[..150_000].to_vec());
    offer(&mut world, 0, Some(1), 200_000);
    accept(&mut world, 1, 0, 150_000);
    owners.run(&mut world, Duration::from_secs(5));
    assert_eq!(owners.disk[&1], owners.content);
    let sent: usize = world
        .sent
        .iter()
        .filter_map(
            |(_, _, message)| if let TalkMessage::Piece { data, .. } = message { Some(data.len()) } else { None },
        )
        .sum();
    assert_eq!(sent, 50_000);
}

#[test]
fn empty_and_complete_files_arrive_at_once() {
    let mut world = World::of(3);
    let mut owners = Owners::new(&world, 0);
    offer(&mut world, 0, Some(1), 0);
    accept(&mut world, 1, 0, 0);
    owners.run(&mut world, Duration::from_secs(1));
    assert_eq!(outcomes(&world, 0), [(world.id(1), FileOutcome::Delivered)]);
    owners.content = content(5_000);
    offer(&mut world, 0, Some(2), 5_000);
    accept(&mut world, 2, 0, 5_000);
    owners.run(&mut world, Duration::from_secs(1));
    assert_eq!(outcomes(&world, 0)[1], (world.id(2), FileOutcome::Damaged), "nothing was there in truth");
    assert_eq!(world.offences, []);
}

#[test]
fn taken_back_given_up_or_gone_is_told_at_the_other_end() {
    let mut world = World::of(4);
    let mut owners = Owners::new(&world, 5_000_000);
    offer(&mut world, 0, None, 5_000_000);
    (1..4).for_each(|n| accept(&mut world, n, 0, 0));
    owners.run(&mut world, Duration::from_secs(1));
    let from = world.id(0);
    // One no longer wants it, with pieces on the way.
    world.command(1, TalkCommand::DeclineFile { from, id: FILE });
    // From one it is taken back.
    let to = Some(world.id(2));
    world.command(0, TalkCommand::CancelFile { to, id: FILE });
    world.leave(3);
    owners.run(&mut world, Duration::from_secs(2));
    let mut ended: Vec<FileOutcome> = outcomes(&world, 0).into_iter().map(|(_, outcome)| outcome).collect();
    ended.sort_by_key(|outcome| format!("{outcome:?}"));
    assert_eq!(ended, [FileOutcome::Cancelled, FileOutcome::Declined, FileOutcome::ReceiverGone]);
    let withdrawn = TalkEvent::FileWithdrawn { from, id: FILE, reason: FileWithdrawal::BySender };
    assert_eq!(world.events(2).filter(|event| **event == withdrawn).count(), 1);
    assert_eq!(world.offences, []);
}

#[test]
fn a_word_that_a_cut_swallowed_is_made_up_for() {
    let mut world = World::of(2);
    offer(&mut world, 0, Some(1), 10_000);
    world.cut(0, 1);
    world.command(0, TalkCommand::CancelFile { to: None, id: FILE });
    world.heal(0, 1);
    assert!(world.events(1).any(|event| matches!(event, TalkEvent::FileWithdrawn { .. })));
    // The other way: declined without a path.
    let mut world = World::of(2);
    offer(&mut world, 0, Some(1), 10_000);
    world.cut(0, 1);
    let from = world.id(0);
    world.command(1, TalkCommand::DeclineFile { from, id: FILE });
    world.heal(0, 1);
    assert_eq!(outcomes(&world, 0), [(world.id(1), FileOutcome::Declined)]);
    // And a result.
    let mut world = World::of(2);
    let mut owners = Owners::new(&world, 10_000);
    offer(&mut world, 0, Some(1), 10_000);
    accept(&mut world, 1, 0, 0);
    owners.checks = false;
    owners.run(&mut world, Duration::from_secs(1));
    assert_eq!(owners.disk[&1], owners.content);
    world.cut(0, 1);
    let from = world.id(0);
    world.command(1, TalkCommand::FileChecked { from, id: FILE, intact: true });
    assert_eq!(outcomes(&world, 0), []);
    world.heal(0, 1);
    assert_eq!(outcomes(&world, 0), [(world.id(1), FileOutcome::Delivered)]);
    assert_eq!(world.offences, []);
}

#[test]
fn a_file_that_cannot_be_read_ends_the_transfer() {
    let mut world = World::of(2);
    offer(&mut world, 0, Some(1), 10_000);
    accept(&mut world, 1, 0, 0);
    let wanted = world.events(0).find_map(|event| match event {
        TalkEvent::FileDataWanted { to, id, offset, .. } => Some((*to, *id, *offset)),
        _ => None,
    });
    let (to, id, offset) = wanted.expect("asked for");
    world.command(0, TalkCommand::FileData { to, id, offset, data: Bytes::new() });
    assert_eq!(outcomes(&world, 0), [(to, FileOutcome::Unreadable)]);
    assert!(world.events(1).any(|event| matches!(event, TalkEvent::FileWithdrawn { .. })));
}

#[test]
fn offers_are_bounded_and_cost_nothing() {
    let mut world = World::of(2);
    let size = crate::limits::FILE_BYTES;
    let name = "x".repeat(10_000);
    for id in 0..6 {
        let to = Some(world.id(1));
        let id = FileId(id);
        world.command(0, TalkCommand::OfferFile { id, to, name: name.clone(), size, sha256: [0; 32] });
    }
    assert_eq!(world.refusals(0), [TalkRefusal::TooManyFiles; 2]);
    offer(&mut world, 1, Some(0), size + 1);
    assert_eq!(world.refusals(1), [TalkRefusal::FileTooLarge]);
    let offered =
        world.events(1).filter(|event| matches!(event, TalkEvent::FileOffered { name, .. } if name.len() < 200));
    assert_eq!(offered.count(), 4);
    world.sent.clear();
    world.run(Duration::from_secs(600));
    assert!(world.sent.is_empty(), "an offer waits in silence");
}

#[test]
fn two_files_share_the_path_fairly() {
    let mut world = World::of(2);
    world.estimate = Bitrate::from_kbps(800);
    let to = Some(world.id(1));
    for id in [1, 2] {
        let offer =
            TalkCommand::OfferFile { id: FileId(id), to, name: "a".to_owned(), size: 1_000_000, sha256: [0; 32] };
        world.command(0, offer);
        let from = world.id(0);
        world.command(1, TalkCommand::AcceptFile { from, id: FileId(id), offset: 0 });
    }
    let mut seen = 0;
    for _ in 0..400 {
        let news: Vec<TalkEvent> = world.events(0).skip(seen).cloned().collect();
        seen += news.len();
        for event in news {
            if let TalkEvent::FileDataWanted { to, id, offset, length } = event {
                world.command(0, TalkCommand::FileData { to, id, offset, data: vec![0; length].into() });
            }
        }
        world.run(Duration::from_millis(5));
    }
    let mut bytes = BTreeMap::new();
    for event in world.events(1) {
        if let TalkEvent::FileData { id, data, .. } = event {
            *bytes.entry(*id).or_insert(0) += data.len();
        }
    }
    let (one, two) = (bytes[&FileId(1)], bytes[&FileId(2)]);
    assert!(one.abs_diff(two) <= 4096 && one > 15_000, "{one} and {two}");
}
