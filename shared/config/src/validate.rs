//! What the types cannot say: ranges, what belongs to which layer, what the environment refuses.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use strata_core::Layer;
use url::{Host, Url};

use crate::{
    environment::Environment,
    error::{ConfigError, Problem, hint},
    load::{Sections, key},
    manifest::Manifest,
    sections::{
        Audit, Database, Limits, PolicyMode, SharedLimits, Telemetry, Tokens, Upstream,
        XForwardedFor,
    },
    sources::Sources,
    strictness::Laxity,
};

/// RFC 9068 leaves the leeway open ("a few minutes" at most); tokens here live minutes, so a few
/// seconds are enough.
const MAX_LEEWAY: Duration = Duration::from_secs(5);

/// Smaller files would be more names than records.
const LEAST_FILE: u64 = 64 << 10;

/// Collects what is wrong with a configuration.
pub(crate) struct Validation<'a> {
    sources: &'a Sources,
    manifest: &'a Manifest,
    environment: Environment,
    problems: Vec<Problem>,
}

impl<'a> Validation<'a> {
    pub(crate) fn new(
        sources: &'a Sources,
        manifest: &'a Manifest,
        environment: Environment,
    ) -> Self {
        Self {
            sources,
            manifest,
            environment,
            problems: Vec::new(),
        }
    }

    /// Refuses a section that only another layer has, before its keys are read.
    pub(crate) fn sections_of_other_layers(&self) -> Result<(), ConfigError> {
        let problems: Vec<_> = [
            (&["database"][..], Layer::System),
            (&["tokens"], Layer::Experience),
            (&["cors"], Layer::Experience),
            (&["listen", "x_forwarded_for"], Layer::Experience),
        ]
        .into_iter()
        .filter(|(section, layer)| {
            *layer != self.manifest.layer && self.sources.origin(section).is_some()
        })
        .map(|(section, layer)| {
            let name = section.join(".");
            let what = format!("[{name}] belongs to the {layer} layer alone: remove it");
            self.sources.problem(section, what)
        })
        .collect();
        if problems.is_empty() {
            Ok(())
        } else {
            Err(problems.into())
        }
    }

    /// Everything else.
    pub(crate) fn check(mut self, sections: &Sections) -> Vec<Problem> {
        self.addresses(sections.listen.address, sections.admin.address);
        if let Some(forwarded) = &sections.listen.x_forwarded_for {
            self.forwarded(forwarded);
        }
        if sections.tls.material.as_os_str().is_empty() {
            self.refuse(
                &["tls", "material"],
                "is empty: name the folder of the SVID",
            );
        }
        if sections.policy.mode == PolicyMode::Audit {
            let what = "calls that no policy permits would be answered";
            self.unless_allowed(Laxity::AuditedPolicy, &["policy", "mode"], what);
        }
        self.audit(&sections.audit, sections.limits.requests);
        self.limits(&sections.limits);
        self.telemetry(&sections.telemetry);
        self.upstreams(sections.upstreams.iter());
        match &sections.database {
            Some(database) => self.database(database),
            None if self.manifest.layer == Layer::System => {
                self.refuse(
                    &["database", "url"],
                    "is missing: a System API has a system of record",
                );
            }
            None => {}
        }
        if let Some(tokens) = &sections.tokens {
            self.tokens(tokens);
        }
        for (at, origin) in sections
            .cors
            .iter()
            .flat_map(|it| it.origins.iter().enumerate())
        {
            self.origin(at, origin);
        }
        self.problems
    }

    fn refuse(&mut self, path: &[&str], what: &str) {
        let what = format!("key '{}' {what}", path.join("."));
        self.problems.push(self.sources.problem(path, what));
    }

    /// Refuses what only some environments put up with.
    fn unless_allowed(&mut self, laxity: Laxity, path: &[&str], what: &str) {
        if !laxity.is_allowed(self.environment) {
            let environment = self.environment;
            self.refuse(path, &format!("is refused in {environment}: {what}"));
        }
    }

