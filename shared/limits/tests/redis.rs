//! Quotas over a real Redis, which comes and goes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    io::Write as _,
    net::{Ipv4Addr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::Registry;
use strata_config::Rate;
use strata_limits::{Quota, Redis};
use strata_telemetry::Events;
use tempfile::TempDir;

const INSTALL: &str = "apt-get install redis-server";

const HOUR: Duration = Duration::from_secs(3600);

/// A Redis on a port of its own, killed when dropped.
struct Server {
    port: u16,
    child: Child,
    _folder: TempDir,
}

impl Server {
    /// None where there is no such program, except in CI, which must not pass by testing nothing.
    fn start(port: u16) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let started = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no", "--dir"])
            .arg(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(child) = started else {
            assert!(
                std::env::var_os("CI").is_none(),
                "redis-server is missing: {INSTALL}"
            );
            let told = writeln!(
                std::io::stdout(),
                "SKIPPED: redis-server is missing: {INSTALL}"
            );
            assert!(told.is_ok());
            return None;
        };
        let server = Self {
            port,
            child,
            _folder: folder,
        };
        let begun = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(
                begun.elapsed() < Duration::from_secs(30),
                "redis-server does not start"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        Some(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    let any = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    any.local_addr().unwrap().port()
}

/// A replica: its own connection and its own count.
struct Replica {
    quota: Arc<Quota>,
    told: Registry,
    _meters: SdkMeterProvider,
}

impl Replica {
    fn new(port: u16, rate: Rate, share: f64) -> Self {
        let told = Registry::new();
        let exporter = opentelemetry_prometheus::exporter()
            .with_registry(told.clone())
            .build()
            .unwrap();
        let meters = SdkMeterProvider::builder().with_reader(exporter).build();
        let events = Events::new(&meters.meter("test"));
        let url = format!("redis://127.0.0.1:{port}");
        let redis = Redis::new(&url, "test:".to_owned(), share, events).unwrap();
        Self {
            quota: Arc::new(Quota::shared(rate, Arc::new(redis), "app".to_owned())),
            told,
            _meters: meters,
        }
    }

    /// How many outages it told of.
    fn outages(&self) -> f64 {
        self.told("limits_unshared")
    }

    /// How many events of a kind it told.
    fn told(&self, event: &str) -> f64 {
        let families = self.told.gather();
        let events = families.iter().flat_map(|family| family.get_metric());
        let outages = events.filter(|metric| {
            let mut labels = metric.get_label().iter();
            labels.any(|label| label.value() == event)
        });
        outages.map(|metric| metric.get_counter().get_value()).sum()
    }
}

/// So many requests at each replica, in turn, and how many were answered.
async fn ask(replicas: &[Replica], rounds: u32) -> u32 {
    let mut answered = 0;
    for _ in 0..rounds {
        for replica in replicas {
            answered += u32::from(replica.quota.take().await.is_ok());
        }
    }
    answered
}

#[tokio::test]
async fn two_replicas_share_one_quota() {
    let Some(server) = Server::start(free_port()) else {
        return;
    };
    let rate = Rate {
        requests: 10_000,
        per: HOUR,
    };
    let replicas = [(); 2].map(|()| Replica::new(server.port, rate, 0.25));
    assert_eq!(ask(&replicas, 2_500).await, 5_000);
    let answered = 5_000 + ask(&replicas, 5_000).await;
    assert!((9_800..=10_000).contains(&answered), "{answered}");
    // One of them alone, once it has been used up, is told so without Redis being asked.
    drop(server);
    let refused = replicas[0].quota.take().await.unwrap_err();
    assert!(refused.seconds() > 3_000, "{refused}");
    assert_eq!(replicas.iter().map(Replica::outages).sum::<f64>(), 0.0);
}

#[tokio::test]
async fn what_a_silent_replica_holds_is_little() {
    let Some(server) = Server::start(free_port()) else {
        return;
    };
    let rate = Rate {
        requests: 10_000,
        per: HOUR,
    };
    let [silent, busy] = [(); 2].map(|()| Replica::new(server.port, rate, 0.25));
    assert!(silent.quota.take().await.is_ok());
    let answered = 1 + ask(&[busy], 12_000).await;
    assert!((9_800..=10_000).contains(&answered), "{answered}");
}

#[tokio::test]
async fn a_redis_that_is_killed_opens_nothing_and_fails_nothing() {
    let port = free_port();
    let Some(server) = Server::start(port) else {
        return;
    };
    let rate = Rate {
        requests: 10_000,
        per: HOUR,
    };
    let replicas = [(); 2].map(|()| Replica::new(port, rate, 0.1));
    assert_eq!(ask(&replicas, 1_000).await, 2_000);
    drop(server);
    // What is leased already, and a tenth of the quota each: no more, however long it is asked for.
    let answered = ask(&replicas, 10_000).await;
    assert!((1_000..=2_000 + 200).contains(&answered), "{answered}");
    assert_eq!(ask(&replicas, 500).await, 0);
    assert_eq!(replicas[0].outages(), 1.0);
    assert_eq!(replicas[1].outages(), 1.0);
    assert_eq!(replicas[0].told("limits_shared"), 0.0);

    // Back, and empty: the window is that of all again.
    let Some(_server) = Server::start(port) else {
        return;
    };
    let begun = Instant::now();
    while replicas[0].quota.take().await.is_err() {
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "it is not used again"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let rest = ask(&replicas[..1], 20_000).await;
    assert!(rest <= 10_000, "{rest}");
    assert_eq!(replicas[0].outages(), 1.0);
    assert_eq!(replicas[0].told("limits_shared"), 1.0);
}

#[tokio::test]
async fn a_redis_that_hangs_is_not_waited_for() {
    // Takes connections and says nothing.
    let mute = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = mute.local_addr().unwrap().port();
    let rate = Rate {
        requests: 1_000,
        per: HOUR,
    };
    let replica = Replica::new(port, rate, 0.5);
    let begun = Instant::now();
    assert_eq!(ask(&[replica], 20).await, 20);
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "{:?}",
        begun.elapsed()
    );
}
