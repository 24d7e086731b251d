//! A folder that loads, for the tests to change.

use std::{fs, path::PathBuf};

use strata_core::{Layer, TrustDomain};
use tempfile::TempDir;

use super::{Material, Trust};
use crate::trust::Exempted;
use crate::{
    error::MaterialError,
    fixture::{Ca, Identity, Leaf, domain},
};

/// The material of the Process API `overview`.
pub(super) struct Folder {
    pub(super) dir: TempDir,
    pub(super) own: TrustDomain,
    pub(super) ca: Ca,
    pub(super) tokens: Ca,
    pub(super) audit: Ca,
}

impl Folder {
    pub(super) fn new() -> Self {
        Self::of(Layer::Process)
    }

    pub(super) fn of(layer: Layer) -> Self {
        let own = domain(layer, "dev");
        let folder = Self {
            dir: TempDir::new().unwrap(),
            ca: Ca::new(&own),
            tokens: Ca::of_tokens(&own),
            audit: Ca::of_audit(&own),
            own,
        };
        fs::create_dir(folder.file("bundles")).unwrap();
        folder.write("svid", &folder.ca.issue(&folder.leaf()));
        folder.write("audit", &folder.audit.issue(&folder.audit_leaf()));
        fs::write(folder.file("bundles/audit.pem"), folder.audit.pem()).unwrap();
        match layer {
            Layer::Experience => {
                folder.write("edge", &folder.ca.issue(&folder.leaf()));
                folder.write("token", &folder.tokens.issue(&folder.token_leaf()));
            }
            Layer::Process | Layer::System => folder.token_bundle(&folder.tokens.pem()),
        }
        for beside in layer.callers().chain(layer.callees()) {
            folder.bundle(beside, &Ca::new(&domain(beside, "dev")).pem());
        }
        folder
    }

    pub(super) fn leaf(&self) -> Leaf {
        Leaf::of(&self.own, "overview")
    }

    pub(super) fn token_leaf(&self) -> Leaf {
        Leaf::token(&self.own, "overview")
    }

    pub(super) fn audit_leaf(&self) -> Leaf {
        Leaf::audit(&self.own, "overview")
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(super) fn write(&self, name: &str, identity: &Identity) {
        identity.write(self.dir.path(), name);
    }

    pub(super) fn bundle(&self, layer: Layer, pem: &str) {
        fs::write(self.file(&format!("bundles/{layer}.pem")), pem).unwrap();
    }

    pub(super) fn token_bundle(&self, pem: &str) {
        fs::write(self.file("bundles/tokens.pem"), pem).unwrap();
    }

    pub(super) fn trust(&self) -> Trust {
        let dev = |layer| domain(layer, "dev");
        Trust {
            own: self.own.workload("overview").unwrap(),
            callers: self.own.layer().callers().map(dev).collect(),
            callees: self.own.layer().callees().map(dev).collect(),
            exempted: Exempted::default(),
            accept_stale_crls: false,
        }
    }

    pub(super) fn load(&self) -> Result<Material, MaterialError> {
        Material::load(self.dir.path(), self.trust())
    }

    /// The sentence a person reads, which names the file.
    #[track_caller]
    pub(super) fn refused(&self, file: &str, why: &str) {
        let sentence = self.load().err().unwrap().to_string();
        assert!(
            sentence.contains(file) && sentence.contains(why),
            "{sentence}"
        );
    }
}
