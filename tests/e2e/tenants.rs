//! Two brands of one organisation: who is of one sees nothing of the other, not even what is there.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use prost::Message as _;
use proto_system_customers::v1::Customer;
use serde_json::Value;
use strata_core::Principal;
use strata_estate::pki::LeafSpec;
use strata_testkit::{Credential, Probe, TransactionToken};
use strata_tests::{Answer, Rig, TENANT};
use tonic::{Code, Request};

use crate::{
    ORDERS, OVERVIEW,
    release::{GET, call, get},
    stores::{open, summaries},
};

/// The other brand.
pub(crate) const OTHER: &str = "roastery";
/// Customers of region uk, of either brand, and one there is not.
pub(crate) const OWN: &str = "cus_000001";
pub(crate) const ANOTHERS: &str = "cus_000005";
pub(crate) const MISSING: &str = "cus_800000";

fn supervisor(rig: &Rig, tenant: Option<&str>) -> String {
    let roles = ["agent", "supervisor"];
    rig.token_in("agent-1", &roles, Some("uk"), tenant).unwrap()
}

async fn desk(rig: &Rig, path: &str, token: &str) -> Answer {
    let edge = rig.edge("support-desk").unwrap();
    edge.get(path, token).await.unwrap()
}

async fn overview(rig: &Rig, customer: &str, token: &str) -> Answer {
    desk(rig, &format!("/v1/customers/{customer}/overview"), token).await
}

/// An answer without what differs between any two: its trace, when it was made and what is left of a quota.
fn told(answer: Answer) -> (StatusCode, HeaderMap, Value) {
    let Answer {
        status,
        mut headers,
        mut body,
    } = answer;
    body.as_object_mut().unwrap().remove("trace_id");
    for differs in ["date", "ratelimit"] {
        headers.remove(differs);
    }
    (status, headers, body)
}

pub(crate) async fn a_customer_of_another_brand_is_like_a_missing_one(rig: &mut Rig) {
    for (tenant, own, anothers) in [(TENANT, OWN, ANOTHERS), (OTHER, ANOTHERS, OWN)] {
        let token = supervisor(rig, Some(tenant));
        let honest = overview(rig, own, &token).await;
        assert_eq!(honest.status, StatusCode::OK, "{honest:?}");
        assert_eq!(honest.body["profile"]["customerId"], own);
        let missing = overview(rig, MISSING, &token).await;
        assert!(missing.is_problem(StatusCode::NOT_FOUND), "{missing:?}");
        let answer = overview(rig, anothers, &token).await;
        assert_ne!(
            answer.status,
            StatusCode::OK,
            "a customer of another brand is answered"
        );
        assert_eq!(told(answer), told(missing));
    }
    // Who is of no brand reaches nobody's, and a name that is empty is none.
    let mut store = open(rig, "customers").await;
    let brandless = "UPDATE customers SET brand = '' WHERE customer_id = 'cus_000013'";
    sqlx::query(brandless).execute(&mut store).await.unwrap();
    for tenant in [None, Some(""), Some("Teahouse"), Some("cus_000001")] {
        let token = supervisor(rig, tenant);
        let missing = told(overview(rig, MISSING, &token).await);
        for customer in [OWN, ANOTHERS, "cus_000013"] {
            let answer = told(overview(rig, customer, &token).await);
            assert_eq!(answer, missing, "{tenant:?} {customer}");
        }
    }
    let branded = "UPDATE customers SET brand = 'roastery' WHERE customer_id = 'cus_000013'";
    sqlx::query(branded).execute(&mut store).await.unwrap();
}

/// Every page of a search, as it is answered.
async fn pages(rig: &Rig, query: &str, size: usize, token: &str) -> Vec<Value> {
    let (mut pages, mut next) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/customers?query={query}&pageSize={size}&pageToken={next}");
        let answer = desk(rig, &path, token).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        let token = answer.body["nextPageToken"].as_str();
        next = token.unwrap_or_default().to_owned();
        pages.push(answer.body);
        if next.is_empty() {
            return pages;
        }
    }
}

