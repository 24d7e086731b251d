//! From a certificate to a SPIFFE ID that someone vouches for.

use std::{slice, sync::Arc};

use rustls::{
    DigitallySignedStruct, Error, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature},
};
use rustls_pki_types::{CertificateDer, UnixTime};
use strata_core::SpiffeId;
use webpki::{
    EndEntityCert, ExpirationPolicy, KeyUsage, RevocationCheckDepth, RevocationOptionsBuilder,
    UnknownStatusPolicy,
};

use crate::{
    anchors::{Anchor, Anchors},
    audit::AUDIT_USAGE_DER,
    certificate::Certificate,
    config::provider,
    live::Live,
    refusal::Refusal,
    revocation::Revocations,
    snapshot::Snapshot,
    tokens::TOKEN_USAGE_DER,
};

/// What a leaf is presented for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Role {
    /// In a handshake, by who calls.
    Caller,
    /// In a handshake, by who is called.
    Callee,
    /// Within a transaction token, by who made it. Never in a handshake.
    TokenIssuer,
    /// Beside an audit trail, by who keeps it. Never in a handshake.
    Auditor,
}

impl Role {
    pub(crate) const fn anchors(self, material: &Snapshot) -> &Anchors {
        match self {
            Self::Caller => &material.callers,
            Self::Callee => &material.callees,
            Self::TokenIssuer => &material.tokens,
            Self::Auditor => &material.auditors,
        }
    }

    /// id-kp-clientAuth and id-kp-serverAuth (RFC 5280, section 4.2.1.12), required to be present:
    /// [`KeyUsage::client_auth`] and its like would accept a leaf without any.
    const fn key_usage(self) -> KeyUsage {
        match self {
            Self::Caller => KeyUsage::required(&[43, 6, 1, 5, 5, 7, 3, 2]),
            Self::Callee => KeyUsage::required(&[43, 6, 1, 5, 5, 7, 3, 1]),
            Self::TokenIssuer => KeyUsage::required(TOKEN_USAGE_DER),
            Self::Auditor => KeyUsage::required(AUDIT_USAGE_DER),
        }
    }
}

/// The identity, when a CA of its trust domain signed the leaf itself and did not take it back. A
/// presented intermediate is refused rather than ignored: layer CAs sign leaves only.
pub(crate) fn verify(
    anchors: &Anchors,
    role: Role,
    leaf: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    now: UnixTime,
) -> Result<SpiffeId, Refusal> {
    if !intermediates.is_empty() {
        return Err(Refusal::Malformed);
    }
    let id = Certificate::parse(leaf)?.spiffe_id(anchors.domains())?;
    if !anchors.admits(&id) {
        return Err(Refusal::ForeignTrustDomain);
    }
    let leaf = EndEntityCert::try_from(leaf)?;
    // CAs of one layer bear one name, and each has its own list: so they are tried one by one.
    for anchor in anchors.of(&id, now) {
        match vouched(&leaf, anchor, role, anchors, now) {
            Err(Refusal::UnknownIssuer) => {}
            verdict => return verdict.map(|()| id),
        }
    }
    Err(Refusal::UnknownIssuer)
}

fn vouched(
    leaf: &EndEntityCert<'_>,
    anchor: &Anchor,
    role: Role,
    anchors: &Anchors,
    now: UnixTime,
) -> Result<(), Refusal> {
    let lists: Vec<_> = anchor.revocations.iter().map(Revocations::list).collect();
    // Without a list there is nothing to check; that each CA has one was seen to on loading.
    let revocation = RevocationOptionsBuilder::new(&lists).ok().map(|options| {
        options
            .with_depth(RevocationCheckDepth::EndEntity)
            .with_status_policy(UnknownStatusPolicy::Deny)
            .with_expiration_policy(if anchors.accept_stale() {
                ExpirationPolicy::Ignore
            } else {
                ExpirationPolicy::Enforce
            })
            .build()
    });
    leaf.verify_for_usage(
        anchors.algorithms().all,
        slice::from_ref(&anchor.anchor),
        &[],
        now,
        role.key_usage(),
        revocation,
        None,
    )?;
    Ok(())
}

