//! What is sent.

use std::{net::SocketAddr, time::Instant};

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt as _;
use http::{HeaderMap, Request, uri::PathAndQuery};
use http_body_util::BodyExt as _;
use tonic::{Status, body::Body};

/// A request longer than this is not kept, and so never sent a second time.
const KEPT_BYTES: usize = 64 * 1024;

/// A gRPC request on its way out.
#[derive(Debug)]
pub struct Outgoing {
    /// The method's path.
    pub path: PathAndQuery,
    /// Its metadata.
    pub headers: HeaderMap,
    /// Its messages.
    pub body: Payload,
    /// When nobody waits for the answer any more.
    pub deadline: Instant,
    /// Where it failed before: any other endpoint is better.
    pub avoid: Option<SocketAddr>,
}

/// The messages of a request.
#[derive(Debug)]
pub enum Payload {
    /// All there is: it can be sent again.
    Whole(Bytes),
    /// What was read of it, and what is to come.
    Streamed(Bytes, Body),
}

impl Outgoing {
    /// A request with a deadline, with as much of its body as there is.
    ///
    /// # Errors
    /// When its body cannot be made, such as a message that is too long.
    pub fn new(request: Request<Body>, deadline: Instant) -> Result<Self, Status> {
        let (head, body) = request.into_parts();
        let path = head.uri.path_and_query().cloned();
        Ok(Self {
            path: path.unwrap_or_else(|| PathAndQuery::from_static("/")),
            headers: head.headers,
            body: Payload::read(body)?,
            deadline,
            avoid: None,
        })
    }

    /// The same once more; none when there is no way back to its beginning.
    #[must_use]
    pub fn again(&self) -> Option<Self> {
        let Payload::Whole(body) = &self.body else {
            return None;
        };
        Some(Self {
            path: self.path.clone(),
            headers: self.headers.clone(),
            body: Payload::Whole(body.clone()),
            deadline: self.deadline,
            avoid: self.avoid,
        })
    }
}

impl Payload {
    /// A unary request is encoded at once, so it is whole here without waiting and without a copy.
    fn read(mut body: Body) -> Result<Self, Status> {
        let mut read = Bytes::new();
        while let Some(frame) = body.frame().now_or_never() {
            let Some(frame) = frame.transpose()? else {
                return Ok(Self::Whole(read));
            };
            // Requests have no trailers (gRPC over HTTP/2, "Requests").
            let data = frame.into_data().unwrap_or_default();
            read = if read.is_empty() {
                data
            } else {
                let mut joined = BytesMut::from(read);
                joined.extend_from_slice(&data);
                joined.freeze()
            };
            if read.len() > KEPT_BYTES {
                break;
            }
        }
        Ok(Self::Streamed(read, body))
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::{StreamExt as _, stream};
    use http_body::Frame;
    use http_body_util::StreamBody;

    use super::*;

    fn body(parts: &[&'static [u8]]) -> Body {
        let frames = parts.iter().map(|part| Bytes::from_static(part));
        let frames: Vec<_> = frames
            .map(|it| Ok::<_, Infallible>(Frame::data(it)))
            .collect();
        Body::new(StreamBody::new(stream::iter(frames)))
    }

    #[test]
    fn what_is_there_is_whole() {
        for parts in [&[][..], &[&b"one"[..]], &[b"one ", b"two"]] {
            let whole = Payload::read(body(parts)).unwrap();
            assert!(matches!(&whole, Payload::Whole(read) if **read == parts.concat()));
        }
    }

    #[test]
    fn what_is_long_or_still_to_come_is_not_kept() {
        let long = Payload::read(body(&[&[0; KEPT_BYTES + 1], b"more"])).unwrap();
        assert!(matches!(&long, Payload::Streamed(read, _) if read.len() == KEPT_BYTES + 1));
        let endless = stream::iter([Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"one")))])
            .chain(stream::pending());
        let endless = Payload::read(Body::new(StreamBody::new(endless))).unwrap();
        assert!(matches!(&endless, Payload::Streamed(read, _) if **read == *b"one"));
    }
}
