//! One call: to an endpoint, or waiting for one.

use std::{
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use h2::{Reason, SendStream, client::ResponseFuture};
use http::{Method, Request, Response, Version};
use http_body_util::BodyExt as _;
use tokio::time::timeout_at;
use tonic::body::Body;

use super::{
    answer::{self, Answer},
    line::Line,
    outgoing::{Outgoing, Payload},
    pool::Pool,
};

/// How long a call waits for a connection while connecting fails: for the try that it caused.
const PATIENCE: Duration = Duration::from_millis(250);

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// It is proven that nobody acted on it: it was never sent, its stream was refused (RFC 9113,
    /// section 8.7), or it came after the last one a connection takes (section 6.8).
    #[error("{address} did not take the call: {source}")]
    Unprocessed {
        /// Where.
        address: SocketAddr,
        /// What HTTP/2 says.
        source: h2::Error,
    },
    /// It broke off before an answer: the callee may have acted on it.
    #[error("{address} did not answer the call: {source}")]
    Lost {
        /// Where.
        address: SocketAddr,
        /// What HTTP/2 says.
        source: h2::Error,
    },
    /// No endpoint can be reached.
    #[error("no endpoint can be reached")]
    Unreachable,
    /// As many calls as there may be are under way.
    #[error("too many calls are under way")]
    Overloaded,
}

impl CallError {
    /// What h2 said about a call sent to `address`.
    #[must_use]
    pub fn of(address: SocketAddr, source: h2::Error) -> Self {
        let is_unprocessed = source.is_remote()
            && match source.reason() {
                Some(Reason::NO_ERROR) => source.is_go_away(),
                Some(Reason::REFUSED_STREAM) => source.is_reset(),
                _ => false,
            };
        if is_unprocessed {
            Self::Unprocessed { address, source }
        } else {
            Self::Lost { address, source }
        }
    }

    /// The endpoint the call failed at.
    #[must_use]
    pub const fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Unprocessed { address, .. } | Self::Lost { address, .. } => Some(*address),
            Self::Unreachable | Self::Overloaded => None,
        }
    }
}

/// A call under way until dropped: counted, and held against its endpoint when nothing comes of it.
pub(super) struct Place {
    line: Arc<Line>,
    entry: Entry,
    /// Until when an answer's head is waited for; none when it has come.
    waiting: Option<Instant>,
}

/// One of the calls an upstream may have under way.
pub(super) struct Entry(Arc<Pool>);

impl Entry {
    pub(super) fn of(pool: &Arc<Pool>) -> Option<Self> {
        pool.enter().then(|| Self(Arc::clone(pool)))
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.0.leave();
    }
}

impl Place {
    fn answered(&mut self) {
        self.waiting = None;
        self.entry.0.answered(&self.line);
    }

    /// What became of the call, if nobody has said so yet.
    fn settle(&mut self) {
        match self.waiting.take() {
            // Whoever dropped the call: past its deadline it was dropped for want of an answer.
            Some(deadline) if Instant::now() >= deadline => self.entry.0.missed(&self.line),
            Some(_) => self.line.endpoint.health.untried(),
            None => {}
        }
    }

    /// The answer broke off.
    pub(super) fn broken(&mut self, error: &h2::Error) {
        self.waiting = None;
        self.entry.0.broken(&self.line, error);
    }

    /// Lets go of what was asked for: it counts as under way for as long as the callee is at it.
    pub(super) fn give_up(mut self, rest: impl Future<Output = ()> + Send + 'static) {
        self.settle();
        let line = Arc::clone(&self.line);
        line.give_up(async move {
            rest.await;
            drop(self);
        });
    }

    /// The answer was given up although there was more of it.
    pub(super) fn unusable(&self) {
        self.entry.0.unusable();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.line.endpoint.leave();
        self.settle();
    }
}

/// The future of a call.
pub struct Calling(State);

enum State {
    Sent {
        response: ResponseFuture,
        place: Option<Place>,
        deadline: Instant,
    },
    Waiting(BoxFuture<'static, Result<Calling, CallError>>),
    Failed(Option<CallError>),
}

impl Calling {
    pub(super) fn begin(pool: &Arc<Pool>, outgoing: Outgoing) -> Self {
        let Some(entry) = Entry::of(pool) else {
            return Self(State::Failed(Some(CallError::Overloaded)));
        };
        match pool.pick(outgoing.avoid) {
            Some(line) => Self::send(entry, line, outgoing),
            None => Self(State::Waiting(Box::pin(Self::wait(entry, outgoing)))),
        }
    }

