//! More than one process of a service, some of which go away.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use http::StatusCode;
use strata_tests::{Edge, Instance, Rig, eventually};
use tokio::task::JoinSet;

use crate::OVERVIEW;

/// Far above what anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// So many ask at once.
const USERS: usize = 8;

/// Two processes of customers, and what calls them.
struct Replicas {
    customers: [Instance; 2],
    overview: Instance,
    _storefront: Instance,
    edge: Edge,
    token: String,
}

impl Replicas {
    async fn start(rig: &Rig) -> Self {
        let customers = || rig.another("customers").unwrap().start();
        let customers = [customers().await.unwrap(), customers().await.unwrap()];
        let addresses = customers.each_ref().map(|instance| instance.address);
        let overview = rig.another("customer-overview").unwrap();
        let overview = overview
            .upstreams("customers", &addresses)
            .set("STRATA_LIMITS__REQUEST_TIMEOUT", "1s");
        let overview = overview.start().await.unwrap();
        let storefront = rig.another("storefront").unwrap();
        let storefront = storefront.upstream("customer-overview", overview.address);
        let storefront = storefront.start().await.unwrap();
        Self {
            edge: rig.edge("storefront").unwrap().at(storefront.address),
            token: rig.token("cus_000001").unwrap(),
            customers,
            overview,
            _storefront: storefront,
        }
    }
}

/// Users who ask without a pause until told to stop.
struct Traffic {
    asking: JoinSet<Vec<StatusCode>>,
    answered: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
}

impl Traffic {
    fn start(edge: &Edge, token: &str) -> Self {
        let (answered, stop) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let mut asking = JoinSet::new();
        for _ in 0..USERS {
            let (edge, token) = (edge.clone(), token.to_owned());
            let (count, stopped) = (Arc::clone(&answered), Arc::clone(&stop));
            asking.spawn(async move {
                let mut others = Vec::new();
                while !stopped.load(Ordering::SeqCst) {
                    match edge.get(OVERVIEW, &token).await.unwrap().status {
                        StatusCode::OK => _ = count.fetch_add(1, Ordering::SeqCst),
                        other => others.push(other),
                    }
                }
                others
            });
        }
        Self {
            asking,
            answered,
            stop,
        }
    }

    /// So many further requests are answered.
    async fn goes_on(&self, requests: usize) {
        let enough = self.answered.load(Ordering::SeqCst) + requests;
        let answered = eventually(PATIENCE, async || {
            Ok(self.answered.load(Ordering::SeqCst) >= enough)
        });
        answered.await.unwrap();
    }

    /// What was answered otherwise.
    async fn stop(self) -> Vec<StatusCode> {
        self.stop.store(true, Ordering::SeqCst);
        self.asking.join_all().await.concat()
    }
}

pub(crate) async fn a_killed_replica_costs_no_request(rig: &mut Rig) {
    let replicas = Replicas::start(rig).await;
    let traffic = Traffic::start(&replicas.edge, &replicas.token);
    traffic.goes_on(100).await;
    let [first, second] = &replicas.customers;
    first.kill().unwrap();
    traffic.goes_on(200).await;
    assert_eq!(traffic.stop().await, Vec::<StatusCode>::new());
    assert!(replicas.overview.log().contains(&first.address.to_string()));
    // What answered is the other, alone.
    second.kill().unwrap();
    let answer = replicas.edge.get(OVERVIEW, &replicas.token).await.unwrap();
    assert!(
        answer.is_problem(StatusCode::SERVICE_UNAVAILABLE),
        "{answer:?}"
    );
}

