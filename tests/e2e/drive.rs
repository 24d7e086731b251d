//! Every route and every method, as somebody who may and somebody who may not ask for it, well and
//! wrongly: to whatever end, and no failure tells anything of what it was about.

use std::{collections::BTreeSet, fs};

use bytes::Bytes;
use http::{StatusCode, header::AUTHORIZATION};
use prost::Message as _;
use proto_system_customers::v1::{GetCustomerRequest, UpdateContactRequest};
use serde_json::json;
use strata_core::Layer;
use strata_testkit::{Credential, Probe};
use strata_tests::{Answer, Edge, Instance, Rig};
use tonic::{Code, Request};

use crate::{CONTACT, ORDERS, OVERVIEW, STREAM, planted::Planted};

/// What a user makes up and sends: in headers, path, query and body.
pub(crate) const TYPED: &str = "typed-by-the-user";

/// Who asks at an Experience API.
pub(crate) struct Users {
    pub(crate) service: &'static str,
    /// Whoever may.
    user: String,
    /// The same without a scope.
    powerless: String,
    /// Whoever may ask for others than this customer.
    stranger: Option<String>,
}

impl Users {
    /// Of each Experience API.
    pub(crate) fn all(rig: &Rig, planted: &Planted) -> [Self; 2] {
        let (customer, none) = (planted.customer(), BTreeSet::new());
        [
            Self {
                service: "storefront",
                user: rig.token(&customer).unwrap(),
                powerless: rig.token_with(&customer, &none).unwrap(),
                stranger: None,
            },
            Self {
                service: "support-desk",
                user: rig.agent_token(Some("uk")).unwrap(),
                powerless: rig.agent_token_with(Some("uk"), &none).unwrap(),
                stranger: Some(rig.agent_token(Some("de")).unwrap()),
            },
        ]
    }

    pub(crate) fn tokens(&self) -> impl Iterator<Item = &String> {
        [&self.user, &self.powerless]
            .into_iter()
            .chain(&self.stranger)
    }

    fn routes(&self, planted: &Planted) -> Vec<String> {
        let of_customer = format!("/v1/customers/{}/overview", planted.customer());
        let search = format!("/v1/customers?query={}", planted.text("given"));
        match self.service {
            "storefront" => [OVERVIEW, ORDERS, STREAM].map(str::to_owned).to_vec(),
            _ => vec![of_customer, search],
        }
    }

    /// Drives every route, as somebody who may and somebody who may not ask for it, well and wrongly.
    /// `ends` is what the first is answered; `late` says that it fails when answers have begun.
    pub(crate) async fn drive(
        &self,
        edge: &Edge,
        planted: &Planted,
        (ends, late): (StatusCode, bool),
    ) {
        for route in self.routes(planted) {
            // What is wrong is told by its name, never by its value.
            let wrong = if route.contains('?') { "&" } else { "?" };
            let wrong = format!("{route}{wrong}unknown={TYPED}");
            for (path, token, expected) in [
                (&route, &self.user, ends),
                (&route, &format!("{}x", self.user), StatusCode::UNAUTHORIZED),
                (&route, &self.powerless, StatusCode::FORBIDDEN),
                (&wrong, &self.user, StatusCode::BAD_REQUEST),
            ] {
                if late && route == STREAM && expected == ends {
                    // Lines have no status but the one they began with: they break off.
                    let broken = edge.get(path, token).await.unwrap_err().to_string();
                    assert!(broken.contains("cannot be read"), "{broken}");
                    continue;
                }
                ask(edge, path, token, expected).await;
            }
        }
        let nowhere = format!("/v1/{TYPED}");
        ask(edge, &nowhere, &self.user, StatusCode::NOT_FOUND).await;
        if let Some(stranger) = &self.stranger {
            let missing = match ends {
                StatusCode::OK => StatusCode::NOT_FOUND,
                failure => failure,
            };
            ask(edge, &self.routes(planted)[0], stranger, missing).await;
        } else {
            self.change(edge, planted, ends).await;
        }
    }

