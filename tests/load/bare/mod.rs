//! The chain that the estate's cost is measured against: stock axum and tonic servers and channels
//! over plain tokio-rustls, four processes, the same store files, the same SQL, the same answers.
//! Nobody is checked, nothing is bounded, nothing is recorded: it must never serve anything else.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the stock servers are what is measured here, and nothing of this ships"
)]

mod chain;
mod customers;
mod orders;
mod overview;
mod storefront;
mod wire;

pub(crate) use chain::{Chain, SERVICES};

use std::{io::Read as _, path::PathBuf};

use anyhow::{Context as _, Result, bail};
use strata_config::Environment;
use strata_core::Layer;
use strata_tls::{Exempted, Material, Trust};

/// The first argument of a process of the bare chain; the second is the service.
pub(crate) const ROLE: &str = "bare";

/// What a process of the chain is given, in variables.
pub(crate) const MATERIAL: &str = "BARE_MATERIAL";
/// The store's URL.
pub(crate) const DATABASE: &str = "BARE_DATABASE";
/// The service's folder.
pub(crate) const FOLDER: &str = "BARE_FOLDER";
/// `<service>=<address>`, separated by commas.
pub(crate) const UPSTREAMS: &str = "BARE_UPSTREAMS";

/// Serves one service until stdin ends. Its address is the first line of stdout.
pub(crate) fn run(service: &str) -> Result<()> {
    // Whoever started this process holds its stdin, and lets go of it by ending.
    std::thread::spawn(|| {
        let _ended = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        match service {
            "customers" => customers::serve().await,
            "orders" => orders::serve().await,
            "customer-overview" => overview::serve().await,
            "storefront" => storefront::serve().await,
            other => bail!("the bare chain has no {other}"),
        }
    })
}

fn variable(name: &str) -> Result<String> {
    std::env::var(name).with_context(|| format!("{name} is not set"))
}

/// The certificates the estate's own service of that name has.
fn material(layer: Layer, service: &str) -> Result<Material> {
    let domain = |layer| strata_config::trust_domain(layer, Environment::Dev);
    let trust = Trust {
        own: domain(layer)?.workload(service)?,
        callers: layer.callers().map(domain).collect::<Result<_, _>>()?,
        callees: layer.callees().map(domain).collect::<Result<_, _>>()?,
        exempted: Exempted::default(),
        accept_stale_crls: true,
    };
    Ok(Material::load(&PathBuf::from(variable(MATERIAL)?), trust)?)
}
