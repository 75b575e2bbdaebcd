//! QUIC's share of what a socket receives: a bounded queue from the thread that reads the socket to quinn's endpoint. When it
//! is full the newest is dropped, as a full network buffer would do; QUIC sends again.

use std::collections::VecDeque;
use std::io::{self, IoSliceMut};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures::task::AtomicWaker;
use quinn::udp::RecvMeta;

use crate::limits::QUIC_INBOX;

/// One datagram on its way to quinn.
#[derive(Debug)]
pub(crate) struct QuicDatagram {
    pub(crate) meta: RecvMeta,
    pub(crate) bytes: Vec<u8>,
}

/// Filled by the reader of the socket, emptied by quinn.
#[derive(Debug, Default)]
pub(crate) struct QuicInbox {
    /// Held for one push or for one batch of copies, never across a wait.
    queue: Mutex<VecDeque<QuicDatagram>>,
    reader: AtomicWaker,
}

impl QuicInbox {
    /// False: full, and the datagram was dropped.
    pub(super) fn push(&self, datagram: QuicDatagram) -> bool {
        let mut queue = self.lock();
        let fits = queue.len() < QUIC_INBOX;
        if fits {
            queue.push_back(datagram);
        }
        drop(queue);
        self.reader.wake();
        fits
    }

    /// As `AsyncUdpSocket::poll_recv`: one datagram per buffer.
    pub(crate) fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        metas: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        self.reader.register(cx.waker());
        let mut queue = self.lock();
        let mut filled = 0;
        for (buffer, meta) in buffers.iter_mut().zip(metas) {
            let Some(datagram) = queue.pop_front() else { break };
            // One that does not fit was not for us: quinn's buffers hold all that it announced.
            let length = datagram.bytes.len().min(buffer.len());
            buffer[..length].copy_from_slice(&datagram.bytes[..length]);
            *meta = RecvMeta { len: length, stride: length, ..datagram.meta };
            filled += 1;
        }
        if filled == 0 { Poll::Pending } else { Poll::Ready(Ok(filled)) }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<QuicDatagram>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
