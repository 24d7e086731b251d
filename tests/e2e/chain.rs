//! A second process of every service, one calling the next, over the stores of the estate.

use std::time::Duration;

use strata_tests::{Edge, Instance, Launch, Rig, eventually};

use crate::planted::Collector;

/// For telemetry to be sent.
const PATIENCE: Duration = Duration::from_secs(90);

/// The processes a request passes through.
pub(crate) struct Chain {
    pub(crate) customers: Instance,
    pub(crate) orders: Instance,
    pub(crate) overview: Instance,
    pub(crate) storefront: Instance,
    pub(crate) desk: Instance,
    pub(crate) edge: Edge,
    desk_edge: Edge,
}

impl Chain {
    /// Starts them, each changed by `form`.
    pub(crate) async fn start(rig: &Rig, form: impl Fn(Launch) -> Launch) -> Self {
        let another = |service| form(rig.another(service).unwrap());
        let customers = another("customers").start().await.unwrap();
        let orders = another("orders").start().await.unwrap();
        let overview = another("customer-overview")
            .upstream("customers", customers.address)
            .upstream("orders", orders.address);
        let overview = overview.start().await.unwrap();
        let edge = |service| another(service).upstream("customer-overview", overview.address);
        let storefront = edge("storefront").start().await.unwrap();
        let desk = edge("support-desk").start().await.unwrap();
        Self {
            edge: rig.edge("storefront").unwrap().at(storefront.address),
            desk_edge: rig.edge("support-desk").unwrap().at(desk.address),
            customers,
            orders,
            overview,
            storefront,
            desk,
        }
    }

    /// The processes a customer's request passes through.
    pub(crate) fn processes(&self) -> [(&'static str, &Instance); 4] {
        [
            ("customers", &self.customers),
            ("orders", &self.orders),
            ("customer-overview", &self.overview),
            ("storefront", &self.storefront),
        ]
    }

    /// Every process.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&'static str, &Instance)> {
        self.processes()
            .into_iter()
            .chain([("support-desk", &self.desk)])
    }

    /// Every process, to be stopped.
    pub(crate) fn into_all(self) -> [(String, Instance); 5] {
        [
            ("storefront", self.storefront),
            ("support-desk", self.desk),
            ("customer-overview", self.overview),
            ("customers", self.customers),
            ("orders", self.orders),
        ]
        .map(|(name, process)| (name.to_owned(), process))
    }

    /// An Experience API of it, as its users see it.
    pub(crate) fn edge_of(&self, service: &str) -> &Edge {
        match service {
            "storefront" => &self.edge,
            _ => &self.desk_edge,
        }
    }

    /// What a collector was sent, once every process has told of what it answered.
    pub(crate) async fn traced(&self, collector: &Collector) -> String {
        let mut texts = Vec::new();
        let told = eventually(PATIENCE, async || {
            texts = collector.texts();
            Ok(texts.iter().all(Option::is_some))
        });
        told.await.unwrap();
        texts.into_iter().flatten().collect()
    }
}
