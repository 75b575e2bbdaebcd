//! Sealing of records and exported files, and the keyed names under which records lie. AES-256-GCM-SIV, because nonces are
//! random and it forgives one that comes twice. Every key is wiped by the library when it is dropped. Called by `database`
//! and `transfer`.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use aws_lc_rs::hmac;
use conclave_net::secret_file::{SECRET_BYTES, Secret};
use conclave_proto::ids::DevicePublicKey;
use zeroize::Zeroizing;

use super::error::ContactsError;

/// Under what a record lies: a keyed hash of the device key, so that the file names nobody.
pub(super) type Lookup = [u8; 32];

/// One 32-byte key, for sealing.
pub(super) struct Sealer(RandomizedNonceKey);

impl Sealer {
    pub(super) fn new(key: &Secret) -> Result<Self, ContactsError> {
        RandomizedNonceKey::new(&AES_256_GCM_SIV, key.as_slice()).map(Self).map_err(|_| ContactsError::Library)
    }

    /// `nonce 12 | length u32, plain, zeros up to a multiple of padding | tag 16`, all but the nonce sealed together with
    /// `about`.
    pub(super) fn seal(&self, about: &[u8], plain: &[u8], padding: usize) -> Result<Vec<u8>, ContactsError> {
        let length = u32::try_from(plain.len()).map_err(|_| ContactsError::Library)?;
        let filled = (4 + plain.len()).next_multiple_of(padding);
        // Room for the tag too: a vector that moved would leave a copy behind.
        let mut body = Zeroizing::new(Vec::with_capacity(filled + AES_256_GCM_SIV.tag_len()));
        body.extend_from_slice(&length.to_be_bytes());
        body.extend_from_slice(plain);
        body.resize(filled, 0);
        let nonce =
            self.0.seal_in_place_append_tag(Aad::from(about), &mut *body).map_err(|_| ContactsError::Library)?;
        Ok([nonce.as_ref().as_slice(), body.as_slice()].concat())
    }

    /// What was sealed; `None` if it or `about` is not what it was, or the key is another.
    pub(super) fn open(&self, about: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut body = Zeroizing::new(body.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let plain = self.0.open_in_place(nonce, Aad::from(about), &mut body).ok()?;
        let (length, rest) = plain.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        rest.get(..length).map(|plain| Zeroizing::new(plain.to_vec()))
    }
}

/// The keys of one book, made of its one secret.
pub(super) struct BookKeys {
    sealer: Sealer,
    lookup: hmac::Key,
    book: [u8; 16],
}

impl BookKeys {
    pub(super) fn new(secret: &Secret, book: [u8; 16]) -> Result<Self, ContactsError> {
        let lookup = derived(secret, b"lookup")?;
        Ok(Self {
            sealer: Sealer::new(&derived(secret, b"records")?)?,
            lookup: hmac::Key::new(hmac::HMAC_SHA256, lookup.as_slice()),
            book,
        })
    }

    pub(super) fn lookup(&self, device: &DevicePublicKey) -> Lookup {
        let tag = hmac::sign(&self.lookup, &device.0);
        std::array::from_fn(|at| tag.as_ref()[at])
    }

    pub(super) fn seal(&self, lookup: &Lookup, plain: &[u8], padding: usize) -> Result<Vec<u8>, ContactsError> {
        self.sealer.seal(&self.about(b"contact", lookup), plain, padding)
    }

    pub(super) fn open(&self, lookup: &Lookup, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        self.sealer.open(&self.about(b"contact", lookup), sealed)
    }

    /// A few sealed bytes by which a wrong key shows itself at once.
    pub(super) fn proof(&self) -> Result<Vec<u8>, ContactsError> {
        self.sealer.seal(&self.about(b"proof", &[]), b"", 1)
    }

    pub(super) fn fits(&self, proof: &[u8]) -> bool {
        self.sealer.open(&self.about(b"proof", &[]), proof).is_some()
    }

    /// A record stands for this book and this person; put elsewhere it does not open.
    fn about(&self, what: &[u8], lookup: &[u8]) -> Vec<u8> {
        [b"conclave contacts 1 ".as_slice(), what, &self.book, lookup].concat()
    }
}

fn derived(secret: &Secret, purpose: &[u8]) -> Result<Secret, ContactsError> {
    struct Bytes;
    impl KeyType for Bytes {
        fn len(&self) -> usize {
            SECRET_BYTES
        }
    }
    let mut key = Secret::new([0; SECRET_BYTES]);
    let parent = Salt::new(HKDF_SHA256, b"conclave contacts 1").extract(secret.as_slice());
    let expanded = parent.expand(&[purpose], Bytes).and_then(|material| material.fill(key.as_mut_slice()));
    expanded.map_err(|_| ContactsError::Library)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_only_as_it_is_and_where_it_belongs() -> Result<(), ContactsError> {
        let keys = BookKeys::new(&Secret::new([7; 32]), [1; 16])?;
        let sealed = keys.seal(&[9; 32], b"Ann", 64)?;
        assert_eq!(keys.open(&[9; 32], &sealed).as_deref().map(Vec::as_slice), Some(b"Ann".as_slice()));
        assert!(keys.open(&[8; 32], &sealed).is_none(), "another person's place");
        for other in [BookKeys::new(&Secret::new([7; 32]), [2; 16])?, BookKeys::new(&Secret::new([8; 32]), [1; 16])?] {
            assert!(other.open(&[9; 32], &sealed).is_none() && !other.fits(&keys.proof()?));
        }
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert!(keys.open(&[9; 32], &altered).is_none(), "byte {at}");
            assert!(keys.open(&[9; 32], &sealed[..at]).is_none(), "cut at {at}");
        }
        Ok(())
    }

    #[test]
    fn lengths_are_hidden_and_nothing_is_sealed_alike_twice() -> Result<(), ContactsError> {
        let keys = BookKeys::new(&Secret::new([7; 32]), [1; 16])?;
        let (short, long) = (keys.seal(&[9; 32], b"A", 64)?, keys.seal(&[9; 32], &[b'A'; 60], 64)?);
        assert_eq!(short.len(), long.len());
        assert_ne!(short, keys.seal(&[9; 32], b"A", 64)?);
        assert_ne!(keys.lookup(&DevicePublicKey([1; 32])), keys.lookup(&DevicePublicKey([2; 32])));
        Ok(())
    }
}
