//! A file-based PKI: one authority per layer, one for transaction tokens and one for audit trails, no root
//! above them, and in dev one more for HTTPS.

mod authority;
mod leaf;
mod show;
mod store;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use strata_config::{Environment, Manifest, dns_name, trust_domain};
use strata_core::Layer;

use self::store::{AUDIT, Contents, EDGE, Store, TOKENS};
pub use self::{
    authority::{AUTHORITY_LIFETIME, Authority},
    leaf::{LEAF_LIFETIME, Leaf, LeafSpec, Validity},
    show::{CertificateInfo, CertificateKind},
};

/// The authorities of one environment and the material they signed, in one folder:
/// `authorities/<layer>.{pem,key}`, `authorities/{tokens,audit}.{pem,key}`, `mask.key` and `material/<layer>-<service>/`.
#[derive(Clone, Debug)]
pub struct Pki {
    store: Store,
    environment: Environment,
}

impl Pki {
    /// Makes the authorities. Dev gets an HTTPS authority as well; elsewhere the edge certificate
    /// comes from a public CA.
    ///
    /// # Errors
    /// When `folder` exists: nothing is ever overwritten. When it cannot be written.
    pub fn init(folder: &Path, environment: Environment) -> Result<Self> {
        store::create_folder(folder, |draft| {
            let draft = Store {
                folder: draft.to_owned(),
            };
            for layer in Layer::ALL {
                draft.put_authority(layer.as_str(), &layer_authority(layer, environment)?)?;
            }
            draft.put_authority(TOKENS, &token_authority(environment)?)?;
            draft.put_authority(AUDIT, &audit_authority(environment)?)?;
            draft.put_mask_key()?;
            if environment == Environment::Dev {
                let name = dns_name(Layer::Experience, environment, EDGE);
                let validity = Validity::from_now(AUTHORITY_LIFETIME);
                draft.put_authority(EDGE, &Authority::for_edge(&name, validity)?)?;
            }
            Ok(())
        })?;
        Self::open(folder, environment)
    }

    /// Opens a folder made by [`Pki::init`].
    ///
    /// # Errors
    /// When there is none, or it is another environment's.
    pub fn open(folder: &Path, environment: Environment) -> Result<Self> {
        let pki = Self {
            store: Store {
                folder: folder.to_owned(),
            },
            environment,
        };
        let experience = trust_domain(Layer::Experience, environment)?;
        let layers = Layer::ALL.map(|layer| (layer.as_str(), experience.beside(layer).to_string()));
        let tokens = (TOKENS, experience.token_authority());
        for (stem, name) in layers.into_iter().chain([tokens]) {
            let file = pki.store.authority_file(stem);
            let id = show::read(&file, CertificateKind::Authority, environment)
                .context("there is no PKI here yet: make one with `cargo strata pki init`")?
                .id;
            ensure!(
                id.as_deref() == Some(format!("spiffe://{name}").as_str()),
                "{} is not the authority of {name}: use the folder of environment {environment}",
                file.display()
            );
        }
        Ok(pki)
    }

    /// Signs the first material of a service: SVID, key, the trust bundles of its neighbours and of the layers
    /// in `exempted`, what it makes transaction tokens with or believes them by, what it signs its audit trail
    /// with, the environment's mask key.
    ///
    /// # Errors
    /// When the service has material already: it is never overwritten, only rotated.
    pub fn issue(&self, manifest: &Manifest, exempted: &[Layer]) -> Result<PathBuf> {
        let folder = self.material(manifest.layer, &manifest.name);
        let contents = self.contents(manifest, exempted)?;
        store::create_folder(&folder, |draft| contents.write(draft))?;
        Ok(folder)
    }

    /// Replaces the material of a service by fresh keys and certificates. A process that reads it
    /// half-way finds a key that does not match, refuses it, and keeps what it has.
    ///
    /// # Errors
    /// When the service has none yet.
    pub fn reissue(&self, manifest: &Manifest, exempted: &[Layer]) -> Result<PathBuf> {
        let folder = self.existing(manifest)?;
        self.contents(manifest, exempted)?.write(&folder)?;
        Ok(folder)
    }

    /// Replaces the trust bundles of a service alone: the first step after an authority was replaced.
    ///
    /// # Errors
    /// When the service has no material yet.
    pub fn publish(&self, manifest: &Manifest, exempted: &[Layer]) -> Result<PathBuf> {
        let folder = self.existing(manifest)?;
        self.contents(manifest, exempted)?.write_bundles(&folder)?;
        Ok(folder)
    }

