//! A small HTTP client for what is no service of the estate, such as an issuer's discovery document
//! and keys: bounded in size and time, no redirects.

use std::{net::SocketAddr, path::Path, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, Uri, header, uri::Scheme};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use strata_tls::web_config;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
    time::timeout,
};
use tokio_rustls::TlsConnector;
use tokio_util::task::AbortOnDropHandle;

use crate::{error::NetError, transport::refusal};

/// What an exchange may cost.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// From the look-up of the name to the last byte of the answer.
    pub time: Duration,
    /// Bytes of the answer's body.
    pub bytes: usize,
}

/// A document of an issuer is small and answered at once.
const DOCUMENT: Bounds = Bounds {
    time: Duration::from_secs(5),
    bytes: 256 * 1024,
};

/// The body at `url`, within 5 seconds and 256 KiB. Connects as [`send`] does.
///
/// # Errors
/// [`NetError`] as for [`send`], and when the answer is not a 200.
pub async fn get(url: &str, roots: Option<&Path>) -> Result<Bytes, NetError> {
    let request = Request::get(url)
        .header(header::ACCEPT, "application/json")
        .body(Bytes::new())
        .map_err(|_| NetError::Url(url.to_owned()))?;
    let response = send(request, roots, DOCUMENT).await?;
    if response.status() != StatusCode::OK {
        return Err(NetError::Status {
            url: url.to_owned(),
            status: response.status().as_u16(),
        });
    }
    Ok(response.into_body())
}

/// One request and its answer over HTTP/1.1; redirects are not followed. `https` is verified
/// against `roots` (PEM), or without them against the roots of the operating system; `http` only
/// when the host resolves to loopback.
///
/// # Errors
/// [`NetError`] when the URL is not allowed, the server cannot be reached or verified, or the
/// answer exceeds `bounds`.
pub async fn send(
    request: Request<Bytes>,
    roots: Option<&Path>,
    bounds: Bounds,
) -> Result<Response<Bytes>, NetError> {
    let url = request.uri().to_string();
    timeout(bounds.time, connect_and_send(request, roots, bounds.bytes))
        .await
        .map_err(|_| NetError::TimedOut(url))?
}

async fn connect_and_send(
    request: Request<Bytes>,
    roots: Option<&Path>,
    max_bytes: usize,
) -> Result<Response<Bytes>, NetError> {
    let target = Target::of(request.uri())?;
    let failed = |source| match refusal(&source) {
        Some(refusal) => NetError::Refused {
            address: target.host.clone(),
            refusal,
        },
        None => NetError::Connect {
            address: target.host.clone(),
            source,
        },
    };
    let addresses: Vec<SocketAddr> = lookup_host((target.host.as_str(), target.port))
        .await
        .map_err(failed)?
        .collect();
    if !target.tls
        && let Some(&address) = addresses.iter().find(|address| !address.ip().is_loopback())
    {
        return Err(NetError::NotLoopback {
            url: request.uri().to_string(),
            address,
        });
    }
    let stream = TcpStream::connect(addresses.as_slice())
        .await
        .map_err(failed)?;
    if !target.tls {
        return exchange(stream, request, max_bytes).await;
    }
    let name = ServerName::try_from(target.host.clone())
        .map_err(|_| NetError::Url(request.uri().to_string()))?;
    let stream = TlsConnector::from(web_config(roots)?)
        .connect(name, stream)
        .await
        .map_err(failed)?;
    exchange(stream, request, max_bytes).await
}

/// One request and its answer over a connection that is there, of at most `max_bytes`.
///
/// # Errors
/// [`NetError`] when the request names no host, or the answer breaks off or is larger.
pub async fn exchange<IO>(
    io: IO,
    request: Request<Bytes>,
    max_bytes: usize,
) -> Result<Response<Bytes>, NetError>
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let url = request.uri().to_string();
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| NetError::Answer {
        url: url.clone(),
        source,
    };
    let (mut sender, connection) = http1::handshake(TokioIo::new(io))
        .await
        .map_err(|error| failed(error.into()))?;
    let _connection = AbortOnDropHandle::new(tokio::spawn(connection));
    let response = sender
        .send_request(origin_form(request)?)
        .await
        .map_err(|error| failed(error.into()))?;
    let (head, body) = response.into_parts();
    let body = Limited::new(body, max_bytes)
        .collect()
        .await
        .map_err(failed)?;
    Ok(Response::from_parts(head, body.to_bytes()))
}

/// HTTP/1.1 names the host in a header and only the path in the request line (RFC 9112, section
/// 3.2.1).
fn origin_form(request: Request<Bytes>) -> Result<Request<Full<Bytes>>, NetError> {
    let (mut head, body) = request.into_parts();
    let invalid = || NetError::Url(head.uri.to_string());
    let host = head.uri.authority().ok_or_else(invalid)?.as_str();
    let host = HeaderValue::from_str(host).map_err(|_| invalid())?;
    let path = head.uri.path_and_query().cloned();
    head.headers.insert(header::HOST, host);
    head.uri = path.map_or_else(|| Uri::from_static("/"), Uri::from);
    Ok(Request::from_parts(head, Full::new(body)))
}

/// Where a URL leads.
struct Target {
    tls: bool,
    host: String,
    port: u16,
}

impl Target {
    fn of(uri: &Uri) -> Result<Self, NetError> {
        let invalid = || NetError::Url(uri.to_string());
        let tls = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(invalid()),
        };
        let authority = uri.authority().ok_or_else(invalid)?;
        if authority.as_str().contains('@') {
            return Err(invalid());
        }
        let host = authority
            .host()
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
        Ok(Self { tls, host, port })
    }
}
