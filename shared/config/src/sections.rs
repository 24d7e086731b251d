//! The typed sections of a service's configuration, as files and variables write them.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serialize, de};
use url::Url;

use crate::rate::Rate;

/// `[listen]`: where the service is served.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Listen {
    /// IP address and port; port 0 takes any free one.
    #[serde(deserialize_with = "address")]
    pub address: SocketAddr,
    /// Networks of the load balancers in front, which must speak the PROXY protocol, version 2.
    #[serde(deserialize_with = "networks", skip_serializing_if = "Vec::is_empty")]
    pub trusted_proxies: Vec<IpNet>,
    /// Whose word at the edge on where a client is counts; without it nobody's does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x_forwarded_for: Option<XForwardedFor>,
}

/// `[listen.x_forwarded_for]`: the HTTP proxies in front of an Experience API, which write the address
/// that each request came to them from to the end of `X-Forwarded-For`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct XForwardedFor {
    /// Networks of these proxies, and of nothing else that can connect.
    #[serde(deserialize_with = "networks")]
    pub proxies: Vec<IpNet>,
    /// How many of them each request passes, at least 1.
    pub hops: usize,
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            address: (Ipv4Addr::UNSPECIFIED, 8443).into(),
            trusted_proxies: Vec::new(),
            x_forwarded_for: None,
        }
    }
}

/// `[admin]`: where health and metrics are served, over plain HTTP.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Admin {
    /// IP address and port; port 0 takes any free one.
    #[serde(deserialize_with = "address")]
    pub address: SocketAddr,
}

impl Default for Admin {
    fn default() -> Self {
        Self {
            address: (Ipv4Addr::LOCALHOST, 9443).into(),
        }
    }
}

/// `[tls]`: the identity the service runs under.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// Folder of the SVID, its key and the trust bundles.
    pub material: PathBuf,
}

impl Default for Tls {
    fn default() -> Self {
        Self {
            material: "/run/strata/material".into(),
        }
    }
}

/// What comes of a call that the service's policies do not permit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PolicyMode {
    /// It is refused.
    #[default]
    Enforce,
    /// It is told of and goes on: for policies that are being written.
    Audit,
}

/// `[policy]`: how the service's `policy/*.cedar` are taken.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// What comes of a call they do not permit.
    pub mode: PolicyMode,
}

/// `[audit]`: where the service's audit trail is kept, and for how long.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    /// Folder of the trail. One process writes it at a time.
    pub folder: PathBuf,
    /// Folder of the signed checkpoints: best on another disk, or where this service can only add.
    pub checkpoints: PathBuf,
    /// Bytes after which a new file begins.
    #[serde(default = "default_file_bytes")]
    pub file_bytes: u64,
    /// Time after which a new file begins.
    #[serde(with = "humantime_serde", default = "default_file_age")]
    pub file_age: Duration,
    /// For how long a whole file is kept after its last record.
    #[serde(with = "humantime_serde", default = "default_retention")]
    pub retention: Duration,
    /// Records that wait to be written. When there are more, requests are refused.
    #[serde(default = "default_queue")]
    pub queue: usize,
}

const fn default_file_bytes() -> u64 {
    64 << 20
}

const fn default_file_age() -> Duration {
    Duration::from_secs(24 * 60 * 60)
}

/// Thirteen months: a year can be looked at when it is over.
const fn default_retention() -> Duration {
    Duration::from_secs(400 * 24 * 60 * 60)
}

const fn default_queue() -> usize {
    16_384
}

