//! An Experience API of a copy of the repository that calls a System API: with the exemption of both
//! sides it works and each use is told; without either, or after the last day, it does not.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::Result;
use http::StatusCode;
use strata_config::{Environment, Expires};
use strata_estate::{Estate, Options, Profile, TokenRequest, build};
use strata_tests::{Answer, Counts, Edge};

use super::copy::{Copy, alone, succeeds};

const MANIFEST: &str = "experience-api/support-desk/service.toml";
const CALLERS: &str = "system-api/orders/policy/callers.toml";

/// What the support desk needs to take the orders from the order book itself: file, text, replacement.
const DIRECT: [(&str, &str, &str); 6] = [
    (
        "experience-api/support-desk/Cargo.toml",
        "strata-core.workspace = true\n",
        "proto-system-orders = { path = \"../../proto/system/orders\" }\nstrata-core.workspace = true\n",
    ),
    (
        "experience-api/support-desk/src/upstream.rs",
        "    overview: Upstream<CustomerOverviewServiceClient<Transport>>,\n}\n",
        "    overview: Upstream<CustomerOverviewServiceClient<Transport>>,\n    \
             orders: Upstream<proto_system_orders::v1::OrdersServiceClient<Transport>>,\n}\n",
    ),
    (
        "experience-api/support-desk/src/upstream.rs",
        "            overview: ctx.upstream()?,\n",
        "            overview: ctx.upstream()?,\n            orders: ctx.exempted()?,\n",
    ),
    (
        "experience-api/support-desk/src/upstream.rs",
        "    pub(crate) async fn search(",
        "    pub(crate) async fn orders(&self, call: &Call, customer_id: String) -> Result<usize, Error> {\n        \
             let request = proto_system_orders::v1::ListOrdersRequest {\n            \
                 customer_id,\n            ..Default::default()\n        };\n        \
             let response = self.orders.on_behalf_of(call).list_orders(request).await;\n        \
             let response = response.map_err(|status| from_status(&status))?;\n        \
             Ok(response.into_inner().orders.len())\n    }\n\n    \
         pub(crate) async fn search(",
    ),
    (
        "experience-api/support-desk/src/api.rs",
        "        let request = process::GetOverviewRequest {\n",
        "        let known = request.customer_id.clone();\n        \
         let known = self.upstreams.orders(&call, known).await?;\n        \
         let request = process::GetOverviewRequest {\n",
    ),
    (
        "experience-api/support-desk/src/api.rs",
        "overview.recent_orders.into_iter().map(order).collect()",
        "overview.recent_orders.into_iter().take(known.min(1)).map(order).collect()",
    ),
];

/// What one file of the copy is changed to.
fn change(copy: &Copy, file: &str, from: &str, to: &str) {
    let file = copy.workspace().root().join(file);
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains(from), "{} has no {from:?}", file.display());
    fs::write(file, text.replacen(from, to, 1)).unwrap();
}

fn terms(days: i64, separator: &str) -> String {
    let expires = format!("expires = \"{}\"", Expires::in_days(days));
    let owner = "owner = \"customer-care\"".to_owned();
    ["reason = \"a test\"".to_owned(), owner, expires].join(separator)
}

/// The caller's part, of so many days.
fn asked(days: i64) -> String {
    format!(
        "\n[[exemptions]]\nlayer = \"system\"\nservice = \"orders\"\nmethods = [\"ListOrders\"]\n{}\n",
        terms(days, "\n")
    )
}

/// The callee's.
fn granted(days: i64) -> String {
    format!(
        "\n[[callers]]\nlayer = \"experience\"\nservice = \"support-desk\"\n\
         methods = [\"ListOrders\"]\n\
         clearance = {{ sensitivity = \"confidential\", categories = [\"personal\", \"location\"] }}\n\
         exemption = {{ {} }}\n",
        terms(days, ", ")
    )
}

