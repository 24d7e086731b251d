//! Every service with handlers that panic, and say all they know doing it. The rest of each process is
//! real: this test program started again, over the folder of the service it stands for.

use std::{env, process::ExitCode};

use proto_experience_storefront::v1 as storefront;
use proto_experience_support_desk::v1 as desk;
use proto_process_customer_overview::v1 as overview;
use proto_system_customers::v1 as customers;
use proto_system_orders::v1 as orders;
use strata_core::{Call, Error, Experience, Process, System, Tier};
use strata_service::{App, BuildError, Ctx, Messages, Service};
use strata_tests::{Launch, Rig};
use tonic::{Request, Response, Status, codegen::BoxStream};

/// Which service the program is, when it is none of tests.
const SERVICE: &str = "E2E_PANICKING";
/// What its panics say.
const SAYING: &str = "E2E_SAYING";

/// A further process of `service` whose handlers panic with `text`.
pub(crate) fn launch(rig: &Rig, service: &str, text: &str) -> Launch {
    rig.another(service)
        .unwrap()
        .binary(&env::current_exe().unwrap())
        .set(SERVICE, service)
        .set(SAYING, text)
}

/// Runs the service this program was started as, if it was.
pub(crate) fn run() -> Option<ExitCode> {
    Some(match env::var(SERVICE).ok()?.as_str() {
        "customers" => serve::<System>(
            include_str!("../../system-api/customers/service.toml"),
            || Service::grpc(customers::CustomersServiceServer::new(Panicking)),
        ),
        "orders" => serve::<System>(include_str!("../../system-api/orders/service.toml"), || {
            Service::grpc(orders::OrdersServiceServer::new(Panicking))
        }),
        "customer-overview" => serve::<Process>(
            include_str!("../../process-api/customer-overview/service.toml"),
            || Service::grpc(overview::CustomerOverviewServiceServer::new(Panicking)),
        ),
        "storefront" => serve::<Experience>(
            include_str!("../../experience-api/storefront/service.toml"),
            || Service::edge(storefront::routes(Panicking)),
        ),
        _ => serve::<Experience>(
            include_str!("../../experience-api/support-desk/service.toml"),
            || Service::edge(desk::routes(Panicking)),
        ),
    })
}

fn serve<L: Tier>(manifest: &'static str, service: fn() -> Service<L>) -> ExitCode {
    let build = move |_: Ctx<L>| async move { Ok::<_, BuildError>(service()) };
    App::new(manifest, build).run()
}

struct Panicking;

fn panics<T>() -> T {
    panic!("{}", env::var(SAYING).unwrap())
}

/// Handlers of a gRPC contract: of one answer each, then of many.
macro_rules! grpc {
    ($contract:ident, $service:ident,
     [$($method:ident: $request:ident -> $answer:ident),+], [$($many:ident: $asked:ident -> $stream:ident of $item:ident),*]) => {
        #[tonic::async_trait]
        impl $contract::$service for Panicking {
            $(async fn $method(
                &self,
                _: Request<$contract::$request>,
            ) -> Result<Response<$contract::$answer>, Status> {
                panics()
            })+
            $(type $stream = BoxStream<$contract::$item>;
            async fn $many(
                &self,
                _: Request<$contract::$asked>,
            ) -> Result<Response<Self::$stream>, Status> {
                panics()
            })*
        }
    };
}

grpc!(
    customers,
    CustomersService,
    [
        get_customer: GetCustomerRequest -> Customer,
        search_customers: SearchCustomersRequest -> SearchCustomersResponse,
        update_contact: UpdateContactRequest -> Contact
    ],
    []
);
grpc!(
    orders,
    OrdersService,
    [
        get_order: GetOrderRequest -> Order,
        list_orders: ListOrdersRequest -> ListOrdersResponse
    ],
    [stream_orders: StreamOrdersRequest -> StreamOrdersStream of Order]
);
grpc!(
    overview,
    CustomerOverviewService,
    [
        get_overview: GetOverviewRequest -> Overview,
        list_orders: ListOrdersRequest -> ListOrdersResponse,
        search_customers: SearchCustomersRequest -> SearchCustomersResponse,
        update_contact: UpdateContactRequest -> Contact
    ],
    [stream_orders: StreamOrdersRequest -> StreamOrdersStream of Order]
);

impl storefront::StorefrontService for Panicking {
    async fn get_my_overview(
        &self,
        _: Call,
        _: storefront::GetMyOverviewRequest,
    ) -> Result<storefront::GetMyOverviewResponse, Error> {
        panics()
    }

    async fn list_my_orders(
        &self,
        _: Call,
        _: storefront::ListMyOrdersRequest,
    ) -> Result<storefront::ListMyOrdersResponse, Error> {
        panics()
    }

    async fn update_my_contact(
        &self,
        _: Call,
        _: storefront::UpdateMyContactRequest,
    ) -> Result<storefront::UpdateMyContactResponse, Error> {
        panics()
    }

    async fn stream_my_orders(
        &self,
        _: Call,
        _: storefront::StreamMyOrdersRequest,
    ) -> Result<Messages<storefront::Order>, Error> {
        panics()
    }
}

impl desk::SupportDeskService for Panicking {
    async fn get_customer_overview(
        &self,
        _: Call,
        _: desk::GetCustomerOverviewRequest,
    ) -> Result<desk::GetCustomerOverviewResponse, Error> {
        panics()
    }

    async fn search_customers(
        &self,
        _: Call,
        _: desk::SearchCustomersRequest,
    ) -> Result<desk::SearchCustomersResponse, Error> {
        panics()
    }
}
