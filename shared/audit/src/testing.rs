//! A trail that is written and verified, for the tests.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use strata_config::{Audit, Environment, Manifest, trust_domain};
use strata_core::{Label, Layer, SpiffeId};
use strata_estate::Pki;
use strata_tls::{Auditors, Exempted, Material, Trust};
use tempfile::TempDir;

use crate::{
    AuditError, Decision, Keeper, Report, Resource, ResourceKey, Trail, Verdict, Via,
    folder::{self, TRAIL},
    verify,
};

pub(crate) const ENVIRONMENT: Environment = Environment::Dev;

/// A service with its material and folders of its own.
pub(crate) struct World {
    pub(crate) dir: TempDir,
    pub(crate) service: SpiffeId,
    pub(crate) settings: Audit,
    material: Material,
}

impl World {
    pub(crate) fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let pki = Pki::init(&dir.path().join("pki"), ENVIRONMENT).unwrap();
        Self::of(dir, &pki, "sample")
    }

    pub(crate) fn of(dir: TempDir, pki: &Pki, name: &str) -> Self {
        let text = format!(
            "name = '{name}'\nlayer = 'system'\nowner = 'team'\ndescription = 'A sample.'\n"
        );
        let manifest = Manifest::parse(&text, Path::new("service.toml")).unwrap();
        let folder = pki.issue(&manifest, &[]).unwrap();
        let domain = trust_domain(Layer::System, ENVIRONMENT).unwrap();
        let service = domain.workload(name).unwrap();
        let trust = Trust {
            own: service.clone(),
            callers: vec![domain.beside(Layer::Process)],
            callees: Vec::new(),
            exempted: Exempted::default(),
            accept_stale_crls: false,
        };
        let at = |folder: &str| dir.path().join(name).join(folder);
        Self {
            settings: Audit {
                folder: at("audit"),
                checkpoints: at("checkpoints"),
                file_bytes: 64 << 20,
                file_age: Duration::from_secs(3600),
                retention: Duration::from_secs(7200),
                queue: 4096,
            },
            material: Material::load(&folder, trust).unwrap(),
            service,
            dir,
        }
    }

    pub(crate) fn key() -> ResourceKey {
        ResourceKey::derived(b"the key of this environment")
    }

    pub(crate) fn open(&self) -> Result<(Trail, Keeper), AuditError> {
        let (signer, auditors) = (self.material.audit_signer(), self.material.auditors());
        let settings = self.settings.clone();
        Trail::open(settings, &self.service, Self::key(), signer, &auditors)
    }

    /// Runs the trail for some decisions, the last of which is on disk when it ends.
    pub(crate) async fn write(&self, decisions: u64) {
        let (trail, keeper) = self.open().unwrap();
        for number in 0..decisions {
            trail.reserve().unwrap().buffered(decision(number));
        }
        keeper.close().await;
    }

    pub(crate) fn auditors(&self) -> Auditors {
        self.material.auditors()
    }

    pub(crate) fn verify(&self) -> Report {
        self.verify_by(&self.settings.checkpoints)
    }

    pub(crate) fn verify_by(&self, checkpoints: &Path) -> Report {
        let domain = self.service.trust_domain();
        let (folder, auditors) = (&self.settings.folder, self.auditors());
        verify(folder, checkpoints, &auditors, &domain, None).unwrap()
    }

    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let files = folder::files(&self.settings.folder, TRAIL).unwrap();
        let path = |file: folder::Numbered| self.settings.folder.join(file.name);
        files.into_iter().map(path).collect()
    }

    pub(crate) fn checkpoint_files(&self) -> Vec<PathBuf> {
        let files = fs::read_dir(&self.settings.checkpoints).unwrap();
        let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        files.sort();
        files
    }
}

pub(crate) fn decision(number: u64) -> Decision {
    Decision {
        trace: Some(number.into()),
        user: None,
        via: Via::Named("spiffe://process.dev.org.example/overview".to_owned()),
        action: "/system.sample.v1.Sample/Get".into(),
        resource: Some(Resource {
            kind: "customer_id",
            id: format!("cus_{number}"),
        }),
        released: Label::default(),
        verdict: Verdict::Allowed,
        code: "OK",
        rule: "".into(),
    }
}
