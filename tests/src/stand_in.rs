//! A stand-in for a service: it answers under whatever identity a test gives it, honestly or not, and
//! keeps what reached it.

use std::{
    convert::Infallible,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Empty, StreamBody, combinators::BoxBody};
use hyper::body::{Frame, Incoming};
use strata_net::{Limits, Networks, Transport};
use strata_telemetry::Events;
use strata_testkit::{Accepted, Acceptor, Credential};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::{CancellationToken, DropGuard};

fn limits() -> Limits {
    Limits {
        connections: 16,
        connections_per_address: 256,
        handshakes: 16,
        handshakes_per_address: 1000,
        handshake_timeout: Duration::from_secs(5),
        concurrent_streams: 100,
        header_timeout: Duration::from_secs(5),
        exchange_timeout: Duration::from_secs(60),
        connection_age: Duration::from_secs(3600),
        drain_timeout: Duration::from_secs(1),
        trusted_proxies: Vec::new(),
        http_proxies: Vec::new(),
        networks: Networks::loopback(),
    }
}
const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");
/// NOT_FOUND: what a service answers that knows nothing.
const NOT_FOUND: HeaderValue = HeaderValue::from_static("5");
/// INTERNAL.
const INTERNAL: HeaderValue = HeaderValue::from_static("13");
/// In everything a dishonest stand-in says: nobody but its caller may ever see it.
pub const CANARY: &str = "canary-of-the-stand-in";

/// How a stand-in answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// It finds nothing, and says so as a service does.
    FindsNothing,
    /// It takes the request and says nothing.
    Silent,
    /// A message that does not decode.
    Garbled,
    /// Half a message, and then the stream is reset.
    Half,
    /// The head of a message larger than anybody takes, and then data without end.
    Endless,
    /// A page for people.
    Page,
    /// It sends the caller elsewhere.
    Redirect,
    /// A failure, with a text of its own.
    Talkative,
    /// What is no HTTP/2.
    Noise,
    /// It ends the connection once it has been asked.
    HangsUp,
    /// Of five calls it drops so many, resetting their streams. In the others it finds nothing.
    Drops(usize),
}

impl Manner {
    /// Every dishonest one.
    pub const DISHONEST: [Self; 9] = [
        Self::Silent,
        Self::Garbled,
        Self::Half,
        Self::Endless,
        Self::Page,
        Self::Redirect,
        Self::Talkative,
        Self::Noise,
        Self::HangsUp,
    ];
}

/// A gRPC server of one manner. Stops when dropped.
pub struct StandIn {
    /// Where it listens.
    pub address: SocketAddr,
    received: Arc<Mutex<Vec<HeaderMap>>>,
    _shutdown: DropGuard,
}

impl StandIn {
    /// Presents `credential`, accepts any client and finds nothing.
    ///
    /// # Errors
    /// When the credential cannot be used.
    pub async fn start(credential: &Credential) -> Result<Self> {
        Self::answering(credential, Manner::FindsNothing).await
    }

