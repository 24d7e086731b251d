//! PROXY protocol version 2 (HAProxy, "The PROXY protocol"): whom a load balancer speaks for.

use std::{io, net::SocketAddr};

use ppp::v2::{Addresses, Command, Header, ParseError};
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// The part of a header that says how long the rest is.
const FIXED: usize = 16;

/// The longest rest taken: addresses and a few extensions. An honest one fits into one segment.
const REST: usize = 520;

/// Reads the header off the stream, not one byte more, and gives the client's address. A proxy that
/// speaks for itself (a health check) keeps its own.
///
/// # Errors
/// When the stream ends within the header, or begins with none that names a client.
pub async fn client(
    stream: &mut (impl AsyncRead + Unpin),
    proxy: SocketAddr,
) -> io::Result<SocketAddr> {
    let mut bytes = vec![0; FIXED];
    stream.read_exact(&mut bytes).await?;
    if let Err(ParseError::Partial(_, rest)) = Header::try_from(bytes.as_slice()) {
        if rest > REST {
            return Err(io::ErrorKind::InvalidData.into());
        }
        bytes.resize(FIXED + rest, 0);
        stream.read_exact(bytes.split_at_mut(FIXED).1).await?;
    }
    let header = Header::try_from(bytes.as_slice()).map_err(io::Error::other)?;
    match (header.command, header.addresses) {
        (Command::Local, _) => Ok(proxy),
        (Command::Proxy, Addresses::IPv4(ip)) => Ok((ip.source_address, ip.source_port).into()),
        (Command::Proxy, Addresses::IPv6(ip)) => Ok((ip.source_address, ip.source_port).into()),
        (Command::Proxy, Addresses::Unspecified | Addresses::Unix(_)) => {
            Err(io::ErrorKind::InvalidData.into())
        }
    }
}
