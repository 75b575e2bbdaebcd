//! Messages on a libp2p stream: two bytes of length, big-endian, then the message. No message can be longer than 65,535
//! bytes, so a peer cannot make us reserve more than that.

use std::io;

use bytes::Bytes;
use futures::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// The next message; `None` at the end of the stream.
pub(crate) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Bytes>> {
    let mut length = [0; 2];
    if stream.read(&mut length[..1]).await? == 0 {
        return Ok(None);
    }
    stream.read_exact(&mut length[1..]).await?;
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut message).await?;
    Ok(Some(message.into()))
}

/// Writes one message whole.
pub(crate) async fn write(stream: &mut (impl AsyncWrite + Unpin), message: &[u8]) -> io::Result<()> {
    let length = u16::try_from(message.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    // One write, so that a small message is one packet.
    let mut framed = Vec::with_capacity(2 + message.len());
    framed.extend_from_slice(&length.to_be_bytes());
    framed.extend_from_slice(message);
    stream.write_all(&framed).await?;
    stream.flush().await
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use futures::io::Cursor;

    use super::*;

    #[test]
    fn messages_come_out_as_they_went_in() {
        block_on(async {
            let mut stream = Cursor::new(Vec::new());
            for message in [&b"one"[..], &[], &[7; 65_535]] {
                write(&mut stream, message).await.expect("fits");
            }
            assert!(write(&mut stream, &[7; 65_536]).await.is_err());
            stream.set_position(0);
            assert_eq!(read(&mut stream).await.expect("whole").as_deref(), Some(&b"one"[..]));
            assert_eq!(read(&mut stream).await.expect("whole").as_deref(), Some(&b""[..]));
            assert_eq!(read(&mut stream).await.expect("whole").map(|message| message.len()), Some(65_535));
            assert_eq!(read(&mut stream).await.expect("the end"), None);
        });
    }

    #[test]
    fn a_cut_message_is_an_error() {
        block_on(async {
            for cut in [&[0][..], &[0, 4, 1, 2]] {
                assert!(read(&mut Cursor::new(cut)).await.is_err());
            }
        });
    }
}
