//! A client of another language: what it is told to do, and what came of it.

use std::{fs, path::PathBuf};

use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use strata_config::{Environment, dns_name};
use strata_core::Layer;
use strata_estate::pki::Leaf;
use strata_tests::{
    Rig,
    programs::{node, outcome, python, source},
};
use tempfile::TempDir;
use tokio::process::Command;

/// Which client.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Client {
    /// `grpcio` of PyPI: C++, BoringSSL.
    Grpcio,
    /// `@grpc/grpc-js` of npm: Node's own HTTP/2, OpenSSL.
    GrpcJs,
}

/// One call.
#[derive(Serialize)]
pub(crate) struct Call {
    pub(crate) method: &'static str,
    pub(crate) message: &'static str,
    pub(crate) streams: bool,
    pub(crate) request: Value,
}

/// What a client is to do. The files are PEM.
#[derive(Serialize)]
pub(crate) struct Plan {
    pub(crate) address: String,
    /// The DNS name the server's certificate must hold.
    pub(crate) name: String,
    /// The SPIFFE ID the server's certificate must hold: only grpc-js lets a client look.
    pub(crate) id: String,
    roots: PathBuf,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    protos: PathBuf,
    file: &'static str,
    package: &'static str,
    service: &'static str,
    metadata: Value,
    /// Seconds: becomes the deadline of each call.
    timeout: f64,
    calls: Vec<Call>,
    #[serde(skip)]
    scratch: TempDir,
}

/// What came of one call.
#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(untagged)]
pub(crate) enum Outcome {
    /// The messages of the answer, by the protobuf JSON mapping.
    Answered { messages: Vec<Value> },
    /// A status of gRPC.
    Failed { code: String, details: String },
}

impl Client {
    /// Makes the calls of a plan. Nothing when the client cannot be had here.
    pub(crate) async fn run(self, plan: &Plan) -> Option<Vec<Outcome>> {
        let (mut command, program) = match self {
            Self::Grpcio => {
                let mut python =
                    Command::new(python("interop/python").await.unwrap()?.join("python"));
                python.env_clear();
                (python, "interop/python/client.py")
            }
            Self::GrpcJs => (
                node("interop/node").await.unwrap()?,
                "interop/node/client.js",
            ),
        };
        command.arg(source(program).unwrap());
        Some(self.ask(command, plan).await)
    }

    async fn ask(self, command: Command, plan: &Plan) -> Vec<Outcome> {
        let plan_text = serde_json::to_vec(plan).unwrap();
        let said = outcome(command, &plan_text).await.unwrap();
        let outcomes: Vec<Outcome> = serde_json::from_str(&said).unwrap();
        assert_eq!(outcomes.len(), plan.calls.len(), "{self:?}: {said}");
        outcomes
    }
}

impl Plan {
    /// Calls to the orders of the System API, presenting `leaf`.
    pub(crate) fn orders(rig: &Rig, leaf: Option<&Leaf>) -> Self {
        let file = "system/orders/v1/orders.proto";
        let list = call("ListOrders", "ListOrdersRequest", false);
        let stream = call("StreamOrders", "StreamOrdersRequest", true);
        let mut plan = Self::of(rig, "orders", leaf, vec![list, stream]);
        (plan.file, plan.package, plan.service) = (file, "system.orders.v1", "OrdersService");
        plan
    }

    /// Calls to the overview of the Process API, presenting `leaf`.
    pub(crate) fn overview(rig: &Rig, leaf: Option<&Leaf>) -> Self {
        let file = "process/customer-overview/v1/customer_overview.proto";
        let get = call("GetOverview", "GetOverviewRequest", false);
        let stream = call("StreamOrders", "StreamOrdersRequest", true);
        let mut plan = Self::of(rig, "customer-overview", leaf, vec![get, stream]);
        (plan.file, plan.package) = (file, "process.customer_overview.v1");
        plan.service = "CustomerOverviewService";
        plan
    }

    fn of(rig: &Rig, callee: &str, leaf: Option<&Leaf>, calls: Vec<Call>) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let put = |name: &str, text: String| {
            let file = scratch.path().join(name);
            fs::write(&file, text).unwrap();
            file
        };
        let callee = rig.estate.service(callee).unwrap();
        let authority = rig.estate.pki().authority(callee.layer).unwrap();
        Self {
            address: callee.address.to_string(),
            name: dns_name(callee.layer, Environment::Dev, &callee.name),
            id: callee.id.to_string(),
            roots: put("roots.pem", authority.certificate_pem().to_owned()),
            certificate: leaf.map(|leaf| put("svid.pem", leaf.certificate_pem())),
            key: leaf.map(|leaf| put("svid.key", leaf.key_pem())),
            protos: source("../proto").unwrap().canonicalize().unwrap(),
            file: "",
            package: "",
            service: "",
            metadata: metadata(rig),
            timeout: 5.0,
            calls,
            scratch,
        }
    }

    /// Trusts the servers of another layer instead.
    pub(crate) fn trusting(self, rig: &Rig, layer: Layer) -> Self {
        let authority = rig.estate.pki().authority(layer).unwrap();
        let roots = self.scratch.path().join("roots.pem");
        fs::write(roots, authority.certificate_pem()).unwrap();
        self
    }
}

/// The customer whose orders are asked for.
pub(crate) const CUSTOMER: &str = "cus_000001";

fn call(method: &'static str, message: &'static str, streams: bool) -> Call {
    Call {
        method,
        message,
        streams,
        request: serde_json::json!({ "customerId": CUSTOMER }),
    }
}

/// What an honest caller sends along: for whom it calls.
fn metadata(rig: &Rig) -> Value {
    let mut user = rig.principal(CUSTOMER);
    user.roles = vec!["customer".to_owned()];
    let mut headers = HeaderMap::new();
    let caller = &rig.estate.service("storefront").unwrap().id;
    rig.act_for(&user, caller, &mut headers).unwrap();
    let entries = headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().into()));
    Value::Object(entries.collect())
}
