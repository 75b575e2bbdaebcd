//! Sealing and keys: the form of a datagram, what opens and what must not, and who uses which keys during a rekey. Whole
//! sessions are tested in `tests/meeting.rs`.

use super::*;
use crate::ids::MeetingId;
use crate::keys::{DeviceKey, MeetingKey};
use crate::noise::{Agreement, Initiator, Myself, NoiseStatic, Responder};
use crate::testing::SeededEntropy;

type TestResult = Result<(), Box<dyn std::error::Error>>;

/// The two ends of one handshake, with indices 11 and 22.
fn pair(seed: u64) -> Result<(Keys, Keys), Box<dyn std::error::Error>> {
    let ((mine, _), (theirs, _)) = ends(seed)?;
    Ok((mine, theirs))
}

type End = (Keys, PeerIdentity);

/// The same with whom each has proven to be there.
fn ends(seed: u64) -> Result<(End, End), Box<dyn std::error::Error>> {
    let mut entropy = SeededEntropy::new(seed);
    let mut end = || -> Result<_, Box<dyn std::error::Error>> {
        let device = DeviceKey::from_seed(&entropy.seed32())?;
        let meeting_key = MeetingKey::from_seed(&entropy.seed32())?;
        Ok((device, meeting_key, NoiseStatic::generate(&mut entropy)))
    };
    let (a, b) = (end()?, end()?);
    let me = Myself { device: &a.0, meeting_key: &a.1, noise_static: &a.2, name: "Anna" };
    let them = Myself { device: &b.0, meeting_key: &b.1, noise_static: &b.2, name: "Ben" };
    let agreement = Agreement {
        meeting: MeetingId([2; 16]),
        psk0: &[1; 32],
        initiator: a.1.peer_id(),
        responder: b.1.peer_id(),
        inside: None,
    };
    let (initiator, one) = Initiator::start(&agreement, &me, &mut entropy, 11)?;
    let (responder, two) = Responder::answer(&agreement, &them, &mut entropy, 22, &one)?;
    let (mine, three) = initiator.finish(&me, &two)?;
    let theirs = responder.finish(&three)?;
    let end = |established: crate::noise::Established| {
        let peer = established.peer.clone();
        (Keys::new(established, Instant::ZERO), peer)
    };
    Ok((end(mine), end(theirs)))
}

/// Two computers that are connected by two networks: what goes out on one comes from the address that the sender has there.
#[test]
fn two_who_speak_by_different_paths_settle_on_one() -> TestResult {
    const NETWORKS: u8 = 2;
    let at = |network: u8, end: usize| SocketAddr::from(([10, 0, network, if end == 0 { 1 } else { 2 }], 4000));
    let mut entropy = SeededEntropy::new(9);
    let (first, second) = ends(9)?;
    let config = || TransportConfig { max_bitrate: None };
    let mut sessions = [first, second].map(|(keys, peer)| Session::new(Instant::ZERO, peer, keys, config()));
    sessions[0].leads = true;
    sessions[0].add_candidate(Instant::ZERO, at(0, 1), &mut entropy);
    sessions[1].add_candidate(Instant::ZERO, at(1, 0), &mut entropy);
    let mut under_way: Vec<(usize, SocketAddr, Vec<u8>)> = Vec::new();
    let (mut moves, mut last_move_ms) = (0, 0);
    for ms in 0..2000_u64 {
        let now = Instant::from_micros(ms * 1000);
        let arriving = std::mem::take(&mut under_way);
        for (end, from, datagram) in arriving {
            let (mut buffer, header) = ([0; 2048], Header::parse(&datagram).ok_or("no header")?);
            sessions[end].handle_datagram(now, (from, Ecn::NotCapable), header, &datagram, &mut buffer, &mut entropy);
        }
        for (end, session) in sessions.iter_mut().enumerate() {
            if ms % 20 == end as u64 * 7 {
                let frame = crate::frames::AudioFrame {
                    sequence: u32::try_from(ms / 20)?,
                    position: ms * 48,
                    level: 90,
                    is_copy: false,
                    payload: Bytes::from_static(&[7; 80]),
                };
                session.transport.send_audio(now, &frame);
            }
            session.handle_timeout(now);
            while let Some(event) = session.poll_event() {
                if matches!(event, SessionEvent::Path(..)) {
                    (moves, last_move_ms) = (moves + 1, ms);
                }
            }
            while let Some(Outgoing { to, datagram, .. }) = session.poll_transmit(now) {
                let network = (0..NETWORKS).find(|network| at(*network, 1 - end) == to).ok_or("nowhere")?;
                under_way.push((1 - end, at(network, end), datagram));
            }
        }
    }
    assert!(moves <= 5 && last_move_ms < 500, "{moves} moves, the last after {last_move_ms} ms");
    assert_eq!(sessions[0].address(), Some(at(0, 1)), "the leader stayed");
    assert_eq!(sessions[1].address(), Some(at(0, 0)));
    Ok(())
}

