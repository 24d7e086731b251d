//! Changes of how a customer is reached: once for each key, and only one's own.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use prost::Message as _;
use proto_system_customers::v1::{Contact, UpdateContactRequest};
use serde_json::{Value, json};
use strata_testkit::{Credential, Probe};
use strata_tests::{Answer, Relay, Rig, eventually};
use tonic::{Code, Request, Status};

use crate::{CONTACT, OVERVIEW, stores::profile};

const PATIENCE: Duration = Duration::from_secs(5);

async fn change(rig: &Rig, customer: &str, body: &Value) -> Answer {
    let edge = rig.edge("storefront").unwrap();
    let token = rig.token(customer).unwrap();
    edge.patch(CONTACT, &token, body).await.unwrap()
}

fn to(email: &str, key: &str) -> Value {
    json!({ "email": email, "idempotencyKey": key })
}

/// How the store says a customer is reached.
async fn held(rig: &Rig, customer: &str) -> Value {
    let profile = profile(rig, customer).await;
    json!({ "email": profile["email"], "phone": profile["phone"] })
}

pub(crate) async fn a_customer_changes_how_they_are_reached(rig: &mut Rig) {
    let customer = "cus_000021";
    let before = held(rig, customer).await;
    let others = held(rig, "cus_000022").await;
    let email = json!("new.address@example.com");
    let phone = json!("+447700900999");
    for (body, expected) in [
        (
            json!({ "email": email, "idempotencyKey": "1" }),
            json!({ "email": email, "phone": before["phone"] }),
        ),
        (
            json!({ "phone": phone, "idempotency_key": "2" }),
            json!({ "email": email, "phone": phone }),
        ),
    ] {
        let answer = change(rig, customer, &body).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        assert_eq!(answer.body, expected);
        assert_eq!(held(rig, customer).await, expected);
    }
    let edge = rig.edge("storefront").unwrap();
    let token = rig.token(customer).unwrap();
    let seen = edge.get(OVERVIEW, &token).await.unwrap();
    assert_eq!(seen.body["profile"]["email"], email);
    assert_eq!(held(rig, "cus_000022").await, others);
}

pub(crate) async fn a_key_has_one_effect(rig: &mut Rig) {
    let customer = "cus_000023";
    let first = to("first@example.com", "key");
    let done = change(rig, customer, &first).await;
    assert_eq!(done.status, StatusCode::OK, "{done:?}");
    let second = change(rig, customer, &to("second@example.com", "another")).await;
    assert_eq!(second.status, StatusCode::OK, "{second:?}");
    let now = held(rig, customer).await;

    // Repeated, it gives the answer it gave and undoes nothing.
    let again = change(rig, customer, &first).await;
    assert_eq!((again.status, &again.body), (StatusCode::OK, &done.body));
    assert_eq!(held(rig, customer).await, now);
    // With other content it is none.
    for other in [
        to("third@example.com", "key"),
        json!({ "email": "first@example.com", "phone": "+447700900999", "idempotencyKey": "key" }),
    ] {
        let answer = change(rig, customer, &other).await;
        assert!(answer.is_problem(StatusCode::CONFLICT), "{answer:?}");
        assert_eq!(held(rig, customer).await, now);
    }
    // Another user's key is another.
    let others = change(rig, "cus_000024", &to("fourth@example.com", "key")).await;
    assert_eq!(others.body["email"], "fourth@example.com", "{others:?}");
}

