//! A file-based PKI: one authority per layer and one for transaction tokens, no root above them, and in
//! dev one more for HTTPS.

mod authority;
mod leaf;
mod show;
mod store;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use strata_config::{Environment, Manifest, dns_name, trust_domain};
use strata_core::Layer;

use self::store::{Contents, EDGE, Store, TOKENS};
pub use self::{
    authority::{AUTHORITY_LIFETIME, Authority},
    leaf::{LEAF_LIFETIME, Leaf, LeafSpec, Validity},
    show::{CertificateInfo, CertificateKind},
};

/// The authorities of one environment and the material they signed, in one folder:
/// `authorities/<layer>.{pem,key}`, `authorities/tokens.{pem,key}`, `mask.key` and `material/<layer>-<service>/`.
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
    /// in `exempted`, what it makes transaction tokens with or believes them by, the environment's mask key.
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
        let bundles = beside.chain((!experience).then_some(TOKENS));
        Ok(Contents {
            svid: self
                .authority(layer)?
                .issue(&LeafSpec::svid(&id, self.environment))?,
            edge,
            token,
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

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, os::unix::fs::PermissionsExt as _};

    use strata_core::SpiffeId;
    use strata_tls::{Exempted, Material, Trust};

    use super::*;

    const ENVIRONMENT: Environment = Environment::Dev;

    fn manifest(layer: Layer) -> Manifest {
        let text = format!(
            "name = \"sample\"\nlayer = \"{layer}\"\nowner = \"team\"\ndescription = \"A sample.\"\n"
        );
        Manifest::parse(&text, Path::new("service.toml")).unwrap()
    }

    fn trust(own: SpiffeId) -> Trust {
        let domain = |layer| trust_domain(layer, ENVIRONMENT).unwrap();
        Trust {
            callers: own.layer().callers().map(domain).collect(),
            callees: own.layer().callees().map(domain).collect(),
            own,
            exempted: Exempted::default(),
            accept_stale_crls: false,
        }
    }

    fn load(pki: &Pki, layer: Layer) -> Material {
        let id = trust_domain(layer, ENVIRONMENT)
            .unwrap()
            .workload("sample")
            .unwrap();
        Material::load(&pki.material(layer, "sample"), trust(id)).unwrap()
    }

    #[test]
    fn every_layer_gets_material_it_can_start_with() {
        let folder = tempfile::tempdir().unwrap();
        let pki = Pki::init(&folder.path().join("pki"), ENVIRONMENT).unwrap();
        for layer in Layer::ALL {
            let material = pki.issue(&manifest(layer), &[]).unwrap();
            assert_eq!(load(&pki, layer).id().layer(), layer);
            let key = fs::metadata(material.join("svid.key")).unwrap();
            assert_eq!(key.permissions().mode() & 0o777, 0o600);
            // The same for all, or the same value would have a token for each service.
            let tokens = strata_tls::read_private(&material.join("mask.key")).unwrap();
            let environment = fs::read(folder.path().join("pki/mask.key")).unwrap();
            assert_eq!(*tokens, environment);
        }
    }

    #[test]
    fn nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("pki");
        let pki = Pki::init(&place, ENVIRONMENT).unwrap();
        let material = pki.issue(&manifest(Layer::System), &[]).unwrap();
        let before = fs::read(material.join("svid.pem")).unwrap();

        assert!(
            Pki::init(&place, ENVIRONMENT)
                .unwrap_err()
                .to_string()
                .contains("exists already")
        );
        let again = pki.issue(&manifest(Layer::System), &[]).unwrap_err();
        assert!(again.to_string().contains("exists already"));
        assert_eq!(fs::read(material.join("svid.pem")).unwrap(), before);
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "a draft was left behind"
        );
    }

    #[test]
    fn a_folder_serves_its_own_environment_only() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("pki");
        Pki::init(&place, Environment::Test).unwrap();
        assert!(Pki::open(&place, Environment::Test).is_ok());
        let error = Pki::open(&place, Environment::Prod)
            .unwrap_err()
            .to_string();
        assert!(error.contains("is not the authority of"), "{error}");
        let error = Pki::open(&folder.path().join("none"), Environment::Test).unwrap_err();
        assert!(error.to_string().contains("pki init"), "{error}");
    }

    #[test]
    fn only_dev_makes_edge_certificates() {
        for environment in Environment::ALL {
            let folder = tempfile::tempdir().unwrap();
            let pki = Pki::init(&folder.path().join("pki"), environment).unwrap();
            let material = pki.issue(&manifest(Layer::Experience), &[]).unwrap();
            let dev = environment == Environment::Dev;
            assert_eq!(material.join("edge.pem").exists(), dev, "{environment}");
            assert_eq!(pki.edge_ca().exists(), dev, "{environment}");
        }
    }

    #[test]
    fn after_a_rotation_both_authorities_are_trusted() {
        let folder = tempfile::tempdir().unwrap();
        let pki = Pki::init(&folder.path().join("pki"), ENVIRONMENT).unwrap();
        for layer in Layer::ALL {
            pki.issue(&manifest(layer), &[]).unwrap();
        }
        let old = pki
            .authority(Layer::Process)
            .unwrap()
            .certificate_pem()
            .to_owned();
        pki.rotate_authority(Layer::Process).unwrap();
        let new = pki
            .authority(Layer::Process)
            .unwrap()
            .certificate_pem()
            .to_owned();
        assert_ne!(old, new);
        for layer in Layer::ALL {
            let material = pki.reissue(&manifest(layer), &[]).unwrap();
            load(&pki, layer);
            if layer != Layer::Process {
                let bundle = fs::read_to_string(material.join("bundles/process.pem")).unwrap();
                assert_eq!(bundle, new.clone() + &old);
            }
        }
    }

    #[test]
    fn what_is_shown_is_what_was_signed() {
        let folder = tempfile::tempdir().unwrap();
        let pki = Pki::init(&folder.path().join("pki"), ENVIRONMENT).unwrap();
        for layer in Layer::ALL {
            pki.issue(&manifest(layer), &[]).unwrap();
        }
        let certificates = pki.certificates().unwrap();
        let usages: BTreeSet<_> = certificates
            .iter()
            .filter(|certificate| certificate.kind == CertificateKind::Svid)
            .map(|certificate| (certificate.layer.unwrap(), certificate.usages.join("+")))
            .collect();
        let expected = [
            (Layer::System, "serverAuth"),
            (Layer::Process, "serverAuth+clientAuth"),
            (Layer::Experience, "clientAuth"),
        ];
        assert_eq!(
            usages,
            expected
                .map(|(layer, usage)| (layer, usage.to_owned()))
                .into()
        );
        let of_kind = |kind| certificates.iter().filter(|c| c.kind == kind).count();
        assert_eq!(of_kind(CertificateKind::Authority), 5);
        let of_tokens = |c: &&CertificateInfo| c.kind == CertificateKind::Token;
        let token = certificates.iter().find(of_tokens).unwrap();
        assert_eq!(token.layer, Some(Layer::Experience));
        assert_eq!(token.usages, ["transactionToken"]);
        assert_eq!(of_kind(CertificateKind::Edge), 1);
    }
}
