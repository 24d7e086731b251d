//! What stands in a material folder, read and checked as one.

use std::{fs, path::Path, sync::Arc};

use rustls::sign::CertifiedKey;
use rustls_pki_types::{CertificateDer, UnixTime, pem::PemObject};
use strata_core::{Layer, SpiffeId};

use crate::{
    anchors::{self, Anchors},
    certificate::{Certificate, Validity},
    config,
    error::MaterialError,
    key_file,
    trust::Trust,
};

/// The content of a material folder at one moment.
pub(crate) struct Snapshot {
    pub(crate) svid: Arc<CertifiedKey>,
    pub(crate) edge: Option<Arc<CertifiedKey>>,
    pub(crate) callers: Anchors,
    pub(crate) callees: Anchors,
    /// When the first of the own certificates ends.
    pub(crate) not_after: UnixTime,
}

impl Snapshot {
    /// Reads and checks all of it, or names the first file that is wrong.
    pub(crate) fn read(dir: &Path, trust: &Trust) -> Result<Self, MaterialError> {
        trust.check()?;
        let (svid, svid_end) = svid(dir, &trust.own)?;
        let stale = trust.accept_stale_crls;
        let callers = Anchors::load(dir, &trust.callers, stale)?;
        let callees = Anchors::load(dir, &trust.callees, stale)?;
        anchors::refuse_extra(dir, trust)?;
        let edge = match trust.own.layer() {
            Layer::Experience => Some(edge(dir)?),
            Layer::Process | Layer::System => None,
        };
        let not_after = edge
            .iter()
            .map(|(_, end)| *end)
            .fold(svid_end, UnixTime::min);
        Ok(Self {
            svid: Arc::new(svid),
            edge: edge.map(|(edge, _)| Arc::new(edge)),
            callers,
            callees,
            not_after,
        })
    }

    /// Refuses to take over from `before` without a list that is in force there: a file that was lost
    /// must not give back what a CA has taken.
    pub(crate) fn keeps_lists(&self, before: &Self, dir: &Path) -> Result<(), MaterialError> {
        let callers = self.callers.dropped(&before.callers, dir);
        match callers.or_else(|| self.callees.dropped(&before.callees, dir)) {
            Some(file) => Err(MaterialError::MissingList { file }),
            None => Ok(()),
        }
    }

    /// Whether both say the same. A key belongs to its certificate, so it needs no look.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let edge = |snapshot: &Self| snapshot.edge.as_ref().map(|edge| edge.cert.clone());
        self.svid.cert == other.svid.cert
            && edge(self) == edge(other)
            && self.callers.is_same(&other.callers)
            && self.callees.is_same(&other.callees)
    }
}

/// The SVID: one leaf, this service's, valid now, usable for exactly what its layer does.
fn svid(dir: &Path, id: &SpiffeId) -> Result<(CertifiedKey, UnixTime), MaterialError> {
    let file = dir.join("svid.pem");
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
    let uri = certificate.uri().map_err(|_| {
        invalid("has not exactly one URI name: issue an SVID with its SPIFFE ID alone")
    })?;
    if uri != id.as_str() {
        return Err(MaterialError::Identity {
            file,
            expected: id.clone(),
        });
    }
    if certificate.may_sign().unwrap_or(true) {
        return Err(invalid("may sign other certificates: issue a leaf"));
    }
    let answers = id.layer().callers().next().is_some();
    let calls = id.layer().callees().next().is_some();
    if !certificate.is_for(answers, calls) {
        return Err(invalid(
            "has another extended key usage than its layer: clientAuth in Experience, both in \
             Process, serverAuth in System",
        ));
    }
    current(&certificate).map_err(invalid)?;
    Ok((
        certified(chain.clone(), dir, "svid")?,
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
