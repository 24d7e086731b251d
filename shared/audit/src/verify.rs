//! The first record of a trail that is not as it was written.

mod checkpoints;
mod report;
mod walk;

use std::{io, path::Path};

use strata_core::{SpiffeId, TrustDomain};
use strata_tls::Auditors;

pub use self::report::{Finding, Problem, Report};
use self::{checkpoints::Claims, walk::Walk};

/// Verifies the trail in `folder` against the checkpoints in `checkpoints`, as one of the environment of
/// `domain`; of `service`, where it is known. Nothing is changed. The trail may be in use meanwhile.
///
/// # Errors
/// When a folder or file cannot be read at all. What is wrong with the trail is in the report.
pub fn verify(
    folder: &Path,
    checkpoints: &Path,
    auditors: &Auditors,
    domain: &TrustDomain,
    service: Option<&SpiffeId>,
) -> io::Result<Report> {
    let mut report = Report::default();
    // Before the trail, which grows: what is vouched for by now is there by then.
    let claims = Claims::files(checkpoints)?;
    let mut walk = Walk::begin(folder, domain, service)?;
    let Some(service) = walk.service(&mut report)? else {
        if !claims.is_empty() {
            report.find(Finding {
                file: folder.display().to_string(),
                sequence: None,
                offset: None,
                problem: Problem::NoTrail,
            });
        }
        return Ok(report);
    };
    let claims = claims.read(&service, auditors, &mut report);
    report.vouched = claims.last();
    walk.follow(&claims, &mut report)?;
    Ok(report)
}

#[cfg(test)]
mod tests;