async fn start(copy: &Copy) -> Result<Estate> {
    let workspace = copy.workspace();
    let binaries = build(&workspace, Profile::Debug, |_| {}).await?;
    Estate::start(Options {
        workspace: &workspace,
        binaries: &binaries,
        environment: Environment::Dev,
        settings: &[],
        edge_port: None,
        progress: &mut |_| {},
    })
    .await
}

/// What an agent of the brand and region is shown of a customer, and what the order book counted of it.
async fn shown(estate: &Estate) -> (Answer, Counts) {
    let request = TokenRequest {
        username: "agent-7".to_owned(),
        scope: "overview:read orders:read".to_owned(),
        roles: vec!["agent".to_owned()],
        region: Some("uk".to_owned()),
        tenant: Some("teahouse".to_owned()),
        ..TokenRequest::default()
    };
    let token = estate.issuer().token(&request).unwrap();
    let edge = Edge::new(estate.edge_url("support-desk").unwrap(), estate.edge_ca());
    let answer = edge.get("/v1/customers/cus_000001/overview", &token);
    let answer = answer.await.unwrap();
    let orders = estate.service("orders").unwrap().admin;
    (answer, Counts::of(orders).await.unwrap())
}

/// What a start that fails says.
async fn refusal(copy: &Copy) -> String {
    match start(copy).await {
        Ok(estate) => {
            estate.stop().await;
            panic!("it has started");
        }
        Err(error) => format!("{error:#}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_past_a_layer_works_by_the_exemption_of_both_sides_alone() {
    // The same folder as for new services: what they have in common is built once.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("templates");
    let _alone = alone(&folder);
    let copy = Copy::at(&folder.join("estate")).await;
    let plain: BTreeMap<_, _> = [MANIFEST, CALLERS]
        .map(|file| {
            let text = fs::read_to_string(copy.workspace().root().join(file));
            (file, text.unwrap())
        })
        .into();
    let write = |file: &str, more: &str| {
        let text = plain.get(file).unwrap().to_owned() + more;
        fs::write(copy.workspace().root().join(file), text).unwrap();
    };
    for (file, from, to) in DIRECT {
        change(&copy, file, from, to);
    }

    // It compiles: a client is asked for in so many words. It does not start.
    let why = refusal(&copy).await;
    assert!(
        why.contains("the experience layer may not call `orders`"),
        "{why}"
    );

    write(MANIFEST, &asked(30));
    write(CALLERS, &granted(30));
    for document in ["graph", "data-map"] {
        let arguments = [document, "--write"];
        succeeds(&arguments, &copy.strata(&arguments));
    }
    let checked = copy.strata(&["check"]);
    succeeds(&["check"], &checked);
    let listed = String::from_utf8(checked.stdout).unwrap();
    let line = "experience-support-desk calls system-orders";
    assert!(listed.contains(line), "{listed}");

    let estate = start(&copy).await.unwrap();
    let desk = fs::read_to_string(&estate.service("support-desk").unwrap().log).unwrap();
    assert!(
        desk.contains("this service calls by an exemption"),
        "{desk}"
    );
    for times in 1..=2 {
        let (answer, orders) = shown(&estate).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        let recent = answer.body["recentOrders"].as_array().unwrap();
        assert_eq!(recent.len(), 1, "{answer:?}");
        assert_eq!(orders.events("exemption_used", "layer_passed_over"), times);
    }
    estate.stop().await;

    // The callee has not agreed, or not any more.
    for (callers, event, reason) in [
        ("", "peer_refused", "foreign_trust_domain"),
        (&*granted(-1), "call_refused", "exemption_expired"),
    ] {
        write(CALLERS, callers);
        let estate = start(&copy).await.unwrap();
        let (answer, orders) = shown(&estate).await;
        assert!(!answer.status.is_success(), "{answer:?}");
        assert!(orders.events(event, reason) > 0, "{event} {reason}");
        assert_eq!(orders.events("exemption_used", "layer_passed_over"), 0);
        estate.stop().await;
    }

    // Nor the caller.
    write(CALLERS, &granted(30));
    write(MANIFEST, &asked(-1));
    let why = refusal(&copy).await;
    assert!(why.contains("the exemption ended on"), "{why}");
}