/// `[limits]`: what one process takes on at most. Zero is refused everywhere.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Open connections.
    pub connections: usize,
    /// Open connections of one address (IPv6: of one /64 network).
    pub connections_per_address: usize,
    /// TLS handshakes computed at once; others wait their turn, and requests go on between them.
    pub handshakes: usize,
    /// TLS handshakes of one address a second (IPv6: of one /64 network); others wait their turn, for
    /// half of `handshake_timeout`.
    pub handshakes_per_address: u32,
    /// How long a TLS handshake may take.
    #[serde(with = "humantime_serde")]
    pub handshake_timeout: Duration,
    /// HTTP/2 streams per connection (RFC 9113, section 5.1.2).
    pub concurrent_streams: u32,
    /// Requests under way at once, on all connections together; further ones are refused.
    pub requests: usize,
    /// How long a request's head may take to arrive.
    #[serde(with = "humantime_serde")]
    pub header_timeout: Duration,
    /// How long a request may take where its caller gives no shorter deadline.
    #[serde(with = "humantime_serde")]
    pub request_timeout: Duration,
    /// How long a connection is used before its peer is asked to make a new one.
    #[serde(with = "humantime_serde")]
    pub connection_age: Duration,
    /// How long requests under way may go on after the signal to stop.
    #[serde(with = "humantime_serde")]
    pub drain_timeout: Duration,
    /// Bytes of a request's body, and of each message of a gRPC request.
    pub body_bytes: usize,
    /// Calls to one other service under way at once, those that wait to be sent included.
    pub upstream_requests: usize,
    /// Requests of one address (IPv6: of one /64 network); at the edge.
    pub network: Rate,
    /// Requests of one calling workload; between services.
    pub workload: Rate,
    /// Requests for one user.
    pub user: Rate,
    /// Addresses, workloads and users whose requests are counted each on their own, of each kind;
    /// those beyond share what one of them may take.
    pub identities: usize,
    /// Where the replicas of this service count the quotas of consumers together; alone without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redis: Option<SharedLimits>,
}

/// `[limits.redis]`: quotas shared by all replicas.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SharedLimits {
    /// `redis://<host>:<port>`, of a Redis or a proxy to one beside the service.
    #[serde(deserialize_with = "redis")]
    pub url: Url,
    /// What one replica hands out of each quota while Redis is away, more than 0 and at most 1.
    #[serde(default = "default_share")]
    pub share: f64,
}

/// With two replicas, half of the quota in all.
const fn default_share() -> f64 {
    0.25
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            connections_per_address: 1_000,
            handshakes: 4,
            handshakes_per_address: 50,
            handshake_timeout: Duration::from_secs(5),
            concurrent_streams: 100,
            requests: 1_000,
            header_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(10),
            connection_age: Duration::from_secs(30 * 60),
            drain_timeout: Duration::from_secs(10),
            body_bytes: 1 << 20,
            upstream_requests: 1_000,
            network: in_ten_seconds(10_000),
            workload: in_ten_seconds(100_000),
            user: in_ten_seconds(1_000),
            identities: 100_000,
            redis: None,
        }
    }
}

const fn in_ten_seconds(requests: u32) -> Rate {
    Rate {
        requests,
        per: Duration::from_secs(10),
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object per line.
    #[default]
    Json,
    /// For a person at a terminal.
    Pretty,
}

/// `[telemetry]`: logs, traces, metrics.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Telemetry {
    /// How log lines look.
    pub log_format: LogFormat,
    /// What is logged, in tracing-subscriber's `EnvFilter` syntax. Security events always are.
    pub log_filter: String,
    /// OTLP/gRPC collector. Without one, nothing is exported.
    #[serde(
        deserialize_with = "collector",
        skip_serializing_if = "Option::is_none"
    )]
    pub otlp_endpoint: Option<Url>,
    /// Share of traces to record among those that start here, 0 to 1.
    pub sample_ratio: f64,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self {
            log_format: LogFormat::default(),
            log_filter: "info".to_owned(),
            otlp_endpoint: None,
            sample_ratio: 0.01,
        }
    }
}

/// `[upstreams.<service>]`: where a declared upstream is reached.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// Host and port each. Calls are balanced over every address of every host.
    #[serde(deserialize_with = "endpoints")]
    pub endpoints: Vec<String>,
}

/// `[database]`: the system of record of a System API.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// `sqlite:<file>`.
    pub url: String,
    /// Connections of the pool.
    #[serde(default = "default_connections")]
    pub max_connections: u32,
}

