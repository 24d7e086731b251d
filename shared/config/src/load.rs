//! From files and variables to a checked configuration.

use std::{
    collections::BTreeMap,
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use figment::value::Dict;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use strata_core::Layer;

use crate::{
    environment::Environment,
    error::{ConfigError, Problem},
    estate::dns_name,
    manifest::Manifest,
    print,
    sections::{
        Admin, Audit, Cors, Database, Limits, Listen, Policy, Telemetry, Tls, Tokens, Upstream,
    },
    sources::Sources,
    validate::Validation,
};

const PREFIX: &str = "STRATA_";
const SELECTOR: &str = "STRATA_ENV";

/// Everything a service starts with, checked.
#[derive(Debug)]
pub struct Config {
    /// Where the service is served.
    pub listen: Listen,
    /// Where health and metrics are served.
    pub admin: Admin,
    /// The identity it runs under.
    pub tls: Tls,
    /// How the service's policies are taken.
    pub policy: Policy,
    /// Where its audit trail is kept.
    pub audit: Audit,
    /// What one process takes on at most.
    pub limits: Limits,
    /// Logs, traces, metrics.
    pub telemetry: Telemetry,
    /// Where each declared upstream is reached, by the callee's name: one for every call.
    pub upstreams: BTreeMap<String, Upstream>,
    /// The system of record: of every System API, and of no other.
    pub database: Option<Database>,
    /// Which access tokens are taken: for every Experience API, and for no other.
    pub tokens: Option<Tokens>,
    /// Whose scripts may read answers in a browser: of an Experience API alone.
    pub cors: Cors,
    sources: Sources,
    printed: String,
}

/// The same as files and variables write it.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sections {
    #[serde(default)]
    pub(crate) listen: Listen,
    #[serde(default)]
    pub(crate) admin: Admin,
    #[serde(default)]
    pub(crate) tls: Tls,
    #[serde(default)]
    pub(crate) policy: Policy,
    pub(crate) audit: Audit,
    #[serde(default)]
    pub(crate) limits: Limits,
    #[serde(default)]
    pub(crate) telemetry: Telemetry,
    #[serde(default)]
    pub(crate) upstreams: BTreeMap<String, Upstream>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) database: Option<Database>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tokens: Option<Tokens>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cors: Option<Cors>,
    #[serde(default)]
    pub(crate) settings: Dict,
}

impl Config {
    /// Reads `config/base.toml` below `folder`, over it `config/<environment>.toml`, over both
    /// the variables that start with `STRATA_`, where `__` separates a section from its key.
    /// Relative paths become absolute: they start at `folder`.
    ///
    /// # Errors
    /// [`ConfigError`] with everything that is wrong.
    pub fn load(
        folder: &Path,
        manifest: &Manifest,
        environment: Environment,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let sources = read(folder, manifest, environment, variables)?;
        let validation = Validation::new(&sources, manifest, environment);
        validation.sections_of_other_layers()?;
        let (sections, mut problems) = sources.extract::<Sections>(&[]);
        if let Some(sections) = &sections {
            problems.extend(validation.check(sections));
        }
        let Some(mut sections) = sections.filter(|_| problems.is_empty()) else {
            return Err(problems.into());
        };
        sections.resolve(folder)?;
        let printed = print::render(&sections, &sources)?;
        let upstreams = manifest.edges().filter_map(|edge| {
            Some((
                edge.service.to_owned(),
                sections.upstreams.get(&key(edge.service))?.clone(),
            ))
        });
        Ok(Self {
            upstreams: upstreams.collect(),
            listen: sections.listen,
            admin: sections.admin,
            tls: sections.tls,
            policy: sections.policy,
            audit: sections.audit,
            limits: sections.limits,
            telemetry: sections.telemetry,
            database: sections.database,
            tokens: sections.tokens,
            cors: sections.cors.unwrap_or_default(),
            sources,
            printed,
        })
    }