/// The customers on pages.
fn listed(pages: &[Value]) -> Vec<Value> {
    let pages = pages.iter().filter_map(|page| page["customers"].as_array());
    pages.flatten().cloned().collect()
}

/// The same search, before and after there are others of every name and address, one after each.
pub(crate) async fn a_search_shows_no_trace_of_another_brand(rig: &mut Rig) {
    let of = async |brand: &str| {
        let all = summaries(rig, brand).await;
        let there = |customer: &Value| customer["region"] == "uk";
        all.into_iter().filter(there).collect::<Vec<_>>()
    };
    let own = of(TENANT).await;
    let email = own[3]["email"].as_str().unwrap();
    let name = own[4]["fullName"].as_str().unwrap().replace(' ', "+");
    let text = |customer: &Value, field: &str| customer[field].as_str().unwrap().to_lowercase();
    let an = |customer: &&Value| {
        text(customer, "fullName").contains("an") || text(customer, "email").starts_with("an")
    };
    let matching = own.iter().filter(an).count();
    assert!((2..=100).contains(&matching), "{matching}");
    let searches = [
        ("", 7),
        ("", 100),
        // The last page is full, and one short of it.
        ("an", matching),
        ("an", matching - 1),
        (email, 1),
        (&name, 2),
        ("no+such+name", 20),
    ];
    let token = supervisor(rig, Some(TENANT));
    let seen = async || {
        let mut seen = Vec::new();
        for (query, size) in searches {
            seen.push(pages(rig, query, size, &token).await);
        }
        seen
    };
    let before = seen().await;
    assert_eq!(
        listed(&before[0]),
        own,
        "a search finds who is of another brand"
    );
    assert_eq!(before[0].len(), own.len().div_ceil(7));
    assert_eq!((before[2].len(), before[3].len()), (1, 2));

    let twins = "INSERT INTO customers SELECT customer_id || '-twin', given_name, family_name, email, \
        phone, street, city, postcode, country, birth_date, national_id, consent_email, consent_phone, \
        consent_updated_at, loyalty_tier, region, created_at, access_needs, payment_account, 'roastery' \
        FROM customers WHERE brand = 'teahouse' AND region = 'uk'";
    let mut store = open(rig, "customers").await;
    sqlx::query(twins).execute(&mut store).await.unwrap();
    let after = seen().await;
    let another = supervisor(rig, Some(OTHER));
    let theirs = pages(rig, email, 20, &another).await;
    let all = of(OTHER).await;
    let all_theirs = pages(rig, "", 100, &another).await;
    let removed = "DELETE FROM customers WHERE customer_id LIKE '%-twin'";
    sqlx::query(removed).execute(&mut store).await.unwrap();

    assert_eq!(after, before, "a search tells of another brand");
    let twin = listed(&theirs)[0]["customerId"].clone();
    assert!(twin.as_str().unwrap().ends_with("-twin"), "{twin}");
    assert_eq!(listed(&all_theirs), all);

    // Whoever is of no brand searches nothing, as whoever is of no region.
    for tenant in [None, Some("")] {
        let answer = desk(rig, "/v1/customers", &supervisor(rig, tenant)).await;
        assert!(answer.is_problem(StatusCode::FORBIDDEN), "{answer:?}");
    }
}

/// What is one's own is so whatever the token says of a brand, and a brand opens nothing else.
pub(crate) async fn a_customer_reaches_their_own_whatever_their_brand(rig: &mut Rig) {
    let edge = rig.edge("storefront").unwrap();
    for path in [OVERVIEW, ORDERS] {
        let honest = edge.get(path, &rig.token(OWN).unwrap()).await.unwrap();
        assert_eq!(honest.status, StatusCode::OK, "{honest:?}");
        for tenant in [Some(TENANT), Some(OTHER), Some("")] {
            let token = rig.token_in(OWN, &["customer"], Some("uk"), tenant);
            let answer = edge.get(path, &token.unwrap()).await.unwrap();
            assert_eq!(answer.body, honest.body, "{tenant:?}");
        }
    }
    let running = rig.estate.service("customers").unwrap();
    let user = Principal {
        roles: vec!["customer".to_owned()],
        ..rig.principal(OWN)
    };
    let from = ("customer-overview", running.address);
    let reach = async |id: &str| call(rig, from, GET, &user, get(id.to_owned())).await;
    reach(OWN).await.unwrap();
    // Of the same brand and region.
    for customer in ["cus_000009", ANOTHERS, MISSING] {
        let refused = reach(customer).await.unwrap_err();
        assert_eq!(refused.code(), Code::NotFound, "{customer}");
    }
}