/// What both verifiers do: with the material in force at that moment.
#[derive(Debug)]
pub(super) struct PeerVerifier {
    live: Arc<Live>,
    role: Role,
    algorithms: WebPkiSupportedAlgorithms,
}

impl PeerVerifier {
    pub(super) fn new(live: Arc<Live>, role: Role) -> Self {
        Self {
            live,
            role,
            algorithms: provider().signature_verification_algorithms,
        }
    }

    pub(super) fn verify(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<SpiffeId, Refusal> {
        let material = self.live.get();
        let anchors = self.role.anchors(&material);
        verify(anchors, self.role, leaf, intermediates, now)
    }

    pub(super) fn verify_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, leaf, signature, &self.algorithms)
    }

    pub(super) fn schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use strata_core::{Layer, TrustDomain};

    use super::*;
    use crate::{
        anchors::Bundle,
        fixture::{Ca, Leaf, domain},
    };

    /// The anchors of one layer, as a service beside it loads them.
    fn anchors(domain: &TrustDomain, ca: &Ca) -> Anchors {
        let folder = tempfile::TempDir::new().unwrap();
        std::fs::create_dir(folder.path().join("bundles")).unwrap();
        let file = format!("bundles/{}.pem", domain.layer());
        std::fs::write(folder.path().join(file), ca.pem()).unwrap();
        Anchors::load(folder.path(), &[Bundle::of_layer(domain)], false).unwrap()
    }

    #[test]
    fn exactly_one_identity_of_an_accepted_trust_domain() {
        let dev = domain(Layer::Process, "dev");
        let ca = Ca::new(&dev);
        let own = anchors(&dev, &ca);
        let verify =
            |leaf: &CertificateDer<'_>| verify(&own, Role::Caller, leaf, &[], UnixTime::now());
        let honest = Leaf::of(&dev, "overview");
        let id = verify(&ca.issue(&honest).der()).unwrap();
        assert_eq!(id.as_str(), "spiffe://process.dev.org.example/overview");

        let with = |uris: &[&str]| Leaf {
            uris: uris.iter().map(|&uri| uri.to_owned()).collect(),
            ..honest.clone()
        };
        let name = "spiffe://process.dev.org.example/overview";
        for uris in [
            &[][..],
            &[name, "spiffe://process.dev.org.example/other"],
            &["https://process.dev.org.example/overview"],
        ] {
            let refused = verify(&ca.issue(&with(uris)).der());
            assert_eq!(refused, Err(Refusal::Malformed), "{uris:?}");
        }
        for uri in [
            "spiffe://process.prod.org.example/overview",
            "spiffe://experience.dev.org.example/overview",
        ] {
            let refused = verify(&ca.issue(&with(&[uri])).der());
            assert_eq!(refused, Err(Refusal::ForeignTrustDomain), "{uri}");
        }
        let signing = Leaf {
            is_ca: true,
            ..honest.clone()
        };
        let refused = verify(&ca.issue(&signing).der());
        assert_eq!(refused, Err(Refusal::WrongKeyUsage));
        let garbage = CertificateDer::from(vec![0x30, 0x03, 0x02, 0x01, 0x00]);
        assert_eq!(verify(&garbage), Err(Refusal::Malformed));
    }

    #[test]
    fn only_the_layers_own_ca_vouches_and_directly() {
        let dev = domain(Layer::Process, "dev");
        let ca = Ca::new(&dev);
        let anchors = anchors(&dev, &ca);
        let leaf = ca.issue(&Leaf::of(&dev, "overview")).der();
        let verify =
            |leaf, above: &[_]| verify(&anchors, Role::Caller, leaf, above, UnixTime::now());

        assert_eq!(verify(&leaf, &[]).unwrap().service(), "overview");
        assert_eq!(verify(&leaf, &[ca.der()]), Err(Refusal::Malformed));
        let stranger = Ca::new(&dev).issue(&Leaf::of(&dev, "overview")).der();
        assert_eq!(verify(&stranger, &[]), Err(Refusal::UnknownIssuer));
        let below = ca.subordinate().issue(&Leaf::of(&dev, "overview")).der();
        assert_eq!(verify(&below, &[]), Err(Refusal::UnknownIssuer));
    }
}
