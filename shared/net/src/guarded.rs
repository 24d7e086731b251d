//! A stream that its guard can close. hyper has no way to end a connection from outside without
//! losing what is in flight, and no deadline for its first bytes: a peer that connects and stays
//! silent is kept, with keepalive too (<https://github.com/hyperium/hyper/issues/3756>,
//! <https://github.com/hyperium/hyper/issues/3962>).

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::future::BoxFuture;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// Length of the HTTP/2 preface (RFC 9113, section 3.4): from there on hyper's own timers run. No
/// HTTP/1.1 request is shorter.
const OPENING: usize = 24;

/// Fails reading once its guard completes, unless enough was read before, and writing when the peer
/// takes nothing: hyper's keepalive cannot end such a connection, since it waits for room to say so.
pub(crate) struct Guarded<IO> {
    io: IO,
    guard: Option<BoxFuture<'static, io::ErrorKind>>,
    missing: usize,
    patience: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<IO> Guarded<IO> {
    /// Closed when its opening has not arrived in time, or nothing is taken for `patience`.
    pub(crate) fn opening(io: IO, within: Duration, patience: Duration) -> Self {
        let deadline = async move {
            sleep(within).await;
            io::ErrorKind::TimedOut
        };
        Self {
            io,
            guard: Some(Box::pin(deadline)),
            missing: OPENING,
            patience,
            stalled: None,
        }
    }

    /// Closed when `end` completes, or nothing is taken for `patience`.
    pub(crate) fn until(
        io: IO,
        end: impl Future<Output = ()> + Send + 'static,
        patience: Duration,
    ) -> Self {
        let end = async move {
            end.await;
            io::ErrorKind::ConnectionAborted
        };
        Self {
            io,
            guard: Some(Box::pin(end)),
            missing: usize::MAX,
            patience,
            stalled: None,
        }
    }

    /// What came of writing, unless it has come to nothing for too long.
    fn written<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let patience = self.patience;
        let stalled = self
            .stalled
            .get_or_insert_with(|| Box::pin(sleep(patience)));
        stalled
            .as_mut()
            .poll(cx)
            .map(|()| Err(io::ErrorKind::WriteZero.into()))
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Guarded<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.io).poll_read(cx, buffer);
        if let Some(guard) = &mut self.guard {
            if read.is_pending() {
                return guard.as_mut().poll(cx).map(|kind| Err(kind.into()));
            }
            if self.missing != usize::MAX {
                self.missing = self.missing.saturating_sub(buffer.filled().len() - before);
            }
            if self.missing == 0 {
                self.guard = None;
            }
        }
        read
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Guarded<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, bytes);
        self.written(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, slices);
        self.written(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let written = Pin::new(&mut self.io).poll_flush(cx);
        self.written(cx, written)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let written = Pin::new(&mut self.io).poll_shutdown(cx);
        self.written(cx, written)
    }
}
