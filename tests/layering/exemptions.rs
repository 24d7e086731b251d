//! A caller that the rule forbids, and an exemption lets through: a second process of a System API whose
//! callers.toml exempts one Experience API. No service of the repository has one.

use std::{
    fs,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use prost::Message as _;
use proto_system_orders::v1::{ListOrdersRequest, ListOrdersResponse};
use strata_config::Expires;
use strata_core::{Layer, SpiffeId};
use strata_testkit::{Credential, Probe};
use strata_tests::{Counts, Instance, Launch, Rig, eventually};
use tempfile::TempDir;
use tonic::{Code, Request, Status};

use crate::callers::PATIENCE;

const CALLEE: &str = "orders";
const LIST: &str = "/system.orders.v1.OrdersService/ListOrders";
const GET: &str = "/system.orders.v1.OrdersService/GetOrder";

/// The folder and the material of the callee, to be changed.
struct Callee {
    folder: TempDir,
    material: TempDir,
}

impl Callee {
    /// As it runs, without any exemption.
    fn new(rig: &Rig) -> Self {
        let running = rig.estate.service(CALLEE).unwrap();
        let callee = Self {
            folder: tempfile::tempdir().unwrap(),
            material: tempfile::tempdir().unwrap(),
        };
        copy(&running.folder, callee.folder.path());
        copy(&running.material, callee.material.path());
        callee
    }

    /// Exempts the support desk until so many days from now.
    fn exempting(self, days: i64) -> Self {
        let file = self.folder.path().join("policy/callers.toml");
        let text = fs::read_to_string(&file).unwrap();
        let expires = Expires::in_days(days);
        let entry = format!(
            "\n[[callers]]\nlayer = \"experience\"\nservice = \"support-desk\"\n\
             methods = [\"ListOrders\"]\n\
             clearance = {{ sensitivity = \"confidential\", categories = [\"personal\", \"location\"] }}\n\
             exemption = {{ reason = \"a test\", owner = \"order-fulfilment\", expires = \"{expires}\" }}\n"
        );
        fs::write(file, text + &entry).unwrap();
        self
    }

    /// With the CAs of the Experience layer, as `strata pki` gives them to who exempts one of it.
    fn holding_the_bundle(self, rig: &Rig) -> Self {
        let authority = rig.estate.pki().authority(Layer::Experience).unwrap();
        fs::write(self.bundle(), authority.certificate_pem()).unwrap();
        self
    }

    fn bundle(&self) -> PathBuf {
        self.material.path().join("bundles/experience.pem")
    }

    fn launch(&self, rig: &Rig) -> Launch {
        rig.another(CALLEE)
            .unwrap()
            .folder(self.folder.path())
            .set("STRATA_TLS__MATERIAL", self.material.path())
    }

    async fn start(&self, rig: &Rig) -> Instance {
        self.launch(rig).start().await.unwrap()
    }
}

/// With its permissions: keys are for their owner alone.
fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Asks for a customer's orders as `caller`, on behalf of them, with a token that `requester` made.
async fn ask(
    rig: &Rig,
    callee: &Instance,
    (caller, requester): (&SpiffeId, &SpiffeId),
    path: &str,
) -> Result<ListOrdersResponse, Status> {
    let customer = "cus_000001";
    let message = ListOrdersRequest {
        customer_id: customer.to_owned(),
        ..ListOrdersRequest::default()
    };
    let mut request = Request::new(Bytes::from(message.encode_to_vec()));
    let headers = request.metadata_mut().as_mut();
    rig.act_for(&rig.principal(customer), requester, headers)
        .unwrap();
    let credential = Credential::honest(rig.estate.pki(), caller).unwrap();
    let mut probe = Probe::new(rig.estate.pki(), callee.address, &credential).unwrap();
    let answer = probe.call(path, request).await?;
    Ok(ListOrdersResponse::decode(answer).unwrap())
}

fn id(rig: &Rig, service: &str) -> SpiffeId {
    rig.estate.service(service).unwrap().id.clone()
}

/// How often calls were answered by an exemption.
fn uses(counts: &Counts) -> u64 {
    counts.events("exemption_used", "layer_passed_over")
}

pub(crate) async fn an_exempted_caller_is_answered_and_each_use_is_told(rig: &mut Rig) {
    let (desk, shop) = (id(rig, "support-desk"), id(rig, "storefront"));
    let described = Callee::new(rig).exempting(30).holding_the_bundle(rig);
    let callee = described.start(rig).await;
    assert!(callee.log().contains("called by an exemption"), "the start");

    for times in 1..=3 {
        let answer = ask(rig, &callee, (&desk, &desk), LIST).await.unwrap();
        assert!(!answer.orders.is_empty());
        let counts = Counts::of(callee.admin).await.unwrap();
        assert_eq!((uses(&counts), counts.requests(LIST)), (times, times));
        assert_eq!(counts.refusals(), 0);
    }
    let told = callee.log();
    let told = told.lines().filter(|line| {
        let parts = ["event=\"exemption_used\"", desk.as_str(), LIST];
        parts.iter().all(|part| line.contains(part))
    });
    assert_eq!(told.count(), 3);

    // No other method, and no token but its own.
    let refused = async |caller, path, code, reason| {
        let before = Counts::of(callee.admin).await.unwrap();
        let status = ask(rig, &callee, caller, path).await.unwrap_err();
        assert_eq!(status.code(), code, "{reason}");
        let after = Counts::of(callee.admin).await.unwrap();
        let counted = |counts: &Counts| counts.events("call_refused", reason);
        assert_eq!(counted(&after) - counted(&before), 1, "{reason}");
        assert_eq!(
            after.all_requests() - before.all_requests(),
            u64::from(path == LIST)
        );
    };
    refused(
        (&desk, &desk),
        GET,
        Code::PermissionDenied,
        "method_not_allowed",
    )
    .await;
    let reason = "token_of_another_requester";
    refused((&desk, &shop), LIST, Code::Unauthenticated, reason).await;

    // Who calls by the rule needs no exemption.
    let before = Counts::of(callee.admin).await.unwrap();
    let overview = id(rig, "customer-overview");
    assert!(ask(rig, &callee, (&overview, &shop), LIST).await.is_ok());
    let after = Counts::of(callee.admin).await.unwrap();
    assert_eq!(uses(&after), uses(&before));
}

pub(crate) async fn nobody_else_of_its_layer_gets_through_the_handshake(rig: &mut Rig) {
    let desk = id(rig, "support-desk");
    let exempting = Callee::new(rig).exempting(30).holding_the_bundle(rig);
    let exempting = exempting.start(rig).await;
    assert!(ask(rig, &exempting, (&desk, &desk), LIST).await.is_ok());
    let plain = Callee::new(rig);
    let plain = plain.start(rig).await;

    let other = desk.trust_domain().workload("other").unwrap();
    for (callee, stranger) in [
        (&exempting, id(rig, "storefront")),
        (&exempting, other),
        (&plain, desk),
    ] {
        let before = Counts::of(callee.admin).await.unwrap();
        let refused = ask(rig, callee, (&stranger, &stranger), LIST).await;
        assert!(refused.is_err(), "{stranger}");
        // Whoever is refused may know it before it is counted.
        let told = eventually(PATIENCE, async || {
            Ok(Counts::of(callee.admin).await?.refusals() > before.refusals())
        });
        assert!(told.await.is_ok(), "{stranger}: no event");
        let after = Counts::of(callee.admin).await.unwrap();
        let refusals = after.refusals() - before.refusals();
        let counted = |counts: &Counts| counts.events("peer_refused", "foreign_trust_domain");
        assert_eq!(counted(&after) - counted(&before), refusals, "{stranger}");
        assert_eq!(after.all_requests(), before.all_requests(), "{stranger}");
    }
}

pub(crate) async fn an_exemption_past_its_date_is_refused(rig: &mut Rig) {
    let desk = id(rig, "support-desk");
    let last_day = Callee::new(rig).exempting(0).holding_the_bundle(rig);
    let last_day = last_day.start(rig).await;
    assert!(ask(rig, &last_day, (&desk, &desk), LIST).await.is_ok());

    let over = Callee::new(rig).exempting(-1).holding_the_bundle(rig);
    let over = over.start(rig).await;
    let status = ask(rig, &over, (&desk, &desk), LIST).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    let counts = Counts::of(over.admin).await.unwrap();
    assert_eq!(counts.events("call_refused", "exemption_expired"), 1);
    assert_eq!((uses(&counts), counts.all_requests()), (0, 0));
    // The callee does not fail those who call by the rule.
    let (overview, shop) = (id(rig, "customer-overview"), id(rig, "storefront"));
    assert!(ask(rig, &over, (&overview, &shop), LIST).await.is_ok());
}

/// The trust and the paper are one: neither is there without the other.
pub(crate) async fn a_bundle_comes_and_goes_with_its_exemption(rig: &mut Rig) {
    let exempting = Callee::new(rig).exempting(30);
    let ended = exempting.launch(rig).run().await.unwrap();
    assert!(!ended.status.success());
    assert!(
        ended.stderr.contains("experience.pem` is missing"),
        "{}",
        ended.stderr
    );
    exempting.holding_the_bundle(rig).start(rig).await;

    let plain = Callee::new(rig).holding_the_bundle(rig);
    let ended = plain.launch(rig).run().await.unwrap();
    assert!(!ended.status.success());
    let why = "experience.pem` is not a bundle this service may trust";
    assert!(ended.stderr.contains(why), "{}", ended.stderr);
    fs::remove_file(plain.bundle()).unwrap();
    plain.start(rig).await;
}