pub(crate) async fn a_hung_replica_is_left_out(rig: &mut Rig) {
    let replicas = Replicas::start(rig).await;
    let traffic = Traffic::start(&replicas.edge, &replicas.token);
    traffic.goes_on(100).await;
    let [first, _] = &replicas.customers;
    first.halt().unwrap();
    let left_out = eventually(PATIENCE, async || {
        Ok(replicas.overview.log().contains("an endpoint is left out"))
    });
    left_out.await.unwrap();
    traffic.goes_on(200).await;
    let others = traffic.stop().await;
    // Those that were stuck there, and few that tried it again.
    assert!(others.len() <= 4 * USERS, "{others:?}");
    first.resume().unwrap();
    let back = eventually(PATIENCE, async || {
        let answer = replicas.edge.get(OVERVIEW, &replicas.token).await?;
        Ok(answer.status == StatusCode::OK
            && replicas
                .overview
                .log()
                .contains("an endpoint is used again"))
    });
    back.await.unwrap();
}

pub(crate) async fn while_the_only_one_hangs_callers_hear_at_once(rig: &mut Rig) {
    let customers = rig.another("customers").unwrap().start().await.unwrap();
    let overview = rig.another("customer-overview").unwrap();
    let overview = overview
        .upstream("customers", customers.address)
        .set("STRATA_LIMITS__REQUEST_TIMEOUT", "1s");
    let overview = overview.start().await.unwrap();
    let storefront = rig.another("storefront").unwrap();
    let storefront = storefront.upstream("customer-overview", overview.address);
    let storefront = storefront.start().await.unwrap();
    let edge = rig.edge("storefront").unwrap().at(storefront.address);
    let token = rig.token("cus_000001").unwrap();
    let ask = async || edge.get(OVERVIEW, &token).await.unwrap().status;
    assert_eq!(ask().await, StatusCode::OK);

    customers.halt().unwrap();
    let asking: JoinSet<_> = (0..12)
        .map(|_| {
            let (edge, token) = (edge.clone(), token.clone());
            async move { edge.get(OVERVIEW, &token).await.unwrap().status }
        })
        .collect();
    for status in asking.join_all().await {
        assert_eq!(status, StatusCode::GATEWAY_TIMEOUT);
    }
    // At once: within a time in which none could wait for a deadline.
    let begun = Instant::now();
    let mut refused = 0;
    while begun.elapsed() < Duration::from_millis(400) {
        refused += usize::from(ask().await == StatusCode::SERVICE_UNAVAILABLE);
    }
    assert!(refused >= 5, "{refused}");
    assert!(overview.log().contains("most calls to an upstream fail"));

    customers.resume().unwrap();
    let back = eventually(PATIENCE, async || Ok(ask().await == StatusCode::OK));
    back.await.unwrap();
}

pub(crate) async fn services_start_in_any_order(rig: &mut Rig) {
    let spare = || {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let [overview, customers]: [SocketAddr; 2] = [spare(), spare()];
    let at = |service, address: SocketAddr| {
        let launch = rig.another(service).unwrap();
        launch.set("STRATA_LISTEN__ADDRESS", address.to_string())
    };
    let storefront = rig.another("storefront").unwrap();
    let storefront = storefront.upstream("customer-overview", overview);
    let storefront = storefront.start().await.unwrap();
    let edge = rig.edge("storefront").unwrap().at(storefront.address);
    let token = rig.token("cus_000001").unwrap();
    let ask = async || edge.get(OVERVIEW, &token).await.unwrap();
    assert!(ask().await.is_problem(StatusCode::SERVICE_UNAVAILABLE));
    let overview = at("customer-overview", overview).upstream("customers", customers);
    let overview = overview.start().await.unwrap();
    assert!(ask().await.is_problem(StatusCode::SERVICE_UNAVAILABLE));
    let customers = at("customers", customers).start().await.unwrap();
    let begun = Instant::now();
    let answered = eventually(PATIENCE, async || Ok(ask().await.status == StatusCode::OK));
    answered.await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5));
    // Once for the outage, not for each try.
    let log = storefront.log();
    assert_eq!(log.matches("cannot reach an upstream").count(), 1, "{log}");
    drop((overview, customers));
}
