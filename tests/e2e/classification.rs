//! The table of docs/classification.md: what each role is shown of a value of each class, and that no
//! sink beside the answers holds any. It is made anew from real processes and compared.

use std::{collections::BTreeSet, fmt::Write as _, path::Path};

use http::StatusCode;
use prost::Message as _;
use proto_system_customers::v1::Customer;
use proto_system_orders::v1::{ListOrdersRequest, ListOrdersResponse};
use serde_json::Value;
use strata_core::{Authentication, Principal};
use strata_policy::Roles;
use strata_tests::Rig;

use crate::{
    OVERVIEW,
    chain::Chain,
    panicking,
    planted::{Collector, Output, Planted},
    release::{GET, call, get},
};

const PAPER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/classification.md");
const BEGIN: &str = "<!-- made by tests/e2e/classification.rs -->\n";
const END: &str = "<!-- end -->";
const LIST: &str = "/system.orders.v1.OrdersService/ListOrders";

/// A role, and where users have it.
struct Role {
    name: &'static str,
    edge: &'static str,
    held: &'static [&'static str],
}

const ROLES: [Role; 4] = [
    Role {
        name: "customer",
        edge: "storefront",
        held: &["customer"],
    },
    Role {
        name: "supervisor",
        edge: "support-desk",
        held: &["agent", "supervisor"],
    },
    Role {
        name: "agent",
        edge: "support-desk",
        held: &["agent"],
    },
    Role {
        name: "unlisted",
        edge: "storefront",
        held: &["visitor"],
    },
];

/// A value: its class, the name of it in what is planted, and its place in an overview.
const VALUES: [(&str, &str, &[&str]); 14] = [
    ("INTERNAL", "order", &["recentOrders", "orderId"]),
    ("INTERNAL PERSONAL", "customer", &["profile", "customerId"]),
    (
        "INTERNAL PERSONAL LOCATION",
        "country",
        &["profile", "address", "country"],
    ),
    ("CONFIDENTIAL PERSONAL", "given", &["profile", "fullName"]),
    ("CONFIDENTIAL PERSONAL", "email", &["profile", "email"]),
    ("CONFIDENTIAL PERSONAL", "phone", &["profile", "phone"]),
    (
        "CONFIDENTIAL PERSONAL",
        "description",
        &["recentOrders", "lines", "description"],
    ),
    (
        "CONFIDENTIAL PERSONAL",
        "total",
        &["recentOrders", "totalMinor"],
    ),
    (
        "CONFIDENTIAL PERSONAL LOCATION",
        "street",
        &["profile", "address", "street"],
    ),
    (
        "CONFIDENTIAL PERSONAL LOCATION",
        "postcode",
        &["profile", "address", "postcode"],
    ),
    ("CONFIDENTIAL PERSONAL SPECIAL_CATEGORY", "needs", &[]),
    ("CONFIDENTIAL PERSONAL PAYMENT", "account", &[]),
    ("RESTRICTED PERSONAL", "born", &[]),
    ("RESTRICTED PERSONAL", "document", &[]),
];

/// What one role is shown of each value, at the edge and at the hop below.
struct Shown {
    edge: Vec<String>,
    hop: Vec<String>,
}

/// A cell: the value, what is left of it, or that nothing is.
fn cell(seen: &str, planted: &str) -> String {
    match seen {
        "" | "0" => "nothing".to_owned(),
        seen if seen.contains(planted) => "whole".to_owned(),
        // Another in every environment.
        seen if seen.starts_with("tok_") => "a token".to_owned(),
        seen => format!("`{seen}`"),
    }
}

/// The value at a path; the first item stands for a list.
fn at<'a>(body: &'a Value, path: &[&str]) -> &'a Value {
    path.iter().fold(body, |value, name| {
        let value = &value[name];
        value.get(0).unwrap_or(value)
    })
}

fn token(rig: &Rig, role: &Role, customer: &str) -> String {
    let subject = if role.edge == "storefront" {
        customer
    } else {
        "agent-7"
    };
    rig.token_of(subject, role.held, "uk").unwrap()
}

fn path(role: &Role, customer: &str) -> String {
    match role.edge {
        "storefront" => OVERVIEW.to_owned(),
        _ => format!("/v1/customers/{customer}/overview"),
    }
}

