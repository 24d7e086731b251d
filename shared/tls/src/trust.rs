//! Whom a service trusts: the bundles of the layers beside its own, and no other.

use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
};

use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime, pem::PemObject};
use strata_core::{Layer, SpiffeId, TrustDomain};

use crate::{
    certificate::{Certificate, Validity},
    error::MaterialError,
};

/// Who a service is, who may call it, whom it calls.
#[derive(Clone, Debug)]
pub struct Trust {
    /// The service's own identity.
    pub own: SpiffeId,
    /// Trust domains of the layers that may call it: one per layer.
    pub callers: Vec<TrustDomain>,
    /// Trust domains of the layers it may call: one per layer.
    pub callees: Vec<TrustDomain>,
}

impl Trust {
    /// Refuses a trust that breaks the rule of the layers, whoever composed it.
    pub(crate) fn check(&self) -> Result<(), MaterialError> {
        let own = self.own.layer();
        let wrong_caller = self
            .callers
            .iter()
            .find(|domain| !domain.layer().may_call(own));
        let wrong_callee = self
            .callees
            .iter()
            .find(|domain| !own.may_call(domain.layer()));
        wrong_caller.or(wrong_callee).map_or(Ok(()), |domain| {
            Err(MaterialError::Trust {
                own,
                other: domain.layer(),
            })
        })
    }
}

/// The trust anchors of some trust domains.
#[derive(Clone, Debug)]
pub(crate) struct Anchors {
    domains: Vec<TrustDomain>,
    anchors: Vec<(Layer, Vec<TrustAnchor<'static>>)>,
}

impl Anchors {
    /// Reads `<layer>.pem` of each domain from the folder.
    pub(crate) fn load(folder: &Path, domains: &[TrustDomain]) -> Result<Self, MaterialError> {
        let anchors = domains
            .iter()
            .map(|domain| Ok((domain.layer(), bundle(&file_of(folder, domain), domain)?)))
            .collect::<Result<_, MaterialError>>()?;
        Ok(Self {
            domains: domains.to_vec(),
            anchors,
        })
    }

    pub(crate) fn domains(&self) -> &[TrustDomain] {
        &self.domains
    }

    /// The anchors that may vouch for `id`, which was read as one of [`Self::domains`].
    pub(crate) fn of(&self, id: &SpiffeId) -> &[TrustAnchor<'static>] {
        self.anchors
            .iter()
            .find(|(layer, _)| *layer == id.layer())
            .map(|(_, anchors)| anchors.as_slice())
            .unwrap_or_default()
    }
}

/// Refuses bundles in the folder that the service has no use for: trust lying about is trust that
/// a later mistake picks up.
pub(crate) fn refuse_extra(folder: &Path, trust: &Trust) -> Result<(), MaterialError> {
    let failed = |source| MaterialError::Read {
        file: folder.to_owned(),
        source,
    };
    let expected: HashSet<_> = trust
        .callers
        .iter()
        .chain(&trust.callees)
        .map(|domain| file_of(folder, domain))
        .collect();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        if file.extension().is_some_and(|extension| extension == "pem") && !expected.contains(&file)
        {
            return Err(MaterialError::ExtraBundle { file });
        }
    }
    Ok(())
}

fn file_of(folder: &Path, domain: &TrustDomain) -> PathBuf {
    folder.join(format!("{}.pem", domain.layer()))
}

fn bundle(file: &Path, domain: &TrustDomain) -> Result<Vec<TrustAnchor<'static>>, MaterialError> {
    let invalid = |problem| MaterialError::Invalid {
        file: file.to_owned(),
        problem,
    };
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
    let mut anchors = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|_| invalid("is not PEM: write it again"))?;
        if let Some(anchor) = anchor(&certificate, domain).map_err(invalid)? {
            anchors.push(anchor);
        }
    }
    if anchors.is_empty() {
        return Err(invalid(
            "holds no CA certificate that is still valid: renew it",
        ));
    }
    Ok(anchors)
}

/// The anchor a CA certificate stands for. A CA must name the trust domain it signs for (X509-SVID,
/// section 4.1), so that the bundle of another layer or environment cannot take its place. One that
/// is over is left out: path validation does not look at an anchor's own dates.
fn anchor(
    der: &CertificateDer<'_>,
    domain: &TrustDomain,
) -> Result<Option<TrustAnchor<'static>>, &'static str> {
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
        .map(|anchor| Some(anchor.to_owned()))
        .map_err(|_| "holds a CA certificate that cannot be used")
}
