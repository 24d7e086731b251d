//! A gRPC client for any method of any contract: it sends bytes and reads bytes.

use std::net::SocketAddr;

use anyhow::Result;
use bytes::{Buf as _, BufMut as _, Bytes};
use http::uri::PathAndQuery;
use strata_estate::Pki;
use strata_net::Channel;
use strata_telemetry::Events;
use strata_tls::Peers;
use tonic::{
    IntoRequest, Status, Streaming,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
};

use crate::credential::Credential;

/// The name every server certificate of dev carries beside its SPIFFE ID.
const NAME: &str = "localhost";

/// Calls one server with one credential.
#[derive(Clone)]
pub struct Probe {
    grpc: Grpc<Channel>,
}

impl Probe {
    /// A client of the server at `address`. Connects at the first call; within a tokio runtime.
    ///
    /// # Errors
    /// When the credential cannot be used.
    pub fn new(pki: &Pki, address: SocketAddr, credential: &Credential) -> Result<Self> {
        let config = credential.client_config(pki)?;
        let events = Events::new(&opentelemetry::global::meter("probe"));
        let channel = strata_net::channel(
            &address.to_string(),
            config,
            Peers::strangers(),
            NAME,
            events,
        )?;
        Ok(Self::over(channel))
    }

    /// A client over a channel made elsewhere.
    #[must_use]
    pub fn over(channel: Channel) -> Self {
        Self {
            grpc: Grpc::new(channel),
        }
    }

    /// Calls `path` (`/package.Service/Method`). An empty `message` is a valid one of every type. The
    /// first message of the answer, or nothing where a stream has none.
    ///
    /// # Errors
    /// The status the server answers, or `Unknown`/`Unavailable` when the connection is refused.
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
        self.grpc
            .ready()
            .await
            .map_err(|error| Status::from_error(Box::new(error)))?;
        let answer = self
            .grpc
            .server_streaming(message.into_request(), path, Raw);
        Ok(answer.await?.into_inner())
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
