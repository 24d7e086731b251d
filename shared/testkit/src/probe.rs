//! A gRPC client for any method of any contract: it sends bytes and reads bytes.

use std::{
    net::SocketAddr,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use anyhow::Result;
use bytes::{Buf as _, BufMut as _, Bytes};
use futures_util::future::BoxFuture;
use http::{Request, Response, uri::PathAndQuery};
use strata_estate::Pki;
use strata_net::{Answer, Callee, Channel, Outgoing};
use strata_telemetry::{Events, UpstreamMetrics};
use strata_tls::Peers;
use tonic::{
    IntoRequest, Status, Streaming,
    body::Body,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
};
use tower::Service;

use crate::credential::Credential;

/// The name every server certificate of dev carries beside its SPIFFE ID.
const NAME: &str = "localhost";

/// Calls of one probe at once.
const CALLS: usize = 1000;

/// For an answer: far above what any takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Calls one server with one credential.
#[derive(Clone)]
pub struct Probe {
    grpc: Grpc<Way>,
}

impl Probe {
    /// A client of the server at `address`. Connects at the first call; within a tokio runtime.
    ///
    /// # Errors
    /// When the credential cannot be used.
    pub fn new(pki: &Pki, address: SocketAddr, credential: &Credential) -> Result<Self> {
        let config = credential.client_config(pki)?;
        let events = Events::new(&opentelemetry::global::meter("probe"));
        let channel = strata_net::channel(Callee {
            name: NAME,
            endpoints: &[address.to_string()],
            config,
            callees: Peers::strangers(),
            calls: CALLS,
            events,
            metrics: UpstreamMetrics::new(&opentelemetry::global::meter("probe"), NAME),
        })?;
        Ok(Self::over(channel))
    }

    /// A client over a channel made elsewhere.
    #[must_use]
    pub fn over(channel: Channel) -> Self {
        Self {
            grpc: Grpc::new(Way(channel)),
        }
    }

    /// Calls `path` (`/package.Service/Method`). An empty `message` is a valid one of every type. The
    /// first message of the answer, or nothing where a stream has none.
    ///
    /// # Errors
    /// The status the server answers, or `Unavailable` when the connection is refused.
    pub async fn call(
        &mut self,
        path: &str,
        message: impl IntoRequest<Bytes>,
    ) -> Result<Bytes, Status> {
        let first = self.stream(path, message).await?.message().await?;
        Ok(first.unwrap_or_default())
    }

    /// Calls `path` and leaves the messages of the answer to be taken.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub async fn stream(
        &mut self,
        path: &str,
        message: impl IntoRequest<Bytes>,
    ) -> Result<Streaming<Bytes>, Status> {
        let path: PathAndQuery = path
            .parse()
            .map_err(|_| Status::invalid_argument("the path is no method's"))?;
        self.grpc.ready().await?;
        let answer = self
            .grpc
            .server_streaming(message.into_request(), path, Raw);
        Ok(answer.await?.into_inner())
    }
}

/// Calls with time enough and nothing else.
#[derive(Clone)]
struct Way(Channel);

impl Service<Request<Body>> for Way {
    type Response = Response<Answer>;
    type Error = Status;
    type Future = BoxFuture<'static, Result<Self::Response, Status>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let outgoing = Outgoing::new(request, Instant::now() + PATIENCE);
        let answer = outgoing.map(|outgoing| self.0.call(outgoing));
        Box::pin(async move {
            let answer = answer?.await;
            answer.map_err(|error| Status::unavailable(error.to_string()))
        })
    }
}

/// Messages as they are on the wire.
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(message);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}
