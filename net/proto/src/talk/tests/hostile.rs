//! A member whose program breaks the rules is cut off with a reason; nobody else suffers.

use bytes::Bytes;
use proptest::prelude::*;

use super::super::chat::{Draft, Signed};
use super::super::message::ShortId;
use super::files::{FILE, offer};
use super::*;
use crate::limits::{CHAT_MESSAGES, FILE_BYTES, FILE_PIECE_MAX};

/// As a program writes that keeps no rules.
fn written(world: &World, author: usize, lamport: u64, sequence: u32) -> Signed {
    let audience = (0..world.parties.len()).map(|n| ShortId::from(world.id(n))).collect();
    let draft = Draft { lamport, sequence, sent_unix_s: 0, audience, text: "spam".to_owned() };
    Signed::sign(&world.parties[author].key, MEETING, draft)
}

#[test]
fn who_floods_the_chat_is_cut_off_and_the_others_talk_on() {
    let mut world = World::of(3);
    let mut taken = 0;
    for sequence in 0..1000 {
        let spam = written(&world, 2, u64::from(sequence) + 1, sequence);
        if world.inject(2, 0, TalkMessage::Say(spam)).is_err() {
            break;
        }
        taken += 1;
    }
    assert_eq!(taken, 60);
    assert_eq!(world.offences, [(2, 0, Offence::ChatFlood)]);
    assert!(world.events(0).any(|event| *event == TalkEvent::CutOff { who: world.id(2), offence: Offence::ChatFlood }));
    world.write(0, "still here");
    world.run(Duration::from_secs(2));
    assert_eq!(world.texts(1).last().map(String::as_str), Some("still here"));
    assert_eq!(world.offences.len(), 1, "who passed it on is no offender");
}

#[test]
fn an_accomplice_cannot_pass_on_a_flood() {
    let mut world = World::of(3);
    world.run(Duration::from_secs(1));
    // 0 asks 1 for what it lacks, and gets a thousand messages of 2.
    assert_eq!(world.inject(1, 0, TalkMessage::Have { is_answer: false, ids: vec![[7; 8]] }), Ok(()));
    for part in 0..20 {
        let all = (0..50).map(|at| written(&world, 2, part * 50 + at + 1, 1)).collect();
        assert_eq!(world.inject(1, 0, TalkMessage::Give(all)), Ok(()));
    }
    let read = world.texts(0).len();
    assert!(read <= 62, "{read}");
    let one_more = vec![written(&world, 2, 5000, 1)];
    assert_eq!(world.inject(1, 0, TalkMessage::Give(one_more)), Err(Offence::Unsolicited));
}

#[test]
fn what_nobody_asked_for_is_an_offence() {
    let mut world = World::of(2);
    let given = vec![written(&world, 1, 1, 1)];
    assert_eq!(world.inject(1, 0, TalkMessage::Give(given)), Err(Offence::Unsolicited));
    assert!(world.texts(0).is_empty());
}

#[test]
fn nobody_writes_in_anothers_name() {
    let mut world = World::of(3);
    let others = written(&world, 2, 1, 1);
    assert_eq!(world.inject(1, 0, TalkMessage::Say(others.clone())), Err(Offence::Forgery));
    let mut bytes = Vec::new();
    TalkMessage::Say(others).encode(&mut bytes);
    // Every byte of an honest message altered in turn: unreadable, or known as forged by 2 itself.
    for at in 1..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        if let Ok(message) = TalkMessage::parse(&mut Reader::new(&altered)) {
            let mut world = World::of(3);
            assert!(world.inject(2, 0, message).is_err(), "byte {at}");
            assert!(world.texts(0).is_empty(), "byte {at}");
        }
    }
}

#[test]
fn a_number_that_would_be_the_last_is_refused() {
    let mut world = World::of(2);
    let last = written(&world, 1, u64::MAX, 1);
    assert_eq!(world.inject(1, 0, TalkMessage::Say(last)), Err(Offence::Impossible));
    world.write(0, "after");
    assert_eq!(world.chat(0)[0].key.lamport, 1);
}

#[test]
fn a_flood_of_small_things_is_cut_off() {
    for message in [
        TalkMessage::React(Reaction::Heart),
        TalkMessage::AskMute { everyone: true },
        TalkMessage::Heads { chat: [1; 8], hands: [2; 8] },
        TalkMessage::Have { is_answer: true, ids: Vec::new() },
        TalkMessage::Hands(Vec::new()),
        TalkMessage::Decline(FILE),
        TalkMessage::Cancel(FILE),
    ] {
        let mut world = World::of(2);
        let outcome = (0..1000).map(|_| world.inject(1, 0, message.clone())).find(Result::is_err);
        assert_eq!(outcome, Some(Err(Offence::Flood)), "{message:?}");
        assert!(world.events(0).count() < 20, "{message:?}");
    }
}

