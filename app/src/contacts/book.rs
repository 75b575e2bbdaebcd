//! All contacts at one moment, in memory: answers who somebody is without touching the disk. Pure, cheap to share. Made by
//! `Contacts` after every change.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use conclave_proto::ids::DevicePublicKey;

use super::contact::Contact;
use super::names::{Likeness, Look};

/// What the book says about a key and the name that it goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Neither key nor name are known.
    Stranger,
    /// The key is in the book, but words were never compared with it.
    Noted(Arc<Contact>),
    /// The key is verified, and the name is one it went by before.
    Verified(Arc<Contact>),
    /// The key is verified; the name is new, and nobody else's.
    VerifiedWithNewName(Arc<Contact>),
    /// **The loud one**: the name is, or passes for, that of this contact, and the key is not theirs. Also when the key is
    /// that of another contact, verified or not, who never went by this name before.
    KnownNameOtherKey(Arc<Contact>),
}

impl Standing {
    /// Whether to open without asking, where the meeting allows that.
    #[must_use]
    pub fn may_skip_lobby(&self) -> bool {
        match self {
            Self::Verified(contact) | Self::VerifiedWithNewName(contact) => contact.may_skip_lobby(),
            Self::Stranger | Self::Noted(_) | Self::KnownNameOtherKey(_) => false,
        }
    }
}

/// All contacts at one moment.
#[derive(Clone, Debug, Default)]
pub struct Book {
    people: BTreeMap<DevicePublicKey, Person>,
    /// Who goes by a name that looks like this.
    looks: HashMap<Look, BTreeSet<DevicePublicKey>>,
}

#[derive(Clone, Debug)]
struct Person {
    contact: Arc<Contact>,
    likenesses: Vec<Likeness>,
}

impl Book {
    /// Whom this key belongs to.
    #[must_use]
    pub fn known(&self, device: &DevicePublicKey) -> Option<&Arc<Contact>> {
        self.people.get(device).map(|person| &person.contact)
    }

    /// What to think of somebody with this key and name. Asked for everybody in the room ten times a second: costs as much
    /// with one contact as with thousands.
    #[must_use]
    pub fn check(&self, device: &DevicePublicKey, name: &str) -> Standing {
        let own = self.people.get(device);
        let likeness = Likeness::of(name);
        // No name at all claims nobody's.
        let is_own_name = likeness.as_ref().is_none_or(|likeness| own.is_some_and(|own| own.goes_by(likeness)));
        if let Some(likeness) = likeness
            && !is_own_name
            && let Some(other) = self.foremost_owner(&likeness, device)
        {
            return Standing::KnownNameOtherKey(Arc::clone(other));
        }
        match own.map(|own| &own.contact) {
            None => Standing::Stranger,
            Some(contact) if !contact.is_verified() => Standing::Noted(Arc::clone(contact)),
            Some(contact) if is_own_name => Standing::Verified(Arc::clone(contact)),
            Some(contact) => Standing::VerifiedWithNewName(Arc::clone(contact)),
        }
    }

    /// Everybody, by name.
    #[must_use]
    pub fn list(&self) -> Vec<Arc<Contact>> {
        let mut list: Vec<_> = self.people.values().map(|person| Arc::clone(&person.contact)).collect();
        list.sort_by_cached_key(|contact| (contact.name.to_lowercase(), contact.device));
        list
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.people.len()
    }

    /// Whether there is nobody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.people.is_empty()
    }

    /// Everybody else who goes by such a name.
    pub(super) fn owners<'a>(
        &'a self,
        likeness: &Likeness,
        but: &DevicePublicKey,
    ) -> impl Iterator<Item = &'a Arc<Contact>> {
        let alike: BTreeSet<&DevicePublicKey> = likeness
            .looks()
            .filter_map(|look| self.looks.get(&look))
            .flatten()
            .filter(|device| *device != but)
            .collect();
        alike.into_iter().filter_map(|device| self.known(device))
    }

    /// The one to be told of: the verified first, then who was met last.
    fn foremost_owner(&self, likeness: &Likeness, but: &DevicePublicKey) -> Option<&Arc<Contact>> {
        self.owners(likeness, but).max_by_key(|contact| (contact.is_verified(), contact.last_met_unix_s))
    }

    /// Whether this key is here and goes by such a name.
    pub(super) fn goes_by(&self, device: &DevicePublicKey, likeness: &Likeness) -> bool {
        self.people.get(device).is_some_and(|person| person.goes_by(likeness))
    }

    pub(super) fn put(&mut self, contact: Contact) {
        let likenesses: Vec<Likeness> = contact.names().filter_map(Likeness::of).collect();
        if let Some(former) = self.people.remove(&contact.device) {
            for look in former.likenesses.iter().flat_map(Likeness::looks) {
                if let Some(devices) = self.looks.get_mut(&look) {
                    devices.remove(&contact.device);
                }
            }
        }
        for look in likenesses.iter().flat_map(Likeness::looks) {
            self.looks.entry(look).or_default().insert(contact.device);
        }
        self.people.insert(contact.device, Person { contact: Arc::new(contact), likenesses });
    }
}