    /// Presents `credential`, accepts any client and answers in a manner.
    ///
    /// # Errors
    /// When the credential cannot be used.
    pub async fn answering(credential: &Credential, manner: Manner) -> Result<Self> {
        let config = credential.server_config()?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .context("the stand-in cannot listen")?;
        let address = listener.local_addr()?;
        let received = Arc::new(Mutex::new(Vec::new()));
        let shutdown = CancellationToken::new();
        let stop = shutdown.clone();
        if matches!(manner, Manner::Noise | Manner::HangsUp | Manner::Drops(_)) {
            let acceptor = Acceptor::presenting(credential, &[b"h2"])?;
            let kept = Arc::clone(&received);
            tokio::spawn(stop.run_until_cancelled_owned(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let rude = rudely(manner, acceptor.clone(), stream, Arc::clone(&kept));
                    tokio::spawn(rude);
                }
            }));
        } else {
            let kept = Arc::clone(&received);
            let service = tower::service_fn(move |request: Request<Incoming>| {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.push(request.into_parts().0.headers);
                answer(manner)
            });
            tokio::spawn(async move {
                let events = Events::new(&opentelemetry::global::meter("stand-in"));
                let transport = Transport::Https(config);
                strata_net::serve(listener, transport, service, &limits(), events, stop).await
            });
        }
        Ok(Self {
            address,
            received,
            _shutdown: shutdown.drop_guard(),
        })
    }

    /// The headers of every request so far, as far as it reads them.
    #[must_use]
    pub fn received(&self) -> Vec<HeaderMap> {
        self.received
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

type Body = BoxBody<Bytes, io::Error>;

async fn answer(manner: Manner) -> Result<Response<Body>, Infallible> {
    let garbled = || message(&[b"\xff\xff", CANARY.as_bytes()].concat());
    let mut response = match manner {
        Manner::Silent => std::future::pending().await,
        Manner::Garbled => Response::new(body([Ok(garbled())])),
        Manner::Half => {
            let half = garbled().split_to(10);
            Response::new(body([Ok(half), Err(io::Error::other("it ends here"))]))
        }
        Manner::Endless => {
            let head = Bytes::from_static(&[0, 0x7f, 0xff, 0xff, 0xff]);
            let data = std::iter::repeat_with(|| Ok(CANARY.repeat(100).into()));
            Response::new(body(std::iter::once(Ok(head)).chain(data)))
        }
        Manner::Page | Manner::Redirect => {
            Response::new(body([Ok(format!("<h1>{CANARY}</h1>").into())]))
        }
        _ => Response::new(Empty::new().map_err(|never| match never {}).boxed()),
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, GRPC);
    match manner {
        Manner::FindsNothing => {
            headers.insert("grpc-status", NOT_FOUND);
        }
        Manner::Talkative => {
            headers.insert("grpc-status", INTERNAL);
            headers.insert("grpc-message", HeaderValue::from_static(CANARY));
        }
        Manner::Page => {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
        }
        Manner::Redirect => {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
            headers.insert(header::LOCATION, HeaderValue::from_static(CANARY));
            *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
        }
        _ => {}
    }
    Ok(response)
}

/// A message as it is on the wire (gRPC over HTTP/2, "Length-Prefixed-Message").
fn message(payload: &[u8]) -> Bytes {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    [&[0], &length.to_be_bytes()[..], payload].concat().into()
}

fn body<I>(parts: I) -> Body
where
    I: IntoIterator<Item = io::Result<Bytes>>,
    I::IntoIter: Send + Sync + 'static,
{
    let frames = parts.into_iter().map(|part| part.map(Frame::data));
    StreamBody::new(stream::iter(frames)).boxed()
}

/// What the estate's own HTTP does not do.
async fn rudely(
    manner: Manner,
    acceptor: Acceptor,
    stream: TcpStream,
    received: Arc<Mutex<Vec<HeaderMap>>>,
) -> io::Result<()> {
    let mut stream = acceptor.accept(stream).await?;
    if let Manner::Drops(of_five) = manner {
        return dropping(of_five, stream, received).await;
    }
    // The preface and the first frames, so that the caller believes it is connected.
    let mut buffer = [0; 1024];
    let _some = stream.read(&mut buffer).await?;
    received
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(HeaderMap::new());
    if manner == Manner::Noise {
        stream.write_all(CANARY.repeat(1000).as_bytes()).await?;
        stream.flush().await?;
        while stream.read(&mut buffer).await? > 0 {}
    }
    // Dropped without a word of TLS.
    Ok(())
}

/// Over h2 itself, since no answer of a handler resets a stream before its head.
async fn dropping(
    of_five: usize,
    stream: Accepted,
    received: Arc<Mutex<Vec<HeaderMap>>>,
) -> io::Result<()> {
    let connection = h2::server::handshake(stream).await;
    let mut connection = connection.map_err(io::Error::other)?;
    while let Some(call) = connection.accept().await {
        let (request, mut response) = call.map_err(io::Error::other)?;
        let turn = {
            let mut kept = received.lock().unwrap_or_else(PoisonError::into_inner);
            kept.push(request.into_parts().0.headers);
            kept.len() % 5
        };
        if turn < of_five {
            response.send_reset(h2::Reason::INTERNAL_ERROR);
            continue;
        }
        let mut nothing = Response::new(());
        let headers = nothing.headers_mut();
        headers.insert(header::CONTENT_TYPE, GRPC);
        headers.insert("grpc-status", NOT_FOUND);
        let sent = response.send_response(nothing, true);
        sent.map_err(io::Error::other)?;
    }
    Ok(())
}
