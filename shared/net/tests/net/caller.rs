//! What a callee refuses of its callers: each case differs from the honest one in one thing.

use std::sync::Arc;

use rcgen::ExtendedKeyUsagePurpose;
use rustls::{ClientConfig, SignatureScheme, client::ResolvesClientCert, sign::CertifiedKey};
use strata_core::Layer;
use strata_net::Transport;
use strata_tls::Peers;
use time::Duration;

use crate::fixture::{
    Ca, Identity, Leaf, Recorder, Server, call, callee, caller, channel_among, domain, limits,
};

struct World {
    process: Ca,
    system: Ca,
}

impl World {
    fn new() -> Self {
        Self {
            process: Ca::new(&domain(Layer::Process, "dev")),
            system: Ca::new(&domain(Layer::System, "dev")),
        }
    }

    /// An honest caller is answered; then the other is refused for `reason` before the handler.
    async fn refuses(&self, other: impl FnOnce(&ClientConfig) -> Arc<ClientConfig>, reason: &str) {
        let callee = callee(&self.process, &self.system);
        let transport = Transport::Mtls {
            config: callee.server_config(),
            callers: callee.callers(),
        };
        let server = Server::start(transport, limits()).await;
        let recorder = Recorder::new();
        let honest = caller(&self.process, &self.system).client_config(callee.id());

        let channel_of = |config| {
            let callees = Peers::strangers();
            channel_among(&[server.address], config, callees, recorder.events())
        };
        let answer = call(&mut channel_of(honest.clone())).await.unwrap();
        assert_eq!(answer, "spiffe://process.dev.org.example/overview");

        assert!(
            call(&mut channel_of(other(&honest))).await.is_err(),
            "{reason}"
        );
        assert_eq!(server.calls(), 1, "{reason}");
        let (_, reasons) = server.stop().await;
        assert!(!reasons.is_empty(), "{reason}");
        assert!(
            reasons.iter().all(|have| have == reason),
            "{reasons:?} is not {reason}"
        );
    }

    async fn refuses_identity(&self, other: Identity, reason: &str) {
        self.refuses(|honest| other.calling(honest), reason).await;
    }
}

fn leaf() -> Leaf {
    Leaf::of(&domain(Layer::Process, "dev"), "overview")
}

#[derive(Debug)]
struct NoCertificate;

impl ResolvesClientCert for NoCertificate {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

#[tokio::test]
async fn without_certificate() {
    let without = |honest: &ClientConfig| {
        let mut config = honest.clone();
        config.client_auth_cert_resolver = Arc::new(NoCertificate);
        Arc::new(config)
    };
    World::new().refuses(without, "no_certificate").await;
}

#[tokio::test]
async fn of_another_environment() {
    let prod = domain(Layer::Process, "prod");
    let other = Ca::new(&prod).issue(&Leaf::of(&prod, "overview"));
    World::new()
        .refuses_identity(other, "foreign_trust_domain")
        .await;
}

#[tokio::test]
async fn of_a_layer_that_may_not_call() {
    let experience = domain(Layer::Experience, "dev");
    let other = Ca::new(&experience).issue(&Leaf::of(&experience, "storefront"));
    World::new()
        .refuses_identity(other, "foreign_trust_domain")
        .await;
}

#[tokio::test]
async fn signed_by_another_layers_ca() {
    let world = World::new();
    let other = world.system.issue(&leaf());
    world.refuses_identity(other, "unknown_issuer").await;
}

#[tokio::test]
async fn signed_by_a_ca_that_took_the_name() {
    let other = Ca::new(&domain(Layer::Process, "dev")).issue(&leaf());
    World::new().refuses_identity(other, "unknown_issuer").await;
}

#[tokio::test]
async fn expired() {
    let world = World::new();
    let other = world.process.issue(&Leaf {
        until: -Duration::minutes(1),
        ..leaf()
    });
    world.refuses_identity(other, "expired").await;
}

#[tokio::test]
async fn not_yet_valid() {
    let world = World::new();
    let other = world.process.issue(&Leaf {
        from: Duration::hours(1),
        ..leaf()
    });
    world.refuses_identity(other, "not_yet_valid").await;
}

#[tokio::test]
async fn for_servers_only() {
    let world = World::new();
    let usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let other = world.process.issue(&Leaf { usages, ..leaf() });
    world.refuses_identity(other, "wrong_key_usage").await;
}

#[tokio::test]
async fn for_no_stated_use() {
    let world = World::new();
    let other = world.process.issue(&Leaf {
        usages: Vec::new(),
        ..leaf()
    });
    world.refuses_identity(other, "wrong_key_usage").await;
}

#[tokio::test]
async fn that_may_sign_others() {
    let world = World::new();
    let other = world.process.issue(&Leaf {
        is_ca: true,
        ..leaf()
    });
    world.refuses_identity(other, "wrong_key_usage").await;
}

#[tokio::test]
async fn with_two_identities() {
    let world = World::new();
    let mut two = leaf();
    two.uris
        .push("spiffe://process.dev.org.example/other".to_owned());
    let other = world.process.issue(&two);
    world.refuses_identity(other, "malformed").await;
}

#[tokio::test]
async fn without_identity() {
    let world = World::new();
    let other = world.process.issue(&Leaf {
        uris: Vec::new(),
        ..leaf()
    });
    world.refuses_identity(other, "malformed").await;
}

#[tokio::test]
async fn with_an_identity_that_is_no_service() {
    let world = World::new();
    let uris = vec!["spiffe://process.dev.org.example/a/b".to_owned()];
    let other = world.process.issue(&Leaf { uris, ..leaf() });
    world.refuses_identity(other, "malformed").await;
}

#[tokio::test]
async fn with_an_intermediate() {
    let world = World::new();
    let other = world.process.issue(&leaf()).with(world.process.der());
    world.refuses_identity(other, "malformed").await;
}
