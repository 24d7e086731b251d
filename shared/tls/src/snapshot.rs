//! What stands in a material folder, read and checked as one.

use std::{fs, path::Path, sync::Arc};

use rustls::sign::CertifiedKey;
use rustls_pki_types::{CertificateDer, UnixTime, pem::PemObject};
use strata_core::{Layer, SpiffeId};

use crate::{
    anchors::{self, Anchors},
    audit::AUDIT_USAGE_DER,
    certificate::{Certificate, Validity},
    config,
    error::MaterialError,
    key_file,
    tokens::TOKEN_USAGE_DER,
    trust::Trust,
};

/// The content of a material folder at one moment.
pub(crate) struct Snapshot {
    pub(crate) svid: Arc<CertifiedKey>,
    pub(crate) edge: Option<Arc<CertifiedKey>>,
    /// What an Experience API signs transaction tokens with.
    pub(crate) token: Option<Arc<CertifiedKey>>,
    /// What checkpoints of the service's audit trail are signed with.
    pub(crate) audit: Arc<CertifiedKey>,
    pub(crate) callers: Anchors,
    pub(crate) callees: Anchors,
    /// Who vouches for the makers of transaction tokens.
    pub(crate) tokens: Anchors,
    /// Who vouches for those who keep audit trails.
    pub(crate) auditors: Anchors,
    /// How many were in force before.
    pub(crate) generation: u64,
    /// When the first of the own certificates ends.
    pub(crate) not_after: UnixTime,
}

impl Snapshot {
    /// Reads and checks all of it, or names the first file that is wrong.
    pub(crate) fn read(dir: &Path, trust: &Trust) -> Result<Self, MaterialError> {
        trust.check()?;
        let (svid, svid_end) = svid(dir, &trust.own)?;
        let stale = trust.accept_stale_crls;
        let callers = Anchors::load(dir, &trust.caller_bundles(), stale)?;
        let callees = Anchors::load(dir, &trust.callee_bundles(), stale)?;
        let tokens = Anchors::load(dir, &trust.token_bundles(), stale)?;
        let auditors = Anchors::load(dir, &trust.audit_bundles(), stale)?;
        anchors::refuse_extra(dir, trust)?;
        let (audit, audit_end) = single(dir, "audit", &trust.own, AUDIT_USAGE_DER)?;
        let (edge, token) = match trust.own.layer() {
            Layer::Experience => (
                Some(edge(dir)?),
                Some(single(dir, "token", &trust.own, TOKEN_USAGE_DER)?),
            ),
            Layer::Process | Layer::System => (None, None),
        };
        let not_after = edge
            .iter()
            .chain(&token)
            .map(|(_, end)| *end)
            .fold(svid_end.min(audit_end), UnixTime::min);
        Ok(Self {
            svid: Arc::new(svid),
            edge: edge.map(|(edge, _)| Arc::new(edge)),
            token: token.map(|(token, _)| Arc::new(token)),
            audit: Arc::new(audit),
            callers,
            callees,
            tokens,
            auditors,
            generation: 0,
            not_after,
        })
    }

    /// Refuses to take over from `before` without a list that is in force there: a file that was lost
    /// must not give back what a CA has taken.
    pub(crate) fn keeps_lists(
        &self,
        before: &Self,
        dir: &Path,
        trust: &Trust,
    ) -> Result<(), MaterialError> {
        let dropped = [
            (&self.callers, &before.callers, trust.caller_bundles()),
            (&self.callees, &before.callees, trust.callee_bundles()),
            (&self.tokens, &before.tokens, trust.token_bundles()),
            (&self.auditors, &before.auditors, trust.audit_bundles()),
        ]
        .into_iter()
        .find_map(|(now, before, bundles)| now.dropped(before, dir, &bundles));
        dropped.map_or(Ok(()), |file| Err(MaterialError::MissingList { file }))
    }

    /// Whether both say the same. A key belongs to its certificate, so it needs no look.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let chain = |key: &Option<Arc<CertifiedKey>>| key.as_ref().map(|key| key.cert.clone());
        self.svid.cert == other.svid.cert
            && chain(&self.edge) == chain(&other.edge)
            && chain(&self.token) == chain(&other.token)
            && self.audit.cert == other.audit.cert
            && self.callers.is_same(&other.callers)
            && self.callees.is_same(&other.callees)
            && self.tokens.is_same(&other.tokens)
            && self.auditors.is_same(&other.auditors)
    }
}

