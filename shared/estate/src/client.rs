//! A small HTTP client for loopback: what `up --once`, `token` and the tests ask an edge with.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http::{Request, Response, header::HOST};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::rt::{Read, Write};
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::TlsConnector;
use tokio_util::task::AbortOnDropHandle;

/// How long an exchange may take.
const DEADLINE: Duration = Duration::from_secs(15);
/// How large an answer may be, bytes.
const BODY: usize = 4 * 1024 * 1024;

/// Sends one request and reads its answer. An `https` URI is verified against the roots in the PEM
/// file `roots`, or the system's.
///
/// # Errors
/// When no answer comes: connection, TLS, deadline or size.
pub async fn send(request: Request<Bytes>, roots: Option<&Path>) -> Result<Response<Bytes>> {
    let uri = request.uri().clone();
    timeout(DEADLINE, exchange(request, roots))
        .await
        .with_context(|| format!("{uri} did not answer in {DEADLINE:?}"))?
        .with_context(|| format!("{uri} did not answer"))
}

async fn exchange(request: Request<Bytes>, roots: Option<&Path>) -> Result<Response<Bytes>> {
    let uri = request.uri();
    let host = uri.host().context("the URL names no host")?.to_owned();
    let secure = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => false,
        _ => bail!("the URL must begin with https:// or http://"),
    };
    let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let stream = TcpStream::connect((host.as_str(), port)).await?;
    if !secure {
        return over(TokioIo::new(stream), request).await;
    }
    let connector = TlsConnector::from(strata_tls::web_config(roots)?);
    let stream = connector
        .connect(ServerName::try_from(host)?, stream)
        .await?;
    over(TokioIo::new(stream), request).await
}

async fn over<S>(stream: S, request: Request<Bytes>) -> Result<Response<Bytes>>
where
    S: Read + Write + Unpin + Send + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await?;
    let _connection = AbortOnDropHandle::new(tokio::spawn(connection));
    let response = sender.send_request(origin_form(request)?).await?;
    let (head, body) = response.into_parts();
    let body = Limited::new(body, BODY)
        .collect()
        .await
        .map_err(anyhow::Error::from_boxed)?;
    Ok(Response::from_parts(head, body.to_bytes()))
}

/// HTTP/1.1 names the host in a header and only the path in the request line (RFC 9112, section
/// 3.2.1).
fn origin_form(request: Request<Bytes>) -> Result<Request<Full<Bytes>>> {
    let (mut head, body) = request.into_parts();
    let authority = head
        .uri
        .authority()
        .context("the URL names no host")?
        .as_str()
        .parse()?;
    head.headers.insert(HOST, authority);
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    head.uri = path.parse()?;
    Ok(Request::from_parts(head, Full::new(body)))
}
