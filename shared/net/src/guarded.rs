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

use futures_util::{FutureExt as _, future::BoxFuture};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

use crate::frames::Frames;

/// Length of the HTTP/2 preface (RFC 9113, section 3.4): from there on hyper's own timers run. No
/// HTTP/1.1 request is shorter.
const OPENING: usize = 24;

/// Fails reading once its guard completes, unless enough was read before, or when the peer sends more
/// than it may; and writing when the peer takes nothing: hyper's keepalive cannot end such a
/// connection, since it waits for room to say so.
pub(crate) struct Guarded<IO> {
    io: IO,
    guard: Option<BoxFuture<'static, io::ErrorKind>>,
    /// Bytes that end the guard; none when nothing does.
    missing: Option<usize>,
    frames: Option<Frames>,
    patience: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<IO> Guarded<IO> {
    /// Closed when its opening has not arrived in time, nothing is taken for `patience`, or, of
    /// HTTP/2, too many frames do nothing or take back what was asked for.
    pub(crate) fn opening(
        io: IO,
        resets: Option<u32>,
        within: Duration,
        patience: Duration,
    ) -> Self {
        let guard = sleep(within).map(|()| io::ErrorKind::TimedOut);
        Self {
            missing: Some(OPENING),
            frames: resets.map(|resets| Frames::after(OPENING, resets)),
            ..Self::new(io, guard, patience)
        }
    }

    /// Closed when `end` completes, or nothing is taken for `patience`.
    pub(crate) fn until(
        io: IO,
        end: impl Future<Output = ()> + Send + 'static,
        patience: Duration,
    ) -> Self {
        let guard = end.map(|()| io::ErrorKind::ConnectionAborted);
        Self::new(io, guard, patience)
    }

    fn new(
        io: IO,
        guard: impl Future<Output = io::ErrorKind> + Send + 'static,
        patience: Duration,
    ) -> Self {
        Self {
            io,
            guard: Some(Box::pin(guard)),
            missing: None,
            frames: None,
            patience,
            stalled: None,
        }
    }

    /// What came of reading: the guard is asked while nothing comes, and let go after the opening.
    fn read(&mut self, cx: &mut Context<'_>, new: Option<&[u8]>) -> Poll<io::Result<()>> {
        let Some(new) = new else {
            let guard = self.guard.as_mut();
            return guard.map_or(Poll::Pending, |guard| {
                guard.as_mut().poll(cx).map(|kind| Err(kind.into()))
            });
        };
        if let Some(missing) = &mut self.missing {
            *missing = missing.saturating_sub(new.len());
            if *missing == 0 {
                self.guard = None;
            }
        }
        let counted = self.frames.as_mut().is_none_or(|frames| frames.read(new));
        let flooded = || Err(io::ErrorKind::QuotaExceeded.into());
        Poll::Ready(if counted { Ok(()) } else { flooded() })
    }

    fn count(&mut self, written: &Poll<io::Result<usize>>) {
        if let (Some(frames), Poll::Ready(Ok(bytes))) = (&mut self.frames, written) {
            frames.wrote(*bytes);
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
        let new = match Pin::new(&mut self.io).poll_read(cx, buffer) {
            Poll::Ready(Ok(())) => buffer.filled().get(before..),
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Pending => None,
        };
        self.read(cx, new)
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Guarded<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, bytes);
        self.count(&written);
        self.written(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, slices);
        self.count(&written);
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