    /// The route that takes a body.
    async fn change(&self, edge: &Edge, planted: &Planted, ends: StatusCode) {
        let (email, invalid) = (planted.text("email"), format!("{TYPED} and no address"));
        for (email, token, expected) in [
            (&email, &self.user, ends),
            (&email, &format!("{}x", self.user), StatusCode::UNAUTHORIZED),
            (&email, &self.powerless, StatusCode::FORBIDDEN),
            (&invalid, &self.user, StatusCode::BAD_REQUEST),
        ] {
            let change =
                json!({ "email": email, "phone": "+447700900123", "idempotencyKey": TYPED });
            let answer = edge.patch(CONTACT, token, &change).await.unwrap();
            // What fails before it looks at what it is sent does not know that it is wrong.
            let seen = answer.status == expected
                || (expected == StatusCode::BAD_REQUEST && answer.status == ends);
            assert!(seen, "{email}: {answer:?}");
            assert_tells_nothing(&answer);
        }
    }
}

async fn ask(edge: &Edge, path: &str, token: &str, expected: StatusCode) {
    let sent = edge.send(path, |request| {
        request
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .header("user-agent", TYPED)
            .header("cookie", format!("session={TYPED}"))
            .header("tracestate", "typed=typed-by-the-user")
            .header("x-request-id", TYPED)
    });
    let answer = sent.await.unwrap();
    assert_eq!(answer.status, expected, "{path} {answer:?}");
    assert_tells_nothing(&answer);
}

/// A problem repeats nothing of what was asked, nor of what it was about.
fn assert_tells_nothing(answer: &Answer) {
    if answer.status != StatusCode::OK {
        let told = format!("{:?} {}", answer.headers, answer.body);
        assert!(!told.to_lowercase().contains("kanarie"), "{told}");
        assert!(!told.contains(TYPED), "{told}");
    }
}

/// The methods of a service a caller may call, as its callers.toml says.
fn granted(rig: &Rig, service: &str, caller: &str) -> Vec<String> {
    let folder = &rig.estate.service(service).unwrap().folder;
    let file = fs::read_to_string(folder.join("policy/callers.toml")).unwrap();
    let file: toml::Table = file.parse().unwrap();
    let mut entries = file["callers"].as_array().unwrap().iter();
    let entry = entries.find(|entry| entry["service"].as_str() == Some(caller));
    let methods = entry.unwrap()["methods"].as_array().unwrap().iter();
    methods
        .map(|name| name.as_str().unwrap().to_owned())
        .collect()
}

/// Calls every method of a service under the identities of its callers, well and with what is no
/// message. `ends` is what the first is answered where it is granted.
pub(crate) async fn call(
    rig: &Rig,
    service: &str,
    process: &Instance,
    planted: &Planted,
    ends: Code,
) {
    let (layer, callers) = match service {
        "customer-overview" => (Layer::Process, ["storefront", "support-desk"].as_slice()),
        _ => (Layer::System, ["customer-overview"].as_slice()),
    };
    // What a customer or an order is asked by, or searched for: the first of every request.
    let asked = GetCustomerRequest {
        customer_id: planted.customer(),
    };
    let change = UpdateContactRequest {
        customer_id: planted.customer(),
        email: Some(planted.text("email")),
        phone: None,
        idempotency_key: TYPED.to_owned(),
    };
    for caller in callers {
        let grants = granted(rig, service, caller);
        let caller = &rig.estate.service(caller).unwrap().id;
        let credential = Credential::honest(rig.estate.pki(), caller).unwrap();
        let mut probe = Probe::new(rig.estate.pki(), process.address, &credential).unwrap();
        for method in rig.contracts.methods(layer, service) {
            let message = match method.name.as_str() {
                "UpdateContact" => change.encode_to_vec(),
                _ => asked.encode_to_vec(),
            };
            let is_granted = grants.contains(&method.name);
            for (bytes, expected) in [(message, ends), (vec![0xff], Code::InvalidArgument)] {
                let mut request = Request::new(Bytes::from(bytes));
                let user = rig.principal(&planted.customer());
                rig.act_for(&user, caller, request.metadata_mut().as_mut())
                    .unwrap();
                let status = probe.call(&method.path, request).await.unwrap_err();
                let told = format!("{status:?}");
                assert!(!told.contains(TYPED) && !told.contains("kanarie"), "{told}");
                let expected = if is_granted {
                    expected
                } else {
                    Code::PermissionDenied
                };
                assert_eq!(status.code(), expected, "{caller} {}: {told}", method.path);
            }
        }
    }
}