#[test]
fn nobody_makes_others_flood_in_its_name() {
    let mut world = World::of(4);
    let mut told = 0;
    let before = |world: &World, to: usize| world.sent.iter().filter(|(from, at, _)| *from < 3 && *at == to).count();
    // Ten seconds of rows as fast as the general limit lets them be, by an honest program's pen.
    let ids: Vec<PeerId> = (0..3).map(|n| world.id(n)).collect();
    for version in 1..1000 {
        let row = hearing::Row::for_tests(&world.parties[3].key, MEETING, version, &[(ids[0], Hearing::NotHeard)]);
        told += u32::from(world.inject(3, 1, TalkMessage::Hearing(row)).is_ok());
        world.run(Duration::from_millis(10));
    }
    assert_eq!((told, world.offences.len()), (999, 0));
    assert!(before(&world, 0) <= 51, "{}", before(&world, 0));
}

#[test]
fn questions_without_end_get_few_answers() {
    let mut world = World::of(2);
    (0..20).for_each(|_| world.write(0, &"x".repeat(1000)));
    world.run(Duration::from_secs(5));
    world.sent.clear();
    for at in 0..1000_u64 {
        let (chat, hands) = (at.to_be_bytes(), at.to_be_bytes());
        assert_eq!(world.inject(1, 0, TalkMessage::Heads { chat, hands }), Ok(()));
        if at % 5 == 0 {
            let list = TalkMessage::Have { is_answer: false, ids: vec![at.to_be_bytes()] };
            assert_eq!(world.inject(1, 0, list), Ok(()));
        }
        world.run(Duration::from_millis(10));
    }
    let lists = world.sent.iter().filter(|(_, _, message)| matches!(message, TalkMessage::Have { .. })).count();
    assert!(lists <= 30, "{lists} in ten seconds");
}

fn piece(id: FileId, attempt: u32, offset: u64, length: usize) -> TalkMessage {
    TalkMessage::Piece { id, attempt, offset, data: Bytes::from(vec![0; length]) }
}

#[test]
fn file_data_beyond_what_was_accepted_are_an_offence() {
    let told = |size: u64, accepts: bool, message: TalkMessage| {
        let mut world = World::of(2);
        offer(&mut world, 1, Some(0), size);
        if accepts {
            let from = world.id(1);
            world.command(0, TalkCommand::AcceptFile { from, id: FILE, offset: 0 });
        }
        world.inject(1, 0, message)
    };
    assert_eq!(told(100_000, true, piece(FILE, 1, 0, 4096)), Ok(()));
    for (accepts, message) in [
        (false, piece(FILE, 0, 0, 4096)),
        (false, piece(FILE, 1, 0, 4096)),
        (true, piece(FileId(1), 1, 0, 4096)),
        (true, piece(FILE, 2, 0, 4096)),
        (true, piece(FILE, 1, 4096, 4096)),
        (true, piece(FILE, 1, 90_000, 10_000)),
        (true, piece(FILE, 1, 0, 10)),
    ] {
        assert_eq!(told(100_000, accepts, message.clone()), Err(Offence::FileData), "{accepts} {message:?}");
    }
    assert_eq!(told(5_000, true, piece(FILE, 1, 0, 5_001)), Err(Offence::FileData));
    // As far as the window and no further, whatever its pieces.
    let mut world = World::of(2);
    offer(&mut world, 1, Some(0), FILE_BYTES);
    let from = world.id(1);
    world.command(0, TalkCommand::AcceptFile { from, id: FILE, offset: 0 });
    let step = FILE_PIECE_MAX as u64;
    let taken = (0..100).take_while(|at| world.inject(1, 0, piece(FILE, 1, at * step, FILE_PIECE_MAX)).is_ok()).count();
    assert_eq!(taken, 4);
}

#[test]
fn late_pieces_of_a_declined_file_are_no_offence_and_endless_ones_are() {
    let mut world = World::of(2);
    offer(&mut world, 1, Some(0), 1_000_000);
    let from = world.id(1);
    world.command(0, TalkCommand::AcceptFile { from, id: FILE, offset: 0 });
    world.command(0, TalkCommand::DeclineFile { from, id: FILE });
    let outcomes: Vec<_> = (0..5).map(|_| world.inject(1, 0, piece(FILE, 1, 0, FILE_PIECE_MAX))).collect();
    assert_eq!(outcomes, [Ok(()), Ok(()), Ok(()), Ok(()), Err(Offence::FileData)]);
    assert!(!world.events(0).any(|event| matches!(event, TalkEvent::FileData { .. })));
}

