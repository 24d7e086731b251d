//! What the certificates of a PKI folder say, for people.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use serde::Serialize;
use strata_config::{Environment, trust_domain};
use strata_core::{Layer, SpiffeId};
use strata_tls::{AUDIT_USAGE, TOKEN_USAGE};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use x509_parser::{
    extensions::ExtendedKeyUsage,
    oid_registry::Oid,
    prelude::{GeneralName, ParsedExtension, Pem, X509Certificate},
};

/// What a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CertificateKind {
    /// Signs leaves.
    Authority,
    /// A workload's identity.
    Svid,
    /// HTTPS of an Experience API.
    Edge,
    /// Signs the transaction tokens of an Experience API.
    Token,
    /// Signs the checkpoints of a service's audit trail.
    Audit,
}

impl fmt::Display for CertificateKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Authority => "authority",
            Self::Svid => "svid",
            Self::Edge => "edge",
            Self::Token => "token",
            Self::Audit => "audit",
        })
    }
}

/// What one certificate says.
#[derive(Clone, Debug, Serialize)]
pub struct CertificateInfo {
    /// What it is for.
    pub kind: CertificateKind,
    /// Where it is.
    pub file: PathBuf,
    /// Its URI SAN: a SPIFFE ID or trust domain.
    pub id: Option<String>,
    /// The layer it vouches for or belongs to; none for the HTTPS authority.
    pub layer: Option<Layer>,
    /// The subject's common name.
    pub subject: String,
    /// First valid moment, RFC 3339.
    pub not_before: String,
    /// Last valid moment, RFC 3339.
    pub not_after: String,
    /// Extended key usages, by their names in RFC 5280, section 4.2.1.12; `transactionToken` is
    /// [`TOKEN_USAGE`], `auditTrail` [`AUDIT_USAGE`].
    pub usages: Vec<&'static str>,
}

pub(super) fn all(folder: &Path, environment: Environment) -> Result<Vec<CertificateInfo>> {
    let mut certificates = Vec::new();
    for file in entries(&folder.join("authorities"))? {
        if file.extension().is_some_and(|extension| extension == "pem") {
            certificates.push(read(&file, CertificateKind::Authority, environment)?);
        }
    }
    for material in entries(&folder.join("material"))? {
        for (name, kind) in [
            ("svid.pem", CertificateKind::Svid),
            ("edge.pem", CertificateKind::Edge),
            ("token.pem", CertificateKind::Token),
            ("audit.pem", CertificateKind::Audit),
        ] {
            let file = material.join(name);
            if file.exists() {
                certificates.push(read(&file, kind, environment)?);
            }
        }
    }
    Ok(certificates)
}

/// Reads the first certificate of a PEM file.
pub(super) fn read(
    file: &Path,
    kind: CertificateKind,
    environment: Environment,
) -> Result<CertificateInfo> {
    let text = super::store::read(file)?;
    parse(text.as_bytes(), file, kind, environment)
        .with_context(|| format!("{} is no PEM certificate", file.display()))
}

fn parse(
    pem: &[u8],
    file: &Path,
    kind: CertificateKind,
    environment: Environment,
) -> Result<CertificateInfo> {
    let (_, pem) = x509_parser::pem::parse_x509_pem(pem)?;
    let certificate = Pem::parse_x509(&pem)?;
    let subject = certificate.subject().iter_common_name().next();
    let id = uri(&certificate);
    let layer = match kind {
        CertificateKind::Edge => Some(Layer::Experience),
        _ => id.as_deref().and_then(|id| layer_of(id, environment)),
    };
    Ok(CertificateInfo {
        kind,
        file: file.to_owned(),
        id,
        layer,
        subject: subject
            .map(|name| name.as_str())
            .transpose()?
            .unwrap_or_default()
            .to_owned(),
        not_before: rfc3339(certificate.validity().not_before.to_datetime())?,
        not_after: rfc3339(certificate.validity().not_after.to_datetime())?,
        usages: usages(&certificate),
    })
}

fn uri(certificate: &X509Certificate<'_>) -> Option<String> {
    let names = certificate.subject_alternative_name().ok()??;
    names
        .value
        .general_names
        .iter()
        .find_map(|name| match name {
            GeneralName::URI(uri) => Some((*uri).to_owned()),
            _ => None,
        })
}

/// The layer whose trust domain `id` is, or is in.
fn layer_of(id: &str, environment: Environment) -> Option<Layer> {
    Layer::ALL.into_iter().find(|layer| {
        trust_domain(*layer, environment).is_ok_and(|domain| {
            id == format!("spiffe://{domain}") || SpiffeId::parse(id, &[domain]).is_ok()
        })
    })
}

fn usages(certificate: &X509Certificate<'_>) -> Vec<&'static str> {
    let usage =
        certificate
            .extensions()
            .iter()
            .find_map(|extension| match extension.parsed_extension() {
                ParsedExtension::ExtendedKeyUsage(usage) => Some(usage),
                _ => None,
            });
    let Some(usage) = usage else {
        return Vec::new();
    };
    [
        (usage.server_auth, "serverAuth"),
        (usage.client_auth, "clientAuth"),
        (has(usage, &TOKEN_USAGE), "transactionToken"),
        (has(usage, &AUDIT_USAGE), "auditTrail"),
    ]
    .into_iter()
    .filter_map(|(set, name)| set.then_some(name))
    .collect()
}

fn has(usage: &ExtendedKeyUsage<'_>, oid: &[u64]) -> bool {
    let oid = Oid::from(oid);
    oid.is_ok_and(|oid| usage.other.contains(&oid))
}

fn rfc3339(moment: OffsetDateTime) -> Result<String> {
    Ok(moment.format(&Rfc3339)?)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut paths = fs::read_dir(folder)
        .and_then(|entries| {
            entries
                .map(|entry| Ok(entry?.path()))
                .collect::<std::io::Result<Vec<_>>>()
        })
        .with_context(|| format!("{} cannot be read", folder.display()))?;
    paths.sort();
    Ok(paths)
}
