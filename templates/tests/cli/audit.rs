//! `audit`.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::Value;
use strata_audit::{Decision, Resource, ResourceKey, Trail, Verdict, Via};
use strata_config::{Audit, Environment, Manifest, trust_domain};
use strata_core::{Label, Layer};
use strata_estate::{Pki, ServiceSummary, Summary, Workspace};
use strata_tls::{Exempted, MASK_KEY, Material, Trust};

use super::{sample::Sample, strata::strata};

/// A running estate of one service, which has answered twice and refused once.
pub(super) struct Running {
    pub(super) sample: Sample,
    pub(super) folder: tempfile::TempDir,
    pub(super) material: PathBuf,
}

impl Running {
    pub(super) async fn new() -> Self {
        let (sample, folder) = (Sample::new(), tempfile::tempdir().unwrap());
        let pki = Pki::init(&folder.path().join("pki"), Environment::Dev).unwrap();
        let text = "name = 'ledger'\nlayer = 'system'\nowner = 'team'\ndescription = 'Money.'\n";
        let manifest = Manifest::parse(text, Path::new("service.toml")).unwrap();
        let running = Self {
            material: pki.issue(&manifest, &[]).unwrap(),
            sample,
            folder,
        };
        running.write().await;
        let anywhere = "127.0.0.1:1".parse().unwrap();
        let summary = Summary {
            environment: Environment::Dev,
            services: vec![ServiceSummary {
                layer: Layer::System,
                name: "ledger".to_owned(),
                id: String::new(),
                address: anywhere,
                admin: anywhere,
                material: running.material.clone(),
                log: running.folder.path().join("log"),
                pid: None,
            }],
            edges: Vec::new(),
            issuer: String::new(),
            token_endpoint: String::new(),
            token: String::new(),
        };
        summary
            .publish(&Workspace::at(running.sample.root()))
            .unwrap();
        running
    }

    pub(super) async fn write(&self) {
        let domain = trust_domain(Layer::System, Environment::Dev).unwrap();
        let own = domain.workload("ledger").unwrap();
        let trust = Trust {
            own: own.clone(),
            callers: vec![domain.beside(Layer::Process)],
            callees: Vec::new(),
            exempted: Exempted::default(),
            accept_stale_crls: false,
        };
        let material = Material::load(&self.material, trust).unwrap();
        let settings = Audit {
            folder: self.folder.path().join("audit"),
            checkpoints: self.folder.path().join("checkpoints"),
            file_bytes: 1 << 20,
            file_age: Duration::from_secs(3600),
            retention: Duration::from_secs(3600),
            queue: 64,
        };
        let key = ResourceKey::derived(&fs::read(self.material.join(MASK_KEY)).unwrap());
        let (signer, auditors) = (material.audit_signer(), material.auditors());
        let opened = Trail::open(settings, &own, key, signer, &auditors);
        let (trail, keeper) = opened.unwrap();
        for (trace, id, verdict, code) in [
            (1, "per_1", Verdict::Allowed, "OK"),
            (2, "per_2", Verdict::Allowed, "OK"),
            (3, "per_1", Verdict::Refused, "PERMISSION_DENIED"),
        ] {
            trail.reserve().unwrap().buffered(Decision {
                trace: Some(trace),
                user: None,
                via: Via::Edge,
                action: "/system.ledger.v1.LedgerService/Get".into(),
                resource: Some(Resource {
                    kind: "holder_id",
                    id: id.to_owned(),
                }),
                released: Label::default(),
                verdict,
                code,
                rule: "".into(),
            });
        }
        keeper.close().await;
    }

    pub(super) fn trail(&self) -> PathBuf {
        let files = fs::read_dir(self.folder.path().join("audit")).unwrap();
        let mut files = files.map(|file| file.unwrap().path());
        files.find(|file| file.extension().is_some()).unwrap()
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[tokio::test]
async fn what_somebody_did_and_what_was_done_about_them_is_found() {
    let running = Running::new().await;
    let root = running.sample.root();
    let ask = |about: [&str; 2]| {
        let arguments = [&["audit", "query", "--format", "json"][..], &about].concat();
        json(&strata(root, &arguments).data())
    };
    let found = ask(["--subject", "per_1"]);
    let traces: Vec<_> = found
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["trace"])
        .collect();
    assert_eq!(traces, [&format!("{:032x}", 1), &format!("{:032x}", 3)]);
    assert_eq!(found[1]["verdict"], "refused");
    let trace = format!("{:032x}", 2);
    assert_eq!(ask(["--trace", &trace]).as_array().unwrap().len(), 1);
    assert_eq!(ask(["--subject", "per_3"]), json("[]"));
    let text = strata(root, &["audit", "query", "--subject", "per_1"]).data();
    assert!(
        text.contains("system/ledger") && !text.contains("spiffe://"),
        "{text}"
    );
    let error = strata(root, &["audit", "query", "--trace", "12"]).error();
    assert!(error.contains("give 32 hex digits"), "{error}");

    let exported = strata(root, &["audit", "export", "--format", "ocsf"]).data();
    let events: Vec<_> = exported.lines().map(json).collect();
    assert_eq!(events.len(), 3);
    assert!(events.iter().all(|event| event["class_uid"] == 6003));
    assert_eq!(events[2]["status"], "Failure");
    assert!(!exported.contains("per_1"), "{exported}");
}

#[tokio::test]
async fn a_bent_trail_is_a_finding_that_says_where() {
    let running = Running::new().await;
    let root = running.sample.root();
    let verify = || strata(root, &["audit", "verify"]);
    let sound = verify().data();
    assert!(sound.contains("sound"), "{sound}");
    // The same by its folders.
    let at = |name: &str| running.folder.path().join(name).display().to_string();
    let (dir, checkpoints) = (at("audit"), at("checkpoints"));
    let material = running.material.display().to_string();
    let named = [
        "audit",
        "verify",
        "--dir",
        &dir,
        "--checkpoints",
        &checkpoints,
    ];
    let named = [&named[..], &["--material", &material]].concat();
    assert!(strata(root, &named).data().contains("sound"));

    let file = running.trail();
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() * 2 / 3;
    bytes[middle] ^= 1;
    fs::write(&file, bytes).unwrap();
    for bent in [verify(), strata(root, &named)] {
        assert_eq!(bent.code, Some(1), "{bent:?}");
        assert!(bent.stderr.contains("not as it was written"), "{bent:?}");
        let said = &bent.stdout;
        assert!(said.contains(&file.display().to_string()), "{said}");
        assert!(said.contains("entry 3 was changed"), "{said}");
    }
    let report = strata(root, &["audit", "verify", "--format", "json"]);
    assert_eq!(report.code, Some(1));
    let report = json(&report.stdout);
    assert_eq!(report[0]["findings"][0]["sequence"], 3);
    assert_eq!(report[0]["findings"][0]["problem"]["kind"], "changed");
}