    /// The service's own keys, `[settings]`. `T` should deny unknown fields.
    ///
    /// # Errors
    /// [`ConfigError`] with everything that is wrong.
    pub fn settings<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        match self.sources.extract(&["settings"]) {
            (Some(settings), problems) if problems.is_empty() => Ok(settings),
            (_, problems) => Err(problems.into()),
        }
    }

    /// The configuration as it was loaded, in TOML that loads again. A comment on each line says
    /// where the value comes from; what looks like a secret is redacted.
    #[must_use]
    pub fn print(&self) -> &str {
        &self.printed
    }
}

impl Sections {
    /// Makes relative paths absolute, from the service's folder.
    fn resolve(&mut self, folder: &Path) -> Result<(), Problem> {
        let folder = std::path::absolute(folder).map_err(|error| {
            Problem::new(
                folder.display().to_string(),
                format!("not a folder: {}", error.kind()),
            )
        })?;
        self.tls.material = folder.join(&self.tls.material);
        self.audit.folder = folder.join(&self.audit.folder);
        self.audit.checkpoints = folder.join(&self.audit.checkpoints);
        if let Some(database) = &mut self.database {
            database.url = database.url_from(&folder);
        }
        if let Some(ca) = self.tokens.as_mut().and_then(|tokens| tokens.ca.as_mut()) {
            *ca = folder.join(&*ca);
        }
        Ok(())
    }
}

fn read(
    folder: &Path,
    manifest: &Manifest,
    environment: Environment,
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<Sources, ConfigError> {
    let mut sources = defaults(manifest, environment);
    let mut problems = Vec::new();
    for name in ["base", environment.as_str()] {
        let file: PathBuf = folder
            .join("config")
            .join(format!("{name}.toml"))
            .components()
            .collect();
        if let Err(problem) = file_text(&file).and_then(|text| sources.add_file(&file, &text)) {
            problems.push(problem);
        }
    }
    let mut variables: Vec<_> = variables
        .into_iter()
        .filter(|(name, _)| name.starts_with(PREFIX) && name != SELECTOR)
        .collect();
    variables.sort();
    for (name, text) in variables {
        let key = name.strip_prefix(PREFIX).unwrap_or_default();
        let key = key.to_ascii_lowercase().replace("__", ".");
        if key.split('.').any(str::is_empty) {
            problems.push(Problem::new(
                name,
                "names no key: use STRATA_<SECTION>__<KEY>",
            ));
        } else {
            sources.add_variable(name, key, text);
        }
    }
    if problems.is_empty() {
        Ok(sources)
    } else {
        Err(problems.into())
    }
}

/// What follows from the service's name, layer and environment.
fn defaults(manifest: &Manifest, environment: Environment) -> Sources {
    let mut sources = Sources::default();
    for edge in manifest.edges() {
        let endpoint = format!("{}:8443", dns_name(edge.layer, environment, edge.service));
        sources.add_default(
            &format!("upstreams.{}.endpoints", key(edge.service)),
            vec![endpoint],
        );
    }
    let state = format!("/var/lib/strata/{}-{}", manifest.layer, manifest.name);
    sources.add_default("audit.folder", format!("{state}/audit"));
    sources.add_default("audit.checkpoints", format!("{state}/checkpoints"));
    if manifest.layer == Layer::Experience {
        let own = dns_name(manifest.layer, environment, &manifest.name);
        let issuer = format!(
            "https://issuer.{environment}.{}",
            crate::estate::ORGANISATION
        );
        sources.add_default("tokens.issuer", issuer);
        sources.add_default("tokens.audience", format!("https://{own}"));
        sources.add_default("tokens.leeway", "5s".to_owned());
        sources.add_default("tokens.client_certificates", false);
    }
    sources
}

/// A service's name as a key: dashes are not possible in a variable's name.
pub(crate) fn key(service: &str) -> String {
    service.replace('-', "_")
}

fn file_text(file: &Path) -> Result<String, Problem> {
    fs::read_to_string(file).map_err(|error| {
        let what = match error.kind() {
            ErrorKind::NotFound => {
                "no such file: base.toml and one file per environment are needed, even if empty"
                    .to_owned()
            }
            kind => format!("cannot be read: {kind}"),
        };
        Problem::new(file.display().to_string(), what)
    })
}