    /// For a connection, no longer than the call has time.
    async fn wait(entry: Entry, outgoing: Outgoing) -> Result<Self, CallError> {
        let until = outgoing.deadline.into();
        let pool = Arc::clone(&entry.0);
        let line = timeout_at(until, pool.wait(PATIENCE)).await;
        let line = line.ok().flatten().ok_or(CallError::Unreachable)?;
        Ok(Self::send(entry, line, outgoing))
    }

    fn send(entry: Entry, line: Arc<Line>, outgoing: Outgoing) -> Self {
        let deadline = outgoing.deadline;
        let mut request = Request::new(());
        *request.method_mut() = Method::POST;
        *request.version_mut() = Version::HTTP_2;
        *request.headers_mut() = outgoing.headers;
        *request.uri_mut() = entry.0.uri(outgoing.path).unwrap_or_default();
        let (first, rest) = match outgoing.body {
            Payload::Whole(whole) => (whole, None),
            Payload::Streamed(first, rest) => (first, Some(rest)),
        };
        let ends = first.is_empty() && rest.is_none();
        // Beyond the streams the callee allows, h2 keeps it until one is free.
        match line.sender.clone().send_request(request, ends) {
            Ok((response, stream)) => {
                if !ends {
                    send_body(stream, first, rest);
                }
                line.endpoint.enter();
                let place = Some(Place {
                    line,
                    entry,
                    waiting: Some(deadline),
                });
                Self(State::Sent {
                    response,
                    place,
                    deadline,
                })
            }
            Err(source) => {
                let address = line.endpoint.address;
                line.endpoint.health.untried();
                entry.0.gone(&line);
                let error = CallError::Unprocessed { address, source };
                Self(State::Failed(Some(error)))
            }
        }
    }
}

/// What fails here fails the response too, which is where it is told.
fn send_body(mut stream: SendStream<Bytes>, first: Bytes, rest: Option<Body>) {
    let Some(rest) = rest else {
        let _ = stream.send_data(first, true);
        return;
    };
    tokio::spawn(async move {
        if send_rest(&mut stream, first, rest).await.is_none() {
            stream.send_reset(Reason::CANCEL);
        }
    });
}

/// As fast as the callee takes it.
async fn send_rest(stream: &mut SendStream<Bytes>, first: Bytes, mut rest: Body) -> Option<()> {
    send_data(stream, first).await?;
    while let Some(frame) = rest.frame().await {
        if let Ok(data) = frame.ok()?.into_data() {
            send_data(stream, data).await?;
        }
    }
    stream.send_data(Bytes::new(), true).ok()
}

async fn send_data(stream: &mut SendStream<Bytes>, mut data: Bytes) -> Option<()> {
    while !data.is_empty() {
        stream.reserve_capacity(data.len());
        let capacity = std::future::poll_fn(|cx| stream.poll_capacity(cx)).await?;
        let now = data.split_to(capacity.ok()?.min(data.len()));
        stream.send_data(now, false).ok()?;
    }
    Some(())
}

impl Drop for Calling {
    fn drop(&mut self) {
        let sent = std::mem::replace(&mut self.0, State::Failed(None));
        if let State::Sent {
            response,
            place: Some(place),
            ..
        } = sent
        {
            place.give_up(async move {
                if let Ok(answer) = response.await {
                    answer::discard(answer.into_body()).await;
                }
            });
        }
    }
}

impl Future for Calling {
    type Output = Result<Response<Answer>, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let next = match &mut self.0 {
                State::Sent {
                    response,
                    place,
                    deadline,
                } => {
                    let answer = std::task::ready!(Pin::new(response).poll(cx));
                    let Some(mut place) = place.take() else {
                        return Poll::Pending;
                    };
                    return Poll::Ready(match answer {
                        Ok(answer) => {
                            place.answered();
                            Ok(answer.map(|stream| Answer::new(stream, *deadline, place)))
                        }
                        Err(error) => {
                            let error = CallError::of(place.line.endpoint.address, error);
                            if let CallError::Lost { source, .. } = &error {
                                place.broken(source);
                            }
                            Err(error)
                        }
                    });
                }
                State::Waiting(waiting) => std::task::ready!(waiting.as_mut().poll(cx)),
                State::Failed(error) => {
                    return error
                        .take()
                        .map_or(Poll::Pending, |it| Poll::Ready(Err(it)));
                }
            };
            match next {
                Ok(calling) => *self = calling,
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}
