//! Material replaced under open connections: none is disturbed that is still trusted, and those
//! that are not end within seconds, after what they have in flight.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use strata_core::Layer;
use strata_net::{Channel, Limits, Transport};
use strata_testkit::Frame;
use tokio::{
    sync::{Notify, mpsc},
    task::JoinHandle,
    time::timeout,
};

use crate::fixture::{
    Ca, Leaf, Raw, Recorder, Server, Workload, call, called, calling, channel_among, domain, limits,
};

/// A callee that answers a request when released, its caller, and their CAs.
struct World {
    process: Ca,
    system: Ca,
    caller: Workload,
    callee: Workload,
    server: Server,
    recorder: Recorder,
    entered: mpsc::UnboundedReceiver<()>,
    release: Arc<Notify>,
}

impl World {
    async fn new(limits: Limits) -> Self {
        let process = Ca::new(&domain(Layer::Process, "dev"));
        let system = Ca::new(&domain(Layer::System, "dev"));
        let caller = calling(&process, &system);
        let callee = called(&process, &system);
        let transport = Transport::Mtls {
            config: callee.material.server_config(),
            callers: callee.material.callers(),
        };
        let (enter, entered) = mpsc::unbounded_channel();
        let release = Arc::new(Notify::new());
        let wait = release.clone();
        let server = Server::with(transport, limits, move |_| {
            let (enter, wait) = (enter.clone(), wait.clone());
            async move {
                enter.send(()).unwrap();
                wait.notified().await;
                Response::new(Full::new(Bytes::from_static(b"done")))
            }
        })
        .await;
        Self {
            process,
            system,
            caller,
            callee,
            server,
            recorder: Recorder::new(),
            entered,
            release,
        }
    }

    fn channel(&self) -> Channel {
        let config = self
            .caller
            .material
            .client_config(self.callee.material.id());
        let callees = self.caller.material.callees();
        channel_among(
            &[self.server.address],
            config,
            callees,
            self.recorder.events(),
        )
    }

    /// A call that has reached the handler.
    async fn begin(&mut self, channel: &Channel) -> JoinHandle<Result<String, String>> {
        let mut channel = channel.clone();
        let running =
            tokio::spawn(
                async move { call(&mut channel).await.map_err(|error| error.to_string()) },
            );
        self.entered.recv().await.unwrap();
        running
    }

    async fn answers(&mut self, channel: &Channel) {
        let running = self.begin(channel).await;
        self.release.notify_one();
        assert_eq!(running.await.unwrap().unwrap(), "done");
    }

    /// Until a new call is refused.
    async fn refuses(&self, channel: &Channel) {
        let mut channel = channel.clone();
        let refused = async {
            loop {
                let calling = call(&mut channel);
                // Those that still get through are answered at once.
                self.release.notify_one();
                if calling.await.is_err() {
                    return;
                }
            }
        };
        timeout(Duration::from_secs(30), refused)
            .await
            .expect("still answered");
    }
}

#[tokio::test]
async fn a_new_svid_on_either_side_disturbs_nothing() {
    let mut world = World::new(limits()).await;
    let open = world.channel();
    world.answers(&open).await;
    for _ in 0..20 {
        let running = world.begin(&open).await;
        let leaf = Leaf::of(&domain(Layer::Process, "dev"), "overview");
        world.caller.renew(&world.process.issue(&leaf));
        let leaf = Leaf::of(&domain(Layer::System, "dev"), "customers");
        world.callee.renew(&world.system.issue(&leaf));
        let fresh = world.channel();
        world.release.notify_one();
        assert_eq!(running.await.unwrap().unwrap(), "done");
        world.answers(&fresh).await;
    }
    assert!(world.recorder.reasons().is_empty());
}

