//! The keys of a session across rekeys. The side that answers a rekey knows that the other holds the new keys, so it sends with
//! them at once; the side that began it goes on with the old ones until a datagram under the new ones arrives. Both still open
//! old datagrams for a while, so a rekey loses nothing.

use crate::limits::{OLD_KEY_LIVES, REKEY_AFTER, REKEY_DEADLINE};
use crate::noise::{Initiator, Responder};
use crate::time::Instant;

use super::seal::Keys;

/// A rekey that is not through.
pub(crate) enum Attempt {
    /// Waits for message 2.
    Began(Box<Initiator>),
    /// Waits for message 3.
    Answered(Box<Responder>),
}

/// Current keys, those before and those to come.
pub(crate) struct KeyRing {
    current: Keys,
    /// Ours alone so far, as far as we know. Should the other end have given the attempt up, the next one replaces them.
    unconfirmed: Option<Keys>,
    former: Option<(Keys, Instant)>,
    attempt: Option<(Attempt, u32, Instant)>,
    pub(crate) rekeys: u32,
}

impl KeyRing {
    pub(crate) const fn new(keys: Keys) -> Self {
        Self { current: keys, unconfirmed: None, former: None, attempt: None, rekeys: 0 }
    }

    pub(crate) const fn current(&self) -> &Keys {
        &self.current
    }

    /// Opens a datagram with whichever keys it names; a first one under new keys puts them into use.
    pub(crate) fn open<'a>(
        &mut self,
        now: Instant,
        index: u32,
        counter: u64,
        datagram: &[u8],
        buffer: &'a mut [u8],
    ) -> Option<&'a [u8]> {
        if self.current.our_index == index {
            return self.current.open(counter, datagram, buffer);
        }
        if let Some(keys) = self.unconfirmed.take_if(|keys| keys.our_index == index) {
            let opened = keys.open(counter, datagram, buffer);
            if opened.is_some() {
                self.put_into_use(now, keys);
            } else {
                self.unconfirmed = Some(keys);
            }
            return opened;
        }
        let (keys, _) = self.former.as_ref().filter(|(keys, _)| keys.our_index == index)?;
        keys.open(counter, datagram, buffer)
    }

    /// The peer holds these keys for sure.
    pub(crate) fn put_into_use(&mut self, now: Instant, keys: Keys) {
        let former = std::mem::replace(&mut self.current, keys);
        self.former = Some((former, now + OLD_KEY_LIVES));
        self.current.since = now;
        self.rekeys += 1;
    }

    /// The peer will hold these keys once our last handshake message is there.
    pub(crate) fn await_confirmation(&mut self, keys: Keys) {
        self.unconfirmed = Some(keys);
    }

    pub(crate) fn begin(&mut self, now: Instant, number: u32, attempt: Attempt) {
        self.attempt = Some((attempt, number, now + REKEY_DEADLINE));
    }

    /// `None`: given up meanwhile, or it was another one.
    pub(crate) fn take_attempt(&mut self, number: u32) -> Option<Attempt> {
        self.attempt.take_if(|(_, known, _)| *known == number).map(|(attempt, ..)| attempt)
    }

    /// Whether new keys should be made now.
    pub(crate) fn is_old(&self, now: Instant) -> bool {
        let pending = self.unconfirmed.as_ref().is_some_and(|keys| now.since(keys.since) < REKEY_AFTER / 2);
        self.attempt.is_none() && !pending && now >= self.current.since + REKEY_AFTER
    }

    /// Drops what has had its time.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.former.take_if(|(_, until)| *until <= now);
        self.attempt.take_if(|(.., until)| *until <= now);
    }

    pub(crate) fn rekey_wake(&self) -> Instant {
        let due = self.current.since + REKEY_AFTER;
        let due = self.unconfirmed.as_ref().map_or(due, |keys| due.max(keys.since + REKEY_AFTER / 2));
        self.attempt.as_ref().map_or(due, |(.., until)| *until)
    }

    pub(crate) fn drop_wake(&self) -> Option<Instant> {
        self.former.as_ref().map(|(_, until)| *until)
    }

    /// The indices under which datagrams may come.
    pub(crate) fn indices(&self) -> impl Iterator<Item = u32> {
        [Some(&self.current), self.unconfirmed.as_ref(), self.former.as_ref().map(|(keys, _)| keys)]
            .into_iter()
            .flatten()
            .map(|keys| keys.our_index)
    }
}
