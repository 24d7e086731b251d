//! A System API asks for a System client.

use std::marker::PhantomData;

use strata_core::{CallableFrom, Contract, Layer, Method, Process, System, Tier};

struct Ctx<L>(PhantomData<L>);

impl<L: Tier> Ctx<L> {
    fn upstream<C: CallableFrom<L>>(&self) {}
}

struct CustomersServiceClient;

impl Contract for CustomersServiceClient {
    const LAYER: Layer = Layer::System;
    const SERVICE: &'static str = "customers";
    const NAME: &'static str = "system.customers.v1.CustomersService";
    const METHODS: &'static [Method] = &[];
    const POLICY_SCHEMA: &'static str = "";
}

impl CallableFrom<Process> for CustomersServiceClient {}

fn main() {
    Ctx::<System>(PhantomData).upstream::<CustomersServiceClient>();
}
