//! Services of one environment of `org.example`, with keys that live as long as the process. So a corpus
//! holds no key, and whatever must be signed to get anywhere is signed when it is fed.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result};
use strata_config::Environment;
use strata_core::{Layer, SpiffeId, TrustDomain};
use strata_estate::pki::{AUTHORITY_LIFETIME, Authority, LeafSpec, Validity};
use strata_tls::{Exempted, Material, Trust};
use tempfile::TempDir;
use time::macros::datetime;

/// The authorities of the environment.
pub(crate) struct Authorities {
    pub(crate) layers: [(Layer, Authority); 3],
    pub(crate) tokens: Authority,
    pub(crate) audit: Authority,
}

/// A service, and the folder it was loaded from, which goes with it.
pub(crate) struct Loaded {
    pub(crate) material: Material,
    _folder: TempDir,
}

/// The trust domain of a layer.
pub(crate) fn domain(layer: Layer) -> Result<TrustDomain> {
    Ok(TrustDomain::new(layer, "dev", "org.example")?)
}

/// The identity of a service.
pub(crate) fn id(layer: Layer, service: &str) -> Result<SpiffeId> {
    Ok(domain(layer)?.workload(service)?)
}

/// Seconds since 1970.
pub(crate) fn now_in_seconds() -> Result<u64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())
}

/// A leaf that says the same in every run: it is kept in corpora, and valid for as long as they are.
pub(crate) fn lasting(spec: LeafSpec) -> LeafSpec {
    LeafSpec {
        dns_names: Vec::new(),
        validity: Validity {
            not_before: datetime!(2026-01-01 00:00 UTC),
            not_after: datetime!(2126-01-01 00:00 UTC),
        },
        ..spec
    }
}

impl Authorities {
    pub(crate) fn new() -> Result<Self> {
        let validity = Validity::from_now(AUTHORITY_LIFETIME);
        let of = |layer| {
            let authority = Authority::for_trust_domain(&domain(layer)?, validity)?;
            Ok::<_, anyhow::Error>((layer, authority))
        };
        let [system, process, experience] = Layer::ALL.map(of);
        let domain = domain(Layer::System)?;
        Ok(Self {
            layers: [system?, process?, experience?],
            tokens: Authority::for_tokens(&domain, validity)?,
            audit: Authority::for_audit(&domain, validity)?,
        })
    }

    pub(crate) fn of(&self, layer: Layer) -> Result<&Authority> {
        let mut layers = self.layers.iter();
        let found = layers.find(|(of, _)| *of == layer);
        let (_, authority) = found.context("there is no such layer")?;
        Ok(authority)
    }

    /// A service with material of its own.
    pub(crate) fn service(&self, layer: Layer, service: &str) -> Result<Loaded> {
        let folder = TempDir::new()?;
        let id = id(layer, service)?;
        let leaf = |name, authority: &Authority, spec: &LeafSpec| {
            let leaf = authority.issue(spec)?;
            write(
                folder.path(),
                &format!("{name}.pem"),
                &leaf.certificate_pem(),
            )?;
            write(folder.path(), &format!("{name}.key"), &leaf.key_pem())
        };
        let svid = LeafSpec::svid(&id, Environment::Dev);
        leaf("svid", self.of(layer)?, &svid)?;
        leaf("audit", &self.audit, &LeafSpec::audit(&id))?;
        fs::create_dir(folder.path().join("bundles"))?;
        let bundle = |name: &str, authority: &Authority| {
            let file = format!("bundles/{name}.pem");
            write(folder.path(), &file, authority.certificate_pem())
        };
        bundle("audit", &self.audit)?;
        for beside in layer.callers().chain(layer.callees()) {
            bundle(beside.as_str(), self.of(beside)?)?;
        }
        if layer == Layer::Experience {
            leaf("edge", self.of(layer)?, &svid)?;
            leaf("token", &self.tokens, &LeafSpec::token(&id))?;
        } else {
            bundle("tokens", &self.tokens)?;
        }
        let own = domain(layer)?;
        let trust = Trust {
            callers: layer.callers().map(|layer| own.beside(layer)).collect(),
            callees: layer.callees().map(|layer| own.beside(layer)).collect(),
            own: id,
            exempted: Exempted::default(),
            accept_stale_crls: false,
        };
        Ok(Loaded {
            material: Material::load(folder.path(), trust)?,
            _folder: folder,
        })
    }
}

fn write(folder: &Path, name: &str, text: &str) -> Result<()> {
    let mut options = fs::File::options();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(folder.join(name))?;
    Ok(file.write_all(text.as_bytes())?)
}
