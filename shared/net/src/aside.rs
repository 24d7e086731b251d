//! What is waited for beside something busy.

use futures_util::stream::{FuturesUnordered, StreamExt as _};

/// The same future, polled when something woke it and not each time the task runs: beside a connection,
/// whose task runs several times a request, what waits for its end would be asked as often, and each timer
/// and channel in it has a lock of its own.
pub(crate) async fn aside<T>(waiting: impl Future<Output = T>) -> T {
    let mut waiting: FuturesUnordered<_> = std::iter::once(waiting).collect();
    match waiting.next().await {
        Some(ended) => ended,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::poll_fn,
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use tokio::sync::oneshot;

    use super::*;

    #[test]
    fn it_is_polled_when_it_was_woken_and_no_other_time() {
        let (sender, mut receiver) = oneshot::channel();
        let mut polled = 0;
        let waiting = poll_fn(|cx| {
            polled += 1;
            std::pin::Pin::new(&mut receiver).poll(cx)
        });
        {
            let mut waiting = pin!(aside(waiting));
            let mut cx = Context::from_waker(Waker::noop());
            for _ in 0..10 {
                assert_eq!(waiting.as_mut().poll(&mut cx), Poll::Pending);
            }
            sender.send(7).unwrap();
            assert_eq!(waiting.as_mut().poll(&mut cx), Poll::Ready(Ok(7)));
        }
        assert_eq!(polled, 2);
    }
}
