//! Security events as a JSON log tells them: each kind is provoked in real processes, and its lines are events
//! of OCSF; or it is said where it is provoked instead.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use http::StatusCode;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use strata_audit::ResourceKey;
use strata_config::{Environment, dns_name};
use strata_core::{Category, Clearance, Label, Layer, Principal, Sensitivity};
use strata_estate::pki::{LeafSpec, Validity};
use strata_telemetry::Kind;
use strata_testkit::Credential;
use strata_tests::{
    Counts, Edge, Instance, Launch, Rig, StandIn, eventually,
    ocsf::{self, Event},
};
use strata_tls::MASK_KEY;
use time::{Duration, OffsetDateTime};
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use crate::{
    OVERVIEW, PATIENCE,
    folder::copy_of,
    issuer::Issuer,
    material::copy,
    release::{GET, call, get},
};

/// The kinds that are provoked elsewhere, and why not here.
const ELSEWHERE: [(Kind, &str); 4] = [
    (
        Kind::ListenerStarved,
        "a process without descriptors disturbs its neighbours: `tests/load`, floods",
    ),
    (
        Kind::ExemptionUsed,
        "both sides and the bundle must be changed: `tests/layering/exemptions.rs`",
    ),
    (
        Kind::LimitsShared,
        "it needs a Redis that goes and comes back: `shared/limits/tests/redis.rs`",
    ),
    (
        Kind::IssuerKeysRefused,
        "the issuer is asked again after ten seconds: `tests/e2e/keys.rs`",
    ),
];

/// The user of the requests, by the only name that a log may have for them.
const CUSTOMER: &str = "cus_000001";
const ANOTHER: &str = "cus_000002";

pub(crate) fn as_json(launch: Launch) -> Launch {
    launch.set("STRATA_TELEMETRY__LOG_FORMAT", "json")
}

/// What a process has told so far.
pub(crate) fn told(process: &Instance) -> Vec<Event> {
    let log = process.log();
    // The last line may be written at this moment.
    let whole = log.rfind('\n').map_or("", |end| &log[..end]);
    ocsf::events(whole).unwrap()
}

/// Waits until it has told of this.
pub(crate) async fn tells(process: &Instance, kind: Kind, reason: &str) {
    let told = eventually(PATIENCE, async || {
        let mut told = told(process).into_iter();
        Ok(told.any(|event| event.status_code == kind.as_str() && event.status_detail == reason))
    });
    assert!(told.await.is_ok(), "{kind:?} {reason}: {}", process.log());
}

pub(crate) async fn each_kind_is_told_as_ocsf_has_it(rig: &mut Rig) {
    let names = fs::read(
        rig.estate
            .service("customers")
            .unwrap()
            .material
            .join(MASK_KEY),
    );
    let names = ResourceKey::derived(&names.unwrap());
    let mut events = at_the_edge(rig).await;
    events.extend(at_a_hop(rig).await);

    let mut by_kind = BTreeMap::<&str, Vec<&Event>>::new();
    for event in &events {
        by_kind.entry(&event.status_code).or_default().push(event);
    }
    let elsewhere = ELSEWHERE.iter().map(|(kind, _)| kind.as_str());
    let elsewhere: BTreeSet<_> = elsewhere.collect();
    for kind in Kind::ALL {
        let (seen, there) = (
            by_kind.get(kind.as_str()),
            elsewhere.contains(kind.as_str()),
        );
        assert!(seen.is_some() != there, "{kind:?} is told here: {seen:?}");
    }

    // Who, via whom, what, which object, which policy, and in which transaction.
    let (user, object) = (names.text(CUSTOMER), names.text(ANOTHER));
    let denied = by_kind["policy_denied"][0];
    let actor = denied.actor.as_ref().unwrap();
    assert_eq!(actor.user.as_ref().unwrap().uid.as_ref(), Some(&user));
    assert!(
        actor
            .app_uid
            .as_ref()
            .unwrap()
            .ends_with("/customer-overview")
    );
    assert_eq!(denied.api.as_ref().unwrap().operation, GET);
    let resource = &denied.resources[0];
    assert_eq!((&*resource.kind, &resource.uid), ("customer_id", &object));
    assert!(denied.metadata.correlation_uid.is_some());
    let released = by_kind["label_released"][0];
    let labels = &released.metadata.data_classifications;
    assert_eq!(labels[0].confidentiality, "Restricted");
    assert!(!format!("{events:?}").contains(CUSTOMER), "a user is named");
}