#[test]
fn a_sealed_datagram_has_the_announced_form_and_opens_at_the_other_end() -> TestResult {
    let (ours, theirs) = pair(1)?;
    let datagram = ours.seal(7, b"plaintext").ok_or("did not seal")?;
    assert_eq!(datagram.len(), 9 + SEALED_OVERHEAD);
    assert_eq!(&datagram[..16], &[0x20, 0, 0, 0, 0, 0, 0, 22, 0, 0, 0, 0, 0, 0, 0, 7]);
    let header = Header::parse(&datagram).ok_or("no header")?;
    assert_eq!(header, Header { receiver_index: 22, counter: 7 });
    let mut buffer = [0; 2048];
    assert_eq!(theirs.open(7, &datagram, &mut buffer), Some(&b"plaintext"[..]));
    assert_eq!(theirs.open(8, &datagram, &mut buffer), None, "the counter is the nonce");
    assert_eq!(ours.open(7, &datagram, &mut buffer), None, "one key per direction");
    Ok(())
}

#[test]
fn neither_sound_nor_pictures_nor_their_repairs_are_taken_from_who_is_not_in_the_room() -> TestResult {
    let ((ours, _), (theirs, peer)) = ends(1)?;
    let mut entropy = SeededEntropy::new(3);
    let mut session = Session::new(Instant::ZERO, peer, theirs, TransportConfig { max_bitrate: None });
    let piece = crate::wire::VideoFragment {
        layer: crate::frames::SpatialLayer::Small,
        temporal: 0,
        codec: crate::frames::VideoCodec::Av1,
        retransmitted: false,
        repaired: true,
        number: 0,
        needs_back: 0,
        captured_us: 5,
        width: 320,
        height: 180,
        index: 0,
        unit: 100,
        total: 100,
        payload: &[7; 100],
    };
    let said = crate::wire::AudioBlock { sequence: 0, position: 0, level: 9, is_copy: false, payload: &[1; 20] };
    let mut records = Vec::new();
    let sound = Chunk::Audio(crate::wire::Audio::build(std::iter::once(said), None, 200, &mut records));
    let mut counter = 0;
    let mut taken = |session: &mut Session| -> Result<(u64, u64), Box<dyn std::error::Error>> {
        for chunk in [sound, Chunk::VideoFec(piece), Chunk::VideoFragment(piece)] {
            let mut bytes = Vec::new();
            chunk.encode(&mut bytes);
            let datagram = ours.seal(counter, &bytes).ok_or("did not seal")?;
            counter += 1;
            let (header, mut buffer) = (Header::parse(&datagram).ok_or("no header")?, [0; 2048]);
            let from = SocketAddr::from(([10, 0, 0, 1], 4000));
            session.handle_datagram(
                Instant::ZERO,
                (from, Ecn::NotCapable),
                header,
                &datagram,
                &mut buffer,
                &mut entropy,
            );
        }
        let stats = session.stats(Instant::ZERO);
        Ok((stats.received_audio.packets, stats.received_video.packets))
    };
    assert_eq!(taken(&mut session)?, (0, 0));
    session.media_allowed = true;
    let (sounds, pieces) = taken(&mut session)?;
    assert!(sounds > 0 && pieces > 0, "{sounds} sounds, {pieces} pieces, once in the room");
    Ok(())
}

#[test]
fn an_altered_or_cut_datagram_never_opens() -> TestResult {
    let (ours, theirs) = pair(1)?;
    let datagram = ours.seal(1, &[5; 40]).ok_or("did not seal")?;
    let mut buffer = [0; 2048];
    for at in 0..datagram.len() {
        let mut altered = datagram.clone();
        altered[at] ^= 0x80;
        let opened = Header::parse(&altered)
            .filter(|header| header.receiver_index == 22)
            .and_then(|header| theirs.open(header.counter, &altered, &mut buffer));
        assert_eq!(opened, None, "altered at {at}");
        let cut = &datagram[..at];
        assert_eq!(Header::parse(cut).and_then(|h| theirs.open(h.counter, cut, &mut buffer)), None, "cut at {at}");
    }
    Ok(())
}

#[test]
fn after_a_rekey_the_beginner_waits_until_the_other_end_shows_its_new_keys() -> TestResult {
    let (a_old, b_old) = pair(1)?;
    let (mut a_new, mut b_new) = pair(2)?;
    (a_new.our_index, b_new.our_index) = (33, 44);
    let late = b_old.seal(3, b"late").ok_or("did not seal")?;
    let (mut a, mut b) = (KeyRing::new(a_old), KeyRing::new(b_old));
    a.await_confirmation(a_new);
    b.put_into_use(Instant::ZERO, b_new);
    assert_eq!(a.rekeys, 0);
    let first = b.current().seal(4, b"new").ok_or("did not seal")?;
    let mut buffer = [0; 2048];
    assert_eq!(a.open(Instant::ZERO, 33, 4, &first, &mut buffer), Some(&b"new"[..]));
    assert_eq!((a.rekeys, a.current().our_index), (1, 33));
    assert_eq!(a.open(Instant::ZERO, 11, 3, &late, &mut buffer), Some(&b"late"[..]), "what was in flight still opens");
    a.handle_timeout(Instant::ZERO + crate::limits::OLD_KEY_LIVES);
    assert_eq!(a.open(Instant::ZERO, 11, 3, &late, &mut buffer), None, "and then no more");
    Ok(())
}
