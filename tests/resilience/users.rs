//! The users of every case: a mix of reads, a stream and writes over both edges.

use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http::{
    Method, Request,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use serde_json::json;
use strata_testkit::Dialer;
use strata_tests::{
    Rig,
    load::{Ask, Client, Load},
};

/// Requests per second.
pub(crate) const RATE: u32 = 500;
/// Connections to each edge.
const CONNECTIONS: usize = 4;
/// Customers whose requests these are: each writes to its own record.
const CUSTOMERS: u64 = 40;

/// A kind of request, how many of a hundred are of it, and the services it goes through.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    share: u64,
    pub(crate) through: &'static [&'static str],
}

/// Every kind. For each System API there is one that goes past it.
pub(crate) const KINDS: [Kind; 4] = [
    Kind {
        name: "overview",
        share: 70,
        through: &["storefront", "customer-overview", "customers", "orders"],
    },
    Kind {
        name: "stream",
        share: 10,
        through: &["storefront", "customer-overview", "orders"],
    },
    Kind {
        name: "contact",
        share: 10,
        through: &["storefront", "customer-overview", "customers"],
    },
    Kind {
        name: "desk",
        share: 10,
        through: &["support-desk", "customer-overview", "customers", "orders"],
    },
];

/// Lets the users loose on the estate.
pub(crate) fn load(rig: &Rig) -> Load {
    let address = |edge| rig.estate.service(edge).unwrap().address;
    load_of(rig, address("storefront"), address("support-desk"))
}

/// Lets the users loose on these Experience APIs.
pub(crate) fn load_of(rig: &Rig, storefront: SocketAddr, desk: SocketAddr) -> Load {
    let client = |address| {
        let dialer = Dialer::edge(&rig.estate.edge_ca(), &[b"h2"]).unwrap();
        Arc::new(Client::new(address, dialer, CONNECTIONS))
    };
    let (storefront, desk) = (client(storefront), client(desk));
    let customers: Vec<_> = (0..CUSTOMERS)
        .map(|number| {
            let customer = format!("cus_{:06}", number + 1);
            let token = rig.token(&customer).unwrap();
            (customer, token)
        })
        .collect();
    let agent = rig.agent_token(Some("uk")).unwrap();
    Load::start(RATE, move |number| {
        // 37 and 100 have no common divisor: the kinds come in turn, well mixed.
        let kind = kind(number * 37 % 100);
        let (_, token) = &customers[usize::try_from(number % CUSTOMERS).unwrap()];
        let send = |client: &Arc<Client>, method, path: &str, token: &str, body: String| {
            let request = Request::builder()
                .method(method)
                .uri(format!("https://localhost{path}"))
                .header(AUTHORIZATION, format!("Bearer {token}"))
                .header(CONTENT_TYPE, "application/json");
            Ask {
                kind: kind.name,
                client: Arc::clone(client),
                request: request.body(Bytes::from(body)).unwrap(),
                is_whole: if kind.name == "stream" { lines } else { object },
            }
        };
        let nothing = String::new();
        match kind.name {
            "stream" => send(
                &storefront,
                Method::GET,
                "/v1/me/orders.ndjson",
                token,
                nothing,
            ),
            "contact" => {
                let email = format!("number{number}@example.com");
                let key = format!("key-{number}");
                let body = json!({ "email": email, "idempotencyKey": key }).to_string();
                send(&storefront, Method::PATCH, "/v1/me/contact", token, body)
            }
            "desk" => send(
                &desk,
                Method::GET,
                "/v1/customers/cus_000001/overview",
                &agent,
                nothing,
            ),
            _ => send(&storefront, Method::GET, "/v1/me/overview", token, nothing),
        }
    })
}

fn kind(place: u64) -> &'static Kind {
    let mut below = 0;
    let mut kinds = KINDS.iter();
    let found = kinds.find(|kind| {
        below += kind.share;
        place < below
    });
    found.unwrap()
}

fn object(body: &[u8]) -> bool {
    body.starts_with(b"{") && body.ends_with(b"}")
}

/// An order on each line.
fn lines(body: &[u8]) -> bool {
    body.ends_with(b"}\n")
}
