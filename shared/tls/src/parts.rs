//! What the material in force is made of, for whoever tells of its changes and of its end.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use rustls::sign::CertifiedKey;
use rustls_pki_types::CertificateDer;
use sha2::{Digest as _, Sha256};

use crate::{
    anchors::Anchors,
    certificate::{Certificate, Term},
    revocation,
    snapshot::Snapshot,
};

/// Of what a certificate, a bundle or a list was good for, this share is left when it should have been
/// replaced: those that hand them out do so at the half.
const LEFT: u64 = 4;

/// A part of the material.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaterialPart {
    /// Which: `svid`, `edge`, `token_key`, `audit_key`, `bundles` or `crls`.
    pub name: &'static str,
    /// SHA-256 of its certificate, or of all that it is made of, in hex digits.
    pub digest: String,
    /// From when on it should have been replaced.
    pub due: SystemTime,
    /// When the first of it ends; of lists, when the next one is due.
    pub expires: SystemTime,
}

impl MaterialPart {
    fn new<'a>(
        name: &'static str,
        ders: impl Iterator<Item = &'a [u8]>,
        terms: impl Iterator<Item = Term>,
    ) -> Option<Self> {
        let mut digest = Sha256::new();
        ders.for_each(|der| digest.update(der));
        let first = terms.min_by_key(|term| term.until)?;
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let left = first.until.saturating_sub(first.from) / LEFT;
        Some(Self {
            name,
            digest: format!("{:x}", digest.finalize()),
            due: at(first.until - left),
            expires: at(first.until),
        })
    }

    fn leaf(name: &'static str, key: &CertifiedKey) -> Option<Self> {
        let leaf = key.cert.first()?;
        let term = Certificate::parse(leaf).ok()?.term();
        Self::new(name, [leaf.as_ref()].into_iter(), [term].into_iter())
    }
}

impl Snapshot {
    /// Its parts.
    pub(crate) fn parts(&self) -> Vec<MaterialPart> {
        let anchors = [&self.callers, &self.callees, &self.tokens, &self.auditors];
        let authorities = || anchors.into_iter().flat_map(Anchors::authorities);
        let lists = || anchors.into_iter().flat_map(Anchors::lists);
        let of = |name, key: Option<&CertifiedKey>| MaterialPart::leaf(name, key?);
        let all = [
            of("svid", Some(&self.svid)),
            of("edge", self.edge.as_deref()),
            of("token_key", self.token.as_deref()),
            of("audit_key", Some(&self.audit)),
            MaterialPart::new("bundles", authorities(), latest(authorities())),
            MaterialPart::new("crls", lists(), lists().filter_map(revocation::term)),
        ];
        all.into_iter().flatten().collect()
    }
}

/// Of the CAs of one name the one that lasts longest: while one takes over from another the old one may end.
fn latest<'a>(authorities: impl Iterator<Item = &'a [u8]>) -> impl Iterator<Item = Term> {
    let mut terms = BTreeMap::<String, Term>::new();
    for der in authorities {
        let der = CertificateDer::from(der);
        let Ok(certificate) = Certificate::parse(&der) else {
            continue;
        };
        let name = certificate.uri().unwrap_or_default().to_owned();
        let term = certificate.term();
        let known = terms.entry(name).or_insert(term);
        if term.until > known.until {
            *known = term;
        }
    }
    terms.into_values()
}