    fn addresses(&mut self, listen: SocketAddr, admin: SocketAddr) {
        if admin.ip().is_unspecified() {
            let what = "it is plain HTTP, so name the one address it is scraped on";
            self.unless_allowed(Laxity::OpenAdmin, &["admin", "address"], what);
        }
        if listen == admin && listen.port() != 0 {
            self.refuse(&["admin", "address"], "is the same as 'listen.address'");
        }
    }

    fn forwarded(&mut self, forwarded: &XForwardedFor) {
        if forwarded.proxies.is_empty() {
            let what = "is empty: name the networks of the proxies in front, or remove the section";
            self.refuse(&["listen", "x_forwarded_for", "proxies"], what);
        }
        if forwarded.proxies.iter().any(|it| it.prefix_len() == 0) {
            let what = "has a network of everybody: name those of the proxies in front";
            self.refuse(&["listen", "x_forwarded_for", "proxies"], what);
        }
        if forwarded.hops == 0 {
            let what = "is zero: say how many proxies each request passes, or remove the section";
            self.refuse(&["listen", "x_forwarded_for", "hops"], what);
        }
    }

    fn audit(&mut self, audit: &Audit, requests: usize) {
        for (name, folder) in [
            ("folder", &audit.folder),
            ("checkpoints", &audit.checkpoints),
        ] {
            if folder.as_os_str().is_empty() {
                self.refuse(&["audit", name], "is empty: name a folder");
            }
        }
        if audit.checkpoints.starts_with(&audit.folder)
            || audit.folder.starts_with(&audit.checkpoints)
        {
            let what = "lies within 'audit.folder', or that in it: who can change one must not \
                        thereby change the other";
            self.refuse(&["audit", "checkpoints"], what);
        }
        if audit.file_bytes < LEAST_FILE {
            self.refuse(&["audit", "file_bytes"], "is less than 65536");
        }
        if audit.file_age.is_zero() {
            self.refuse(&["audit", "file_age"], "is zero: use a day");
        }
        if audit.retention < audit.file_age {
            let what = "is less than 'audit.file_age': files are removed as a whole";
            self.refuse(&["audit", "retention"], what);
        }
        // Each request under way holds a place.
        if audit.queue <= requests {
            let what = "is not more than 'limits.requests': each of these holds a place in it";
            self.refuse(&["audit", "queue"], what);
        }
    }

    fn limits(&mut self, limits: &Limits) {
        let zero = [
            ("connections", limits.connections == 0),
            (
                "connections_per_address",
                limits.connections_per_address == 0,
            ),
            ("handshakes", limits.handshakes == 0),
            ("handshakes_per_address", limits.handshakes_per_address == 0),
            ("handshake_timeout", limits.handshake_timeout.is_zero()),
            ("concurrent_streams", limits.concurrent_streams == 0),
            ("requests", limits.requests == 0),
            ("header_timeout", limits.header_timeout.is_zero()),
            ("request_timeout", limits.request_timeout.is_zero()),
            ("connection_age", limits.connection_age.is_zero()),
            ("drain_timeout", limits.drain_timeout.is_zero()),
            ("body_bytes", limits.body_bytes == 0),
            ("upstream_requests", limits.upstream_requests == 0),
            ("identities", limits.identities == 0),
        ];
        for (name, _) in zero.into_iter().filter(|(_, is_zero)| *is_zero) {
            self.refuse(&["limits", name], "is zero: no limit can be switched off");
        }
        let rates = [
            ("network", limits.network),
            ("workload", limits.workload),
            ("user", limits.user),
        ];
        for (name, rate) in rates {
            if let Some((key, what)) = rate.problem() {
                self.refuse(&["limits", name, key], what);
            }
        }
        if let Some(redis) = &limits.redis {
            self.redis(redis);
        }
    }

