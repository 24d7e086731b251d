//! Whether the target may be attacked, and what that may cost it.

use std::{
    io::{BufRead as _, IsTerminal as _, stdin},
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use strata_estate::abuse::{Bounds, Target};

use crate::output;

/// The whole attack on one target.
pub(crate) const LONGEST: Duration = Duration::from_secs(600);
/// Requests of the one burst.
pub(crate) const BURST: usize = 3000;
/// Bytes of one flood.
pub(crate) const FLOOD: usize = 2 * 1024 * 1024;

/// What an attack may cost: this machine's own services are asked faster.
pub(crate) const fn bounds(loopback: bool) -> Bounds {
    Bounds {
        connections: 1000,
        pace: Duration::from_millis(if loopback { 25 } else { 100 }),
        answer: Duration::from_secs(20),
    }
}

/// Says what is about to be done. Outside this machine somebody must have agreed to it: `named` is the host
/// they named, and without it they are asked.
pub(crate) fn given(target: &Target, probes: usize, named: Option<&str>) -> Result<()> {
    let bounds = bounds(target.is_loopback());
    output::note(&format!(
        "attacking https://{} at {} and nothing else: {probes} probes, at most {} connections, {} a second, \
         one burst of {BURST} requests, floods of at most {} MiB each, {} minutes",
        target.authority(),
        target.address(),
        bounds.connections,
        1000 / bounds.pace.as_millis().max(1),
        FLOOD / (1024 * 1024),
        LONGEST.as_secs() / 60,
    ));
    if let Some(named) = named {
        ensure!(
            named == target.host(),
            "--yes names {named}, and the target is {}: name the host you may attack",
            target.host()
        );
        return Ok(());
    }
    if target.is_loopback() {
        return Ok(());
    }
    ensure!(
        stdin().is_terminal(),
        "{} is not this machine, and nobody is there to be asked: say `--yes {0}` if you may attack it",
        target.host()
    );
    output::note(&format!(
        "{} is not this machine: type its name if you may attack it",
        target.host()
    ));
    let mut typed = String::new();
    stdin()
        .lock()
        .read_line(&mut typed)
        .context("the terminal cannot be read")?;
    if typed.trim() != target.host() {
        bail!("nothing was sent: that is not the host's name");
    }
    Ok(())
}
