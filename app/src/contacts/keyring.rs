//! The system's keyring, asked on a thread of its own with a deadline, because it speaks over D-Bus to a program that may
//! hang or wait for a person. It says what is the matter; what follows from that is decided by `key`.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use zeroize::Zeroizing;

use super::limits;

/// Under which name the program keeps things there.
const SERVICE: &str = "conclave";

/// A place that keeps small secrets for this user. The system's, or one that stands in for it.
pub trait Keyring: Send + Sync {
    /// What lies under `entry`; `None` if the keyring works and has nothing there.
    ///
    /// # Errors
    /// The keyring does not work now.
    fn read(&self, entry: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringTrouble>;

    /// Keeps `secret` under `entry`.
    ///
    /// # Errors
    /// The keyring does not work now.
    fn write(&self, entry: &str, secret: &[u8]) -> Result<(), KeyringTrouble>;

    /// Forgets what lies under `entry`, if anything does.
    ///
    /// # Errors
    /// The keyring does not work now.
    fn remove(&self, entry: &str) -> Result<(), KeyringTrouble>;
}

/// What is the matter with the keyring, as the middle of a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyringTrouble {
    /// There is none, or not in this session.
    #[error("there is no keyring here")]
    Absent,
    /// It is locked, or the person would not open it.
    #[error("it is locked")]
    Locked,
    /// It did not answer in time.
    #[error("it does not answer")]
    Silent,
    /// It answered with an error of its own.
    #[error("it fails ({0})")]
    Failed(String),
}

/// A keyring and how long it may take. Once it did not answer it is not asked again before that answer came, so at most one
/// thread is ever left behind with it.
#[derive(Clone)]
pub struct KeyringAccess {
    keyring: Arc<dyn Keyring>,
    deadline: Duration,
    waits: Arc<AtomicBool>,
}

impl fmt::Debug for KeyringAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyringAccess").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

impl KeyringAccess {
    /// The keyring of this system: the Secret Service on Linux, the keychain on macOS.
    #[must_use]
    pub fn system() -> Self {
        Self::new(Arc::new(SystemKeyring), limits::KEYRING_DEADLINE)
    }

    /// No keyring: the key lies in a file. For a kiosk, and for tests, which must not write into their developer's.
    #[must_use]
    pub fn none() -> Self {
        Self::new(Arc::new(NoKeyring), limits::KEYRING_DEADLINE)
    }

    /// Another keyring.
    #[must_use]
    pub fn new(keyring: Arc<dyn Keyring>, deadline: Duration) -> Self {
        Self { keyring, deadline, waits: Arc::default() }
    }

    pub(super) fn read(&self, entry: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringTrouble> {
        let entry = entry.to_owned();
        self.ask(move |keyring| keyring.read(&entry))
    }

    pub(super) fn write(&self, entry: &str, secret: &[u8]) -> Result<(), KeyringTrouble> {
        let (entry, secret) = (entry.to_owned(), Zeroizing::new(secret.to_vec()));
        self.ask(move |keyring| keyring.write(&entry, &secret))
    }

    pub(super) fn remove(&self, entry: &str) -> Result<(), KeyringTrouble> {
        let entry = entry.to_owned();
        self.ask(move |keyring| keyring.remove(&entry))
    }

    fn ask<T, F>(&self, question: F) -> Result<T, KeyringTrouble>
    where
        T: Send + 'static,
        F: FnOnce(&dyn Keyring) -> Result<T, KeyringTrouble> + Send + 'static,
    {
        if self.waits.swap(true, Ordering::AcqRel) {
            return Err(KeyringTrouble::Silent);
        }
        let (answer, answers) = sync_channel(1);
        let (keyring, waits) = (Arc::clone(&self.keyring), Arc::clone(&self.waits));
        let asked = std::thread::Builder::new().name("conclave-keyring".into()).spawn(move || {
            let result = question(&*keyring);
            waits.store(false, Ordering::Release);
            if answer.send(result).is_err() {
                tracing::debug!("the keyring answered after its deadline");
            }
        });
        if let Err(error) = asked {
            self.waits.store(false, Ordering::Release);
            return Err(KeyringTrouble::Failed(error.to_string()));
        }
        match answers.recv_timeout(self.deadline) {
            Ok(result) => result,
            Err(RecvTimeoutError::Timeout) => Err(KeyringTrouble::Silent),
            // The question panicked in somebody else's code.
            Err(RecvTimeoutError::Disconnected) => {
                self.waits.store(false, Ordering::Release);
                Err(KeyringTrouble::Failed("it broke off".into()))
            }
        }
    }
}

struct SystemKeyring;

impl SystemKeyring {
    fn entry(entry: &str) -> Result<keyring::Entry, KeyringTrouble> {
        keyring::Entry::new(SERVICE, entry).map_err(|error| trouble(&error))
    }
}

impl Keyring for SystemKeyring {
    fn read(&self, entry: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringTrouble> {
        match Self::entry(entry)?.get_secret() {
            Ok(secret) => Ok(Some(Zeroizing::new(secret))),
            Err(keyring::Error::NoEntry) => Ok(None),
            Err(error) => Err(trouble(&error)),
        }
    }

    fn write(&self, entry: &str, secret: &[u8]) -> Result<(), KeyringTrouble> {
        Self::entry(entry)?.set_secret(secret).map_err(|error| trouble(&error))
    }

    fn remove(&self, entry: &str) -> Result<(), KeyringTrouble> {
        match Self::entry(entry)?.delete_credential() {
            Ok(()) | Err(keyring::Error::NoEntry) => Ok(()),
            Err(error) => Err(trouble(&error)),
        }
    }
}

/// The text of some errors would hold the secret; those are not passed on.
fn trouble(error: &keyring::Error) -> KeyringTrouble {
    match error {
        keyring::Error::NoDefaultStore => KeyringTrouble::Absent,
        keyring::Error::NoStorageAccess(_) => KeyringTrouble::Locked,
        keyring::Error::PlatformFailure(cause) => KeyringTrouble::Failed(cause.to_string()),
        _ => KeyringTrouble::Failed("its entry is not ours".into()),
    }
}

struct NoKeyring;

impl Keyring for NoKeyring {
    fn read(&self, _: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringTrouble> {
        Err(KeyringTrouble::Absent)
    }

    fn write(&self, _: &str, _: &[u8]) -> Result<(), KeyringTrouble> {
        Err(KeyringTrouble::Absent)
    }

    fn remove(&self, _: &str) -> Result<(), KeyringTrouble> {
        Err(KeyringTrouble::Absent)
    }
}
