//! The CAs that vouch for the peers of a service, and what they took back.

use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
};

use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime, pem::PemObject};
use strata_core::{Layer, SpiffeId, TrustDomain};

use crate::{
    certificate::{Certificate, Validity},
    config::provider,
    error::MaterialError,
    revocation::{Lists, Revocations},
    trust::Trust,
};

/// One CA of a layer.
#[derive(Debug)]
pub(crate) struct Anchor {
    pub(crate) anchor: TrustAnchor<'static>,
    /// Path validation does not look at an anchor's own dates.
    pub(crate) not_after: UnixTime,
    pub(crate) revocations: Option<Revocations>,
}

/// The trust anchors of some trust domains.
#[derive(Debug)]
pub(crate) struct Anchors {
    domains: Vec<TrustDomain>,
    anchors: Vec<(Layer, Vec<Anchor>)>,
    accept_stale: bool,
    algorithms: WebPkiSupportedAlgorithms,
    /// Everything read, to tell whether anything changed.
    read: Vec<Vec<u8>>,
}

impl Anchors {
    /// Reads `bundles/<layer>.pem` and, where there is one, `crls/<layer>.pem` of each domain.
    pub(crate) fn load(
        dir: &Path,
        domains: &[TrustDomain],
        accept_stale: bool,
    ) -> Result<Self, MaterialError> {
        let mut anchors = Self {
            domains: domains.to_vec(),
            anchors: Vec::new(),
            accept_stale,
            algorithms: provider().signature_verification_algorithms,
            read: Vec::new(),
        };
        for domain in domains {
            let of_layer = anchors.load_layer(dir, domain)?;
            anchors.anchors.push((domain.layer(), of_layer));
        }
        Ok(anchors)
    }

    fn load_layer(
        &mut self,
        dir: &Path,
        domain: &TrustDomain,
    ) -> Result<Vec<Anchor>, MaterialError> {
        let file = file_of(dir, BUNDLES, domain);
        let invalid = |problem| MaterialError::Invalid {
            file: file.clone(),
            problem,
        };
        let list_file = file_of(dir, CRLS, domain);
        let lists = Lists::read(&list_file)?;
        let ders = lists.iter().flat_map(Lists::der);
        self.read.extend(ders.map(<[u8]>::to_vec));
        let mut anchors = Vec::new();
        for ca in bundle(&file, domain)? {
            self.read.push(ca.to_vec());
            let Some((anchor, not_after)) = anchor(&ca, domain).map_err(invalid)? else {
                continue;
            };
            let revocations = lists.as_ref().map(|lists| lists.of(&ca, self.accept_stale));
            anchors.push(Anchor {
                anchor,
                not_after,
                revocations: revocations.transpose()?,
            });
        }
        if anchors.is_empty() {
            return Err(invalid(
                "holds no CA certificate that is still valid: renew it",
            ));
        }
        Ok(anchors)
    }

    pub(crate) fn domains(&self) -> &[TrustDomain] {
        &self.domains
    }

    /// Whether a revocation list past its date still counts.
    pub(crate) const fn accept_stale(&self) -> bool {
        self.accept_stale
    }

    /// By which signatures are checked.
    pub(crate) const fn algorithms(&self) -> WebPkiSupportedAlgorithms {
        self.algorithms
    }

