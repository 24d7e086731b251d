//! The rule as the compiler holds it: every real client is callable from the layers that may call
//! its service and from no other.

use std::marker::PhantomData;

use proto_experience_storefront::StorefrontContract;
use proto_experience_support_desk::SupportDeskContract;
use proto_process_customer_overview::v1::CustomerOverviewServiceClient;
use proto_system_customers::v1::CustomersServiceClient;
use proto_system_orders::v1::OrdersServiceClient;
use strata_core::{CallableFrom, Contract, Experience, Layer, Process, System, Tier};

/// Says whether `C` is callable from `L`: the inherent constant exists only where it is, and goes
/// before the trait's.
struct Callable<C, L>(PhantomData<(C, L)>);

impl<C: CallableFrom<L>, L: Tier> Callable<C, L> {
    const FROM: bool = true;
}

trait Otherwise {
    const FROM: bool = false;
}

impl<C, L> Otherwise for Callable<C, L> {}

/// The layers a contract is callable from, and the layers that may call it.
macro_rules! layers {
    ($contract:ty) => {{
        let callable = [
            (Callable::<$contract, System>::FROM, Layer::System),
            (Callable::<$contract, Process>::FROM, Layer::Process),
            (Callable::<$contract, Experience>::FROM, Layer::Experience),
        ];
        let callable = callable.into_iter().filter(|(is, _)| *is);
        let own = <$contract as Contract>::LAYER;
        (
            callable.map(|(_, layer)| layer).collect::<Vec<_>>(),
            own.callers().collect::<Vec<_>>(),
        )
    }};
}

#[test]
fn every_client_is_callable_from_exactly_the_layers_of_the_rule() {
    for (callable, allowed) in [
        layers!(CustomersServiceClient<()>),
        layers!(OrdersServiceClient<()>),
        layers!(CustomerOverviewServiceClient<()>),
        layers!(StorefrontContract),
        layers!(SupportDeskContract),
    ] {
        assert_eq!(callable, allowed);
    }
    let (callable, _) = layers!(CustomersServiceClient<()>);
    assert_eq!(callable, [Layer::Process]);
    let (callable, _) = layers!(StorefrontContract);
    assert_eq!(callable, []);
}

/// As a service asks for it.
#[test]
fn a_generic_context_accepts_what_may_be_called() {
    fn upstream<L: Tier, C: CallableFrom<L>>() -> &'static str {
        C::SERVICE
    }
    assert_eq!(
        upstream::<Process, CustomersServiceClient<()>>(),
        "customers"
    );
    assert_eq!(upstream::<Process, OrdersServiceClient<()>>(), "orders");
    assert_eq!(
        upstream::<Experience, CustomerOverviewServiceClient<()>>(),
        "customer-overview"
    );
}
