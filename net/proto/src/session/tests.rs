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
    Ok((Keys::new(mine, Instant::ZERO), Keys::new(theirs, Instant::ZERO)))
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
