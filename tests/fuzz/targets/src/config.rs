//! A service's configuration: files and variables.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use strata_config::{ConfigError, Environment, Manifest};
use strata_core::Layer;
use tempfile::TempDir;

use crate::{Target, Verdict};

/// An input is a text in parts: layer and environment, base.toml, the environment's file, variables.
pub struct Config {
    folder: TempDir,
    /// Where what was printed is read again.
    again: TempDir,
    manifests: [Manifest; 3],
}

/// Between the parts.
const BREAK: &str = "\n----\n";
/// A word that is a secret wherever it is part of a value.
const SECRET: &str = "mauve";
/// What a secret is printed as.
const REDACTED: &str = "[REDACTED]";
/// The most the clocks of issuer and service may differ, in seconds.
const MOST_LEEWAY: u64 = 5;

struct Parts<'a> {
    layer: Layer,
    environment: Environment,
    base: &'a str,
    over: &'a str,
    variables: Vec<(String, String)>,
}

impl Target for Config {
    const NAME: &'static str = "config";

    fn new() -> Result<Self> {
        let of = |layer: Layer, calls: &str| {
            let text = format!(
                "name = 'sample'\nlayer = '{layer}'\nowner = 'team'\ndescription = 'A sample.'\n{calls}"
            );
            Manifest::parse(&text, Path::new("service.toml"))
        };
        let call = "[[calls]]\nservice = 'other-one'\nmethods = ['Get']\n";
        let folders = || {
            let folder = TempDir::new()?;
            fs::create_dir(folder.path().join("config"))?;
            Ok::<_, anyhow::Error>(folder)
        };
        Ok(Self {
            folder: folders()?,
            again: folders()?,
            manifests: [
                of(Layer::System, "")?,
                of(Layer::Process, call)?,
                of(Layer::Experience, call)?,
            ],
        })
    }

    fn honest(&self) -> Result<Vec<Vec<u8>>> {
        let input = |parts: [&str; 4]| parts.join(BREAK).into_bytes();
        let system = "[database]\nurl = 'sqlite:data/store.db'\nmax_connections = 4\n\
            [listen]\ntrusted_proxies = ['10.0.0.0/8', '2001:db8::/32']\n\
            [audit]\nfile_bytes = 65536\nfile_age = '1h'\nretention = '2h'\nqueue = 2000\n";
        let edge = "[cors]\norigins = ['https://app.example']\n\
            [listen.x_forwarded_for]\nproxies = ['10.0.0.0/8']\nhops = 2\n\
            [limits]\nnetwork = { requests = 10, per = '1s' }\n\
            [limits.redis]\nurl = 'redis://127.0.0.1:6379'\nshare = 0.5\n\
            [tokens]\nissuer = 'http://127.0.0.1:1/'\nclient_certificates = true\nca = 'ca.pem'\n";
        let process = "[upstreams.other_one]\nendpoints = ['a:1', '127.0.0.1:2']\n\
            [telemetry]\nsample_ratio = 1.0\nlog_format = 'pretty'\notlp_endpoint = 'http://a:1'\n\
            [settings]\ntoken = 'mauve'\nnested = { list = [1, 2.5, true, 'a'] }\n";
        Ok(vec![
            input(["system prod", system, "", ""]),
            input(["experience dev", edge, "[policy]\nmode = 'audit'\n", ""]),
            input([
                "process test",
                process,
                "[admin]\naddress = '0.0.0.0:1'\n",
                "STRATA_LIMITS__REQUESTS=5\nSTRATA_LISTEN__ADDRESS=[::1]:0\nSTRATA_SETTINGS__KEY=007",
            ]),
        ])
    }

    fn check(&self, input: &[u8]) -> Result<Verdict> {
        let Some(parts) = std::str::from_utf8(input).ok().and_then(Parts::of) else {
            return Ok(Verdict::Refused);
        };
        match self.load(&parts, parts.environment)? {
            Err(error) => {
                parts.keeps_secrets(&error)?;
                Ok(Verdict::Refused)
            }
            Ok(config) => {
                within_bounds(&config, parts.layer)?;
                self.loads_where_more_is_put_up_with(&parts)?;
                self.prints_what_loads(&config, &parts)?;
                Ok(Verdict::Accepted)
            }
        }
    }
}

impl Config {
    fn manifest(&self, layer: Layer) -> Result<&Manifest> {
        let found = self.manifests.iter().find(|it| it.layer == layer);
        found.context("there is no such layer")
    }

    fn load(
        &self,
        parts: &Parts<'_>,
        environment: Environment,
    ) -> Result<Result<strata_config::Config, ConfigError>> {
        let (folder, manifest) = (self.folder.path(), self.manifest(parts.layer)?);
        fs::write(folder.join("config/base.toml"), parts.base)?;
        fs::write(
            folder.join(format!("config/{environment}.toml")),
            parts.over,
        )?;
        let variables = parts.variables.iter().cloned();
        Ok(strata_config::Config::load(
            folder,
            manifest,
            environment,
            variables,
        ))
    }