    fn redis(&mut self, redis: &SharedLimits) {
        if self.manifest.layer != Layer::Experience {
            let what = "belongs to the experience layer alone, which has consumers: remove it";
            self.refuse(&["limits", "redis"], what);
        }
        let path = ["limits", "redis", "url"];
        if redis.url.scheme() != "redis" || redis.url.host().is_none() || has_login(&redis.url) {
            self.refuse(
                &path,
                "must be redis://host:port without login: run a proxy to it beside the service",
            );
        } else if !is_loopback(&redis.url) {
            let what = "use a proxy on loopback, which goes on over TLS";
            self.unless_allowed(Laxity::DistantRedis, &path, what);
        }
        if !(redis.share > 0.0 && redis.share <= 1.0) {
            let what =
                "must be more than 0.0 and at most 1.0: it is what holds while redis is away";
            self.refuse(&["limits", "redis", "share"], what);
        }
    }

    fn telemetry(&mut self, telemetry: &Telemetry) {
        if !(0.0..=1.0).contains(&telemetry.sample_ratio) {
            self.refuse(&["telemetry", "sample_ratio"], "must be from 0.0 to 1.0");
        }
        if let Some(collector) = &telemetry.otlp_endpoint {
            let path = ["telemetry", "otlp_endpoint"];
            if collector.scheme() != "http" || collector.host().is_none() || has_login(collector) {
                self.refuse(
                    &path,
                    "must be http://host:port: run a collector beside the service",
                );
            } else if !is_loopback(collector) {
                let what = "send to a collector on loopback, which forwards over TLS";
                self.unless_allowed(Laxity::DistantCollector, &path, what);
            }
        }
    }

    fn upstreams<'u>(&mut self, upstreams: impl Iterator<Item = (&'u String, &'u Upstream)>) {
        let declared: Vec<_> = self
            .manifest
            .edges()
            .map(|edge| key(edge.service))
            .collect();
        for (name, _) in upstreams.filter(|(name, _)| !declared.contains(name)) {
            let what = format!(
                "unknown key 'upstreams.{name}': service.toml declares no such call{}",
                hint(name, declared.iter().map(String::as_str))
            );
            self.problems
                .push(self.sources.problem(&["upstreams", name], what));
        }
    }

    fn database(&mut self, database: &Database) {
        match database.file() {
            None => self.refuse(&["database", "url"], "must be sqlite:<file>"),
            Some(file) if file.is_empty() || file.starts_with(':') => {
                self.refuse(
                    &["database", "url"],
                    "must name a file, such as sqlite:data/store.db",
                );
            }
            Some(_) => {}
        }
        if database.max_connections == 0 {
            self.refuse(&["database", "max_connections"], "is zero: use at least 1");
        }
    }

    /// An origin is compared as text, so it must be written as browsers write it.
    fn origin(&mut self, at: usize, origin: &str) {
        let path = ["cors", "origins", &at.to_string()];
        match Url::parse(origin) {
            Ok(url) if url.origin().ascii_serialization() == origin => {
                if url.scheme() != "https" && !is_loopback(&url) {
                    self.refuse(&path, "is plain HTTP beyond loopback: use https");
                }
            }
            _ => self.refuse(&path, "must be an origin, such as https://app.example"),
        }
    }

    fn tokens(&mut self, tokens: &Tokens) {
        let path = ["tokens", "issuer"];
        match Url::parse(&tokens.issuer) {
            // OpenID Connect Discovery 1.0, section 3: an https URL without query or fragment.
            Ok(url)
                if matches!(url.scheme(), "http" | "https")
                    && url.query().is_none()
                    && url.fragment().is_none()
                    && !has_login(&url) =>
            {
                if url.scheme() == "http" {
                    self.unless_allowed(Laxity::PlainIssuer, &path, "use https");
                    if !is_loopback(&url) {
                        self.refuse(&path, "is plain HTTP beyond loopback: use https");
                    }
                }
            }
            _ => self.refuse(
                &path,
                "must be an https URL without login, query and fragment",
            ),
        }
        if tokens.audience.trim().is_empty() {
            self.refuse(
                &["tokens", "audience"],
                "is empty: name what tokens must be meant for",
            );
        }
        if tokens.leeway > MAX_LEEWAY {
            self.refuse(&["tokens", "leeway"], "is more than 5s");
        }
    }
}

fn has_login(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        // Of a scheme that the URL standard does not know an address is a name too.
        Some(Host::Domain(name)) => {
            name == "localhost" || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
        }
        None => false,
    }
}
