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

/// A file of CAs, which its list of what they took back shares the name with.
pub(crate) struct Bundle {
    /// Without folder and extension.
    stem: &'static str,
    /// The trust domain whose leaves they sign.
    domain: TrustDomain,
    /// What they call themselves.
    authority: String,
    /// Those of the trust domain that are accepted; none where all are.
    only: Option<Vec<SpiffeId>>,
}

impl Bundle {
    /// The CAs of a layer, which bear the name of its trust domain.
    pub(crate) fn of_layer(domain: &TrustDomain) -> Self {
        Self {
            stem: domain.layer().as_str(),
            domain: domain.clone(),
            authority: domain.name().to_owned(),
            only: None,
        }
    }

    /// The same CAs, trusted for some of whom they vouch for.
    pub(crate) fn only(self, members: Vec<SpiffeId>) -> Self {
        Self {
            only: Some(members),
            ..self
        }
    }

    /// The CAs of the transaction tokens that the Experience APIs beside `own` make.
    pub(crate) fn of_tokens(own: &TrustDomain) -> Self {
        Self {
            stem: "tokens",
            domain: own.beside(Layer::Experience),
            authority: own.token_authority(),
            only: None,
        }
    }

    /// The CAs of the audit trails that the services of the environment of `own` keep, in every layer.
    pub(crate) fn of_audit(own: &TrustDomain) -> Vec<Self> {
        let of_layer = |layer| Self {
            stem: "audit",
            domain: own.beside(layer),
            authority: own.audit_authority(),
            only: None,
        };
        Layer::ALL.map(of_layer).into()
    }

    fn file(&self, dir: &Path, folder: &str) -> PathBuf {
        dir.join(folder).join(format!("{}.pem", self.stem))
    }
}

/// The trust anchors of some trust domains.
#[derive(Debug)]
pub(crate) struct Anchors {
    domains: Vec<TrustDomain>,
    anchors: Vec<(Layer, Vec<Anchor>)>,
    /// The layers of which only these are accepted.
    only: Vec<(Layer, Vec<SpiffeId>)>,
    accept_stale: bool,
    algorithms: WebPkiSupportedAlgorithms,
    /// Every certificate and every list that was read, to tell whether anything changed.
    read: (Vec<Vec<u8>>, Vec<Vec<u8>>),
}

impl Anchors {
    /// Reads `bundles/<stem>.pem` and, where there is one, `crls/<stem>.pem` of each bundle.
    pub(crate) fn load(
        dir: &Path,
        bundles: &[Bundle],
        accept_stale: bool,
    ) -> Result<Self, MaterialError> {
        let mut anchors = Self {
            domains: bundles.iter().map(|bundle| bundle.domain.clone()).collect(),
            anchors: Vec::new(),
            only: Vec::new(),
            accept_stale,
            algorithms: provider().signature_verification_algorithms,
            read: (Vec::new(), Vec::new()),
        };
        for bundle in bundles {
            let of_layer = anchors.load_bundle(dir, bundle)?;
            anchors.anchors.push((bundle.domain.layer(), of_layer));
            let only = bundle.only.iter().cloned();
            let only = only.map(|members| (bundle.domain.layer(), members));
            anchors.only.extend(only);
        }
        Ok(anchors)
    }

    fn load_bundle(&mut self, dir: &Path, bundle: &Bundle) -> Result<Vec<Anchor>, MaterialError> {
        let file = bundle.file(dir, BUNDLES);
        let invalid = |problem| MaterialError::Invalid {
            file: file.clone(),
            problem,
        };
        let list_file = bundle.file(dir, CRLS);
        let lists = Lists::read(&list_file)?;
        let ders = lists.iter().flat_map(Lists::der);
        self.read.1.extend(ders.map(<[u8]>::to_vec));
        let mut anchors = Vec::new();
        for ca in certificates(&file, bundle)? {
            self.read.0.push(ca.to_vec());
            let Some((anchor, not_after)) = anchor(&ca, bundle).map_err(invalid)? else {
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

    /// Whether `id`, which was read as one of [`Self::domains`], is accepted: of a layer that is trusted
    /// for an exemption only whoever is exempted.
    pub(crate) fn admits(&self, id: &SpiffeId) -> bool {
        let mut only = self.only.iter().filter(|(of, _)| *of == id.layer());
        only.all(|(_, members)| members.contains(id))
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

    /// The list file which takes nothing back here, and did in `before`.
    pub(crate) fn dropped(&self, before: &Self, dir: &Path, bundles: &[Bundle]) -> Option<PathBuf> {
        let listed = |anchors: &Self, layer| {
            let of_layer = anchors.anchors.iter().filter(|(of, _)| *of == layer);
            let mut anchors = of_layer.flat_map(|(_, anchors)| anchors);
            anchors.any(|anchor| anchor.revocations.is_some())
        };
        let dropped = |bundle: &&Bundle| {
            let layer = bundle.domain.layer();
            listed(before, layer) && !listed(self, layer)
        };
        let bundle = bundles.iter().find(dropped)?;
        Some(bundle.file(dir, CRLS))
    }

    /// The certificates of all CAs (DER), those that are over too.
    pub(crate) fn authorities(&self) -> impl Iterator<Item = &[u8]> {
        self.read.0.iter().map(Vec::as_slice)
    }

    /// The lists of what they took back (DER).
    pub(crate) fn lists(&self) -> impl Iterator<Item = &[u8]> {
        self.read.1.iter().map(Vec::as_slice)
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
        let bundles = [
            trust.caller_bundles(),
            trust.callee_bundles(),
            trust.token_bundles(),
            trust.audit_bundles(),
        ];
        let expected: HashSet<_> = bundles
            .iter()
            .flatten()
            .map(|bundle| bundle.file(dir, folder))
            .collect();
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

fn certificates(
    file: &Path,
    bundle: &Bundle,
) -> Result<Vec<CertificateDer<'static>>, MaterialError> {
    let pem = fs::read(file).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => MaterialError::MissingBundle {
            file: file.to_owned(),
            layer: bundle.domain.layer(),
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
/// for (X509-SVID, section 4.1), and that of the tokens itself, so that the bundle of another layer,
/// purpose or environment cannot take its place. One that is over is left out.
fn anchor(
    der: &CertificateDer<'_>,
    bundle: &Bundle,
) -> Result<Option<(TrustAnchor<'static>, UnixTime)>, &'static str> {
    let certificate = Certificate::parse(der).map_err(|_| "holds what is no certificate")?;
    if !certificate.may_sign().unwrap_or(false) {
        return Err("holds a certificate that is no CA: bundle only the layer's CAs");
    }
    let name = certificate
        .uri()
        .ok()
        .and_then(|uri| uri.strip_prefix("spiffe://"));
    if name != Some(&bundle.authority) {
        return Err("holds the CA of another trust domain: bundle this environment's own CA");
    }
    if certificate.validity(UnixTime::now()) == Validity::Over {
        return Ok(None);
    }
    webpki::anchor_from_trusted_cert(der)
        .map(|anchor| Some((anchor.to_owned(), certificate.not_after())))
        .map_err(|_| "holds a CA certificate that cannot be used")
}