const fn default_connections() -> u32 {
    8
}

impl Database {
    /// The file's path, without scheme and options; none when the URL is not SQLite's.
    pub(crate) fn file(&self) -> Option<&str> {
        let rest = self.url.strip_prefix("sqlite:")?;
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        rest.split('?').next()
    }

    /// The URL with a relative path started at `folder`.
    pub(crate) fn url_from(&self, folder: &Path) -> String {
        let Some(file) = self.file() else {
            return self.url.clone();
        };
        let options = self
            .url
            .split_once('?')
            .map_or(String::new(), |(_, rest)| format!("?{rest}"));
        format!("sqlite:{}{options}", folder.join(file).display())
    }
}

/// `[tokens]`: which access tokens an Experience API takes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    /// The issuer's URL, exactly as the `iss` claim reads (RFC 9068, section 4).
    pub issuer: String,
    /// What the `aud` claim must contain.
    pub audience: String,
    /// Clock difference to the issuer that is forgiven, at most five seconds.
    #[serde(with = "humantime_serde")]
    pub leeway: Duration,
    /// Whether clients are asked for a certificate, which a token may be bound to (RFC 8705, section 3).
    /// Without, every bound token is refused. A browser that has a certificate asks its user for one.
    pub client_certificates: bool,
    /// PEM file of the CA of the issuer's HTTPS certificate, when that is not a public one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
}

/// `[cors]`: whose scripts may read the answers of an Experience API in a browser
/// (<https://fetch.spec.whatwg.org/#http-cors-protocol>). Nobody's, where nothing is listed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cors {
    /// Origins as browsers send them, `https://app.example`.
    pub origins: Vec<String>,
}

fn address<'de, D: Deserializer<'de>>(from: D) -> Result<SocketAddr, D::Error> {
    parsed(from, "an IP address and port, such as 127.0.0.1:8443")
}

fn networks<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<IpNet>, D::Error> {
    let networks = Vec::<String>::deserialize(from)?;
    // Host bits leave open whether the host or its network was meant. Addresses are compared as IPv4
    // ones where they are: a network of such addresses in IPv6's clothes would have none of them.
    let parsed = networks.iter().map(|network| {
        let network: IpNet = network.parse().ok()?;
        let mapped = matches!(network, IpNet::V6(it) if it.addr().to_ipv4_mapped().is_some());
        (network == network.trunc() && !mapped).then_some(network)
    });
    parsed
        .collect::<Option<_>>()
        .ok_or_else(|| invalid("networks without host bits, such as 10.0.0.0/8"))
}

fn collector<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Url>, D::Error> {
    parsed(from, "a URL, such as http://127.0.0.1:4317").map(Some)
}

fn redis<'de, D: Deserializer<'de>>(from: D) -> Result<Url, D::Error> {
    parsed(from, "a URL, such as redis://127.0.0.1:6379")
}

fn endpoints<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    const EXPECTED: &str = "a list of hosts with ports, such as [\"127.0.0.1:8443\"]";
    let endpoints = Vec::<String>::deserialize(from).map_err(|_| invalid(EXPECTED))?;
    let is_endpoint = |endpoint: &String| {
        let authority = endpoint.parse::<http::uri::Authority>();
        authority.is_ok_and(|it| it.port_u16().is_some() && !endpoint.contains('@'))
    };
    if endpoints.is_empty() || !endpoints.iter().all(is_endpoint) {
        return Err(invalid(EXPECTED));
    }
    Ok(endpoints)
}

/// Reads text through its parser. The parser's own error may repeat the text, so it is replaced by
/// what was expected.
fn parsed<'de, D: Deserializer<'de>, T: FromStr>(
    from: D,
    expected: &'static str,
) -> Result<T, D::Error> {
    String::deserialize(from)?
        .parse()
        .map_err(|_| invalid(expected))
}

fn invalid<E: de::Error>(expected: &'static str) -> E {
    E::invalid_value(de::Unexpected::Other("text"), &expected)
}
