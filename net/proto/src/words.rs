//! The six meeting words: 66 bits of a hash over the meeting and every member's keys. Equal words on both screens mean
//! equal keys in both programs, so nobody sits in between.

use bip39::Language;

use crate::crypto::hash;
use crate::ids::{DevicePublicKey, MeetingId, PeerId};

/// The keys of one member that the words vouch for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MemberKeys {
    pub(crate) peer: PeerId,
    pub(crate) device: DevicePublicKey,
    pub(crate) noise_static: [u8; 32],
}

/// Six words; the same for every order of `members`.
pub(crate) fn meeting_words(meeting: MeetingId, members: &[MemberKeys]) -> [&'static str; 6] {
    let mut members = members.to_vec();
    members.sort_unstable();
    let mut parts: Vec<&[u8]> = vec![&meeting.0];
    for member in &members {
        parts.extend([member.peer.0.as_slice(), &member.device.0, &member.noise_static]);
    }
    let digest = hash("conclave meeting words", &parts);
    let list = Language::English.word_list();
    std::array::from_fn(|word| {
        // Eleven bits each, from the first: an index below 2048, which is the length of the list.
        let index = (0..11).fold(0, |index, bit| {
            let at = word * 11 + bit;
            index << 1 | usize::from(digest[at / 8] >> (7 - at % 8) & 1)
        });
        list[index]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(n: u8) -> MemberKeys {
        MemberKeys { peer: PeerId([n; 32]), device: DevicePublicKey([n + 100; 32]), noise_static: [n + 200; 32] }
    }

    #[test]
    fn everyone_sees_the_same_words_and_any_key_changes_them() {
        let meeting = MeetingId([5; 16]);
        let words = meeting_words(meeting, &[member(1), member(2)]);
        assert_eq!(words, meeting_words(meeting, &[member(2), member(1)]));
        assert_ne!(words, meeting_words(meeting, &[member(1)]));
        assert_ne!(words, meeting_words(MeetingId([6; 16]), &[member(1), member(2)]));
        for change in 0..3 {
            let mut other = member(2);
            match change {
                0 => other.peer.0[31] ^= 1,
                1 => other.device.0[0] ^= 1,
                _ => other.noise_static[7] ^= 1,
            }
            assert_ne!(words, meeting_words(meeting, &[member(1), other]));
        }
    }
}