#[test]
fn too_many_offers_are_an_offence() {
    let mut world = World::of(2);
    let offered =
        |id: u64| TalkMessage::Offer { id: FileId(id), size: FILE_BYTES, sha256: [0; 32], name: "..".to_owned() };
    let outcome = (0..100).map(|id| world.inject(1, 0, offered(id))).find(Result::is_err);
    assert_eq!(outcome, Some(Err(Offence::TooManyOffers)));
    assert_eq!(world.events(0).filter(|event| matches!(event, TalkEvent::FileOffered { .. })).count(), 4);
    // Offered and taken back for ever.
    let mut world = World::of(2);
    let mut rounds = 0;
    while world.inject(1, 0, offered(rounds)).is_ok() && world.inject(1, 0, TalkMessage::Cancel(FileId(rounds))).is_ok()
    {
        rounds += 1;
    }
    assert_eq!(world.offences[0].2, Offence::Flood);
    assert!(rounds <= 40, "{rounds}");
}

#[test]
fn a_list_longer_than_any_is_not_even_read() {
    let ids = vec![[0; 8]; CHAT_MESSAGES + 1];
    let mut bytes = Vec::new();
    TalkMessage::Have { is_answer: false, ids }.encode(&mut bytes);
    assert!(TalkMessage::parse(&mut Reader::new(&bytes)).is_err());
    let mut bytes = Vec::new();
    piece(FILE, 1, 0, FILE_PIECE_MAX + 1).encode(&mut bytes);
    assert!(TalkMessage::parse(&mut Reader::new(&bytes)).is_err());
    let mut bytes = Vec::new();
    TalkMessage::Offer { id: FILE, size: FILE_BYTES + 1, sha256: [0; 32], name: String::new() }.encode(&mut bytes);
    assert!(TalkMessage::parse(&mut Reader::new(&bytes)).is_err());
}

/// Something of every kind, as honest programs send it.
fn samples() -> Vec<TalkMessage> {
    let mut world = World::of(3);
    world.write(0, "hello");
    world.command(1, TalkCommand::RaiseHand(true));
    world.command(1, TalkCommand::React(Reaction::Heart));
    world.command(0, TalkCommand::AskAllToMute);
    let row = vec![(world.id(1), Hearing::NotHeard), (world.id(2), Hearing::Quiet)];
    world.command(0, TalkCommand::SetHearing(row));
    world.cut(0, 1);
    world.write(1, "cut off");
    offer(&mut world, 0, Some(2), 5_000);
    world.run(Duration::from_secs(1));
    world.heal(0, 1);
    let mut all: Vec<TalkMessage> = world.sent.into_iter().map(|(_, _, message)| message).collect();
    all.extend([
        TalkMessage::FilesOpen(vec![FILE]),
        TalkMessage::Accept { id: FILE, attempt: 1, offset: 0, until: 5_000 },
        TalkMessage::Window { id: FILE, attempt: 1, written: 0, until: 5_000 },
        piece(FILE, 1, 0, 2_000),
        TalkMessage::Decline(FILE),
        TalkMessage::Cancel(FILE),
        TalkMessage::Result { id: FILE, intact: true },
    ]);
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn no_bytes_make_the_parser_stumble(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(message) = TalkMessage::parse(&mut Reader::new(&bytes)) {
            let mut again = Vec::new();
            message.encode(&mut again);
            prop_assert_eq!(TalkMessage::parse(&mut Reader::new(&again)), Ok(message));
        }
    }

    /// One of three says anything at all: altered, cut, repeated, in any order. The other two go on, and neither of them is
    /// ever blamed.
    #[test]
    fn whatever_one_says_the_others_talk_on(
        draws in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..4_u8, any::<u8>()), 1..80),
    ) {
        let samples = samples();
        let mut world = World::of(3);
        offer(&mut world, 0, None, 5_000);
        for (which, place, how, value) in draws {
            let mut bytes = Vec::new();
            samples[which.index(samples.len())].encode(&mut bytes);
            let at = place.index(bytes.len());
            match how {
                0 => bytes[at] = value,
                1 => bytes.truncate(at),
                2 => bytes.insert(at, value),
                _ => {}
            }
            if let Ok(message) = TalkMessage::parse(&mut Reader::new(&bytes)) {
                world.inject(2, usize::from(value % 2), message).ok();
            }
            world.run(Duration::from_millis(50));
        }
        // What 2 makes of the answers to questions that it never asked is its own affair.
        let blamed = world.offences.iter().filter(|(_, by, _)| *by != 2);
        prop_assert!(blamed.clone().all(|(from, _, _)| *from == 2), "{:?}", blamed.collect::<Vec<_>>());
        world.write(0, "from 0");
        world.write(1, "from 1");
        world.run(Duration::from_secs(2));
        for n in [0, 1] {
            let texts = world.texts(n);
            prop_assert!(texts.iter().any(|text| text == "from 0") && texts.iter().any(|text| text == "from 1"));
        }
    }
}