    /// The anchors that may vouch for `id`, which was read as one of [`Self::domains`].
    pub(crate) fn of(
        &self,
        id: &SpiffeId,
        now: UnixTime,
    ) -> impl Iterator<Item = &Anchor> + use<'_> {
        let layer = id.layer();
        self.anchors
            .iter()
            .filter(move |(of, _)| *of == layer)
            .flat_map(|(_, anchors)| anchors)
            .filter(move |anchor| now <= anchor.not_after)
    }

    /// The moments after which what is accepted now may be refused.
    pub(crate) fn moments(&self) -> impl Iterator<Item = UnixTime> {
        self.anchors
            .iter()
            .flat_map(|(_, anchors)| anchors)
            .flat_map(|anchor| {
                let due = anchor.revocations.as_ref().filter(|_| !self.accept_stale);
                [Some(anchor.not_after), due.map(|list| list.next_update)]
                    .into_iter()
                    .flatten()
            })
    }

    /// The list file of a layer which takes nothing back here, and did in `before`.
    pub(crate) fn dropped(&self, before: &Self, dir: &Path) -> Option<PathBuf> {
        let listed = |anchors: &Self, layer| {
            let of_layer = anchors.anchors.iter().filter(|(of, _)| *of == layer);
            let mut anchors = of_layer.flat_map(|(_, anchors)| anchors);
            anchors.any(|anchor| anchor.revocations.is_some())
        };
        self.domains
            .iter()
            .find(|domain| listed(before, domain.layer()) && !listed(self, domain.layer()))
            .map(|domain| file_of(dir, CRLS, domain))
    }

    /// Whether both were read from the same certificates and lists.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.read == other.read
    }
}

const BUNDLES: &str = "bundles";
const CRLS: &str = "crls";

/// Refuses bundles and lists in the folder that the service has no use for: trust lying about is
/// trust that a later mistake picks up.
pub(crate) fn refuse_extra(dir: &Path, trust: &Trust) -> Result<(), MaterialError> {
    for folder in [BUNDLES, CRLS] {
        let place = dir.join(folder);
        let failed = |source| MaterialError::Read {
            file: place.clone(),
            source,
        };
        let domains = trust.callers.iter().chain(&trust.callees);
        let expected: HashSet<_> = domains.map(|domain| file_of(dir, folder, domain)).collect();
        let entries = match fs::read_dir(&place) {
            Err(error) if folder == CRLS && error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries.map_err(failed)?,
        };
        for entry in entries {
            let file = entry.map_err(failed)?.path();
            let is_pem = file.extension().is_some_and(|extension| extension == "pem");
            if is_pem && !expected.contains(&file) {
                return Err(MaterialError::ExtraBundle { file });
            }
        }
    }
    Ok(())
}

fn file_of(dir: &Path, folder: &str, domain: &TrustDomain) -> PathBuf {
    dir.join(folder).join(format!("{}.pem", domain.layer()))
}

fn bundle(
    file: &Path,
    domain: &TrustDomain,
) -> Result<Vec<CertificateDer<'static>>, MaterialError> {
    let pem = fs::read(file).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => MaterialError::MissingBundle {
            file: file.to_owned(),
            layer: domain.layer(),
        },
        _ => MaterialError::Read {
            file: file.to_owned(),
            source,
        },
    })?;
    CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|_| MaterialError::Invalid {
            file: file.to_owned(),
            problem: "is not PEM: write it again",
        })
}

/// The anchor a CA certificate stands for, and its end. A CA must name the trust domain it signs
/// for (X509-SVID, section 4.1), so that the bundle of another layer or environment cannot take its
/// place. One that is over is left out.
fn anchor(
    der: &CertificateDer<'_>,
    domain: &TrustDomain,
) -> Result<Option<(TrustAnchor<'static>, UnixTime)>, &'static str> {
    let certificate = Certificate::parse(der).map_err(|_| "holds what is no certificate")?;
    if !certificate.may_sign().unwrap_or(false) {
        return Err("holds a certificate that is no CA: bundle only the layer's CAs");
    }
    let name = certificate
        .uri()
        .ok()
        .and_then(|uri| uri.strip_prefix("spiffe://"));
    if name != Some(domain.name()) {
        return Err("holds the CA of another trust domain: bundle this environment's layer CA");
    }
    if certificate.validity(UnixTime::now()) == Validity::Over {
        return Ok(None);
    }
    webpki::anchor_from_trusted_cert(der)
        .map(|anchor| Some((anchor.to_owned(), certificate.not_after())))
        .map_err(|_| "holds a CA certificate that cannot be used")
}
