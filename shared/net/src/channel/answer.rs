//! What comes back.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};

use bytes::Bytes;
use h2::RecvStream;
use http_body::{Body, Frame};
use tokio::time::{Sleep, sleep_until};
use tonic::Status;

use super::call::Place;

/// The body of an answer. It counts as a call under way until it has ended or is dropped, and ends
/// at the call's deadline.
pub struct Answer {
    /// None when it was given up.
    stream: Option<RecvStream>,
    has_data: bool,
    /// What came last was not asked about further.
    is_left: bool,
    deadline: Instant,
    over: Option<Pin<Box<Sleep>>>,
    place: Option<Place>,
}

impl Answer {
    pub(super) fn new(stream: RecvStream, deadline: Instant, place: Place) -> Self {
        Self {
            stream: Some(stream),
            has_data: true,
            is_left: false,
            deadline,
            over: None,
            place: Some(place),
        }
    }

    fn poll_stream(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, h2::Error>>> {
        let Some(stream) = &mut self.stream else {
            return Poll::Ready(None);
        };
        if self.has_data {
            match ready!(stream.poll_data(cx)) {
                Some(Ok(data)) => {
                    let released = stream.flow_control().release_capacity(data.len());
                    return Poll::Ready(Some(released.map(|()| Frame::data(data))));
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => self.has_data = false,
            }
        }
        let trailers = ready!(stream.poll_trailers(cx));
        Poll::Ready(trailers.transpose().map(|it| it.map(Frame::trailers)))
    }

    /// Only what has to be waited for needs a timer.
    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let deadline = self.deadline;
        let over = self
            .over
            .get_or_insert_with(|| Box::pin(sleep_until(deadline.into())));
        over.as_mut().poll(cx)
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        let frame = this.poll_stream(cx);
        this.is_left = frame.is_ready();
        let Poll::Ready(frame) = frame else {
            ready!(this.poll_deadline(cx));
            this.place = None;
            return Poll::Ready(Some(Err(Status::deadline_exceeded(""))));
        };
        match &frame {
            Some(Ok(frame)) if frame.is_data() => {}
            Some(Err(error)) => {
                if let Some(mut place) = this.place.take() {
                    place.broken(error);
                }
                return Poll::Ready(Some(Err(Status::unavailable(""))));
            }
            // Trailers are the last frame.
            _ => this.place = None,
        }
        Poll::Ready(frame.map(|frame| frame.map_err(|_| Status::unavailable(""))))
    }

    fn is_end_stream(&self) -> bool {
        self.stream.as_ref().is_none_or(RecvStream::is_end_stream)
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        // Whoever waits for more was told to stop; who had something and asks no further could not
        // use it. A reader of a stream may do so, of a single message only what cannot be read.
        let (Some(stream), Some(place)) = (self.stream.take(), self.place.take()) else {
            return;
        };
        if self.is_left {
            place.unusable();
        }
        if !stream.is_end_stream() {
            place.give_up(discard(stream));
        }
    }
}

/// Reads an answer that nobody wants to its end.
pub(super) async fn discard(mut stream: RecvStream) {
    while let Some(Ok(data)) = stream.data().await {
        if stream.flow_control().release_capacity(data.len()).is_err() {
            return;
        }
    }
}
