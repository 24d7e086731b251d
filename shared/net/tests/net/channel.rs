//! Calls over several connections, some of which fail.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use rustls::ClientConfig;
use strata_core::Layer;
use strata_net::{CallError, Channel, Limits, Transport};
use strata_tls::{Material, Peers};
use tokio::{
    net::TcpListener,
    sync::{Notify, mpsc},
    task::JoinSet,
    time::timeout,
};
use tower::Service as _;

use crate::fixture::{
    Ca, Recorder, Relay, Server, bounded, call, callee, caller, channel_among, channel_to, domain,
    limits, outgoing_by,
};

/// Far above what anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Callees of one identity, and how they are called.
struct World {
    callee: Material,
    config: Arc<ClientConfig>,
}

impl World {
    fn new() -> Self {
        let process = Ca::new(&domain(Layer::Process, "dev"));
        let system = Ca::new(&domain(Layer::System, "dev"));
        let callee = callee(&process, &system);
        let config = caller(&process, &system).client_config(callee.id());
        Self { callee, config }
    }

    fn transport(&self) -> Transport {
        Transport::Mtls {
            config: self.callee.server_config(),
            callers: self.callee.callers(),
        }
    }

    async fn serve(&self) -> Server {
        Server::start(self.transport(), limits()).await
    }

    /// A callee whose answers wait to be released, and what says that they wait.
    async fn slow(&self, limits: Limits) -> (Server, mpsc::UnboundedReceiver<()>, Arc<Notify>) {
        let (enter, entered) = mpsc::unbounded_channel();
        let release = Arc::new(Notify::new());
        let wait = release.clone();
        let server = Server::with(self.transport(), limits, move |_: Request<Incoming>| {
            let (enter, wait) = (enter.clone(), wait.clone());
            async move {
                enter.send(()).unwrap();
                wait.notified().await;
                Response::new(Full::new(Bytes::from_static(b"done")))
            }
        })
        .await;
        (server, entered, release)
    }

    fn channel(&self, addresses: &[SocketAddr]) -> Channel {
        let events = Recorder::new().events();
        channel_among(addresses, self.config.clone(), Peers::strangers(), events)
    }
}

/// Calls until one succeeds.
async fn succeeds(channel: &Channel) {
    let mut channel = channel.clone();
    let calling = async { while call(&mut channel).await.is_err() {} };
    timeout(PATIENCE, calling).await.expect("no call succeeds");
}

#[tokio::test]
async fn calls_go_to_every_endpoint() {
    let world = World::new();
    let servers = [
        world.serve().await,
        world.serve().await,
        world.serve().await,
    ];
    let addresses = servers.each_ref().map(|server| server.address);
    let channel = world.channel(&addresses);
    channel.connected().await;
    for _ in 0..200 {
        call(&mut channel.clone()).await.unwrap();
    }
    for server in &servers {
        assert!(server.calls() > 20, "{}", server.calls());
    }
}

#[tokio::test]
async fn a_call_goes_where_fewer_are_under_way() {
    let world = World::new();
    let (slow, mut entered, release) = world.slow(limits()).await;
    let quick = world.serve().await;
    let channel = world.channel(&[slow.address, quick.address]);
    channel.connected().await;
    // Until a call is stuck: from then on the other has fewer.
    let mut stuck = JoinSet::new();
    loop {
        let mut channel = channel.clone();
        stuck.spawn(async move { call(&mut channel).await.map_err(|error| error.to_string()) });
        let entered = timeout(Duration::from_millis(100), entered.recv());
        if entered.await.is_ok() {
            break;
        }
    }
    // Until only those that are stuck are under way.
    while stuck.len() > slow.calls() {
        if let Ok(Some(ended)) = timeout(Duration::from_millis(10), stuck.join_next()).await {
            ended.unwrap().unwrap();
        }
    }
    let before = slow.calls();
    for _ in 0..50 {
        call(&mut channel.clone()).await.unwrap();
    }
    assert_eq!(slow.calls(), before);
    while !stuck.is_empty() {
        release.notify_one();
        if let Ok(Some(ended)) = timeout(Duration::from_millis(10), stuck.join_next()).await {
            ended.unwrap().unwrap();
        }
    }
}

#[tokio::test]
async fn a_service_that_starts_later_is_called() {
    let world = World::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let channel = world.channel(&[address]);
    // Nobody is there: a call is told at once, not at its deadline.
    let begun = Instant::now();
    assert!(call(&mut channel.clone()).await.is_err());
    assert!(begun.elapsed() < PATIENCE);
    let later = world.serve().await;
    // The channel knows one address only: the service gets there by way of a relay.
    let relay = Relay::at(address, later.address).await;
    let begun = Instant::now();
    succeeds(&channel).await;
    assert!(begun.elapsed() < Duration::from_secs(5));
    drop(relay);
}

#[tokio::test]
async fn a_name_stands_for_all_its_addresses() {
    let world = World::new();
    let server = world.serve().await;
    let events = Recorder::new().events();
    let mut channel = strata_net::channel(strata_net::Callee {
        name: "customers",
        endpoints: &[format!("localhost:{}", server.address.port())],
        config: world.config.clone(),
        callees: Peers::strangers(),
        calls: 10,
        events,
        metrics: strata_telemetry::UpstreamMetrics::new(
            &opentelemetry::global::meter("test"),
            "customers",
        ),
    })
    .unwrap();
    call(&mut channel).await.unwrap();
}

