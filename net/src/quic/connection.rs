//! A QUIC connection as libp2p wants it: a stream muxer, its streams, and the future that waits for the handshake.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::{fmt, io};

use futures::future::BoxFuture;
use futures::{AsyncRead, AsyncWrite, FutureExt as _};
use libp2p::PeerId;
use libp2p::core::StreamMuxer;
use libp2p::core::muxing::StreamMuxerEvent;
use rustls::pki_types::CertificateDer;

use super::QuicError;
use crate::limits::QUIC_HANDSHAKE;

type StreamPair = (quinn::SendStream, quinn::RecvStream);
type OpeningStream = BoxFuture<'static, Result<StreamPair, quinn::ConnectionError>>;

/// Waits for the handshake, with a deadline, and reads who is at the other end.
pub(super) async fn connect(connecting: quinn::Connecting) -> Result<(PeerId, Connection), QuicError> {
    let connection =
        tokio::time::timeout(QUIC_HANDSHAKE, connecting).await.map_err(|_| QuicError::HandshakeTimedOut)??;
    let peer = remote_peer(&connection).ok_or(QuicError::NoIdentity)?;
    Ok((peer, Connection { connection, incoming: None, outgoing: None, closing: None }))
}

fn remote_peer(connection: &quinn::Connection) -> Option<PeerId> {
    let certificates = connection.peer_identity()?.downcast::<Vec<CertificateDer<'static>>>().ok()?;
    Some(libp2p_tls::certificate::parse(certificates.first()?).ok()?.peer_id())
}

/// One connection.
pub(crate) struct Connection {
    connection: quinn::Connection,
    incoming: Option<OpeningStream>,
    outgoing: Option<OpeningStream>,
    closing: Option<BoxFuture<'static, quinn::ConnectionError>>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connection(..)")
    }
}

impl StreamMuxer for Connection {
    type Substream = Stream;
    type Error = QuicError;

    fn poll_inbound(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Stream, QuicError>> {
        let connection = self.connection.clone();
        let incoming = self.incoming.get_or_insert_with(|| async move { connection.accept_bi().await }.boxed());
        let (send, receive) = ready!(incoming.poll_unpin(cx))?;
        self.incoming = None;
        Poll::Ready(Ok(Stream { send, receive, closed: None }))
    }

    fn poll_outbound(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Stream, QuicError>> {
        let connection = self.connection.clone();
        let outgoing = self.outgoing.get_or_insert_with(|| async move { connection.open_bi().await }.boxed());
        let (send, receive) = ready!(outgoing.poll_unpin(cx))?;
        self.outgoing = None;
        Poll::Ready(Ok(Stream { send, receive, closed: None }))
    }

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<StreamMuxerEvent, QuicError>> {
        // Connections do not move to other addresses (`ServerConfig::migration`).
        Poll::Pending
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), QuicError>> {
        let connection = self.connection.clone();
        let closing = self.closing.get_or_insert_with(|| {
            connection.close(0_u32.into(), &[]);
            async move { connection.closed().await }.boxed()
        });
        match ready!(closing.poll_unpin(cx)) {
            quinn::ConnectionError::LocallyClosed => Poll::Ready(Ok(())),
            error => Poll::Ready(Err(error.into())),
        }
    }
}

/// One stream of a connection.
#[derive(Debug)]
pub(crate) struct Stream {
    send: quinn::SendStream,
    receive: quinn::RecvStream,
    /// Closing may be asked for again; the first answer stands.
    closed: Option<Result<(), io::ErrorKind>>,
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        if let Some(Err(_)) = self.closed {
            return Poll::Ready(Ok(0));
        }
        self.receive.poll_read(cx, buffer).map_err(Into::into)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.send).poll_write(cx, bytes).map_err(Into::into)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // quinn sends what it was given without being asked.
        Poll::Ready(Ok(()))
    }

    fn poll_close(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = *self.closed.get_or_insert(Ok(()));
        if outcome.is_ok()
            && let Err(error) = self.send.finish()
        {
            // Finished before, or the peer wants no more: either way nothing follows.
            tracing::trace!(%error, "finishing a stream");
        }
        Poll::Ready(outcome.map_err(Into::into))
    }
}