/// What an overview shows, each cell checked against what the answer says is masked.
async fn at_the_edge(rig: &Rig, chain: &Chain, role: &Role, planted: &Planted) -> Vec<String> {
    let customer = planted.customer();
    let edge = chain.edge_of(role.edge);
    let (path, token) = (path(role, &customer), token(rig, role, &customer));
    let answer = edge.get(&path, &token).await.unwrap();
    assert_eq!(answer.status, StatusCode::OK, "{}: {answer:?}", role.name);
    let masked = answer.body["masked"].as_array().cloned();
    let masked = masked.unwrap_or_default();
    let shown = VALUES.iter().map(|(_, name, path)| {
        if path.is_empty() {
            return "not in it".to_owned();
        }
        let seen = at(&answer.body, path).as_str().unwrap_or_default();
        let cell = cell(seen, &planted.text(name));
        let place = Value::from(path.join("."));
        assert_eq!(masked.contains(&place), cell != "whole", "{place} {cell}");
        cell
    });
    shown.collect()
}

/// The user of a role as the edge hands them on.
fn user(rig: &Rig, role: &Role, customer: &str) -> Principal {
    let folder = &rig.estate.service(role.edge).unwrap().folder;
    let roles = Roles::load(&folder.join("policy/roles.toml")).unwrap();
    let held: Vec<_> = role.held.iter().map(|&held| held.to_owned()).collect();
    let own = role.edge == "storefront";
    Principal {
        subject: if own { customer } else { "agent-7" }.to_owned(),
        clearance: roles.clearance(&held),
        authentication: Authentication::default(),
        roles: held,
        ..rig.principal(customer)
    }
}

/// What the System APIs answer the Process API.
async fn at_a_hop(rig: &Rig, chain: &Chain, role: &Role, planted: &Planted) -> Vec<String> {
    let id = planted.customer();
    let user = user(rig, role, &id);
    let from = |address| ("customer-overview", address);
    let got = call(
        rig,
        from(chain.customers.address),
        GET,
        &user,
        get(id.clone()),
    );
    let customer = Customer::decode(got.await.unwrap()).unwrap();
    let list = ListOrdersRequest {
        customer_id: id,
        ..ListOrdersRequest::default()
    };
    let list = list.encode_to_vec();
    let listed = call(rig, from(chain.orders.address), LIST, &user, list).await;
    let listed = ListOrdersResponse::decode(listed.unwrap()).unwrap();
    let order = &listed.orders[0];
    let address = customer.address.unwrap_or_default();
    let shown = VALUES.iter().map(|(_, name, _)| {
        let seen = match *name {
            "order" => order.order_id.clone(),
            "customer" => customer.customer_id.clone(),
            "country" => address.country.clone(),
            "given" => customer.name.clone().unwrap_or_default().given,
            "email" => customer.email.clone(),
            "phone" => customer.phone.clone(),
            "description" => order.lines[0].description.clone(),
            "total" => order.total_minor.to_string(),
            "street" => address.street.clone(),
            "postcode" => address.postcode.clone(),
            "born" => customer.birth_date.clone(),
            "needs" => customer.access_needs.clone(),
            "account" => customer.payment_account.clone(),
            _ => customer.national_id.clone(),
        };
        cell(&seen, &planted.text(name))
    });
    shown.collect()
}

/// Has every service panic with all that was planted, after a request that was refused.
async fn panic(rig: &Rig, customers: &[Planted]) -> Vec<(&'static str, String)> {
    let said: Vec<_> = customers.iter().flat_map(Planted::secrets).collect();
    let said = said.join(" ");
    let mut sinks = Vec::new();
    for role in &ROLES {
        let process = panicking::launch(rig, role.edge, &said)
            .start()
            .await
            .unwrap();
        let edge = rig.edge(role.edge).unwrap().at(process.address);
        let customer = customers[0].customer();
        let (path, token) = (path(role, &customer), token(rig, role, &customer));
        let answer = edge.get(&path, &token).await.unwrap();
        assert!(
            answer.is_problem(StatusCode::INTERNAL_SERVER_ERROR),
            "{answer:?}"
        );
        let output = Output::of(&process).await;
        assert!(output.panics.contains("panicking.rs"), "{}", output.panics);
        let put_out = output.sinks().map(|(sink, text)| (sink, text.to_owned()));
        sinks.extend(put_out);
    }
    sinks
}

