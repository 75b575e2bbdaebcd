//! SHA-256 and HKDF as the rest of the crate uses them: over several parts, each preceded by its length, so that no two
//! lists of parts hash alike.

use aws_lc_rs::{digest, hkdf};
use zeroize::Zeroizing;

/// SHA-256 over a label and length-prefixed parts.
pub(crate) fn hash(label: &str, parts: &[&[u8]]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in std::iter::once(label.as_bytes()).chain(parts.iter().copied()) {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut out = [0; 32];
    out.copy_from_slice(context.finish().as_ref());
    out
}

/// HKDF-SHA256 of `secret`, bound to a label and the given public parts.
pub(crate) fn derive(label: &str, secret: &[u8], parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let info = hash(label, parts);
    let info = [info.as_slice()];
    let mut out = Zeroizing::new([0; 32]);
    let expanded = hkdf::Salt::new(hkdf::HKDF_SHA256, label.as_bytes())
        .extract(secret)
        .expand(&info, hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(out.as_mut_slice()));
    // Both only fail for an output length other than the 32 bytes that the types fix.
    debug_assert!(expanded.is_ok());
    out
}
