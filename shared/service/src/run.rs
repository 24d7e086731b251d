//! From a checked configuration to a drained process.

use std::{io, marker::PhantomData, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use futures_util::future::join;
use strata_config::{Config, Environment, Manifest};
use strata_core::Tier;
use strata_net::Networks;
use strata_telemetry::{Identity, MaterialMetrics, Telemetry};
use tokio::net::{TcpListener, TcpSocket};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::{
    Ctx, Service, admin,
    announce::Announcement,
    audit, documents,
    error::{BuildError, StartError},
    material,
    networks::NetworkPolicy,
    service::Parts,
    signals::Signals,
    warm_up::Channels,
};

/// Connections that wait to be accepted: what comes at once beyond that is dropped by the operating
/// system, which tells neither side. It may have a lower bound of its own.
const BACKLOG: u32 = 4096;

/// Runs a service to its end, observed from the first to the last.
pub(crate) async fn run<L, B, F>(
    manifest: Manifest,
    environment: Environment,
    config: Config,
    announce: Option<PathBuf>,
    build: B,
) -> Result<Ended, StartError>
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
    if let Ok(Ended::AtOnce) = ended {
        return ended;
    }
    if let Some(telemetry) = Arc::into_inner(telemetry) {
        telemetry.shutdown().await;
    }
    ended
}

/// How a service ended.
#[derive(Clone, Copy)]
pub(crate) enum Ended {
    /// What was in flight completed, or had its time.
    Drained,
    /// A second signal came: nothing is waited for, not even a collector that takes the last spans
    /// and metrics. The log is written.
    AtOnce,
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
) -> Result<Ended, StartError>
where
    L: Tier,
    B: FnOnce(Ctx<L>) -> F,
    F: Future<Output = Result<Service<L>, BuildError>>,
{
    let (manifest, config) = (Arc::new(manifest), Arc::new(config));
    let material = Arc::new(material::load(&manifest, environment, &config)?);
    let tokens = material::tokens(&config)?;
    let channels = Channels::default();
    let networks = NetworkPolicy::load(environment)?;
    let service = build(Ctx {
        manifest: Arc::clone(&manifest),
        environment,
        config: Arc::clone(&config),
        material: Arc::clone(&material),
        events: telemetry.events(),
        meter: telemetry.meter(),
        channels: channels.clone(),
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

    // Each start begins a file: as late as can be.
    let (trail, keeper) = audit::open(&config, &material, &telemetry.events())?;
    let shutdown = CancellationToken::new();
    let admin_shutdown = CancellationToken::new();
    let ready = admin::Ready::new(trail.sound());
    let forwarded = config.listen.x_forwarded_for.as_ref();
    let (on_listener, readiness) = (service.prepare)(Parts {
        environment,
        config: &config,
        material: &material,
        tokens,
        trail: trail.clone(),
        telemetry,
        limits: strata_net::Limits {
            trusted_proxies: config.listen.trusted_proxies.clone(),
            http_proxies: forwarded.map_or_else(Vec::new, |it| it.proxies.clone()),
            ..limits(&config.limits, networks.listen())
        },
        shutdown: shutdown.clone(),
    })?;

    let mut signals = Signals::listen()?;
    let listener = bind("listen.address", config.listen.address)?;
    let admin_listener = bind("admin.address", config.admin.address)?;
    let address = listener.local_addr().map_err(StartError::Runtime)?;
    let admin_address = admin_listener.local_addr().map_err(StartError::Runtime)?;
    // Who cannot start has decided by nothing.
    documents::tell(&config, &telemetry.events());

    let admin = tokio::spawn(admin::run(
        admin_listener,
        limits(&config.limits, networks.admin()),
        ready.clone(),
        Arc::clone(telemetry),
        admin_shutdown.clone(),
    ));
    let metrics = MaterialMetrics::new(&telemetry.meter());
    let folder = config.tls.material.clone();
    let events = telemetry.events();
    let watching = material::watch(Arc::clone(&material), folder, metrics, events);
    let _watching = AbortOnDropHandle::new(tokio::spawn(watching));
    let recording = tokio::spawn(audit::watch(trail, telemetry.events()));
    let _recording = AbortOnDropHandle::new(recording);
    let _networks = AbortOnDropHandle::new(tokio::spawn(networks.watch(telemetry.events())));
    let mut serving = tokio::spawn(on_listener(listener));
    tokio::select! {
        _ = join(readiness, channels.warm_up()) => {
            ready.set(true);
            if let Some(file) = &announce {
                Announcement::new(material.id(), address, admin_address).write(file)?;
            }
            tracing::info!(%address, admin = %admin_address, id = %material.id(), "ready");
            signals.next().await;
        }
        () = signals.next() => {}
    }

    // Unready first: whoever balances load must look elsewhere before connections go away.
    ready.set(false);
    tracing::info!("draining");
    shutdown.cancel();
    let aborted = tokio::select! {
        drained = &mut serving => drained.map_or(0, |drained| drained.aborted),
        () = signals.next() => {
            tracing::warn!("a second signal: stopped at once");
            return Ok(Ended::AtOnce);
        }
    };
    admin_shutdown.cancel();
    // The admin task ends with its listener; a panic in it has been logged by the hook.
    let _ = admin.await;
    keeper.close().await;
    tracing::info!(aborted, "stopped");
    Ok(Ended::Drained)
}

/// What a handler that ends at its deadline has left to be heard.
const EXCHANGE_SLACK: Duration = Duration::from_secs(5);

fn limits(limits: &strata_config::Limits, networks: Networks) -> strata_net::Limits {
    strata_net::Limits {
        connections: limits.connections,
        connections_per_address: limits.connections_per_address,
        handshakes: limits.handshakes,
        handshakes_per_address: limits.handshakes_per_address,
        handshake_timeout: limits.handshake_timeout,
        concurrent_streams: limits.concurrent_streams,
        header_timeout: limits.header_timeout,
        exchange_timeout: limits.request_timeout + EXCHANGE_SLACK,
        connection_age: limits.connection_age,
        drain_timeout: limits.drain_timeout,
        trusted_proxies: Vec::new(),
        http_proxies: Vec::new(),
        networks,
    }
}

fn bind(key: &'static str, address: SocketAddr) -> Result<TcpListener, StartError> {
    listen(address).map_err(|source| StartError::Listen {
        key,
        address,
        source,
    })
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    // A restarted service must not wait for what its predecessor left in TIME_WAIT.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
