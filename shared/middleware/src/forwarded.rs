//! Where a client is that an HTTP proxy speaks for: its own word counts for nothing, that of the proxies
//! in front does.

use std::{
    net::{IpAddr, SocketAddr},
    task::{Context, Poll},
};

use futures_util::future::{Either, Ready, ready};
use http::{HeaderMap, HeaderName, Request, header::FORWARDED};
use strata_config::XForwardedFor;
use strata_core::ErrorCode;
use strata_net::{Networks, Peer, within};
use strata_telemetry::{Events, SecurityEvent};
use tower::{Layer, Service};

use crate::refuse::Refuse;

/// Each proxy adds, at the end, the address that the request came to it from.
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Like `Forwarded` (RFC 7239), another in which software looks for a client's address. Here none does.
const X_REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// The reason of an entry that is no address, and of a line that is no text.
const MALFORMED: &str = "malformed_client_address";

/// Puts the client's address into the request's [`Peer`], where a proxy of `[listen.x_forwarded_for]` sent
/// it. Who is behind a proxy is looked up in the listener's lists of networks as who connects is. Nobody
/// inside sees a header that names an address.
#[derive(Clone, Debug)]
pub struct ForwardedLayer {
    trusted: Option<XForwardedFor>,
    networks: Networks,
    events: Events,
}

/// Why a request of a proxy is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Refused {
    code: ErrorCode,
    /// Where it came from, as far as that is believed.
    address: SocketAddr,
    reason: &'static str,
}

impl ForwardedLayer {
    /// A layer that believes `trusted` and nobody else; without it nobody. `networks` are the lists of the
    /// listener underneath.
    #[must_use]
    pub const fn new(trusted: Option<XForwardedFor>, networks: Networks, events: Events) -> Self {
        Self {
            trusted,
            networks,
            events,
        }
    }

    /// Where the client of this request is; none where its connection already says.
    fn client(&self, peer: &Peer, headers: &HeaderMap) -> Result<Option<SocketAddr>, Refused> {
        let Some(trusted) = &self.trusted else {
            return Ok(None);
        };
        if !within(&trusted.proxies, peer.address.ip()) {
            return Ok(None);
        }
        let client = client(trusted, headers).map_err(|reason| Refused {
            code: ErrorCode::InvalidArgument,
            address: peer.address,
            reason,
        })?;
        if !self.networks.admit(client.ip()) {
            return Err(Refused {
                code: ErrorCode::PermissionDenied,
                address: client,
                // Not the listener's own word: who asks through a proxy decides how often this is told,
                // and lines of one reason are bounded together.
                reason: "blocked_client",
            });
        }
        Ok(Some(client))
    }
}

/// The entry that the outermost of the trusted proxies wrote. What stands before it is a stranger's.
///
/// # Errors
/// The reason to refuse the request. Nothing is passed over: whatever else than an address counted for
/// nothing would let its writer choose which entry counts.
fn client(trusted: &XForwardedFor, headers: &HeaderMap) -> Result<SocketAddr, &'static str> {
    let mut entries = Vec::new();
    // Lines of one name are one list, in their order (RFC 9110, section 5.3).
    for line in headers.get_all(X_FORWARDED_FOR) {
        let line = line.to_str().map_err(|_| MALFORMED)?;
        for entry in line.split(',') {
            let address = address(entry.trim_matches([' ', '\t']));
            entries.push(address.ok_or(MALFORMED)?);
        }
    }
    let (client, proxies) = entries
        .len()
        .checked_sub(trusted.hops)
        .and_then(|at| entries.get(at..)?.split_first())
        .ok_or("no_client_address")?;
    let among = |proxy: &SocketAddr| within(&trusted.proxies, proxy.ip());
    if !proxies.iter().all(among) {
        return Err("unknown_proxy");
    }
    Ok(*client)
}

/// An address as proxies write it: `192.0.2.1`, `192.0.2.1:1234`, `2001:db8::1`, `[2001:db8::1]` or
/// `[2001:db8::1]:1234`. A port that is not said is 0.
fn address(entry: &str) -> Option<SocketAddr> {
    let bare = entry
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let found = match bare {
        Some(bare) => SocketAddr::new(IpAddr::V6(bare.parse().ok()?), 0),
        None => match entry.parse::<IpAddr>() {
            Ok(ip) => SocketAddr::new(ip, 0),
            Err(_) => entry.parse().ok()?,
        },
    };
    Some(SocketAddr::new(found.ip().to_canonical(), found.port()))
}

impl<S> Layer<S> for ForwardedLayer {
    type Service = Forwarded<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Forwarded {
            layer: self.clone(),
            inner,
        }
    }
}

/// See [`ForwardedLayer`].
#[derive(Clone, Debug)]
pub struct Forwarded<S> {
    layer: ForwardedLayer,
    inner: S,
}