    fn existing(&self, manifest: &Manifest) -> Result<PathBuf> {
        let folder = self.material(manifest.layer, &manifest.name);
        ensure!(
            folder.exists(),
            "{} does not exist: issue the service's first material with `cargo strata pki issue`",
            folder.display()
        );
        Ok(folder)
    }

    /// Replaces a layer's authority. The one before stays trusted until the next rotation. Nothing
    /// of a service is touched here: [`publish`](Self::publish) to all of them, and
    /// [`reissue`](Self::reissue) once that is in force everywhere. A service that presents what its
    /// peers do not trust yet is refused.
    ///
    /// # Errors
    /// When the authority cannot be made or stored.
    pub fn rotate_authority(&self, layer: Layer) -> Result<()> {
        self.store
            .put_authority(layer.as_str(), &layer_authority(layer, self.environment)?)
    }

    /// Replaces the authority of transaction tokens, in the same way.
    ///
    /// # Errors
    /// When the authority cannot be made or stored.
    pub fn rotate_token_authority(&self) -> Result<()> {
        self.store
            .put_authority(TOKENS, &token_authority(self.environment)?)
    }

    /// Replaces the authority of audit trails, in the same way.
    ///
    /// # Errors
    /// When the authority cannot be made or stored.
    pub fn rotate_audit_authority(&self) -> Result<()> {
        self.store
            .put_authority(AUDIT, &audit_authority(self.environment)?)
    }

    /// Every certificate of the folder: authorities first, then material by service.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn certificates(&self) -> Result<Vec<CertificateInfo>> {
        show::all(&self.store.folder, self.environment)
    }

    /// The current authority of a layer.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn authority(&self, layer: Layer) -> Result<Authority> {
        self.store.authority(layer.as_str())
    }

    /// The current authority of transaction tokens.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn token_authority(&self) -> Result<Authority> {
        self.store.authority(TOKENS)
    }

    /// The current authority of audit trails. Authorities that are older than it have none yet.
    fn audit_authority(&self) -> Result<Authority> {
        if !self.store.authority_file(AUDIT).try_exists()? {
            self.rotate_audit_authority()?;
        }
        self.store.authority(AUDIT)
    }

    /// Where the material of a service is.
    #[must_use]
    pub fn material(&self, layer: Layer, service: &str) -> PathBuf {
        self.store.material(layer, service)
    }

    /// The root that vouches for the HTTPS certificates of dev.
    #[must_use]
    pub fn edge_ca(&self) -> PathBuf {
        self.store.authority_file(EDGE)
    }

    /// The environment.
    #[must_use]
    pub const fn environment(&self) -> Environment {
        self.environment
    }

    fn contents(&self, manifest: &Manifest, exempted: &[Layer]) -> Result<Contents> {
        let layer = manifest.layer;
        let id = trust_domain(layer, self.environment)?.workload(&manifest.name)?;
        let experience = layer == Layer::Experience;
        let edge = (experience && self.environment == Environment::Dev)
            .then(|| {
                self.store
                    .authority(EDGE)?
                    .issue(&LeafSpec::edge(&manifest.name, self.environment))
            })
            .transpose()?;
        let token = experience
            .then(|| self.token_authority()?.issue(&LeafSpec::token(&id)))
            .transpose()?;
        let beside = layer.callers().chain(layer.callees());
        let beside = beside.chain(exempted.iter().copied()).map(Layer::as_str);
        let audit = self.audit_authority()?.issue(&LeafSpec::audit(&id))?;
        let bundles = beside.chain((!experience).then_some(TOKENS));
        let bundles = bundles.chain([AUDIT]);
        Ok(Contents {
            svid: self
                .authority(layer)?
                .issue(&LeafSpec::svid(&id, self.environment))?,
            edge,
            token,
            audit,
            bundles: bundles
                .map(|stem| self.store.bundle(stem))
                .collect::<Result<_>>()?,
            mask_key: self.store.mask_key()?,
        })
    }
}

fn layer_authority(layer: Layer, environment: Environment) -> Result<Authority> {
    Authority::for_trust_domain(
        &trust_domain(layer, environment)?,
        Validity::from_now(AUTHORITY_LIFETIME),
    )
}

fn token_authority(environment: Environment) -> Result<Authority> {
    Authority::for_tokens(
        &trust_domain(Layer::Experience, environment)?,
        Validity::from_now(AUTHORITY_LIFETIME),
    )
}

fn audit_authority(environment: Environment) -> Result<Authority> {
    Authority::for_audit(
        &trust_domain(Layer::Experience, environment)?,
        Validity::from_now(AUTHORITY_LIFETIME),
    )
}

#[cfg(test)]
mod tests;