    /// What a strict environment takes is taken by every one less strict.
    fn loads_where_more_is_put_up_with(&self, parts: &Parts<'_>) -> Result<()> {
        let laxer = Environment::ALL.into_iter();
        for environment in laxer.take_while(|it| *it < parts.environment) {
            let loaded = self.load(parts, environment)?;
            ensure!(loaded.is_ok(), "{environment} is stricter: {loaded:?}");
        }
        Ok(())
    }

    /// The printed configuration loads again, and prints the same.
    fn prints_what_loads(&self, config: &strata_config::Config, parts: &Parts<'_>) -> Result<()> {
        let printed: toml::Table = config.print().parse().context("it prints no TOML")?;
        if config.print().contains(REDACTED) {
            return Ok(());
        }
        let (folder, environment) = (self.again.path(), parts.environment);
        fs::write(folder.join("config/base.toml"), config.print())?;
        fs::write(folder.join(format!("config/{environment}.toml")), "")?;
        let manifest = self.manifest(parts.layer)?;
        let again = strata_config::Config::load(folder, manifest, environment, [])?;
        let again: toml::Table = again.print().parse()?;
        // By their text: a number that is none is not even itself.
        let [first, second] = [printed, again].map(|it| format!("{it:?}"));
        ensure!(first == second, "{first}\nis printed as\n{second}");
        Ok(())
    }
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let mut parts = text.split(BREAK);
        let (layer, environment) = parts.next()?.split_once(' ')?;
        let layer = Layer::ALL.into_iter().find(|it| it.as_str() == layer)?;
        let base = parts.next()?;
        let over = parts.next().unwrap_or_default();
        let variables = parts.next().unwrap_or_default().lines();
        let variables = variables.filter_map(|line| {
            let (name, value) = line.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        });
        Some(Self {
            layer,
            environment: environment.parse().ok()?,
            base,
            over,
            variables: variables.collect(),
        })
    }

    /// An error names keys and never shows a value.
    fn keeps_secrets(&self, error: &ConfigError) -> Result<()> {
        let named = |text: &str| text.to_lowercase().contains(SECRET);
        let mut keys = self.variables.iter().map(|(name, _)| name.as_str());
        let mut is_key = keys.any(named);
        for file in [self.base, self.over] {
            match file.parse() {
                Ok(table) => is_key |= names(&table, &named),
                // What cannot be read may name a key as well.
                Err(_) => {
                    is_key |= file.lines().any(|line| {
                        let key = line.split_once('=').map_or(line, |(key, _)| key);
                        named(key)
                    });
                }
            }
        }
        ensure!(
            is_key || !named(&error.to_string()),
            "a value is shown: {error}"
        );
        Ok(())
    }
}

/// Whether a key of the table, or of one within it, is so.
fn names(table: &toml::Table, is: &impl Fn(&str) -> bool) -> bool {
    fn within(value: &toml::Value, is: &impl Fn(&str) -> bool) -> bool {
        match value {
            toml::Value::Table(table) => names(table, is),
            toml::Value::Array(items) => items.iter().any(|item| within(item, is)),
            _ => false,
        }
    }
    table
        .iter()
        .any(|(key, value)| is(key) || within(value, is))
}

/// What is loaded keeps to what every service counts on.
fn within_bounds(config: &strata_config::Config, layer: Layer) -> Result<()> {
    let limits = &config.limits;
    let counts = [
        limits.connections,
        limits.connections_per_address,
        limits.handshakes,
        limits.requests,
        limits.body_bytes,
        limits.upstream_requests,
        limits.identities,
    ];
    ensure!(
        counts.iter().all(|count| *count > 0),
        "a limit is switched off"
    );
    let times = [
        limits.handshake_timeout,
        limits.header_timeout,
        limits.request_timeout,
        limits.connection_age,
        limits.drain_timeout,
    ];
    ensure!(
        times.iter().all(|time| !time.is_zero()),
        "a timeout is switched off"
    );
    for rate in [limits.network, limits.workload, limits.user] {
        ensure!(
            rate.requests > 0 && !rate.per.is_zero(),
            "a rate is switched off"
        );
    }
    ensure!(
        config.audit.queue > limits.requests,
        "a request has no place in the trail"
    );
    let (folder, checkpoints) = (&config.audit.folder, &config.audit.checkpoints);
    ensure!(!folder.starts_with(checkpoints) && !checkpoints.starts_with(folder));
    ensure!(config.database.is_some() == (layer == Layer::System));
    ensure!(config.tokens.is_some() == (layer == Layer::Experience));
    let leeway = config.tokens.as_ref().map(|tokens| tokens.leeway.as_secs());
    ensure!(leeway.is_none_or(|leeway| leeway <= MOST_LEEWAY));
    ensure!(layer == Layer::Experience || limits.redis.is_none());
    let upstreams: Vec<_> = config.upstreams.keys().map(String::as_str).collect();
    let declared: &[&str] = if layer == Layer::System {
        &[]
    } else {
        &["other-one"]
    };
    ensure!(upstreams == declared, "it knows {upstreams:?}");
    Ok(())
}
