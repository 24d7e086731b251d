//! The support desk: agents, and the customers of their brand and region.

use http::StatusCode;
use serde_json::{Value, json};
use strata_tests::{Answer, Rig, TENANT};

use crate::{
    OVERVIEW,
    overview::expected,
    stores::{plain, summaries},
};

async fn ask(rig: &Rig, path: &str, token: &str) -> Answer {
    let edge = rig.edge("support-desk").unwrap();
    edge.get(path, token).await.unwrap()
}

async fn overview(rig: &Rig, customer: &str, token: &str) -> Answer {
    ask(rig, &format!("/v1/customers/{customer}/overview"), token).await
}

/// Every page of a search: the customers found, at most `size` to a page.
async fn search(rig: &Rig, query: &str, size: usize, token: &str) -> Vec<Value> {
    let (mut found, mut next) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/customers?query={query}&pageSize={size}&pageToken={next}");
        let answer = ask(rig, &path, token).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        let page = answer.body["customers"].as_array();
        let page = page.cloned().unwrap_or_default();
        assert!(page.len() <= size);
        found.extend(page);
        next = answer.body["nextPageToken"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        if next.is_empty() {
            return found;
        }
    }
}

/// What the search must find, from the store alone.
fn matching(all: &[Value], region: &str, query: &str) -> Vec<Value> {
    let text = |customer: &Value, field: &str| customer[field].as_str().unwrap().to_lowercase();
    let matches = |customer: &&Value| {
        customer["region"] == region
            && (text(customer, "fullName").contains(query)
                || text(customer, "email").starts_with(query))
    };
    all.iter().filter(matches).cloned().collect()
}

pub(crate) async fn a_supervisor_sees_the_customers_of_their_region(rig: &mut Rig) {
    for (region, customer) in [
        ("uk", "cus_000001"),
        ("de", "cus_000002"),
        ("ie", "cus_001000"),
    ] {
        let token = rig.supervisor_token(region).unwrap();
        let answer = overview(rig, customer, &token).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        let mut expected = expected(rig, customer).await;
        expected["profile"]["region"] = json!(region);
        assert_eq!(plain(&answer.body), plain(&expected), "{customer}");
        assert!(!answer.body["recentOrders"].as_array().unwrap().is_empty());
    }
}

/// The same customer, by who asks.
pub(crate) async fn an_agent_sees_less_than_the_customer(rig: &mut Rig) {
    let customer = "cus_000001";
    let storefront = rig.edge("storefront").unwrap();
    let token = rig.token(customer).unwrap();
    let own = storefront.get(OVERVIEW, &token).await.unwrap();
    assert_eq!(own.body.get("masked"), None);
    let seen = overview(rig, customer, &rig.agent_token(Some("uk")).unwrap()).await;
    assert_eq!(seen.status, StatusCode::OK, "{seen:?}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (profile, less) = (&own.body["profile"], &seen.body["profile"]);
    for same in ["customerId", "loyaltyTier", "customerSince"] {
        assert_eq!(less[same], profile[same], "{same}");
    }
    let (name, email, phone) = (
        text(&profile["fullName"]),
        text(&profile["email"]),
        text(&profile["phone"]),
    );
    assert_eq!(less["fullName"], format!("{}***", &name[..1]));
    let domain = email.split_once('@').unwrap().1;
    assert_eq!(less["email"], format!("***@{domain}"));
    assert_eq!(less["phone"], format!("****{}", &phone[phone.len() - 4..]));
    let postcode = text(&profile["address"]["postcode"]);
    let area = postcode.split(' ').next().unwrap();
    assert_eq!(less["address"]["postcode"], format!("{area} ***"));
    assert_eq!(less["address"]["street"], "");
    let (order, its) = (&own.body["recentOrders"][0], &seen.body["recentOrders"][0]);
    assert_eq!(
        (&its["orderId"], &its["status"]),
        (&order["orderId"], &order["status"])
    );
    assert_eq!(
        (&its["totalMinor"], &its["lines"][0]["description"]),
        (&json!("0"), &json!(""))
    );
    let masked = [
        "profile.address.city",
        "profile.address.postcode",
        "profile.address.street",
        "profile.email",
        "profile.fullName",
        "profile.phone",
        "recentOrders.lines.description",
        "recentOrders.lines.sku",
        "recentOrders.lines.unitPriceMinor",
        "recentOrders.totalMinor",
        "totals.lifetimeValueMinor",
    ];
    assert_eq!(seen.body["masked"], json!(masked));
}

/// A problem without what differs between any two: the trace.
fn timeless(answer: &Answer) -> Value {
    let mut body = answer.body.clone();
    body.as_object_mut().unwrap().remove("trace_id");
    body
}

pub(crate) async fn a_customer_of_another_region_is_like_a_missing_one(rig: &mut Rig) {
    let agent = rig.agent_token(Some("uk")).unwrap();
    let honest = overview(rig, "cus_000001", &agent).await;
    assert_eq!(honest.status, StatusCode::OK);
    let missing = overview(rig, "cus_800000", &agent).await;
    assert!(missing.is_problem(StatusCode::NOT_FOUND), "{missing:?}");
    let another = rig.agent_token(Some("de")).unwrap();
    let of_none = rig.agent_token(None).unwrap();
    let customer = rig.token("cus_000005").unwrap();
    for (token, customer) in [
        (&agent, "cus_000002"),
        (&another, "cus_000001"),
        (&of_none, "cus_000001"),
    ] {
        let answer = overview(rig, customer, token).await;
        assert!(answer.is_problem(StatusCode::NOT_FOUND), "{answer:?}");
        assert_eq!(timeless(&answer), timeless(&missing));
    }
    // The desk is for agents, whoever is asked about.
    for asked in ["cus_000001", "cus_000005", "cus_800000"] {
        let answer = overview(rig, asked, &customer).await;
        assert!(answer.is_problem(StatusCode::FORBIDDEN), "{answer:?}");
    }
}

pub(crate) async fn a_search_finds_the_customers_of_ones_region(rig: &mut Rig) {
    let all = summaries(rig, TENANT).await;
    for region in ["uk", "de"] {
        let token = rig.supervisor_token(region).unwrap();
        let someone = &matching(&all, region, "")[0];
        let name = someone["fullName"].as_str().unwrap().to_lowercase();
        let given = name.split(' ').next().unwrap();
        let email = someone["email"].as_str().unwrap();
        for (query, size) in [("", 100), (given, 2), (email, 20), ("no such name", 20)] {
            let found = search(rig, &query.replace(' ', "+"), size, &token).await;
            assert_eq!(found, matching(&all, region, query), "{query}");
        }
        assert!(search(rig, email, 20, &token).await.contains(someone));
    }
}

pub(crate) async fn a_search_is_for_agents_of_a_region(rig: &mut Rig) {
    let path = "/v1/customers?query=a";
    let honest = ask(rig, path, &rig.agent_token(Some("uk")).unwrap()).await;
    assert_eq!(honest.status, StatusCode::OK);
    for token in [rig.agent_token(None), rig.token("cus_000001")] {
        let answer = ask(rig, path, &token.unwrap()).await;
        assert!(answer.is_problem(StatusCode::FORBIDDEN), "{answer:?}");
    }
    // Which region is searched is no question a user can ask.
    let token = rig.agent_token(Some("uk")).unwrap();
    let answer = ask(rig, "/v1/customers?query=a&region=de", &token).await;
    assert!(answer.is_problem(StatusCode::BAD_REQUEST), "{answer:?}");
}