/// What an Experience API tells.
async fn at_the_edge(rig: &Rig) -> Vec<Event> {
    let audience = dns_name(Layer::Experience, Environment::Dev, "storefront");
    let issuer = Issuer::start(&format!("https://{audience}")).await;
    let folder = copy_of(rig, "storefront");
    let scratch = tempfile::tempdir().unwrap();
    let material = scratch.path().join("material");
    copy(
        &rig.estate.service("storefront").unwrap().material,
        &material,
    );
    // Of another layer than the one that is called.
    let other = Credential::honest(rig.estate.pki(), &rig.estate.service("orders").unwrap().id);
    let other = StandIn::start(&other.unwrap()).await.unwrap();
    let launch = as_json(rig.another("storefront").unwrap())
        .folder(folder.path())
        .upstream("customer-overview", other.address)
        .set("STRATA_TLS__MATERIAL", &material)
        .set("STRATA_TOKENS__ISSUER", &issuer.url)
        .set("STRATA_LIMITS__REDIS__URL", "redis://127.0.0.1:1")
        .set("STRATA_LIMITS__CONNECTIONS_PER_ADDRESS", "4")
        .set("STRATA_LIMITS__USER__REQUESTS", "4")
        .set("STRATA_LIMITS__USER__PER", "1h");
    let process = launch.start().await.unwrap();
    let edge = rig.edge("storefront").unwrap().at(process.address);
    tells(&process, Kind::ConfigurationLoaded, "start").await;
    tells(&process, Kind::PolicyLoaded, "start").await;
    loaded(&told(&process), folder.path());
    tells(&process, Kind::MaterialLoaded, "token_key").await;
    tells(&process, Kind::IssuerKeysReplaced, "fetched").await;
    tells(&process, Kind::UpstreamRefused, "foreign_trust_domain").await;

    refused(&edge, &issuer).await;
    tells(&process, Kind::TokenRefused, "malformed").await;
    tells(&process, Kind::AccessRefused, "missing_scope").await;
    tells(&process, Kind::RateLimited, "user").await;
    tells(&process, Kind::LimitsUnshared, "redis_away").await;
    strangers(&process).await;
    tells(&process, Kind::PeerRefused, "protocol").await;
    tells(&process, Kind::PeerLimited, "too_many_connections").await;

    let policy = folder.path().join("policy/access.cedar");
    let text = fs::read_to_string(&policy).unwrap();
    fs::write(&policy, format!("{text}// Reviewed.\n")).unwrap();
    tells(&process, Kind::PolicyReplaced, "policies").await;
    fs::write(&policy, text.replacen("permit (", "permitt (", 1)).unwrap();
    tells(&process, Kind::PolicyRejected, "invalid_policies").await;

    // Nine tenths of its time are over.
    let now = OffsetDateTime::now_utc();
    let late = Validity {
        not_before: now - Duration::hours(9),
        not_after: now + Duration::hours(1),
    };
    present(rig, &material, late);
    tells(&process, Kind::MaterialReplaced, "svid").await;
    tells(&process, Kind::MaterialExpiring, "svid").await;
    let svid = material.join("svid.pem");
    fs::write(&svid, fs::read_to_string(&svid).unwrap().replace('A', "B")).unwrap();
    tells(&process, Kind::MaterialRefused, "invalid").await;
    let events = told(&process);
    drop(process);
    events
}

