//! The handshake between two ends, and everything that must not get through it: foreign invites, altered messages, somebody
//! in between.

use super::*;
use crate::keys::KeyRejected;
use crate::testing::SeededEntropy;

struct End {
    device: DeviceKey,
    meeting_key: MeetingKey,
    noise_static: NoiseStatic,
    entropy: SeededEntropy,
}

impl End {
    fn new(seed: u64) -> Result<Self, KeyRejected> {
        let mut entropy = SeededEntropy::new(seed);
        Ok(Self {
            device: DeviceKey::from_seed(&entropy.seed32())?,
            meeting_key: MeetingKey::from_seed(&entropy.seed32())?,
            noise_static: NoiseStatic::generate(&mut entropy),
            entropy,
        })
    }

    fn peer(&self) -> PeerId {
        self.meeting_key.peer_id()
    }

    fn parts(&mut self) -> (Myself<'_>, &mut SeededEntropy) {
        let me = Myself {
            device: &self.device,
            meeting_key: &self.meeting_key,
            noise_static: &self.noise_static,
            name: "Ann\u{202e}a",
        };
        (me, &mut self.entropy)
    }
}

fn secret(byte: u8) -> [u8; 32] {
    [byte; 32]
}

fn agreement(psk0: &[u8; 32], initiator: PeerId, responder: PeerId) -> Agreement<'_> {
    Agreement { meeting: MeetingId([4; 16]), psk0, initiator, responder, inside: None }
}

type TestResult = Result<(), Box<dyn std::error::Error>>;

/// Runs the whole handshake; `alter` may change each message on its way.
fn run(
    initiator: &mut End,
    responder: &mut End,
    ours: &Agreement<'_>,
    theirs: &Agreement<'_>,
    alter: impl Fn(u8, &mut Vec<u8>),
) -> Result<(Established, Established), HandshakeError> {
    let (me, entropy) = initiator.parts();
    let (first, mut one) = Initiator::start(ours, &me, entropy, 11)?;
    alter(1, &mut one);
    let (them, entropy) = responder.parts();
    let (second, mut two) = Responder::answer(theirs, &them, entropy, 22, &one)?;
    alter(2, &mut two);
    let (mine, mut three) = first.finish(&initiator.parts().0, &two)?;
    alter(3, &mut three);
    Ok((mine, second.finish(&three)?))
}

#[test]
fn two_holders_of_the_invite_agree() -> TestResult {
    let (mut a, mut b) = (End::new(1)?, End::new(2)?);
    let secret = secret(9);
    let both = agreement(&secret, a.peer(), b.peer());
    let (mine, theirs) = run(&mut a, &mut b, &both, &both, |_, _| {})?;
    assert_eq!(mine.handshake_hash, theirs.handshake_hash);
    assert_eq!((mine.our_index, mine.their_index, theirs.our_index, theirs.their_index), (11, 22, 22, 11));
    assert_eq!(mine.peer.device, b.device.public());
    assert_eq!(theirs.peer.noise_static, a.noise_static.public());
    assert_eq!(theirs.peer.name, "Anna");
    let mut sealed = [0; 64];
    let len = mine.transport.write_message(7, b"hello", &mut sealed)?;
    let mut opened = [0; 64];
    let len = theirs.transport.read_message(7, &sealed[..len], &mut opened)?;
    assert_eq!(&opened[..len], b"hello");
    Ok(())
}

#[test]
fn a_foreign_invite_fails_at_the_first_message() -> TestResult {
    let (mut a, mut b) = (End::new(1)?, End::new(2)?);
    let (right, wrong) = (secret(9), secret(8));
    let (peer_a, peer_b) = (a.peer(), b.peer());
    let inside = agreement(&right, peer_a, peer_b);
    for (what, outside) in [
        ("secret", agreement(&wrong, peer_a, peer_b)),
        ("meeting", Agreement { meeting: MeetingId([5; 16]), ..inside }),
        ("peer", agreement(&right, peer_a, PeerId([0; 32]))),
        ("former session", Agreement { inside: Some([1; 32]), ..inside }),
    ] {
        let failed = run(&mut a, &mut b, &outside, &inside, |_, _| {}).err();
        assert_eq!(failed, Some(HandshakeError::WrongInvite), "{what}");
    }
    Ok(())
}

#[test]
fn every_altered_message_is_refused() -> TestResult {
    let (mut a, mut b) = (End::new(1)?, End::new(2)?);
    let secret = secret(9);
    let both = agreement(&secret, a.peer(), b.peer());
    for message in 1..=3 {
        for at in [0, 31, 40, 100, usize::MAX] {
            let failed = run(&mut a, &mut b, &both, &both, |number, bytes| {
                if number == message {
                    let at = at.min(bytes.len() - 1);
                    bytes[at] ^= 1;
                }
            });
            assert!(failed.is_err(), "message {message} altered at {at}");
        }
        let failed = run(&mut a, &mut b, &both, &both, |number, bytes| {
            if number == message {
                bytes.truncate(20);
            }
        });
        assert!(failed.is_err(), "message {message} cut");
    }
    Ok(())
}

/// Somebody holds the invite and sits in between, but has no meeting key that the others expect.
#[test]
fn a_stranger_with_the_invite_cannot_stand_in() -> TestResult {
    let (mut a, b, mut mallory) = (End::new(1)?, End::new(2)?, End::new(3)?);
    let secret = secret(9);
    let both = agreement(&secret, a.peer(), b.peer());
    let failed = run(&mut a, &mut mallory, &both, &both, |_, _| {}).err();
    assert_eq!(failed, Some(HandshakeError::NotWhoItSaid));
    Ok(())
}
