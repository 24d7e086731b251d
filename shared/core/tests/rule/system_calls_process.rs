//! A System API asks for a Process client.

use std::marker::PhantomData;

use strata_core::{CallableFrom, Contract, Layer, Method, Experience, System, Tier};

struct Ctx<L>(PhantomData<L>);

impl<L: Tier> Ctx<L> {
    fn upstream<C: CallableFrom<L>>(&self) {}
}

struct CustomerOverviewServiceClient;

impl Contract for CustomerOverviewServiceClient {
    const LAYER: Layer = Layer::Process;
    const SERVICE: &'static str = "customer-overview";
    const NAME: &'static str = "process.customer_overview.v1.CustomerOverviewService";
    const METHODS: &'static [Method] = &[];
    const POLICY_SCHEMA: &'static str = "";
}

impl CallableFrom<Experience> for CustomerOverviewServiceClient {}

fn main() {
    Ctx::<System>(PhantomData).upstream::<CustomerOverviewServiceClient>();
}
