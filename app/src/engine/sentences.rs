//! Fixed words of the engine: what is waited for, what a path and a key are called.

use conclave_proto::core::PathKind;
use conclave_proto::ids::DevicePublicKey;
use conclave_proto::room::Offence;

/// What protects every link.
pub(super) const CIPHER: &str = "ChaCha20-Poly1305, keys by X25519 and ML-KEM-768 (Noise XXpsk0+psk3)";

/// A path in everyday words, for the panel of a person.
pub(super) const fn path(kind: PathKind) -> &'static str {
    match kind {
        PathKind::Loopback => "same machine",
        PathKind::LocalNetwork => "local network",
        PathKind::Internet => "internet",
    }
}

/// A path in one word, for the JSON lines.
pub(super) const fn path_word(kind: PathKind) -> &'static str {
    match kind {
        PathKind::Loopback => "loopback",
        PathKind::LocalNetwork => "local-network",
        PathKind::Internet => "internet",
    }
}

/// What a member's program did, after "their program".
pub(super) const fn offence(offence: Offence) -> &'static str {
    match offence {
        Offence::Malformed => "sends what no Conclave sends",
        Offence::Forged => "passes on what nobody signed",
        Offence::NotAllowed => "acts for an admin without being one",
        Offence::Flood => "floods the meeting with messages",
        Offence::Talk => "breaks the rules of the meeting",
        Offence::OtherKeys => "uses other keys than it was let in with",
    }
}

/// The first eight bytes of a device key, in four groups.
pub(super) fn fingerprint(device: &DevicePublicKey) -> String {
    let groups: Vec<String> = device.0[..8].chunks(2).map(|pair| format!("{:02x}{:02x}", pair[0], pair[1])).collect();
    groups.join(" ")
}
