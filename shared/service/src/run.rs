//! From a checked configuration to a drained process.

use std::{marker::PhantomData, net::SocketAddr, path::PathBuf, sync::Arc};

use strata_config::{Config, Environment, Manifest};
use strata_core::{Layer, Tier, TrustDomain};
use strata_telemetry::{Identity, Telemetry};
use strata_tls::{Material, Trust};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Ctx, Service, admin,
    announce::Announcement,
    error::{BuildError, StartError},
    service::Parts,
};

/// Runs a service to its end, observed from the first to the last.
pub(crate) async fn run<L, B, F>(
    manifest: Manifest,
    environment: Environment,
    config: Config,
    announce: Option<PathBuf>,
    build: B,
) -> Result<(), StartError>
where
    L: Tier,
    B: FnOnce(Ctx<L>) -> F,
    F: Future<Output = Result<Service<L>, BuildError>>,
{
    let identity = Identity {
        service: manifest.name.clone(),
        layer: manifest.layer,
        environment,
    };
    let telemetry = Arc::new(Telemetry::start(&config.telemetry, &identity)?);
    let ended = serve(manifest, environment, config, announce, build, &telemetry).await;
    if let Some(telemetry) = Arc::into_inner(telemetry) {
        telemetry.shutdown().await;
    }
    ended
}

/// Everything that can be wrong is found before a port is bound; from then on the order is: serve,
/// ready, announce, signal, unready, drain.
async fn serve<L, B, F>(
    manifest: Manifest,
    environment: Environment,
    config: Config,
    announce: Option<PathBuf>,
    build: B,
    telemetry: &Arc<Telemetry>,
) -> Result<(), StartError>
where
    L: Tier,
    B: FnOnce(Ctx<L>) -> F,
    F: Future<Output = Result<Service<L>, BuildError>>,
{
    let (manifest, config) = (Arc::new(manifest), Arc::new(config));
    let material = Arc::new(load_material(&manifest, environment, &config)?);
    let service = build(Ctx {
        manifest: Arc::clone(&manifest),
        environment,
        config: Arc::clone(&config),
        material: Arc::clone(&material),
        events: telemetry.events(),
        layer: PhantomData,
    })
    .await
    .map_err(StartError::Build)?;
    if service.contract != manifest.name {
        return Err(StartError::Contract {
            declared: manifest.name.clone(),
            contract: service.contract,
        });
    }

    let shutdown = CancellationToken::new();
    let admin_shutdown = CancellationToken::new();
    let limits = limits(&config.limits);
    let ready = admin::Ready::default();
    let (on_listener, readiness) = (service.prepare)(Parts {
        environment,
        config: &config,
        material: &material,
        telemetry,
        limits: limits.clone(),
        shutdown: shutdown.clone(),
    })?;

    let mut terminate = signal(SignalKind::terminate()).map_err(StartError::Runtime)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(StartError::Runtime)?;
    let listener = bind("listen.address", config.listen.address).await?;
    let admin_listener = bind("admin.address", config.admin.address).await?;
    let address = listener.local_addr().map_err(StartError::Runtime)?;
    let admin_address = admin_listener.local_addr().map_err(StartError::Runtime)?;

    let admin = tokio::spawn(admin::run(
        admin_listener,
        limits,
        ready.clone(),
        Arc::clone(telemetry),
        admin_shutdown.clone(),
    ));
    let serving = tokio::spawn(on_listener(listener));
    tokio::select! {
        () = readiness => {
            ready.set(true);
            if let Some(file) = &announce {
                Announcement::new(material.id(), address, admin_address).write(file)?;
            }
            tracing::info!(%address, admin = %admin_address, id = %material.id(), "ready");
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        }
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }

    // Unready first: whoever balances load must look elsewhere before connections go away.
    ready.set(false);
    tracing::info!("draining");
    shutdown.cancel();
    let aborted = serving.await.map_or(0, |drained| drained.aborted);
    admin_shutdown.cancel();
    // The admin task ends with its listener; a panic in it has been logged by the hook.
    let _ = admin.await;
    tracing::info!(aborted, "stopped");
    Ok(())
}

fn limits(limits: &strata_config::Limits) -> strata_net::Limits {
    strata_net::Limits {
        connections: limits.connections,
        handshakes: limits.handshakes,
        handshake_timeout: limits.handshake_timeout,
        concurrent_streams: limits.concurrent_streams,
        header_timeout: limits.header_timeout,
        drain_timeout: limits.drain_timeout,
    }
}

async fn bind(key: &'static str, address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| StartError::Listen {
            key,
            address,
            source,
        })
}

/// The material, trusted for exactly the layers that may call this one or that it may call.
fn load_material(
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
    };
    Ok(Material::load(&config.tls.material, trust)?)
}
