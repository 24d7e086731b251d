//! The service's certificates and trust: loaded before anything else, taken over when they change.

use std::sync::Arc;

use strata_config::{Config, Environment, Manifest};
use strata_core::{Layer, TrustDomain, masking::Tokens};
use strata_release::KeyedTokens;
use strata_telemetry::MaterialMetrics;
use strata_tls::{MASK_KEY, Material, MaterialError, Reload, Trust};

use crate::{error::StartError, exemptions};

/// The material, trusted for exactly the layers that may call this one or that it may call, and for the
/// single services that are exempted from that.
pub(crate) fn load(
    manifest: &Manifest,
    environment: Environment,
    config: &Config,
) -> Result<Material, StartError> {
    let domains = |layers: &mut dyn Iterator<Item = Layer>| {
        layers
            .map(|layer| strata_config::trust_domain(layer, environment))
            .collect::<Result<Vec<TrustDomain>, _>>()
    };
    let own = strata_config::trust_domain(manifest.layer, environment)?.workload(&manifest.name)?;
    let trust = Trust {
        own,
        callers: domains(&mut manifest.layer.callers())?,
        callees: domains(&mut manifest.layer.callees())?,
        exempted: exemptions::trust(manifest, environment)?,
        accept_stale_crls: environment.accepts_stale_crls(),
    };
    Ok(Material::load(&config.tls.material, trust)?)
}

/// What makes tokens of values, with the key of the environment. It is read once: a new key is in force
/// after a restart, and makes other tokens.
pub(crate) fn tokens(config: &Config) -> Result<Arc<dyn Tokens>, StartError> {
    let file = config.tls.material.join(MASK_KEY);
    let text = strata_tls::read_private(&file)?;
    let tokens = KeyedTokens::parse(&text).map_err(|_| MaterialError::Invalid {
        file,
        problem: "holds no key of 32 bytes in base64: make one for the environment with `openssl rand \
                  -base64 32`",
    })?;
    Ok(Arc::new(tokens))
}

/// Takes over what changes in the folder, for ever, and tells of it.
pub(crate) async fn watch(material: Arc<Material>, metrics: MaterialMetrics) {
    metrics.expires(material.expires());
    let current = Arc::clone(&material);
    material
        .watch(move |outcome| match outcome {
            Ok(Reload::Unchanged) => {}
            Ok(Reload::Replaced) => {
                tracing::info!("new material is in force");
                metrics.reloaded("replaced");
                metrics.expires(current.expires());
            }
            Err(error) => {
                tracing::warn!(%error, "new material is refused: the last good one stays in force until it expires");
                metrics.reloaded("refused");
            }
        })
        .await;
}
