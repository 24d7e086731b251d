//! `audit`: whether trails are as they were written, who did what, and the same for other programs.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};
use clap::{Subcommand, ValueEnum};
use http::Uri;
use serde::Serialize;
use strata_audit::{Found, Query, Report, ResourceKey};
use strata_config::{Environment, trust_domain};
use strata_core::{Layer, SpiffeId, TrustDomain};
use strata_estate::{ServiceSummary, Summary, Workspace};
use strata_tls::{Auditors, MASK_KEY};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    cli::{Format, environment},
    export::{Outlet, Receiver},
    output,
};

/// Verify the audit trails of services, ask them who did what, or export them
#[derive(clap::Args)]
#[command(after_help = "Example:\n  cargo strata audit verify")]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Find the first record of each trail that is not as it was written; exits with 1 when there is one
    #[command(after_help = "Examples:\n  cargo strata audit verify\n  \
        cargo strata audit verify --env prod --dir copy/audit --checkpoints copy/checkpoints \
        --material material/system-customers")]
    Verify {
        #[command(flatten)]
        place: Place,
        /// The folder of the checkpoints of the trail in --dir
        #[arg(long, value_name = "DIR", requires = "dir")]
        checkpoints: Option<PathBuf>,
        /// How to print it
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Show who did what: for and about one person, or everything in one transaction, across services
    #[command(
        after_help = "Examples:\n  cargo strata audit query --subject cus_000001\n  \
        cargo strata audit query --trace 4bf92f3577b34da6a3ce929d0e0e4736 --format json"
    )]
    Query {
        #[command(flatten)]
        place: Place,
        /// What this person did, and what was done with what bears this id
        #[arg(
            long,
            value_name = "ID",
            conflicts_with = "trace",
            required_unless_present = "trace"
        )]
        subject: Option<String>,
        /// The trace id of a request, 32 hex digits, as a problem document quotes it
        #[arg(long, value_name = "ID")]
        trace: Option<String>,
        /// How to print it
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Give every verified record to other programs: print them, or send them to a receiver of OTLP
    ///
    /// Of a trail that is bent nothing is given, and of one that is written what a checkpoint vouches for
    /// already. With --format otlp each line is a request of OTLP/JSON. Exits with 1 when a trail is bent, or
    /// the receiver has not taken all; what it has taken is sent again the next time, with the same service,
    /// time and number.
    #[command(
        after_help = "Examples:\n  cargo strata audit export --format ocsf > events.jsonl\n  \
        cargo strata audit export --format otlp > logs.jsonl\n  \
        cargo strata audit export --format otlp --endpoint http://127.0.0.1:4318/v1/logs"
    )]
    Export {
        #[command(flatten)]
        place: Place,
        /// The folder of the checkpoints of the trail in --dir
        #[arg(long, value_name = "DIR", requires = "dir")]
        checkpoints: Option<PathBuf>,
        /// The schema
        #[arg(long, value_enum, default_value_t = Schema::Ocsf)]
        format: Schema,
        /// Send them to this receiver of OTLP/HTTP instead of printing them; plain http on loopback only
        #[arg(long, value_name = "URL")]
        endpoint: Option<Uri>,
        /// PEM file of the CA that vouches for the receiver [default: the roots of the operating system]
        #[arg(long, value_name = "FILE", requires = "endpoint")]
        ca: Option<PathBuf>,
    },
}

/// Whose trails: those of the estate that `up` runs, unless a folder is named.
#[derive(clap::Args)]
struct Place {
    /// The environment they are of
    #[arg(long, value_parser = environment(), default_value_t = Environment::Dev)]
    env: Environment,
    /// The folder of a trail; may be repeated for `query`
    #[arg(long, value_name = "DIR", requires = "material")]
    dir: Vec<PathBuf>,
    /// A material folder of the environment, with what trails are verified and asked by: any service's
    #[arg(long, value_name = "DIR", requires = "dir")]
    material: Option<PathBuf>,
}

/// How other programs have a record.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Schema {
    /// OCSF 1.4.0, class API Activity (6003)
    Ocsf,
    /// Logs of OpenTelemetry; the body of each is the event of OCSF
    Otlp,
}

/// A trail, and what it is verified and asked by.
struct Trail {
    audit: PathBuf,
    checkpoints: PathBuf,
    material: PathBuf,
    service: Option<SpiffeId>,
}