/// The files of its policies, each by its own digest.
fn loaded(events: &[Event], folder: &Path) {
    let loaded = events
        .iter()
        .filter(|event| event.status_code == Kind::PolicyLoaded.as_str());
    let loaded: BTreeMap<_, _> = loaded
        .filter_map(|event| event.entity.as_ref())
        .map(|entity| (&*entity.name, entity.version.clone()))
        .collect();
    for entry in fs::read_dir(folder.join("policy")).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("policy/{}", path.file_name().unwrap().display());
        let digest = format!("{:x}", Sha256::digest(fs::read(path).unwrap()));
        assert_eq!(loaded[&*name], Some(digest), "{name}");
    }
}

/// Requests that are refused, each at another layer.
async fn refused(edge: &Edge, issuer: &Issuer) {
    let status = async |token: &str| edge.get(OVERVIEW, token).await.unwrap().status;
    assert_eq!(status("nonsense").await, StatusCode::UNAUTHORIZED);
    let narrow = issuer.token(&json!({ "scope": "orders:read" }));
    assert_eq!(status(&narrow).await, StatusCode::FORBIDDEN);
    let token = issuer.token(&json!({}));
    let limited = eventually(PATIENCE, async || {
        Ok(status(&token).await == StatusCode::TOO_MANY_REQUESTS)
    });
    limited.await.unwrap();
}

/// Who speaks no TLS, and who takes too many places.
async fn strangers(process: &Instance) {
    let mut plain = TcpStream::connect(process.address).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut idle = Vec::new();
    let full = eventually(PATIENCE, async || {
        idle.push(TcpStream::connect(process.address).await?);
        let counts = Counts::of(process.admin).await?;
        Ok(counts.events("peer_limited", "too_many_connections") > 0)
    });
    full.await.unwrap();
}

/// Another SVID of the storefront.
fn present(rig: &Rig, material: &Path, validity: Validity) {
    let id = &rig.estate.service("storefront").unwrap().id;
    let pki = rig.estate.pki();
    let spec = LeafSpec {
        validity,
        ..LeafSpec::svid(id, pki.environment())
    };
    let leaf = pki.authority(id.layer()).unwrap().issue(&spec).unwrap();
    fs::write(material.join("svid.key"), leaf.key_pem()).unwrap();
    fs::write(material.join("svid.pem"), leaf.certificate_pem()).unwrap();
}

/// What a System API tells, in audit mode, in which objects stay closed all the same.
async fn at_a_hop(rig: &Rig) -> Vec<Event> {
    let launch = as_json(rig.another("customers").unwrap())
        .set("STRATA_POLICY__MODE", "audit")
        .set("STRATA_AUDIT__FILE_AGE", "1s");
    let process = launch.start().await.unwrap();
    let from = ("customer-overview", process.address);
    let customer = Principal {
        roles: vec!["customer".to_owned()],
        clearance: Clearance(Label::new(Sensitivity::Restricted, &Category::ALL)),
        ..rig.principal(CUSTOMER)
    };
    let ask = async |user: &Principal, method: &str, id: &str| {
        call(rig, from, method, user, get(id.to_owned())).await
    };
    assert!(ask(&customer, GET, CUSTOMER).await.is_ok());
    tells(&process, Kind::LabelReleased, "restricted").await;
    assert!(ask(&customer, GET, ANOTHER).await.is_err());
    tells(&process, Kind::PolicyDenied, "not_permitted").await;
    // Whatever comes of it: it goes on.
    let search = GET.replace("GetCustomer", "SearchCustomers");
    let _ = ask(&customer, &search, CUSTOMER).await;
    tells(&process, Kind::PolicyAudited, "not_permitted").await;
    let unknown = GET.replace("GetCustomer", "DropCustomers");
    assert!(ask(&customer, &unknown, CUSTOMER).await.is_err());
    tells(&process, Kind::CallRefused, "unknown_method").await;

    // No further file can be begun where there is no folder.
    let (folder, away) = (process.audit(), process.audit().with_extension("away"));
    fs::rename(&folder, &away).unwrap();
    tells(&process, Kind::AuditFailed, "not_writable").await;
    fs::rename(&away, &folder).unwrap();
    tells(&process, Kind::AuditResumed, "writable").await;
    let events = told(&process);
    drop(process);
    events
}