pub(crate) async fn there_is_one_effect_when_the_connection_dies_after_the_commit(rig: &mut Rig) {
    let customer = "cus_000025";
    let token = rig.token(customer).unwrap();
    let relay = Relay::start(rig.estate.service("customers").unwrap().address);
    let relay = relay.await.unwrap();
    let overview = rig.another("customer-overview").unwrap();
    let overview = overview.upstream("customers", relay.address).start();
    let overview = overview.await.unwrap();
    let storefront = rig.another("storefront").unwrap();
    let storefront = storefront.upstream("customer-overview", overview.address);
    let storefront = storefront.start().await.unwrap();
    let edge = rig.edge("storefront").unwrap().at(storefront.address);
    let ask = async |body: &Value| edge.patch(CONTACT, &token, body).await.unwrap();
    assert_eq!(ask(&to("a@example.com", "a")).await.status, StatusCode::OK);

    relay.lose_answers();
    let lost = to("b@example.com", "b");
    let cutting = async {
        let committed = eventually(PATIENCE, async || {
            Ok(held(rig, customer).await["email"] == "b@example.com")
        });
        committed.await.unwrap();
        relay.cut();
    };
    let (answer, ()) = tokio::join!(ask(&lost), cutting);
    // The call was repeated on the way, and answered with what it had done.
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(answer.body["email"], "b@example.com");
    // Meanwhile it is changed again; a client that knows of no effect repeats its request.
    assert_eq!(ask(&to("c@example.com", "c")).await.status, StatusCode::OK);
    let again = ask(&lost).await;
    assert_eq!(again.status, StatusCode::OK, "{again:?}");
    assert_eq!(again.body["email"], "b@example.com");
    assert_eq!(held(rig, customer).await["email"], "c@example.com");
}

pub(crate) async fn a_wrong_change_is_named_and_changes_nothing(rig: &mut Rig) {
    let customer = "cus_000026";
    let honest = change(rig, customer, &to("right@example.com", "right")).await;
    assert_eq!(honest.status, StatusCode::OK, "{honest:?}");
    let before = held(rig, customer).await;
    for (body, field) in [
        (json!({ "email": "wrong@example.com" }), "idempotencyKey"),
        (to("wrong@example.com", "two words"), "idempotencyKey"),
        (to("nowhere", "1"), "email"),
        (json!({ "phone": "0170", "idempotencyKey": "2" }), "phone"),
        (json!({ "idempotencyKey": "3" }), "email, phone"),
        (
            json!({ "email": "wrong@example.com", "idempotencyKey": "4", "customerId": "cus_000001" }),
            "customerId",
        ),
    ] {
        let answer = change(rig, customer, &body).await;
        assert!(answer.is_problem(StatusCode::BAD_REQUEST), "{answer:?}");
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(detail.contains(field), "{detail}");
        assert_eq!(held(rig, customer).await, before);
    }
}

/// Past the Experience and Process APIs, which let nobody name a customer.
pub(crate) async fn a_write_to_anothers_record_is_like_one_to_a_missing(rig: &mut Rig) {
    let callee = rig.estate.service("customers").unwrap();
    let caller = &rig.estate.service("customer-overview").unwrap().id;
    let credential = Credential::honest(rig.estate.pki(), caller).unwrap();
    let write = async |customer: &str, role: &str| -> Result<Contact, Status> {
        let message = UpdateContactRequest {
            customer_id: customer.to_owned(),
            email: Some("mine@example.com".to_owned()),
            phone: None,
            idempotency_key: format!("{customer} as {role}").replace(' ', "-"),
        };
        let mut user = rig.principal("cus_000029");
        user.roles = vec![role.to_owned()];
        let mut request = Request::new(Bytes::from(message.encode_to_vec()));
        rig.act_for(&user, caller, request.metadata_mut().as_mut())
            .unwrap();
        let mut probe = Probe::new(rig.estate.pki(), callee.address, &credential).unwrap();
        let path = "/system.customers.v1.CustomersService/UpdateContact";
        Ok(Contact::decode(probe.call(path, request).await?).unwrap())
    };
    // One's own, and for an agent those of the region.
    for (customer, role) in [("cus_000029", "customer"), ("cus_000033", "agent")] {
        assert_eq!(
            write(customer, role).await.unwrap().email,
            "mine@example.com"
        );
    }
    let missing = write("cus_800000", "customer").await.unwrap_err();
    assert_eq!(missing.code(), Code::NotFound);
    for (customer, role) in [("cus_000037", "customer"), ("cus_000030", "agent")] {
        let before = held(rig, customer).await;
        let refused = write(customer, role).await.unwrap_err();
        assert_eq!(refused.code(), missing.code());
        assert_eq!(refused.message(), missing.message());
        assert_eq!(held(rig, customer).await, before);
    }
}