/// A workload passes on whose call it is. What it writes beside that makes nobody of another brand.
pub(crate) async fn no_workload_says_of_which_brand_the_user_is(rig: &mut Rig) {
    let running = rig.estate.service("customers").unwrap();
    let caller = &rig.estate.service("customer-overview").unwrap().id;
    let pki = rig.estate.pki();
    let credential = Credential::honest(pki, caller).unwrap();
    let agent = |tenant: &str| Principal {
        roles: vec!["agent".to_owned()],
        tenant: Some(tenant.to_owned()),
        ..rig.principal("agent-7")
    };
    let ask = async |headers: HeaderMap| {
        let mut request = Request::new(Bytes::from(get(ANOTHERS.to_owned())));
        *request.metadata_mut().as_mut() = headers;
        let mut probe = Probe::new(pki, running.address, &credential).unwrap();
        let answer = probe.call(GET, request).await;
        answer.map_err(|status| status.code())
    };
    let of = |tenant: &str| {
        let mut headers = HeaderMap::new();
        let token = rig.transaction_token(caller, &agent(tenant)).unwrap();
        token.write(&mut headers).unwrap();
        headers
    };
    let honest = ask(of(OTHER)).await.unwrap();
    assert_eq!(Customer::decode(honest).unwrap().customer_id, ANOTHERS);
    assert_eq!(ask(of(TENANT)).await, Err(Code::NotFound));

    // All that can be said beside a token takes away.
    let user = agent(TENANT);
    let clearance = serde_json::to_string(&user.clearance).unwrap();
    let narrowing = [
        ("strata-scopes", user.scopes.join(" ")),
        ("strata-clearance", clearance),
    ];
    let narrowed = |tenant: &str, more: Option<&'static str>| {
        let mut headers = of(tenant);
        for (name, value) in &narrowing {
            headers.insert(*name, value.parse().unwrap());
        }
        let more = more.into_iter();
        headers.extend(more.map(|name| (Some(name.parse().unwrap()), OTHER.parse().unwrap())));
        headers
    };
    assert!(ask(narrowed(OTHER, None)).await.is_ok());
    for more in [
        None,
        Some("strata-tenant"),
        Some("strata-tctx"),
        Some("tenant"),
    ] {
        let answer = ask(narrowed(TENANT, more)).await;
        assert_eq!(answer, Err(Code::NotFound), "{more:?}");
    }

    // A token that says another brand than it was signed for, and one that a workload signed.
    let signed = |tenant: &str| {
        let text = rig.transaction_token(caller, &agent(tenant)).unwrap();
        let text = text.sign().unwrap();
        text.split('.').map(str::to_owned).collect::<Vec<_>>()
    };
    let (own, another) = (signed(TENANT), signed(OTHER));
    let mixed = [&*own[0], &*another[1], &*own[2]].join(".");
    let authority = pki.authority(caller.layer()).unwrap();
    let spec = LeafSpec::svid(caller, pki.environment());
    let by_workload = TransactionToken::signed_by(&authority, &spec, &agent(OTHER)).unwrap();
    for (what, token) in [
        ("changed", mixed),
        ("made by a workload", by_workload.sign().unwrap()),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert("txn-token", token.parse().unwrap());
        assert_eq!(ask(headers).await, Err(Code::Unauthenticated), "{what}");
    }
}
