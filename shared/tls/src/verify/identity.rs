//! From a certificate to a SPIFFE ID that someone vouches for.

use rustls::{
    DigitallySignedStruct, Error, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature},
};
use rustls_pki_types::{CertificateDer, UnixTime};
use strata_core::{SpiffeId, TrustDomain};
use webpki::{EndEntityCert, KeyUsage};

use crate::{certificate::Certificate, refusal::Refusal, trust::Anchors};

/// The identity of a peer whose handshake was accepted.
///
/// # Errors
/// [`Refusal`] when it is not exactly one certificate with exactly one URI SAN, a SPIFFE ID of one
/// of `domains`.
pub fn peer_id(certs: &[CertificateDer<'_>], domains: &[TrustDomain]) -> Result<SpiffeId, Refusal> {
    match certs {
        [] => Err(Refusal::NoCertificate),
        [leaf] => Certificate::parse(leaf)?.spiffe_id(domains),
        _ => Err(Refusal::Malformed),
    }
}

/// What both verifiers do.
#[derive(Clone, Debug)]
pub(super) struct PeerVerifier {
    anchors: Anchors,
    key_usage: KeyUsage,
    algorithms: WebPkiSupportedAlgorithms,
}

impl PeerVerifier {
    pub(super) const fn new(
        anchors: Anchors,
        key_usage: KeyUsage,
        algorithms: WebPkiSupportedAlgorithms,
    ) -> Self {
        Self {
            anchors,
            key_usage,
            algorithms,
        }
    }

    /// The identity, when a CA of its trust domain signed the leaf itself. A presented intermediate
    /// is refused rather than ignored: layer CAs sign leaves only.
    pub(super) fn verify(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<SpiffeId, Refusal> {
        if !intermediates.is_empty() {
            return Err(Refusal::Malformed);
        }
        let id = Certificate::parse(leaf)?.spiffe_id(self.anchors.domains())?;
        EndEntityCert::try_from(leaf)?.verify_for_usage(
            self.algorithms.all,
            self.anchors.of(&id),
            &[],
            now,
            self.key_usage,
            None,
            None,
        )?;
        Ok(id)
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
    use strata_core::Layer;

    use super::*;
    use crate::fixture::{Ca, Leaf, domain};

    #[test]
    fn exactly_one_certificate_with_exactly_one_identity() {
        let dev = domain(Layer::Process, "dev");
        let ca = Ca::new(&dev);
        let certificate = |leaf: &Leaf| ca.issue(leaf).der();
        let honest = Leaf::of(&dev, "overview");
        let domains = [dev.clone()];

        let id = peer_id(&[certificate(&honest)], &domains).unwrap();
        assert_eq!(id.as_str(), "spiffe://process.dev.org.example/overview");

        let mut two = honest.clone();
        two.uris
            .push("spiffe://process.dev.org.example/other".to_owned());
        let web = Leaf {
            uris: vec!["https://process.dev.org.example/a".to_owned()],
            ..Leaf::of(&dev, "a")
        };
        let none = Leaf {
            uris: Vec::new(),
            ..honest.clone()
        };
        for leaf in [&two, &web, &none] {
            assert_eq!(
                peer_id(&[certificate(leaf)], &domains),
                Err(Refusal::Malformed)
            );
        }
        let signing = Leaf {
            is_ca: true,
            ..honest.clone()
        };
        assert_eq!(
            peer_id(&[certificate(&signing)], &domains),
            Err(Refusal::WrongKeyUsage)
        );
        let chain = [certificate(&honest), certificate(&honest)];
        assert_eq!(peer_id(&chain, &domains), Err(Refusal::Malformed));
        assert_eq!(peer_id(&[], &domains), Err(Refusal::NoCertificate));
        let garbage = CertificateDer::from(vec![0x30, 0x03, 0x02, 0x01, 0x00]);
        assert_eq!(peer_id(&[garbage], &domains), Err(Refusal::Malformed));
        let prod = [
            domain(Layer::Process, "prod"),
            domain(Layer::Experience, "dev"),
        ];
        assert_eq!(
            peer_id(&[certificate(&honest)], &prod),
            Err(Refusal::ForeignTrustDomain)
        );
    }

    #[test]
    fn only_the_layers_own_ca_vouches_and_directly() {
        let dev = domain(Layer::Process, "dev");
        let ca = Ca::new(&dev);
        let folder = tempfile::TempDir::new().unwrap();
        std::fs::write(folder.path().join("process.pem"), ca.pem()).unwrap();
        let verifier = PeerVerifier::new(
            Anchors::load(folder.path(), std::slice::from_ref(&dev)).unwrap(),
            KeyUsage::required(&[43, 6, 1, 5, 5, 7, 3, 2]),
            crate::config::provider().signature_verification_algorithms,
        );
        let leaf = ca.issue(&Leaf::of(&dev, "overview")).der();
        let verify = |leaf, above: &[_]| verifier.verify(leaf, above, UnixTime::now());

        assert_eq!(verify(&leaf, &[]).unwrap().service(), "overview");
        assert_eq!(verify(&leaf, &[ca.der()]), Err(Refusal::Malformed));
        let stranger = Ca::new(&dev).issue(&Leaf::of(&dev, "overview")).der();
        assert_eq!(verify(&stranger, &[]), Err(Refusal::UnknownIssuer));
        let below = ca.subordinate().issue(&Leaf::of(&dev, "overview")).der();
        assert_eq!(verify(&below, &[]), Err(Refusal::UnknownIssuer));
    }
}