/// The table as what runs says it is.
fn table(shown: &[Shown], sinks: &BTreeSet<&str>, held: impl Fn(&str, &str) -> bool) -> String {
    let mut table = String::from("| class | value |");
    let ways = ["at the edge", "at a hop"];
    for way in ways {
        for role in &ROLES {
            let _infallible = write!(table, " {} {way} |", role.name);
        }
    }
    for sink in sinks {
        let _infallible = write!(table, " {sink} |");
    }
    table.push('\n');
    table.push_str(&"|---".repeat(2 + 2 * ROLES.len() + sinks.len()));
    table.push_str("|\n");
    for (at, (class, name, _)) in VALUES.iter().enumerate() {
        let _infallible = write!(table, "| {class} | {name} |");
        let edges = shown.iter().map(|shown| &shown.edge[at]);
        for cell in edges.chain(shown.iter().map(|shown| &shown.hop[at])) {
            let _infallible = write!(table, " {cell} |");
        }
        for sink in sinks {
            let cell = if held(name, sink) { "whole" } else { "never" };
            let _infallible = write!(table, " {cell} |");
        }
        table.push('\n');
    }
    table
}

pub(crate) async fn what_each_role_is_shown_is_what_the_table_says(rig: &mut Rig) {
    let collector = Collector::default();
    let chain = Chain::start(rig, |launch| {
        launch
            .set(
                "STRATA_TELEMETRY__LOG_FILTER",
                "debug,strata_middleware=trace",
            )
            .set("STRATA_TELEMETRY__OTLP_ENDPOINT", collector.url())
            .set("STRATA_TELEMETRY__SAMPLE_RATIO", "1")
    });
    let chain = chain.await;
    let (mut customers, mut shown) = (Vec::new(), Vec::new());
    for (number, role) in (1..).zip(&ROLES) {
        let planted = Planted::write(rig, number).await;
        shown.push(Shown {
            edge: at_the_edge(rig, &chain, role, &planted).await,
            hop: at_a_hop(rig, &chain, role, &planted).await,
        });
        // Refused too, so that there is a security event.
        let path = format!("/v1/{}", planted.customer());
        let refused = chain.edge_of(role.edge).get(&path, "none").await.unwrap();
        assert!(refused.is_problem(StatusCode::UNAUTHORIZED));
        customers.push(planted);
    }
    let mut outputs = panic(rig, &customers).await;
    for (_, process) in chain.all() {
        let output = Output::of(process).await;
        outputs.extend(output.sinks().map(|(sink, text)| (sink, text.to_owned())));
    }
    outputs.push(("trace", chain.traced(&collector).await));
    let sinks: BTreeSet<_> = outputs.iter().map(|(sink, _)| *sink).collect();
    assert_eq!(sinks.len(), 6);
    let made = table(&shown, &sinks, |name, sink| {
        let of_sink = outputs.iter().filter(|(known, _)| *known == sink);
        let texts: Vec<_> = of_sink.map(|(_, text)| text).collect();
        assert!(texts.iter().any(|text| !text.is_empty()), "{sink} is empty");
        let mut values = customers.iter().map(|planted| planted.text(name));
        values.any(|value| texts.iter().any(|text| text.contains(&value)))
    });
    for planted in customers {
        planted.remove(rig).await;
    }
    let paper = std::fs::read_to_string(Path::new(PAPER)).unwrap();
    let (_, rest) = paper.split_once(BEGIN).unwrap();
    let (written, _) = rest.split_once(END).unwrap();
    assert!(written == made, "docs/classification.md must hold:\n{made}");
}

/// Every class of an answer's value in the contracts stands in the table.
pub(crate) async fn every_class_has_its_row(rig: &mut Rig) {
    let rows: BTreeSet<_> = VALUES
        .iter()
        .map(|(class, ..)| (*class).to_owned())
        .collect();
    let classes = rig.contracts.classes();
    assert!(classes.len() >= 6, "{classes:?}");
    assert_eq!(*classes, rows);
}
