//! Audit records for other programs. Only what was verified goes out: of a trail that is bent nothing, and of
//! one that is sound what a checkpoint vouches for.
//!
//! `otlp` says how OpenTelemetry has a record, `receiver` sends it to one.

mod otlp;
mod receiver;

use std::path::Path;

use anyhow::{Context as _, Result};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use strata_audit::{Found, Query, Report, event};
use strata_config::Environment;
use tokio::{sync::mpsc, task};

use self::otlp::Logs;
pub(crate) use self::receiver::Receiver;
use crate::output;

/// Requests that wait while one is sent: a trail can be larger than the memory.
const WAITING: usize = 2;

/// Where records go.
pub(crate) enum Outlet {
    /// Printed, each as an event of OCSF.
    Ocsf,
    /// Printed, many as a request of OTLP.
    Otlp,
    /// Sent.
    Receiver(Receiver),
}

impl Outlet {
    /// Takes every record of the trail in `folder` that `report`, of its verification, covers.
    pub(crate) async fn take(
        &mut self,
        environment: Environment,
        folder: &Path,
        report: &Report,
    ) -> Result<()> {
        let Some(vouched) = report.vouched.filter(|_| report.is_sound()) else {
            return Ok(());
        };
        let folder = folder.to_owned();
        if matches!(self, Self::Ocsf) {
            return verified(&folder, vouched, |found| output::json(&event(&found)));
        }
        let logs = Logs::of(environment, &report.service);
        let (sender, mut requests) = mpsc::channel(WAITING);
        let reading = task::spawn_blocking(move || read(&folder, vouched, logs, &sender));
        while let Some(request) = requests.recv().await {
            match self {
                Self::Receiver(receiver) => receiver.send(&request).await?,
                _ => output::json(&request)?,
            }
        }
        reading.await?
    }
}

fn read(
    folder: &Path,
    vouched: u64,
    mut logs: Logs,
    requests: &mpsc::Sender<ExportLogsServiceRequest>,
) -> Result<()> {
    let send = |request: Option<_>| match request {
        Some(request) => requests
            .blocking_send(request)
            .context("nobody takes them any more"),
        None => Ok(()),
    };
    verified(folder, vouched, |found| send(logs.push(&found)))?;
    send(logs.rest())
}

/// Gives `each` every record up to the last that is vouched for. What has been written since the verification
/// is for the next time.
fn verified(folder: &Path, vouched: u64, mut each: impl FnMut(Found) -> Result<()>) -> Result<()> {
    strata_audit::query(folder, &Query::All, |found| {
        if found.sequence > vouched {
            return Ok(());
        }
        each(found)
    })
}
