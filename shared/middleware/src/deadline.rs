//! Until when a request may take: never longer than its caller waits, never longer than this
//! service allows.

mod body;

use std::{
    convert::Infallible,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use http::{HeaderMap, HeaderName, HeaderValue, Request};
use strata_core::{ErrorCode, TraceContext};
use tokio::time::{Timeout, timeout_at};
use tower::{Layer, Service};

pub use self::body::{BodyDeadlineLayer, KeepBodyDeadline, Timed};
use crate::refuse::{OrRefuse, Refuse};

/// gRPC's timeout metadata (gRPC over HTTP/2, "Requests": `1*8DIGIT` and a unit).
pub(crate) const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// The moment a request's caller stops waiting, as a request extension.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(pub Instant);

/// Sets the deadline and answers for a handler that misses it.
#[derive(Clone, Copy, Debug)]
pub struct DeadlineLayer {
    longest: Duration,
}

impl DeadlineLayer {
    /// Requests end after `longest`, or sooner when the caller said so.
    #[must_use]
    pub const fn new(longest: Duration) -> Self {
        Self { longest }
    }
}

impl<S> Layer<S> for DeadlineLayer {
    type Service = KeepDeadline<S>;

    fn layer(&self, inner: S) -> Self::Service {
        KeepDeadline {
            longest: self.longest,
            inner,
        }
    }
}

/// See [`DeadlineLayer`].
#[derive(Clone, Debug)]
pub struct KeepDeadline<S> {
    longest: Duration,
    inner: S,
}

impl<S, B, R> Service<Request<B>> for KeepDeadline<S>
where
    S: Service<Request<B>, Response = R, Error = Infallible>,
    R: Refuse,
{
    type Response = R;
    type Error = Infallible;
    type Future = OrRefuse<Timeout<S::Future>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let given = read(request.headers()).unwrap_or(self.longest);
        let deadline = Instant::now() + given.min(self.longest);
        request.extensions_mut().insert(Deadline(deadline));
        let trace = request.extensions().get::<TraceContext>().copied();
        let response = timeout_at(deadline.into(), self.inner.call(request));
        OrRefuse::new(response, ErrorCode::DeadlineExceeded, trace)
    }
}

/// Writes what is left until `deadline` for the next hop; nothing left is an error the caller
/// answers at once.
///
/// # Errors
/// `DeadlineExceeded` when no time is left.
pub fn write(deadline: Instant, headers: &mut HeaderMap) -> Result<(), ErrorCode> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(ErrorCode::DeadlineExceeded);
    }
    // Microseconds fit eight digits up to 99 s, which is longer than any request here.
    let micros = left.as_micros().min(99_999_999);
    let mut value = HeaderValue::try_from(format!("{micros}u")).map_err(|_| ErrorCode::Internal)?;
    // Never the same again: in HPACK's table it would push out what is (RFC 7541, section 6.2.3).
    value.set_sensitive(true);
    headers.insert(GRPC_TIMEOUT, value);
    Ok(())
}

fn read(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(GRPC_TIMEOUT)?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let amount: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(amount * 3600)),
        "M" => Some(Duration::from_secs(amount * 60)),
        "S" => Some(Duration::from_secs(amount)),
        "m" => Some(Duration::from_millis(amount)),
        "u" => Some(Duration::from_micros(amount)),
        "n" => Some(Duration::from_nanos(amount)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &'static str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(GRPC_TIMEOUT, HeaderValue::from_static(text));
        read(&headers)
    }

    #[test]
    fn reads_every_unit_and_nothing_else() {
        assert_eq!(parse("5S"), Some(Duration::from_secs(5)));
        assert_eq!(parse("100m"), Some(Duration::from_millis(100)));
        assert_eq!(parse("2H"), Some(Duration::from_secs(7200)));
        for bad in ["", "S", "5", "-5S", "123456789S", "5s", "+5S", " 5S"] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn what_is_left_shrinks_and_never_goes_below_nothing() {
        let mut headers = HeaderMap::new();
        write(Instant::now() + Duration::from_secs(3), &mut headers).unwrap();
        assert!(read(&headers).unwrap() <= Duration::from_secs(3));
        assert_eq!(
            write(Instant::now(), &mut headers),
            Err(ErrorCode::DeadlineExceeded)
        );
    }
}
