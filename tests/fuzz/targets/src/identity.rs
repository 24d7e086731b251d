//! SPIFFE IDs, and the certificates that carry them.

use std::slice;

use anyhow::{Context as _, Result, bail, ensure};
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair},
};
use rcgen::ExtendedKeyUsagePurpose;
use strata_config::Environment;
use strata_core::{Layer, SpiffeId, TrustDomain};
use strata_estate::pki::{Authority, LeafSpec};
use x509_parser::{
    certificate::X509Certificate, extensions::GeneralName, oid_registry, pem::parse_x509_pem,
    prelude::FromDer as _, time::ASN1Time,
};
use yasna::models::ObjectIdentifier;

use crate::{
    Target, Verdict,
    material::{Authorities, Loaded, domain, id, lasting, now_in_seconds},
};

/// The first byte of an input says what the rest is: an identity as text (`u`), a certificate as it was
/// presented (`r`), or the part of one that is signed, which the CA then signs that vouches for callers
/// (`c`), callees (`s`), makers of transaction tokens (`t`) or keepers of audit trails (`a`).
pub struct Identity {
    /// A Process API: it has both callers and callees.
    service: Loaded,
    authorities: Authorities,
    signers: [(u8, EcdsaKeyPair); 4],
    domains: [TrustDomain; 3],
    random: SystemRandom,
}

/// The longest SPIFFE ID that is sure to be understood (SPIFFE-ID, section 2.3).
const LONGEST: usize = 2048;

impl Target for Identity {
    const NAME: &'static str = "identity";

    fn new() -> Result<Self> {
        let authorities = Authorities::new()?;
        let signer = |kind, authority: &Authority| Ok::<_, anyhow::Error>((kind, key(authority)?));
        Ok(Self {
            service: authorities.service(Layer::Process, "overview")?,
            signers: [
                signer(b'c', authorities.of(Layer::Experience)?)?,
                signer(b's', authorities.of(Layer::System)?)?,
                signer(b't', &authorities.tokens)?,
                signer(b'a', &authorities.audit)?,
            ],
            domains: [
                domain(Layer::System)?,
                domain(Layer::Process)?,
                domain(Layer::Experience)?,
            ],
            authorities,
            random: SystemRandom::new(),
        })
    }

    fn honest(&self) -> Result<Vec<Vec<u8>>> {
        let caller = id(Layer::Experience, "shop")?;
        let callee = id(Layer::System, "orders")?;
        let svid = |id| LeafSpec::svid(id, Environment::Dev);
        let more = LeafSpec {
            usages: vec![
                ExtendedKeyUsagePurpose::ClientAuth,
                ExtendedKeyUsagePurpose::ServerAuth,
            ],
            ..svid(&caller)
        };
        let audit = &self.authorities.audit;
        Ok(vec![
            format!("u{caller}").into_bytes(),
            format!("u{callee}").into_bytes(),
            self.signed_part(b'c', self.authorities.of(Layer::Experience)?, svid(&caller))?,
            self.signed_part(b'c', self.authorities.of(Layer::Experience)?, more)?,
            self.signed_part(b's', self.authorities.of(Layer::System)?, svid(&callee))?,
            self.signed_part(b't', &self.authorities.tokens, LeafSpec::token(&caller))?,
            self.signed_part(b'a', audit, LeafSpec::audit(&callee))?,
        ])
    }

    fn check(&self, input: &[u8]) -> Result<Verdict> {
        let Some((kind, rest)) = input.split_first() else {
            return Ok(Verdict::Refused);
        };
        if *kind == b'u' {
            return std::str::from_utf8(rest).map_or(Ok(Verdict::Refused), |uri| self.uri(uri));
        }
        let signer = self.signers.iter().find(|(of, _)| of == kind);
        let certificate = match signer {
            Some((_, key)) => self.signed(rest, key)?,
            None => rest.to_owned(),
        };
        let accepted = self.accepted(&certificate)?;
        let Some((role, id)) = accepted.first() else {
            return Ok(Verdict::Refused);
        };
        ensure!(
            accepted.len() == 1,
            "it is somebody in two ways: {accepted:?}"
        );
        ensure!(
            signer.is_some() && role == kind,
            "no CA signed it for that: {accepted:?}"
        );
        self.uri(id.as_str())?;
        says_so(&certificate, *role, id)?;
        self.alone(certificate)?;
        Ok(Verdict::Accepted)
    }
}

impl Identity {
    fn uri(&self, uri: &str) -> Result<Verdict> {
        let parsed = SpiffeId::parse(uri, &self.domains);
        let of = self.domains.iter().find(|domain| {
            let rest = uri.strip_prefix("spiffe://");
            let rest = rest.and_then(|rest| rest.strip_prefix(domain.name()));
            let service = rest.and_then(|rest| rest.strip_prefix('/'));
            service.is_some_and(is_segment)
        });
        let of = of.filter(|_| uri.len() <= LONGEST);
        let (id, of) = match (parsed, of) {
            (Ok(id), Some(of)) => (id, of),
            (Err(_), None) => return Ok(Verdict::Refused),
            (parsed, of) => bail!("{uri}: {parsed:?}, and by its form {of:?}"),
        };
        ensure!(id.as_str() == uri && id.to_string() == uri, "it is another");
        ensure!(id.trust_domain() == *of && id.layer() == of.layer());
        ensure!(of.workload(id.service())? == id, "its parts make another");
        ensure!(SpiffeId::parse(uri, slice::from_ref(of))? == id);
        for other in self.domains.iter().filter(|other| *other != of) {
            let elsewhere = SpiffeId::parse(uri, slice::from_ref(other));
            ensure!(elsewhere.is_err(), "{other} vouches for it too");
        }
        Ok(Verdict::Accepted)
    }

