//! What of high sensitivity goes out is told, and what a workload may not hold is not taken from it.

use std::{fs, net::SocketAddr};

use bytes::Bytes;
use prost::Message as _;
use proto_system_customers::v1::{Customer, GetCustomerRequest};
use strata_core::{Category, Clearance, Label, Principal, Sensitivity};
use strata_testkit::{Credential, Probe};
use strata_tests::{Counts, Rig};
use tonic::{Code, Request, Status};

use crate::{chain::Chain, folder::copy_of};

/// Reads one customer.
pub(crate) const GET: &str = "/system.customers.v1.CustomersService/GetCustomer";

/// Calls a System API under a workload's identity.
pub(crate) async fn call(
    rig: &Rig,
    (caller, address): (&str, SocketAddr),
    method: &str,
    user: &Principal,
    message: Vec<u8>,
) -> Result<Bytes, Status> {
    let caller = &rig.estate.service(caller).unwrap().id;
    let credential = Credential::honest(rig.estate.pki(), caller).unwrap();
    let mut probe = Probe::new(rig.estate.pki(), address, &credential).unwrap();
    let mut request = Request::new(Bytes::from(message));
    rig.act_for(user, caller, request.metadata_mut().as_mut())
        .unwrap();
    probe.call(method, request).await
}

pub(crate) fn get(customer_id: String) -> Vec<u8> {
    GetCustomerRequest { customer_id }.encode_to_vec()
}

pub(crate) async fn a_release_is_an_event(rig: &mut Rig) {
    let chain = Chain::start(rig, |launch| launch).await;
    let admin = chain.customers.admin;
    let customer = "cus_000001".to_owned();
    let ask = async |clearance: Label| {
        let before = Counts::of(admin).await.unwrap();
        let user = Principal {
            clearance: Clearance(clearance),
            ..rig.principal(&customer)
        };
        let from = ("customer-overview", chain.customers.address);
        let got = call(rig, from, GET, &user, get(customer.clone()))
            .await
            .unwrap();
        let after = Counts::of(admin).await.unwrap();
        let told = |counts: &Counts| counts.events("label_released", "restricted");
        let got = Customer::decode(got).unwrap();
        (got.national_id, told(&after) - told(&before))
    };
    let personal = [Category::Personal, Category::Location];
    let (masked, told) = ask(Label::new(Sensitivity::Confidential, &personal)).await;
    assert_eq!((masked.starts_with("****"), told), (true, 0));
    let (whole, told) = ask(Label::new(Sensitivity::Restricted, &personal)).await;
    assert_eq!((whole.starts_with("****"), told), (false, 1));
    // It says to whom and by which method, and nothing of the value.
    let log = chain.customers.log();
    let line = log.lines().find(|line| line.contains("label_released"));
    let line = line.unwrap();
    assert!(
        line.contains("customer-overview") && line.contains(GET),
        "{line}"
    );
    assert!(!log.contains(&whole) && !line.contains(&customer));
}

/// A callee that grants little takes little.
pub(crate) async fn a_workload_sends_on_only_what_it_may_hold(rig: &mut Rig) {
    let honest = rig.another("customers").unwrap().start().await.unwrap();
    let folder = narrowed(rig);
    let launch = rig.another("customers").unwrap().folder(folder.path());
    let narrow = launch.start().await.unwrap();
    let customer = "cus_000001".to_owned();
    let user = rig.principal(&customer);
    let ask = async |address| {
        let from = ("customer-overview", address);
        call(rig, from, GET, &user, get(customer.clone())).await
    };
    assert!(ask(honest.address).await.is_ok());
    let refused = ask(narrow.address).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert!(
        refused.message().contains("`customerId` is beyond"),
        "{refused}"
    );
    let counts = Counts::of(narrow.admin).await.unwrap();
    assert_eq!(counts.events("call_refused", "beyond_clearance"), 1);
}

/// The folder of `customers` with a policy that grants its caller what is public.
fn narrowed(rig: &Rig) -> tempfile::TempDir {
    let folder = copy_of(rig, "customers");
    let policy = folder.path().join("policy/callers.toml");
    let text = fs::read_to_string(&policy).unwrap();
    // Of its one caller the clearance is what is said last.
    let (granted, _) = text.rsplit_once("clearance = ").unwrap();
    let less = "clearance = { sensitivity = \"public\" }\n";
    fs::write(policy, [granted, less].concat()).unwrap();
    folder
}
