//! One signalling stream at work: tells the driver that it is open, carries messages both ways, tells that it is gone. A
//! stream that replaces another waits until that one has said its last word, so that the core hears things in order.

use std::net::SocketAddr;

use conclave_proto::core::SignalInput;
use conclave_proto::ids::PeerId;
use futures::future::{Either, select};
use futures::{AsyncReadExt as _, AsyncWriteExt as _};
use libp2p::Stream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::frames;
use crate::driver::Input;
use crate::limits::STREAM_CLOSE;

/// What goes out on a stream.
#[derive(Debug)]
pub(super) enum Outgoing {
    Message(Vec<u8>),
    /// After what was queued before.
    Close,
}

/// Everything that the task needs.
pub(super) struct StreamTask {
    pub(super) peer: PeerId,
    pub(super) remote: SocketAddr,
    pub(super) stream: Stream,
    /// Ends when the stream is replaced.
    pub(super) outgoing: mpsc::Receiver<Outgoing>,
    pub(super) inputs: mpsc::Sender<Input>,
    /// Resolves when the stream that this one replaces is done.
    pub(super) previous: Option<oneshot::Receiver<()>>,
    /// Dropped when this one is done.
    pub(super) done: oneshot::Sender<()>,
}

enum WriterEnd {
    ClosedByUs,
    Replaced,
    Failed,
}

impl StreamTask {
    /// True: we closed it.
    pub(super) async fn run(self) -> bool {
        let Self { peer, remote, stream, mut outgoing, inputs, previous, done } = self;
        if let Some(previous) = previous {
            // An error is the other task's end, which is what is waited for.
            drop(previous.await);
        }
        let tell = |input| inputs.send(Input::Signal(peer, input));
        if tell(SignalInput::Opened { remote }).await.is_err() {
            return true;
        }
        let (mut reader, mut writer) = stream.split();
        let reading = std::pin::pin!(async {
            while let Ok(Some(message)) = frames::read(&mut reader).await {
                if tell(SignalInput::Message(message)).await.is_err() {
                    return;
                }
            }
        });
        let writing = std::pin::pin!(async {
            loop {
                match outgoing.recv().await {
                    Some(Outgoing::Message(message)) => {
                        if frames::write(&mut writer, &message).await.is_err() {
                            return WriterEnd::Failed;
                        }
                    }
                    Some(Outgoing::Close) => {
                        if let Err(error) = writer.close().await {
                            tracing::trace!(%error, "closing a stream");
                        }
                        return WriterEnd::ClosedByUs;
                    }
                    None => return WriterEnd::Replaced,
                }
            }
        });
        let closed_by_us = match select(reading, writing).await {
            Either::Right((WriterEnd::ClosedByUs, reading)) => {
                // The peer reads to the end and closes too; closing the connection earlier would cut off our last words.
                if timeout(STREAM_CLOSE, reading).await.is_err() {
                    tracing::debug!("a peer did not close its stream");
                }
                true
            }
            Either::Left(_) | Either::Right((WriterEnd::Replaced | WriterEnd::Failed, _)) => false,
        };
        if !closed_by_us && tell(SignalInput::Closed).await.is_err() {
            tracing::trace!("the driver is gone");
        }
        drop(done);
        closed_by_us
    }
}