    /// Whom each verifier takes the owner of a certificate for.
    fn accepted(&self, certificate: &[u8]) -> Result<Vec<(u8, SpiffeId)>> {
        let material = &self.service.material;
        let leaf = [certificate.into()];
        let now = now_in_seconds()?;
        let tokens = material.token_issuers().verify(certificate);
        let audit = material.auditors().verify(certificate, now);
        let verdicts = [
            (b'c', material.callers().identify(&leaf)),
            (b's', material.callees().identify(&leaf)),
            (b't', tokens.map(|issuer| issuer.id)),
            (b'a', audit.map(|key| key.id)),
        ];
        let accepted = verdicts.into_iter();
        Ok(accepted
            .filter_map(|(role, verdict)| Some((role, verdict.ok()?)))
            .collect())
    }

    /// Neither with something above it nor with a byte more or less is it anybody.
    fn alone(&self, certificate: Vec<u8>) -> Result<()> {
        let material = &self.service.material;
        for peers in [material.callers(), material.callees()] {
            let leaf = || certificate.as_slice().into();
            let pair = [leaf(), leaf()];
            ensure!(peers.identify(&pair).is_err(), "it is taken with another");
        }
        let longer = [certificate.as_slice(), &[0]].concat();
        ensure!(self.accepted(&longer)?.is_empty(), "bytes after it pass");
        let mut bent = certificate;
        if let Some(last) = bent.last_mut() {
            *last ^= 1;
        }
        ensure!(
            self.accepted(&bent)?.is_empty(),
            "its signature counts for nothing"
        );
        Ok(())
    }

    /// A certificate whose signed part is this one (RFC 5280, section 4.1).
    fn signed(&self, part: &[u8], key: &EcdsaKeyPair) -> Result<Vec<u8>> {
        let signature = key.sign(&self.random, part);
        let signature = signature.ok().context("nothing could be signed")?;
        // ecdsa-with-SHA256.
        let algorithm = ObjectIdentifier::from_slice(&[1, 2, 840, 10045, 4, 3, 2]);
        Ok(yasna::construct_der(|writer| {
            writer.write_sequence(|writer| {
                writer.next().write_der(part);
                let sequence = writer.next();
                sequence.write_sequence(|writer| writer.next().write_oid(&algorithm));
                let bits = signature.as_ref();
                writer.next().write_bitvec_bytes(bits, bits.len() * 8);
            });
        }))
    }

    /// The signed part of a leaf, as an input.
    fn signed_part(&self, kind: u8, authority: &Authority, spec: LeafSpec) -> Result<Vec<u8>> {
        let leaf = authority.issue(&lasting(spec))?;
        let (_, leaf) = parse_x509_pem(leaf.certificate_pem().as_bytes())?;
        let leaf = leaf.parse_x509()?;
        Ok([&[kind], leaf.tbs_certificate.as_ref()].concat())
    }
}

/// A path segment (SPIFFE-ID, section 2.2).
fn is_segment(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !["", ".", ".."].contains(&text) && text.bytes().all(known)
}

/// What was accepted says of itself what it was accepted for, and nothing besides.
fn says_so(certificate: &[u8], role: u8, id: &SpiffeId) -> Result<()> {
    let (_, leaf) = X509Certificate::from_der(certificate)?;
    let names = leaf.subject_alternative_name()?.context("no names")?;
    let names = names.value.general_names.iter();
    let uris: Vec<_> = names
        .filter_map(|name| match name {
            GeneralName::URI(uri) => Some(*uri),
            _ => None,
        })
        .collect();
    ensure!(uris == [id.as_str()], "it names {uris:?}");
    ensure!(!leaf.is_ca(), "it is a CA");
    ensure!(
        leaf.validity().is_valid_at(ASN1Time::now()),
        "it is not valid now"
    );
    let usage = leaf.extended_key_usage()?.context("no usage")?.value;
    let (layer, fits) = match role {
        b'c' => (Some(Layer::Experience), usage.client_auth),
        b's' => (Some(Layer::System), usage.server_auth),
        b't' => (Some(Layer::Experience), usage.other.len() == 1),
        _ => (None, usage.other.len() == 1),
    };
    ensure!(fits, "its usage is another");
    ensure!(
        layer.is_none_or(|layer| layer == id.layer()),
        "its layer is another"
    );
    let algorithm = &leaf.public_key().algorithm.algorithm;
    let is_ed25519 = *algorithm == oid_registry::OID_SIG_ED25519;
    ensure!(
        is_ed25519 || matches!(role, b'c' | b's'),
        "its key is of another kind"
    );
    Ok(())
}

fn key(authority: &Authority) -> Result<EcdsaKeyPair> {
    let (_, key) = parse_x509_pem(authority.key_pem().as_bytes())?;
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &key.contents);
    pair.ok().context("the authority has another kind of key")
}
