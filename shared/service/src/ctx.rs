//! What a service is given to build itself from.

use std::{marker::PhantomData, sync::Arc};

use opentelemetry::metrics::Meter;
use serde::de::DeserializeOwned;
use strata_config::{Config, Database, Environment, Expires, Manifest};
use strata_core::{CallableFrom, ClientOver, System, Tier};
use strata_net::Callee;
use strata_telemetry::{Events, UpstreamMetrics};
use strata_tls::Material;

use crate::{
    error::StartError,
    stack,
    upstream::{Transport, Upstream},
    warm_up::Channels,
};

/// The context of a service in layer `L`. It is the only source of clients, and it gives a client
/// only for a contract that `L` may call, or that service.toml exempts.
pub struct Ctx<L> {
    pub(crate) manifest: Arc<Manifest>,
    pub(crate) environment: Environment,
    pub(crate) config: Arc<Config>,
    pub(crate) material: Arc<Material>,
    pub(crate) events: Events,
    pub(crate) meter: Meter,
    pub(crate) channels: Channels,
    pub(crate) layer: PhantomData<L>,
}

impl<L: Tier> Ctx<L> {
    /// A client of another service's contract, over mTLS, pinned to that service's SPIFFE ID.
    /// Connects now and whenever needed; the service is ready once it has, or has tried for a while.
    ///
    /// # Errors
    /// [`StartError::UndeclaredCall`] when service.toml does not declare the call.
    pub fn upstream<C>(&self) -> Result<Upstream<C>, StartError>
    where
        C: CallableFrom<L> + ClientOver<Transport>,
    {
        let edge = self.manifest.edge(C::LAYER, C::SERVICE);
        edge.ok_or(StartError::UndeclaredCall { callee: C::SERVICE })?;
        self.client(None)
    }

    /// As [`Self::upstream`], of a contract that the rule of the layers does not let `L` call: for as long
    /// as service.toml has an exemption for it. The callee must have one too.
    ///
    /// # Errors
    /// [`StartError::NotExempted`] when service.toml has none, which says what to do.
    pub fn exempted<C>(&self) -> Result<Upstream<C>, StartError>
    where
        C: ClientOver<Transport>,
    {
        let edge = self.manifest.edge(C::LAYER, C::SERVICE);
        let exemption = edge.and_then(|edge| edge.exemption);
        let exemption = exemption.ok_or(StartError::NotExempted {
            caller: L::LAYER,
            callee: C::SERVICE,
            layer: C::LAYER,
        })?;
        self.client(Some(exemption.expires))
    }

    fn client<C>(&self, expires: Option<Expires>) -> Result<Upstream<C>, StartError>
    where
        C: ClientOver<Transport>,
    {
        let upstream = self
            .config
            .upstreams
            .get(C::SERVICE)
            .ok_or(StartError::UndeclaredCall { callee: C::SERVICE })?;
        let callee =
            strata_config::trust_domain(C::LAYER, self.environment)?.workload(C::SERVICE)?;
        let metrics = UpstreamMetrics::new(&self.meter, C::SERVICE);
        let channel = strata_net::channel(Callee {
            name: C::SERVICE,
            endpoints: &upstream.endpoints,
            config: self.material.client_config(&callee),
            callees: self.material.callees(),
            calls: self.config.limits.upstream_requests,
            events: self.events.clone(),
            metrics: metrics.clone(),
        })?;
        self.channels.add(channel.clone());
        let exemption = expires.map(|day| (day, self.events.clone()));
        let stack = stack::client(C::SERVICE, C::METHODS, exemption, &metrics, channel);
        Ok(Upstream::new(stack))
    }

    /// The service's own `[settings]`; put `deny_unknown_fields` on `T`.
    ///
    /// # Errors
    /// [`StartError::Config`] naming the key.
    pub fn settings<T: DeserializeOwned>(&self) -> Result<T, StartError> {
        Ok(self.config.settings()?)
    }
}

impl Ctx<System> {
    /// Where the system of record is. Only a System API has one.
    ///
    /// # Errors
    /// [`StartError::Build`] when the configuration has no `[database]`.
    pub fn database(&self) -> Result<&Database, StartError> {
        self.config.database.as_ref().ok_or_else(|| {
            StartError::Build("the configuration has no [database]: add one to base.toml".into())
        })
    }
}