impl Place {
    fn domain(&self) -> Result<TrustDomain> {
        Ok(trust_domain(Layer::System, self.env)?)
    }

    fn trails(&self, checkpoints: Option<PathBuf>) -> Result<Vec<Trail>> {
        let Some(material) = &self.material else {
            let estate = Summary::read(&Workspace::find()?, self.env)?;
            return estate.services.iter().map(|it| self.running(it)).collect();
        };
        let checkpoints = checkpoints.unwrap_or_default();
        let named = self.dir.iter().map(|dir| Trail {
            audit: dir.clone(),
            checkpoints: checkpoints.clone(),
            material: material.clone(),
            service: None,
        });
        Ok(named.collect())
    }

    fn running(&self, service: &ServiceSummary) -> Result<Trail> {
        let domain = self.domain()?.beside(service.layer);
        Ok(Trail {
            audit: service.audit(),
            checkpoints: service.checkpoints(),
            material: service.material.clone(),
            service: Some(domain.workload(&service.name)?),
        })
    }
}

pub(crate) async fn run(args: Args) -> Result<()> {
    match args.action {
        Action::Verify {
            place,
            checkpoints,
            format,
        } => verify(&place, checkpoints, format),
        Action::Query {
            place,
            subject,
            trace,
            format,
        } => query(&place, subject.as_deref(), trace.as_deref(), format),
        Action::Export {
            place,
            checkpoints,
            format,
            endpoint,
            ca,
        } => {
            let outlet = match (format, endpoint) {
                (Schema::Ocsf, None) => Outlet::Ocsf,
                (Schema::Otlp, None) => Outlet::Otlp,
                (Schema::Otlp, Some(endpoint)) => Outlet::Receiver(Receiver::at(endpoint, ca)),
                (Schema::Ocsf, Some(_)) => bail!("an endpoint takes OTLP: say --format otlp"),
            };
            export(&place, checkpoints, outlet).await
        }
    }
}

/// The trails, each with what came of verifying it.
fn reports(place: &Place, checkpoints: Option<PathBuf>) -> Result<Vec<(Trail, Report)>> {
    ensure!(
        place.dir.len() <= 1,
        "one trail is verified at a time: give one --dir, and its --checkpoints"
    );
    ensure!(
        place.dir.is_empty() || checkpoints.is_some(),
        "a trail is verified by its checkpoints: give --checkpoints with --dir"
    );
    let domain = place.domain()?;
    let trails = place.trails(checkpoints)?.into_iter();
    let reports = trails.map(|trail| {
        let auditors = Auditors::load(&trail.material, &domain)?;
        let service = trail.service.as_ref();
        let report = strata_audit::verify(
            &trail.audit,
            &trail.checkpoints,
            &auditors,
            &domain,
            service,
        );
        let report = report.with_context(|| format!("{} cannot be read", trail.audit.display()))?;
        Ok((trail, report))
    });
    reports.collect()
}

fn verify(place: &Place, checkpoints: Option<PathBuf>, format: Format) -> Result<()> {
    let reports = reports(place, checkpoints)?;
    if format == Format::Json {
        let reports: Vec<_> = reports.iter().map(|(_, report)| report).collect();
        output::pretty_json(&reports)?;
    } else {
        tell(&reports)?;
    }
    judge(&reports)
}

/// An error when a trail is bent.
fn judge(reports: &[(Trail, Report)]) -> Result<()> {
    let bent = reports.iter().filter(|(_, report)| !report.is_sound());
    match bent.count() {
        0 => Ok(()),
        1 => bail!("one audit trail is not as it was written: keep it as evidence"),
        count => bail!("{count} audit trails are not as they were written: keep them as evidence"),
    }
}

fn tell(reports: &[(Trail, Report)]) -> Result<()> {
    let rows = reports.iter().map(|(trail, report)| {
        let whose = match report.service.as_str() {
            "" => trail.audit.display().to_string(),
            service => service.to_owned(),
        };
        let verdict = if report.is_sound() { "sound" } else { "bent" };
        [
            whose,
            report.files.to_string(),
            report.records.to_string(),
            report.checkpoints.to_string(),
            verdict.to_owned(),
        ]
    });
    output::table(["trail", "files", "records", "checkpoints", "is"], rows)?;
    for (_, report) in reports {
        for finding in &report.findings {
            let what = match finding.sequence {
                Some(sequence) => format!("entry {sequence}"),
                None => "it".to_owned(),
            };
            let offset = finding.offset.unwrap_or_default();
            output::heading(&format!("{}, byte {offset}", finding.file))?;
            output::line(&format!("  {what} {}", finding.problem))?;
        }
        for remark in &report.remarks {
            output::line(&format!("{}: {remark}", report.service))?;
        }
    }
    Ok(())
}

