//! A further process of each service, and stretches of network between them that a case can break.

use std::collections::BTreeMap;

use strata_tests::{Instance, Launch, Relay, Rig, load::Load};

use crate::users::load_of;

/// A process of each service, and the ways between them.
pub(crate) struct Ways {
    processes: BTreeMap<&'static str, Instance>,
    relays: BTreeMap<&'static str, Relay>,
}

impl Ways {
    /// Starts the processes, each changed by `form`, over the stores of the estate.
    pub(crate) async fn start(rig: &Rig, form: impl Fn(&str, Launch) -> Launch) -> Self {
        let mut ways = Self {
            processes: BTreeMap::new(),
            relays: BTreeMap::new(),
        };
        // Callees first.
        for (service, callees) in [
            ("customers", &[][..]),
            ("orders", &[]),
            ("customer-overview", &["customers", "orders"]),
            ("storefront", &["customer-overview"]),
            ("support-desk", &["customer-overview"]),
        ] {
            let mut launch = form(service, rig.another_for_many(service).unwrap());
            for callee in callees {
                launch = launch.upstream(callee, ways.to(callee).address);
            }
            let process = launch.start().await.unwrap();
            let relay = Relay::start(process.address).await.unwrap();
            ways.processes.insert(service, process);
            ways.relays.insert(service, relay);
        }
        ways
    }

    /// The way to a service.
    pub(crate) fn to(&self, service: &str) -> &Relay {
        &self.relays[service]
    }

    /// A process.
    pub(crate) fn process(&self, service: &str) -> &Instance {
        &self.processes[service]
    }

    /// Who calls a service.
    pub(crate) fn caller_of(&self, service: &str) -> &Instance {
        self.process(match service {
            "customer-overview" => "storefront",
            _ => "customer-overview",
        })
    }

    /// Lets the users loose on them.
    pub(crate) fn load(&self, rig: &Rig) -> Load {
        let address = |edge| self.process(edge).address;
        load_of(rig, address("storefront"), address("support-desk"))
    }

    /// Has every process end as it should.
    pub(crate) async fn stop(self) {
        for process in self.processes.into_values() {
            process.terminate().unwrap();
            process.ended().await.unwrap();
        }
    }
}
