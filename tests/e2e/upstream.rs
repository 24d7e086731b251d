//! An upstream that is who it must be and does what it must not.

use std::time::{Duration, Instant};

use http::StatusCode;
use strata_testkit::Credential;
use strata_tests::{CANARY, Edge, Instance, Manner, Relay, Rig, StandIn, eventually};

use crate::OVERVIEW;

/// Of each process here.
const DEADLINE: Duration = Duration::from_secs(2);
/// What answering may take beside it.
const SLACK: Duration = Duration::from_secs(2);
/// How long until the caller tries again an upstream it has given up.
const PATIENCE: Duration = Duration::from_secs(30);
/// What a client is told: ours to mend, or later.
const FAILURES: [StatusCode; 4] = [
    StatusCode::INTERNAL_SERVER_ERROR,
    StatusCode::BAD_GATEWAY,
    StatusCode::SERVICE_UNAVAILABLE,
    StatusCode::GATEWAY_TIMEOUT,
];

struct Faulty {
    relay: Relay,
    overview: Instance,
    storefront: Instance,
    edge: Edge,
}

impl Faulty {
    /// A chain whose customers can be swapped for another.
    async fn start(rig: &Rig) -> Self {
        let another = |service| {
            let launch = rig.another(service).unwrap();
            launch.set(
                "STRATA_LIMITS__REQUEST_TIMEOUT",
                format!("{}s", DEADLINE.as_secs()),
            )
        };
        let relay = Relay::start(rig.estate.service("customers").unwrap().address);
        let relay = relay.await.unwrap();
        let overview = another("customer-overview").upstream("customers", relay.address);
        let overview = overview.start().await.unwrap();
        let storefront = another("storefront").upstream("customer-overview", overview.address);
        let storefront = storefront.start().await.unwrap();
        let edge = rig.edge("storefront").unwrap().at(storefront.address);
        Self {
            relay,
            overview,
            storefront,
            edge,
        }
    }
}

pub(crate) async fn an_upstream_that_answers_wrongly_is_contained(rig: &mut Rig) {
    let token = rig.token("cus_000001").unwrap();
    let honest = rig.estate.service("customers").unwrap();
    let credential = Credential::honest(rig.estate.pki(), &honest.id).unwrap();
    let faulty = Faulty::start(rig).await;
    let before = faulty.edge.get(OVERVIEW, &token).await.unwrap();
    assert_eq!(before.status, StatusCode::OK, "{before:?}");
    for manner in Manner::DISHONEST {
        let logged = faulty.overview.log().len();
        let stand_in = StandIn::answering(&credential, manner).await.unwrap();
        faulty.relay.lead_to(stand_in.address);

        let asked = Instant::now();
        let answer = faulty.edge.get(OVERVIEW, &token).await.unwrap();
        let took = asked.elapsed();
        assert!(!stand_in.received().is_empty(), "{manner:?} was not asked");
        let told = FAILURES.iter().any(|status| answer.is_problem(*status));
        assert!(told, "{manner:?}: {answer:?}");
        assert!(took < DEADLINE + SLACK, "{manner:?}: {took:?}");
        assert!(
            !format!("{answer:?}").contains(CANARY),
            "{manner:?}: {answer:?}"
        );

        for process in [&faulty.overview, &faulty.storefront] {
            assert!(process.is_ready().await.unwrap(), "{manner:?}");
            assert!(!process.log().contains(CANARY), "{manner:?}");
        }
        // Of one upstream no more than a line a second.
        let named = eventually(PATIENCE, async || {
            let log = faulty.overview.log();
            // The relay's own change of sides loses a connection too.
            let names = |line: &str| {
                line.contains("upstream=\"customers\"")
                    && !line.contains("a connection to an upstream was lost")
            };
            let is_named = log.get(logged..).is_some_and(|new| new.lines().any(names));
            if !is_named {
                faulty.edge.get(OVERVIEW, &token).await?;
            }
            Ok(is_named)
        });
        named
            .await
            .unwrap_or_else(|error| panic!("{manner:?} is not named: {error}"));
        faulty.relay.lead_to(honest.address);
        let back = eventually(PATIENCE, async || {
            let after = faulty.edge.get(OVERVIEW, &token).await?;
            Ok(after.status == StatusCode::OK && after.body == before.body)
        });
        back.await
            .unwrap_or_else(|error| panic!("{manner:?}: {error}"));
    }
}
