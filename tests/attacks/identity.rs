//! Who is let in between services, and what is kept of those who are not.

use std::net::SocketAddr;

use strata_core::{Layer, SpiffeId};
use strata_estate::pki::{LEAF_LIFETIME, LeafSpec, Validity};
use strata_testkit::{Credential, Dialer, Flaw, Frame, PREFACE, Probe};
use strata_tests::{Counts, Instance, Rig, eventually, trail::all};
use time::{Duration, OffsetDateTime};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tonic::Request;

use crate::PATIENCE;

const GET: &str = "/system.customers.v1.CustomersService/GetCustomer";
/// Of a certificate whose end a test waits for.
const SHORT: Duration = Duration::seconds(4);

/// How a connection came about, once the other side has taken it and said something; tickets, if there are
/// any, have come before that.
async fn handshake(dialer: &Dialer, address: SocketAddr) -> std::io::Result<String> {
    let mut stream = dialer.connect(address).await?;
    stream.write_all(PREFACE).await?;
    let settings = Frame::new(Frame::SETTINGS, 0, 0, &[]);
    stream.write_all(&settings.bytes()).await?;
    stream.flush().await?;
    stream.read_u8().await?;
    Ok(format!("{:?}", stream.get_ref().1.handshake_kind()))
}

/// Who calls customers.
fn caller(rig: &Rig) -> &SpiffeId {
    &rig.estate.service("customer-overview").unwrap().id
}

/// A client that would resume does so at an edge and nowhere else: a session that is resumed is not asked
/// for its certificate, and so outlives it.
pub(crate) async fn no_session_is_resumed_between_services(rig: &mut Rig) {
    let pki = rig.estate.pki();
    let edge = rig.estate.service("storefront").unwrap().address;
    let customers = rig.estate.service("customers").unwrap();
    let twice = async |dialer: &Dialer, address| {
        let first = handshake(dialer, address).await.unwrap();
        [first, handshake(dialer, address).await.unwrap()]
    };
    let (full, resumed) = ("Some(Full)", "Some(Resumed)");
    let user = Dialer::edge(&rig.estate.edge_ca(), &[b"h2"]).unwrap();
    assert_eq!(twice(&user, edge).await, [full, resumed]);
    let honest = Credential::honest(pki, caller(rig)).unwrap();
    let honest = Dialer::hop(pki, &honest).unwrap();
    assert_eq!(twice(&honest, customers.address).await, [full, full]);

    let mut spec = LeafSpec::svid(caller(rig), pki.environment());
    let not_after = OffsetDateTime::now_utc() + SHORT;
    spec.validity = Validity {
        not_before: not_after - LEAF_LIFETIME,
        not_after,
    };
    let leaf = pki.authority(Layer::Process).unwrap().issue(&spec).unwrap();
    let ending = Dialer::hop(pki, &Credential::of(&leaf).unwrap()).unwrap();
    let before = Counts::of(customers.admin).await.unwrap();
    assert_eq!(twice(&ending, customers.address).await, [full, full]);
    let refused = eventually(PATIENCE, async || {
        Ok(match handshake(&ending, customers.address).await {
            Ok(kind) => {
                assert_eq!(kind, full, "a session is resumed between services");
                false
            }
            Err(_) => true,
        })
    });
    refused.await.unwrap();
    assert!(OffsetDateTime::now_utc() >= not_after, "refused too soon");
    let after = Counts::of(customers.admin).await.unwrap();
    let expired = |counts: &Counts| counts.events("peer_refused", "expired");
    assert!(expired(&after) > expired(&before));
    assert_eq!(after.all_requests(), before.all_requests());
    assert_eq!(twice(&honest, customers.address).await, [full, full]);
}

/// A call with an empty message, which has no customer's id: whoever is let in is told so.
async fn is_let_in(rig: &Rig, callee: &Instance, credential: &Credential) -> bool {
    let mut request = Request::new(bytes::Bytes::new());
    let user = rig.principal("cus_000001");
    rig.act_for(&user, caller(rig), request.metadata_mut().as_mut())
        .unwrap();
    let before = Counts::of(callee.admin).await.unwrap().all_requests();
    let mut probe = Probe::new(rig.estate.pki(), callee.address, credential).unwrap();
    let _refused = probe.call(GET, request).await;
    Counts::of(callee.admin).await.unwrap().all_requests() > before
}

/// No handler runs for who is refused, and the trail says that it was, and why.
pub(crate) async fn who_is_refused_at_the_handshake_is_in_the_trail(rig: &mut Rig) {
    let pki = rig.estate.pki();
    let customers = rig.another("customers").unwrap().start().await.unwrap();
    let honest = Credential::honest(pki, caller(rig)).unwrap();
    assert!(is_let_in(rig, &customers, &honest).await);
    let edge = &rig.estate.service("storefront").unwrap().id;
    let flaws = [
        Flaw::NoCertificate,
        Flaw::Expired,
        Flaw::NotYetValid,
        Flaw::OtherLayerAuthority,
        Flaw::WrongKeyUsage,
        Flaw::TwoIdentities,
    ];
    let flawed = flaws.map(|flaw| (flaw.reason(), flaw.caller(pki, caller(rig)).unwrap()));
    let of_edge = Credential::honest(pki, edge).unwrap();
    let refused: Vec<_> = flawed
        .into_iter()
        .chain([("foreign_trust_domain", of_edge)])
        .collect();
    for (reason, credential) in &refused {
        assert!(!is_let_in(rig, &customers, credential).await, "{reason}");
        let counts = Counts::of(customers.admin).await.unwrap();
        assert!(counts.events("peer_refused", reason) > 0, "{reason}");
    }
    let told = eventually(PATIENCE, async || {
        let all = all(&customers.audit())?;
        let told = |reason: &str| {
            all.iter()
                .any(|found| found.record.code == "peer_refused" && found.record.rule == reason)
        };
        Ok(refused.iter().all(|(reason, _)| told(reason)))
    });
    assert!(told.await.is_ok(), "who is refused is not in the trail");
    assert!(is_let_in(rig, &customers, &honest).await);
}
