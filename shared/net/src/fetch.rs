//! A small GET for an issuer's discovery document and keys: bounded in size and time, no redirects.

use std::{net::SocketAddr, path::Path, time::Duration};

use bytes::Bytes;
use http::{Method, Request, StatusCode, Uri, header, uri::Scheme};
use http_body_util::{BodyExt as _, Empty, Limited};
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

const TIMEOUT: Duration = Duration::from_secs(5);
const MAX_BYTES: usize = 256 * 1024;

/// The body at `url`. `https` is verified against `roots` (PEM), or without them against the roots
/// of the operating system; `http` only when the host resolves to loopback.
///
/// # Errors
/// [`NetError`] when the URL is not allowed, the server cannot be reached or verified, or the
/// answer is not a 200 of at most 256 KiB within 5 seconds.
pub async fn get(url: &str, roots: Option<&Path>) -> Result<Bytes, NetError> {
    let timed_out = |_| NetError::TimedOut(url.to_owned());
    timeout(TIMEOUT, connect_and_get(url, roots))
        .await
        .map_err(timed_out)?
}

async fn connect_and_get(url: &str, roots: Option<&Path>) -> Result<Bytes, NetError> {
    let target = Target::parse(url)?;
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
            url: url.to_owned(),
            address,
        });
    }
    let stream = TcpStream::connect(addresses.as_slice())
        .await
        .map_err(failed)?;
    if !target.tls {
        return request(stream, url, &target.uri).await;
    }
    let name =
        ServerName::try_from(target.host.clone()).map_err(|_| NetError::Url(url.to_owned()))?;
    let tls = TlsConnector::from(web_config(roots)?);
    request(
        tls.connect(name, stream).await.map_err(failed)?,
        url,
        &target.uri,
    )
    .await
}

async fn request<IO>(io: IO, url: &str, uri: &Uri) -> Result<Bytes, NetError>
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| NetError::Answer {
        url: url.to_owned(),
        source,
    };
    let request = Request::builder()
        .method(Method::GET)
        .uri(uri.path_and_query().map_or("/", |path| path.as_str()))
        .header(
            header::HOST,
            uri.authority().map_or("", |authority| authority.as_str()),
        )
        .header(header::ACCEPT, "application/json")
        .body(Empty::<Bytes>::new())
        .map_err(|error| failed(error.into()))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(io))
        .await
        .map_err(|error| failed(error.into()))?;
    let _connection = AbortOnDropHandle::new(tokio::spawn(connection));
    let response = sender
        .send_request(request)
        .await
        .map_err(|error| failed(error.into()))?;
    if response.status() != StatusCode::OK {
        return Err(NetError::Status {
            url: url.to_owned(),
            status: response.status().as_u16(),
        });
    }
    let body = Limited::new(response.into_body(), MAX_BYTES)
        .collect()
        .await
        .map_err(failed)?;
    Ok(body.to_bytes())
}

/// Where a URL leads.
struct Target {
    uri: Uri,
    tls: bool,
    host: String,
    port: u16,
}

impl Target {
    fn parse(url: &str) -> Result<Self, NetError> {
        let invalid = || NetError::Url(url.to_owned());
        let uri: Uri = url.parse().map_err(|_| invalid())?;
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
        Ok(Self {
            uri,
            tls,
            host,
            port,
        })
    }
}