impl<S, B> Service<Request<B>> for Forwarded<S>
where
    S: Service<Request<B>>,
    S::Response: Refuse,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Either<S::Future, Ready<Result<S::Response, S::Error>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        // Without a peer no listener of ours is underneath: the limit inside refuses that.
        let peer = request.extensions().get::<Peer>();
        let client = peer.map(|peer| self.layer.client(peer, request.headers()));
        match client.transpose() {
            Ok(client) => {
                for name in [X_FORWARDED_FOR, FORWARDED, X_REAL_IP] {
                    request.headers_mut().remove(name);
                }
                if let Some(client) = client.flatten()
                    && let Some(peer) = request.extensions_mut().get_mut::<Peer>()
                {
                    peer.address = client;
                }
                Either::Left(self.inner.call(request))
            }
            Err(refused) => {
                self.layer.events.emit(&SecurityEvent::PeerRefused {
                    address: refused.address,
                    reason: refused.reason,
                });
                let trace = request.extensions().get();
                Either::Right(ready(Ok(S::Response::refuse(refused.code, trace))))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn found(hops: usize, lines: &[&[u8]]) -> Result<String, &'static str> {
        let trusted = XForwardedFor {
            proxies: vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()],
            hops,
        };
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(X_FORWARDED_FOR, HeaderValue::from_bytes(line).unwrap());
        }
        client(&trusted, &headers).map(|client| client.to_string())
    }

    #[test]
    fn the_outermost_trusted_proxy_says_who_the_client_is() {
        for (hops, lines, client) in [
            (1, &[&b"192.0.2.7"[..]][..], "192.0.2.7:0"),
            (1, &[b"198.51.100.1, 192.0.2.7"], "192.0.2.7:0"),
            (1, &[b"198.51.100.1", b"192.0.2.7"], "192.0.2.7:0"),
            // One that lies among the proxies is a client all the same: it is the last hop's word.
            (1, &[b"192.0.2.7, 10.0.0.1"], "10.0.0.1:0"),
            (2, &[b"192.0.2.7, 10.0.0.1"], "192.0.2.7:0"),
            (2, &[b"198.51.100.1,192.0.2.7", b"10.0.0.1"], "192.0.2.7:0"),
            (2, &[b"192.0.2.7, ::ffff:10.0.0.1"], "192.0.2.7:0"),
            (3, &[b"192.0.2.7,\tfd00::1 , 10.9.9.9:80"], "192.0.2.7:0"),
        ] {
            assert_eq!(found(hops, lines).as_deref(), Ok(client), "{lines:?}");
        }
    }

    #[test]
    fn addresses_are_taken_as_proxies_write_them() {
        for (entry, client) in [
            ("192.0.2.7", "192.0.2.7:0"),
            ("192.0.2.7:1234", "192.0.2.7:1234"),
            ("2001:db8::7", "[2001:db8::7]:0"),
            ("[2001:db8::7]", "[2001:db8::7]:0"),
            ("[2001:db8::7]:1234", "[2001:db8::7]:1234"),
            ("::ffff:192.0.2.7", "192.0.2.7:0"),
            ("[::ffff:192.0.2.7]", "192.0.2.7:0"),
            ("[::ffff:192.0.2.7]:1234", "192.0.2.7:1234"),
        ] {
            assert_eq!(found(1, &[entry.as_bytes()]).as_deref(), Ok(client));
        }
    }

    #[test]
    fn what_is_no_address_is_never_passed_over() {
        for entry in [
            "",
            " ",
            "unknown",
            "_hidden",
            "unix:",
            "for=192.0.2.7",
            "\"192.0.2.7\"",
            "localhost",
            "192.0.2",
            "192.0.2.256",
            "192.0.2.07",
            "192.0.2.7:",
            "192.0.2.7:65536",
            "192.0.2.7:x",
            "192.0.2.7/32",
            "192.0.2.7 198.51.100.1",
            "192.0.2.7;198.51.100.1",
            "[192.0.2.7]",
            "[2001:db8::7",
            "2001:db8::7]",
            "[[2001:db8::7]]",
            "[2001:db8::7]1234",
            "[2001:db8::7%1]",
            "fe80::1%eth0",
        ] {
            assert!(found(1, &[b"192.0.2.7"]).is_ok());
            // Wherever it stands: as the client, as a proxy, as what a stranger wrote.
            for (hops, line) in [
                (1, format!("192.0.2.7, {entry}")),
                (2, format!("192.0.2.7, {entry}, 10.0.0.1")),
                (1, format!("{entry}, 192.0.2.7")),
                (1, format!("{entry},192.0.2.7")),
            ] {
                let refused = found(hops, &[line.as_bytes()]);
                assert_eq!(refused, Err(MALFORMED), "{line}");
            }
        }
    }

    #[test]
    fn a_line_that_is_no_text_does_not_shift_the_count() {
        let honest: [&[u8]; 2] = [b"198.51.100.1, 192.0.2.7", b"10.0.0.1"];
        assert_eq!(found(2, &honest).as_deref(), Ok("192.0.2.7:0"));
        for line in [&b"10.0.0.1\xff"[..], b"\xff", b"10.0.0.1, \xc3\xa9"] {
            for at in 0..=2 {
                let mut lines = honest.to_vec();
                lines.insert(at, line);
                let refused = found(2, &lines);
                assert_eq!(refused, Err(MALFORMED), "{line:?} {at}");
            }
        }
    }

    #[test]
    fn there_are_as_many_entries_as_proxies_and_only_theirs() {
        assert!(found(2, &[b"192.0.2.7, 10.0.0.1"]).is_ok());
        for lines in [&[][..], &[&b"192.0.2.7"[..]][..], &[b"10.0.0.1"]] {
            assert_eq!(found(2, lines), Err("no_client_address"), "{lines:?}");
        }
        assert_eq!(found(1, &[]), Err("no_client_address"));
        // Whoever gets past the outer proxy writes its entry themselves.
        let past = found(2, &[b"192.0.2.7, 198.51.100.1"]);
        assert_eq!(past, Err("unknown_proxy"));
        let past = found(3, &[b"192.0.2.7, 198.51.100.1, 10.0.0.1"]);
        assert_eq!(past, Err("unknown_proxy"));
    }
}