/// A record, as it is shown.
#[derive(Serialize)]
struct Row {
    time: String,
    service: String,
    sequence: u64,
    trace: String,
    subject: String,
    via: String,
    action: String,
    resource_kind: String,
    released: strata_core::Label,
    verdict: &'static str,
    code: String,
    rule: String,
    #[serde(skip)]
    at: u64,
}

impl Row {
    fn of(found: &Found) -> Result<Self> {
        let record = &found.record;
        let time = OffsetDateTime::from_unix_timestamp_nanos(found.time.into())?;
        Ok(Self {
            time: time.format(&Rfc3339)?,
            service: found.service.clone(),
            sequence: found.sequence,
            trace: record.trace_text(),
            subject: record.subject.clone(),
            via: record.via.clone(),
            action: record.action.clone(),
            resource_kind: record.resource_kind.clone(),
            released: record.label(),
            verdict: found.verdict().as_str(),
            code: record.code.clone(),
            rule: record.rule.clone(),
            at: found.time,
        })
    }

    fn cells(self) -> [String; 7] {
        let outcome = match (self.code.as_str(), self.rule.as_str()) {
            ("OK", "") => self.verdict.to_owned(),
            (code, "") => format!("{}, {code}", self.verdict),
            (code, rule) => format!("{}, {code}: {rule}", self.verdict),
        };
        let released = format!("{:?}", self.released.sensitivity).to_lowercase();
        [
            self.time,
            short(&self.service),
            self.subject,
            short(&self.via),
            self.action,
            released,
            outcome,
        ]
    }
}

/// A SPIFFE ID as people call the service, `system/customers`: environment and organisation are the same
/// for all. Anything else stays as it is.
fn short(id: &str) -> String {
    let named = id.strip_prefix("spiffe://").and_then(|rest| {
        let (domain, service) = rest.split_once('/')?;
        let (layer, _) = domain.split_once('.')?;
        Some(format!("{layer}/{service}"))
    });
    named.unwrap_or_else(|| id.to_owned())
}

fn query(place: &Place, subject: Option<&str>, trace: Option<&str>, format: Format) -> Result<()> {
    let trace = trace.map(|trace| {
        let number = u128::from_str_radix(trace, 16).ok();
        let number = number.filter(|_| trace.len() == 32);
        number.with_context(|| format!("{trace} is no trace id: give 32 hex digits"))
    });
    let trace = trace.transpose()?;
    let mut rows = Vec::new();
    for trail in place.trails(None)? {
        let key = strata_tls::read_private(&trail.material.join(MASK_KEY))?;
        let key = ResourceKey::derived(&key);
        let what = match (subject, trace) {
            (Some(subject), _) => Query::Subject(subject, &key),
            (None, Some(trace)) => Query::Trace(trace),
            (None, None) => bail!("nothing is asked: give --subject or --trace"),
        };
        strata_audit::query(&trail.audit, &what, |found| {
            rows.push(Row::of(&found)?);
            anyhow::Ok(())
        })?;
    }
    rows.sort_by_key(|row| row.at);
    match format {
        Format::Json => output::pretty_json(&rows),
        Format::Text if rows.is_empty() => output::line("nothing found"),
        Format::Text => output::table(
            ["time", "service", "who", "via", "did", "held", "outcome"],
            rows.into_iter().map(Row::cells),
        ),
    }
}

async fn export(place: &Place, checkpoints: Option<PathBuf>, mut outlet: Outlet) -> Result<()> {
    let reports = reports(place, checkpoints)?;
    for (trail, report) in &reports {
        for remark in &report.remarks {
            output::note(&format!("{}: {remark}", report.service));
        }
        outlet.take(place.env, &trail.audit, report).await?;
    }
    if let Outlet::Receiver(receiver) = &outlet {
        output::line(&format!("{} records were taken", receiver.taken()))?;
    }
    judge(&reports)
}
