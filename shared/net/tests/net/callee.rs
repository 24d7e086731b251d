//! What a caller refuses of a callee: each case differs from the honest one in one thing.

use rcgen::ExtendedKeyUsagePurpose;
use strata_core::Layer;
use strata_net::Transport;
use time::Duration;

use crate::fixture::{
    Ca, Identity, Leaf, Recorder, Server, call, callee, caller, channel_among, domain, limits,
};

/// The honest callee answers; then the other is refused for `reason`, and is told so.
async fn refuses(process: &Ca, system: &Ca, other: Identity, reason: &str) {
    let honest = callee(process, system);
    let caller = caller(process, system);
    let (config, callees) = (caller.client_config(honest.id()), caller.callees());
    let recorder = Recorder::new();
    let serve = |config| {
        let callers = honest.callers();
        Server::start(Transport::Mtls { config, callers }, limits())
    };

    let server = serve(honest.server_config()).await;
    let mut to_honest = channel_among(
        &[server.address],
        config.clone(),
        callees.clone(),
        recorder.events(),
    );
    call(&mut to_honest).await.unwrap();
    assert!(recorder.reasons().is_empty());

    let server = serve(other.answering(&honest.server_config())).await;
    let mut to_other = channel_among(&[server.address], config, callees, recorder.events());
    assert!(call(&mut to_other).await.is_err(), "{reason}");
    assert_eq!(recorder.reasons(), [reason]);
    assert_eq!(server.calls(), 0, "{reason}");
    let (_, reasons) = server.stop().await;
    assert!(!reasons.is_empty() && reasons.iter().all(|reason| reason == "refused_by_peer"));
}

fn cas() -> (Ca, Ca) {
    (
        Ca::new(&domain(Layer::Process, "dev")),
        Ca::new(&domain(Layer::System, "dev")),
    )
}

fn leaf() -> Leaf {
    Leaf::of(&domain(Layer::System, "dev"), "customers")
}

#[tokio::test]
async fn another_service() {
    let (process, system) = cas();
    let other = system.issue(&Leaf::of(&domain(Layer::System, "dev"), "orders"));
    refuses(&process, &system, other, "wrong_identity").await;
}

#[tokio::test]
async fn of_another_environment() {
    let (process, system) = cas();
    let prod = domain(Layer::System, "prod");
    let other = Ca::new(&prod).issue(&Leaf::of(&prod, "customers"));
    refuses(&process, &system, other, "foreign_trust_domain").await;
}

#[tokio::test]
async fn of_a_layer_that_is_not_called() {
    let (process, system) = cas();
    let other = process.issue(&Leaf::of(&domain(Layer::Process, "dev"), "customers"));
    refuses(&process, &system, other, "foreign_trust_domain").await;
}

#[tokio::test]
async fn signed_by_another_layers_ca() {
    let (process, system) = cas();
    let other = process.issue(&leaf());
    refuses(&process, &system, other, "unknown_issuer").await;
}

#[tokio::test]
async fn signed_by_a_ca_that_took_the_name() {
    let (process, system) = cas();
    let other = Ca::new(&domain(Layer::System, "dev")).issue(&leaf());
    refuses(&process, &system, other, "unknown_issuer").await;
}

#[tokio::test]
async fn expired() {
    let (process, system) = cas();
    let other = system.issue(&Leaf {
        until: -Duration::minutes(1),
        ..leaf()
    });
    refuses(&process, &system, other, "expired").await;
}

#[tokio::test]
async fn not_yet_valid() {
    let (process, system) = cas();
    let other = system.issue(&Leaf {
        from: Duration::hours(1),
        ..leaf()
    });
    refuses(&process, &system, other, "not_yet_valid").await;
}

#[tokio::test]
async fn for_clients_only() {
    let (process, system) = cas();
    let usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let other = system.issue(&Leaf { usages, ..leaf() });
    refuses(&process, &system, other, "wrong_key_usage").await;
}

#[tokio::test]
async fn with_two_identities() {
    let (process, system) = cas();
    let mut two = leaf();
    two.uris
        .push("spiffe://system.dev.org.example/orders".to_owned());
    let other = system.issue(&two);
    refuses(&process, &system, other, "malformed").await;
}

#[tokio::test]
async fn with_an_intermediate() {
    let (process, system) = cas();
    let other = system.issue(&leaf()).with(system.der());
    refuses(&process, &system, other, "malformed").await;
}