#[tokio::test]
async fn a_ca_is_replaced_with_overlap_and_the_old_leaf_refused_after() {
    let mut world = World::new(limits()).await;
    let open = world.channel();
    world.answers(&open).await;
    let next = Ca::new(&domain(Layer::Process, "dev"));
    world.callee.trust(Layer::Process, &[&next, &world.process]);
    world.answers(&open).await;
    let leaf = Leaf::of(&domain(Layer::Process, "dev"), "overview");
    world.caller.renew(&next.issue(&leaf));
    world.answers(&open).await;

    // The open connection was made with the old leaf: what is in flight on it completes.
    let running = world.begin(&open).await;
    world.callee.trust(Layer::Process, &[&next]);
    world.release.notify_one();
    assert_eq!(running.await.unwrap().unwrap(), "done");
    let fresh = world.channel();
    world.answers(&fresh).await;

    world.caller.renew(&world.process.issue(&leaf));
    world.refuses(&world.channel()).await;
    let reasons = world.server.stop().await.1;
    assert!(!reasons.is_empty() && reasons.iter().all(|reason| reason == "unknown_issuer"));
}

#[tokio::test]
async fn a_stuck_call_of_a_caller_no_longer_trusted_is_cut_off() {
    let mut world = World::new(limits()).await;
    let open = world.channel();
    world.answers(&open).await;
    let stuck = world.begin(&open).await;
    let next = Ca::new(&domain(Layer::Process, "dev"));
    world.callee.trust(Layer::Process, &[&next]);
    let ended = timeout(Duration::from_secs(30), stuck).await;
    assert!(ended.expect("still open").unwrap().is_err());
}

#[tokio::test]
async fn a_callee_no_longer_trusted_gets_no_further_call() {
    let mut world = World::new(limits()).await;
    let open = world.channel();
    world.answers(&open).await;
    let running = world.begin(&open).await;
    let next = Ca::new(&domain(Layer::System, "dev"));
    world.caller.trust(Layer::System, &[&next]);
    while world.recorder.reasons().is_empty() {
        tokio::task::yield_now().await;
    }
    world.release.notify_one();
    assert_eq!(running.await.unwrap().unwrap(), "done");
    world.refuses(&open).await;
    assert!(
        world
            .recorder
            .reasons()
            .iter()
            .all(|reason| reason == "unknown_issuer")
    );

    // The callee gets a leaf of the new CA: the same channel finds it.
    let leaf = Leaf::of(&domain(Layer::System, "dev"), "customers");
    world.callee.renew(&next.issue(&leaf));
    world.answers(&open).await;
}

#[tokio::test]
async fn a_caller_that_was_taken_back_is_cut_off_and_refused_and_others_are_not() {
    let mut world = World::new(limits()).await;
    let domain = domain(Layer::Process, "dev");
    let [first, second] = [(); 2].map(|()| world.process.issue(&Leaf::of(&domain, "overview")));
    world.caller.renew(&first);
    let open = world.channel();
    world.answers(&open).await;
    let stuck = world.begin(&open).await;
    world
        .callee
        .revoke(Layer::Process, &world.process.revoke(&[&first]));
    let ended = timeout(Duration::from_secs(30), stuck).await;
    assert!(ended.expect("still open").unwrap().is_err());
    world.refuses(&world.channel()).await;

    world.caller.renew(&second);
    let fresh = world.channel();
    world.answers(&fresh).await;
    let reasons = world.server.stop().await.1;
    assert!(!reasons.is_empty() && reasons.iter().all(|reason| reason == "revoked"));
}

#[tokio::test]
async fn a_connection_of_age_is_asked_to_leave_and_loses_nothing() {
    let aged = Limits {
        connection_age: Duration::from_millis(200),
        drain_timeout: Duration::from_millis(500),
        ..limits()
    };
    let world = World::new(aged).await;
    let config = world
        .caller
        .material
        .client_config(world.callee.material.id());
    let whole = Frame::END_HEADERS | Frame::END_STREAM;
    let mut raw = Raw::open(world.server.address, &config, &[]).await;
    raw.send(&[Frame::request(1, whole)]).await;
    // NO_ERROR, and every stream opened so far is served (RFC 9113, section 6.8).
    let goaway = raw.next_of(Frame::GOAWAY).await.unwrap();
    assert_eq!(goaway.payload[..8], [0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
    world.release.notify_one();
    assert_eq!(raw.next_of(Frame::HEADERS).await.unwrap().stream, 1);
    raw.closed().await;

    // One that does not leave is left.
    let mut stuck = Raw::open(world.server.address, &config, &[]).await;
    stuck.send(&[Frame::request(1, whole)]).await;
    stuck.closed().await;
}