/// The SVID: usable for exactly what its layer does.
fn svid(dir: &Path, id: &SpiffeId) -> Result<(CertifiedKey, UnixTime), MaterialError> {
    let answers = id.layer().callers().next().is_some();
    let calls = id.layer().callees().next().is_some();
    leaf(dir, "svid", id, |certificate| {
        certificate.is_for(answers, calls).then_some(()).ok_or(
            "has another extended key usage than its layer: clientAuth in Experience, both in \
                 Process, serverAuth in System",
        )
    })
}

/// What transaction tokens or checkpoints of the audit trail are signed with: an Ed25519 key, for that
/// and nothing else.
fn single(
    dir: &Path,
    name: &str,
    id: &SpiffeId,
    usage: &'static [u8],
) -> Result<(CertifiedKey, UnixTime), MaterialError> {
    leaf(dir, name, id, |certificate| {
        if !certificate.is_only_for(usage) {
            return Err(
                "is not for its one purpose alone: issue it with that extended key usage and no other",
            );
        }
        let key = certificate.ed25519_key();
        key.map(|_| ())
            .ok_or("has no Ed25519 key: issue it with one")
    })
}

/// One leaf, this service's, valid now, usable for what `usage` says.
fn leaf(
    dir: &Path,
    name: &str,
    id: &SpiffeId,
    usage: impl FnOnce(&Certificate<'_>) -> Result<(), &'static str>,
) -> Result<(CertifiedKey, UnixTime), MaterialError> {
    let file = dir.join(format!("{name}.pem"));
    let invalid = |problem| MaterialError::Invalid {
        file: file.clone(),
        problem,
    };
    let chain = certificates(&file)?;
    let [leaf] = chain.as_slice() else {
        return Err(invalid("holds a chain: write the leaf alone"));
    };
    let certificate =
        Certificate::parse(leaf).map_err(|_| invalid("holds what is no certificate"))?;
    let uri = certificate
        .uri()
        .map_err(|_| invalid("has not exactly one URI name: issue it with its SPIFFE ID alone"))?;
    if uri != id.as_str() {
        return Err(MaterialError::Identity {
            file,
            expected: id.clone(),
        });
    }
    if certificate.may_sign().unwrap_or(true) {
        return Err(invalid("may sign other certificates: issue a leaf"));
    }
    usage(&certificate).map_err(invalid)?;
    current(&certificate).map_err(invalid)?;
    Ok((
        certified(chain.clone(), dir, name)?,
        certificate.not_after(),
    ))
}

/// The public certificate, with its chain: clients outside the estate need it.
fn edge(dir: &Path) -> Result<(CertifiedKey, UnixTime), MaterialError> {
    let file = dir.join("edge.pem");
    let invalid = |problem| MaterialError::Invalid {
        file: file.clone(),
        problem,
    };
    let chain = certificates(&file)?;
    let leaf = chain
        .first()
        .ok_or_else(|| invalid("holds no certificate"))?;
    let certificate =
        Certificate::parse(leaf).map_err(|_| invalid("holds what is no certificate"))?;
    current(&certificate).map_err(invalid)?;
    Ok((
        certified(chain.clone(), dir, "edge")?,
        certificate.not_after(),
    ))
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, MaterialError> {
    let pem = fs::read(file).map_err(|source| MaterialError::Read {
        file: file.to_owned(),
        source,
    })?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .unwrap_or_default();
    if chain.is_empty() {
        let problem = "holds no certificate: write it in PEM";
        return Err(MaterialError::Invalid {
            file: file.to_owned(),
            problem,
        });
    }
    Ok(chain)
}

fn current(certificate: &Certificate<'_>) -> Result<(), &'static str> {
    match certificate.validity(UnixTime::now()) {
        Validity::Current => Ok(()),
        Validity::NotYet => Err("is not valid yet: compare the clocks, or issue it again"),
        Validity::Over => Err("has expired: issue it again"),
    }
}

fn certified(
    chain: Vec<CertificateDer<'static>>,
    dir: &Path,
    name: &str,
) -> Result<CertifiedKey, MaterialError> {
    let file = dir.join(format!("{name}.key"));
    let key = key_file::read(&file)?;
    CertifiedKey::from_der(chain, key, &config::provider()).map_err(|_| MaterialError::Invalid {
        file,
        problem: "is not the key of the certificate beside it: issue both again",
    })
}
