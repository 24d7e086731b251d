//! An answer that goes out once it may.

use std::{
    convert::Infallible,
    error::Error,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{HeaderMap, HeaderValue, Response};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use strata_audit::OnDisk;
use strata_core::{ErrorCode, TraceContext};
use strata_limits::Refused;

use super::entry::Entry;
use crate::{
    metrics::{ABANDONED, outcome},
    refuse::RefusalBody,
};

type Read<R> = Option<Result<Frame<<R as Body>::Data>, <R as Body>::Error>>;

/// A frame that goes out, or why none does.
type Sent<R> = Result<Frame<<R as Body>::Data>, Box<dyn Error + Send + Sync>>;

pin_project! {
    /// An answer that is being made.
    pub struct Answering<F, R: Body> {
        #[pin]
        response: F,
        state: State<R>,
    }
}

enum State<R: Body> {
    /// The handler is at work.
    Making(Entry),
    /// There is a head. What its first message holds is known once that is encoded, which it is when it is
    /// asked for; the head waits for it.
    Beginning(Entry, Response<R>),
    /// It waits for the disk.
    Waiting(OnDisk, Entry, Response<R>, Option<Read<R>>),
    Done,
}

impl<F, R: Body> Answering<F, R> {
    pub(super) const fn new(response: F, entry: Entry) -> Self {
        let state = State::Making(entry);
        Self { response, state }
    }
}

impl<F, R> Future for Answering<F, R>
where
    F: Future<Output = Result<Response<R>, Infallible>>,
    R: Body + RefusalBody + Unpin,
{
    type Output = Result<Response<Audited<R>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match std::mem::replace(this.state, State::Done) {
                State::Making(mut entry) => {
                    // Left so by a handler that panics.
                    entry.otherwise(ErrorCode::Internal.as_str());
                    let Poll::Ready(response) = this.response.as_mut().poll(cx) else {
                        entry.otherwise(ABANDONED);
                        *this.state = State::Making(entry);
                        return Poll::Pending;
                    };
                    let response = response?;
                    entry.otherwise(ABANDONED);
                    *this.state = State::Beginning(entry, response);
                }
                State::Beginning(mut entry, mut response) => {
                    let code = outcome(&response);
                    let first = if code == "OK" && !response.body().is_end_stream() {
                        let Poll::Ready(first) = Pin::new(response.body_mut()).poll_frame(cx)
                        else {
                            *this.state = State::Beginning(entry, response);
                            return Poll::Pending;
                        };
                        Some(first)
                    } else {
                        None
                    };
                    match entry.record(code) {
                        Some(on_disk) => {
                            *this.state = State::Waiting(on_disk, entry, response, first);
                        }
                        None => return Poll::Ready(Ok(audited(entry, response, first))),
                    }
                }
                State::Waiting(mut on_disk, entry, response, first) => {
                    let Poll::Ready(recorded) = Pin::new(&mut on_disk).poll(cx) else {
                        *this.state = State::Waiting(on_disk, entry, response, first);
                        return Poll::Pending;
                    };
                    return Poll::Ready(Ok(match recorded {
                        Ok(()) => audited(entry, response, first),
                        Err(failed) => {
                            entry.failed(failed.reason());
                            Audited::refusal(ErrorCode::Unavailable, Some(entry.trace()))
                        }
                    }));
                }
                // Nobody polls a future that has answered.
                State::Done => return Poll::Pending,
            }
        }
    }
}

fn audited<R: Body>(
    entry: Entry,
    response: Response<R>,
    first: Option<Read<R>>,
) -> Response<Audited<R>> {
    response.map(|body| Audited {
        body: Some(body),
        entry: Some(entry),
        first,
        waiting: None,
    })
}

/// The rest of an answer. A message of a stream that holds more than was recorded goes out once that is
/// recorded too.
pub struct Audited<R: Body> {
    // None once it is over: what made it stops at once.
    body: Option<R>,
    // None of a refusal.
    entry: Option<Entry>,
    /// What was read ahead.
    first: Option<Read<R>>,
    waiting: Option<OnDisk>,
}

impl<R: Body> Audited<R> {
    const fn of(body: R) -> Self {
        Self {
            body: Some(body),
            entry: None,
            first: None,
            waiting: None,
        }
    }
}

impl<R> Body for Audited<R>
where
    R: Body + RefusalBody + Unpin,
    R::Data: Unpin,
    R::Error: Into<Box<dyn Error + Send + Sync>> + Unpin,
{
    type Data = R::Data;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let this = &mut *self;
        if let Some(waiting) = &mut this.waiting {
            let recorded = ready!(Pin::new(waiting).poll(cx));
            this.waiting = None;
            if let (Err(failed), Some(entry)) = (recorded, &this.entry) {
                entry.failed(failed.reason());
                return Poll::Ready(this.broken_off());
            }
        }
        if let Some(first) = this.first.take() {
            return Poll::Ready(first.map(|frame| frame.map_err(Into::into)));
        }
        let Some(body) = &mut this.body else {
            return Poll::Ready(None);
        };
        let frame = ready!(Pin::new(body).poll_frame(cx));
        match this.entry.as_mut().map(Entry::record_more) {
            Some(Ok(Some(on_disk))) => {
                this.waiting = Some(on_disk);
                this.first = Some(frame);
                self.poll_frame(cx)
            }
            Some(Err(_)) => Poll::Ready(this.broken_off()),
            Some(Ok(None)) | None => Poll::Ready(frame.map(|frame| frame.map_err(Into::into))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.first, &self.body) {
            (None, Some(body)) => body.size_hint(),
            (None, None) => SizeHint::with_exact(0),
            (Some(read), body) => ahead(read, body.as_ref()),
        }
    }
}

/// With what was read ahead.
fn ahead<R: Body>(read: &Read<R>, body: Option<&R>) -> SizeHint {
    use bytes::Buf as _;
    let data = read
        .as_ref()
        .and_then(|frame| frame.as_ref().ok()?.data_ref());
    let ahead = data.map_or(0, |data| data.remaining() as u64);
    let rest = body.map_or_else(SizeHint::default, Body::size_hint);
    let mut all = SizeHint::new();
    all.set_lower(rest.lower().saturating_add(ahead));
    if let Some(upper) = rest.upper() {
        all.set_upper(upper.saturating_add(ahead));
    }
    all
}

impl<R> Audited<R>
where
    R: Body + RefusalBody,
{
    fn broken_off(&mut self) -> Option<Sent<R>> {
        (self.body, self.first) = (None, None);
        let code = ErrorCode::Unavailable;
        Some(match R::trailers(code) {
            Some(trailers) => Ok(Frame::trailers(trailers)),
            None => Err(code.safe_message().into()),
        })
    }
}

impl<R: Body + RefusalBody> RefusalBody for Audited<R> {
    fn refusal(code: ErrorCode, trace: Option<&TraceContext>) -> Response<Self> {
        R::refusal(code, trace).map(Self::of)
    }

    fn challenged(refusal: Response<Self>, challenge: HeaderValue) -> Response<Self> {
        let (parts, audited) = refusal.into_parts();
        let Self {
            body: Some(body),
            entry,
            first,
            waiting,
        } = audited
        else {
            return Response::from_parts(parts, audited);
        };
        R::challenged(Response::from_parts(parts, body), challenge).map(|body| Self {
            body: Some(body),
            entry,
            first,
            waiting,
        })
    }

    fn retry_after(headers: &mut HeaderMap, refused: Refused) {
        R::retry_after(headers, refused);
    }

    fn trailers(code: ErrorCode) -> Option<HeaderMap> {
        R::trailers(code)
    }
}
