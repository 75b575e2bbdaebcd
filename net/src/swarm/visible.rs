//! `/conclave/visible/1`: a visible node answers whoever asks on the local network with two messages, its name and an invite.
//! Both ends of it. Asking costs the asker a connection; answering is rate limited. Used by `swarm` (answers) and the browser
//! (asks).

use std::io;

use conclave_proto::invite::Invite;
use conclave_proto::text::clean_name;
use futures::AsyncWriteExt as _;
use libp2p::{Stream, StreamProtocol};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout};

use super::frames;
use crate::driver::Input;
use crate::limits::{VISIBLE_ANSWER, VISIBLE_BURST, VISIBLE_EVERY};

pub(crate) const PROTOCOL: StreamProtocol = StreamProtocol::new("/conclave/visible/1");

/// How many answers may still be given: a bucket that fills slowly.
#[derive(Debug)]
pub(super) struct Allowance {
    left: u32,
    counted: Instant,
}

impl Allowance {
    pub(super) const fn new(now: Instant) -> Self {
        Self { left: VISIBLE_BURST, counted: now }
    }

    pub(super) fn take(&mut self, now: Instant) -> bool {
        let earned = now.saturating_duration_since(self.counted).as_nanos() / VISIBLE_EVERY.as_nanos();
        if earned > 0 {
            self.left = VISIBLE_BURST.min(self.left.saturating_add(u32::try_from(earned).unwrap_or(u32::MAX)));
            self.counted = now;
        }
        let allowed = self.left > 0;
        self.left = self.left.saturating_sub(1);
        allowed
    }
}

/// Gives one answer. Without an invite (we are no admin) the stream just ends.
pub(super) async fn answer(mut stream: Stream, name: String, inputs: mpsc::Sender<Input>) {
    let (reply, invite) = oneshot::channel();
    if inputs.send(Input::InviteWanted(reply)).await.is_err() {
        return;
    }
    let Ok(Some(invite)) = invite.await else { return };
    let answered = timeout(VISIBLE_ANSWER, async {
        frames::write(&mut stream, name.as_bytes()).await?;
        frames::write(&mut stream, invite.as_bytes()).await?;
        stream.close().await
    });
    if !matches!(answered.await, Ok(Ok(()))) {
        tracing::debug!("somebody who asked went away");
    }
}

/// Reads an answer: the cleaned name, and the invite.
pub(crate) async fn read_answer(stream: &mut Stream) -> io::Result<(String, Invite)> {
    let name = frames::read(stream).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
    let invite = frames::read(stream).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
    let invite = std::str::from_utf8(&invite).map_err(|_| io::ErrorKind::InvalidData)?;
    let invite = invite.parse().map_err(|_| io::ErrorKind::InvalidData)?;
    Ok((clean_name(&String::from_utf8_lossy(&name)), invite))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_answered_then_only_now_and_then() {
        let start = Instant::now();
        let mut allowance = Allowance::new(start);
        assert_eq!((0..100).filter(|_| allowance.take(start)).count(), VISIBLE_BURST as usize);
        assert!(!allowance.take(start + VISIBLE_EVERY / 2));
        assert!(allowance.take(start + VISIBLE_EVERY));
        assert!(!allowance.take(start + VISIBLE_EVERY));
        let much_later = start + VISIBLE_EVERY * 1000;
        assert_eq!((0..100).filter(|_| allowance.take(much_later)).count(), VISIBLE_BURST as usize);
    }
}
