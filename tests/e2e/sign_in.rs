//! Policies that ask how a user signed in, at the edge and behind it.

use std::fs;

use http::StatusCode;
use serde_json::{Value, json};
use strata_config::{Environment, dns_name};
use strata_core::Layer;
use strata_tests::Rig;

use crate::{OVERVIEW, folder::copy_of, issuer::Issuer};

const LEVEL: &str = "urn:example:two-factors";

fn policy(conditions: &str) -> String {
    format!(
        "\n@id(\"strong-sign-in\")\n@review(\"2027-11-30\")\n\
         forbid (principal is User, action, resource)\nunless {{ {conditions} }};\n"
    )
}

/// A policy that demands a class of sign-in, a fresh one or little risk is answered by what the access
/// token says, at the edge and at the services behind it; where it says nothing, it refuses.
pub(crate) async fn a_policy_may_demand_how_a_user_signed_in(rig: &mut Rig) {
    let audience = dns_name(Layer::Experience, Environment::Dev, "storefront");
    let issuer = Issuer::start(&format!("https://{audience}")).await;
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    let strong = json!({
        "acr": LEVEL, "auth_time": now - 60, "amr": ["pwd", "otp"], "risk": 10,
    });
    let with = |name: &str, value: Value| {
        let mut claims = strong.clone();
        claims[name] = value;
        claims
    };
    let refused = [
        json!({}),
        with("acr", Value::Null),
        with("acr", json!("urn:example:password")),
        with("auth_time", Value::Null),
        with("auth_time", json!(now - 3600)),
        // Nobody has signed in tomorrow.
        with("auth_time", json!(now + 86_400)),
        with("amr", json!(["pwd"])),
        with("risk", json!(51)),
        with("risk", Value::Null),
    ];
    let policy = policy(&format!(
        "context.authentication.level == \"{LEVEL}\" && context.authentication.age <= 900 && \
         context.authentication.methods.contains(\"otp\") && context.risk <= 50"
    ));
    for demanding in ["storefront", "customer-overview"] {
        let folder = copy_of(rig, demanding);
        let file = folder.path().join("policy/access.cedar");
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text + &policy).unwrap();
        let launch = |service: &str| {
            let launch = rig.another(service).unwrap();
            if service == demanding {
                launch.folder(folder.path())
            } else {
                launch
            }
        };
        let overview = launch("customer-overview").start().await.unwrap();
        let storefront = launch("storefront")
            .set("STRATA_TOKENS__ISSUER", &issuer.url)
            .upstream("customer-overview", overview.address)
            .start()
            .await
            .unwrap();
        let edge = rig.edge("storefront").unwrap().at(storefront.address);
        let ask = async |claims: &Value| edge.get(OVERVIEW, &issuer.token(claims)).await.unwrap();
        let answer = ask(&strong).await;
        assert_eq!(answer.status, StatusCode::OK, "{demanding}: {answer:?}");
        for claims in &refused {
            let answer = ask(claims).await;
            assert!(
                answer.is_problem(StatusCode::FORBIDDEN),
                "{demanding}: {claims}: {answer:?}"
            );
        }
    }
}