#[tokio::test]
async fn a_broken_connection_fails_its_calls_and_is_replaced() {
    let world = World::new();
    let (slow, mut entered, release) = world.slow(limits()).await;
    let relay = Relay::start(slow.address).await;
    let channel = world.channel(&[relay.address]);
    let mut stuck = channel.clone();
    let stuck = tokio::spawn(stuck.call(outgoing_by(PATIENCE)));
    entered.recv().await.unwrap();
    relay.break_off();
    let ended = timeout(PATIENCE, stuck).await.unwrap().unwrap();
    assert!(matches!(ended, Err(CallError::Lost { .. })));
    release.notify_waiters();
    let mut next = channel.clone();
    let next = tokio::spawn(async move { call(&mut next).await.map_err(|e| e.to_string()) });
    entered.recv().await.unwrap();
    release.notify_one();
    timeout(PATIENCE, next).await.unwrap().unwrap().unwrap();
    assert_eq!(relay.connections(), 2);
}

#[tokio::test]
async fn a_network_that_swallows_everything_is_found() {
    let world = World::new();
    let server = world.serve().await;
    let relay = Relay::start(server.address).await;
    let channel = world.channel(&[relay.address]);
    call(&mut channel.clone()).await.unwrap();
    relay.swallow();
    let mut calling = channel.clone();
    let missed = timeout(
        Duration::from_millis(100),
        calling.call(outgoing_by(Duration::from_millis(50))),
    );
    assert!(missed.await.is_err(), "answered through nothing");
    // A call that has time waits for nothing but the connection's end.
    let lost = timeout(PATIENCE, calling.call(outgoing_by(PATIENCE)));
    assert!(matches!(lost.await.unwrap(), Err(CallError::Lost { .. })));
    call(&mut channel.clone()).await.unwrap();
    assert_eq!(relay.connections(), 2);
}

#[tokio::test]
async fn an_endpoint_that_misses_deadlines_is_left_out_until_it_answers() {
    let world = World::new();
    let quick = world.serve().await;
    let other = world.serve().await;
    let relay = Relay::start(other.address).await;
    let channel = world.channel(&[quick.address, relay.address]);
    channel.connected().await;
    while other.calls() == 0 {
        call(&mut channel.clone()).await.unwrap();
    }
    relay.swallow();
    let brief = Duration::from_millis(20);
    let mut misses = 0;
    let mut in_a_row = 0;
    // Half of the calls go there until it is left out.
    while in_a_row < 50 {
        let answer = timeout(brief, channel.clone().call(outgoing_by(brief))).await;
        if answer.is_err() {
            (misses, in_a_row) = (misses + 1, 0);
        } else {
            in_a_row += 1;
        }
        assert!(misses < 50, "it is not left out");
    }
    assert!(misses >= 5);
    // It is tried again once it can be reached.
    let before = other.calls();
    let back = async {
        while other.calls() == before {
            let _ = timeout(brief, channel.clone().call(outgoing_by(brief))).await;
        }
    };
    timeout(PATIENCE, back)
        .await
        .expect("it is never tried again");
}

#[tokio::test]
async fn the_only_endpoint_is_never_left_out() {
    let world = World::new();
    let (slow, mut entered, release) = world.slow(limits()).await;
    let channel = world.channel(&[slow.address]);
    let brief = Duration::from_millis(20);
    channel.connected().await;
    for _ in 0..10 {
        let missed = timeout(brief, channel.clone().call(outgoing_by(brief))).await;
        assert!(missed.is_err());
        entered.recv().await.unwrap();
    }
    let mut last = channel.clone();
    let last = tokio::spawn(async move { call(&mut last).await.map_err(|e| e.to_string()) });
    entered.recv().await.unwrap();
    release.notify_waiters();
    last.await.unwrap().unwrap();
}

#[tokio::test]
async fn calls_beyond_the_bound_are_refused_and_those_beyond_the_streams_wait() {
    let world = World::new();
    let one = Limits {
        concurrent_streams: 1,
        ..limits()
    };
    let (slow, mut entered, release) = world.slow(one).await;
    let events = Recorder::new().events();
    let config = world.config.clone();
    let channel = bounded(&[slow.address], config, Peers::strangers(), events, 2);
    let begin = || {
        let mut channel = channel.clone();
        tokio::spawn(async move { call(&mut channel).await.map_err(|error| error.to_string()) })
    };
    let first = begin();
    entered.recv().await.unwrap();
    let second = begin();
    tokio::task::yield_now().await;
    let third = channel.clone().call(outgoing_by(PATIENCE)).await;
    assert!(matches!(third, Err(CallError::Overloaded)));
    assert_eq!(slow.calls(), 1, "the second waits for the first");
    release.notify_one();
    first.await.unwrap().unwrap();
    entered.recv().await.unwrap();
    release.notify_one();
    second.await.unwrap().unwrap();
    let again = begin();
    entered.recv().await.unwrap();
    release.notify_one();
    again.await.unwrap().unwrap();
}

#[tokio::test]
async fn calls_under_way_complete_when_the_channel_is_gone() {
    let world = World::new();
    let (slow, mut entered, release) = world.slow(limits()).await;
    let mut channel = channel_to(slow.address, world.config.clone());
    let running = tokio::spawn(channel.call(outgoing_by(PATIENCE)));
    entered.recv().await.unwrap();
    drop(channel);
    release.notify_one();
    assert!(running.await.unwrap().is_ok());
    // Its connection ends, or this would wait for it.
    timeout(PATIENCE, slow.stop()).await.unwrap();
}
