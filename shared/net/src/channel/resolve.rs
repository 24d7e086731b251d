//! Which addresses an upstream has, found out again and again.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use http::uri::Authority;
use tokio::{
    net::lookup_host,
    time::{sleep, timeout},
};
use tokio_util::task::AbortOnDropHandle;

use super::{endpoint::Endpoint, pool::Pool};
use crate::{connector::Connector, error::NetError};

/// Between two look-ups, give or take a fifth; sooner while a name has no address at all.
const INTERVAL: Duration = Duration::from_secs(10);
const INTERVAL_UNKNOWN: Duration = Duration::from_millis(500);

/// For one look-up.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);

/// Keeps an endpoint for each address there is.
pub(super) struct Resolver {
    names: Vec<Name>,
    pool: Arc<Pool>,
    connector: Connector,
    kept: BTreeMap<SocketAddr, AbortOnDropHandle<()>>,
}

/// What a configured endpoint leads to.
struct Name {
    text: String,
    is_literal: bool,
    addresses: Vec<SocketAddr>,
    is_failing: bool,
}

impl Resolver {
    pub(super) fn new(
        endpoints: &[String],
        pool: Arc<Pool>,
        connector: Connector,
    ) -> Result<Self, NetError> {
        let names = endpoints.iter().map(|endpoint| Name::parse(endpoint));
        Ok(Self {
            names: names.collect::<Result<_, _>>()?,
            pool,
            connector,
            kept: BTreeMap::new(),
        })
    }

    /// For ever.
    pub(super) async fn run(mut self) {
        loop {
            for name in &mut self.names {
                name.look_up(&self.pool.upstream).await;
            }
            self.update();
            if self.names.iter().all(|name| name.is_literal) {
                std::future::pending::<()>().await;
            }
            let is_unknown = self.names.iter().any(|name| name.addresses.is_empty());
            let interval = if is_unknown {
                INTERVAL_UNKNOWN
            } else {
                INTERVAL
            };
            sleep(interval.mul_f64(rand::random_range(0.8..=1.2))).await;
        }
    }

    fn update(&mut self) {
        let addresses = self.names.iter().flat_map(|name| &name.addresses);
        let addresses: BTreeSet<_> = addresses.copied().collect();
        let gone: Vec<_> = self
            .kept
            .extract_if(.., |address, _| !addresses.contains(address))
            .collect();
        for (address, _kept) in gone {
            tracing::info!(upstream = &*self.pool.upstream, %address, "an endpoint is gone");
            self.pool.remove(address);
        }
        for address in addresses {
            self.kept.entry(address).or_insert_with(|| {
                let endpoint = Arc::new(Endpoint::new(address));
                self.pool.insert(Arc::clone(&endpoint));
                let keeping = endpoint.keep(Arc::clone(&self.pool), self.connector.clone());
                AbortOnDropHandle::new(tokio::spawn(keeping))
            });
        }
    }
}

impl Name {
    fn parse(endpoint: &str) -> Result<Self, NetError> {
        let invalid = || NetError::Endpoint(endpoint.to_owned());
        let authority: Authority = endpoint.parse().map_err(|_| invalid())?;
        if authority.port_u16().is_none() || endpoint.contains('@') {
            return Err(invalid());
        }
        let literal = endpoint.parse().ok();
        Ok(Self {
            text: endpoint.to_owned(),
            is_literal: literal.is_some(),
            addresses: literal.into_iter().collect(),
            is_failing: false,
        })
    }

    /// What there was stays when nothing is found.
    async fn look_up(&mut self, upstream: &str) {
        if self.is_literal {
            return;
        }
        let found = timeout(LOOKUP_TIMEOUT, lookup_host(&self.text)).await;
        let found: std::io::Result<Vec<_>> = found
            .unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
            .map(Iterator::collect);
        let failure = match found {
            Ok(found) if !found.is_empty() => {
                self.addresses = found;
                self.is_failing = false;
                return;
            }
            Ok(_) => "no address".to_owned(),
            Err(error) => error.to_string(),
        };
        if !self.is_failing {
            let name = &self.text;
            tracing::warn!(
                upstream,
                name,
                error = failure,
                "an upstream's name is not found"
            );
        }
        self.is_failing = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_host_and_port() {
        assert!(Name::parse("127.0.0.1:1").unwrap().is_literal);
        assert!(Name::parse("[::1]:1").unwrap().is_literal);
        assert!(!Name::parse("customers.system:1").unwrap().is_literal);
        for bad in ["", "customers", "http://customers:1", "a@customers:1"] {
            assert!(Name::parse(bad).is_err(), "{bad}");
        }
    }
}