impl Person {
    fn goes_by(&self, likeness: &Likeness) -> bool {
        self.likenesses.iter().any(|known| known.is_like(likeness))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: DevicePublicKey = DevicePublicKey([1; 32]);
    const BO: DevicePublicKey = DevicePublicKey([2; 32]);
    const CID: DevicePublicKey = DevicePublicKey([3; 32]);
    const MAL: DevicePublicKey = DevicePublicKey([9; 32]);

    /// Ann is verified, and was Anna before; Bo is verified and skips the lobby; Cid is only noted.
    fn book() -> Book {
        let mut book = Book::default();
        let mut ann = Contact::new(ANN, "Anna", 10);
        ann.rename("Ann");
        let mut bo = Contact::new(BO, "Bo", 20);
        bo.skips_lobby = true;
        (ann.verified_unix_s, bo.verified_unix_s) = (Some(10), Some(20));
        [ann, bo, Contact::new(CID, "Cid", 30)].into_iter().for_each(|contact| book.put(contact));
        book
    }

    fn at<'a>(book: &'a Book, device: &DevicePublicKey) -> &'a Arc<Contact> {
        book.known(device).expect("known")
    }

    #[test]
    fn a_verified_key_is_recognised_under_every_name_it_had() {
        let book = book();
        for name in ["Ann", "anna", "ANN"] {
            assert_eq!(book.check(&ANN, name), Standing::Verified(Arc::clone(at(&book, &ANN))));
        }
        assert_eq!(book.check(&ANN, "Annabel"), Standing::VerifiedWithNewName(Arc::clone(at(&book, &ANN))));
        assert_eq!(book.check(&CID, "Cid"), Standing::Noted(Arc::clone(at(&book, &CID))));
        assert_eq!(book.check(&MAL, "Mal"), Standing::Stranger);
    }

    #[test]
    fn a_known_name_with_another_key_is_told_loudly() {
        let book = book();
        for name in ["Ann", "Anna", "\u{410}nn", "A n n", "\u{ff21}nn", "ann\u{200b}"] {
            assert_eq!(book.check(&MAL, name), Standing::KnownNameOtherKey(Arc::clone(at(&book, &ANN))), "{name}");
        }
        assert_eq!(book.check(&MAL, "C1d"), Standing::KnownNameOtherKey(Arc::clone(at(&book, &CID))));
        // A verified person who suddenly goes by another's name, and one who was only noted.
        assert_eq!(book.check(&BO, "Ann"), Standing::KnownNameOtherKey(Arc::clone(at(&book, &ANN))));
        assert_eq!(book.check(&CID, "B0"), Standing::KnownNameOtherKey(Arc::clone(at(&book, &BO))));
    }

    #[test]
    fn two_friends_of_one_name_are_no_alarm() {
        let mut book = book();
        let mut other = Contact::new(MAL, "Ann", 40);
        other.verified_unix_s = Some(40);
        book.put(other);
        assert!(matches!(book.check(&ANN, "Ann"), Standing::Verified(contact) if contact.device == ANN));
        assert!(matches!(book.check(&MAL, "Ann"), Standing::Verified(contact) if contact.device == MAL));
    }

    #[test]
    fn who_gives_no_name_claims_nobodys() {
        let mut book = book();
        let mut nameless = Contact::new(MAL, "", 40);
        nameless.verified_unix_s = Some(40);
        book.put(nameless);
        assert_eq!(book.check(&DevicePublicKey([5; 32]), " "), Standing::Stranger);
        assert_eq!(book.check(&MAL, ""), Standing::Verified(Arc::clone(at(&book, &MAL))));
    }

    #[test]
    fn only_a_verified_key_with_the_permission_skips_the_lobby() {
        let book = book();
        let skips = |device, name| book.check(&device, name).may_skip_lobby();
        assert!(skips(BO, "Bo") && skips(BO, "Bobby"));
        assert!(!skips(ANN, "Ann") && !skips(BO, "Ann") && !skips(MAL, "Bo") && !skips(CID, "Cid"));
    }
}
