//! A second process of every service, one calling the next, over the stores of the estate.

use strata_tests::{Edge, Instance, Launch, Rig};

/// The processes a request passes through.
pub(crate) struct Chain {
    pub(crate) customers: Instance,
    pub(crate) orders: Instance,
    pub(crate) overview: Instance,
    pub(crate) storefront: Instance,
    pub(crate) edge: Edge,
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
        let storefront = another("storefront").upstream("customer-overview", overview.address);
        let storefront = storefront.start().await.unwrap();
        let edge = rig.edge("storefront").unwrap().at(storefront.address);
        Self {
            customers,
            orders,
            overview,
            storefront,
            edge,
        }
    }

    /// Every process.
    pub(crate) fn processes(&self) -> [(&'static str, &Instance); 4] {
        [
            ("customers", &self.customers),
            ("orders", &self.orders),
            ("customer-overview", &self.overview),
            ("storefront", &self.storefront),
        ]
    }
}
