//! Certificates and CAs that are replaced while the estate works.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use strata_core::Layer;
use strata_testkit::{Credential, Dialer, Probe};
use strata_tests::{Counts, Rig, eventually, load::Load};
use tokio::time::{Instant, sleep, sleep_until};

use crate::users::{RATE, load};

const ROTATIONS: u32 = 10;
const MINUTE: Duration = Duration::from_secs(60);
/// How long a service may take to take up changed material: above its look every 15 seconds.
const TAKEN_UP: Duration = Duration::from_secs(20);
/// Before and after what happens.
const CALM: Duration = Duration::from_secs(3);

/// How often each service has taken up new material.
async fn taken_up(rig: &Rig) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for service in rig.estate.services() {
        let reloads = Counts::of(service.admin).await.unwrap().reloads("replaced");
        counts.insert(service.name.clone(), reloads);
    }
    counts
}

/// Waits until every service has taken up material once more than in `before`.
async fn taken_over(rig: &Rig, before: &BTreeMap<String, u64>) {
    let later = eventually(TAKEN_UP, async || {
        let now = taken_up(rig).await;
        Ok(now.iter().all(|(service, count)| count > &before[service]))
    });
    later.await.unwrap();
}

/// The same, and new connections meet what is on disk.
async fn in_force(rig: &Rig, before: &BTreeMap<String, u64>) {
    taken_over(rig, before).await;
    for service in rig.estate.services() {
        let (dialer, file) = if service.layer == Layer::Experience {
            let dialer = Dialer::edge(&rig.estate.edge_ca(), &[b"h2"]);
            (dialer, service.material.join("edge.pem"))
        } else {
            // Without a certificate: the server's is seen before it refuses.
            let dialer = Dialer::hop(rig.estate.pki(), &Credential::none());
            (dialer, service.material.join("svid.pem"))
        };
        let dialer = dialer.unwrap();
        let meets = eventually(TAKEN_UP, async || {
            Ok(dialer.meets(service.address, &file).await.unwrap_or(false))
        });
        meets
            .await
            .unwrap_or_else(|_| panic!("{} presents another", service.name));
    }
}

fn reissue(rig: &Rig) {
    for service in &rig.services {
        rig.estate
            .pki()
            .reissue(&service.manifest, &service.exempted().unwrap())
            .unwrap();
    }
}

async fn finish(load: Load, what: &str) {
    let records = load.finish().await;
    println!("{what}: wanted {RATE}/s; {records}");
    assert_eq!(records.failed().0.len(), 0, "{what}: {records}");
    assert!(records.rate() > f64::from(RATE) * 0.98, "{what}: {records}");
}

pub(crate) async fn ten_rotations_in_a_minute_lose_no_request(rig: &mut Rig) {
    let load = load(rig);
    let start = Instant::now();
    for rotation in 0..ROTATIONS {
        let before = taken_up(rig).await;
        reissue(rig);
        in_force(rig, &before).await;
        let next = start + MINUTE / ROTATIONS * (rotation + 1);
        assert!(Instant::now() < next, "rotation {rotation} took too long");
        sleep_until(next).await;
    }
    finish(load, "10 rotations in 60 s").await;
}

/// Replaces every CA, as `cargo strata pki rotate --authorities` and then `rotate` do.
async fn replace_authorities(rig: &Rig) {
    let before = taken_up(rig).await;
    for layer in Layer::ALL {
        rig.estate.pki().rotate_authority(layer).unwrap();
    }
    rig.estate.pki().rotate_token_authority().unwrap();
    for service in &rig.services {
        rig.estate
            .pki()
            .publish(&service.manifest, &service.exempted().unwrap())
            .unwrap();
    }
    taken_over(rig, &before).await;
    let before = taken_up(rig).await;
    reissue(rig);
    in_force(rig, &before).await;
}

pub(crate) async fn a_replaced_ca_loses_no_request_and_its_old_leaf_is_refused(rig: &mut Rig) {
    let callee = rig.estate.service("customers").unwrap();
    let caller = &rig.estate.service("customer-overview").unwrap().id;
    let path = "/system.customers.v1.CustomersService/SearchCustomers";
    let old = Credential::honest(rig.estate.pki(), caller).unwrap();
    // Refused is what never reaches a method; an empty message reaches it and is answered a status.
    let reaches = async |credential: &Credential| {
        let before = Counts::of(callee.admin).await.unwrap().requests(path);
        let mut probe = Probe::new(rig.estate.pki(), callee.address, credential).unwrap();
        let _status = probe.call(path, Bytes::new()).await;
        Counts::of(callee.admin).await.unwrap().requests(path) > before
    };
    assert!(reaches(&old).await);

    let load = load(rig);
    sleep(CALM).await;
    replace_authorities(rig).await;
    assert!(reaches(&old).await, "the overlap is none");
    sleep(CALM).await;
    replace_authorities(rig).await;
    sleep(CALM).await;
    finish(load, "every layer's CA replaced, with overlap").await;

    let new = Credential::honest(rig.estate.pki(), caller).unwrap();
    assert!(reaches(&new).await);
    let before = Counts::of(callee.admin).await.unwrap();
    assert!(!reaches(&old).await, "a leaf of the CA that is gone");
    let after = Counts::of(callee.admin).await.unwrap();
    let unknown = ("peer_refused", "unknown_issuer");
    assert!(after.events(unknown.0, unknown.1) > before.events(unknown.0, unknown.1));
}
